"""Seats for the people of a recording who sit: where they may be, and what is told about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.scene.surroundings_layout import PlacedFurniture
from ..simspine_addon.scene.surroundings_seat_space import MovingBody, SeatSpace, seat_spaces
from ..simspine_addon.scene.surroundings_seats import seat_as_json
from ..simspine_addon.spine.keypoints import keypoint_positions
from .render_labels import Actor
from .render_people import PreparedPerson

Array = NDArray[np.float64]


def seat_spaces_of(actors: Sequence[Actor], footprint: Array) -> tuple[tuple[SeatSpace, ...], tuple[str, ...]]:
    """Where the recording's people sit in their whole motions, whichever rows are rendered; and notes.

    `footprint` are outermost points of everyone, [T, N, 3] m in ground.
    """
    bodies = [
        MovingBody(
            track=actor.prepared.scene,
            keypoints=_keypoints(actor.prepared),
            surface=_surface(actor),
            triangles=actor.shown.surface.faces.triangles,
        )
        for actor in actors
    ]
    return seat_spaces(bodies, float(footprint[..., 1].min()))


def with_seats(drawn: Mapping[str, object], seats: Sequence[PlacedFurniture]) -> dict[str, object]:
    """What was drawn, with the seats that came of it; without the key where nobody sits."""
    return {**drawn, "seats": [seat_as_json(seat) for seat in seats]} if seats else dict(drawn)


def _keypoints(prepared: PreparedPerson) -> Array:
    """Of who is seen at the motion's own times, [T, 37, 3] m in ground."""
    if prepared.avatar is None:
        return keypoint_positions(prepared.model, prepared.scene, prepared.placement)
    return replace(prepared.avatar, track=prepared.scene).points()


def _surface(actor: Actor):
    surface, track = actor.shown.surface, actor.prepared.scene
    return lambda frame: surface.at(track, frame)
