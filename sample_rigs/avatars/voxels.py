"""The surface of a solid given by a distance field on a grid, as quads (naive surface nets, Gibson 1998)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


def zero_surface(field: Array, origin: Array, step: float) -> tuple[Array, Indices]:
    """Vertices [V, 3] and outward quads [Q, 4] where `field` [X, Y, Z] changes sign; it is negative inside.

    One vertex stands in every cell that the surface crosses, in the middle of its crossings with the cell's edges; one
    quad stands across every edge that it crosses. The solid must not touch the grid's border.
    """
    inside = field < 0
    shape = np.array(field.shape) - 1
    total, count = np.zeros((*shape, 3)), np.zeros(shape, dtype=np.int64)
    crossings = [_crossings(field, inside, axis) for axis in range(3)]
    for axis, (cells, places, _) in enumerate(crossings):
        for neighbour in _around(axis):
            at = tuple((cells + neighbour).T)
            np.add.at(total, at, places)
            np.add.at(count, at, 1)
    number = np.full(shape, -1)
    used = count > 0
    number[used] = np.arange(int(used.sum()))
    quads = []
    for axis, (cells, _, outward) in enumerate(crossings):
        corners = np.stack([number[tuple((cells + neighbour).T)] for neighbour in _around(axis)], axis=1)
        quads.append(np.where(outward[:, None], corners, corners[:, ::-1]))
    return origin + step * (total[used] / count[used][:, None]), np.concatenate(quads)


def _crossings(field: Array, inside: NDArray[np.bool_], axis: int) -> tuple[Indices, Array, NDArray[np.bool_]]:
    """Edges along an axis that the surface crosses: lower ends, where (in steps), whether the upper is outside."""
    low = np.moveaxis(field, axis, 0)[:-1]
    high = np.moveaxis(field, axis, 0)[1:]
    changes = np.moveaxis(inside, axis, 0)[:-1] != np.moveaxis(inside, axis, 0)[1:]
    cells = np.argwhere(np.moveaxis(changes, 0, axis))
    first, second = np.moveaxis(low, 0, axis)[tuple(cells.T)], np.moveaxis(high, 0, axis)[tuple(cells.T)]
    places = cells.astype(float)
    places[:, axis] += first / (first - second)
    return cells, places, first < 0


def _around(axis: int) -> Indices:
    """The four cells about an edge along an axis, anticlockwise as seen from its upper end."""
    one, other = np.eye(3, dtype=np.int64)[(axis + 1) % 3], np.eye(3, dtype=np.int64)[(axis + 2) % 3]
    return np.array([-one - other, -other, 0 * one, -one])
