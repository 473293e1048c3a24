"""Any armature in the scene as a retargeting skeleton, and what stands in the way of moving it said in one line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..kinematics.quaternions import nearest_rotations
from ..model.errors import InputError
from ..retarget.skeleton import Skeleton, make_skeleton
from .armature import rest_matrices
from .axes import frames_to_blender, frames_to_opensim, points_to_opensim

Array = NDArray[np.float64]
_UNEVEN = 1e-4  # relative; single precision leaves 1e-6 of a scale of 1
_SHORTEST_M = 1e-7


@dataclass(frozen=True, slots=True)
class WorldFrame:
    """Where an armature object stands: a rotation [3, 3], a place [3] m, and one scale for all axes."""

    rotation: Array
    place: Array
    scale: float

    def to_world(self, frames: Array) -> Array:
        """Frames [..., 4, 4] of the armature's space in the world; their rotations stay rotations."""
        moved = frames.copy()
        moved[..., :3, :3] = self.rotation @ frames[..., :3, :3]
        moved[..., :3, 3] = self.scale * frames[..., :3, 3] @ self.rotation.T + self.place
        return moved

    def to_armature(self, frames: Array) -> Array:
        """The way back: frames [..., 4, 4] of the world in the armature's space."""
        moved = frames.copy()
        moved[..., :3, :3] = self.rotation.T @ frames[..., :3, :3]
        moved[..., :3, 3] = (frames[..., :3, 3] - self.place) @ self.rotation / self.scale
        return moved


def chosen_armature(things: Iterable[bpy.types.Object], what: str) -> bpy.types.Object:
    """The one armature among some objects.

    Args:
        things: to choose from.
        what: where they come from, for the message ("the file x.blend", "the selection").

    Raises:
        InputError: there is none, or more than one.
    """
    armatures = [thing for thing in things if thing.type == "ARMATURE"]
    if not armatures:
        raise InputError(f"there is no armature in {what}", hint="choose a rigged character")
    if len(armatures) > 1:
        names = ", ".join(f"'{each.name}'" for each in armatures)
        raise InputError(f"there are {len(armatures)} armatures in {what}: {names}", hint="choose one of them")
    return armatures[0]


def skeleton_of_armature(armature: bpy.types.Object) -> Skeleton:
    """All bones of an armature at rest, where the object stands now, in OpenSim's ground, m.

    Raises:
        InputError: as `world_frame`, or it is no armature, has no bones, or has one without length.
    """
    data = armature_data(armature)
    bones = list(data.bones)
    if not bones:
        raise InputError(f"the armature '{armature.name}' has no bones", hint="choose a rigged character")
    for bone in bones:
        if not bone.length > _SHORTEST_M:
            raise InputError(
                f"the bone '{bone.name}' of '{armature.name}' has no length", hint="lengthen or delete it in edit mode"
            )
    world = world_frame(armature)
    names = [bone.name for bone in bones]
    rest = plain_rest_matrices(armature, names)
    positions, rotations = frames_to_opensim(world.to_world(rest))
    tails = np.array([bone.tail_local for bone in bones], dtype=np.float64)
    return make_skeleton(
        names,
        [None if bone.parent is None else bone.parent.name for bone in bones],
        positions,
        rotations,
        points_to_opensim(world.scale * tails @ world.rotation.T + world.place),
    )


def armature_frames(world: WorldFrame, positions: Array, rotations: Array) -> Array:
    """Frames [..., 4, 4] in the armature's space of places [..., 3] m and rotations [..., 3, 3] in OpenSim's ground."""
    return world.to_armature(frames_to_blender(positions, rotations))


def plain_rest_matrices(armature: bpy.types.Object, names: Iterable[str]) -> Array:
    """Rest matrices [B, 4, 4] in the armature's space with exact rotations, which Blender's are up to 3e-5 only."""
    rest = rest_matrices(armature, tuple(names))
    rest[:, :3, :3] = nearest_rotations(rest[:, :3, :3])
    return rest


def world_frame(armature: bpy.types.Object) -> WorldFrame:
    """Where an armature object stands.

    Raises:
        InputError: it is mirrored, scaled unevenly, sheared or flat.
    """
    view_layer = bpy.context.view_layer
    if view_layer is not None:
        view_layer.update()
    matrix = np.array(armature.matrix_world, dtype=np.float64)
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    hint = "apply its scale (Object > Apply > Scale)"
    if not lengths.min() > 1e-9:
        raise InputError(f"the armature '{armature.name}' is scaled to nothing", hint=hint)
    if np.linalg.det(matrix[:3, :3]) < 0.0:
        raise InputError(f"the armature '{armature.name}' is mirrored", hint=hint)
    scale = float(lengths.mean())
    turn = matrix[:3, :3] / scale
    if np.abs(turn.T @ turn - np.eye(3)).max() > _UNEVEN:
        raise InputError(f"the armature '{armature.name}' is scaled unevenly", hint=hint)
    for _ in range(2):
        turn = nearest_rotations(turn)
    if abs(scale - 1.0) < 1e-6:
        scale = 1.0
    return WorldFrame(turn, matrix[:3, 3], scale)


def armature_data(armature: bpy.types.Object) -> bpy.types.Armature:
    """The armature's data.

    Raises:
        InputError: the object is no armature.
    """
    if not isinstance(armature.data, bpy.types.Armature):
        raise InputError(f"'{armature.name}' is not an armature", hint="choose the armature of a rigged character")
    return armature.data


def refuse_unmovable(armature: bpy.types.Object) -> None:
    """Make sure that the armature's pose can be keyed.

    Raises:
        InputError: it is no armature, or linked from another file.
    """
    armature_data(armature)
    if armature.library is not None:
        raise InputError(
            f"the armature '{armature.name}' is linked from {armature.library.filepath} and cannot be keyed",
            hint="make a library override of it first (Object > Library Override > Make)",
        )
    override = armature.override_library
    if override is not None and override.is_system_override:
        raise InputError(
            f"the library override of '{armature.name}' is not editable",
            hint="make it editable (Outliner > Library Override > Make > Selected)",
        )
