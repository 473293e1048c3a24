"""An imported person's armature back to a PoseTrack, edited by hand or not: where its bodies stand, frame by frame.

An armature that is moved by its keys alone is read from its F-curves in bulk and put together with numpy, in double
precision. Whatever else moves it (constraints, inverse kinematics, drivers, NLA strips, a parent) is left to Blender:
the scene is played, and every frame is read as evaluated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..kinematics.quaternions import nearest_rotations
from ..model.errors import InputError
from .armature import BODY_PROPERTY, body_offsets, bone_of_body, rest_matrices
from .axes import frames_to_opensim
from .pose_curves import bone_locals, keyed_frames, moved_by_keys_alone
from .timeline import SceneClock, read_clock

Array = NDArray[np.float64]
_SCALED = 1e-4  # relative; what single precision leaves of a scale of 1 is 1e-6


@dataclass(frozen=True, slots=True)
class PoseReading:
    """What an armature does: `track` in OpenSim's ground, `frames` [T] of the scene, and what was odd, a sentence each.

    `from_keys` says whether the curves were read, rather than the scene played.
    """

    track: PoseTrack
    frames: Array
    from_keys: bool
    warnings: tuple[str, ...] = ()


def read_pose(
    armature: bpy.types.Object, frames: Sequence[float] | Array | None = None, scene: bpy.types.Scene | None = None
) -> PoseReading:
    """The poses of an imported person's armature.

    A uniform scale of the armature object (a scene in centimetres, say) is taken out: the model keeps its size. Scaled
    bones are read without their scale.

    Args:
        armature: of a person that was imported (its bones carry the bodies' names and offsets).
        frames: [T] of the scene, fractions allowed; otherwise those of the bones' keys, or every whole frame where the
            keys are far apart, or the scene's frame range where there are no keys.
        scene: whose clock and rate count; the current one otherwise.

    Raises:
        InputError: no imported armature, bones that stand for no or the same body, no frames, or an armature that is
            mirrored or scaled unevenly.
    """
    scene = scene or bpy.context.scene
    assert scene is not None
    bodies = _bodies(armature)
    chosen = _frames(armature, scene, frames)
    from_keys = moved_by_keys_alone(armature)
    if from_keys:
        bpy.context.view_layer.update()  # so that `matrix_world` is that of the object's present place
        world = np.repeat(np.array(armature.matrix_world, dtype=np.float64)[None], len(chosen), axis=0)
        poses = composed(armature, bodies, chosen)
    else:
        world, poses = played(armature, bodies, scene, chosen)
    world, warnings = _without_scale(armature, world)
    poses, scaled = _rigid(poses)
    if scaled.any():
        some = ", ".join(name for name, is_scaled in zip(bodies, scaled, strict=True) if is_scaled)
        warnings += (f"bones are scaled, which a skeleton cannot follow; read without it: {some}",)
    positions, rotations = frames_to_opensim(world[:, None] @ poses @ body_offsets(armature, tuple(bodies.values())))
    track = _track(armature, bodies, _clock(scene).times(chosen), positions, rotations)
    return PoseReading(track, chosen, from_keys, warnings)


def _bodies(armature: bpy.types.Object) -> dict[str, str]:
    """Bone of each body, in the model's order."""
    if not isinstance(armature.data, bpy.types.Armature):
        raise InputError(f"'{armature.name}' is not an armature", hint="choose the armature of an imported person")
    bodies = bone_of_body(armature)
    if not bodies:
        raise InputError(
            f"the armature '{armature.name}' does not come from an OpenSim model", hint="choose an imported person's"
        )
    seen: dict[str, str] = {}
    for bone in armature.data.bones:
        body = bone.get(BODY_PROPERTY)
        if body is not None and body in seen:
            problem = f"the bones '{seen[body]}' and '{bone.name}' of '{armature.name}' both stand for body '{body}'"
            raise InputError(problem, hint=f"remove the custom property {BODY_PROPERTY} from the copy")
        if body is not None:
            seen[body] = bone.name
    return bodies


def _frames(armature: bpy.types.Object, scene: bpy.types.Scene, frames: Sequence[float] | Array | None) -> Array:
    if frames is None:
        chosen = keyed_frames(armature)
        if len(chosen) == 0:
            chosen = np.arange(scene.frame_start, scene.frame_end + 1, dtype=np.float64)
    else:
        chosen = np.asarray(frames, dtype=np.float64).reshape(-1)
    if len(chosen) == 0:
        raise InputError(f"there are no frames of '{armature.name}' to read", hint="choose at least one")
    if not np.isfinite(chosen).all() or (np.diff(chosen) <= 0.0).any():
        raise InputError("the frames to read do not increase", hint="sort them and drop repeats")
    return chosen


def _clock(scene: bpy.types.Scene) -> SceneClock:
    """The clock of the scene; without one, frame 0 is at 0 s."""
    return read_clock(scene) or SceneClock(scene.render.fps / scene.render.fps_base, 0.0, 0)


def composed(armature: bpy.types.Object, bodies: dict[str, str], frames: Array) -> Array:
    """Pose matrices [T, B, 4, 4] of the bodies' bones in the armature's space, from the curves.

    A bone with rest matrix R and channels L stands at `B_parent R_parent^-1 R L`, without a parent at `R L`.
    """
    data = armature.data
    assert isinstance(data, bpy.types.Armature)
    names = [bone.name for bone in data.bones]  # a parent stands before its children, as Blender lists them
    rest = dict(zip(names, rest_matrices(armature, names), strict=True))
    local = bone_locals(armature, frames)
    standing: dict[str, Array] = {}
    for bone in data.bones:
        channels = local[bone.name]
        if bone.parent is None:
            standing[bone.name] = rest[bone.name] @ channels
        else:
            carrier = np.linalg.inv(rest[bone.parent.name]) @ rest[bone.name]
            standing[bone.name] = standing[bone.parent.name] @ (carrier @ channels)
    return np.stack([standing[name] for name in bodies.values()], axis=1)


def played(
    armature: bpy.types.Object, bodies: dict[str, str], scene: bpy.types.Scene, frames: Array
) -> tuple[Array, Array]:
    """World matrices [T, 4, 4] of the armature and pose matrices [T, B, 4, 4] of its bones, as Blender evaluates them.

    The scene's frame and the armature's rest display are as before afterwards.
    """
    data = armature.data
    assert isinstance(data, bpy.types.Armature)
    before, shown = (scene.frame_current, scene.frame_subframe), data.pose_position
    world, poses = np.empty((len(frames), 4, 4)), np.empty((len(frames), len(bodies), 4, 4))
    data.pose_position = "POSE"
    try:
        for row, frame in enumerate(frames):
            whole = int(np.floor(frame))
            scene.frame_set(whole, subframe=min(float(frame - whole), 0.999999))
            evaluated = armature.evaluated_get(_depsgraph(scene))
            assert evaluated.pose is not None
            world[row] = evaluated.matrix_world
            poses[row] = [evaluated.pose.bones[bone].matrix for bone in bodies.values()]
    finally:
        data.pose_position = shown
        scene.frame_set(before[0], subframe=before[1])
    return world, poses


def _depsgraph(scene: bpy.types.Scene) -> bpy.types.Depsgraph:
    if scene == bpy.context.scene:
        return bpy.context.evaluated_depsgraph_get()
    depsgraph = scene.view_layers[0].depsgraph
    assert depsgraph is not None
    return depsgraph


def _without_scale(armature: bpy.types.Object, world: Array) -> tuple[Array, tuple[str, ...]]:
    """World matrices [T, 4, 4] without the object's scale, places included; and the warning about it."""
    if (np.linalg.det(world[:, :3, :3]) <= 0.0).any():
        raise InputError(f"the armature '{armature.name}' is mirrored or flat", hint="give it a positive scale")
    lengths = np.linalg.norm(world[:, :3, :3], axis=1)
    scale = lengths.mean(axis=1)
    if (np.abs(lengths / scale[:, None] - 1.0) > _SCALED).any():
        problem = f"the armature '{armature.name}' is scaled unevenly"
        raise InputError(problem, hint="give it the same scale along x, y and z")
    if (np.abs(scale / scale[0] - 1.0) > _SCALED).any():
        raise InputError(f"the scale of the armature '{armature.name}' changes over time", hint="remove its scale keys")
    plain = world.copy()
    if abs(scale[0] - 1.0) <= _SCALED:
        scale = np.ones(1)
    plain[:, :3] /= scale[0]
    plain, _ = _rigid(plain)
    if scale[0] == 1.0:
        return plain, ()
    return plain, (f"the armature is scaled by {scale[0]:.6g}; poses are read at the model's own size",)


def _rigid(matrices: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Matrices [T, ..., 4, 4] with the nearest rotations, and which of the [...] were scaled."""
    lengths = np.linalg.norm(matrices[..., :3, :3], axis=-2)
    scaled = (np.abs(lengths - 1.0) > _SCALED).any(axis=(0, -1))
    rigid = matrices.copy()
    turned = nearest_rotations(matrices[..., :3, :3] / lengths[..., None, :])
    if scaled.any():  # sheared too, perhaps, by the scales of parents: Newton's iteration needs some more steps
        for _ in range(6):
            turned = nearest_rotations(turned)
    rigid[..., :3, :3] = turned
    return rigid, scaled


def _track(
    armature: bpy.types.Object, bodies: dict[str, str], time: Array, positions: Array, rotations: Array
) -> PoseTrack:
    """The PoseTrack, with parents, joint centres and rest pose from the bones at rest."""
    data = armature.data
    assert isinstance(data, bpy.types.Armature)
    bones = tuple(bodies.values())
    place = {bone: index for index, bone in enumerate(bones)}
    parents = []
    for name in bones:
        parent = data.bones[name].parent
        while parent is not None and parent.name not in place:
            parent = parent.parent
        parents.append(-1 if parent is None else place[parent.name])
    offsets = body_offsets(armature, bones)
    rest, _ = _rigid(rest_matrices(armature, bones))
    rest_positions, rest_rotations = frames_to_opensim(rest @ offsets)
    return PoseTrack(
        time=np.asarray(time, dtype=np.float64),
        names=tuple(bodies),
        parents=np.array(parents, dtype=np.int64),
        positions=positions,
        rotations=rotations,
        centres=np.linalg.inv(offsets)[:, :3, 3],
        rest_positions=rest_positions,
        rest_rotations=rest_rotations,
    )
