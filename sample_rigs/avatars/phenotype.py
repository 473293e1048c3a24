"""Body shape by age, gender, muscle, weight, height and proportions: MakeHuman's macro targets, blended.

Each parameter lies between named extremes; a target's share is the product of its extremes' shares. The tables are
those of `targets/macrodetails/macro.json` in the data (CC0).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from ...simspine_addon.model.errors import InputError
from .mpfb_data import BODY_VERTICES, base_mesh, target

Array = NDArray[np.float64]
Shares = list[tuple[str, float]]

# Where along the parameter each named extreme stands; "" has no target, the base shape itself.
_KNOTS: dict[str, tuple[tuple[float, str], ...]] = {
    "gender": ((0.0, "female"), (1.0, "male")),
    "age": ((0.0, "baby"), (0.1875, "child"), (0.5, "young"), (1.0, "old")),
    "muscle": ((0.0, "minmuscle"), (0.5, "averagemuscle"), (1.0, "maxmuscle")),
    "weight": ((0.0, "minweight"), (0.5, "averageweight"), (1.0, "maxweight")),
    "height": ((0.0, "minheight"), (0.5, ""), (1.0, "maxheight")),
    "proportions": ((0.0, "uncommonproportions"), (0.5, ""), (1.0, "idealproportions")),
    "cup_size": ((0.0, "mincup"), (0.5, "averagecup"), (1.0, "maxcup")),
    "firmness": ((0.0, "minfirmness"), (0.5, "averagefirmness"), (1.0, "maxfirmness")),
}
_BUILD = ("gender", "age", "muscle", "weight")
# Folder and prefix of a family of targets, and the parameters that name its members.
_FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("macrodetails/", ("race", "gender", "age")),
    ("macrodetails/universal-", _BUILD),
    ("macrodetails/proportions/", (*_BUILD, "proportions")),
    ("macrodetails/height/", (*_BUILD, "height")),
    ("breast/", (*_BUILD, "cup_size", "firmness")),
)
BODY_DENSITY = (
    985.0  # kg/m3, whole body with air in the lungs; the figure commonly used, not checked against its original
)


@dataclass(frozen=True, slots=True)
class Phenotype:
    """Macro parameters, each from 0 to 1; 0.5 is the average of young adults.

    `gender` runs from female to male. `age` 0 is one year, 0.1875 ten, 0.5 twenty-five and 1 ninety years.
    The three ancestries are mixed in their proportion and need not sum to one.
    """

    gender: float = 0.5
    age: float = 0.5
    muscle: float = 0.5
    weight: float = 0.5
    height: float = 0.5
    proportions: float = 0.5
    cup_size: float = 0.5
    firmness: float = 0.5
    african: float = 1.0
    asian: float = 1.0
    caucasian: float = 1.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not (np.isfinite(value) and 0.0 <= value <= 1.0):
                raise InputError(f"the body's {item.name} is {value}", hint="give a number from 0 to 1")
        if self.african + self.asian + self.caucasian <= 0.0:
            raise InputError("all three ancestries are 0", hint="give at least one of them a share")


def shaped_vertices(phenotype: Phenotype) -> Array:
    """The whole base mesh, helpers and joint cubes included, in that shape: [19158, 3] m, OpenSim's axes."""
    vertices = base_mesh().vertices.copy()
    for name, share in target_shares(phenotype):
        found = target(name)
        if found is not None:
            vertices[found[0]] += share * found[1]
    return vertices


def target_shares(phenotype: Phenotype) -> Iterator[tuple[str, float]]:
    """Names (under `targets/`) and shares of all targets that take part."""
    shares = {name: parameter_shares(name, getattr(phenotype, name)) for name in _KNOTS}
    total = phenotype.african + phenotype.asian + phenotype.caucasian
    races = ("african", "asian", "caucasian")
    shares["race"] = [(race, getattr(phenotype, race) / total) for race in races if getattr(phenotype, race) > 0]
    for prefix, parameters in _FAMILIES:
        for combination in product(*(shares[name] for name in parameters)):
            if all(name for name, _ in combination):
                yield prefix + "-".join(name for name, _ in combination), float(np.prod([s for _, s in combination]))


def parameter_shares(parameter: str, value: float) -> Shares:
    """The extremes between which the value lies, with their shares, which sum to one; those of share 0 left out."""
    knots = _KNOTS[parameter]
    for (low, low_name), (high, high_name) in pairwise(knots):
        if value <= high:
            share = (value - low) / (high - low)
            return [(name, part) for name, part in ((low_name, 1.0 - share), (high_name, share)) if part > 0.0]
    raise InputError(f"the body's {parameter} is {value}", hint="give a number from 0 to 1")


def body_height(vertices: Array) -> float:
    """Height of the skin in m, soles to crown."""
    return float(np.ptp(vertices[:BODY_VERTICES, 1]))


def body_mass(vertices: Array) -> float:
    """Mass in kg of a body of this skin at the density of the living body."""
    mesh = base_mesh()
    faces = mesh.faces[mesh.faces_of("body")]
    corners = vertices[faces] - vertices[:BODY_VERTICES].mean(axis=0)
    triangles = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
    volume = np.einsum("ni,ni->", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])) / 6.0
    return float(abs(volume) * BODY_DENSITY)
