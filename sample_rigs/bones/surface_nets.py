"""From a signed distance field to a closed triangle mesh: surface nets on a grid, evened out, simplified.

Surface nets after Gibson, "Constrained elastic surface nets", MICCAI 1998: one vertex per grid cell that the surface
crosses, one quad per grid edge that it crosses. Fields are in millimetres, meshes in metres.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .mesh_tools import METRES, Array, BoneMesh, Indices
from .simplify import simplify

Field = Callable[[Array], Array]  # points [N, 3] mm -> signed distance [N] mm, negative inside


def even_axis(low: float, high: float, cell: float) -> Array:
    """Grid positions from below `low` to above `high`, symmetric about their middle, `cell` apart (mm)."""
    count = int(np.ceil((high - low) / cell)) + 4
    return np.asarray((low + high) / 2 + (np.arange(count) - (count - 1) / 2) * cell, dtype=np.float64)


def graded_axis(knots: Sequence[tuple[float, float]]) -> Array:
    """Grid positions whose spacing varies linearly between `knots` (position, spacing), both mm.

    A margin of two cells is added at both ends, so that the knots may stand at the bone's own ends.
    """
    places = np.array([place for place, _ in knots], dtype=float)
    spacings = np.array([spacing for _, spacing in knots], dtype=float)
    fine = np.linspace(places[0] - 2 * spacings[0], places[-1] + 2 * spacings[-1], 4000)
    density = 1.0 / np.interp(fine, places, spacings)
    number = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(fine))])
    return np.interp(np.linspace(0.0, number[-1], int(np.ceil(number[-1])) + 1), number, fine)


def shaft_axis(top: float, bottom: float, end_cell: float) -> Array:
    """Grid along a long bone: fine over both ends, coarse along the shaft."""
    span = top - bottom
    return graded_axis(
        [
            (bottom, end_cell),
            (bottom + 0.15 * span, end_cell * 1.1),
            (bottom + 0.4 * span, end_cell * 3),
            (top - 0.35 * span, end_cell * 3),
            (top - 0.2 * span, end_cell * 1.1),
            (top, end_cell),
        ]
    )


def mesh_from_field(field: Field, axes: Sequence[Array], target: int, *, relaxations: int = 4) -> BoneMesh:
    """The zero surface of `field` (mm) sampled at the rectilinear grid `axes` (x, y, z in mm), as triangles in metres.

    The grid's own surface is simplified to about `target` vertices, which are then pulled exactly onto the field's
    zero. Every edge has two faces.

    Raises:
        ValueError: the surface reaches the border of the grid, or there is none.
    """
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).astype(np.float64)
    values = _without_checkerboards(_sampled(field, axes, grid))
    inside = values < 0
    if not inside.any():
        raise ValueError("the field is nowhere negative on its grid: no surface")
    if inside[[0, -1]].any() or inside[:, [0, -1]].any() or inside[:, :, [0, -1]].any():
        raise ValueError("the surface reaches the border of its grid")
    vertices, quads = _surface_nets(grid, values, inside)
    vertices = _settled(field, vertices, quads, _home_boxes(vertices, axes), relaxations)
    vertices, triangles = simplify(vertices, _halved(vertices, quads), target)
    return _triangle_mesh(_pulled(field, vertices, 0.2) * METRES, triangles)


def _sampled(field: Field, axes: Sequence[Array], grid: Array, block: int = 5) -> Array:
    """The field at all grid points near the surface; far from it, the value at the middle of a block of points.

    A block counts as near when its middle is closer to the surface than 1.7 times the block's half diagonal: fields
    here grow no faster than true distance, except a little beside steep blades.
    """
    owners = [np.arange(len(axis)) // block for axis in axes]
    bounds = [
        (axis[::block], axis[np.minimum(np.arange(0, len(axis), block) + block - 1, len(axis) - 1)]) for axis in axes
    ]
    middles = np.stack(np.meshgrid(*((low + high) / 2 for low, high in bounds), indexing="ij"), axis=-1)
    halves = np.stack(np.meshgrid(*((high - low) / 2 for low, high in bounds), indexing="ij"), axis=-1)
    coarse = field(middles.reshape(-1, 3)).reshape(middles.shape[:3])
    reach = 1.7 * (np.linalg.norm(halves, axis=-1) + min(float(np.diff(axis).min()) for axis in axes))
    values = coarse[np.ix_(*owners)]
    near = (np.abs(coarse) < reach)[np.ix_(*owners)]
    values[near] = field(grid[near])
    return values


def _halved(vertices: Array, quads: Indices) -> Indices:
    """Two triangles for each quad, cut along its shorter diagonal."""
    a, b, c, d = np.moveaxis(vertices[quads], 1, 0)
    straight = np.sum((a - c) ** 2, axis=1) <= np.sum((b - d) ** 2, axis=1)
    turned = np.where(straight[:, None], quads, np.roll(quads, -1, axis=1))
    return np.concatenate([turned[:, [0, 1, 2]], turned[:, [0, 2, 3]]])


def _without_checkerboards(values: Array) -> Array:
    """Turn single samples where the surface would meet itself: in squares whose signs alternate (an edge with four
    faces) and in cubes with two lone opposite corners (two sheets pinched into one vertex).

    Raises:
        ValueError: the field has too many such places for its grid.
    """
    values = np.where(np.abs(values) < 1e-9, 1e-9, values)
    for _ in range(20):
        if not (_fill_squares(values) | _free_corners(values)):
            return values
    raise ValueError("the grid is too coarse for this field")


def _fill_squares(values: Array) -> bool:
    changed = False
    for axis in range(3):
        moved = np.moveaxis(values, axis, 0)
        a, b, c, d = moved[:, :-1, :-1], moved[:, 1:, :-1], moved[:, 1:, 1:], moved[:, :-1, 1:]
        first = (a < 0) & (c < 0) & (b >= 0) & (d >= 0)
        b[first] = -1e-6
        second = (a >= 0) & (c >= 0) & (b < 0) & (d < 0)
        a[second] = -1e-6
        changed |= bool(first.any() or second.any())
    return changed


def _free_corners(values: Array) -> bool:
    def corner(i: int, j: int, k: int) -> Array:
        return values[
            tuple(slice(shift, size - 1 + shift) for shift, size in zip((i, j, k), values.shape, strict=True))
        ]

    changed = False
    for i, j, k in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)):
        near, far = corner(i, j, k), corner(1 - i, 1 - j, 1 - k)
        inside = sum((corner(a, b, c) < 0).astype(np.int8) for a in (0, 1) for b in (0, 1) for c in (0, 1))
        lone = (inside == 2) & (near < 0) & (far < 0)
        pocket = (inside == 6) & (near >= 0) & (far >= 0)
        near[lone] = 1e-6
        near[pocket] = -1e-6
        changed |= bool(lone.any() or pocket.any())
    return changed


def _surface_nets(grid: Array, values: Array, inside: NDArray[np.bool_]) -> tuple[Array, Indices]:
    shape = tuple(size - 1 for size in values.shape)
    total, count = np.zeros((*shape, 3)), np.zeros(shape, dtype=np.int64)
    crossings = []
    for axis in range(3):
        low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        crossed = inside[low] != inside[high]
        weight = np.where(crossed, values[low] / np.where(crossed, values[low] - values[high], 1.0), 0.0)[..., None]
        point = np.where(crossed[..., None], grid[low] * (1 - weight) + grid[high] * weight, 0.0)
        crossings.append((crossed, inside[low]))
        for first in (0, 1):
            for second in (0, 1):
                part = _cell_part(axis, first, second, shape)
                total[...] += point[part]
                count[...] += crossed[part]
    used = count > 0
    number = np.full(shape, -1, dtype=np.int64)
    number[used] = np.arange(int(used.sum()))
    quads = [_axis_quads(axis, crossed, low_inside, number) for axis, (crossed, low_inside) in enumerate(crossings)]
    return total[used] / count[used][:, None], np.concatenate(quads)


def _cell_part(axis: int, first: int, second: int, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Of the edges along `axis`, for every cell the one at corner (first, second) of the other two axes."""
    shifts = [first, second]
    shifts.insert(axis, 0)
    return tuple(slice(shift, shift + size) for shift, size in zip(shifts, shape, strict=True))


def _axis_quads(axis: int, crossed: NDArray[np.bool_], low_inside: NDArray[np.bool_], number: Indices) -> Indices:
    """One quad round every crossed edge along `axis`, from the four cells about it."""
    where = np.stack(np.nonzero(crossed), axis=1)
    u, v = (axis + 1) % 3, (axis + 2) % 3
    corners = []
    for back_u, back_v in ((1, 1), (0, 1), (0, 0), (1, 0)):
        cell = where.copy()
        cell[:, u] -= back_u
        cell[:, v] -= back_v
        corners.append(number[tuple(cell.T)])
    quads = np.stack(corners, axis=1)
    outwards = low_inside[tuple(where.T)]
    return np.where(outwards[:, None], quads, quads[:, ::-1])


def _home_boxes(vertices: Array, axes: Sequence[Array]) -> tuple[Array, Array]:
    """Low and high corner of each vertex's cell, larger by a third all round."""
    low, high = np.empty_like(vertices), np.empty_like(vertices)
    for k, axis in enumerate(axes):
        cell = np.clip(np.searchsorted(axis, vertices[:, k], side="right") - 1, 0, len(axis) - 2)
        margin = 0.3 * (axis[cell + 1] - axis[cell])
        low[:, k], high[:, k] = axis[cell] - margin, axis[cell + 1] + margin
    return low, high


def _settled(field: Field, vertices: Array, quads: Indices, boxes: tuple[Array, Array], relaxations: int) -> Array:
    """Spread the vertices along the surface and pull them onto it; each stays about its cell, so no face folds over."""
    start, end = quads.ravel(), np.roll(quads, -1, axis=1).ravel()
    degree = np.bincount(start, minlength=len(vertices))[:, None]
    for _ in range(relaxations):
        to_surface, rise = _newton_step(field, vertices, 0.6)
        normal = rise / np.maximum(np.linalg.norm(rise, axis=1, keepdims=True), 1e-12)
        mean = np.stack([np.bincount(start, vertices[end, k], len(vertices)) for k in range(3)], axis=1) / degree
        drift = mean - vertices
        drift -= normal * np.einsum("ij,ij->i", drift, normal)[:, None]
        vertices = np.clip(vertices + to_surface + 0.6 * drift, *boxes)
    return np.clip(_pulled(field, vertices, 0.6), *boxes)


def _newton_step(field: Field, points: Array, most: float) -> tuple[Array, Array]:
    """The move [N, 3] to the surface along the gradient, at most `most` mm, and the gradient [N, 3]."""
    step = 0.05
    value = field(points)
    rise = np.stack([field(points + step * e) - value for e in np.eye(3)], axis=1) / step
    square = np.maximum(np.einsum("ij,ij->i", rise, rise), 0.05)
    move = -rise * (value / square)[:, None]
    length = np.linalg.norm(move, axis=1, keepdims=True)
    return move * np.minimum(1.0, most / np.maximum(length, 1e-12)), rise


def _pulled(field: Field, points: Array, most: float) -> Array:
    """Two steps onto the surface; short ones, since fields are distances only near their surface."""
    for _ in range(2):
        points = points + _newton_step(field, points, most)[0]
    return points


def _triangle_mesh(vertices: Array, triangles: Indices) -> BoneMesh:
    return BoneMesh(vertices, triangles.ravel(), np.arange(0, triangles.size + 1, 3, dtype=np.int64))
