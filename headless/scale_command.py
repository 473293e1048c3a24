"""`simspine scale`: a generic model made the size of a person, from the distances between markers."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from ..simspine_addon.kinematics.scaling import ScaleFactors, scale_factors
from ..simspine_addon.kinematics.scaling_measurements import choose_measurements, read_measurements
from ..simspine_addon.model.document import read_model
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.markers import read_trc
from ..simspine_addon.model.types import Model
from ..simspine_addon.spine.pathology_record import is_deformed
from .argument_types import check_places, positive
from .bootstrap import quiet_stdout

_HEIGHTS_M = 0.4, 2.8  # of a newborn, and of the tallest person measured (2.72 m)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine scale`."""
    parser.add_argument("model", metavar="MODEL", type=Path, help="generic OpenSim model with markers (.osim)")
    parser.add_argument("markers", metavar="MARKERS", type=Path, help="the person's markers, at best standing (.trc)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.osim")
    parser.add_argument("--mass", type=positive, metavar="KG", help="the person's mass (default: grows with volume)")
    parser.add_argument("--height", type=positive, metavar="M", help="the person's height, for bodies nothing measures")
    parser.add_argument(
        "--model-height", type=positive, metavar="M", help="of the model (default: its markers' extent)"
    )
    parser.add_argument(
        "--measurements", type=Path, metavar="FILE.json", help="which marker distances scale which bodies"
    )
    parser.add_argument("--time", type=_stretch, metavar="A:B", help="stretch of the file to use, in s")
    parser.add_argument("--report", type=Path, metavar="R.json", help="write ratios and factors there too")
    parser.add_argument("--json", action="store_true", help="print the summary for machines")


def run(arguments: argparse.Namespace) -> int:
    """Run `simspine scale`."""
    from .cli import warn

    output: Path = arguments.output
    if output.suffix != ".osim":
        raise InputError("does not end in .osim", path=output, hint="choose that suffix")
    check_places(output, arguments.report)
    if arguments.height is not None and not _HEIGHTS_M[0] <= arguments.height <= _HEIGHTS_M[1]:
        raise InputError(f"a height of {arguments.height:g} m is no person's", hint="give it in metres, such as 1.76")
    model, track = read_model(arguments.model), read_trc(arguments.markers)
    for text in (*model.warnings, *track.warnings):
        warn(text)
    if is_deformed(model):
        warn(
            f"{arguments.model}: is deformed, which OpenSim's scaling forgets: scale the straight model, then deform it"
        )
    if arguments.measurements is None:
        source, measurements = choose_measurements(model)
    else:
        source, measurements = arguments.measurements, read_measurements(arguments.measurements)
    ratio = None if arguments.height is None else arguments.height / _model_height(model, arguments.model_height)
    scaled = scale_factors(model, track, measurements, time=arguments.time, height_ratio=ratio)
    for text in scaled.warnings:
        warn(text)
    mass = _write(arguments.model, output, scaled, arguments.mass)
    summary = {"output": str(output), "measurements": str(source), "mass_kg": round(mass, 3), **_summary(scaled)}
    if arguments.report is not None:
        from ..simspine_addon.model.atomic import atomic_path

        with atomic_path(arguments.report) as temporary:
            temporary.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    if arguments.json:
        print(json.dumps(summary))
        return 0
    print(f"{output}: {mass:.1f} kg; {len(scaled.ratios)} measurements of {source.name}; markers are not moved")
    for each in scaled.ratios:
        print(
            f"  {each.measurement.name:16s} {1e3 * each.person_m:6.0f} mm / {1e3 * each.model_m:6.0f} mm"
            f" = {each.ratio:.3f} +- {each.spread:.3f}"
        )
    print(f"  {len(scaled.unmeasured)} other bodies get {scaled.overall:.3f}")
    return 0


def _write(model: Path, output: Path, scaled: ScaleFactors, mass: float | None) -> float:
    try:
        from ..simspine_addon.kinematics.opensim_engine import opensim_scale
    except ImportError as error:
        raise InputError("scaling needs the opensim library", hint="install opensim, or scale in OpenSim") from error
    factors = {
        name: (float(x), float(y), float(z)) for name, (x, y, z) in zip(scaled.body_names, scaled.factors, strict=True)
    }
    with quiet_stdout():
        return opensim_scale(model, output, factors, mass)


def _summary(scaled: ScaleFactors) -> dict[str, Any]:
    return {
        "ratios": {
            each.measurement.name: {
                "person_m": round(each.person_m, 5),
                "model_m": round(each.model_m, 5),
                "ratio": round(each.ratio, 5),
                "spread": round(each.spread, 5),
                "frames": each.frames,
                "bodies": list(each.measurement.bodies),
                "axes": each.measurement.axes,
            }
            for each in scaled.ratios
        },
        "factors": {
            name: [round(float(v), 5) for v in row] for name, row in zip(scaled.body_names, scaled.factors, strict=True)
        },
        "unmeasured_bodies": list(scaled.unmeasured),
        "overall": round(scaled.overall, 5),
        "marker_placement": "not done: markers keep their places on the scaled bodies",
        "warnings": list(scaled.warnings),
    }


def _model_height(model: Model, given: float | None) -> float:
    """As told, or the vertical extent of the markers in the default pose and 3 % for the crown and the soles."""
    from ..simspine_addon.kinematics.forward import body_frames, marker_positions
    from ..simspine_addon.model.couplers import default_values

    if given is not None:
        return given
    heights = marker_positions(model, *body_frames(model, default_values(model)[None]))[0, :, 1]
    return 1.03 * float(np.ptp(heights))


def _stretch(text: str) -> tuple[float, float]:
    first, _, last = text.partition(":")
    try:
        stretch = (float(first) if first else -np.inf, float(last) if last else np.inf)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not A:B in seconds") from None
    if not stretch[0] < stretch[1]:
        raise argparse.ArgumentTypeError(f"'{text}' ends before it begins")
    return stretch
