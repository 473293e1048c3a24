"""Coordinates from body frames: forward kinematics, which opensim has checked, run backwards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simspine.sample_rigs import MOTIONS, sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import body_frames, pose_track
from simspine.simspine_addon.kinematics.inverse_from_frames import coordinates_from_frames, motion_from_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.motion import read_motion

EXACT = 1e-9  # rad, m
JOINTS = {
    "WeldJoint": 0,
    "PinJoint": 1,
    "SliderJoint": 1,
    "UniversalJoint": 2,
    "BallJoint": 3,
    "GimbalJoint": 3,
    "PlanarJoint": 3,
    "FreeJoint": 6,
    "EllipsoidJoint": 3,
    "ScapulothoracicJoint": 4,
}
EXTRA = {
    "EllipsoidJoint": "<radii_x_y_z>0.11 0.07 0.21</radii_x_y_z>",
    "ScapulothoracicJoint": (
        "<thoracic_ellipsoid_radii_x_y_z>0.09 0.17 0.13</thoracic_ellipsoid_radii_x_y_z>"
        "<scapula_winging_axis_origin>0.03 -0.05</scapula_winging_axis_origin>"
        "<scapula_winging_axis_direction>0.6</scapula_winging_axis_direction>"
    ),
}
PLAIN = '<LinearFunction name="function"><coefficients>1 0</coefficients></LinearFunction>'
SLOPE = '<LinearFunction name="function"><coefficients>-1.7 0.2</coefficients></LinearFunction>'
CONSTANT = '<Constant name="function"><value>0.37</value></Constant>'
KNOTS = "-1.6 -1.0 -0.4 0.2 0.8 1.4 1.8"
RISING = f'<SimmSpline name="function"><x>{KNOTS}</x><y>-1.1 -0.8 -0.3 0.1 0.5 1.1 1.3</y></SimmSpline>'
TURNING = f'<SimmSpline name="function"><x>{KNOTS}</x><y>0.9 0.5 0.2 0.1 0.3 0.6 1.0</y></SimmSpline>'
SLIDING = f'<SimmSpline name="function"><x>{KNOTS}</x><y>0.06 0.05 0.03 0.01 -0.01 -0.02 -0.04</y></SimmSpline>'
SMALL = f'<SimmSpline name="function"><x>{KNOTS}</x><y>0.1 0.05 0.02 0 -0.06 -0.02 0.05</y></SimmSpline>'
SKEW = ("0 0 1", "0.3 1 0.2", "1 0.1 -0.4", "1 0 0", "0.2 1 0.1", "0.1 0 -1")
SQUARE = ("0 0 1", "1 0 0", "0 -1 0", "1 0 0", "0 1 0", "0 0 1")
# What a custom joint's axes do: {axis: (coordinates, function)}, and where the axes point.
CUSTOM = {
    "three axes of the hip": ({0: ("q", PLAIN), 1: ("r", PLAIN), 2: ("s", PLAIN)}, SQUARE),
    "three oblique axes": ({0: ("q", PLAIN), 1: ("r", SLOPE), 2: ("s", PLAIN)}, SKEW),
    "six axes": ({i: (name, PLAIN) for i, name in enumerate("qrstuv")}, SKEW),
    "two axes and a constant between": ({0: ("q", PLAIN), 1: ("", CONSTANT), 2: ("r", PLAIN)}, SKEW),
    "first axis constant": ({0: ("", CONSTANT), 1: ("q", SLOPE), 2: ("r", PLAIN), 4: ("s", SLOPE)}, SKEW),
    "one axis in other units": ({1: ("q", SLOPE), 3: ("", CONSTANT)}, SKEW),
    "knee of one coordinate": (
        {0: ("q", PLAIN), 1: ("q", SMALL), 2: ("q", SMALL), 3: ("q", SLIDING), 4: ("q", SMALL)},
        ("1 0 0", "0 0 1", "0 1 0", "0 1 0", "0 0 1", "1 0 0"),
    ),
    "knee of which all axes are splines": ({0: ("q", RISING), 1: ("q", SMALL), 3: ("q", SLIDING)}, SQUARE),
    "patella whose spline turns back": ({0: ("q", TURNING), 3: ("q", SLIDING), 4: ("q", SMALL)}, SQUARE),
    "slide by a spline": ({3: ("q", SLIDING), 4: ("q", SMALL)}, SKEW),
    "a turn and its spline with a slide": ({0: ("q", PLAIN), 1: ("q", SMALL), 2: ("r", PLAIN), 3: ("s", PLAIN)}, SKEW),
    "a spline and a line": ({0: ("q", RISING), 1: ("r", PLAIN), 4: ("s", RISING), 5: ("r", SMALL)}, SQUARE),
}


def custom_model(axes, directions, xml, write, ends=("/ground", "/bodyset/a")):
    names = tuple(sorted({name for coordinates, _ in axes.values() for name in coordinates.split()}))
    joint = xml.joint("CustomJoint", "j", *ends, names, xml.spatial_transform(axes, directions))
    return read_model(write(xml.document(xml.body("a"), joint)))


def chain(kind, xml, write, reverse=False):
    names = tuple(f"q{i}" for i in range(JOINTS[kind]))
    more = tuple(f"p{i}" for i in range(JOINTS[kind]))
    first, second = ("/ground", "/bodyset/a"), ("/bodyset/a", "/bodyset/b")
    if reverse:
        first, second = first[::-1], second[::-1]
    joints = xml.joint(kind, "first", *first, names, EXTRA.get(kind, ""))
    joints += xml.joint(kind, "second", *second, more, EXTRA.get(kind, ""))
    return read_model(write(xml.document(xml.body("a") + xml.body("b"), joints)))


def smooth(count, frames=150, reach=1.5, seed=4):
    """Values [T, C] that wander within +-`reach` and begin near zero, less than 0.2 from frame to frame."""
    random = np.random.default_rng(seed)
    time = np.linspace(0.0, 1.0, frames)[:, None]
    speed, share = random.uniform(2.0, 15.0, (2, count)) * [[1.0], [0.5]], random.uniform(0.4, 0.7, count)
    return reach * (share * np.sin(speed[0] * time) + (1 - share) * np.sin(speed[1] * time))


def error(model, values):
    result = coordinates_from_frames(model, *body_frames(model, values))
    return np.abs(result.values - values).max(initial=0.0)


@pytest.mark.parametrize("kind", JOINTS)
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reversed"])
def test_every_joint_type_gives_its_coordinates_back(kind, reverse, xml, write):
    model = chain(kind, xml, write, reverse)
    assert error(model, smooth(len(model.coordinates))) < EXACT


@pytest.mark.parametrize("kind", JOINTS)
def test_single_poses_are_taken_as_near_to_the_defaults_as_they_can_be(kind, xml, write):
    model = chain(kind, xml, write)
    random = np.random.default_rng(8)
    for _ in range(10):
        assert error(model, random.uniform(-1.5, 1.5, (1, len(model.coordinates)))) < EXACT


@pytest.mark.parametrize("kind", JOINTS)
def test_poses_that_do_not_follow_each_other(kind, xml, write):
    model = chain(kind, xml, write)
    assert error(model, np.random.default_rng(2).uniform(-0.78, 0.78, (300, len(model.coordinates)))) < EXACT


@pytest.mark.parametrize("name", CUSTOM)
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reversed"])
def test_custom_joint_gives_its_coordinates_back(name, reverse, xml, write):
    ends = ("/bodyset/a", "/ground") if reverse else ("/ground", "/bodyset/a")
    model = custom_model(*CUSTOM[name], xml, write, ends)
    assert error(model, smooth(len(model.coordinates), reach=1.0)) < EXACT


@pytest.mark.parametrize("seed", range(20))
def test_random_custom_joint_gives_its_coordinates_back(seed, xml, write):
    """Oblique axes, one to four coordinates that each move one of them linearly, splines on the others."""
    random = np.random.default_rng(seed)
    names = "qrst"[: random.integers(1, 5)]
    axes = {int(axis): (name, PLAIN) for axis, name in zip(random.permutation(6), names, strict=False)}
    for axis in set(range(6)) - set(axes):
        if random.random() < 0.6:
            heights = " ".join(f"{height:.3f}" for height in random.uniform(-0.4, 0.4, 7))
            function = f'<SimmSpline name="function"><x>{KNOTS}</x><y>{heights}</y></SimmSpline>'
            axes[axis] = (str(random.choice(list(names))), function)
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    directions = [" ".join(map(str, turn[i % 3] + random.normal(0.0, 0.1, 3))) for i in range(6)]
    model = custom_model(axes, tuple(directions), xml, write)
    assert error(model, smooth(len(names), reach=0.9, seed=seed)) < EXACT


def test_function_of_two_coordinates(xml, write):
    plane = '<LinearFunction name="function"><coefficients>0.4 -0.7 0.1</coefficients></LinearFunction>'
    model = custom_model({0: ("q", PLAIN), 1: ("q r", plane), 4: ("r q", plane)}, SQUARE, xml, write)
    assert error(model, smooth(2, reach=1.0)) < EXACT


def test_several_full_turns_are_counted(xml, write):
    model = chain("FreeJoint", xml, write)
    values = np.zeros((400, 12))
    values[:, 0], values[:, 8] = np.linspace(0.0, 25.0, 400), np.linspace(0.0, -14.0, 400)
    assert error(model, values) < EXACT


def test_passing_gimbal_lock_goes_on_smoothly(xml, write):
    model = chain("GimbalJoint", xml, write)
    values = np.zeros((101, 6))
    values[:, 0], values[:, 1], values[:, 2] = 0.3, np.linspace(0.2, 2.9, 101) + 1e-4, np.linspace(-0.2, 0.4, 101)
    assert error(model, values) < 1e-7  # conditioning: the first angle is 1/0.013 less certain beside the lock


def test_in_gimbal_lock_the_first_angle_is_held(xml, write):
    model = chain("GimbalJoint", xml, write)
    values = np.zeros((80, 6))
    values[:, 0] = np.linspace(0.1, 0.5, 80)
    values[:, 1] = np.minimum(np.linspace(1.0, 2.0, 80), np.pi / 2)
    values[:, 2] = np.linspace(0.0, -0.6, 80)
    result = coordinates_from_frames(model, *body_frames(model, values))
    locked = values[:, 1] == np.pi / 2
    assert np.abs(result.values[~locked] - values[~locked]).max() < 1e-7
    assert np.ptp(result.values[locked, 0]) == 0.0
    assert np.abs(np.diff(result.values, axis=0)).max() < 0.05
    assert result.residual_rotation.max() < EXACT


def test_all_frames_in_gimbal_lock_stay_at_the_default(xml, write):
    model = chain("GimbalJoint", xml, write)
    values = np.tile([0.3, np.pi / 2, -0.2, 0.0, 0.0, 0.0], (5, 1))
    result = coordinates_from_frames(model, *body_frames(model, values))
    assert np.allclose(result.values[:, 0], model.coordinates[0].default)
    assert result.residual_rotation.max() < EXACT


def test_first_frame_prefers_the_solution_inside_the_ranges(xml, write):
    text = xml.document(xml.body("a"), xml.joint("GimbalJoint", "j", "/ground", "/bodyset/a", ("q", "r", "s")))
    for _ in range(2):  # the middle angle lies past its lock, as an abducted arm's does; its range says so
        text = text.replace(
            "<default_value>0.1</default_value><range>-1 1", "<default_value>2</default_value><range>1 3"
        )
    model = read_model(write(text))
    values = np.stack([np.linspace(-0.5, 0.5, 50), np.linspace(2.8, 1.7, 50), np.linspace(0.9, 0.1, 50)], axis=1)
    assert error(model, values) < EXACT


@pytest.mark.parametrize("motion_name", MOTIONS)
def test_sample_motions_come_back(motion_name):
    model = read_model(sample_model_path())
    motion = read_motion(sample_motion_path(motion_name), model)
    back, result = motion_from_track(model, pose_track(model, motion))
    assert np.abs(back.values - motion.values).max() < EXACT
    assert result.residual_position.max() < EXACT
    assert result.residual_rotation.max() < EXACT
    assert result.notes == ()


def test_the_real_capture_comes_back_between_its_samples_too(capture):
    model = read_model(capture / "model.osim")
    motion = read_motion(capture / "motion.mot", model)
    rows = np.linspace(0.0, len(motion.time) - 1.0, 1500)
    values = np.stack([np.interp(rows, np.arange(len(motion.time)), column) for column in motion.values.T], axis=1)
    assert error(model, values) < EXACT


def test_a_body_pulled_out_of_its_joint_is_reported_and_turns_nothing():
    model = read_model(sample_model_path())
    motion = read_motion(sample_motion_path("walking"), model)
    positions, rotations = body_frames(model, motion.values)
    # The tibia and all that hangs on it, off to the side: 12 mm that the knee, which slides as it bends, cannot give.
    moved = [model.body_names.index("tibia_r")]
    for body, joint in enumerate(model.joints):
        if joint.parent in moved:
            moved.append(body)
    positions[20:30, moved] += rotations[20:30, moved[0]][:, None] @ np.array([0.0, 0.0, 0.012])
    result = coordinates_from_frames(model, positions, rotations)
    knee = [joint.name for joint in model.joints].index("walker_knee_r")
    assert np.allclose(result.residual_position[20:30, knee], 0.012, atol=1e-9)
    assert np.delete(result.residual_position, knee, axis=1).max() < EXACT
    assert result.residual_rotation.max() < EXACT
    assert np.abs(result.values - motion.values).max() < EXACT
    assert any("walker_knee_r" in note and "12 mm" in note and "10 of 221 frames" in note for note in result.notes)


@pytest.mark.parametrize(
    "name", ["two axes and a constant between", "knee of one coordinate", "one axis in other units"]
)
def test_a_turn_that_the_joint_cannot_follow_is_met_as_nearly_as_possible(name, xml, write):
    """The oracle is a search over the neighbourhood: no coordinates nearby bring the body's axes closer."""
    model = custom_model(*CUSTOM[name], xml, write)
    values = smooth(len(model.coordinates), frames=40, reach=0.8)
    positions, rotations = body_frames(model, values)
    angle = 0.15
    twist = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    result = coordinates_from_frames(model, positions, rotations @ twist)
    assert 0.0 < result.residual_rotation.max() < angle + 0.05

    def distance(q):
        return np.sqrt(np.sum((body_frames(model, q)[1] - rotations @ twist) ** 2, axis=(1, 2, 3)))

    reached = distance(result.values)
    for column in range(values.shape[1]):
        for step in (-1e-2, 1e-2):
            assert (distance(result.values + step * np.eye(values.shape[1])[column]) > reached - 1e-9).all()


def test_couplers_are_checked_and_the_pose_is_kept(capture):
    model = read_model(capture / "model.osim")
    motion = read_motion(capture / "motion.mot", model)
    values = motion.values.copy()
    column = model.coordinate_names.index("L3_L4_Flex_Ext")
    values[10, column] += 0.1
    result = coordinates_from_frames(model, *body_frames(model, values))
    coupler = result.coupler_names.index("L3_L4_Flex_Ext_con")
    assert result.coupler_violation[10, coupler] == pytest.approx(0.1, abs=1e-6)
    assert np.abs(np.delete(result.coupler_violation, coupler, axis=1)).max() < 1e-6
    assert result.values[10, column] == pytest.approx(values[10, column], abs=EXACT)
    assert any("'L3_L4_Flex_Ext' is up to 5.73 deg" in note and "(frame 11)" in note for note in result.notes)


def test_a_coordinate_that_moves_nothing_follows_its_coupler_or_stays(xml, write):
    unused = xml.joint(
        "CustomJoint", "j", "/ground", "/bodyset/a", ("q", "r", "s"), xml.spatial_transform({0: ("q", PLAIN)})
    )
    coupler = (
        '<ConstraintSet name="constraintset"><objects><CoordinateCouplerConstraint name="c">'
        "<coupled_coordinates_function><LinearFunction><coefficients>2 0.1</coefficients></LinearFunction>"
        "</coupled_coordinates_function><independent_coordinate_names>q</independent_coordinate_names>"
        "<dependent_coordinate_name>r</dependent_coordinate_name></CoordinateCouplerConstraint></objects></ConstraintSet>"
    )
    model = read_model(write(xml.document(xml.body("a"), unused, coupler)))
    values = smooth(3)
    result = coordinates_from_frames(model, *body_frames(model, values))
    assert np.abs(result.values[:, 0] - values[:, 0]).max() < EXACT
    assert np.abs(result.values[:, 1] - (2 * values[:, 0] + 0.1)).max() < EXACT
    assert (result.values[:, 2] == model.coordinates[2].default).all()
    assert [note for note in result.notes if "'r'" in note and "follows its coupler" in note]
    assert [note for note in result.notes if "'s'" in note and "default" in note]


def test_no_frames_give_no_values():
    model = read_model(sample_model_path())
    bodies = len(model.bodies)
    result = coordinates_from_frames(model, np.zeros((0, bodies, 3)), np.zeros((0, bodies, 3, 3)))
    assert result.values.shape == (0, len(model.coordinates))
    assert result.residual_position.shape == (0, len(model.joints))


def test_frames_of_another_model_are_refused():
    model = read_model(sample_model_path())
    with pytest.raises(InputError, match="shapes"):
        coordinates_from_frames(model, np.zeros((3, 2, 3)), np.zeros((3, 2, 3, 3)))


def test_a_frame_that_is_not_finite_is_refused_with_its_body():
    model = read_model(sample_model_path())
    positions, rotations = body_frames(model, np.zeros((4, len(model.coordinates))))
    positions[2, 3, 1] = np.nan
    with pytest.raises(InputError, match=f"'{model.body_names[3]}' is not finite in frame 3"):
        coordinates_from_frames(model, positions, rotations)


def test_poses_without_one_of_the_bodies_are_refused_by_its_name():
    model = read_model(sample_model_path())
    track = pose_track(model, read_motion(sample_motion_path("walking"), model))
    with pytest.raises(InputError, match=f"no body '{model.body_names[0]}'"):
        motion_from_track(model, replace(track, names=("other", *track.names[1:])))
