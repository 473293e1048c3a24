"""One armature per person: a bone for every body, its head at the joint, and the way back from bone to body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import bpy
import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..kinematics.quaternions import nearest_rotations
from .axes import frames_to_blender, points_to_blender
from .bone_shape import bone_tails

Array = NDArray[np.float64]
OFFSET_PROPERTY = "simspine_body_offset"  # on each bone: 16 numbers, row by row; body frame = bone matrix @ offset
BODY_PROPERTY = "simspine_body"  # on each bone: the body's name in the model
INDEX_PROPERTY = "simspine_body_index"  # on each bone: the body's place in the model, which Blender's order is not
_ANTERIOR = (1.0, 0.0, 0.0)  # OpenSim's X is Blender's X
_UP = (0.0, 0.0, 1.0)


def build_armature(
    name: str, track: PoseTrack, bone_names: Sequence[str], mass_centers: Array | None = None
) -> bpy.types.Object:
    """A new armature object, in no collection, at the identity: bone `i` for body `i`, at the default pose.

    Heads are the joint centres; for the tails see `bone_tails`. The z axis of a bone points forward, of a bone that
    itself runs forward (the foot) up. No bone is connected, so that a body can translate in its joint.

    Args:
        name: for the object and its data; Blender adds a number if it is taken.
        track: gives the parents and the rest pose.
        bone_names: [B], distinct, at most 63 bytes each.
        mass_centers: [B, 3] m in the bodies' frames, for the ends of the limbs.

    Raises:
        RuntimeError: Blender refused to enter edit mode.
    """
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    _data(armature).display_type = "STICK"
    heads, tails = points_to_blender(track.rest_joint_centres), points_to_blender(bone_tails(track, mass_centers))
    with edit_mode(armature) as edit_bones:
        for body, bone_name in enumerate(bone_names):
            bone = edit_bones.new(bone_name)
            bone.head, bone.tail = heads[body], tails[body]
            bone.align_roll(_UP if abs(np.dot(bone.y_axis, _ANTERIOR)) > 0.9 else _ANTERIOR)
            if track.parents[body] >= 0:
                bone.parent = edit_bones[bone_names[track.parents[body]]]
    _store_offsets(armature, track, bone_names)
    return armature


def rest_matrices(armature: bpy.types.Object, bone_names: Sequence[str]) -> Array:
    """The bones' rest matrices in the armature's space, [B, 4, 4], as Blender holds them."""
    bones = _data(armature).bones
    return np.array([bones[name].matrix_local for name in bone_names], dtype=np.float64)


def body_offsets(armature: bpy.types.Object, bone_names: Sequence[str]) -> Array:
    """What takes body coordinates into bone coordinates, [B, 4, 4]: body frame = bone matrix @ offset."""
    bones = _data(armature).bones
    return np.array([bones[name][OFFSET_PROPERTY] for name in bone_names], dtype=np.float64).reshape(-1, 4, 4)


def bone_of_body(armature: bpy.types.Object) -> dict[str, str]:
    """Bone name of each body of an imported person, by the model's name for it and in the model's order."""
    bones = [bone for bone in _data(armature).bones if BODY_PROPERTY in bone]
    return {bone[BODY_PROPERTY]: bone.name for bone in sorted(bones, key=lambda bone: bone[INDEX_PROPERTY])}


def body_frames(
    armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph | None = None
) -> tuple[tuple[str, ...], Array]:
    """Where the bodies stand in Blender's world at the current frame.

    Returns:
        The bodies' names in the model's order, and their frames [B, 4, 4]: what takes body coordinates (OpenSim's, m)
        into the world.
    """
    names = bone_of_body(armature)
    evaluated = armature.evaluated_get(depsgraph or bpy.context.evaluated_depsgraph_get())
    assert evaluated.pose is not None
    poses = np.array([evaluated.pose.bones[bone].matrix for bone in names.values()], dtype=np.float64).reshape(-1, 4, 4)
    poses[:, :3, :3] = nearest_rotations(poses[:, :3, :3])
    world = np.array(evaluated.matrix_world, dtype=np.float64)
    return tuple(names), world @ poses @ body_offsets(armature, tuple(names.values()))


def leave_edit_modes() -> None:
    """Bring the user back to object mode, whatever is being edited, painted or posed."""
    active = bpy.context.view_layer.objects.active
    if active is not None and active.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")


def _store_offsets(armature: bpy.types.Object, track: PoseTrack, bone_names: Sequence[str]) -> None:
    """From what Blender made of heads, tails and rolls in single precision, so that its rounding cancels.

    Its rest matrices are rotations up to 3e-5 only (worst for bones that point against their parent), which would move
    a body's origin half a metre away by 0.01 mm: the offset is that of the nearest rotation.
    """
    frames = frames_to_blender(track.rest_positions, track.rest_rotations)
    rest = rest_matrices(armature, bone_names)
    rest[:, :3, :3] = nearest_rotations(rest[:, :3, :3])
    offsets = np.linalg.inv(rest) @ frames
    bones = _data(armature).bones
    for body, bone_name in enumerate(bone_names):
        bones[bone_name][OFFSET_PROPERTY] = offsets[body].ravel().tolist()
        bones[bone_name][BODY_PROPERTY] = track.names[body]
        bones[bone_name][INDEX_PROPERTY] = body


@contextmanager
def edit_mode(armature: bpy.types.Object) -> Iterator[bpy.types.ArmatureEditBones]:
    """Edit mode on an armature that is in no collection yet; edit bones can be had in no other way.

    It is linked to the current scene's own collection meanwhile, which no view layer can exclude. Object mode, and
    the previous active object, afterwards.
    """
    leave_edit_modes()
    objects = bpy.context.view_layer.objects
    before = objects.active
    master = bpy.context.scene.collection
    master.objects.link(armature)
    try:
        objects.active = armature
        bpy.ops.object.mode_set(mode="EDIT")
        yield _data(armature).edit_bones
        bpy.ops.object.mode_set(mode="OBJECT")
    finally:
        if armature.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        master.objects.unlink(armature)
        objects.active = before


def _data(armature: bpy.types.Object) -> bpy.types.Armature:
    if not isinstance(armature.data, bpy.types.Armature):
        raise TypeError(f"{armature.name} is not an armature")
    return armature.data
