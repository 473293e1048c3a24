"""Articulating an avatar's spine: vertebrae as bones inside it, which the skin follows, in place of the rig's few bones.

The vertebrae carry the skin from then on. The rig's own spine bones stay, without skin: those above L5/S1 hang on the
vertebrae in whose span they lie, the last one on the last vertebra, so that collar bones, neck and whatever else hangs
on them keep their parents and go along.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from .articulate_curve import SpineCurve, joint_places, spine_curve
from .articulate_levels import CERVICAL, LEVELS, LUMBAR, THORACIC, chosen_levels, level_of_bone
from .articulate_weights import Sharing, bound_limits, dense_share, level_shares, packed
from .roles import RoleMap
from .rotations import Array, unit
from .skeleton import Skeleton, make_skeleton

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Articulation:
    """New bones for a skeleton, and the skin's weights with them; nothing is new where the vertebrae were there.

    `weight_bones` and `weight_shares` [V, K] count bones of `skeleton`; every vertex keeps what its bones outside
    `replaced` and `base` had, to the last digit, and the sum of the rest.
    """

    names: tuple[str, ...]  # [N] vertebrae from below
    parents: tuple[str, ...]  # [N] what each hangs on
    heads: Array  # [N, 3] m
    tails: Array  # [N, 3] m
    rest_rotations: Array  # [N, 3, 3] y along the bone, z forward
    skeleton: Skeleton  # old and new bones
    role_map: RoleMap  # its spine (and neck) are the vertebrae
    weight_bones: Indices
    weight_shares: Array
    base: tuple[str, ...]  # bones below L5/S1, which keep what lies there
    replaced: Mapping[str, tuple[str, ...]]  # old bone -> the vertebrae within its span; it carries no skin any more
    followed: Mapping[str, str]  # old bone -> its new parent, a vertebra
    warnings: tuple[str, ...] = ()


def articulate(
    skeleton: Skeleton,
    role_map: RoleMap,
    vertices: Array,
    weight_bones: Indices,
    weight_shares: Array,
    levels: Sequence[str] = LUMBAR,
    *,
    triangles: Indices | None = None,
    landmarks: Mapping[str, Array] | None = None,
) -> Articulation:
    """Give a skinned avatar its vertebrae.

    Without the thoracic levels one bone "T12" takes the thorax as a whole, as the models of OpenSim have it. What the
    bones of the roles pelvis and spine (and neck, for cervical levels) weigh together on a vertex is shared out again
    by `articulate_weights`; all other weights stay.

    Args:
        skeleton: at rest, upright, in OpenSim's axes.
        role_map: of that skeleton.
        vertices: skin at rest [V, 3] m.
        weight_bones: [V, K] bones of the skeleton.
        weight_shares: [V, K], of any sum.
        levels: "L5" to "L1", and if wanted "T12" to "T1" and "C7" to "C1".
        triangles: [F, 3] vertices; with them the spine follows the skin of the back, otherwise the rig's own line.
        landmarks: places [3] m of "L5_S1", "T12_L1", "neck_base", "atlas", as far as they are known.

    Raises:
        InputError: unknown levels, a map that does not fit, no neck for cervical levels, some vertebrae there already,
            or no skin on the spine.
    """
    wanted = chosen_levels(levels)
    role_map.check(skeleton)
    vertices, weight_bones = np.asarray(vertices, float), np.asarray(weight_bones, np.int64)
    weight_shares = np.asarray(weight_shares, float)
    if has_vertebrae(skeleton, role_map, wanted):
        return _unchanged(skeleton, role_map, weight_bones, weight_shares)
    _refuse_taken_names(skeleton, wanted)
    neck = bool(set(wanted) & set(CERVICAL))
    if neck and not role_map.of("neck"):
        raise InputError("the bone map has no neck to divide into cervical levels", hint="leave C7 to C1 out")
    pool = _places_in(skeleton, (*role_map.of("pelvis"), *role_map.of("spine"), *(role_map.of("neck") if neck else ())))
    dense = dense_share(weight_bones, weight_shares, pool, len(skeleton.names))
    if not np.any(dense > 0.0):
        raise InputError("no skin is bound to the spine", hint="choose the armature that moves the body's mesh")
    share = _trunk_share(dense, weight_shares)
    curve = spine_curve(skeleton, role_map, vertices, triangles, share, landmarks or {})
    heads, tails = joint_places(curve, wanted)
    tails[-1] = _top(skeleton, role_map, curve, neck, tails[-1])
    base, carrier = _base_bones(skeleton, role_map, curve)
    followed = _followed(skeleton, role_map, curve, wanted, base, neck)
    new = _new_skeleton(skeleton, wanted, carrier, heads, tails, curve, followed)
    shares = _vertex_shares(skeleton, curve, wanted, vertices, pool, dense)
    bones, packed_shares = _new_weights(
        skeleton, new, wanted, weight_bones, weight_shares, pool, dense, shares, base, carrier
    )
    return Articulation(
        names=wanted,
        parents=(carrier, *wanted[:-1]),
        heads=heads,
        tails=tails,
        rest_rotations=new.rest_rotations[[new.index(level) for level in wanted]],
        skeleton=new,
        role_map=articulated_map(new, role_map),
        weight_bones=bones,
        weight_shares=packed_shares,
        base=base,
        replaced={bone: _span(skeleton, curve, wanted, bone) for bone in followed},
        followed=followed,
    )


def has_vertebrae(skeleton: Skeleton, role_map: RoleMap, wanted: Sequence[str]) -> bool:
    """Whether the skeleton has these levels already: as bones in its spine and neck, or as vertebrae put in before."""
    chain = (*articulated_map(skeleton, role_map).of("spine"), *role_map.of("neck"))
    there = {level_of_bone(name) for name in chain}
    if THORAX_ALONE(wanted):
        there.add("T12")  # a chest by any name is what T12 would be
    return set(wanted) <= there


def articulated_map(skeleton: Skeleton, role_map: RoleMap) -> RoleMap:
    """The role map with the vertebrae that the skeleton has as its spine and neck; as it is where there are none.

    The rig's own spine bones lose their role: they follow the vertebrae. Works on any articulated rig, one that was
    saved and loaded too.
    """
    there = [level for level in LEVELS if level in skeleton.names]
    if not set(LUMBAR) | {"T12"} <= set(there) or not _is_chain(skeleton, there):
        return role_map
    corrections = {"spine": tuple(level for level in there if level not in CERVICAL)}
    if set(CERVICAL) <= set(there):
        corrections["neck"] = tuple(level for level in there if level in CERVICAL)
    if all(role_map.of(role) == bones for role, bones in corrections.items()):
        return role_map
    return RoleMap(dict(role_map.bones) | corrections, f"{role_map.name} articulated".strip(), role_map.palms)


def _is_chain(skeleton: Skeleton, names: Sequence[str]) -> bool:
    bones = [skeleton.index(name) for name in names]
    return all(skeleton.parents[upper] == lower for lower, upper in zip(bones, bones[1:], strict=False))


def THORAX_ALONE(wanted: Sequence[str]) -> bool:
    return "T11" not in wanted
