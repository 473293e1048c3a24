"""Rest poses made comparable: facing, size, and per role the turn between the two rest directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .landmarks import facing, leg_length, limb_direction, palm_direction
from .roles import FINGERS, SIDES, RoleMap
from .rotations import UP, Array, frame_of, least_rotation, yaw_between
from .skeleton import Skeleton


@dataclass(frozen=True, slots=True)
class Alignment:
    """How a target at rest is brought to the source at rest.

    `yaw` turns the target to face as the source does; `target` is the skeleton so turned. `offsets` gives each role the
    rotation [3, 3] in ground from the turned target's rest to the source's: with D the source's rotation away from its
    rest, the target's is D offset. Trunk and head stand upright in both rest poses and have none; limbs follow their
    directions (and the palms, for forearm and hand), feet their headings alone, since both stand flat.
    """

    scale: float
    yaw: Array
    target: Skeleton
    offsets: Mapping[str, Array]
    forward: Array  # [3] where both face


def align(source: Skeleton, source_map: RoleMap, target: Skeleton, target_map: RoleMap) -> Alignment:
    """Compare two rest poses, T, A or any other, and how tall the two are by their legs.

    Raises:
        InputError: one of them has no legs, or no width.
    """
    forward = facing(source, source_map)
    yaw = yaw_between(facing(target, target_map), forward)
    turned = target.turned(yaw)
    right = np.cross(forward, UP)
    offsets: dict[str, Array] = {}
    for side in SIDES:
        for part in ("clavicle", "upper_arm", "thigh", "shin"):
            offsets[f"{side}_{part}"] = _by_direction(source, source_map, turned, target_map, f"{side}_{part}")
        offsets |= _arm_ends(source, source_map, turned, target_map, side, right)
        for part in ("foot", "toes"):
            offsets[f"{side}_{part}"] = _by_heading(source, source_map, turned, target_map, f"{side}_foot")
    scale = leg_length(turned, target_map) / leg_length(source, source_map)
    return Alignment(scale, yaw, turned, offsets, forward)


def _by_direction(source: Skeleton, source_map: RoleMap, target: Skeleton, target_map: RoleMap, role: str) -> Array:
    wanted = limb_direction(source, source_map, role)
    own = limb_direction(target, target_map, role)
    return np.eye(3) if wanted is None or own is None else least_rotation(own, wanted)


def _by_heading(source: Skeleton, source_map: RoleMap, target: Skeleton, target_map: RoleMap, role: str) -> Array:
    wanted = limb_direction(source, source_map, role)
    own = limb_direction(target, target_map, role)
    if wanted is None or own is None or min(np.hypot(v[0], v[2]) for v in (wanted, own)) < 0.2:
        return np.eye(3)
    return yaw_between(own, wanted)


def _arm_ends(
    source: Skeleton, source_map: RoleMap, target: Skeleton, target_map: RoleMap, side: str, right: Array
) -> dict[str, Array]:
    """Forearm and hand, turned so that the palms face alike; fingers by their directions."""
    palms = [palm_direction(source, source_map, side, right), palm_direction(target, target_map, side, right)]
    offsets: dict[str, Array] = {}
    frames = _frames(source, source_map, target, target_map, f"{side}_forearm", palms)
    offsets[f"{side}_forearm"] = np.eye(3) if frames is None else frames
    frames = _frames(source, source_map, target, target_map, f"{side}_hand", palms)
    # A hand without fingers is taken to lie in line with its forearm.
    offsets[f"{side}_hand"] = offsets[f"{side}_forearm"] if frames is None else frames
    for finger in FINGERS:
        offsets[f"{side}_{finger}"] = offsets[f"{side}_hand"]
    return offsets


def _frames(
    source: Skeleton, source_map: RoleMap, target: Skeleton, target_map: RoleMap, role: str, palms: list[Array]
) -> Array | None:
    wanted = limb_direction(source, source_map, role)
    own = limb_direction(target, target_map, role)
    if wanted is None or own is None:
        return None
    if max(abs(wanted @ palms[0]), abs(own @ palms[1])) > 0.95:
        return least_rotation(own, wanted)
    return frame_of(wanted, palms[0]) @ frame_of(own, palms[1]).T
