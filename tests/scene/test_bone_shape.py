"""Where bones end."""

import numpy as np
import pytest

pytest.importorskip("bpy")
from simspine.simspine_addon.scene.bone_shape import bone_tails


def test_a_bone_ends_at_the_joint_it_carries(people):
    track = people.standing([-1, 0, 1], [[0, 1, 0], [0, 0.6, 0], [0, 0.2, 0]])
    assert np.allclose(bone_tails(track)[:2], [[0, 0.6, 0], [0, 0.2, 0]])


def test_a_trunk_points_to_the_spine_and_not_to_a_hip(people):
    joints = [
        [0, 1, 0],
        [-0.05, 0.9, 0.1],
        [-0.05, 0.9, -0.1],
        [-0.1, 1.1, 0],
        [0, 0.5, 0.1],
        [0, 0.5, -0.1],
        [0, 0.1, 0.1],
    ]
    track = people.standing([-1, 0, 0, 0, 1, 2, 4], joints)
    assert np.allclose(bone_tails(track)[0], joints[3])


def test_a_trunk_without_a_neck_ends_between_its_shoulders(people):
    track = people.standing([-1, 0, 0], [[0, 1, 0], [0.02, 1.4, 0.2], [0.02, 1.4, -0.2]])
    assert np.allclose(bone_tails(track)[0], [0.02, 1.4, 0])


def test_the_ulna_passes_over_the_radius_beside_it(people):
    track = people.standing([-1, 0, 1], [[0, 1, 0], [0.0, 0.985, 0.025], [0, 0.75, 0]])
    assert np.allclose(bone_tails(track)[0], [0, 0.75, 0])


def test_a_vertebra_ends_at_the_next_joint_however_long_the_thorax_is(people):
    track = people.standing([-1, 0, 1], [[0, 1, 0], [-0.01, 1.03, 0], [0, 1.5, 0]])
    assert np.allclose(bone_tails(track)[0], [-0.01, 1.03, 0])


def test_a_weld_in_place_is_passed_over(people):
    track = people.standing([-1, 0, 1], [[0, 1, 0], [0, 1, 0], [0, 1.2, 0]])
    assert np.allclose(bone_tails(track)[:2], [[0, 1.2, 0], [0, 1.2, 0]])


def test_a_hand_reaches_twice_as_far_as_its_mass_centre(people):
    track = people.standing([-1, 0], [[0, 1, 0], [0, 0.7, 0]], origins=[[0, 1, 0], [0, 0.5, 0]])
    assert np.allclose(bone_tails(track, np.array([[0, 0, 0], [0.02, 0.16, 0]]))[1], [0.04, 0.62, 0])


def test_a_mass_centre_half_a_metre_off_is_not_believed(people):
    track = people.standing([-1, 0], [[0, 1, 0], [0, 1.5, 0]])
    assert np.allclose(bone_tails(track, np.array([[0, 0, 0], [0, -0.5, 0]]))[1], [0, 1.7, 0])


def test_a_body_without_mass_goes_on_in_its_parent_s_direction(people):
    track = people.standing([-1, 0], [[0, 1, 0], [0, 1.5, 0]])
    assert np.allclose(bone_tails(track, np.full((2, 3), np.nan))[1], [0, 1.7, 0])


@pytest.mark.parametrize("parents", [[-1], [-1, 0, 1, 2], [-1, -1, 0, 1]])
def test_no_bone_is_shorter_than_a_centimetre_where_all_joints_coincide(people, parents):
    track = people.standing(parents, np.zeros((len(parents), 3)))
    lengths = np.linalg.norm(bone_tails(track) - track.rest_joint_centres, axis=1)
    assert lengths.min() > 0.0099
