"""An avatar's arrays as Blender objects: an armature, one skinned mesh with vertex groups, plain materials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import bpy
import numpy as np
from numpy.typing import NDArray

from .armature import edit_mode as edit_mode
from .armature import rest_matrices
from .axes import BLENDER_FROM_OPENSIM, points_to_blender
from .compat import shader_nodes

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


class SurfaceMaterial(Protocol):
    """A plain surface: scene-linear colour, roughness and specular level from 0 to 1."""

    @property
    def name(self) -> str: ...
    @property
    def base_color(self) -> tuple[float, float, float]: ...
    @property
    def roughness(self) -> float: ...
    @property
    def specular(self) -> float: ...


class AvatarArrays(Protocol):
    """What a builder of avatars hands over: metres, OpenSim's axes; see `sample_rigs.avatars.avatar.Avatar`."""

    @property
    def vertices(self) -> Array: ...  # [V, 3]
    @property
    def corners(self) -> Indices: ...  # [L]
    @property
    def offsets(self) -> Indices: ...  # [F + 1]
    @property
    def uv(self) -> Array: ...  # [L, 2]
    @property
    def face_material(self) -> Indices: ...  # [F]
    @property
    def materials(self) -> Sequence[SurfaceMaterial]: ...
    @property
    def bone_names(self) -> Sequence[str]: ...
    @property
    def parents(self) -> Indices: ...  # [B]
    @property
    def heads(self) -> Array: ...  # [B, 3]
    @property
    def tails(self) -> Array: ...  # [B, 3]
    @property
    def rest(self) -> Array: ...  # [B, 4, 4]
    @property
    def weight_bones(self) -> Indices: ...  # [V, K]
    @property
    def weight_shares(self) -> Array: ...  # [V, K]
    @property
    def landmarks(self) -> Mapping[str, Array]: ...


@dataclass(frozen=True, slots=True)
class AvatarObjects:
    """What was added to the scene."""

    armature: bpy.types.Object
    mesh: bpy.types.Object


def add_avatar(scene: bpy.types.Scene, avatar: AvatarArrays, name: str) -> AvatarObjects:
    """Add an avatar to the scene's own collection, at the origin, standing on z = 0 and facing +x.

    The bones' rest frames are the avatar's in Blender's world (single precision); no bone is connected. Blender adds
    a number to names that are taken.
    """
    armature = _armature(avatar, name)
    scene.collection.objects.link(armature)
    mesh = bpy.data.objects.new(f"{name} skin", _mesh(avatar, f"{name} skin"))
    scene.collection.objects.link(mesh)
    for material in avatar.materials:
        mesh.data.materials.append(_material(material, name))  # type: ignore[union-attr]
    _bind(mesh, armature, avatar)
    return AvatarObjects(armature, mesh)


def blender_rest(avatar: AvatarArrays) -> Array:
    """The bones' rest frames in Blender's world, [B, 4, 4]."""
    turn = np.eye(4)
    turn[:3, :3] = BLENDER_FROM_OPENSIM
    return turn @ avatar.rest


def _armature(avatar: AvatarArrays, name: str) -> bpy.types.Object:
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    heads, tails = points_to_blender(avatar.heads).tolist(), points_to_blender(avatar.tails).tolist()
    rest = blender_rest(avatar)
    with edit_mode(armature) as bones:
        for i, bone_name in enumerate(avatar.bone_names):
            bone = bones.new(bone_name)
            bone.head, bone.tail = heads[i], tails[i]
            bone.align_roll(rest[i, :3, 2].tolist())
            if avatar.parents[i] >= 0:
                bone.parent = bones[avatar.bone_names[avatar.parents[i]]]
    _correct_rolls(armature, avatar)
    return armature


def _correct_rolls(armature: bpy.types.Object, avatar: AvatarArrays) -> None:
    """Make up for what Blender's own alignment of rolls leaves in single precision, up to 5e-5 for some directions."""
    names, rest = avatar.bone_names, blender_rest(avatar)
    axes = rest_matrices(armature, names)[:, :3, :3]
    wanted = rest[:, :3, 2]
    off = np.arctan2(np.einsum("bi,bi->b", wanted, axes[:, :, 0]), np.einsum("bi,bi->b", wanted, axes[:, :, 2]))
    with edit_mode(armature) as bones:
        for bone in np.flatnonzero(np.abs(off) > 2e-6).tolist():
            bones[names[bone]].roll += float(off[bone])


def _mesh(avatar: AvatarArrays, name: str) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new(name)
    faces = len(avatar.offsets) - 1
    mesh.vertices.add(len(avatar.vertices))
    mesh.vertices.foreach_set("co", points_to_blender(avatar.vertices).astype(np.float32).ravel())
    mesh.loops.add(len(avatar.corners))
    mesh.loops.foreach_set("vertex_index", avatar.corners.astype(np.int32))
    mesh.polygons.add(faces)
    mesh.polygons.foreach_set("loop_start", avatar.offsets[:-1].astype(np.int32))
    mesh.polygons.foreach_set("material_index", avatar.face_material.astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(faces, dtype=bool))
    layer = mesh.uv_layers.new(name="UVMap")
    layer.data.foreach_set("uv", avatar.uv.astype(np.float32).ravel())
    mesh.update(calc_edges=True)
    mesh.validate()
    return mesh


def _bind(mesh: bpy.types.Object, armature: bpy.types.Object, avatar: AvatarArrays) -> None:
    """A vertex group for each bone that carries skin, an armature modifier, and the armature as parent."""
    for bone in np.unique(avatar.weight_bones[avatar.weight_shares > 0]).tolist():
        group = mesh.vertex_groups.new(name=avatar.bone_names[bone])
        share = np.where(avatar.weight_bones == bone, avatar.weight_shares, 0.0).sum(axis=1)
        for vertex in np.flatnonzero(share > 0).tolist():
            group.add([vertex], float(share[vertex]), "REPLACE")
    modifier = mesh.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
    mesh.parent = armature


def _material(surface: SurfaceMaterial, owner: str) -> bpy.types.Material:
    material = bpy.data.materials.new(f"{owner} {surface.name}")
    shader = next(node for node in shader_nodes(material) if node.type == "BSDF_PRINCIPLED")
    color = (*surface.base_color, 1.0)
    shader.inputs["Base Color"].default_value = color  # type: ignore[attr-defined]
    shader.inputs["Roughness"].default_value = surface.roughness  # type: ignore[attr-defined]
    shader.inputs["Specular IOR Level"].default_value = surface.specular  # type: ignore[attr-defined]
    material.diffuse_color = color  # what the viewport's solid mode shows
    return material
