"""Which rows and which cameras a render job takes."""

import cv2
import numpy as np
import pytest
from simspine.headless.render_plan import choose_cameras, chosen_rows, folder_names, resized
from simspine.simspine_addon.capture.calibration import write_calibration
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.model.errors import InputError


def camera(name="cam", size=(640, 480), distortion=None):
    K = np.array([[500, 0, 300], [0, 510, 250], [0, 0, 1.0]])
    made = Camera(name, size, K, np.diag([1.0, -1.0, -1.0]), np.array([0.0, 1.0, 4.0]))
    if distortion is None:
        return made
    return Camera(name, size, K, made.R, made.t, "brown_conrady", np.array(distortion))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (":", range(10)),
        ("2:5", [2, 3, 4]),
        ("::4", [0, 4, 8]),
        ("-2:", [8, 9]),
        ("7", [7]),
        ("-1", [9]),
        ("8:99", [8, 9]),
    ],
)
def test_frames_are_rows_as_in_a_slice(text, rows):
    assert chosen_rows(text, 10).tolist() == list(rows)


@pytest.mark.parametrize("text", ["", "x", "1:2:3:4", "1.5", "10", "-11", "5:5", "::0", "1:-"])
def test_frames_that_hold_no_row_are_refused_in_one_line(text):
    with pytest.raises(InputError, match="--frames") as caught:
        chosen_rows(text, 10)
    assert "\n" not in str(caught.value)


def test_a_resized_camera_sees_what_a_resized_image_shows():
    """Oracle: OpenCV's resize keeps the image's corners, so a spot's centre moves by (x + .5) s - .5."""
    before, after = camera(), resized(camera(), (320, 360))
    image = np.zeros((480, 640), np.float32)
    image[121:139, 201:219] = 1.0  # centre (209.5, 129.5)
    small = cv2.resize(image, (320, 360), interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[:360, :320]
    measured = np.array([(small * x).sum(), (small * y).sum()]) / small.sum()
    ray = np.linalg.inv(before.K) @ [209.5, 129.5, 1.0]
    np.testing.assert_allclose((after.K @ ray)[:2], measured, atol=1e-4)


def test_a_calibration_keeps_its_lenses_and_its_own_sizes(tmp_path):
    path = tmp_path / "bent.toml"
    write_calibration(path, [camera("a", distortion=[0.1, 0, 0, 0]), camera("b", (520, 400))])
    choice = choose_cameras(str(path), None, np.zeros((1, 1, 3)))
    assert [(c.distortion_model, c.size) for c in choice.cameras] == [
        ("brown_conrady", (640, 480)),
        ("none", (520, 400)),
    ]
    assert choice.warnings == ()
    assert choice.poses is None


def test_a_size_of_another_shape_than_the_calibrated_pictures_is_said(tmp_path):
    path = tmp_path / "portrait.toml"
    write_calibration(path, [camera("a"), camera("b", (500, 1000))])
    (note,) = choose_cameras(str(path), (320, 240), np.zeros((1, 1, 3))).warnings
    assert "320x240 stretches the pictures of b (500x1000)" in note


def test_a_resized_distorted_camera_sees_what_opencv_sees_in_the_resized_picture(tmp_path):
    path = tmp_path / "bent.toml"
    before = camera("a", distortion=[-0.3, 0.1, 0.01, -0.02, 0.01])
    write_calibration(path, [before])
    after = choose_cameras(str(path), (320, 360), np.zeros((1, 1, 3))).cameras[0]
    points = np.random.default_rng(0).uniform([-1, -1, 3], [1, 1, 5], (20, 3))
    large, small = (
        cv2.projectPoints(points, np.zeros(3), np.zeros(3), each.K, each.distortion)[0][:, 0]
        for each in (before, after)
    )
    np.testing.assert_allclose(small, (large + 0.5) * [0.5, 0.75] - 0.5, atol=1e-9)


def test_presets_by_text_and_by_table_are_the_same():
    points = np.random.default_rng(1).uniform([-0.3, 0, -0.3], [0.3, 1.8, 0.3], (4, 9, 3))
    by_text = choose_cameras("ring:5,height_m=2", (640, 480), points)
    by_table = choose_cameras({"preset": "ring", "count": 5, "height_m": 2}, (640, 480), points)
    assert len(by_text.cameras) == 5
    for first, second in zip(by_text.cameras, by_table.cameras, strict=True):
        assert np.array_equal(first.t, second.t)
    assert by_text.cameras[0].size == (640, 480)


def test_cameras_in_hands_have_a_pose_for_every_frame():
    points = np.random.default_rng(1).uniform([-0.3, 0, -0.3], [0.3, 1.8, 0.3], (4, 9, 3))
    choice = choose_cameras("handheld:2", (64, 48), points, time=np.arange(7) / 25, seed=5)
    assert [part.shape for part in choice.poses] == [(2, 7, 3, 3), (2, 7, 3)]


def test_cameras_of_a_file_can_jitter(tmp_path):
    path = tmp_path / "two.toml"
    write_calibration(path, [camera("a"), camera("b")])
    table = {"file": str(path), "jitter_position_m": 0.1}
    moved = choose_cameras(table, None, np.zeros((1, 1, 3)), seed=1).cameras
    offs = [each.center - camera().center for each in moved]
    assert all(0 < np.abs(off).max() <= 0.1 for off in offs)
    assert not np.allclose(*offs)
    with pytest.raises(InputError, match="the cameras have no 'count'"):
        choose_cameras({"file": str(path), "count": 3}, None, np.zeros((1, 1, 3)))


def test_an_unknown_preset_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="h36m"):
        choose_cameras("circle", None, np.zeros((1, 1, 3)))


def test_a_folder_that_is_not_there_is_no_preset(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        choose_cameras(str(tmp_path / "session"), None, np.zeros((1, 1, 3)))


def test_cameras_that_would_share_a_folder_are_refused():
    assert folder_names([camera("left 1"), camera("a/b")]) == ("left_1", "a_b")
    with pytest.raises(InputError, match="share"):
        folder_names([camera("a b"), camera("A/b")])
