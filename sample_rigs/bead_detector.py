"""Build detectors in ONNX that find coloured beads, in the forms of real pose networks: for tests and benchmarks.

Every keypoint is a bead of its own colour. The graph compares each pixel with each colour, blurs the likeness by a
Gaussian about as wide as a bead, and gives maxima over rows and columns (SimCC) or a coarser map (heatmaps).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.onnx_boxes import RTMDET_DEVIATION_BGR, RTMDET_MEAN_BGR
from ..simspine_addon.capture.onnx_pose import DEVIATION_RGB, MEAN_RGB
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError

Array = NDArray[np.float64]
Form = Literal["simcc", "heatmap"]

SPLIT = 2
STRIDE = 4
_SINE_SQUARED = 0.008
"""Of the angle between colours at which they are alike by 1/e; those of two beads differ by 0.03 or more."""
_DARK = 1e-4  # keeps black from having a colour
_BRIGHT = 0.7  # a bead's brightest channel is 1, what a picture is filled up with has 0.45
_OPSET = 18


def bead_colors() -> Array:
    """37 colours [37, 3] in 0 to 1: the grid of four levels a channel, where the brightest channel is 1.

    They differ by a third of the range or more, and none is another one dimmed, so that a half-covered pixel at a
    bead's edge never looks like another bead.
    """
    levels = np.linspace(0.0, 1.0, 4)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    return grid[grid.max(axis=1) == 1.0]


def write_bead_detector(
    path: str | Path,
    size: tuple[int, int] = (288, 384),
    *,
    form: Form = "simcc",
    blur_px: float | None = None,
    radius_px: float = 2.0,
    batch: int | None = None,
    channels_last: bool = False,
    colors: Array | None = None,
) -> None:
    """Write a pose network for RGB input of `size` (width, height), normalised as RTMPose's.

    Args:
        path: of the .onnx file.
        size: multiples of 4.
        form: "simcc" with split ratio 2, or "heatmap" with stride 4, whose cell i stands for the pixel 4 i.
        blur_px: standard deviation of the blur in input pixels, about a bead's radius; 2 for SimCC, 4 (one cell)
            for heatmaps.
        radius_px: of a bead in the input; a whole one scores about 1 then.
        batch: fixed number of images at once; None leaves it open.
        channels_last: takes [N, H, W, 3] rather than [N, 3, H, W].
        colors: [K, 3]; `bead_colors()` where not given.

    Raises:
        InputError: the onnx library is not installed.
    """
    onnx = _onnx()
    colors = bead_colors() if colors is None else np.asarray(colors, float)
    width, height = size
    graph = _Graph(onnx)
    image = graph.add("Transpose", ["image"], perm=[0, 3, 1, 2]) if channels_last else "image"
    likeness = _likeness(graph, image, colors)
    if form == "simcc":
        blurred = _blurred(graph, likeness, len(colors), (blur_px or 2.0, radius_px), 1)
        outputs = {
            "simcc_x": (_profile(graph, blurred, 2, "simcc_x"), width * SPLIT),
            "simcc_y": (_profile(graph, blurred, 3, "simcc_y"), height * SPLIT),
        }
        shapes = {name: [batch or "N", len(colors), bins] for name, (_, bins) in outputs.items()}
    else:
        blurred = _blurred(graph, likeness, len(colors), (blur_px or 4.0, radius_px), STRIDE)
        graph.add("Identity", [blurred], name="heatmaps")
        shapes = {"heatmaps": [batch or "N", len(colors), height // STRIDE, width // STRIDE]}
    shape = [batch or "N", height, width, 3] if channels_last else [batch or "N", 3, height, width]
    graph.write(Path(path), shape, shapes)


def write_bead_box_detector(path: str | Path, side: int = 640) -> None:
    """Write a person detector for square input, in RTMDet's form: the box around all beads, scored 1.

    Raises:
        InputError: the onnx library is not installed.
    """
    graph = _Graph(_onnx())
    scale, shift = _per_channel(RTMDET_DEVIATION_BGR), _per_channel(RTMDET_MEAN_BGR)
    values = graph.add("Add", [graph.add("Mul", ["image", graph.constant(scale)]), graph.constant(shift)])
    brightest = graph.add("ReduceMax", [values, graph.constant(np.array([1]))], keepdims=0)  # [1, H, W]
    bright = graph.add("Greater", [brightest, graph.constant(np.float32(255 * _BRIGHT))])
    bright = graph.add("Cast", [bright], to=graph.onnx.TensorProto.FLOAT)
    count = np.arange(side, dtype=np.float32)
    edges = []
    for axis in (1, 2):  # over rows: where it lies in x; over columns: in y
        along = graph.add("ReduceMax", [bright, graph.constant(np.array([axis]))], keepdims=0)  # [1, S]
        last = graph.add("Mul", [along, graph.constant(count + 1)])
        first = graph.add("Mul", [along, graph.constant(side - count)])
        for each in (first, last):
            edges.append(graph.add("ReduceMax", [each, graph.constant(np.array([1]))], keepdims=1))  # [1, 1]
    whole = graph.constant(np.array([[side]], np.float32))
    x0, y0 = graph.add("Sub", [whole, edges[0]]), graph.add("Sub", [whole, edges[2]])
    score = graph.add("ReduceMax", [bright, graph.constant(np.array([1, 2]))], keepdims=0)  # [1]
    score = graph.add("Reshape", [score, graph.constant(np.array([1, 1]))])
    row = graph.add("Concat", [x0, y0, edges[1], edges[3], score], axis=1)
    graph.add("Reshape", [row, graph.constant(np.array([1, 1, 5]))], name="dets")
    none = graph.add("Mul", [score, graph.constant(np.float32(0))])
    graph.add("Cast", [none], name="labels", to=graph.onnx.TensorProto.INT64)
    graph.write(Path(path), [1, 3, side, side], {"dets": [1, 1, 5], "labels": [1, 1]})


class _Graph:
    """Collects nodes and constants; every node gives the name of its output."""

    def __init__(self, onnx: Any) -> None:
        self.onnx, self._nodes, self._constants = onnx, [], []

    def constant(self, values: Any) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(self.onnx.numpy_helper.from_array(np.asarray(values), name))
        return name

    def add(self, kind: str, inputs: list[str], name: str | None = None, **attributes: Any) -> str:
        name = name or f"value_{len(self._nodes)}"
        self._nodes.append(self.onnx.helper.make_node(kind, inputs, [name], **attributes))
        return name

    def write(self, path: Path, shape: list[int | str], outputs: dict[str, list[int | str]]) -> None:
        helper, kinds = self.onnx.helper, self.onnx.TensorProto
        given = helper.make_tensor_value_info("image", kinds.FLOAT, shape)
        results = [
            helper.make_tensor_value_info(name, kinds.INT64 if name == "labels" else kinds.FLOAT, each)
            for name, each in outputs.items()
        ]
        graph = helper.make_graph(self._nodes, "beads", [given], results, self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="simspine")
        model.ir_version = 9  # what onnxruntime of 2024 reads as well
        self.onnx.checker.check_model(model)
        with atomic_path(path) as temporary:
            temporary.write_bytes(model.SerializeToString())


def _likeness(graph: _Graph, image: str, colors: Array) -> str:
    """How much of each pixel a bead covers, [N, K, H, W].

    (v . c / c . c) exp(-sin^2(v, c) / s) for the pixel's colour v and the bead's c. Before black
    a share a of the bead gives v = a c and so the value a: the middle of the values is the bead's.
    """
    scale, shift = _per_channel(np.array(DEVIATION_RGB) / 255), _per_channel(np.array(MEAN_RGB) / 255)
    rgb = graph.add("Add", [graph.add("Mul", [image, graph.constant(scale)]), graph.constant(shift)])
    lengths = np.linalg.norm(colors, axis=1)
    weights = graph.constant((colors / lengths[:, None])[:, :, None, None].astype(np.float32))
    along = graph.add("Relu", [graph.add("Conv", [rgb, weights])])
    square = graph.add("ReduceSum", [graph.add("Mul", [rgb, rgb]), graph.constant(np.array([1]))], keepdims=1)
    square = graph.add("Add", [square, graph.constant(np.float32(_DARK))])
    cosine = graph.add("Div", [along, graph.add("Sqrt", [square])])
    exponent = graph.add("Mul", [graph.add("Mul", [cosine, cosine]), graph.constant(np.float32(1 / _SINE_SQUARED))])
    alike = graph.add("Exp", [graph.add("Add", [exponent, graph.constant(np.float32(-1 / _SINE_SQUARED))])])
    return graph.add("Mul", [graph.add("Mul", [along, graph.constant(_per_map(1 / lengths))]), alike])


def _blurred(graph: _Graph, values: str, count: int, width_px: tuple[float, float], stride: int) -> str:
    """A Gaussian blur of each of `count` maps, read at every `stride`-th pixel; `width_px` is the blur's standard
    deviation, and the radius of the disk whose middle becomes 1."""
    deviation_px, radius_px = width_px
    reach = int(np.ceil(3 * deviation_px))
    line = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation_px) ** 2)
    line /= deviation_px * np.sqrt(2 * np.pi * (1 - np.exp(-0.5 * (radius_px / deviation_px) ** 2)))
    kernel = np.repeat(line[None, None, :, None], count, axis=0).astype(np.float32)
    down, across = graph.constant(kernel), graph.constant(kernel.transpose(0, 1, 3, 2))
    values = graph.add("Conv", [values, down], group=count, pads=[reach, 0, reach, 0], strides=[stride, 1])
    return graph.add("Conv", [values, across], group=count, pads=[0, reach, 0, reach], strides=[1, stride])


def _profile(graph: _Graph, values: str, axis: int, name: str) -> str:
    """Maxima over rows (2) or columns (3), `SPLIT` bins a pixel: bin i stands for the pixel i / SPLIT."""
    line = graph.add("ReduceMax", [values, graph.constant(np.array([axis]))], keepdims=0)
    image = graph.add("Unsqueeze", [line, graph.constant(np.array([2]))])
    finer = graph.add(
        "Resize",
        [image, "", graph.constant(np.array([1, 1, 1, SPLIT], np.float32))],
        mode="cubic",
        cubic_coeff_a=-0.5,  # exact on parabolas, as peaks are
        coordinate_transformation_mode="asymmetric",
    )
    return graph.add("Squeeze", [finer, graph.constant(np.array([2]))], name=name)


def _per_channel(values: Any) -> NDArray[np.float32]:
    return np.asarray(values, np.float32).reshape(1, 3, 1, 1)


def _per_map(values: Array) -> NDArray[np.float32]:
    return np.asarray(values, np.float32).reshape(1, -1, 1, 1)


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise InputError("the onnx library is not installed", hint="install onnx to build the bead detector") from error
    return onnx
