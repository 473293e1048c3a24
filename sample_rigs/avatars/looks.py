"""How a person looks, drawn from seeds: body, skin, hair and clothes, each from a stream of its own.

A body fitted to a model keeps the model's joints and mass: of its shape, gender, age, muscle and ancestry are drawn,
and the fit finds the rest. A free person's height and build are drawn too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from ...simspine_addon.model.streams import stream
from .clothing import Cut
from .hair import HairStyle
from .materials import (
    GREY_HAIR_HEX,
    HAIR_HEX,
    IRIS_HEX,
    SHIRT_HEX,
    SHOES_HEX,
    SKIN_HEX,
    SOLE_HEX,
    TROUSERS_HEX,
    Outfit,
    outfit_of,
)
from .phenotype import Phenotype

PARTS = ("body", "skin", "hair", "clothes")
_PLAIN_SEED = 4  # of the outfit that parts which are not drawn are taken from
_ANCESTRY_TONE = (1.5, 5.5, 7.0)  # mean index into SKIN_HEX of African, Asian and European ancestry
_TONE_SPREAD = 1.6


@dataclass(frozen=True, slots=True)
class Looks:
    """A person's shape and outfit; for a fitted body, the phenotype is where its search starts."""

    phenotype: Phenotype
    outfit: Outfit

    def as_json(self) -> dict[str, object]:
        """For a manifest."""
        return asdict(self)


def draw_looks(
    seeds: Mapping[str, int] | int,
    *keys: str | int,
    varied: Collection[str] = PARTS,
    fitted: bool = True,
) -> Looks:
    """The looks that seeds give, the same for ever.

    Args:
        seeds: one for all parts, or by part ("body", "skin", "hair", "clothes"; "all" for those that are not named).
        keys: what tells people of the same seed apart: a recording's name, a person's number.
        varied: the parts that are drawn; the others are those of the plain avatar.
        fitted: for a body that follows a model; else height, build and weight are drawn as well.
    """

    def of(part: str) -> np.random.Generator:
        seed = seeds if isinstance(seeds, int) else seeds.get(part, seeds.get("all", 0))
        return stream(seed, part, *keys)

    phenotype = draw_phenotype(of("body"), fitted) if "body" in varied else Phenotype()
    outfit = outfit_of(_PLAIN_SEED, Phenotype())
    if "skin" in varied:
        outfit = _with_skin(outfit, of("skin"), phenotype)
    if "hair" in varied:
        outfit = _with_hair(outfit, of("hair"), phenotype)
    if "clothes" in varied:
        outfit = _with_clothes(outfit, of("clothes"))
    return Looks(phenotype, outfit)


def draw_phenotype(rng: np.random.Generator, fitted: bool) -> Phenotype:
    """An adult of 18 to about 80 years; MakeHuman's scales (0.5 is the average), kept from their caricatured ends."""
    gender = float(rng.random() < 0.5)
    gender = abs(gender - rng.uniform(0.0, 0.22))
    age = 0.43 + 0.47 * rng.beta(1.1, 1.8)
    ancestry = rng.dirichlet((0.6, 0.6, 0.6))
    muscle, weight = np.clip(rng.normal((0.5, 0.52), (0.13, 0.15)), 0.2, 0.9)
    height, proportions = np.clip(rng.normal((0.5, 0.55), (0.09, 0.15)), 0.25, 0.8)
    cup = float(np.clip(rng.normal(0.5, 0.15), 0.15, 0.85))
    drawn = Phenotype(
        gender=round(float(gender), 4), age=round(float(age), 4), muscle=round(float(muscle), 4),
        weight=round(float(weight), 4), height=round(float(height), 4), proportions=round(float(proportions), 4),
        cup_size=round(cup, 4), african=round(float(ancestry[0]), 4), asian=round(float(ancestry[1]), 4),
        caucasian=round(float(ancestry[2]), 4),
    )  # fmt: skip
    return replace(drawn, height=0.5, proportions=0.5) if fitted else drawn


def _with_skin(outfit: Outfit, rng: np.random.Generator, phenotype: Phenotype) -> Outfit:
    """Skin between two of the drawn tones, about where ancestry has it; the eyes go with it."""
    shares = np.array([phenotype.african, phenotype.asian, phenotype.caucasian])
    plain = len(set(shares.tolist())) == 1  # no ancestry is known: any tone is as likely
    own, offset, eyes = rng.uniform(0.0, len(SKIN_HEX) - 1), rng.normal(0.0, _TONE_SPREAD), rng.random()
    tone = own if plain else float(np.clip(shares @ _ANCESTRY_TONE / shares.sum() + offset, 0, len(SKIN_HEX) - 1))
    irises = IRIS_HEX if tone >= 6.0 else IRIS_HEX[:3]
    return replace(outfit, skin=_between(SKIN_HEX, tone), iris=irises[int(eyes * len(irises))])


def _with_hair(outfit: Outfit, rng: np.random.Generator, phenotype: Phenotype) -> Outfit:
    """Style and colour; grey comes with age, fair hair with European ancestry."""
    grey, fair, pick, tint, bun, short = rng.random(6).tolist()
    length, volume, recede = rng.uniform((0.008, 0.1, 0.0), (0.024, 0.8, 14.0)).tolist()
    european = phenotype.caucasian / (phenotype.african + phenotype.asian + phenotype.caucasian)
    palette = HAIR_HEX if fair < european else HAIR_HEX[:4]
    if grey < np.clip((phenotype.age - 0.58) * 3.5, 0.0, 1.0):
        palette = GREY_HAIR_HEX
    male = phenotype.gender > 0.5
    with_bun = bun < (0.0 if male else 0.4)
    if male and short < 0.5:
        length = 0.5 * length
    style = HairStyle(
        length_m=round(min(length, 0.011) if with_bun else length, 5),
        volume=round(volume, 4),
        recede_deg=round(recede, 3) if male and phenotype.age > 0.52 else 0.0,
        brow=round(0.65 + 0.35 * phenotype.gender, 4),
        bun=with_bun,
    )
    return replace(outfit, hair=_toned(palette[int(pick * len(palette))], 0.85 + 0.3 * tint), hair_style=style)


def _with_clothes(outfit: Outfit, rng: np.random.Generator) -> Outfit:
    """Cut and colours. Colours run over whole shelves of dyes, darker and lighter."""

    def one(choices: tuple) -> object:
        return choices[int(rng.integers(len(choices)))]

    cut = Cut(
        sleeve=float(one((0.5, 0.55, 0.6, 0.75, 1.2, 1.55, 1.93, 1.93))),  # type: ignore[arg-type]
        leg=float(one((1.97, 1.97, 1.97, 1.6, 0.86, 0.7))),  # type: ignore[arg-type]
        neckline=float(one((0.0, 0.0, 0.0, -0.6, -1.0, 1.0))),  # type: ignore[arg-type]
        hem_m=float(one((0.085, 0.10, 0.12))),  # type: ignore[arg-type]
        loose=round(float(rng.uniform(0.1, 1.0)), 4),
    )
    shirt, trousers, shoes, sole = one(SHIRT_HEX), one(TROUSERS_HEX), one(SHOES_HEX), one(SOLE_HEX)
    tones = rng.uniform((0.75, 0.8, 0.8), (1.25, 1.35, 1.2)).tolist()
    return replace(
        outfit, cut=cut, sole=str(sole), shirt=_toned(str(shirt), tones[0]), trousers=_toned(str(trousers), tones[1]),
        shoes=_toned(str(shoes), tones[2]),
    )  # fmt: skip


def _between(palette: tuple[str, ...], place: float) -> str:
    """The colour at a fractional place of a palette."""
    low = min(int(place), len(palette) - 2)
    share = place - low
    return _code((1.0 - share) * _values(palette[low]) + share * _values(palette[low + 1]))


def _toned(code: str, factor: float) -> str:
    return _code(_values(code) * factor)


def _values(code: str) -> np.ndarray:
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], float)


def _code(values: np.ndarray) -> str:
    return "#" + "".join(f"{value:02X}" for value in np.clip(np.round(values), 0, 245).astype(int).tolist())
