"""A person detector in ONNX: RTMDet, YOLOX and YOLOv8 (and its successors), told by the shapes of their outputs.

| style | input | output |
|---|---|---|
| rtmdet | BGR less mean over deviation, top-left, filled with 114 | [N, n, 5] x0 y0 x1 y1 score, and labels [N, n] |
| yolox | BGR 0 to 255, top-left, filled with 114 | the same, or raw [N, n, 5 + classes] on grids of stride 8, 16, 32 |
| yolov8 | RGB 0 to 1, in the middle, filled with 114 | raw [N, 4 + classes, n], or [N, n, 6] x0 y0 x1 y1 score class |

As MMDetection, MMDeploy, YOLOX and Ultralytics document their exports. The person is class 0, as in COCO.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from .onnx_pose import image_input
from .onnx_session import OnnxModel, open_model

Array = NDArray[np.float64]
BoxStyle = Literal["rtmdet", "yolox", "yolov8"]
BOX_STYLES: tuple[BoxStyle, ...] = ("rtmdet", "yolox", "yolov8")
Layout = Literal["found", "found_with_class", "grid_yolox", "grid_yolov8"]

RTMDET_MEAN_BGR = (103.53, 116.28, 123.675)
RTMDET_DEVIATION_BGR = (57.375, 57.12, 58.395)
_FILLING = 114
_STRIDES = (8, 16, 32)
_PERSON = 0


@dataclass(frozen=True, slots=True)
class BoxOptions:
    """`min_score` is the least that counts, `max_overlap` the intersection over union above which the lesser of two
    boxes goes; 0.45 and 0.7 are YOLOX's and Ultralytics' defaults for the latter."""

    min_score: float = 0.5
    max_overlap: float = 0.45
    style: BoxStyle | Literal["auto"] = "auto"


@dataclass(frozen=True, slots=True)
class BoxModel:
    """A detector that was opened, and what its graph tells."""

    model: OnnxModel
    options: BoxOptions
    style: BoxStyle
    layout: Layout
    channels_last: bool
    size: tuple[int, int]  # width, height of the input

    def described(self) -> dict[str, Any]:
        """Facts for a report, as plain data."""
        return {
            "file": self.model.path.name,
            "device": self.model.device,
            "style": self.style,
            "input_size": list(self.size),
            "min_score": self.options.min_score,
            "max_overlap": self.options.max_overlap,
        }

    def find(self, image: NDArray[np.uint8]) -> tuple[Array, Array]:
        """The people in a BGR image [h, w, 3]: boxes [P, 4] (x, y, width, height px) and scores [P], best first."""
        inputs, scale, offset = self._prepared(image)
        corners, scores = _people(self.model, self.layout, self.size, self.model.run(inputs))
        counted = np.isfinite(corners).all(axis=1) & (scores >= self.options.min_score)
        corners, scores = corners[counted], scores[counted]
        # Detectors count from the image's edge, where OpenCV's convention has -1/2.
        corners = (corners - np.tile(offset, 2)) / scale - 0.5
        limit = np.tile(np.array(image.shape[1::-1], float), 2) - 0.5
        corners = np.clip(corners, -0.5, limit)
        there = (corners[:, 2:] > corners[:, :2]).all(axis=1)
        corners, scores = corners[there], scores[there]
        kept = best_boxes(corners, scores, self.options.max_overlap)
        corners = corners[kept]
        return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1), scores[kept]

    def _prepared(self, image: NDArray[np.uint8]) -> tuple[NDArray[Any], float, Array]:
        """The input, its scale, and where the image's corner lies in it."""
        import cv2

        height, width = image.shape[:2]
        scale = min(self.size[0] / width, self.size[1] / height)
        fitted = (max(round(width * scale), 1), max(round(height * scale), 1))
        canvas = np.full((self.size[1], self.size[0], 3), _FILLING, np.uint8)
        spare = np.array(self.size) - fitted
        left, top = spare // 2 if self.style == "yolov8" else (0, 0)
        canvas[top : top + fitted[1], left : left + fitted[0]] = cv2.resize(image, fitted)
        values: NDArray[Any] = canvas[..., ::-1] if self.style == "yolov8" else canvas
        if self.model.number_type is not np.uint8:
            values = values.astype(np.float32)
            if self.style == "yolov8":
                values = values / np.float32(255)
            elif self.style == "rtmdet":
                values = (values - np.array(RTMDET_MEAN_BGR, np.float32)) / np.array(RTMDET_DEVIATION_BGR, np.float32)
        values = values if self.channels_last else values.transpose(2, 0, 1)
        count = self.model.inputs[0].shape[0] or 1
        return np.repeat(np.ascontiguousarray(values)[None], count, axis=0), scale, np.array([left, top], float)


def open_box_model(
    path: str | Path,
    options: BoxOptions | None = None,
    device: str = "auto",
    input_size: tuple[int, int] | None = None,
) -> BoxModel:
    """Open a person detector; how it wants images is told by its outputs, else by its file's name, else RTMDet's way.

    Raises:
        InputError: what `open_model` refuses; no input size (640x640 is usual); outputs of another kind, with shapes.
    """
    options = options or BoxOptions()
    if options.style not in ("auto", *BOX_STYLES):
        raise InputError(f"there is no style {options.style!r}", hint=f"choose one of auto, {', '.join(BOX_STYLES)}")
    size = input_size
    model = open_model(path, device, size or (640, 640))
    open_sides = any(each is None for each in model.inputs[0].shape[1:])
    channels_last, size = image_input(model, size or ((640, 640) if open_sides else None))
    count = model.inputs[0].shape[0] or 1
    blank = (count, size[1], size[0], 3) if channels_last else (count, 3, size[1], size[0])
    shapes = [each.shape for each in model.run(np.zeros(blank))]
    layout = _layout(shapes, size)
    if layout is None:
        raise InputError(
            f"gives {model.described()}, here {', '.join(map(str, shapes))}: no boxes that are known",
            path=model.path,
            hint="known are [N, n, 5] and labels, [N, n, 6], YOLOX's [N, n, 5 + classes], YOLOv8's [N, 4 + classes, n]",
        )
    style = _style(model.path, layout) if options.style == "auto" else options.style
    return BoxModel(model, options, style, layout, channels_last, size)


def best_boxes(corners: Array, scores: Array, max_overlap: float) -> NDArray[np.int64]:
    """Which boxes [P, 4] (x0 y0 x1 y1) stay, best first: none overlaps a better one by more than `max_overlap`."""
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(int(best))
        order = order[overlap(corners[best][None], corners[order])[0] <= max_overlap]
    return np.array(kept, dtype=np.int64)


def overlap(first: Array, second: Array) -> Array:
    """Intersection over union [A, B] of boxes [A, 4] and [B, 4], each x0 y0 x1 y1."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=-1)
    areas = [np.prod(np.maximum(each[:, 2:] - each[:, :2], 0.0), axis=-1) for each in (first, second)]
    union = areas[0][:, None] + areas[1][None] - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1.0), 0.0)


def _layout(shapes: list[tuple[int, ...]], size: tuple[int, int]) -> Layout | None:
    if not shapes or len(shapes[0]) != 3:
        return None
    _, rows, columns = shapes[0]
    if columns == 5 and len(shapes) >= 2 and len(shapes[1]) == 2 and shapes[1][1] == rows:
        return "found"
    cells = sum((size[0] // stride) * (size[1] // stride) for stride in _STRIDES)
    if rows == cells and columns > 5:
        return "grid_yolox"
    if columns == cells and rows > 4:
        return "grid_yolov8"
    if columns == 6:
        return "found_with_class"
    return None


def _style(path: Path, layout: Layout) -> BoxStyle:
    """MMDeploy's RTMDet and YOLOX look alike from outside, so that the file's name has to tell them apart."""
    name = path.stem.lower()
    if layout == "grid_yolox" or (layout == "found" and "yolox" in name):
        return "yolox"
    return "rtmdet" if layout == "found" else "yolov8"


def _people(
    model: OnnxModel, layout: Layout, size: tuple[int, int], outputs: list[NDArray[Any]]
) -> tuple[Array, Array]:
    """Corners [n, 4] in the input's pixels counted from its edge, and scores [n], of whatever is a person."""
    first = np.asarray(outputs[0][0], np.float64)
    if layout == "found":
        person = outputs[1][0] == _PERSON
        return first[person, :4], first[person, 4]
    if layout == "found_with_class":
        person = first[:, 5] == _PERSON
        return first[person, :4], first[person, 4]
    if layout == "grid_yolov8":
        rows = first.T
        return _corners(rows[:, :2], rows[:, 2:4]), _of_persons(rows[:, 4:], np.ones(len(rows)))
    rows, (places, strides) = first, _grid(size)
    center = (rows[:, :2] + places) * strides
    extent = np.exp(np.minimum(rows[:, 2:4], 20.0)) * strides
    return _corners(center, extent), _of_persons(rows[:, 5:], rows[:, 4])


def _of_persons(classes: Array, presence: Array) -> Array:
    """Scores [n]; 0 where another class is likelier than the person."""
    person = classes.argmax(axis=1) == _PERSON
    return np.where(person, classes[:, _PERSON] * presence, 0.0)


def _corners(center: Array, extent: Array) -> Array:
    return np.concatenate([center - extent / 2, center + extent / 2], axis=1)


def _grid(size: tuple[int, int]) -> tuple[Array, Array]:
    """Cell numbers [n, 2] and strides [n, 1] of YOLOX's three grids, row by row."""
    places, strides = [], []
    for stride in _STRIDES:
        rows, columns = np.indices((size[1] // stride, size[0] // stride))
        places.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(places).astype(float), np.concatenate(strides).astype(float)
