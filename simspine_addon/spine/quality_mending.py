"""The mending behind quality control: gaps bridged, turns and gimbal flips undone, spikes told from movement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model.functions import Linear
from ..model.types import Joint, Model

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

_LONG_STEP = 1.5  # of the usual time step: frames are missing between
_ORTHOGONAL = 1e-6
_FLIP = np.radians(60.0)  # a flip leaps far; smaller exchanges are movement
_REACH = 2  # frames on either side that a spike's own residual reaches


def insert_missing_frames(time: Array, values: Array, longest_gap: float) -> tuple[Array, Array, NDArray[np.int64]]:
    """Give missing frames a row of NaN, where a hole in `time` is not longer than `longest_gap` seconds.

    Returns:
        time [T'], values [T', C] and for each frame its row in the input, -1 for inserted ones.
    """
    steps = np.diff(time)
    if len(steps) < 2:
        return time, values, np.arange(len(time))
    usual = float(np.median(steps))
    extra = np.maximum(np.round(steps / usual).astype(int) - 1, 0)
    extra[(steps < _LONG_STEP * usual) | (steps > longest_gap + usual)] = 0
    if not extra.any():
        return time, values, np.arange(len(time))
    source = np.full(len(time) + int(extra.sum()), -1, dtype=np.int64)
    places = np.arange(len(time)) + np.concatenate([[0], np.cumsum(extra)])
    source[places] = np.arange(len(time))
    wider = np.full((len(source), values.shape[1]), np.nan)
    wider[places] = values
    return np.interp(np.arange(len(source)), places, time), wider, source


def bridge(time: Array, values: Array, missing: Bools, longest_gap: float) -> Array:
    """Fill runs of `missing` [T, C] cells of at most `longest_gap` s by cubics; the others become NaN.

    A cubic meets the known values and their slopes on both sides (Hermite); a run at either end stays missing, since
    nothing bounds it.
    """
    filled = np.where(missing, np.nan, values)
    columns = np.flatnonzero(missing.any(axis=0))
    patterns, pattern_of = np.unique(missing[:, columns], axis=1, return_inverse=True)
    for pattern in range(patterns.shape[1]):  # columns that miss the same frames are filled together
        same = columns[pattern_of.ravel() == pattern]
        filled[:, same] = _bridge_rows(time, filled[:, same], patterns[:, pattern], longest_gap)
    return filled


def _bridge_rows(time: Array, values: Array, missing: Bools, longest_gap: float) -> Array:
    known = np.flatnonzero(~missing)
    if len(known) < 2:
        return values
    slopes = np.gradient(values[known], time[known], axis=0)
    # A slope at the edge of a gap is taken from the known side alone, not across the hole.
    _one_sided(slopes, known, time, values)
    wanted = np.flatnonzero(missing)
    right = np.searchsorted(known, wanted)
    inner = (right > 0) & (right < len(known))
    wanted, right = wanted[inner], right[inner]
    before, after = known[right - 1], known[right]
    length = time[after] - time[before]
    usual = float(np.median(np.diff(time)))
    short = length <= longest_gap + usual * 1.001
    wanted, right, length = wanted[short], right[short], length[short]
    before, after = known[right - 1], known[right]
    u = ((time[wanted] - time[before]) / length)[:, None]
    span = length[:, None]
    result = values.copy()
    result[wanted] = (
        (1 + 2 * u) * (1 - u) ** 2 * values[before]
        + u * (1 - u) ** 2 * span * slopes[right - 1]
        + u**2 * (3 - 2 * u) * values[after]
        + u**2 * (u - 1) * span * slopes[right]
    )
    return result


def _one_sided(slopes: Array, known: NDArray[np.int64], time: Array, values: Array) -> None:
    """Slopes beside gaps, in place: of the parabola through the three known frames on that side, where they follow
    one another, else of two."""
    jumps = np.flatnonzero(np.diff(known) > 1)
    for edge, step in ((jumps, -1), (jumps + 1, 1)):
        second, third = (np.clip(edge + n * step, 0, len(known) - 1) for n in (1, 2))
        close = np.abs(known[second] - known[edge]) == 1
        near, far = (known[each[close]] for each in (edge, second))
        one = (values[far] - values[near]) / (time[far] - time[near])[:, None]
        slopes[edge[close]] = one
        run = close & (np.abs(known[third] - known[edge]) == 2)
        near, far, farther = (known[each[run]] for each in (edge, second, third))
        one = (values[far] - values[near]) / (time[far] - time[near])[:, None]
        two = (values[farther] - values[far]) / (time[farther] - time[far])[:, None]
        share = (time[far] - time[near]) / (time[farther] - time[near])
        slopes[edge[run]] = one + (one - two) * share[:, None]


def unwrap_turns(angles: Array) -> Array:
    """Angles [T, C] rad without leaps of whole turns from one known frame to the next; NaN stays."""
    result = angles.copy()
    broken = ~np.isfinite(angles).all(axis=0)
    result[:, ~broken] = np.unwrap(angles[:, ~broken], axis=0)
    for column in np.flatnonzero(broken):
        known = np.isfinite(angles[:, column])
        result[known, column] = np.unwrap(angles[known, column])
    return result


def without_gimbal_flips(model: Model, values: Array) -> tuple[Array, Bools]:
    """Exchange the angles of a joint for the equivalent ones where that takes a leap out.

    Three successive rotations about perpendicular axes by (a, b, c) are the same as by (a + pi, pi - b, c + pi);
    an inverse kinematics may leap from one to the other. The pose stays the same to rounding. Of the two branches, the
    one that stands for most frames in the nearer to the coordinates' defaults is kept.

    Returns:
        values [T, C] and cells [T, C] that were exchanged.
    """
    result, changed = values.copy(), np.zeros(values.shape, dtype=bool)
    coupled = {coupler.dependent for coupler in model.couplers} | {i for c in model.couplers for i in c.independents}
    for joint in model.joints:
        columns = _perpendicular_triple(joint)
        if columns is None or len(values) < 2 or coupled & set(columns):
            continue
        angles = values[:, columns]
        other = np.array([1.0, -1.0, 1.0]) * angles + np.pi
        stay, leap = _distance(angles[1:], angles[:-1]), _distance(other[1:], angles[:-1])
        turned = np.concatenate([[0], np.cumsum((stay > _FLIP) & (leap < stay / 2))]) % 2 == 1
        if not turned.any():
            continue
        default = np.array([[model.coordinates[column].default for column in columns]])
        if _nearer(np.where(turned[:, None], angles, other), np.where(turned[:, None], other, angles), default):
            turned = ~turned
        chosen = np.where(turned[:, None], other, angles)
        chosen -= 2 * np.pi * np.round((chosen - angles) / (2 * np.pi) * turned[:, None])
        result[:, columns] = chosen
        changed[:, columns] = turned[:, None]
    return result, changed


def _nearer(one: Array, two: Array, default: Array) -> bool:
    return float(np.median(_distance(one, default))) < float(np.median(_distance(two, default))) - 1e-9


def _distance(one: Array, two: Array) -> Array:
    """Largest difference of the three angles, whole turns apart, [T]."""
    difference = one - two
    return np.abs(difference - 2 * np.pi * np.round(difference / (2 * np.pi))).max(axis=1)


def _perpendicular_triple(joint: Joint) -> list[int] | None:
    """The coordinates of a joint that are its three successive rotations about perpendicular axes; else None."""
    rotations = joint.axes[:3]
    if len(rotations) < 3 or any(len(axis.coordinates) != 1 or not _is_identity(axis.function) for axis in rotations):
        return None
    matrix = np.array([axis.axis for axis in rotations])
    columns = [axis.coordinates[0] for axis in rotations]
    if len(set(columns)) < 3 or np.abs(matrix @ matrix.T - np.eye(3)).max() > _ORTHOGONAL:
        return None
    if any(set(axis.coordinates) & set(columns) for axis in joint.axes[3:]):
        return None  # a translation that follows an angle would move
    return columns


def _is_identity(function: object) -> bool:
    """Whether a function gives its argument, or its argument turned round."""
    if not isinstance(function, Linear) or len(function.coefficients) != 2:
        return False
    slope, start = function.coefficients
    return abs(abs(slope) - 1.0) < 1e-9 and abs(start) < 1e-9


def residuals(values: Array) -> Array:
    """Difference [T, C] of each value from the cubic through its two neighbours on either side; 0 at the ends.

    r_t = q_t - (-q_{t-2} + 4 q_{t-1} + 4 q_{t+1} - q_{t+2}) / 6, a quarter of a smooth curve's fourth difference.
    """
    result = np.zeros_like(values)
    if len(values) >= 5:
        q = values
        result[2:-2] = q[2:-2] - (-q[:-4] + 4 * q[1:-3] + 4 * q[3:-1] - q[4:]) / 6
    return result


def _threshold(residual: Array, floor: Array, deviations: float) -> Array:
    usual = 1.4826 * np.median(np.abs(residual[2:-2]), axis=0) if len(residual) >= 5 else np.zeros(residual.shape[1])
    return np.maximum(floor, deviations * usual)


def spikes(values: Array, floor: Array, deviations: float) -> Bools:
    """Single values [T, C] that stand out: their residual is above `floor` [C] and above `deviations` robust standard
    deviations of the column, and the curve without them is smooth."""
    residual = residuals(values)
    size = np.abs(residual)
    threshold = _threshold(residual, floor, deviations)
    neighbours = np.zeros_like(size)
    for shift in range(1, _REACH + 1):
        neighbours[shift:] = np.maximum(neighbours[shift:], size[:-shift])
        neighbours[:-shift] = np.maximum(neighbours[:-shift], size[shift:])
    alone = (size > threshold) & (size >= neighbours * 1.2)
    # Around a lone spike of height r its neighbours' residuals are -4/6 r; around a lasting jump they are not.
    expected = -4.0 / 6.0 * residual
    echo = np.zeros_like(alone)
    echo[1:-1] = (np.abs(residual[:-2] - expected[1:-1]) < 0.35 * size[1:-1]) & (
        np.abs(residual[2:] - expected[1:-1]) < 0.35 * size[1:-1]
    )
    return alone & echo


def rough_frames(values: Array, floor: Array, deviations: float) -> Bools:
    """Cells [T, C] whose residual is as large as a spike's, whatever its shape."""
    residual = residuals(values)
    return np.abs(residual) > _threshold(residual, floor, deviations)
