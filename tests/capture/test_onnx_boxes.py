"""Person detectors in ONNX: boxes come back to the image from every form of output, and other forms are refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from simspine.sample_rigs.bead_detector import bead_colors, write_bead_box_detector
from simspine.sample_rigs.bead_scene import draw_beads
from simspine.simspine_addon.capture.onnx_boxes import BoxOptions, best_boxes, open_box_model
from simspine.simspine_addon.model.errors import InputError

onnx = pytest.importorskip("onnx", reason="builds the networks")

IMAGE = np.zeros((200, 400, 3), np.uint8)  # in 128 x 128: scale 0.32, 64 rows of 128
CELLS = 16 * 16 + 8 * 8 + 4 * 4
Build = Callable[..., Path]


@pytest.fixture
def network(tmp_path: Path) -> Build:
    """A detector that finds the same whatever it sees."""

    def build(name: str = "detector", **outputs: np.ndarray) -> Path:
        helper, kinds = onnx.helper, onnx.TensorProto
        types = {np.dtype(np.float32): kinds.FLOAT, np.dtype(np.int64): kinds.INT64}
        nodes = [helper.make_node("Identity", [f"{each}_value"], [each]) for each in outputs]
        values = [onnx.numpy_helper.from_array(array, f"{each}_value") for each, array in outputs.items()]
        infos = [helper.make_tensor_value_info(k, types[a.dtype], a.shape) for k, a in outputs.items()]
        given = helper.make_tensor_value_info("image", kinds.FLOAT, [1, 3, 128, 128])
        model = helper.make_model(
            helper.make_graph(nodes, "constant", [given], infos, values), opset_imports=[helper.make_opsetid("", 18)]
        )
        model.ir_version = 9
        onnx.save(model, tmp_path / f"{name}.onnx")
        return tmp_path / f"{name}.onnx"

    return build


def test_found_boxes_with_labels_come_back_to_the_image(network: Build):
    dets = np.float32([[[32, 16, 64, 48, 0.9], [0, 0, 10, 10, 0.95], [32, 16, 64, 47, 0.8], [80, 16, 96, 48, 0.3]]])
    path = network(dets=dets, labels=np.int64([[0, 56, 0, 0]]))  # 56 is a chair
    model = open_box_model(path)
    boxes, scores = model.find(IMAGE)
    assert model.style == "rtmdet"
    np.testing.assert_allclose(boxes, [[99.5, 49.5, 100, 100]], atol=1e-4)
    np.testing.assert_allclose(scores, [0.9], rtol=1e-6)


def test_the_file_name_tells_yolox_from_rtmdet(network: Build):
    dets, labels = np.zeros((1, 2, 5), np.float32), np.zeros((1, 2), np.int64)
    assert open_box_model(network("yolox_m_humanart", dets=dets, labels=labels)).style == "yolox"
    assert open_box_model(network("rtmdet", dets=dets, labels=labels), BoxOptions(style="yolox")).style == "yolox"


def test_raw_yolox_grids_are_decoded(network: Build):
    rows = np.zeros((1, CELLS, 85), np.float32)
    cell = 256 + 3 * 8 + 2  # stride 16, row 3, column 2
    rows[0, cell, :6] = 0.5, 0.25, np.log(2.0), np.log(1.0), 0.9, 0.8
    boxes, scores = open_box_model(network(output=rows)).find(IMAGE)
    center, extent = np.array([40.0, 52.0]), np.array([32.0, 16.0])
    np.testing.assert_allclose(boxes, [[*((center - extent / 2) / 0.32 - 0.5), *(extent / 0.32)]], atol=1e-4)
    np.testing.assert_allclose(scores, [0.72], rtol=1e-5)


def test_raw_yolov8_is_decoded_and_its_bars_are_taken_off(network: Build):
    columns = np.zeros((1, 84, CELLS), np.float32)
    columns[0, :5, 7] = 64, 64, 32, 32, 0.9
    columns[0, :4, 8], columns[0, 4, 8], columns[0, 10, 8] = 64, 0.6, 0.7  # likelier another class
    model = open_box_model(network(output0=columns))
    boxes, _ = model.find(IMAGE)
    assert model.style == "yolov8"
    np.testing.assert_allclose(boxes, [[149.5, 49.5, 100, 100]], atol=1e-4)


def test_rows_with_score_and_class_are_read(network: Build):
    rows = np.float32([[[48, 48, 80, 80, 0.9, 0], [10, 40, 20, 60, 0.9, 2]]])
    boxes, _ = open_box_model(network(output0=rows)).find(IMAGE)
    np.testing.assert_allclose(boxes, [[149.5, 49.5, 100, 100]], atol=1e-4)


def test_other_outputs_are_refused_with_their_shapes(network: Build):
    with pytest.raises(InputError, match=r"gives heat \[1, 80, 32, 32\].*no boxes that are known"):
        open_box_model(network(heat=np.zeros((1, 80, 32, 32), np.float32)))


def test_the_lesser_of_two_boxes_goes_and_those_apart_stay():
    corners = np.array([[0.0, 0, 10, 10], [1, 1, 11, 11], [20, 0, 30, 10]])
    assert best_boxes(corners, np.array([0.5, 0.9, 0.7]), 0.45).tolist() == [1, 2]


def test_the_bead_detector_bounds_the_beads(tmp_path: Path):
    write_bead_box_detector(tmp_path / "boxes.onnx", 320)
    pixels = np.random.default_rng(4).uniform([100, 60], [250, 420], (37, 2))
    boxes, _ = open_box_model(tmp_path / "boxes.onnx").find(draw_beads(pixels, bead_colors(), (640, 480)))
    low, high = pixels.min(axis=0) - 4, pixels.max(axis=0) + 4
    np.testing.assert_allclose(boxes, [[*low, *(high - low)]], atol=3.0)
