"""The solve against closed forms: the same skeleton, there and back, exact trunk orientations, limb directions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from simspine.simspine_addon.kinematics.pose_track import PoseTrack
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.retarget.presets import choose_preset
from simspine.simspine_addon.retarget.roles import NEEDED, RoleMap
from simspine.simspine_addon.retarget.skeleton import Skeleton, make_skeleton, skeleton_of_track
from simspine.simspine_addon.retarget.solve import RetargetOptions, retarget

LIMB = (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))
SEGMENTS = [(f"{side}_{upper}", f"{side}_{lower}") for side in ("left", "right") for upper, lower in LIMB]


def turn_of(track, skeleton: Skeleton, name: str, facing: np.ndarray | None = None) -> np.ndarray:
    """A bone's rotation away from rest, [T, 3, 3]; `facing` turns the rest first."""
    bone = skeleton.index(name)
    rest = skeleton.rest_rotations[bone] if facing is None else facing @ skeleton.rest_rotations[bone]
    return track.rotations[:, bone] @ rest.T


@pytest.mark.parametrize("motion", ["walking", "lifting_with_twist"])
def test_own_skeleton_gets_its_own_motion(motion: str, sample: Callable, angle: Callable) -> None:
    track = sample(motion)
    skeleton = skeleton_of_track(track)
    role_map = choose_preset(skeleton)[1]
    result = retarget(track, role_map, skeleton, role_map)
    assert np.linalg.norm(result.track.positions - track.joint_centres, axis=2).max() < 5e-5
    assert angle(result.track.rotations, track.rotations).max() < 0.01


def test_rest_axes_do_not_matter(sample: Callable, person: Callable) -> None:
    """Two rigs that differ by every bone's axes alone: the joints go to the same places."""
    track = sample("lifting_with_twist")
    role_map = choose_preset(skeleton_of_track(track))[1]
    one, other = person(roll_seed=1), person(roll_seed=2)
    tracks = [retarget(track, role_map, p.skeleton, p.role_map).track for p in (one, other)]
    assert np.abs(tracks[0].positions - tracks[1].positions).max() < 1e-9


@pytest.mark.parametrize("facing", [0.0, 90.0, -137.0])
def test_facing_at_rest_does_not_matter(facing: float, sample: Callable, person: Callable) -> None:
    track = sample("walking")
    role_map = choose_preset(skeleton_of_track(track))[1]
    straight, turned = person(), person(facing_deg=facing)
    tracks = [retarget(track, role_map, p.skeleton, p.role_map).track for p in (straight, turned)]
    assert np.abs(tracks[0].positions - tracks[1].positions).max() < 1e-9


@pytest.mark.parametrize("pose", ["T", "A", "hanging"])
@pytest.mark.parametrize("height", [1.5, 2.0])
def test_pelvis_thorax_and_head_are_exact(
    pose: str, height: float, sample: Callable, person: Callable, angle: Callable
) -> None:
    track = sample("lifting_with_twist")
    source = skeleton_of_track(track)
    role_map = choose_preset(source)[1]
    target = person(height=height, pose=pose)
    result = retarget(track, role_map, target.skeleton, target.role_map)
    for role in ("pelvis", "spine", "head"):
        wanted = turn_of(track, source, role_map.of(role)[-1])
        own = turn_of(result.track, target.skeleton, target.role_map.of(role)[-1])
        assert angle(own, wanted).max() < 0.01


@pytest.mark.parametrize("name", ["mpfb_default", "mixamo", "mpfb_game_engine", "mpfb_cmu_mb", "rigify_metarig"])
def test_trunk_is_exact_on_the_sample_rigs(name: str, sample: Callable, mpfb: Callable, angle: Callable) -> None:
    """These face +Z of the ground: a quarter turn about Y brings them to face +X."""
    track, target = sample("lifting_with_twist"), mpfb(name)
    source = skeleton_of_track(track)
    role_map, target_map = choose_preset(source)[1], choose_preset(target)[1]
    result = retarget(track, role_map, target, target_map)
    quarter = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    for role in ("pelvis", "spine", "head"):
        wanted = turn_of(track, source, role_map.of(role)[-1])
        own = turn_of(result.track, target, target_map.of(role)[-1], quarter)
        assert angle(own, wanted).max() < 0.01


@pytest.mark.parametrize("pose", ["T", "A", "hanging"])
def test_limbs_point_as_the_source_limbs_do(pose: str, sample: Callable, person: Callable) -> None:
    track = sample("lifting_with_twist")
    source = skeleton_of_track(track)
    role_map = choose_preset(source)[1]
    target = person(pose=pose, height=1.6)
    result = retarget(track, role_map, target.skeleton, target.role_map, RetargetOptions(feet="free"))
    heads = track.joint_centres
    for upper, lower in SEGMENTS:
        # A segment as its own body carries it: knees and elbows of the source glide a little, bones do not.
        bone = source.index(role_map.of(upper)[-1])
        ends = [source.index(role_map.of(role)[0]) for role in (upper, lower)]
        rest = source.rest_positions[ends[1]] - source.rest_positions[ends[0]]
        wanted = track.rotations[:, bone] @ source.rest_rotations[bone].T @ rest
        own_ends = [target.skeleton.index(target.role_map.of(role)[0]) for role in (upper, lower)]
        own = result.track.positions[:, own_ends[1]] - result.track.positions[:, own_ends[0]]
        cosine = np.sum(wanted * own, axis=1) / np.linalg.norm(wanted, axis=1) / np.linalg.norm(own, axis=1)
        assert np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))).max() < 0.01
    assert heads.shape[0] == len(result.track.time)


@pytest.mark.parametrize("pose", ["T", "A"])
def test_there_and_back_again(pose: str, person: Callable, random_motion: Callable, angle: Callable) -> None:
    """A to B to A, where both have the same parts: every mapped bone within 0.1 deg."""
    one = person(pose="hanging", spine=6, height=1.75, roll_seed=1)
    other = person(pose=pose, spine=6, height=1.55, facing_deg=90.0, roll_seed=2)
    track = random_motion(one.skeleton)
    free = RetargetOptions(feet="free")
    there = retarget(track, one.role_map, other.skeleton, other.role_map, free).track
    back = retarget(there, other.role_map, one.skeleton, one.role_map, free).track
    mapped = [one.skeleton.index(name) for bones in one.role_map.bones.values() for name in bones]
    assert angle(back.rotations, track.rotations)[:, mapped].max() < 0.1
    # Bones keep their lengths: each head stays where its parent's frame has it.
    assert np.ptp(np.linalg.norm(np.diff(there.positions[:, [1, 2]], axis=1), axis=2)) < 1e-12


@pytest.mark.parametrize("name", ["mixamo", "mpfb_default"])
def test_sample_model_to_a_rig_and_back(name: str, sample: Callable, mpfb: Callable, angle: Callable) -> None:
    """Every part that both have comes back; of several vertebrae or ankle bones in a part, the last."""
    track, rig = sample("lifting_with_twist"), mpfb(name)
    source = skeleton_of_track(track)
    role_map, rig_map = choose_preset(source)[1], choose_preset(rig)[1]
    free = RetargetOptions(feet="free")
    there = retarget(track, role_map, rig, rig_map, free).track
    back = retarget(there, rig_map, source, role_map, free).track
    mapped = [source.index(bones[-1]) for role, bones in role_map.bones.items() if rig_map.of(role)]
    assert len(mapped) >= 17
    assert angle(back.rotations, track.rotations)[:, mapped].max() < 0.1


def test_travel_is_scaled_by_the_legs(sample: Callable, person: Callable) -> None:
    track = sample("walking")
    source = skeleton_of_track(track)
    role_map = choose_preset(source)[1]
    tall = person(height=2.0)
    result = retarget(track, role_map, tall.skeleton, tall.role_map, RetargetOptions(feet="free"))

    def leg(skeleton: Skeleton, names: list[str]) -> float:
        points = skeleton.rest_positions[[skeleton.index(name) for name in names]]
        return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())

    ratio = leg(tall.skeleton, ["left_thigh", "left_shin", "left_foot"]) / leg(
        source, ["femur_l", "tibia_l", "talus_l"]
    )
    pelvis = track.joint_centres[:, 0]
    own = result.track.positions[:, tall.skeleton.index("pelvis")]
    assert abs(result.scale - ratio) < 1e-9
    assert abs((own[-1] - own[0])[0] / (pelvis[-1] - pelvis[0])[0] - ratio) < 0.01


def test_hands_placed_reach_the_scaled_places(sample: Callable, person: Callable) -> None:
    track = sample("trunk_flexion")
    source = skeleton_of_track(track)
    role_map = choose_preset(source)[1]
    target = person(height=1.75)
    errors = {}
    for hands in ("free", "placed"):
        result = retarget(track, role_map, target.skeleton, target.role_map, RetargetOptions(hands=hands))
        wrist = result.track.positions[:, target.skeleton.index("left_hand")]
        wanted = result.scale * track.joint_centres[:, source.index("hand_l")]
        # Ankles stand as high as each rig's own do: the whole body is that much higher than the scaled source.
        own_ankle = target.skeleton.rest_positions[target.skeleton.index("left_foot"), 1]
        lift = own_ankle - result.scale * source.rest_positions[source.index("talus_l"), 1]
        errors[hands] = np.linalg.norm(wrist - wanted - [0.0, lift, 0.0], axis=1).mean()
    assert errors["placed"] < 0.01 < errors["free"]


def test_proportions_followed_puts_joints_where_the_source_has_them(sample: Callable, person: Callable) -> None:
    track = sample("walking")
    source = skeleton_of_track(track)
    role_map = choose_preset(source)[1]
    target = person(height=1.9)
    result = retarget(track, role_map, target.skeleton, target.role_map, RetargetOptions(proportions="followed"))
    for source_name, name in (("ulna_l", "left_forearm"), ("tibia_r", "right_shin"), ("hand_r", "right_hand")):
        wanted = track.joint_centres[:, source.index(source_name)] - track.joint_centres[:, source.index("femur_r")]
        moved = result.track.positions
        own = moved[:, target.skeleton.index(name)] - moved[:, target.skeleton.index("right_thigh")]
        assert np.abs(own - result.scale * wanted).max() < 1e-9


@pytest.mark.parametrize("hands", ["free", "placed"])
def test_bones_without_a_role_stay_with_their_parents(hands: str, sample: Callable, person: Callable) -> None:
    track = sample("walking")
    role_map = choose_preset(skeleton_of_track(track))[1]
    target = person(twists=True)
    result = retarget(track, role_map, target.skeleton, target.role_map, RetargetOptions(hands=hands))
    pairs = {"left_thigh_twist": "left_thigh", "head_end": "head", "left_index0": "left_hand"}
    for name, parent in (pairs | {"left_forearm_twist": "left_forearm"}).items():
        one, other = target.skeleton.index(name), target.skeleton.index(parent)
        local = np.swapaxes(result.track.rotations[:, other], 1, 2) @ result.track.rotations[:, one]
        assert np.abs(local - local[0]).max() < 1e-9


def test_a_root_above_the_pelvis_stays_and_a_hip_bone_moves(sample: Callable, person: Callable) -> None:
    track = sample("walking")
    role_map = choose_preset(skeleton_of_track(track))[1]
    base = person(roll_seed=None)
    names = ("root", "hip", *base.skeleton.names)
    heads = np.concatenate([[[0.0, 0.0, 0.0], [0.0, 1.02, 0.0]], base.skeleton.rest_positions])
    parents = np.concatenate([[-1, 0], np.where(base.skeleton.parents < 0, 1, base.skeleton.parents + 2)])
    skeleton = Skeleton(names, parents, heads, np.tile(np.eye(3), (len(names), 1, 1)))
    result = retarget(track, role_map, skeleton, base.role_map.merged({"root": ["root"]}))
    moved = result.track.positions
    assert np.ptp(moved[:, 0], axis=0).max() == 0.0
    apart = np.linalg.norm(moved[:, 1] - moved[:, 2], axis=1)
    assert np.ptp(moved[:, 1], axis=0).max() > 1.0
    assert np.ptp(apart) < 1e-9


def test_a_map_without_legs_is_refused(sample: Callable, person: Callable) -> None:
    track = sample("walking")
    role_map = choose_preset(skeleton_of_track(track))[1]
    target = person()
    for role in ("left_thigh", "spine"):
        assert role in NEEDED
        with pytest.raises(InputError, match=role):
            retarget(track, role_map, target.skeleton, target.role_map.merged({role: []}))
    with pytest.raises(InputError, match="has no bone 'nobody'"):
        retarget(track, role_map, target.skeleton, RoleMap({**target.role_map.bones, "head": ("nobody",)}))


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_few_frames_are_enough(frames: int, sample: Callable, person: Callable) -> None:
    track = sample("walking")
    short = PoseTrack(
        track.time[:frames],
        track.names,
        track.parents,
        track.positions[:frames],
        track.rotations[:frames],
        track.centres,
        track.rest_positions,
        track.rest_rotations,
    )
    role_map = choose_preset(skeleton_of_track(track))[1]
    target = person()
    result = retarget(short, role_map, target.skeleton, target.role_map)
    assert result.track.positions.shape == (frames, len(target.skeleton.names), 3)
    assert np.isfinite(result.track.positions).all()
    assert np.isfinite(result.track.rotations).all()


def test_person_without_toes_neck_fingers_and_collar_bones(sample: Callable, person: Callable) -> None:
    track = sample("walking")
    role_map = choose_preset(skeleton_of_track(track))[1]
    target = person(fingers=False, clavicles=False, neck=0, spine=1)
    bare = target.role_map.merged({"left_toes": [], "right_toes": []})
    result = retarget(track, role_map, target.skeleton, bare)
    assert np.isfinite(result.track.positions).all()
    assert {"left_toes", "right_toes"} <= set(result.unmapped)


def test_deform_bones_that_hang_on_helpers_are_carried_by_the_body(sample: Callable, person: Callable) -> None:
    """As in Rigify's generated rig: thighs and upper arms hang on still helpers."""
    track = sample("walking")
    role_map = choose_preset(skeleton_of_track(track))[1]
    base = person(roll_seed=None)
    parents: list[str | None] = [None if p < 0 else base.skeleton.names[p] for p in base.skeleton.parents]
    loose = {"left_thigh", "right_thigh", "left_upper_arm", "right_upper_arm", "spine0"}
    parents = [f"helper_{n}" if n in loose else p for n, p in zip(base.skeleton.names, parents, strict=True)]
    names = [*base.skeleton.names, *(f"helper_{name}" for name in sorted(loose))]
    heads = [
        *base.skeleton.rest_positions,
        *(base.skeleton.rest_positions[base.skeleton.index(n)] for n in sorted(loose)),
    ]
    helped = make_skeleton(names, [*parents, *[None] * len(loose)], np.array(heads))
    plain = retarget(track, role_map, base.skeleton, base.role_map).track
    own = retarget(track, role_map, helped, base.role_map).track
    for name in base.skeleton.names:
        one, other = base.skeleton.index(name), helped.index(name)
        assert np.abs(plain.positions[:, one] - own.positions[:, other]).max() < 1e-9, name


def test_scale_can_be_chosen(sample: Callable, person: Callable) -> None:
    track = sample("walking")
    role_map = choose_preset(skeleton_of_track(track))[1]
    target = person()
    options = RetargetOptions(scale=0.5, feet="free")
    moved = retarget(track, role_map, target.skeleton, target.role_map, options).track.positions
    pelvis = target.skeleton.index("pelvis")
    travel = track.joint_centres[-1, 0, 0] - track.joint_centres[0, 0, 0]
    assert abs((moved[-1, pelvis, 0] - moved[0, pelvis, 0]) / travel - 0.5) < 0.01
    with pytest.raises(InputError, match="positive number"):
        retarget(track, role_map, target.skeleton, target.role_map, RetargetOptions(scale=-1.0))


def test_floor_of_the_target_is_where_it_is_asked(sample: Callable, person: Callable) -> None:
    track = sample("sit_to_stand")
    role_map = choose_preset(skeleton_of_track(track))[1]
    target = person()
    ground, raised = (
        retarget(track, role_map, target.skeleton, target.role_map, RetargetOptions(floor=floor)).track.positions
        for floor in (0.0, 0.5)
    )
    assert np.abs(raised - ground - [0.0, 0.5, 0.0]).max() < 1e-9


def test_palms_face_as_the_source_palms_do(sample: Callable, person: Callable) -> None:
    """OpenSim's hands face along their own X; a T pose's face down: the knuckles turn the same way."""
    track = sample("lifting_with_twist")
    source = skeleton_of_track(track)
    role_map = choose_preset(source)[1]
    for pose in ("T", "A", "hanging"):
        target = person(pose=pose, roll_seed=None)
        moved = retarget(track, role_map, target.skeleton, target.role_map).track
        for side, letter, sign in (("left", "l", 1.0), ("right", "r", -1.0)):
            wrist, index, little = (
                moved.positions[:, target.skeleton.index(f"{side}_{bone}")] for bone in ("hand", "index0", "little0")
            )
            palm = sign * np.cross(0.5 * (index + little) - wrist, index - little)
            palm /= np.linalg.norm(palm, axis=1)[:, None]
            wanted = track.rotations[:, source.index(f"hand_{letter}"), :, 0]
            # The source's palm need not be square to its forearm; its hand has no fingers to be more exact by.
            assert np.degrees(np.arccos(np.clip(np.sum(palm * wanted, axis=1), -1.0, 1.0))).max() < 20.0
