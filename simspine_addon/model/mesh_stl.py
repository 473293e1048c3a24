"""Read `.stl` triangle meshes, text or binary; corners at the same place become one vertex."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from .errors import InputError
from .mesh_data import Array, IntArray, MeshData, build_mesh, read_bytes

_HEADER_BYTES = 80
_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])  # 50 bytes
_SOLID_LINE = re.compile(rb"^[ \t]*(?:end)?solid\b.*$", re.IGNORECASE | re.MULTILINE)
_WORDS = {0: b"facet", 1: b"normal", 5: b"outer", 6: b"loop", 7: b"vertex", 11: b"vertex", 15: b"vertex",
          19: b"endloop", 20: b"endfacet"}  # fmt: skip
_FACET_WORDS = 21
_CORNER_WORDS = [8, 9, 10, 12, 13, 14, 16, 17, 18]


def read_stl(path: Path) -> MeshData:
    """Read an STL mesh. The facets' normals are not taken: the corners' order says the same.

    Raises:
        InputError: cut short, or neither form of STL.
    """
    data = read_bytes(path)
    warnings: tuple[str, ...] = ()
    if _is_text(data):
        corners = _read_text(path, data)
    else:
        corners, warnings = _read_binary(path, data)
    vertices, indices = _merge(corners)
    counts = np.full(len(indices) // 3, 3, dtype=np.int64)
    return build_mesh(path, vertices, indices, counts, warnings=warnings)


def _is_text(data: bytes) -> bool:
    """Binary files may begin with "solid" too, so the size that a binary header announces speaks first."""
    if len(data) >= _HEADER_BYTES + 4:
        facets = int.from_bytes(data[_HEADER_BYTES : _HEADER_BYTES + 4], "little")
        if len(data) == _HEADER_BYTES + 4 + facets * _FACET.itemsize:
            return False
    return data.lstrip()[:5].lower() == b"solid" and b"\0" not in data


def _read_binary(path: Path, data: bytes) -> tuple[Array, tuple[str, ...]]:
    """Corners [N, 3, 3] of all facets, and warnings."""
    start = _HEADER_BYTES + 4
    if len(data) < start:
        raise InputError("is too short to be an STL file", path=path, hint="the file may be cut short")
    facets = int.from_bytes(data[_HEADER_BYTES:start], "little")
    end = start + facets * _FACET.itemsize
    if end > len(data):
        there = (len(data) - start) // _FACET.itemsize
        raise InputError(
            f"announces {facets} facets, but {there} are there", path=path, hint="it is cut short, or is no STL file"
        )
    warnings = () if end == len(data) else (f"{path.name}: {len(data) - end} bytes after its last facet were left out",)
    return np.frombuffer(data[start:end], dtype=_FACET)["corners"].astype(np.float64), warnings


def _read_text(path: Path, data: bytes) -> Array:
    """Corners [N, 3, 3] of all facets of all solids."""
    words = _SOLID_LINE.sub(b"", data).split()
    facets = len(words) // _FACET_WORDS
    table = np.array(words[: facets * _FACET_WORDS], dtype="S").reshape(facets, _FACET_WORDS)
    for column, word in _WORDS.items():
        odd = np.flatnonzero(np.char.lower(table[:, column]) != word)
        if odd.size:
            found = table[odd[0], column].decode(errors="replace")
            raise InputError(f"facet {odd[0]} (from 0) has {found!r} where {word.decode()!r} is due", path=path)
    if len(words) % _FACET_WORDS:
        raise InputError(f"ends within facet {facets} (from 0)", path=path, hint="the file may be cut short")
    try:
        return table[:, _CORNER_WORDS].astype(np.float64).reshape(facets, 3, 3)
    except ValueError as error:
        raise InputError(f"a vertex has a coordinate that is no number ({error})", path=path) from error


def _merge(corners: Array) -> tuple[Array, IntArray]:
    """Different corners [V, 3] in the order of their first use, and each facet corner's index among them [3 N]."""
    points = corners.reshape(-1, 3) + 0.0  # makes -0 and 0 one number
    _, first, inverse = np.unique(points, axis=0, return_index=True, return_inverse=True)
    by_first_use = np.argsort(first)
    rank = np.empty(len(first), dtype=np.int64)
    rank[by_first_use] = np.arange(len(first))
    return points[first[by_first_use]], rank[inverse.ravel()]
