"""Motion as F-curves, written in bulk: local rotations of every bone, translations where a joint slides."""

from __future__ import annotations

from collections.abc import Sequence
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
from .axes import frames_to_blender
from .compat import new_curve

Array = NDArray[np.float64]
_STILL_M = 5e-6  # half of the 0.01 mm that a bone may be off; it is not handed on from bone to bone
_STILL_QUATERNION = 1e-9


@dataclass(frozen=True, slots=True)
class BoneChannels:
    """What the bones' channels hold: `locations` [T, B, 3] m, `quaternions` [T, B, 4] `[w, x, y, z]`, `slides` [B]."""

    locations: Array
    quaternions: Array
    slides: NDArray[np.bool_]


def bone_channels(frames: Array, parents: NDArray[np.int64], rest: Array, offsets: Array) -> BoneChannels:
    """The channels that make the bodies stand at `frames`.

    A bone with rest matrix R stands at `B = B_parent R_parent^-1 R L` with its channels L (without a parent `R L`),
    and has to stand at `F O^-1` for its body to stand at F. Blender's rest matrices are rotations up to 3e-5 only,
    for bones that point against their parent; so L is found from where the parent really stands, body by body, and
    no error is handed on. Location is used by the roots, and where a head moves against its parent (`slides`).

    Args:
        frames: [T, B, 4, 4] body frames in the armature's space.
        parents: [B], -1 for none; a parent stands before its children.
        rest: [B, 4, 4] rest matrices of the bones, as Blender holds them.
        offsets: [B, 4, 4] from body to bone coordinates, O.
    """
    wanted = frames @ np.linalg.inv(offsets)
    standing = np.empty_like(wanted)
    locations, quaternions = np.zeros((*wanted.shape[:2], 3)), np.empty((*wanted.shape[:2], 4))
    slides = parents < 0
    for body, parent in enumerate(parents):
        carrier = rest[body] if parent < 0 else standing[:, parent] @ (np.linalg.inv(rest[parent]) @ rest[body])
        local = np.linalg.inv(carrier) @ wanted[:, body]
        quaternions[:, body] = quaternions_from_matrices(nearest_rotations(local[:, :3, :3]))
        slides[body] |= np.abs(local[:, :3, 3]).max() > _STILL_M
        if slides[body]:
            locations[:, body] = local[:, :3, 3]
        local[:, :3, :3] = matrices_from_quaternions(quaternions[:, body])
        local[:, :3, 3] = locations[:, body]
        standing[:, body] = carrier @ local
    return BoneChannels(locations, continuous_quaternions(quaternions), slides)


def write_pose_curves(
    curves: Any, track: PoseTrack, bone_names: Sequence[str], frames: Array, rest: Array, offsets: Array
) -> None:
    """Key the bones so that they follow `track`, at `frames` [T], into `curves` (see `compat.new_action`).

    Every bone gets its four quaternion channels, those that slide their three of location (see `bone_channels`). A
    rotation that never changes gets one key.
    """
    bodies = frames_to_blender(track.positions, track.rotations)
    channels = bone_channels(bodies, track.parents, rest, offsets)
    for body, bone_name in enumerate(bone_names):
        path = f'pose.bones["{bpy.utils.escape_identifier(bone_name)}"]'
        turns = channels.quaternions[:, body]
        still = bool(np.ptp(turns, axis=0).max() < _STILL_QUATERNION)
        write_channels(curves, f"{path}.rotation_quaternion", frames, turns, bone_name, still)
        if channels.slides[body]:
            write_channels(curves, f"{path}.location", frames, channels.locations[:, body], bone_name)


def write_channels(curves: Any, data_path: str, frames: Array, values: Array, group: str, still: bool = False) -> None:
    """One F-curve for each column of `values` [T, N], keyed at `frames` [T], straight lines between the keys.

    With `still`, the first row alone is keyed.
    """
    count = 1 if still else len(frames)
    points = np.empty((count, 2), dtype=np.float32)
    points[:, 0] = frames[:count]
    for index in range(values.shape[1]):
        points[:, 1] = values[:count, index]
        fill_curve(new_curve(curves, data_path, index, group), points)


def fill_curve(curve: bpy.types.FCurve, points: NDArray[np.float32]) -> None:
    """Give an empty F-curve the keys `points` [T, 2] (frame, value), LINEAR, handles along the straight lines."""
    keys = curve.keyframe_points
    keys.add(len(points))
    keys.foreach_set("co", points.ravel())
    keys.foreach_set("interpolation", np.full(len(points), _enum_value("interpolation", "LINEAR"), dtype=np.int32))
    # Vector handles keep the lines straight even if somebody sets the keys to Bezier later.
    vector = np.full(len(points), _enum_value("handle_left_type", "VECTOR"), dtype=np.int32)
    keys.foreach_set("handle_left_type", vector)
    keys.foreach_set("handle_right_type", vector)
    curve.update()


def _enum_value(name: str, identifier: str) -> int:
    return bpy.types.Keyframe.bl_rna.properties[name].enum_items[identifier].value
