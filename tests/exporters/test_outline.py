"""Points on bodies go where the bodies go."""

import numpy as np
from simspine.exporters.outline import blended_points, joined_surface, one_piece, outermost, points_at, rigid_points
from simspine.simspine_addon.kinematics.pose_track import PoseTrack
from simspine.simspine_addon.scene.visibility_layers import NOT_SKIN


def quarter_turn():
    return np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def two_body_track():
    """The second body turns by 90 degrees about z in the second frame; both rest at identity."""
    rotations = np.tile(np.eye(3), (2, 2, 1, 1))
    rotations[1, 1] = quarter_turn()
    positions = np.zeros((2, 2, 3))
    positions[:, 1] = [0.0, 1.0, 0.0]
    return PoseTrack(
        time=np.array([0.0, 1.0]),
        names=("a", "b"),
        parents=np.array([-1, 0]),
        positions=positions,
        rotations=rotations,
        centres=np.zeros((2, 3)),
        rest_positions=positions[0],
        rest_rotations=rotations[0],
    )


def test_a_rigid_point_turns_with_its_body():
    point = rigid_points(np.array([[1.0, 0.0, 0.0]]), body=1)
    np.testing.assert_allclose(point.at(two_body_track(), 1), [[0.0, 2.0, 0.0]], atol=1e-15)


def test_a_blended_point_is_the_mean_of_where_its_bodies_would_take_it():
    track = two_body_track()
    point = blended_points(np.array([[1.0, 1.0, 0.0]]), np.array([[0, 1]]), np.array([[2.0, 2.0]]), track)
    np.testing.assert_allclose(point.at(track, 0), [[1.0, 1.0, 0.0]], atol=1e-15)
    np.testing.assert_allclose(points_at([point], track, 1), [[0.5, 1.5, 0.0]], atol=1e-15)


def test_the_outermost_points_reach_as_far_as_all_of_them():
    rng = np.random.default_rng(2)
    cloud = rng.normal(size=(4000, 3))
    cloud /= np.linalg.norm(cloud, axis=1, keepdims=True)
    few = outermost([rigid_points(cloud[:2500], 0), rigid_points(cloud[2500:] * 0.1, 1)], directions=200)
    ball = few.local[few.bodies[:, 0] == 0][:, 0]
    assert len(few.local) <= 400
    np.testing.assert_allclose(np.abs(ball).max(axis=0), 1.0, atol=0.02)
    assert (few.bodies[:, 0] == 1).any()


def test_parts_become_one_surface_whose_faces_count_all_vertices():
    track = two_body_track()
    first = one_piece(rigid_points(np.eye(3), 1), np.array([[0, 1, 2]]))
    rest = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    weights = np.array([[0.9, 0.1], [0.2, 0.8], [0.2, 0.8], [0.9, 0.1]])
    skin = blended_points(rest, np.array([[0, 1]] * 4), weights, track)
    second = one_piece(skin, np.array([[0, 1, 2], [0, 3, 1]]), counts=False)
    third = one_piece(skin, np.array([[1, 2, 3]]))
    surface = joined_surface([first, second, third])
    np.testing.assert_array_equal(surface.faces.triangles, [[0, 1, 2], [3, 4, 5], [3, 6, 4], [8, 9, 10]])
    assert surface.faces.pieces[0] != surface.faces.pieces[3]
    assert (surface.faces.pieces[1:3] == NOT_SKIN).all()
    np.testing.assert_array_equal(surface.faces.bodies, [1, 1, 0, 1])
    assert surface.at(track, 1).shape == (11, 3)
