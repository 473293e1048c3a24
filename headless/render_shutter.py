"""What an open shutter sees of people: boxes around their whole movement, which blurred images are made from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..exporters.labels import bounding_box
from ..exporters.outline import points_at
from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.capture.rolling_shutter import RollingShutter
from ..simspine_addon.scene.shutter import EXPOSURE_LATE, rolling_poses, shutter_poses
from .render_people import PreparedPerson
from .render_scene import Keyed, Person

Array = NDArray[np.float64]


def shutter_keys(
    prepared: PreparedPerson, rows: NDArray[np.int64], shutter: float, rolling: RollingShutter | None
) -> Keyed | None:
    """The poses to key for rows of a motion and their frames; None where no shutter blurs or nothing moves."""
    if len(prepared.whole.time) < 2:
        return None
    if rolling is not None:
        return rolling_poses(prepared.whole, rows, rolling, prepared.scene)
    if shutter == 0.0:
        return None
    return shutter_poses(prepared.whole, rows, shutter, prepared.scene)


def exposed_frame(place: int, keyed: Sequence[Keyed | None], rolling: RollingShutter | None) -> float:
    """The frame of the scene on which to render the recording's frame `place`, so that its label is the middle of what
    is exposed: row i of the poses falls on frame i + 1 (see `frames_of`). The poses of a shutter that rolls are keyed
    later instead."""
    late = rolling is None and any(each is not None for each in keyed)
    return place + 1 + (EXPOSURE_LATE if late else 0.0)


class MovementBoxes:
    """Boxes of everyone who moves, from the surface in every pose that is keyed while the shutter is open.

    Cycles moves every vertex on straight lines between these, so nothing is seen outside of them.
    """

    def __init__(self, people: Sequence[tuple[Person, Keyed]], cameras: Sequence[Camera], row_count: int) -> None:
        self.people, self._cameras, self._row_count = people, cameras, row_count
        self._latest: tuple[int, list[Array]] | None = None

    def of(self, view: int, place: int) -> Array:
        """(x, y, width, height) px of each person at each of the moments, [M P, 4]; NaN where unseen."""
        if self._latest is None or self._latest[0] != place:
            points = []
            for person, (track, frames) in self.people:
                count = len(frames) // self._row_count
                points += [points_at(person.parts, track, count * place + moment) for moment in range(count)]
            self._latest = place, points
        return np.stack([bounding_box(self._cameras[view], points) for points in self._latest[1]])
