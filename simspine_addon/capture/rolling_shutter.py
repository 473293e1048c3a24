"""Cameras that expose one row after another: when each row is exposed, and where a moving point is then seen.

Row r of a picture H rows high is exposed around ((r + 1) / H - 1/2) readout after the picture's own time, the top row
first. A point X(t) is seen in the row v that solves v = project_y(X(t(v))): people move much less than a picture's
height while one is read, so repeating the right-hand side soon finds it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .projection import project

Array = NDArray[np.float64]

POSES = 9
"""How many poses, evenly over the time from the first row's opening to the last one's closing, say how people move:
Cycles goes straight on between them. At 10 rad/s and 30 ms a point half a metre from its joint is then 0.1 mm off its
arc at most."""

CYCLES_EARLY = 1.0 / 512.0
"""How early Cycles' samples of an open shutter lie on average, as a share of its time: they come from a table of 256
bins that ends one bin short. Measured in Blender 4.2 and 5.2 alike: 0.95 to 1.02 of that with 2048 samples and more."""

_NEAREST_M = 0.01  # nearer than this a point does not count as in front of the camera
_MOST_ROUNDS = 60
_CLOSE_M = 1e-10


@dataclass(frozen=True, slots=True)
class RollingShutter:
    """A shutter that takes `readout` s from the first row to one past the last, each row open for `exposure` s."""

    readout: float
    exposure: float = 0.0

    @property
    def span(self) -> float:
        """From the opening of the first row to the closing of the last, s."""
        return self.readout + self.exposure

    @property
    def open_share(self) -> float:
        """The share of the span that each row is open."""
        return self.exposure / self.span

    @property
    def pose_times(self) -> Array:
        """[POSES] s after a picture's time: when the poses are taken that Cycles is given for its span, so much later
        as it is early."""
        return self.span * np.linspace(-0.5, 0.5, POSES) + CYCLES_EARLY * self.exposure

    def row_times(self, rows: Array, height: int) -> Array:
        """When rows are exposed, s after the picture's time; rows [...] px, the top pixels' centre being 0."""
        return ((np.asarray(rows, float) + 1.0) / height - 0.5) * self.readout


def points_as_read(camera: Camera, shutter: RollingShutter, before: Array) -> Array:
    """Where points are, each in the moment in which its own row is exposed.

    Args:
        camera: with the lens and size that count; its pose is not asked for.
        shutter: of the camera.
        before: the points before the camera at the shutter's `pose_times`, [POSES, N, 3] m; between these they go
            straight on.

    Returns:
        [N, 3] m before the camera; where a point is never in front of it, at the picture's own time.
    """
    before = np.asarray(before, float)
    standing = replace(camera, R=np.eye(3), t=np.zeros(3))
    found = _at(before, np.full(before.shape[1], _share(shutter, np.zeros(1))[0]))
    for _ in range(_MOST_ROUNDS):
        with np.errstate(invalid="ignore"):
            in_front = found[:, 2] > _NEAREST_M
        pixels, _ = project(standing, np.where(in_front[:, None], found, np.nan))
        times = np.where(in_front, shutter.row_times(pixels[:, 1], camera.size[1]), 0.0)
        last, found = found, _at(before, _share(shutter, np.nan_to_num(times)))
        if not np.nanmax(np.abs(found - last), initial=0.0) > _CLOSE_M:
            break
    return found


def _share(shutter: RollingShutter, times: Array) -> Array:
    """Times after the picture's as shares of the poses' range, 0 to 1."""
    first, last = shutter.pose_times[[0, -1]]
    return np.clip((times - first) / (last - first), 0.0, 1.0)


def _at(before: Array, shares: Array) -> Array:
    """Points [POSES, N, 3] at shares [N] of the way from the first pose to the last, [N, 3]."""
    places = shares * (len(before) - 1)
    earlier = np.minimum(places.astype(np.int64), len(before) - 2)
    ahead, each = (places - earlier)[:, None], np.arange(len(shares))
    return (1.0 - ahead) * before[earlier, each] + ahead * before[earlier + 1, each]
