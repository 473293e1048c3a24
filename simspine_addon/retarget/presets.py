"""Rig families by their bone names: JSON tables beside this module, and the choice of the one that fits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..model.errors import InputError
from .roles import FINGERS, LIMBS, ROLES, SIDES, RoleMap, read_json
from .skeleton import Skeleton
from .structure import map_by_structure

PRESET_FOLDER = Path(__file__).resolve().parent / "presets"
BY_STRUCTURE = "structure"
# A family is believed when at least this share of its bones is there, besides every role that retargeting needs.
_LEAST_SCORE = 0.5
_FINGER_WEIGHT = 0.2
_SIGNATURE_WEIGHT = 0.15
_SPELLING_WEIGHT = 0.05
_BONE_WEIGHT = 0.001
_CONTROLS_BEHIND = 0.1  # a rig that has both is taken by its deform bones


@dataclass(frozen=True, slots=True)
class Preset:
    """One rig family: role -> alternatives of each bone, in order; `signature` bones tell it from its cousins.

    A family of animator's controls names the deform family that it moves. Motions are solved on the deform bones, whose
    joints are where the body's are; a control then takes the rotation of its role's deform bone.
    """

    name: str
    title: str
    source: str
    roles: Mapping[str, tuple[tuple[str, ...], ...]]
    signature: tuple[str, ...]
    prefixes: tuple[str, ...]
    palms: Mapping[str, tuple[float, float, float]]
    controls_of: str = ""  # the family of deform bones that these controls move


@lru_cache(maxsize=1)
def presets() -> tuple[Preset, ...]:
    """Every family that comes with SimSpine, by name."""
    return tuple(_read_preset(path) for path in sorted(PRESET_FOLDER.glob("*.json")))


def preset(name: str) -> Preset:
    """The family of this name.

    Raises:
        InputError: there is none.
    """
    for candidate in presets():
        if candidate.name == name:
            return candidate
    known = ", ".join(candidate.name for candidate in presets())
    raise InputError(f"there is no rig preset '{name}'", hint=f"choose one of {known}")


def controls_of(name: str) -> Preset | None:
    """The animator's controls of a family of deform bones, where there are any."""
    return next((candidate for candidate in presets() if candidate.controls_of == name), None)


def choose_preset(skeleton: Skeleton) -> tuple[str, RoleMap, float]:
    """The family that a skeleton's names belong to, its role map, and how well it fits (0 to about 1.5).

    Names are compared without namespace (`mixamorig:`, `Bip01 `), case and punctuation. The score is the share of the
    family's bones that are there, and a little for fingers, for bones that only this family has and for the exact
    spelling. Where no family fits, the map comes from the skeleton's shape, named "structure", with a score of 0.

    Raises:
        InputError: neither the names nor the shape are a person's.
    """
    best: tuple[float, Preset, RoleMap] | None = None
    for candidate in presets():
        role_map = apply_preset(candidate, skeleton)
        if role_map.missing():
            continue
        score = _score(candidate, role_map, skeleton) - (_CONTROLS_BEHIND if candidate.controls_of else 0.0)
        if best is None or score > best[0]:
            best = score, candidate, role_map
    if best is not None and best[0] >= _LEAST_SCORE:
        return best[1].name, best[2], best[0]
    return BY_STRUCTURE, map_by_structure(skeleton), 0.0


def apply_preset(family: Preset, skeleton: Skeleton) -> RoleMap:
    """The role map that a family's names give on a skeleton; roles whose bones are absent stay away."""
    known = _plain_names(skeleton, family)
    bones: dict[str, tuple[str, ...]] = {}
    used: set[str] = set()
    for role in ROLES:
        found = [_first_known(alternatives, known, used) for alternatives in family.roles.get(role, ())]
        present = tuple(name for name in found if name is not None)
        if present:
            bones[role] = present
    _move_the_chest(skeleton, bones)
    palms = {role: axis for role, axis in family.palms.items() if role in bones}
    return RoleMap(bones, family.name, palms)


def _move_the_chest(skeleton: Skeleton, bones: dict[str, tuple[str, ...]]) -> None:
    """The chest is the bone that carries the collar bones: what a numbered chain calls neck below them is spine.

    (MPFB's rigify rig has one spine bone more than Blender's metarig.) Collar bones that hang on the neck, as in
    Biped, stand no higher than it and change nothing.
    """
    collars = bones.get("left_clavicle", ()) or bones.get("left_upper_arm", ())
    neck = bones.get("neck", ())
    if not collars or not neck:
        return
    collar = skeleton.index(collars[0])
    carrier = int(skeleton.parents[collar])
    if carrier < 0 or skeleton.names[carrier] not in neck:
        return
    rise = skeleton.rest_positions[collar, 1] - skeleton.rest_positions[carrier, 1]
    if rise < 0.01 * np.ptp(skeleton.rest_positions[:, 1]):
        return
    count = neck.index(skeleton.names[carrier]) + 1
    bones["spine"] = (*bones.get("spine", ()), *neck[:count])
    bones["neck"] = neck[count:]


def _first_known(alternatives: tuple[str, ...], known: Mapping[str, str], used: set[str]) -> str | None:
    for alternative in alternatives:
        name = known.get(_plain(alternative))
        if name is not None and name not in used:
            used.add(name)
            return name
    return None


def _score(family: Preset, role_map: RoleMap, skeleton: Skeleton) -> float:
    found = [name for bones in role_map.bones.values() for name in bones]
    wanted = {alternative for bones in family.roles.values() for names in bones for alternative in names}
    bare = {_bare(name, family) for name in skeleton.names}
    exact = sum(_bare(name, family) in wanted for name in found) / len(found)
    own = sum(name in bare for name in family.signature) / max(len(family.signature), 1)
    body, fingers = (_share(family, role_map, of_fingers) for of_fingers in (False, True))
    weighed = _FINGER_WEIGHT * fingers + _SIGNATURE_WEIGHT * own + _SPELLING_WEIGHT * exact
    # Of two families that are both there whole, one holds the other: the larger one is meant.
    return body + weighed + _BONE_WEIGHT * len(found)


def _share(family: Preset, role_map: RoleMap, of_fingers: bool) -> float:
    """How many of the family's bones are there, 0 to 1: of its fingers, which many rigs lack, or of all the rest."""
    roles = [role for role in family.roles if (role.split("_")[-1] in FINGERS) == of_fingers]
    return sum(len(role_map.of(role)) for role in roles) / max(sum(len(family.roles[role]) for role in roles), 1)


def _plain_names(skeleton: Skeleton, family: Preset) -> dict[str, str]:
    """Plain name -> the skeleton's own name; of two that look alike the one nearer to the root."""
    known: dict[str, str] = {}
    for name in skeleton.names:
        known.setdefault(_plain(_bare(name, family)), name)
    return known


def _bare(name: str, family: Preset) -> str:
    """A name without its namespace and the family's prefix."""
    name = re.split(r"[:|]", name)[-1].strip()
    for prefix in family.prefixes:
        match = re.match(prefix, name, re.IGNORECASE)
        if match and match.end() < len(name):
            return name[match.end() :]
    return name


def _plain(name: str) -> str:
    return re.sub(r"[\s_.\-]+", "", name).casefold()


def _read_preset(path: Path) -> Preset:
    document = read_json(path)
    if not isinstance(document, dict):
        raise InputError("is not a rig preset", path=path)
    roles: dict[str, tuple[tuple[str, ...], ...]] = {}
    for part, bones in document["roles"].items():
        if part not in (*LIMBS, *FINGERS):
            roles[part] = tuple(tuple(name.split("|")) for name in bones)
            continue
        for side in SIDES:
            words = document[side]
            roles[f"{side}_{part}"] = tuple(tuple(name.format(**words).split("|")) for name in bones)
    unknown = set(roles) - set(ROLES)
    if unknown:
        raise InputError(f"'{min(unknown)}' is not a role", path=path)
    return Preset(
        name=document["name"],
        title=document["title"],
        source=document["source"],
        roles=roles,
        signature=tuple(document.get("signature", ())),
        prefixes=tuple(document.get("prefixes", ())),
        palms={role: tuple(axis) for role, axis in document.get("palms", {}).items()},
        controls_of=document.get("controls_of", ""),
    )
