"""The camera itself: its place, and the picture fitted into another size."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import least_squares
from simspine.simspine_addon.capture.calibration import read_calibration
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.capture.projection import project

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SIMSPINE_DATA", ROOT.parent / "shared" / "data" / "pose2sim"))

# White squares on the treadmill, median of the frames, read off the four videos to about half a pixel; no person in
# between but for the one that camera 3 does not see.
SQUARES = {
    "A": {0: (317.24, 1334.97), 1: (325.48, 1207.31), 3: (889.53, 1069.70)},
    "B": {0: (108.83, 1060.24), 1: (438.90, 1040.62), 2: (873.88, 1234.08), 3: (836.64, 1410.77)},
    "C": {0: (766.70, 1290.51), 1: (757.70, 1269.06), 2: (164.51, 1240.44), 3: (519.53, 1116.99)},
    "D": {0: (518.25, 1064.16), 1: (788.58, 1083.98), 2: (485.19, 1431.73), 3: (385.20, 1396.28)},
}


def pinhole(size) -> Camera:
    K = np.array([[1000.0, 0.0, 400.0], [0.0, 1000.0, 300.0], [0.0, 0.0, 1.0]])
    return Camera("c", size, K, np.eye(3), np.array([0.0, 0.0, 3.0]))


def test_center_is_where_the_camera_frame_has_its_origin():
    turn = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])
    camera = replace(pinhole((800, 600)), R=turn, t=np.array([1.0, 2.0, 3.0]))
    assert np.allclose(turn @ camera.center + camera.t, 0)


@pytest.mark.parametrize(
    ("size", "top_left_edge", "bottom_right_edge"),
    [((400, 300), (0, 0), (400, 300)), ((1600, 1600), (0, 200), (1600, 1400)), ((1200, 600), (200, 0), (1000, 600))],
)
def test_letterboxed_picture_lies_in_the_middle_with_bars_beside(size, top_left_edge, bottom_right_edge):
    """The picture's corners, as edges of its first and last pixels, must fall on the corners between the bars."""
    camera = pinhole((800, 600))
    corners = np.array([[-0.5, -0.5], [799.5, 599.5]])
    points = np.column_stack((((corners - [400, 300]) / 1000 * 5), [2.0, 2.0]))  # depth 5 = 2 + 3
    assert np.allclose(project(camera, points)[0], corners)
    fitted = camera.letterboxed(size)
    assert fitted.size == size
    assert np.allclose(project(fitted, points)[0] + 0.5, [top_left_edge, bottom_right_edge])


@pytest.mark.skipif(not (DATA / "cameras.toml").is_file(), reason=f"the real capture is not at {DATA}")
def test_real_cameras_agree_on_fixed_points_to_half_a_pixel():
    """Checks world, lens and pixel conventions together, against pixels that real cameras took.

    The capture needs two things mended first. Its principal points were not turned along with the picture when the
    sensors were mounted on their sides: x has to be mirrored for the camera turned one way, y for those turned the
    other. And the first two videos are letterboxed, 1080 x 1906 pixels of picture in 1080 x 1920.
    """
    cameras = list(read_calibration(DATA / "cameras.toml"))
    for index, axis in enumerate((0, 1, 1, 1)):
        K = cameras[index].K.copy()
        K[axis, 2] = cameras[index].size[axis] - 1 - K[axis, 2]
        cameras[index] = replace(cameras[index], K=K)
    cameras[:2] = [camera.letterboxed((1080, 1920)) for camera in cameras[:2]]
    errors, heights = [], []
    for views in SQUARES.values():

        def miss(point, views=views):
            return np.concatenate([project(cameras[view], point)[0] - pixel for view, pixel in views.items()])

        found = least_squares(miss, np.zeros(3))
        errors.append(found.fun)
        heights.append(found.x[1])
    assert np.sqrt(np.mean(np.concatenate(errors) ** 2)) < 0.5
    assert np.ptp(heights) < 0.01  # metres: the squares lie on one level
