"""From a motion to a moved avatar in one step, with its report."""

import json

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from simspine.sample_rigs import sample_model_path, sample_motion_path  # noqa: E402
from simspine.sample_rigs.avatars.mannequin import build_mannequin  # noqa: E402
from simspine.simspine_addon.kinematics.forward import pose_track  # noqa: E402
from simspine.simspine_addon.kinematics.resample import resample_at  # noqa: E402
from simspine.simspine_addon.model.document import read_model  # noqa: E402
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.model.motion import read_motion  # noqa: E402
from simspine.simspine_addon.retarget.roles import RoleMap  # noqa: E402
from simspine.simspine_addon.scene.avatar import add_avatar  # noqa: E402
from simspine.simspine_addon.scene.retarget_motion import (  # noqa: E402
    OWN_MAP,
    read_target,
    retarget_motion,
    stored_report,
    summary_lines,
)

TO_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


@pytest.fixture(scope="module")
def lift():
    model = read_model(sample_model_path())
    track = pose_track(model, read_motion(sample_motion_path("lifting_with_twist"), model))
    return resample_at(track, np.arange(track.time[0], track.time[-1], 0.1))


@pytest.fixture(scope="module")
def figure():
    return build_mannequin()


@pytest.fixture
def mannequin(scene, figure):
    return add_avatar(scene, figure, "mannequin")


def test_the_avatars_bones_stand_where_the_solve_has_them(mannequin, lift, people):
    frames = np.arange(1, len(lift.time) + 1, dtype=float)
    done = retarget_motion(lift, frames, read_target(mannequin.armature), name="lift")
    track = done.result.track
    for row, frame in enumerate(frames.astype(int).tolist()):
        bpy.context.scene.frame_set(frame)
        shown = mannequin.armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        world = np.array([shown.matrix_world @ shown.pose.bones[name].matrix for name in track.names], dtype=float)
        assert np.linalg.norm(world[:, :3, 3] - track.positions[row] @ TO_BLENDER.T, axis=1).max() <= 1e-5
        assert people.angle_between(world[:, :3, :3], TO_BLENDER @ track.rotations[row]).max() <= 0.02


def test_chest_and_pelvis_turn_as_the_sources_do(mannequin, lift, people):
    """Told by what is shown: the armature's own bones against the model's bodies, both away from rest."""
    frames = np.arange(1, len(lift.time) + 1, dtype=float)
    target = read_target(mannequin.armature)
    done = retarget_motion(lift, frames, target, with_report=False)
    for role in ("pelvis", "spine"):
        body = lift.names.index(done.source_map.of(role)[-1])
        bone = target.role_map.of(role)[-1]
        rest = np.array(mannequin.armature.data.bones[bone].matrix_local, dtype=float)[:3, :3]
        for row in (0, 16, 31, 44):
            bpy.context.scene.frame_set(int(frames[row]))
            shown = mannequin.armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
            turn = np.array(shown.pose.bones[bone].matrix, dtype=float)[:3, :3] @ rest.T
            wanted = TO_BLENDER @ (lift.rotations[row, body] @ lift.rest_rotations[body].T) @ TO_BLENDER.T
            assert people.angle_between(turn, wanted) <= 0.02


def test_the_report_stays_with_the_avatar_and_reads_as_lines(mannequin, lift):
    frames = np.arange(1, len(lift.time) + 1, dtype=float)
    done = retarget_motion(lift, frames, read_target(mannequin.armature))
    assert stored_report(mannequin.armature) == json.loads(json.dumps(done.report))
    lines = {what: (here, naive) for what, here, naive in summary_lines(done.report)}
    assert lines["Spine curve"][0].endswith(" mm")
    here, naive = (float(text.split()[0]) for text in lines["Spine curve"])
    assert here < 0.2 * naive


def test_a_report_without_the_naive_copy_can_be_read_too(mannequin, lift):
    done = retarget_motion(lift, np.arange(len(lift.time)) + 1.0, read_target(mannequin.armature))
    alone = {key: value for key, value in done.report.items() if key != "naive"}
    assert {naive for _, _, naive in summary_lines(alone)} == {"-"}


def test_a_given_map_is_used_and_checked(mannequin):
    found = read_target(mannequin.armature)
    without = RoleMap({role: bones for role, bones in found.role_map.bones.items() if role != "left_toes"})
    target = read_target(mannequin.armature, without)
    assert (target.preset, target.role_map.of("left_toes")) == (OWN_MAP, ())
    wrong = RoleMap({**found.role_map.bones, "head": ("no such bone",)})
    with pytest.raises(InputError, match=r"'mannequin' cannot take a motion.*no such bone"):
        read_target(mannequin.armature, wrong)


def test_what_is_no_humanoid_is_refused_in_one_line(scene):
    thing = bpy.data.objects.new("crane", bpy.data.armatures.new("crane"))
    scene.collection.objects.link(thing)
    bpy.context.view_layer.objects.active = thing
    bpy.ops.object.mode_set(mode="EDIT")
    above = None
    for number in range(5):
        bone = thing.data.edit_bones.new(f"part {number}")
        bone.head, bone.tail, bone.parent = (0, 0, number), (0, 0, number + 1), above
        above = bone
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(InputError, match="'crane' cannot take a motion") as caught:
        read_target(thing)
    assert "\n" not in str(caught.value)


def test_nothing_is_keyed_when_the_solve_refuses(mannequin, lift):
    from simspine.simspine_addon.retarget.solve import RetargetOptions

    with pytest.raises(InputError, match="scale"):
        retarget_motion(
            lift,
            np.arange(len(lift.time)) + 1.0,
            read_target(mannequin.armature),
            options=RetargetOptions(scale=-1.0),
        )
    assert mannequin.armature.animation_data is None
