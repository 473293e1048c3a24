"""`simspine detect` from pictures of beads to detections that `triangulate` reads, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from simspine.headless.cli import main
from simspine.sample_rigs.bead_detector import bead_colors, write_bead_box_detector, write_bead_detector
from simspine.sample_rigs.bead_scene import draw_beads
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.capture.detection_files import read_detections
from simspine.simspine_addon.capture.detection_layouts import HALPE_26
from simspine.simspine_addon.capture.detections import write_detections
from simspine.simspine_addon.capture.detector import keypoint_choice
from simspine.simspine_addon.capture.detector_boxes import read_boxes
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES

cv2 = pytest.importorskip("cv2")
pytest.importorskip("onnx", reason="builds the networks")

SIZE = (360, 380)
EMPTY_FRAME = 1
CAMERAS = [Camera(name, SIZE, np.eye(3), np.eye(3), np.zeros(3)) for name in ("left", "right")]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """Three frames of two views, one of them without anybody, and the truth [T, V, 37, 2]."""
    folder = tmp_path_factory.mktemp("recording")
    write_bead_detector(folder / "beads.onnx", (192, 256), blur_px=2.6, radius_px=2.5)
    write_bead_box_detector(folder / "people.onnx", 384)
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(7), indexing="xy"), axis=-1).reshape(-1, 2)[:37]
    shifts = np.random.default_rng(5).uniform(-12, 12, (3, 2, 37, 2))
    pixels = 55 + grid * [38, 45] + shifts
    pixels[EMPTY_FRAME, 1] = np.nan
    for view, name in enumerate(("left", "right")):
        inner = folder / "set" / "images" / name
        inner.mkdir(parents=True)
        for frame in range(3):
            cv2.imwrite(str(inner / f"{frame:06d}.png"), draw_beads(pixels[frame, view], bead_colors(), SIZE))
    return folder, pixels


def detect(folder: Path, output: Path, *more: str) -> int:
    return main(["detect", str(folder / "set"), "--model", str(folder / "beads.onnx"), "-o", str(output), *more])


def test_detections_of_a_person_detector_are_read_by_triangulate(recording: tuple[Path, np.ndarray], tmp_path: Path):
    folder, pixels = recording
    boxes = ("--boxes", str(folder / "people.onnx"), "--refine", "gaussian", "--rate", "50")
    assert detect(folder, tmp_path / "out", *boxes, "--openpose") == 0
    found = read_detections(tmp_path / "out/detections.npz", CAMERAS)
    assert (found.keypoint_names, found.rate, found.points.shape) == (KEYPOINT_NAMES, 50.0, (3, 2, 1, 37, 2))
    np.testing.assert_allclose(found.points[:, :, 0], pixels, atol=0.16)  # NaN where nobody is
    assert np.isnan(found.boxes[EMPTY_FRAME, 1]).all()
    report = json.loads((tmp_path / "out/detections.json").read_text())
    assert report["views"]["right"]["frames_without_person"] == 1
    assert report["pose"]["device"] == "cpu" or report["pose"]["refused_devices"] == []
    from_json = read_detections(tmp_path / "out/openpose", CAMERAS)
    np.testing.assert_allclose(from_json.points, found.points, atol=1e-4)


def test_the_same_input_gives_the_same_bytes(recording: tuple[Path, np.ndarray], tmp_path: Path):
    folder, _ = recording
    for name in ("a", "b"):
        detect(folder, tmp_path / name, "--rate", "50")
    for name in ("detections.npz", "detections.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_boxes_of_earlier_detections_give_the_same_points(recording: tuple[Path, np.ndarray], tmp_path: Path):
    folder, _ = recording
    detect(folder, tmp_path / "a", "--boxes", str(folder / "people.onnx"))
    detect(folder, tmp_path / "b", "--boxes", str(tmp_path / "a/detections.npz"))
    first, second = (np.load(tmp_path / name / "detections.npz")["points"] for name in "ab")
    np.testing.assert_array_equal(first, second)


def test_coco_boxes_are_taken_by_camera_and_frame(recording: tuple[Path, np.ndarray], tmp_path: Path):
    folder, pixels = recording
    images = [
        {"id": 10 * view + frame, "file_name": f"{name}/{frame:06d}.png"}
        for view, name in enumerate(("left", "right"))
        for frame in range(3)
    ]
    annotations = [{"image_id": 12, "category_id": 1, "bbox": [40, 40, 240, 320]}]
    (tmp_path / "coco.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    assert detect(folder, tmp_path / "out", "--boxes", str(tmp_path / "coco.json"), "--refine", "gaussian") == 0
    points = np.load(tmp_path / "out/detections.npz")["points"]
    there = np.isfinite(points).all(axis=(2, 3, 4))
    assert there.tolist() == [[False, False], [False, False], [False, True]]
    np.testing.assert_allclose(points[2, 1, 0], pixels[2, 1], atol=0.16)


def test_the_labels_of_a_render_give_boxes_of_everyone(tmp_path: Path):
    boxes = np.arange(2 * 2 * 3 * 4, dtype=float).reshape(2, 2, 3, 4)  # [P, V, T, 4]
    np.savez(tmp_path / "labels.npz", boxes=boxes, camera_names=["left", "right"], frames=[10, 20, 30])
    tracks = read_boxes(tmp_path / "labels.npz", ["right", "left"])
    np.testing.assert_array_equal(tracks.at(0, 20), boxes[:, 1, 1])
    assert len(tracks.at(0, 11)) == 0


def test_the_whole_image_serves_where_no_boxes_are_given_and_that_is_said(
    recording: tuple[Path, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder, pixels = recording
    assert detect(folder, tmp_path / "out", "--json") == 0
    printed = capsys.readouterr()
    assert "the whole image is taken" in printed.err
    assert json.loads(printed.out)["boxes"] == "the whole image"
    found = np.load(tmp_path / "out/detections.npz")
    counted = found["scores"][:, :, 0] > 0.5
    errors = np.linalg.norm(found["points"][:, :, 0] - pixels, axis=-1)
    assert counted.sum() > 100  # of 185: small beads score less
    assert np.nanmax(errors[counted]) < 1.0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--model", "absent.onnx"), "absent.onnx: does not exist"),
        (("--padding", "0"), "padding 0.0 is not positive"),
        (("--max-people", "0"), "leave nobody"),
        (("--rate", "-5"), "rate -5 is not positive"),
        (("--boxes", "absent.json"), "absent.json: does not exist"),
        (("--input-size", "288x384"), "takes 192x256, not 288x384"),
    ],
)
def test_bad_arguments_are_one_line_and_leave_nothing(
    recording: tuple[Path, np.ndarray],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    message: str,
):
    assert detect(recording[0], tmp_path / "out", *more) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("simspine: ")]
    assert message in lines[-1]
    assert not (tmp_path / "out").exists()


def test_an_image_that_breaks_off_leaves_no_half_written_file(recording: tuple[Path, np.ndarray], tmp_path: Path):
    folder, _ = recording
    (tmp_path / "set").mkdir()
    whole = (folder / "set/images/left/000000.png").read_bytes()
    (tmp_path / "set/0.png").write_bytes(whole)
    (tmp_path / "set/1.png").write_bytes(whole[:20])
    (tmp_path / "beads.onnx").write_bytes((folder / "beads.onnx").read_bytes())
    assert detect(tmp_path, tmp_path / "out") == 2
    assert not (tmp_path / "out").exists()


def test_frames_that_are_in_no_view_are_empty_rows_in_even_time(
    recording: tuple[Path, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder, _ = recording
    for name in ("left", "right"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for frame, number in enumerate((10, 20, 40)):
            picture = (folder / f"set/images/{name}/{frame:06d}.png").read_bytes()
            (tmp_path / f"set/{name}/{number:06d}.png").write_bytes(picture)
    (tmp_path / "set/right/000020.png").unlink()
    (tmp_path / "beads.onnx").write_bytes((folder / "beads.onnx").read_bytes())
    assert detect(tmp_path, tmp_path / "out", "--rate", "100") == 0
    found = read_detections(tmp_path / "out", CAMERAS)
    assert found.rate == 10.0
    np.testing.assert_allclose(found.time, [0.0, 0.1, 0.2, 0.3])
    assert (found.scores > 0).any(axis=(2, 3)).tolist() == [[True, True], [True, False], [False, False], [True, True]]
    told = capsys.readouterr().err
    assert "1 frames between the first and the last are in no view" in told
    assert "the views do not have the same frames (left 3, right 2)" in told


def test_images_numbered_by_time_stamps_are_refused(recording: tuple[Path, np.ndarray], tmp_path: Path, capsys):
    folder, _ = recording
    (tmp_path / "set").mkdir()
    for number in (1700000000033, 1700000000066, 1700000000100):
        (tmp_path / f"set/{number}.png").write_bytes((folder / "set/images/left/000000.png").read_bytes())
    (tmp_path / "beads.onnx").write_bytes((folder / "beads.onnx").read_bytes())
    assert detect(tmp_path, tmp_path / "out") == 2
    assert "name images by their frame's number" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_refused_before_the_work(recording: tuple[Path, np.ndarray], tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert detect(recording[0], tmp_path / "file" / "out") == 2
    told = capsys.readouterr().err.splitlines()
    assert "cannot be made" in told[-1]


def test_keypoints_of_known_networks_get_our_names_in_our_order():
    names, indices, _ = keypoint_choice(26)
    assert names == HALPE_26
    assert indices == list(range(26))
    names, indices, _ = keypoint_choice(133)
    assert names == tuple(name for name in KEYPOINT_NAMES[:17]) + tuple(KEYPOINT_NAMES[20:26])
    # COCO-WholeBody: 17 big toe, 18 small toe, 19 heel of the left foot, then of the right
    assert indices == [*range(17), 17, 20, 18, 21, 19, 22]
    assert len(keypoint_choice(133, everything=True)[0]) == 133
    names, _, odd = keypoint_choice(21)
    assert names[0] == "Point_00"
    assert "no known detector gives 21 keypoints" in odd[0]


def test_detections_written_again_are_the_same(recording: tuple[Path, np.ndarray], tmp_path: Path):
    detect(recording[0], tmp_path / "out", "--boxes", str(recording[0] / "people.onnx"))
    found = read_detections(tmp_path / "out/detections.npz", CAMERAS)
    write_detections(tmp_path / "again.npz", found)
    again = read_detections(tmp_path / "again.npz", CAMERAS)
    np.testing.assert_array_equal(found.points, again.points)
