"""`simspine detect`: keypoints of every person in videos or images, by a pose network in ONNX."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.detections import Detections, write_detections
from ..simspine_addon.capture.detector import DetectorOptions, DetectorRun, detect_recording
from ..simspine_addon.capture.detector_boxes import BoxTracks, read_boxes
from ..simspine_addon.capture.detector_openpose import write_openpose
from ..simspine_addon.capture.onnx_boxes import BOX_STYLES, BoxModel, BoxOptions, open_box_model
from ..simspine_addon.capture.onnx_decode import HEATMAP_GRIDS, REFINEMENTS
from ..simspine_addon.capture.onnx_pose import DEVIATION_RGB, MEAN_RGB, PoseModel, PoseOptions, open_pose_model
from ..simspine_addon.capture.onnx_session import DEVICE_CHOICES
from ..simspine_addon.capture.video import find_views
from ..simspine_addon.model.atomic import atomic_path
from .argument_types import check_folder
from .progress import progress

DETECTIONS_FILE = "detections.npz"
REPORT_FILE = "detections.json"
OPENPOSE_FOLDER = "openpose"
_BOXES, _PEOPLE, _POSE = BoxOptions(), DetectorOptions(), PoseOptions()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine detect`."""
    source = "a video, a folder with a video or a folder of images for each camera, or a rendered data set"
    parser.add_argument("source", metavar="VIDEO|DIR", type=Path, help=source)
    parser.add_argument("--model", type=Path, required=True, metavar="FILE.onnx", help="SpinePose, RTMPose, heatmaps")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help=f"for {DETECTIONS_FILE}")
    boxes = "person detector (.onnx: RTMDet, YOLOX, YOLOv8), or boxes (COCO .json, .npz); else the whole image"
    parser.add_argument("--boxes", type=Path, metavar="FILE", help=boxes)
    styles = "how the person detector wants images (told from the file by default)"
    parser.add_argument("--box-style", choices=("auto", *BOX_STYLES), default="auto", help=styles)
    parser.add_argument("--box-score", type=float, default=_BOXES.min_score, metavar="S", help="least of a person")
    parser.add_argument("--box-overlap", type=float, default=_BOXES.max_overlap, metavar="S", help="of two people")
    parser.add_argument("--max-people", type=int, default=_PEOPLE.max_people, metavar="N", help="in a view")
    order = "what the network is fed; SpinePose's published inference feeds bgr (default rgb)"
    parser.add_argument("--channels", choices=("rgb", "bgr"), default="rgb", help=order)
    parser.add_argument("--padding", type=float, default=_POSE.padding, metavar="P", help="times the box (1.25)")
    parser.add_argument("--mean", type=float, nargs=3, default=MEAN_RGB, metavar="M", help="of the channels, 0 to 255")
    parser.add_argument("--std", type=float, nargs=3, default=DEVIATION_RGB, metavar="D", help="of the channels")
    refine = "how maxima are read below a bin (auto: none for SimCC, gaussian for heatmaps)"
    parser.add_argument("--refine", choices=("auto", *REFINEMENTS), default="auto", help=refine)
    grid = "what a heatmap's cell stands for (default stride)"
    parser.add_argument("--heatmap-grid", choices=HEATMAP_GRIDS, default="stride", help=grid)
    parser.add_argument("--input-size", type=_size, metavar="WxH", help="where the graph leaves it open")
    parser.add_argument("--batch", type=int, default=_POSE.batch, metavar="N", help="people at once (16)")
    parser.add_argument("--device", choices=DEVICE_CHOICES, default="auto", help="what runs the networks")
    parser.add_argument("--rate", type=float, default=0.0, metavar="HZ", help="frames per second, for images")
    parser.add_argument("--all-keypoints", action="store_true", help="also a face's and hands' points")
    parser.add_argument("--openpose", action="store_true", help=f"also OpenPose JSON, in {OPENPOSE_FOLDER}/")
    parser.add_argument("--json", action="store_true", help="print the report for machines")


def run(arguments: argparse.Namespace) -> int:
    """Run `simspine detect`."""
    from .cli import warn

    output: Path = arguments.output
    views = find_views(arguments.source)
    pose = open_pose_model(arguments.model, _pose_options(arguments), arguments.device, arguments.input_size)
    boxes = _boxes(arguments, [view.name for view in views])
    for text in (*_device_notes(pose, boxes), *(boxes.warnings if isinstance(boxes, BoxTracks) else ())):
        warn(text)
    if boxes is None:
        warn("without --boxes the whole image is taken for one person's box")
    options = DetectorOptions(arguments.max_people, arguments.rate, arguments.all_keypoints)
    check_folder(output)
    found = detect_recording(views, pose, boxes, options, _watched)
    for text in found.detections.warnings:
        warn(text)
    output.mkdir(parents=True, exist_ok=True)
    report = _report(arguments, pose, boxes, found)
    if arguments.openpose:
        report["openpose_files"] = write_openpose(output / OPENPOSE_FOLDER, found.detections)
    with atomic_path(output / REPORT_FILE) as temporary:
        temporary.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    write_detections(output / DETECTIONS_FILE, found.detections)
    print(json.dumps(report) if arguments.json else _summary(output, pose, found))
    return 0


def _pose_options(arguments: argparse.Namespace) -> PoseOptions:
    return PoseOptions(
        channels=arguments.channels,
        mean=tuple(arguments.mean),
        deviation=tuple(arguments.std),
        padding=arguments.padding,
        refine=arguments.refine,
        heatmap_grid=arguments.heatmap_grid,
        batch=arguments.batch,
    )


def _boxes(arguments: argparse.Namespace, names: list[str]) -> BoxModel | BoxTracks | None:
    path: Path | None = arguments.boxes
    if path is None:
        return None
    if path.suffix.lower() == ".onnx":
        options = BoxOptions(arguments.box_score, arguments.box_overlap, arguments.box_style)
        return open_box_model(path, options, arguments.device)
    return read_boxes(path, names)


def _device_notes(pose: PoseModel, boxes: BoxModel | BoxTracks | None) -> list[str]:
    """Why a device that is there was not taken; those that onnxruntime was built without are only in the report."""
    models = [pose.model, *([boxes.model] if isinstance(boxes, BoxModel) else [])]
    return [
        f"{model.path.name} runs on {model.device}: {reason}"
        for model in models
        for reason in model.refused
        if "not in this onnxruntime" not in reason
    ]


def _watched(
    frames: Iterator[tuple[int, NDArray[np.uint8]]], name: str, count: int
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    return progress(frames, f"detect {name}", count)


def _report(
    arguments: argparse.Namespace, pose: PoseModel, boxes: BoxModel | BoxTracks | None, found: DetectorRun
) -> dict[str, Any]:
    described: Any = "the whole image"
    if isinstance(boxes, BoxModel):
        described = boxes.described()
    elif boxes is not None:
        described = arguments.boxes.name
    detections = found.detections
    frames, _, people, keypoints = detections.scores.shape
    return {
        "frames": frames,
        "rate": round(detections.rate, 6),
        "people": people,
        "keypoints": keypoints,
        "pose": pose.described(),
        "boxes": described,
        "views": found.counts,
        "scores": _scores(detections),
        "warnings": list(detections.warnings),
    }


def _scores(detections: Detections) -> dict[str, float | None]:
    """The median score of each keypoint over what was found."""
    result: dict[str, float | None] = {}
    for index, name in enumerate(detections.keypoint_names):
        found = detections.scores[..., index]
        found = found[found > 0]
        result[name] = round(float(np.median(found)), 4) if len(found) else None
    return result


def _summary(output: Path, pose: PoseModel, found: DetectorRun) -> str:
    detections = found.detections
    frames, views, people, keypoints = detections.scores.shape
    rate = f" at {detections.rate:g} Hz" if detections.rate else ""
    lines = [
        f"{output / DETECTIONS_FILE}: {frames} frames{rate}, {views} views, {people} people at most, "
        f"{keypoints} keypoints; {pose.kind}, {pose.size[0]}x{pose.size[1]}, on {pose.model.device}"
    ]
    for name, counts in found.counts.items():
        turned = f", turned by {counts['rotation_deg']} degrees" if counts["rotation_deg"] else ""
        lines.append(f"{name}: {counts['frames']} frames, nobody in {counts['frames_without_person']}{turned}")
    return "\n".join(lines)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) > 0 and int(height) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not WIDTHxHEIGHT, such as 192x256")
    return int(width), int(height)
