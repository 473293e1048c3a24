"""Rotations taken apart into angles about one, two or three given axes, for all frames at once.

R = A1(t1) A2(t2) A3(t3), where Ai turns about the unit vector ai; the axes may stand at any angle to each other. Three
axes have two solutions (Piovan & Bullo 2012, "On coordinate-free rotation decomposition"), which meet where the middle
rotation brings the third axis onto the first: gimbal lock. Which of them, and how many full turns, is not in a rotation
itself: it follows from the frame before, at the first frame from what the coordinates' defaults and ranges make likely.

Frames are the last axis here: rotations [3, 3, T], vectors [3, T], angles [N, T] in rad.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
FULL_TURN = 2.0 * np.pi
# So near to gimbal lock (rad) the first angle is nothing but the noise of single precision: it is held there.
_LOCK = 1e-5
# Frames that turn by more than this (rad) from one to the next do not follow each other in any sampled motion.
_TORN = 1.0
# How much worse a radian outside of a range is than a radian away from the default.
_OUTSIDE = 10.0


@dataclass(frozen=True, slots=True)
class Expected:
    """Where angles are likely to be, each [N] rad: what decides between solutions that are equally exact."""

    default: Array
    low: Array
    high: Array


def rotations_about(axis: Array, angles: Array) -> Array:
    """Rotations [3, 3, T] by `angles` [T] about the unit vector `axis` [3]."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    # Rodrigues' formula.
    return (
        np.eye(3)[:, :, None]
        + np.sin(angles) * cross[:, :, None]
        + (1.0 - np.cos(angles)) * (np.outer(axis, axis) - np.eye(3))[:, :, None]
    )


def product(first: Array, second: Array) -> Array:
    """Matrix products [3, 3, T]."""
    return np.einsum("ijt,jkt->ikt", first, second)


def product_transposed(first: Array, second: Array) -> Array:
    """The transposed of the first times the second, [3, 3, T]."""
    return np.einsum("jit,jkt->ikt", first, second)


def angles_between(first: Array, second: Array) -> Array:
    """Angles [T] between rotations [3, 3, T]; exact for small ones."""
    return 2.0 * np.arcsin(np.clip(np.sqrt(np.sum((first - second) ** 2, axis=(0, 1)) / 8.0), 0.0, 1.0))


def one_axis_angle(rotations: Array, axis: Array) -> Array:
    """The angle [T] about `axis` whose rotation comes nearest to `rotations` (trace of A^T R at its largest)."""
    r = rotations
    spin = np.stack([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    along = axis @ np.einsum("ijt,j->it", r, axis)
    return np.arctan2(axis @ spin, r[0, 0] + r[1, 1] + r[2, 2] - along)


def two_axis_angles(rotations: Array, first: Array, second: Array) -> Array:
    """Angles [2, T] about two axes; exact where two axes can do it, else a place to start from."""
    carried = np.einsum("ijt,j->it", rotations, second)
    start = np.repeat(second[:, None], rotations.shape[2], axis=1)
    angle = _angle_about(first, start, carried)
    rest = product_transposed(rotations_about(first, angle), rotations)
    return np.stack([angle, one_axis_angle(rest, second)])


def three_axis_angles(rotations: Array, axes: Array) -> tuple[Array, Mask]:
    """Both solutions [2, 3, T] for `axes` [3, 3] (a row each), and which frames are in gimbal lock [T].

    Axes that are not orthogonal cannot reach every rotation; where they cannot, the solutions come near it.
    """
    a1, a2, a3 = axes
    carried = np.einsum("ijt,j->it", rotations, a3)
    # a1 . R a3 = offset + cosine cos(t2) + sine sin(t2), since A1 keeps a1 and A3 keeps a3.
    offset = (a1 @ a2) * (a2 @ a3)
    cosine, sine = a1 @ a3 - offset, a1 @ np.cross(a2, a3)
    reach = np.hypot(cosine, sine)
    along = a1 @ carried - offset
    if abs(offset) < 1e-12 and abs(reach - 1.0) < 1e-12:
        across = np.linalg.norm(np.cross(a1, carried, axisb=0), axis=-1)  # precise at gimbal lock too
    else:
        across = np.sqrt(np.maximum((reach - along) * (reach + along), 0.0))
    spread = np.arctan2(across, along)
    solutions = np.empty((2, 3, rotations.shape[2]))
    for index, sign in enumerate((1.0, -1.0)):
        middle = np.arctan2(sine, cosine) + sign * spread
        moved = np.einsum("ijt,j->it", rotations_about(a2, middle), a3)
        angle = _angle_about(a1, moved, carried)
        solutions[index] = angle, middle, _last_angle(rotations, axes, angle, middle)
    return solutions, np.linalg.norm(np.cross(a1, carried, axisb=0), axis=-1) < _LOCK


def three_axis_path(rotations: Array, axes: Array, expected: Expected) -> Array:
    """Angles [3, T] of `rotations` about `axes` [3, 3], continuous over the frames.

    In gimbal lock the first angle keeps its value.
    """
    solutions, locked = three_axis_angles(rotations, axes)
    free = np.flatnonzero(~locked)
    # Locked frames take the solution of the free frame before them, leading ones of the first.
    before = np.maximum(np.cumsum(~locked) - 1, 0)
    choice = np.zeros(len(locked), dtype=np.int64)
    if len(free):
        choice = continuous_choice(solutions[:, :, free], rotations[:, :, free], expected)[before]
    angles = np.take_along_axis(solutions, choice[None, None, :], axis=0)[0]
    if locked.any():
        angles[0, locked] = angles[0, free][before[locked]] if len(free) else expected.default[0]
        angles[2, locked] = _last_angle(rotations[:, :, locked], axes, *angles[:2, locked])
    return unwrapped(angles, expected)


def continuous_choice(solutions: Array, rotations: Array, expected: Expected) -> NDArray[np.int64]:
    """Which of two `solutions` [2, N, T] goes on from the frame before; at the first frame, the likelier one.

    Where `rotations` [3, 3, T] jump there is no going on: the likelier one is taken anew.
    """
    likely = np.argmin(_strangeness(solutions, expected), axis=0)
    if solutions.shape[2] < 2:
        return likely
    kept = _stride(solutions[:, :, 1:], solutions[:, :, :-1]).sum(axis=0)
    changed = _stride(solutions[:, :, 1:], solutions[::-1, :, :-1]).sum(axis=0)
    changes = np.concatenate([[0], np.cumsum(changed < kept)])
    torn = np.concatenate([[True], angles_between(rotations[:, :, 1:], rotations[:, :, :-1]) > _TORN])
    start = np.maximum.accumulate(np.where(torn, np.arange(len(torn)), 0))
    return (likely[start] + changes - changes[start]) % 2


def unwrapped(angles: Array, expected: Expected) -> Array:
    """`angles` [N, T] plus full turns: no jumps over half a turn, and the first frame where it is expected."""
    angles = angles.copy()
    if angles.shape[1]:
        angles[:, 0] = nearest_turn(angles[:, :1], expected)[:, 0]
    return np.unwrap(angles, axis=-1)


def nearest_turn(angles: Array, expected: Expected) -> Array:
    """`angles` [..., N, T] plus the full turns that bring each into its range, and near its default."""
    base = angles + FULL_TURN * np.round((expected.default[:, None] - angles) / FULL_TURN)
    candidates = np.stack([base, base - FULL_TURN, base + FULL_TURN])
    best = np.argmin(_cost(candidates, expected), axis=0)
    return np.take_along_axis(candidates, best[None], axis=0)[0]


def _strangeness(solutions: Array, expected: Expected) -> Array:
    """[2, T]: how far each solution is from ranges and defaults."""
    return _cost(nearest_turn(solutions, expected), expected).sum(axis=-2)


def _cost(angles: Array, expected: Expected) -> Array:
    outside = np.maximum(expected.low[:, None] - angles, angles - expected.high[:, None])
    return _OUTSIDE * np.maximum(outside, 0.0) + np.abs(angles - expected.default[:, None])


def _stride(after: Array, before: Array) -> Array:
    """[2, T - 1]: the sum of squared steps from frame to frame, full turns left out."""
    step = after - before
    return np.sum((step - FULL_TURN * np.round(step / FULL_TURN)) ** 2, axis=1)


def _angle_about(axis: Array, start: Array, end: Array) -> Array:
    """The angle [T] about `axis` that takes `start` [3, T] to `end` [3, T], of which parts along it do not count."""
    along = np.cross(start, end, axis=0)
    return np.arctan2(axis @ along, np.sum(start * end, axis=0) - (axis @ start) * (axis @ end))


def _last_angle(rotations: Array, axes: Array, first: Array, middle: Array) -> Array:
    """The third angle [T], given the two others: what makes up best for them."""
    done = product(rotations_about(axes[0], first), rotations_about(axes[1], middle))
    return one_axis_angle(product_transposed(done, rotations), axes[2])
