"""Joint names that every BVH reader takes: letters, digits and a few signs of ASCII, each name once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# What a speaker of the language would write; other marks are dropped from their letters (é, å, ç to e, a, c).
_SPELLINGS = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "Ä": "Ae",
        "Ö": "Oe",
        "Ü": "Ue",
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "æ": "ae",
        "Æ": "Ae",
    }
)
_UNSAFE = re.compile(r"[^A-Za-z0-9_.:-]+")


def safe_names(names: Sequence[str]) -> tuple[str, ...]:
    """`names` as BVH can hold them, distinct and in the same order.

    Umlauts become two letters (ä to ae), other accents are dropped, and whatever is then neither a letter or digit of
    ASCII nor one of `_ . : -` becomes one underscore for each run: "Hüfte links/oben" gives "Huefte_links_oben". A
    name with nothing left becomes "joint". Where two names become the same, the later one ends in _2, _3, ...
    """
    wanted = [_safe(name) for name in names]
    # A name that is safe already is kept as it is, whichever of its namesakes comes first.
    taken = {name for name, safe in zip(names, wanted, strict=True) if name == safe}
    given = []
    used = set()
    for name, safe in zip(names, wanted, strict=True):
        if safe in used or (safe in taken and name != safe):
            safe = _numbered(safe, taken | used)
        used.add(safe)
        given.append(safe)
    return tuple(given)


def _safe(name: str) -> str:
    spelled = unicodedata.normalize("NFC", name).translate(_SPELLINGS)
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(letter))
    safe = _UNSAFE.sub("_", plain).strip("_") if _UNSAFE.search(plain) else plain
    if not safe:
        return "joint"
    return safe


def _numbered(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
