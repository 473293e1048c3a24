"""An armature read back: as imported, edited by hand, and moved by more than its keys."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from mathutils import Euler, Matrix, Quaternion  # noqa: E402
from simspine.sample_rigs import MOTIONS, sample_model_path, sample_motion_path  # noqa: E402
from simspine.simspine_addon.kinematics.forward import pose_track  # noqa: E402
from simspine.simspine_addon.kinematics.inverse_from_frames import motion_from_track  # noqa: E402
from simspine.simspine_addon.model.document import read_model  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.model.motion import read_motion  # noqa: E402
from simspine.simspine_addon.scene.armature import body_frames  # noqa: E402
from simspine.simspine_addon.scene.axes import frames_to_opensim  # noqa: E402
from simspine.simspine_addon.scene.compat import curves_of  # noqa: E402
from simspine.simspine_addon.scene.import_motion import import_person  # noqa: E402
from simspine.simspine_addon.scene.read_pose import read_pose  # noqa: E402

POSITION_M = 1e-5
ANGLE_DEG = 1e-3


def as_evaluated(armature, frames):
    """Body positions and rotations in OpenSim's ground, as Blender shows them at `frames`."""
    shown = []
    for frame in frames:
        bpy.context.scene.frame_set(int(frame), subframe=float(frame - int(frame)))
        shown.append(body_frames(armature)[1])
    return frames_to_opensim(np.array(shown))


def assert_reads_as_shown(armature, people, frames=None, from_keys=True):
    reading = read_pose(armature, frames)
    positions, rotations = as_evaluated(armature, reading.frames)
    assert reading.from_keys is from_keys
    assert np.abs(reading.track.positions - positions).max() < 5e-6
    assert people.angle_between(reading.track.rotations, rotations).max() < 2e-3
    return reading


def bone_curves(armature, bone, channel):
    path = f'pose.bones["{bone}"].{channel}'
    return [curve for curve in curves_of(armature) if curve.data_path == path]


def coordinate_errors(model, back, motion):
    """The largest angle error in degrees and translation error in m."""
    turning = np.array([coordinate.motion_type != "translational" for coordinate in model.coordinates])
    errors = np.abs(back.values - motion.values)
    return np.degrees(errors[:, turning]).max(), errors[:, ~turning].max()


@pytest.fixture
def moving(scene, people):
    """A random person of 12 bodies and 20 frames, and its track."""
    track = people.track()
    return import_person(scene, people.model(track), None, track).armature, track


@pytest.fixture(scope="module")
def sample():
    model = read_model(sample_model_path())
    motion = read_motion(sample_motion_path("walking"), model)
    motion = replace(motion, time=motion.time[:40], values=motion.values[:40])
    return model, motion, pose_track(model, motion)


def test_an_import_is_read_back(moving, people):
    armature, track = moving
    reading = read_pose(armature)
    assert reading.from_keys
    assert reading.warnings == ()
    assert reading.track.names == track.names
    assert np.array_equal(reading.track.parents, track.parents)
    assert np.allclose(reading.track.time, track.time, atol=1e-9)
    assert np.abs(reading.track.positions - track.positions).max() < POSITION_M
    assert people.angle_between(reading.track.rotations, track.rotations).max() < ANGLE_DEG
    assert np.abs(reading.track.centres - track.centres).max() < POSITION_M
    assert np.abs(reading.track.rest_positions - track.rest_positions).max() < POSITION_M
    assert people.angle_between(reading.track.rest_rotations, track.rest_rotations).max() < ANGLE_DEG


@pytest.mark.parametrize("motion_name", MOTIONS)
def test_a_sample_motion_survives_blender(motion_name, scene, record_property):
    model = read_model(sample_model_path())
    motion = read_motion(sample_motion_path(motion_name), model)
    armature = import_person(scene, model, motion, pose_track(model, motion), with_meshes=False).armature
    back, result = motion_from_track(model, read_pose(armature).track)
    angle, distance = coordinate_errors(model, back, motion)
    record_property("angle_deg", angle)
    record_property("distance_m", distance)
    assert angle < ANGLE_DEG
    assert distance < POSITION_M
    assert result.notes == ()


def test_the_real_capture_survives_blender(scene, capture, record_property):
    model = read_model(capture / "model.osim")
    motion = read_motion(capture / "motion.mot", model)
    armature = import_person(scene, model, motion, pose_track(model, motion), with_meshes=False).armature
    back, result = motion_from_track(model, read_pose(armature).track)
    angle, distance = coordinate_errors(model, back, motion)
    record_property("angle_deg", angle)
    record_property("distance_m", distance)
    assert angle < ANGLE_DEG
    assert distance < POSITION_M
    assert not [note for note in result.notes if "cannot follow" in note]


def test_a_vertebra_turned_by_hand_changes_its_own_joint_alone(scene, sample):
    model, motion, track = sample
    armature = import_person(scene, model, motion, track, with_meshes=False).armature
    scene.frame_set(15)
    vertebra = armature.pose.bones["lumbar3"]
    vertebra.rotation_quaternion = vertebra.rotation_quaternion @ Quaternion((0.3, 0.5, 1.0), 0.2)
    vertebra.keyframe_insert("rotation_quaternion")
    back, result = motion_from_track(model, read_pose(armature).track)
    own = [name in ("L3_L4_Flex_Ext", "L3_L4_Lat_Bending", "L3_L4_axial_rotation") for name in model.coordinate_names]
    changes = np.abs(back.values - motion.values)
    assert np.linalg.norm(changes[14, own]) > 0.15
    assert np.degrees(changes[:, np.logical_not(own)]).max() < ANGLE_DEG
    assert np.degrees(np.delete(changes, 14, axis=0)).max() < ANGLE_DEG
    assert result.residual_position.max() < POSITION_M
    assert any("coupler" in note and "L3_L4" in note for note in result.notes)


def test_a_vertebra_pulled_away_is_reported_in_millimetres(scene, sample):
    model, motion, track = sample
    armature = import_person(scene, model, motion, track, with_meshes=False).armature
    scene.frame_set(15)
    vertebra = armature.pose.bones["lumbar3"]
    vertebra.location = (0.003, 0.0, 0.004)
    vertebra.keyframe_insert("location")
    back, result = motion_from_track(model, read_pose(armature).track)
    joint = [joint.name for joint in model.joints].index("L3_L4_IVDjnt")
    assert result.residual_position[14, joint] == pytest.approx(0.005, abs=2e-6)
    assert np.delete(result.residual_position, joint, axis=1).max() < POSITION_M
    assert np.abs(back.values - motion.values).max() < 1e-5
    assert any("L3_L4_IVDjnt" in note and "5 mm" in note for note in result.notes)


def test_between_keys_it_reads_what_blender_shows(moving, people):
    assert_reads_as_shown(moving[0], people, np.arange(1.0, 20.0, 0.37))


def test_bezier_keys_are_read_as_blender_shows_them(moving, people):
    armature, _ = moving
    for curve in bone_curves(armature, "body_3", "rotation_quaternion"):
        for key in curve.keyframe_points:
            key.interpolation = "BEZIER"
            key.handle_left_type = key.handle_right_type = "AUTO"
        curve.update()
    for curve in bone_curves(armature, "body_4", "rotation_quaternion"):
        for key in curve.keyframe_points:
            key.interpolation = "CONSTANT"
    assert_reads_as_shown(armature, people, np.arange(1.0, 20.0, 0.37))


def test_frames_beyond_the_keys_are_read_as_blender_shows_them(moving, people):
    armature, _ = moving
    for curve in bone_curves(armature, "body_0", "location"):
        curve.extrapolation = "LINEAR"
    assert_reads_as_shown(armature, people, np.array([0.0, 0.5, 1.0, 20.0, 25.5, 40.0]))


@pytest.mark.parametrize("order", ["XYZ", "ZXY", "YZX"])
def test_bones_keyed_in_euler_angles(order, moving, people):
    armature, _ = moving
    bone = armature.pose.bones["body_5"]
    bone.rotation_mode = order
    for frame, angles in ((1, (0.3, -0.5, 2.0)), (20, (-1.0, 0.9, -0.4))):
        bone.rotation_euler = Euler(angles, order)
        bone.keyframe_insert("rotation_euler", frame=frame)
    assert_reads_as_shown(armature, people)


def test_a_posed_bone_without_keys_is_read_as_it_stands(moving, people):
    armature, _ = moving
    for curve in bone_curves(armature, "body_6", "rotation_quaternion"):
        curves_of(armature).remove(curve)
    armature.pose.bones["body_6"].rotation_quaternion = (0.5, 0.5, -0.5, 0.5)
    assert_reads_as_shown(armature, people)


def test_a_moved_and_turned_armature_is_read_in_the_world(moving, people):
    armature, _ = moving
    armature.location, armature.rotation_euler = (1.0, -2.0, 0.3), (0.0, 0.2, 1.0)
    assert_reads_as_shown(armature, people)


def test_a_scaled_armature_keeps_the_models_size(moving):
    armature, track = moving
    armature.scale = (100.0, 100.0, 100.0)
    reading = read_pose(armature)
    assert np.abs(reading.track.positions - track.positions).max() < POSITION_M
    assert any("scaled by 100" in warning for warning in reading.warnings)


def test_scaled_bones_are_read_without_their_scale(moving, people):
    armature, track = moving
    leaf = next(body for body in reversed(range(12)) if body not in track.parents)
    armature.pose.bones[f"body_{leaf}"].scale = (1.2, 0.9, 1.1)
    reading = read_pose(armature)
    assert people.angle_between(reading.track.rotations, track.rotations).max() < ANGLE_DEG
    assert any(f"body_{leaf}" in warning for warning in reading.warnings)


def test_an_armature_shown_at_rest_is_read_in_motion(moving):
    armature, track = moving
    armature.data.pose_position = "REST"
    assert np.abs(read_pose(armature).track.positions - track.positions).max() < POSITION_M
    armature.pose.bones["body_5"].constraints.new("LIMIT_LOCATION")
    assert np.abs(read_pose(armature).track.positions - track.positions).max() < POSITION_M
    assert armature.data.pose_position == "REST"


def constrain(armature):
    target = bpy.data.objects.new("target", None)
    bpy.context.scene.collection.objects.link(target)
    target.matrix_world = Matrix.Rotation(0.7, 4, "X")
    armature.pose.bones["body_2"].constraints.new("COPY_ROTATION").target = target


def drive(armature):
    bone = armature.pose.bones["body_2"]
    bone.rotation_mode = "XYZ"
    bone.driver_add("rotation_euler", 0).driver.expression = "frame * 0.1"


def stack(armature):
    data = armature.animation_data
    action = data.action
    data.action = None
    strip = data.nla_tracks.new().strips.new("strip", 3, action)
    strip.scale = 2.0


def parent(armature):
    carrier = bpy.data.objects.new("carrier", None)
    bpy.context.scene.collection.objects.link(carrier)
    carrier.keyframe_insert("location", frame=1)
    carrier.location.x = 3.0
    carrier.keyframe_insert("location", frame=20)
    armature.parent = carrier


def slide_object(armature):
    armature.keyframe_insert("location", frame=1)
    armature.location.y = 3.0
    armature.keyframe_insert("location", frame=20)


def add_noise(armature):
    bone_curves(armature, "body_2", "rotation_quaternion")[1].modifiers.new("NOISE")


def mute(armature):
    for curve in bone_curves(armature, "body_2", "rotation_quaternion"):
        curve.mute = True


def keep_rotation(armature):
    armature.data.bones["body_2"].use_inherit_rotation = False


@pytest.mark.parametrize("change", [constrain, drive, stack, parent, slide_object, add_noise, mute, keep_rotation])
def test_what_moves_bones_besides_their_keys_is_left_to_blender(change, moving, people):
    armature, _ = moving
    change(armature)
    scene = bpy.context.scene
    scene.frame_set(7)
    frames = np.array([1.0, 4.0, 9.5, 20.0])
    read_pose(armature, frames)
    assert scene.frame_current == 7
    assert_reads_as_shown(armature, people, frames, from_keys=False)


def test_a_duplicated_armature_is_read_on_its_own(moving):
    armature, track = moving
    copy = armature.copy()
    copy.data = armature.data.copy()
    bpy.context.scene.collection.objects.link(copy)
    copy.location.x = 5.0
    bpy.context.view_layer.update()
    reading = read_pose(copy)
    assert np.abs(reading.track.positions - track.positions - (5.0, 0.0, 0.0)).max() < POSITION_M


def test_keys_far_apart_are_read_on_every_whole_frame(scene, people):
    track = people.at_times(people.track(4, 3), [0.0, 0.5, 1.0])
    armature = import_person(scene, people.model(track), None, track, fps=None).armature
    for curve in curves_of(armature):
        for key, frame in zip(curve.keyframe_points, (1.0, 20.0, 40.0), strict=False):
            key.co.x = frame
        curve.update()
    assert np.array_equal(read_pose(armature).frames, np.arange(1.0, 41.0))


def test_samples_between_frames_are_read_where_they_are(scene, people):
    slow, fast = people.track(4, 5, rate=25.0), people.track(4, 9, rate=60.0)
    import_person(scene, people.model(slow), None, slow)
    reading = read_pose(import_person(scene, people.model(fast), None, fast).armature)
    assert np.allclose(reading.track.time, fast.time, atol=1e-5)
    assert np.abs(reading.track.positions - fast.positions).max() < POSITION_M


def test_an_armature_without_keys_is_read_over_the_scenes_frames(scene, people):
    track = people.track(4, 5)
    armature = import_person(scene, people.model(track), None, track).armature
    armature.animation_data_clear()
    scene.frame_start, scene.frame_end = 3, 6
    assert np.array_equal(read_pose(armature).frames, [3.0, 4.0, 5.0, 6.0])


def test_a_single_frame(scene, people):
    track = people.track(4, 1)
    reading = read_pose(import_person(scene, people.model(track), None, track).armature)
    assert np.abs(reading.track.positions - track.positions).max() < POSITION_M


def test_any_other_armature_is_refused(scene):
    other = bpy.data.objects.new("other", bpy.data.armatures.new("other"))
    with pytest.raises(InputError, match="does not come from an OpenSim model"):
        read_pose(other)
    with pytest.raises(InputError, match="is not an armature"):
        read_pose(bpy.data.objects.new("empty", None))


def test_two_bones_for_one_body_are_refused(moving):
    armature, _ = moving
    for name, value in armature.data.bones["body_3"].items():
        armature.data.bones["body_4"][name] = value
    with pytest.raises(InputError, match="both stand for body 'body_3'"):
        read_pose(armature)


@pytest.mark.parametrize(
    ("frames", "problem"), [([], "no frames"), ([3, 2], "do not increase"), ([1, np.nan], "do not")]
)
def test_impossible_frames_are_refused(frames, problem, moving):
    with pytest.raises(InputError, match=problem):
        read_pose(moving[0], frames)


@pytest.mark.parametrize(("scale", "problem"), [((1, 2, 1), "unevenly"), ((-1, 1, 1), "mirrored")])
def test_an_armature_out_of_shape_is_refused(scale, problem, moving):
    moving[0].scale = scale
    with pytest.raises(InputError, match=problem):
        read_pose(moving[0])
