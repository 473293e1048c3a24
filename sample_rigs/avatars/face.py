"""Brows and lips, laid on the face as thin films."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .body import Body
from .mpfb_data import mirror_vertices
from .surface import Surface, cut, moved, vertex_normals

Array = NDArray[np.float64]

_BROW = (7023, 6981, 6983)  # vertices of the left brow of the base mesh, from outside; the mirror gives the right one
_LIPS = {  # pairs of vertices across each lip, from the middle to the corner, left side
    "upper": ((509, 571), (7212, 7293), (7162, 7195)),
    "lower": ((495, 557), (7238, 7295), (7162, 7195)),
}


def brows(body: Body, thickness: float = 1.0) -> Surface:
    """Both eyebrows: the skin near a line over each eye, laid a little outside."""
    skin = body.surface("body")
    mirror = mirror_vertices()
    near = np.full(len(skin.vertices), np.inf)
    for line in (list(_BROW), [int(mirror[i]) for i in _BROW]):
        points = body.vertices[line]
        points = np.concatenate([points[:1] + 0.15 * (points[:1] - points[1:2]), points])
        points = points - np.array([0.0, 0.0035, 0.0]) * body.scale
        radii = np.array([0.0018, 0.0032, 0.0036, 0.0030]) * body.scale * thickness
        near = np.minimum(near, _distance_to_line(skin.vertices, points, radii))
    return _laid_on(skin, -near, 0.0010 * body.scale)


def lips(body: Body) -> Surface:
    """Both lips, laid on the face as a thin film."""
    skin = body.surface("body")
    mirror = mirror_vertices()
    near = np.full(len(skin.vertices), np.inf)
    for pairs in _LIPS.values():
        for side in (np.array(pairs), mirror[np.array(pairs)]):
            ends = body.vertices[side]
            radii = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1) / 2
            near = np.minimum(near, _distance_to_line(skin.vertices, ends.mean(axis=1), radii))
    return _laid_on(skin, 0.0004 * body.scale - near, 0.0006 * body.scale)


def _laid_on(skin: Surface, field: Array, gap: float) -> Surface:
    patch = cut(skin, np.clip(field, -1.0, 1.0))
    return moved(patch, patch.vertices + gap * vertex_normals(patch))


def _distance_to_line(points: Array, line: Array, radii: Array) -> Array:
    """Distance (m) of points [N, 3] from a polyline [K, 3] with a radius [K] at each corner; negative within."""
    nearest = np.full(len(points), np.inf)
    for (start, first), (end, last) in pairwise(zip(line, radii, strict=True)):
        step = end - start
        share = np.clip((points - start) @ step / (step @ step), 0.0, 1.0)
        gap = np.linalg.norm(points - start - share[:, None] * step, axis=1)
        nearest = np.minimum(nearest, gap - first - share * (last - first))
    return nearest
