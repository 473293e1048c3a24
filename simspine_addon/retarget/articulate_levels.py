"""The vertebral levels that an avatar's spine is divided into, and how tall and how deep under the skin they lie."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..model.errors import InputError
from ..spine.published import VERTEBRAL_HEIGHT_MM
from .roles import RoleMap

Array = NDArray[np.float64]

LUMBAR = ("L5", "L4", "L3", "L2", "L1")
THORACIC = tuple(f"T{number}" for number in range(12, 0, -1))
CERVICAL = tuple(f"C{number}" for number in range(7, 0, -1))
LEVELS = LUMBAR + THORACIC + CERVICAL  # from the sacrum up
THORAX = "T12"  # where the thoracic levels are not wanted, this one bone is the whole thorax

# How far the middle of a vertebral body lies in front of the skin of the back, mm, on the scale of the heights above:
# half the depth of the body (Panjabi, as above), the reach of the spinous process behind it, and 3 to 8 mm of skin and
# ligament over its tip (both this project's own, by eye from textbook sections).
_UNDER_SKIN_MM = {"L5": 66.0, "L3": 74.0, "T12": 68.0, "T8": 62.0, "T4": 62.0, "C7": 62.0, "C4": 52.0, "C1": 48.0}
# The L5/S1 joint's height between the hip joints (0) and C7/T1 (1): pelvic thickness about 110 mm at a tilt of 13
# degrees (Legaye 1998, as commonly reproduced) under the heights above.
LUMBOSACRAL_SHARE = 0.20

_BODY_NAME = re.compile(r"^(?:lumbar[_ ]?|lumbar_vertebra[_ ]?|l)([1-5])(?:_vertebra)?$", re.IGNORECASE)


def chosen_levels(levels: Sequence[str]) -> tuple[str, ...]:
    """The levels from the sacrum up, the thorax (T12) among them in any case.

    Raises:
        InputError: a level is not known, or a region is not whole.
    """
    wanted = {level.strip().upper() for level in levels}
    unknown = sorted(wanted - set(LEVELS))
    if unknown:
        raise InputError(f"'{unknown[0]}' is not a vertebral level", hint="levels are L5 to L1, T12 to T1, C7 to C1")
    if not set(LUMBAR) <= wanted:
        missing = next(level for level in LUMBAR if level not in wanted)
        raise InputError(f"the lumbar level {missing} is not among the levels", hint="choose all of L5 to L1")
    for region, alone in ((THORACIC, {THORAX}), (CERVICAL, set())):
        part = wanted & set(region)
        if part - alone and part != set(region):
            missing = next(level for level in region if level not in wanted)
            problem = f"the levels {region[0]} to {region[-1]} are not whole: {missing} is not among them"
            raise InputError(problem, hint="choose a region as a whole or not at all")
    return tuple(level for level in LEVELS if level in wanted | {THORAX})


def level_of_bone(name: str) -> str | None:
    """The vertebral level that a bone's name means ("L5", "T12", "lumbar5"), if any."""
    plain = name.upper()
    if plain in LEVELS:
        return plain
    match = _BODY_NAME.match(name)
    return f"L{match.group(1)}" if match else None


def level_partners(source: Sequence[str], target: Sequence[str]) -> tuple[int, ...] | None:
    """Which bone of a source's spine each bone of a target's is, from below; nothing where one has no vertebrae.

    A last bone of another name ("torso") is the thorax, for all thoracic levels that have no bone of their own. With
    partners, a spine takes its source's rotations level by level, whatever the proportions of the two are.
    """
    levels = [level_of_bone(name) for name in source]
    if not levels or set(levels[:-1]) < set(LUMBAR):
        return None
    place = {level: i for i, level in enumerate(levels) if level is not None}
    partners = [place.get(level_of_bone(name) or THORAX, len(levels) - 1) for name in target]
    if not set(LUMBAR) <= {level_of_bone(name) for name in target}:
        return None
    return tuple(partners)


def with_thoracic_levels(track: PoseTrack, role_map: RoleMap) -> tuple[PoseTrack, RoleMap]:
    """A track with bodies T11 to T1 (`spine.pathology_thorax` has divided its thorax), and a map with them as spine.

    The body below T11 is the vertebra T12 and gets that name, so that every level finds its own. Other tracks are given
    back as they are.
    """
    if not set(THORACIC[1:]) <= set(track.names):
        return track, role_map
    thorax = int(track.parents[track.names.index(THORACIC[1])])
    names = tuple(THORAX if body == thorax else name for body, name in enumerate(track.names))
    lumbar = tuple(name for name in role_map.of("spine") if name != track.names[thorax])
    bones = {**role_map.bones, "spine": (*lumbar, *THORACIC)}
    return replace(track, names=names), replace(role_map, bones=bones)


def height_shares(region: Sequence[str]) -> Array:
    """Where the joints below the levels of a region stand along it, and its top, [N + 1] from 0 to 1.

    The joint is the middle of the disc, so that half of a disc counts with the vertebra below it.
    """
    heights = np.array([VERTEBRAL_HEIGHT_MM[level] for level in region])
    over = LEVELS.index(region[-1]) + 1
    disc_above = VERTEBRAL_HEIGHT_MM[LEVELS[over]][1] if over < len(LEVELS) else 0.0
    discs = np.append(heights[:, 1], disc_above)
    spans = heights[:, 0] + 0.5 * (discs[:-1] + discs[1:])
    return np.concatenate([[0.0], np.cumsum(spans)]) / spans.sum()


def trunk_height_mm() -> float:
    """From L5/S1 to C7/T1 in the table's own size, mm."""
    return float(sum(sum(VERTEBRAL_HEIGHT_MM[level]) for level in LUMBAR + THORACIC))


def depth_under_skin(places: Array, joint_places: Array, levels: Sequence[str], trunk_height: float) -> Array:
    """How far in front of the back's skin the spine runs at heights `places` [P], in the unit of `trunk_height`.

    Args:
        places: heights.
        joint_places: heights of the joints below `levels` [N].
        levels: [N], from below.
        trunk_height: from L5/S1 to C7/T1.
    """
    known = [(joint_places[i], _UNDER_SKIN_MM[level]) for i, level in enumerate(levels) if level in _UNDER_SKIN_MM]
    heights, depths = np.array(known).T
    return np.interp(places, heights, depths) * trunk_height / trunk_height_mm()
