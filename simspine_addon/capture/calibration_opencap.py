"""OpenCap's calibration: cameraIntrinsicsExtrinsics.pickle of each camera, in folders Videos/Cam0, Cam1 ...

A dictionary of arrays: `intrinsicMat` [3, 3], `distortion` [1, 5] (k1 k2 p1 p2 k3), `imageSize` [2, 1] (height, width),
`rotation` [3, 3], `translation` [3, 1] (mm), and `rotation_EulerAngles` [3, 1], which is the Rodrigues vector of
`rotation`. X_cam = R X + t; the world is that of the checkerboard, which hangs upright: its x to the right, y down and
z into the wall, as the cameras see it. So ground is (-z, -y, -x): the person walks out of the wall. Source: OpenCap's
core and Pose2Sim's converter, which turn that world alike.

A pickle may run any program when it is opened. These are opened by a reader that knows numpy's arrays and nothing else.
"""

from __future__ import annotations

import io
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..model.errors import InputError
from .calibration_values import FILE_FROM_GROUND, METRES, CalibrationWarning, camera_of, checked_set
from .camera import Camera

FILE_NAME = "cameraIntrinsicsExtrinsics.pickle"
BOARD_FROM_GROUND = np.array([[0.0, 0.0, -1.0], [0.0, -1.0, 0.0], [-1.0, 0.0, 0.0]])

_MOST_BYTES = 16 * 1024 * 1024


def _latin1(text: str, encoding: str) -> bytes:
    """How pickles of old protocols write bytes; `_codecs.encode` itself knows codecs that unpack."""
    if encoding != "latin1":
        raise ValueError(f"bytes in the encoding '{encoding}'")
    return text.encode("latin1")


# numpy's makers of arrays and numbers, asked of numpy itself: their module has changed its name with numpy 2.
_RECONSTRUCT = np.zeros(1).__reduce__()[0]
_SCALAR = np.float64(0.0).__reduce__()[0]
_FROM_BUFFER = np.zeros(1).__reduce_ex__(5)[0]
_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy.core.multiarray", "scalar"): _SCALAR,
    ("numpy._core.multiarray", "scalar"): _SCALAR,
    ("numpy.core.numeric", "_frombuffer"): _FROM_BUFFER,
    ("numpy._core.numeric", "_frombuffer"): _FROM_BUFFER,
    ("_codecs", "encode"): _latin1,
}


def find_opencap(folder: Path) -> list[Path]:
    """The pickles of a session's folder, of its Videos folder, or of one camera's, in the order of their numbers."""
    for pattern in (FILE_NAME, f"*/{FILE_NAME}", f"Videos/*/{FILE_NAME}"):
        found = sorted(folder.glob(pattern), key=lambda path: _order(path.parent.name))
        if found:
            return found
    return []


def read_opencap(paths: list[Path], world: str = "auto") -> tuple[Camera, ...]:
    """The cameras of OpenCap's pickles, named by their folders.

    Heights count from the board's first corner, not from the floor, and a `CalibrationWarning` says so.

    Raises:
        InputError: a pickle that holds anything but arrays, or a value that is missing or cannot be used.
    """
    turn = BOARD_FROM_GROUND if world == "auto" else FILE_FROM_GROUND[world]
    cameras = []
    for path in paths:
        values = _values(path)
        height_width = np.ravel(values["imageSize"])
        cameras.append(
            camera_of(
                path,
                path.parent.name if path.name == FILE_NAME else path.stem,
                size=height_width[::-1],
                K=values["intrinsicMat"],
                R=values["rotation"],
                t=values["translation"],
                distortion=values["distortion"],
                turn=turn,
                metres=METRES["mm"],
            )
        )
    warnings.warn(
        f"{paths[0]}: OpenCap's heights count from the checkerboard's first corner, not from the floor",
        CalibrationWarning,
        stacklevel=3,
    )
    return checked_set(paths[0], tuple(cameras))


def _values(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"is larger than {_MOST_BYTES >> 20} MiB", path=path, hint="is this a calibration?")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", path=path) from error
    try:
        values = _ArraysOnly(io.BytesIO(data), path).load()
    except InputError:
        raise
    except Exception as error:  # a broken pickle may raise anything
        raise InputError(f"is no pickle of arrays ({type(error).__name__}: {error})", path=path) from error
    if not isinstance(values, dict):
        raise InputError(f"holds a {type(values).__name__}, not OpenCap's dictionary", path=path)
    for key in ("intrinsicMat", "distortion", "imageSize", "rotation", "translation"):
        if not isinstance(values.get(key), np.ndarray | list | tuple):
            hint = "cameraIntrinsics.pickle has no pose" if key in ("rotation", "translation") else None
            raise InputError(f"has no array '{key}'", path=path, hint=hint)
    return values


class _ArraysOnly(pickle.Unpickler):
    """Opens a pickle of plain values and numpy arrays, and refuses to name anything else."""

    def __init__(self, file: io.BytesIO, path: Path) -> None:
        super().__init__(file)
        self._path = path

    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) not in _ALLOWED:
            raise InputError(
                f"wants to run '{module_name}.{global_name}', which no calibration needs",
                path=self._path,
                hint="do not trust this file",
            )
        return _ALLOWED[module_name, global_name]

    def persistent_load(self, pid: Any) -> Any:
        raise InputError("refers to objects outside of itself", path=self._path, hint="do not trust this file")


def _order(name: str) -> tuple[str, int]:
    found = re.fullmatch(r"(.*?)(\d*)", name)
    assert found is not None
    return found[1], int(found[2] or 0)
