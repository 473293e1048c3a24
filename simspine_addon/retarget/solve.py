"""Retargeting: one skeleton's motion onto another, all frames at once, by roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ..kinematics.pose_track import PoseTrack
from ..model.errors import InputError
from .align import Alignment, align
from .contacts import Mask
from .landmarks import hip_centre, sole_level
from .legs import keep_in_reach, plant_feet, source_feet, stand_legs
from .place import followed_places
from .roles import SIDES, RoleMap
from .rotations import Array
from .skeleton import Skeleton, skeleton_of_track
from .tree import BodyTree, body_tree, carried_positions, place_of
from .turns import TurnMaker, inherited
from .two_bones import reach


@dataclass(frozen=True, slots=True)
class RetargetOptions:
    """What an animator may choose.

    Attributes:
        proportions: "kept" moves the target's own bones; "followed" also moves its joints to where the source's are at
            the target's size (needs bones that may be translated, and leaves the feet to the source).
        spine: "curve" keeps the spine's shape over however many bones there are; "levels" gives each vertebra of an
            articulated rig the rotation of its own level, and is "curve" on rigs without vertebrae; "lumped" is the
            naive copy, in which the chest takes all of it.
        feet: "locked" holds heel and ball where they stand; "free" leaves them to the legs' rotations.
        hands: "free" turns the arms as the source's; "placed" brings the wrists to the source's places at the target's
            size, for hands that touch things.
        scale: size of the target's motion against the source's; the ratio of leg lengths where not given.
        floor: the level of the target's floor, m.
    """

    proportions: Literal["kept", "followed"] = "kept"
    spine: Literal["curve", "levels", "lumped"] = "curve"
    feet: Literal["locked", "free"] = "locked"
    hands: Literal["free", "placed"] = "free"
    scale: float | None = None
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class RetargetResult:
    """The target's motion and how it came about.

    `track` holds every target bone (heads as positions, centres zero). `contacts` says when heel and ball of each side
    stand, [T] each. `unmapped` are the roles that only one of the two has; `lowered` [T] m is how much the pelvis was
    lowered so that planted feet stay in reach.
    """

    track: PoseTrack
    alignment: Alignment
    scale: float
    contacts: Mapping[str, tuple[Mask, Mask]]
    unmapped: tuple[str, ...]
    lowered: Array
    options: RetargetOptions = field(default_factory=RetargetOptions)


def retarget(
    source_track: PoseTrack,
    source_map: RoleMap,
    target: Skeleton,
    target_map: RoleMap,
    options: RetargetOptions | None = None,
) -> RetargetResult:
    """Carry a motion over to another skeleton.

    Args:
        source_track: the motion.
        source_map: which of its bodies play which role.
        target: the skeleton to move, at rest.
        target_map: which of its bones play which role.
        options: see `RetargetOptions`.

    Raises:
        InputError: a map does not fit its skeleton, or one of the two has no legs or no width.
    """
    options = options or RetargetOptions()
    if len(source_track.time) == 0:
        raise InputError("the motion has no frames", hint="choose another range of time")
    source = skeleton_of_track(source_track)
    source_map.check(source)
    target_map.check(target)
    alignment = align(source, source_map, target, target_map)
    scale = alignment.scale if options.scale is None else float(options.scale)
    if not scale > 0.0:
        raise InputError(f"the scale is {scale:g}, where a positive number is needed")
    tree = body_tree(alignment.target, target_map)
    maker = TurnMaker(source_track, source, source_map, alignment, target_map, options.spine)
    turns = maker.turns(tree)
    feet = source_feet(source_track, source, source_map, maker)
    lift = _lift(source, source_map, alignment.target, target_map, feet.floor, scale, options.floor)
    places = pelvis_place(maker, scale, lift)
    pelvis = alignment.target.index(target_map.of("pelvis")[0])
    lowered = np.zeros(len(source_track.time))
    # On its own skeleton a motion keeps its joint translations too: there, kept and followed mean the same.
    followed = options.proportions == "followed" or _is_same(source, target)
    if followed:
        places |= followed_places(source_map, alignment.target, target_map, places[pelvis], maker, scale)
    elif options.feet == "locked":
        planted = plant_feet(feet, alignment, target_map, maker, scale, options.floor, source_track.rate)
        lowered = keep_in_reach(
            tree, alignment.target, target_map, turns, places, planted, feet.straightness, source_track.rate
        )
        places[pelvis] = places[pelvis] - lowered[:, None] * np.array([0.0, 1.0, 0.0])
        stand_legs(tree, alignment, target_map, turns, places, planted)
    if options.hands == "placed" and not followed:
        _place_hands(tree, source_track, source, source_map, alignment, target_map, turns, places, scale, lift)
    inherited(tree, turns, places, alignment.target, target_map)
    track = moved_track(source_track, tree, target, alignment, turns, places)
    return RetargetResult(track, alignment, scale, feet.stands, _unmapped(source_map, target_map), lowered, options)


def _is_same(source: Skeleton, target: Skeleton) -> bool:
    return source.names == target.names and bool(
        np.allclose(source.rest_positions, target.rest_positions, atol=1e-6)
        and np.allclose(source.rest_rotations, target.rest_rotations, atol=1e-6)
    )


def _lift(
    source: Skeleton,
    source_map: RoleMap,
    target: Skeleton,
    target_map: RoleMap,
    source_floor: float,
    scale: float,
    floor: float,
) -> float:
    """What is added to scaled heights, m, so that floors match and ankles stand as high as each rig's own do."""
    ankles = []
    for skeleton, role_map in ((source, source_map), (target, target_map)):
        heights = [skeleton.rest_positions[skeleton.index(role_map.of(f"{side}_foot")[0]), 1] for side in SIDES]
        ankles.append(float(np.mean(heights)) - sole_level(skeleton, role_map))
    return floor - scale * source_floor + ankles[1] - scale * ankles[0]


def pelvis_place(maker: TurnMaker, scale: float, lift: float) -> dict[int, Array]:
    """Where the pelvis goes, [T, 3] m by bone: the hips' middle follows the source's, at its size."""
    source, target = maker.source, maker.target
    thighs = [source.index(maker.source_map.of(f"{side}_thigh")[0]) for side in SIDES]
    middle = scale * 0.5 * (maker.heads[:, thighs[0]] + maker.heads[:, thighs[1]])
    middle[:, 1] += lift
    pelvis = target.index(maker.target_map.of("pelvis")[0])
    offset = hip_centre(target, maker.target_map) - target.rest_positions[pelvis]
    return {pelvis: middle - maker.pelvis_turn @ offset}


def _place_hands(
    tree: BodyTree,
    track: PoseTrack,
    source: Skeleton,
    source_map: RoleMap,
    alignment: Alignment,
    target_map: RoleMap,
    turns: list[Array | None],
    places: dict[int, Array],
    scale: float,
    lift: float,
) -> None:
    """Turn the arms so that the wrists reach the source's places; hands keep their own rotations."""
    rest = alignment.target.rest_positions
    for side in SIDES:
        bones = [
            [alignment.target.index(name) for name in target_map.of(f"{side}_{part}")]
            for part in ("upper_arm", "forearm", "hand")
        ]
        shoulder, elbow, wrist = (place_of(tree, rest, turns, places, None, part[0]) for part in bones)
        heads = track.joint_centres[:, source.index(source_map.of(f"{side}_hand")[0])]
        goal = scale * heads + np.array([0.0, lift, 0.0])
        upper_turn = turns[bones[0][0]]
        assert upper_turn is not None  # a checked map has upper arms on both skeletons
        back = -np.matmul(upper_turn, alignment.forward)
        first, second, _ = reach(shoulder, elbow, wrist, goal, back, soft=0.04)
        for part, turn in ((bones[0], first), (bones[1], second)):
            for bone in part:
                turns[bone] = np.matmul(turn, turns[bone])


def moved_track(
    source_track: PoseTrack,
    tree: BodyTree,
    target: Skeleton,
    alignment: Alignment,
    turns: list[Array | None],
    places: dict[int, Array],
) -> PoseTrack:
    """The PoseTrack of all target bones from rotations away from rest and known places."""
    frames = len(source_track.time)
    turned = alignment.target
    positions = carried_positions(tree, turned.rest_positions, target.rest_positions, turns, places, frames)
    rotations = np.empty((frames, len(target.names), 3, 3))
    for bone, turn in enumerate(turns):
        if turn is None:
            rotations[:, bone] = target.rest_rotations[bone]
        else:
            rotations[:, bone] = turn @ turned.rest_rotations[bone]
    return PoseTrack(
        time=source_track.time,
        names=target.names,
        parents=target.parents,
        positions=positions,
        rotations=rotations,
        centres=np.zeros((len(target.names), 3)),
        rest_positions=target.rest_positions,
        rest_rotations=target.rest_rotations,
    )


def _unmapped(source_map: RoleMap, target_map: RoleMap) -> tuple[str, ...]:
    roles = dict.fromkeys([*source_map.bones, *target_map.bones])
    return tuple(role for role in roles if role != "root" and bool(source_map.of(role)) != bool(target_map.of(role)))
