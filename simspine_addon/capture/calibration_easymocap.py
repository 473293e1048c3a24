"""EasyMocap's calibration: intri.yml and extri.yml, as OpenCV's FileStorage writes YAML.

`names`, and for each camera `K_NAME` [3, 3], `dist_NAME` (k1 k2 p1 p2 k3), `H_NAME` and `W_NAME` (px; often missing),
`R_NAME` (Rodrigues vector), `Rot_NAME` [3, 3], `T_NAME` [3]. X_cam = R X + T in metres; the world is that of a board on
the ground, Z up. Source: EasyMocap's documentation, "Calibration" (quickstart), and its camera files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from ..model.errors import InputError
from .calibration_values import FILE_FROM_GROUND, METRES, camera_of, checked_set
from .camera import Camera
from .rotation_vector import matrix_from_vector

FILES = ("intri.yml", "extri.yml")
_MOST_BYTES = 16 * 1024 * 1024


def read_easymocap(folder: Path, size: tuple[int, int] | None = None, world: str = "auto") -> tuple[Camera, ...]:
    """The cameras of a folder with intri.yml and extri.yml.

    Args:
        size: width and height of the pictures, for files that do not say it.

    Raises:
        InputError: a file or a value that is missing or cannot be used, with its place.
    """
    intrinsics, extrinsics = (read_storage(folder / name) for name in FILES)
    names = intrinsics.get("names", extrinsics.get("names"))
    if not isinstance(names, list) or not names:
        raise InputError("has no list 'names'", path=folder / FILES[0])
    turn = FILE_FROM_GROUND["pose2sim" if world == "auto" else world]
    cameras = []
    for name in names:
        values = _Values(folder, str(name), intrinsics, extrinsics)
        cameras.append(
            camera_of(
                folder / FILES[0],
                str(name),
                size=values.size(size),
                K=values.of("K", 0),
                R=values.rotation(),
                t=values.of("T", 1),
                distortion=values.of("D" if f"D_{name}" in intrinsics else "dist", 0),
                turn=turn,
                metres=METRES["m"],
            )
        )
    return checked_set(folder, tuple(cameras), "EasyMocap's own files are in metres: divide T by 1000")


class _Values:
    """One camera's values in the two files."""

    def __init__(self, folder: Path, name: str, *files: dict[str, Any]) -> None:
        self._folder, self._name, self._files = folder, name, files

    def of(self, key: str, file: int) -> Any:
        full = f"{key}_{self._name}"
        if full not in self._files[file]:
            raise InputError(f"has no '{full}'", path=self._folder / FILES[file])
        return self._files[file][full]

    def rotation(self) -> Any:
        """R: the Rodrigues vector where it is there, since it is a rotation however it was rounded."""
        if f"R_{self._name}" not in self._files[1] and f"Rot_{self._name}" in self._files[1]:
            return self.of("Rot", 1)
        vector = np.ravel(self.of("R", 1))
        if vector.size != 3 or not np.isfinite(vector).all():
            raise InputError(f"'R_{self._name}' is not three finite numbers", path=self._folder / FILES[1])
        return matrix_from_vector(vector)

    def size(self, given: tuple[int, int] | None) -> tuple[Any, Any]:
        found = [file.get(f"{side}_{self._name}") for side in "WH" for file in self._files[:1]]
        if all(isinstance(each, float) and each > 0 for each in found):
            return found[0], found[1]
        if given is None:
            raise InputError(
                f"does not say how large the pictures of '{self._name}' are (W_{self._name}, H_{self._name})",
                path=self._folder / FILES[0],
                hint="give their size, such as --size 1920x1080",
            )
        return given


def read_storage(path: Path) -> dict[str, Any]:
    """The subset of OpenCV's FileStorage YAML that calibrations use: numbers, texts, lists of them, and matrices.

    Returns:
        key -> float, str, list of str, or a matrix [rows, cols].

    Raises:
        InputError: the file cannot be read, or a line is something else.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"is larger than {_MOST_BYTES >> 20} MiB", path=path, hint="is this a calibration?")
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"cannot be read ({error})", path=path, hint="the folder needs intri.yml and extri.yml"
        ) from error
    return _Storage(path, lines).entries


class _Storage:
    """Line by line: a key at the margin opens an entry, and what is indented belongs to it."""

    def __init__(self, path: Path, lines: list[str]) -> None:
        self._path = path
        self.entries: dict[str, Any] = {}
        block: list[str] = []
        key, start = "", 0
        for number, line in enumerate([*lines, "end:"], 1):
            bare = line.split(" #")[0].rstrip()
            if not bare or bare.startswith(("%", "---", "...", "#")):
                continue
            opened = re.match(r"(?P<key>\"[^\"]+\"|[^\s:\-][^:]*):(?P<rest>\s.*|)$", bare)
            if opened and not line[0].isspace():
                if key:
                    self.entries[key] = self._value(block, start)
                key, start, block = opened["key"].strip('"'), number, [opened["rest"].strip()]
            elif key:
                block.append(bare.strip())
            else:
                raise self._error(number, f"is not OpenCV's YAML ('{bare.strip()[:40]}')")

    def _error(self, line: int, problem: str) -> InputError:
        return InputError(problem, path=self._path, line=line, hint="OpenCV's FileStorage writes such files")

    def _value(self, block: list[str], line: int) -> Any:
        first, rest = block[0], block[1:]
        if first.startswith("!!opencv-matrix"):
            return self._matrix(" ".join(rest), line)
        items = [each[1:].strip().strip('"') for each in rest if each.startswith("-")]
        if not first and len(items) == len(rest):
            return items
        text = " ".join([first, *rest])
        if text.startswith("[") and text.endswith("]"):
            return [each.strip().strip('"') for each in text[1:-1].split(",") if each.strip()]
        try:
            return float(text)
        except ValueError:
            return text.strip('"')

    def _matrix(self, text: str, line: int) -> Any:
        found = re.fullmatch(r"rows:\s*(\d+)\s+cols:\s*(\d+)\s+dt:\s*\"?\w\"?\s+data:\s*\[(.*)\]", text, re.DOTALL)
        if not found:
            raise self._error(line, "is no matrix with rows, cols, dt and data")
        try:
            numbers = np.array([_number(each) for each in found[3].split(",") if each.strip()])
        except ValueError as error:
            raise self._error(line, f"has a matrix with something that is no number ({error})") from error
        rows, columns = int(found[1]), int(found[2])
        if numbers.size != rows * columns:
            raise self._error(line, f"has a matrix of {numbers.size} numbers for {rows} x {columns}")
        return numbers.reshape(rows, columns)


def _number(text: str) -> float:
    special = {".nan": np.nan, ".inf": np.inf, "-.inf": -np.inf}
    word = text.strip().lower()
    return special[word] if word in special else float(word)
