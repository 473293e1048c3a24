"""Passes on disk: one NumPy archive an image, which every reader of the data set can open without more libraries.

Depth and normals are float32 as computed. A picture of 16 bits would cut depth to whole millimetres and 65 m, and an
EXR needs a library that neither Blender's Python nor a plain NumPy has.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.scene.passes import Passes

PASS_NAMES = ("depth", "normal", "person", "body")


def write_passes(
    path: str | Path, passes: Passes, wanted: Sequence[str] = PASS_NAMES, body_names: Sequence[Sequence[str]] = ()
) -> None:
    """Write some of an image's passes as `.npz`.

    Arrays: depth [H,W] float32 m along the optical axis, inf where nothing is; normal [H,W,3] float32 in the camera's
    axes (x right, y down, z forward); person [H,W] uint8, 0 nobody, 1 the first person; body [H,W] uint16, 0 nothing,
    n the n-th of body_names_<person> (text). The same passes give the same bytes.

    Raises:
        InputError: a pass that is not known or was not made, or no place to write.
    """
    arrays = {}
    for name in PASS_NAMES:
        if name in wanted:
            array = getattr(passes, name)
            if array is None:
                raise InputError(f"the pass '{name}' was not made", path=path, hint="ask for it when making the passes")
            arrays[name] = array
    unknown = [name for name in wanted if name not in PASS_NAMES]
    if unknown:
        raise InputError(f"there is no pass '{unknown[0]}'", path=path, hint=f"choose {', '.join(PASS_NAMES)}")
    if "body" in arrays:
        for number, names in enumerate(body_names, start=1):
            arrays[f"body_names_{number}"] = np.array(names)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read_passes(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays that `write_passes` wrote.

    Raises:
        InputError: no such file, or no archive.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"is no file of passes ({error})", path=path, hint="render the image again") from error
