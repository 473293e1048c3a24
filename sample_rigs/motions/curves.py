"""Smooth curves through a few known values: what a joint or a foot does between the moments that are given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BPoly

Array = NDArray[np.float64]
FRAME_RATE = 50.0


def frame_times(duration_s: float) -> Array:
    """Times of the frames, both ends included, [T] s."""
    return np.arange(round(duration_s * FRAME_RATE) + 1) / FRAME_RATE


def moves(time: Array, keys: Sequence[tuple[float, float]]) -> Array:
    """Minimum-jerk moves (Flash & Hogan 1985) from one still value to the next; equal neighbours hold, [T].

    `keys` is (time s, value), in order; before the first and after the last the value stays.
    """
    moments, values = (np.array(column, dtype=float) for column in zip(*keys, strict=True))
    index = np.clip(np.searchsorted(moments, time, side="right") - 1, 0, len(moments) - 2)
    s = np.clip((time - moments[index]) / (moments[index + 1] - moments[index]), 0.0, 1.0)
    return values[index] + (values[index + 1] - values[index]) * s**3 * (10.0 - 15.0 * s + 6.0 * s**2)


def hermite(x: Array, nodes: Sequence[tuple[float, float, float, float]]) -> Array:
    """Quintic pieces through (x, value, slope, curvature): twice continuously differentiable, [T]."""
    places = [node[0] for node in nodes]
    return BPoly.from_derivatives(places, [list(node[1:]) for node in nodes])(x)
