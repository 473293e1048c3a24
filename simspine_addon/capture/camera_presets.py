"""Ready-made camera sets that place themselves around a motion."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..model.errors import InputError
from .camera import Camera
from .projection import project

Array = NDArray[np.float64]

HUMAN36M_FOCAL_PX = 1145.0
"""Of the four lenses at 1000 x 1000 px: 1145.05, 1149.68, 1149.14, 1145.51 (calibration that comes with Human3.6M)."""
HUMAN36M_HEIGHT_M = 1.56
"""Mean height of the four cameras of subject 1: 1.563, 1.606, 1.492, 1.575 m (the same calibration)."""
HUMAN36M_AZIMUTH_DEG = 20.0
"""Cameras stand near the corners of a long room, (1.84, 4.96) (1.76, -5.08) (-1.85, 5.22) (-1.79, -3.72) m from its
middle: 20, 19, 20 and 26 degrees off its long axis (the same calibration). Room, 4 cameras, 50 Hz: Ionescu et al.,
Human3.6M, IEEE TPAMI 36(7), 2014."""

_STEP_M = 1e-3
_FARTHEST_M = 1e4


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
) -> tuple[Camera, ...]:
    """Four cameras without distortion as in Human3.6M: front and back, left and right, all at breast height.

    They stand at the corners of a room whose long axis is X (OpenSim's forward), all equally far from the upright
    line through the motion's middle, as near as every point of every frame stays inside all four images.

    Args:
        points: [T, N, 3] or [N, 3] in OpenSim's ground (Y up, m); NaN where unseen. Joint centres lie within the
            skin: the margin leaves room for the flesh.
        size: image width and height in px; any shape.
        focal_px: focal length; by default 1145 px for every 1000 px of the image's shorter side.
        margin: share of width and height kept free at each edge, in [0, 0.45].
        height_m: of the cameras above the floor; more than 0.
        azimuth_deg: between the room's long axis and each camera, in (0, 90).
        nearest_m: least depth of any point before any camera, and least distance on the floor from the middle.
        floor_m: height of the floor; by default 0, or the lowest point if that is lower.

    Returns:
        cameras "cam_01" (front right), "cam_02" (back right), "cam_03" (front left), "cam_04" (back left).

    Raises:
        InputError: no point that is seen, or a parameter out of its range.
    """
    seen = _seen_points(points)
    _check_parameters(size, focal_px, margin, height_m, azimuth_deg, nearest_m)
    width, height = size
    focal = focal_px if focal_px is not None else HUMAN36M_FOCAL_PX * min(size) / 1000.0
    K = np.array([[focal, 0.0, (width - 1) / 2], [0.0, focal, (height - 1) / 2], [0.0, 0.0, 1.0]])
    center = (seen.min(axis=0) + seen.max(axis=0)) / 2
    floor = min(0.0, float(seen[:, 1].min())) if floor_m is None else floor_m
    azimuths = np.radians([azimuth_deg, 180 - azimuth_deg, -azimuth_deg, azimuth_deg - 180])

    def cameras_at(distance: float) -> tuple[Camera, ...]:
        places = center + distance * np.stack((np.cos(azimuths), np.zeros(4), np.sin(azimuths)), axis=1)
        places[:, 1] = floor + height_m
        return tuple(look_at(f"cam_{number:02d}", place, center, size, K) for number, place in enumerate(places, 1))

    def inside(distance: float, points: Array) -> NDArray[np.bool_]:
        return _inside_all_views(cameras_at(distance), points, margin, nearest_m)

    # Few points touch the frames' edges: the outermost ones find the distance, and all have the last word.
    deciding = _outermost(seen)
    while True:
        distance = _least_distance(lambda tried, points=deciding: bool(inside(tried, points).all()), nearest_m)
        outside = seen[~inside(distance, seen)]
        if not len(outside):
            return cameras_at(distance)
        deciding = np.concatenate((deciding, outside))


PRESETS: dict[str, Callable[..., tuple[Camera, ...]]] = {"h36m": human36m_preset}


def preset_cameras(name: str, points: ArrayLike, *, size: tuple[int, int] = (1000, 1000)) -> tuple[Camera, ...]:
    """The cameras of a preset by its name, placed around `points` ([T, N, 3] in ground, m).

    Raises:
        InputError: no preset of that name (the error lists them), or what the preset itself refuses.
    """
    if name not in PRESETS:
        raise InputError(f"there is no camera preset {name!r}", hint=f"there is {', '.join(sorted(PRESETS))}")
    return PRESETS[name](points, size=size)


def look_at(name: str, place: Array, target: Array, size: tuple[int, int], K: Array) -> Camera:
    """A level camera at `place` [3] that looks at `target` [3] (ground, Y up, m; not straight up or down)."""
    forward = (target - place) / np.linalg.norm(target - place)
    right = np.cross(forward, (0.0, 1.0, 0.0))
    right /= np.linalg.norm(right)
    R = np.stack((right, np.cross(forward, right), forward))
    return Camera(name, size, K, R, -R @ place)


def _seen_points(points: ArrayLike) -> Array:
    points = np.asarray(points, dtype=np.float64)
    if points.ndim < 2 or points.shape[-1] != 3:
        raise InputError(f"the motion's points have the shape {points.shape}, not [T, N, 3]")
    seen = points.reshape(-1, 3)
    seen = seen[np.isfinite(seen).all(axis=1)]
    if not len(seen):
        raise InputError("the motion has no point that is seen", hint="cameras cannot be placed around nothing")
    return seen


def _check_parameters(
    size: tuple[int, int], focal_px: float | None, margin: float, height_m: float, azimuth_deg: float, nearest_m: float
) -> None:
    rules = (
        (all(side >= 1 for side in size), f"the image size {size} is not positive"),
        (focal_px is None or 0 < focal_px < np.inf, f"the focal length {focal_px} px is not positive"),
        (0 <= margin <= 0.45, f"the margin {margin} is not within 0 and 0.45"),
        (0 < height_m < np.inf, f"the cameras' height {height_m} m is not above the floor"),
        (0 < azimuth_deg < 90, f"the azimuth {azimuth_deg} is not between 0 and 90 degrees"),
        (0 < nearest_m < np.inf, f"the nearest distance {nearest_m} m is not positive"),
    )
    for holds, problem in rules:
        if not holds:
            raise InputError(problem)


def _outermost(points: Array) -> Array:
    """The points that lie farthest out in some of many directions, [M, 3]."""
    directions = np.random.default_rng(0).normal(size=(128, 3))
    return points[np.unique(np.argmax(points @ directions.T, axis=0))]


def _least_distance(fits: Callable[[float], bool], nearest_m: float) -> float:
    low = high = nearest_m
    while not fits(high):
        low, high = high, 2 * high
        if high > _FARTHEST_M:
            raise InputError("no place for the cameras shows the whole motion", hint="does a marker lie far away?")
    while high - low > _STEP_M:
        middle = (low + high) / 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def _inside_all_views(cameras: tuple[Camera, ...], points: Array, margin: float, nearest_m: float) -> NDArray[np.bool_]:
    """Which points [N, 3] every camera sees within the margins and not too near, [N]."""
    size = np.asarray(cameras[0].size, dtype=np.float64)
    low, high = margin * size - 0.5, (1 - margin) * size - 0.5
    inside = np.ones(len(points), dtype=bool)
    for camera in cameras:
        pixels, depth = project(camera, points)
        inside &= (depth >= nearest_m) & ((pixels >= low) & (pixels <= high)).all(axis=1)
    return inside
