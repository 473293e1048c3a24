"""From a motion file through Blender to a motion file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from simspine.exporters.armature_motion import export_armature_motion  # noqa: E402
from simspine.sample_rigs import sample_model_path, sample_motion_path  # noqa: E402
from simspine.simspine_addon.kinematics.forward import marker_positions, pose_track  # noqa: E402
from simspine.simspine_addon.model.document import read_model  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.model.markers import read_trc  # noqa: E402
from simspine.simspine_addon.model.motion import read_motion  # noqa: E402
from simspine.simspine_addon.scene.import_motion import import_person  # noqa: E402


@pytest.fixture
def person():
    """The armature of the sample subject, walking for half a second, with its model and motion."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    model = read_model(sample_model_path())
    motion = read_motion(sample_motion_path("walking"), model)
    motion = replace(motion, time=motion.time[:25], values=motion.values[:25])
    track = pose_track(model, motion)
    return import_person(bpy.context.scene, model, motion, track, with_meshes=False).armature, model, motion


@pytest.mark.parametrize("ending", [".mot", ".sto", ".MOT"])
def test_joint_angles_come_out_as_they_went_in(ending, person, tmp_path):
    armature, model, motion = person
    path = tmp_path / f"Rücken, 2. Versuch{ending}"
    export = export_armature_motion(path, armature)
    back = read_motion(path, model)
    assert np.abs(back.values - motion.values).max() < np.radians(1e-3)
    assert np.abs(back.time - motion.time).max() < 1e-6
    assert (export.frames, export.notes) == (25, ())


def test_markers_come_out_where_the_model_has_them(person, tmp_path):
    armature, model, motion = person
    export_armature_motion(tmp_path / "a.trc", armature, points="markers")
    track = pose_track(model, motion)
    wanted = marker_positions(model, track.positions, track.rotations)
    read = read_trc(tmp_path / "a.trc")
    assert read.names == model.marker_names
    assert np.abs(read.positions - wanted).max() < 1e-5


def test_c3d_holds_markers_and_bodies(person, tmp_path):
    ezc3d = pytest.importorskip("ezc3d")
    armature, model, motion = person
    export_armature_motion(tmp_path / "a.c3d", armature, points="markers")
    track = pose_track(model, motion)
    data = ezc3d.c3d(str(tmp_path / "a.c3d"))["data"]
    wanted = marker_positions(model, track.positions, track.rotations)
    assert np.abs(data["points"][:3].transpose(2, 1, 0) - 1e3 * wanted).max() < 0.01
    assert np.abs(data["rotations"][:3, :3].transpose(3, 2, 0, 1) - track.rotations).max() < 1e-5


def test_chosen_frames_alone_are_written(person, tmp_path):
    armature, model, motion = person
    assert export_armature_motion(tmp_path / "a.mot", armature, frames=[3, 5, 9]).frames == 3
    assert np.abs(read_motion(tmp_path / "a.mot", model).values - motion.values[[2, 4, 8]]).max() < np.radians(1e-3)


def test_another_ending_is_refused(person, tmp_path):
    with pytest.raises(InputError, match=r"'\.bvh' is no motion file"):
        export_armature_motion(tmp_path / "a.bvh", person[0])


def test_a_forgotten_model_is_asked_for(person, tmp_path):
    armature, model, _ = person
    armature["simspine_model_file"] = ""
    with pytest.raises(InputError, match="does not remember its model"):
        export_armature_motion(tmp_path / "a.mot", armature)
    export_armature_motion(tmp_path / "a.mot", armature, model)


def test_a_model_that_is_gone_is_named(person, tmp_path):
    armature, _, _ = person
    armature["simspine_model_file"] = str(tmp_path / "gone.osim")
    with pytest.raises(InputError, match=r"gone\.osim"):
        export_armature_motion(tmp_path / "a.mot", armature)
    assert list(tmp_path.iterdir()) == []
