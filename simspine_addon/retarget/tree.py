"""What carries each target bone: the rig's hierarchy, mended where a part does not hang on the one before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .roles import FINGERS, SIDES, RoleMap
from .rotations import Array
from .skeleton import Skeleton

# A bone above the pelvis that stands higher than this share of the pelvis' height moves with it (Daz's hip, Biped's
# root); lower ones are the rig's own place in the scene and stay.
_CARRIED_ABOVE = 0.5


@dataclass(frozen=True, slots=True)
class BodyTree:
    """Bones in an order in which `carriers` stand first; `with_pelvis` are those above the pelvis that move with it."""

    order: tuple[int, ...]
    carriers: NDArray[np.int64]  # [N], -1 where nothing carries the bone
    with_pelvis: tuple[int, ...]


def body_tree(skeleton: Skeleton, role_map: RoleMap) -> BodyTree:
    """The tree that positions follow.

    A bone keeps its parent where the body part before it is somewhere above. Where it is not (deform bones that hang on
    hidden helpers, thighs beside the pelvis), that body part carries it.
    """
    carriers = np.array(skeleton.parents)
    for bone, before in _bones_before(skeleton, role_map):
        if before not in _above(skeleton, bone):
            carriers[bone] = before
    pelvis = skeleton.index(role_map.of("pelvis")[0])
    height = float(skeleton.rest_positions[pelvis, 1] - skeleton.rest_positions[:, 1].min())
    base = float(skeleton.rest_positions[:, 1].min())
    above = _above(skeleton, pelvis)
    high = tuple(bone for bone in above if skeleton.rest_positions[bone, 1] - base > _CARRIED_ABOVE * height)
    return BodyTree(_ordered(carriers), carriers, high)


def _bones_before(skeleton: Skeleton, role_map: RoleMap) -> list[tuple[int, int]]:
    """(bone, the body part's bone that should carry it) for every mapped bone past the pelvis."""
    pairs: list[tuple[int, int]] = []

    def follow(role: str, before: int) -> int:
        for name in role_map.of(role):
            bone = skeleton.index(name)
            pairs.append((bone, before))
            if not role.endswith("toes"):
                before = bone
        return before

    pelvis = skeleton.index(role_map.of("pelvis")[0])
    pairs += [(skeleton.index(name), pelvis) for name in role_map.of("pelvis")[1:]]
    chest = follow("spine", pelvis)
    follow("head", follow("neck", chest))
    for side in SIDES:
        hand = chest
        for part in ("clavicle", "upper_arm", "forearm", "hand"):
            hand = follow(f"{side}_{part}", hand)
        for finger in FINGERS:
            follow(f"{side}_{finger}", hand)
        foot = pelvis
        for part in ("thigh", "shin", "foot", "toes"):
            foot = follow(f"{side}_{part}", foot)
    return pairs


def _above(skeleton: Skeleton, bone: int) -> list[int]:
    path = []
    while skeleton.parents[bone] >= 0:
        bone = int(skeleton.parents[bone])
        path.append(bone)
    return path


def _ordered(carriers: NDArray[np.int64]) -> tuple[int, ...]:
    depth = np.full(len(carriers), -1)
    for bone in range(len(carriers)):
        trail = [bone]
        while carriers[trail[-1]] >= 0 and len(trail) <= len(carriers):
            trail.append(int(carriers[trail[-1]]))
        depth[bone] = len(trail)
    return tuple(int(bone) for bone in np.argsort(depth, kind="stable"))


def carried_positions(
    tree: BodyTree, rest: Array, still: Array, turns: list[Array | None], places: dict[int, Array], frames: int
) -> Array:
    """Heads of all bones [T, N, 3] m.

    Args:
        tree: who carries whom.
        rest: heads at rest [N, 3] m, the skeleton turned to face as the source does.
        still: heads at rest [N, 3] m as the rig has them, for bones that do not move.
        turns: rotation away from rest of each bone [T, 3, 3], or nothing for a bone that does not move.
        places: bones whose heads are known, [T, 3] each.
        frames: T.
    """
    positions = np.empty((frames, len(rest), 3))
    for bone in tree.order:
        if turns[bone] is None and bone not in places:
            positions[:, bone] = still[bone]
        else:
            positions[:, bone] = place_of(tree, rest, turns, places, positions, bone)
    return positions


def place_of(
    tree: BodyTree,
    rest: Array,
    turns: list[Array | None],
    places: dict[int, Array],
    positions: Array | None,
    bone: int,
) -> Array:
    """One bone's head [T, 3] m; `positions` [T, N, 3] holds its carrier's already, if given."""
    if bone in places:
        return places[bone]
    carrier = int(tree.carriers[bone])
    below = place_of(tree, rest, turns, places, None, carrier) if positions is None else positions[:, carrier]
    turn = _turn_above(tree, turns, carrier)
    offset = rest[bone] - rest[carrier]
    return below + (offset if turn is None else turn @ offset)


def _turn_above(tree: BodyTree, turns: list[Array | None], bone: int) -> Array | None:
    """The rotation of a bone, or of the nearest bone that carries it and has one."""
    while bone >= 0:
        turn = turns[bone]
        if turn is not None:
            return turn
        bone = int(tree.carriers[bone])
    return None
