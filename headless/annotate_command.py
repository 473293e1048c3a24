"""`simspine annotate`: calibrated video, or detections of it, to a SIMSPINE data set: every stage of the pipeline."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from ..simspine_addon.capture.merge import read_correspondences
from ..simspine_addon.capture.onnx_pose import PoseOptions
from ..simspine_addon.capture.triangulate import TriangulationOptions
from ..simspine_addon.kinematics.inverse_kinematics import IkOptions
from ..simspine_addon.kinematics.marker_weights import MARKER_WEIGHTS, read_weights
from ..simspine_addon.model.errors import InputError
from .annotate_dataset import check_pictures, check_subjects, draw_overlays, publish_subjects, write_dataset
from .annotate_inputs import one_trial, trials_of
from .annotate_stages import StageOptions
from .annotate_trial import REPORT_FOLDER, Trial, TrialOptions, TrialResult, annotate_trial
from .annotate_views import ViewOptions, source_kind
from .argument_types import check_folder, count_from, not_negative
from .progress import progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine annotate`."""
    parser.add_argument(
        "calibration", metavar="CALIB|TRIALS", type=Path,
        help="calibrated cameras; or, alone, a folder of SUBJECT/calibration.toml, SUBJECT/model.osim, SUBJECT/ACTION",
    )  # fmt: skip
    parser.add_argument(
        "source", metavar="VIDEOS|DETECTIONS", type=Path, nargs="?",
        help="folder of videos or images, one for each camera; or detections as `triangulate` takes them",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DATASET", help="folder of the data set")
    parser.add_argument("--osim", type=Path, metavar="MODEL", help="OpenSim model, scaled (`simspine scale`)")
    parser.add_argument("--model", type=Path, metavar="FILE.onnx", help="keypoint detector for videos")
    parser.add_argument("--boxes", type=Path, metavar="FILE", help="person detector (.onnx), or boxes (else the image)")
    parser.add_argument("--channels", choices=("rgb", "bgr"), default="rgb", help="that the keypoint detector is fed")
    parser.add_argument("--subject", metavar="S", help="(default: the model's name)")
    parser.add_argument("--action", metavar="A", help="(default: the name of the videos' folder)")
    parser.add_argument("--markers", type=Path, metavar="BODY.trc", help="body markers to merge in")
    parser.add_argument("--table", metavar="TABLE", help="which marker comes from where: human36m, or a .json")
    parser.add_argument("--rate", type=float, metavar="HZ", help="frames per second, where nothing tells them")
    parser.add_argument("--sync", action="store_true", help="find each camera's time offset and take it out")
    parser.add_argument("--cutoff", type=float, metavar="HZ", help="zero-phase low pass of the markers")
    parser.add_argument("--min-views", type=int, default=2, metavar="N", help="views that must agree on a point")
    parser.add_argument("--min-score", type=float, default=0.3, metavar="S", help="least score that counts")
    parser.add_argument("--max-gap", type=float, default=0.2, metavar="S", help="longest gap that is filled")
    parser.add_argument("--person", type=int, default=0, metavar="I", help="whom, from 0: the one seen longest")
    parser.add_argument("--lumbar", choices=("coupled", "soft", "free"), default="soft", help="(default %(default)s)")
    parser.add_argument("--smooth", type=not_negative, default=1e-3, metavar="L", help="(default %(default)s)")
    parser.add_argument("--weights", type=Path, metavar="FILE.json", help="weights of markers and coordinates")
    parser.add_argument("--placement", choices=("surface", "centroid"), default="surface", help="of the vertebrae")
    parser.add_argument(
        "--formats",
        default="simspine-hdf5",
        metavar="A,B",
        help="of the labels, beside the files (default %(default)s)",
    )
    parser.add_argument(
        "--overlays", type=count_from(0), default=0, metavar="N", help="draw the labels on N frames of each view"
    )
    parser.add_argument("--videos", type=Path, metavar="DIR", help="for --overlays, where detections are given")
    parser.add_argument(
        "--jobs", type=count_from(1), default=1, metavar="N", help="trials at a time (default %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print the result for machines")


def run(arguments: argparse.Namespace) -> int:
    """Run `simspine annotate`."""
    from .cli import BAD_INPUT, DONE, FAILED, warn

    trials, options = _trials(arguments), _options(arguments)
    formats = tuple(name for name in arguments.formats.split(",") if name)
    _check(arguments, trials, formats)
    results: list[TrialResult] = []
    refused: dict[str, str] = {}
    try:
        for trial, outcome in _all(trials, arguments.output, options, arguments.jobs):
            if isinstance(outcome, str):
                refused[trial.name] = outcome
                if len(trials) > 1:
                    warn(f"{trial.name} is left out: {outcome}")
                    if (arguments.output / REPORT_FOLDER / trial.subject / f"{trial.action}.json").is_file():
                        warn(f"{trial.name}: what an earlier run made of it stays in the data set")
                continue
            results.append(outcome)
            for text in outcome.warnings:
                warn(f"{trial.name}: {text}" if len(trials) > 1 else text)
    except BrokenProcessPool:
        print("simspine: a process died (out of memory?); run again, finished trials are kept", file=sys.stderr)
        return FAILED
    if not results:
        text = f"none of {len(trials)} trials could be used" if len(trials) > 1 else refused[trials[0].name]
        print(f"simspine: {text}", file=sys.stderr)
        return BAD_INPUT
    results.sort(key=lambda result: result.trial.name)
    publish_subjects(arguments.output, [result.trial for result in results])
    files = write_dataset(arguments.output, results, formats, refused)
    if arguments.overlays:
        files += draw_overlays(arguments.output, results, arguments.overlays, arguments.videos)
    summary = _summary(arguments.output, results, refused, files)
    print(json.dumps(summary) if arguments.json else _text(summary))
    return BAD_INPUT if refused else DONE


def _trials(arguments: argparse.Namespace) -> list[Trial]:
    if arguments.source is None:
        if not arguments.calibration.is_dir():
            raise InputError(
                "is no folder of trials", path=arguments.calibration, hint="give CALIB and VIDEOS, or such a folder"
            )
        for name in ("osim", "subject", "action", "markers", "videos"):
            if getattr(arguments, name) is not None:
                hint = "leave it out: the folder's files and names tell it"
                raise InputError(f"--{name} belongs to one trial", path=arguments.calibration, hint=hint)
        return trials_of(arguments.calibration)
    if arguments.osim is None:
        raise InputError("no OpenSim model was given", hint="give the scaled model with --osim")
    return [
        one_trial(
            arguments.calibration,
            arguments.source,
            arguments.osim,
            arguments.subject,
            arguments.action,
            arguments.markers,
        )
    ]


def _options(arguments: argparse.Namespace) -> TrialOptions:
    weights = MARKER_WEIGHTS if arguments.weights is None else read_weights(arguments.weights)
    stages = StageOptions(
        points=TriangulationOptions(arguments.min_views, arguments.min_score),
        synchronise=arguments.sync,
        cutoff_hz=arguments.cutoff,
        max_gap_s=arguments.max_gap,
        person=arguments.person,
        table=arguments.table,
        ik=IkOptions(weights=weights, lumbar=arguments.lumbar, smooth=arguments.smooth),
        placement=arguments.placement,
    )
    views = ViewOptions(arguments.rate, arguments.model, arguments.boxes, PoseOptions(arguments.channels))
    return TrialOptions(stages, views)


def _check(arguments: argparse.Namespace, trials: Sequence[Trial], formats: Sequence[str]) -> None:
    """Refuse what would be refused at the end, before the work."""
    from ..exporters.dataset_formats import check_formats

    check_formats(formats, with_images=False)
    _check_companions(arguments, trials)
    for trial in trials if arguments.overlays else ():
        check_pictures(arguments.videos or trial.source)
    output: Path = arguments.output
    if output.is_dir() and any(output.iterdir()) and not (output / REPORT_FOLDER).is_dir():
        raise InputError("is not empty and holds no data set of ours", path=output, hint="choose another folder")
    check_subjects(output, trials)
    check_folder(output / REPORT_FOLDER)


def _check_companions(arguments: argparse.Namespace, trials: Sequence[Trial]) -> None:
    """Refuse arguments that would do nothing: whoever gave them expects that they do."""
    if arguments.table is not None:
        read_correspondences(arguments.table)
        if not any(trial.markers for trial in trials):
            raise InputError("--table says nothing without body markers", hint="give them with --markers")
    if arguments.videos is not None and not arguments.overlays:
        raise InputError("--videos is for --overlays", hint="say on how many frames to draw: --overlays 8")
    if arguments.boxes is not None and arguments.model is None:
        raise InputError("--boxes says nothing without a detector", hint="give one with --model")
    has_detector = arguments.model is not None
    kinds = {source_kind(trial.source, has_detector) for trial in trials}
    if has_detector and kinds == {"detections"}:
        raise InputError("holds detections already", path=trials[0].source, hint="give the videos, or no --model")


def _all(
    trials: Sequence[Trial], folder: Path, options: TrialOptions, jobs: int
) -> Iterator[tuple[Trial, TrialResult | str]]:
    """Every trial with what came of it, or why it was refused."""
    if jobs == 1 or len(trials) == 1:
        for trial in progress(trials, "annotate") if len(trials) > 1 else trials:
            yield trial, _one(trial, folder, options)
        return
    # Fresh processes: what a parent's libraries hold open does not survive a fork.
    with ProcessPoolExecutor(min(jobs, len(trials)), mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(_one, trial, folder, options): trial for trial in trials}
        try:
            for done in progress(as_completed(waiting), "annotate", total=len(waiting)):
                yield waiting[done], done.result()
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise


def _one(trial: Trial, folder: Path, options: TrialOptions) -> TrialResult | str:
    try:
        return annotate_trial(trial, folder, options)
    except InputError as error:
        return str(error)


def _summary(folder: Path, results: Sequence[TrialResult], refused: dict[str, str], files: list[str]) -> dict:
    return {
        "output": str(folder),
        "trials": {
            result.trial.name: {
                "frames": result.report["quality"]["frames"],
                "usable": result.report["quality"]["usable"],
                "marker_rms_mm": result.report["inverse_kinematics"]["rms_mm"],
                "kept": result.kept,
            }
            for result in results
        },
        "refused": refused,
        "files": files,
    }


def _text(summary: dict) -> str:
    lines = [
        f"{name}: {each['usable']} of {each['frames']} frames usable, markers {each['marker_rms_mm']:.1f} mm rms"
        + (" (kept)" if each["kept"] else "")
        for name, each in summary["trials"].items()
    ]
    return "\n".join([*lines, *(f"{summary['output']}/{file}" for file in summary["files"])])
