"""Inverse kinematics of a whole trajectory at once: every frame's cost plus lambda |D q|^2 over time.

D takes differences of the free coordinates from frame to frame (rad, m): first differences, or second ones, which leave
steady movement alone. The normal matrix has one block per frame and a line of numbers on either side: one banded
Cholesky factorisation solves for all frames together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .ik_problem import Evaluation, IkProblem
from .ik_solver import BLOCK, FLOOR, Fit, updated_bend

Array = NDArray[np.float64]

_FIRST_DAMPING = 1e-6
_MOST_DAMPING = 1e8
_SMALL_STEP = 1e-5  # rad or m
_SMALL_GAIN = 5e-7  # of the cost


def fit_trajectory(problem: IkProblem, start: Array, smooth: float, order: int = 2, *, iterations: int = 60) -> Fit:
    """Minimise the sum over frames of the markers' cost, plus `smooth` x the squared differences of the trajectory.

    Args:
        problem: the markers and what may move; frames without markers are carried by their neighbours.
        start: [T, F], as fitted frame by frame.
        smooth: lambda; the frames' costs are mean squared marker errors in m^2, differences in rad and m per frame.
        order: of the differences, 1 or 2.
    """
    low, high = problem.coordinates.low, problem.coordinates.high
    penalty = difference_penalty(len(start), order) * smooth
    free, damping, converged, used = np.clip(start, low, high), _FIRST_DAMPING, False, 0
    now = _evaluate(problem, free)
    bend = np.zeros_like(now.normal)
    total = now.cost.sum() + _roughness(penalty, free)
    while used < iterations and not converged and damping < _MOST_DAMPING:
        used += 1
        trial = np.clip(free + _step(now, bend, free, penalty, damping, low, high), low, high)
        moved = np.abs(trial - free).max()
        then = _evaluate(problem, trial)
        then_total = then.cost.sum() + _roughness(penalty, trial)
        gain = total - then_total
        bend = updated_bend(bend, trial - free, now, then, np.full(len(free), gain >= 0))
        if gain >= 0:
            free, now, total, damping = trial, then, then_total, max(damping * 0.1, 1e-9)
        else:
            damping *= 10.0
        converged = bool(moved < _SMALL_STEP or 0 <= gain <= _SMALL_GAIN * total)
    return Fit(free, now.cost, np.full(len(free), used), np.full(len(free), converged))


def difference_penalty(frames: int, order: int) -> Array:
    """D^T D [order + 1, T] as the upper diagonals of a symmetric matrix: row k holds (t - k, t)."""
    stencil = np.array([1.0]) if frames <= order else np.diff(np.eye(order + 1), n=order, axis=0)[0]
    diagonals = np.zeros((order + 1, frames))
    if frames <= order:
        return diagonals
    for k in range(order + 1):
        for place in range(k, order + 1):
            stretch = slice(place, frames - order + place)
            diagonals[k, stretch] += stencil[place - k] * stencil[place]
    return diagonals


def _times_penalty(penalty: Array, free: Array) -> Array:
    product = penalty[0][:, None] * free
    for k in range(1, len(penalty)):
        product[:-k] += penalty[k, k:, None] * free[k:]
        product[k:] += penalty[k, k:, None] * free[:-k]
    return product


def _roughness(penalty: Array, free: Array) -> float:
    # About the mean, since a constant costs nothing but would lose digits.
    centred = free - free.mean(axis=0)
    return float(np.sum(centred * _times_penalty(penalty, centred)))


def _evaluate(problem: IkProblem, free: Array) -> Evaluation:
    frames = np.arange(len(free))
    parts = [problem.evaluate(free[at : at + BLOCK], frames[at : at + BLOCK]) for at in range(0, len(free), BLOCK)]
    return Evaluation(
        np.concatenate([part.cost for part in parts]),
        np.concatenate([part.gradient for part in parts]),
        np.concatenate([part.normal for part in parts]),
    )


def _step(now: Evaluation, bend: Array, free: Array, penalty: Array, damping: float, low: Array, high: Array) -> Array:
    """The damped step [T, F] of all frames together; Newton's where the learnt curvature allows it."""
    gradient = now.gradient + _times_penalty(penalty, free - free.mean(axis=0))
    held = ((free <= low) & (gradient > 0)) | ((free >= high) & (gradient < 0))
    diagonal = np.diagonal(now.normal, axis1=1, axis2=2) * damping + FLOOR
    try:
        return _solve(now.normal + bend, diagonal, gradient, held, penalty)
    except np.linalg.LinAlgError:  # not positive definite: Gauss-Newton's matrix always is
        return _solve(now.normal, diagonal, gradient, held, penalty)


def _solve(blocks: Array, diagonal: Array, gradient: Array, held: NDArray[np.bool_], penalty: Array) -> Array:
    """-A^-1 gradient [T, F] by one banded solve, with `held` coordinates left out."""
    from scipy.linalg import solveh_banded  # not in Blender's own Python, which needs no smoothing

    frames, width = gradient.shape
    keep = np.where(held, 0.0, 1.0)
    bandwidth = (len(penalty) - 1) * width
    band = np.zeros((bandwidth + 1, frames, width))
    kept = blocks * keep[:, :, None] * keep[:, None, :]
    for apart in range(width):
        band[bandwidth - apart, :, apart:] = np.diagonal(kept, apart, 1, 2)
    band[bandwidth] += diagonal + held
    for k in range(len(penalty)):
        band[bandwidth - k * width, k:] += penalty[k, k:, None] * keep[k:] * keep[: frames - k]
    solved = solveh_banded(band.reshape(bandwidth + 1, -1), (-gradient * keep).ravel(), check_finite=False)
    return solved.reshape(frames, width)
