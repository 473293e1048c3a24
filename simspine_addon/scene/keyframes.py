"""Motion as F-curves, written in bulk: local rotations of every bone, translations where a joint slides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..kinematics.quaternions import continuous_quaternions, quaternions_from_matrices
from .axes import frames_to_blender
from .compat import new_curve

Array = NDArray[np.float64]
_STILL_M = 5e-7  # the rounding of single precision at 4 m; a dozen joints of it stay below 0.01 mm
_STILL_QUATERNION = 1e-9


def local_transforms(frames: Array, parents: NDArray[np.int64], rest: Array, offsets: Array) -> tuple[Array, Array]:
    """What the bones' location and rotation channels have to hold so that the bodies stand at `frames`.

    With rest matrices R, body offsets O and body frames F, a bone stands at `B = F O^-1`, and its channels hold
    `(R_parent^-1 R)^-1 B_parent^-1 B`; without a parent, `R^-1 B`.

    Args:
        frames: [T, B, 4, 4] body frames in the armature's space.
        parents: [B], -1 for none.
        rest: [B, 4, 4] rest matrices of the bones.
        offsets: [B, 4, 4] from body to bone coordinates.

    Returns:
        Locations [T, B, 3] m and quaternions [T, B, 4] `[w, x, y, z]` of continuous sign.
    """
    bones = frames @ np.linalg.inv(offsets)
    inverse_rest = np.linalg.inv(rest)
    has_parent = parents >= 0
    carried = np.broadcast_to(np.eye(4), bones.shape).copy()
    carried[:, has_parent] = bones[:, parents[has_parent]] @ inverse_rest[parents[has_parent]]
    local = inverse_rest @ np.linalg.inv(carried) @ bones
    return local[..., :3, 3], continuous_quaternions(quaternions_from_matrices(local[..., :3, :3]))


def write_pose_curves(
    curves: Any, track: PoseTrack, bone_names: Sequence[str], frames: Array, rest: Array, offsets: Array
) -> None:
    """Key the bones so that they follow `track`, at `frames` [T], into `curves` (see `compat.new_action`).

    Every bone gets its four quaternion channels. Three location channels go to the roots and to the bones whose head
    moves against their parent, as in a knee. What never changes gets one key.
    """
    bodies = frames_to_blender(track.positions, track.rotations)
    locations, quaternions = local_transforms(bodies, track.parents, rest, offsets)
    moves = (track.parents < 0) | (np.abs(locations).max(axis=(0, 2)) > _STILL_M)
    for body, bone_name in enumerate(bone_names):
        path = f'pose.bones["{bpy.utils.escape_identifier(bone_name)}"]'
        still = bool(np.ptp(quaternions[:, body], axis=0).max() < _STILL_QUATERNION)
        write_channels(curves, f"{path}.rotation_quaternion", frames, quaternions[:, body], bone_name, still)
        if moves[body]:
            write_channels(curves, f"{path}.location", frames, locations[:, body], bone_name)


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
