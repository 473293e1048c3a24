"""File > Import > OpenSim motion, from the chosen files to the scene and back."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from simspine.simspine_addon.scene.armature import body_frames  # noqa: E402
from simspine.simspine_addon.scene.person_record import current_lumbar_angles, read_record  # noqa: E402

OPENSIM_TO_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])

pytestmark = pytest.mark.usefixtures("addon")


def test_a_motion_and_its_model_become_an_animated_person(scene, small_person):
    done = bpy.ops.simspine.import_motion(filepath=str(small_person.motion), model_path=str(small_person.model))
    assert done == {"FINISHED"}
    record = read_record(bpy.context.object)
    assert (record.model_file, record.motion_file, record.bodies) == ("small.osim", "bending.mot", 7)
    assert (record.samples, record.rate, record.frame_start, record.frame_end) == (5, 25.0, 1.0, 5.0)
    assert scene.render.fps == 25


def test_files_chosen_together_in_the_dialog(small_person):
    names = [{"name": small_person.model.name}, {"name": small_person.motion.name}]
    assert bpy.ops.simspine.import_motion(directory=str(small_person.folder), files=names) == {"FINISHED"}
    assert read_record(bpy.context.object).motion_file == "bending.mot"


def test_several_motions_become_several_people_in_step(scene, small_person):
    again = small_person.folder / "again.mot"
    again.write_text(small_person.motion.read_text())
    names = [{"name": name} for name in ("small.osim", "bending.mot", "again.mot")]
    bpy.ops.simspine.import_motion(directory=str(small_person.folder), files=names)
    assert [thing.name for thing in scene.objects if thing.type == "ARMATURE"] == ["test bending", "test again"]
    assert (scene.frame_start, scene.frame_end) == (1, 5)


def test_a_model_alone_stands_at_its_defaults(small_person):
    bpy.ops.simspine.import_motion(filepath=str(small_person.model))
    person = bpy.context.object
    defaults = np.degrees([0.05, 0.10, 0.15])  # as `coordinates_xml` gives them to each joint's three
    assert read_record(person).samples == 1
    for each in current_lumbar_angles(person):
        turns = [each.flexion_extension, each.lateral_bending, each.axial_rotation]
        assert np.allclose(turns, defaults, atol=1e-4)


def test_the_frame_rate_of_the_dialog_resamples(scene, small_person):
    bpy.ops.simspine.import_motion(filepath=str(small_person.motion), fps=50.0)
    assert (scene.render.fps, scene.frame_end) == (50, 9)


def test_markers_come_when_asked_for(scene, small_person):
    bpy.ops.simspine.import_motion(filepath=str(small_person.motion), with_markers=True)
    assert "tip" in scene.objects


def test_missing_meshes_cost_a_warning_and_are_remembered(small_person):
    bpy.ops.simspine.import_motion(filepath=str(small_person.motion))
    record = read_record(bpy.context.object)
    assert (record.pieces, record.pieces_shown) == (1, 0)
    assert any("no_such_bone.vtp" in warning for warning in record.warnings)


def test_meshes_that_nobody_asked_for_are_not_missing(small_person):
    bpy.ops.simspine.import_motion(filepath=str(small_person.motion), with_meshes=False)
    record = read_record(bpy.context.object)
    assert (record.pieces, record.warnings) == (0, ())


@pytest.mark.parametrize("broken", ["model", "motion"])
def test_a_broken_file_is_named_and_changes_nothing(small_person, counts, broken):
    path = getattr(small_person, broken)
    path.write_text("this is neither\n")
    before = counts()
    with pytest.raises(RuntimeError, match=path.name):
        bpy.ops.simspine.import_motion(filepath=str(small_person.motion))
    assert counts() == before


def test_a_second_motion_that_fails_takes_the_first_one_back(small_person, counts):
    # One sample in a fiftieth of a second's time: too short for the one frame a second that is asked for.
    short = small_person.folder / "short.mot"
    lines = small_person.motion.read_text().splitlines()
    rows = [line.split("\t", 1)[1] for line in lines[7:9]]
    short.write_text("\n".join([*lines[:2], "nRows=2", *lines[3:7], f"0.01\t{rows[0]}", f"0.02\t{rows[1]}"]))
    names = [{"name": name} for name in ("small.osim", "bending.mot", "short.mot")]
    before = counts()
    with pytest.raises(RuntimeError, match="shorter than one frame"):
        bpy.ops.simspine.import_motion(directory=str(small_person.folder), files=names, fps=1.0)
    assert counts() == before


def test_undo_takes_the_import_back_and_redo_brings_it_again(small_person, counts):
    bpy.ops.ed.undo_push(message="before")
    before = counts()
    bpy.ops.simspine.import_motion("EXEC_DEFAULT", True, filepath=str(small_person.motion))
    imported = counts()
    assert imported != before
    bpy.ops.ed.undo()
    assert counts() == before
    bpy.ops.ed.redo()
    assert counts() == imported


def test_a_linked_scene_is_refused_with_its_reason(small_person, tmp_path):
    library = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(library), copy=True)
    with bpy.data.libraries.load(str(library), link=True) as (there, here):
        here.scenes = list(there.scenes)
    linked = next(scene for scene in bpy.data.scenes if scene.library is not None)
    with bpy.context.temp_override(scene=linked), pytest.raises(RuntimeError, match="linked from another file"):
        bpy.ops.simspine.import_motion(filepath=str(small_person.motion))


def test_the_real_capture_stands_where_opensim_puts_it(scene, capture):
    pytest.importorskip("opensim")
    from simspine.simspine_addon.kinematics.opensim_engine import OpensimEngine
    from simspine.simspine_addon.model.document import read_model
    from simspine.simspine_addon.model.motion import read_motion

    bpy.ops.simspine.import_motion(filepath=str(capture / "motion.mot"))
    model = read_model(capture / "model.osim")
    motion = read_motion(capture / "motion.mot", model)
    engine = OpensimEngine(capture / "model.osim")
    positions, rotations, _ = engine.run(motion.values[[0, 39, 99]], model.coordinate_names)
    person = bpy.context.object
    for row, frame in enumerate((1, 40, 100)):
        scene.frame_set(frame)
        names, frames = body_frames(person)
        order = [engine.body_names.index(name) for name in names]
        assert np.abs(frames[:, :3, 3] - positions[row, order] @ OPENSIM_TO_BLENDER.T).max() < 1e-5
        assert np.abs(frames[:, :3, :3] - OPENSIM_TO_BLENDER @ rotations[row, order]).max() < 1e-5


@pytest.mark.parametrize("with_cameras", [True, False])
def test_a_motion_of_a_simspine_folder_brings_its_cameras(scene, small_person, tmp_path, with_cameras):
    places = {
        "kinematics/S1/S1_walk/S1_walk.mot": small_person.motion.read_text(),
        "models/S1.osim": small_person.model.read_text(),
        "cameras/Calib_S1.toml": '[cam_01]\nname = "left"\nsize = [640.0, 480.0]\nmatrix = [[500.0, 0.0, 320.0], '
        "[0.0, 500.0, 240.0], [0.0, 0.0, 1.0]]\ndistortions = [0.0, 0.0, 0.0, 0.0]\nrotation = [0.0, 0.0, 0.0]\n"
        "translation = [0.0, 0.0, 4.0]\nfisheye = false\n",
    }
    for name, text in places.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    motion = tmp_path / "kinematics/S1/S1_walk/S1_walk.mot"
    assert bpy.ops.simspine.import_motion(filepath=str(motion), with_cameras=with_cameras) == {"FINISHED"}
    assert any(thing.type == "ARMATURE" for thing in scene.objects)
    assert ([thing.name for thing in scene.objects if thing.type == "CAMERA"] == ["left"]) == with_cameras
