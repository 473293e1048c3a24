"""Calibration files: what is read, what is written, what is refused."""

import os
import tomllib
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simspine.simspine_addon.capture.calibration import CalibrationWarning, read_calibration, write_calibration
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.model.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SIMSPINE_DATA", ROOT.parent / "shared" / "data" / "pose2sim"))

POSE2SIM = """\
[cam_01]
name = "left"
size = [ 1088.0, 1920.0]
matrix = [ [ 1681.2, 0.0, 532.9], [ 0.0, 1681.1, 948.1], [ 0.0, 0.0, 1.0]]
distortions = [ -0.0007, 0.0022, 9.5e-06, 1.1e-05]
rotation = [ 1.7, 1.1, -0.4]
translation = [ 0.32, 0.96, 2.89]
fisheye = false

[cam_02]
name = "right"
size = [ 640, 480]
matrix = [ [ 500, 0, 320], [ 0, 500, 240], [ 0, 0, 1]]
distortions = [ 0.02, -0.004, 0.002, -0.001]
rotation = [ 0.0, 0.0, 0.0]
translation = [ 0, 0, 3]
fisheye = true

[metadata]
adjusted = false
error = 0.0
"""


@pytest.fixture
def write(tmp_path):
    def write_text(text: str) -> Path:
        path = tmp_path / "calibration.toml"
        path.write_text(text)
        return path

    return write_text


def some_cameras() -> tuple[Camera, ...]:
    random = np.random.default_rng(3)
    models = ["none", "brown_conrady", "brown_conrady", "brown_conrady", "fisheye"]
    coefficients = [np.zeros(0), *(random.normal(size=count) / 10 for count in (4, 5, 8, 4))]
    angles = [1e-9, 1.0, np.pi - 1e-9, np.pi, 2.5]
    return tuple(
        Camera(
            f'view "{index}" \\ é\x7f',
            (1000 + index, 777),
            np.array([[1145.0 + random.random(), 0, 500.1], [0, 1144.3, 388.0 + random.random()], [0, 0, 1]]),
            Rotation.from_rotvec(angle * np.array([0.36, 0.48, -0.8])).as_matrix(),
            random.normal(size=3),
            model,
            distortion,
        )
        for index, (model, distortion, angle) in enumerate(zip(models, coefficients, angles, strict=True))
    )


def test_values_of_a_pose2sim_file(write):
    left, right = read_calibration(write(POSE2SIM))
    assert (left.name, right.name) == ("left", "right")
    assert (left.size, right.size) == ((1088, 1920), (640, 480))
    assert left.K.tolist() == [[1681.2, 0, 532.9], [0, 1681.1, 948.1], [0, 0, 1]]
    assert (left.distortion_model, right.distortion_model) == ("brown_conrady", "fisheye")
    assert left.distortion.tolist() == [-0.0007, 0.0022, 9.5e-06, 1.1e-05]
    assert left.t.tolist() == [0.32, 0.96, 2.89]


def test_a_point_of_ground_is_seen_where_the_file_sees_it_as_z_x_y(write):
    ground = np.array([0.3, 1.2, -0.4])
    in_file = np.array([-0.4, 0.3, 1.2])
    left, _ = read_calibration(write(POSE2SIM))
    rotation, _ = cv2.Rodrigues(np.array([1.7, 1.1, -0.4]))
    assert np.allclose(left.R @ ground + left.t, rotation @ in_file + [0.32, 0.96, 2.89], atol=1e-14)


def test_metadata_says_that_cameras_stand_in_ground(write):
    path = write(POSE2SIM + 'world = "opensim"\n')
    rotation, _ = cv2.Rodrigues(np.array([1.7, 1.1, -0.4]))
    assert np.allclose(read_calibration(path)[0].R, rotation, atol=1e-14)
    assert np.allclose(read_calibration(path, world="pose2sim")[0].R[:, 1], rotation[:, 2], atol=1e-14)


def test_argument_says_that_cameras_stand_in_ground(write):
    rotation, _ = cv2.Rodrigues(np.array([1.7, 1.1, -0.4]))
    assert np.allclose(read_calibration(write(POSE2SIM), world="opensim")[0].R, rotation, atol=1e-14)


def test_millimetres_are_scaled_only_when_the_file_says_so(write):
    in_mm = POSE2SIM.replace("[ 0.32, 0.96, 2.89]", "[ 320.0, 960.0, 2890.0]")
    with pytest.warns(CalibrationWarning, match=r"left would stand more than 50 m.*units = \"mm\""):
        assert read_calibration(write(in_mm))[0].t.tolist() == [320, 960, 2890]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.allclose(read_calibration(write(in_mm + 'units = "mm"\n'))[0].t, [0.32, 0.96, 2.89], rtol=1e-15)


def test_all_zero_coefficients_make_a_camera_without_distortion(write):
    text = POSE2SIM.replace("[ -0.0007, 0.0022, 9.5e-06, 1.1e-05]", "[ 0.0, 0, 0.0, 0.0, 0.0]")
    camera = read_calibration(write(text))[0]
    assert (camera.distortion_model, camera.distortion.size) == ("none", 0)


def test_tables_beside_the_cameras_are_no_cameras(write):
    assert len(read_calibration(write(POSE2SIM + "[capture_volume]\nstage = 1\n[charuco]\ncolumns = 4\n"))) == 2


def test_windows_line_ends_and_byte_order_mark_are_read(tmp_path):
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xef\xbb\xbf" + POSE2SIM.replace("\n", "\r\n").encode())
    assert len(read_calibration(path)) == 2


@pytest.mark.parametrize("world", ["opensim", "pose2sim"])
def test_what_is_written_is_read_again_exactly(tmp_path, world):
    cameras = some_cameras()
    write_calibration(tmp_path / "c.toml", cameras, world=world)
    again = read_calibration(tmp_path / "c.toml")
    for camera, read in zip(cameras, again, strict=True):
        assert (read.name, read.size, read.distortion_model) == (camera.name, camera.size, camera.distortion_model)
        assert np.array_equal(read.K, camera.K)
        assert np.array_equal(read.t, camera.t)
        assert np.array_equal(read.distortion, camera.distortion)
        assert np.abs(read.R - camera.R).max() < 1e-12


def test_what_is_written_for_pose2sim_has_its_layout_and_its_world(tmp_path):
    cameras = some_cameras()
    write_calibration(tmp_path / "c.toml", cameras, world="pose2sim")
    document = tomllib.loads((tmp_path / "c.toml").read_text())
    assert list(document) == ["cam_01", "cam_02", "cam_03", "cam_04", "cam_05", "metadata"]
    for camera, table in zip(cameras, list(document.values())[:-1], strict=True):
        assert list(table) == ["name", "size", "matrix", "distortions", "rotation", "translation", "fisheye"]
        rotation, _ = cv2.Rodrigues(np.array(table["rotation"]))
        ground = np.array([0.3, 1.2, -0.4])
        assert np.allclose(rotation @ ground[[2, 0, 1]], camera.R @ ground, atol=1e-7)  # OpenCV's own error near pi
        assert len(table["distortions"]) in (4, 5, 8)


def test_same_cameras_are_written_as_same_bytes(tmp_path):
    for name in ("a.toml", "b.toml"):
        write_calibration(tmp_path / name, read_calibration_of(some_cameras(), tmp_path))
    assert (tmp_path / "a.toml").read_bytes() == (tmp_path / "b.toml").read_bytes()


def read_calibration_of(cameras, folder: Path) -> tuple[Camera, ...]:
    write_calibration(folder / "first.toml", cameras)
    return read_calibration(folder / "first.toml")


REFUSED = {
    "missing key": ('name = "left"\n', "", r"\[cam_01\]: 'name' is missing"),
    "missing matrix": ("matrix = [ [ 1681", "mtrix = [ [ 1681", r"\[cam_01\]: 'matrix' is missing"),
    "wrong shape": ("[ 1.7, 1.1, -0.4]", "[ 1.7, 1.1]", r"\[cam_01\]: 'rotation' has the shape \(2,\)"),
    "ragged matrix": ("[ 0.0, 1681.1, 948.1]", "[ 0.0, 1681.1]", r"\[cam_01\]: 'matrix' is not 3 x 3 numbers"),
    "text for numbers": ("[ 1.7, 1.1, -0.4]", '[ "a", "b", "c"]', r"\[cam_01\]: 'rotation' is not 3 numbers"),
    "booleans": ("[ 1.7, 1.1, -0.4]", "[ true, true, false]", r"\[cam_01\]: 'rotation' is not 3 numbers"),
    "not finite": ("[ 1.7, 1.1, -0.4]", "[ nan, 1.1, -0.4]", r"'rotation' holds a number that is not finite"),
    "infinite t": ("[ 0.32, 0.96, 2.89]", "[ inf, 0.96, 2.89]", r"'translation' holds a number that is not finite"),
    "zero focal": ("[ 1681.2, 0.0, 532.9]", "[ 0.0, 0.0, 532.9]", r"'matrix' has a focal length"),
    "not upper": ("[ 0.0, 0.0, 1.0]]", "[ 0.0, 0.0, 2.0]]", r"'matrix' is not \[\[fx"),
    "size": ("[ 1088.0, 1920.0]", "[ 0, 1920]", r"'size' is \[0.0, 1920.0\]"),
    "half pixel": ("[ 1088.0, 1920.0]", "[ 1088.5, 1920]", r"'size' is \[1088.5"),
    "coefficients": ("[ -0.0007, 0.0022, 9.5e-06, 1.1e-05]", "[ 0.1, 0.2, 0.3]", r"'distortions' has 3 numbers"),
    "fisheye count": ("[ 0.02, -0.004, 0.002, -0.001]", "[ 0.02]", r"\[cam_02\]: 'distortions' has 1 numbers, but"),
    "fisheye text": ("fisheye = true", 'fisheye = "yes"', r"\[cam_02\]: 'fisheye' is neither"),
    "same name": ('"right"', '"left"', r"two cameras are named 'left'"),
    "empty name": ('"right"', '" "', r"\[cam_02\]: 'name' is not a text"),
    "syntax": ("fisheye = true", "fisheye = ", r"calibration.toml:17: is not valid TOML"),
    "world": ("error = 0.0", 'world = "blender"', r"world = 'blender' is unknown; use opensim or pose2sim"),
    "units": ("error = 0.0", 'units = "inch"', r"units = 'inch' is unknown; use m or mm"),
    "no table": ("[metadata]", "[metadata]\n[cam_03]\nx = 1\n[metadata.more]", r"\[cam_03\]: 'distortions' is missing"),
    "top value": ("[cam_01]\n", "version = 2\n[cam_01]\n", r"'version' is not a camera's table"),
}


@pytest.mark.parametrize(("old", "new", "message"), REFUSED.values(), ids=REFUSED)
def test_unusable_calibration_is_refused_by_file_camera_and_key(write, old, new, message):
    assert old in POSE2SIM
    path = write(POSE2SIM.replace(old, new, 1))
    with pytest.raises(InputError, match=message) as caught:
        read_calibration(path)
    assert str(path) in str(caught.value)


def test_calibration_without_cameras_missing_or_binary_is_refused(write, tmp_path):
    with pytest.raises(InputError, match="holds no camera"):
        read_calibration(write("[metadata]\n"))
    with pytest.raises(InputError, match="cannot be read"):
        read_calibration(tmp_path / "none.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        read_calibration(tmp_path / "b.toml")


def test_cameras_that_cannot_be_written_are_refused_and_leave_no_file(tmp_path):
    camera = some_cameras()[1]
    mirrored = Camera("m", camera.size, camera.K, -camera.R, camera.t)
    endless = Camera("e", camera.size, camera.K, camera.R, np.array([0, np.nan, 0]))
    for cameras, message in (
        ((), "no camera"),
        ((camera, camera), "the same name"),
        ((mirrored,), "no rotation matrix"),
        ((endless,), "not finite"),
    ):
        with pytest.raises(InputError, match=message):
            write_calibration(tmp_path / "c.toml", cameras)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not (DATA / "cameras.toml").is_file(), reason=f"the real capture is not at {DATA}")
def test_real_capture_is_seen_by_all_four_cameras():
    """Every triangulated marker of every frame lies before each camera; all but a few within its image."""
    from simspine.simspine_addon.capture.projection import inside_image, project

    rows = np.genfromtxt(DATA / "markers.trc", skip_header=5, delimiter="\t")[:, 2:65].reshape(-1, 21, 3)
    for camera in read_calibration(DATA / "cameras.toml"):
        pixels, depth = project(camera, rows)
        assert (depth > 1).all()
        assert inside_image(camera, pixels).mean() > 0.95
        assert camera.center[1] > 0.3  # metres above the floor: the world's up is ours
