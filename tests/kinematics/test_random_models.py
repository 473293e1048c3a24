"""Random trees of random joints against opensim: what the cases one by one might miss together."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("opensim")

EXACT = 1e-9
COUNTS = {
    "WeldJoint": 0,
    "PinJoint": 1,
    "SliderJoint": 1,
    "UniversalJoint": 2,
    "BallJoint": 3,
    "GimbalJoint": 3,
    "PlanarJoint": 3,
    "FreeJoint": 6,
    "EllipsoidJoint": 3,
    "CustomJoint": 0,
}


def numbers(rng, count, scale=1.0):
    return " ".join(repr(float(value)) for value in rng.uniform(-scale, scale, count))


def random_function(rng):
    kind = rng.integers(7)
    knots = " ".join(repr(float(value)) for value in np.cumsum(rng.uniform(0.1, 0.6, 9)) - 1.8)
    points = f"<x>{knots}</x><y>{numbers(rng, 9, 0.4)}</y>"
    if kind == 0:
        return f'<LinearFunction name="function"><coefficients>{numbers(rng, 2)}</coefficients></LinearFunction>'
    if kind == 1:
        return f'<SimmSpline name="function">{points}</SimmSpline>'
    if kind == 2:
        coefficients = numbers(rng, 4, 0.3)
        return f'<PolynomialFunction name="function"><coefficients>{coefficients}</coefficients></PolynomialFunction>'
    if kind == 3:
        half = rng.integers(1, 5)
        return (
            f'<GCVSpline name="function"><half_order>{half}</half_order><error_variance>0</error_variance>{points}'
            "<weights>1 1 1 1 1 1 1 1 1</weights></GCVSpline>"
        )
    if kind == 4:
        return f'<PiecewiseLinearFunction name="function">{points}</PiecewiseLinearFunction>'
    if kind == 5:
        return (
            f'<MultiplierFunction name="function"><function><SimmSpline>{points}</SimmSpline></function>'
            f"<scale>{rng.uniform(0.5, 1.5)}</scale></MultiplierFunction>"
        )
    return (
        '<Sine name="function"><amplitude>0.2</amplitude><omega>2</omega><phase>0.3</phase><offset>0.1</offset></Sine>'
    )


def random_custom(rng, xml, name):
    names = tuple(f"{name}_{i}" for i in range(rng.integers(1, 5)))
    driven = {}
    linear = '<LinearFunction name="function"><coefficients>1 0</coefficients></LinearFunction>'
    for axis, coordinate in zip(rng.permutation(6)[: len(names)], names, strict=True):
        driven[int(axis)] = (coordinate, linear)
    for axis in range(6):
        if axis not in driven and rng.random() < 0.6:
            driven[axis] = (str(rng.choice(names)), random_function(rng))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    directions = [" ".join(repr(float(v)) for v in turn[i % 3] + rng.normal(0, 0.1, 3)) for i in range(6)]
    return names, xml.spatial_transform(driven, tuple(directions))


def random_document(seed, xml):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 9))
    bodies = [f"b{i}" for i in range(count)]
    joints = ""
    for index, body in enumerate(bodies):
        parent = "/ground" if index == 0 or rng.random() < 0.15 else f"/bodyset/b{rng.integers(index)}"
        kind = str(rng.choice(list(COUNTS)))
        names, extra = tuple(f"q{index}_{i}" for i in range(COUNTS[kind])), ""
        if kind == "CustomJoint":
            names, extra = random_custom(rng, xml, f"q{index}")
        if kind == "EllipsoidJoint":
            extra = f"<radii_x_y_z>{' '.join(repr(float(v)) for v in rng.uniform(0.05, 0.3, 3))}</radii_x_y_z>"
        ends = (parent, f"/bodyset/{body}")
        if rng.random() < 0.25:
            ends = ends[::-1]
        joints += xml.joint(kind, f"j{index}", *ends, names, extra)
    order = rng.permutation(count)
    return xml.document("".join(xml.body(bodies[i]) for i in order), joints)


@pytest.mark.parametrize("seed", range(25))
def test_random_model_moves_as_in_opensim(seed, xml, write, against_opensim):
    assert against_opensim(write(random_document(seed, xml))) <= EXACT
