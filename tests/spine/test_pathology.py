"""Pathologies measured on what opensim makes of the written model, and on closed forms."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import body_frames, joint_frames, pose_track
from simspine.simspine_addon.model.couplers import apply_couplers, default_values
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.document_edit import difference, write_edited
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.model_edits import edited_model
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.spine.curvature import curvature
from simspine.simspine_addon.spine.endplates import find_endplates
from simspine.simspine_addon.spine.levels import lumbar_levels
from simspine.simspine_addon.spine.pathology_apply import (
    apply_pathology,
    bent_from,
    pathology_edits,
    upright_model,
)
from simspine.simspine_addon.spine.pathology_curve import plan_curves, tilts
from simspine.simspine_addon.spine.pathology_fusion import motion_of_fused
from simspine.simspine_addon.spine.pathology_measure import endplate_angles
from simspine.simspine_addon.spine.pathology_pose import about, rest_joint_frames, rotation_power
from simspine.simspine_addon.spine.pathology_table import pathology_from_table
from simspine.simspine_addon.spine.vertebral_chain import vertebral_chain

BODIES = {"S1": "sacrum", "L5": "lumbar5", "L4": "lumbar4", "L3": "lumbar3", "L2": "lumbar2", "L1": "lumbar1",
          "T12": "torso"}  # fmt: skip
LINEAR = '<LinearFunction name="function"><coefficients>1 0</coefficients></LinearFunction>'


@pytest.fixture(scope="module")
def model():
    return read_model(sample_model_path())


@pytest.fixture(scope="module")
def opensim_pose():
    """Body origins and rotations of a document at its defaults, by opensim."""
    pytest.importorskip("opensim")
    from simspine.simspine_addon.kinematics.opensim_engine import OpensimEngine

    def pose(path):
        read = read_model(path)
        engine = OpensimEngine(path)
        positions, rotations, _ = engine.run(default_values(read)[None], read.coordinate_names)
        return {name: (positions[0, i], rotations[0, i]) for i, name in enumerate(engine.body_names)}

    return pose


def lean_to_right(rotation: np.ndarray) -> float:
    """Of a body's transverse axis, seen from the front, in deg; ground is x forward, y up, z right."""
    return float(np.degrees(np.arctan2(-rotation[1, 2], rotation[2, 2])))


@pytest.mark.parametrize(
    ("table", "ends"),
    [
        ({"scoliosis": 40, "apex": "L2", "side": "left"}, ("L4", "T12")),
        ({"scoliosis": 40, "apex": "L2", "side": "right"}, ("L4", "T12")),
        ({"scoliosis": 75, "apex": "L2-L3", "balance": "none"}, ("L5", "T12")),
        ({"scoliosis": 25, "apex": "T12-L1", "rotation": 12}, ("L3", "T12")),
        ({"scoliosis": 30, "apex": "L3", "lordosis": 10, "leg_length": -12, "leg": "left"}, ("L5", "L1")),
        ({"scoliosis": 20, "apex": "L3", "lower": "L4", "upper": "T12"}, ("L4", "T12")),
    ],
)
def test_cobb_angle_in_opensim_is_the_one_asked_for(model, tmp_path, opensim_pose, table, ends):
    edits, report = pathology_edits(model, pathology_from_table(table))
    write_edited(model, edits, tmp_path / "out.osim")
    pose = opensim_pose(tmp_path / "out.osim")
    leans = [lean_to_right(pose[BODIES[name]][1]) for name in ends]
    convex = 1.0 if table.get("side", "left") == "right" else -1.0
    assert convex * (leans[0] - leans[1]) == pytest.approx(table["scoliosis"], abs=1e-6)
    assert convex * leans[0] > 0 > convex * leans[1]
    assert report.measured["cobb_deg"] == pytest.approx(table["scoliosis"], abs=1e-5)


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_apex_moves_and_turns_to_the_convex_side(model, tmp_path, opensim_pose, side):
    edits, _ = pathology_edits(model, pathology_from_table({"scoliosis": 40, "apex": "L2", "side": side}))
    write_edited(model, edits, tmp_path / "out.osim")
    pose = opensim_pose(tmp_path / "out.osim")
    convex = 1.0 if side == "right" else -1.0
    apex, turn = pose["lumbar2"]
    shifts = {name: convex * (pose[body][0] - pose["sacrum"][0])[2] for name, body in BODIES.items()}
    assert convex * (apex - pose["sacrum"][0])[2] > 0.02
    assert max(shifts, key=lambda name: shifts[name]) in ("L3", "L2", "L1")
    assert abs(lean_to_right(turn)) < 1e-6
    assert np.degrees(np.arctan2(convex * turn[2, 0], turn[0, 0])) == pytest.approx(40 * 14.72 / 56.31, abs=1e-6)


def test_the_head_stays_over_the_sacrum_and_level(model, tmp_path, opensim_pose):
    edits, _ = pathology_edits(model, pathology_from_table({"scoliosis": 40, "lordosis": 12}))
    written = write_edited(model, edits, tmp_path / "out.osim")
    pose, before = opensim_pose(tmp_path / "out.osim"), opensim_pose(sample_model_path())
    for body in ("head", "humerus_r", "humerus_l", "femur_r", "femur_l"):
        np.testing.assert_allclose(pose[body][1], before[body][1], atol=1e-9)
    joints = [written.body_names.index("head"), vertebral_chain(written).joints[0]]
    lower, _ = rest_joint_frames(written)
    assert lower[joints[0], 2, 3] == pytest.approx(lower[joints[1], 2, 3], abs=1e-6)


@pytest.mark.parametrize(
    "table",
    [
        {"scoliosis": 40, "apex": "L2"},
        {"scoliosis": 30, "apex": "L1", "lordosis": -12, "leg_length": 20, "fuse": ["L5-S1", "L2-L3"]},
        {"kyphosis": 15, "fuse": "L3-S1", "balance": "none"},
    ],
)
def test_written_model_is_the_edited_one_and_moves_as_in_opensim(model, tmp_path, against_opensim, table):
    edits, _ = pathology_edits(model, pathology_from_table(table))
    written = write_edited(model, edits, tmp_path / "out.osim")
    assert difference(apply_pathology(model, pathology_from_table(table))[0], written) is None
    assert against_opensim(tmp_path / "out.osim", spread=1.0) < 1e-9


def test_the_real_capture_takes_a_curve(capture, tmp_path, against_opensim, opensim_pose):
    model = read_model(capture / "model.osim")
    table = {"scoliosis": 35, "apex": "L2", "side": "left", "leg_length": -15, "fuse": ["L5-S1"]}
    edits, _ = pathology_edits(model, pathology_from_table(table))
    write_edited(model, edits, tmp_path / "out.osim")
    pose = opensim_pose(tmp_path / "out.osim")
    lower, upper = (lean_to_right(pose[BODIES[name]][1]) for name in ("L4", "T12"))
    assert upper - lower == pytest.approx(35.0, abs=1e-6)
    assert against_opensim(tmp_path / "out.osim", spread=1.0) < 1e-9


def test_endplates_of_the_bones_show_the_curve(model):
    table = {"scoliosis": 40, "apex": "L2", "side": "right"}
    deformed, _ = apply_pathology(model, pathology_from_table(table))
    chain = vertebral_chain(model)
    plans = plan_curves(chain, pathology_from_table(table).curves)
    before, after = (endplate_angles(each, chain, plans, [])[0]["cobb_deg"] for each in (model, deformed))
    assert abs(before) < 1.0
    assert after - before == pytest.approx(40.0, abs=0.1)


@pytest.mark.parametrize("change", [15.0, -20.0])
def test_lordosis_between_endplates_changes_by_what_is_asked(model, change):
    deformed, report = apply_pathology(model, pathology_from_table({"lordosis": change}))

    def lordosis(each):
        track = pose_track(each, replace(read_motion(sample_motion_path("walking"), each)))
        still = body_frames(each, default_values(each)[None])
        track = replace(track, positions=still[0], rotations=still[1], time=np.zeros(1))
        return np.degrees(curvature(track, find_endplates(each)).lordosis[0])

    assert lordosis(deformed) - lordosis(model) == pytest.approx(change, abs=1e-6)
    # hyperlordosis goes with a pelvis tipped forward, the legs stay under it
    assert np.sign(report.measured["pelvis_backward_tilt_deg"]) == -np.sign(change)


def test_one_body_thorax_says_that_its_own_kyphosis_stays(model):
    _, report = apply_pathology(model, pathology_from_table({"kyphosis": 20}))
    assert report.measured["thoracolumbar_kyphosis_change_deg"] == pytest.approx(20.0, abs=1e-6)
    assert report.measured["kyphosis_change_deg"] == 0.0
    assert "T3-T12 is as before" in report.notes[0]


@pytest.mark.parametrize(("millimetres", "leg"), [(-15.0, "right"), (-30.0, "left"), (10.0, "right")])
def test_a_leg_is_as_much_shorter_as_asked_and_both_feet_stand(model, tmp_path, opensim_pose, millimetres, leg):
    pathology = pathology_from_table({"leg_length": millimetres, "leg": leg})
    edits, report = pathology_edits(model, pathology)
    write_edited(model, edits, tmp_path / "out.osim")
    pose, before = opensim_pose(tmp_path / "out.osim"), opensim_pose(sample_model_path())
    lengths = {
        side: [np.linalg.norm(each[f"femur_{side}"][0] - each[f"talus_{side}"][0]) for each in (before, pose)]
        for side in "lr"
    }
    changed, other = leg[0], "l" if leg == "right" else "r"
    assert 1e3 * (lengths[changed][1] - lengths[changed][0]) == pytest.approx(millimetres, abs=1e-6)
    assert lengths[other][1] == pytest.approx(lengths[other][0], abs=1e-12)
    assert pose["talus_r"][0][1] == pytest.approx(pose["talus_l"][0][1], abs=1e-9)
    assert pose[f"talus_{other}"][0] == pytest.approx(before[f"talus_{other}"][0], abs=1e-9)
    lower_side = "right" if (millimetres < 0) == (leg == "right") else "left"
    assert np.sign(report.measured["pelvic_obliquity_to_right_deg"]) == (1 if lower_side == "right" else -1)


def test_without_obliquity_the_pelvis_stays_level(model):
    _, report = apply_pathology(model, pathology_from_table({"leg_length": -20, "obliquity": False}))
    assert report.measured["pelvic_obliquity_to_right_deg"] == 0.0
    assert report.measured["leg_length_change_mm"] == pytest.approx(-20.0, abs=1e-6)


# fused levels


def test_a_fused_level_takes_no_part_in_the_curve_over_a_tilted_pelvis(model):
    _, report = apply_pathology(model, pathology_from_table({"leg_length": -20, "fuse": ["L4-L5"]}))
    bends = {name: level["bending_right_deg"] for name, level in report.levels.items()}
    tilt = report.measured["pelvic_obliquity_to_right_deg"]
    assert bends.pop("L4-L5") == 0.0
    np.testing.assert_allclose(list(bends.values()), -tilt / 5, atol=1e-4)


def test_a_fused_level_does_not_move_and_the_others_do(model):
    fused, _ = apply_pathology(model, pathology_from_table({"fuse": ["L4-L5"]}))
    motion = read_motion(sample_motion_path("trunk_flexion"), fused)
    assert any("L4_L5_Flex_Ext" in text and "unused" in text for text in motion.warnings)
    lower, upper = joint_frames(fused, *body_frames(fused, motion.values))
    relative = np.einsum("tjki,tjkl->tjil", lower[..., :3, :3], upper[..., :3, :3])
    levels = {level.name: level.joint for level in lumbar_levels(fused)}
    assert list(levels) == [level.name for level in lumbar_levels(model)]
    assert np.ptp(relative[:, levels["L4-L5"]], axis=0).max() < 1e-12
    assert np.ptp(relative[:, levels["L3-L4"]], axis=0).max() > 0.01


def test_the_levels_that_followed_a_fused_one_keep_their_proportions(model):
    fused, report = apply_pathology(model, pathology_from_table({"fuse": "L5-S1"}))
    names = fused.coordinate_names
    assert not any(name.startswith("L5_S1") for name in names)
    values = np.zeros((1, len(names)))
    values[0, names.index("L4_L5_Flex_Ext")] = 0.1
    follow = {c.dependent for c in fused.couplers}
    filled, _ = apply_couplers(fused, values, follow)
    before = {model.coordinate_names[c.dependent]: c.function.evaluate(np.ones((1, 1)))[0] for c in model.couplers}
    for level in ("L3_L4", "L2_L3", "L1_L2", "L1_T12"):
        name = f"{level}_Flex_Ext"
        assert filled[0, names.index(name)] == pytest.approx(0.1 * before[name] / before["L4_L5_Flex_Ext"])
    assert any("L4_L5_Flex_Ext leads" in note for note in report.notes)


def test_shared_motion_bends_the_trunk_as_far_as_before(model):
    fused, _ = apply_pathology(model, pathology_from_table({"fuse": ["L4-L5", "L5-S1"]}))
    motion = read_motion(sample_motion_path("trunk_flexion"), model)
    total = {}
    for shared in (False, True):
        moved = motion_of_fused(model, fused, motion, shared=shared)
        columns = [i for i, name in enumerate(moved.coordinate_names) if name.endswith("Flex_Ext")]
        total[shared] = moved.values[:, columns].sum(axis=1)
        assert "L4_L5_Flex_Ext" in moved.warnings[-1]
    whole = motion.values[:, [i for i, n in enumerate(motion.coordinate_names) if n.endswith("Flex_Ext")]].sum(axis=1)
    np.testing.assert_allclose(total[True], whole, atol=1e-12)
    assert np.abs(total[False] - whole).max() > 0.05


# models with thoracic vertebrae of their own


@pytest.fixture
def thoracic(xml, write):
    names = ["sacrum", *(f"lumbar{n}" for n in range(5, 0, -1)), *(f"thoracic{n}" for n in range(12, 0, -1)), "head"]
    bodies = xml.body("pelvis") + "".join(xml.body(name) for name in names)
    joints = xml.joint("FreeJoint", "root", "/ground", "/bodyset/pelvis", tuple(f"p{i}" for i in range(6)))
    joints += xml.joint("WeldJoint", "sacral", "/bodyset/pelvis", "/bodyset/sacrum", ())
    for below, above in itertools.pairwise(names):
        axes = {0: (f"{above}_z", LINEAR), 1: (f"{above}_x", LINEAR), 2: (f"{above}_y", LINEAR)}
        transform = xml.spatial_transform(axes, ("0 0 1", "1 0 0", "0 1 0", "1 0 0", "0 1 0", "0 0 1"))
        coordinates = (f"{above}_z", f"{above}_x", f"{above}_y")
        joint = xml.joint("CustomJoint", f"j_{above}", f"/bodyset/{below}", f"/bodyset/{above}", coordinates, transform)
        joints += joint.replace("0.1 -0.25 0.05", "0 0.02 0").replace("-0.02 0.2 0.04", "0 -0.01 0")
    return write(xml.document(bodies, joints))


def test_a_thoracic_curve_is_exact_where_thoracic_vertebrae_are_bodies(thoracic, tmp_path, opensim_pose):
    """Frames of this model point anywhere, its defaults are not zero: the turn of each body against before counts."""
    model = read_model(thoracic)
    table = {"scoliosis": 50, "apex": "T8", "side": "right", "lower": "T12", "upper": "T5", "balance": "none"}
    edits, report = pathology_edits(model, pathology_from_table(table))
    write_edited(model, edits, tmp_path / "out.osim")
    before, after = opensim_pose(thoracic), opensim_pose(tmp_path / "out.osim")
    forward = before["pelvis"][1][:, 0] * (1, 0, 1)
    forward /= np.linalg.norm(forward)
    axes = np.stack([forward, [0, 1, 0], np.cross(forward, [0, 1, 0])], axis=1)
    leans = [lean_to_right(axes.T @ after[n][1] @ before[n][1].T @ axes) for n in ("thoracic12", "thoracic5")]
    assert leans[0] - leans[1] == pytest.approx(50.0, abs=1e-5)
    assert report.asked["curve"].startswith("thoracic")
    np.testing.assert_allclose(after["thoracic1"][1], before["thoracic1"][1], atol=1e-9)


def test_kyphosis_is_spread_over_thoracic_vertebrae(thoracic):
    model = read_model(thoracic)
    _, report = apply_pathology(model, pathology_from_table({"kyphosis": 27, "balance": "none"}))
    assert report.measured["kyphosis_change_deg"] == pytest.approx(27.0, abs=1e-6)
    assert report.levels["T7-T8"]["extension_deg"] == pytest.approx(-3.0, abs=1e-3)
    assert report.levels["T2-T3"]["extension_deg"] == report.levels["T12-L1"]["extension_deg"] == 0.0
    assert report.notes == ()


# avatars


def test_an_avatar_is_bent_from_the_upright_pose(model):
    pathology = pathology_from_table({"scoliosis": 40, "leg_length": -10})
    deformed, _ = apply_pathology(model, pathology)
    upright = upright_model(model, pathology)
    track = pose_track(deformed, read_motion(sample_motion_path("walking"), deformed))
    bent = bent_from(track, upright)
    np.testing.assert_array_equal(bent.rotations, track.rotations)
    still = body_frames(upright, default_values(upright)[None])
    np.testing.assert_array_equal(bent.rest_rotations, still[1][0])
    names = [g.scale[1] for g in upright.geometry if upright.body_names[g.body] == "femur_r"]
    assert names[0] < 1.0


# closed forms


def test_a_power_of_a_rotation_is_a_share_of_its_angle():
    np.testing.assert_allclose(rotation_power(about(0, 1.2), 0.5), about(0, 0.6), atol=1e-15)
    tilted = about(1, 0.4) @ about(2, 2.5) @ about(1, -0.4)
    np.testing.assert_allclose(rotation_power(tilted, 0.5) @ rotation_power(tilted, 0.5), tilted, atol=1e-14)


def test_wedges_are_largest_at_the_apex_and_fade_to_the_ends(model):
    chain = vertebral_chain(model)
    table = {"scoliosis": 40, "apex": "L2-L3", "lower": "L5", "upper": "T12", "side": "right"}
    plans = plan_curves(chain, pathology_from_table(table).curves)
    wedges = np.abs(np.diff(np.degrees(tilts(len(chain.vertebrae), plans, [plans[0].cobb / 2]))))[1:]
    assert wedges.argmax() == 2
    assert wedges[0] < wedges[1] < wedges[2] > wedges[3] > wedges[4]
    assert wedges.sum() == pytest.approx(40.0)


def test_no_pathology_changes_nothing(model):
    edits, report = pathology_edits(model, pathology_from_table({}))
    assert difference(model, edited_model(model, edits)) is None
    assert report.measured == {}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"scoliosis": 130}, "130 deg, more than 120"),
        ({"scoliosis": -20}, "no curve"),
        ({"scoliosis": float("nan")}, "no curve"),
        ({"scoliosis": True}, "scoliosis = True is no number"),
        ({"scoliosis": "40"}, "'40' is no number"),
        ({"scolosis": 40}, "the key 'scolosis'.*scoliosis"),
        ({"apex": "L2"}, "apex says nothing without scoliosis"),
        ({"scoliosis": 30, "side": "port"}, "side is 'port'"),
        ({"lordosis": 90}, "change of lordosis is 90 deg"),
        ({"leg_length": -150}, "150 mm, more than 100"),
        ({"leg_length": -5, "leg": "middle"}, "leg is 'middle'"),
        ({"fuse": [3]}, "no list of levels"),
        ({"balance": "head"}, "balance is 'head'"),
    ],
)
def test_tables_that_no_person_fits_are_refused(table, words):
    with pytest.raises(InputError, match=words):
        pathology_from_table(table, "line 7: [recordings.pathology]")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"scoliosis": 30, "apex": "L9"}, "'L9' is no vertebra or disc"),
        ({"scoliosis": 30, "apex": "L2-L4"}, "'L2-L4' is no vertebra or disc"),
        ({"scoliosis": 30, "apex": "L5"}, "cannot lie between"),
        ({"scoliosis": 30, "apex": "L2", "upper": "T13"}, "'T13' is no vertebra of this"),
        ({"scoliosis": 115, "apex": "L1", "balance": "none"}, "T12-L1 alone would bend"),
        ({"kyphosis": 50}, "T12-L1 alone would bend by 50 deg"),
        ({"fuse": ["T8-T9"]}, "'T8-T9' is no level"),
    ],
)
def test_what_this_model_cannot_have_is_refused(model, table, words):
    with pytest.raises(InputError, match=words):
        apply_pathology(model, pathology_from_table(table))


def test_models_without_lumbar_vertebrae_or_legs_are_refused(xml, write):
    joints = xml.joint("PinJoint", "one", "/ground", "/bodyset/pelvis", ("q",))
    joints += xml.joint("PinJoint", "back", "/bodyset/pelvis", "/bodyset/torso", ("r",))
    model = read_model(write(xml.document(xml.body("pelvis") + xml.body("torso"), joints)))
    with pytest.raises(InputError, match="one lumbar joint"):
        apply_pathology(model, pathology_from_table({"scoliosis": 30}))
    with pytest.raises(InputError, match="no bodies femur_r"):
        apply_pathology(model, pathology_from_table({"leg_length": -10}))
