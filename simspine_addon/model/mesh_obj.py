"""Read `.obj` polygon meshes (Wavefront): vertices and faces of all objects and groups as one mesh."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from .errors import InputError
from .mesh_data import Array, IntArray, MeshData, build_mesh, read_bytes

_AFTER_SLASH = re.compile(rb"/\S*")
# These say how a surface looks, is named or is shaded; what a bone needs is in v and f.
_HARMLESS = frozenset((b"vt", b"vn", b"g", b"o", b"s", b"mg", b"mtllib", b"usemtl", b"usemap", b"maplib"))


def read_obj(path: Path) -> MeshData:
    """Read an OBJ mesh; coordinates stay as they stand in the file, since OpenSim turns no axes either.

    Normals are not taken: OBJ keeps them per face corner. Lines, points and free-form surfaces are left out, and a
    warning names them.

    Raises:
        InputError: a line that cannot be read (with its number), or a face naming a vertex that does not exist.
    """
    lines = read_bytes(path).splitlines()
    if any(line.endswith(b"\\") for line in lines):
        lines = _join_continued(lines)
    vertex_lines, face_lines, vertices_before, other = _sort_lines(lines)
    vertices = _read_vertices(path, lines, vertex_lines)
    indices, counts = _read_faces(path, lines, face_lines, vertices_before)
    names = ", ".join(sorted(word.decode(errors="replace") for word in other))
    warnings = (f"{path.name}: its statements {names} were left out",) if other else ()
    if not vertex_lines:
        raise InputError("has no vertices", path=path, hint="it may be no OBJ file")
    return build_mesh(path, vertices, indices, counts, warnings=warnings)


def _join_continued(lines: list[bytes]) -> list[bytes]:
    """Join lines that end in a backslash with the next; empty lines take the place, so that numbers stay right."""
    joined: list[bytes] = []
    waiting, first = b"", 0
    for number, line in enumerate(lines):
        joined.append(b"")
        first = first if waiting else number
        waiting += line[:-1] + b" " if line.endswith(b"\\") else line
        if not line.endswith(b"\\"):
            joined[first], waiting = waiting, b""
    if waiting:
        joined[first] = waiting
    return joined


def _sort_lines(lines: list[bytes]) -> tuple[list[int], list[int], list[int], set[bytes]]:
    """Places of the vertex lines, of the face lines, the vertices before each face line, other statements."""
    vertex_lines: list[int] = []
    face_lines: list[int] = []
    vertices_before: list[int] = []
    other: set[bytes] = set()
    for number, line in enumerate(lines):
        word = line.split(None, 1)[:1]
        if not word or word[0].startswith(b"#"):
            continue
        if word[0] == b"v":
            vertex_lines.append(number)
        elif word[0] == b"f":
            face_lines.append(number)
            vertices_before.append(len(vertex_lines))
        elif word[0] not in _HARMLESS:
            other.add(word[0])
    return vertex_lines, face_lines, vertices_before, other


def _read_vertices(path: Path, lines: list[bytes], numbers: list[int]) -> Array:
    """[V, 3]; a fourth number (weight) or colours after the coordinates are not needed."""
    words = [lines[number].split(b"#", 1)[0].split()[1:4] for number in numbers]
    short = next((number for number, row in zip(numbers, words, strict=True) if len(row) < 3), None)
    if short is not None:
        raise InputError("a vertex has fewer than three coordinates", path=path, line=short + 1)
    try:
        return np.array(words, dtype=np.float64).reshape(-1, 3)
    except ValueError:
        bad = next(number for number, row in zip(numbers, words, strict=True) if not all(map(_is_number, row)))
        raise InputError("a vertex has a coordinate that is no number", path=path, line=bad + 1) from None


def _read_faces(
    path: Path, lines: list[bytes], numbers: list[int], vertices_before: list[int]
) -> tuple[IntArray, IntArray]:
    """Corners counted from 0, and how many each face has. Files count from 1, or backwards from -1."""
    rows = [_AFTER_SLASH.sub(b"", lines[number].split(b"#", 1)[0]).split()[1:] for number in numbers]
    counts = np.array([len(row) for row in rows], dtype=np.int64)
    try:
        given = np.array([int(word) for row in rows for word in row], dtype=np.int64)
    except (ValueError, OverflowError):
        bad = next(number for number, row in zip(numbers, rows, strict=True) if not all(map(_is_whole, row)))
        raise InputError("a face has a corner that is no whole number", path=path, line=bad + 1) from None
    before = np.repeat(np.array(vertices_before, dtype=np.int64), counts)
    indices = np.where(given < 0, before + given, given - 1)
    wrong = np.flatnonzero((indices < 0) | (given == 0))
    if wrong.size:
        face = int(np.searchsorted(np.cumsum(counts), wrong[0], side="right"))
        raise InputError(
            f"a face names vertex {given[wrong[0]]}, which does not exist", path=path, line=numbers[face] + 1
        )
    return indices, counts


def _is_number(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _is_whole(word: bytes) -> bool:
    return word.lstrip(b"+-").isdigit() and len(word) < 18
