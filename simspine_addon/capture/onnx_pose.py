"""A pose network in ONNX: SpinePose, RTMPose and others with SimCC outputs or heatmaps, told from the graph itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from . import onnx_decode
from .detector_crop import USUAL_PADDING, crop_transforms, cut_out, to_image
from .onnx_decode import HEATMAP_GRIDS, REFINEMENTS, HeatmapGrid, Refinement
from .onnx_session import OnnxModel, open_model

Array = NDArray[np.float64]
Channels = Literal["rgb", "bgr"]

MEAN_RGB = (123.675, 116.28, 103.53)
DEVIATION_RGB = (58.395, 57.12, 57.375)
"""ImageNet's mean and standard deviation times 255, which RTMPose and SpinePose are trained with."""


@dataclass(frozen=True, slots=True)
class PoseOptions:
    """How images go in and maxima come out.

    Fields:
        channels: order that the network is fed. RTMPose is trained on RGB, and so is SpinePose, whose published
            inference feeds BGR nonetheless, with mean and deviation in the order as written here.
        mean, deviation: of the network's first, second and third channel, in units of 0 to 255.
        padding: how much more than the box the network sees.
        refine: "auto" is "none" for SimCC, as published, and "gaussian" for heatmaps.
        heatmap_grid: what a cell of a heatmap stands for; see `onnx_decode`.
        batch: people that go through the network at once, where the graph leaves that open.
    """

    channels: Channels = "rgb"
    mean: tuple[float, float, float] = MEAN_RGB
    deviation: tuple[float, float, float] = DEVIATION_RGB
    padding: float = USUAL_PADDING
    refine: Refinement | Literal["auto"] = "auto"
    heatmap_grid: HeatmapGrid = "stride"
    batch: int = 16

    def check(self) -> None:
        """Raises InputError for values that mean nothing."""
        rules = (
            (self.channels in ("rgb", "bgr"), f"the channel order {self.channels!r} is neither rgb nor bgr"),
            (len(self.mean) == 3 and bool(np.isfinite(self.mean).all()), f"the mean {self.mean} is not three numbers"),
            (
                len(self.deviation) == 3 and all(0 < each < np.inf for each in self.deviation),
                f"the deviation {self.deviation} is not three positive numbers",
            ),
            (0 < self.padding < np.inf, f"the padding {self.padding} is not positive"),
            (self.refine in ("auto", *REFINEMENTS), f"there is no refinement {self.refine!r}"),
            (self.heatmap_grid in HEATMAP_GRIDS, f"there is no heatmap grid {self.heatmap_grid!r}"),
            (self.batch >= 1, f"a batch of {self.batch} is none"),
        )
        for holds, problem in rules:
            if not holds:
                raise InputError(problem)


@dataclass(frozen=True, slots=True)
class PoseModel:
    """A network that was opened, and what its graph tells."""

    model: OnnxModel
    options: PoseOptions
    kind: Literal["simcc", "heatmap"]
    channels_last: bool
    size: tuple[int, int]  # width, height of the input
    keypoints: int
    split: tuple[float, float]  # bins a pixel in x and y; for heatmaps cells a pixel
    batch: int | None  # fixed by the graph, or None
    swapped: bool  # SimCC: the graph gives y before x

    def described(self) -> dict[str, Any]:
        """Facts for a report, as plain data."""
        return {
            "file": self.model.path.name,
            "device": self.model.device,
            "refused_devices": list(self.model.refused),
            "kind": self.kind,
            "input_size": list(self.size),
            "keypoints": self.keypoints,
            "bins_per_pixel": [round(each, 6) for each in self.split],
            "fixed_batch": self.batch,
            "channels": self.options.channels,
            "mean": list(self.options.mean),
            "deviation": list(self.options.deviation),
            "padding": self.options.padding,
            "refine": self.refinement,
            "heatmap_grid": self.options.heatmap_grid if self.kind == "heatmap" else None,
        }

    @property
    def refinement(self) -> Refinement:
        """What `refine` comes to for this kind of network."""
        if self.options.refine != "auto":
            return self.options.refine
        return "none" if self.kind == "simcc" else "gaussian"

    def estimate(self, people: list[tuple[NDArray[np.uint8], Array]]) -> tuple[Array, Array]:
        """Points [N, K, 2] px in the images and scores [N, K] of N people, each an image [h, w, 3] BGR and a box [4]
        (x, y, width, height in px)."""
        points, scores = np.full((len(people), self.keypoints, 2), np.nan), np.zeros((len(people), self.keypoints))
        step = self.batch or self.options.batch
        for begin in range(0, len(people), step):
            part = people[begin : begin + step]
            maps = crop_transforms(np.array([box for _, box in part]), self.size, self.options.padding)
            inputs = np.stack([cut_out(image, each, self.size) for (image, _), each in zip(part, maps, strict=True)])
            found, score = self.decoded(self.model.run(self._prepared(inputs)), len(part))
            points[begin : begin + step], scores[begin : begin + step] = to_image(maps, found), score
        return points, scores

    def decoded(self, outputs: list[NDArray[Any]], count: int) -> tuple[Array, Array]:
        """Points [count, K, 2] in the input's pixels, and scores; more than `count` are a fixed batch's filling.

        Raises:
            InputError: the network gives numbers that are none.
        """
        if not all(np.isfinite(each[:count]).all() for each in outputs):
            raise InputError("gives NaN or infinity", path=self.model.path, hint="does --device cpu do so as well?")
        if self.kind == "heatmap":
            grid = self.options.heatmap_grid
            return onnx_decode.decode_heatmaps(outputs[0][:count], self.size, self.refinement, grid)
        columns, rows = reversed(outputs[:2]) if self.swapped else outputs[:2]
        return onnx_decode.decode_simcc(columns[:count], rows[:count], self.split, self.refinement)

    def _prepared(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """[N, H, W, 3] BGR as the network wants it, filled up to a fixed batch with what comes to black."""
        if self.options.channels == "rgb":
            images = images[..., ::-1]
        values: NDArray[Any] = images
        if self.model.number_type is not np.uint8:
            mean, deviation = (np.array(each, np.float32) for each in (self.options.mean, self.options.deviation))
            values = (images.astype(np.float32) - mean) / deviation
        if self.batch and len(values) < self.batch:
            values = np.concatenate([values, np.zeros((self.batch - len(values), *values.shape[1:]), values.dtype)])
        return np.ascontiguousarray(values if self.channels_last else values.transpose(0, 3, 1, 2))


def open_pose_model(
    path: str | Path,
    options: PoseOptions | None = None,
    device: str = "auto",
    input_size: tuple[int, int] | None = None,
) -> PoseModel:
    """Open a pose network; its input size, keypoints and split ratio are read from the graph, or from a trial.

    Args:
        path: of the ONNX file; outputs simcc_x [N, K, W split] and simcc_y [N, K, H split], or heatmaps [N, K, h, w].
        options: see `PoseOptions`.
        device: see `onnx_session.open_model`.
        input_size: width and height, for graphs that leave them open.

    Raises:
        InputError: what `open_model` refuses; a graph without an input size; outputs that are neither SimCC nor
            heatmaps, with their shapes.
    """
    options = options or PoseOptions()
    options.check()
    model = open_model(path, device, input_size)
    channels_last, size = image_input(model, input_size)
    batch = model.inputs[0].shape[0]
    blank = (batch or 1, size[1], size[0], 3) if channels_last else (batch or 1, 3, size[1], size[0])
    shapes = [each.shape for each in model.run(np.zeros(blank))]
    found = PoseModel(model, options, "heatmap", channels_last, size, 1, (1.0, 1.0), batch, False)
    if len(shapes) >= 2 and len(shapes[0]) == len(shapes[1]) == 3 and shapes[0][:2] == shapes[1][:2]:
        return _with_simcc(found, shapes)
    if len(shapes) >= 1 and len(shapes[0]) == 4 and shapes[0][0] == blank[0] and min(shapes[0][2:]) >= 3:
        cells = (shapes[0][3] / size[0], shapes[0][2] / size[1])
        if max(cells) <= 1:
            return replace(found, keypoints=shapes[0][1], split=cells)
    raise InputError(
        f"gives {model.described()} for an input of {size[0]} x {size[1]}, neither SimCC nor heatmaps",
        path=model.path,
        hint="wanted are simcc_x [N, K, W split] and simcc_y [N, K, H split], or [N, K, h, w]",
    )


def _with_simcc(found: PoseModel, shapes: list[tuple[int, ...]]) -> PoseModel:
    """Which of the two outputs is x tells the name, else the one split ratio that both agree on."""
    (width, height), names = found.size, [port.name.lower() for port in found.model.outputs[:2]]
    first, second = shapes[0][2], shapes[1][2]
    straight, crossed = (first / width, second / height), (second / width, first / height)
    if names[0].endswith("x") and names[1].endswith("y"):
        swapped = False
    elif names[0].endswith("y") and names[1].endswith("x"):
        swapped = True
    else:
        swapped = abs(straight[0] - straight[1]) > abs(crossed[0] - crossed[1])
    split = crossed if swapped else straight
    if abs(split[0] - split[1]) > 1e-6 * split[0] or split[0] < 1:
        raise InputError(
            f"gives {first} and {second} bins for an input of {width} x {height}: no split ratio for both axes",
            path=found.model.path,
            hint="was --input-size right?",
        )
    return replace(found, kind="simcc", keypoints=shapes[0][1], split=split, swapped=swapped)


def image_input(model: OnnxModel, given: tuple[int, int] | None) -> tuple[bool, tuple[int, int]]:
    """Whether channels come last, and the width and height of the input.

    Raises:
        InputError: it takes no three channels, or leaves its size open and none is given, or another is given.
    """
    shape = model.inputs[0].shape
    channels_last = shape[3] == 3 and shape[1] != 3
    if not channels_last and shape[1] not in (3, None):
        raise InputError(f"takes {shape[1]} channels", path=model.path, hint="an image has three")
    height, width = shape[1:3] if channels_last else shape[2:4]
    if width is None or height is None:
        if given is None:
            raise InputError("leaves its input size open", path=model.path, hint="give it, such as 192x256")
        return channels_last, given
    if given is not None and given != (width, height):
        raise InputError(f"takes {width}x{height}, not {given[0]}x{given[1]}", path=model.path, hint="leave it out")
    return channels_last, (width, height)
