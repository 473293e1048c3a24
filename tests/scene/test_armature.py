"""The armature at rest, and from its bones back to the bodies."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from simspine.simspine_addon.scene.armature import body_frames, bone_of_body, build_armature  # noqa: E402


@pytest.fixture
def built(scene, people):
    track = people.track()
    armature = build_armature("someone", track, track.names)
    scene.collection.objects.link(armature)
    return armature, track


def test_every_body_has_its_bone_in_the_model_s_tree(built):
    armature, track = built
    parents = {bone.name: bone.parent.name if bone.parent else None for bone in armature.data.bones}
    names = (*track.names, None)
    assert parents == {name: names[parent] for name, parent in zip(track.names, track.parents, strict=True)}


def test_heads_stand_at_the_joint_centres(built, people):
    armature, track = built
    heads = np.array([armature.data.bones[name].head_local for name in track.names])
    centres = track.rest_positions + np.einsum("bij,bj->bi", track.rest_rotations, track.centres)
    assert np.abs(heads - centres @ people.to_blender.T).max() < 1e-6


def test_bones_are_not_connected_so_that_a_joint_may_slide(built):
    assert not any(bone.use_connect for bone in built[0].data.bones)


def test_the_armature_itself_is_not_turned(built):
    assert np.array_equal(np.array(built[0].matrix_world), np.eye(4))


def test_body_frames_at_rest_are_the_rest_pose(built, people):
    armature, track = built
    bpy.context.view_layer.update()
    names, frames = body_frames(armature)
    assert names == track.names
    assert np.abs(frames[:, :3, 3] - track.rest_positions @ people.to_blender.T).max() < 2e-6
    assert people.angle_between(frames[:, :3, :3], people.to_blender @ track.rest_rotations).max() < 2e-4


def test_body_frames_follow_an_armature_that_the_user_has_moved(built, people):
    armature, track = built
    armature.location = (1.0, 2.0, 3.0)
    bpy.context.view_layer.update()
    _, frames = body_frames(armature)
    assert np.abs(frames[:, :3, 3] - track.rest_positions @ people.to_blender.T - [1.0, 2.0, 3.0]).max() < 3e-6


def test_the_bone_of_each_body_is_known_in_the_model_s_order(built):
    armature, track = built
    assert list(bone_of_body(armature).items()) == [(name, name) for name in track.names]


def test_z_axes_point_forward_and_those_of_the_foot_up(scene, people):
    track = people.standing([-1, 0, 1], [[0, 1, 0], [0, 0.1, 0], [0.12, 0.15, 0]])
    bones = build_armature("leg", track, track.names).data.bones
    z_axes = np.array([bones[name].matrix_local for name in track.names])[:, :3, 2]
    assert np.allclose(z_axes[0], [1, 0, 0], atol=1e-5)
    assert np.allclose(z_axes[1], [-5 / 13, 0, 12 / 13], atol=1e-5)


def test_coincident_joints_keep_all_their_bones(scene, people):
    track = people.standing([-1, 0, 1, 1], np.zeros((4, 3)))
    bones = build_armature("point", track, track.names).data.bones
    assert {bone.name for bone in bones} == set(track.names)
    assert min(bone.length for bone in bones) > 0.0099


@pytest.mark.parametrize("mode", ["EDIT", "POSE"])
def test_a_user_in_another_mode_gets_the_armature_and_object_mode(scene, people, mode):
    track = people.track(3, 2)
    mine = build_armature("mine", track, track.names)
    scene.collection.objects.link(mine)
    bpy.context.view_layer.objects.active = mine
    bpy.ops.object.mode_set(mode=mode)
    build_armature("other", track, track.names)
    assert bpy.context.mode == "OBJECT"
    assert bpy.context.view_layer.objects.active == mine


def test_a_mesh_in_edit_mode_is_left_as_it_was_edited(scene, people):
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.subdivide()
    track = people.track(3, 2)
    build_armature("other", track, track.names)
    assert len(bpy.data.objects["Cube"].data.vertices) == 26
