"""Models that cannot be used: each is refused with one line that says where and why, and never with anything else."""

from __future__ import annotations

import numpy as np
import pytest
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.types import GROUND

LINEAR = '<LinearFunction name="function"><coefficients>1 0</coefficients></LinearFunction>'


def expect_refused(path, *words: str) -> InputError:
    """The error of reading `path`; it is one line, names the file, and holds all the words."""
    with pytest.raises(InputError) as caught:
        read_model(path)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    for word in words:
        assert word in text, text
    return caught.value


@pytest.fixture
def good(xml):
    """A good document with one custom joint, to be spoiled."""
    joint = xml.joint("CustomJoint", "knee", "/ground", "/bodyset/a", ("q",), xml.spatial_transform({0: ("q", LINEAR)}))
    return xml.document(xml.body("a"), joint)


def test_missing_file(tmp_path):
    expect_refused(tmp_path / "nothing.osim", "no such file")


def test_folder_instead_of_a_file(tmp_path):
    expect_refused(tmp_path, "is a folder")


def test_unreadable_file(tmp_path, monkeypatch):
    """Root reads everything, so the system's refusal is played."""
    path = tmp_path / "model.osim"
    path.write_text("<x/>")

    def deny(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(path), "read_bytes", deny)
    expect_refused(path, "cannot be read", "Permission denied")


def test_motion_given_for_a_model(write):
    expect_refused(write("time q", "motion.mot"), "is a motion, not a model", ".osim")


def test_empty_file(write):
    expect_refused(write(""), "is empty")


def test_truncated_document_names_the_line_and_the_element(good, write):
    text = good.replace("><", ">\n<")
    cut = text[: text.index("<SpatialTransform>") + 60]
    error = expect_refused(write(cut), "not well-formed")
    assert error.line is not None
    assert error.line > 5


def test_entity_bomb(write):
    entities = '<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;">'
    bomb = f'<!DOCTYPE a [{entities}]><OpenSimDocument Version="40500">&c;</OpenSimDocument>'
    expect_refused(write('<?xml version="1.0"?>' + bomb), "document type or entities")


def test_external_entity(write):
    text = (
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><OpenSimDocument Version="40500">&x;</OpenSimDocument>'
    )
    expect_refused(write(text), "document type or entities")


def test_endless_nesting(write):
    expect_refused(write("<a>" * 500 + "</a>" * 500), "nests elements deeper")


def test_not_an_opensim_document(write):
    expect_refused(write("<html><body/></html>"), "no OpenSim document", "<html>")


def test_set_up_of_a_tool_instead_of_a_model(write):
    expect_refused(
        write('<OpenSimDocument Version="40500"><ScaleTool/></OpenSimDocument>'), "holds no <Model>", "ScaleTool"
    )


def test_version_that_is_no_number(good, write):
    expect_refused(write(good.replace('Version="40500"', 'Version="four"')), "document version 'four'")


def test_unknown_joint_type_is_named(good, write):
    expect_refused(
        write(good.replace("CustomJoint", "RubberJoint")), "RubberJoint 'knee'", "cannot be represented", "PinJoint"
    )


def test_unknown_function_names_its_joint(good, write):
    spoiled = good.replace("LinearFunction", "WobblyFunction")
    expect_refused(write(spoiled), "WobblyFunction", "rotation1", "does not know")


@pytest.mark.parametrize("word", ["one", "1.2.3", "--4"])
def test_text_in_numbers(word, good, write):
    expect_refused(
        write(good.replace("0.1 -0.25 0.05", f"0.1 {word} 0.05", 1)), f"'{word}'", "translation", "knee_in_parent"
    )


@pytest.mark.parametrize("word", ["nan", "inf", "-inf", "1e999"])
def test_numbers_that_are_not_finite(word, good, write):
    expect_refused(
        write(good.replace("0.1 -0.25 0.05", f"0.1 {word} 0.05", 1)), "not a finite number", "knee_in_parent"
    )


def test_wrong_number_of_components(good, write):
    expect_refused(write(good.replace("0.1 -0.25 0.05", "0.1 -0.25", 1)), "holds 2 numbers where 3 belong")


def test_flag_that_is_neither_true_nor_false(good, write):
    expect_refused(write(good.replace("<clamped>true", "<clamped>perhaps")), "'perhaps'", "Coordinate 'q'")


def test_joint_without_its_parent(good, write):
    expect_refused(
        write(good.replace("<socket_parent_frame>knee_in_parent</socket_parent_frame>", "")), "names no parent"
    )


def test_joint_on_a_body_that_is_not_there(good, write):
    expect_refused(write(good.replace("/bodyset/a<", "/bodyset/z<")), "'/bodyset/z'", "no body or frame")


def test_frames_that_hang_on_each_other(xml, write):
    frames = "".join(
        f'<PhysicalOffsetFrame name="{a}"><socket_parent>../{b}</socket_parent></PhysicalOffsetFrame>'
        for a, b in (("f", "g"), ("g", "f"))
    )
    joint = (
        '<PinJoint name="j"><socket_parent_frame>f</socket_parent_frame><socket_child_frame>/bodyset/a'
        f"</socket_child_frame><frames>{frames}</frames></PinJoint>"
    )
    expect_refused(write(xml.document(xml.body("a"), joint)), "hangs on itself")


def test_cyclic_joints(xml, write):
    joints = xml.joint("PinJoint", "one", "/bodyset/a", "/bodyset/b", ("q",))
    joints += xml.joint("PinJoint", "two", "/bodyset/b", "/bodyset/a", ("r",))
    expect_refused(write(xml.document(xml.body("a") + xml.body("b"), joints)), "'one', 'two'", "cycle")


def test_loop_of_bodies_names_the_joint_that_closes_it(xml, write):
    joints = xml.joint("PinJoint", "one", "/ground", "/bodyset/a", ("q",))
    joints += xml.joint("PinJoint", "two", "/bodyset/a", "/bodyset/b", ("r",))
    joints += xml.joint("PinJoint", "three", "/ground", "/bodyset/b", ("s",))
    expect_refused(write(xml.document(xml.body("a") + xml.body("b"), joints)), "closes a loop")


def test_two_bodies_of_one_name(xml, write):
    joint = xml.joint("PinJoint", "one", "/ground", "/bodyset/a", ("q",))
    expect_refused(write(xml.document(xml.body("a") + xml.body("a"), joint)), "two bodies are named 'a'")


def test_two_coordinates_of_one_name(xml, write):
    joints = xml.joint("PinJoint", "one", "/ground", "/bodyset/a", ("q",))
    joints += xml.joint("PinJoint", "two", "/bodyset/a", "/bodyset/b", ("q",))
    expect_refused(write(xml.document(xml.body("a") + xml.body("b"), joints)), "two coordinates are named 'q'")


def test_too_many_coordinates_for_the_joint(xml, write):
    joint = xml.joint("PinJoint", "one", "/ground", "/bodyset/a", ("q", "r"))
    expect_refused(write(xml.document(xml.body("a"), joint)), "PinJoint 'one'", "2 coordinates where 1")


def test_parallel_axes(xml, write):
    axes = xml.spatial_transform({0: ("q", LINEAR)}, ("1 0 0", "1 0 0", "0 0 1", "1 0 0", "0 1 0", "0 0 1"))
    joint = xml.joint("CustomJoint", "knee", "/ground", "/bodyset/a", ("q",), axes)
    expect_refused(write(xml.document(xml.body("a"), joint)), "parallel rotation axes 1 and 2", "'knee'")


@pytest.mark.parametrize(
    ("spline", "words"),
    [
        ("<x>0 1 2</x><y>0 1</y>", "3 x values and 2 y values"),
        ("<x>0 2 1</x><y>0 1 2</y>", "do not increase after 2"),
        ("<x>0</x><y>0</y>", "1 points where at least 2"),
    ],
)
def test_spline_whose_points_do_not_fit(spline, words, xml, write):
    axes = {0: ("q", LINEAR), 3: ("q", f'<SimmSpline name="function">{spline}</SimmSpline>')}
    joint = xml.joint("CustomJoint", "knee", "/ground", "/bodyset/a", ("q",), xml.spatial_transform(axes))
    expect_refused(write(xml.document(xml.body("a"), joint)), words)


def test_smoothing_spline_is_refused_rather_than_approximated(xml, write):
    spline = (
        '<GCVSpline name="function"><half_order>2</half_order><error_variance>0.1</error_variance>'
        "<x>0 1 2 3</x><y>0 1 0 1</y></GCVSpline>"
    )
    axes = {0: ("q", LINEAR), 3: ("q", spline)}
    joint = xml.joint("CustomJoint", "knee", "/ground", "/bodyset/a", ("q",), xml.spatial_transform(axes))
    expect_refused(write(xml.document(xml.body("a"), joint)), "error_variance", "SimmSpline")


def test_coupler_of_a_coordinate_that_is_not_there(xml, write):
    joint = xml.joint("PinJoint", "one", "/ground", "/bodyset/a", ("q",))
    coupler = (
        '<ConstraintSet><objects><CoordinateCouplerConstraint name="link"><coupled_coordinates_function>'
        f"{LINEAR}</coupled_coordinates_function><independent_coordinate_names>zz</independent_coordinate_names>"
        "<dependent_coordinate_name>q</dependent_coordinate_name></CoordinateCouplerConstraint></objects></ConstraintSet>"
    )
    expect_refused(write(xml.document(xml.body("a"), joint, coupler)), "'link'", "'zz'")


def test_marker_on_a_body_that_is_not_there(xml, write):
    joint = xml.joint("PinJoint", "one", "/ground", "/bodyset/a", ("q",))
    marker = (
        '<MarkerSet><objects><Marker name="m"><socket_parent_frame>/bodyset/zz</socket_parent_frame>'
        "<location>0 0 0</location></Marker></objects></MarkerSet>"
    )
    expect_refused(write(xml.document(xml.body("a"), joint, marker)), "Marker 'm'", "/bodyset/zz")


def test_model_without_bodies(xml, write):
    expect_refused(write(xml.document("", "")), "has no bodies")


def test_tag_names_with_colons_are_read(xml, write):
    joint = xml.joint("PinJoint", "one", "/ground", "/bodyset/a", ("q",))
    force = (
        "<ForceSet><objects><HuntCrossleyForce><HuntCrossleyForce::ContactParametersSet><objects>"
        "<HuntCrossleyForce::ContactParameters><geometry>a b</geometry></HuntCrossleyForce::ContactParameters>"
        "</objects></HuntCrossleyForce::ContactParametersSet></HuntCrossleyForce></objects></ForceSet>"
    )
    assert read_model(write(xml.document(xml.body("a"), joint, force))).body_names == ("a",)


def test_other_constraints_are_kept_and_reported(xml, write):
    joint = xml.joint("PinJoint", "one", "/ground", "/bodyset/a", ("q",))
    constraints = (
        '<ConstraintSet><objects><WeldConstraint name="w"><isEnforced>true</isEnforced></WeldConstraint>'
        '<PointConstraint name="p"><isEnforced>false</isEnforced></PointConstraint></objects></ConstraintSet>'
    )
    model = read_model(write(xml.document(xml.body("a"), joint, constraints)))
    assert model.other_constraints == ("WeldConstraint 'w'", "PointConstraint 'p' (not enforced)")


def test_path_with_spaces_and_umlauts(xml, tmp_path):
    folder = tmp_path / "Bewegung für Käthe"
    folder.mkdir()
    path = folder / "Modell äöü.osim"
    path.write_text(xml.document(xml.body("a"), xml.joint("PinJoint", "one", "/ground", "/bodyset/a", ("q",))))
    assert read_model(path).joints[0].parent == GROUND


def test_every_cut_of_a_document_is_refused_in_one_line(good, tmp_path):
    """A file can be truncated anywhere: never anything but an InputError of one line."""
    text = good.replace("><", ">\n<")
    path = tmp_path / "cut.osim"
    for length in np.linspace(0, len(text) - 20, 60).astype(int):
        path.write_text(text[:length])
        expect_refused(path)
