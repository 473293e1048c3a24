"""`simspine triangulate`: 2D detections of calibrated views to marker tracks (.trc), with a report."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from ..simspine_addon.capture.calibration import read_calibration
from ..simspine_addon.capture.detection_files import read_detections
from ..simspine_addon.capture.triangulate import TriangulationOptions
from ..simspine_addon.capture.triangulate_recording import Recording, RecordingOptions, triangulate_recording
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.motion_writers import write_trc
from ..simspine_addon.model.types import MarkerTrack
from .annotate_views import USUAL_RATE
from .argument_types import check_places


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine triangulate`."""
    parser.add_argument("calibration", metavar="CALIB", type=Path, help="calibrated cameras (.toml)")
    detections = "what `detect` wrote; OpenPose, MMPose or COCO JSON; or labels.npz of a render"
    parser.add_argument("detections", metavar="DETECTIONS", type=Path, help=detections)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.trc")
    parser.add_argument("--rate", type=float, metavar="HZ", help="frames per second, where the detections do not tell")
    parser.add_argument(
        "--cutoff", type=float, metavar="HZ", help="zero-phase low pass of the tracks (none by default)"
    )
    parser.add_argument("--min-views", type=int, default=2, metavar="N", help="views that must agree on a point")
    parser.add_argument("--min-score", type=float, default=0.3, metavar="S", help="least score that counts")
    parser.add_argument("--max-error", type=float, metavar="PX", help="farthest a view may be off (from the noise)")
    parser.add_argument("--max-gap", type=float, default=0.2, metavar="S", help="longest gap that is filled")
    parser.add_argument("--sync", action="store_true", help="find each camera's time offset and take it out")
    parser.add_argument("--person", type=int, default=0, metavar="I", help="whom, from 0: the one seen longest")
    parser.add_argument("--report", type=Path, metavar="R.json", help="write what was decided, camera by camera")
    parser.add_argument("--json", action="store_true", help="print a summary for machines")


def run(arguments: argparse.Namespace) -> int:
    """Run `simspine triangulate`."""
    from .cli import warn

    output: Path = arguments.output
    if output.suffix != ".trc":
        raise InputError("does not end in .trc", path=output, hint="choose this suffix")
    check_places(output, arguments.report)
    cameras = read_calibration(arguments.calibration)
    detections = read_detections(arguments.detections, cameras, arguments.rate)
    if not detections.rate:
        warn(f"the detections do not tell the frame rate: {USUAL_RATE:g} Hz is taken; --rate gives another")
        detections = detections.at_rate(USUAL_RATE)
    options = RecordingOptions(
        TriangulationOptions(arguments.min_views, arguments.min_score, arguments.max_error),
        person=arguments.person,
        synchronise=arguments.sync,
        cutoff_hz=arguments.cutoff,
        max_gap_s=arguments.max_gap,
    )
    recording = triangulate_recording(cameras, detections, options)
    for text in recording.track.warnings:
        warn(text)
    track = _seen_markers(recording.track)
    write_trc(output, track)
    report = {"output": str(output), **recording.report()}
    if arguments.report:
        with atomic_path(arguments.report) as temporary:
            temporary.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    print(json.dumps(report) if arguments.json else _summary(output, recording, track))
    return 0


def _seen_markers(track: MarkerTrack) -> MarkerTrack:
    """Without markers that no frame has: a detector may not know them, and OpenSim stumbles over them."""
    seen = np.isfinite(track.positions[..., 0]).any(axis=0)
    if not seen.any():
        raise InputError("no keypoint could be triangulated", path=track.path, hint="see whether the views agree")
    names = tuple(name for name, there in zip(track.names, seen, strict=True) if there)
    return MarkerTrack(track.time, names, track.positions[:, seen], track.confidence[:, seen], track.rate)


def _summary(output: Path, recording: Recording, track: MarkerTrack) -> str:
    report = recording.report()
    gaps = recording.gaps
    lines = [
        f"{output}: {len(track.time)} frames at {track.rate:g} Hz, {len(track.names)} markers, "
        f"{sum(gap.filled for gap in gaps)} of {len(gaps)} gaps filled"
    ]
    for name, camera in report["cameras"].items():
        error, late = camera["reprojection_error_px"]["median"], camera["offset_frames"]
        lines.append(
            f"{name}: median error {'-' if error is None else f'{error:.2f} px'}, "
            f"{100 * (camera['excluded_share'] or 0):.1f} % of its points left out"
            + (f", {late:+.2f} frames" if late is not None else "")
        )
    return "\n".join(lines)
