"""Place cameras around a motion: as near as every point of every frame stays inside every picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..model.errors import InputError
from .camera import Camera
from .projection import project

Array = NDArray[np.float64]

HUMAN36M_FOCAL_PX = 1145.0
"""Of the four lenses at 1000 x 1000 px: 1145.05, 1149.68, 1149.14, 1145.51 (calibration that comes with Human3.6M)."""

_STEP_M = 1e-3
_FARTHEST_M = 1e4


@dataclass(frozen=True, slots=True)
class CameraSet:
    """Cameras, and where they move R [V, T, 3, 3] and t [V, T, 3] (m) of every frame, T as many as were asked for.

    A camera that moves holds its pose in the first frame.
    """

    cameras: tuple[Camera, ...]
    rotations: Array | None = None
    translations: Array | None = None

    @property
    def poses(self) -> tuple[Array, Array] | None:
        """R and t of every image, as `make_labels(camera_poses=...)` takes them; None where nothing moves."""
        if self.rotations is None or self.translations is None:
            return None
        return self.rotations, self.translations


@dataclass(frozen=True, slots=True)
class Framing:
    """What the cameras of a preset share: their picture, their lens, and how near they may stand.

    `focal_px` is by default 1145 px for every 1000 px of the picture's shorter side. `margin` is the share of width
    and height kept free at each edge, in [0, 0.45]; joint centres lie within the skin, and the margin leaves room for
    the flesh. `nearest_m` is the least depth of any point before any camera, and the least distance of the cameras
    from the motion's middle. `floor_m` is the floor's height; by default 0, or the lowest point if that is lower.
    `distortion` holds k1 k2 p1 p2 [k3 [k4 k5 k6]], or with `fisheye` k1 k2 k3 k4, as OpenCV has them.
    """

    size: tuple[int, int] = (1000, 1000)
    focal_px: float | None = None
    margin: float = 0.08
    nearest_m: float = 2.0
    floor_m: float | None = None
    distortion: tuple[float, ...] = ()
    fisheye: bool = False

    def __post_init__(self) -> None:
        require(all(side >= 1 for side in self.size), f"the image size {self.size} is not positive")
        require(
            self.focal_px is None or 0 < self.focal_px < np.inf, f"the focal length {self.focal_px} px is not positive"
        )
        require(0 <= self.margin <= 0.45, f"the margin {self.margin} is not within 0 and 0.45")
        require(0 < self.nearest_m < np.inf, f"the nearest distance {self.nearest_m} m is not positive")
        require(bool(np.isfinite(self.distortion).all()), "the distortion holds a number that is not finite")
        counts = (4,) if self.fisheye else (0, 4, 5, 8)
        require(
            len(self.distortion) in counts,
            f"the distortion has {len(self.distortion)} numbers",
            "a fisheye has k1 k2 k3 k4" if self.fisheye else "k1 k2 p1 p2 [k3 [k4 k5 k6]] can be used: 4, 5 or 8",
        )

    def camera(self, name: str, R: Array, t: Array) -> Camera:
        """A camera of this picture and lens, its principal point in the middle."""
        width, height = self.size
        focal = self.focal_px if self.focal_px is not None else HUMAN36M_FOCAL_PX * min(self.size) / 1000.0
        K = np.array([[focal, 0.0, (width - 1) / 2], [0.0, focal, (height - 1) / 2], [0.0, 0.0, 1.0]])
        model: Literal["none", "brown_conrady", "fisheye"] = "fisheye" if self.fisheye else "brown_conrady"
        if not self.fisheye and not any(self.distortion):
            return Camera(name, self.size, K, R, t)
        return Camera(name, self.size, K, R, t, model, np.array(self.distortion, float))


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the motion is: its points [N, 3] (m, ground), the middle of their bounds, and the floor's height."""

    points: Array
    framing: Framing
    middle: Array = field(init=False)
    floor_m: float = field(init=False)

    def __post_init__(self) -> None:
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        object.__setattr__(self, "middle", (low + high) / 2)
        given = self.framing.floor_m
        object.__setattr__(self, "floor_m", min(0.0, float(low[1])) if given is None else given)

    def around(self, azimuths: Array, height_m: float, distance: float) -> Array:
        """Places [V, 3] at `distance` from the upright line through the middle, `height_m` above the floor.

        Azimuths [V] (rad) count from the ground's X (forward) towards its Z (right).
        """
        places = self.middle + distance * np.stack((np.cos(azimuths), np.zeros(len(azimuths)), np.sin(azimuths)), -1)
        places[:, 1] = self.floor_m + height_m
        return places

    def looking_at_middle(self, places: Array) -> tuple[Camera, ...]:
        """Level cameras cam_01, cam_02 ... at `places` [V, 3] that look at the motion's middle."""
        return tuple(
            self.framing.camera(f"cam_{number:02d}", *facing(place, self.middle))
            for number, place in enumerate(places, 1)
        )

    def nearest(self, cameras_at: Callable[[float], Sequence[Camera]]) -> float:
        """The least distance (m) at which every camera of `cameras_at(distance)` sees the whole motion.

        Raises:
            InputError: there is no such distance.
        """

        def inside(distance: float, points: Array) -> NDArray[np.bool_]:
            return _inside_all_views(cameras_at(distance), points, self.framing)

        # Few points touch the frames' edges: the outermost ones find the distance, and all have the last word.
        deciding = _outermost(self.points)
        while True:
            distance = _least(lambda tried, points=deciding: bool(inside(tried, points).all()), self.framing.nearest_m)
            outside = self.points[~inside(distance, self.points)]
            if not len(outside):
                return distance
            deciding = np.concatenate((deciding, _outermost(outside)))


def stage(points: ArrayLike, framing: Framing) -> Stage:
    """The stage of a motion's points, [T, N, 3] or [N, 3] in OpenSim's ground (Y up, m); NaN where unseen.

    Raises:
        InputError: no point that is seen, or another shape.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim < 2 or points.shape[-1] != 3:
        raise InputError(f"the motion's points have the shape {points.shape}, not [T, N, 3]")
    seen = points.reshape(-1, 3)
    seen = seen[np.isfinite(seen).all(axis=1)]
    if not len(seen):
        raise InputError("the motion has no point that is seen", hint="cameras cannot be placed around nothing")
    return Stage(seen, framing)


def facing(place: Array, target: Array) -> tuple[Array, Array]:
    """R [3, 3] and t [3] of a level camera at `place` that looks at `target` (ground, Y up, m).

    Straight up or down there is no level: then the image's right is the ground's Z.
    """
    forward = (target - place) / np.linalg.norm(target - place)
    right = np.cross(forward, (0.0, 1.0, 0.0))
    length = np.linalg.norm(right)
    right = right / length if length > 1e-9 else np.array([0.0, 0.0, 1.0])
    R = np.stack((right, np.cross(forward, right), forward))
    return R, -R @ place


def look_at(name: str, place: Array, target: Array, size: tuple[int, int], K: Array) -> Camera:
    """A level camera at `place` [3] that looks at `target` [3] (ground, Y up, m)."""
    return Camera(name, size, K, *facing(place, target))


def require(holds: bool, problem: str, hint: str | None = None) -> None:
    """Raise InputError with `problem` unless it holds."""
    if not holds:
        raise InputError(problem, hint=hint)


def _outermost(points: Array) -> Array:
    """The points that lie farthest out in some of many directions, [M, 3]."""
    directions = np.random.default_rng(0).normal(size=(128, 3))
    return points[np.unique(np.argmax(points @ directions.T, axis=0))]


def _least(fits: Callable[[float], bool], nearest_m: float) -> float:
    low = high = nearest_m
    while not fits(high):
        low, high = high, 2 * high
        if high > _FARTHEST_M:
            raise InputError("no place for the cameras shows the whole motion", hint="does a marker lie far away?")
    while high - low > _STEP_M:
        middle = (low + high) / 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def _inside_all_views(cameras: Sequence[Camera], points: Array, framing: Framing) -> NDArray[np.bool_]:
    """Which points [N, 3] every camera sees within the margins and not too near, [N]."""
    size = np.asarray(framing.size, dtype=np.float64)
    low, high = framing.margin * size - 0.5, (1 - framing.margin) * size - 0.5
    inside = np.ones(len(points), dtype=bool)
    for camera in cameras:
        pixels, depth = project(camera, points)
        inside &= (depth >= framing.nearest_m) & ((pixels >= low) & (pixels <= high)).all(axis=1)
    return inside
