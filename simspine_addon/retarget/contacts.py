"""When heel and ball of a foot stand on the floor, from their height and speed, with hysteresis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .rotations import Array

Mask = NDArray[np.bool_]

# Heights as shares of the leg length, speeds as shares of sqrt(g leg), with which walking speeds grow (Froude): for a
# leg of 0.86 m, 15 and 22 mm, 0.09 and 0.15 m/s. Wider bounds hold a foot flat while its heel already comes off.
_LOW, _HIGH = 0.018, 0.026
_SLOW, _FAST = 0.030, 0.050
_SHORTEST = 0.06  # s; a shorter stance or gap is noise
_SOLE = 0.012  # of the leg length
_GRAVITY = 9.80665


def speeds(points: Array, rate: float) -> Array:
    """Speeds [T] in m/s of a point [T, 3] by central differences."""
    if len(points) < 3:
        return np.zeros(len(points))
    return np.linalg.norm(np.gradient(points, axis=0), axis=-1) * rate


def standing(points: Array, rate: float, floor: float, leg: float) -> Mask:
    """Whether a point of the sole [T, 3] m stands on the floor, [T].

    It stands from where it is first both low and slow to where it last is, as long as it is neither higher nor faster
    than the wider bounds in between. Stances and gaps shorter than 0.06 s are dropped and closed.
    """
    height = points[:, 1] - floor
    speed = speeds(points, rate) / np.sqrt(_GRAVITY * leg)
    begins = (height < _LOW * leg) & (speed < _SLOW)
    ends = (height > _HIGH * leg) | (speed > _FAST)
    # The last of these events decides; before any, the foot is in the air.
    event = np.where(begins | ends, np.arange(len(height)), -1)
    last = np.maximum.accumulate(event)
    state = np.where(last >= 0, begins[last], False)
    for first, past in runs(state):
        state[first + int(np.flatnonzero(begins[first:past])[-1]) + 1 : past] = False
    shortest = max(round(_SHORTEST * rate), 1)
    return _without_short(~_without_short(~state, shortest), shortest)


def runs(mask: Mask) -> list[tuple[int, int]]:
    """Where a mask holds, as (first, one past the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _without_short(mask: Mask, shortest: int) -> Mask:
    """Runs of True that are shorter than `shortest` frames become False, unless they touch either end."""
    kept = mask.copy()
    for first, past in runs(mask):
        if past - first < shortest and first > 0 and past < len(mask):
            kept[first:past] = False
    return kept


def source_floor(heel: Array, ball: Array, leg: float) -> float:
    """The level of the floor under a motion, m: where the lower of heel and ball [T, 3] is in its lowest moments.

    Ground level, where that is within about a centimetre: soles are known no better.
    """
    level = float(np.percentile(np.minimum(heel[:, 1], ball[:, 1]), 10.0))
    return 0.0 if abs(level) < _SOLE * leg else level
