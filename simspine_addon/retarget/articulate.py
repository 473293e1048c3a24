"""Articulating an avatar's spine: vertebrae as bones inside it, which the skin follows, in place of a few long bones.

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
from .articulate_bones import OldBones, articulated_map, has_vertebrae, level_at, old_bones, with_bones
from .articulate_curve import SpineCurve, joint_places, spine_curve
from .articulate_levels import CERVICAL, LEVELS, LUMBAR, chosen_levels
from .articulate_weights import Sharing, bound_limits, dense_share, level_shares, packed
from .roles import RoleMap
from .rotations import Array
from .skeleton import Skeleton

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Articulation:
    """New bones for a skeleton, and the skin's weights with them; nothing is new where the vertebrae were there.

    `weight_bones` and `weight_shares` [V, K] count bones of `skeleton`. Every vertex keeps what bones outside `base`
    and `replaced` had of it, and the sum of what these had.
    """

    names: tuple[str, ...]  # [N] vertebrae, from below
    parents: tuple[str, ...]  # [N] what each hangs on
    heads: Array  # [N, 3] m
    tails: Array  # [N, 3] m
    rest_rotations: Array  # [N, 3, 3], y along the bone, z forward
    skeleton: Skeleton  # old and new bones
    role_map: RoleMap  # its spine (and neck) are the vertebrae
    weight_bones: Indices
    weight_shares: Array
    base: tuple[str, ...]  # old bones below L5/S1, which keep the skin that lies there
    replaced: Mapping[str, tuple[str, ...]]  # old bone, without skin now -> the vertebrae within its span
    followed: Mapping[str, str]  # the same bones -> their new parents
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

    Without the thoracic levels one bone "T12" is the whole thorax, as in the models of OpenSim. What the bones of the
    roles pelvis and spine (and neck, for cervical levels) weigh together on a vertex is shared out again (see
    `articulate_weights`); all other weights stay.

    Args:
        skeleton: at rest, upright, in OpenSim's axes.
        role_map: of that skeleton.
        vertices: skin at rest [V, 3] m.
        weight_bones: [V, K] bones of the skeleton.
        weight_shares: [V, K], of any sum.
        levels: "L5" to "L1", and if wanted "T12" to "T1" and "C7" to "C1".
        triangles: [F, 3] vertices; with them the spine follows the skin of the back, otherwise the rig's own line.
        landmarks: places [3] m of "L5_S1", "T12_L1", "neck_base" and "atlas", as far as they are known.

    Raises:
        InputError: unknown levels, a map that does not fit, no neck for cervical levels, bones that have the
            vertebrae's names already, or no skin on the spine.
    """
    wanted = chosen_levels(levels)
    role_map.check(skeleton)
    weight_bones = np.asarray(weight_bones, dtype=np.int64)
    weight_shares = np.asarray(weight_shares, dtype=float)
    if has_vertebrae(skeleton, role_map, wanted):
        return _unchanged(skeleton, role_map, weight_bones, weight_shares)
    if wanted[-1] in CERVICAL and not role_map.of("neck"):
        raise InputError("the bone map has no neck to divide into cervical levels", hint="leave C7 to C1 out")
    vertices = np.asarray(vertices, dtype=float)
    share = _trunk_share(skeleton, role_map, weight_bones, weight_shares)
    curve = spine_curve(skeleton, role_map, vertices, triangles, share, landmarks or {})
    old = old_bones(skeleton, role_map, curve, wanted)
    heads, tails = joint_places(curve, wanted)
    tails[-1] = _top(skeleton, role_map, wanted, heads[-1], tails[-1])
    new = with_bones(skeleton, wanted, old, heads, tails, curve.frame.axes[0])
    bones, shares = _handed_over(skeleton, new, wanted, old, curve, vertices, weight_bones, weight_shares)
    return Articulation(
        names=wanted,
        parents=(old.base[-1], *wanted[:-1]),
        heads=heads,
        tails=tails,
        rest_rotations=new.rest_rotations[[new.index(level) for level in wanted]],
        skeleton=new,
        role_map=articulated_map(new, role_map),
        weight_bones=bones,
        weight_shares=shares,
        base=old.base,
        replaced={name: _span(curve, wanted, old, name) for name in old.followed},
        followed=old.followed,
        warnings=() if triangles is not None else ("the skin's faces are not known: the spine follows the rig's line",),
    )


def _unchanged(skeleton: Skeleton, role_map: RoleMap, weight_bones: Indices, weight_shares: Array) -> Articulation:
    nothing = np.empty((0, 3))
    return Articulation(
        names=(),
        parents=(),
        heads=nothing,
        tails=nothing,
        rest_rotations=np.empty((0, 3, 3)),
        skeleton=skeleton,
        role_map=articulated_map(skeleton, role_map),
        weight_bones=weight_bones,
        weight_shares=weight_shares,
        base=(),
        replaced={},
        followed={},
        warnings=("the avatar has these vertebrae already",),
    )


def _trunk_share(skeleton: Skeleton, role_map: RoleMap, weight_bones: Indices, weight_shares: Array) -> Array:
    """How much of each vertex [V] the trunk's bones have, of what all bones have.

    Raises:
        InputError: nothing at all.
    """
    names = [name for role in ("pelvis", "spine", "neck") for name in role_map.of(role)]
    trunk = np.isin(weight_bones, [skeleton.index(name) for name in names])
    held = np.where(trunk, weight_shares, 0.0).sum(axis=1)
    if not np.any(held > 0.0):
        raise InputError("no skin is bound to the spine", hint="choose the armature that moves the body's mesh")
    return held / np.maximum(weight_shares.sum(axis=1), 1e-12)


def _top(skeleton: Skeleton, role_map: RoleMap, wanted: Sequence[str], head: Array, tail: Array) -> Array:
    """Where the last vertebra ends: the rig's own joint of the neck, or of the head, unless that lies too low."""
    roles = ("head",) if wanted[-1] in CERVICAL else ("neck", "head")
    bone = next(name for role in roles for name in role_map.of(role)[:1])
    place = skeleton.rest_positions[skeleton.index(bone)]
    return place if place[1] > 0.5 * (head[1] + tail[1]) else tail


def _span(curve: SpineCurve, wanted: Sequence[str], old: OldBones, name: str) -> tuple[str, ...]:
    place = old.names.index(name)
    first = wanted.index(level_at(curve, wanted, float(old.starts[place]) + 1e-6))
    last = wanted.index(level_at(curve, wanted, float(old.ends[place]) - 1e-6))
    return tuple(wanted[first : last + 1])


def _handed_over(
    skeleton: Skeleton,
    new: Skeleton,
    wanted: Sequence[str],
    old: OldBones,
    curve: SpineCurve,
    vertices: Array,
    weight_bones: Indices,
    weight_shares: Array,
) -> tuple[Indices, Array]:
    """The skin's weights [V, K] on the new skeleton."""
    pool = np.array([skeleton.index(name) for name in old.names])
    dense = dense_share(weight_bones, weight_shares, pool, len(skeleton.names))
    total = dense.sum(axis=1, keepdims=True)
    shares = level_shares(_sharing(curve, wanted, old, vertices, dense))
    # What lies below L5/S1 stays with the bones that have it, or goes to the one that carries L5.
    below = dense[:, : len(old.base)]
    held = below.sum(axis=1, keepdims=True)
    only_last = np.eye(len(old.base))[-1]
    below = np.where(held > 0.0, below / np.where(held > 0.0, held, 1.0), only_last)
    place = np.array([new.index(name) for name in skeleton.names])
    kept = np.where(np.isin(weight_bones, pool), 0.0, weight_shares)
    columns = np.array([new.index(name) for name in (*old.base, *wanted)])
    return packed(
        place[weight_bones], kept, columns, total * np.concatenate([below * shares[:, :1], shares[:, 1:]], axis=1)
    )


def _sharing(curve: SpineCurve, wanted: Sequence[str], old: OldBones, vertices: Array, dense: Array) -> Sharing:
    forward, height, _ = curve.frame.inside(vertices).T
    starts, ends = old.starts.copy(), old.ends.copy()
    starts[0], ends[-1] = -np.inf, np.inf
    low, high = bound_limits(dense, starts, ends)
    end = -1 if wanted[-1] in CERVICAL else -1 - len(CERVICAL)
    return Sharing(
        joints=np.array([curve.joint_heights[LEVELS.index(level)] for level in wanted]),
        top=float(curve.joint_heights[end]),
        forward=forward - np.interp(height, curve.up, curve.forward),
        height=height,
        low=low,
        high=high,
        hips=0.0,
    )
