"""Shoes around the feet of the tights: an upper, pushed outwards and rounded, on a flat sole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .body import PARTS, Body
from .clothing import FAR, tights
from .surface import Surface, cut, hemmed, joined, moved, smoothed, vertex_normals, with_even_rim

Array = NDArray[np.float64]

SOLE_M = 0.020  # thickness, of the figure of 1.70 m
_GAP_M = 0.005
_CORNERS = 56  # around a sole
# Height over the upper's lowest point and distance outside its outline (m, figure of 1.70 m), from the welt down.
_SOLE_PROFILE = (
    (0.009, -0.004), (0.009, 0.002), (0.0085, 0.0035), (0.0075, 0.0042), (-0.009, 0.0042), (-0.0105, 0.0037),
    (-0.0115, 0.0025), (-0.0118, 0.0), (-0.0118, -0.008),
)  # fmt: skip


def shoe_field(body: Body, points: Array, parts: Array) -> Array:
    """How far (m) points [N, 3] with these parts of the body [N, P] lie below a shoe's collar; negative outside."""
    field = np.full(len(points), -FAR)
    for side in "lr":
        ankle = body.places[f"ankle_{side}"]
        columns = [PARTS.index(f"shank_{side}"), PARTS.index(f"foot_{side}")]
        forward = _forward(body, side)
        collar = ankle[1] + 0.030 * body.scale - 0.30 * ((points - ankle) @ forward)
        field = np.where(parts[:, columns].sum(axis=1) > 0.5, collar - points[:, 1], field)
    return field


def shoes(body: Body) -> tuple[Surface, Surface]:
    """Uppers and soles of both shoes."""
    suit = tights(body)
    relaxed = smoothed(suit, suit.vertices, (0.5,) * 8)
    normals = vertex_normals(suit)
    outward = np.einsum("vi,vi->v", relaxed - suit.vertices, normals)
    lifted = relaxed + normals * np.maximum(_GAP_M * body.scale - outward, 0.0)[:, None]
    lifted = smoothed(suit, lifted, (0.4,) * 3)
    uppers = with_even_rim(cut(moved(suit, lifted), shoe_field(body, suit.vertices, suit.parts)), 4)
    soles = [_sole(body, uppers, side) for side in "lr"]
    return hemmed(uppers, 0.004 * body.scale), joined(soles)


def _forward(body: Body, side: str) -> Array:
    """The foot's direction on the ground, unit."""
    ahead = (body.places[f"toe_tip_{side}"] - body.places[f"ankle_{side}"]) * (1.0, 0.0, 1.0)
    return ahead / np.linalg.norm(ahead)


def _sole(body: Body, uppers: Surface, side: str) -> Surface:
    """A slab with a rounded rim under the outline of the upper, seen from above."""
    scale = body.scale
    own = uppers.parts[:, PARTS.index(f"foot_{side}")] + uppers.parts[:, PARTS.index(f"shank_{side}")] > 0.5
    own_indices = np.flatnonzero(own)
    bottom = float(uppers.vertices[own, 1].min())
    low = own_indices[uppers.vertices[own_indices, 1] < bottom + 0.030 * scale]
    outline = _outline(uppers.vertices[low][:, [0, 2]])
    rings = []
    along = np.roll(outline, -1, axis=0) - np.roll(outline, 1, axis=0)
    away = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.linalg.norm(along, axis=1, keepdims=True)
    for height, widen in _SOLE_PROFILE:
        ring = outline + away * widen * scale
        rings.append(np.stack([ring[:, 0], np.full(len(ring), bottom + height * scale), ring[:, 1]], axis=1))
    vertices = np.concatenate(rings)
    count = len(outline)
    here, there = np.arange(count), (np.arange(count) + 1) % count
    quads = [
        np.stack([low_ring + here, low_ring + there, high_ring + there, high_ring + here], axis=1)
        for high_ring, low_ring in ((k * count, (k + 1) * count) for k in range(len(rings) - 1))
    ]
    last = (len(rings) - 1) * count
    corners = np.concatenate([*(q.ravel() for q in quads), last + here[::-1], here])
    sizes = np.concatenate([np.full(len(quads) * count, 4), [count, count]])
    nearest = low[((vertices[:, None] - uppers.vertices[low]) ** 2).sum(axis=2).argmin(axis=1)]
    piece = Surface(
        vertices,
        corners,
        np.concatenate([[0], np.cumsum(sizes)]),
        np.zeros((len(corners), 2)),
        uppers.carriers[nearest],
        uppers.parts[nearest],
        np.full(len(vertices), -1),
    )
    return _outwards(piece)


def _outline(points: Array) -> Array:
    """A smooth closed line [C, 2] around points [N, 2] of the ground plane, anticlockwise, evenly spaced.

    Support lines of the convex hull in many directions; the crossings of neighbouring ones are its corners.
    """
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    angles = np.linspace(0.0, 2.0 * np.pi, 4 * _CORNERS, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    support = ((points - centre) @ directions.T).max(axis=0)
    tangents = np.stack([-directions[:, 1], directions[:, 0]], axis=1)
    along = (np.roll(support, -1) - support * np.cos(angles[1])) / np.sin(angles[1])
    hull = centre + support[:, None] * directions + along[:, None] * tangents
    closed = np.concatenate([hull, hull[:1]])
    walked = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    even = np.linspace(0.0, walked[-1], _CORNERS, endpoint=False)
    line = np.stack([np.interp(even, walked, closed[:, axis]) for axis in range(2)], axis=1)
    for _ in range(3):
        line = 0.5 * line + 0.25 * (np.roll(line, 1, axis=0) + np.roll(line, -1, axis=0))
    return line


def _outwards(piece: Surface) -> Surface:
    """Turn all polygons over if they look inwards."""
    centre = piece.vertices.mean(axis=0)
    if ((piece.vertices - centre) * vertex_normals(piece)).sum() > 0:
        return piece
    corners, uv = piece.corners.copy(), piece.uv.copy()
    for first, last in zip(piece.offsets[:-1], piece.offsets[1:], strict=True):
        corners[first:last] = corners[first:last][::-1]
    return Surface(piece.vertices, corners, piece.offsets, uv, piece.carriers, piece.parts, piece.base)
