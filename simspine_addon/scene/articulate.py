"""An avatar in the scene gets its vertebrae: bones in its armature, weights on all its meshes, in one undoable step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from ..retarget.articulate import Articulation, articulate
from ..retarget.articulate_levels import LUMBAR, chosen_levels
from ..retarget.presets import choose_preset
from ..retarget.roles import RoleMap
from .armature import leave_edit_modes
from .articulate_skin import bound_meshes, read_skin, refuse_meshes, write_weights
from .axes import BLENDER_FROM_OPENSIM, points_to_blender
from .compat import curves_of
from .rig import armature_data, skeleton_of_armature, world_frame

Array = NDArray[np.float64]
# On each of the rig's own bones that hangs on a vertebra now: parent (or ""), connected and deform, as they were.
ORIGINAL_PROPERTY = "simspine_original"
LEVEL_PROPERTY = "simspine_level"  # on each new bone: its vertebral level
COLLECTION = "Vertebrae"  # the bone collection of the new bones


@dataclass(frozen=True, slots=True)
class ArticulationResult:
    """What was done: `names` are the new bones (none where they were there), `meshes` those that follow them."""

    armature: bpy.types.Object
    meshes: tuple[bpy.types.Object, ...]
    names: tuple[str, ...]
    role_map: RoleMap
    articulation: Articulation
    warnings: tuple[str, ...]


def articulate_armature(
    armature: bpy.types.Object,
    mesh_objs: Sequence[bpy.types.Object] | None = None,
    levels: Sequence[str] = LUMBAR,
    role_map: RoleMap | None = None,
    landmarks: Mapping[str, Array] | None = None,
) -> ArticulationResult:
    """Give an armature vertebrae that the skin of its meshes follows; the rest shape stays.

    The rig's own spine bones stay too, without skin, and go along. Their weights are kept in vertex groups named
    "... .original" and their parents in a custom property, so that `restore_armature` can bring that chain back for a
    game engine. Shape keys, modifiers and all other weights are left alone. Nothing is changed where the vertebrae are
    there already, or when an error is raised.

    Args:
        armature: stands upright; its object may be scaled evenly.
        mesh_objs: the meshes to rebind; all that the armature deforms where not given.
        levels: "L5" to "L1", and if wanted "T12" to "T1" and "C7" to "C1".
        role_map: which bones are its spine; found by itself where not given.
        landmarks: places [3] m in OpenSim's ground of "L5_S1", "T12_L1", "neck_base", "atlas", if they are known.

    Raises:
        InputError: no armature, linked or shared data, a mirrored or unevenly scaled object, spine bones that
            constraints or drivers move, no mesh, or what `articulate` refuses.
    """
    wanted = chosen_levels(levels)
    refuse_armature(armature)
    leave_edit_modes()
    skeleton = skeleton_of_armature(armature)
    role_map = role_map or choose_preset(skeleton)[1]
    role_map.check(skeleton)
    objects = bound_meshes(armature) if mesh_objs is None else tuple(mesh_objs)
    refuse_meshes(objects, armature, ())
    skin = read_skin(objects, skeleton.names)
    done = articulate(
        skeleton, role_map, skin.vertices, skin.bones, skin.shares, wanted,
        triangles=skin.triangles, landmarks=landmarks,
    )  # fmt: skip
    if not done.names:
        return ArticulationResult(armature, objects, (), done.role_map, done, done.warnings)
    refuse_meshes(objects, armature, done.names)
    _refuse_moved_bones(armature, done)
    warnings = (*done.warnings, *_keyed(armature, done))
    _add_bones(armature, done)
    write_weights(
        skin, done.weight_bones, done.weight_shares, done.skeleton.names, (*done.base, *done.replaced), done.names
    )
    return ArticulationResult(armature, objects, done.names, done.role_map, done, warnings)


def refuse_armature(armature: bpy.types.Object) -> None:
    """Make sure that an armature's bones may be changed.

    Raises:
        InputError: it is none, linked, shared or not in the view layer.
    """
    data = armature_data(armature)
    if not (armature.is_editable and data.is_editable):
        problem = f"the armature '{armature.name}' is linked from another file"
        raise InputError(problem, hint="make it local (Object > Relations > Make Local)")
    if armature.override_library is not None or data.override_library is not None:
        problem = f"the armature '{armature.name}' is a library override, whose bones cannot be added to"
        raise InputError(problem, hint="articulate it in its own file, or make it local")
    others = [each.name for each in bpy.data.objects if each.data == data and each != armature]
    if others:
        problem = f"the bones of '{armature.name}' are also those of '{others[0]}'"
        raise InputError(problem, hint="make them single-user (Object > Relations > Make Single User)")
    bpy.context.view_layer.update()  # its list of objects, and the places of these
    if armature.name not in bpy.context.view_layer.objects:
        raise InputError(f"the armature '{armature.name}' is not in this view layer", hint="show its collection")


def _refuse_moved_bones(armature: bpy.types.Object, done: Articulation) -> None:
    """Bones that hang on vertebrae must be free to follow them."""
    assert armature.pose is not None
    hint = "articulate the rig that they are made from (a metarig, say), or remove these first"
    for name in done.followed:
        constraints = [each for each in armature.pose.bones[name].constraints if not each.mute]
        if constraints:
            raise InputError(f"the bone '{name}' is moved by the constraint '{constraints[0].name}'", hint=hint)
    animation = armature.animation_data
    for driver in () if animation is None else animation.drivers:
        for name in done.followed:
            if driver.data_path.startswith(f'pose.bones["{bpy.utils.escape_identifier(name)}"]'):
                raise InputError(f"the bone '{name}' is moved by a driver", hint=hint)


def _keyed(armature: bpy.types.Object, done: Articulation) -> tuple[str, ...]:
    paths = {curve.data_path for curve in curves_of(armature)}
    for name in done.followed:
        if any(path.startswith(f'pose.bones["{bpy.utils.escape_identifier(name)}"]') for path in paths):
            return ("the spine's keys no longer bend the skin: retarget the motion onto the vertebrae",)
    return ()


def _add_bones(armature: bpy.types.Object, done: Articulation) -> None:
    world = world_frame(armature)
    heads, tails = (
        (points_to_blender(points) - world.place) @ world.rotation / world.scale for points in (done.heads, done.tails)
    )
    forward = (world.rotation.T @ BLENDER_FROM_OPENSIM @ done.rest_rotations)[:, :, 2]
    before = {name: _original(armature_data(armature).bones[name]) for name in done.followed}
    with editing(armature) as bones:
        for i, name in enumerate(done.names):
            bone = bones.new(name)
            bone.head, bone.tail = heads[i].tolist(), tails[i].tolist()
            bone.align_roll(forward[i].tolist())
            bone.parent = bones[done.parents[i]]
        for name, vertebra in done.followed.items():
            bones[name].use_connect = False
            bones[name].use_inherit_rotation = True
            bones[name].parent = bones[vertebra]
    data = armature_data(armature)
    collection = data.collections.get(COLLECTION) or data.collections.new(COLLECTION)
    for name in done.names:
        collection.assign(data.bones[name])
        data.bones[name][LEVEL_PROPERTY] = name
    for name, original in before.items():
        data.bones[name].use_deform = False
        data.bones[name][ORIGINAL_PROPERTY] = original


def _original(bone: bpy.types.Bone) -> dict[str, str | int]:
    parent = "" if bone.parent is None else bone.parent.name
    return {"parent": parent, "connected": int(bone.use_connect), "deform": int(bone.use_deform)}


@contextmanager
def editing(armature: bpy.types.Object) -> Iterator[bpy.types.ArmatureEditBones]:
    """Edit mode on an armature of the view layer, shown meanwhile; what was active is active again afterwards.

    Raises:
        InputError: it cannot be shown.
    """
    objects = bpy.context.view_layer.objects
    before, hidden, off = objects.active, armature.hide_get(), armature.hide_viewport
    armature.hide_viewport = False
    armature.hide_set(False)
    try:
        objects.active = armature
        if not armature.visible_get():
            raise InputError(
                f"the armature '{armature.name}' is hidden with its collection", hint="show the collection"
            )
        bpy.ops.object.mode_set(mode="EDIT")
        yield armature_data(armature).edit_bones
    finally:
        if armature.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        armature.hide_set(hidden)
        armature.hide_viewport = off
        objects.active = before
