"""Documents of older OpenSim versions, in which bodies own their joints, against opensim and their conversion."""

from __future__ import annotations

import re

import numpy as np
import pytest

opensim = pytest.importorskip("opensim")

from simspine.simspine_addon.kinematics.forward import body_frames  # noqa: E402
from simspine.simspine_addon.model.document import read_model  # noqa: E402

EXACT = 1e-9

LINEAR = "<LinearFunction><coefficients>1 0</coefficients></LinearFunction>"
SPLINE = "<{0}><x>-1 -0.3 0.4 0.9 1.5</x><y>0.02 0.05 -0.01 0.03 0</y></{0}>"


def axis(
    name: str, direction: str, coordinate: str = "", function: str = "<Constant><value>0</value></Constant>"
) -> str:
    return (
        f'<TransformAxis name="{name}"><coordinates>{coordinate}</coordinates><axis>{direction}</axis>'
        f"<function>{function}</function></TransformAxis>"
    )


def old_joint(kind: str, name: str, parent: str, coordinates: str, inner: str = "", reverse: bool = False) -> str:
    items = "".join(
        f'<Coordinate name="{c}"><motion_type>rotational</motion_type><default_value>0.1</default_value>'
        "<range>-2 2</range><clamped>true</clamped><locked>false</locked><prescribed_function/></Coordinate>"
        for c in coordinates.split()
    )
    return (
        f'<Joint><{kind} name="{name}"><parent_body>{parent}</parent_body>'
        "<location_in_parent>0.1 -0.2 0.05</location_in_parent><orientation_in_parent>0.2 0.1 -0.4"
        "</orientation_in_parent><location>0.01 0.15 0.02</location><orientation>0.3 0 0.1</orientation>"
        f"<CoordinateSet><objects>{items}</objects><groups/></CoordinateSet>"
        f"<reverse>{'true' if reverse else 'false'}</reverse>{inner}</{kind}></Joint>"
    )


def old_body(name: str, joint: str, files: str = "") -> str:
    visible = (
        "<VisibleObject><GeometrySet><objects><DisplayGeometry><geometry_file>bone.vtp</geometry_file>"
        "<color>0.9 0.8 0.7</color><transform>0.1 0.2 0.3 0.01 0.02 0.03</transform>"
        "<scale_factors>1.1 1.2 1.3</scale_factors><opacity>0.5</opacity></DisplayGeometry></objects></GeometrySet>"
        "<scale_factors>2 2 2</scale_factors><transform>0 0 0 0 0 0</transform></VisibleObject>"
    )
    return (
        f'<Body name="{name}"><mass>2</mass><mass_center>0.1 0 0</mass_center><inertia_xx>0.1</inertia_xx>'
        "<inertia_yy>0.2</inertia_yy><inertia_zz>0.15</inertia_zz><inertia_xy>0</inertia_xy><inertia_xz>0</inertia_xz>"
        f"<inertia_yz>0</inertia_yz>{joint}{visible}</Body>"
    )


def old_document(version: int, reverse: bool = False) -> str:
    spline = SPLINE.format("natCubicSpline" if version < 30000 else "SimmSpline")
    custom = "<SpatialTransform>" + "".join(
        [
            axis("rotation1", "0 0 1", "q", LINEAR),
            axis("rotation2", "0 1 0", "r", LINEAR),
            axis("rotation3", "1 0 0"),
            axis("translation1", "1 0 0", "q", spline),
            axis("translation2", "0 1 0", "s", LINEAR),
            axis("translation3", "0 0 1", "", "<Constant><value>0.07</value></Constant>"),
        ]
    )
    custom += "</SpatialTransform>"
    bodies = old_body("ground", "<Joint/>") + old_body("a", old_joint("CustomJoint", "base", "ground", "q r s", custom))
    bodies += old_body("b", old_joint("PinJoint", "elbow", "a", "e", reverse=reverse))
    bodies += old_body("c", old_joint("WeldJoint", "fixed", "b", ""))
    bodies += old_body("d", old_joint("BallJoint", "ball", "a", "x y z", reverse=reverse))
    coupler = (
        '<ConstraintSet><objects><CoordinateCouplerConstraint name="link"><isDisabled>false</isDisabled>'
        f"<coupled_coordinates_function>{spline}</coupled_coordinates_function><independent_coordinate_names>q"
        "</independent_coordinate_names><dependent_coordinate_name>e</dependent_coordinate_name>"
        "<scale_factor>1</scale_factor></CoordinateCouplerConstraint></objects></ConstraintSet>"
    )
    markers = (
        '<MarkerSet><objects><Marker name="m"><body>c</body><location>0.1 0.2 0.3</location><fixed>false</fixed>'
        "</Marker></objects></MarkerSet>"
    )
    if version >= 30500:  # the child's offset and the inertia were renamed
        bodies = bodies.replace("<inertia_xx>", "<inertia>").replace("</inertia_yz>", "</inertia>")
        bodies = re.sub(r"</?inertia_..>", " ", bodies)
        for word in ("location", "orientation"):
            bodies = bodies.replace(f"<{word}>", f"<{word}_in_child>").replace(f"</{word}>", f"</{word}_in_child>")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><OpenSimDocument Version="{version}"><Model name="old">'
        f"<BodySet><objects>{bodies}</objects></BodySet>{coupler}{markers}</Model></OpenSimDocument>"
    )


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("version", [20303, 30000, 30500])
def test_old_document_moves_as_in_opensim(version, reverse, write, against_opensim):
    assert against_opensim(write(old_document(version, reverse))) <= EXACT


@pytest.mark.parametrize("version", [20303, 30000, 30500])
def test_old_document_and_its_conversion_by_opensim_are_one_model(version, write, tmp_path, against_opensim):
    old_path, new_path = write(old_document(version)), tmp_path / "converted.osim"
    opensim.Model(str(old_path)).printToXML(str(new_path))
    old, new = read_model(old_path), read_model(new_path)
    assert new.version >= 40000
    assert against_opensim(new_path, reference=old_path) <= EXACT
    assert against_opensim(old_path, reference=new_path) <= EXACT
    assert old.coordinates == new.coordinates
    for ours, theirs in zip(old.bodies, new.bodies, strict=True):
        assert (ours.name, ours.mass) == (theirs.name, theirs.mass)
        assert np.allclose(ours.inertia, theirs.inertia, atol=1e-12)
        assert np.allclose(ours.mass_center, theirs.mass_center, atol=1e-12)
    assert [(c.dependent, c.independents, c.scale, c.enforced) for c in old.couplers] == [
        (c.dependent, c.independents, c.scale, c.enforced) for c in new.couplers
    ]


@pytest.mark.parametrize("version", [20303, 30000, 30500])
def test_meshes_of_an_old_document_are_where_opensim_puts_them(version, write, tmp_path):
    old_path, new_path = write(old_document(version)), tmp_path / "converted.osim"
    opensim.Model(str(old_path)).printToXML(str(new_path))
    old, new = read_model(old_path), read_model(new_path)
    by_place = {(g.body, g.file): g for g in new.geometry}
    assert {(g.body, g.file) for g in old.geometry} == set(by_place)
    for ours in old.geometry:
        theirs = by_place[ours.body, ours.file]
        assert np.allclose(ours.transform, theirs.transform, atol=1e-9), ours.name
        assert np.allclose(ours.scale, theirs.scale, atol=1e-9)
        assert ours.opacity == theirs.opacity
        assert ours.color == theirs.color


def test_later_document_whose_bodies_still_own_joints_is_read_as_such(write, against_opensim):
    """opensim drops such joints from version 30501 on; the same text as version 30500 is the reference."""
    path = write(old_document(30501), "later.osim")
    reference = write(old_document(30500), "reference.osim")
    assert against_opensim(path, reference=reference) <= EXACT


@pytest.mark.parametrize("version", [20303, 30000])
def test_defaults_of_the_document_reach_its_coordinates(version, write):
    bare = re.sub(r'(<Coordinate name="e">).*?(</Coordinate>)', r"\1<clamped>false</clamped>\2", old_document(version))
    defaults = (
        '<defaults><Coordinate name="default"><default_value>0.33</default_value><range>-0.5 0.6</range>'
        "<clamped>true</clamped><locked>true</locked></Coordinate></defaults>"
    )
    path = write(bare.replace('<Model name="old">', '<Model name="old">' + defaults))
    reference = opensim.Model(str(path))
    theirs = reference.getCoordinateSet().get("e")
    model = read_model(path)
    ours = model.coordinates[model.coordinate_names.index("e")]
    assert ours.default == theirs.getDefaultValue() == 0.33
    assert ours.range == (theirs.getRangeMin(), theirs.getRangeMax()) == (-0.5, 0.6)
    assert ours.clamped is theirs.getDefaultClamped() is False
    assert ours.locked is theirs.getDefaultLocked() is True


def test_frames_of_a_body_without_coordinates_still_move_with_it(write):
    model = read_model(write(old_document(30000)))
    values = np.random.default_rng(1).uniform(-1, 1, (5, len(model.coordinates)))
    positions, rotations = body_frames(model, values)
    b, c = model.body_names.index("b"), model.body_names.index("c")
    apart = np.einsum("tji,tj->ti", rotations[:, b], positions[:, c] - positions[:, b])
    assert np.allclose(apart, apart[0], atol=1e-12)
