"""Generated Rigify rigs: the skeleton behind their controls, and keys on the FK controls or on IK feet.

A generated rig hangs on nothing but its own constraints, so its deform bones cannot be keyed. What moves them is known,
though: an `ORG-` bone for every bone of the metarig, which follows its FK control like a rigid body (or the IK chain).
The solve works on those, under the metarig's names; the controls then get the keys that bring them there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import bpy
import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..kinematics.quaternions import matrices_from_quaternions, quaternions_from_matrices, slerp
from ..model.errors import InputError
from ..retarget.skeleton import Skeleton, make_skeleton
from .axes import frames_to_opensim, points_to_opensim
from .keyframes import write_channels
from .retarget_keys import (
    BoneRest,
    KeyedMotion,
    clear_the_way,
    fresh_action,
    push_down,
    refuse_unmovable,
    target_channels,
    write_bone,
)
from .rig import armature_data, armature_frames, plain_rest_matrices, world_frame

Array = NDArray[np.float64]
Feet = Literal["fk", "ik"]
_ORIGINAL = "ORG-"
_SIDES = ("L", "R")
_FINGERS = ("thumb", "f_index", "f_middle", "f_ring", "f_pinky")
_TORSO = "torso"
_LEG = ("thigh", "shin", "foot", "toe")
_ARM = ("upper_arm", "forearm", "hand")
# Where a pole stands in front of the knee, in lengths of the leg.
_POLE_AHEAD = 0.8


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
    return all(name in bones for name in (_TORSO, "spine_fk", "ORG-spine", "upper_arm_fk.L", "thigh_fk.L"))


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
    for side in _SIDES:
        _limbs(armature, side, spine, parents, controls)
    names = list(parents)
    world = world_frame(armature)
    rest = plain_rest_matrices(armature, [_ORIGINAL + name for name in names])
    positions, rotations = frames_to_opensim(world.to_world(rest))
    bones = armature_data(armature).bones
    ends = [bones[_ORIGINAL + (neck[-2] if name == neck[0] and len(neck) > 1 else name)].tail_local for name in names]
    tails = points_to_opensim(world.scale * np.array(ends, dtype=np.float64) @ world.rotation.T + world.place)
    skeleton = make_skeleton(names, list(parents.values()), positions, rotations, tails)
    upper = _first_of_the_upper_half(armature, spine)
    return RigifyRig(armature, skeleton, controls, upper)


def key_rigify(
    rig: RigifyRig,
    track: PoseTrack,
    frames: Array,
    name: str,
    feet: Feet = "fk",
    nla: bool = False,
) -> KeyedMotion:
    """Key the controls so that the rig's bones stand where `track` has them.

    Spine, neck, head, arms and fingers on their FK controls; legs likewise, or with `feet="ik"` on the foot and toe
    controls, which stand still while the feet are planted, and on the knees' poles. The switches between FK and IK are
    keyed along. Hips, chest, tweak and root controls stay free to be animated on top.

    Args:
        rig: from `rigify_rig`.
        track: of the solve, in OpenSim's ground, of the bones of `rig.skeleton`.
        frames: [T] of the scene.
        name: of the action.
        feet: on FK or IK controls.
        nla: push the action down as an NLA strip.

    Raises:
        InputError: the rig cannot be keyed, or has no IK feet.
    """
    armature = rig.armature
    refuse_unmovable(armature)
    if feet == "ik" and not all(f"foot_ik.{side}" in armature_data(armature).bones for side in _SIDES):
        raise InputError(f"'{armature.name}' has no IK feet", hint="choose its FK controls")
    wanted = dict(
        zip(
            track.names,
            np.moveaxis(armature_frames(world_frame(armature), track.positions, track.rotations), 1, 0),
            strict=True,
        )
    )
    places = _control_frames(rig, wanted, feet)
    channels, names, carried = _channels(rig, wanted, places)
    _rest_helpers(armature)
    notes = clear_the_way(armature, names)
    if feet == "ik":
        notes += _rigid_legs(armature)
    action, curves = fresh_action(armature, name)
    for bone, control in carried.items():
        write_bone(curves, control, frames, channels, bone)
    _key_switches(armature, curves, frames, feet)
    if nla:
        push_down(armature, action)
    return KeyedMotion(action, tuple(names), notes)


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
    """Parents and controls of spine, neck and head; a neck of several bones counts as one, since one control turns it."""
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
        if _ORIGINAL + name in bones and control in bones and parent in parents:
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
    for part in _LEG:
        fk = f"{part}_fk.{side}"
        add(f"{part}.{side}", above, fk if fk in bones else f"{part}.{side}")
        above = f"{part}.{side}"


def _first_of_the_upper_half(armature: bpy.types.Object, spine: list[str]) -> str:
    """The spine bone whose control begins at the middle, where the lower controls begin too, hanging upside down."""
    bones = armature_data(armature).bones
    for name in spine:
        control = bones[name.replace("spine", "spine_fk", 1)]
        if (control.head_local - bones[_ORIGINAL + name].head_local).length < 1e-4 * max(control.length, 1e-6):
            return name
    return spine[-1]


def _control_frames(rig: RigifyRig, wanted: Mapping[str, Array], feet: Feet) -> dict[str, Array]:
    """Where each keyed control goes, [T, 4, 4] in the armature's space, by its name; a parent before its children."""
    armature = rig.armature
    legs = {f"{part}.{side}" for part in _LEG for side in _SIDES} if feet == "ik" else set()
    pelvis = rig.skeleton.names[0]
    torso = _rigid(armature, _ORIGINAL + pelvis, _TORSO, wanted[pelvis])
    # Turned as the pelvis, and where the spine's middle comes to stand where it should.
    bones = armature_data(armature).bones
    middle = np.array(bones[_ORIGINAL + rig.pivot].head_local) - np.array(bones[_TORSO].head_local)
    rest = plain_rest_matrices(armature, [_TORSO])[0, :3, :3]
    torso[:, :3, 3] = wanted[rig.pivot][:, :3, 3] - torso[:, :3, :3] @ (rest.T @ middle)
    places = {_TORSO: torso}
    for name, control in rig.controls.items():
        if name not in legs:
            places[control] = _rigid(armature, _ORIGINAL + name, control, wanted[name])
    places |= _tweak_places(rig, wanted)
    if feet == "ik":
        for side in _SIDES:
            places |= _leg_places(armature, wanted, side)
    return places


def _tweak_places(rig: RigifyRig, wanted: Mapping[str, Array]) -> dict[str, Array]:
    """Tweak controls of spine bones that do not hang on their own FK control: they take such a bone's twist."""
    bones = armature_data(rig.armature).bones
    places = {}
    for name, control in rig.controls.items():
        tweak = bones.get(f"tweak_{name}")
        if control.startswith("spine_fk") and tweak is not None and tweak.parent and tweak.parent.name != control:
            places[tweak.name] = _rigid(rig.armature, _ORIGINAL + name, tweak.name, wanted[name])
    return places


def _leg_places(armature: bpy.types.Object, wanted: Mapping[str, Array], side: str) -> dict[str, Array]:
    """Foot, toe and pole controls of one leg."""
    places = {
        f"foot_ik.{side}": _rigid(armature, f"ORG-foot.{side}", f"foot_ik.{side}", wanted[f"foot.{side}"]),
    }
    toe = next((c for c in (f"toe_ik.{side}", f"toe.{side}") if c in armature_data(armature).bones), None)
    if toe is not None and f"toe.{side}" in wanted:
        places[toe] = _rigid(armature, f"ORG-toe.{side}", toe, wanted[f"toe.{side}"])
    hip, knee, ankle = (wanted[f"{part}.{side}"][:, :3, 3] for part in ("thigh", "shin", "foot"))
    leg = float(np.median(np.linalg.norm(knee - hip, axis=1) + np.linalg.norm(ankle - knee, axis=1)))
    ahead = (_rigid(armature, f"ORG-thigh.{side}", f"thigh_ik.{side}", wanted[f"thigh.{side}"])[:, :3, :3]) @ (
        _pole_axis(armature, side)
    )
    pole = f"thigh_ik_target.{side}"
    frames = np.repeat(plain_rest_matrices(armature, [pole]), len(knee), axis=0)
    frames[:, :3, 3] = knee + _POLE_AHEAD * leg * ahead
    return places | {pole: frames}


def _pole_axis(armature: bpy.types.Object, side: str) -> Array:
    """The axis of the IK thigh, [3], that its constraint turns towards the pole: x cos(angle) + z sin(angle)."""
    assert armature.pose is not None
    for bone in armature.pose.bones:
        for constraint in bone.constraints:
            if constraint.type == "IK" and constraint.pole_subtarget == f"thigh_ik_target.{side}":
                return np.array([np.cos(constraint.pole_angle), 0.0, np.sin(constraint.pole_angle)])
    raise InputError(f"the Rigify rig '{armature.name}' has no pole for its {side} knee", hint="choose its FK controls")


def _rigid(armature: bpy.types.Object, bone: str, control: str, frames: Array) -> Array:
    """Frames [T, 4, 4] of a control that is carried by a bone at `frames` as it is at rest."""
    rest = plain_rest_matrices(armature, [bone, control])
    return frames @ (np.linalg.inv(rest[0]) @ rest[1])


def _channels(
    rig: RigifyRig, wanted: Mapping[str, Array], places: Mapping[str, Array]
) -> tuple[object, list[str], dict[int, str]]:
    """Channels of the controls, their names, and which index of the channels is which control.

    A control's carrier is the next keyed control or `ORG-` bone above it; helper bones between follow rigidly, once
    the rig's switches are set. Carriers that are `ORG-` bones take part as bones without keys.
    """
    data = armature_data(rig.armature)
    blends = _blended_helpers(rig.armature, places)
    carriers: dict[str, str | None] = dict.fromkeys(blends)
    frames = dict(blends)
    for control, place in places.items():
        above = _carrier(data.bones[control], wanted, {**places, **blends})
        if above is not None and above not in places and above not in frames:
            name = _metarig_name(above)
            carriers[above], frames[above] = None, _rigid(rig.armature, _ORIGINAL + name, above, wanted[name])
        carriers[control], frames[control] = above, place
    names = list(carriers)
    order = sorted(names, key=lambda name: _depth(name, carriers))
    index = {name: place for place, name in enumerate(order)}
    parents = np.array([-1 if carriers[name] is None else index[str(carriers[name])] for name in order])
    bones = [data.bones[name] for name in order]
    rest = BoneRest(
        rest=plain_rest_matrices(rig.armature, order),
        parents=parents,
        connected=np.zeros(len(order), dtype=bool),
        turns_along=np.ones(len(order), dtype=bool),
        own_axes=np.array([bone.use_local_location or parents[i] >= 0 for i, bone in enumerate(bones)]),
    )
    channels = target_channels(np.stack([frames[name] for name in order], axis=1), rest)
    return channels, list(places), {index[name]: name for name in places}


def _depth(name: str, carriers: Mapping[str, str | None]) -> int:
    above, depth = carriers[name], 0
    while above is not None:
        above, depth = carriers[above], depth + 1
    return depth


def _carrier(bone: bpy.types.Bone, wanted: Mapping[str, Array], places: Mapping[str, Array]) -> str | None:
    above = bone.parent
    while above is not None:
        if above.name in places:
            return above.name
        if _metarig_name(above.name) in wanted:
            return above.name
        above = above.parent
    return None


def _blended_helpers(armature: bpy.types.Object, places: Mapping[str, Array]) -> dict[str, Array]:
    """Helpers above the spine's tweaks that stand between two controls (a copy with part of its influence)."""
    assert armature.pose is not None
    found: dict[str, Array] = {}
    for control in places:
        helper = armature.pose.bones[control].parent
        if not control.startswith("tweak_") or helper is None or helper.parent is None:
            continue
        copies = [each for each in helper.constraints if each.type == "COPY_TRANSFORMS" and each.subtarget in places]
        if helper.parent.name in places and copies:
            own = _rigid(armature, helper.parent.name, helper.name, places[helper.parent.name])
            found[helper.name] = _between(own, places[copies[0].subtarget], copies[0].influence)
    return found


def _between(one: Array, other: Array, share: float) -> Array:
    """Frames [T, 4, 4] at `share` of the way from `one` to `other`, turned along the shortest arc."""
    frames = (1.0 - share) * one + share * other
    turns = (quaternions_from_matrices(each[:, :3, :3]) for each in (one, other))
    frames[:, :3, :3] = matrices_from_quaternions(slerp(*turns, np.full(len(one), share)))
    return frames


def _metarig_name(bone: str) -> str:
    """The metarig's bone behind an `ORG-` or `DEF-` bone; nothing for others."""
    return bone[4:] if bone.startswith((_ORIGINAL, "DEF-")) else ""


def _rest_helpers(armature: bpy.types.Object) -> None:
    """Controls between the keyed ones back to rest: a hips or chest control that was moved would add to the keys."""
    assert armature.pose is not None
    for name in ("root", "hips", "chest", *(f"{part}.{side}" for side in _SIDES for part in ("foot_heel_ik",))):
        bone = armature.pose.bones.get(name)
        if bone is not None:
            bone.matrix_basis.identity()
    for side in _SIDES:
        bone = armature.pose.bones.get(f"foot_spin_ik.{side}")
        if bone is not None:
            bone.matrix_basis.identity()


def _rigid_legs(armature: bpy.types.Object) -> tuple[str, ...]:
    """Keep the IK legs from stretching: Rigify lets them give by a tenth, which moves a knee by 25 mm."""
    assert armature.pose is not None
    legs = [armature.pose.bones.get(f"{part}.{side}") for part in ("thigh_ik", "MCH-shin_ik") for side in _SIDES]
    stretched = [bone for bone in legs if bone is not None and bone.ik_stretch > 0.0]
    for bone in stretched:
        bone.ik_stretch = 0.0
    return ("the IK legs no longer stretch, so that knees stay where they belong",) if stretched else ()


def _key_switches(armature: bpy.types.Object, curves: object, frames: Array, feet: Feet) -> None:
    """One key for each switch: arms on FK, legs as chosen, limbs, neck and head following what they hang on."""
    assert armature.pose is not None
    on_legs = 1.0 if feet == "fk" else 0.0
    wanted = {(_TORSO, "neck_follow"): 1.0, (_TORSO, "head_follow"): 1.0, (_TORSO, "torso_parent"): 1}
    for side in _SIDES:
        wanted |= {
            (f"upper_arm_parent.{side}", "IK_FK"): 1.0,
            (f"thigh_parent.{side}", "IK_FK"): on_legs,
            (f"upper_arm_parent.{side}", "FK_limb_follow"): 0.0,
            (f"thigh_parent.{side}", "FK_limb_follow"): 0.0,
        }
        if feet == "ik":
            wanted |= {
                (f"thigh_parent.{side}", "pole_vector"): 1,
                (f"thigh_parent.{side}", "IK_Stretch"): 0.0,
                (f"thigh_parent.{side}", "IK_parent"): 1,
                (f"thigh_parent.{side}", "pole_parent"): 1,
            }
    for (name, switch), value in wanted.items():
        bone = armature.pose.bones.get(name)
        if bone is None or switch not in bone:
            continue
        bone[switch] = type(bone[switch])(value)
        path = f'pose.bones["{bpy.utils.escape_identifier(name)}"]["{switch}"]'
        write_channels_of_one(curves, path, frames, float(value), name)


def write_channels_of_one(curves: object, path: str, frames: Array, value: float, group: str) -> None:
    """A single key of a custom property, whose curve has no index of its own."""
    write_channels(curves, path, frames, np.full((1, 1), value), group, still=True)
