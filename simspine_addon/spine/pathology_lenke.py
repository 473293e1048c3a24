"""Lenke's types of adolescent idiopathic scoliosis as typical curves: which are structural, where, and how large.

The types, and which curve is the major one, are those of Lenke et al., J Bone Joint Surg Am 2001;83:1169, as told by
the Harms Study Group. Type 4's major curve is the main thoracic one here; in patients it may be either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..model.errors import InputError
from .pathology import Scoliosis

TYPES = ("1", "2", "3", "4", "5", "6")
NAMES = {"MT": "1", "DT": "2", "DM": "3", "TM": "4", "TL/L": "5", "TL/L-MT": "6"}

# Mean Cobb angle of the major curve before surgery, deg: Sponseller et al. 2010 (Harms Study Group, n 1912).
MAJOR_COBB_DEG = {"1": 52.0, "2": 60.0, "3": 63.0, "4": 78.0, "5": 46.0, "6": 59.0}

# A proximal thoracic curve of 25 deg over a main one of 50: means of Smyrnis et al., Eur Spine J 2009;18:522 (n 56, all
# types with a thoracic curve). For the second curve of double majors no figure was checked [?].
_PROXIMAL_SHARE, _SECOND_SHARE = 25.0 / 50.0, 0.8


@dataclass(frozen=True, slots=True)
class _Part:
    """A structural curve: its apex, its share of the major curve's angle, whether it is convex to the same side."""

    apex: str
    share: float
    with_major: bool


# T9 and L1 are the commonest apexes of single thoracic and thoracolumbar curves (Alam 2012, see `pathology`). Those of
# curves that go together, T4, T8 and L2, are typical by definition of the regions, not counted in patients [?].
_PARTS: dict[str, tuple[_Part, ...]] = {
    "1": (_Part("T9", 1.0, True),),
    "2": (_Part("T8", 1.0, True), _Part("T4", _PROXIMAL_SHARE, False)),
    "3": (_Part("L2", _SECOND_SHARE, False), _Part("T8", 1.0, True)),
    "4": (_Part("L2", _SECOND_SHARE, False), _Part("T8", 1.0, True), _Part("T4", _PROXIMAL_SHARE, False)),
    "5": (_Part("L1", 1.0, True),),
    "6": (_Part("L2", 1.0, True), _Part("T8", _SECOND_SHARE, False)),
}


def lenke_type(name: str) -> str:
    """ "1" to "6" from a number or a name such as "MT" or "TL/L".

    Raises:
        InputError: no such type.
    """
    plain = name.strip().upper().removeprefix("LENKE").strip()
    found = NAMES.get(plain, plain)
    if found not in TYPES:
        raise InputError(f"there is no Lenke type '{name}'", hint=f"choose 1 to 6, or {', '.join(NAMES)}")
    return found


def lenke_curves(
    name: str, cobb_deg: float | None = None, side: Literal["left", "right"] | None = None
) -> tuple[Scoliosis, ...]:
    """The structural curves of a type, from below.

    Args:
        name: "1" to "6", or "MT", "DT", "DM", "TM", "TL/L", "TL/L-MT".
        cobb_deg: of the major curve; the mean of patients with this type where left out.
        side: the major curve's convex side; right for thoracic ones (97 % of those with an apex at T9) and left for
            the others (84 % of those with an apex at L1; Alam 2012) where left out.

    Raises:
        InputError: no such type.
    """
    kind = lenke_type(name)
    major = MAJOR_COBB_DEG[kind] if cobb_deg is None else cobb_deg
    convex = side or ("left" if kind in ("5", "6") else "right")
    other: Literal["left", "right"] = "left" if convex == "right" else "right"
    return tuple(
        Scoliosis(cobb_deg=round(part.share * major, 6), apex=part.apex, side=convex if part.with_major else other)
        for part in _PARTS[kind]
    )
