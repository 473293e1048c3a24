"""A role map from a skeleton's shape alone, for rigs whose names mean nothing.

The person stands upright (Y up), facing anywhere, in T, A or any calm pose. Feet are found as the low ends of long
chains, the pelvis as where two of them meet, the chest as where the two farthest reaching chains above it meet; joints
within a limb by how human the segment lengths come out. Twist, roll and end bones hang beside or beyond those paths.
"""

from __future__ import annotations

import numpy as np

from .roles import RoleMap
from .rotations import UP, Array, unit
from .skeleton import Skeleton
from .structure_arms import arm_roles
from .structure_body import Body, floor_and_height, oriented, path_up, unfit
from .structure_legs import find_legs, leg_roles


def map_by_structure(skeleton: Skeleton) -> RoleMap:
    """The role map of a person's skeleton, told by topology and geometry alone.

    Raises:
        InputError: no two legs, no spine or no two arms can be made out; the line says which.
    """
    children = skeleton.children()
    paths = [path_up(skeleton, bone) for bone in range(len(skeleton.names))]
    floor, height = floor_and_height(skeleton, paths)
    legs, hips = find_legs(skeleton, paths, floor, height)
    body = oriented(skeleton, children, floor, height, legs)
    middle = 0.5 * (skeleton.rest_positions[legs[0][0]] + skeleton.rest_positions[legs[1][0]])
    of_legs: dict[str, tuple[int, ...]] = {}
    leg_length = 0.0
    for path in legs:
        side = "right" if (skeleton.rest_positions[path[-1]] - middle) @ body.right > 0.0 else "left"
        roles, length = leg_roles(body, path)
        # From the big toe outwards.
        outwards = body.right if side == "right" else -body.right
        roles["toes"] = tuple(sorted(roles["toes"], key=lambda bone, out=outwards: float(body.head(bone) @ out)))
        of_legs |= {f"{side}_{part}": bones for part, bones in roles.items()}
        leg_length += 0.5 * length
    if len({role.split("_")[0] for role in of_legs}) != 2:
        raise unfit("two legs", "both stand on the same side")
    trunk, arms = _upper_body(body, hips, {bone for path in legs for bone in body.below(path[0])}, middle)
    roles = {"pelvis": (hips,), **trunk, **of_legs}
    for side, path in arms.items():
        roles |= {f"{side}_{part}": bones for part, bones in arm_roles(body, path, leg_length, middle).items()}
    root = paths[hips][-1]
    if root != hips:
        roles["root"] = (root,)
    named = {role: tuple(skeleton.names[bone] for bone in bones) for role, bones in roles.items() if bones}
    return RoleMap(named, "structure")


def _upper_body(
    body: Body, hips: int, legs: set[int], middle: Array
) -> tuple[dict[str, tuple[int, ...]], dict[str, list[int]]]:
    """Spine, neck and head; and the path of each arm from the chest outwards."""
    skeleton, heads = body.skeleton, body.skeleton.rest_positions
    upper = [bone for bone in body.below(hips) if bone not in legs and bone != hips]
    if not upper:
        raise unfit("spine", "nothing but legs hangs on the pelvis")
    aside = (heads - middle) @ body.right
    tips = {"left": min(upper, key=lambda b: aside[b]), "right": max(upper, key=lambda b: aside[b])}
    paths = {side: path_up(skeleton, tip) for side, tip in tips.items()}
    meeting = next((bone for bone in paths["left"] if bone in set(paths["right"])), hips)
    arms = {side: path[: path.index(meeting)][::-1] for side, path in paths.items()}
    if meeting == hips or min(len(arm) for arm in arms.values()) < 3:
        raise unfit("two arms", "no two chains reach out to the sides from a common bone above the pelvis")
    spine = path_up(skeleton, meeting)
    spine = spine[: spine.index(hips)][::-1]
    shoulders = np.mean([heads[arm[0], 1] for arm in arms.values()])
    upward = _path_to_the_top(body, meeting, set(arms["left"] + arms["right"]), aside)
    if len(spine) > 1 and heads[meeting, 1] > shoulders - 0.005 * body.height:
        # Collar bones that hang on the neck (3ds Max Biped): the bone where the arms meet is the neck.
        spine, upward = spine[:-1], [meeting, *upward]
    if not upward:
        raise unfit("head", "nothing stands above the shoulders")
    head = _head_of(body, upward)
    return {"spine": tuple(spine), "neck": tuple(upward[:head]), "head": (upward[head],)}, arms


def _path_to_the_top(body: Body, chest: int, arms: set[int], aside: Array) -> list[int]:
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


def _head_of(body: Body, upward: list[int]) -> int:
    """Which bone of the path above the chest is the head: the first that carries a face, else the last with length."""
    heads = body.skeleton.rest_positions
    for place, bone in enumerate(upward):
        before = heads[bone] - heads[upward[place - 1]] if place else UP
        if len(body.children[bone]) > 1 or (body.children[bone] and not _goes_on(body, bone, before)):
            return place
    last = len(upward) - 1
    tail_length = np.linalg.norm(body.ends[upward[last]] - heads[upward[last]])
    is_end = body.skeleton.tails is not None and tail_length < 0.02 * body.height
    return last - 1 if last > 0 and is_end else last


def _goes_on(body: Body, bone: int, before: Array) -> bool:
    """Whether a child continues the path; a face root at the same place, or a jaw, does not."""
    steps = body.skeleton.rest_positions[body.children[bone]] - body.head(bone)
    lengths = np.linalg.norm(steps, axis=1)
    return bool(np.any((lengths > 0.005 * body.height) & (steps @ unit(before) > 0.3 * lengths)))
