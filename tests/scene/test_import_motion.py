"""A whole person, twice, halfway and for real."""

from dataclasses import replace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.model.types import Coordinate  # noqa: E402
from simspine.simspine_addon.scene import import_motion  # noqa: E402
from simspine.simspine_addon.scene.armature import body_frames  # noqa: E402
from simspine.simspine_addon.scene.compat import curves_of  # noqa: E402
from simspine.simspine_addon.scene.import_motion import import_person  # noqa: E402

KINDS = ("objects", "armatures", "actions", "collections", "meshes", "materials")


def test_two_imports_share_nothing(scene, people):
    track = people.track(4, 5)
    first, second = (import_person(scene, people.model(track), None, track) for _ in range(2))
    assert first.armature.data != second.armature.data
    assert first.collection != second.collection
    assert first.armature.animation_data.action != second.armature.animation_data.action
    assert [child.name for child in scene.collection.children] == ["person", "person.001"]


def test_the_outliner_shows_a_person_and_in_it_skeleton_and_bones(scene, people):
    track = people.track(4, 5)
    person = import_person(scene, people.model(track), None, track, name="Ann", with_markers=True)
    assert person.collection.name == person.armature.name == "Ann"
    assert [child.name for child in person.collection.children] == ["Ann Skeleton", "Ann Bones", "Ann Markers"]


def test_the_armature_is_selected_and_active(scene, people):
    track = people.track(4, 5)
    person = import_person(scene, people.model(track), None, track)
    assert bpy.context.view_layer.objects.active == person.armature
    assert bpy.context.selected_objects == [person.armature]


def test_no_armature_has_the_name_that_unreal_skips(scene, people):
    track = people.track(4, 5)
    assert import_person(scene, people.model(track), None, track, name="Armature").armature.name != "Armature"


def test_a_scene_that_is_not_the_current_one_gets_the_person(scene, people):
    other = bpy.data.scenes.new("other")
    track = people.track(4, 5, rate=25.0)
    person = import_person(other, people.model(track), None, track)
    assert person.armature.name in other.objects
    assert len(scene.objects) == 0
    assert (other.render.fps, scene.render.fps) == (25, 24)


def test_a_failure_leaves_nothing_behind(scene, people, monkeypatch):
    def failing(*_):
        raise RuntimeError("out of luck")

    track = people.track(4, 5, rate=25.0)
    before = {kind: len(getattr(bpy.data, kind)) for kind in KINDS}
    monkeypatch.setattr(import_motion, "grow_frame_range", failing)
    with pytest.raises(RuntimeError, match="out of luck"):
        import_person(scene, people.model(track), None, track)
    assert {kind: len(getattr(bpy.data, kind)) for kind in KINDS} == before
    assert (scene.render.fps, scene.frame_start, scene.frame_end) == (24, 1, 250)
    assert "simspine_clock" not in scene


def test_poses_of_another_model_are_refused(scene, people):
    track = people.track(4, 5)
    with pytest.raises(InputError, match="not those of this model"):
        import_person(scene, people.model(people.track(5, 5)), None, track)


def test_a_pose_that_is_not_finite_is_refused_with_its_time(scene, people):
    track = people.track(4, 5, rate=10.0)
    positions = track.positions.copy()
    positions[3, 1] = np.nan
    with pytest.raises(InputError, match=r"at 0\.3 s"):
        import_person(scene, people.model(track), None, replace(track, positions=positions))


def test_a_motion_of_other_times_is_refused(scene, people):
    track = people.track(4, 5)
    coordinates = (Coordinate("a", 0, "rotational", 0.0, (0.0, 1.0)),)
    motion = replace(people.motion(track, coordinates), time=track.time + 1.0)
    with pytest.raises(InputError, match="times"):
        import_person(scene, people.model(track, coordinates=coordinates), motion, track)


def test_resampling_gives_whole_frames_at_the_wanted_rate(scene, people):
    track = people.track(4, 101, rate=100.0)
    person = import_person(scene, people.model(track), None, track, fps=25.0)
    curve = next(iter(curves_of(person.armature)))
    assert [key.co[0] for key in curve.keyframe_points] == list(range(1, 27))
    assert scene.render.fps == 25
    scene.frame_set(11)
    _, frames = body_frames(person.armature)
    assert np.abs(frames[:, :3, 3] - track.positions[40] @ people.to_blender.T).max() < 1e-5


def test_resampling_to_the_motion_s_own_rate_changes_nothing(scene, people):
    track = people.track(4, 30, rate=60.0)
    person = import_person(scene, people.model(track), None, track, fps=60.0)
    assert (person.frame_start, person.frame_end) == (1.0, 30.0)
    scene.frame_set(30)
    _, frames = body_frames(person.armature)
    assert np.abs(frames[:, :3, 3] - track.positions[29] @ people.to_blender.T).max() < 1e-5


def test_a_rate_that_the_scene_does_not_have_is_resampled_to_the_scene_s_and_said_so(scene, people):
    first, second = people.track(4, 61, rate=60.0), people.track(4, 101, rate=100.0)
    import_person(scene, people.model(first), None, first)
    person = import_person(scene, people.model(second), None, second, fps=30.0)
    curve = next(iter(curves_of(person.armature)))
    assert [key.co[0] for key in curve.keyframe_points] == list(range(1, 62))
    assert any("already runs at 60" in warning for warning in person.warnings)


def test_long_body_names_stay_apart_and_lead_back(scene, people):
    names = ("pelvis", "thigh_" + "x" * 70, "thigh_" + "x" * 71, "größe" * 15)
    track = replace(people.track(4, 5), names=names)
    person = import_person(scene, people.model(track), None, track)
    assert body_frames(person.armature)[0] == names
    assert sum("too long" in warning for warning in person.warnings) == 3


def test_a_saved_file_brings_the_person_back(scene, people, tmp_path):
    track = people.track(6, 8)
    name = import_person(scene, people.model(track), None, track).armature.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "person.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "person.blend"))
    bpy.context.scene.frame_set(5)
    _, frames = body_frames(bpy.data.objects[name])
    assert np.abs(frames[:, :3, 3] - track.positions[4] @ people.to_blender.T).max() < 1e-5


@pytest.fixture(scope="module")
def real(capture):
    from simspine.simspine_addon.kinematics.forward import pose_track
    from simspine.simspine_addon.model.document import read_model
    from simspine.simspine_addon.model.motion import read_motion

    model = read_model(capture / "model.osim")
    motion = read_motion(capture / "motion.mot", model)
    return model, motion, pose_track(model, motion)


def test_the_real_capture_stands_exactly(scene, real, people, record_property):
    model, motion, track = real
    person = import_person(scene, model, motion, track, with_meshes=False)
    position_mm = angle_deg = 0.0
    for frame in range(len(track.time)):
        scene.frame_set(frame + 1)
        names, frames = body_frames(person.armature)
        assert names == model.body_names
        wanted = track.positions[frame] @ people.to_blender.T
        position_mm = max(position_mm, 1e3 * np.linalg.norm(frames[:, :3, 3] - wanted, axis=1).max())
        turns = people.angle_between(frames[:, :3, :3], people.to_blender @ track.rotations[frame])
        angle_deg = max(angle_deg, turns.max())
    record_property("position_mm", position_mm)
    record_property("angle_deg", angle_deg)
    assert position_mm < 0.01
    assert angle_deg < 0.02


def test_the_real_capture_shows_all_its_bones(scene, real):
    model, motion, track = real
    person = import_person(scene, model, motion, track)
    assert len(person.objects) == 1 + len(model.geometry)
    assert not [warning for warning in person.warnings if "not shown" in warning]
    scene.frame_set(51)
    assert person.armature["knee_angle_r"] == pytest.approx(
        np.degrees(motion.values[50, motion.coordinate_names.index("knee_angle_r")]), abs=1e-4
    )


def test_the_real_vertebrae_have_lengths_of_vertebrae(scene, real):
    model, motion, track = real
    bones = import_person(scene, model, motion, track, with_meshes=False).armature.data.bones
    assert all(0.02 < bones[f"lumbar{level}"].length < 0.05 for level in range(1, 6))
    assert all(
        0.1 < bones[name].length < 0.5 for name in ("femur_r", "tibia_l", "humerus_r", "torso", "hand_l", "head")
    )
