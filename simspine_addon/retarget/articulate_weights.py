"""Skin weights handed over along the spine: what pelvis and spine held together, shared out again by height.

With joints at heights y_0 < ... < y_n, vertex height y and a smooth step S of half width h, the shares are
    w_pelvis = 1 - S((y - y_0) / h),   w_i = S((y - y_i) / h) - S((y - y_(i+1)) / h),   w_top = S((y - y_n) / h),
which sum to one whatever h is. h is about a vertebra at the back and grows towards the belly, whose skin a strong bend
would otherwise fold: a bend of total angle A over a length l shortens skin at the distance d in front by d A, so that
the bend has to be spread over more than d A there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .rotations import Array

Indices = NDArray[np.int64]

_BACK_WIDTH = 1.3  # half width of a step at the spine, in lengths of the vertebrae there
_BELLY_WIDTH = 0.7  # by how much of its distance in front of the spine a vertex' half width is larger
_FARTHEST_WIDTH = 1.0  # the largest half width, in lengths of the lumbar spine
# How far beyond the bones that a vertex was bound to it may be handed on, in lengths of the lumbar spine: what is bound
# to the chest alone (a collar, hair) stays with the chest, however low it hangs.
_BEYOND_BONES = 0.45
_BOUND = 0.02  # a share of the spine's weight below this says nothing about where a vertex belongs


@dataclass(frozen=True, slots=True)
class Sharing:
    """What decides about a vertex' shares, all heights and places in one body frame.

    `joints` [N] are the heights of the joints below the N new bones; `forward` [V] is how far a vertex stands in front
    of the spine's line, `height` [V] its height, `low` and `high` [V] the limits that its old bones set, `hips` the
    height below which nothing bends.
    """

    joints: Array
    top: float
    forward: Array
    height: Array
    low: Array
    high: Array
    hips: float


def level_shares(sharing: Sharing) -> Array:
    """Shares [V, 1 + N] of what lies below the first joint and of the N bones above it; rows sum to one."""
    joints = sharing.joints
    lumbar = float(joints[min(5, len(joints) - 1)] - joints[0])
    margin = _BEYOND_BONES * lumbar
    height = np.clip(sharing.height, sharing.low - margin, sharing.high + margin)
    lengths = np.diff(np.append(joints, sharing.top))
    spacing = np.minimum(lengths, np.median(lengths))
    spacing[1:] = np.minimum(spacing[1:], lengths[:-1])
    wider = _BELLY_WIDTH * np.maximum(sharing.forward, 0.0)[:, None]
    half = np.minimum(_BACK_WIDTH * spacing + wider, _FARTHEST_WIDTH * lumbar)
    # The steps of one vertex have to keep their order, so that no share is negative.
    above = smooth_step((height[:, None] - joints) / np.minimum(half, joints[0] - sharing.hips + joints - joints[0]))
    above = np.minimum.accumulate(above, axis=1)
    return np.concatenate([1.0 - above[:, :1], above[:, :-1] - above[:, 1:], above[:, -1:]], axis=1)


def smooth_step(t: Array) -> Array:
    """0 below -1, 1 above 1, and between them the polynomial of degree five with two level derivatives at both ends."""
    s = 0.5 * (np.clip(t, -1.0, 1.0) + 1.0)
    return s**3 * (10.0 + s * (6.0 * s - 15.0))


def dense_share(weight_bones: Indices, weight_shares: Array, bones: Indices, count: int) -> Array:
    """Weights [V, P] that the vertices have on `bones` [P] of `count`."""
    column = np.full(count, -1)
    column[bones] = np.arange(len(bones))
    found = column[weight_bones]
    dense = np.zeros((len(weight_bones), len(bones)))
    rows = np.broadcast_to(np.arange(len(weight_bones))[:, None], found.shape)
    np.add.at(dense, (rows[found >= 0], found[found >= 0]), weight_shares[found >= 0])
    return dense


def bound_limits(dense: Array, starts: Array, ends: Array) -> tuple[Array, Array]:
    """Lowest start and highest end [V] of the bones that hold a vertex, of `dense` weights [V, P] on bones [P]."""
    total = dense.sum(axis=1, keepdims=True)
    holds = dense > _BOUND * np.where(total > 0.0, total, 1.0)
    low = np.where(holds, starts, np.inf).min(axis=1)
    high = np.where(holds, ends, -np.inf).max(axis=1)
    none = ~holds.any(axis=1)
    return np.where(none, -np.inf, low), np.where(none, np.inf, high)


def packed(kept_bones: Indices, kept_shares: Array, new_bones: Indices, new_shares: Array) -> tuple[Indices, Array]:
    """Weights as [V, K] bones and shares, heaviest first, K as few as hold all of them.

    Args:
        kept_bones: [V, J] bones that keep their shares.
        kept_shares: [V, J].
        new_bones: [P] bones of the columns of
        new_shares: [V, P].
    """
    columns = np.broadcast_to(new_bones, new_shares.shape)
    bones = np.concatenate([kept_bones, columns], axis=1)
    shares = np.concatenate([kept_shares, new_shares], axis=1)
    order = np.argsort(-shares, axis=1, kind="stable")
    wide = max(int((shares > 0.0).sum(axis=1).max(initial=1)), 1)
    order = order[:, :wide]
    shares = np.take_along_axis(shares, order, axis=1)
    bones = np.where(shares > 0.0, np.take_along_axis(bones, order, axis=1), 0)
    return bones, shares
