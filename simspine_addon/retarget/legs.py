"""Legs that reach planted feet: the source's soles at the target's size, and the legs bent to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..kinematics.pose_track import PoseTrack
from .align import Alignment
from .contacts import Mask, source_floor, standing
from .feet import FootMotion, SoleTracks, plant, smooth_above, toes_above_floor
from .landmarks import facing, foot_points, leg_length
from .roles import SIDES, RoleMap
from .rotations import Array
from .skeleton import Skeleton
from .tree import BodyTree, place_of
from .turns import TurnMaker
from .two_bones import reach

# A planted leg may be as straight as the source's is at that moment, within these shares of its length: the knee of a
# straight leg moves without bound for a millimetre of reach.
_STRAIGHT = (0.985, 0.9990)
_LOWERING = 0.2  # s over which the pelvis is lowered and let up again


@dataclass(frozen=True, slots=True)
class SourceFeet:
    """The source's soles in ground by side, their floors, when heel and ball stand, and how straight the legs are [T],
    as hip to ankle over thigh and shin."""

    soles: Mapping[str, SoleTracks]
    ankle_heights: Mapping[str, float]  # over the sole at rest
    floors: Mapping[str, float]
    stands: Mapping[str, tuple[Mask, Mask]]
    straightness: Mapping[str, Array]

    @property
    def floor(self) -> float:
        return float(np.mean(list(self.floors.values())))


def source_feet(track: PoseTrack, source: Skeleton, source_map: RoleMap, maker: TurnMaker) -> SourceFeet:
    """Heel and ball of the source over time, and when they stand on the floor."""
    leg, forward = leg_length(source, source_map), facing(source, source_map)
    soles, heights, floors, stands, straightness = {}, {}, {}, {}, {}
    for side in SIDES:
        bones = source_map.of(f"{side}_foot")
        ankle = maker.heads[:, source.index(bones[0])]
        points = foot_points(source, source_map, side, forward)
        turn = maker.source_turn(bones[-1])
        heel, ball = ankle + turn @ points.heel, ankle + turn @ points.ball
        soles[side], heights[side] = SoleTracks(ankle, heel, ball), -float(points.ball[1])
        floor = floors[side] = source_floor(heel, ball, leg)
        stands[side] = standing(heel, track.rate, floor, leg), standing(ball, track.rate, floor, leg)
        hip, knee = (maker.heads[:, source.index(source_map.of(f"{side}_{part}")[0])] for part in ("thigh", "shin"))
        length = np.linalg.norm(knee - hip, axis=1) + np.linalg.norm(ankle - knee, axis=1)
        straightness[side] = np.linalg.norm(ankle - hip, axis=1) / length
    return SourceFeet(soles, heights, floors, stands, straightness)


def plant_feet(
    feet: SourceFeet,
    alignment: Alignment,
    target_map: RoleMap,
    maker: TurnMaker,
    scale: float,
    floor: float,
    rate: float,
) -> dict[str, FootMotion]:
    """Where the target's ankles and feet belong, by side."""
    planted = {}
    for side in SIDES:
        points = foot_points(alignment.target, target_map, side, alignment.forward)
        turn = maker.source_turn(maker.source_map.of(f"{side}_foot")[-1]) @ alignment.offsets[f"{side}_foot"]
        lift = np.array([0.0, floor - scale * feet.floors[side], 0.0])
        ankle_lift = np.array([0.0, -points.ball[1] - scale * feet.ankle_heights[side], 0.0])
        own = feet.soles[side]
        tracks = SoleTracks(scale * own.ankle + lift + ankle_lift, scale * own.heel + lift, scale * own.ball + lift)
        planted[side] = plant(tracks, turn, points, feet.stands[side], floor, rate)
    return planted


def keep_in_reach(
    tree: BodyTree,
    target: Skeleton,
    target_map: RoleMap,
    turns: list[Array | None],
    places: dict[int, Array],
    planted: Mapping[str, FootMotion],
    straightness: Mapping[str, Array],
    rate: float,
) -> Array:
    """How much the pelvis has to come down, [T] m, so that no leg is too short for its planted foot; smooth in time."""
    needed = np.zeros(len(next(iter(planted.values())).ankle))
    for side, motion in planted.items():
        hip = place_of(
            tree, target.rest_positions, turns, places, None, target.index(target_map.of(f"{side}_thigh")[0])
        )
        length = np.clip(straightness[side], *_STRAIGHT) * sum(segment_lengths(target, target_map, side))
        beside = np.hypot(*(hip - motion.ankle)[:, [0, 2]].T)
        tallest = np.sqrt(np.maximum(length**2 - beside**2, 0.0))
        needed = np.maximum(needed, hip[:, 1] - motion.ankle[:, 1] - tallest)
    if needed.max() < 1e-6:
        return np.zeros_like(needed)
    return smooth_above(needed, max(round(_LOWERING * rate), 1))


def segment_lengths(target: Skeleton, target_map: RoleMap, side: str) -> tuple[float, float]:
    """Thigh and shin, m."""
    hip, knee, ankle = (
        target.rest_positions[target.index(target_map.of(f"{side}_{part}")[0])] for part in ("thigh", "shin", "foot")
    )
    return float(np.linalg.norm(knee - hip)), float(np.linalg.norm(ankle - knee))


def stand_legs(
    tree: BodyTree,
    alignment: Alignment,
    target_map: RoleMap,
    turns: list[Array | None],
    places: dict[int, Array],
    planted: Mapping[str, FootMotion],
) -> None:
    """Bend the legs so that the ankles come to where the feet are planted; feet and toes take the planted turn."""
    target = alignment.target
    rest = target.rest_positions
    for side, motion in planted.items():
        thigh, shin, foot, toes = (
            [target.index(name) for name in target_map.of(f"{side}_{part}")]
            for part in ("thigh", "shin", "foot", "toes")
        )
        hip, knee, ankle = (place_of(tree, rest, turns, places, None, part[0]) for part in (thigh, shin, foot))
        thigh_turn, foot_turn = turns[thigh[0]], turns[foot[-1]]
        assert thigh_turn is not None
        assert foot_turn is not None
        first, second, _ = reach(hip, knee, ankle, motion.ankle, np.matmul(thigh_turn, alignment.forward))
        changed = np.matmul(motion.turn, np.swapaxes(foot_turn, 1, 2))
        for part, turn in ((thigh, first), (shin, second), (foot, changed), (toes, changed)):
            for bone in part:
                own = turns[bone]
                turns[bone] = None if own is None else np.matmul(turn, own)
        for bone in toes:
            own = turns[bone]
            turns[bone] = None if own is None else toes_above_floor(motion, own)
