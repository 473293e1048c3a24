"""The edges of a vertebral body in a sagittal section of its mesh: where a reader of radiographs would draw lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.mesh_files import MeshData

Array = NDArray[np.float64]

_SPACING_M = 2.5e-4  # of the points along a section
_TRIM = 0.12  # of the depth at either end, where the rims are rounded
_BINS = 24
_SACRAL_SLOPE_DEG = 40.0  # where the search for the sacral endplate begins; standing means are 36 to 41
_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Line:
    """An endplate's edge in a section: its back and front ends, [2] each (X forward, Y up; m)."""

    back: Array
    front: Array

    @property
    def depth(self) -> float:
        """Length from back to front, m."""
        return float(np.linalg.norm(self.front - self.back))


def mesh_triangles(vertices: Array, mesh: MeshData) -> Array:
    """The mesh's polygons as fans of triangles, [N, 3, 3] m."""
    sizes = np.diff(mesh.offsets)
    counts = np.maximum(sizes - 2, 0)
    step = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    first = np.repeat(mesh.offsets[:-1], counts)
    corners = np.stack([first, first + 1 + step, first + 2 + step], axis=1)
    return vertices[mesh.indices[corners]]


def body_lines(triangles: Array, z: float) -> tuple[Line, Line] | None:
    """The upper and the lower edge of a vertebral body in the section at `z`; None where there is none.

    The body is that closed part of the section which reaches farthest forward: the canal parts it from the arch.
    """
    outline = _foremost_outline(section(triangles, z))
    if outline is None:
        return None
    upper = _edge(outline, 1.0)
    lower = _edge(outline, -1.0)
    return None if upper is None or lower is None else (upper, lower)


def sacrum_lines(triangles: Array, z: float, depth: float) -> tuple[Line] | None:
    """The sacral endplate in the section at `z`: from the promontory back over `depth` m; None where there is none."""
    outline = _foremost_outline(section(triangles, z))
    if outline is None:
        return None
    lean = np.radians(_SACRAL_SLOPE_DEG if _slope_of(outline) else 0.0)
    return _one(_sacral_edge(outline, depth, lean))


def _one(line: Line | None) -> tuple[Line] | None:
    return None if line is None else (line,)


def _slope_of(outline: Array) -> bool:
    """Whether the sacrum stands in its body as in a standing person, its tip behind the promontory."""
    front = outline[np.argmax(outline[:, 0])]
    return bool(front[1] < outline[:, 1].max() - 0.3 * np.ptp(outline[:, 0]))


def section(triangles: Array, z: float) -> tuple[Array, NDArray[np.int64]]:
    """Segments [N, 2, 2] (x, y) where the plane cuts the triangles, and the connected part [N] each belongs to."""
    height = triangles[..., 2] - z
    height = np.where(height == 0.0, 1e-12, height)
    above = height > 0
    cut = triangles[above.any(axis=1) & ~above.all(axis=1)]
    height = height[above.any(axis=1) & ~above.all(axis=1)]
    # The corner that is alone on its side comes first: the two edges from it are cut.
    positive = height > 0
    alone = np.where(positive.sum(axis=1) == 1, positive.argmax(axis=1), (~positive).argmax(axis=1))
    rows = np.arange(len(cut))[:, None]
    order = (alone[:, None] + np.arange(3)) % 3
    cut, height = cut[rows, order], height[rows, order]
    share = height[:, :1] / (height[:, :1] - height[:, 1:])
    ends = cut[:, :1] + share[..., None] * (cut[:, 1:] - cut[:, :1])
    segments = ends[..., :2]
    return segments, _parts(segments)


def _parts(segments: Array) -> NDArray[np.int64]:
    """Number of the connected part of each segment [N]; ends closer than a hundredth of a millimetre are joined."""
    keys = np.round(segments.reshape(-1, 2) / 1e-5).astype(np.int64)
    _, nodes = np.unique(keys, axis=0, return_inverse=True)
    nodes = nodes.reshape(-1, 2)
    label = np.arange(nodes.max() + 1 if len(nodes) else 0)
    while True:  # each round spreads the lowest label along one more segment, and jumps along what is known
        lowest = np.minimum(label[nodes[:, 0]], label[nodes[:, 1]])
        new = label.copy()
        np.minimum.at(new, nodes[:, 0], lowest)
        np.minimum.at(new, nodes[:, 1], lowest)
        new = new[new]
        if np.array_equal(new, label):
            return label[nodes[:, 0]]
        label = new


def _foremost_outline(cut: tuple[Array, NDArray[np.int64]]) -> Array | None:
    """Points [N, 2] along the part of a section that reaches farthest forward."""
    segments, parts = cut
    if len(segments) < 4:
        return None
    segments = segments[parts == parts[np.argmax(segments[..., 0].max(axis=1))]]
    lengths = np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1)
    counts = np.maximum(np.ceil(lengths / _SPACING_M).astype(int), 1)
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    share = (step + 0.5) / np.repeat(counts, counts)
    start, end = (np.repeat(segments[:, i], counts, axis=0) for i in (0, 1))
    return start + share[:, None] * (end - start)


def _edge(outline: Array, side: float) -> Line | None:
    """The upper (side 1) or lower (-1) edge of a body's outline, found by turning until the line stays put."""
    lean = 0.0
    line = None
    for _ in range(_ROUNDS):
        forward, up = _axes(lean)
        along, height = outline @ forward, side * (outline @ up)
        line = _envelope(along, height, float(along.min()), float(along.max()))
        if line is None:
            return None
        slope = side * line[1]
        lean -= np.arctan(slope)
        if abs(slope) < 1e-6:
            break
    return _line(line, lean, side)


def _sacral_edge(outline: Array, depth: float, lean: float) -> Line | None:
    line = None
    for _ in range(_ROUNDS):
        forward, up = _axes(lean)
        along, height = outline @ forward, outline @ up
        front = float(along[np.argmax(along + height)])  # the promontory
        line = _envelope(along, height, front - depth, front)
        if line is None:
            return None
        lean -= np.arctan(line[1])
        if abs(line[1]) < 1e-6:
            break
    return _line(line, lean, 1.0)


def _axes(lean: float) -> tuple[Array, Array]:
    """Forward and up of a plate that leans forward by `lean` rad."""
    return np.array([np.cos(lean), -np.sin(lean)]), np.array([np.sin(lean), np.cos(lean)])


def _envelope(along: Array, height: Array, low: float, high: float) -> tuple[float, float, float, float] | None:
    """Straight line (height at 0, slope) through the highest points between `low` and `high`, and these two."""
    trim = _TRIM * (high - low)
    place = (along - low - trim) / max(high - low - 2 * trim, 1e-9) * _BINS
    inside = (place >= 0) & (place < _BINS)
    top = np.full(_BINS, -np.inf)
    np.maximum.at(top, place[inside].astype(int), height[inside])
    seen = np.isfinite(top)
    if seen.sum() < _BINS // 2:
        return None
    middles = low + trim + (np.arange(_BINS) + 0.5) / _BINS * (high - low - 2 * trim)
    start, slope = _median_line(middles[seen], top[seen])
    return start, slope, low, high


def _median_line(x: Array, y: Array) -> tuple[float, float]:
    """Height at 0 and slope by the median of all pairs' slopes (Theil and Sen): a lip or a slanted wall does not turn
    it."""
    one, two = np.triu_indices(len(x), 1)
    slope = float(np.median((y[two] - y[one]) / (x[two] - x[one])))
    return float(np.median(y - slope * x)), slope


def _line(found: tuple[float, float, float, float] | None, lean: float, side: float) -> Line | None:
    if found is None:
        return None
    start, slope, low, high = found
    forward, up = _axes(lean)
    # `lean` has already been turned by the slope, which is nought once the rounds have settled
    back, front = (place * forward + side * (start + slope * place) * up for place in (low, high))
    return Line(back, front)
