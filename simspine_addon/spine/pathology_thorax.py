"""A thorax that is one body, given a curve: divided into vertebrae while its shape is made, rigid again afterwards.

A joint that the model does not have cannot be bent, and the rib cage goes on moving as one body. What can be changed is
its shape: where the neck, the arms, the markers and the bones sit on it. So the thorax is divided, in memory, into
welded vertebrae, the curve is made as on a model that has them, and what hangs on the thorax is then put where its
vertebra has gone (`pathology_thorax_edits`). T12 is the thorax itself and carries the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..model.model_edits import ModelEdits, Side, edited_model
from ..model.types import Body, Joint, Model, TransformAxis
from .pathology_pose import rest_frames
from .thorax_levels import THORACIC_LEVELS, thoracic_centres
from .vertebral_chain import vertebral_chain

Array = NDArray[np.float64]

GIRDLE = "shoulder girdle"
BESIDE_M = 0.05  # a joint farther from the middle than this hangs on the shoulder girdle, not on the spine


@dataclass(frozen=True, slots=True)
class DividedThorax:
    """A model with its thorax in vertebrae: `model` has the bodies T11 to T1 and the shoulder girdle besides its own.

    They stand right behind the thorax (index `body` in both models), welded, with the thorax's own axes and their
    origins in the vertebrae's middles. `centres` [12, 3] m are these, of T12 to T1, in the frame of the thorax.
    """

    whole: Model
    model: Model
    body: int
    centres: Array
    told: str  # where the centres come from

    @property
    def added(self) -> tuple[int, ...]:
        """The divided model's bodies that the whole one does not have: T11 to T1, then the girdle."""
        return tuple(range(self.body + 1, self.body + 1 + len(THORACIC_LEVELS)))

    @property
    def girdle(self) -> int:
        return self.added[-1]

    @property
    def girdle_level(self) -> int:
        """Which of T12 to T1 (0 to 11) carries the shoulder girdle."""
        return self.model.joints[self.girdle].parent - self.body


@dataclass(frozen=True, slots=True)
class BentThorax:
    """What a curve has made of a divided thorax: `poses` [12, 4, 4] of T11 to T1 and the girdle in the thorax's frame.

    `straight` are the same before.
    """

    divided: DividedThorax
    poses: Array
    straight: Array

    @property
    def moved(self) -> Array:
        """Where the parts of the thorax go, [13, 4, 4]: of T12 (which stays) to T1, then of the girdle."""
        moved = self.poses @ np.linalg.inv(self.straight)
        return np.concatenate([np.eye(4)[None], moved])


def divided_thorax(model: Model) -> DividedThorax:
    """Divide the one body above T12-L1.

    Raises:
        InputError: no such body, or nothing tells where its vertebrae lie.
    """
    chain = vertebral_chain(model)
    thorax = chain.bodies[-1]
    below = model.joints[chain.joints[-1]].child_offset[:3, 3]
    centres, told = thoracic_centres(model, thorax, below)
    steps = len(THORACIC_LEVELS)

    def moved(index: int) -> int:
        return index if index <= thorax else index + steps

    hung = [j for j in model.joints if j.parent == thorax]
    beside = [j for j in hung if abs(j.parent_offset[2, 3]) > BESIDE_M]
    height = float(np.mean([j.parent_offset[1, 3] for j in beside])) if beside else float(centres[-1, 1])
    level = int(np.abs(centres[:, 1] - height).argmin())
    joints = []
    for joint in model.joints:
        parent, offset = moved(joint.parent), joint.parent_offset
        if joint.parent == thorax:
            row = level if joint in beside else int(np.abs(centres[:, 1] - offset[1, 3]).argmin())
            parent = thorax + steps if joint in beside else thorax + row
            offset = placed_at(-centres[row] if parent > thorax else np.zeros(3)) @ offset
        joints.append(replace(joint, parent=parent, child=moved(joint.child), parent_offset=offset))
    welds, massless = [], Body("", 0.0, np.zeros(3), np.zeros(6))
    names = [*THORACIC_LEVELS[1:], GIRDLE]
    for row in range(1, steps):
        disc = 0.5 * (centres[row - 1] + centres[row])
        own = np.zeros(3) if row == 1 else centres[row - 1]
        welds.append(_weld(names[row - 1], thorax + row - 1, thorax + row, disc - own, disc - centres[row]))
    welds.append(_weld(GIRDLE, thorax + level, thorax + steps, centres[level] * (level == 0), np.zeros(3)))
    cut = thorax + 1
    divided = replace(
        model,
        bodies=(*model.bodies[:cut], *(replace(massless, name=name) for name in names), *model.bodies[cut:]),
        joints=(*joints[:cut], *welds, *joints[cut:]),
        coordinates=tuple(replace(each, joint=moved(each.joint)) for each in model.coordinates),
        markers=tuple(replace(each, body=moved(each.body)) for each in model.markers),
        geometry=tuple(replace(each, body=moved(each.body)) for each in model.geometry),
    )
    return DividedThorax(model, divided, thorax, centres, told)


def placed_at(place: Array) -> Array:
    """The frame [4, 4] that is only moved, to a place [3] m."""
    frame = np.eye(4)
    frame[:3, 3] = place
    return frame


def _weld(name: str, parent: int, child: int, below: Array, above: Array) -> Joint:
    axes = tuple(TransformAxis(axis) for axis in np.concatenate([np.eye(3), np.eye(3)]))
    return Joint(f"{name} in the thorax", "WeldJoint", parent, child, placed_at(below), placed_at(above), axes, ())


def bent_thorax(divided: DividedThorax, frames: Mapping[tuple[str, Side], Array]) -> BentThorax:
    """The shape that joint frames of the divided model give its thorax."""
    after = edited_model(divided.model, ModelEdits(frames=frames))
    return BentThorax(divided, *(_in_thorax(each, divided) for each in (after, divided.model)))


def _in_thorax(model: Model, divided: DividedThorax) -> Array:
    positions, rotations = rest_frames(model)
    thorax = _pose(positions[divided.body], rotations[divided.body])
    return np.array([np.linalg.inv(thorax) @ _pose(positions[each], rotations[each]) for each in divided.added])


def _pose(position: Array, rotation: Array) -> Array:
    frame = placed_at(position)
    frame[:3, :3] = rotation
    return frame


def divided_track(bent: BentThorax, track: PoseTrack) -> PoseTrack:
    """The track of a whole model with the bent thorax, as one of the divided model: T11 to T1 and the girdle besides.

    Its rest pose is the given one, with the thorax straight.
    """
    divided, cut = bent.divided, bent.divided.body + 1
    thorax, still = track.rotations[:, divided.body], track.rest_rotations[divided.body]
    added = bent.poses
    positions = np.einsum("tij,nj->tni", thorax, added[:, :3, 3]) + track.positions[:, None, divided.body]
    rotations = np.einsum("tij,njk->tnik", thorax, added[:, :3, :3])
    resting = bent.straight[:, :3, 3] @ still.T + track.rest_positions[divided.body]
    centres = np.array([divided.model.joints[body].child_offset[:3, 3] for body in divided.added])
    return PoseTrack(
        time=track.time,
        names=divided.model.body_names,
        parents=divided.model.parents,
        positions=np.concatenate([track.positions[:, :cut], positions, track.positions[:, cut:]], axis=1),
        rotations=np.concatenate([track.rotations[:, :cut], rotations, track.rotations[:, cut:]], axis=1),
        centres=np.concatenate([track.centres[:cut], centres, track.centres[cut:]]),
        rest_positions=np.concatenate([track.rest_positions[:cut], resting, track.rest_positions[cut:]]),
        rest_rotations=np.concatenate(
            [track.rest_rotations[:cut], np.repeat(still[None], len(added), axis=0), track.rest_rotations[cut:]]
        ),
    )
