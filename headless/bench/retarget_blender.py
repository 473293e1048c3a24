"""The Blender half of the retargeting benchmark: keys in bulk, and the constraints with `nla.bake` that others use."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ...simspine_addon.kinematics.pose_track import PoseTrack
from ...simspine_addon.model.types import Body, Joint, Model
from ...simspine_addon.retarget.roles import RoleMap
from ...simspine_addon.retarget.skeleton import Skeleton
from ..bootstrap import quiet_stdout

_REPEATS = 3


def blender_half(track: PoseTrack, source_map: RoleMap, target: Skeleton, target_map: RoleMap) -> dict[str, Any]:
    """Seconds of solve and keys together (best of three) and of the rival, on the same armature, in full length.

    The rival is what a script usually does: a Copy Rotation constraint in world space for every role, a Copy Location
    for the pelvis, then `bpy.ops.nla.bake` with visual keying.
    """
    with quiet_stdout():
        import bpy

        ours = [_ours(track, source_map, target, target_map) for _ in range(_REPEATS)]
        rival, keyed = _rival(track, source_map, target, target_map)
        version = bpy.app.version_string
    return {
        "blender": version,
        "solve_and_keys_seconds": round(min(ours), 4),
        "solve_and_keys_all_seconds": [round(each, 4) for each in ours],
        "rival": f"{keyed} Copy Rotation constraints and bpy.ops.nla.bake with visual keying, in full length",
        "rival_seconds": round(rival, 3),
        "ratio": round(rival / min(ours), 1),
    }


def _ours(track: PoseTrack, source_map: RoleMap, target: Skeleton, target_map: RoleMap) -> float:
    from ...simspine_addon.retarget.solve import retarget
    from ...simspine_addon.scene.retarget_keys import key_track, mapped_bones
    from ...simspine_addon.scene.rig import skeleton_of_armature

    armature = _armature(target)
    frames = np.arange(1, len(track.time) + 1, dtype=np.float64)
    start = time.perf_counter()
    result = retarget(track, source_map, skeleton_of_armature(armature), target_map)
    key_track(armature, result.track, frames, mapped_bones(target_map.bones), "bench")
    return time.perf_counter() - start


def _rival(track: PoseTrack, source_map: RoleMap, target: Skeleton, target_map: RoleMap) -> tuple[float, int]:
    import bpy

    from ...simspine_addon.scene.import_motion import import_person

    armature = _armature(target)
    scene = bpy.context.scene
    person = import_person(scene, _bare_model(track), None, track, with_meshes=False)
    pairs = _pairs(source_map, target_map)
    for mine, theirs in pairs:
        bone = armature.pose.bones[mine]
        copies = ["COPY_ROTATION", *(["COPY_LOCATION"] if mine == target_map.of("pelvis")[0] else [])]
        for kind in copies:
            constraint: Any = bone.constraints.new(kind)
            constraint.target, constraint.subtarget = person.armature, theirs
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="POSE")
    start = time.perf_counter()
    bpy.ops.nla.bake(
        frame_start=1,
        frame_end=len(track.time),
        only_selected=False,
        visual_keying=True,
        clear_constraints=True,
        bake_types={"POSE"},
    )
    seconds = time.perf_counter() - start
    bpy.ops.object.mode_set(mode="OBJECT")
    return seconds, len(pairs)


def _pairs(source_map: RoleMap, target_map: RoleMap) -> list[tuple[str, str]]:
    """Target and source bone of every role that both have, one for one from the chain's start."""
    return [
        pair
        for role, bones in target_map.bones.items()
        if role != "root"
        for pair in zip(bones, source_map.of(role), strict=False)
    ]


def _armature(target: Skeleton) -> Any:
    """The skeleton as an armature in an empty scene."""
    import bpy

    from ...simspine_addon.scene.axes import points_to_blender

    bpy.ops.wm.read_factory_settings(use_empty=True)
    armature = bpy.data.objects.new("target", bpy.data.armatures.new("target"))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    heads = points_to_blender(target.rest_positions)
    for bone, name in enumerate(target.names):
        end = target.end_of(bone)
        new = armature.data.edit_bones.new(name)
        new.head = heads[bone]
        new.tail = heads[bone] + (0.0, 0.0, 0.04) if end is None else points_to_blender(end)
        if target.parents[bone] >= 0:
            new.parent = armature.data.edit_bones[target.names[target.parents[bone]]]
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def _bare_model(track: PoseTrack) -> Model:
    """A model with the track's bodies and nothing else, which is all that an import without meshes reads."""
    bodies = tuple(Body(name, 1.0, np.zeros(3), np.ones(6)) for name in track.names)
    joints = tuple(
        Joint(f"joint_{i}", "CustomJoint", int(parent), i, np.eye(4), np.eye(4), (), ())
        for i, parent in enumerate(track.parents)
    )
    return Model("source", 40500, bodies, joints, (), (), (), ())
