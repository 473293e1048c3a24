"""Labels say what OpenCV's pinhole says, and nothing where there is nothing to see."""

import cv2
import numpy as np
import pytest
from simspine.exporters.labels import bounding_box, make_labels
from simspine.simspine_addon.capture.camera import Camera

NAMES = ("Hip", "Neck", "Missing")
PARENTS = (-1, 0, 1)


def cameras():
    K = np.array([[500, 0, 310.3], [0, 480, 250.7], [0, 0, 1.0]])
    turned = cv2.Rodrigues(np.array([0.1, 0.7, -0.2]))[0]
    return [
        Camera("front", (640, 480), K, np.diag([1.0, -1.0, -1.0]), np.array([0.0, 1.0, 4.0])),
        Camera("side", (480, 640), K, turned, np.array([0.3, 0.2, 5.0])),
    ]


def labels(outline=None):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(5, 3, 3)) * 0.5
    points[:, 2] = np.nan
    return make_labels(cameras(), NAMES, PARENTS, points, np.arange(5), np.arange(5) / 50, outline)


def test_pixels_are_those_of_opencv():
    made = labels()
    for view, camera in enumerate(made.cameras):
        expected, _ = cv2.projectPoints(
            made.points_world[:, :2].reshape(-1, 3), cv2.Rodrigues(camera.R)[0], camera.t, camera.K, None
        )
        np.testing.assert_allclose(made.points_2d[view, :, :2].reshape(-1, 2), expected[:, 0], atol=1e-8)


def test_points_before_the_camera_are_R_x_plus_t():
    made = labels()
    for view, camera in enumerate(made.cameras):
        for frame in range(5):
            expected = camera.R @ made.points_world[frame, 0] + camera.t
            np.testing.assert_allclose(made.points_camera[view, frame, 0], expected, atol=1e-12)


def test_a_keypoint_that_the_model_lacks_is_nan_and_not_labelled():
    made = labels()
    assert np.isnan(made.points_2d[:, :, 2]).all()
    assert (made.visibility[:, :, 2] == 0).all()


@pytest.mark.parametrize(
    ("pixel", "inside"),
    [
        ((-0.4, 3), True),
        ((-0.6, 3), False),
        ((639.4, 3), True),
        ((639.6, 3), False),
        ((5, 479.4), True),
        ((5, 480), False),
    ],
)
def test_an_image_reaches_half_a_pixel_beyond_the_centres_of_its_outer_pixels(pixel, inside):
    camera = Camera("c", (640, 480), np.diag([100.0, 100.0, 1.0]), np.eye(3), np.zeros(3))
    point = np.array([pixel[0] / 100, pixel[1] / 100, 1.0])
    made = make_labels([camera], ["a"], [-1], point[None, None], np.zeros(1), np.zeros(1))
    assert made.inside[0, 0, 0] == inside


def test_a_point_behind_the_camera_is_not_seen():
    camera = Camera("c", (640, 480), np.array([[500, 0, 320], [0, 500, 240], [0, 0, 1.0]]), np.eye(3), np.zeros(3))
    made = make_labels([camera], ["a"], [-1], np.array([[[0.0, 0.0, -2.0]]]), np.zeros(1), np.zeros(1))
    assert not made.inside.any()
    assert np.isnan(made.points_2d).all()
    assert np.isnan(made.boxes).all()


def test_a_box_bounds_the_outline_and_is_cut_to_the_image():
    camera = Camera("c", (100, 80), np.array([[100, 0, 50], [0, 100, 40], [0, 0, 1.0]]), np.eye(3), np.zeros(3))
    corners = np.array([[-0.1, -0.2, 1.0], [0.2, 0.1, 1.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(bounding_box(camera, corners), [40, 20, 30, 30])
    np.testing.assert_allclose(bounding_box(camera, corners * [10, 1, 1]), [0, 20, 99, 30])
    assert np.isnan(bounding_box(camera, corners + np.array([5, 0, 0]))).all()


def test_boxes_of_keypoints_are_those_of_each_frame_alone():
    made = labels()
    for view, camera in enumerate(made.cameras):
        for frame in range(5):
            expected = bounding_box(camera, made.points_world[frame, :2])
            np.testing.assert_allclose(made.boxes[view, frame], expected, atol=1e-9)
