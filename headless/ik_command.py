"""`simspine ik`: joint angles from markers, by our batch solver or by OpenSim's own tool."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

from ..simspine_addon.kinematics.inverse_kinematics import IkOptions, IkResult, inverse_kinematics
from ..simspine_addon.kinematics.marker_weights import SIMSPINE_WEIGHTS, read_weights
from ..simspine_addon.model.document import read_model
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.markers import read_trc
from ..simspine_addon.model.motion_writers import write_mot, write_sto
from ..simspine_addon.model.types import MarkerTrack, Model
from .argument_types import check_places, not_negative
from .bootstrap import quiet_stdout


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine ik`."""
    parser.add_argument("model", metavar="MODEL", type=Path, help="OpenSim model with markers (.osim), scaled")
    parser.add_argument("markers", metavar="MARKERS", type=Path, help="marker positions (.trc)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.mot|.sto")
    parser.add_argument("--engine", choices=("batch", "opensim"), default="batch", help="ours, or OpenSim's own tool")
    parser.add_argument(
        "--smooth",
        type=not_negative,
        default=0.0,
        metavar="L",
        help="lambda of the trajectory's smoothness; 0.001 halves jitter at the same error (default 0)",
    )
    parser.add_argument("--smooth-order", type=int, choices=(1, 2), default=2, help="of the differences (default 2)")
    parser.add_argument(
        "--lumbar",
        choices=("coupled", "soft", "free"),
        help="levels tied by the model's couplers, drawn to them, or free (default soft; opensim: coupled)",
    )
    parser.add_argument(
        "--lumbar-weight", type=not_negative, metavar="W", help="how strongly soft or free levels are drawn"
    )
    parser.add_argument(
        "--limits",
        choices=("bounds", "penalties"),
        default="bounds",
        help="ranges of clamped coordinates: held as opensim does, or left at a cost (default %(default)s)",
    )
    parser.add_argument("--weights", type=Path, metavar="FILE.json", help="weights of markers and coordinates")
    parser.add_argument("--deviation", type=Path, metavar="OUT.sto", help="also write each angle's standard deviation")
    parser.add_argument("--report", type=Path, metavar="R.json", help="errors and flags of every frame")
    parser.add_argument("--json", action="store_true", help="print the summary for machines")


def run(arguments: argparse.Namespace) -> int:
    """Run `simspine ik`."""
    from .cli import warn

    output: Path = arguments.output
    if output.suffix not in (".mot", ".sto"):
        raise InputError("does not end in .mot or .sto", path=output, hint="choose one of these suffixes")
    if arguments.engine == "opensim" and arguments.deviation is not None:
        raise InputError("opensim gives no standard deviations", path=arguments.deviation, hint="use the batch engine")
    check_places(output, arguments.deviation, arguments.report)
    model, track = read_model(arguments.model), read_trc(arguments.markers)
    for text in (*model.warnings, *track.warnings):
        warn(text)
    result = _solve(model, track, arguments)
    for text in result.report.warnings:
        warn(text)
    write_mot(output, result.motion, model)
    if arguments.deviation is not None:
        _write_deviation(arguments.deviation, model, result)
    if arguments.report is not None:
        result.report.write(arguments.report)
    summary = {"output": str(output), **result.report.summary()}
    if arguments.json:
        print(json.dumps(summary))
        return 0
    print(
        f"{output}: {summary['frames']} frames, {summary['markers']} markers, error {summary['rms_mm']:.1f} mm rms, "
        f"{summary['largest_mm']:.1f} mm at most; {summary['engine']}, lumbar {summary['lumbar']}"
    )
    worst = list(summary["marker_rms_mm"].items())[:3]
    print("worst markers: " + ", ".join(f"{name} {error:.1f} mm" for name, error in worst))
    for flag, count in summary["flags"].items():
        shown = ", ".join(str(frame + 1) for frame in result.report.flagged(flag)[:8])
        print(f"{flag}: {count} frames ({shown}{', ...' if count > 8 else ''})")
    return 0


def _solve(model: Model, track: MarkerTrack, arguments: argparse.Namespace) -> IkResult:
    from .cli import warn

    weights = SIMSPINE_WEIGHTS if arguments.weights is None else read_weights(arguments.weights)
    options = IkOptions(
        weights=weights,
        lumbar=arguments.lumbar or "soft",
        lumbar_weight=IkOptions().lumbar_weight if arguments.lumbar_weight is None else arguments.lumbar_weight,
        smooth=arguments.smooth,
        smooth_order=arguments.smooth_order,
        limits=arguments.limits,
    )
    if arguments.engine == "batch":
        return inverse_kinematics(model, track, options)
    if arguments.lumbar in ("soft", "free") or arguments.smooth > 0:
        warn("opensim's tool knows neither smoothness nor loosened couplers: both are left out")
    try:
        from ..simspine_addon.kinematics.opensim_engine import opensim_inverse_kinematics
    except ImportError as error:
        raise InputError(
            "the opensim library is not installed", hint="use --engine batch, or install opensim"
        ) from error
    with quiet_stdout():
        return opensim_inverse_kinematics(model, track, options)


def _write_deviation(path: Path, model: Model, result: IkResult) -> None:
    """Degrees and metres, a column per coordinate; nan where nothing was fitted or the markers say nothing."""
    values = result.standard_deviation.copy()
    values[~(values < math.inf)] = math.nan
    for index, coordinate in enumerate(model.coordinates):
        if coordinate.motion_type == "rotational":
            values[:, index] *= 180.0 / math.pi
    name = "standard deviations of inverse kinematics"
    write_sto(path, result.motion.time, model.coordinate_names, values, in_degrees=True, name=name)
