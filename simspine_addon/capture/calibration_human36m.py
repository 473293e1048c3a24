"""Human3.6M's cameras: metadata.xml of the data set itself, and the JSON files that others made of it.

metadata.xml: `<w0>` holds 300 numbers. For camera c = 0..3 and subject s = 1..11, six from 6 (11 c + s - 1) on are the
angles a, b, c (rad) and the centre C (mm): X_cam = Rx(a) Ry(b) Rz(c) (X - C). For each camera, nine from 264 + 9 c on
are fx fy cx cy (px), k1 k2 k3, p1 p2. They are taken for OpenCV's k1 k2 p1 p2 k3, as most do who read them; the Python
ports of the data set's own projection count once a tangential term that OpenCV counts twice, which comes to 0.8 px in a
corner.
`<dbcameras><index2id>` names the cameras.

JSON, of one subject: {"1": {"R": [3, 3], "t": [3] (mm), "f": [2], "c": [2]}}; of all: {"extrinsics": {SUBJECT: {CAMERA:
{"R", "t"}}}, "intrinsics": {CAMERA: {"calibration_matrix": [3, 3], "distortion": k1 k2 p1 p2 k3}}}. X_cam = R X + t.

All are in millimetres in a Z-up world, whose long axis Y is taken for ground's X. Pictures are 1000 x 1000 px, those of
54138969 and 60457274 1000 x 1002.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from ..model.xml_tree import Node, parse_xml
from .calibration_values import FILE_FROM_GROUND, METRES, camera_of, checked_set
from .camera import Camera

Array = NDArray[np.float64]

CAMERA_NAMES = ("54138969", "55011271", "58860488", "60457274")
SUBJECTS = 11

_HEIGHTS = {"54138969": 1002, "60457274": 1002}  # of pictures 1000 px wide; the others are square
_NUMBERS = 300
_INTRINSICS = 264
_MOST_BYTES = 64 * 1024 * 1024


def read_metadata(path: Path, subject: str | None, world: str = "auto") -> tuple[Camera, ...]:
    """The four cameras of a subject ("S1" to "S11") out of metadata.xml.

    Raises:
        InputError: no such document, no or an unknown subject, or numbers that are missing.
    """
    root = parse_xml(path)
    numbers = _w0(path, root)
    index = _subject_number(path, subject)
    names = _names(root)
    cameras = []
    for camera, name in enumerate(names):
        first = 6 * (11 * camera + index - 1)
        angles, centre = numbers[first : first + 3], numbers[first + 3 : first + 6]
        fx, fy, cx, cy, k1, k2, k3, p1, p2 = numbers[_INTRINSICS + 9 * camera :][:9]
        R = _rotation(angles)
        lens = [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]
        cameras.append(_camera(path, name, lens, R, -R @ centre, [k1, k2, p1, p2, k3], world))
    return checked_set(path, tuple(cameras))


def read_camera_json(path: Path, subject: str | None, world: str = "auto") -> tuple[Camera, ...]:
    """The cameras of Human3.6M's JSON files, of one subject or of all.

    Raises:
        InputError: no such document, no or an unknown subject where there are several, or values that are missing.
    """
    document = _json(path)
    if "extrinsics" in document and "intrinsics" in document:
        everyone = _table(path, document["extrinsics"], "extrinsics")
        poses = _table(path, everyone[chosen_of(path, subject, tuple(everyone))], "extrinsics")
        lenses = _table(path, document["intrinsics"], "intrinsics")
        cameras = []
        for name, pose in poses.items():
            if name not in lenses:
                raise InputError(f"has no intrinsics of the camera '{name}'", path=path)
            lens = _keys(path, name, lenses[name], "calibration_matrix")
            R, t = (_keys(path, name, pose, "R", "t")[key] for key in "Rt")
            bent = lens.get("distortion", [])
            cameras.append(_camera(path, name, lens["calibration_matrix"], R, t, bent, world))
        return checked_set(path, tuple(cameras))
    cameras = []
    for key, values in document.items():
        values = _keys(path, key, values, "R", "t", "f", "c")
        number = int(key) if key.isdigit() else 0
        name = CAMERA_NAMES[number - 1] if 1 <= number <= len(CAMERA_NAMES) else key
        (fx, fy), (cx, cy) = np.ravel(values["f"])[:2], np.ravel(values["c"])[:2]
        lens = [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]
        cameras.append(_camera(path, name, lens, values["R"], values["t"], values.get("distortion", []), world))
    return checked_set(path, tuple(cameras))


def chosen_of(path: Path, wanted: str | None, there: tuple[str, ...]) -> str:
    """The subject wanted among those there, or the only one.

    Raises:
        InputError: none wanted of several, or one that is not there; it lists them.
    """
    if wanted is None and len(there) == 1:
        return there[0]
    if wanted in there:
        return str(wanted)
    few = ", ".join(there[:12]) + (" ..." if len(there) > 12 else "")
    problem = "holds several subjects" if wanted is None else f"has no subject '{wanted}'"
    raise InputError(
        problem, path=path, hint=f"name one behind the path, such as #{there[0]}: {few}" if there else None
    )


def _w0(path: Path, root: Node) -> Array:
    node = root.child("w0")
    if node is None:
        raise InputError(f"has no <w0> in <{root.tag}>", path=path, hint="is this Human3.6M's metadata.xml?")
    try:
        numbers = np.array([float(each) for each in node.text.strip().strip("[]").replace(",", " ").split()])
    except ValueError as error:
        raise InputError(f"has a <w0> with something that is no number ({error})", path=path, line=node.line) from error
    if numbers.size != _NUMBERS:
        raise InputError(f"has a <w0> of {numbers.size} numbers, not {_NUMBERS}", path=path, line=node.line)
    return numbers


def _names(root: Node) -> tuple[str, ...]:
    listed = root.child("dbcameras")
    index = None if listed is None else listed.child("index2id")
    names = () if index is None else tuple(node.text.strip() for node in index.children)
    return names if len(names) == len(CAMERA_NAMES) and all(names) else CAMERA_NAMES


def _subject_number(path: Path, subject: str | None) -> int:
    known = tuple(f"S{number}" for number in range(1, SUBJECTS + 1))
    return known.index(chosen_of(path, subject, known)) + 1


def _rotation(angles: Array) -> Array:
    (a, b, c), (i, j, k) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, a, -i], [0, i, a]])
    about_y = np.array([[b, 0, j], [0, 1, 0], [-j, 0, b]])
    about_z = np.array([[c, -k, 0], [k, c, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def _camera(path: Path, name: str, K: Any, R: Any, t: Any, distortion: Any, world: str) -> Camera:
    return camera_of(
        path,
        name,
        size=(1000, _HEIGHTS.get(name, 1000)),
        K=K,
        R=R,
        t=t,
        distortion=distortion,
        turn=FILE_FROM_GROUND["pose2sim" if world == "auto" else world],
        metres=METRES["mm"],
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"is larger than {_MOST_BYTES >> 20} MiB", path=path, hint="is this a calibration?")
        document = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", path=path) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise InputError("is no JSON text", path=path) from error
    except json.JSONDecodeError as error:
        raise InputError(f"is not valid JSON ({error.msg})", path=path, line=error.lineno) from error
    return _table(path, document, "the document")


def _table(path: Path, value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        raise InputError(f"{what} is no table of cameras", path=path, hint="is this Human3.6M's camera file?")
    return value


def _keys(path: Path, name: str, value: Any, *keys: str) -> dict[str, Any]:
    table = _table(path, value, f"camera '{name}'")
    for key in keys:
        if key not in table:
            raise InputError(f"camera '{name}' has no '{key}'", path=path, hint="is this Human3.6M's camera file?")
    return table
