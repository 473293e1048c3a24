"""A recording of a data set: one motion seen by one set of cameras, with the labels of everyone in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .labels import Labels


@dataclass(frozen=True, slots=True)
class Recording:
    """What every writer of a data set's format takes, and what is read back from the labels on disk.

    All people share cameras, frames and times. `image_names[v][i]` is the image of view v and the i-th frame,
    relative to the data set's folder, with forward slashes; empty where only labels were made.
    """

    name: str  # unique in the data set, usable as a folder's name
    subject: str  # such as "S1"
    action: str  # such as "walk"
    people: tuple[Labels, ...]  # [P]
    image_names: tuple[tuple[str, ...], ...]  # [V][T]
    rate: float  # frames a second
    model_file: str = ""  # name of the OpenSim model of the first person
    placement: str = "surface"  # of the vertebral keypoints: surface or centroid
    variety: Mapping[str, object] = field(default_factory=dict)  # everything that was drawn, with its seeds; JSON-able
