"""The channels of an armature's bones over time, read from its F-curves in bulk and without playing the scene."""

from __future__ import annotations

import re
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..kinematics.quaternions import matrices_from_quaternions
from .compat import curves_of

Array = NDArray[np.float64]
_BONE_PATH = re.compile(r'pose\.bones\["((?:[^"\\]|\\.)*)"\]\.(\w+)')
_WIDTH = {"location": 3, "scale": 3, "rotation_quaternion": 4, "rotation_euler": 3}
_OBJECT_CHANNELS = ("location", "scale", "rotation", "delta_")
_FAR_APART = 4.0  # frames between keys, above which they are an animator's poses rather than samples
_ON_KEY = 1e-4  # frames; single precision holds fractions of frame 1000 to 6e-5


def moved_by_keys_alone(armature: bpy.types.Object) -> bool:
    """Whether the F-curves of its action say all there is about the bones' poses."""
    pose, data = armature.pose, armature.data
    assert pose is not None
    assert isinstance(data, bpy.types.Armature)
    if armature.parent is not None or armature.constraints or _is_driven(armature) or data.animation_data is not None:
        return False
    if any(bone.constraints or bone.rotation_mode == "AXIS_ANGLE" for bone in pose.bones):
        return False
    if any(curve.data_path.startswith(_OBJECT_CHANNELS) for curve in curves_of(armature)):
        return False
    if any(curve.modifiers or curve.mute or (curve.group and curve.group.mute) for curve in curves_of(armature)):
        return False
    return not any(
        bone.use_connect or not bone.use_inherit_rotation or not bone.use_local_location or bone.inherit_scale != "FULL"
        for bone in data.bones
    )


def keyed_frames(armature: bpy.types.Object) -> Array:
    """Frames [T] at which the bones have keys; every whole frame between them where keys are far apart."""
    frames = [_key_points(curve)[:, 0] for curve in curves_of(armature) if _bone_channel(curve) is not None]
    if not frames:
        return np.zeros(0)
    # Curves that were keyed together hold the same frames bit by bit; those nearer than single precision are one.
    keys = np.unique(np.concatenate(frames).astype(np.float64))
    keys = keys[np.concatenate([[True], np.diff(keys) > _ON_KEY])]
    whole = np.round(keys)
    keys = np.where(np.abs(keys - whole) < _ON_KEY, whole, keys)
    if len(keys) > 1 and np.median(np.diff(keys)) > _FAR_APART:
        return np.arange(np.floor(keys[0]), np.ceil(keys[-1]) + 1.0)
    return keys


def bone_locals(armature: bpy.types.Object, frames: Array) -> dict[str, Array]:
    """Each bone's own transform against its rest, [T, 4, 4], by its name; channels without keys are as they stand."""
    assert armature.pose is not None
    keyed: dict[tuple[str, str], list[tuple[int, Any]]] = {}
    for curve in curves_of(armature):
        channel = _bone_channel(curve)
        if channel is not None:
            keyed.setdefault(channel, []).append((curve.array_index, curve))
    return {bone.name: _local(bone, keyed, frames) for bone in armature.pose.bones}


def _local(bone: bpy.types.PoseBone, keyed: dict[tuple[str, str], list[tuple[int, Any]]], frames: Array) -> Array:
    turn = "rotation_quaternion" if bone.rotation_mode == "QUATERNION" else "rotation_euler"
    channels: dict[str, Array] = {}
    for name in ("location", turn, "scale"):
        values = np.repeat(np.array(getattr(bone, name), dtype=np.float64)[None], len(frames), axis=0)
        for index, curve in keyed.get((bone.name, name), ()):
            values[:, index] = curve_values(curve, frames)
        channels[name] = values
    local = np.zeros((len(frames), 4, 4))
    local[:, 3, 3] = 1.0
    local[:, :3, 3] = channels["location"]
    rotations = (
        _from_quaternions(channels[turn])
        if turn == "rotation_quaternion"
        else _from_euler(channels[turn], bone.rotation_mode)
    )
    local[:, :3, :3] = rotations * channels["scale"][:, None, :]
    return local


def curve_values(curve: bpy.types.FCurve, frames: Array) -> Array:
    """Values [T] of an F-curve without modifiers at `frames` [T].

    Straight lines and steps are put together here; anything else Blender evaluates.
    """
    points = _key_points(curve)
    if len(points) == 0:
        return np.array([curve.evaluate(frame) for frame in frames])
    if len(points) == 1 and curve.extrapolation == "CONSTANT":
        return np.full(len(frames), float(points[0, 1]))
    keys, values = points.astype(np.float64).T
    after = np.clip(np.searchsorted(keys, frames), 0, len(keys) - 1)
    before = np.clip(after - 1, 0, None)
    nearest = np.where(np.abs(keys[before] - frames) < np.abs(keys[after] - frames), before, after)
    on_key = np.abs(keys[nearest] - frames) < _ON_KEY
    if on_key.all():
        return values[nearest]
    beyond = (frames < keys[0] - _ON_KEY) | (frames > keys[-1] + _ON_KEY)
    kinds = np.empty(len(keys), dtype=np.int32)
    curve.keyframe_points.foreach_get("interpolation", kinds)
    straight = kinds[before] == _linear()
    found = np.interp(frames, keys, values)
    found[on_key] = values[nearest[on_key]]
    for row in np.flatnonzero(~on_key & (beyond | ~straight)):
        found[row] = curve.evaluate(frames[row])
    return found


def _key_points(curve: bpy.types.FCurve) -> NDArray[np.float32]:
    """The keys [N, 2]: frame and value."""
    points = np.empty(2 * len(curve.keyframe_points), dtype=np.float32)
    curve.keyframe_points.foreach_get("co", points)
    return points.reshape(-1, 2)


def _bone_channel(curve: bpy.types.FCurve) -> tuple[str, str] | None:
    """Bone and property that a curve moves; None for curves of anything else."""
    match = _BONE_PATH.fullmatch(curve.data_path)
    if match is None or match[2] not in _WIDTH:
        return None
    return bpy.utils.unescape_identifier(match[1]), match[2]


def _is_driven(thing: bpy.types.ID) -> bool:
    """Whether drivers or NLA strips move the data-block."""
    data = thing.animation_data
    if data is None:
        return False
    return bool(data.drivers) or data.use_tweak_mode or any(track.strips for track in data.nla_tracks)


def _from_quaternions(quaternions: Array) -> Array:
    none = ~np.any(quaternions, axis=1)
    return matrices_from_quaternions(np.where(none[:, None], (1.0, 0.0, 0.0, 0.0), quaternions))


def _from_euler(angles: Array, order: str) -> Array:
    """Rotations [T, 3, 3] of Blender's Euler angles [T, 3]: 'XYZ' turns about x first, so it is Rz Ry Rx."""
    rotations = np.repeat(np.eye(3)[None], len(angles), axis=0)
    for letter in order:
        axis = "XYZ".index(letter)
        one, two = (axis + 1) % 3, (axis + 2) % 3
        turn = np.repeat(np.eye(3)[None], len(angles), axis=0)
        turn[:, one, one] = turn[:, two, two] = np.cos(angles[:, axis])
        turn[:, two, one] = np.sin(angles[:, axis])
        turn[:, one, two] = -turn[:, two, one]
        rotations = turn @ rotations
    return rotations


def _linear() -> int:
    return bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value
