"""Thoracic and several curves on models whose thorax is one body, measured on what opensim makes of the document."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simspine.sample_rigs import sample_model_path
from simspine.simspine_addon.model.displacement import Displacement
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.document_edit import write_edited
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.mesh_files import read_mesh
from simspine.simspine_addon.model.mesh_search import find_mesh
from simspine.simspine_addon.model.model_edits import ModelEdits
from simspine.simspine_addon.model.types import Marker
from simspine.simspine_addon.spine.endplates import find_endplates
from simspine.simspine_addon.spine.keypoints import keypoint_places
from simspine.simspine_addon.spine.pathology_apply import apply_pathology, deformity, pathology_edits, spine_plans
from simspine.simspine_addon.spine.pathology_curve import parts_below, tilts
from simspine.simspine_addon.spine.pathology_lenke import NAMES, lenke_curves
from simspine.simspine_addon.spine.pathology_measure import endplate_angles
from simspine.simspine_addon.spine.pathology_pose import about
from simspine.simspine_addon.spine.pathology_table import pathology_from_table
from simspine.simspine_addon.spine.pathology_thorax_edits import nearest_place
from simspine.simspine_addon.spine.thorax_levels import THORACIC_LEVELS, thoracic_centres
from simspine.simspine_addon.spine.vertebral_chain import vertebral_chain

BODIES = {"L5": "lumbar5", "L4": "lumbar4", "L3": "lumbar3", "L2": "lumbar2", "L1": "lumbar1", "T12": "torso"}
DOUBLE = [{"cobb": 50, "apex": "T8", "side": "right"}, {"cobb": 40, "apex": "L2", "side": "left"}]


@pytest.fixture(scope="module", params=["sample", "capture"])
def model(request):
    """The sample, whose vertebrae are found by keypoints, and the real capture, which draws OpenSim's."""
    return the_model(request, request.param)


def the_model(request, name):
    return read_model(sample_model_path() if name == "sample" else request.getfixturevalue("capture") / "model.osim")


@pytest.fixture(scope="module")
def sample():
    return read_model(sample_model_path())


def opensim_vertebrae(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Origin and rotation, by opensim, of lumbar bodies and of the frames that draw thoracic vertebrae."""
    opensim = pytest.importorskip("opensim")
    opensim.Logger.setLevelString("error")
    document = opensim.Model(str(path))
    state = document.initSystem()
    document.realizePosition(state)
    found = {}

    def keep(name, frame):
        transform = frame.getTransformInGround(state)
        turn, place = transform.R(), transform.p()
        rotation = np.array([[turn.get(i, j) for j in range(3)] for i in range(3)])
        found[name] = np.array([place.get(i) for i in range(3)]), rotation

    for level, body in BODIES.items():
        keep(level, document.getBodySet().get(body))
    for component in document.getComponentsList():
        if component.getConcreteClassName() != "Mesh":
            continue
        mesh = opensim.Mesh.safeDownCast(component)
        name = mesh.get_mesh_file()
        if name.startswith("thoracic"):
            keep("T" + "".join(c for c in name if c.isdigit()), opensim.Frame.safeDownCast(mesh.getFrame()))
    return found


def lean_to_right(rotation: np.ndarray) -> float:
    """Of a body's transverse axis, seen from the front, in deg; ground is x forward, y up, z right."""
    return float(np.degrees(np.arctan2(-rotation[1, 2], rotation[2, 2])))


def written(model, table, path):
    edits, report = pathology_edits(model, pathology_from_table(table))
    write_edited(model, edits, path)
    return report


@pytest.mark.parametrize(
    ("name", "table", "curves"),
    [
        ("sample", {"scoliosis": 50, "apex": "T8", "side": "right"}, [("T11", "T5", 50.0, "right")]),
        ("capture", {"lenke": 1, "scoliosis": 50}, [("T12", "T6", 50.0, "right")]),
        ("sample", {"scoliosis": 30, "apex": "T12", "lower": "L3", "upper": "T9"}, [("L3", "T9", 30.0, "left")]),
        ("capture", {"scoliosis": DOUBLE, "leg_length": -10}, [("L4", "T11", 40, "left"), ("T11", "T5", 50, "right")]),
        ("sample", {"lenke": 2}, [("T11", "T6", 60.0, "right"), ("T6", "T1", 30.0, "left")]),
        ("sample", {"lenke": 3, "fuse": "L4-L5"}, [("L4", "T11", 50.4, "left"), ("T11", "T5", 63.0, "right")]),
        ("capture", {"lenke": 6, "balance": "none"}, [("L4", "T11", 59.0, "left"), ("T11", "T5", 47.2, "right")]),
    ],
)
def test_cobb_angles_of_drawn_vertebrae_in_opensim_are_those_asked_for(request, tmp_path, name, table, curves):
    report = written(the_model(request, name), table, tmp_path / "out.osim")
    pose = opensim_vertebrae(tmp_path / "out.osim")
    for lower, upper, cobb, side in curves:
        convex = 1.0 if side == "right" else -1.0
        leans = [convex * lean_to_right(pose[name][1]) for name in (lower, upper)]
        assert leans[0] - leans[1] == pytest.approx(cobb, abs=1e-5)
        assert leans[0] > 0 > leans[1]
    measured = [value for name, value in report.measured.items() if name.endswith("cobb_deg")]
    assert measured == pytest.approx([cobb for _, _, cobb, _ in curves], abs=1e-5)


def test_a_model_with_a_bent_thorax_moves_as_in_opensim(model, tmp_path, against_opensim):
    written(model, {"lenke": 4, "fuse": "L5-S1", "leg_length": 12}, tmp_path / "out.osim")
    assert against_opensim(tmp_path / "out.osim", spread=1.0) < 1e-9


def test_the_apex_lies_farthest_to_the_convex_side_and_the_head_over_the_sacrum(sample, tmp_path):
    written(sample, {"scoliosis": 50, "apex": "T9", "side": "right"}, tmp_path / "out.osim")
    pose, plates = opensim_vertebrae(tmp_path / "out.osim"), find_endplates(sample)
    middles = {
        name: 0.5 * (plates.get(name, "upper").centre + plates.get(name, "lower").centre) for name in THORACIC_LEVELS
    }
    right = {name: (pose[name][0] + pose[name][1] @ middles[name])[2] for name in THORACIC_LEVELS}
    assert max(right, key=lambda name: right[name]) == "T9"
    assert right["T9"] > 0.04
    assert abs(right["T1"]) < 0.01
    turn = pose["T9"][1]
    assert np.degrees(np.arctan2(turn[2, 0], turn[0, 0])) == pytest.approx(50 * 14.72 / 56.31, abs=1e-5)


def test_markers_on_the_back_show_the_curve(sample, tmp_path, against_opensim):
    """Two markers beside each end vertebra, at its height: the line through them leans as the vertebra does."""
    opensim = pytest.importorskip("opensim")
    chain = vertebral_chain(sample)
    centres, _ = thoracic_centres(sample, chain.bodies[-1], np.zeros(3))
    pairs = tuple(
        Marker(f"{name}_{side}", chain.bodies[-1], centres[THORACIC_LEVELS.index(name)] + [-0.03, 0.0, z])
        for name in ("T5", "T11")
        for side, z in (("left", -0.02), ("right", 0.02))
    )
    marked = write_edited(sample, ModelEdits(added=pairs), tmp_path / "marked.osim")
    written(marked, {"scoliosis": 50, "apex": "T8", "lower": "T11", "upper": "T5"}, tmp_path / "out.osim")
    document = opensim.Model(str(tmp_path / "out.osim"))
    state = document.initSystem()
    places = {}
    for name in (marker.name for marker in pairs):
        point = document.getMarkerSet().get(name).getLocationInGround(state)
        places[name] = np.array([point.get(i) for i in range(3)])
    leans = [places[f"{name}_right"] - places[f"{name}_left"] for name in ("T11", "T5")]
    angles = [np.degrees(np.arctan2(-line[1], line[2])) for line in leans]
    assert angles[0] - angles[1] == pytest.approx(50.0, abs=1e-5)


def test_endplates_of_the_bones_show_both_curves(model):
    pathology = pathology_from_table({"scoliosis": DOUBLE})
    deformed, _ = apply_pathology(model, pathology)
    chain, plans = spine_plans(model, pathology)
    before, after = (endplate_angles(each, chain, plans, [])[0] for each in (model, deformed))
    assert after["T8_cobb_deg"] - before["T8_cobb_deg"] == pytest.approx(50.0, abs=0.1)
    assert after["L2_cobb_deg"] - before["L2_cobb_deg"] == pytest.approx(40.0, abs=0.1)


def test_vertebrae_are_found_where_their_bones_are(model):
    chain, plates = vertebral_chain(model), find_endplates(model)
    below = model.joints[chain.joints[-1]].child_offset[:3, 3]
    centres, told = thoracic_centres(model, chain.bodies[-1], below)
    bones = np.array(
        [0.5 * (plates.get(name, "upper").centre + plates.get(name, "lower").centre) for name in THORACIC_LEVELS]
    )
    largest = 0.002 if "draws" in told else 0.006
    assert np.linalg.norm(centres - bones, axis=1).max() < largest


def test_the_shoulders_go_with_t1_and_stay_level_under_a_level_neck(sample, tmp_path):
    made = deformity(sample, pathology_from_table({"lenke": 1, "scoliosis": 60}))
    deformed = write_edited(sample, pathology_edits(sample, pathology_from_table({"lenke": 1, "scoliosis": 60}))[0],
                            tmp_path / "out.osim")  # fmt: skip
    joints = {joint.name: joint.parent_offset[:3, 3] for joint in deformed.joints}
    markers = {marker.name: marker.location for marker in deformed.markers}
    for side, letter in (("R", "r"), ("L", "l")):
        gone = markers[f"{side}Shoulder"] - joints[f"acromial_{letter}"]
        before = next(m for m in sample.markers if m.name == f"{side}Shoulder").location
        joint = next(j for j in sample.joints if j.name == f"acromial_{letter}").parent_offset[:3, 3]
        assert np.linalg.norm(gone) == pytest.approx(np.linalg.norm(before - joint), abs=1e-12)
    assert made.thorax is not None
    pose = opensim_vertebrae(tmp_path / "out.osim")
    line = pose["T12"][1] @ (joints["acromial_r"] - joints["acromial_l"])
    assert abs(line[1]) < 1e-9


def test_keypoints_of_the_thorax_become_markers_that_went_with_the_curve(capture):
    model = read_model(capture / "model.osim")
    deformed, report = apply_pathology(model, pathology_from_table({"lenke": 1}))
    before, after = keypoint_places(model), keypoint_places(deformed)
    index = [i for i, source in enumerate(before.source) if source == "placed" and after.source[i] == "marker"]
    assert len(index) == 8
    assert any("Spine_04" in note for note in report.notes)
    moved = np.linalg.norm(after.locations[index] - before.locations[index], axis=1)
    assert (moved > 0.005).all()


def test_a_bent_thorax_says_what_it_is(sample):
    _, report = apply_pathology(sample, pathology_from_table({"lenke": 3}))
    assert any("one body" in note and "stays rigid in motion" in note for note in report.notes)


def test_what_hangs_on_the_thorax_besides_goes_along(capture, tmp_path):
    """Wrapping surfaces of the real capture and the points of a spring, where opensim finds them."""
    opensim = pytest.importorskip("opensim")
    text = (capture / "model.osim").read_text(encoding="utf-8")
    point = (
        '<PathPoint name="{}"><socket_parent_frame>/bodyset/{}</socket_parent_frame><location>{}</location></PathPoint>'
    )
    spring = (
        '<PathSpring name="cord"><GeometryPath name="path"><PathPointSet><objects>'
        + point.format("low", "pelvis", "0 0 0") + point.format("high", "torso", "-0.04 0.24 0.05")
        + "</objects></PathPointSet></GeometryPath><resting_length>0.1</resting_length><stiffness>1</stiffness>"
        "<dissipation>0</dissipation></PathSpring>"
    )  # fmt: skip
    start = text.index('<ForceSet name="')
    before, after = text[:start], text[start:]
    after = after.replace("<objects />", f"<objects>{spring}</objects>", 1)
    (tmp_path / "model.osim").write_text(before + after, encoding="utf-8")
    model = read_model(tmp_path / "model.osim")
    made = deformity(model, pathology_from_table({"scoliosis": 50, "apex": "T8"}))
    written(model, {"scoliosis": 50, "apex": "T8"}, tmp_path / "out.osim")
    documents = [opensim.Model(str(tmp_path / name)) for name in ("model.osim", "out.osim")]
    states = [document.initSystem() for document in documents]
    displaced = made.edits.displaced["torso"]

    def end(document, state):
        force = opensim.PathSpring.safeDownCast(document.getForceSet().get("cord"))
        location = opensim.PathPoint.safeDownCast(force.getGeometryPath().getPathPointSet().get(1)).getLocation(state)
        return np.array([location.get(i) for i in range(3)])

    was, now = (end(*pair) for pair in zip(documents, states, strict=True))
    assert np.linalg.norm(now - was) > 0.005
    np.testing.assert_allclose(now, displaced.points(was), atol=1e-12)
    for name in ("Cylinder", "Chest_r", "Chest_l"):
        wraps = [d.getBodySet().get("torso").getWrapObjectSet().get(name).get_translation() for d in documents]
        was, now = (np.array([vector.get(i) for i in range(3)]) for vector in wraps)
        np.testing.assert_allclose(now, displaced.points(was), atol=1e-12)


def test_kyphosis_goes_into_a_thorax_that_may_curve(sample, tmp_path):
    table = {"kyphosis": 27, "thorax": "curved", "balance": "none"}
    report = written(sample, table, tmp_path / "out.osim")
    pose = opensim_vertebrae(tmp_path / "out.osim")
    backward = {name: np.degrees(np.arctan2(turn[1, 0], turn[0, 0])) for name, (_, turn) in pose.items()}
    assert backward["T12"] - backward["T3"] == pytest.approx(27.0, abs=1e-5)
    before = opensim_vertebrae(sample_model_path())
    np.testing.assert_allclose(pose["L1"][1], before["L1"][1], atol=1e-9)
    assert report.measured["kyphosis_change_deg"] == pytest.approx(27.0, abs=1e-5)


def test_a_head_that_the_curves_do_not_let_over_the_sacrum_is_named(sample):
    _, report = apply_pathology(sample, pathology_from_table({"lenke": 4}))
    off = report.measured["head_right_of_sacrum_mm"]
    assert off > 1.0
    assert any(f"{off:.0f} mm to the right of the sacrum" in note for note in report.notes)
    _, balanced = apply_pathology(sample, pathology_from_table({"lenke": 2}))
    assert abs(balanced.measured["head_right_of_sacrum_mm"]) < 1e-3
    assert any("compensating curve" in note for note in balanced.notes)


# several curves


def test_a_list_of_one_curve_is_the_single_spelling(sample, tmp_path):
    single = {"scoliosis": 40, "apex": "L2", "side": "left"}
    listed = {"scoliosis": [{"cobb": 40, "apex": "L2", "side": "left"}]}
    for name, table in (("one.osim", single), ("other.osim", listed)):
        written(sample, table, tmp_path / name)
    assert (tmp_path / "one.osim").read_bytes() == (tmp_path / "other.osim").read_bytes()


def test_curves_that_share_an_end_join_without_a_kink(sample):
    chain, plans = spine_plans(sample, pathology_from_table({"scoliosis": DOUBLE}))
    assert [chain.vertebrae[plan.upper] for plan in plans] == ["T11", "T5"]
    leans = np.degrees(tilts(len(chain.vertebrae), plans, parts_below(plans, 0.5)))
    wedges = np.diff(leans)
    shared = plans[0].upper
    assert leans[plans[0].lower] - leans[shared] == pytest.approx(-40.0)
    assert leans[shared] - leans[plans[1].upper] == pytest.approx(50.0)
    # the lean is extreme at the shared vertebra and its change small on both sides of it
    assert wedges[shared - 1] > 0 > wedges[shared]
    assert max(abs(wedges[shared - 1]), abs(wedges[shared])) < 0.5 * np.abs(wedges).max()


def test_curves_may_leave_vertebrae_between_them(sample, tmp_path):
    low = {"cobb": 30, "apex": "L3", "lower": "L5", "upper": "L1", "side": "left"}
    high = {"cobb": 45, "apex": "T7", "lower": "T10", "upper": "T4", "side": "right"}
    written(sample, {"scoliosis": [high, low]}, tmp_path / "out.osim")
    pose = opensim_vertebrae(tmp_path / "out.osim")
    assert lean_to_right(pose["L1"][1]) - lean_to_right(pose["L5"][1]) == pytest.approx(30.0, abs=1e-5)
    assert lean_to_right(pose["T10"][1]) - lean_to_right(pose["T4"][1]) == pytest.approx(45.0, abs=1e-5)


def test_lenke_types_have_their_structural_curves_and_sides():
    found = {name: [(c.apex, c.side) for c in lenke_curves(kind)] for name, kind in NAMES.items()}
    assert found["MT"] == [("T9", "right")]
    assert found["DT"] == [("T8", "right"), ("T4", "left")]
    assert found["DM"] == found["TL/L-MT"] == [("L2", "left"), ("T8", "right")]
    assert found["TM"] == [("L2", "left"), ("T8", "right"), ("T4", "left")]
    assert found["TL/L"] == [("L1", "left")]
    assert [curve.side for curve in lenke_curves("DM", side="left")] == ["right", "left"]
    major = {name: max(c.cobb_deg for c in lenke_curves(kind)) for name, kind in NAMES.items()}
    assert major == {"MT": 52, "DT": 60, "DM": 63, "TM": 78, "TL/L": 46, "TL/L-MT": 59}  # Sponseller et al. 2010


@pytest.mark.parametrize("kind", ["2", "4"])
def test_the_report_names_the_lenke_type_of_several_curves(sample, kind):
    _, report = apply_pathology(sample, pathology_from_table({"lenke": kind, "scoliosis": 50}))
    assert report.asked["lenke_type_if_all_are_structural"].startswith(kind)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"scoliosis": []}, r"scoliosis = \[\] is no curve"),
        ({"scoliosis": [40]}, "lists 40, which is no curve"),
        ({"scoliosis": [{"cobb": 40}]}, "has no apex"),
        ({"scoliosis": [{"cobb": 40, "apex": "T8", "cob": 3}]}, "the key 'cob'"),
        ({"scoliosis": [{"cobb": "40", "apex": "T8"}]}, "cobb = '40' is no number"),
        ({"scoliosis": [{"cobb": 140, "apex": "T8"}]}, "140 deg, more than 120"),
        ({"scoliosis": DOUBLE, "side": "left"}, "side stands beside a list"),
        ({"scoliosis": DOUBLE, "lenke": 3}, "lenke stands beside a list of curves"),
        ({"lenke": 3, "apex": "T8", "scoliosis": 40}, "lenke stands beside apex"),
        ({"lenke": 7}, "no Lenke type '7'"),
        ({"lenke": True}, "lenke = True is no type"),
        ({"side": "left"}, "side says nothing without scoliosis"),
        ({"kyphosis": 10, "thorax": "soft"}, "thorax is 'soft'"),
    ],
)
def test_tables_of_several_curves_that_say_nothing_are_refused(table, words):
    with pytest.raises(InputError, match=words):
        pathology_from_table(table)


@pytest.mark.parametrize(
    ("curves", "words"),
    [
        ([("T8", 50, {}), ("L2", 40, {"side": "right"})], "neighbours and both convex to the right"),
        ([("T8", 50, {"lower": "T12"}), ("L2", 40, {"upper": "T11"})], "begins at T12, below the end T11"),
        ([("T8", 90, {}), ("L2", 15, {}), ("T4", 15, {})], "cannot share end vertebrae"),
        ([("T8", 50, {}), ("L9", 40, {})], "'L9' is no vertebra or disc"),
    ],
)
def test_curves_that_do_not_go_together_are_refused(sample, curves, words):
    sides = {"T8": "right", "L2": "left", "T4": "left", "L9": "left"}
    table = {"scoliosis": [{"cobb": cobb, "apex": apex, "side": sides[apex], **more} for apex, cobb, more in curves]}
    with pytest.raises(InputError, match=words):
        apply_pathology(sample, pathology_from_table(table))


def test_a_thorax_of_which_nothing_is_known_is_refused(sample):
    bare = replace(sample, markers=(), geometry=tuple(g for g in sample.geometry if g.kind != "mesh"))
    bare = replace(bare, bodies=tuple(replace(b, name="thorax" if b.name == "torso" else b.name) for b in bare.bodies))
    with pytest.raises(InputError, match="nothing tells where the thoracic vertebrae lie"):
        apply_pathology(bare, pathology_from_table({"lenke": 1}))


# closed forms


def test_points_between_two_heights_go_to_the_mean_of_both_displacements():
    first, second = np.eye(4), np.eye(4)
    second[:3, :3], second[:3, 3] = about(0, 0.3), (0.0, 0.01, 0.02)
    displaced = Displacement(np.array([0.1, 0.2]), np.stack([first, second]))
    point = np.array([0.05, 0.175, -0.03])
    gone = second[:3, :3] @ point + second[:3, 3]
    np.testing.assert_allclose(displaced.points(point), 0.25 * point + 0.75 * gone, atol=1e-15)
    np.testing.assert_allclose(
        displaced.at(point)[:3, :3] @ point + displaced.at(point)[:3, 3], displaced.points(point)
    )
    np.testing.assert_allclose(displaced.at(np.array([0.0, 0.9, 0.0])), second, atol=1e-12)
    np.testing.assert_array_equal(displaced.points(np.array([0.3, 0.0, 0.1])), [0.3, 0.0, 0.1])


def test_a_thorax_displaced_as_one_has_that_as_its_nearest_place():
    place = np.eye(4)
    place[:3, :3], place[:3, 3] = about(0, 0.2) @ about(1, -0.4), (0.01, -0.02, 0.03)
    np.testing.assert_allclose(
        nearest_place(Displacement(np.linspace(0.1, 0.4, 12), np.tile(place, (12, 1, 1)))), place, atol=1e-12
    )


def test_a_bent_rib_cage_goes_with_the_vertebra_at_its_height(sample):
    """A vertex at the height of T9's middle goes, in the mesh's own coordinates, as the drawn T9 does."""
    deformed, _ = apply_pathology(sample, pathology_from_table({"scoliosis": 50, "apex": "T9"}))
    drawn = {geometry.file: geometry for geometry in deformed.geometry}
    cage, vertebra = drawn["thorax.vtp"], drawn["thoracic9.vtp"]
    assert cage.bend is not None
    height = cage.bend.heights[THORACIC_LEVELS.index("T9")]
    mesh = read_mesh(find_mesh("thorax.vtp", sample.path))
    points = np.array([[0.05, height, 0.1], [-0.02, height, -0.08]])
    gone = points @ vertebra.transform[:3, :3].T + vertebra.transform[:3, 3]
    np.testing.assert_allclose(cage.bend.vertices(points, cage.transform, cage.scale), gone, atol=1e-12)
    assert np.abs(cage.bend.vertices(mesh.vertices, cage.transform, cage.scale) - mesh.vertices).max() > 0.02
