"""Pose networks in ONNX: what is read from their graphs, and that beads drawn at known pixels are found there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simspine.sample_rigs.bead_detector import bead_colors, write_bead_detector
from simspine.sample_rigs.bead_scene import draw_beads
from simspine.simspine_addon.capture.onnx_pose import PoseOptions, open_pose_model
from simspine.simspine_addon.capture.onnx_session import open_model
from simspine.simspine_addon.model.errors import InputError

onnx = pytest.importorskip("onnx", reason="builds the networks")

BOX = np.array([40.0, 20.0, 240.0, 320.0])  # with padding 1.25 a scale of 0.64 into 192 x 256
ALIASING = 0.15  # px: bilinear reading of a picture that shrinks to 0.64 moves a bead's middle by 0.05 rms
BLUR = {"size": (192, 256), "blur_px": 2.6, "radius_px": 2.5}  # the beads are 4 px in radius, in the input 2.6
NAMES_OF_SHAPES = list[tuple[str, list[int | str]]]


@pytest.fixture
def constant_network(tmp_path: Path) -> Callable[..., Path]:
    """A network that gives constants of the given shapes, whatever it sees."""

    def build(outputs: NAMES_OF_SHAPES, shape: list[int | str] | None = None, value: float = 0.0) -> Path:
        helper, kinds = onnx.helper, onnx.TensorProto
        nodes, constants = [], []
        for name, size in outputs:
            filled = onnx.numpy_helper.from_array(np.full(size, value, np.float32), f"{name}_value")
            constants.append(filled)
            nodes.append(helper.make_node("Identity", [f"{name}_value"], [name]))
        graph = helper.make_graph(
            nodes,
            "constant",
            [helper.make_tensor_value_info("image", kinds.FLOAT, shape or [1, 3, 256, 192])],
            [helper.make_tensor_value_info(name, kinds.FLOAT, size) for name, size in outputs],
            constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
        model.ir_version = 9
        path = tmp_path / "network.onnx"
        onnx.save(model, path)
        return path

    return build


def beads(count: int = 1, seed: int = 3) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Pictures of 37 beads that do not touch, and where they are, [count, 37, 2]."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(7), indexing="xy"), axis=-1).reshape(-1, 2)[:37]
    pixels = np.stack([55 + grid * [38, 45] + rng.uniform(-12, 12, grid.shape) for _ in range(count)])
    return pixels, [(draw_beads(each, bead_colors(), (360, 380)), BOX) for each in pixels]


@pytest.mark.parametrize(("batch", "channels_last"), [(None, False), (1, False), (4, False), (None, True), (2, True)])
def test_simcc_finds_beads_within_a_bin_whatever_the_batch_and_layout(
    tmp_path: Path, batch: int | None, channels_last: bool
):
    write_bead_detector(tmp_path / "beads.onnx", batch=batch, channels_last=channels_last, **BLUR)
    pose = open_pose_model(tmp_path / "beads.onnx")
    facts: tuple[Any, ...] = (pose.kind, pose.size, pose.keypoints, pose.split, pose.batch, pose.channels_last)
    assert facts == ("simcc", (192, 256), 37, (2.0, 2.0), batch, channels_last)
    pixels, people = beads(3)
    found, scores = pose.estimate(people)
    assert np.abs(found - pixels).max() <= 0.25 / 0.64 + ALIASING
    assert (scores > 0.8).all()


def test_refined_simcc_leaves_what_sampling_the_picture_costs(tmp_path: Path):
    write_bead_detector(tmp_path / "beads.onnx", **BLUR)
    pixels, people = beads()
    found, _ = open_pose_model(tmp_path / "beads.onnx", PoseOptions(refine="gaussian")).estimate(people)
    assert np.abs(found - pixels).max() <= ALIASING
    assert np.sqrt(np.mean((found - pixels) ** 2)) < 0.06
    assert np.abs((found - pixels).mean(axis=(0, 1))).max() < 0.02


def test_heatmaps_leave_what_sampling_the_picture_costs(tmp_path: Path):
    write_bead_detector(tmp_path / "beads.onnx", (192, 256), form="heatmap")
    pose = open_pose_model(tmp_path / "beads.onnx")
    assert (pose.kind, pose.split) == ("heatmap", (0.25, 0.25))
    pixels, people = beads()
    found, _ = pose.estimate(people)
    assert np.abs(found - pixels).max() <= ALIASING
    assert np.sqrt(np.mean((found - pixels) ** 2)) < 0.06


def test_a_network_fed_the_other_channel_order_sees_red_for_blue(tmp_path: Path):
    write_bead_detector(tmp_path / "beads.onnx", **BLUR)
    pixels, people = beads()
    mean, deviation = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
    colors = bead_colors().tolist()
    mirrored = [colors.index(color[::-1]) for color in colors]
    exchanged = PoseOptions(channels="bgr", mean=mean, deviation=deviation, refine="gaussian")
    found, _ = open_pose_model(tmp_path / "beads.onnx", exchanged).estimate(people)
    # The graph undoes RGB's mean, so that colours are a little off, but each bead is the one of mirrored channels.
    assert np.median(np.linalg.norm(found - pixels[:, mirrored], axis=-1)) < 0.5


def test_no_keypoint_is_lost_where_the_box_reaches_over_the_edge(tmp_path: Path):
    write_bead_detector(tmp_path / "beads.onnx", **BLUR)
    pixels, people = beads()
    image = people[0][0][30:, 40:]
    found, _ = open_pose_model(tmp_path / "beads.onnx", PoseOptions(refine="gaussian")).estimate(
        [(np.ascontiguousarray(image), BOX - [40, 30, 0, 0])]
    )
    inside = ((pixels[0] - [40, 30]) > 6).all(axis=1)
    assert np.abs(found[0] + [40, 30] - pixels[0])[inside].max() < ALIASING


def test_y_before_x_is_told_by_names_and_by_the_split_ratio(constant_network: Callable[..., Path]):
    for names in (("simcc_y", "simcc_x"), ("first", "second")):
        path = constant_network([(names[0], [1, 17, 512]), (names[1], [1, 17, 384])])
        pose = open_pose_model(path)
        assert (pose.swapped, pose.split, pose.keypoints) == (True, (2.0, 2.0), 17)


@pytest.mark.parametrize(
    ("outputs", "shape", "message"),
    [
        ([("dets", [1, 100, 5])], None, r"dets \[1, 100, 5\].*neither SimCC nor heatmaps"),
        ([("simcc_x", [1, 17, 384]), ("simcc_y", [1, 17, 400])], None, "no split ratio for both axes"),
        ([("simcc_x", [1, 17, 384]), ("simcc_y", [1, 17, 512])], [1, 1, 256, 192], "takes 1 channels"),
        ([("simcc_x", [1, 17, 384]), ("simcc_y", [1, 17, 512])], [1, 3, "h", "w"], "leaves its input size open"),
    ],
)
def test_networks_of_another_kind_are_refused_with_their_shapes(
    constant_network: Callable[..., Path], outputs: NAMES_OF_SHAPES, shape: list[int | str] | None, message: str
):
    with pytest.raises(InputError, match=message):
        open_pose_model(constant_network(outputs, shape))


def test_an_open_input_size_can_be_given(constant_network: Callable[..., Path]):
    path = constant_network([("simcc_x", [1, 17, 384]), ("simcc_y", [1, 17, 512])], [1, 3, "h", "w"])
    assert open_pose_model(path, input_size=(192, 256)).split == (2.0, 2.0)


def test_a_network_that_gives_nan_is_named(constant_network: Callable[..., Path]):
    path = constant_network([("simcc_x", [1, 17, 384]), ("simcc_y", [1, 17, 512])], value=np.nan)
    pose = open_pose_model(path)
    with pytest.raises(InputError, match="gives NaN or infinity"):
        pose.estimate([(np.zeros((50, 50, 3), np.uint8), np.array([0.0, 0, 50, 50]))])


def test_devices_that_are_not_there_are_refused_or_passed_over_with_the_reason(tmp_path: Path):
    write_bead_detector(tmp_path / "beads.onnx", **BLUR)
    runtime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in runtime.get_available_providers():
        pytest.skip("CUDA is here")
    model = open_model(tmp_path / "beads.onnx")
    assert model.device in ("cpu", "coreml", "directml")
    assert any(reason.startswith("cuda: not in this onnxruntime") for reason in model.refused)
    with pytest.raises(InputError, match=r"does not run .cuda: not in this onnxruntime"):
        open_model(tmp_path / "beads.onnx", "cuda")


def test_what_is_no_onnx_is_one_line(tmp_path: Path):
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(InputError, match="is no ONNX model") as caught:
        open_model(tmp_path / "text.onnx")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="does not exist"):
        open_model(tmp_path / "absent.onnx")


@pytest.mark.parametrize(
    "options",
    [PoseOptions(padding=0), PoseOptions(deviation=(1, 1, 0)), PoseOptions(batch=0), PoseOptions(channels="gbr")],  # type: ignore[arg-type]
)
def test_options_that_mean_nothing_are_refused(tmp_path: Path, options: PoseOptions):
    with pytest.raises(InputError):
        open_pose_model(tmp_path / "not even looked at.onnx", options)
