"""The scene of a render job: the person and the studio in Blender, and the same surface as arrays for the labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..exporters.outline import SkinnedPoints, blended_points, outermost, rigid_points
from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.types import GROUND, Model
from ..simspine_addon.scene.avatar import add_avatar
from ..simspine_addon.scene.axes import points_to_blender
from ..simspine_addon.scene.body import build_body
from ..simspine_addon.scene.import_motion import import_person
from ..simspine_addon.scene.names import fitting_names
from ..simspine_addon.scene.retarget_keys import key_track
from ..simspine_addon.scene.stick_bones import add_stick_bones
from ..simspine_addon.scene.studio import build_studio, color_bones
from ..simspine_addon.spine.keypoints import KEYPOINT_NAMES, keypoint_places
from ..simspine_addon.spine.levels import lumbar_levels
from .render_avatar import MovingAvatar

Array = NDArray[np.float64]

_FLOOR_POSES = 120  # at how many poses the lowest point is looked for


@dataclass(frozen=True, slots=True)
class Person:
    """The person in the scene: `parts` is the surface that the cameras see, carried by the pose track's bodies (an
    avatar's bones)."""

    armature: bpy.types.Object
    parts: tuple[SkinnedPoints, ...]
    warnings: tuple[str, ...]


def add_person(scene: bpy.types.Scene, model: Model, poses: PoseTrack, avatar: str, geometry: Sequence[Path]) -> Person:
    """Bring the model into the scene as skeleton, body or both; `poses` fall on frames 1, 2, 3 ...

    Raises:
        InputError: poses that cannot be used, or a model that no body can be drawn around.
    """
    with_bones = avatar != "body"
    imported = import_person(scene, model, None, poses, fps=1.0, geometry_dirs=geometry, with_meshes=with_bones)
    names, _ = fitting_names(poses.names, "body")
    parts: list[SkinnedPoints] = []
    notes = list(imported.warnings)
    if with_bones:
        bones = [obj for obj in imported.objects if obj.type == "MESH" and not obj.hide_render]
        if not bones:
            bones = add_stick_bones(imported.armature, poses, names)
            notes.append("the model has no bone meshes here, so its bones are drawn as plain sticks")
        parts += rendered_surface(bones, names)
        levels = _lumbar_levels_of_bodies(model)
        color_bones((obj, levels.get(_body_of(obj, names))) for obj in bones)
    if avatar != "skeleton":
        bones_of = dict(zip(poses.names, names, strict=True))
        body = build_body(imported.armature, poses, bones_of, avatar == "both", _crown_height(model, poses))
        parts.append(blended_points(body.rest_vertices, body.bodies, body.weights, poses))
    return Person(imported.armature, tuple(parts), tuple(notes))


def add_moving_avatar(scene: bpy.types.Scene, moving: MovingAvatar, poses: PoseTrack) -> Person:
    """Bring a dressed avatar into the scene; `poses` of its bones fall on frames 1, 2, 3 ...

    Raises:
        InputError: its armature cannot be keyed.
    """
    avatar = moving.avatar
    added = add_avatar(scene, avatar, avatar.name)
    frames = np.arange(1.0, len(poses.time) + 1.0)
    keyed = key_track(added.armature, poses, frames, moving.mapped_bones, f"{avatar.name} motion")
    order = np.argsort(-avatar.weight_shares, axis=1, kind="stable")  # the main bone first: see `outermost`
    bones = np.take_along_axis(avatar.weight_bones, order, axis=1)
    shares = np.take_along_axis(avatar.weight_shares, order, axis=1)
    skin = blended_points(avatar.vertices, bones, shares, poses)
    return Person(added.armature, (skin,), keyed.notes)


def add_studio(scene: bpy.types.Scene, person: Person, whole_track: PoseTrack) -> None:
    """The studio, around wherever the whole motion goes: it is the same whichever rows are rendered."""
    points = surface_samples(person, whole_track)
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    centre = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    radius = float(np.hypot(high[0] - low[0], high[2] - low[2]) / 2)
    build_studio(scene, points_to_blender(centre), max(radius, 0.8))


def surface_samples(person: Person, track: PoseTrack) -> Array:
    """Outermost points of the person at up to 120 poses spread over a motion, [T, N, 3] m in ground."""
    few = outermost(list(person.parts))
    count = len(track.time)
    rows = np.unique(np.linspace(0, count - 1, min(count, _FLOOR_POSES)).round().astype(int))
    return np.stack([few.at(track, int(row)) for row in rows])


def rendered_surface(bones: Iterable[bpy.types.Object], names: Sequence[str]) -> list[SkinnedPoints]:
    """The vertices of bone meshes, each in the frame of the body that carries it; without what is fixed to the ground.

    `names` are the bones' names in the order of the pose track's bodies.
    """
    return [part for part in (_carried(obj, names) for obj in bones) if part is not None]


def _carried(obj: bpy.types.Object, names: Sequence[str]) -> SkinnedPoints | None:
    """A bone's vertices in the frame of its body; None for what is fixed to the ground."""
    body = _body_of(obj, names)
    if body is None or not isinstance(obj.data, bpy.types.Mesh) or not len(obj.data.vertices):
        return None
    vertices = np.empty(len(obj.data.vertices) * 3, np.float32)
    obj.data.vertices.foreach_get("co", vertices)
    own = np.array(obj.matrix_basis, dtype=float)  # into the body's frame: see scene/geometry.py
    return rigid_points(vertices.reshape(-1, 3).astype(float) @ own[:3, :3].T + own[:3, 3], body)


def _body_of(obj: bpy.types.Object, names: Sequence[str]) -> int | None:
    return list(names).index(obj.parent_bone) if obj.parent_type == "BONE" and obj.parent_bone in names else None


def _crown_height(model: Model, poses: PoseTrack) -> float | None:
    """Height (m) of the keypoint `Head`, the top of the head, at rest; None where the model has none."""
    places = keypoint_places(model)
    index = KEYPOINT_NAMES.index("Head")
    body = int(places.bodies[index])
    if body == GROUND or not np.isfinite(places.locations[index]).all():
        return None
    return float((poses.rest_positions[body] + poses.rest_rotations[body] @ places.locations[index])[1])


def _lumbar_levels_of_bodies(model: Model) -> dict[int | None, int]:
    """Body index -> 1 for L1 to 5 for L5, for the vertebrae that the model has."""
    levels: dict[int | None, int] = {}
    for level in lumbar_levels(model):
        if level.name.startswith("L") and level.name[1:2].isdigit():
            levels[model.joints[level.joint].child] = int(level.name[1])
    return levels
