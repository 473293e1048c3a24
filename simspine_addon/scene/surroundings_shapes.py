"""Simple solids as arrays, of which rooms and furniture are made: boxes with broken edges, turned bodies, leaves.

Everything is in metres in OpenSim's axes (Y up). Faces wind so that their normals look outwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Face = tuple[int, ...]

BEVEL_M = 0.006  # by which edges are broken: what catches the light on real furniture


@dataclass(frozen=True, slots=True)
class Finish:
    """What a surface is made of: a kind that `surroundings_materials` knows, and its colour (sRGB hex)."""

    kind: str
    color: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A closed or open surface of one finish."""

    vertices: Array  # [V, 3] m
    faces: tuple[Face, ...]
    finish: Finish
    smooth: bool = False


def triangles(pieces: Sequence[Piece]) -> Array:
    """Corners of all faces as triangles, [N, 3, 3] m; a face of more corners is a fan, as its convex shape allows."""
    corners = [
        piece.vertices[[face[0], face[i], face[i + 1]]]
        for piece in pieces
        for face in piece.faces
        for i in range(1, len(face) - 1)
    ]
    return np.array(corners).reshape(-1, 3, 3)


def placed(piece: Piece, x: float, z: float, heading: float = 0.0, y: float = 0.0) -> Piece:
    """The piece turned by `heading` (rad, about Y) and moved to (x, y, z)."""
    return replace(piece, vertices=piece.vertices @ turn_about_y(heading).T + (x, y, z))


def turn_about_y(heading: float) -> Array:
    """The rotation [3, 3] by `heading` (rad) about the vertical, from +Z towards +X."""
    c, s = float(np.cos(heading)), float(np.sin(heading))
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def box(low: ArrayLike, high: ArrayLike, finish: Finish, bevel: float = BEVEL_M) -> Piece:
    """A box between two corners [3], its edges broken by `bevel` m (0 for sharp ones)."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    bevel = min(bevel, 0.45 * float((high - low).min()))
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    middle, half = (low + high) / 2, (high - low) / 2
    if bevel <= 0.0:
        vertices = middle + signs * half
        sides = _box_sides(lambda corner, axis: corner)
        return Piece(vertices, tuple(_outwards(vertices, face, middle) for face in sides), finish)
    vertices = np.concatenate(
        [middle + signs * (half - bevel * (1.0 - np.eye(3)[axis])) for axis in range(3)]
    )  # vertex 8 axis + corner lies on the side across `axis`

    def at(corner: int, axis: int) -> int:
        return 8 * axis + corner

    faces = [*_box_sides(at), *_box_edges(at), *_box_corners(at)]
    return Piece(vertices, tuple(_outwards(vertices, face, middle) for face in faces), finish)


def turned(profile: Sequence[tuple[float, float]], finish: Finish, corners: int = 20, smooth: bool = True) -> Piece:
    """A body of revolution about Y through (radius, height) points from below; closed where a radius is 0."""
    around = np.linspace(0.0, 2.0 * np.pi, corners, endpoint=False)
    radii, heights = np.array(profile).T
    ring = np.stack([np.cos(around), np.zeros(corners), np.sin(around)], axis=1)
    vertices = radii[:, None, None] * ring + heights[:, None, None] * np.array([0.0, 1.0, 0.0])
    here, there = np.arange(corners), (np.arange(corners) + 1) % corners
    faces = []
    for k in range(len(profile) - 1):
        low, high = k * corners, (k + 1) * corners
        faces += [(low + a, high + a, high + b, low + b) for a, b in zip(here.tolist(), there.tolist(), strict=True)]
    faces.append(tuple(range(corners)))
    faces.append(tuple(reversed(range((len(profile) - 1) * corners, len(profile) * corners))))
    return Piece(vertices.reshape(-1, 3), tuple(faces), finish, smooth)


def rod(start: ArrayLike, end: ArrayLike, radius: float, finish: Finish, corners: int = 10) -> Piece:
    """A round bar between two points [3]."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    along = (end - start) / np.linalg.norm(end - start)
    aside = np.cross(along, (1.0, 0.0, 0.0) if abs(along[0]) < 0.9 else (0.0, 0.0, 1.0))
    aside /= np.linalg.norm(aside)
    across = np.cross(along, aside)
    around = np.linspace(0.0, 2.0 * np.pi, corners, endpoint=False)[:, None]
    ring = radius * (np.cos(around) * aside + np.sin(around) * across)
    vertices = np.concatenate([start + ring, end + ring])
    sides = [(a, (a + 1) % corners, corners + (a + 1) % corners, corners + a) for a in range(corners)]
    ends = [tuple(reversed(range(corners))), tuple(range(corners, 2 * corners))]
    return Piece(vertices, (*sides, *ends), finish, True)


def leaf(root: ArrayLike, heading: float, rise: float, length: float, width: float, finish: Finish) -> Piece:
    """A leaf from its root [3] towards `heading` (rad), starting `rise` (rad) above the floor and bending down."""
    steps = np.linspace(0.0, 1.0, 6)
    angles = rise - 1.5 * steps**1.5
    path = np.concatenate([[[0.0, 0.0]], np.cumsum(np.stack([np.cos(angles), np.sin(angles)], 1)[:-1], axis=0)])
    path *= length / 5.0
    half = 0.5 * width * np.sin(np.pi * np.clip(0.12 + 0.88 * steps, 0.0, 1.0)) ** 0.8
    out, aside = np.array([np.sin(heading), 0.0, np.cos(heading)]), np.array([np.cos(heading), 0.0, -np.sin(heading)])
    middle = path[:, :1] * out + path[:, 1:] * np.array([0.0, 1.0, 0.0]) + np.asarray(root, float)
    lifted = half[:, None] * (aside + np.array([0.0, 0.35, 0.0]))  # a leaf is a trough along its rib
    other = half[:, None] * (-aside + np.array([0.0, 0.35, 0.0]))
    vertices = np.concatenate([middle + lifted, middle, middle + other])
    count = len(steps)
    faces = [
        (row * count + k, row * count + k + 1, (row + 1) * count + k + 1, (row + 1) * count + k)
        for row in range(2)
        for k in range(count - 1)
    ]
    return Piece(vertices, tuple(faces), finish, True)


def crown(centre: ArrayLike, radius: float, finish: Finish, unevenness: Array) -> Piece:
    """A leafy ball: a sphere of 12 x 16 faces whose radius varies by `unevenness` [13, 16] (shares of it)."""
    polar = np.linspace(0.0, np.pi, 13)
    around = np.linspace(0.0, 2.0 * np.pi, 16, endpoint=False)
    uneven = np.asarray(unevenness, float).copy()
    uneven[[0, -1]] = 0.0
    reach = radius * (1.0 + uneven)
    unit = np.stack(
        [
            np.sin(polar)[:, None] * np.cos(around),
            np.repeat(-np.cos(polar)[:, None], 16, axis=1),
            np.sin(polar)[:, None] * np.sin(around),
        ],
        axis=2,
    )
    vertices = (reach[..., None] * unit).reshape(-1, 3) + np.asarray(centre, float)
    faces = [
        (k * 16 + a, (k + 1) * 16 + a, (k + 1) * 16 + (a + 1) % 16, k * 16 + (a + 1) % 16)
        for k in range(12)
        for a in range(16)
    ]
    return Piece(vertices, tuple(faces), finish, True)


def _box_sides(at) -> list[Face]:  # `at(corner, axis)` is the vertex of that corner on the side across that axis
    faces = []
    for axis, (one, other) in enumerate(((2, 1), (4, 1), (4, 2))):
        for first in (0, 4 >> axis):
            faces.append(tuple(at(first + step, axis) for step in (0, one, one + other, other)))
    return faces


def _box_edges(at) -> list[Face]:
    faces = []
    for axis in range(3):
        first, second = (each for each in range(3) if each != axis)
        step = 4 >> axis
        for corner in range(8):
            if not corner & step:
                faces.append(
                    (at(corner, first), at(corner + step, first), at(corner + step, second), at(corner, second))
                )
    return faces


def _box_corners(at) -> list[Face]:
    return [tuple(at(corner, axis) for axis in range(3)) for corner in range(8)]


def _outwards(vertices: Array, face: Face, middle: Array) -> Face:
    a, b, c = (vertices[index] for index in face[:3])
    return face if np.cross(b - a, c - b) @ (vertices[list(face)].mean(axis=0) - middle) > 0 else face[::-1]
