"""Points of a skeleton that retargeting measures by: heads of roles, limb directions, palms, soles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model.errors import InputError
from .roles import FINGERS, SIDES, RoleMap
from .rotations import UP, Array, least_rotation, unit
from .skeleton import Skeleton

_NEXT = {
    "clavicle": "upper_arm",
    "upper_arm": "forearm",
    "forearm": "hand",
    "thigh": "shin",
    "shin": "foot",
    "foot": "toes",
}
# The back of the heel stands behind the ankle by about this share of the way from ankle to ball; the toes end ahead of
# the ball by about the other: foot length 0.152 H, ankle to ball about 0.08 H (Winter, fig. 4.1 and table 4.1).
_HEEL_BEHIND = 0.35
_TOES_AHEAD = 0.45
_ALONG_AN_AXIS = np.cos(np.radians(2.0))


@dataclass(frozen=True, slots=True)
class FootPoints:
    """Points of the sole at rest, [3] m in ground: heel and ball from the ankle, the tip of the toes from the ball."""

    heel: Array
    ball: Array
    tip: Array


def role_head(skeleton: Skeleton, role_map: RoleMap, role: str) -> Array | None:
    """Where a role's first bone begins, [3] m; toes side by side count by their middle."""
    bones = role_map.of(role)
    if not bones:
        return None
    if role.endswith("toes"):
        return skeleton.rest_positions[[skeleton.index(bone) for bone in bones]].mean(axis=0)
    return skeleton.rest_positions[skeleton.index(bones[0])]


def needed_head(skeleton: Skeleton, role_map: RoleMap, role: str) -> Array:
    """`role_head` of a role that must be there.

    Raises:
        InputError: the map has no bone for it.
    """
    head = role_head(skeleton, role_map, role)
    if head is None:
        raise InputError(f"the bone map has no bone for {role}", hint="give this role a bone")
    return head


def limb_direction(skeleton: Skeleton, role_map: RoleMap, role: str) -> Array | None:
    """Which way a limb's segment points at rest, [3] of length one; nothing where it cannot be told."""
    side, part = role.split("_", 1)
    start = role_head(skeleton, role_map, role)
    if start is None:
        return None
    if part == "hand":
        knuckles = _knuckles(skeleton, role_map, side)
        end = knuckles.mean(axis=0) if len(knuckles) else skeleton.end_of(skeleton.index(role_map.of(role)[-1]))
    else:
        end = role_head(skeleton, role_map, f"{side}_{_NEXT[part]}") if part in _NEXT else None
        if end is None:
            end = skeleton.end_of(skeleton.index(role_map.of(role)[-1]))
    if end is None or np.linalg.norm(end - start) < 1e-5:
        return None
    return unit(end - start)


def palm_direction(skeleton: Skeleton, role_map: RoleMap, side: str, right: Array) -> Array:
    """Where a palm faces at rest, [3] of length one; `right` is the person's right.

    Known from the map, or from the knuckles, or else from the habit of rest poses: palms down in a T, which makes them
    face the thighs where the arms hang.
    """
    bone = skeleton.index(role_map.of(f"{side}_hand")[-1])
    if f"{side}_hand" in role_map.palms:
        return unit(skeleton.rest_rotations[bone] @ np.array(role_map.palms[f"{side}_hand"], dtype=np.float64))
    direction = limb_direction(skeleton, role_map, f"{side}_hand")
    knuckles = _knuckles(skeleton, role_map, side)
    if len(knuckles) >= 2 and direction is not None:
        back = np.asarray(np.cross(direction, knuckles[0] - knuckles[-1]), dtype=np.float64)
        return unit(back if side == "left" else -back)
    forearm = limb_direction(skeleton, role_map, f"{side}_forearm")
    return -1.0 * UP if forearm is None else least_rotation(right if side == "right" else -right, forearm) @ -UP


def _knuckles(skeleton: Skeleton, role_map: RoleMap, side: str) -> Array:
    """First joints of index to little finger, [F, 3] m."""
    heads = [role_head(skeleton, role_map, f"{side}_{finger}") for finger in FINGERS[1:]]
    return np.array([head for head in heads if head is not None]).reshape(-1, 3)


def facing(skeleton: Skeleton, role_map: RoleMap) -> Array:
    """Which way the person looks, [3] level and of length one: square to the lines from left to right.

    Rigs are modelled along an axis, and joints placed by hand are not quite symmetric: a heading within 2 degrees of an
    axis is that axis.

    Raises:
        InputError: the left and right joints coincide.
    """
    across = np.zeros(3)
    for part in ("thigh", "upper_arm"):
        across += needed_head(skeleton, role_map, f"right_{part}") - needed_head(skeleton, role_map, f"left_{part}")
    across -= (across @ UP) * UP
    if np.linalg.norm(across) < 1e-4:
        raise InputError("left and right cannot be told: hips and shoulders have no width", hint="check the bone map")
    forward = np.cross(UP, unit(across))
    nearest = np.zeros(3)
    main = int(np.argmax(np.abs(forward)))
    nearest[main] = np.sign(forward[main])
    return nearest if forward @ nearest > _ALONG_AN_AXIS else forward


def leg_length(skeleton: Skeleton, role_map: RoleMap) -> float:
    """Hip to knee to ankle, mean of both sides, m.

    Raises:
        InputError: the legs have no length.
    """
    total = 0.0
    for side in SIDES:
        hip, knee, ankle = (needed_head(skeleton, role_map, f"{side}_{part}") for part in ("thigh", "shin", "foot"))
        total += 0.5 * float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))
    if total < 1e-4:
        raise InputError("the legs have no length", hint="check the bone map, and apply the armature's scale")
    return total


def hip_centre(skeleton: Skeleton, role_map: RoleMap) -> Array:
    """The middle between the hip joints, [3] m."""
    return 0.5 * (needed_head(skeleton, role_map, "left_thigh") + needed_head(skeleton, role_map, "right_thigh"))


def sole_level(skeleton: Skeleton, role_map: RoleMap) -> float:
    """The level that the feet stand on at rest, m: the ground, if they could stand on it, else the lowest foot bone."""
    length = leg_length(skeleton, role_map)
    lowest = np.inf
    for side in SIDES:
        for role in (f"{side}_foot", f"{side}_toes"):
            head = role_head(skeleton, role_map, role)
            lowest = lowest if head is None else min(lowest, float(head[1]))
    return 0.0 if -0.02 * length <= lowest <= 0.15 * length else lowest - 0.01 * length


def foot_points(skeleton: Skeleton, role_map: RoleMap, side: str, forward: Array) -> FootPoints:
    """Heel, ball and tip of the toes of one foot, on the level that it stands on; `forward` where it has no length."""
    level = sole_level(skeleton, role_map)
    ankle = needed_head(skeleton, role_map, f"{side}_foot")
    ball = role_head(skeleton, role_map, f"{side}_toes")
    if ball is None:
        end = skeleton.end_of(skeleton.index(role_map.of(f"{side}_foot")[-1]))
        ball = ankle + 0.08 / 0.491 * leg_length(skeleton, role_map) * forward if end is None else end
    ahead = (ball - ankle) * (1.0 - UP)
    down = np.array([0.0, level - ankle[1], 0.0])
    return FootPoints(
        heel=down - _HEEL_BEHIND * ahead,
        ball=ahead + down,
        tip=_TOES_AHEAD * ahead,
    )
