"""The sample people by name: one for each rig, of different gender, age and build, and the mannequin."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...simspine_addon.model.errors import InputError
from .avatar import Avatar, dressed_avatar
from .mannequin import build_mannequin
from .materials import outfit_of
from .phenotype import Phenotype, shaped_vertices

MANNEQUIN = "mannequin"


@dataclass(frozen=True, slots=True)
class Person:
    """A sample person: what is said of them, their rig, body and the seed of their clothes."""

    description: str
    rig: str
    phenotype: Phenotype
    seed: int


PEOPLE: dict[str, Person] = {
    "ada": Person(
        "a woman of 25, MakeHuman's own rig of 163 bones",
        "default",
        Phenotype(gender=0.05, height=0.48, muscle=0.6, african=0.0, asian=0.2),
        3,
    ),
    "ben": Person(
        "a strong tall man, Mixamo's bones",
        "mixamo",
        Phenotype(gender=1.0, age=0.55, muscle=0.8, weight=0.55, height=0.56, asian=0.0, caucasian=0.0),
        11,
    ),
    "carl": Person(
        "a heavy man of 70, game engine bones",
        "game_engine",
        Phenotype(gender=0.9, age=0.85, muscle=0.4, weight=0.95, african=0.0, asian=0.0),
        5,
    ),
    "dina": Person(
        "a girl of ten, CMU's bones",
        "cmu_mb",
        Phenotype(gender=0.1, age=0.19, african=0.0, caucasian=0.0),
        7,
    ),
    "elif": Person(
        "a woman of 50, Rigify's metarig",
        "rigify",
        Phenotype(gender=0.0, age=0.7, weight=0.85, height=0.45, african=0.5, asian=0.0, caucasian=0.5),
        12,
    ),
}
NAMES = (*PEOPLE, MANNEQUIN)


def sample_avatar(name: str, rig: str | None = None) -> Avatar:
    """The avatar of a sample person, in another rig than their own if `rig` names one.

    Raises:
        InputError: there is no such person or rig, or the data that people are made of are not installed.
    """
    if name == MANNEQUIN:
        return build_mannequin()
    if name not in PEOPLE:
        raise InputError(f"there is no sample avatar '{name}'", hint=f"choose one of {', '.join(NAMES)}")
    person = PEOPLE[name]
    vertices = shaped_vertices(person.phenotype)
    avatar = dressed_avatar(rig or person.rig, vertices, outfit_of(person.seed, person.phenotype))
    return replace(avatar, name=name.capitalize())
