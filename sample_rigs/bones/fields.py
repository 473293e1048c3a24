"""Signed distance fields that bones are modelled from: ellipsoids, tapering strands, plates, smooth joins and cuts.

Points are [N, 3] in mm, results [N] in mm, negative inside. Smooth minimum after Quilez, "smooth minimum" (polynomial).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def join(*distances: Array, blend: float) -> Array:
    """Union with a fillet about `blend` mm wide."""
    result = distances[0]
    for other in distances[1:]:
        overlap = np.maximum(blend - np.abs(result - other), 0.0) / blend
        result = np.minimum(result, other) - overlap * overlap * (blend / 4)
    return result


def meet(*distances: Array, blend: float) -> Array:
    """Intersection whose edges are rounded over about `blend` mm."""
    return -join(*(-distance for distance in distances), blend=blend)


def cut(solid: Array, tool: Array, blend: float) -> Array:
    """`solid` without `tool`, the edge rounded over about `blend` mm."""
    return meet(solid, -tool, blend=blend)


def ellipsoid(points: Array, centre: ArrayLike, radii: ArrayLike, rotation: Array | None = None) -> Array:
    """Ellipsoid (a bound of the true distance, exact at the surface); `rotation` [3, 3] turns it about its centre."""
    local = points - np.asarray(centre, dtype=float)
    if rotation is not None:
        local = local @ rotation
    scaled = local / np.asarray(radii, dtype=float)
    level = np.linalg.norm(scaled, axis=1)
    slope = np.linalg.norm(scaled / np.asarray(radii, dtype=float), axis=1)
    return level * (level - 1.0) / np.maximum(slope, 1e-9)


def ellipse(first: Array, second: Array, radii: tuple[float, float]) -> Array:
    """Infinite elliptic cylinder, from the two coordinates across it."""
    level = np.hypot(first / radii[0], second / radii[1])
    slope = np.hypot(first / radii[0] ** 2, second / radii[1] ** 2)
    return level * (level - 1.0) / np.maximum(slope, 1e-9)


def strand(points: Array, knots: ArrayLike, stretch: Sequence[float] = (1.0, 1.0, 1.0), *, smooth: int = 0) -> Array:
    """A chain of tapering round rods through `knots` [K, 4] (x, y, z, radius).

    `stretch` makes the section that many times as long along an axis (1 keeps it round); `smooth` > 0 lays a
    Catmull-Rom curve with that many rods per knot interval through the knots.
    """
    chain = np.asarray(knots, dtype=float)
    if smooth:
        chain = curve(chain, smooth)
    factor = np.asarray(stretch, dtype=float)
    scaled, places, radii = points / factor, chain[:, :3] / factor, chain[:, 3]
    best = np.full(len(points), np.inf)
    for start, end, low, high in zip(places[:-1], places[1:], radii[:-1], radii[1:], strict=True):
        along = end - start
        offset = scaled - start
        share = np.clip(offset @ along / max(float(along @ along), 1e-12), 0.0, 1.0)
        offset -= share[:, None] * along
        best = np.minimum(best, np.sqrt(np.einsum("ij,ij->i", offset, offset)) - (low + share * (high - low)))
    return best * float(factor.min())


def ribbon(points: Array, knots: ArrayLike, tall: float, *, smooth: int = 0) -> Array:
    """An upright plate with round borders along `knots` [K, 4] (x, y, z, half thickness), running level rather than
    steep; `tall` is how far its flat part reaches above and below the knots.
    """
    chain = np.asarray(knots, dtype=float)
    if smooth:
        chain = curve(chain, smooth)
    best = np.full(len(points), np.inf)
    for start, end in pairwise(chain):
        along = end[:3] - start[:3]
        offset = points - start[:3]
        level_square = along[0] ** 2 + along[2] ** 2
        share = np.clip((offset[:, 0] * along[0] + offset[:, 2] * along[2]) / max(level_square, 1e-12), 0.0, 1.0)
        offset -= share[:, None] * along
        offset[:, 1] = np.sign(offset[:, 1]) * np.maximum(np.abs(offset[:, 1]) - tall, 0.0)
        radius = start[3] + share * (end[3] - start[3])
        best = np.minimum(best, np.sqrt(np.einsum("ij,ij->i", offset, offset)) - radius)
    return best


def curve(knots: ArrayLike, per_interval: int) -> Array:
    """Catmull-Rom curve through `knots` [K, D], `per_interval` steps each: [(K - 1) * per_interval + 1, D]."""
    chain = np.asarray(knots, dtype=float)
    padded = np.concatenate([[2 * chain[0] - chain[1]], chain, [2 * chain[-1] - chain[-2]]])
    share = (np.arange(per_interval) / per_interval)[None, :, None]
    a, b, c, d = (padded[k : k + len(chain) - 1][:, None] for k in range(4))
    inner = 0.5 * (
        2 * b + (c - a) * share + (2 * a - 5 * b + 4 * c - d) * share**2 + (3 * b - a - 3 * c + d) * share**3
    )
    return np.concatenate([inner.reshape(-1, chain.shape[1]), chain[-1:]])


def outline(first: Array, second: Array, polygon: ArrayLike, *, rounding: float = 0.0, smooth: int = 0) -> Array:
    """Plane distance to a closed polygon [K, 2]; `rounding` grows it with round corners, `smooth` makes it a curve."""
    corners = np.asarray(polygon, dtype=float)
    if smooth:
        wrapped = np.concatenate([corners[-2:], corners, corners[:3]])
        corners = curve(wrapped, smooth)[2 * smooth : (len(corners) + 2) * smooth]
    best = np.full(first.shape, np.inf)
    inside = np.zeros(first.shape, dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        dx, dy = x1 - x0, y1 - y0
        share = np.clip(((first - x0) * dx + (second - y0) * dy) / max(dx * dx + dy * dy, 1e-12), 0.0, 1.0)
        best = np.minimum(best, np.hypot(first - x0 - share * dx, second - y0 - share * dy))
        if y0 != y1:
            spans = (y0 > second) != (y1 > second)
            inside ^= spans & (first < x0 + (second - y0) * dx / dy)
    return np.where(inside, -best, best) - rounding


def turn(axis: str, degrees: float) -> Array:
    """Rotation matrix [3, 3] about "x", "y" or "z"."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return matrix


def mirrored_halves(points: Array) -> Array:
    """Points with Z folded to the right side, for fields that are symmetric about the median plane."""
    return np.column_stack([points[:, :2], np.abs(points[:, 2])])


class Relief:
    """A smooth height over a plane through given places (polyharmonic interpolation with a linear part).

    For blades such as the ilium or the scapula: `Relief(places [K, 2], heights [K])(u, v)` is the height at (u, v).
    """

    def __init__(self, places: ArrayLike, heights: ArrayLike, *, softness: float = 0.0) -> None:
        self.places = np.asarray(places, dtype=float)
        count = len(self.places)
        system = np.zeros((count + 3, count + 3))
        system[:count, :count] = self._kernel(self.places[:, 0], self.places[:, 1]) + softness * np.eye(count)
        system[:count, count:] = np.column_stack([np.ones(count), self.places])
        system[count:, :count] = system[:count, count:].T
        self.weights = np.linalg.solve(system, np.concatenate([np.asarray(heights, dtype=float), np.zeros(3)]))

    def _kernel(self, first: Array, second: Array) -> Array:
        square = (first[:, None] - self.places[:, 0]) ** 2 + (second[:, None] - self.places[:, 1]) ** 2
        return 0.5 * square * np.log(square + 1e-12)

    def __call__(self, first: Array, second: Array) -> Array:
        count = len(self.places)
        plane = self.weights[count] + self.weights[count + 1] * first + self.weights[count + 2] * second
        return self._kernel(first, second) @ self.weights[:count] + plane


def blade(first: Array, second: Array, height: Array, middle: Relief, thickness: Relief, least: float) -> Array:
    """Distance to a curved sheet `height = middle(first, second)`, at least `least` mm thick."""
    step = 0.5
    centre = middle(first, second)
    slope_first = (middle(first + step, second) - centre) / step
    slope_second = (middle(first, second + step) - centre) / step
    steep = np.sqrt(1 + slope_first**2 + slope_second**2)
    return np.abs(height - centre) / steep - np.maximum(thickness(first, second), least) / 2
