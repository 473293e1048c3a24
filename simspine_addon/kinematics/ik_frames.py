"""Every frame of a capture fitted by itself, and none left stuck: key frames, then all, then those that stand out.

Key frames start from the registered trunk, in four headings where one does not do; the others start between their
key frames. A frame whose error stands out, or whose angles leap, is started again from its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.types import GROUND
from .ik_problem import CoordinatePrior, IkProblem
from .ik_solver import SMALL_GAIN, Fit, fit_frames
from .ik_start import LEAST_MARKERS, all_headings, nearest_frames, registered_starts, root_places

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_KEY_STEP = 8  # frames; a person does not change pose beyond recognition in half of it
_WINDOW = 25  # frames among which an error is usual
_STANDS_OUT = 1.5  # times the usual rms error ...
_STANDS_OUT_M = 0.004  # ... plus this
_BAD_RMS_M = 0.06  # a whole fit above it is tried in every heading
_LEAP = np.radians(50.0)  # from one frame to the next
_FIRM = 2e-5  # curvature of the cost: a marker on an arm of 2 cm or more
_SWEEPS = 3
_RANGE_COST = 1e-4  # m^2 at the end of a range: a centimetre
_ROUGH = 1e-4  # where a start is looked for, steps that gain less are not worth it
_FEW = 20  # iterations, where all frames are fitted again from what comes of it
_FEWER = 10  # for the pose from which the key frames start
_SAME_POSE = 1.02  # times the least cost: poses between which the ranges decide
_SAME = 1e-3  # relative: costs so near are the same minimum seen from two sides


@dataclass(slots=True)
class FramesFit:
    """Free coordinates [T, F], cost, iterations and rest of every frame, and what happened to it.

    `usable`: had markers enough to be fitted; the others hold their neighbours' interpolated coordinates.
    """

    free: Array
    cost: Array
    iterations: NDArray[np.int64]
    converged: Mask
    usable: Mask
    restarted: Mask
    stands_out: Mask


def fit_each_frame(
    problem: IkProblem, *, rough: bool = False, inspect: Callable[[Array, NDArray[np.int64]], None] | None = None
) -> FramesFit:
    """Fit all frames that have at least three markers; the others are interpolated between them.

    `rough` stops early, where a fit of the whole trajectory follows. `inspect` is shown the free coordinates of the
    key frames and which they are, and may refuse to go on.
    """
    usable = np.count_nonzero(problem.weights > 0, axis=1) >= LEAST_MARKERS
    good = np.flatnonzero(usable)
    keys = good[:: min(_KEY_STEP, max(1, len(good) // 2))]
    keys = np.unique(np.append(keys, good[-1]))
    key_fit = _fit_keys(problem, keys)
    if inspect is not None:
        inspect(key_fit.free, keys)
    start = interpolated(key_fit.free, keys, good)
    fit = fit_frames(problem, start, good, gain=_ROUGH if rough else SMALL_GAIN)
    used = fit.iterations.copy()
    used[np.searchsorted(good, keys)] += key_fit.iterations
    frames = FramesFit(
        free=fit.free,
        cost=fit.cost,
        iterations=used,
        converged=fit.converged,
        usable=usable,
        restarted=np.zeros(len(good), dtype=bool),
        stands_out=np.zeros(len(good), dtype=bool),
    )
    _mend(problem, frames, good)
    return _spread(frames, good, problem.frames)


def interpolated(free: Array, at: NDArray[np.int64], frames: NDArray[np.int64]) -> Array:
    """Rows [N, F] between those given `at` some frames, held beyond the first and last."""
    return np.stack([np.interp(frames, at, column) for column in free.T], axis=1)


def rms_error(problem: IkProblem, free: Array, frames: NDArray[np.int64]) -> Array:
    """Root mean square marker distance [N] in m of the frames named."""
    part = replace(problem, targets=problem.targets[frames], weights=problem.weights[frames])
    return np.sqrt(np.nanmean(part.marker_errors(free) ** 2, axis=1))


def usual_error(rms: Array) -> Array:
    """The running median [N] of errors, and so what is usual around each frame."""
    half = min(_WINDOW // 2, max(len(rms) - 1, 0))
    padded = np.pad(rms, half, mode="reflect") if half else rms
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)


def outstanding(rms: Array) -> Mask:
    """Which errors [N] stand out from those around them."""
    return rms > _STANDS_OUT * usual_error(rms) + _STANDS_OUT_M


def _fit_keys(problem: IkProblem, keys: NDArray[np.int64]) -> Fit:
    """Key frames from the pose of one of them, laid onto each one's trunk; poor ones from the default pose too.

    One pose for all makes the same set of angles likely throughout.
    """
    problem = _within_ranges(problem)
    starts = registered_starts(problem, all_headings())
    seed = _seed(problem, starts, int(keys[len(keys) // 2]))
    root = root_places(problem)
    first = np.repeat(seed[None], len(keys), axis=0)
    first[:, root] = starts[0][keys][:, root]
    fit = fit_frames(problem, first, keys, iterations=_FEW, gain=_ROUGH)
    rms = rms_error(problem, fit.free, keys)
    poor = np.flatnonzero((rms > _BAD_RMS_M) | (rms > _STANDS_OUT * np.median(rms) + _STANDS_OUT_M))
    for start in starts:
        if len(poor):
            again = fit_frames(problem, start[keys[poor]], keys[poor], iterations=_FEW, gain=_ROUGH)
            _keep_better(fit, again, poor)
    unwrap_turns(problem, fit.free, keys)
    _propagate(problem, fit, keys)
    return fit


def _within_ranges(problem: IkProblem) -> IkProblem:
    """The problem with each coordinate drawn weakly to the middle of its range, against twisted local minima."""
    coordinates = problem.coordinates
    priors = []
    for index in coordinates.indices:
        low, high = sorted(coordinates.model.coordinates[index].range)
        on_ground = coordinates.model.joints[coordinates.model.coordinates[index].joint].parent == GROUND
        if not on_ground and 0.0 < high - low < 2.0 * np.pi:
            weight = _RANGE_COST / (0.5 * (high - low)) ** 2
            priors.append(CoordinatePrior(int(index), 0.5 * (low + high), weight))
    return replace(problem, coordinate_priors=(*problem.coordinate_priors, *priors))


def _seed(problem: IkProblem, starts: list[Array], frame: int) -> Array:
    """The best fit [F] of one frame from all headings, and from a pose of zeros; in doubt the one within the ranges."""
    coordinates = problem.coordinates
    trials = np.array([start[frame] for start in starts])
    zeros = np.zeros_like(trials[:1])
    root = root_places(problem)
    zeros[:, root] = trials[:1, root]
    trials = np.concatenate([trials, zeros])
    fit = fit_frames(problem, trials, np.full(len(trials), frame), iterations=_FEWER, gain=_ROUGH)
    ranges = np.array([sorted(coordinates.model.coordinates[i].range) for i in coordinates.indices])
    unwrap_turns(problem, fit.free, np.full(len(trials), frame), np.clip(0.5 * ranges.sum(axis=1), -np.pi, np.pi))
    beyond = np.maximum(ranges[:, 0] - fit.free, 0.0) + np.maximum(fit.free - ranges[:, 1], 0.0)
    near = fit.cost <= fit.cost.min() * _SAME_POSE + 1e-12
    return fit.free[np.argmin(np.where(near, beyond.sum(axis=1), np.inf))]


def unwrap_turns(problem: IkProblem, free: Array, frames: NDArray[np.int64], about: Array | None = None) -> None:
    """Take whole turns off rotations, in place: next to the row before, or to `about` [F]; only where cost stays."""
    rotational = np.array(
        [problem.coordinates.model.coordinates[i].motion_type == "rotational" for i in problem.coordinates.indices]
    )
    full = 2.0 * np.pi
    turned = np.unwrap(free, axis=0) if about is None else free - full * np.round((free - about) / full)
    turned = np.where(rotational, np.clip(turned, problem.coordinates.low, problem.coordinates.high), free)
    if np.abs(turned - free).max(initial=0.0) < 1.0:
        return
    same = problem.evaluate(turned, frames).cost <= problem.evaluate(free, frames).cost * (1.0 + 1e-6) + 1e-15
    if same.all() or about is not None:
        free[same] = turned[same]


def _keep_better(fit: Fit, other: Fit, rows: NDArray[np.int64], slack: float = 0.0) -> Mask:
    """Take the rows of `other` that cost less (or no more than `slack` above); says which, [N]."""
    better = other.cost < (fit.cost[rows] * (1.0 + slack) if slack else fit.cost[rows] * (1.0 - 1e-9))
    chosen = rows[better]
    fit.free[chosen], fit.cost[chosen] = other.free[better], other.cost[better]
    fit.iterations[rows] += other.iterations
    fit.converged[chosen] = other.converged[better]
    return better


def _propagate(problem: IkProblem, fit: Fit, frames: NDArray[np.int64]) -> Mask:
    """Where angles leap, begin again from the frame next to it, outwards from the longest stretch without leaps.

    The same pose has several sets of angles (an arm turned by (a, b, c) or (a + pi, pi - b, c + pi)); one of them
    is to be kept throughout. Says which rows changed, [N].
    """
    changed = np.zeros(len(frames), dtype=bool)
    leaps = np.abs(np.diff(fit.free, axis=0)) > _LEAP
    if not leaps.any():
        return changed
    # What hardly moves a marker may be anywhere, and its leaps say nothing.
    normal = problem.evaluate(fit.free, frames).normal
    firm = np.median(np.diagonal(normal, axis1=1, axis2=2), axis=0) > _FIRM
    edges = np.concatenate([[0], np.flatnonzero(leaps[:, firm].any(axis=1)) + 1, [len(frames)]])
    longest = int(np.argmax(np.diff(edges)))
    first, last = edges[longest], edges[longest + 1] - 1
    for rows, back in ((range(last + 1, len(frames)), -1), (range(first - 1, -1, -1), 1)):
        for row in rows:
            if np.abs(fit.free[row] - fit.free[row + back])[firm].max(initial=0.0) > _LEAP:
                one = np.array([row])
                again = fit_frames(problem, fit.free[one + back], frames[one], iterations=_FEW)
                changed[row] |= _keep_better(fit, again, one, _SAME)[0]
    return changed


def _mend(problem: IkProblem, frames: FramesFit, good: NDArray[np.int64]) -> None:
    """Start again what leaps or stands out; mark what still does."""
    fit = Fit(frames.free, frames.cost, frames.iterations, frames.converged)
    frames.restarted |= _propagate(problem, fit, good)
    rms = rms_error(problem, fit.free, good)
    for _ in range(_SWEEPS):
        rows = np.flatnonzero(outstanding(rms))
        if not len(rows) or len(good) < 2:
            break
        better = np.zeros(len(rows), dtype=bool)
        for start in _other_starts(fit.free, rows):
            better |= _keep_better(fit, fit_frames(problem, start, good[rows]), rows)
        frames.restarted[rows[better]] = True
        if not better.any():
            break
        rms = rms_error(problem, fit.free, good)
    frames.stands_out[:] = outstanding(rms)


def _other_starts(free: Array, rows: NDArray[np.int64]) -> list[Array]:
    """The frame before, the one after, and what lies between the nearest that do not stand out."""
    fine = np.ones(len(free), dtype=bool)
    fine[rows] = False
    if not fine.any():
        fine[:] = True
    between = interpolated(free[fine], np.flatnonzero(fine), rows)
    nearest = free[nearest_frames(fine)[rows]]
    return [free[np.maximum(rows - 1, 0)], free[np.minimum(rows + 1, len(free) - 1)], between, nearest]


def _spread(frames: FramesFit, good: NDArray[np.int64], count: int) -> FramesFit:
    """The same over all frames of the capture."""
    if len(good) == count:
        return frames

    def over_all(part: NDArray[Any], empty: Any) -> NDArray[Any]:
        whole = np.full(count, empty, dtype=part.dtype)
        whole[good] = part
        return whole

    return FramesFit(
        free=interpolated(frames.free, good, np.arange(count)),
        cost=over_all(frames.cost, np.nan),
        iterations=over_all(frames.iterations, 0),
        converged=over_all(frames.converged, False),
        usable=frames.usable,
        restarted=over_all(frames.restarted, False),
        stands_out=over_all(frames.stands_out, False),
    )
