"""The first stage of `annotate`: what a trial's source holds, and the detections of all its views, read or made."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.capture.detection_files import in_camera_order, read_detections
from ..simspine_addon.capture.detections import Detections
from ..simspine_addon.capture.detector import DetectorOptions, detect_recording
from ..simspine_addon.capture.detector_boxes import read_boxes
from ..simspine_addon.capture.onnx_boxes import open_box_model
from ..simspine_addon.capture.onnx_pose import PoseOptions, open_pose_model
from ..simspine_addon.capture.video import IMAGE_ENDINGS, VIDEO_ENDINGS, View, find_views
from ..simspine_addon.capture.view_names import match_cameras
from ..simspine_addon.model.errors import InputError
from .progress import progress

USUAL_RATE = 60.0
_DETECTIONS = (".npz", ".json")


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """The detector where there are videos, and the rate where nothing tells it."""

    rate: float | None = None
    detector: Path | None = None
    boxes: Path | None = None  # a person detector (.onnx), or boxes; None: the whole image
    pose: PoseOptions = field(default_factory=PoseOptions)


def source_kind(path: Path, with_detector: bool) -> Literal["detections", "video"]:
    """What a source is taken for. A folder may hold both (a render its images and labels): a detector decides.

    Raises:
        InputError: there is nothing, or nothing that can be told.
    """
    if not path.exists():
        raise InputError("there is no such file or folder", path=path)
    if path.is_file():
        return "detections" if path.suffix.lower() in _DETECTIONS else "video"
    endings = {each.suffix.lower() for each in path.rglob("*") if each.is_file() and not each.name.startswith(".")}
    if not endings:
        raise InputError("is an empty folder", path=path, hint="give videos, images or detections")
    pictures = endings & {*VIDEO_ENDINGS, *(IMAGE_ENDINGS if with_detector else ())}
    return "video" if pictures or not endings & {*_DETECTIONS} else "detections"


def read_views(source: Path, cameras: Sequence[Camera], options: ViewOptions) -> Detections:
    """The detections of all views, read or made, with a frame rate.

    Raises:
        InputError: videos and no detector, or files that cannot be used.
    """
    if source_kind(source, options.detector is not None) == "video":
        detections = _detected(source, cameras, options)
    else:
        detections = read_detections(source, cameras, options.rate)
    if detections.rate:
        return detections
    told = f"nothing tells the frame rate: {USUAL_RATE:g} Hz is taken; --rate gives another"
    detections = detections.at_rate(USUAL_RATE)
    return replace(detections, warnings=(*detections.warnings, told))


def _detected(source: Path, cameras: Sequence[Camera], options: ViewOptions) -> Detections:
    """Run the detector over all views, and put them in the cameras' order."""
    if options.detector is None:
        raise InputError("holds videos, and no detector was given", path=source, hint="give one with --model")
    views = find_views(source)
    order, _ = match_cameras([view.name for view in views], [camera.name for camera in cameras], source)
    notes = _size_notes(views, cameras, order)
    pose = open_pose_model(options.detector, options.pose)
    boxes = None
    if options.boxes is None:
        notes.append("without --boxes the whole image is taken for one person's box")
    elif options.boxes.suffix.lower() == ".onnx":
        boxes = open_box_model(options.boxes)
    else:
        boxes = read_boxes(options.boxes, [view.name for view in views])
        notes += boxes.warnings
    found = detect_recording(views, pose, boxes, DetectorOptions(rate=options.rate or 0.0), _watched).detections
    told = tuple(text for text in found.warnings if found.rate or "frame rate" not in text)  # that is said better here
    return in_camera_order(replace(found, warnings=(*notes, *told)), cameras, source)


def _size_notes(views: Sequence[View], cameras: Sequence[Camera], order: Sequence[int | None]) -> list[str]:
    """Pictures of another size than their camera's in the calibration."""
    off = [
        f"{camera.name} {'x'.join(map(str, views[index].size))} for {'x'.join(map(str, camera.size))}"
        for camera, index in zip(cameras, order, strict=True)
        if index is not None and tuple(views[index].size) != tuple(camera.size)
    ]
    return [f"pictures are not of the calibration's size ({', '.join(off)}): were they cut or scaled?"] if off else []


def _watched(
    frames: Iterator[tuple[int, NDArray[np.uint8]]], name: str, count: int
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    if multiprocessing.parent_process() is not None:  # bars of several trials would write over each other
        return frames
    return progress(frames, f"detect {name}", count)
