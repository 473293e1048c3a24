"""Camera sets on tripods: as in Human3.6M, a ring, a dome, a stereo pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .camera import Camera
from .camera_presets_placing import Framing, Stage, facing, require, stage

Array = NDArray[np.float64]

HUMAN36M_HEIGHT_M = 1.56
"""Mean height of the four cameras of subject 1: 1.563, 1.606, 1.492, 1.575 m (the calibration with Human3.6M)."""
HUMAN36M_AZIMUTH_DEG = 20.0
"""Cameras stand near the corners of a long room, (1.84, 4.96) (1.76, -5.08) (-1.85, 5.22) (-1.79, -3.72) m from its
middle: 20, 19, 20 and 26 degrees off its long axis (the same calibration). Room, 4 cameras, 50 Hz: Ionescu et al.,
Human3.6M, IEEE TPAMI 36(7), 2014."""

_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


def human36m_preset(
    points: ArrayLike,
    *,
    size: tuple[int, int] = (1000, 1000),
    focal_px: float | None = None,
    margin: float = 0.08,
    height_m: float = HUMAN36M_HEIGHT_M,
    azimuth_deg: float = HUMAN36M_AZIMUTH_DEG,
    nearest_m: float = 2.0,
    floor_m: float | None = None,
    distortion: tuple[float, ...] = (),
    fisheye: bool = False,
) -> tuple[Camera, ...]:
    """Four cameras as in Human3.6M: front and back, left and right, all at breast height.

    They stand at the corners of a room whose long axis is X (OpenSim's forward), all equally far from the upright
    line through the motion's middle, as near as every point of every frame stays inside all four images.

    Args:
        points: [T, N, 3] or [N, 3] in OpenSim's ground (Y up, m); NaN where unseen.
        size: see `Framing`, as focal_px, margin, nearest_m, floor_m, distortion and fisheye.
        height_m: of the cameras above the floor; more than 0.
        azimuth_deg: between the room's long axis and each camera, in (0, 90).

    Returns:
        cameras "cam_01" (front right), "cam_02" (back right), "cam_03" (front left), "cam_04" (back left).

    Raises:
        InputError: no point that is seen, or a parameter out of its range.
    """
    made = stage(points, Framing(size, focal_px, margin, nearest_m, floor_m, tuple(distortion), fisheye))
    require(0 < azimuth_deg < 90, f"the azimuth {azimuth_deg} is not between 0 and 90 degrees")
    azimuths = np.radians([azimuth_deg, 180 - azimuth_deg, -azimuth_deg, azimuth_deg - 180])
    return _around(made, azimuths, height_m)


def ring_preset(
    points: ArrayLike, framing: Framing, *, count: int = 8, height_m: float = HUMAN36M_HEIGHT_M, start_deg: float = 0.0
) -> tuple[Camera, ...]:
    """`count` cameras evenly around, all at one height: the first in front (`start_deg` turns it to the right).

    Raises:
        InputError: no point that is seen, or a parameter out of its range.
    """
    require(count >= 1, f"a ring of {count} cameras is none", "give 1 or more")
    require(bool(np.isfinite(start_deg)), f"the start {start_deg} is no angle")
    azimuths = np.radians(start_deg) + 2 * np.pi * np.arange(count) / count
    return _around(stage(points, framing), azimuths, height_m)


def dome_preset(
    points: ArrayLike, framing: Framing, *, count: int = 12, lowest_deg: float = 10.0
) -> tuple[Camera, ...]:
    """`count` cameras over a half sphere around the motion's middle, each with an equal share of it.

    They go up in a spiral that turns by the golden angle, from `lowest_deg` above the middle's level.

    Raises:
        InputError: no point that is seen, or a parameter out of its range.
    """
    require(count >= 1, f"a dome of {count} cameras is none", "give 1 or more")
    require(0 <= lowest_deg < 90, f"the lowest angle {lowest_deg} is not within 0 and 90 degrees")
    made = stage(points, framing)
    lowest = np.sin(np.radians(lowest_deg))
    up = lowest + (1 - lowest) * (np.arange(count) + 0.5) / count  # equal shares of a sphere are equal in height
    azimuths, out = _GOLDEN_ANGLE * np.arange(count), np.sqrt(1 - up**2)
    directions = np.stack((out * np.cos(azimuths), up, out * np.sin(azimuths)), axis=-1)

    def cameras_at(distance: float) -> tuple[Camera, ...]:
        return made.looking_at_middle(made.middle + distance * directions)

    return cameras_at(made.nearest(cameras_at))


def stereo_preset(
    points: ArrayLike,
    framing: Framing,
    *,
    baseline_m: float = 0.12,
    height_m: float = HUMAN36M_HEIGHT_M,
    azimuth_deg: float = 0.0,
) -> tuple[Camera, ...]:
    """Two cameras side by side that look the same way: "cam_01" the left eye, "cam_02" the right one.

    Their middle stands `azimuth_deg` off the front, and looks at the motion's middle.

    Raises:
        InputError: no point that is seen, or a parameter out of its range.
    """
    require(0 < baseline_m < np.inf, f"the baseline {baseline_m} m is not positive")
    require(bool(np.isfinite(azimuth_deg)), f"the azimuth {azimuth_deg} is no angle")
    require(0 < height_m < np.inf, f"the cameras' height {height_m} m is not above the floor")
    made = stage(points, framing)

    def cameras_at(distance: float) -> tuple[Camera, ...]:
        place = made.around(np.radians([azimuth_deg]), height_m, distance)[0]
        R, t = facing(place, made.middle)
        apart = np.array([baseline_m / 2, 0.0, 0.0])
        return framing.camera("cam_01", R, t + apart), framing.camera("cam_02", R, t - apart)

    return cameras_at(made.nearest(cameras_at))


def _around(made: Stage, azimuths: Array, height_m: float) -> tuple[Camera, ...]:
    require(0 < height_m < np.inf, f"the cameras' height {height_m} m is not above the floor")

    def cameras_at(distance: float) -> tuple[Camera, ...]:
        return made.looking_at_middle(made.around(azimuths, height_m, distance))

    return cameras_at(made.nearest(cameras_at))
