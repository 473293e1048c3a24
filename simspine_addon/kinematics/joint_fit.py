"""Least squares for joints that no closed form inverts: Levenberg-Marquardt on all frames of one joint at once.

Minimises, frame by frame, |angle between the wanted and the reached frame|^2 + (weight x distance)^2 with the analytic
derivatives of the joint's steps. Rotation leads: a bone that is pulled out of its joint must not turn for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .forward import advance
from .jacobian import Rate, advance_with_rates
from .program import Step

Array = NDArray[np.float64]
# A metre apart counts as much as this angle (rad): for exact frames the weight makes no difference.
_WEIGHT = 0.1
_ITERATIONS = 60
_SMALL_STEP = 1e-12
_FIRST_DAMPING = 1e-6
_LARGEST_DAMPING = 1e8


def joint_poses(steps: Sequence[Step], q: Array) -> tuple[Array, Array]:
    """Rotations [3, 3, T] and positions [3, T] of a joint's child frame in its parent frame, at `q` [n, T]."""
    rotation, position = _identity(q.shape[1])
    for step in steps:
        rotation, position = advance(step, q, rotation, position)
    return rotation, position


def fit_joint(steps: Sequence[Step], start: Array, rotations: Array, positions: Array) -> Array:
    """Coordinates [n, T] that bring the joint's frame nearest to the wanted one, from `start` [n, T] on.

    Args:
        steps: of the joint, whose coordinates are 0 to n - 1.
        start: where to begin; coordinates that do nothing stay there.
        rotations, positions: the wanted child frame in the parent frame, [3, 3, T] and [3, T] m.
    """
    q = start.copy()
    damping = np.full(q.shape[1], _FIRST_DAMPING)
    active = np.arange(q.shape[1])
    for _ in range(_ITERATIONS):
        wanted = rotations[:, :, active], positions[:, active]
        change = _proposal(steps, q[:, active], *wanted, damping[active])
        before = fit_cost(steps, q[:, active], *wanted)
        after = fit_cost(steps, q[:, active] + change, *wanted)
        better = after <= before
        q[:, active] += np.where(better, change, 0.0)
        damping[active] *= np.where(better, 0.1, 10.0)
        done = (np.abs(change).max(axis=0) < _SMALL_STEP) | (damping[active] > _LARGEST_DAMPING)
        active = active[~done]
        if not len(active):
            break
    return q


def _proposal(steps: Sequence[Step], q: Array, rotations: Array, positions: Array, damping: Array) -> Array:
    """The damped Gauss-Newton step [n, T]."""
    rotation, position = _identity(q.shape[1])
    rates: list[Rate] = []
    for step in steps:
        rotation, position = advance_with_rates(step, q, rotation, position, 0, rates)
    turn, shift = np.zeros((2, len(q), 3, q.shape[1]))
    for rate in rates:
        if rate.angular is not None:
            turn[rate.coordinate] += rate.angular
            shift[rate.coordinate] += np.cross(rate.angular, position - rate.origin, axis=0)
        if rate.linear is not None:
            shift[rate.coordinate] += rate.linear
    # Half the squared difference of two rotation matrices falls by w . sum_c (r_c x wanted_c) / 2 for a turn w.
    towards = 0.5 * np.sum(np.cross(rotation, rotations, axis=0), axis=1)
    apart = _WEIGHT**2 * (positions - position)
    normal = np.einsum("ikt,jkt->tij", turn, turn) + _WEIGHT**2 * np.einsum("ikt,jkt->tij", shift, shift)
    right = np.einsum("ikt,kt->ti", turn, towards) + np.einsum("ikt,kt->ti", shift, apart)
    diagonal = np.arange(len(q))
    normal[:, diagonal, diagonal] += damping[:, None] * normal[:, diagonal, diagonal] + 1e-14
    return np.linalg.solve(normal, right[:, :, None])[:, :, 0].T


def fit_cost(steps: Sequence[Step], q: Array, rotations: Array, positions: Array) -> Array:
    """What `fit_joint` makes small, [T]: squared angle (rad) and weighted squared distance (m)."""
    rotation, position = joint_poses(steps, q)
    turned = 0.5 * np.sum((rotation - rotations) ** 2, axis=(0, 1))
    return turned + _WEIGHT**2 * np.sum((position - positions) ** 2, axis=0)


def _identity(frames: int) -> tuple[Array, Array]:
    return np.repeat(np.eye(3)[:, :, None], frames, axis=2), np.zeros((3, frames))
