"""From a network's outputs to pixels of its input: maxima of SimCC's two axes or of heatmaps, refined below the bin.

SimCC (Li et al. 2022) gives a score for each of W * split columns and H * split rows; bin i stands for the pixel i /
split of the input, whose first pixel's centre is 0 (so MMPose encodes its labels). A heatmap's cell i stands for the
pixel i * stride ("stride", MMPose's MSRAHeatmap), for the pixel i (W - 1) / (w - 1) ("udp", Huang et al. 2020), or for
the middle of the stride x stride pixels that it covers, (i + 1/2) stride - 1/2 ("area").

Refinements: "none" is the maximum itself; "quarter" moves it a quarter of a bin towards the higher neighbour (what
heatmaps were first read with); "parabola" takes the vertex through three values, exact where the network gives
logarithms of a Gaussian, as RTMPose is trained to; "gaussian" does so with the logarithms of the values (DARK, Zhang
et al. 2020, in two dimensions for heatmaps), exact where it gives the Gaussian itself.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError

Array = NDArray[np.float64]
Refinement = Literal["none", "quarter", "parabola", "gaussian"]
HeatmapGrid = Literal["stride", "udp", "area"]
REFINEMENTS: tuple[Refinement, ...] = ("none", "quarter", "parabola", "gaussian")
HEATMAP_GRIDS: tuple[HeatmapGrid, ...] = ("stride", "udp", "area")

_LEAST = 1e-10  # below which a value tells nothing of a Gaussian


def decode_simcc(
    columns: NDArray[Any], rows: NDArray[Any], split: tuple[float, float], refine: Refinement = "none"
) -> tuple[Array, Array]:
    """Points [N, K, 2] in input pixels and scores [N, K] from SimCC outputs [N, K, W split] and [N, K, H split].

    The score is the mean of the two maxima, as SpinePose's own inference has it, and 0 where that is not positive.
    """
    x, best_x = _peaks(np.asarray(columns, np.float64), refine)
    y, best_y = _peaks(np.asarray(rows, np.float64), refine)
    return np.stack([x / split[0], y / split[1]], axis=-1), np.maximum((best_x + best_y) / 2, 0.0)


def decode_heatmaps(
    heatmaps: NDArray[Any], size: tuple[int, int], refine: Refinement = "gaussian", grid: HeatmapGrid = "stride"
) -> tuple[Array, Array]:
    """Points [N, K, 2] in pixels of an input of `size` (width, height), and scores [N, K], from [N, K, h, w].

    The score is the maximum, and 0 where that is not positive.
    """
    maps = np.asarray(heatmaps, np.float64)
    height, width = maps.shape[-2:]
    flat = maps.reshape(*maps.shape[:2], -1)
    best = flat.argmax(axis=-1)
    score = np.take_along_axis(flat, best[..., None], axis=-1)[..., 0]
    row, column = np.divmod(best, width)
    cells = np.stack([column, row], axis=-1).astype(np.float64)
    cells += _shift_in_map(maps, row, column, refine)
    return _to_input(cells, (width, height), size, grid), np.maximum(score, 0.0)


def _to_input(cells: Array, cell_counts: tuple[int, int], size: tuple[int, int], grid: HeatmapGrid) -> Array:
    counts, pixels = np.array(cell_counts, float), np.array(size, float)
    if grid == "udp":
        return cells * (pixels - 1) / np.maximum(counts - 1, 1)
    if grid == "area":
        return (cells + 0.5) * pixels / counts - 0.5
    if grid == "stride":
        return cells * pixels / counts
    raise InputError(f"there is no heatmap grid {grid!r}", hint=f"choose one of {', '.join(HEATMAP_GRIDS)}")


def _peaks(values: Array, refine: Refinement) -> tuple[Array, Array]:
    """Where along the last axis the maximum lies, in bins, and its value."""
    best = values.argmax(axis=-1)
    peak = np.take_along_axis(values, best[..., None], axis=-1)[..., 0]
    last = values.shape[-1] - 1
    inner = (best > 0) & (best < last)
    before = np.take_along_axis(values, np.maximum(best - 1, 0)[..., None], axis=-1)[..., 0]
    after = np.take_along_axis(values, np.minimum(best + 1, last)[..., None], axis=-1)[..., 0]
    return best.astype(np.float64) + np.where(inner, _shift(before, peak, after, refine), 0.0), peak


def _shift(before: Array, peak: Array, after: Array, refine: Refinement) -> Array:
    """How far from the middle of three values their maximum lies, at most half a bin."""
    if refine == "none":
        return np.zeros_like(peak)
    if refine == "quarter":
        return 0.25 * np.sign(after - before)
    if refine == "gaussian":
        before, peak, after = (np.log(np.maximum(each, _LEAST)) for each in (before, peak, after))
    elif refine != "parabola":
        raise InputError(f"there is no refinement {refine!r}", hint=f"choose one of {', '.join(REFINEMENTS)}")
    bend = before - 2 * peak + after
    shift = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, -1.0), 0.0)
    return np.clip(shift, -0.5, 0.5)


def _shift_in_map(maps: Array, row: NDArray[np.int64], column: NDArray[np.int64], refine: Refinement) -> Array:
    """[N, K, 2] (x, y) cells from the highest cell to the maximum: a Newton step, at most a cell each way."""
    height, width = maps.shape[-2:]
    inner = (row > 0) & (row < height - 1) & (column > 0) & (column < width - 1)
    image, keypoint = np.ogrid[: row.shape[0], : row.shape[1]]
    center_row = np.asarray(np.clip(row, 1, max(height - 2, 1)))
    center_column = np.asarray(np.clip(column, 1, max(width - 2, 1)))
    if refine == "none" or min(height, width) < 3:
        return np.zeros((*row.shape, 2))
    steps = np.arange(-1, 2)
    rows = np.expand_dims(center_row, (2, 3)) + steps[:, None]
    columns = np.expand_dims(center_column, (2, 3)) + steps
    near = maps[np.expand_dims(image, (2, 3)), np.expand_dims(keypoint, (2, 3)), rows, columns]  # [N, K, 3, 3]
    if refine in ("quarter", "parabola"):
        x = _shift(near[..., 1, 0], near[..., 1, 1], near[..., 1, 2], refine)
        y = _shift(near[..., 0, 1], near[..., 1, 1], near[..., 2, 1], refine)
        return np.where(inner[..., None], np.stack([x, y], axis=-1), 0.0)
    return np.where(inner[..., None], _newton(near), 0.0)


def _newton(near: Array) -> Array:
    """The maximum of the quadratic through the logarithms of 3 x 3 values, [..., 2] cells from their middle.

    A Gaussian that lies askew can have its highest cell more than half a cell away; farther than one tells of none.
    """
    log = np.log(np.maximum(near, _LEAST))
    slope_x, slope_y = (log[..., 1, 2] - log[..., 1, 0]) / 2, (log[..., 2, 1] - log[..., 0, 1]) / 2
    xx = log[..., 1, 2] - 2 * log[..., 1, 1] + log[..., 1, 0]
    yy = log[..., 2, 1] - 2 * log[..., 1, 1] + log[..., 0, 1]
    xy = (log[..., 2, 2] - log[..., 2, 0] - log[..., 0, 2] + log[..., 0, 0]) / 4
    determinant = xx * yy - xy * xy
    peaked = (xx < 0) & (determinant > 1e-12)
    safe = np.where(peaked, determinant, 1.0)
    x, y = -(yy * slope_x - xy * slope_y) / safe, -(xx * slope_y - xy * slope_x) / safe
    step = np.where(peaked[..., None], np.stack([x, y], axis=-1), 0.0)
    return np.clip(step, -1.0, 1.0)
