"""A role map from a skeleton's shape alone, for rigs whose names mean nothing.

The person stands upright (Y up), facing anywhere, in T, A or any calm pose. Feet are found as the low ends of long
chains, the pelvis as where two of them meet, the chest as where the two farthest reaching chains above it meet; joints
within a limb by how human the segment lengths come out. Twist, roll and end bones hang beside or beyond those paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from .roles import RoleMap
from .rotations import UP, unit
from .skeleton import Skeleton
from .structure_hand import finger_roles

Array = NDArray[np.float64]

# Proportions after Drillis and Contini (1966), as in Winter, Biomechanics and Motor Control of Human Movement, fig. 4.1:
# hip 0.530 H above the floor, ankle 0.039 H, upper arm 0.186 H, forearm 0.146 H, shoulder half width 0.129 H.
_LEG = 0.491
_ARM = 0.332
_UPPER_TO_FORE = 1.12  # between these 1.27 and the 0.95 or so that avatars' rigs have
_SHOULDER_HALF_WIDTH = 0.115  # joint centres stand a little within the width of the figure
_FOOT_ZONE = 0.13  # of the height: whatever is lower belongs to a foot
_HIGH = 0.4


@dataclass(frozen=True, slots=True)
class _Body:
    """A skeleton seen as a person: parents' paths, up, right and forward."""

    skeleton: Skeleton
    children: list[list[int]]
    ends: Array  # [N, 3] tails, or heads where there is none
    floor: float
    height: float
    right: Array
    forward: Array

    def head(self, bone: int) -> Array:
        return self.skeleton.rest_positions[bone]

    def below(self, bone: int) -> list[int]:
        """The bone and everything that hangs on it."""
        found = [bone]
        for item in found:
            found += self.children[item]
        return found


def map_by_structure(skeleton: Skeleton) -> RoleMap:
    """The role map of a person's skeleton, told by topology and geometry alone.

    Raises:
        InputError: no two legs, no spine or no two arms can be made out; the line says which.
    """
    children = skeleton.children()
    paths = [_path_up(skeleton, bone) for bone in range(len(skeleton.names))]
    floor, height = _floor_and_height(skeleton, paths)
    legs, hips = _find_legs(skeleton, paths, floor, height)
    body = _oriented(skeleton, children, floor, height, legs)
    middle = 0.5 * (skeleton.rest_positions[legs[0][0]] + skeleton.rest_positions[legs[1][0]])
    leg_roles, leg_length = {}, 0.0
    for path in legs:
        side = "right" if (skeleton.rest_positions[path[-1]] - middle) @ body.right > 0.0 else "left"
        roles, length = _leg_roles(body, path)
        leg_roles |= {f"{side}_{part}": bones for part, bones in roles.items()}
        leg_length += 0.5 * length
    if len({role.split("_")[0] for role in leg_roles}) != 2:
        raise _unfit("two legs", "both stand on the same side")
    trunk, arms = _upper_body(body, hips, {bone for path in legs for bone in body.below(path[0])}, middle)
    roles = {"pelvis": (hips,), **trunk, **leg_roles}
    for side, path in arms.items():
        roles |= {f"{side}_{part}": bones for part, bones in _arm_roles(body, path, leg_length, middle).items()}
    root = paths[hips][-1]
    if root != hips:
        roles["root"] = (root,)
    named = {role: tuple(skeleton.names[bone] for bone in bones) for role, bones in roles.items() if bones}
    return RoleMap(named, "structure")


def _unfit(what: str, why: str) -> InputError:
    return InputError(f"the skeleton has no {what} that can be told: {why}", hint="give the bone map by hand")


def _path_up(skeleton: Skeleton, bone: int) -> list[int]:
    path = [bone]
    while skeleton.parents[path[-1]] >= 0:
        path.append(int(skeleton.parents[path[-1]]))
    return path


def _floor_and_height(skeleton: Skeleton, paths: list[list[int]]) -> tuple[float, float]:
    """Lowest and highest head of bones; a single control bone far below the feet would mislead, so roots are left out."""
    heights = skeleton.rest_positions[:, 1]
    inner = [bone for bone in range(len(heights)) if len(paths[bone]) > 1]
    if not inner or np.ptp(heights[inner]) < 1e-6:
        raise _unfit("height", "all bones lie at one level")
    return float(heights[inner].min()), float(np.ptp(heights[inner]))


def _find_legs(
    skeleton: Skeleton, paths: list[list[int]], floor: float, height: float
) -> tuple[list[list[int]], int]:
    """The two leg paths, each from the child of the pelvis down to the ankle, and the pelvis."""
    level = (skeleton.rest_positions[:, 1] - floor) / height
    # The foot of a leg is the first low bone below high ones.
    ankles = [
        path[0]
        for path in paths
        if level[path[0]] < _FOOT_ZONE and len(path) > 2 and level[path[1]] >= _FOOT_ZONE and level[path[1:]].max() > _HIGH
    ]
    best: tuple[float, list[list[int]], int] | None = None
    for one, other in combinations(ankles, 2):
        meeting = next((bone for bone in paths[one] if bone in set(paths[other])), None)
        if meeting is None or level[meeting] < _HIGH:
            continue
        legs = [paths[ankle][: paths[ankle].index(meeting)][::-1] for ankle in (one, other)]
        if min(len(leg) for leg in legs) < 3:
            continue
        unlike = _unlikeness(skeleton, legs) / height
        if best is None or unlike < best[0]:
            best = unlike, legs, meeting
    if best is None:
        raise _unfit("two legs", "no two chains run from a common bone down to the floor")
    return best[1], best[2]


def _unlikeness(skeleton: Skeleton, legs: list[list[int]]) -> float:
    """How little two chains are each other's mirror image, in m: lengths from joint to joint, and the lowest level."""
    lengths = [np.linalg.norm(np.diff(skeleton.rest_positions[leg], axis=0), axis=1) for leg in legs]
    if len(lengths[0]) != len(lengths[1]):
        return abs(float(lengths[0].sum() - lengths[1].sum())) + 1.0
    levels = abs(float(skeleton.rest_positions[legs[0][-1], 1] - skeleton.rest_positions[legs[1][-1], 1]))
    return float(np.abs(lengths[0] - lengths[1]).sum()) + levels


def _oriented(
    skeleton: Skeleton, children: list[list[int]], floor: float, height: float, legs: list[list[int]]
) -> _Body:
    """Which way the person faces: where the feet point, square to the line between the legs."""
    ends = skeleton.rest_positions if skeleton.tails is None else skeleton.tails
    heads = skeleton.rest_positions
    apart = heads[legs[0][-1]] - heads[legs[1][-1]]
    apart = unit(apart - (apart @ UP) * UP)
    body = _Body(skeleton, children, ends, floor, height, apart, np.cross(UP, apart))
    pointing = np.zeros(3)
    for leg in legs:
        reach = np.concatenate([np.concatenate([heads[b][None], ends[b][None]]) for b in body.below(leg[-1])])
        out = reach - heads[leg[-1]]
        pointing += out[np.argmax(np.linalg.norm(out[:, [0, 2]], axis=1))]
        # Knees bend forward: a hint that decides where the feet are single bones without length.
        middle = heads[leg[1:-1]].mean(axis=0) - 0.5 * (heads[leg[0]] + heads[leg[-1]])
        pointing += 0.1 * middle
    forward = np.cross(UP, apart) * np.sign(pointing @ np.cross(UP, apart) or 1.0)
    return _Body(skeleton, children, ends, floor, height, np.cross(forward, UP), forward)


def _leg_roles(body: _Body, path: list[int]) -> tuple[dict[str, tuple[int, ...]], float]:
    """Thigh, shin, foot and toes of one leg, given from the pelvis' child to the ankle; and its length in m."""
    heads = body.skeleton.rest_positions[path]
    ankle = len(path) - 1
    # A bone from the middle of the pelvis to the hip joint runs sideways: it is no thigh.
    hip = 0
    while hip < ankle - 2 and not _points_down(heads[hip], heads[hip + 1]):
        hip += 1
    half = 0.5 * (heads[hip, 1] + heads[ankle, 1])
    knee = hip + 1 + int(np.argmin(np.abs(heads[hip + 1 : ankle, 1] - half)))
    length = float(np.linalg.norm(heads[knee] - heads[hip]) + np.linalg.norm(heads[ankle] - heads[knee]))
    foot, toes = _foot_and_toes(body, path[ankle])
    roles = {"thigh": tuple(path[hip:knee]), "shin": tuple(path[knee:ankle]), "foot": foot, "toes": toes}
    return roles, length


def _points_down(upper: Array, lower: Array) -> bool:
    step = lower - upper
    return bool(-step[1] > 0.7 * np.linalg.norm(step) > 0.0)


def _foot_and_toes(body: _Body, ankle: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The foot's bones from the ankle, and the toes' first bones: those at the ball, ahead of the ankle."""
    foot = [ankle]
    while True:
        ahead = [bone for bone in body.children[foot[-1]] if _is_ball(body, ankle, bone)]
        if ahead:
            return tuple(foot), tuple(ahead)
        inner = [bone for bone in body.children[foot[-1]] if any(_is_ball(body, ankle, b) for b in body.below(bone))]
        if not inner:
            return (ankle,), ()
        foot.append(inner[0])


def _is_ball(body: _Body, ankle: int, bone: int) -> bool:
    """Ahead of the ankle by more than 3 % of the height, and with something ahead of it or a length of its own."""
    reach = (body.head(bone) - body.head(ankle)) @ body.forward
    is_last = not body.children[bone]
    own = (body.ends[bone] - body.head(bone)) @ body.forward
    ends_the_foot = is_last and body.skeleton.tails is not None and own < 0.005 * body.height
    return bool(reach > 0.03 * body.height and not ends_the_foot)


def _upper_body(
    body: _Body, hips: int, legs: set[int], middle: Array
) -> tuple[dict[str, tuple[int, ...]], dict[str, list[int]]]:
    """Spine, neck and head; and the path of each arm from the chest outwards."""
    skeleton, heads = body.skeleton, body.skeleton.rest_positions
    upper = [bone for bone in body.below(hips) if bone not in legs and bone != hips]
    if not upper:
        raise _unfit("spine", "nothing but legs hangs on the pelvis")
    aside = (heads - middle) @ body.right
    tips = {"left": min(upper, key=lambda b: aside[b]), "right": max(upper, key=lambda b: aside[b])}
    paths = {side: _path_up(skeleton, tip) for side, tip in tips.items()}
    meeting = next((bone for bone in paths["left"] if bone in set(paths["right"])), hips)
    arms = {side: path[: path.index(meeting)][::-1] for side, path in paths.items()}
    if meeting == hips or min(len(arm) for arm in arms.values()) < 3:
        raise _unfit("two arms", "no two chains reach out to the sides from a common bone above the pelvis")
    spine = _path_up(skeleton, meeting)
    spine = spine[: spine.index(hips)][::-1]
    shoulders = np.mean([heads[arm[0], 1] for arm in arms.values()])
    upward = _path_to_the_top(body, meeting, set(arms["left"] + arms["right"]), aside)
    if len(spine) > 1 and heads[meeting, 1] > shoulders - 0.005 * body.height:
        # Collar bones that hang on the neck (3ds Max Biped): the bone where the arms meet is the neck.
        spine, upward = spine[:-1], [meeting, *upward]
    if not upward:
        raise _unfit("head", "nothing stands above the shoulders")
    head = _head_of(body, upward)
    return {"spine": tuple(spine), "neck": tuple(upward[:head]), "head": (upward[head],)}, arms


def _path_to_the_top(body: _Body, chest: int, arms: set[int], aside: Array) -> list[int]:
    """The bones above the chest, along the middle: at each branch the one whose subtree reaches highest."""
    heads, path = body.skeleton.rest_positions, []
    bone = chest
    while True:
        central = [
            child
            for child in body.children[bone]
            if child not in arms and abs(aside[child]) < 0.03 * body.height and heads[child, 1] > heads[chest, 1]
        ]
        if not central:
            return path
        bone = max(central, key=lambda child: (max(body.ends[b, 1] for b in body.below(child)), heads[child, 1]))
        path.append(bone)


def _head_of(body: _Body, upward: list[int]) -> int:
    """Which bone of the path above the chest is the head: the first that carries a face, else the last with length."""
    heads = body.skeleton.rest_positions
    for place, bone in enumerate(upward):
        if len(body.children[bone]) > 1 or (body.children[bone] and not _rises(body, bone)):
            return place
    last = len(upward) - 1
    tail_length = np.linalg.norm(body.ends[upward[last]] - heads[upward[last]])
    is_end = body.skeleton.tails is not None and tail_length < 0.02 * body.height
    return last - 1 if last > 0 and is_end else last


def _rises(body: _Body, bone: int) -> bool:
    """Whether a child stands clearly above the bone; a face root at the same place does not."""
    step = body.skeleton.rest_positions[body.children[bone]] - body.head(bone)
    return bool((step[:, 1] > 0.005 * body.height).any())


def _arm_roles(body: _Body, path: list[int], leg: float, middle: Array) -> dict[str, tuple[int, ...]]:
    """Collar bone, upper arm, forearm, hand and fingers of one arm, given from the chest outwards."""
    heads = body.skeleton.rest_positions[path]
    height = leg / _LEG
    best: tuple[float, tuple[int, int, int]] | None = None
    wrists = _wrists(body, path)
    for shoulder, elbow, wrist in combinations(range(len(path)), 3):
        upper = float(np.linalg.norm(heads[elbow] - heads[shoulder]))
        fore = float(np.linalg.norm(heads[wrist] - heads[elbow]))
        if wrist not in wrists or min(upper, fore) < 1e-6:
            continue
        width = abs(float((heads[shoulder] - middle) @ body.right)) / height
        cost = abs(np.log(upper / fore / _UPPER_TO_FORE)) + 1.5 * abs(np.log((upper + fore) / height / _ARM))
        cost += 10.0 * abs(width - _SHOULDER_HALF_WIDTH)
        # Two joints almost in one place (ulna and radius): the first of them is the elbow.
        cost += 0.3 if np.linalg.norm(heads[elbow] - heads[elbow - 1]) < 0.02 * height else 0.0
        if best is None or cost < best[0]:
            best = cost, (shoulder, elbow, wrist)
    if best is None:
        raise _unfit("arm", "its bones have no length")
    shoulder, elbow, wrist = best[1]
    roles = {"clavicle": tuple(path[:shoulder]), "upper_arm": tuple(path[shoulder:elbow])}
    roles |= {"forearm": tuple(path[elbow:wrist]), "hand": (path[wrist],)}
    return roles | finger_roles(body.skeleton, body.children, path[wrist])


def _wrists(body: _Body, path: list[int]) -> set[int]:
    """The places on an arm's path that may be the wrist: where most fingers spread, or, without fingers, any."""
    fans = [_fan(body, path, place) for place in range(len(path))]
    most = max(fans)
    if most == 0:
        return set(range(2, len(path)))
    return {place for place, fan in enumerate(fans) if fan == most and place >= 2} or set(range(2, len(path)))


def _fan(body: _Body, path: list[int], place: int) -> int:
    """How many chains spread from a bone of the path beside the path; what lies on the limb's own line is a twist bone."""
    bone = path[place]
    beside = [child for child in body.children[bone] if place + 1 >= len(path) or child != path[place + 1]]
    if not beside:
        return 0
    fan = body.skeleton.rest_positions[beside] - body.head(bone)
    line = unit(body.skeleton.rest_positions[path[min(place + 1, len(path) - 1)]] - body.head(bone))
    off_line = np.linalg.norm(fan - np.outer(fan @ line, line), axis=1)
    return int((off_line > 0.01 * body.height).sum())
