"""Rotation matrices and Rodrigues vectors (axis times angle), as calibration files write them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def matrix_from_vector(vector: ArrayLike) -> Array:
    """Rodrigues' formula, R = I + sin(a) [u] + (1 - cos(a)) [u]^2 for the vector a u; [3] rad -> [3, 3]."""
    vector = np.asarray(vector, dtype=np.float64)
    angle = float(np.linalg.norm(vector))
    x, y, z = vector
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    # sin(a)/a and (1 - cos(a))/a^2 in forms that stay exact for the smallest angles
    return np.eye(3) + np.sinc(angle / np.pi) * cross + 0.5 * np.sinc(angle / (2 * np.pi)) ** 2 * cross @ cross


def vector_from_matrix(matrix: ArrayLike) -> Array:
    """The Rodrigues vector of a rotation matrix, [3, 3] -> [3], its length in [0, pi].

    By way of the quaternion, taken from its largest component (Shepperd 1978), so that it is exact near no turn and
    near half a turn alike.
    """
    m = np.asarray(matrix, dtype=np.float64)
    squares = np.array([np.trace(m), *np.diag(m)])  # 4 q_i^2 - 1 (w first), up to what they share
    largest = int(np.argmax(squares))
    if largest == 0:
        quaternion = np.array([1 + squares[0], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]])
    else:
        i, j, k = (largest - 1, largest % 3, (largest + 1) % 3)
        quaternion = np.empty(4)
        quaternion[0] = m[k, j] - m[j, k]
        quaternion[1 + i] = 1 + m[i, i] - m[j, j] - m[k, k]
        quaternion[1 + j] = m[j, i] + m[i, j]
        quaternion[1 + k] = m[k, i] + m[i, k]
    if quaternion[0] < 0:
        quaternion = -quaternion
    axis = quaternion[1:]
    length = float(np.linalg.norm(axis))
    if length == 0.0:
        return np.zeros(3)
    return axis * (2.0 * np.arctan2(length, quaternion[0]) / length)
