"""Edited models written into their documents: what comes back, what opensim makes of it, what is left untouched."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simspine.sample_rigs import sample_model_path
from simspine.simspine_addon.kinematics.forward import body_frames, marker_positions
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.document_edit import difference, write_edited
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.model_edits import Led, ModelEdits, as_written, body_fixed_angles, edited_model

LEG = {"femur_r": np.array([1.0, 0.97, 1.0]), "tibia_r": np.array([1.02, 0.95, 1.01])}


@pytest.fixture(scope="module")
def model():
    return read_model(sample_model_path())


def turned(frame: np.ndarray, angles: tuple[float, float, float]) -> np.ndarray:
    new = frame.copy()
    new[:3, :3] = frame[:3, :3] @ Rotation.from_euler("zyx", angles).as_matrix()
    return new


def edits_of(model) -> ModelEdits:
    joint = next(joint for joint in model.joints if model.body_names[joint.child] == "lumbar3")
    frames = {
        (joint.name, "parent"): turned(joint.parent_offset, (0.2, -0.1, 0.3)),
        (joint.name, "child"): turned(joint.child_offset, (-0.1, 0.2, 0.1)),
    }
    return ModelEdits(scales=LEG, frames=frames)


def test_what_is_read_back_is_the_edited_model(model, tmp_path):
    edits = edits_of(model)
    written = write_edited(model, edits, tmp_path / "out.osim")
    assert difference(edited_model(model, edits), written) is None
    assert difference(model, written) is not None


def test_written_document_moves_in_opensim_as_here(model, tmp_path, against_opensim):
    write_edited(model, edits_of(model), tmp_path / "out.osim")
    assert against_opensim(tmp_path / "out.osim") < 1e-9


def test_longer_bodies_are_those_of_opensims_own_scaling(model, tmp_path):
    pytest.importorskip("opensim")
    from simspine.simspine_addon.kinematics.opensim_engine import opensim_scale

    factors = {name: tuple(map(float, scale)) for name, scale in LEG.items()}
    opensim_scale(sample_model_path(), tmp_path / "theirs.osim", factors)
    theirs = read_model(tmp_path / "theirs.osim")
    ours = write_edited(model, ModelEdits(scales=LEG), tmp_path / "ours.osim")
    values = np.random.default_rng(3).uniform(-1, 1, (20, len(model.coordinates)))
    for one, other in zip(body_frames(ours, values), body_frames(theirs, values), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)
    markers = [marker_positions(each, *body_frames(each, values)) for each in (ours, theirs)]
    np.testing.assert_allclose(*markers, atol=1e-9)
    scales = [[g.scale for g in each.geometry] for each in (ours, theirs)]
    np.testing.assert_allclose(*scales, atol=1e-9)


def test_a_stretched_rod_has_the_inertia_of_the_longer_rod(model):
    # a thin rod along y: m l^2 / 12 about x and z; stretched by f at the same density, m f (l f)^2 / 12
    rod = replace(model.bodies[2], mass=3.0, inertia=np.array([0.25, 0.0, 0.25, 0.0, 0.0, 0.0]))
    model = replace(model, bodies=(*model.bodies[:2], rod, *model.bodies[3:]))
    scaled = edited_model(model, ModelEdits(scales={rod.name: np.array([1.0, 1.2, 1.0])})).bodies[2]
    assert scaled.mass == pytest.approx(3.6)
    np.testing.assert_allclose(scaled.inertia, [0.25 * 1.2**3, 0.0, 0.25 * 1.2**3, 0.0, 0.0, 0.0], atol=1e-15)


def test_nothing_else_in_the_document_changes(model, tmp_path):
    joint = next(joint for joint in model.joints if model.body_names[joint.child] == "lumbar3")
    frames = {(joint.name, "child"): turned(joint.child_offset, (0.1, 0.0, 0.0))}
    write_edited(model, ModelEdits(frames=frames), tmp_path / "out.osim")
    before = sample_model_path().read_bytes().splitlines()
    after = (tmp_path / "out.osim").read_bytes().splitlines()
    assert len(before) == len(after)
    changed = [b.strip()[:12] for a, b in zip(before, after, strict=True) if a != b]
    assert set(changed) <= {b"<translation", b"<orientation"}
    assert 1 <= len(changed) <= 2


def test_the_same_edit_writes_the_same_bytes(model, tmp_path):
    for name in ("one.osim", "two.osim"):
        write_edited(model, edits_of(model), tmp_path / name)
    assert (tmp_path / "one.osim").read_bytes() == (tmp_path / "two.osim").read_bytes()


def test_a_coupler_can_be_led_by_another_coordinate(model, tmp_path):
    leads = {"L3_L4_Flex_Ext_con": Led("L4_L5_Flex_Ext", 0.5, 0.25), "L2_L3_Flex_Ext_con": None}
    written = write_edited(model, ModelEdits(couplers=leads), tmp_path / "out.osim")
    coupler = next(c for c in written.couplers if c.name == "L3_L4_Flex_Ext_con")
    assert written.coordinate_names[coupler.independents[0]] == "L4_L5_Flex_Ext"
    assert coupler.scale * coupler.function.evaluate(np.array([[2.0]]))[0] == 1.25
    assert "L2_L3_Flex_Ext_con" not in {c.name for c in written.couplers}


@pytest.mark.parametrize("frames", ["own", "none"])
def test_joints_that_name_bodies_get_frames_of_their_own(xml, write, tmp_path, against_opensim, frames):
    text = xml.document(
        xml.body("a") + xml.body("b"),
        xml.joint("PinJoint", "one", "/ground", "/bodyset/a", ("q",))
        + xml.joint("PinJoint", "two", "/bodyset/a", "/bodyset/b", ("r",)),
    )
    text = text.replace(">two_in_parent</socket_parent_frame>", ">/bodyset/a</socket_parent_frame>")
    if frames == "none":
        text = text.replace(">two_in_child</socket_child_frame>", ">/bodyset/b</socket_child_frame>")
        text = re.sub(r'(<PinJoint name="two">.*)<frames>.*?</frames>', r"\1", text)
    model = read_model(write(text))
    places = {("two", side): turned(np.eye(4), (0.3, 0.2, -0.4)) for side in ("parent", "child")}
    write_edited(model, ModelEdits(frames=places), tmp_path / "out.osim")
    assert against_opensim(tmp_path / "out.osim") < 1e-9


@pytest.mark.parametrize("version", [20303, 30000])
def test_documents_whose_bodies_own_their_joints(write, tmp_path, against_opensim, version):
    import importlib.util

    place = Path(__file__).parents[1] / "kinematics/test_old_documents.py"
    spec = importlib.util.spec_from_file_location("old_documents_for_edits", place)
    assert spec is not None
    assert spec.loader is not None
    old = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(old)
    model = read_model(write(old.old_document(version)))
    frames = {
        ("elbow", "parent"): turned(model.joints[1].parent_offset, (0.3, 0.2, -0.4)),
        ("ball", "child"): turned(np.eye(4), (0.1, 0.5, 0.2)),
    }
    edits = ModelEdits(frames=frames, scales={"a": np.array([1.0, 0.9, 1.0])})
    written = write_edited(model, edits, tmp_path / "out.osim")
    assert difference(edited_model(model, edits), written) is None
    # opensim brings such documents up to date through text of few digits: it is that far from any 17-digit angle
    assert against_opensim(tmp_path / "out.osim") < 2e-6


def test_angles_hold_at_the_pole_too():
    for angles in ((0.3, 0.2, -0.4), (0.3, np.pi / 2, 0.4), (-2.0, -np.pi / 2, 0.0)):
        frame = np.eye(4)
        frame[:3, :3] = Rotation.from_euler("XYZ", angles).as_matrix()
        np.testing.assert_allclose(as_written(frame), frame, atol=1e-14)
        turned_back = Rotation.from_euler("XYZ", body_fixed_angles(frame[:3, :3])).as_matrix()
        np.testing.assert_allclose(turned_back, frame[:3, :3], atol=1e-14)


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        (ModelEdits(scales={"nobody": np.ones(3)}), "no body 'nobody'"),
        (ModelEdits(welded=("no_joint",)), "no joint 'no_joint'"),
        (ModelEdits(couplers={"nothing": None}), "no coupler 'nothing'"),
    ],
)
def test_names_that_the_model_does_not_have_are_refused(model, tmp_path, edits, words):
    with pytest.raises(InputError, match=words):
        write_edited(model, edits, tmp_path / "out.osim")
    assert not list(tmp_path.iterdir())


def test_a_force_on_a_lost_coordinate_is_named(model, write, tmp_path):
    text = sample_model_path().read_text(encoding="utf-8")
    force = (
        '<ForceSet name="forceset"><objects><CoordinateActuator name="motor"><coordinate>mtp_angle_r</coordinate>'
        "</CoordinateActuator></objects></ForceSet></Model>"
    )
    text = re.sub(r"<ForceSet.*?</ForceSet>|<ForceSet[^>]*/>", "", text, flags=re.DOTALL).replace("</Model>", force)
    model = read_model(write(text))
    with pytest.raises(InputError, match=r"motor.*mtp_angle_r"):
        write_edited(model, ModelEdits(welded=("mtp_r",)), tmp_path / "out.osim")
