"""What a curve in a thorax of one body changes in its model: where things sit on it, and what its bones look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..model.displacement import Displacement
from ..model.model_edits import ModelEdits, Side
from ..model.text_table import listed
from ..model.types import GROUND, Marker, Model
from .keypoints import KEYPOINT_NAMES, keypoint_places
from .pathology_thorax import BESIDE_M, BentThorax, placed_at
from .thorax_levels import THORACIC_LEVELS, mesh_part

Array = NDArray[np.float64]
_TIP, _TIP_BEHIND_M = "T7", 0.06  # the lower tip of a shoulder blade: at T7 [?], behind the vertebra's middle, by eye
_OUTER = 0.6  # of the shoulder joints' distance from the middle: markers farther out lie on the girdle


def thorax_edits(bent: BentThorax, frames: Mapping[tuple[str, Side], Array]) -> tuple[ModelEdits, list[str]]:
    """Joint frames of the divided model as edits of the whole one, and what has to be said of the thorax.

    What hangs on the thorax goes with its vertebra, T12 with the thorax: joints, markers, wrapping surfaces and
    muscles' points by their height, bones by what they show; the arms with the shoulder girdle.
    """
    divided, name = bent.divided, bent.divided.whole.body_names[bent.divided.body]
    displaced = Displacement(divided.centres[:, 1], bent.moved[:-1])
    go = _Going(divided.whole, divided.body, displaced, bent.moved[-1])
    added = _added_keypoints(divided.whole, divided.body, go)
    geometry, left = _drawn(bent, go)
    notes = [
        f"the thorax is one body ({name}): it has been given the curve as its shape, and stays rigid in motion; its "
        f"vertebrae were found by {divided.told}"
    ]
    if added:
        notes.append(
            f"{listed([marker.name for marker in added], 10)}: added as markers of {name}, since the usual places of "
            "these keypoints do not know of the curve"
        )
    edits = ModelEdits(
        frames=_joint_frames(bent, frames),
        markers={m.name: go.point(m.location) for m in divided.whole.markers if m.body == divided.body},
        added=added,
        geometry=geometry,
        bent=left,
        displaced={name: displaced},
    )
    return edits, notes


def _joint_frames(bent: BentThorax, frames: Mapping[tuple[str, Side], Array]) -> dict[tuple[str, Side], Array]:
    """Frames of the whole model's joints: what hangs on a vertebra or the girdle now hangs there on the thorax."""
    divided = bent.divided
    own = {joint.name for joint in divided.whole.joints}
    placed = {key: frame for key, frame in frames.items() if key[0] in own}
    kept = [joint for index, joint in enumerate(divided.model.joints) if index not in divided.added]
    for before, joint in zip(kept, divided.whole.joints, strict=True):
        if joint.parent == divided.body and before.parent != divided.body:
            frame = frames.get((joint.name, "parent"), before.parent_offset)
            placed[joint.name, "parent"] = bent.poses[before.parent - divided.body - 1] @ frame
    return placed


def _drawn(bent: BentThorax, go: _Going) -> tuple[dict[tuple[str, str], Array], frozenset[tuple[str, str]]]:
    """New places of bones that belong to a vertebra or the shoulders, and the meshes that are to be bent instead."""
    divided, moved = bent.divided, bent.moved
    name = divided.whole.body_names[divided.body]
    places, left = {}, []
    for each in (each for each in divided.whole.geometry if each.body == divided.body and each.kind != "frame"):
        part = mesh_part(each)
        if part is None and each.kind == "mesh":
            left.append((name, each.name))
        elif part is None:
            places[name, each.name] = go.displaced.at(each.transform[:3, 3]) @ each.transform
        elif part != THORACIC_LEVELS[0]:
            place = go.scapula(bent, part[-1]) if part.startswith("scapula") else moved[_row_of(part)]
            places[name, each.name] = place @ each.transform
    return places, frozenset(left)


def _row_of(part: str) -> int:
    """Where `BentThorax.moved` has the part that a mesh shows."""
    return {"neck": -2, "girdle": -1}.get(part, THORACIC_LEVELS.index(part) if part in THORACIC_LEVELS else 0)


class _Going:
    """Where points of the thorax go: with the shoulder girdle far out at the sides, else by their height."""

    def __init__(self, whole: Model, thorax: int, displaced: Displacement, girdle: Array) -> None:
        self.displaced, self.girdle = displaced, girdle
        joints = [joint.parent_offset[:3, 3] for joint in whole.joints if joint.parent == thorax]
        self.shoulder = max(joints, key=lambda place: abs(place[2]), default=np.zeros(3))
        self.reach = abs(float(self.shoulder[2]))
        self.outer = _OUTER * self.reach if self.reach > BESIDE_M else np.inf

    def point(self, place: Array) -> Array:
        if abs(place[2]) > self.outer:
            return self.girdle[:3, :3] @ place + self.girdle[:3, 3]
        return self.displaced.points(place)

    def scapula(self, bent: BentThorax, side: str) -> Array:
        """A shoulder blade hangs on the shoulder, with its lower tip on the ribs: [4, 4]."""
        sign = 1.0 if side == "r" else -1.0
        joint = self.shoulder * (1.0, 1.0, 0.0) + np.array([0.0, 0.0, sign * self.reach])
        tip = bent.divided.centres[THORACIC_LEVELS.index(_TIP)] + np.array([-_TIP_BEHIND_M, 0.0, sign * self.reach / 2])
        hung = self.girdle[:3, :3] @ joint + self.girdle[:3, 3]
        before, after = self.girdle[:3, :3] @ (tip - joint), self.displaced.points(tip) - hung
        after[1] = before[1]  # on the ribs there, but as far under the shoulder as before: it glides over them
        turn = _least_turn(before, after) @ self.girdle[:3, :3]
        place = placed_at(hung - turn @ joint)
        place[:3, :3] = turn
        return place


def _least_turn(before: Array, after: Array) -> Array:
    """The smallest rotation [3, 3] that brings one direction to another, which is less than opposite."""
    one, other = before / np.linalg.norm(before), after / np.linalg.norm(after)
    axis = np.cross(one, other)
    cross = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
    return np.eye(3) + cross + cross @ cross / (1.0 + one @ other)


def _added_keypoints(whole: Model, thorax: int, go: _Going) -> tuple[Marker, ...]:
    """Markers for the keypoints that have a place on the thorax without being markers of the model."""
    places = keypoint_places(whole)
    return tuple(
        Marker(KEYPOINT_NAMES[index], thorax, go.point(places.locations[index]))
        for index, source in enumerate(places.source)
        if source == "placed" and places.bodies[index] == thorax
    )


def with_straight_meshes(model: Model, edits: ModelEdits) -> ModelEdits:
    """The edits with straight meshes, as near as they come to the bent thorax, in place of bent ones."""
    places = dict(edits.geometry)
    for geometry in model.geometry:
        key = "ground" if geometry.body == GROUND else model.body_names[geometry.body], geometry.name
        if key in edits.bent:
            places[key] = nearest_place(edits.displaced[key[0]]) @ geometry.transform
    return replace(edits, geometry=places, bent=frozenset())


def nearest_place(displaced: Displacement) -> Array:
    """The displacement [4, 4] that brings a thorax nearest where its vertebrae go: for bones that stay straight.

    The least-squares rigid displacement of the spine's line and of points to its right and in front of it.
    """
    arm = 0.1  # m, about the rib cage's half width: how much turning counts beside going
    offsets = np.array([[0.0, 0.0, 0.0], [arm, 0.0, 0.0], [0.0, 0.0, arm], [0.0, 0.0, -arm]])
    points = (np.array([[0.0, height, 0.0] for height in displaced.heights])[:, None] + offsets).reshape(-1, 3)
    gone = displaced.points(points)
    middle, new = points.mean(axis=0), gone.mean(axis=0)
    left, _, right = np.linalg.svd((gone - new).T @ (points - middle))
    turn = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    place = np.eye(4)
    place[:3, :3], place[:3, 3] = turn, new - turn @ middle
    return place
