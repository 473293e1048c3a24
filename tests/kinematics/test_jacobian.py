"""The Jacobian of markers against opensim's own and against central differences of opensim's forward kinematics."""

from __future__ import annotations

import numpy as np
import pytest

opensim = pytest.importorskip("opensim")

from simspine.simspine_addon.kinematics.jacobian import marker_jacobian  # noqa: E402
from simspine.simspine_addon.kinematics.opensim_engine import OpensimEngine  # noqa: E402
from simspine.simspine_addon.model.document import read_model  # noqa: E402

STEP = 1e-5
CLOSE = 2e-9  # m per rad: central differences of step 1e-5 on double numbers


def differences(path, model, values):
    """[T, M, 3, C] by central differences of opensim's markers."""
    engine = OpensimEngine(path)
    order = [engine.marker_names.index(name) for name in model.marker_names]
    columns = []
    for coordinate in range(values.shape[1]):
        ahead, behind = values.copy(), values.copy()
        ahead[:, coordinate] += STEP
        behind[:, coordinate] -= STEP
        rows = np.concatenate([ahead, behind])
        markers = engine.run(rows, model.coordinate_names)[2][:, order]
        columns.append((markers[: len(values)] - markers[len(values) :]) / (2 * STEP))
    return np.stack(columns, axis=-1)


MARKERS = (
    '<MarkerSet name="markerset"><objects><Marker name="m"><socket_parent_frame>/bodyset/b</socket_parent_frame>'
    '<location>0.1 0.2 0.3</location></Marker><Marker name="n"><socket_parent_frame>/bodyset/a</socket_parent_frame>'
    '<location>-0.2 0.1 0</location></Marker><Marker name="g"><socket_parent_frame>/ground</socket_parent_frame>'
    "<location>1 0 0</location></Marker></objects></MarkerSet>"
)
KINDS = {
    "PinJoint": (1, ""),
    "SliderJoint": (1, ""),
    "UniversalJoint": (2, ""),
    "BallJoint": (3, ""),
    "GimbalJoint": (3, ""),
    "PlanarJoint": (3, ""),
    "FreeJoint": (6, ""),
    "EllipsoidJoint": (3, "<radii_x_y_z>0.11 0.07 0.21</radii_x_y_z>"),
    "ScapulothoracicJoint": (
        4,
        "<thoracic_ellipsoid_radii_x_y_z>0.09 0.17 0.13</thoracic_ellipsoid_radii_x_y_z>"
        "<scapula_winging_axis_origin>0.03 -0.05</scapula_winging_axis_origin>"
        "<scapula_winging_axis_direction>0.6</scapula_winging_axis_direction>",
    ),
}


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_derivative_of_every_joint_type(kind, backwards, xml, write):
    if backwards and kind == "ScapulothoracicJoint":
        pytest.skip("opensim 4.6 crashes on a reversed ScapulothoracicJoint")
    count, extra = KINDS[kind]
    first = ("/bodyset/a", "/ground") if backwards else ("/ground", "/bodyset/a")
    joints = xml.joint(kind, "one", *first, tuple(f"q{i}" for i in range(count)), extra)
    joints += xml.joint(kind, "two", "/bodyset/a", "/bodyset/b", tuple(f"p{i}" for i in range(count)), extra)
    path = write(xml.document(xml.body("a") + xml.body("b"), joints, MARKERS))
    model = read_model(path)
    values = np.random.default_rng(2).uniform(-1.2, 1.2, (6, len(model.coordinates)))
    positions, jacobian = marker_jacobian(model, values)
    assert np.abs(jacobian - differences(path, model, values)).max() < CLOSE
    assert np.all(jacobian[:, 2] == 0.0)
    assert np.allclose(positions[:, 2], [1, 0, 0])


def test_derivative_through_functions_of_several_coordinates(xml, write):
    linear = '<LinearFunction name="function"><coefficients>1 0</coefficients></LinearFunction>'
    surface = (
        '<MultivariatePolynomialFunction name="function"><coefficients>0.1 0.2 -0.3 0.4 0.15 -0.05</coefficients>'
        "<dimension>2</dimension><order>2</order></MultivariatePolynomialFunction>"
    )
    spline = '<SimmSpline name="function"><x>-1 -0.2 0.3 1</x><y>0.1 0.3 -0.2 0.2</y></SimmSpline>'
    axes = {0: ("q", linear), 1: ("r", linear), 2: ("q r", surface), 3: ("q r", surface), 4: ("r", spline)}
    joint = xml.joint("CustomJoint", "j", "/ground", "/bodyset/a", ("q", "r"), xml.spatial_transform(axes))
    path = write(xml.document(xml.body("a"), joint, MARKERS.replace("/bodyset/b", "/bodyset/a")))
    model = read_model(path)
    values = np.random.default_rng(4).uniform(-0.9, 0.9, (8, 2))
    _, jacobian = marker_jacobian(model, values)
    assert np.abs(jacobian - differences(path, model, values)).max() < CLOSE


def test_derivative_on_the_real_capture_agrees_with_differences_of_opensim(capture):
    model = read_model(capture / "model.osim")
    values = np.random.default_rng(6).uniform(0.05, 0.9, (3, len(model.coordinates)))
    _, jacobian = marker_jacobian(model, values)
    assert np.abs(jacobian - differences(capture / "model.osim", model, values)).max() < CLOSE


def test_chosen_markers_come_in_the_order_asked_for(capture):
    model = read_model(capture / "model.osim")
    values = np.random.default_rng(6).uniform(0.05, 0.9, (3, len(model.coordinates)))
    positions, jacobian = marker_jacobian(model, values)
    some, some_jacobian = marker_jacobian(model, values, [5, 2])
    assert np.array_equal(some, positions[:, [5, 2]])
    assert np.array_equal(some_jacobian, jacobian[:, [5, 2]])
