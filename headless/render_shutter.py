"""What an open shutter sees of people: boxes around their whole movement, which blurred images are made from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..exporters.labels import bounding_box
from ..exporters.outline import points_at
from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.scene.shutter import shutter_poses
from .render_scene import Keyed, Person

Array = NDArray[np.float64]


def shutter_keys(track: PoseTrack, rows: NDArray[np.int64], shutter: float) -> Keyed | None:
    """The poses to key for rows of a motion and their frames; None where no shutter blurs or nothing moves."""
    if shutter == 0.0 or len(track.time) < 2:
        return None
    return shutter_poses(track, rows, shutter)


class MovementBoxes:
    """Boxes of everyone who moves, from the surface as the shutter opens, in the middle and as it closes.

    Cycles moves every vertex on straight lines between these, so nothing is seen outside of them.
    """

    def __init__(self, people: Sequence[tuple[Person, Keyed]], cameras: Sequence[Camera]) -> None:
        self.people, self._cameras = people, cameras
        self._latest: tuple[int, list[Array]] | None = None

    def of(self, view: int, place: int) -> Array:
        """(x, y, width, height) px of each person at each of the three moments, [3 P, 4]; NaN where unseen."""
        if self._latest is None or self._latest[0] != place:
            moments = range(3 * place, 3 * place + 3)
            self._latest = (
                place,
                [points_at(person.parts, keyed[0], moment) for person, keyed in self.people for moment in moments],
            )
        return np.stack([bounding_box(self._cameras[view], points) for points in self._latest[1]])
