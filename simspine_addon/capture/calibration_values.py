"""What every reader of calibrations shares: the worlds that files live in, and the check of one camera's values."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from .camera import Camera

Array = NDArray[np.float64]
World = Literal["opensim", "pose2sim"]

FILE_FROM_GROUND: dict[str, Array] = {
    "opensim": np.eye(3),
    "pose2sim": np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
}
"""P in X_file = P X_ground, by the world that a file's cameras live in. "pose2sim" is any Z-up world whose Y is taken
for ground's X, so EasyMocap's and Human3.6M's as well."""

METRES = {"m": 1.0, "mm": 0.001}
LARGEST_DISTANCE_M = 50.0
BROWN_CONRADY_COUNTS = (0, 4, 5, 8)
FISHEYE_COUNT = 4

_ROTATION_TOLERANCE = 1e-2  # files with three decimals are off by 1e-3


class CalibrationWarning(UserWarning):
    """A calibration that can be used, with something in it that a person should look at."""


def camera_of(
    path: Path,
    name: str,
    *,
    size: Any,
    K: Any,
    R: Any,
    t: Any,
    distortion: Any,
    turn: Array,
    metres: float,
    fisheye: bool = False,
) -> Camera:
    """A camera from a file's values, moved into ground by R = R_file P; t is scaled by `metres`.

    R [3, 3] may be a rotation to as few as three decimals: the nearest rotation is taken. Coefficients beyond those of
    `Camera` may stand there if they are 0.

    Raises:
        InputError: a value of the wrong shape, not finite or impossible; it names the file and the camera.
    """

    def fail(what: str, hint: str | None = None) -> InputError:
        return InputError(f"camera '{name}': {what}", path=path, hint=hint)

    K, R, t = (_numbers(fail, *each) for each in (("K", K, (3, 3)), ("R", R, (3, 3)), ("t", t, (3,))))
    pixels = _numbers(fail, "the size", size, (2,))
    if (pixels < 1).any() or (pixels != pixels.round()).any():
        raise fail(f"the size {pixels.tolist()} is not whole pixels")
    if K[0, 0] <= 0 or K[1, 1] <= 0:
        raise fail(f"the focal lengths {K[0, 0]:g}, {K[1, 1]:g} are not positive")
    if not np.allclose(K[[1, 2, 2], [0, 0, 1]], 0) or not np.isclose(K[2, 2], 1):
        raise fail("K is not [[fx s cx] [0 fy cy] [0 0 1]]")
    left, _, right = np.linalg.svd(R)
    nearest = left @ right
    if np.abs(nearest - R).max() > _ROTATION_TOLERANCE or np.linalg.det(nearest) < 0:
        raise fail("R is no rotation matrix")
    coefficients = _coefficients(fail, distortion, fisheye)
    model: Literal["none", "brown_conrady", "fisheye"] = "fisheye" if fisheye else "brown_conrady"
    if not fisheye and not coefficients.any():
        model, coefficients = "none", np.zeros(0)
    width, height = int(pixels[0]), int(pixels[1])
    return Camera(name, (width, height), K, nearest @ turn, t * metres, model, coefficients)


def checked_set(path: Path, cameras: tuple[Camera, ...], if_millimetres: str | None = None) -> tuple[Camera, ...]:
    """The cameras, if there are any and no two share a name; warns of one that stands more than 50 m away, or
    whose picture its own axis does not meet.

    `if_millimetres` says what would help a file that turns out to be in millimetres.

    Raises:
        InputError: no camera, or two of one name.
    """
    if not cameras:
        raise InputError("holds no camera", path=path)
    for index, camera in enumerate(cameras):
        if any(camera.name == other.name for other in cameras[:index]):
            raise InputError(f"two cameras are named {camera.name!r}", path=path, hint="give each a name of its own")
    beside = [
        f"{camera.name} ({x:.0f}, {y:.0f} of {width}x{height})"
        for camera, (width, height), (x, y) in ((each, each.size, each.K[:2, 2]) for each in cameras)
        if not (0 <= x < width and 0 <= y < height)
    ]
    if beside:
        warnings.warn(
            f"{path}: the principal point lies outside of the picture of {', '.join(beside)}; are width and height "
            "swapped, or is that another size?",
            CalibrationWarning,
            stacklevel=4,
        )
    far = [camera.name for camera in cameras if np.linalg.norm(camera.t) > LARGEST_DISTANCE_M]
    if far:
        help_text = f"; if the file is in millimetres, {if_millimetres}" if if_millimetres else ""
        warnings.warn(
            f"{path}: {', '.join(far)} would stand more than {LARGEST_DISTANCE_M:g} m from the origin{help_text}",
            CalibrationWarning,
            stacklevel=4,
        )
    return cameras


def _numbers(fail: Any, what: str, value: Any, shape: tuple[int, ...]) -> Array:
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise fail(f"{what} is not {' x '.join(map(str, shape))} numbers") from error
    if numbers.size != np.prod(shape):
        raise fail(f"{what} has the shape {numbers.shape}, not {shape}")
    if not np.isfinite(numbers).all():
        raise fail(f"{what} holds a number that is not finite")
    return numbers.reshape(shape)


def _coefficients(fail: Any, distortion: Any, fisheye: bool) -> Array:
    values = np.asarray(distortion, dtype=np.float64).ravel()
    if not np.isfinite(values).all():
        raise fail("the distortion holds a number that is not finite")
    counts = (FISHEYE_COUNT,) if fisheye else BROWN_CONRADY_COUNTS
    for count in sorted(counts, reverse=True):
        if values.size >= count and not values[count:].any():
            return values[:count]
    wanted = "k1 k2 k3 k4" if fisheye else "k1 k2 p1 p2 [k3 [k4 k5 k6]]"
    raise fail(f"the distortion has {values.size} numbers", f"{wanted} can be used")
