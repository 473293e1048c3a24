"""How good a retargeting is, in numbers, beside the same numbers for the naive copy; ready for JSON."""

from __future__ import annotations

import numpy as np

from ..kinematics.pose_track import PoseTrack
from .contacts import runs
from .curve_error import spine_curve_errors
from .landmarks import foot_points, leg_length
from .naive import naive_copy
from .roles import SIDES, RoleMap
from .rotations import Array, angles_between
from .skeleton import Skeleton, skeleton_of_track
from .solve import RetargetResult

_LEG_OF_HEIGHT = 0.491  # hip to ankle as a share of the height (Winter, fig. 4.1)
_LEG_ROLES = tuple(f"{side}_{part}" for side in SIDES for part in ("thigh", "shin", "foot", "toes"))
_ARM_ROLES = tuple(f"{side}_{part}" for side in SIDES for part in ("upper_arm", "hand"))


def retarget_report(
    source_track: PoseTrack,
    source_map: RoleMap,
    target: Skeleton,
    target_map: RoleMap,
    result: RetargetResult,
    with_naive: bool = True,
) -> dict[str, object]:
    """The measured quality of a result.

    Everything is compared with what the source does at the target's size, both away from rest: the spine's curve with
    the target's own resting spine bent as the source's is; hands and feet with the source's places from the middle of
    the hips. `jerk_ratio` is the root mean square third derivative of hips, knees, ankles and balls of
    the feet together, which planting the feet could roughen, over the source's at that size.
    """
    numbers = _Numbers(source_track, source_map, target, target_map, result)
    report: dict[str, object] = {
        "source_map": source_map.name,
        "target_map": target_map.name,
        "bones": len(target.names),
        "frames": len(source_track.time),
        "scale": result.scale,
        "height_m": leg_length(target, target_map) / _LEG_OF_HEIGHT,
        "pelvis_lowered_mm": 1e3 * float(result.lowered.max()),
        "unmapped_roles": list(result.unmapped),
        "stances": numbers.stance_count,
        "retarget": numbers.of(result.track),
    }
    if with_naive:
        report["naive"] = numbers.of(naive_copy(source_track, source_map, target, target_map))
    return report


class _Numbers:
    """What a target track is measured against, prepared once for both of them."""

    def __init__(
        self,
        source_track: PoseTrack,
        source_map: RoleMap,
        target: Skeleton,
        target_map: RoleMap,
        result: RetargetResult,
    ) -> None:
        self.source = skeleton_of_track(source_track)
        self.source_track = source_track
        self.source_map = source_map
        self.target = target
        self.target_map = target_map
        self.result = result
        self.rate = source_track.rate
        self.source_heads = source_track.joint_centres
        self.stance_count = sum(len(runs(mask)) for masks in result.contacts.values() for mask in masks)

    def of(self, track: PoseTrack) -> dict[str, object]:
        lowest, slides = self._feet(track)
        return {
            "rotation_error_deg": {part: self._rotation_error(track, part) for part in ("pelvis", "thorax", "head")},
            "spine_curve": self._spine_curve(track),
            "largest_bend_deg": {
                "source": _bends(self.source_track, self.source, self.source_map),
                "target": _bends(track, self.result.alignment.target, self.target_map),
            },
            "end_effector_error_of_height": self._end_effectors(track),
            "foot_slide_mm": {"max": max(slides, default=0.0), "by_stance": slides},
            "penetration_mm": 1e3 * max(self.result.options.floor - lowest, 0.0),
            "jerk_ratio": self._jerk_ratio(track, _LEG_ROLES),
            "jerk_ratio_by_role": {
                role: self._jerk_ratio(track, (role,))
                for role in (*_LEG_ROLES, *_ARM_ROLES)
                if self.source_map.of(role) and self.target_map.of(role)
            },
        }

    def _turn(self, track: PoseTrack, name: str) -> Array:
        bone = self.target.index(name)
        return track.rotations[:, bone] @ self.result.alignment.target.rest_rotations[bone].T

    def _rotation_error(self, track: PoseTrack, part: str) -> float:
        role = "spine" if part == "thorax" else part
        name = self.source_map.of(role)[-1]
        bone = self.source.index(name)
        wanted = self.source_track.rotations[:, bone] @ self.source.rest_rotations[bone].T
        return float(np.degrees(angles_between(self._turn(track, self.target_map.of(role)[-1]), wanted).max()))

    def _spine_curve(self, track: PoseTrack) -> dict[str, float]:
        mean, largest, length = spine_curve_errors(
            self.source_track, self.source_map, track, self.result.alignment.target, self.target_map
        )
        return {
            "mean_mm": 1e3 * float(mean.max()),
            "max_mm": 1e3 * float(largest.max()),
            "length_mm": 1e3 * length,
            "mean_percent": 100.0 * float(mean.max()) / length,
            "max_percent": 100.0 * float(largest.max()) / length,
        }

    def _end_effectors(self, track: PoseTrack) -> dict[str, float]:
        height = leg_length(self.target, self.target_map) / _LEG_OF_HEIGHT
        ends = {}
        for role in (f"{side}_{part}" for side in SIDES for part in ("hand", "foot")):
            wanted = self.result.scale * self._from_hips(self.source_heads, self.source, self.source_map, role)
            own = self._from_hips(track.positions, self.target, self.target_map, role)
            ends[role] = float(np.linalg.norm(own - wanted, axis=1).mean()) / height
        return ends

    @staticmethod
    def _from_hips(heads: Array, skeleton: Skeleton, role_map: RoleMap, role: str) -> Array:
        thighs = [skeleton.index(role_map.of(f"{side}_thigh")[0]) for side in SIDES]
        return heads[:, skeleton.index(role_map.of(role)[0])] - heads[:, thighs].mean(axis=1)

    def _feet(self, track: PoseTrack) -> tuple[float, list[float]]:
        """The lowest point of the soles (heel, ball, tip of the toes), m, and how far each stance slides, mm."""
        turned = self.result.alignment.target
        lowest, slides = np.inf, []
        for side in SIDES:
            points = foot_points(turned, self.target_map, side, self.result.alignment.forward)
            names = self.target_map.of(f"{side}_foot")
            ankle = track.positions[:, self.target.index(names[0])]
            turn = self._turn(track, names[-1])
            ball = ankle + turn @ points.ball
            toes = self.target_map.of(f"{side}_toes")
            tip = ball + (self._turn(track, toes[0]) if toes else turn) @ points.tip
            lowest = min(lowest, float(tip[:, 1].min()))
            for point, stands in zip((points.heel, points.ball), self.result.contacts[side], strict=True):
                moved = ankle + turn @ point
                lowest = min(lowest, float(moved[:, 1].min()))
                slides += [1e3 * _widest(moved[first:past][:, [0, 2]]) for first, past in runs(stands)]
        return lowest, slides

    def _jerk_ratio(self, track: PoseTrack, roles: tuple[str, ...]) -> float:
        """Root mean square jerk of the roles' joints together, over the source's at the target's size."""
        shared = [role for role in roles if self.source_map.of(role) and self.target_map.of(role)]
        wanted = [self.source.index(self.source_map.of(role)[0]) for role in shared]
        own = [self.target.index(self.target_map.of(role)[0]) for role in shared]
        if len(track.time) < 4:
            return 1.0
        base = self.result.scale * _rms(np.diff(self.source_heads[:, wanted], 3, axis=0))
        return _rms(np.diff(track.positions[:, own], 3, axis=0)) / base if base > 1e-12 else 1.0


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _widest(points: Array) -> float:
    """The largest distance between any two of the points [T, 2] that are extreme in one of 16 directions, m."""
    angles = np.linspace(0.0, np.pi, 16, endpoint=False)
    along = points @ np.array([np.cos(angles), np.sin(angles)])
    return float(np.ptp(along, axis=0).max())


def _bends(track: PoseTrack, rest: Skeleton, role_map: RoleMap) -> dict[str, float]:
    """The largest angle between each spine bone and what it stands on, deg, away from rest."""
    names = (role_map.of("pelvis")[-1], *role_map.of("spine"), *role_map.of("neck"), *role_map.of("head"))
    bones = [rest.index(name) for name in names]
    turns = [track.rotations[:, bone] @ rest.rest_rotations[bone].T for bone in bones]
    return {
        name: float(np.degrees(angles_between(below, above).max()))
        for name, below, above in zip(names[1:], turns, turns[1:], strict=False)
    }
