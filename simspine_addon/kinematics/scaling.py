"""How large a person is against a model: scale factors of each body from distances between markers.

For each measurement, the distance between two markers is taken on every frame, the outer tenths at either end are
left out, and the mean of the rest is divided by the same distance on the model in its default pose, as OpenSim's
scaling does. Bodies that no measurement reaches get the mean factor of the others, or the person's height by the
model's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.couplers import default_values
from ..model.errors import InputError
from ..model.text_table import listed
from ..model.types import MarkerTrack, Model
from .forward import body_frames, marker_positions
from .scaling_measurements import Measurement

Array = NDArray[np.float64]

TRIM = 0.1  # of the frames at either end
_LEAST_FRAMES = 1
_PLAUSIBLE = (0.5, 2.0)


@dataclass(frozen=True, slots=True)
class MeasuredRatio:
    """One measurement: mean distance of the person and on the model (m), their ratio, its spread over the frames."""

    measurement: Measurement
    person_m: float
    model_m: float
    ratio: float
    spread: float  # standard deviation of the kept frames' ratios
    frames: int


@dataclass(frozen=True, slots=True)
class ScaleFactors:
    """Factors [B, 3] along each body's axes, how each measurement came out, and what was odd."""

    body_names: tuple[str, ...]
    factors: Array
    ratios: tuple[MeasuredRatio, ...]
    unmeasured: tuple[str, ...]  # bodies that no measurement reaches
    overall: float  # the factor given to those
    warnings: tuple[str, ...]


def trimmed_mean(values: Array, trim: float = TRIM) -> float:
    """Mean of `values` [N] without the `trim` share of them at either end; NaN for none."""
    ordered = np.sort(values[np.isfinite(values)])
    if not len(ordered):
        return float("nan")
    cut = int(trim * len(ordered))
    return float(ordered[cut : len(ordered) - cut].mean())


def scale_factors(
    model: Model,
    track: MarkerTrack,
    measurements: tuple[Measurement, ...],
    *,
    time: tuple[float, float] | None = None,
    height_ratio: float | None = None,
) -> ScaleFactors:
    """Scale factors of every body.

    Args:
        model: generic, with markers.
        track: of a person, at best standing still.
        measurements: which marker distances scale which bodies; one that lacks markers is left out with a warning.
        time: (first, last) s of the stretch to use; all of it by default.
        height_ratio: the person's height by the model's, for bodies that nothing measures.

    Raises:
        InputError: no measurement can be taken, the stretch holds no frame, or a ratio that no person has.
    """
    positions = _stretch(track, time)
    warnings: list[str] = []
    on_model = _default_markers(model)
    ratios = []
    for measurement in measurements:
        ratio = _measure(measurement, model, on_model, track, positions)
        if ratio is None:
            warnings.append(f"'{measurement.name}' cannot be measured: its markers are not in the model and the file")
        else:
            ratios.append(ratio)
    if not ratios:
        raise InputError(
            f"none of the {len(measurements)} measurements can be taken with its markers ({listed(track.names, 4)})",
            path=track.path,
            hint="give --measurements with the names that the model and the file share",
        )
    _check(ratios, track)
    return _factors(model, ratios, height_ratio, warnings)


def _factors(
    model: Model, ratios: list[MeasuredRatio], height_ratio: float | None, warnings: list[str]
) -> ScaleFactors:
    factors = np.full((len(model.bodies), 3), np.nan)
    for each in ratios:
        for body in each.measurement.bodies:
            if body in model.body_names:
                axes = ["XYZ".index(axis) for axis in each.measurement.axes]
                factors[model.body_names.index(body), axes] = each.ratio
    measured = np.isfinite(factors).any(axis=1)
    if not measured.any():
        names = listed(body for each in ratios for body in each.measurement.bodies)
        raise InputError(f"the measured bodies ({names}) are not in the model", path=model.path, hint="name its bodies")
    overall = float(np.nanmean(factors)) if height_ratio is None else height_ratio
    own = np.nanmean(factors[measured], axis=1, keepdims=True)
    factors[measured] = np.where(np.isfinite(factors[measured]), factors[measured], own)
    factors[~measured] = overall
    unmeasured = tuple(name for name, known in zip(model.body_names, measured, strict=True) if not known)
    return ScaleFactors(model.body_names, factors, tuple(ratios), unmeasured, overall, tuple(warnings))


def _default_markers(model: Model) -> Array:
    positions, rotations = body_frames(model, default_values(model)[None])
    return marker_positions(model, positions, rotations)[0]


def _stretch(track: MarkerTrack, time: tuple[float, float] | None) -> Array:
    if time is None:
        return track.positions
    inside = (track.time >= time[0]) & (track.time <= time[1])
    if np.count_nonzero(inside) < _LEAST_FRAMES:
        problem = f"no frame lies between {time[0]:g} and {time[1]:g} s"
        hint = f"the file goes from {track.time[0]:g} to {track.time[-1]:g} s"
        raise InputError(problem, path=track.path, hint=hint)
    return track.positions[inside]


def _measure(
    measurement: Measurement, model: Model, on_model: Array, track: MarkerTrack, positions: Array
) -> MeasuredRatio | None:
    persons, models, spreads, frames = [], [], [], []
    for first, second in measurement.pairs:
        if not {first, second} <= set(model.marker_names) & set(track.names):
            continue
        here = np.linalg.norm(on_model[model.marker_names.index(first)] - on_model[model.marker_names.index(second)])
        apart = positions[:, track.names.index(first)] - positions[:, track.names.index(second)]
        distances = np.linalg.norm(apart, axis=1)
        mean = trimmed_mean(distances)
        if np.isfinite(mean) and here > 0:
            persons.append(mean)
            models.append(float(here))
            spreads.append(_spread(distances) / float(here))
            frames.append(int(np.isfinite(distances).sum()))
    if not persons:
        return None
    ratio = float(np.mean(np.array(persons) / np.array(models)))
    return MeasuredRatio(
        measurement, float(np.mean(persons)), float(np.mean(models)), ratio, float(np.mean(spreads)), min(frames)
    )


def _spread(distances: Array) -> float:
    ordered = np.sort(distances[np.isfinite(distances)])
    cut = int(TRIM * len(ordered))
    return float(ordered[cut : len(ordered) - cut].std())


def _check(ratios: list[MeasuredRatio], track: MarkerTrack) -> None:
    median = float(np.median([each.ratio for each in ratios]))
    if _PLAUSIBLE[0] <= median <= _PLAUSIBLE[1]:
        return
    if 500.0 < median < 2000.0:
        problem = f"segments are {median:.0f} times the model's: millimetres were taken for metres"
        raise InputError(problem, path=track.path, hint="correct 'Units' in the file")
    problem = f"segments are {median:.3g} times the model's"
    raise InputError(problem, path=track.path, hint="check the unit and the calibration")
