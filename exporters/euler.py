"""Euler angles of a motion, for formats that know nothing else: any of the six orders, unwrapped, without flips."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.model.errors import InputError

Array = NDArray[np.float64]
EulerOrder = Literal["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"]

_LOCKED = 1e-7  # cosine of the middle angle below which the two outer angles turn about one line


def euler_axes(order: str) -> tuple[int, int, int]:
    """The axes (0, 1, 2 for X, Y, Z) of an order such as "ZXY".

    Raises:
        InputError: it is none of the six orders.
    """
    if order not in get_args(EulerOrder):
        raise InputError(f"'{order}' is no order of rotations", hint=f"choose one of {', '.join(get_args(EulerOrder))}")
    first, second, third = ("XYZ".index(axis) for axis in order)
    return first, second, third


def euler_angles(rotations: Array, order: str) -> Array:
    """Angles [T, ..., 3] rad of rotations [T, ..., 3, 3], in the order's own order and continuous over time.

    `order` "ZXY" means R = Rz(a) Rx(b) Ry(c). Every rotation has two sets of angles, (a, b, c) and
    (a + pi, pi - b, c + pi), each up to whole turns; the one nearer to the frame before is taken, so that no angle
    jumps where a joint passes the pole. The first frame has its middle angle within a quarter turn of zero. At the
    pole itself (gimbal lock), where only a + c or a - c is known, a keeps its value.

    Raises:
        InputError: unknown order.
    """
    axes = euler_axes(order)
    rotations = np.asarray(rotations, dtype=np.float64)
    if rotations.size == 0:
        return np.zeros(rotations.shape[:-1])
    return continuous_angles(principal_angles(rotations, axes))


def principal_angles(rotations: Array, axes: tuple[int, int, int], before: Array | float = 0.0) -> Array:
    """Angles [T, ..., 3] rad with the middle one within a quarter turn of zero.

    At the pole the first angle keeps the value of the frame before; `before` [...] is that of the first frame.

    With e = 1 for cyclic orders and -1 for the others, R_i(a) R_j(b) R_k(c) has R[i, k] = e sin b,
    R[j, k] = -e sin a cos b and R[k, k] = cos a cos b. c then follows from row j of R_i(-a) R, which is well
    conditioned at the pole too.
    """
    i, j, k = axes
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    cosine = np.hypot(rotations[..., i, i], rotations[..., i, j])
    middle = np.arctan2(sign * rotations[..., i, k], cosine)
    first = np.arctan2(-sign * rotations[..., j, k], rotations[..., k, k])
    locked = cosine < _LOCKED
    if locked.any():
        first = _kept(first, locked, before)
    sine, cosine = np.sin(first), np.cos(first)
    third = np.arctan2(
        sign * cosine * rotations[..., j, i] + sine * rotations[..., k, i],
        cosine * rotations[..., j, j] + sign * sine * rotations[..., k, j],
    )
    return np.stack([first, middle, third], axis=-1)


def continuous_angles(angles: Array) -> Array:
    """The same rotations [T, ..., 3] rad by the angles nearest to those of the frame before.

    Whether to change between the two sets from one frame to the next does not depend on which of them the frame
    before uses, so that the choice is a running parity and not a loop.
    """
    step = np.diff(angles, axis=0)
    stay = np.sum(_wrapped(step) ** 2, axis=-1)
    outer = np.sum(_wrapped(step[..., [0, 2]] + np.pi) ** 2, axis=-1)
    change = outer + _wrapped(np.pi - angles[1:, ..., 1] - angles[:-1, ..., 1]) ** 2
    other = np.zeros(angles.shape[:-1], dtype=bool)
    other[1:] = np.cumsum(change < stay, axis=0) % 2 == 1
    first, middle, third = np.moveaxis(angles, -1, 0)
    half_turn = np.where(other, np.pi, 0.0)
    chosen = [first + half_turn, np.where(other, np.pi - middle, middle), third + half_turn]
    return np.unwrap(np.stack(chosen, axis=-1), axis=0)


def matrices_from_euler(angles: Array, order: str) -> Array:
    """Rotations [..., 3, 3] of angles [..., 3] rad: "ZXY" is R = Rz(a) Rx(b) Ry(c).

    Raises:
        InputError: unknown order.
    """
    first, second, third = (axis_rotations(angles[..., n], axis) for n, axis in enumerate(euler_axes(order)))
    return first @ second @ third


def axis_rotations(angles: Array | float, axis: int) -> Array:
    """Rotations [..., 3, 3] by `angles` [...] rad about the axis 0, 1 or 2."""
    angles = np.asarray(angles, dtype=np.float64)
    rotations = np.zeros((*angles.shape, 3, 3))
    one, two = (axis + 1) % 3, (axis + 2) % 3
    rotations[..., axis, axis] = 1.0
    rotations[..., one, one] = rotations[..., two, two] = np.cos(angles)
    rotations[..., two, one] = np.sin(angles)
    rotations[..., one, two] = -rotations[..., two, one]
    return rotations


def _wrapped(angles: Array) -> Array:
    return angles - 2.0 * np.pi * np.round(angles / (2.0 * np.pi))


def _kept(first: Array, locked: NDArray[np.bool_], before: Array | float) -> Array:
    """`first` [T, ...] with the frames that are locked given the last free frame's value, `before` at the start."""
    frames = np.arange(len(first)).reshape(-1, *([1] * (first.ndim - 1)))
    last_free = np.maximum.accumulate(np.where(locked, -1, frames), axis=0)
    kept = np.take_along_axis(first, np.maximum(last_free, 0), axis=0)
    return np.where(last_free < 0, before, kept)
