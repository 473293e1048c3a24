"""Camera presets: the whole motion in every view, from above the floor, no farther than needed."""

import cv2
import numpy as np
import pytest
from simspine.simspine_addon.capture.camera_presets import PRESETS, camera_set, human36m_preset, preset_cameras
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
    assert set(PRESETS) == {"h36m", "ring", "dome", "stereo", "handheld"}
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


STATIC = ("h36m", "ring:8", "dome:12", "stereo", "ring:3,height_m=0.4,start_deg=30", "dome:5,lowest_deg=0")


@pytest.mark.parametrize("spec", STATIC)
@pytest.mark.parametrize("points", MOTIONS.values(), ids=MOTIONS)
def test_every_preset_shows_the_whole_motion_from_no_farther_than_needed(spec, points):
    cameras = camera_set(f"{spec},margin=0.1", points, size=(640, 480)).cameras
    slack = []
    for camera in cameras:
        share = (opencv_pixels(camera, points) + 0.5) / camera.size
        depth = (points.reshape(-1, 3) @ camera.R[2] + camera.t[2]).min()
        assert depth >= 2.0
        assert share.min() >= 0.1 - 1e-9
        assert share.max() <= 0.9 + 1e-9
        assert camera.center[1] > min(0.0, points[..., 1].min())
        slack.append(min(share.min() - 0.1, 0.9 - share.max(), depth - 2.0))
    middle = (points.min(axis=(0, 1)) + points.max(axis=(0, 1))) / 2
    nearest = min(np.hypot(*(camera.center - middle)[[0, 2]]) for camera in cameras)
    assert min(*slack, nearest - 2.0) < 0.004


def test_a_ring_is_even_and_its_first_camera_stands_in_front():
    points = standing()
    middle = (points.min(axis=(0, 1)) + points.max(axis=(0, 1))) / 2
    off = np.array([camera.center for camera in camera_set("ring:8,height_m=1.2", points).cameras]) - middle
    angles = np.unwrap(np.arctan2(off[:, 2], off[:, 0]))
    assert np.allclose(np.degrees(angles), 45.0 * np.arange(8))
    assert np.allclose(off[:, 1] + middle[1], 1.2)


def test_a_dome_spreads_its_cameras_over_the_upper_half_at_one_distance():
    points = standing()
    middle = (points.min(axis=(0, 1)) + points.max(axis=(0, 1))) / 2
    off = np.array([camera.center for camera in camera_set("dome:40,lowest_deg=0", points).cameras]) - middle
    radius = np.linalg.norm(off, axis=1)
    assert np.allclose(radius, radius[0])
    directions = off / radius[:, None]
    assert directions[:, 1].min() > 0
    assert np.linalg.norm(directions.mean(axis=0) - [0, 0.5, 0]) < 0.03  # the middle of a half sphere's surface
    closest = np.sort(np.arccos(np.clip(directions @ directions.T, -1, 1)), axis=1)[:, 1]
    assert closest.min() > 0.55 * np.sqrt(4 * np.pi / 2 / 40)  # no two share a place


def test_a_stereo_pair_looks_the_same_way_from_its_baseline_left_eye_first():
    left, right = camera_set("stereo,baseline_m=0.2", standing()).cameras
    assert np.array_equal(left.R, right.R)
    assert np.allclose(left.R @ (right.center - left.center), [0.2, 0, 0])


def test_distorted_presets_still_show_the_whole_motion():
    points = standing(10, 2.0)
    for camera in camera_set(
        {"preset": "ring", "count": 4, "distortion": [-0.2, 0.05, 0, 0], "margin": 0.05}, points
    ).cameras:
        assert camera.distortion_model == "brown_conrady"
        vector, _ = cv2.Rodrigues(camera.R)
        pixels = cv2.projectPoints(points.reshape(-1, 1, 3), vector, camera.t, camera.K, camera.distortion)[0]
        assert (pixels >= 0.05 * 1000 - 0.5 - 1e-6).all()
        assert (pixels <= 0.95 * 1000 - 0.5 + 1e-6).all()


TIME = np.arange(600) / 50.0


def test_hands_move_smoothly_within_their_band_and_keep_the_motion_in_view():
    points = standing(30, 1.0)
    made = camera_set("handheld:2,drift_m=0,drift_deg=0,sway_m=0.02,sway_deg=1", points, time=TIME, seed=4)
    rotations, translations = made.poses
    assert rotations.shape == (2, 600, 3, 3)
    assert np.allclose(rotations @ np.swapaxes(rotations, -1, -2), np.eye(3), atol=1e-12)
    assert np.array_equal(made.cameras[1].R, rotations[1, 0])
    places = -np.einsum("vtji,vtj->vti", rotations, translations)
    # Oracle: the spectrum. Twelve seconds resolve 1/12 Hz; a window keeps what leaks out of the band small.
    window = np.hanning(600)[:, None]
    for place in places:
        power = np.abs(np.fft.rfft((place - place.mean(axis=0)) * window, axis=0)) ** 2
        frequency = np.fft.rfftfreq(600, 1 / 50.0)
        assert power[frequency > 3.5].sum() < 1e-6 * power.sum()
    for view, camera in enumerate(made.cameras):
        for frame in range(0, 600, 60):
            vector, _ = cv2.Rodrigues(rotations[view, frame])
            pixels = cv2.projectPoints(points.reshape(-1, 1, 3), vector, translations[view, frame], camera.K, None)[0]
            assert (pixels > -0.5).all()
            assert (pixels < 999.5).all()


def test_hands_sway_as_much_as_they_are_told():
    long = np.arange(0, 400, 0.05)
    made = camera_set("handheld:4,drift_m=0,drift_deg=0,sway_m=0.02,sway_deg=1", standing(), time=long, seed=1)
    rotations, translations = made.poses
    places = -np.einsum("vtji,vtj->vti", rotations, translations)
    assert np.allclose(places.std(axis=1).mean(), 0.02, rtol=0.1)
    middle = rotations[:, :1]
    chord = np.linalg.norm(rotations - middle, axis=(-2, -1)) / np.sqrt(2)  # angles between, small ones
    assert 0.5 < np.degrees(np.sqrt((chord**2).mean())) / np.sqrt(6) < 2.0  # difference of two draws, three axes


def test_a_hand_is_where_it_is_whatever_the_frame_rate():
    fast, slow = (camera_set("handheld", standing(), time=time, seed=2).poses for time in (TIME, TIME[3::4]))
    for quick, seldom in zip(fast, slow, strict=True):
        assert np.allclose(quick[:, 3::4], seldom, atol=1e-12)


def test_jitter_of_one_thing_changes_that_alone_and_stays_within_its_bounds():
    points = standing()
    plain = camera_set("ring:6", points, seed=9).cameras
    both = camera_set("ring:6,jitter_aim_deg=2,jitter_position_m=0.1", points, seed=9).cameras
    place = camera_set("ring:6,jitter_position_m=0.1", points, seed=9).cameras
    lens = camera_set("ring:6,jitter_focal_percent=5,jitter_principal_px=7", points, seed=9).cameras
    other = camera_set("ring:6,jitter_position_m=0.1", points, seed=10).cameras
    for a, b, c, d, e in zip(plain, both, place, lens, other, strict=True):
        assert np.allclose(b.center, c.center)
        assert np.array_equal(a.R, c.R)
        assert 0 < np.abs(c.center - a.center).max() <= 0.1
        assert not np.allclose(c.center, e.center)
        angle = np.degrees(np.linalg.norm(cv2.Rodrigues(b.R @ a.R.T)[0]))
        assert 0 < angle <= 2 * np.sqrt(3)
        assert np.array_equal(d.R, a.R)
        assert 0 < abs(d.K[0, 0] / a.K[0, 0] - 1) <= 0.05
        assert 0 < np.abs(d.K[:2, 2] - a.K[:2, 2]).max() <= 7
    assert len({tuple(camera.center) for camera in place}) == 6


def test_jittered_hands_are_the_same_hands_from_another_place():
    still = camera_set("handheld:2", standing(), time=TIME, seed=3)
    moved = camera_set("handheld:2,jitter_position_m=0.2", standing(), time=TIME, seed=3)
    first, second = (-np.einsum("vtji,vtj->vti", *made.poses) for made in (still, moved))
    off = second - first
    assert np.allclose(off, off[:, :1], atol=1e-9)
    assert np.allclose([camera.center for camera in moved.cameras], second[:, 0])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("h37m", "no camera preset 'h37m'; there is h36m"),
        ("ring:0", "count = 0 is not a whole number"),
        ("ring:x", "'x', which is no number"),
        ("ring:4,hight_m=2", "has no 'hight_m'; it has count"),
        ("ring:4,height_m", "write parameters as name=value"),
        ("stereo:3", "has no 'count'"),
        ("stereo,baseline_m=-1", "baseline"),
        ("dome,lowest_deg=95", "lowest angle"),
        ("handheld,sway_m=-1", "sway_m"),
        ("ring,jitter_focal_percent=60", "focal_percent"),
        ("ring,distortion=[1,2,3]", "distortion has 3 numbers"),
        ({"preset": "ring", "count": 2.5}, "count = 2.5"),
        ({"preset": "ring", "fisheye": 1}, "true or false"),
        ({"preset": "ring", "height_m": 10**23}, "is not a number within"),
        ({"preset": "ring", "jitter_position_m": 1e308}, "is not a number within"),
        ({"preset": ["ring"]}, "no camera preset"),
    ],
)
def test_a_preset_that_is_misspelt_or_impossible_is_refused_in_one_line(spec, message):
    with pytest.raises(InputError, match=message) as caught:
        camera_set(spec, standing())
    assert "\n" not in str(caught.value)
