"""Any armature's motion as a PoseTrack for the exporters: an imported person's bodies, or an avatar's bones."""

# bpy makes its submodules at run time, so their names cannot be checked
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.kinematics.quaternions import nearest_rotations
from ..simspine_addon.scene.armature import bone_of_body
from ..simspine_addon.scene.axes import frames_to_opensim
from ..simspine_addon.scene.pose_curves import keyed_frames, moved_by_keys_alone
from ..simspine_addon.scene.read_pose import composed, played, read_pose
from ..simspine_addon.scene.rig import skeleton_of_armature

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ArmatureMotion:
    """What an armature does; `own_bones` where the track's bodies are its bones, and not a model's bodies."""

    track: PoseTrack
    own_bones: bool
    warnings: tuple[str, ...]


def armature_track(armature: bpy.types.Object, scene: bpy.types.Scene, *, scene_range: bool = False) -> ArmatureMotion:
    """The motion of an armature, in OpenSim's ground and metres, at the frames of its keys.

    An avatar's motion is taken at every whole frame from its first key to its last. The scene is as before afterwards.

    Args:
        scene_range: the scene's frame range instead, which also counts where there are no keys.

    Raises:
        InputError: it is no armature, has no bones, or is mirrored or scaled unevenly.
    """
    frames = np.arange(scene.frame_start, scene.frame_end + 1, dtype=np.float64) if scene_range else None
    if isinstance(armature.data, bpy.types.Armature) and bone_of_body(armature):
        reading = read_pose(armature, frames, scene)
        return ArmatureMotion(reading.track, False, reading.warnings)
    skeleton = skeleton_of_armature(armature)
    if frames is None:
        keys = keyed_frames(armature)
        ends = (keys[0], keys[-1]) if len(keys) else (scene.frame_start, scene.frame_end)
        frames = np.arange(np.floor(ends[0]), np.ceil(ends[1]) + 1.0)
    bones = {name: name for name in skeleton.names}
    if moved_by_keys_alone(armature):
        poses = np.array(armature.matrix_world, dtype=np.float64) @ composed(armature, bones, frames)
    else:
        world, standing = played(armature, bones, scene, frames)
        poses = world[:, None] @ standing
    lengths = np.linalg.norm(poses[..., :3, :3], axis=-2, keepdims=True)
    turned = nearest_rotations(poses[..., :3, :3] / np.where(lengths > 0.0, lengths, 1.0))
    poses = poses.copy()
    poses[..., :3, :3] = turned
    positions, rotations = frames_to_opensim(poses)
    track = PoseTrack(
        time=(frames - frames[0]) * scene.render.fps_base / scene.render.fps,
        names=skeleton.names,
        parents=np.asarray(skeleton.parents),
        positions=positions,
        rotations=rotations,
        centres=np.zeros((len(skeleton.names), 3)),
        rest_positions=skeleton.rest_positions,
        rest_rotations=skeleton.rest_rotations,
    )
    return ArmatureMotion(track, True, ())
