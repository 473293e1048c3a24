"""Pathologies of the spine and the legs that a model can be given, as clinicians name them, with their limits.

What is asked for is a `Pathology`; `pathology_table` reads one from a configuration, and
`pathology_apply.apply_pathology` makes the edits that bring it about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..model.errors import InputError

SIDES = ("left", "right")
BALANCES = ("trunk", "none")
THORAXES = ("auto", "curved")
LARGEST_COBB_DEG = 120.0
LARGEST_LORDOSIS_CHANGE_DEG = 40.0  # PMC6680033 (n 627): 49.8 +- 11.2 deg standing, so that three deviations are 34
LARGEST_KYPHOSIS_CHANGE_DEG = 60.0
LARGEST_LEG_DIFFERENCE_M = 0.10

# Axial rotation of the apical vertebra towards the convex side, deg per deg of Cobb angle: 14.72 to 56.31 deg in the
# major thoracic curves of table 2, BMC Musculoskelet Disord 2020, s12891-020-03462-4 (7.35 to 41.50, that is 0.18, in
# the lumbar curves beside them). For major lumbar curves no figure was checked [?].
ROTATION_PER_COBB = 14.72 / 56.31

# Vertebrae from end to end in curves with an apex at L1, 5.7 +- 0.8, and the share that is convex to the left, 84 %; in
# curves with an apex at T9 they are 7.3 +- 1.0, and 3 % are convex to the left:
# Alam, Newton, Yaszay, Bastrom 2012 (1742 adolescents), "Are thoracic curves with a low apex really thoracic curves?".
VERTEBRAE_IN_CURVE = 5.7
VERTEBRAE_IN_THORACIC_CURVE = 7.3
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

    `curves` are the curves of a scoliosis, from below; where two of them stand next to each other they are convex to
    opposite sides. `lordosis_deg` (L1-S1) and `kyphosis_deg` (T3-T12) are changes, positive for more of the curve after
    which each is named. `fused` are levels such as "L4-L5" that no longer move. With `balance` "trunk" the head stays
    over the pelvis and upright, the arms and legs hang straight, and the pelvis tips to compensate changes of the
    sagittal profile; with "none" all that stands on the curve leans with it. A `thorax` of one body takes part in
    curves that reach into it; "curved" lets it in any case, so that a change of kyphosis is put into the rib cage.
    """

    curves: tuple[Scoliosis, ...] = ()
    lordosis_deg: float = 0.0
    kyphosis_deg: float = 0.0
    leg_length: LegLength | None = None
    fused: tuple[str, ...] = ()
    balance: Literal["trunk", "none"] = "trunk"
    thorax: Literal["auto", "curved"] = "auto"

    @property
    def is_none(self) -> bool:
        """Whether nothing is asked for."""
        return self == Pathology(balance=self.balance, thorax=self.thorax)


def check_pathology(pathology: Pathology, where: str = "pathology") -> None:
    """Refuse what no person has, whatever the model.

    Raises:
        InputError: a figure out of its limits, or a side, leg or balance that is none.
    """
    legs = pathology.leg_length
    limits = [
        ("the change of lordosis", abs(pathology.lordosis_deg), LARGEST_LORDOSIS_CHANGE_DEG, "deg"),
        ("the change of kyphosis", abs(pathology.kyphosis_deg), LARGEST_KYPHOSIS_CHANGE_DEG, "deg"),
    ]
    words: list[tuple[str, str, tuple[str, ...]]] = [
        ("balance", pathology.balance, BALANCES),
        ("thorax", pathology.thorax, THORAXES),
    ]
    for curve in pathology.curves:
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
