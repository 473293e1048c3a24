"""When and where someone sits: thighs level, hips at rest, and balance that the feet alone could not keep.

A body at rest falls unless its centre of mass lies over what carries it (statics). Someone who squats or bends keeps it
over the feet; where it lies beside all that is near the floor, something else carries the body: a seat. So no seat is
put under a squat, however low, and none under someone who kneels or who sits on the floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..spine.keypoints import KEYPOINT_NAMES

Array = NDArray[np.float64]

LEVEL_DEG = 40.0  # a thigh may rise or fall so much from hip to knee
UPRIGHT_DEG = 70.0  # the trunk may lean so far from the vertical; who lies does not sit
REST_M_S = 0.15  # the hips go no faster
REST_S = 0.3  # and so for at least this long
BESIDE_M = 0.05  # the centre of mass lies at least so far beside what stands on the floor
NEAR_FLOOR_M = 0.15  # keypoints no higher than this may carry weight
LEAST_HIP_M = 0.2  # hips lower than this are those of someone on the floor
_SPEED_S = 0.1  # over so long before and after, a frame's speed is measured
# Winter, Biomechanics and Motor Control of Human Movement (4th ed., table 4.1): shares of the body's mass of head, arms
# and trunk together, both thighs, both lower legs and both feet; and where along a segment its own centre lies.
_TRUNK, _THIGHS, _LEGS, _FEET = 0.678, 0.2, 0.093, 0.029
_TRUNK_ALONG, _LIMB_ALONG = 0.626, 0.433
_ON_FLOOR = ("Heel", "BigToe", "SmallToe", "Ankle", "Knee", "Wrist")
_DIRECTIONS = 32


@dataclass(frozen=True, slots=True)
class Sitting:
    """A while that one person sits in one place."""

    person: int
    frames: NDArray[np.int64]  # of the motion
    hip: Array  # [3] m middle of the hips, on average
    heading: float  # rad about Y from +Z towards +X: where the thighs point
    thigh_m: float  # from hip to knee


def sittings(time: Array, keypoints: Array, floor: float, person: int = 0) -> tuple[Sitting, ...]:
    """Every while in which a person sits, in order; none where hips, knees or ankles are not known.

    Args:
        time: [T] s.
        keypoints: [T, 37, 3] m in ground, NaN where the model has none.
        floor: height of the floor, m.
        person: number to give to it.
    """
    seated = _level(keypoints, floor) & _at_rest(time, keypoints) & (_beside(keypoints, floor) > BESIDE_M)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], seated, [False]]).astype(int)))
    found = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if time[end - 1] - time[start] < REST_S and end - start < len(time):
            continue
        frames = np.arange(start, end)
        hip, knee = (_middle(keypoints[frames], name) for name in ("Hip", "Knee"))
        ahead = (knee - hip).mean(axis=0)
        thighs = [np.linalg.norm(_one(keypoints[frames], f"{s}Knee") - _one(keypoints[frames], f"{s}Hip"), axis=1)
                  for s in "LR"]  # fmt: skip
        heading = float(np.arctan2(ahead[0], ahead[2]))
        found.append(Sitting(person, frames, hip.mean(axis=0), heading, float(np.mean(thighs))))
    return tuple(found)


def _one(keypoints: Array, name: str) -> Array:
    return keypoints[:, KEYPOINT_NAMES.index(name)]


def _middle(keypoints: Array, name: str) -> Array:
    """Between left and right, [T, 3]."""
    return (_one(keypoints, f"L{name}") + _one(keypoints, f"R{name}")) / 2


def _level(keypoints: Array, floor: float) -> NDArray[np.bool_]:
    """Both thighs near the horizontal, the trunk upright, and the hips over the floor, [T]; false where not known."""
    hips = _middle(keypoints, "Hip")
    fits = hips[:, 1] - floor > LEAST_HIP_M
    for side in "LR":
        thigh = _one(keypoints, f"{side}Knee") - _one(keypoints, f"{side}Hip")
        fits &= np.abs(thigh[:, 1]) < np.tan(np.radians(LEVEL_DEG)) * np.hypot(thigh[:, 0], thigh[:, 2])
    trunk = _top_of_trunk(keypoints) - hips
    return fits & (trunk[:, 1] >= np.cos(np.radians(UPRIGHT_DEG)) * np.linalg.norm(trunk, axis=1))


def _top_of_trunk(keypoints: Array) -> Array:
    """Between the shoulders, else the neck; the hips where the model has neither, [T, 3]."""
    for place in (_middle(keypoints, "Shoulder"), _one(keypoints, "Neck")):
        if np.isfinite(place).all():
            return place
    return _middle(keypoints, "Hip")


def _at_rest(time: Array, keypoints: Array) -> NDArray[np.bool_]:
    """Where the hips hardly move, [T]."""
    hips = _middle(keypoints, "Hip")
    if len(time) == 1:
        return np.ones(1, bool)
    before, after = np.maximum(time - _SPEED_S, time[0]), np.minimum(time + _SPEED_S, time[-1])
    way = np.stack([np.interp(after, time, x) - np.interp(before, time, x) for x in hips.T], axis=1)
    return np.linalg.norm(way, axis=1) < REST_M_S * (after - before)


def _beside(keypoints: Array, floor: float) -> Array:
    """How far the centre of mass lies, seen from above, outside the hull of what is near the floor, [T] m.

    Infinite where nothing is near it.
    """
    mass = _centre_of_mass(keypoints)[:, [0, 2]]
    angles = np.linspace(0.0, 2.0 * np.pi, _DIRECTIONS, endpoint=False)
    ways = np.stack([np.cos(angles), np.sin(angles)])
    carriers = np.stack([_one(keypoints, side + name) for name in _ON_FLOOR for side in "LR"], axis=1)
    near = carriers[..., 1] < floor + NEAR_FLOOR_M  # false for NaN
    reach = np.where(near[..., None], carriers[..., [0, 2]] @ ways, -np.inf).max(axis=1)
    return (mass @ ways - reach).max(axis=1)


def _centre_of_mass(keypoints: Array) -> Array:
    """Of the whole body, [T, 3] m, from segments as rods."""
    hip, knee, ankle = (_middle(keypoints, name) for name in ("Hip", "Knee", "Ankle"))
    trunk = hip + _TRUNK_ALONG * (_top_of_trunk(keypoints) - hip)
    thigh, leg = hip + _LIMB_ALONG * (knee - hip), knee + _LIMB_ALONG * (ankle - knee)
    return _TRUNK * trunk + _THIGHS * thigh + _LEGS * leg + _FEET * ankle


def same_place(one: Sitting, other: Sitting) -> bool:
    """Whether one seat can serve both."""
    apart = np.linalg.norm((one.hip - other.hip)[[0, 2]])
    turn = np.abs((one.heading - other.heading + np.pi) % (2 * np.pi) - np.pi)
    return bool(apart < 0.8 * min(one.thigh_m, other.thigh_m) and turn < np.radians(45.0))


def by_place(found: Sequence[Sitting]) -> list[list[Sitting]]:
    """The whiles, those of one seat together."""
    groups: list[list[Sitting]] = []
    for sitting in found:
        group = next((each for each in groups if same_place(each[0], sitting)), None)
        if group is None:
            groups.append([sitting])
        else:
            group.append(sitting)
    return groups
