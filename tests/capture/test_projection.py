"""Projection and undistortion against OpenCV, an independent implementation of the same lens models."""

import cv2
import numpy as np
import pytest
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.capture.projection import fold_radius, inside_image, project, undistort

K = np.array([[1145.0, 0.0, 512.5], [0.0, 1143.7, 515.25], [0.0, 0.0, 1.0]])
BROWN_CONRADY = {
    "h36m, 5": [-0.2071, 0.2478, -0.0010, -0.0031, -0.0031],
    "pose2sim, 4": [-0.00072, 0.00219, 9.5e-06, 1.078e-05],
    "rational, 8": [0.31, -0.12, 0.0011, -0.0007, 0.02, 0.35, -0.1, 0.015],
    "barrel, 4": [-0.28, 0.09, 0.0, 0.0],
}
FISHEYE = [0.021, -0.0043, 0.0021, -0.0007]


def camera_with(coefficients, model="brown_conrady") -> Camera:
    rotation, _ = cv2.Rodrigues(np.array([0.2, -0.4, 0.1]))
    return Camera("c", (1000, 1000), K, rotation, np.array([0.1, -0.2, 4.5]), model, np.array(coefficients))


def points_before_the_camera() -> np.ndarray:
    return np.random.default_rng(1).uniform(-1.2, 1.2, (7, 30, 3))


def opencv_pixels(camera: Camera, points: np.ndarray) -> np.ndarray:
    vector, _ = cv2.Rodrigues(camera.R)
    flat = points.reshape(-1, 1, 3)
    if camera.distortion_model == "fisheye":
        pixels, _ = cv2.fisheye.projectPoints(flat, vector, camera.t, camera.K, camera.distortion)
    else:
        pixels, _ = cv2.projectPoints(flat, vector, camera.t, camera.K, camera.distortion)
    return pixels.reshape(*points.shape[:-1], 2)


@pytest.mark.parametrize("coefficients", BROWN_CONRADY.values(), ids=BROWN_CONRADY)
def test_brown_conrady_projection_equals_opencv(coefficients):
    camera = camera_with(coefficients)
    points = points_before_the_camera()
    pixels, depth = project(camera, points)
    assert np.abs(pixels - opencv_pixels(camera, points)).max() < 1e-9
    assert np.allclose(depth, points @ camera.R[2] + camera.t[2], atol=1e-12)


def test_fisheye_projection_equals_opencv():
    camera = camera_with(FISHEYE, "fisheye")
    points = points_before_the_camera()
    assert np.abs(project(camera, points)[0] - opencv_pixels(camera, points)).max() < 1e-9


def test_pinhole_projection_is_k_times_direction_with_skew():
    skewed = np.array([[900.0, 3.0, 320.0], [0.0, 950.0, 240.0], [0.0, 0.0, 1.0]])
    camera = Camera("c", (640, 480), skewed, np.eye(3), np.zeros(3))
    pixels, depth = project(camera, [1.0, 2.0, 4.0])
    assert pixels.tolist() == [900 * 0.25 + 3 * 0.5 + 320, 950 * 0.5 + 240]
    assert depth == 4.0


def test_point_on_the_axis_of_a_fisheye_is_the_principal_point():
    camera = Camera("c", (1000, 1000), K, np.eye(3), np.zeros(3), "fisheye", np.array(FISHEYE))
    assert project(camera, [0.0, 0.0, 2.0])[0].tolist() == [512.5, 515.25]
    assert undistort(camera, [512.5, 515.25]).tolist() == [512.5, 515.25]


@pytest.mark.parametrize("model", ["none", "brown_conrady", "fisheye"])
def test_points_behind_or_beside_the_camera_have_no_pixel_but_a_depth(model):
    coefficients = [] if model == "none" else [0.01, 0.0, 0.0, 0.0]
    camera = Camera("c", (1000, 1000), K, np.eye(3), np.zeros(3), model, np.array(coefficients))
    pixels, depth = project(camera, [[0.1, 0.2, -3.0], [0.1, 0.2, 0.0], [np.nan, 0.0, 1.0], [0.1, 0.2, 3.0]])
    assert np.isnan(pixels).all(axis=1).tolist() == [True, True, True, False]
    assert depth[[0, 1, 3]].tolist() == [-3.0, 0.0, 3.0]


def test_point_outside_the_view_is_not_folded_into_the_image():
    """With k1 = -0.3, x f = x - 0.3 x^3 grows until x = sqrt(1/0.9) and comes back to the axis at sqrt(1/0.3)."""
    camera = Camera("c", (1000, 1000), K, np.eye(3), np.zeros(3), "brown_conrady", np.array([-0.3, 0, 0, 0]))
    assert np.isclose(fold_radius(camera), np.sqrt(1 / 0.9))
    pixels, _ = project(camera, [[np.sqrt(1 / 0.3), 0.0, 1.0], [1.0, 0.0, 1.0]])
    assert np.isnan(pixels[0]).all()
    assert np.isclose(pixels[1, 0], 1145 * 0.7 + 512.5)


@pytest.mark.parametrize(
    ("coefficients", "model"),
    [*((each, "brown_conrady") for each in BROWN_CONRADY.values()), (FISHEYE, "fisheye"), ([], "none")],
)
def test_undistorting_gives_the_pinhole_pixels_back(coefficients, model):
    camera = camera_with(coefficients, model)
    pinhole = camera_with([], "none")
    points = points_before_the_camera()
    pixels = project(camera, points)[0]
    straight = points @ camera.R.T + camera.t
    expected = straight[..., :2] / straight[..., 2:] * [K[0, 0], K[1, 1]] + K[:2, 2]
    assert np.abs(undistort(camera, pixels) - expected).max() < 1e-8
    assert np.abs(project(pinhole, points)[0] - expected).max() < 1e-9


def test_a_pixel_that_no_direction_leads_to_is_undistorted_to_nan():
    camera = Camera("c", (1000, 1000), K, np.eye(3), np.zeros(3), "brown_conrady", np.array([-0.3, 0, 0, 0]))
    farthest = np.sqrt(1 / 0.9) * (1 - 0.3 / 0.9)
    beyond, within = [1145 * (farthest + 0.05) + 512.5, 515.25], [1145 * (farthest - 0.05) + 512.5, 515.25]
    straight = undistort(camera, [beyond, within, [np.nan, 3.0]])
    assert np.isnan(straight).all(axis=1).tolist() == [True, False, True]


def test_image_reaches_half_a_pixel_beyond_the_centres_of_its_corner_pixels():
    camera = camera_with([], "none")
    pixels = [[-0.5, 0], [-0.6, 0], [999.4, 999.4], [999.5, 0], [np.nan, 3]]
    assert inside_image(camera, pixels).tolist() == [True, False, True, False, False]
