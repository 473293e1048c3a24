"""Read `.ply` polygon meshes (Stanford): text or binary of either byte order, with whatever else they carry."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .errors import InputError
from .mesh_data import Array, IntArray, MeshData, build_mesh, read_bytes, strip_triangles
from .mesh_ply_header import read_header
from .mesh_ply_rows import BinaryRows, Column, TextRows

_CORNER_LISTS = ("vertex_indices", "vertex_index")
_KNOWN_ELEMENTS = frozenset(("vertex", "face", "tristrips"))
_STRIP_END = -1


def read_ply(path: Path) -> MeshData:
    """Read a PLY mesh: `vertex` (x y z, and nx ny nz if there), `face` polygons and `tristrips`.

    Further elements (edges, materials) are left out, and a warning names them; further properties (colours,
    texture coordinates) are not what a bone's shape needs.

    Raises:
        InputError: not PLY, an unknown type, cut short, or inconsistent.
    """
    data = read_bytes(path)
    header = read_header(path, data)
    rows = BinaryRows(path, data, header) if header.byte_order else TextRows(path, data, header)
    elements = {element.name: rows.read(element) for element in header.elements}
    vertices = _triples(elements.get("vertex", {}), "x", "y", "z")
    if vertices is None:
        raise InputError("has no 'vertex' element with x, y and z", path=path)
    indices, counts = _faces(elements)
    other = sorted(elements.keys() - _KNOWN_ELEMENTS)
    warnings = (f"{path.name}: its elements {', '.join(other)} were left out",) if other else ()
    return build_mesh(path, vertices, indices, counts, _triples(elements["vertex"], "nx", "ny", "nz"), warnings)


def _triples(columns: dict[str, Column], *names: str) -> Array | None:
    if not columns.keys() >= set(names) or any(columns[name][1] is not None for name in names):
        return None
    return np.stack([columns[name][0].astype(np.float64) for name in names], axis=1)


def _faces(elements: dict[str, dict[str, Column]]) -> tuple[IntArray, IntArray]:
    """Corners of all faces, triangles of strips included, and how many each has."""
    indices, counts = _corners(elements.get("face", {}))
    strips, strip_counts = _corners(elements.get("tristrips", {}))
    if not len(strips):
        return indices, counts
    # One list may hold several strips, with an end mark between them.
    list_number = np.repeat(np.arange(len(strip_counts)), strip_counts)
    strip_number = np.cumsum(strips == _STRIP_END) + list_number
    inside = strips != _STRIP_END
    triangles = strip_triangles(strips[inside], np.bincount(strip_number[inside]))
    return np.append(indices, triangles.ravel()), np.append(counts, np.full(len(triangles), 3))


def _corners(columns: dict[str, Column]) -> tuple[IntArray, IntArray]:
    for name in _CORNER_LISTS:
        values, counts = columns.get(name, (np.zeros(0), None))
        if counts is not None:
            return values.astype(np.int64), counts
    return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
