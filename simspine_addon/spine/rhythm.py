"""Lumbopelvic rhythm: how much of a forward bend the lumbar spine gives, and how much the hips and the pelvis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kinematics.forward import joint_frames
from ..kinematics.pose_track import PoseTrack
from ..model.types import GROUND, Model
from .levels import lumbar_levels

Array = NDArray[np.float64]

THIRDS_DEG = ((0.0, 30.0), (30.0, 60.0), (60.0, 90.0))
_LEAST_BEND_DEG = 20.0  # below this the shares are noise


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Forward lean of trunk, pelvis and lumbar spine, rad [T], against the default pose; flexion is positive.

    `trunk = pelvis + lumbar` but for what bending sideways adds. `lumbar_share` is lumbar/trunk at the deepest bend;
    `ratios` holds lumbar/pelvis of the way down, one per third of 90 deg (NaN where not reached). They are NaN
    when the trunk bends by less than 20 deg. On planted feet the pelvis leans by as much as the hips flex.
    """

    trunk: Array
    pelvis: Array
    lumbar: Array
    deepest: int
    lumbar_share: float
    ratios: tuple[float, float, float]


def lumbopelvic_rhythm(model: Model, track: PoseTrack) -> Rhythm | None:
    """The rhythm of a motion, or None where the model's lumbar spine cannot be told.

    The lean of the pelvis is that of the frame below the lowest lumbar joint, the trunk's that of the frame above the
    highest, both as the angle of their Y axes against the vertical in their own sagittal planes.
    """
    levels = lumbar_levels(model)
    if not levels or len(track.time) == 0:
        return None
    lower, upper = joint_frames(model, track.positions, track.rotations)
    if model.joints[levels[0].joint].parent == GROUND:
        return None
    pelvis = _lean(lower[:, levels[0].joint, :3, :3])
    trunk = _lean(upper[:, levels[-1].joint, :3, :3])
    rest_lower, rest_upper = joint_frames(model, track.rest_positions[None], track.rest_rotations[None])
    pelvis = pelvis - _lean(rest_lower[:, levels[0].joint, :3, :3])[0]
    trunk = trunk - _lean(rest_upper[:, levels[-1].joint, :3, :3])[0]
    lumbar, deepest = trunk - pelvis, int(np.argmax(trunk))
    nothing = (np.nan, np.nan, np.nan)
    if np.degrees(trunk[deepest]) < _LEAST_BEND_DEG:
        return Rhythm(trunk, pelvis, lumbar, deepest, np.nan, nothing)
    share = float(lumbar[deepest] / trunk[deepest])
    return Rhythm(trunk, pelvis, lumbar, deepest, share, _ratios(trunk[: deepest + 1], pelvis[: deepest + 1]))


def _lean(rotations: Array) -> Array:
    """Forward lean [T] rad of frames [T, 3, 3]: where ground's up stands in the frame's sagittal plane."""
    return np.unwrap(np.arctan2(-rotations[:, 1, 0], rotations[:, 1, 1]))


def _ratios(trunk: Array, pelvis: Array) -> tuple[float, float, float]:
    """Lumbar over pelvic change while the trunk passes each third; the trunk is taken as its running maximum."""
    reached = np.maximum.accumulate(trunk)
    first = np.concatenate([[True], np.diff(reached) > 0])
    found = []
    for low, high in np.radians(THIRDS_DEG):
        if reached[-1] < high:
            found.append(np.nan)
            continue
        at = np.interp([low, high], reached[first], pelvis[first])
        change = float(at[1] - at[0])
        found.append(float((high - low) - change) / change if abs(change) > np.radians(0.5) else np.inf)
    one, two, three = found
    return one, two, three
