"""MeshData: the surface of one bone as plain arrays, and the checks that every mesh reader shares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import InputError

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

LARGEST_FILE_BYTES = 512 * 2**20
"""Larger files are refused: the largest of Pose2Sim's 104 bone meshes has 0.7 MiB."""


@dataclass(frozen=True, slots=True)
class MeshData:
    """A polygon mesh in the coordinates of its file (metres, as OpenSim takes them, before `Geometry.scale`).

    Polygon `f` has the corners `indices[offsets[f]:offsets[f + 1]]`, as many as its file gives it.
    `warnings` says, a sentence each, what the file holds that is not here.
    """

    name: str
    vertices: Array  # [V, 3]
    indices: IntArray  # [sum of corners]
    offsets: IntArray  # [F + 1], from 0 to len(indices)
    normals: Array | None = None  # [V, 3], one per vertex
    warnings: tuple[str, ...] = ()

    @property
    def face_count(self) -> int:
        """The number of polygons, F."""
        return len(self.offsets) - 1


def read_bytes(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        InputError: the file is missing, unreadable, empty or larger than `LARGEST_FILE_BYTES`.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST_FILE_BYTES else b""
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", path=path) from error
    if size > LARGEST_FILE_BYTES:
        raise InputError(
            f"is larger than {LARGEST_FILE_BYTES >> 20} MiB", path=path, hint="simplify the mesh before using it"
        )
    if not data:
        raise InputError("the file is empty", path=path)
    return data


def build_mesh(
    path: Path,
    vertices: Array,
    indices: IntArray,
    corner_counts: IntArray,
    normals: Array | None = None,
    warnings: tuple[str, ...] = (),
) -> MeshData:
    """Check what a reader found and make the mesh of it, named like its file.

    Args:
        vertices: [V, 3].
        indices: the corners of all faces, one face after the other.
        corner_counts: [F] corners of each face; their sum is `len(indices)`.
        normals: [V, 3] or None.

    Faces with fewer than three different corners have no surface; they are left out, and a warning counts them.

    Raises:
        InputError: a vertex is not finite, or a face names a vertex that does not exist.
    """
    broken = np.flatnonzero(~np.isfinite(vertices).all(axis=1))
    if broken.size:
        raise InputError(f"vertex {broken[0]} (from 0) has a coordinate that is not a finite number", path=path)
    wrong = np.flatnonzero((indices < 0) | (indices >= len(vertices)))
    if wrong.size:
        face = int(np.searchsorted(np.cumsum(corner_counts), wrong[0], side="right"))
        raise InputError(
            f"face {face} (from 0) names vertex {indices[wrong[0]]}, but vertices run from 0 to {len(vertices) - 1}",
            path=path,
        )
    indices, corner_counts, empty_faces = _without_empty_faces(indices, corner_counts)
    if empty_faces:
        warnings += (f"{path.name}: {empty_faces} faces with fewer than three different corners were left out",)
    if not len(corner_counts):
        warnings += (f"{path.name}: has no faces",)
    if normals is not None and not np.isfinite(normals).all():
        normals = None
        warnings += (f"{path.name}: its normals are not finite numbers and were left out",)
    offsets = np.concatenate(([0], np.cumsum(corner_counts, dtype=np.int64)))
    return MeshData(path.stem, vertices, indices, offsets, normals, warnings)


def strip_triangles(strips: IntArray, corner_counts: IntArray) -> IntArray:
    """Triangles [N, 3] of triangle strips, every second one turned so that all face the same way.

    Triangles that repeat a corner only join two runs of a strip, and are left out.
    """
    starts = np.concatenate(([0], np.cumsum(corner_counts)))[:-1]
    triangle_counts = np.maximum(corner_counts - 2, 0)
    total = int(triangle_counts.sum())
    step = np.arange(total) - np.repeat(np.cumsum(triangle_counts) - triangle_counts, triangle_counts)
    first = np.repeat(starts, triangle_counts) + step
    odd = step % 2
    triangles = np.stack((strips[first], strips[first + 1 + odd], strips[first + 2 - odd]), axis=1)
    a, b, c = triangles.T
    return triangles[(a != b) & (b != c) & (c != a)]


def _without_empty_faces(indices: IntArray, corner_counts: IntArray) -> tuple[IntArray, IntArray, int]:
    face_of_corner = np.repeat(np.arange(len(corner_counts)), corner_counts)
    order = np.lexsort((indices, face_of_corner))
    faces, corners = face_of_corner[order], indices[order]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (faces[1:] != faces[:-1]) | (corners[1:] != corners[:-1])
    good = np.bincount(faces[is_new], minlength=len(corner_counts)) >= 3
    return indices[good[face_of_corner]], corner_counts[good], int(np.count_nonzero(~good))
