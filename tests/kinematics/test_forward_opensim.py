"""Forward kinematics against opensim's own, for every joint type, function and age of document."""

from __future__ import annotations

import numpy as np
import pytest

opensim = pytest.importorskip("opensim")

EXACT = 1e-9  # m, and matrix elements

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
X = "-1.2 -0.7 -0.1 0.2 0.45 1.0 1.3 1.9"
Y = "0.3 -0.1 0.05 0.4 0.1 -0.2 0.25 0.2"
FUNCTIONS = {
    "Constant": '<Constant name="function"><value>0.37</value></Constant>',
    "Linear": '<LinearFunction name="function"><coefficients>-1.7 0.2</coefficients></LinearFunction>',
    "SimmSpline": f'<SimmSpline name="function"><x>{X}</x><y>{Y}</y></SimmSpline>',
    "SimmSpline of 2": '<SimmSpline name="function"><x>-0.5 0.7</x><y>0.1 0.5</y></SimmSpline>',
    "SimmSpline of 3": '<SimmSpline name="function"><x>-0.5 0.1 0.7</x><y>0.1 0.5 -0.2</y></SimmSpline>',
    "SimmSpline of 4": '<SimmSpline name="function"><x>-0.5 0.1 0.7 0.9</x><y>0.1 0.5 -0.2 0</y></SimmSpline>',
    "PiecewiseLinear": f'<PiecewiseLinearFunction name="function"><x>{X}</x><y>{Y}</y></PiecewiseLinearFunction>',
    "PiecewiseConstant": f'<PiecewiseConstantFunction name="function"><x>{X}</x><y>{Y}</y></PiecewiseConstantFunction>',
    "Polynomial": (
        '<PolynomialFunction name="function"><coefficients>0.1 -0.3 0.2 0.15</coefficients></PolynomialFunction>'
    ),
    "Sine": (
        '<Sine name="function"><amplitude>0.4</amplitude><omega>3</omega><phase>0.2</phase><offset>0.1</offset></Sine>'
    ),
    "Step": (
        '<StepFunction name="function"><transition_start_time>-0.3</transition_start_time><transition_end_time>0.8'
        "</transition_end_time><start_value>0.1</start_value><end_value>-0.5</end_value></StepFunction>"
    ),
    "Multiplier": (
        f'<MultiplierFunction name="function"><function><SimmSpline><x>{X}</x><y>{Y}</y></SimmSpline></function>'
        "<scale>1.3</scale></MultiplierFunction>"
    ),
} | {
    f"GCVSpline of half order {m}": (
        f'<GCVSpline name="function"><half_order>{m}</half_order><error_variance>0</error_variance>'
        f"<x>{X}</x><weights>1 1 1 1 1 1 1 1</weights><y>{Y}</y></GCVSpline>"
    )
    for m in (1, 2, 3, 4)
}


@pytest.mark.parametrize("kind", JOINTS)
def test_joint_type_moves_as_in_opensim(kind, xml, write, against_opensim):
    names = tuple(f"q{i}" for i in range(JOINTS[kind]))
    more = tuple(f"p{i}" for i in range(JOINTS[kind]))
    joints = xml.joint(kind, "first", "/ground", "/bodyset/a", names, EXTRA.get(kind, ""))
    joints += xml.joint(kind, "second", "/bodyset/a", "/bodyset/b", more, EXTRA.get(kind, ""))
    path = write(xml.document(xml.body("a") + xml.body("b"), joints))
    assert against_opensim(path) <= EXACT


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_is_evaluated_as_in_opensim(name, xml, write, against_opensim):
    function = FUNCTIONS[name]
    free = '<LinearFunction name="function"><coefficients>1 0</coefficients></LinearFunction>'
    driven = "" if name == "Constant" else "q"
    axes = {0: ("q", free), 2: (driven, function), 3: (driven, function), 5: ("r", free)}
    directions = ("0 0 1", "1 0 0", "0 1 0", "1 0 0", "0.2 1 0.1", "0 0 -1")
    joint = xml.joint("CustomJoint", "j", "/ground", "/bodyset/a", ("q", "r"), xml.spatial_transform(axes, directions))
    path = write(xml.document(xml.body("a"), joint))
    values = np.random.default_rng(3).uniform(-3, 3, (300, 2))
    values[:8, 0] = np.array(X.split(), dtype=float)  # exactly on the knots
    assert against_opensim(path, values) <= EXACT


def test_oblique_axes_of_a_custom_joint_are_normalised(xml, write, against_opensim):
    linear = '<LinearFunction name="function"><coefficients>1 0</coefficients></LinearFunction>'
    axes = {i: (f"q{i}", linear) for i in range(6)}
    directions = ("0.98 0.1 -0.2", "0 3 0.5", "0.3 -0.1 0.9", "0.5 0.5 0", "0 1 0.7", "-1 0 2")
    names = tuple(f"q{i}" for i in range(6))
    joint = xml.joint("CustomJoint", "j", "/ground", "/bodyset/a", names, xml.spatial_transform(axes, directions))
    assert against_opensim(write(xml.document(xml.body("a"), joint))) <= EXACT


def test_function_of_two_coordinates_on_one_axis(xml, write, against_opensim):
    linear = '<LinearFunction name="function"><coefficients>1 0</coefficients></LinearFunction>'
    surface = (
        '<MultivariatePolynomialFunction name="function"><coefficients>0.1 0.2 -0.3 0.4 0.15 -0.05</coefficients>'
        "<dimension>2</dimension><order>2</order></MultivariatePolynomialFunction>"
    )
    plane = '<LinearFunction name="function"><coefficients>0.4 -0.7 0.1</coefficients></LinearFunction>'
    axes = {0: ("q", linear), 1: ("r", linear), 3: ("q r", surface), 4: ("r q", plane)}
    joint = xml.joint("CustomJoint", "j", "/ground", "/bodyset/a", ("q", "r"), xml.spatial_transform(axes))
    assert against_opensim(write(xml.document(xml.body("a"), joint))) <= EXACT


def test_nested_offset_frames_and_relative_sockets(xml, write, against_opensim):
    nested = (
        '<components><PhysicalOffsetFrame name="outer"><socket_parent>..</socket_parent><translation>0.1 0 0.2'
        '</translation><orientation>0.1 0.2 0.3</orientation><components><PhysicalOffsetFrame name="inner">'
        "<socket_parent>..</socket_parent><translation>0 0.3 0</translation><orientation>0.5 0 0</orientation>"
        "</PhysicalOffsetFrame></components></PhysicalOffsetFrame></components>"
    )
    joints = xml.joint("PinJoint", "first", "/ground", "/bodyset/a", ("q",))
    joints += xml.joint("PinJoint", "second", "../../../bodyset/a/outer/inner", "../../../bodyset/b", ("r",))
    markers = (
        '<MarkerSet name="markerset"><objects><Marker name="on_frame"><socket_parent_frame>'
        "/bodyset/a/outer/inner</socket_parent_frame><location>0.1 0.2 0.3</location></Marker>"
        '<Marker name="on_ground"><socket_parent_frame>../../ground</socket_parent_frame><location>1 2 3</location>'
        "</Marker></objects></MarkerSet>"
    )
    path = write(xml.document(xml.body("a", nested) + xml.body("b"), joints, markers))
    assert against_opensim(path) <= EXACT


def test_joint_that_points_towards_ground_is_reversed(xml, write, against_opensim):
    linear = '<LinearFunction name="function"><coefficients>1 0</coefficients></LinearFunction>'
    axes = {i: (f"q{i}", linear) for i in range(6)}
    names = tuple(f"q{i}" for i in range(6))
    joints = xml.joint("CustomJoint", "first", "/bodyset/a", "/ground", names, xml.spatial_transform(axes))
    joints += xml.joint("PinJoint", "second", "/bodyset/b", "/bodyset/a", ("r",))
    joints += xml.joint("EllipsoidJoint", "third", "/bodyset/c", "/bodyset/b", ("s", "t", "u"), EXTRA["EllipsoidJoint"])
    path = write(xml.document(xml.body("a") + xml.body("b") + xml.body("c"), joints))
    assert against_opensim(path) <= EXACT


@pytest.mark.parametrize("kind", JOINTS)
def test_reversed_joint_is_the_inverse_of_the_joint(kind, xml, write):
    """A closed form, for the types that opensim 4.6 cannot reverse as well (it crashes on ScapulothoracicJoint)."""
    from simspine.simspine_addon.kinematics.forward import body_frames
    from simspine.simspine_addon.model.document import read_model

    names = tuple(f"q{i}" for i in range(JOINTS[kind]))
    frames = []
    for number, (parent, child) in enumerate((("/ground", "/bodyset/a"), ("/bodyset/a", "/ground"))):
        joint = xml.joint(kind, "j", parent, child, names, EXTRA.get(kind, ""))
        model = read_model(write(xml.document(xml.body("a"), joint), f"{number}.osim"))
        values = np.random.default_rng(1).uniform(-2, 2, (20, len(names)))
        positions, rotations = body_frames(model, values)
        frames.append((positions[:, 0], rotations[:, 0]))
    (forward_p, forward_r), (backward_p, backward_r) = frames
    assert np.allclose(backward_r, forward_r.transpose(0, 2, 1), atol=1e-12)
    assert np.allclose(backward_p, -np.einsum("tji,tj->ti", forward_r, forward_p), atol=1e-12)


def test_body_without_a_joint_floats(xml, write, against_opensim):
    joint = (
        '<PinJoint name="j"><socket_parent_frame>/ground</socket_parent_frame><socket_child_frame>/bodyset/a'
        f"</socket_child_frame>{xml.coordinates(('q',))}</PinJoint>"
    )
    path = write(xml.document(xml.body("loose") + xml.body("a"), joint))
    assert against_opensim(path) <= EXACT


def test_every_frame_of_the_real_capture(capture, against_opensim):
    from simspine.simspine_addon.model.document import read_model
    from simspine.simspine_addon.model.motion import read_motion

    model = read_model(capture / "model.osim")
    motion = read_motion(capture / "motion.mot", model)
    assert against_opensim(capture / "model.osim", motion.values) <= EXACT
    assert against_opensim(capture / "model.osim") <= EXACT


def test_frames_of_joints_stand_where_opensim_puts_them(capture):
    from simspine.simspine_addon.kinematics.forward import body_frames, joint_frames
    from simspine.simspine_addon.kinematics.opensim_engine import OpensimEngine
    from simspine.simspine_addon.model.document import read_model

    model = read_model(capture / "model.osim")
    values = np.random.default_rng(5).uniform(-1, 1, (1, len(model.coordinates)))
    engine = OpensimEngine(capture / "model.osim")
    engine.run(values, model.coordinate_names)
    parents, children = joint_frames(model, *body_frames(model, values))
    joints = engine.model.getJointSet()
    for index, joint in enumerate(model.joints):
        theirs = joints.get(joint.name)
        for ours, frame in ((parents, theirs.getParentFrame()), (children, theirs.getChildFrame())):
            origin = frame.getTransformInGround(engine.state).p().to_numpy()
            assert np.abs(ours[0, index, :3, 3] - origin).max() <= EXACT, joint.name
