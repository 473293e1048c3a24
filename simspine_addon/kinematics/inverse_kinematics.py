"""Inverse kinematics: the joint angles at which a model's markers lie nearest to those of a capture.

The objective is that of the SIMSPINE paper (arXiv 2602.20792): weighted squared marker errors, the lumbar spine drawn
towards its default, and lambda |D q|^2 over the trajectory, in independent coordinates. The cost of one frame is
scaled as OpenSim scales it (see `ik_problem`), so that weights mean the same in both.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from ..model.text_table import listed
from ..model.types import Coupler, MarkerTrack, Model, Motion
from .ik_checks import check_sides, check_size, shared_markers
from .ik_coordinates import FreeCoordinates, free_coordinates, series_couplers, without_bounds
from .ik_deviation import standard_deviations
from .ik_frames import FramesFit, fit_each_frame
from .ik_problem import CoordinatePrior, CouplerPrior, IkProblem, marker_skeleton
from .ik_report import IkReport
from .ik_trajectory import fit_trajectory
from .marker_weights import SIMSPINE_WEIGHTS, IkWeights

Array = NDArray[np.float64]
Lumbar = Literal["coupled", "soft", "free"]

_AT_LIMIT = 1e-9


@dataclass(frozen=True, slots=True)
class IkOptions:
    """How to fit.

    Fields:
        weights: of markers and coordinates; the paper's by default.
        lumbar: what becomes of couplers between joints of one chain (the lumbar levels): "coupled" keeps them,
            "soft" adds `lumbar_weight * (q_i - c_i(q_0))^2` instead, "free" draws each level to its default by
            `lumbar_weight * (q_i - default)^2`: without that ridge three lumbar markers do not determine 18 angles.
        lumbar_weight: in m^2 per rad^2, as marker errors are mean squares in m^2.
        limits: "bounds" holds clamped coordinates within their ranges, as opensim does; "penalties" lets them leave
            at a cost of `limit_weight` m^2 per rad^2.
        smooth: lambda of the trajectory; 0 fits frame by frame.
        smooth_order: order of the differences, 1 or 2.
    """

    weights: IkWeights = SIMSPINE_WEIGHTS
    lumbar: Lumbar = "soft"
    lumbar_weight: float = 1e-4
    smooth: float = 0.0
    smooth_order: int = 2
    limits: Literal["bounds", "penalties"] = "bounds"
    limit_weight: float = 1.0


@dataclass(frozen=True, slots=True)
class IkResult:
    """The motion found, how sure each of its values is, and the report.

    `standard_deviation` is [T, C] in rad and m: what the scatter of marker errors about the fit lets each coordinate
    vary, from the normal matrix; inf where the markers do not determine it, NaN where nothing was fitted.
    """

    motion: Motion
    standard_deviation: Array
    report: IkReport


def inverse_kinematics(model: Model, track: MarkerTrack, options: IkOptions | None = None) -> IkResult:
    """Fit `model` to the markers of `track`, all frames at once.

    Markers are matched by name; an unseen one (NaN) is ignored in its frame. Frames with fewer than three markers are
    interpolated (with smoothing, carried by the trajectory) and flagged. Clamped coordinates stay within their ranges;
    locked ones stay at their defaults.

    Raises:
        InputError: no markers in common or too few; markers in another unit; left and right exchanged; options that
            mean nothing.
    """
    options = options or IkOptions()
    started = time.perf_counter()
    problem, notes = make_problem(model, track, options)
    check_size(problem, track)
    fit = fit_each_frame(
        problem,
        rough=options.smooth > 0,
        inspect=lambda free, frames: check_sides(problem, free, frames, track),
    )
    usable = np.flatnonzero(fit.usable)
    if options.smooth > 0:
        fit = _smoothed(problem, fit, options)
    values = problem.coordinates.values(fit.free)
    deviation = standard_deviations(problem, fit.free, fit.usable)
    names = model.coordinate_names
    undetermined = tuple(np.array(names)[np.isinf(deviation[usable]).any(axis=0)])
    report = IkReport(
        engine="batch",
        lumbar=options.lumbar,
        smooth=options.smooth,
        marker_names=tuple(model.markers[i].name for i in problem.markers),
        unused=tuple(name for name in track.names if name not in {model.markers[i].name for i in problem.markers}),
        absent=tuple(name for name in model.marker_names if name not in track.names),
        marker_error=problem.marker_errors(fit.free),
        cost=fit.cost,
        iterations=fit.iterations,
        flags=_flags(fit),
        at_limit=_at_limit(problem.coordinates, fit.free[usable]),
        undetermined=undetermined,
        seconds=time.perf_counter() - started,
        warnings=(*notes, *_warnings(fit, undetermined, options.smooth > 0)),
    )
    motion = Motion(track.time, names, values, warnings=report.warnings)
    return IkResult(motion, deviation, report)


def make_problem(model: Model, track: MarkerTrack, options: IkOptions) -> tuple[IkProblem, list[str]]:
    """The least squares of a capture, and what is odd about the options, a sentence each.

    Raises:
        InputError: as `inverse_kinematics`.
    """
    _check_options(options)
    notes = []
    lumbar = series_couplers(model)
    if options.lumbar == "soft" and not lumbar:
        notes.append("the model has no couplers along its spine: nothing to be soft about")
    released = () if options.lumbar == "coupled" else tuple(coupler.dependent for coupler in lumbar)
    soft = lumbar if options.lumbar == "soft" else ()
    coordinates, limits = free_coordinates(model, released), None
    if options.limits == "penalties":
        coordinates, limits = without_bounds(coordinates, options.limit_weight)
    ours, theirs = shared_markers(model, track)
    positions = track.positions[:, list(theirs)]
    seen = np.isfinite(positions).all(axis=2)
    table = np.array([options.weights.of(model.markers[i].name) for i in ours])
    weights = np.where(seen, table, 0.0)
    counted = np.flatnonzero(weights.any(axis=0))
    if not len(counted):
        raise InputError("every marker has the weight 0", path=track.path, hint="give weights to some")
    ours, positions, weights = tuple(ours[i] for i in counted), positions[:, counted], weights[:, counted]
    total = weights.sum(axis=1, keepdims=True)
    problem = IkProblem(
        coordinates=coordinates,
        markers=ours,
        targets=np.where(weights[:, :, None] > 0, positions, 0.0),
        weights=weights / np.where(total > 0, total, 1.0),
        skeleton=marker_skeleton(model, ours),
        coordinate_priors=(
            *_coordinate_priors(model, coordinates, options.weights, notes),
            *(_ridge(model, lumbar, options.lumbar_weight) if options.lumbar == "free" else ()),
        ),
        coupler_priors=tuple(CouplerPrior(coupler, options.lumbar_weight) for coupler in soft),
        limits=limits,
    )
    return problem, notes


def _check_options(options: IkOptions) -> None:
    if options.lumbar not in ("coupled", "soft", "free"):
        raise InputError(f"the lumbar spine cannot be '{options.lumbar}'", hint="choose coupled, soft or free")
    if options.limits not in ("bounds", "penalties"):
        raise InputError(f"limits cannot be '{options.limits}'", hint="choose bounds or penalties")
    for name, value in (
        ("smoothness", options.smooth),
        ("lumbar weight", options.lumbar_weight),
        ("limit weight", options.limit_weight),
    ):
        if not (np.isfinite(value) and value >= 0):
            raise InputError(f"the {name} is {value:g}", hint="give a number of at least 0")
    if options.smooth_order not in (1, 2):
        raise InputError(f"differences of order {options.smooth_order} are not known", hint="choose 1 or 2")


def _ridge(model: Model, couplers: tuple[Coupler, ...], weight: float) -> tuple[CoordinatePrior, ...]:
    """A ridge on every coordinate that the couplers of the spine would have tied together."""
    tied = {index for coupler in couplers for index in (coupler.dependent, *coupler.independents)}
    return tuple(CoordinatePrior(index, model.coordinates[index].default, weight) for index in sorted(tied))


def _coordinate_priors(
    model: Model, coordinates: FreeCoordinates, weights: IkWeights, notes: list[str]
) -> tuple[CoordinatePrior, ...]:
    names = model.coordinate_names
    unknown = [name for name in weights.coordinates if name not in names]
    if unknown:
        notes.append(f"weights for coordinates that the model does not have: {listed(unknown)}")
    found = [
        (names.index(name), weight) for name, weight in weights.coordinates.items() if name in names and weight > 0
    ]
    return tuple(CoordinatePrior(index, model.coordinates[index].default, weight) for index, weight in found)


def _smoothed(problem: IkProblem, fit: FramesFit, options: IkOptions) -> FramesFit:
    """The whole trajectory, starting from the frames' own fits; frames that stand out hold no more than their share."""
    smooth = fit_trajectory(problem, fit.free, options.smooth, options.smooth_order)
    return replace(
        fit,
        free=smooth.free,
        cost=np.where(fit.usable, smooth.cost, np.nan),
        iterations=fit.iterations + smooth.iterations,
        converged=smooth.converged,
    )


def _flags(fit: FramesFit) -> tuple[tuple[str, ...], ...]:
    columns = (
        ("too few markers", ~fit.usable),
        ("restarted", fit.restarted),
        ("stands out", fit.stands_out),
        ("not converged", fit.usable & ~fit.converged),
    )
    return tuple(tuple(name for name, mask in columns if mask[frame]) for frame in range(len(fit.usable)))


def _at_limit(coordinates: FreeCoordinates, free: Array) -> dict[str, float]:
    at_limit = (free <= coordinates.low + _AT_LIMIT) | (free >= coordinates.high - _AT_LIMIT)
    names = [coordinates.model.coordinates[index].name for index in coordinates.indices]
    return {name: float(share) for name, share in zip(names, at_limit.mean(axis=0), strict=True) if share > 0}


def _warnings(fit: FramesFit, undetermined: tuple[str, ...], as_one: bool) -> list[str]:
    """What a user should know of the fit, a sentence each; `as_one` if the whole trajectory comes to rest or none."""
    notes = []
    restless = fit.usable & ~fit.converged
    if as_one and restless.any():
        notes.append("the smooth trajectory was stopped before it came to rest: fits that hardly change go on for long")
        restless[:] = False
    for mask, text in (
        (~fit.usable, "have fewer than three markers and are interpolated"),
        (fit.stands_out, "stand out by their error even after new starts"),
        (restless, "did not come to rest"),
    ):
        if mask.any():
            notes.append(f"{np.count_nonzero(mask)} of {len(mask)} frames {text}, first frame {np.argmax(mask) + 1}")
    if undetermined:
        notes.append(f"the markers do not determine {listed(undetermined)}: left where they started")
    return notes
