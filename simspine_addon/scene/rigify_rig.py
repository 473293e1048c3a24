"""Generated Rigify rigs: the skeleton behind their controls.

A generated rig hangs on nothing but its own constraints, so its deform bones cannot be keyed. What moves them is known,
though: an `ORG-` bone for every bone of the metarig, which follows its FK control like a rigid body (or the IK chain).
The solve works on those, under the metarig's names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from ..retarget.skeleton import Skeleton, make_skeleton
from .axes import frames_to_opensim, points_to_opensim
from .rig import armature_data, plain_rest_matrices, world_frame

Array = NDArray[np.float64]
ORIGINAL = "ORG-"
TORSO = "torso"
SIDES = ("L", "R")
LEG = ("thigh", "shin", "foot", "toe")
_ARM = ("upper_arm", "forearm", "hand")
_FINGERS = ("thumb", "f_index", "f_middle", "f_ring", "f_pinky")


@dataclass(frozen=True, slots=True)
class RigifyRig:
    """A generated rig. `skeleton` holds the bones that the solve moves, by their metarig names, at rest in OpenSim's
    ground; `controls` the FK control of each; `pivot` the spine bone from which on the torso carries the upper half.
    """

    armature: bpy.types.Object
    skeleton: Skeleton
    controls: Mapping[str, str]
    pivot: str


def is_generated_rigify(armature: bpy.types.Object) -> bool:
    """Whether an armature is a humanoid that Rigify generated, of any version since Blender 2.8."""
    bones = armature_data(armature).bones
    return all(name in bones for name in (TORSO, "spine_fk", "ORG-spine", "upper_arm_fk.L", "thigh_fk.L"))


def rigify_rig(armature: bpy.types.Object) -> RigifyRig:
    """The bones and controls of a generated rig.

    Raises:
        InputError: it is not one, or the armature is mirrored or scaled unevenly.
    """
    if not is_generated_rigify(armature):
        raise InputError(f"'{armature.name}' is not a generated Rigify rig", hint="generate it from its metarig first")
    spine = _spine(armature)
    neck = _neck(armature, spine)
    parents, controls = _body(armature, spine, neck)
    for side in SIDES:
        _limbs(armature, side, spine, parents, controls)
    names = list(parents)
    world = world_frame(armature)
    rest = plain_rest_matrices(armature, [ORIGINAL + name for name in names])
    positions, rotations = frames_to_opensim(world.to_world(rest))
    bones = armature_data(armature).bones
    ends = [bones[ORIGINAL + (neck[-2] if name == neck[0] and len(neck) > 1 else name)].tail_local for name in names]
    tails = points_to_opensim(world.scale * np.array(ends, dtype=np.float64) @ world.rotation.T + world.place)
    skeleton = make_skeleton(names, list(parents.values()), positions, rotations, tails)
    upper = _first_of_the_upper_half(armature, spine)
    return RigifyRig(armature, skeleton, controls, upper)


def carried_frames(armature: bpy.types.Object, bone: str, control: str, frames: Array) -> Array:
    """Frames [T, 4, 4] of a control that is carried by a bone at `frames` as it is at rest."""
    rest = plain_rest_matrices(armature, [bone, control])
    return frames @ (np.linalg.inv(rest[0]) @ rest[1])


def _spine(armature: bpy.types.Object) -> list[str]:
    """The spine's bones from below, those that have an FK control of their own."""
    bones = armature_data(armature).bones
    endings = ["", *(f".{number:03}" for number in range(1, 30))]
    return [f"spine{ending}" for ending in endings if f"spine_fk{ending}" in bones and f"ORG-spine{ending}" in bones]


def _neck(armature: bpy.types.Object, spine: list[str]) -> list[str]:
    """Neck bones from below and the head, which hang on two controls."""
    bones = armature_data(armature).bones
    first = len(spine)
    found = [f"spine.{number:03}" for number in range(first, first + 10) if f"ORG-spine.{number:03}" in bones]
    if not found:
        raise InputError(f"the Rigify rig '{armature.name}' has no head", hint="generate it from the human metarig")
    return found


def _body(
    armature: bpy.types.Object, spine: list[str], neck: list[str]
) -> tuple[dict[str, str | None], dict[str, str]]:
    """Parents and controls of spine, neck and head; a neck of several bones counts as one: one control turns it."""
    parents: dict[str, str | None] = {}
    above: str | None = None
    for name in (*spine, *(neck[:1] if len(neck) > 1 else []), neck[-1]):
        parents[name] = above
        above = name
    controls = {name: name.replace("spine", "spine_fk", 1) for name in spine}
    if len(neck) > 1:
        controls[neck[0]] = "neck"
    controls[neck[-1]] = "head"
    bones = armature_data(armature).bones
    missing = [control for control in controls.values() if control not in bones]
    if missing:
        raise InputError(f"the Rigify rig '{armature.name}' has no control '{missing[0]}'", hint="generate it again")
    return parents, controls


def _limbs(
    armature: bpy.types.Object,
    side: str,
    spine: list[str],
    parents: dict[str, str | None],
    controls: dict[str, str],
) -> None:
    """Adds one side's shoulder, arm, fingers and leg, as far as the rig has them."""
    bones = armature_data(armature).bones

    def add(name: str, parent: str, control: str) -> None:
        if ORIGINAL + name in bones and control in bones and parent in parents:
            parents[name] = parent
            controls[name] = control

    add(f"shoulder.{side}", spine[-1], f"shoulder.{side}")
    above = f"shoulder.{side}" if f"shoulder.{side}" in parents else spine[-1]
    for part in _ARM:
        add(f"{part}.{side}", above, f"{part}_fk.{side}")
        above = f"{part}.{side}"
    for finger in _FINGERS:
        above = f"hand.{side}"
        for phalanx in (1, 2, 3):
            name = f"{finger}.{phalanx:02}.{side}"
            add(name, above, name)
            above = name
    above = spine[0]
    for part in LEG:
        fk = f"{part}_fk.{side}"
        add(f"{part}.{side}", above, fk if fk in bones else f"{part}.{side}")
        above = f"{part}.{side}"


def _first_of_the_upper_half(armature: bpy.types.Object, spine: list[str]) -> str:
    """The spine bone whose control begins at the middle, where the lower controls begin too, hanging upside down."""
    bones = armature_data(armature).bones
    for name in spine:
        control = bones[name.replace("spine", "spine_fk", 1)]
        if (control.head_local - bones[ORIGINAL + name].head_local).length < 1e-4 * max(control.length, 1e-6):
            return name
    return spine[-1]
