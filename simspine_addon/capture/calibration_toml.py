"""Read and write camera calibrations in TOML, as Pose2Sim, Anipose and SIMSPINE keep them.

One table a camera: `name`, `size` [W, H], `matrix` [3][3], `distortions`, `rotation` (Rodrigues vector),
`translation`, `fisheye`; and `[metadata]`. Their worlds are Z-up, (z, x, y) of OpenSim's ground; ours is the ground.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..model.atomic import atomic_path
from ..model.errors import InputError
from .calibration_values import BROWN_CONRADY_COUNTS, FILE_FROM_GROUND, FISHEYE_COUNT, METRES, World, checked_set
from .camera import Camera
from .rotation_vector import matrix_from_vector, vector_from_matrix

Array = NDArray[np.float64]
# Tables that Pose2Sim, Anipose and Caliscope keep beside the cameras.
_OTHER_TABLES = frozenset(("metadata", "capture_volume", "charuco", "checkerboard"))


def read_toml(path: Path, world: str = "auto") -> tuple[Camera, ...]:
    """The cameras of a calibration file in its order, moved into OpenSim's ground (Y up, m).

    Args:
        world: the world of the file's cameras. "auto" takes `[metadata] world` if the file has it, else "pose2sim",
            which is that of Pose2Sim, Anipose and SIMSPINE: X_file = (z, x, y) of ground, so R = R_file P.

    Translations are metres, unless `[metadata] units = "mm"`. Nothing is guessed from their size, but a
    `CalibrationWarning` tells of a camera more than 50 m from the origin. All-zero Brown-Conrady coefficients make a
    camera without distortion.

    Raises:
        InputError: TOML that cannot be read, no camera, two of one name, or a value that is missing or impossible;
            it names the file, the camera and the key.
    """
    document = _parse(path)
    metadata = document.get("metadata", {})
    if not isinstance(metadata, dict):
        raise InputError("'metadata' is not a table", path=path)
    turn = FILE_FROM_GROUND[
        _choice(path, metadata, "world", FILE_FROM_GROUND, "pose2sim") if world == "auto" else world
    ]
    metres = METRES[_choice(path, metadata, "units", METRES, "m")]
    tables = {key: value for key, value in document.items() if key not in _OTHER_TABLES}
    if not tables:
        raise InputError("holds no camera", path=path, hint="each camera needs a table like [cam_01]")
    cameras = tuple(_Table(path, key, value).camera(turn, metres) for key, value in tables.items())
    return checked_set(path, cameras, 'add units = "mm" under [metadata]')


def write_calibration(path: str | Path, cameras: Sequence[Camera], *, world: World = "opensim") -> None:
    """Write cameras in the layout of Pose2Sim; the same cameras always give the same bytes.

    Args:
        cameras: in OpenSim's ground, m.
        world: "opensim" keeps them there (and says so in `[metadata]`); "pose2sim" moves them into the Z-up world
            that Pose2Sim and Anipose expect.

    Raises:
        InputError: no camera, two of one name, R that is no rotation, values that are not finite, or no place to write.
    """
    path = Path(path)
    if not cameras:
        raise InputError("there is no camera to write", path=path)
    if len({camera.name for camera in cameras}) != len(cameras):
        raise InputError("two cameras have the same name", path=path, hint="give each a name of its own")
    if world not in FILE_FROM_GROUND:
        raise InputError(f"the world {world!r} is unknown", path=path, hint=f"use {' or '.join(FILE_FROM_GROUND)}")
    digits = max(2, len(str(len(cameras))))  # Anipose sorts the tables by their names
    parts = [
        _table_text(path, f"cam_{number:0{digits}d}", camera, FILE_FROM_GROUND[world])
        for number, camera in enumerate(cameras, 1)
    ]
    parts.append(f'[metadata]\nadjusted = false\nerror = 0.0\nworld = "{world}"\nunits = "m"\n')
    with atomic_path(path) as temporary:
        temporary.write_bytes("\n".join(parts).encode())


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", path=path) from error
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text", path=path, hint="it may be no TOML file") from error
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+)", str(error))
        line = int(place.group(1)) if place else None
        raise InputError(f"is not valid TOML ({error})", path=path, line=line) from error


def _choice(path: Path, metadata: dict[str, Any], key: str, known: dict[str, Any], default: str) -> str:
    value = metadata.get(key, default)
    if not isinstance(value, str) or value not in known:
        raise InputError(f"[metadata] {key} = {value!r} is unknown", path=path, hint=f"use {' or '.join(known)}")
    return value


class _Table:
    """One camera's table, with errors that say where a value stands."""

    def __init__(self, path: Path, key: str, table: Any) -> None:
        self._path = path
        self._where = f"camera [{key}]"
        if not isinstance(table, dict):
            raise InputError(
                f"{key!r} is not a camera's table", path=path, hint=f"write it under [metadata], or [{key}]"
            )
        self._table: dict[str, Any] = table

    def camera(self, turn: Array, metres: float) -> Camera:
        """The camera, moved into ground by R = R_file P."""
        model, distortion = self._distortion()
        return Camera(
            name=self._name(),
            size=self._size(),
            K=self._intrinsics(),
            R=matrix_from_vector(self._numbers("rotation", (3,))) @ turn,
            t=self._numbers("translation", (3,)) * metres,
            distortion_model=model,
            distortion=distortion,
        )

    def _error(self, key: str, problem: str, hint: str | None = None) -> InputError:
        return InputError(f"{self._where}: {key!r} {problem}", path=self._path, hint=hint)

    def _value(self, key: str) -> Any:
        if key not in self._table:
            raise self._error(key, "is missing")
        return self._table[key]

    def _numbers(self, key: str, shape: tuple[int, ...] | None) -> Array:
        value = self._value(key)
        try:
            numbers = np.array(value)
        except ValueError:  # rows of different lengths
            numbers = np.array("ragged")
        wanted = "a list of numbers" if shape is None else f"{' x '.join(map(str, shape))} numbers"
        if numbers.size and numbers.dtype.kind not in "fiu":
            raise self._error(key, f"is not {wanted}")
        if numbers.ndim != 1 if shape is None else numbers.shape != shape:
            raise self._error(key, f"has the shape {numbers.shape}, not {wanted}")
        if numbers.size and not np.isfinite(numbers).all():
            raise self._error(key, "holds a number that is not finite")
        return numbers.astype(np.float64)

    def _name(self) -> str:
        name = self._value("name")
        if not isinstance(name, str) or not name.strip():
            raise self._error("name", "is not a text")
        return name

    def _size(self) -> tuple[int, int]:
        size = self._numbers("size", (2,))
        if (size < 1).any() or (size != np.round(size)).any():
            raise self._error("size", f"is {size.tolist()}, not a positive number of whole pixels each way")
        return int(size[0]), int(size[1])

    def _intrinsics(self) -> Array:
        matrix = self._numbers("matrix", (3, 3))
        if matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
            raise self._error("matrix", "has a focal length that is not positive")
        if matrix[1, 0] != 0 or matrix[2].tolist() != [0.0, 0.0, 1.0]:
            raise self._error("matrix", "is not [[fx, s, cx], [0, fy, cy], [0, 0, 1]]")
        return matrix

    def _distortion(self) -> tuple[Literal["none", "brown_conrady", "fisheye"], Array]:
        fisheye = self._table.get("fisheye", False)
        if not isinstance(fisheye, bool):
            raise self._error("fisheye", "is neither true nor false")
        distortion = self._numbers("distortions", None)
        if fisheye:
            if distortion.size != FISHEYE_COUNT:
                raise self._error("distortions", f"has {distortion.size} numbers, but a fisheye lens has k1 k2 k3 k4")
            return "fisheye", distortion
        if distortion.size not in BROWN_CONRADY_COUNTS:
            raise self._error(
                "distortions", f"has {distortion.size} numbers", "k1 k2 p1 p2 [k3 [k4 k5 k6]] can be used: 4, 5 or 8"
            )
        return ("brown_conrady", distortion) if distortion.any() else ("none", np.zeros(0))


def _table_text(path: Path, key: str, camera: Camera, turn: Array) -> str:
    rotation = camera.R @ turn.T
    is_rotation = np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6) and np.linalg.det(rotation) > 0
    if not is_rotation:
        raise InputError(f"camera {camera.name!r}: R is no rotation matrix", path=path)
    distortion = camera.distortion if camera.distortion.size else np.zeros(4)
    values = {
        "name": _text(camera.name),
        "size": _numbers_text(path, camera, [float(each) for each in camera.size]),
        "matrix": f"[ {', '.join(_numbers_text(path, camera, row) for row in camera.K.tolist())}]",
        "distortions": _numbers_text(path, camera, distortion.tolist()),
        "rotation": _numbers_text(path, camera, vector_from_matrix(rotation).tolist()),
        "translation": _numbers_text(path, camera, camera.t.tolist()),
        "fisheye": "true" if camera.distortion_model == "fisheye" else "false",
    }
    return f"[{key}]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())


def _numbers_text(path: Path, camera: Camera, numbers: list[float]) -> str:
    """Python's shortest text that gives the same float back; TOML reads it alike."""
    if not all(map(math.isfinite, numbers)):
        raise InputError(f"camera {camera.name!r} holds a number that is not finite", path=path)
    return f"[ {', '.join(repr(number + 0.0) for number in numbers)}]"


def _text(text: str) -> str:
    """A TOML string: JSON's escapes, and DEL, which TOML wants escaped as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
