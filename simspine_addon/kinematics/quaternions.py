"""Rotations as quaternions `[w, x, y, z]`: from and to matrices, continuous sign, shortest-arc interpolation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def quaternions_from_matrices(rotations: Array) -> Array:
    """Unit quaternions [..., 4] of rotation matrices [..., 3, 3]; the sign of each is arbitrary.

    Every row of `4 q q^T` is a multiple of q; the row with the largest diagonal is the well-conditioned one
    (Shepperd 1978, "Quaternion from rotation matrix").
    """
    m = np.asarray(rotations, dtype=np.float64)
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    rows = np.stack(
        [
            np.stack([1 + xx + yy + zz, wx, wy, wz], axis=-1),
            np.stack([wx, 1 + xx - yy - zz, xy, xz], axis=-1),
            np.stack([wy, xy, 1 - xx + yy - zz, yz], axis=-1),
            np.stack([wz, xz, yz, 1 - xx - yy + zz], axis=-1),
        ],
        axis=-2,
    )
    best = np.argmax(np.diagonal(rows, axis1=-2, axis2=-1), axis=-1)
    chosen = np.take_along_axis(rows, best[..., None, None], axis=-2)[..., 0, :]
    return chosen / np.linalg.norm(chosen, axis=-1, keepdims=True)


def matrices_from_quaternions(quaternions: Array) -> Array:
    """Rotation matrices [..., 3, 3] of quaternions [..., 4], which need not be of unit length."""
    q = np.asarray(quaternions, dtype=np.float64)
    w, x, y, z = np.moveaxis(q / np.linalg.norm(q, axis=-1, keepdims=True), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def nearest_rotations(matrices: Array) -> Array:
    """The rotations [..., 3, 3] nearest to matrices that are almost rotations (off by e, the result by e^2).

    One step of Newton's iteration for the polar decomposition, `(M + M^-T) / 2` (Higham 1986).
    """
    m = np.asarray(matrices, dtype=np.float64)
    return 0.5 * (m + np.swapaxes(np.linalg.inv(m), -1, -2))


def continuous_quaternions(quaternions: Array) -> Array:
    """The same rotations [T, ..., 4] with signs such that neighbours in time never point apart; w >= 0 at first.

    Interpolating the components of such a sequence follows the shortest arc between neighbours.
    """
    q = np.array(quaternions, dtype=np.float64)
    if len(q) == 0:
        return q
    steps = np.where(np.sum(q[1:] * q[:-1], axis=-1, keepdims=True) < 0.0, -1.0, 1.0)
    first = np.where(q[:1, ..., :1] < 0.0, -1.0, 1.0)
    return q * np.cumprod(np.concatenate([first, steps]), axis=0)


def slerp(before: Array, after: Array, fraction: Array) -> Array:
    """Quaternions [..., 4] at `fraction` [...] of the shortest arc from `before` to `after`, at constant speed."""
    cosine = np.sum(before * after, axis=-1)
    after = np.where(cosine[..., None] < 0.0, -after, after)
    # atan2 keeps its precision for small angles, where arccos of the dot product loses half of the digits.
    angle = 2.0 * np.arctan2(np.linalg.norm(after - before, axis=-1), np.linalg.norm(after + before, axis=-1))
    sine = np.sin(angle)
    near = sine < 1e-12
    safe = np.where(near, 1.0, sine)
    weight_before = np.where(near, 1.0 - fraction, np.sin((1.0 - fraction) * angle) / safe)
    weight_after = np.where(near, fraction, np.sin(fraction * angle) / safe)
    mixed = weight_before[..., None] * before + weight_after[..., None] * after
    return mixed / np.linalg.norm(mixed, axis=-1, keepdims=True)
