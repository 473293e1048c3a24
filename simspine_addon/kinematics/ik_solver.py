"""Levenberg-Marquardt on many frames at once, each with its own damping; converged frames are dropped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ik_problem import Evaluation, IkProblem

Array = NDArray[np.float64]

BLOCK = 256  # frames at a time: normal matrices and Jacobians stay near the processor
_FIRST_DAMPING = 1e-3
_LEAST_DAMPING = 1e-9
_MOST_DAMPING = 1e9
_LARGEST_STEP = 0.6  # rad or m, so that no angle turns over in one step
_SMALL_STEP = 1e-6  # rad or m: 0.00006 deg
SMALL_GAIN = 1e-10  # of the cost
_EXACT = 1e-14  # m^2: markers within 0.0001 mm
# Coordinates that no marker sees have no curvature; this keeps them where they are. A toe's is some 1e-4.
FLOOR = 1e-9


@dataclass(frozen=True, slots=True)
class Fit:
    """Free coordinates [T, F] of each frame, its cost [T], iterations [T] and whether it came to rest [T]."""

    free: Array
    cost: Array
    iterations: NDArray[np.int64]
    converged: NDArray[np.bool_]


def fit_frames(
    problem: IkProblem, start: Array, frames: NDArray[np.int64], *, iterations: int = 100, gain: float = SMALL_GAIN
) -> Fit:
    """Minimise the cost of each frame by itself.

    Args:
        problem: the markers and what may move.
        start: [N, F] where to begin.
        frames: [N] the problem's frame that each row fits; the same frame may stand there several times.
        iterations: at most.
        gain: a frame is done when a step lowers its cost by less than this share.
    """
    fits = [
        _fit_block(problem, start[block : block + BLOCK], frames[block : block + BLOCK], iterations, gain)
        for block in range(0, len(frames), BLOCK)
    ]
    if not fits:
        return Fit(start.copy(), np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool))
    return Fit(
        np.concatenate([fit.free for fit in fits]),
        np.concatenate([fit.cost for fit in fits]),
        np.concatenate([fit.iterations for fit in fits]),
        np.concatenate([fit.converged for fit in fits]),
    )


def _fit_block(problem: IkProblem, start: Array, frames: NDArray[np.int64], iterations: int, least: float) -> Fit:
    low, high = problem.coordinates.low, problem.coordinates.high
    free = np.clip(start, low, high)
    cost, used = np.zeros(len(free)), np.zeros(len(free), dtype=np.int64)
    converged = np.zeros(len(free), dtype=bool)
    active = np.arange(len(free))
    damping = np.full(len(free), _FIRST_DAMPING)
    now = problem.evaluate(free, frames)
    bend = np.zeros_like(now.normal)
    cost[:] = now.cost
    for _ in range(iterations):
        before = free[active]
        trial = np.clip(before + damped_step(now, bend, before, damping[active], low, high), low, high)
        moved = np.abs(trial - before).max(axis=1, initial=0.0)
        then = problem.evaluate(trial, frames[active])
        better = then.cost <= now.cost
        gain = now.cost - then.cost
        free[active[better]], cost[active[better]] = trial[better], then.cost[better]
        used[active] += 1
        damping[active] = np.maximum(damping[active] * np.where(better, 0.1, 10.0), _LEAST_DAMPING)
        at_rest = (moved < _SMALL_STEP) | (better & (gain <= least * now.cost)) | (then.cost < _EXACT)
        converged[active[at_rest]] = True
        going = ~at_rest & (damping[active] < _MOST_DAMPING)
        bend = updated_bend(bend, trial - before, now, then, better)[going]
        active, now = active[going], _merged(now, then, better, going)
        if not len(active):
            break
    return Fit(free, cost, used, converged)


def updated_bend(bend: Array, step: Array, now: Evaluation, then: Evaluation, better: NDArray[np.bool_]) -> Array:
    """The part of the Hessian that the normal matrix lacks, [N, F, F], learnt from how the gradient changed.

    A symmetric rank-one update, as in NL2SOL (Dennis, Gay and Welsch 1981); forgotten where the step was no good.
    Without it, markers that stay far off (a head that its limits hold) make Gauss-Newton swing to and fro.
    """
    wanted = then.gradient - now.gradient - np.einsum("tij,tj->ti", then.normal, step)
    rest = wanted - np.einsum("tij,tj->ti", bend, step)
    along = np.einsum("ti,ti->t", rest, step)
    lengths = np.linalg.norm(rest, axis=1) * np.linalg.norm(step, axis=1)
    sure = better & (np.abs(along) > 1e-6 * lengths)
    scale = np.where(sure, 1.0 / np.where(sure, along, 1.0), 0.0)
    updated = bend + scale[:, None, None] * rest[:, :, None] * rest[:, None, :]
    return np.where(better[:, None, None], updated, 0.0)


def damped_step(now: Evaluation, bend: Array, free: Array, damping: Array, low: Array, high: Array) -> Array:
    """The damped step [N, F], with coordinates that push against a limit held there.

    Newton's with the curvature `bend` [N, F, F] on top of Gauss-Newton's; without it where that would lead uphill.
    """
    step = _held_step(now, now.normal + bend, free, damping, low, high)
    uphill = np.einsum("ti,ti->t", step, now.gradient) > 0
    if uphill.any():
        step[uphill] = _held_step(now, now.normal, free, damping, low, high)[uphill]
    largest = np.abs(step).max(axis=1, initial=0.0, keepdims=True)
    return step * np.minimum(1.0, _LARGEST_STEP / np.maximum(largest, _LARGEST_STEP))


def _held_step(now: Evaluation, matrix: Array, free: Array, damping: Array, low: Array, high: Array) -> Array:
    held = ((free <= low) & (now.gradient > 0)) | ((free >= high) & (now.gradient < 0))
    normal, gradient = matrix.copy(), now.gradient
    diagonal = np.arange(free.shape[1])
    normal[:, diagonal, diagonal] += damping[:, None] * now.normal[:, diagonal, diagonal] + FLOOR
    if held.any():
        keep = np.where(held, 0.0, 1.0)
        normal *= keep[:, :, None] * keep[:, None, :]
        normal[:, diagonal, diagonal] += held
        gradient = gradient * keep
    return -np.linalg.solve(normal, gradient[:, :, None])[:, :, 0]


def _merged(now: Evaluation, then: Evaluation, better: NDArray[np.bool_], going: NDArray[np.bool_]) -> Evaluation:
    """What holds after the step: `then` where it was better, for the frames that go on."""
    chosen = better[going]
    return Evaluation(
        np.where(chosen, then.cost[going], now.cost[going]),
        np.where(chosen[:, None], then.gradient[going], now.gradient[going]),
        np.where(chosen[:, None, None], then.normal[going], now.normal[going]),
    )
