"""The sidebar, drawn into a layout that writes down what it is told."""

from types import SimpleNamespace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from simspine.simspine_addon.ui.people import current_person, person_parts  # noqa: E402
from simspine.simspine_addon.ui.person_panel import SIMSPINE_PT_imported  # noqa: E402
from simspine.simspine_addon.ui.spine_panel import SIMSPINE_PT_lumbar, angle_rows  # noqa: E402

pytestmark = pytest.mark.usefixtures("addon")


class Notebook:
    """Stands in for a layout: every part of it writes into the same lists."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self.operators: list[str] = []
        self.properties: list[str] = []

    def _part(self, **_):
        return self

    row = column = box = split = _part

    def panel(self, _name, default_closed=False):
        return self, self

    def separator(self):
        pass

    def label(self, text="", icon="NONE"):
        self.labels.append(text)

    def operator(self, name, text="", icon="NONE"):
        self.operators.append(text or name)
        return SimpleNamespace()

    def prop(self, _data, name, text="", **_):
        self.properties.append(text or name)


def drawn(panel) -> Notebook:
    notebook = Notebook()
    panel.draw(SimpleNamespace(layout=notebook), bpy.context)
    return notebook


def table(notebook: Notebook) -> list[list[str]]:
    """Rows of the drawn table, which is drawn column by column."""
    start = notebook.labels.index("Level")
    names = [label for label in notebook.labels[start + 1 :] if label][: notebook.labels.index("Flexion") - start - 1]
    columns = [names]
    for title in ("Flexion", "Bending", "Axial"):
        first = notebook.labels.index(title) + 1
        columns.append(notebook.labels[first : first + len(names)])
    return [list(row) for row in zip(*columns, strict=True)]


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def test_an_empty_scene_offers_the_import():
    notebook = drawn(SIMSPINE_PT_imported)
    assert "Nothing imported yet" in notebook.labels
    assert notebook.operators == ["Import Motion…"]
    assert not SIMSPINE_PT_lumbar.poll(bpy.context)


def test_what_was_imported_is_told(small_person):
    bpy.ops.simspine.import_motion(filepath=str(small_person.motion), with_markers=True)
    notebook = drawn(SIMSPINE_PT_imported)
    told = dict(zip(notebook.labels, notebook.labels[1:], strict=False))
    assert (told["Model"], told["Motion"], told["Samples"]) == ("small.osim", "bending.mot", "5 at 25 Hz")
    assert (told["Frames"], told["Bodies"], told["Meshes"]) == ("1 to 5", "7", "0 of 1")
    assert "1 warning" in notebook.labels
    assert notebook.properties == ["Skeleton", "Bones", "Markers"]


def test_the_table_holds_the_angles_of_the_current_frame(scene, small_person):
    bpy.ops.simspine.import_motion(filepath=str(small_person.motion))
    for frame in (2, 5):
        scene.frame_set(frame)
        rows = table(drawn(SIMSPINE_PT_lumbar))
        assert [row[0] for row in rows] == ["L5-S1", "L4-L5", "L3-L4", "L2-L3", "L1-L2", "T12-L1", "Sum"]
        shown = np.array([[number(text) for text in row[1:]] for row in rows])
        wanted = small_person.angles[frame - 1]
        assert np.allclose(shown[:-1], wanted, atol=0.0501)
        assert np.allclose(shown[-1], wanted.sum(axis=0), atol=0.0501)


def test_a_renamed_bone_keeps_its_level(scene, small_person):
    bpy.ops.simspine.import_motion(filepath=str(small_person.motion))
    before = table(drawn(SIMSPINE_PT_lumbar))
    bpy.context.object.data.bones["lumbar4"].name = "Lendenwirbel"
    bpy.context.view_layer.update()
    assert table(drawn(SIMSPINE_PT_lumbar)) == before


def test_a_deleted_vertebra_costs_its_two_levels_only(small_person):
    bpy.ops.simspine.import_motion(filepath=str(small_person.motion))
    bpy.ops.object.mode_set(mode="EDIT")
    bones = bpy.context.object.data.edit_bones
    bones.remove(bones["lumbar3"])
    bpy.ops.object.mode_set(mode="OBJECT")
    assert [row[0] for row in table(drawn(SIMSPINE_PT_lumbar))] == ["L5-S1", "L4-L5", "L1-L2", "T12-L1", "Sum"]


def test_a_model_without_vertebrae_is_told_so(xml, write):
    body, joint = xml.body("arm"), xml.joint("PinJoint", "shoulder", "/ground", "/bodyset/arm", ("angle",))
    bpy.ops.simspine.import_motion(filepath=str(write(xml.document(body, joint))))
    assert drawn(SIMSPINE_PT_lumbar).labels == ["This model has no lumbar vertebrae"]


def test_the_person_of_an_active_marker_is_meant(scene, small_person):
    bpy.ops.simspine.import_motion(filepath=str(small_person.motion), with_markers=True)
    first = bpy.context.object
    tip = bpy.data.objects["tip"]
    bpy.ops.simspine.import_motion(filepath=str(small_person.motion))
    bpy.context.view_layer.objects.active = tip
    assert current_person(bpy.context) == first


def test_of_several_people_one_can_be_chosen(scene, small_person):
    for _ in range(2):
        bpy.ops.simspine.import_motion(filepath=str(small_person.motion))
    bpy.context.view_layer.objects.active = None
    notebook = drawn(SIMSPINE_PT_imported)
    assert notebook.labels == ["Which person?"]
    assert notebook.operators[:2] == ["test", "test.001"]
    bpy.ops.simspine.select_person(person="test")
    assert bpy.context.object.name == "test"
    assert bpy.context.selected_objects == [bpy.context.object]


def test_a_deleted_person_is_forgotten(small_person):
    bpy.ops.simspine.import_motion(filepath=str(small_person.motion))
    bpy.data.objects.remove(bpy.context.object)
    assert "Nothing imported yet" in drawn(SIMSPINE_PT_imported).labels


def test_a_person_taken_out_of_its_collections_is_still_told(scene, small_person):
    bpy.ops.simspine.import_motion(filepath=str(small_person.motion))
    person = bpy.context.object
    for collection in tuple(person.users_collection):
        collection.objects.unlink(person)
    scene.collection.objects.link(person)
    assert person_parts(bpy.context, person) == []
    assert "small.osim" in drawn(SIMSPINE_PT_imported).labels


def test_a_saved_file_remembers_without_the_documents(scene, small_person, tmp_path):
    bpy.ops.simspine.import_motion(filepath=str(small_person.motion))
    scene.frame_set(3)
    before = drawn(SIMSPINE_PT_imported).labels, table(drawn(SIMSPINE_PT_lumbar))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    small_person.model.unlink()
    small_person.motion.unlink()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.context.view_layer.update()
    assert (drawn(SIMSPINE_PT_imported).labels, table(drawn(SIMSPINE_PT_lumbar))) == before


def test_no_minus_stands_before_zero():
    level = SimpleNamespace(level="L5-S1", flexion_extension=-0.04, lateral_bending=-0.06, axial_rotation=0.0)
    assert angle_rows([level]) == [("L5-S1", "0.0", "−0.1", "0.0")]


def test_warnings_that_differ_by_a_name_are_told_once():
    from simspine.simspine_addon.ui.reporting import gathered

    told = gathered(["the mesh a.vtp was not found", "body 'x' is long", "the mesh b.vtp was not found"])
    assert told == ["the mesh a.vtp was not found (and 1 more like this)", "body 'x' is long"]
