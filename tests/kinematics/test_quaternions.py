"""Quaternions against scipy."""

import numpy as np
import pytest
from simspine.simspine_addon.kinematics.quaternions import (
    continuous_quaternions,
    matrices_from_quaternions,
    quaternions_from_matrices,
    slerp,
)

transform = pytest.importorskip("scipy.spatial.transform")


def random_rotations(count=500):
    return transform.Rotation.random(count, random_state=3)


def half_turns():
    """The hardest rotations to convert: half turns about the axes and near them."""
    axes = np.concatenate([np.eye(3), -np.eye(3), [[1, 1e-9, 0], [1, 1, 0], [1, 1, 1]]])
    axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    angles = np.array([np.pi, np.pi - 1e-9, np.pi + 1e-7, 1e-9, 0.0])[:, None, None]
    return transform.Rotation.from_rotvec((angles * axes).reshape(-1, 3))


@pytest.mark.parametrize("rotations", [random_rotations(), half_turns()], ids=["random", "half turns"])
def test_matrices_become_the_quaternions_of_scipy(rotations):
    ours, theirs = quaternions_from_matrices(rotations.as_matrix()), rotations.as_quat()[:, [3, 0, 1, 2]]
    assert np.abs(np.abs(np.sum(ours * theirs, axis=1)) - 1.0).max() < 1e-14
    assert np.minimum(np.abs(ours - theirs).max(axis=1), np.abs(ours + theirs).max(axis=1)).max() < 1e-12


def test_quaternions_of_any_length_become_the_matrices_of_scipy():
    quaternions = np.random.default_rng(0).normal(size=(100, 4))
    theirs = transform.Rotation.from_quat(quaternions[:, [1, 2, 3, 0]]).as_matrix()
    assert np.abs(matrices_from_quaternions(quaternions) - theirs).max() < 1e-14


def test_many_dimensions_are_kept():
    matrices = random_rotations(24).as_matrix().reshape(2, 3, 4, 3, 3)
    back = matrices_from_quaternions(quaternions_from_matrices(matrices))
    assert np.abs(back - matrices).max() < 1e-14


def test_signs_follow_the_neighbour_before():
    angle = np.linspace(0, 6 * np.pi, 200)[:, None]
    smooth = np.concatenate([np.cos(angle / 2), np.sin(angle / 2) * [0.6, 0.0, 0.8]], axis=1)
    broken = smooth * np.random.default_rng(1).choice([-1.0, 1.0], (200, 1))
    broken[0] = -np.abs(broken[0])
    assert np.abs(continuous_quaternions(broken) - smooth).max() == 0.0


def test_slerp_is_that_of_scipy_even_where_the_signs_differ():
    first, second = random_rotations(400)[:200], random_rotations(400)[200:]
    fraction = np.linspace(0, 1, 200)
    vectors = fraction[:, None] * (first.inv() * second).as_rotvec()
    theirs = (first * transform.Rotation.from_rotvec(vectors)).as_matrix()
    ours = slerp(first.as_quat()[:, [3, 0, 1, 2]], second.as_quat()[:, [3, 0, 1, 2]], fraction)
    assert np.abs(matrices_from_quaternions(ours) - theirs).max() < 1e-12


def test_slerp_between_equal_rotations_stays():
    same = np.array([[1.0, 0.0, 0.0, 0.0]])
    assert np.array_equal(slerp(same, same, np.array([0.3])), same)
