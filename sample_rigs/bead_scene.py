"""Draw beads as round spots at given image points: pictures whose keypoints are known to a hundredth of a pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def draw_beads(pixels: Array, colors: Array, size: tuple[int, int], radius_px: float = 4.0) -> NDArray[np.uint8]:
    """A black picture [height, width, 3] BGR with a disk at each of `pixels` [K, 2] (OpenCV's convention).

    A pixel at the edge is covered by (radius + 1/2 - distance), which keeps the disk's middle where it should be.
    NaN points are left out; later beads lie over earlier ones. `colors` are RGB, 0 to 1, [K, 3].
    """
    width, height = size
    rows, columns = np.indices((height, width))
    picture = np.zeros((height, width, 3))
    for (x, y), color in zip(pixels, colors, strict=True):
        if np.isfinite(x + y):
            cover = np.clip(radius_px + 0.5 - np.hypot(columns - x, rows - y), 0.0, 1.0)[..., None]
            picture = picture * (1 - cover) + cover * color
    return np.ascontiguousarray(np.round(255 * picture[..., ::-1]).astype(np.uint8))
