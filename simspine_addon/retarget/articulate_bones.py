"""How vertebrae join a rig's skeleton: what carries them, and which of the rig's own bones then hang on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..model.errors import InputError
from .articulate_curve import SpineCurve
from .articulate_levels import CERVICAL, LEVELS, LUMBAR, THORAX, level_of_bone
from .roles import RoleMap
from .rotations import Array, unit
from .skeleton import Skeleton, make_skeleton

# A spine bone that lies below L5/S1 by at least this share of its length is part of the sacrum.
_SACRAL = 0.6


@dataclass(frozen=True, slots=True)
class OldBones:
    """The rig's own bones that vertebrae take over from, from below: `names`, their heights `starts` and `ends` [P].

    `base` are those below L5/S1, of which the last carries the vertebrae; `followed` gives the others the vertebra on
    which they hang from then on.
    """

    names: tuple[str, ...]
    starts: Array
    ends: Array
    base: tuple[str, ...]
    followed: Mapping[str, str]


def articulated_map(skeleton: Skeleton, role_map: RoleMap) -> RoleMap:
    """The role map with the vertebrae that a skeleton has as its spine and neck; as it is where there are none.

    The rig's own spine bones lose their role, since they follow the vertebrae. It works for every articulated rig, one
    that was saved and loaded too.
    """
    there = tuple(level for level in LEVELS if level in skeleton.names)
    trunk = tuple(level for level in there if level not in CERVICAL)
    if not {*LUMBAR, THORAX} <= set(trunk) or not _is_chain(skeleton, trunk):
        return role_map
    changes = {"spine": trunk}
    if set(CERVICAL) <= set(there) and _is_chain(skeleton, CERVICAL):
        changes["neck"] = CERVICAL
    if all(role_map.of(role) == bones for role, bones in changes.items()):
        return role_map
    return RoleMap(dict(role_map.bones) | changes, f"{role_map.name} articulated".strip(), role_map.palms)


def has_vertebrae(skeleton: Skeleton, role_map: RoleMap, wanted: Sequence[str]) -> bool:
    """Whether the wanted levels are bones of the spine and neck already; the thorax may have any name.

    Raises:
        InputError: bones have such names but are not these vertebrae.
    """
    known = articulated_map(skeleton, role_map)
    spine = known.of("spine")
    there = {level_of_bone(name) for name in (*spine, *known.of("neck"))}
    if level_of_bone(spine[-1]) is None or "T11" not in wanted:
        there.add(THORAX)
    if set(wanted) <= there:
        return True
    taken = [level for level in wanted if level in skeleton.names]
    if taken:
        problem = f"the armature has a bone named '{taken[0]}' but not all of {wanted[0]} to {wanted[-1]}"
        raise InputError(problem, hint="rename it, or undo the articulation before choosing other levels")
    return False


def _is_chain(skeleton: Skeleton, names: Sequence[str]) -> bool:
    bones = [skeleton.index(name) for name in names]
    return all(skeleton.parents[upper] == lower for lower, upper in pairwise(bones))


def old_bones(skeleton: Skeleton, role_map: RoleMap, curve: SpineCurve, wanted: Sequence[str]) -> OldBones:
    """What the wanted levels take over from."""
    pelvis, spine = role_map.of("pelvis"), role_map.of("spine")
    neck: tuple[str, ...] = role_map.of("neck") if wanted[-1] in CERVICAL else ()
    names = (*pelvis, *spine, *neck)
    following = [] if neck else list(role_map.of("neck")[:1])
    chain = [skeleton.index(name) for name in (*names, *following, *role_map.of("head")[:1])]
    heights = curve.frame.inside(skeleton.rest_positions[chain])[:, 1]
    starts, ends = heights[: len(names)], heights[1 : len(names) + 1]
    sacrum = float(curve.joint_heights[0])
    base = list(pelvis)
    for name in spine[:-1]:  # the last one carries the arms: it is never sacrum
        place = names.index(name)
        if sacrum - starts[place] < _SACRAL * (ends[place] - starts[place]):
            break
        base.append(name)
    followed = {}
    trunk = tuple(level for level in wanted if level not in CERVICAL)
    for role, levels in ((spine, trunk), (neck, CERVICAL)):
        for name in (each for each in role if each not in base):
            place = names.index(name)
            middle = 0.5 * (starts[place] + ends[place])
            followed[name] = levels[-1] if name in role[-1:] else level_at(curve, levels, middle)
    return OldBones(names, starts, ends, tuple(base), followed)


def level_at(curve: SpineCurve, levels: Sequence[str], height: float) -> str:
    """Which of `levels` a height in the body's frame belongs to."""
    low = curve.joint_heights[[LEVELS.index(level) for level in levels]]
    return levels[max(int(np.searchsorted(low, height, side="right")) - 1, 0)]


def with_bones(
    skeleton: Skeleton, levels: Sequence[str], old: OldBones, heads: Array, tails: Array, forward: Array
) -> Skeleton:
    """The skeleton with a bone for each of `levels` [N] between `heads` and `tails` [N, 3], z towards `forward` [3]."""
    parents = [skeleton.names[parent] if parent >= 0 else None for parent in skeleton.parents]
    parents = [old.followed.get(name, parent) for name, parent in zip(skeleton.names, parents, strict=True)]
    along = unit(tails - heads)
    z = unit(forward - (along @ forward)[:, None] * along)
    frames = np.stack([np.cross(along, z), along, z], axis=-1)
    known_tails = skeleton.rest_positions if skeleton.tails is None else skeleton.tails
    return make_skeleton(
        (*skeleton.names, *levels),
        (*parents, old.base[-1], *levels[:-1]),
        np.concatenate([skeleton.rest_positions, heads]),
        np.concatenate([skeleton.rest_rotations, frames]),
        np.concatenate([known_tails, tails]),
    )
