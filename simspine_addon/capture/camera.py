"""Camera: intrinsics, lens distortion and pose, in OpenCV's convention."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Camera:
    """`X_cam = R X_world + t`, world = OpenSim's ground (Y up, metres); camera x right, y down, z forward.

    Image points use OpenCV's convention: the centre of the top-left pixel is (0, 0). `distortion` holds the
    coefficients of `distortion_model`: "none", "brown_conrady" (k1 k2 p1 p2 [k3 [k4 k5 k6]]) or "fisheye"
    (OpenCV's k1..k4).
    """

    name: str
    size: tuple[int, int]  # width, height in pixels
    K: Array  # [3, 3]
    R: Array  # [3, 3]
    t: Array  # [3] m
    distortion_model: Literal["none", "brown_conrady", "fisheye"] = "none"
    distortion: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def center(self) -> Array:
        """The camera's place in the world, [3] m."""
        return -self.R.T @ self.t

    def letterboxed(self, size: tuple[int, int]) -> Camera:
        """The camera of the same picture, scaled evenly into `size` (width, height) with equal bars at two sides.

        That is how video programs fit a picture of one shape into another. Pixels, as areas, scale about the
        picture's edge, which lies half a pixel before the first pixel's centre.
        """
        scale = min(size[0] / self.size[0], size[1] / self.size[1])
        bar_x, bar_y = ((new - scale * old) / 2 for new, old in zip(size, self.size, strict=True))
        half = 0.5 * (scale - 1.0)
        into = np.array([[scale, 0.0, half + bar_x], [0.0, scale, half + bar_y], [0.0, 0.0, 1.0]])
        return replace(self, size=size, K=into @ self.K)
