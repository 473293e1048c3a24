"""Keys of a retargeted motion: Blender's evaluated bones stand where the solve has them, in every frame."""

from dataclasses import replace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from mathutils import Euler, Matrix  # noqa: E402
from simspine.simspine_addon.kinematics.pose_track import PoseTrack  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.scene.compat import curves_of  # noqa: E402
from simspine.simspine_addon.scene.retarget_keys import key_track  # noqa: E402
from simspine.simspine_addon.scene.rig import skeleton_of_armature  # noqa: E402

TO_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
LARGEST_M, LARGEST_DEG = 1e-5, 0.02
FRAMES = 25


@pytest.fixture
def armature(scene):
    """Ten bones with random rests in a tree; the object is moved, turned and twice as large."""
    random = np.random.default_rng(5)
    thing = bpy.data.objects.new("rig", bpy.data.armatures.new("rig"))
    scene.collection.objects.link(thing)
    bpy.context.view_layer.objects.active = thing
    bpy.ops.object.mode_set(mode="EDIT")
    for number in range(10):
        bone = thing.data.edit_bones.new(f"bone {number}")
        bone.head = random.uniform(-0.5, 0.5, 3)
        bone.tail = np.array(bone.head) + random.uniform(-0.3, 0.3, 3)
        bone.roll = random.uniform(-3, 3)
        if number:
            bone.parent = thing.data.edit_bones[f"bone {random.integers(0, number)}"]
    # One that points against its parent, whose rest matrix Blender knows to 3e-5 only.
    parent = thing.data.edit_bones["bone 9"].parent
    thing.data.edit_bones["bone 9"].head = parent.tail
    thing.data.edit_bones["bone 9"].tail = np.array(parent.head) + 1e-4
    bpy.ops.object.mode_set(mode="OBJECT")
    thing.matrix_world = (
        Matrix.Translation((1.0, 2.0, 0.3)) @ Euler((0.2, -0.4, 1.0)).to_matrix().to_4x4() @ Matrix.Scale(2.0, 4)
    )
    return thing


def moved(armature, people, slides=(0,)) -> PoseTrack:
    """Every bone turns about an axis of its own; those in `slides` move away from their parents too."""
    skeleton = skeleton_of_armature(armature)
    random = np.random.default_rng(8)
    count = len(skeleton.names)
    rotations, positions = np.empty((FRAMES, count, 3, 3)), np.empty((FRAMES, count, 3))
    for bone, parent in enumerate(skeleton.parents):
        axis, phase = random.normal(size=3), random.uniform(-2, 2)
        for frame in range(FRAMES):
            turn = people.rotation(axis, phase + 0.5 * frame)
            away = 0.2 * np.sin(0.3 * frame + np.arange(3.0)) if bone in slides else np.zeros(3)
            if parent >= 0:
                above = rotations[frame, parent] @ skeleton.rest_rotations[parent].T
                turn = above @ turn
                offset = skeleton.rest_positions[bone] - skeleton.rest_positions[parent]
                positions[frame, bone] = positions[frame, parent] + above @ (offset + away)
            else:
                positions[frame, bone] = skeleton.rest_positions[bone] + away
            rotations[frame, bone] = turn @ skeleton.rest_rotations[bone]
    return PoseTrack(
        time=np.arange(FRAMES) / 30.0,
        names=skeleton.names,
        parents=skeleton.parents,
        positions=positions,
        rotations=rotations,
        centres=np.zeros((count, 3)),
        rest_positions=skeleton.rest_positions,
        rest_rotations=skeleton.rest_rotations,
    )


def shown_errors(armature, track, frames, people, bones=None) -> tuple[float, float]:
    """Largest distance (m) and angle (deg) between the evaluated bones and the track, over all frames."""
    distance = angle = 0.0
    names = track.names if bones is None else bones
    index = [track.names.index(name) for name in names]
    for row, frame in enumerate(frames):
        bpy.context.scene.frame_set(int(np.floor(frame)), subframe=float(frame % 1.0))
        shown = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        world = np.array([shown.matrix_world @ shown.pose.bones[name].matrix for name in names], dtype=float)
        turns = world[:, :3, :3] / np.linalg.norm(world[:, :3, :3], axis=1)[:, None]
        wanted = track.positions[row, index] @ TO_BLENDER.T
        distance = max(distance, float(np.linalg.norm(world[:, :3, 3] - wanted, axis=1).max()))
        angle = max(angle, float(people.angle_between(turns, TO_BLENDER @ track.rotations[row, index]).max()))
    return distance, angle


def assert_exact(armature, track, frames, people, bones=None):
    distance, angle = shown_errors(armature, track, frames, people, bones)
    assert distance <= LARGEST_M
    assert angle <= LARGEST_DEG


def whole_frames() -> np.ndarray:
    return 1.0 + np.arange(FRAMES)


def test_evaluated_bones_follow_the_track_in_every_frame(armature, people):
    track = moved(armature, people)
    key_track(armature, track, whole_frames(), track.names, "motion")
    assert_exact(armature, track, whole_frames(), people)


def test_keys_at_fractional_frames_are_exact_there(armature, people):
    track = moved(armature, people)
    frames = 3.25 + 0.4 * np.arange(FRAMES)
    key_track(armature, track, frames, track.names, "motion")
    assert_exact(armature, track, frames, people)


def test_bones_that_leave_their_parents_get_locations(armature, people):
    track = moved(armature, people, slides=(0, 3, 6))
    key_track(armature, track, whole_frames(), track.names, "motion")
    assert_exact(armature, track, whole_frames(), people)


@pytest.mark.parametrize("flag", ["use_inherit_rotation", "use_local_location"])
def test_bones_that_inherit_otherwise_are_exact_too(armature, people, flag):
    for bone in list(armature.data.bones)[::2]:
        setattr(bone, flag, False)
    track = moved(armature, people, slides=(0, 2, 4))
    key_track(armature, track, whole_frames(), track.names, "motion")
    assert_exact(armature, track, whole_frames(), people)


def test_a_connected_bone_that_should_leave_its_parent_is_told(armature, people):
    track = moved(armature, people)
    track = moved(armature, people, slides=(0, track.names.index("bone 9")))
    bpy.ops.object.mode_set(mode="EDIT")
    armature.data.edit_bones["bone 9"].use_connect = True
    bpy.ops.object.mode_set(mode="OBJECT")
    keyed = key_track(armature, track, whole_frames(), track.names, "motion")
    assert any("connected" in note and "bone 9" in note for note in keyed.notes)


def test_euler_bones_constraints_and_drivers_are_put_out_of_the_way_and_told(armature, people):
    bones = armature.pose.bones
    bones["bone 1"].rotation_mode = "ZXY"
    bones["bone 2"].constraints.new("LIMIT_ROTATION").use_limit_x = True
    driven = bones["bone 3"].driver_add("location", 1)
    driven.driver.expression = "0.7"
    track = moved(armature, people)
    keyed = key_track(armature, track, whole_frames(), track.names, "motion")
    assert_exact(armature, track, whole_frames(), people)
    told = "\n".join(keyed.notes)
    for word in ("quaternions: bone 1", "constraints muted", "bone 2 (Limit Rotation)", "drivers muted", "bone 3"):
        assert word in told


def test_poses_left_over_on_carrying_bones_do_not_shift_the_motion(armature, people):
    for bone in armature.pose.bones:
        bone.location, bone.scale = (0.3, 0.2, 0.1), (1.2, 1.2, 1.2)
    track = moved(armature, people)
    key_track(armature, track, whole_frames(), track.names, "motion")
    assert_exact(armature, track, whole_frames(), people)


def test_bones_without_a_role_keep_what_they_have(armature, people):
    leaf = next(bone for bone in armature.data.bones if not bone.children)
    posed = armature.pose.bones[leaf.name]
    posed.rotation_mode, posed.rotation_euler = "XYZ", (0.1, 0.2, 0.3)
    track = moved(armature, people)
    keyed = key_track(armature, track, whole_frames(), [n for n in track.names if n != leaf.name], "motion")
    bpy.context.scene.frame_set(5)
    assert leaf.name not in keyed.bones
    assert tuple(posed.rotation_euler) == pytest.approx((0.1, 0.2, 0.3))
    assert not any(leaf.name in curve.data_path for curve in curves_of(armature))


def test_the_keys_are_linear_and_in_one_action_of_the_motions_name(armature, people):
    track = moved(armature, people)
    keyed = key_track(armature, track, whole_frames(), track.names, "walking")
    assert armature.animation_data.action == keyed.action
    assert keyed.action.name == "walking"
    kinds = {key.interpolation for curve in curves_of(armature) for key in curve.keyframe_points}
    assert kinds == {"LINEAR"}


def test_an_action_that_was_there_stays_in_the_file(armature, people):
    armature.pose.bones["bone 0"].keyframe_insert("location", frame=1)
    before = armature.animation_data.action
    track = moved(armature, people)
    key_track(armature, track, whole_frames(), track.names, "motion")
    assert before.use_fake_user
    assert armature.animation_data.action != before


def test_as_an_nla_strip_the_motion_is_the_same(armature, people):
    track = moved(armature, people)
    keyed = key_track(armature, track, whole_frames(), track.names, "motion", nla=True)
    data = armature.animation_data
    assert data.action is None
    assert [strip.action for strips in data.nla_tracks for strip in strips.strips] == [keyed.action]
    assert_exact(armature, track, whole_frames(), people)


def test_the_object_itself_stays_where_it_is(armature, people):
    bpy.context.view_layer.update()
    before = armature.matrix_world.copy()
    track = moved(armature, people)
    key_track(armature, track, whole_frames(), track.names, "motion")
    bpy.context.scene.frame_set(7)
    assert np.allclose(np.array(armature.matrix_world), np.array(before), atol=1e-6)


def test_a_carried_object_is_told_and_right_where_it_stands(armature, people, scene):
    carrier = bpy.data.objects.new("carrier", None)
    scene.collection.objects.link(carrier)
    carrier.location = (0.5, 0.0, 1.0)
    armature.parent = carrier
    bpy.context.view_layer.update()
    track = moved(armature, people)
    keyed = key_track(armature, track, whole_frames(), track.names, "motion")
    assert any("carried by carrier" in note for note in keyed.notes)
    assert_exact(armature, track, whole_frames(), people)


def test_frames_that_do_not_fit_the_motion_are_refused(armature, people):
    track = moved(armature, people)
    with pytest.raises(InputError, match="24 frames for a motion of 25 samples"):
        key_track(armature, track, whole_frames()[:-1], track.names, "motion")
    assert armature.animation_data is None or armature.animation_data.action is None


def test_one_frame_alone_can_be_keyed(armature, people):
    track = moved(armature, people)
    still = replace(track, time=track.time[:1], positions=track.positions[:1], rotations=track.rotations[:1])
    key_track(armature, still, np.array([1.0]), track.names, "pose")
    assert_exact(armature, still, np.array([1.0]), people)
