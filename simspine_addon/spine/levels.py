"""Lumbar levels: which joint stands between which vertebrae, known by bodies and joints, never by names of angles."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kinematics.forward import joint_frames
from ..kinematics.pose_track import PoseTrack
from ..model.types import GROUND, Joint, Model

Array = NDArray[np.float64]

_TRUNKS, _PELVES = ("torso", "thorax", "trunk"), ("pelvis", "sacrum")
_LUMBAR_BODY = re.compile(r"^(?:lumbar[_ ]?|lumbar_vertebra[_ ]?|l)([1-5])(?:_vertebra)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Level:
    """A motion segment: its name ("L5-S1" to "T12-L1", or "lumbar" for a spine of one joint) and its joint's index."""

    name: str
    joint: int


def lumbar_levels(model: Model) -> tuple[Level, ...]:
    """The lumbar motion segments, from the sacrum up; empty where the model has no spine that can be told.

    A vertebra is a body named lumbar5, L5 or the like; its level is the joint that carries it. A model whose trunk
    hangs on the pelvis by a single joint has the one level "lumbar", whatever its coordinates are called.
    """
    vertebrae = {}
    for index, name in enumerate(model.body_names):
        match = _LUMBAR_BODY.match(name)
        if match:
            vertebrae[int(match.group(1))] = index
    levels = []
    ends = {*vertebrae.values(), *(i for i, name in enumerate(model.body_names) if name.lower() in _PELVES)}
    for number in sorted(vertebrae, reverse=True):
        below = "S1" if number == 5 else f"L{number + 1}"
        levels.append(Level(f"L{number}-{below}", _carrier(model, vertebrae[number], ends)))
    if 1 in vertebrae:
        above = [j for j, joint in enumerate(model.joints) if joint.parent == vertebrae[1]]
        # a joint that moves rather than something welded to L1; a fused level is welded itself
        above.sort(key=lambda j: (_is_weld(model.joints[j]), model.body_names[j].lower() not in _TRUNKS))
        if above:
            levels.append(Level("T12-L1", above[0]))
    return tuple(levels) if levels else _single_joint(model)


def _carrier(model: Model, body: int, ends: set[int]) -> int:
    """The joint that carries a body, past welds, but not past a vertebra or the pelvis: a fused level is a weld."""
    first = body
    while _is_weld(model.joints[body]) and model.joints[body].parent != GROUND:
        body = model.joints[body].parent
        if body in ends:
            return first
    return body


def _is_weld(joint: Joint) -> bool:
    return not joint.coordinates


def _single_joint(model: Model) -> tuple[Level, ...]:
    names = [name.lower() for name in model.body_names]
    for trunk in _TRUNKS:
        if trunk in names:
            joint = model.joints[names.index(trunk)]
            if joint.parent != GROUND and names[joint.parent] in _PELVES:
                return (Level("lumbar", names.index(trunk)),)
    return ()


def level_angles(model: Model, track: PoseTrack) -> tuple[tuple[Level, ...], Array]:
    """Flexion-extension, lateral bending and axial rotation of each lumbar level.

    The rotation from the joint's lower to its upper frame is split as Rz(flexion) Rx(bending) Ry(axial), the order of
    the lumbar joints of Beaucage-Gauvreau et al. (2019); on such joints these are the coordinates themselves.

    Returns:
        the levels, and angles [T, L, 3] in rad.
    """
    levels = lumbar_levels(model)
    lower, upper = joint_frames(model, track.positions, track.rotations)
    joints = [level.joint for level in levels]
    relative = np.einsum("tjki,tjkl->tjil", lower[:, joints, :3, :3], upper[:, joints, :3, :3])
    bending = np.arcsin(np.clip(relative[..., 2, 1], -1.0, 1.0))
    flexion = np.arctan2(-relative[..., 0, 1], relative[..., 1, 1])
    axial = np.arctan2(-relative[..., 2, 0], relative[..., 2, 2])
    return levels, np.stack([flexion, bending, axial], axis=-1)
