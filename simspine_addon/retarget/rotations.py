"""Rotations for retargeting: the least turn between directions, blends between matrices, angles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kinematics.quaternions import matrices_from_quaternions, quaternions_from_matrices, slerp

Array = NDArray[np.float64]
UP = np.array([0.0, 1.0, 0.0])
UP.setflags(write=False)


def unit(vectors: Array) -> Array:
    """`vectors` [..., 3] at length one; a vector without length stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length < 1e-12, 1.0, length)


def least_rotation(before: Array, after: Array) -> Array:
    """The rotation [..., 3, 3] of least angle that takes unit vectors `before` [..., 3] to `after` [..., 3].

    R = I + [v] + [v]^2 / (1 + c) with v = before x after and c their cosine; where they point apart, half a turn about
    an axis across them.
    """
    v = np.cross(before, after)
    c = np.sum(before * after, axis=-1)
    opposite = c < -1.0 + 1e-9
    factor = 1.0 / np.where(opposite, 1.0, 1.0 + c)
    k = cross_matrices(v)
    rotation = np.eye(3) + k + (k @ k) * factor[..., None, None]
    if np.any(opposite):
        across = unit(np.cross(before, np.eye(3)[np.argmin(np.abs(before), axis=-1)]))
        half = 2.0 * across[..., :, None] * across[..., None, :] - np.eye(3)
        rotation = np.where(opposite[..., None, None], half, rotation)
    return rotation


def cross_matrices(vectors: Array) -> Array:
    """[v] with [v] w = v x w, [..., 3, 3], of `vectors` [..., 3]."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def frame_of(direction: Array, reference: Array) -> Array:
    """Columns [..., 3, 3]: `direction` at length one, the part of `reference` across it, and their cross product."""
    first = unit(direction)
    second = unit(reference - np.sum(reference * first, axis=-1, keepdims=True) * first)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def yaw_between(before: Array, after: Array) -> Array:
    """The turn about the vertical [3, 3] from the heading of `before` [3] to that of `after` [3]."""
    angle = np.arctan2(-after[2], after[0]) - np.arctan2(-before[2], before[0])
    return yaw_matrix(float(angle))


def yaw_matrix(angle: float) -> Array:
    """The turn [3, 3] by `angle` rad about the vertical (Y)."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def blend(before: Array, after: Array, fraction: Array | float) -> Array:
    """Rotations [..., 3, 3] at `fraction` of the shortest arc between rotation matrices."""
    if np.ndim(fraction) == 0 and float(fraction) in (0.0, 1.0):
        return np.array(before if float(fraction) == 0.0 else after)
    q = slerp(quaternions_from_matrices(before), quaternions_from_matrices(after), np.asarray(fraction, dtype=float))
    return matrices_from_quaternions(q)


def angles_between(one: Array, other: Array) -> Array:
    """Angles [...] in rad between rotations [..., 3, 3], precise near zero.

    sin(angle / 2) = |one - other| / (2 sqrt 2) in the Frobenius norm.
    """
    chord = np.linalg.norm(one - other, axis=(-2, -1)) / (2.0 * np.sqrt(2.0))
    return 2.0 * np.arcsin(np.clip(chord, 0.0, 1.0))


def rotate(rotations: Array, vectors: Array) -> Array:
    """Each of `rotations` [..., 3, 3] applied to `vectors` [..., 3]."""
    return np.matmul(rotations, vectors[..., None])[..., 0]


def rotation_vectors(rotations: Array) -> Array:
    """Rotation vectors [..., 3] (axis times angle, rad) of rotations [..., 3, 3] below half a turn."""
    q = quaternions_from_matrices(rotations)
    q = np.where(q[..., :1] < 0.0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1)
    angle = 2.0 * np.arctan2(sine, q[..., 0])
    factor = np.where(sine < 1e-12, 2.0, angle / np.where(sine < 1e-12, 1.0, sine))
    return factor[..., None] * q[..., 1:]


def matrices_from_rotation_vectors(vectors: Array) -> Array:
    """Rotations [..., 3, 3] of rotation vectors [..., 3] in rad."""
    angle = np.linalg.norm(vectors, axis=-1)
    half = 0.5 * angle
    factor = np.where(angle < 1e-12, 0.5, np.sin(half) / np.where(angle < 1e-12, 1.0, angle))
    return matrices_from_quaternions(np.concatenate([np.cos(half)[..., None], factor[..., None] * vectors], axis=-1))
