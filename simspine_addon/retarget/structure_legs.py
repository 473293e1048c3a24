"""Legs by shape: two chains alike from a common bone down to the floor, split at knee, ankle and ball."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from .rotations import Array
from .skeleton import Skeleton
from .structure_body import Body, unfit

_FOOT_ZONE = 0.13  # of the height: whatever is lower belongs to a foot
_HIGH = 0.3  # of the height: hips are higher, an infant's too


def find_legs(skeleton: Skeleton, paths: list[list[int]], floor: float, height: float) -> tuple[list[list[int]], int]:
    """The two leg paths, each from the child of the pelvis down to the ankle, and the pelvis."""
    level = (skeleton.rest_positions[:, 1] - floor) / height
    # The foot of a leg is the first low bone below high ones.
    ankles = [
        path[0]
        for path in paths
        if level[path[0]] < _FOOT_ZONE
        and len(path) > 2
        and level[path[1]] >= _FOOT_ZONE
        and level[path[1:]].max() > _HIGH
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
        raise unfit("two legs", "no two chains run from a common bone down to the floor")
    return best[1], best[2]


def _unlikeness(skeleton: Skeleton, legs: list[list[int]]) -> float:
    """How little two chains are each other's mirror image, in m: lengths from joint to joint, and the lowest level."""
    lengths = [np.linalg.norm(np.diff(skeleton.rest_positions[leg], axis=0), axis=1) for leg in legs]
    if len(lengths[0]) != len(lengths[1]):
        return abs(float(lengths[0].sum() - lengths[1].sum())) + 1.0
    levels = abs(float(skeleton.rest_positions[legs[0][-1], 1] - skeleton.rest_positions[legs[1][-1], 1]))
    return float(np.abs(lengths[0] - lengths[1]).sum()) + levels


def leg_roles(body: Body, path: list[int]) -> tuple[dict[str, tuple[int, ...]], float]:
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


def _foot_and_toes(body: Body, ankle: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
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


def _is_ball(body: Body, ankle: int, bone: int) -> bool:
    """Ahead of the ankle by more than 3 % of the height, and with something ahead of it or a length of its own."""
    reach = (body.head(bone) - body.head(ankle)) @ body.forward
    is_last = not body.children[bone]
    own = (body.ends[bone] - body.head(bone)) @ body.forward
    ends_the_foot = is_last and body.skeleton.tails is not None and own < 0.005 * body.height
    return bool(reach > 0.03 * body.height and not ends_the_foot)
