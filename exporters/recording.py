"""A recording of a data set: one motion seen by one set of cameras, with the labels of everyone in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def recording_of(
    people: Labels | Sequence[Labels],
    name: str = "recording",
    image_names: Sequence[Sequence[str]] | None = None,
    rate: float | None = None,
    **fields: object,
) -> Recording:
    """The recording of these people; without names there are no images, and the rate follows from the times.

    `fields` are others of `Recording`; the action is the name, where it is not given.
    """
    people = (people,) if isinstance(people, Labels) else tuple(people)
    time = people[0].time
    if rate is None:
        rate = (len(time) - 1) / float(time[-1] - time[0]) if len(time) > 1 else 0.0
    images = tuple(() for _ in people[0].cameras) if image_names is None else tuple(map(tuple, image_names))
    given = {"subject": "S1", "action": name} | fields
    return Recording(name=name, people=people, image_names=images, rate=rate, **given)  # type: ignore[arg-type]
