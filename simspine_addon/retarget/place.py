"""Proportions followed: the target's joints where the source's are, at the target's size."""

from __future__ import annotations

import numpy as np

from .roles import FINGERS, LIMBS, SIDES, RoleMap
from .rotations import Array
from .skeleton import Skeleton
from .spine_chain import Chain, interpolation
from .turns import TurnMaker


def followed_places(
    source_map: RoleMap,
    target: Skeleton,
    target_map: RoleMap,
    pelvis_place: Array,
    maker: TurnMaker,
    scale: float,
) -> dict[int, Array]:
    """Heads of mapped bones [T, 3] m by bone, measured from the source's pelvis at the target's size.

    Segments that both have split alike follow joint by joint; a spine or neck of another count follows the source's
    curve at the same share of its length; other segments follow by their first joint.
    """
    source = maker.source
    thighs = [source.index(source_map.of(f"{side}_thigh")[0]) for side in SIDES]
    own = [target.index(target_map.of(f"{side}_thigh")[0]) for side in SIDES]
    pelvis = target.index(target_map.of("pelvis")[0])
    offset = 0.5 * (target.rest_positions[own[0]] + target.rest_positions[own[1]]) - target.rest_positions[pelvis]
    shift = pelvis_place + maker.pelvis_turn @ offset
    shift = shift - scale * 0.5 * (maker.heads[:, thighs[0]] + maker.heads[:, thighs[1]])
    places: dict[int, Array] = {}
    roles = ["spine", "neck", "head", *(f"{s}_{p}" for s in SIDES for p in (*LIMBS, *FINGERS))]
    for role in roles:
        bones = [target.index(name) for name in target_map.of(role)]
        names = source_map.of(role)
        if not bones or not names:
            continue
        heads = maker.heads[:, [source.index(name) for name in names]]
        if len(bones) != len(names) and role in ("spine", "neck"):
            heads = _along_the_curve(role, source_map, maker)
        for bone, head in zip(bones, np.moveaxis(heads, 1, 0), strict=False):
            places[bone] = scale * head + shift
    return places | _namesakes(source_map, target, target_map, maker, scale, shift, places)


def _along_the_curve(role: str, source_map: RoleMap, maker: TurnMaker) -> Array:
    end = (source_map.of("neck")[:1] or source_map.of("head")[:1]) if role == "spine" else source_map.of("head")[:1]
    bones = [maker.source.index(name) for name in (*source_map.of(role), *end)]
    chain = Chain(maker.source.rest_positions[bones])
    weights = interpolation(chain.fractions, maker.target_chain(role).fractions[:-1])
    return np.matmul(weights, maker.heads[:, bones])


def _namesakes(
    source_map: RoleMap,
    target: Skeleton,
    target_map: RoleMap,
    maker: TurnMaker,
    scale: float,
    shift: Array,
    places: dict[int, Array],
) -> dict[int, Array]:
    """Bones that have no role in either and the same name in both."""
    with_role = {name for role_map in (source_map, target_map) for bones in role_map.bones.values() for name in bones}
    known = {name: bone for bone, name in enumerate(maker.source.names) if name not in with_role}
    return {
        bone: scale * maker.heads[:, known[name]] + shift
        for bone, name in enumerate(target.names)
        if name in known and bone not in places and target.parents[bone] >= 0
    }
