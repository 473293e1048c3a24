"""OpenSim's axes in Blender."""

import numpy as np
import pytest

pytest.importorskip("bpy")
from simspine.simspine_addon.scene.axes import (
    frames_to_blender,
    frames_to_opensim,
    points_to_blender,
    points_to_opensim,
)


def test_up_forward_and_right_of_opensim_become_z_x_and_minus_y():
    assert np.array_equal(
        points_to_blender(np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])), [[0, 0, 1], [1, 0, 0], [0, -1, 0]]
    )


def test_points_come_back():
    points = np.random.default_rng(0).normal(size=(4, 5, 3))
    assert np.array_equal(points_to_opensim(points_to_blender(points)), points)


def test_a_body_s_point_lands_where_its_ground_point_does(people):
    turn = people.rotation(np.array([1.0, 2.0, -1.0]), 0.8)
    place, point = np.array([0.3, 1.1, -2.0]), np.array([0.1, 0.2, 0.4])
    frame = frames_to_blender(place, turn)
    assert np.allclose(frame[:3, :3] @ point + frame[:3, 3], people.to_blender @ (place + turn @ point), atol=1e-15)


def test_frames_come_back(people):
    turn, place = people.rotation(np.array([1.0, 2.0, -1.0]), 0.8), np.array([0.3, 1.1, -2.0])
    back_place, back_turn = frames_to_opensim(frames_to_blender(place, turn))
    assert np.allclose(back_place, place, atol=1e-15)
    assert np.allclose(back_turn, turn, atol=1e-15)
