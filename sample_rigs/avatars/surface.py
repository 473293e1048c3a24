"""Pieces of skinned surface: cut along a line, pushed outwards, smoothed, hemmed and joined.

A piece carries for every vertex the shares of the bones and of the parts of the body, so that what is cut from the
base mesh, or made beside it, moves with the body without any weighting afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .mpfb_data import BaseMesh

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Surface:
    """Polygons over vertices; `offsets` [F + 1] says where each polygon's corners start in `corners` and `uv`."""

    vertices: Array  # [V, 3] m
    corners: Indices  # [L] vertex of each corner
    offsets: Indices  # [F + 1]
    uv: Array  # [L, 2]
    carriers: Array  # [V, B] shares of the bones
    parts: Array  # [V, P] shares of the parts of the body
    base: Indices  # [V] vertex of the base mesh that this is, -1 for a new one

    @property
    def face_count(self) -> int:
        return len(self.offsets) - 1

    @property
    def face_of_corner(self) -> Indices:
        return np.repeat(np.arange(self.face_count), np.diff(self.offsets))


def from_base(mesh: BaseMesh, faces: Indices, vertices: Array, carriers: Array, parts: Array) -> Surface:
    """These faces of the base mesh, over its vertices [19158, 3] as shaped."""
    corners = mesh.faces[faces].ravel()
    used, corners = np.unique(corners, return_inverse=True)
    offsets = np.arange(len(faces) + 1) * 4
    uv = mesh.uv[faces].reshape(-1, 2)
    return Surface(vertices[used], corners, offsets, uv, carriers[used], parts[used], used)


def select_faces(piece: Surface, keep: NDArray[np.bool_]) -> Surface:
    """The faces where `keep` [F], and no vertex that none of them uses."""
    corner_kept = keep[piece.face_of_corner]
    used, corners = np.unique(piece.corners[corner_kept], return_inverse=True)
    offsets = np.concatenate([[0], np.cumsum(np.diff(piece.offsets)[keep])])
    return Surface(
        piece.vertices[used],
        corners,
        offsets,
        piece.uv[corner_kept],
        piece.carriers[used],
        piece.parts[used],
        piece.base[used],
    )


def all_over_faces(piece: Surface, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether every corner of each face has its flag, [F] from [V]."""
    return np.logical_and.reduceat(flags[piece.corners], piece.offsets[:-1])


def any_over_faces(piece: Surface, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether any corner of each face has its flag, [F] from [V]."""
    return np.logical_or.reduceat(flags[piece.corners], piece.offsets[:-1])


def cut(piece: Surface, field: Array) -> Surface:
    """Keep what lies where `field` [V] is positive; polygons across its zero line are cut along it."""
    inside = field > 0
    corner_inside = inside[piece.corners]
    whole = np.logical_and.reduceat(corner_inside, piece.offsets[:-1])
    mixed = np.logical_or.reduceat(corner_inside, piece.offsets[:-1]) & ~whole
    new = _CutEdges(piece, field)
    faces = [new.face(f) for f in np.flatnonzero(mixed).tolist()]
    return _compact(_with_cut_faces(piece, whole, faces, new))


class _CutEdges:
    """New vertices where the zero line crosses edges, each made once."""

    def __init__(self, piece: Surface, field: Array) -> None:
        self.piece, self.field = piece, field
        self.made: dict[tuple[int, int], int] = {}
        self.ends: list[tuple[int, int, float]] = []

    def face(self, face: int) -> tuple[list[int], list[Array]]:
        """Corners (old vertices, or V + number of a new one) and texture places of the part that is kept."""
        piece, first, last = self.piece, self.piece.offsets[face], self.piece.offsets[face + 1]
        corners, uv = piece.corners[first:last], piece.uv[first:last]
        out: list[int] = []
        out_uv: list[Array] = []
        for i in range(len(corners)):
            here, there = int(corners[i]), int(corners[(i + 1) % len(corners)])
            if self.field[here] > 0:
                out.append(here)
                out_uv.append(uv[i])
            if (self.field[here] > 0) != (self.field[there] > 0):
                share = self.field[here] / (self.field[here] - self.field[there])
                out.append(self.vertex(here, there))
                out_uv.append(uv[i] + share * (uv[(i + 1) % len(corners)] - uv[i]))
        return out, out_uv

    def vertex(self, here: int, there: int) -> int:
        key = (min(here, there), max(here, there))
        if key not in self.made:
            low, high = key
            share = self.field[low] / (self.field[low] - self.field[high])
            self.made[key] = len(self.piece.vertices) + len(self.ends)
            self.ends.append((low, high, float(share)))
        return self.made[key]


def _with_cut_faces(
    piece: Surface, whole: NDArray[np.bool_], faces: list[tuple[list[int], list[Array]]], new: _CutEdges
) -> Surface:
    corner_kept = whole[piece.face_of_corner]
    counts = np.concatenate([np.diff(piece.offsets)[whole], [len(corners) for corners, _ in faces]]).astype(np.int64)
    corners = np.concatenate(
        [piece.corners[corner_kept], np.array([c for corners, _ in faces for c in corners], dtype=np.int64)]
    )
    uv = np.concatenate([piece.uv[corner_kept], np.array([u for _, row in faces for u in row]).reshape(-1, 2)])
    ends = np.array([(low, high) for low, high, _ in new.ends], dtype=np.int64).reshape(-1, 2)
    shares = np.array([share for _, _, share in new.ends]).reshape(-1, 1)

    def between(values: Array) -> Array:
        return np.concatenate([values, (1 - shares) * values[ends[:, 0]] + shares * values[ends[:, 1]]])

    return Surface(
        between(piece.vertices),
        corners,
        np.concatenate([[0], np.cumsum(counts)]),
        uv,
        between(piece.carriers),
        between(piece.parts),
        np.concatenate([piece.base, np.full(len(ends), -1)]),
    )


def _compact(piece: Surface) -> Surface:
    return select_faces(piece, np.ones(piece.face_count, dtype=bool))


def vertex_normals(piece: Surface) -> Array:
    """Unit normals [V, 3], weighted by area: each polygon's, from its fan about its first corner."""
    first = piece.offsets[:-1][piece.face_of_corner]
    following = np.arange(len(piece.corners)) + 1
    last = following == piece.offsets[1:][piece.face_of_corner]
    following = np.where(last, first, following)
    here, there = piece.vertices[piece.corners], piece.vertices[piece.corners[following]]
    area = np.add.reduceat(np.cross(here, there), piece.offsets[:-1], axis=0)
    normals = np.zeros_like(piece.vertices)
    np.add.at(normals, piece.corners, area[piece.face_of_corner])
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def edges_of(piece: Surface) -> tuple[Indices, Indices]:
    """Directed edges [E, 2] along the polygons, and how many polygons each undirected edge has, [E]."""
    following = np.arange(len(piece.corners)) + 1
    last = following == piece.offsets[1:][piece.face_of_corner]
    following = np.where(last, piece.offsets[:-1][piece.face_of_corner], following)
    edges = np.stack([piece.corners, piece.corners[following]], axis=1)
    _, inverse, counts = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True, return_counts=True)
    return edges, counts[inverse.ravel()]


def smoothed(piece: Surface, values: Array, steps: Sequence[float], hold: NDArray[np.bool_] | None = None) -> Array:
    """Values [V, N] moved towards the mean of their neighbours, by each step in turn; `hold` stays."""
    edges, _ = edges_of(piece)
    one, other = edges.T
    count = len(values)
    degree = np.maximum(np.bincount(one, minlength=count) + np.bincount(other, minlength=count), 1)[:, None]
    values = values.copy()
    for step in steps:
        mean = np.stack(
            [np.bincount(one, column[other], count) + np.bincount(other, column[one], count) for column in values.T],
            axis=1,
        )
        change = step * (mean / degree - values)
        if hold is not None:
            change[hold] = 0.0
        values += change
    return values


def with_even_rim(piece: Surface, rounds: int) -> Surface:
    """Open edges evened out within the surface: each vertex there goes towards the middle of its two neighbours."""
    edges, uses = edges_of(piece)
    one, other = edges[uses == 1].T
    vertices = piece.vertices.copy()
    count = np.bincount(one, minlength=len(vertices)) + np.bincount(other, minlength=len(vertices))
    rim = count == 2
    normals = vertex_normals(piece)[rim]
    for step in (0.5, -0.3) * rounds:
        total = np.zeros_like(vertices)
        np.add.at(total, one, vertices[other])
        np.add.at(total, other, vertices[one])
        change = step * (total[rim] / 2 - vertices[rim])
        vertices[rim] += change - np.einsum("vi,vi->v", change, normals)[:, None] * normals
    return replace(piece, vertices=vertices)


def subdivided(piece: Surface) -> Surface:
    """Each polygon of n corners as n quads around its middle; texture places and shares are interpolated."""
    following = np.arange(len(piece.corners)) + 1
    last = following == piece.offsets[1:][piece.face_of_corner]
    following = np.where(last, piece.offsets[:-1][piece.face_of_corner], following)
    before = np.empty_like(following)
    before[following] = np.arange(len(following))
    edges, inverse = np.unique(
        np.sort(np.stack([piece.corners, piece.corners[following]], axis=1), axis=1), axis=0, return_inverse=True
    )
    edge_of_corner = inverse.ravel()
    sizes = np.diff(piece.offsets)[:, None]

    def finer(values: Array) -> Array:
        middles = np.add.reduceat(values[piece.corners], piece.offsets[:-1], axis=0) / sizes
        return np.concatenate([values, values[edges].mean(axis=1), middles])

    count = len(piece.vertices)
    corners = np.stack(
        [piece.corners, count + edge_of_corner, count + len(edges) + piece.face_of_corner,
         count + edge_of_corner[before]], axis=1
    )  # fmt: skip
    middle_uv = (np.add.reduceat(piece.uv, piece.offsets[:-1], axis=0) / sizes)[piece.face_of_corner]
    uv = np.stack(
        [piece.uv, (piece.uv + piece.uv[following]) / 2, middle_uv, (piece.uv + piece.uv[before]) / 2], axis=1
    )
    vertices = finer(piece.vertices)
    return Surface(
        vertices,
        corners.ravel(),
        np.arange(len(corners) + 1) * 4,
        uv.reshape(-1, 2),
        finer(piece.carriers),
        finer(piece.parts),
        np.concatenate([piece.base, np.full(len(vertices) - count, -1)]),
    )


def hemmed(piece: Surface, inward_m: float) -> Surface:
    """The piece with a rim turned inwards along all open edges, so that cloth shows a thickness there.

    The rim has vertices of its own: shared ones would blend its shading into the cloth's.
    """
    edges, uses = edges_of(piece)
    rim = edges[uses == 1]
    if not len(rim):
        return piece
    vertices = np.unique(rim)
    count = len(vertices)
    outer = np.full(len(piece.vertices), -1)
    outer[vertices] = len(piece.vertices) + np.arange(count)
    inner = outer + count
    places = piece.vertices[vertices]
    quads = np.stack([outer[rim[:, 1]], outer[rim[:, 0]], inner[rim[:, 0]], inner[rim[:, 1]]], axis=1)
    return Surface(
        np.concatenate([piece.vertices, places, places - inward_m * vertex_normals(piece)[vertices]]),
        np.concatenate([piece.corners, quads.ravel()]),
        np.concatenate([piece.offsets, piece.offsets[-1] + 4 * np.arange(1, len(quads) + 1)]),
        np.concatenate([piece.uv, np.zeros((quads.size, 2))]),
        np.concatenate([piece.carriers, piece.carriers[vertices], piece.carriers[vertices]]),
        np.concatenate([piece.parts, piece.parts[vertices], piece.parts[vertices]]),
        np.concatenate([piece.base, np.full(2 * count, -1)]),
    )


def joined(pieces: Sequence[Surface]) -> Surface:
    """All pieces as one, in order."""
    starts = np.cumsum([0, *(len(piece.vertices) for piece in pieces)])
    corner_starts = np.cumsum([0, *(len(piece.corners) for piece in pieces)])
    return Surface(
        np.concatenate([piece.vertices for piece in pieces]),
        np.concatenate([piece.corners + start for piece, start in zip(pieces, starts[:-1], strict=True)]),
        np.concatenate([[0], *(p.offsets[1:] + start for p, start in zip(pieces, corner_starts[:-1], strict=True))]),
        np.concatenate([piece.uv for piece in pieces]),
        np.concatenate([piece.carriers for piece in pieces]),
        np.concatenate([piece.parts for piece in pieces]),
        np.concatenate([piece.base for piece in pieces]),
    )


def moved(piece: Surface, vertices: Array) -> Surface:
    """The same piece over other places, [V, 3]; its vertices are no longer those of the base mesh."""
    return replace(piece, vertices=vertices, base=np.full(len(vertices), -1))
