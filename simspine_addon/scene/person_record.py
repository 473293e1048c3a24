"""What an armature remembers of its import, and the lumbar angles that its pose shows at this moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ..model.types import GROUND, Model
from ..spine.levels import lumbar_levels
from .armature import body_offsets, bone_of_body
from .axes import BLENDER_FROM_OPENSIM
from .import_motion import MODEL_PROPERTY, MOTION_PROPERTY, ImportResult
from .timeline import PERSON_PROPERTY, sample_rate

Array = NDArray[np.float64]
RECORD_PROPERTY = "simspine_record"


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """An imported person in figures; `rate` in frames a second, `duration` in s, frames those of the scene.

    `pieces` counts the model's geometry (0 where it was not asked for), `pieces_shown` what of it became an object.
    """

    model_file: str
    motion_file: str
    samples: int
    rate: float
    duration: float
    frame_start: float
    frame_end: float
    bodies: int
    coordinates: int
    pieces: int
    pieces_shown: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LevelAngles:
    """One lumbar level now, in degrees: extension, bending to the right and turning to the left are positive."""

    level: str
    flexion_extension: float
    lateral_bending: float
    axial_rotation: float


def write_record(
    result: ImportResult, model: Model, time: Array, *, with_meshes: bool = True, more_warnings: Iterable[str] = ()
) -> None:
    """Let the armature of `result` remember its import, so that a saved file knows it without the documents.

    Args:
        result: from `import_person`.
        model: what was imported.
        time: [T] s, the samples of the motion as its file has them.
        with_meshes: whether the model's geometry was asked for.
        more_warnings: what reading model and motion had to warn of; those of `result` are added.
    """
    shown = sum(thing.type == "MESH" for thing in result.objects)
    result.armature[RECORD_PROPERTY] = {
        "samples": len(time),
        "rate": float(sample_rate(time)),
        "duration": float(time[-1] - time[0]),
        "frame_start": result.frame_start,
        "frame_end": result.frame_end,
        "coordinates": len(model.coordinates),
        "pieces": len(model.geometry) if with_meshes else 0,
        "pieces_shown": shown,
        "warnings": "\n".join((*more_warnings, *result.warnings)),
        "levels": [_level_entry(result.armature, model, level.name, level.joint) for level in lumbar_levels(model)],
    }


def is_person(thing: bpy.types.Object | None) -> bool:
    """Whether an object is the armature of an imported person."""
    return thing is not None and thing.type == "ARMATURE" and PERSON_PROPERTY in thing


def read_record(armature: bpy.types.Object) -> PersonRecord | None:
    """What the armature remembers; None where it was imported without a record."""
    stored = _stored(armature)
    if stored is None:
        return None
    return PersonRecord(
        model_file=Path(str(armature.get(MODEL_PROPERTY, ""))).name,
        motion_file=Path(str(armature.get(MOTION_PROPERTY, ""))).name,
        samples=int(stored.get("samples", 0)),
        rate=float(stored.get("rate", 0.0)),
        duration=float(stored.get("duration", 0.0)),
        frame_start=float(stored.get("frame_start", 0.0)),
        frame_end=float(stored.get("frame_end", 0.0)),
        bodies=len(bone_of_body(armature)),
        coordinates=int(stored.get("coordinates", 0)),
        pieces=int(stored.get("pieces", 0)),
        pieces_shown=int(stored.get("pieces_shown", 0)),
        warnings=tuple(line for line in str(stored.get("warnings", "")).split("\n") if line),
    )


def current_lumbar_angles(armature: bpy.types.Object) -> tuple[LevelAngles, ...]:
    """The lumbar angles of the armature's present pose, from the sacrum up; empty where it has no lumbar level.

    The rotation from a joint's lower to its upper frame, split as Rz(flexion) Rx(bending) Ry(axial) like
    `spine.levels.level_angles` does it. A level whose bones were deleted is left out.
    """
    stored = _stored(armature)
    if stored is None or armature.pose is None:
        return ()
    bone_names = bone_of_body(armature)
    levels = []
    for entry in stored.get("levels", ()):
        lower = _joint_frame(armature, bone_names, entry["lower_body"], entry["lower_rotation"])
        upper = _joint_frame(armature, bone_names, entry["upper_body"], entry["upper_rotation"])
        if lower is None or upper is None:
            continue
        # Blender names the order in which axes are turned: first y, then x, then z is the product Rz Rx Ry.
        angles = (lower.transposed() @ upper).to_euler("YXZ")
        levels.append(LevelAngles(entry["name"], *(float(np.degrees(angles[axis])) for axis in (2, 0, 1))))
    return tuple(levels)


def _stored(armature: bpy.types.Object) -> Any:
    stored = armature.get(RECORD_PROPERTY)
    return stored if hasattr(stored, "keys") else None


def _level_entry(armature: bpy.types.Object, model: Model, name: str, joint_index: int) -> dict[str, Any]:
    """A level's two bodies, and the rotations of the joint's frames in the bones of those bodies."""
    joint = model.joints[joint_index]
    names = ("" if joint.parent == GROUND else model.body_names[joint.parent], model.body_names[joint.child])
    frames = (joint.parent_offset[:3, :3], joint.child_offset[:3, :3])
    lower, upper = (_in_bone(armature, body, frame) for body, frame in zip(names, frames, strict=True))
    return {
        "name": name,
        "lower_body": names[0],
        "upper_body": names[1],
        "lower_rotation": lower.ravel().tolist(),
        "upper_rotation": upper.ravel().tolist(),
    }


def _in_bone(armature: bpy.types.Object, body: str, rotation: Array) -> Array:
    """`rotation` of a frame in its body, in the body's bone instead; in Blender's world where the body is ground."""
    if not body:
        return BLENDER_FROM_OPENSIM @ rotation
    bone_name = bone_of_body(armature)[body]
    return body_offsets(armature, (bone_name,))[0][:3, :3] @ rotation


def _joint_frame(
    armature: bpy.types.Object, bone_names: dict[str, str], body: str, rotation: Iterable[float]
) -> Matrix | None:
    """A joint frame's rotation in the armature's space, from the pose; None where the body's bone is gone."""
    numbers = list(rotation)
    in_bone = Matrix((numbers[0:3], numbers[3:6], numbers[6:9]))
    if not body:
        return in_bone
    assert armature.pose is not None
    bone = armature.pose.bones.get(bone_names.get(body, ""))
    return None if bone is None else bone.matrix.to_3x3().normalized() @ in_bone
