"""Keys that make an armature's bones follow a retargeted motion: bulk, one action, exact in every frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..kinematics.quaternions import (
    continuous_quaternions,
    matrices_from_quaternions,
    nearest_rotations,
    quaternions_from_matrices,
)
from ..model.errors import InputError
from .armature import rest_matrices
from .compat import new_action
from .keyframes import BoneChannels, write_channels
from .rig import armature_data, armature_frames, refuse_unmovable, world_frame

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
_STILL_M = 2e-6  # a fifth of the 0.01 mm that a bone may be off; it is not handed on from bone to bone
_STILL_QUATERNION = 1e-9
_SCALED = 1e-5
OWN_PROPERTY = "simspine_retargeted"  # on actions that were made here
_TURN_CHANNELS = ("rotation_quaternion", "rotation_euler", "rotation_axis_angle", "rotation_mode", "location", "scale")


@dataclass(frozen=True, slots=True)
class KeyedMotion:
    """What was keyed: the action, the bones that have curves, and what was changed on the way, a sentence each."""

    action: bpy.types.Action
    bones: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BoneRest:
    """Bones at rest and how they hang on their parents, as Blender has it.

    `rest` [B, 4, 4] in the armature's space; `parents` [B], -1 for none, a parent stands before its children;
    `connected`: the head stays at the parent's tail; `turns_along`: the parent's rotation is inherited; `own_axes`:
    location counts along the bone's own axes at rest, else along its parent's (the armature's where it has none).
    """

    rest: Array
    parents: NDArray[np.int64]
    connected: Flags
    turns_along: Flags
    own_axes: Flags


def bone_rest(armature: bpy.types.Object, names: Sequence[str], parents: NDArray[np.int64]) -> BoneRest:
    """The bones `names` of an armature; `parents` indexes into them."""
    bones = [armature_data(armature).bones[name] for name in names]
    return BoneRest(
        rest=rest_matrices(armature, names),
        parents=np.asarray(parents),
        connected=np.array([bone.use_connect for bone in bones]),
        turns_along=np.array([bone.use_inherit_rotation for bone in bones]),
        own_axes=np.array([bone.use_local_location for bone in bones]),
    )


def target_channels(wanted: Array, bones: BoneRest) -> BoneChannels:
    """The channels that bring the bones to `wanted` [T, B, 4, 4], in the armature's space.

    A bone's channels L act below its carrier, `B = C L` with `C = B_parent R_parent^-1 R` (and only the place of that
    where rotation is not inherited). C is put together from where the parent really stands, so that no rounding of
    Blender's rest matrices is handed on. Location is used where a head leaves its carrier's by more than 2 micrometres;
    a connected bone has none.
    """
    count = len(bones.parents)
    places, turns = np.ascontiguousarray(wanted[..., :3, 3]), wanted[..., :3, :3]
    standing_turns: list[Array] = []
    standing_places: list[Array] = []
    locations, quaternions = np.zeros((*wanted.shape[:2], 3)), np.empty((*wanted.shape[:2], 4))
    slides = np.zeros(count, dtype=bool)
    for bone, parent in enumerate(bones.parents):
        rest = bones.rest[bone]
        if parent < 0:
            carrier, base = rest[:3, :3], rest[:3, 3]
            axes = carrier if bones.own_axes[bone] else np.eye(3)
        else:
            offset = np.linalg.inv(bones.rest[parent]) @ rest
            carrier = standing_turns[parent] @ offset[:3, :3] if bones.turns_along[bone] else rest[:3, :3]
            base = standing_turns[parent] @ offset[:3, 3] + standing_places[parent]
            axes = carrier if bones.own_axes[bone] else standing_turns[parent]
        upright = np.swapaxes(nearest_rotations(carrier), -1, -2)
        quaternions[:, bone] = quaternions_from_matrices(np.matmul(upright, turns[:, bone]))
        away = places[:, bone] - base
        slides[bone] = not bones.connected[bone] and float(np.abs(away).max(initial=0.0)) > _STILL_M
        if slides[bone]:
            inverse = np.linalg.inv(axes)
            locations[:, bone] = (inverse @ away[..., None])[..., 0]
            standing_places.append(places[:, bone])
        else:
            standing_places.append(np.broadcast_to(base, places[:, bone].shape))
        standing_turns.append(np.matmul(carrier, matrices_from_quaternions(quaternions[:, bone])))
    return BoneChannels(locations, continuous_quaternions(quaternions), slides)


def key_track(
    armature: bpy.types.Object,
    track: PoseTrack,
    frames: Array,
    mapped: Sequence[str],
    name: str,
    nla: bool = False,
) -> KeyedMotion:
    """Key an armature so that its bones stand where `track` has them.

    One new action with LINEAR keys. Bones with a role get curves, and those that carry them one key, so that no pose
    left over shifts them; all others keep what they have.

    Args:
        armature: to move; its object stays where it is.
        track: in OpenSim's ground, of all its bones (or some with the parents between them).
        frames: [T] of the scene.
        mapped: the bones with a role.
        name: of the action.
        nla: push the action down as an NLA strip.

    Raises:
        InputError: the armature cannot be keyed, or the frames are not those of the track.
    """
    refuse_unmovable(armature)
    if len(frames) != len(track.time):
        raise InputError(f"there are {len(frames)} frames for a motion of {len(track.time)} samples")
    bones = bone_rest(armature, track.names, track.parents)
    wanted = armature_frames(world_frame(armature), track.positions, track.rotations)
    channels = target_channels(wanted, bones)
    keyed = _needed_bones(track, mapped)
    names = [track.names[bone] for bone in keyed]
    notes = _torn_joints(track, bones, wanted)
    notes += clear_the_way(armature, names)
    action, curves = fresh_action(armature, name)
    for bone in keyed:
        moves = track.names[bone] in set(mapped) or channels.slides[bone]
        write_bone(curves, track.names[bone], frames, channels, bone, moves)
    if nla:
        push_down(armature, action)
    return KeyedMotion(action, tuple(names), notes)


def write_bone(curves: Any, name: str, frames: Array, channels: BoneChannels, bone: int, moves: bool = True) -> None:
    """The curves of one bone; location where it slides, else a single key of zero."""
    path = f'pose.bones["{bpy.utils.escape_identifier(name)}"]'
    turns = channels.quaternions[:, bone]
    still = not moves or bool(np.ptp(turns, axis=0).max() < _STILL_QUATERNION)
    write_channels(curves, f"{path}.rotation_quaternion", frames, turns, name, still)
    slides = bool(channels.slides[bone])
    write_channels(curves, f"{path}.location", frames, channels.locations[:, bone], name, not slides)


def fresh_action(armature: bpy.types.Object, name: str) -> tuple[bpy.types.Action, Any]:
    """A new action on the armature and its F-curves.

    The one that was there before is kept in the file, unless it came from here and nobody else uses it: that one goes
    when the file is saved.
    """
    data = armature.animation_data
    if data is not None and data.action is not None and OWN_PROPERTY not in data.action:
        data.action.use_fake_user = True
    action, curves = new_action(armature, name)
    action[OWN_PROPERTY] = armature.name
    return action, curves


def push_down(armature: bpy.types.Object, action: bpy.types.Action) -> bpy.types.NlaStrip:
    """The action as a strip on a new NLA track, ready to be layered; the armature's own action is empty again."""
    data = armature.animation_data
    assert data is not None
    slot = getattr(data, "action_slot", None)
    first = action.frame_range[0]
    data.action = None
    track = data.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, int(np.floor(first)), action)
    if slot is not None and getattr(strip, "action_slot", slot) != slot:
        strip.action_slot = slot
    strip.frame_start = float(first)
    strip.extrapolation = "HOLD"
    return strip


def clear_the_way(armature: bpy.types.Object, names: Sequence[str]) -> tuple[str, ...]:
    """Quaternion rotation on the bones; constraints, drivers and scales that would overrule the keys out of the way.

    Constraints and drivers are muted, not removed.

    Returns:
        What was changed, a sentence for each kind.
    """
    assert armature.pose is not None
    bones = [armature.pose.bones[name] for name in names]
    changed: dict[str, list[str]] = {"rotation": [], "constraint": [], "scale": []}
    for bone in bones:
        if bone.rotation_mode != "QUATERNION":
            bone.rotation_mode = "QUATERNION"
            changed["rotation"].append(bone.name)
        for constraint in bone.constraints:
            if not constraint.mute and constraint.influence > 0.0:
                constraint.mute = True
                changed["constraint"].append(f"{bone.name} ({constraint.name})")
        if np.abs(np.array(bone.scale) - 1.0).max() > _SCALED:
            bone.scale = (1.0, 1.0, 1.0)
            changed["scale"].append(bone.name)
    driven = _mute_drivers(armature, set(names))
    sentences = (
        ("bones turned from Euler angles to quaternions", changed["rotation"]),
        ("constraints muted, since they would overrule the keys", changed["constraint"]),
        ("drivers muted, since they would overrule the keys", driven),
        ("bones set back to their own size", changed["scale"]),
    )
    told = tuple(f"{len(which)} {text}: {_some(which)}" for text, which in sentences if which)
    return told + _moving_object(armature)


def mapped_bones(roles: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """All bones that play a role."""
    return tuple(bone for bones in roles.values() for bone in bones)


def _needed_bones(track: PoseTrack, mapped: Sequence[str]) -> list[int]:
    """The mapped bones and all that they hang on, a parent before its children."""
    place = {name: bone for bone, name in enumerate(track.names)}
    needed: set[int] = set()
    for name in mapped:
        bone = place[name]
        while bone >= 0 and bone not in needed:
            needed.add(bone)
            bone = int(track.parents[bone])
    return sorted(needed)


def _torn_joints(track: PoseTrack, bones: BoneRest, wanted: Array) -> tuple[str, ...]:
    """Connected bones whose heads should have left their parents' tails, which Blender does not let them."""
    torn = []
    for bone in np.flatnonzero(bones.connected).tolist():
        parent = int(bones.parents[bone])
        offset = np.linalg.inv(bones.rest[parent]) @ bones.rest[bone]
        base = wanted[:, parent, :3, :3] @ offset[:3, 3] + wanted[:, parent, :3, 3]
        if np.abs(wanted[:, bone, :3, 3] - base).max(initial=0.0) > 1e-4:
            torn.append(track.names[bone])
    if not torn:
        return ()
    return (f"{len(torn)} bones are connected to their parents and cannot move away from them: {_some(torn)}",)


def _moving_object(armature: bpy.types.Object) -> tuple[str, ...]:
    """What may carry the whole armature elsewhere over time, which no bone can make up for."""
    carriers = [each.name for each in armature.constraints if not each.mute and each.influence > 0.0]
    if armature.parent is not None:
        carriers.append(armature.parent.name)
    data = armature.animation_data
    carriers += [
        each.data_path
        for each in (data.drivers if data is not None else ())
        if not each.mute and each.data_path.split("_")[0] in ("location", "rotation", "scale", "delta")
    ]
    if not carriers:
        return ()
    return (f"'{armature.name}' is carried by {_some(carriers)}; the motion is right where it stands at this frame",)


def _mute_drivers(armature: bpy.types.Object, names: set[str]) -> list[str]:
    data = armature.animation_data
    found = []
    for driver in data.drivers if data is not None else ():
        for name in names:
            head = f'pose.bones["{bpy.utils.escape_identifier(name)}"].'
            channel = driver.data_path.removeprefix(head)
            if channel != driver.data_path and channel.split("[")[0] in _TURN_CHANNELS and not driver.mute:
                driver.mute = True
                found.append(f"{name} ({channel})")
    return found


def _some(names: Sequence[str], most: int = 4) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
