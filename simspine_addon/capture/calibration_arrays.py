"""Cameras as arrays in an .npz: K [V, 3, 3], R [V, 3, 3], t [V, 3], and what is known beside them.

`names` [V] (else cam_01 ...), `size` [V, 2] or [2], `dist` [V, 0 | 4 | 5 | 8], `units` ("m" or "mm"; else m) and
`world` ("pose2sim" or "opensim"; else pose2sim). X_cam = R X + t.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from ..model.errors import InputError
from .calibration_values import FILE_FROM_GROUND, METRES, camera_of, checked_set
from .camera import Camera


def read_arrays(path: Path, size: tuple[int, int] | None = None, world: str = "auto") -> tuple[Camera, ...]:
    """The cameras of an .npz file of plain arrays; nothing pickled is opened.

    Raises:
        InputError: no such file, an array that is missing, or a value that cannot be used.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"is no .npz of plain arrays ({error})", path=path) from error
    lacking = [name for name in ("K", "R", "t") if name not in arrays]
    if lacking:
        raise InputError(f"has no array {', '.join(lacking)}", path=path, hint="cameras need K, R and t")
    count = len(np.atleast_1d(arrays["K"]))
    names = [str(name) for name in arrays.get("names", [f"cam_{number:02d}" for number in range(1, count + 1)])]
    sizes = arrays.get("size", size)
    if sizes is None:
        raise InputError(
            "does not say how large the pictures are ('size')",
            path=path,
            hint="give their size, such as --size 1920x1080",
        )
    distortion = arrays.get("dist", np.zeros((count, 0)))
    lengths = {"R": len(arrays["R"]), "t": len(arrays["t"]), "names": len(names), "dist": len(distortion)}
    odd = [f"{name} has {length}" for name, length in lengths.items() if length != count]
    if odd:
        raise InputError(f"K has {count} cameras, but {', '.join(odd)}", path=path)
    turn = FILE_FROM_GROUND[_word(path, arrays, "world", FILE_FROM_GROUND, "pose2sim") if world == "auto" else world]
    metres = METRES[_word(path, arrays, "units", METRES, "m")]
    sizes = np.broadcast_to(np.asarray(sizes), (count, 2))
    cameras = tuple(
        camera_of(
            path, *each[:1], size=each[1], K=each[2], R=each[3], t=each[4], distortion=each[5], turn=turn, metres=metres
        )
        for each in zip(names, sizes, arrays["K"], arrays["R"], arrays["t"], distortion, strict=True)
    )
    return checked_set(path, cameras, 'add units = "mm"')


def _word(path: Path, arrays: dict, name: str, known: dict, default: str) -> str:
    word = str(arrays.get(name, default))
    if word not in known:
        raise InputError(f"{name} = '{word}' is unknown", path=path, hint=f"use {' or '.join(known)}")
    return word
