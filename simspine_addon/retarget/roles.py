"""Role maps: which bones of a rig play pelvis, spine, thigh and so on; shown, corrected, saved and shared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from ..model.atomic import atomic_path
from ..model.errors import InputError
from .skeleton import Skeleton

SIDES = ("left", "right")
TRUNK = ("pelvis", "spine", "neck", "head")
LIMBS = ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toes")
FINGERS = ("thumb", "index", "middle", "ring", "little")


def _all_roles() -> tuple[str, ...]:
    sided = [f"{side}_{part}" for side in SIDES for part in (*LIMBS, *FINGERS)]
    return ("root", *TRUNK, *sided)


ROLES = _all_roles()
_LIMB_NEEDED = ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")
NEEDED = ("pelvis", "spine", "head", *(f"{side}_{part}" for side in SIDES for part in _LIMB_NEEDED))
FORMAT = "simspine-role-map"


@dataclass(frozen=True, slots=True)
class RoleMap:
    """Role -> bones, from the trunk outwards: spine and neck from below, a limb's segment and its twist bones from its
    head, fingers up to three phalanges from the knuckle, toes side by side or alone.

    `palms` gives a hand's palm direction [3] in that bone's own frame, for rigs without fingers to tell it by.
    """

    bones: Mapping[str, tuple[str, ...]]
    name: str = ""
    palms: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for role, bones in self.bones.items():
            if role not in ROLES:
                raise InputError(f"'{role}' is not a role", hint=f"roles are {', '.join(ROLES)}")
            if not isinstance(bones, tuple) or not all(isinstance(bone, str) for bone in bones):
                raise InputError(f"the bones of role '{role}' are not a list of names")

    def of(self, role: str) -> tuple[str, ...]:
        """The bones of a role; empty where the rig has none."""
        return self.bones.get(role, ())

    def missing(self) -> tuple[str, ...]:
        """The roles that retargeting needs and this map lacks."""
        return tuple(role for role in NEEDED if not self.of(role))

    def merged(self, corrections: Mapping[str, Sequence[str]]) -> RoleMap:
        """This map with a user's corrections; an empty list takes a role away. Bones leave the roles that they had."""
        taken = {bone for bones in corrections.values() for bone in bones}
        kept = {role: tuple(b for b in bones if b not in taken) for role, bones in self.bones.items()}
        kept.update({role: tuple(bones) for role, bones in corrections.items()})
        return RoleMap({role: kept[role] for role in ROLES if kept.get(role)} | _unknown(kept), self.name, self.palms)

    def check(self, skeleton: Skeleton) -> None:
        """Make sure that the map fits a skeleton.

        Raises:
            InputError: a needed role is empty, a bone is missing or plays two roles, or a chain runs backwards.
        """
        missing = self.missing()
        if missing:
            raise InputError(f"the bone map has no bone for {', '.join(missing)}", hint="give these roles a bone")
        seen: dict[str, str] = {}
        for role, bones in self.bones.items():
            for bone in bones:
                skeleton.index(bone)
                if bone in seen:
                    raise InputError(f"bone '{bone}' plays both {seen[bone]} and {role}", hint="keep one of them")
                seen[bone] = role
            _refuse_backward_chain(skeleton, role, bones)


def _unknown(bones: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Roles that are none, kept so that the new map refuses them with its own words."""
    return {role: names for role, names in bones.items() if role not in ROLES}


def _refuse_backward_chain(skeleton: Skeleton, role: str, bones: tuple[str, ...]) -> None:
    """A chain's bones need not hang on each other (control rigs put helpers between), but never the wrong way round."""
    for above, below in pairwise(bones):
        bone = skeleton.index(above)
        while bone >= 0 and skeleton.names[bone] != below:
            bone = int(skeleton.parents[bone])
        if bone >= 0:
            problem = f"the chain of role '{role}' runs backwards: '{above}' hangs on '{below}'"
            raise InputError(problem, hint="list its bones from parent to child")


def save_role_map(role_map: RoleMap, path: str | Path) -> None:
    """Write a role map as JSON.

    Raises:
        InputError: the file cannot be written.
    """
    document = {
        "format": FORMAT,
        "version": 1,
        "name": role_map.name,
        "roles": {role: list(role_map.of(role)) for role in ROLES if role_map.of(role)},
    }
    if role_map.palms:
        document["palms"] = {role: list(axis) for role, axis in role_map.palms.items()}
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load_role_map(path: str | Path) -> RoleMap:
    """Read a role map from JSON.

    Raises:
        InputError: the file is missing, is no JSON, or is no role map.
    """
    document = read_json(path)
    if (
        not isinstance(document, dict)
        or document.get("format") != FORMAT
        or not isinstance(document.get("roles"), dict)
    ):
        raise InputError("is not a bone map", path=path, hint="save one from the Retarget panel and edit that")
    try:
        roles = {str(role): tuple(map(str, bones)) for role, bones in document["roles"].items()}
        palms = {str(role): _axis(axis) for role, axis in document.get("palms", {}).items()}
        return RoleMap(roles, str(document.get("name", "")), palms)
    except InputError as error:
        raise InputError(error.problem, path=path, hint=error.hint) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError("a role's bones are not a list of names", path=path) from error


def read_json(path: str | Path) -> object:
    """The content of a JSON file.

    Raises:
        InputError: it cannot be read, or is no JSON (with the line).
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path) from error
    except UnicodeDecodeError as error:
        raise InputError("is not text in UTF-8", path=path) from error
    except json.JSONDecodeError as error:
        raise InputError(f"is not valid JSON ({error.msg})", path=path, line=error.lineno) from error


def _axis(values: Sequence[float]) -> tuple[float, float, float]:
    x, y, z = values
    return float(x), float(y), float(z)
