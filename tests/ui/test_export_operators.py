"""File > Export: what the operators write, and what they say when they cannot."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from simspine.exporters.bvh_reader import read_bvh  # noqa: E402
from simspine.simspine_addon.model.document import read_model  # noqa: E402
from simspine.simspine_addon.model.motion import read_motion  # noqa: E402

pytestmark = pytest.mark.usefixtures("addon")


@pytest.fixture
def person(small_person):
    bpy.ops.simspine.import_motion(filepath=str(small_person.motion), model_path=str(small_person.model))
    return bpy.context.object


@pytest.mark.parametrize("kind", ["bvh", "glb", "fbx", "usd"])
def test_a_person_becomes_a_file(person, tmp_path, kind):
    path = tmp_path / f"Übung eins.{'usdc' if kind == 'usd' else kind}"
    assert getattr(bpy.ops.simspine, f"export_{kind}")(filepath=str(path)) == {"FINISHED"}
    assert path.stat().st_size > 500
    assert bpy.context.object == person


def test_joint_angles_come_back(person, small_person, tmp_path):
    path = tmp_path / "back.mot"
    assert bpy.ops.simspine.export_opensim(filepath=str(path)) == {"FINISHED"}
    model = read_model(small_person.model)
    before, after = read_motion(small_person.motion, model), read_motion(path, model)
    columns = [after.coordinate_names.index(name) for name in before.coordinate_names]
    assert np.abs(after.values[:, columns] - before.values).max() < 1e-5


def test_an_armature_without_action_stands_still(tmp_path):
    bpy.ops.object.armature_add()
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 1, 4
    path = tmp_path / "still.bvh"
    assert bpy.ops.simspine.export_bvh(filepath=str(path)) == {"FINISHED"}
    read = read_bvh(path)
    assert len(read.values) == 4
    assert np.ptp(read.values, axis=0).max() == 0.0


def test_a_bad_place_is_one_line(person, tmp_path):
    for path in ("/proc/a.fbx", str(tmp_path / "nowhere" / "a.fbx")):
        with pytest.raises(RuntimeError) as refused:
            bpy.ops.simspine.export_fbx(filepath=path)
        assert len(str(refused.value).strip().splitlines()) == 1


def test_nothing_to_export_is_greyed_out_with_a_reason():
    with pytest.raises(RuntimeError, match="select an armature"):
        bpy.ops.simspine.export_fbx(filepath="a.fbx")
    with pytest.raises(RuntimeError, match="imported from OpenSim"):
        bpy.ops.simspine.export_opensim(filepath="a.mot")


def test_the_menu_offers_all_five():
    from simspine.simspine_addon.ui import export_operators

    assert export_operators.menu_entries in bpy.types.TOPBAR_MT_file_export.draw._draw_funcs
    assert len(export_operators.CLASSES) == 5
