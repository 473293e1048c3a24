"""Closed bone surfaces in metres: the mesh type, mirroring, merging, and tubes swept along a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
METRES = 1e-3  # one millimetre


@dataclass(frozen=True, slots=True)
class BoneMesh:
    """A closed surface, faces counter-clockwise seen from outside.

    Face `i` is `indices[offsets[i]:offsets[i + 1]]`.
    """

    vertices: Array  # [V, 3] m
    indices: Indices  # [sum of face sizes]
    offsets: Indices  # [F + 1]

    @property
    def faces(self) -> list[Indices]:
        """The vertex indices of each face, F arrays."""
        return np.split(self.indices, self.offsets[1:-1])

    def moved(self, rotation: Array | None = None, translation: Sequence[float] | Array = (0.0, 0.0, 0.0)) -> BoneMesh:
        """The mesh in another frame: `rotation` [3, 3] first, then `translation` [3] in m."""
        turned = self.vertices if rotation is None else self.vertices @ np.asarray(rotation, dtype=np.float64).T
        return BoneMesh(turned + np.asarray(translation, dtype=float), self.indices, self.offsets)

    def scaled(self, factors: float | Sequence[float]) -> BoneMesh:
        """The mesh stretched along its axes by positive `factors` (one, or three)."""
        if np.any(np.asarray(factors) <= 0):
            raise ValueError(f"scale factors must be positive, not {factors}")
        return BoneMesh(self.vertices * np.asarray(factors, dtype=float), self.indices, self.offsets)

    def mirrored(self) -> BoneMesh:
        """The other side's bone: Z negated, faces turned round so that they still look outwards."""
        sizes = np.repeat(np.diff(self.offsets), np.diff(self.offsets))
        start = np.repeat(self.offsets[:-1], np.diff(self.offsets))
        # the first corner stays first, so that bent quads keep their diagonal
        corner = (sizes - (np.arange(len(self.indices)) - start)) % sizes
        return BoneMesh(self.vertices * (1.0, 1.0, -1.0), self.indices[start + corner], self.offsets)

    def triangles(self) -> Indices:
        """Fan triangles, [T, 3]."""
        sizes = np.diff(self.offsets)
        fans = sizes - 2
        face = np.repeat(np.arange(len(sizes)), fans)
        step = np.arange(len(face)) - np.repeat(np.cumsum(fans) - fans, fans)
        first = self.offsets[face]
        return np.stack([self.indices[first], self.indices[first + step + 1], self.indices[first + step + 2]], axis=1)

    def volume(self) -> float:
        """Enclosed volume in m3 (divergence theorem), positive when the faces look outwards."""
        a, b, c = np.moveaxis(self.vertices[self.triangles()], 1, 0)
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def for_side(right: BoneMesh, side: str) -> BoneMesh:
    """The bone of `side` ("right" or "left"), given the right one.

    Raises:
        ValueError: any other side.
    """
    if side not in ("right", "left"):
        raise ValueError(f"side must be 'right' or 'left', not {side!r}")
    return right if side == "right" else right.mirrored()


def merge(meshes: Sequence[BoneMesh]) -> BoneMesh:
    """Several closed surfaces as one mesh; they may touch or overlap and stay separate pieces."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    corner_starts = np.cumsum([0, *(len(mesh.indices) for mesh in meshes)])
    indices = [mesh.indices + start for mesh, start in zip(meshes, starts[:-1], strict=True)]
    offsets = [mesh.offsets[:-1] + start for mesh, start in zip(meshes, corner_starts[:-1], strict=True)]
    return BoneMesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate(indices),
        np.concatenate([*offsets, corner_starts[-1:]]),
    )


def swept_tube(path: Array, half_axes: Array, side_axis: Array, *, around: int = 10) -> BoneMesh:
    """A closed tube along `path` [K, 3] mm with elliptic sections and rounded ends, in metres.

    Args:
        half_axes: [K, 2] mm, along `side_axis` and across it.
        side_axis: [K, 3] directions of the first half axis; made perpendicular to the path.
        around: vertices round each section.
    """
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    first = side_axis - tangent * np.einsum("ij,ij->i", side_axis, tangent)[:, None]
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(tangent, first)
    angle = np.arange(around) * (2 * np.pi / around)
    rings = (
        path[:, None]
        + np.cos(angle)[None, :, None] * (half_axes[:, 0, None] * first)[:, None]
        + np.sin(angle)[None, :, None] * (half_axes[:, 1, None] * second)[:, None]
    )
    reach = half_axes.min(axis=1)
    rings = np.concatenate(
        [
            _cap_ring(rings[0], path[0], -tangent[0] * reach[0])[None],
            rings,
            _cap_ring(rings[-1], path[-1], tangent[-1] * reach[-1])[None],
        ]
    )
    poles = np.stack([path[0] - tangent[0] * reach[0] * 0.9, path[-1] + tangent[-1] * reach[-1] * 0.9])
    return _tube_faces(np.concatenate([rings.reshape(-1, 3), poles]) * METRES, len(rings), around)


def _cap_ring(ring: Array, centre: Array, outwards: Array) -> Array:
    return centre + (ring - centre) * 0.68 + outwards * 0.68


def _tube_faces(vertices: Array, rings: int, around: int) -> BoneMesh:
    here = np.arange(rings * around).reshape(rings, around)
    turned = np.roll(here, -1, axis=1)
    walls = np.stack([here[:-1], turned[:-1], turned[1:], here[1:]], axis=-1).reshape(-1, 4)
    low, high = rings * around, rings * around + 1
    start = np.stack([turned[0], here[0], np.full(around, low)], axis=1)
    end = np.stack([here[-1], turned[-1], np.full(around, high)], axis=1)
    caps = np.concatenate([start, end])
    indices = np.concatenate([walls.ravel(), caps.ravel()])
    sizes = np.concatenate([np.full(len(walls), 4), np.full(len(caps), 3)])
    return BoneMesh(vertices, indices, np.concatenate([[0], np.cumsum(sizes)]))
