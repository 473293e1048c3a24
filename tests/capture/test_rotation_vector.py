"""Rodrigues vectors against OpenCV and scipy, from no turn to half a turn."""

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simspine.simspine_addon.capture.rotation_vector import matrix_from_vector, vector_from_matrix

ANGLES = [0.0, 1e-300, 1e-12, 1e-8, 1e-4, 0.5, 2.0, 3.0, np.pi - 1e-4, np.pi - 1e-8, np.pi - 1e-12, np.pi]
AXES = [*np.eye(3), *-np.eye(3), [0.6, -0.8, 0.0], [1e-9, 1.0, 1e-9], [0.36, 0.48, -0.8], [-0.577, -0.577, 0.578]]


@pytest.mark.parametrize("angle", ANGLES)
def test_matrix_survives_the_way_through_the_vector(angle):
    for axis in AXES:
        matrix = Rotation.from_rotvec(np.asarray(axis) / np.linalg.norm(axis) * angle).as_matrix()
        again = matrix_from_vector(vector_from_matrix(matrix))
        assert np.abs(again - matrix).max() < 2e-15


@pytest.mark.parametrize("angle", ANGLES)
def test_vector_is_the_one_that_scipy_finds(angle):
    for axis in AXES:
        vector = np.asarray(axis) / np.linalg.norm(axis) * angle
        found = vector_from_matrix(Rotation.from_rotvec(vector).as_matrix())
        at_half_turn = np.isclose(angle, np.pi, atol=1e-11, rtol=0)  # there both signs say the same
        difference = min(np.abs(found - vector).max(), np.abs(found + vector).max() if at_half_turn else np.inf)
        assert difference < 1e-14 + 1e-13 * angle


def test_matrix_equals_opencv():
    for vector in np.random.default_rng(0).normal(size=(50, 3)) * 2:
        assert np.abs(matrix_from_vector(vector) - cv2.Rodrigues(vector)[0]).max() < 1e-14
