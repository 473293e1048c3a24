"""Camera: intrinsics, lens distortion and pose, in OpenCV's convention."""

from __future__ import annotations

from dataclasses import dataclass, field
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
