"""What a camera sees at the centre of each pixel, from arrays: which triangle, how far, and where in it.

A triangle (a, b, c) before the camera is met by the ray d = (x, y, 1) of a pixel if d.(b x c), d.(c x a) and d.(a x b)
have one sign; these three, over their sum, are the barycentric coordinates of where, and the depth along the optical
axis is a.(b x c) over that sum. Nothing is projected for that, so it holds under any lens: d is the undistorted
direction of the pixel's centre. Two triangles that share an edge share its value but for the sign, so no ray slips
through between them. Everything is in double precision, and agrees with the labels as far as that goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..capture.camera import Camera
from ..capture.projection import project, viewing_directions

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

NEAREST_M = 1e-3  # nothing is seen nearer than this
_CHUNK = 1 << 19  # pairs of a triangle and a pixel looked at in one go
_LARGE = 1 << 12  # a triangle over more pixels than this is looked at alone
_BULGE = 0.25  # of a triangle's extent: how far a bent edge may leave the box of its ends


@dataclass(frozen=True, slots=True)
class FirstHits:
    """The nearest triangle at each pixel's centre; -1 and infinitely far where there is none."""

    triangle: NDArray[np.int32]  # [H, W]
    depth: Array  # [H, W] m along the optical axis

    @staticmethod
    def none(size: tuple[int, int]) -> FirstHits:
        """Hits of an empty scene; `size` is (width, height)."""
        return FirstHits(np.full(size[::-1], -1, np.int32), np.full(size[::-1], np.inf))

    def copy(self) -> FirstHits:
        return FirstHits(self.triangle.copy(), self.depth.copy())


@dataclass(frozen=True, slots=True)
class PixelRays:
    """The directions (x, y, 1) in the camera's frame in which the pixels' centres look, and between which they lie."""

    directions: Array  # [H, W, 2] x and y; NaN where the lens leads nowhere
    low: Array  # [2]
    high: Array  # [2]


def pixel_rays(camera: Camera) -> PixelRays:
    """The rays of a camera's pixels; its pose plays no part."""
    width, height = camera.size
    u, v = np.meshgrid(np.arange(width, dtype=float), np.arange(height, dtype=float))
    directions = viewing_directions(camera, np.stack([u, v], axis=-1))
    flat = directions[np.isfinite(directions).all(axis=-1)]
    return PixelRays(directions, flat.min(axis=0, initial=np.inf), flat.max(axis=0, initial=-np.inf))


def add_triangles(
    hits: FirstHits, camera: Camera, rays: PixelRays, vertices: Array, triangles: Indices, first: int = 0
) -> None:
    """Put triangles into `hits` where they are nearer than what is there; their numbers start at `first`.

    Args:
        hits: changed in place.
        camera: its lens is used, its pose is not.
        rays: of its pixels.
        vertices: [N, 3] m before the camera.
        triangles: [F, 3].
    """
    boxes, chosen = _pixel_boxes(camera, rays, vertices, triangles)
    if not len(chosen):
        return
    corners = vertices[triangles[chosen]]
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    edges = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1)  # [F, 3, 3]
    volumes = np.einsum("fi,fi->f", a, edges[:, 0])
    counts = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    target = hits.triangle.reshape(-1), hits.depth.reshape(-1)
    flat = rays.directions.reshape(-1, 2)
    for few in _chunks(counts):
        where, pixels = _pairs(boxes[few], counts[few], hits.depth.shape[1])
        where = few[where]
        values = [edges[where, k, 2] + _dot(flat[pixels], edges[where, k]) for k in range(3)]
        _keep_nearest(target, values, volumes[where], pixels, chosen[where] + first)
    for one in np.flatnonzero(counts > _LARGE).tolist():
        pixels = _pairs(boxes[[one]], counts[[one]], hits.depth.shape[1])[1]
        values = [flat[pixels] @ edges[one, k, :2] + edges[one, k, 2] for k in range(3)]
        same = np.broadcast_to(one, pixels.shape)
        _keep_nearest(target, values, volumes[same], pixels, chosen[same] + first)


def barycentric(directions: Array, corners: Array) -> Array:
    """Shares [N, 3] of the corners [N, 3, 3] of a triangle each, where the rays `directions` [N, 2] meet it."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ray = np.column_stack([directions, np.ones(len(directions))])
    values = np.stack([np.einsum("ni,ni->n", ray, np.cross(*pair)) for pair in ((b, c), (c, a), (a, b))], axis=1)
    return values / values.sum(axis=1, keepdims=True)


def _dot(directions: Array, edges: Array) -> Array:
    return directions[:, 0] * edges[:, 0] + directions[:, 1] * edges[:, 1]


def _keep_nearest(
    target: tuple[NDArray[np.int32], Array], values: list[Array], volumes: Array, pixels: Indices, numbers: Indices
) -> None:
    """Of pairs of a triangle and a pixel, [N] each, keep those that meet and are the nearest so far."""
    one, two, three = values
    inside = ((one >= 0) & (two >= 0) & (three >= 0)) | ((one <= 0) & (two <= 0) & (three <= 0))
    met = np.flatnonzero(inside)
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = volumes[met] / (one[met] + two[met] + three[met])
    pixels = pixels[met]
    triangle, nearest = target
    better = np.flatnonzero((depth > NEAREST_M) & (depth < nearest[pixels]))  # false for the NaN of a flat triangle
    better = better[np.argsort(-depth[better], kind="stable")]  # the last one written is the nearest
    nearest[pixels[better]] = depth[better]
    triangle[pixels[better]] = numbers[met][better]


def _pixel_boxes(camera: Camera, rays: PixelRays, vertices: Array, triangles: Indices) -> tuple[Indices, Indices]:
    """Boxes (x0, y0, x1, y1; ends left out) in which pixels may see a triangle, and these triangles' indices.

    Where a corner has no place in the image, behind the camera or beyond the lens's reach, that is the whole image.
    """
    width, height = camera.size
    may_be_seen = _in_view(rays, vertices, triangles)
    standing = replace(camera, R=np.eye(3), t=np.zeros(3))
    near = vertices[:, 2] > NEAREST_M
    pixels = project(standing, np.where(near[:, None], vertices, np.nan))[0]
    corners = pixels[triangles]
    known = np.isfinite(pixels[:, 0])[triangles].all(axis=1)
    low, high = _extent(corners)
    if camera.distortion_model != "none":
        margin = 1.0 + _BULGE * (high - low).max(axis=1, keepdims=True)
        low, high = low - margin, high + margin
    boxes = np.tile(np.array([0, 0, width, height], np.int64), (len(triangles), 1))
    with np.errstate(invalid="ignore"):
        limits = np.array([width, height])
        boxes[known, :2] = np.clip(np.ceil(low[known] - 1e-9), 0, limits)
        boxes[known, 2:] = np.clip(np.floor(high[known] + 1e-9) + 1, 0, limits)
    chosen = np.flatnonzero(may_be_seen & (boxes[:, 2:] > boxes[:, :2]).all(axis=1))
    return boxes[chosen], chosen


def _in_view(rays: PixelRays, vertices: Array, triangles: Indices) -> NDArray[np.bool_]:
    """Which triangles [F] are not wholly behind the camera, nor wholly ahead and beside all that its pixels see."""
    near = vertices[:, 2] > NEAREST_M
    whole = near[triangles].all(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        way = np.where(near[:, None], vertices[:, :2] / vertices[:, 2:], 0.0)[triangles]
    low, high = _extent(way)
    beside = ((high < rays.low) | (low > rays.high)).any(axis=1)
    return near[triangles].any(axis=1) & ~(whole & beside)


def _extent(corners: Array) -> tuple[Array, Array]:
    """Lowest and highest corner [F, 2] of triangles [F, 3, 2]; many times faster than a reduction over three."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    return np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)


def _chunks(counts: Indices) -> Iterator[Indices]:
    """Indices of the small boxes, so many at a time that their pixels are about `_CHUNK`."""
    small = np.flatnonzero(counts <= _LARGE)
    ends = np.cumsum(counts[small])
    start = 0
    while start < len(small):
        passed = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, passed + _CHUNK, side="right")), start + 1)
        yield small[start:stop]
        start = stop


def _pairs(boxes: Indices, counts: Indices, width: int) -> tuple[Indices, Indices]:
    """For every pixel of every box: the box's number, and the pixel's place in the flat image."""
    owner = np.repeat(np.arange(len(boxes)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    row, column = np.divmod(within, (boxes[:, 2] - boxes[:, 0])[owner])
    return owner, (boxes[owner, 1] + row) * width + boxes[owner, 0] + column
