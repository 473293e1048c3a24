"""Each rig family is recognised on a skeleton of its own, with names typed apart from our tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.retarget.presets import apply_preset, choose_preset, controls_of, preset, presets
from simspine.simspine_addon.retarget.roles import FINGERS, ROLES
from simspine.simspine_addon.retarget.skeleton import Skeleton, make_skeleton, skeleton_of_track

# One line a family: trunk from the pelvis up | collar to hand | thigh to toes | fingers, by `{}` for the side and, for
# fingers, `#` for the phalanx (1, 2, 3) | what else such rigs have. Sides as (left, right).
FAMILIES = {
    "mixamo": (
        ("mixamorig:Left", "mixamorig:Right"),
        "mixamorig:Hips mixamorig:Spine mixamorig:Spine1 mixamorig:Spine2 / mixamorig:Neck / mixamorig:Head",
        "{}Shoulder {}Arm {}ForeArm {}Hand",
        "{}UpLeg {}Leg {}Foot {}ToeBase",
        "{}HandThumb# {}HandIndex# {}HandMiddle# {}HandRing# {}HandPinky#",
        "mixamorig:HeadTop_End {}Toe_End {}HandIndex4",
    ),
    "unreal_4": (
        ("l", "r"),
        "pelvis spine_01 spine_02 spine_03 / neck_01 / head",
        "clavicle_{} upperarm_{} lowerarm_{} hand_{}",
        "thigh_{} calf_{} foot_{} ball_{}",
        "thumb_0#_{} index_0#_{} middle_0#_{} ring_0#_{} pinky_0#_{}",
        "root ik_foot_root ik_hand_root upperarm_twist_01_{} lowerarm_twist_01_{} thigh_twist_01_{} calf_twist_01_{}",
    ),
    "unreal_5": (
        ("l", "r"),
        "pelvis spine_01 spine_02 spine_03 spine_04 spine_05 / neck_01 neck_02 / head",
        "clavicle_{} upperarm_{} lowerarm_{} hand_{}",
        "thigh_{} calf_{} foot_{} ball_{}",
        "thumb_0#_{} index_0#_{} middle_0#_{} ring_0#_{} pinky_0#_{}",
        "root ik_foot_root index_metacarpal_{} middle_metacarpal_{} lowerarm_twist_01_{} lowerarm_twist_02_{}",
    ),
    "rigify_deform": (
        ("L", "R"),
        "DEF-spine DEF-spine.001 DEF-spine.002 DEF-spine.003 / DEF-spine.004 DEF-spine.005 / DEF-spine.006",
        "DEF-shoulder.{} DEF-upper_arm.{} DEF-forearm.{} DEF-hand.{}",
        "DEF-thigh.{} DEF-shin.{} DEF-foot.{} DEF-toe.{}",
        "DEF-thumb.0#.{} DEF-f_index.0#.{} DEF-f_middle.0#.{} DEF-f_ring.0#.{} DEF-f_pinky.0#.{}",
        "root DEF-upper_arm.{}.001 DEF-forearm.{}.001 DEF-thigh.{}.001 DEF-shin.{}.001 DEF-pelvis.{}",
    ),
    "rigify_controls": (
        ("L", "R"),
        "torso spine_fk.001 spine_fk.002 spine_fk.003 / neck / head",
        "shoulder.{} upper_arm_fk.{} forearm_fk.{} hand_fk.{}",
        "thigh_fk.{} shin_fk.{} foot_fk.{} toe_fk.{}",
        "thumb.0#.{} f_index.0#.{} f_middle.0#.{} f_ring.0#.{} f_pinky.0#.{}",
        "root hips chest spine_fk upper_arm_ik.{} foot_ik.{} DEF-spine ORG-spine",
    ),
    "vrm": (
        ("left", "right"),
        "hips spine chest upperChest / neck / head",
        "{}Shoulder {}UpperArm {}LowerArm {}Hand",
        "{}UpperLeg {}LowerLeg {}Foot {}Toes",
        "",
        "leftEye rightEye jaw {}ThumbMetacarpal {}ThumbProximal {}ThumbDistal "
        "{}IndexProximal {}IndexIntermediate {}IndexDistal",
    ),
    "unity_humanoid": (
        ("Left", "Right"),
        "Hips Spine Chest UpperChest / Neck / Head",
        "{}Shoulder {}UpperArm {}LowerArm {}Hand",
        "{}UpperLeg {}LowerLeg {}Foot {}Toes",
        "",
        "Jaw {}Eye {}ThumbProximal {}ThumbIntermediate {}ThumbDistal {}IndexProximal {}IndexIntermediate {}IndexDistal",
    ),
    "vroid": (
        ("L", "R"),
        "J_Bip_C_Hips J_Bip_C_Spine J_Bip_C_Chest J_Bip_C_UpperChest / J_Bip_C_Neck / J_Bip_C_Head",
        "J_Bip_{}_Shoulder J_Bip_{}_UpperArm J_Bip_{}_LowerArm J_Bip_{}_Hand",
        "J_Bip_{}_UpperLeg J_Bip_{}_LowerLeg J_Bip_{}_Foot J_Bip_{}_ToeBase",
        "J_Bip_{}_Thumb# J_Bip_{}_Index# J_Bip_{}_Middle# J_Bip_{}_Ring# J_Bip_{}_Little#",
        "Root J_Adj_L_FaceEye J_Sec_Hair1_01 J_Sec_{}_Bust1",
    ),
    "cmu_bvh": (
        ("Left", "Right"),
        "Hips LowerBack Spine Spine1 / Neck Neck1 / Head",
        "{}Shoulder {}Arm {}ForeArm {}Hand",
        "{}UpLeg {}Leg {}Foot {}ToeBase",
        "",
        "LHipJoint RHipJoint LThumb RThumb {}FingerBase {}HandIndex1",
    ),
    "rokoko_bvh": (
        ("Left", "Right"),
        "Hips Spine1 Spine2 Spine3 Spine4 / Neck / Head",
        "{}Shoulder {}Arm {}ForeArm {}Hand",
        "{}Thigh {}Shin {}Foot {}Toe",
        "",
        "{}ToeTip",
    ),
    "smpl": (
        ("left", "right"),
        "pelvis spine1 spine2 spine3 / neck / head",
        "{}_collar {}_shoulder {}_elbow {}_wrist",
        "{}_hip {}_knee {}_ankle {}_foot",
        "",
        "{}_hand",
    ),
    "smplx": (
        ("left", "right"),
        "pelvis spine1 spine2 spine3 / neck / head",
        "{}_collar {}_shoulder {}_elbow {}_wrist",
        "{}_hip {}_knee {}_ankle {}_foot",
        "{}_thumb# {}_index# {}_middle# {}_ring# {}_pinky#",
        "jaw left_eye_smplhf right_eye_smplhf",
    ),
    "auto_rig_pro": (
        ("l", "r"),
        "root.x spine_01.x spine_02.x spine_03.x / neck.x / head.x",
        "shoulder.{} arm_stretch.{} forearm_stretch.{} hand.{}",
        "thigh_stretch.{} leg_stretch.{} foot.{} toes_01.{}",
        "thumb#.{} index#.{} middle#.{} ring#.{} pinky#.{}",
        "arm_twist.{} forearm_twist.{} thigh_twist.{} leg_twist.{}",
    ),
    "auto_rig_pro_controls": (
        ("l", "r"),
        "c_root_master.x c_spine_01.x c_spine_02.x c_spine_03.x / c_neck.x / c_head.x",
        "c_shoulder.{} c_arm_fk.{} c_forearm_fk.{} c_hand_fk.{}",
        "c_thigh_fk.{} c_leg_fk.{} c_foot_fk.{} c_toes_fk.{}",
        "c_thumb#.{} c_index#.{} c_middle#.{} c_ring#.{} c_pinky#.{}",
        "c_traj c_pos c_foot_ik.{} c_hand_ik.{}",
    ),
    "daz_genesis_3_8": (
        ("l", "r"),
        "pelvis abdomenLower abdomenUpper chestLower chestUpper / neckLower neckUpper / head",
        "{}Collar {}ShldrBend {}ForearmBend {}Hand",
        "{}ThighBend {}Shin {}Foot {}Toe",
        "{}Thumb# {}Index# {}Mid# {}Ring# {}Pinky#",
        "hip {}ShldrTwist {}ForearmTwist {}ThighTwist {}Metatarsals {}Carpal1 {}Pectoral {}BigToe",
    ),
    "daz_genesis_9": (
        ("l", "r"),
        "pelvis spine1 spine2 spine3 spine4 / neck1 neck2 / head",
        "{}_shoulder {}_upperarm {}_forearm {}_hand",
        "{}_thigh {}_shin {}_foot {}_toes",
        "{}_thumb# {}_index# {}_mid# {}_ring# {}_pinky#",
        "hip {}_upperarmtwist1 {}_forearmtwist1 {}_thightwist1 {}_metatarsal {}_indexmetacarpal {}_pectoral",
    ),
    "reallusion_cc": (
        ("L", "R"),
        "CC_Base_Hip CC_Base_Waist CC_Base_Spine01 CC_Base_Spine02 "
        "/ CC_Base_NeckTwist01 CC_Base_NeckTwist02 / CC_Base_Head",
        "CC_Base_{}_Clavicle CC_Base_{}_Upperarm CC_Base_{}_Forearm CC_Base_{}_Hand",
        "CC_Base_{}_Thigh CC_Base_{}_Calf CC_Base_{}_Foot CC_Base_{}_ToeBase",
        "CC_Base_{}_Thumb# CC_Base_{}_Index# CC_Base_{}_Mid# CC_Base_{}_Ring# CC_Base_{}_Pinky#",
        "CC_Base_BoneRoot CC_Base_Pelvis CC_Base_{}_UpperarmTwist01 CC_Base_{}_CalfTwist01 CC_Base_{}_Eye",
    ),
    "max_biped": (
        ("Bip01 L", "Bip01 R"),
        "Bip01&Pelvis Bip01&Spine Bip01&Spine1 Bip01&Spine2 / Bip01&Neck / Bip01&Head",
        "{}&Clavicle {}&UpperArm {}&Forearm {}&Hand",
        "{}&Thigh {}&Calf {}&Foot {}&Toe0",
        "",
        "Bip01 Bip01&HeadNub {}&Finger0 {}&Finger01 {}&Finger1 {}&Finger11 {}&Toe0Nub",
    ),
}


def family_skeleton(name: str, person: Callable, rename: Callable[[str], str] = str) -> tuple[Skeleton, dict]:
    """A person with the family's names, and the roles that those names have; extra bones stand near the root."""
    sides, trunk, arm, leg, fingers, extra = FAMILIES[name]
    lower, neck, head = (part.split() for part in trunk.split("/"))
    pelvis, *spine = lower
    body = person(spine=len(spine), neck=len(neck), fingers=bool(fingers), roll_seed=None)
    roles = {"pelvis": [pelvis], "spine": spine, "neck": neck, "head": head}
    for side, word in zip(("left", "right"), sides, strict=True):
        parts = dict(zip(("clavicle", "upper_arm", "forearm", "hand"), arm.split(), strict=True))
        parts |= dict(zip(("thigh", "shin", "foot", "toes"), leg.split(), strict=True))
        roles |= {f"{side}_{part}": [pattern.format(word)] for part, pattern in parts.items()}
        for finger, pattern in zip(FINGERS, fingers.split(), strict=False):
            roles[f"{side}_{finger}"] = [pattern.format(word).replace("#", str(i)) for i in (1, 2, 3)]
    names = {}
    for role, bones in roles.items():
        names |= dict(zip(body.role_map.of(role), bones, strict=True))
    old = body.skeleton
    spell = {n: rename(names[n].replace("&", " ")) for n in old.names}
    new_names = [spell[n] for n in old.names]
    parents = [None if p < 0 else spell[old.names[p]] for p in old.parents]
    heads = list(old.rest_positions)
    for pattern in extra.split():
        for word in dict.fromkeys(pattern.format(side) for side in sides):
            new_names.append(rename(word.replace("&", " ")))
            parents.append(new_names[0])
            heads.append(old.rest_positions[0])
    right = {role: tuple(rename(b.replace("&", " ")) for b in bones) for role, bones in roles.items()}
    return make_skeleton(new_names, parents, np.array(heads)), right


@pytest.mark.parametrize("name", FAMILIES)
def test_family_is_chosen_with_its_roles(name: str, person: Callable) -> None:
    skeleton, right = family_skeleton(name, person)
    family, role_map, score = choose_preset(skeleton)
    assert family == name
    assert score > 0.5
    role_map.check(skeleton)
    for role, bones in right.items():
        # Twist bones that go with a segment may follow the bone that names it.
        assert role_map.of(role)[: len(bones)] == bones, role


@pytest.mark.parametrize("name", ["mpfb_default", "mixamo", "mpfb_game_engine", "mpfb_cmu_mb", "rigify_metarig"])
def test_mpfb_rig_is_chosen_with_every_needed_role(name: str, mpfb: Callable) -> None:
    skeleton = mpfb(name)
    family, role_map, _ = choose_preset(skeleton)
    assert family == name
    assert role_map.missing() == ()
    role_map.check(skeleton)


def test_chest_of_the_mpfb_rigify_rig_carries_the_shoulders(mpfb: Callable) -> None:
    """MPFB's has five spine bones, Blender's four: the numbers of the neck move by one."""
    role_map = choose_preset(mpfb("rigify_metarig"))[1]
    assert role_map.of("spine")[-1] == "spine.004"
    assert role_map.of("neck") == ("spine.005",)


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "smplx"])
def test_family_is_chosen_without_fingers_too(name: str, person: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMPL-X without fingers is SMPL."""
    sides, trunk, arm, leg, _, extra = FAMILIES[name]
    bare = " ".join(word for word in extra.split() if not any(f in word.lower() for f in ("index", "thumb", "finger")))
    monkeypatch.setitem(FAMILIES, name, (sides, trunk, arm, leg, "", bare))
    assert choose_preset(family_skeleton(name, person)[0])[0] == name


@pytest.mark.parametrize("motion", ["walking"])
def test_opensim_model_is_recognised(motion: str, sample: Callable) -> None:
    family, role_map, _ = choose_preset(skeleton_of_track(sample(motion)))
    assert family == "opensim"
    assert role_map.of("spine") == ("lumbar5", "lumbar4", "lumbar3", "lumbar2", "lumbar1", "torso")
    assert role_map.palms["left_hand"] == (1, 0, 0)


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name.replace("mixamorig:", ""),
        lambda name: name.replace("mixamorig:", "mixamorig1:"),
        lambda name: name.replace("mixamorig:", "mixamorig_"),
        lambda name: name.replace("mixamorig:", "Armature|mixamorig:"),
        str.upper,
        str.lower,
    ],
)
def test_namespace_and_case_do_not_matter(rename: Callable[[str], str], person: Callable) -> None:
    skeleton, right = family_skeleton("mixamo", person, rename)
    family, role_map, _ = choose_preset(skeleton)
    assert family == "mixamo"
    assert all(role_map.of(role) == bones for role, bones in right.items())


@pytest.mark.parametrize("prefix", ["Bip001 ", "Bip01_", "bip02 "])
def test_numbered_bipeds_are_recognised(prefix: str, person: Callable) -> None:
    skeleton, _ = family_skeleton("max_biped", person, lambda name: name.replace("Bip01 ", prefix))
    assert choose_preset(skeleton)[0] == "max_biped"


def test_every_preset_can_be_read_and_says_where_its_names_come_from() -> None:
    for family in presets():
        assert family.title
        assert family.source
        assert set(family.roles) <= set(ROLES)
    assert len({family.name for family in presets()}) == len(presets()) >= 20


def test_preset_on_a_stranger_maps_nothing(person: Callable) -> None:
    assert apply_preset(preset("unreal_5"), person().skeleton).missing()


def test_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"choose one of .*mixamo"):
        preset("mixano")


def test_rig_with_controls_is_taken_by_its_deform_bones(person: Callable) -> None:
    deform, right = family_skeleton("rigify_deform", person)
    controls, control_names = family_skeleton("rigify_controls", person)
    own = [i for i, name in enumerate(controls.names) if name not in deform.names]
    both = make_skeleton(
        [*deform.names, *(controls.names[i] for i in own)],
        [*(None if p < 0 else deform.names[p] for p in deform.parents), *(["DEF-spine"] * len(own))],
        np.concatenate([deform.rest_positions, controls.rest_positions[own]]),
    )
    family, role_map, _ = choose_preset(both)
    assert family == "rigify_deform"
    assert role_map.of("spine") == right["spine"]
    keyed = controls_of(family)
    assert keyed is not None
    assert apply_preset(keyed, both).of("left_thigh") == control_names["left_thigh"]
    assert controls_of("mixamo") is None
