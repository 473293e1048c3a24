"""Blender's evaluated bones against the plain numbers, at frames and between them."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from simspine.simspine_addon.scene.armature import body_frames  # noqa: E402
from simspine.simspine_addon.scene.compat import curves_of  # noqa: E402
from simspine.simspine_addon.scene.import_motion import import_person  # noqa: E402

FRAMES = 24


@pytest.fixture
def moving(scene, people):
    track = people.track(bodies=14, frames=FRAMES)
    return scene, import_person(scene, people.model(track), None, track), track


def bone_matrices(armature, names):
    return np.array([armature.pose.bones[name].matrix for name in names], dtype=np.float64)


def test_bodies_stand_where_the_numbers_say_at_every_frame(moving, people, record_property):
    scene, person, track = moving
    position_mm = angle_deg = 0.0
    for frame in range(FRAMES):
        scene.frame_set(frame + 1)
        _, frames = body_frames(person.armature)
        wanted = track.positions[frame] @ people.to_blender.T
        position_mm = max(position_mm, 1e3 * np.linalg.norm(frames[:, :3, 3] - wanted, axis=1).max())
        turns = people.angle_between(frames[:, :3, :3], people.to_blender @ track.rotations[frame])
        angle_deg = max(angle_deg, turns.max())
    record_property("position_mm", position_mm)
    record_property("angle_deg", angle_deg)
    assert position_mm < 0.01
    assert angle_deg < 0.02


def test_heads_stand_at_the_joint_centres_at_every_frame(moving, people):
    scene, person, track = moving
    for frame in range(FRAMES):
        scene.frame_set(frame + 1)
        heads = bone_matrices(person.armature, track.names)[:, :3, 3]
        assert np.abs(heads - track.joint_centres[frame] @ people.to_blender.T).max() < 1e-5


def test_local_rotations_lie_on_the_shortest_arc_at_half_frames(moving, people, record_property):
    scene, person, track = moving
    local = {}
    for half in range(2 * FRAMES - 1):
        scene.frame_set(1 + half // 2, subframe=0.5 * (half % 2))
        matrices = bone_matrices(person.armature, track.names)
        parents = np.where((track.parents < 0)[:, None, None], np.eye(4), matrices[track.parents])
        local[half] = (np.linalg.inv(parents) @ matrices)[:, :3, :3]
    worst = 0.0
    for half in range(1, 2 * FRAMES - 1, 2):
        before, middle, after = local[half - 1], local[half], local[half + 1]
        arc = people.angle_between(before, after)
        assert arc.max() > 20.0  # the motion is fast enough for a detour to show
        worst = max(worst, np.abs(people.angle_between(before, middle) - arc / 2).max())
        worst = max(worst, np.abs(people.angle_between(middle, after) - arc / 2).max())
    record_property("half_frame_deg", worst)
    assert worst < 0.02


def test_a_sliding_joint_moves_straight_in_its_parent_at_half_frames(moving):
    scene, person, track = moving
    name, parent = track.names[2], track.names[track.parents[2]]
    places = []
    for half in range(2 * FRAMES - 1):
        scene.frame_set(1 + half // 2, subframe=0.5 * (half % 2))
        child, carrier = bone_matrices(person.armature, (name, parent))
        places.append((np.linalg.inv(carrier) @ child)[:3, 3])
    places = np.array(places)
    assert np.abs(places[1::2] - (places[:-1:2] + places[2::2]) / 2).max() < 1e-6


def test_only_roots_and_sliding_joints_are_keyed_in_location(moving):
    _, person, track = moving
    keyed = {
        curve.data_path.split('"')[1] for curve in curves_of(person.armature) if curve.data_path.endswith("location")
    }
    assert keyed == {track.names[0], track.names[2]}


def test_every_key_is_linear_with_handles_on_the_line(moving):
    _, person, _ = moving
    for curve in curves_of(person.armature):
        keys = curve.keyframe_points
        points = np.array([key.co for key in keys])
        assert {key.interpolation for key in keys} == {"LINEAR"}
        assert {kind for key in keys for kind in (key.handle_left_type, key.handle_right_type)} == {"VECTOR"}
        handles = np.array([key.handle_right for key in keys])[:-1]
        assert np.allclose(handles, points[:-1] + np.diff(points, axis=0) / 3, atol=1e-5)


def test_quaternions_never_change_sign_between_keys(moving):
    _, person, track = moving
    curves = {(curve.data_path, curve.array_index): curve for curve in curves_of(person.armature)}
    for name in track.names:
        path = f'pose.bones["{name}"].rotation_quaternion'
        values = np.array([[key.co[1] for key in curves[path, index].keyframe_points] for index in range(4)])
        assert np.sum(values[:, 1:] * values[:, :-1], axis=0).min() > 0.0


def test_what_never_turns_has_one_key(scene, people):
    track = people.standing([-1, 0], [[0, 1, 0], [0, 0.5, 0]])
    still = people.at_times(track, [0.0, 0.1, 0.2])
    still = type(track)(
        still.time, track.names, track.parents, np.repeat(track.positions, 3, axis=0),
        np.repeat(track.rotations, 3, axis=0), track.centres, track.rest_positions, track.rest_rotations,
    )  # fmt: skip
    person = import_person(scene, people.model(still), None, still)
    turns = [curve for curve in curves_of(person.armature) if curve.data_path.endswith("quaternion")]
    assert [len(curve.keyframe_points) for curve in turns] == [1] * 8


def test_curves_are_grouped_by_bone(moving):
    _, person, track = moving
    assert {curve.group.name for curve in curves_of(person.armature)} == set(track.names)
