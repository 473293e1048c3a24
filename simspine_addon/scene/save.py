"""Saving the open scene as a .blend file, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..model.atomic import atomic_path
from ..model.errors import InputError


def save_blend(path: str | Path) -> None:
    """Save a compressed copy of the open file under `path`; the open file keeps its own name.

    Raises:
        InputError: the folder is missing or cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.unlink()  # Blender would keep what it overwrites as a backup beside it
        try:
            bpy.ops.wm.save_as_mainfile(filepath=str(temporary), copy=True, compress=True, check_existing=False)
        except RuntimeError as error:
            raise InputError(f"cannot be written ({error})", path=path, hint="choose another place") from error
