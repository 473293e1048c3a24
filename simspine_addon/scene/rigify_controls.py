"""Keys on the controls of a generated Rigify rig: FK, or IK feet that stand still while they are planted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import bpy
import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..kinematics.quaternions import matrices_from_quaternions, quaternions_from_matrices, slerp
from ..model.errors import InputError
from .keyframes import BoneChannels, write_channels
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
from .rigify_rig import LEG, ORIGINAL, SIDES, TORSO, RigifyRig, carried_frames

Array = NDArray[np.float64]
Feet = Literal["fk", "ik"]
# Where a pole stands in front of the knee, in lengths of the leg.
_POLE_AHEAD = 0.8


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
    if feet == "ik" and not all(f"foot_ik.{side}" in armature_data(armature).bones for side in SIDES):
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


def _control_frames(rig: RigifyRig, wanted: Mapping[str, Array], feet: Feet) -> dict[str, Array]:
    """Where each keyed control goes, [T, 4, 4] in the armature's space, by its name; a parent before its children."""
    armature = rig.armature
    legs = {f"{part}.{side}" for part in LEG for side in SIDES} if feet == "ik" else set()
    pelvis = rig.skeleton.names[0]
    torso = carried_frames(armature, ORIGINAL + pelvis, TORSO, wanted[pelvis])
    # Turned as the pelvis, and where the spine's middle comes to stand where it should.
    bones = armature_data(armature).bones
    middle = np.array(bones[ORIGINAL + rig.pivot].head_local) - np.array(bones[TORSO].head_local)
    rest = _rest(armature, TORSO)[:3, :3]
    torso[:, :3, 3] = wanted[rig.pivot][:, :3, 3] - torso[:, :3, :3] @ (rest.T @ middle)
    places = {TORSO: torso}
    for name, control in rig.controls.items():
        if name not in legs:
            places[control] = carried_frames(armature, ORIGINAL + name, control, wanted[name])
    places |= _tweak_places(rig, wanted)
    if feet == "ik":
        for side in SIDES:
            places |= _leg_places(armature, wanted, side)
    return places


def _tweak_places(rig: RigifyRig, wanted: Mapping[str, Array]) -> dict[str, Array]:
    """Tweak controls of spine bones that do not hang on their own FK control: they take such a bone's twist."""
    bones = armature_data(rig.armature).bones
    places = {}
    for name, control in rig.controls.items():
        tweak = bones.get(f"tweak_{name}")
        if control.startswith("spine_fk") and tweak is not None and tweak.parent and tweak.parent.name != control:
            places[tweak.name] = carried_frames(rig.armature, ORIGINAL + name, tweak.name, wanted[name])
    return places


def _leg_places(armature: bpy.types.Object, wanted: Mapping[str, Array], side: str) -> dict[str, Array]:
    """Foot, toe and pole controls of one leg."""
    places = {
        f"foot_ik.{side}": carried_frames(armature, f"ORG-foot.{side}", f"foot_ik.{side}", wanted[f"foot.{side}"]),
    }
    toe = next((c for c in (f"toe_ik.{side}", f"toe.{side}") if c in armature_data(armature).bones), None)
    if toe is not None and f"toe.{side}" in wanted:
        places[toe] = carried_frames(armature, f"ORG-toe.{side}", toe, wanted[f"toe.{side}"])
    hip, knee, ankle = (wanted[f"{part}.{side}"][:, :3, 3] for part in ("thigh", "shin", "foot"))
    leg = float(np.median(np.linalg.norm(knee - hip, axis=1) + np.linalg.norm(ankle - knee, axis=1)))
    ahead = (carried_frames(armature, f"ORG-thigh.{side}", f"thigh_ik.{side}", wanted[f"thigh.{side}"])[:, :3, :3]) @ (
        _pole_axis(armature, side)
    )
    pole = f"thigh_ik_target.{side}"
    frames = np.repeat(_rest(armature, pole)[None], len(knee), axis=0)
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


def _channels(
    rig: RigifyRig, wanted: Mapping[str, Array], places: Mapping[str, Array]
) -> tuple[BoneChannels, list[str], dict[int, str]]:
    """Channels of the controls, their names, and which index of the channels is which control.

    A control's carrier is the next keyed control or `ORG-` bone above it; helper bones between follow rigidly, once
    the rig's switches are set. Carriers that have no keys themselves take part where they stand.
    """
    data = armature_data(rig.armature)
    blends = _blended_helpers(rig.armature, places)
    carriers: dict[str, str | None] = dict.fromkeys(blends)
    frames = dict(blends)
    for control, place in places.items():
        above = _carrier(data.bones[control], wanted, {**places, **blends})
        helper = data.bones[control].parent
        if above is None and helper is not None:  # it hangs on the rig's root, which rests
            above = helper.name
            carriers[above], frames[above] = None, np.broadcast_to(_rest(rig.armature, above), place.shape)
        elif above is not None and above not in places and above not in frames:
            name = _metarig_name(above)
            carriers[above], frames[above] = None, carried_frames(rig.armature, ORIGINAL + name, above, wanted[name])
        carriers[control], frames[control] = above, place
    names = list(carriers)
    order = sorted(names, key=lambda name: _depth(name, carriers))
    index = {name: place for place, name in enumerate(order)}
    parents = np.array([-1 if carriers[name] is None else index[str(carriers[name])] for name in order])
    rest = BoneRest(
        rest=plain_rest_matrices(rig.armature, order),
        parents=parents,
        connected=np.zeros(len(order), dtype=bool),
        turns_along=np.ones(len(order), dtype=bool),
        own_axes=np.array([data.bones[name].use_local_location for name in order]),
    )
    channels = target_channels(np.stack([frames[name] for name in order], axis=1), rest)
    return channels, list(places), {index[name]: name for name in places}


def _rest(armature: bpy.types.Object, name: str) -> Array:
    return plain_rest_matrices(armature, [name])[0]


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
            own = carried_frames(armature, helper.parent.name, helper.name, places[helper.parent.name])
            found[helper.name] = _between(own, places[copies[0].subtarget], copies[0].influence)
    return found


def _between(one: Array, other: Array, share: float) -> Array:
    """Frames [T, 4, 4] at `share` of the way from `one` to `other`, turned along the shortest arc."""
    frames = (1.0 - share) * one + share * other
    turns = [quaternions_from_matrices(each[:, :3, :3]) for each in (one, other)]
    frames[:, :3, :3] = matrices_from_quaternions(slerp(turns[0], turns[1], np.full(len(one), share)))
    return frames


def _metarig_name(bone: str) -> str:
    """The metarig's bone behind an `ORG-` or `DEF-` bone; nothing for others."""
    return bone[4:] if bone.startswith((ORIGINAL, "DEF-")) else ""


def _rest_helpers(armature: bpy.types.Object) -> None:
    """Controls between the keyed ones back to rest: a hips or chest control that was moved would add to the keys."""
    assert armature.pose is not None
    for name in ("root", "hips", "chest", *(f"{part}.{side}" for side in SIDES for part in ("foot_heel_ik",))):
        bone = armature.pose.bones.get(name)
        if bone is not None:
            bone.matrix_basis.identity()
    for side in SIDES:
        bone = armature.pose.bones.get(f"foot_spin_ik.{side}")
        if bone is not None:
            bone.matrix_basis.identity()


def _rigid_legs(armature: bpy.types.Object) -> tuple[str, ...]:
    """Keep the IK legs from stretching: Rigify lets them give by a tenth, which moves a knee by 25 mm."""
    assert armature.pose is not None
    legs = [armature.pose.bones.get(f"{part}.{side}") for part in ("thigh_ik", "MCH-shin_ik") for side in SIDES]
    stretched = [bone for bone in legs if bone is not None and bone.ik_stretch > 0.0]
    for bone in stretched:
        bone.ik_stretch = 0.0
    return ("the IK legs no longer stretch, so that knees stay where they belong",) if stretched else ()


def _key_switches(armature: bpy.types.Object, curves: Any, frames: Array, feet: Feet) -> None:
    """One key for each switch: arms on FK, legs as chosen, limbs, neck and head following what they hang on."""
    assert armature.pose is not None
    on_legs = 1.0 if feet == "fk" else 0.0
    wanted = {(TORSO, "neck_follow"): 1.0, (TORSO, "head_follow"): 1.0, (TORSO, "torso_parent"): 1}
    for side in SIDES:
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
        write_channels(curves, path, frames, np.full((1, 1), float(value)), name, still=True)
