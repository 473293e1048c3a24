"""Markers that cannot be right for a model: none of its own, too few, another unit, left and right exchanged."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from ..model.text_table import listed
from ..model.types import GROUND, MarkerTrack, Model
from .ik_frames import rms_error
from .ik_problem import IkProblem
from .ik_solver import fit_frames
from .ik_start import LEAST_MARKERS, all_headings, default_markers, registered_starts

Array = NDArray[np.float64]

_UNITS = {3: "millimetres were taken for metres", 2: "centimetres were taken for metres"}
_UNITS |= {-3: "metres were taken for millimetres", -2: "metres were taken for centimetres"}
_LARGEST_RATIO = 2.0  # a child is 0.5 of an adult; folding up changes the median distance by less
_LOOKED_AT = 3  # frames
_POOR_RMS_M = 0.052  # only such a fit is suspected of exchanged sides
_BETTER = 0.6  # times the error, when left and right are exchanged
_SIDE = re.compile(r"^(?P<side>[LR])(?=[A-Z_.])|(?P<word>left|right)|(?<=[_.])(?P<end>[lr])$", re.IGNORECASE)


def shared_markers(model: Model, track: MarkerTrack) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Indices of the markers that both have: the model's, and the track's in the same order.

    Raises:
        InputError: there are fewer than three, or no frame shows three of them.
    """
    pairs = [(i, track.names.index(name)) for i, name in enumerate(model.marker_names) if name in track.names]
    if not pairs:
        theirs = listed(track.names, 4)
        if not model.markers:
            problem, hint = "the model has no markers", "add them to the model, under the file's names"
        else:
            problem = (
                f"no marker of the model is in the file: it has {theirs}, the model {listed(model.marker_names, 4)}"
            )
            hint = "rename them to match"
        raise InputError(problem, path=track.path, hint=hint)
    if len(pairs) < LEAST_MARKERS:
        names = listed(model.marker_names[i] for i, _ in pairs)
        problem = f"only {len(pairs)} of the model's markers are in the file ({names})"
        raise InputError(problem, path=track.path, hint=f"at least {LEAST_MARKERS} are needed")
    seen = np.isfinite(track.positions[:, [j for _, j in pairs]]).all(axis=2)
    if not (np.count_nonzero(seen, axis=1) >= LEAST_MARKERS).any():
        problem = f"no frame shows {LEAST_MARKERS} of the model's markers at once"
        raise InputError(problem, path=track.path, hint="fill gaps first, or triangulate from more views")
    return tuple(i for i, _ in pairs), tuple(j for _, j in pairs)


def check_size(problem: IkProblem, track: MarkerTrack) -> None:
    """Refuse markers that lie many times as far apart as the model's.

    Raises:
        InputError: by a power of ten, a wrong unit; by something else, an unscaled model.
    """
    ratio = size_ratio(problem)
    if 1.0 / _LARGEST_RATIO <= ratio <= _LARGEST_RATIO:
        return
    power = round(float(np.log10(ratio)))
    is_unit = power in _UNITS and abs(np.log10(ratio) - power) < np.log10(_LARGEST_RATIO)
    problem_text = f"the markers lie {ratio:.3g} times as far apart as the model's"
    if is_unit:
        raise InputError(f"{problem_text}: {_UNITS[power]}", path=track.path, hint="correct 'Units' in the file")
    raise InputError(problem_text, path=track.path, hint="check the calibration's unit, or scale the model first")


def size_ratio(problem: IkProblem) -> float:
    """Median over pairs of markers of their distance in the data to that in the default pose."""
    here = default_markers(problem)
    first, second = np.triu_indices(len(here), 1)
    model_distances = np.linalg.norm(here[first] - here[second], axis=1)
    targets = np.where(problem.weights[:, :, None] > 0, problem.targets, np.nan)
    some = targets[np.linspace(0, len(targets) - 1, min(len(targets), 50)).astype(int)]
    distances = np.linalg.norm(some[:, first] - some[:, second], axis=2)
    seen = np.isfinite(distances).any(axis=0) & (model_distances > 1e-6)
    if not seen.any():
        return 1.0
    return float(np.median(np.nanmedian(distances[:, seen], axis=0) / model_distances[seen]))


def check_sides(problem: IkProblem, free: Array, frames: NDArray[np.int64], track: MarkerTrack) -> None:
    """Refuse markers that fit poorly as named, and much better with left and right exchanged.

    `free` [N, F] are the fits of `frames` [N].

    Raises:
        InputError: naming which: everything, or the markers of the legs, the arms or the head alone.
    """
    looked = np.unique(np.linspace(0, len(frames) - 1, _LOOKED_AT).astype(int))
    given = float(np.median(rms_error(problem, free[looked], frames[looked])))
    if given < _POOR_RMS_M:
        return
    names = [problem.coordinates.model.markers[index].name for index in problem.markers]
    best, culprit = _BETTER * given, None
    for pairs in _suspects(problem, names):
        error = _exchanged_error(problem, pairs, frames[looked])
        if error < best:
            best, culprit = error, pairs
    if culprit is None:
        return
    which = "" if len(culprit) == len(_partners(names)) else f" of {listed(names[i] for pair in culprit for i in pair)}"
    raise InputError(
        f"left and right{which} look exchanged: {1e3 * given:.0f} mm from the model as named, "
        f"{1e3 * best:.0f} mm the other way round",
        path=track.path,
        hint="exchange the names, or check whether the cameras' world is mirrored",
    )


def _exchanged_error(problem: IkProblem, pairs: list[tuple[int, int]], frames: NDArray[np.int64]) -> float:
    order = np.arange(len(problem.markers))
    for left, right in pairs:
        order[left], order[right] = right, left
    swapped = replace(problem, targets=problem.targets[frames][:, order], weights=problem.weights[frames][:, order])
    starts = registered_starts(swapped, all_headings())
    rows = np.tile(np.arange(len(frames)), len(starts))
    fit = fit_frames(swapped, np.concatenate(starts), rows, iterations=25, gain=1e-3)
    best = np.argmin(fit.cost.reshape(len(starts), -1), axis=0)
    free = fit.free.reshape(len(starts), len(frames), -1)[best, np.arange(len(frames))]
    return float(np.median(rms_error(swapped, free, np.arange(len(frames)))))


def _suspects(problem: IkProblem, names: list[str]) -> list[list[tuple[int, int]]]:
    """All pairs of partners, and the pairs by the body from which their two sides branch off."""
    pairs = _partners(names)
    model = problem.coordinates.model
    branches: dict[int, list[tuple[int, int]]] = {}
    for left, right in pairs:
        bodies = [_ancestors(model, model.markers[problem.markers[i]].body) for i in (left, right)]
        common = next((body for body in bodies[0] if body in bodies[1]), GROUND)
        branches.setdefault(common, []).append((left, right))
    parts = list(branches.values()) if len(branches) > 1 else []
    return [pairs, *parts] if pairs else []


def _ancestors(model: Model, body: int) -> list[int]:
    chain = [body]
    while chain[-1] != GROUND:
        chain.append(model.joints[chain[-1]].parent)
    return chain


def _partners(names: list[str]) -> list[tuple[int, int]]:
    """Pairs (left, right) of places in `names`."""
    pairs = []
    for place, name in enumerate(names):
        other = _other_side(name)
        if other != name and other in names and (other, name) not in [(names[i], names[j]) for i, j in pairs]:
            pairs.append((place, names.index(other)))
    return pairs


def _other_side(name: str) -> str:
    match = _SIDE.search(name)
    if match is None:
        return name
    text = match.group(0)
    swapped = {"l": "r", "r": "l", "left": "right", "right": "left"}[text.lower()]
    swapped = swapped.upper() if text.isupper() else swapped.capitalize() if text[0].isupper() else swapped
    return name[: match.start()] + swapped + name[match.end() :]
