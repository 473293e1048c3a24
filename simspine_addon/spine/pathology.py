"""Pathologies of the spine and the legs that a model can be given, as clinicians name them, with their limits.

What is asked for is a `Pathology`; `pathology_apply.apply_pathology` makes the edits that bring it about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..model.errors import InputError

SIDES = ("left", "right")
BALANCES = ("trunk", "none")
LARGEST_COBB_DEG = 120.0
LARGEST_LORDOSIS_CHANGE_DEG = 40.0  # PMC6680033 (n 627): 49.8 +- 11.2 deg standing, so that three deviations are 34
LARGEST_KYPHOSIS_CHANGE_DEG = 60.0
LARGEST_LEG_DIFFERENCE_M = 0.10

# Axial rotation of the apical vertebra towards the convex side, deg per deg of Cobb angle: 14.72 to 56.31 deg in the
# major thoracic curves of table 2, BMC Musculoskelet Disord 2020, s12891-020-03462-4 (7.35 to 41.50, that is 0.18, in
# the lumbar curves beside them). For major lumbar curves no figure was checked [?].
ROTATION_PER_COBB = 14.72 / 56.31

# Vertebrae from end to end in curves with an apex at L1, 5.7 +- 0.8, and the share that is convex to the left, 84 %:
# Alam, Newton, Yaszay, Bastrom 2012 (1742 adolescents), "Are thoracic curves with a low apex really thoracic curves?".
VERTEBRAE_IN_CURVE = 5.7
USUAL_SIDE = "left"

# Where the apex lies names the curve. Main thoracic T2 to the T11-T12 disc: Lenke et al. 2001 as told by the Harms
# Study Group's calculator; thoracolumbar T12 to L1, lumbar L1-L2 disc to L4: Scoliosis Research Society [?].
THORACIC = tuple(f"T{number}" for number in range(2, 12))


@dataclass(frozen=True, slots=True)
class Scoliosis:
    """A curve to one side.

    `cobb_deg` is the angle between the end vertebrae in the coronal plane; `apex` a vertebra ("L2") or a disc
    ("L2-L3"); `side` the convex one. `lower` and `upper` are the end vertebrae, by default as far from the apex as
    is usual; `rotation_deg` the apex's axial rotation towards the convex side, by default in proportion to
    `cobb_deg`.
    """

    cobb_deg: float
    apex: str = "L2"
    side: Literal["left", "right"] = USUAL_SIDE
    lower: str | None = None
    upper: str | None = None
    rotation_deg: float | None = None


@dataclass(frozen=True, slots=True)
class LegLength:
    """One leg longer (or, negative, shorter) by `difference_m`; with `obliquity` the pelvis tilts, standing on both."""

    difference_m: float
    leg: Literal["left", "right"] = "right"
    obliquity: bool = True


@dataclass(frozen=True, slots=True)
class Pathology:
    """What a model is to suffer from.

    `lordosis_deg` (L1-S1) and `kyphosis_deg` (T3-T12) are changes, positive for more of the curve after which each is
    named. `fused` are levels such as "L4-L5" that no longer move. With `balance` "trunk" the head stays over the pelvis
    and upright, the arms and legs hang straight, and the pelvis tips to compensate changes of the sagittal profile;
    with "none" all that stands on the curve leans with it.
    """

    scoliosis: Scoliosis | None = None
    lordosis_deg: float = 0.0
    kyphosis_deg: float = 0.0
    leg_length: LegLength | None = None
    fused: tuple[str, ...] = ()
    balance: Literal["trunk", "none"] = "trunk"

    @property
    def is_none(self) -> bool:
        """Whether nothing is asked for."""
        return self == Pathology(balance=self.balance)


_KEYS: dict[str, type | tuple[type, ...]] = {
    "scoliosis": (int, float), "apex": str, "side": str, "lower": str, "upper": str, "rotation": (int, float),
    "lordosis": (int, float), "kyphosis": (int, float), "leg_length": (int, float), "leg": str, "obliquity": bool,
    "fuse": (str, list, tuple), "balance": str,
}  # fmt: skip
_NEEDS = {"apex": "scoliosis", "side": "scoliosis", "lower": "scoliosis", "upper": "scoliosis",
          "rotation": "scoliosis", "leg": "leg_length", "obliquity": "leg_length"}  # fmt: skip


def pathology_from_table(table: Mapping[str, Any], where: str = "[pathology]") -> Pathology:
    """A `Pathology` from a table of a configuration file.

    Keys, all optional: `scoliosis` (Cobb angle, deg), `apex`, `side`, `lower`, `upper`, `rotation` (deg), `lordosis`
    and `kyphosis` (change, deg), `leg_length` (mm, negative for shorter), `leg`, `obliquity` (true), `fuse` (a level or
    a list), `balance` ("trunk" or "none").

    Args:
        table: the keys and their values.
        where: what the table is called in errors, such as "line 12: [recordings.pathology]".

    Raises:
        InputError: an unknown key, a value of the wrong type, or a figure that no person has.
    """
    for key, value in table.items():
        if key not in _KEYS:
            raise InputError(f"{where} has the key '{key}'", hint=f"known are {', '.join(_KEYS)}")
        wanted = _KEYS[key]
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise InputError(f"{where}: {key} = {value!r} is no {_named(wanted)}")
        if key in _NEEDS and _NEEDS[key] not in table:
            raise InputError(f"{where}: {key} says nothing without {_NEEDS[key]}")
    fuse = table.get("fuse", ())
    levels = (fuse,) if isinstance(fuse, str) else tuple(fuse)
    if not all(isinstance(level, str) for level in levels):
        raise InputError(f"{where}: fuse = {fuse!r} is no list of levels", hint='give ["L4-L5"]')
    curve = None
    if "scoliosis" in table:
        curve = Scoliosis(
            cobb_deg=float(table["scoliosis"]),
            apex=table.get("apex", "L2"),
            side=table.get("side", USUAL_SIDE),
            lower=table.get("lower"),
            upper=table.get("upper"),
            rotation_deg=None if "rotation" not in table else float(table["rotation"]),
        )
    legs = None
    if "leg_length" in table:
        legs = LegLength(float(table["leg_length"]) / 1000.0, table.get("leg", "right"), table.get("obliquity", True))
    pathology = Pathology(
        scoliosis=curve,
        lordosis_deg=float(table.get("lordosis", 0.0)),
        kyphosis_deg=float(table.get("kyphosis", 0.0)),
        leg_length=legs,
        fused=levels,
        balance=table.get("balance", "trunk"),
    )
    check_pathology(pathology, where)
    return pathology


def _named(types: type | tuple[type, ...]) -> str:
    if types == (int, float):
        return "number"
    return {str: "text", bool: "true or false"}.get(types, "list of levels") if isinstance(types, type) else "list"


def check_pathology(pathology: Pathology, where: str = "pathology") -> None:
    """Refuse what no person has, whatever the model.

    Raises:
        InputError: a figure out of its limits, or a side, leg or balance that is none.
    """
    curve, legs = pathology.scoliosis, pathology.leg_length
    limits = [
        ("the change of lordosis", abs(pathology.lordosis_deg), LARGEST_LORDOSIS_CHANGE_DEG, "deg"),
        ("the change of kyphosis", abs(pathology.kyphosis_deg), LARGEST_KYPHOSIS_CHANGE_DEG, "deg"),
    ]
    words: list[tuple[str, str, tuple[str, ...]]] = [("balance", pathology.balance, BALANCES)]
    if curve is not None:
        if not curve.cobb_deg > 0.0:
            raise InputError(
                f"{where}: a Cobb angle of {curve.cobb_deg:g} deg is no curve", hint="give a positive angle and a side"
            )
        limits.append(("the Cobb angle", curve.cobb_deg, LARGEST_COBB_DEG, "deg"))
        limits.append(("the axial rotation", abs(curve.rotation_deg or 0.0), 60.0, "deg"))
        words.append(("side", curve.side, SIDES))
    if legs is not None:
        limits.append(("the leg-length difference", abs(legs.difference_m) * 1e3, LARGEST_LEG_DIFFERENCE_M * 1e3, "mm"))
        words.append(("leg", legs.leg, SIDES))
    for what, value, most, unit in limits:
        if not value <= most:
            raise InputError(f"{where}: {what} is {value:g} {unit}, more than {most:g}", hint="give less")
    for what, word, known in words:
        if word not in known:
            raise InputError(f"{where}: {what} is '{word}'", hint=f"choose {' or '.join(known)}")
