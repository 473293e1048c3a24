"""The way back from an articulated avatar to the rig's own spine, for a game engine that wants the chain it knows."""

from __future__ import annotations

import bpy

from ..model.errors import InputError
from .armature import leave_edit_modes
from .articulate import COLLECTION, LEVEL_PROPERTY, ORIGINAL_PROPERTY, editing, refuse_armature
from .articulate_skin import ORIGINAL_SUFFIX, bound_meshes, original_group, refuse_meshes
from .rig import armature_data


def restore_armature(armature: bpy.types.Object) -> tuple[bpy.types.Object, ...]:
    """Take the vertebrae of `articulate_armature` out again: bones, parents and weights are as they were before.

    What was hung on a vertebra since then hangs on the bone below it afterwards. Keys of the vertebrae stay in the
    action and move nothing.

    Returns:
        the meshes that follow the rig's own spine again.

    Raises:
        InputError: the armature was not articulated, or may not be changed.
    """
    refuse_armature(armature)
    leave_edit_modes()
    data = armature_data(armature)
    bones = data.bones
    vertebrae = [bone.name for bone in bones if LEVEL_PROPERTY in bone]
    originals = {bone.name: dict(bone[ORIGINAL_PROPERTY]) for bone in bones if ORIGINAL_PROPERTY in bone}
    if not vertebrae or not originals:
        raise InputError(f"the armature '{armature.name}' was not articulated", hint="choose one that has vertebrae")
    meshes = bound_meshes(armature)
    refuse_meshes(meshes, armature, ())
    for thing in meshes:
        _restore_weights(thing, [bone.name for bone in bones], vertebrae)
    _restore_bones(armature, vertebrae, originals)
    for name, original in originals.items():
        data.bones[name].use_deform = bool(original["deform"])
        del data.bones[name][ORIGINAL_PROPERTY]
    collection = data.collections.get(COLLECTION)
    if collection is not None and not collection.bones:
        data.collections.remove(collection)
    return meshes


def _restore_weights(thing: bpy.types.Object, bone_names: list[str], vertebrae: list[str]) -> None:
    groups = thing.vertex_groups
    for name in vertebrae:
        if name in groups:
            groups.remove(groups[name])
    for name in bone_names:
        kept = groups.get(original_group(name))
        if kept is None or not kept.name.endswith(ORIGINAL_SUFFIX):
            continue
        if name in groups:
            groups.remove(groups[name])
        groups[original_group(name)].name = name


def _restore_bones(
    armature: bpy.types.Object, vertebrae: list[str], originals: dict[str, dict[str, str | int]]
) -> None:
    with editing(armature) as bones:
        for name, original in originals.items():
            bones[name].parent = bones.get(str(original["parent"]))
            bones[name].use_connect = bool(original["connected"])
        for name in reversed(vertebrae):
            for child in list(bones[name].children):
                child.use_connect = False
                child.parent = bones[name].parent
            bones.remove(bones[name])
