"""OpenCap's calibration: cameraIntrinsicsExtrinsics.pickle of each camera, in folders Videos/Cam0, Cam1 ...

A dictionary of arrays: `intrinsicMat` [3, 3], `distortion` [1, 5] (k1 k2 p1 p2 k3), `imageSize` [2, 1] (height, width),
`rotation` [3, 3], `translation` [3, 1] (mm), and `rotation_EulerAngles` [3, 1], which is the Rodrigues vector of
`rotation`. X_cam = R X + t. The world is that of the checkerboard: x and y along it, z = x cross y away from who looks
at it. OpenCap hangs it on the wall behind the person, upright (y down) or upside down, or lays it on the floor, and
turns the world accordingly: ground (X forward, Y up, Z right) is then (-z, -y, -x), (-z, y, x) or (y, -z, -x), and
(-y, z, -x) for boards whose z points up. The files do not say which, but their pictures are upright, so the axis of the
board that points up in them is ground's Y. The person faces away from the wall, or along the floor's board as there.
Source: OpenCap's core (main.py, rotation by `placement`; utilsChecker.py, `isCheckerboardUpsideDown`), and Pose2Sim's
converter for the upright board.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from .calibration_values import FILE_FROM_GROUND, METRES, CalibrationWarning, camera_of, checked_set
from .camera import Camera
from .pickled_arrays import RefusedPickleError, load_arrays

Array = NDArray[np.float64]

FILE_NAME = "cameraIntrinsicsExtrinsics.pickle"

_MOST_BYTES = 16 * 1024 * 1024
_OUT_OF_THE_WALL = np.array([0.0, 0.0, -1.0])
_LEAST_UPRIGHT = 0.75  # cosine of 41 degrees: beyond that two axes of the board point up alike


def find_opencap(folder: Path) -> list[Path]:
    """The pickles of a session's folder, of its Videos folder, or of one camera's, in the order of their numbers."""
    for pattern in (FILE_NAME, f"*/{FILE_NAME}", f"Videos/*/{FILE_NAME}"):
        found = sorted(folder.glob(pattern), key=lambda path: _order(path.parent.name))
        if found:
            return found
    return []


def read_opencap(paths: list[Path], world: str = "auto") -> tuple[Camera, ...]:
    """The cameras of OpenCap's pickles, named by their folders.

    A `CalibrationWarning` says how the board was taken to lie and, since heights count from its first corner, that
    they do not count from the floor where it hangs.

    Raises:
        InputError: a pickle that holds anything but arrays, or a value that is missing or cannot be used.
    """
    cameras = []
    for path in paths:
        values = _values(path)
        cameras.append(
            camera_of(
                path,
                path.parent.name if path.name == FILE_NAME else path.stem,
                size=np.ravel(values["imageSize"])[::-1],  # height before width
                K=values["intrinsicMat"],
                R=values["rotation"],
                t=values["translation"],
                distortion=values["distortion"],
                turn=np.eye(3),
                metres=METRES["mm"],
            )
        )
    turn = _board_from_ground(paths[0], cameras) if world == "auto" else FILE_FROM_GROUND[world]
    turned = (replace(camera, R=camera.R @ turn) for camera in cameras)
    return checked_set(paths[0], tuple(turned))


def _board_from_ground(path: Path, cameras: Sequence[Camera]) -> Array:
    """P [3, 3] in X_board = P X_ground: the board's axis that points up in the pictures is ground's Y."""
    up = -np.mean([camera.R[1] for camera in cameras], axis=0)  # image rows run down
    axis = int(np.argmax(np.abs(up)))
    upward = np.sign(up[axis]) * np.eye(3)[axis]
    if abs(up[axis]) < _LEAST_UPRIGHT:
        _warn(path, f"no axis of the checkerboard points up in the pictures; its {'xyz'[axis]} was taken for upright")
    if axis == 2:
        forward = -upward[2] * np.array([0.0, 1.0, 0.0])
        _warn(path, "OpenCap's checkerboard was taken to lie on the floor")
    else:
        forward = _OUT_OF_THE_WALL
        how = "upright" if axis == 1 and upward[1] < 0 else "upside down" if axis == 1 else "on its side"
        heights = "heights count from its first corner, not from the floor"
        _warn(path, f"OpenCap's checkerboard was taken to hang on the wall {how}; {heights}")
    return np.stack([forward, upward, np.cross(forward, upward)], axis=1)


def _warn(path: Path, problem: str) -> None:
    warnings.warn(f"{path}: {problem}", CalibrationWarning, stacklevel=4)


def _values(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"is larger than {_MOST_BYTES >> 20} MiB", path=path, hint="is this a calibration?")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", path=path) from error
    try:
        values = load_arrays(data)
    except RefusedPickleError as error:
        raise InputError(str(error), path=path, hint="do not trust this file") from error
    if not isinstance(values, dict):
        raise InputError(f"holds a {type(values).__name__}, not OpenCap's dictionary", path=path)
    for key in ("intrinsicMat", "distortion", "imageSize", "rotation", "translation"):
        if not isinstance(values.get(key), np.ndarray | list):
            hint = "cameraIntrinsics.pickle has no pose" if key in ("rotation", "translation") else None
            raise InputError(f"has no array '{key}'", path=path, hint=hint)
    return values


def _order(name: str) -> tuple[str, int]:
    found = re.fullmatch(r"(.*?)(\d*)", name)
    assert found is not None
    return found[1], int(found[2] or 0)
