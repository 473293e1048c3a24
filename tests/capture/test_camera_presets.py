"""Camera presets: the whole motion in every view, from above the floor, no farther than needed."""

import cv2
import numpy as np
import pytest
from simspine.simspine_addon.capture.camera_presets import PRESETS, human36m_preset, preset_cameras
from simspine.simspine_addon.model.errors import InputError


def standing(frames: int = 1, walk_m: float = 0.0, offset=(0.0, 0.0, 0.0)) -> np.ndarray:
    """[T, N, 3] points of an upright body 1.8 m tall that walks along X."""
    random = np.random.default_rng(5)
    body = random.uniform([-0.25, 0.0, -0.35], [0.25, 1.8, 0.35], (20, 3))
    body[:2] = [[0, 0, 0], [0, 1.8, 0]]
    steps = np.linspace(-walk_m / 2, walk_m / 2, frames)[:, None, None] * np.array([1.0, 0, 0])
    return body + steps + np.asarray(offset)


def opencv_pixels(camera, points) -> np.ndarray:
    vector, _ = cv2.Rodrigues(camera.R)
    return cv2.projectPoints(points.reshape(-1, 1, 3), vector, camera.t, camera.K, None)[0].reshape(-1, 2)


MOTIONS = {
    "one frame": standing(),
    "walk": standing(20, 4.0),
    "far from the origin": standing(5, 1.0, (30.0, 0.0, -12.0)),
    "below the origin": standing(5, 1.0, (0.0, -0.9, 0.0)),
    "high above": standing(5, 1.0, (0.0, 6.0, 0.0)),
    "lying": standing()[..., [1, 0, 2]] + [0, 0.25, 0],
}


@pytest.mark.parametrize("size", [(1000, 1000), (1080, 1920), (1920, 1080), (64, 48)])
@pytest.mark.parametrize("points", MOTIONS.values(), ids=MOTIONS)
def test_every_point_of_every_frame_is_in_all_four_views_with_a_margin(points, size):
    cameras = human36m_preset(points, size=size, margin=0.1)
    assert len(cameras) == 4
    for camera in cameras:
        pixels = opencv_pixels(camera, points)
        share = (pixels + 0.5) / size
        assert (points.reshape(-1, 3) @ camera.R[2] + camera.t[2]).min() >= 2.0
        assert share.min() >= 0.1 - 1e-9
        assert share.max() <= 0.9 + 1e-9


@pytest.mark.parametrize("points", MOTIONS.values(), ids=MOTIONS)
def test_cameras_are_as_near_as_the_frame_or_the_nearest_distance_allows(points):
    cameras = human36m_preset(points, margin=0.1)
    middle = (points.min(axis=(0, 1)) + points.max(axis=(0, 1))) / 2
    slack = [np.hypot(*(cameras[0].center - middle)[[0, 2]]) - 2.0]
    for camera in cameras:
        share = (opencv_pixels(camera, points) + 0.5) / camera.size
        depth = points.reshape(-1, 3) @ camera.R[2] + camera.t[2]
        slack.append(min(share.min() - 0.1, 0.9 - share.max(), depth.min() - 2.0))
    assert min(slack) < 0.002


@pytest.mark.parametrize("points", MOTIONS.values(), ids=MOTIONS)
def test_cameras_stand_above_the_floor_and_above_any_point_that_is_lower(points):
    for camera in human36m_preset(points):
        assert np.isclose(camera.center[1], min(0.0, points[..., 1].min()) + 1.56)


def test_cameras_look_at_the_middle_of_the_motion_and_stand_level():
    points = standing(9, 2.0, (3.0, 0.0, 1.0))
    middle = (points.min(axis=(0, 1)) + points.max(axis=(0, 1))) / 2
    for camera in human36m_preset(points, size=(1000, 600)):
        assert np.allclose(opencv_pixels(camera, middle[None]), [[499.5, 299.5]], atol=1e-6)
        assert np.isclose(camera.R[0, 1], 0.0)  # the image's horizontal is horizontal
        assert camera.R[1, 1] < 0  # the image's down is down
        assert np.isclose(np.linalg.det(camera.R), 1.0)


def test_cameras_stand_front_and_back_left_and_right():
    places = np.array([camera.center for camera in human36m_preset(standing())])
    assert np.sign(places[:, [0, 2]]).tolist() == [[1, 1], [-1, 1], [1, -1], [-1, -1]]  # Z is the right-hand side
    assert np.allclose(np.degrees(np.arctan2(np.abs(places[:, 2]), np.abs(places[:, 0]))), 20.0, atol=2.0)


def test_focal_length_is_that_of_human36m_at_its_own_size_and_scales_with_the_image():
    assert human36m_preset(standing())[0].K.tolist() == [[1145, 0, 499.5], [0, 1145, 499.5], [0, 0, 1]]
    assert np.isclose(human36m_preset(standing(), size=(1080, 1920))[0].K[0, 0], 1145 * 1.08)
    assert human36m_preset(standing(), focal_px=800.0)[0].K[1, 1] == 800.0


def test_unseen_markers_do_not_count():
    points = standing(4, 1.0)
    with_gaps = np.concatenate((points, np.full((4, 3, 3), np.nan)), axis=1)
    for camera, other in zip(human36m_preset(points), human36m_preset(with_gaps), strict=True):
        assert np.array_equal(camera.t, other.t)


def test_preset_by_name():
    assert set(PRESETS) == {"h36m"}
    assert [camera.name for camera in preset_cameras("h36m", standing(), size=(320, 240))] == [
        "cam_01",
        "cam_02",
        "cam_03",
        "cam_04",
    ]
    with pytest.raises(InputError, match="no camera preset 'h37m'; there is h36m"):
        preset_cameras("h37m", standing())


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        (np.full((2, 3, 3), np.nan), {}, "no point that is seen"),
        (np.zeros((0, 3, 3)), {}, "no point that is seen"),
        (np.zeros((4, 2)), {}, "shape"),
        (standing(), {"size": (0, 10)}, "image size"),
        (standing(), {"margin": 0.5}, "margin"),
        (standing(), {"height_m": 0.0}, "height"),
        (standing(), {"azimuth_deg": 90.0}, "azimuth"),
        (standing(), {"focal_px": 0.0}, "focal"),
        (standing(), {"nearest_m": np.nan}, "nearest"),
        (np.array([[[0.0, 1, 0], [1e6, 0, 0]]]), {}, "no place for the cameras"),
    ],
)
def test_impossible_wish_is_refused(points, options, message):
    with pytest.raises(InputError, match=message):
        human36m_preset(points, **options)
