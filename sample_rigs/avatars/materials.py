"""Colours and cuts that a person wears, chosen by a seed: skin, eyes, hair, shirt, trousers, shoes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from .clothing import Cut
from .hair import HairStyle
from .phenotype import Phenotype

Color = tuple[float, float, float]
Choice = TypeVar("Choice")

# Display colours (sRGB hex), drawn by eye. Skin from dark to light.
SKIN_HEX = ("#4A2F24", "#5C3B2B", "#7A4F38", "#96664A", "#B07F5E", "#C4956F", "#D3A583", "#DDB396", "#E4BFA6")
HAIR_HEX = ("#15110F", "#1E1713", "#2B1E17", "#3A281D", "#4F3624", "#6E4E30", "#94703F", "#6B3A22")
GREY_HAIR_HEX = ("#8D8A86", "#A9A6A1", "#C9C6C1", "#6F6C69")
IRIS_HEX = ("#3B2314", "#4B2D18", "#5E4326", "#566B4A", "#4C6A80", "#6A7F8C")
SHIRT_HEX = (
    "#2F4B6E", "#7A2E35", "#3F5E4B", "#8A8F98", "#D8D3C8", "#1F2A36", "#B5784A", "#5B4A72", "#C9A24B", "#3E7C86",
    "#A84A3C", "#67788A",
)  # fmt: skip
TROUSERS_HEX = ("#23272F", "#2E3A52", "#4A4038", "#6B6558", "#3A3F45", "#40342B", "#2B3B3A", "#75705F")
SHOES_HEX = ("#1E1D1C", "#4A3426", "#7A7D82", "#C7C4BD", "#2D3A4D", "#6A2B2B")
SOLE_HEX = ("#D9D6CF", "#2A2826", "#8C7B66")


@dataclass(frozen=True, slots=True)
class Material:
    """A plain surface: scene-linear colour, roughness and specular level, each from 0 to 1."""

    name: str
    base_color: Color
    roughness: float
    specular: float = 0.4


@dataclass(frozen=True, slots=True)
class Outfit:
    """What a person wears and how skin, eyes and hair look; colours are sRGB hex."""

    cut: Cut
    hair_style: HairStyle
    skin: str
    hair: str
    iris: str
    shirt: str
    trousers: str
    shoes: str
    sole: str


def outfit_of(seed: int, phenotype: Phenotype) -> Outfit:
    """The outfit of a seed, the same for ever; ancestry and age lean on the tones, none is ever without clothes."""
    random = np.random.default_rng(seed)
    ancestry = np.array([phenotype.african, phenotype.asian, phenotype.caucasian])
    centre = float(ancestry @ (1.5, 5.5, 7.0) / ancestry.sum())
    skin = int(np.clip(np.round(random.normal(centre, 1.3)), 0, len(SKIN_HEX) - 1))
    grey = random.random() < np.clip((phenotype.age - 0.62) * 4.0, 0.0, 1.0)
    fair = skin >= 6 and 2.0 * ancestry[2] > ancestry.sum()
    hair = _one(random, GREY_HAIR_HEX if grey else HAIR_HEX if fair else HAIR_HEX[:4])
    iris = _one(random, IRIS_HEX if fair else IRIS_HEX[:3])
    return Outfit(
        cut=Cut(
            sleeve=_one(random, (0.55, 0.6, 0.75, 1.55, 1.93, 1.93)),
            leg=_one(random, (1.97, 1.97, 1.97, 1.97, 0.86)),
            neckline=_one(random, (0.0, 0.0, 0.0, -0.6, 1.0)),
            hem_m=_one(random, (0.10, 0.12, 0.085)),
            loose=float(random.uniform(0.15, 1.0)),
        ),
        hair_style=_hair_style(random, phenotype),
        skin=SKIN_HEX[skin],
        hair=hair,
        iris=iris,
        shirt=_one(random, SHIRT_HEX),
        trousers=_one(random, TROUSERS_HEX),
        shoes=_one(random, SHOES_HEX),
        sole=_one(random, SOLE_HEX),
    )


def materials_of(outfit: Outfit) -> dict[str, Material]:
    """The materials by piece of the avatar."""
    skin = linear(outfit.skin)
    made = (
        Material("skin", skin, 0.55, 0.35),
        Material("lips", (0.80 * skin[0], 0.55 * skin[1], 0.55 * skin[2]), 0.45, 0.4),
        Material("sclera", (0.75, 0.73, 0.70), 0.15, 0.5),
        Material("iris", linear(outfit.iris), 0.15, 0.5),
        Material("pupil", (0.005, 0.005, 0.005), 0.10, 0.5),
        Material("hair", linear(outfit.hair), 0.62, 0.25),
        Material("shirt", linear(outfit.shirt), 0.88, 0.2),
        Material("trousers", linear(outfit.trousers), 0.85, 0.2),
        Material("shoes", linear(outfit.shoes), 0.55, 0.4),
        Material("soles", linear(outfit.sole), 0.75, 0.3),
    )
    return {material.name: material for material in made}


def linear(code: str) -> Color:
    """Scene-linear colour of an sRGB hex code (IEC 61966-2-1)."""
    values = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return red, green, blue


def _hair_style(random: np.random.Generator, phenotype: Phenotype) -> HairStyle:
    length = float(random.uniform(0.007, 0.020))
    volume = float(random.uniform(0.1, 0.7))
    with_bun = bool(random.random() < 0.45 and phenotype.gender < 0.45 and phenotype.age > 0.12)
    recede = float(random.uniform(0.0, 14.0)) if phenotype.gender > 0.6 and phenotype.age > 0.55 else 0.0
    if phenotype.age < 0.06:
        length = 0.004
    if with_bun:
        length = min(length, 0.011)
    return HairStyle(
        length_m=length, volume=volume, recede_deg=recede, brow=0.65 + 0.35 * phenotype.gender, bun=with_bun
    )


def _one(random: np.random.Generator, choices: tuple[Choice, ...]) -> Choice:
    return choices[int(random.integers(len(choices)))]
