"""Read a bone's mesh, whichever of OpenSim's formats it is in: `.vtp`, `.stl`, `.obj` or `.ply`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .errors import InputError
from .mesh_data import MeshData
from .mesh_obj import read_obj
from .mesh_ply import read_ply
from .mesh_stl import read_stl
from .mesh_vtp import read_vtp
from .mesh_vtp_write import write_vtp

__all__ = ["MESH_SUFFIXES", "MeshData", "read_mesh", "write_vtp"]

_READERS = {".vtp": read_vtp, ".stl": read_stl, ".obj": read_obj, ".ply": read_ply}
MESH_SUFFIXES = tuple(_READERS)


def read_mesh(path: str | Path) -> MeshData:
    """Read a mesh file, chosen by its suffix (of any case), in the file's own coordinates.

    Raises:
        InputError: no such file, an unknown suffix, cut short, or inconsistent; it names the file and the place.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError("is no known kind of mesh", path=path, hint=f"save it as {', '.join(MESH_SUFFIXES)}")
    with np.errstate(invalid="ignore"):  # damaged bytes may be signalling NaNs; the reader refuses them by name
        return reader(path)
