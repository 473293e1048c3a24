"""Putting an image together: the surroundings' light, what the movers change of it, and where that must be traced.

A plate holds the light of the surroundings without the movers. Two small pictures of the scene, one with the movers
(themselves unseen) and one without, tell by what factors they change it. Where these are near 1, as on most of what
surrounds a person, the plate times the factors is the image, without noise. Where the movers stand, and close to them
where their shadows are sharp, light is traced anew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Window = tuple[int, int, int, int]  # x, y, width, height in whole px
Shares = NDArray[np.float32]

MARGIN_PX = 24  # between the movers' box and the window's edge
FADE_PX = 8  # of the window's edge, over which what is traced passes into the plate
KNOWN_BELOW, TRACED_ABOVE = 0.06, 0.12  # change of the logarithm of light: below it is the plate's, above it is traced
_MOST_OF_IMAGE = 0.6  # a window larger than that is not worth a plate
_DARKEST = 0.001  # share of the mean light that is added to both pictures of a ratio, so that black over black is 1
_GAMMA = 2.2
_SMOOTHING = 1.5  # standard deviation in pixels of the shade


def window_around(box: ArrayLike, size: tuple[int, int]) -> Window | None:
    """The window that takes in a box (x, y, width, height) in px with its margin; None if that is not in the image.

    An image point (x, y) has its pixel's centre at whole numbers, so pixel i reaches from i - 1/2 to i + 1/2.
    """
    x, y, across, down = np.asarray(box, float)
    if not np.isfinite([x, y, across, down]).all():
        return None
    low = np.maximum(np.floor([x + 0.5, y + 0.5]).astype(int) - MARGIN_PX, 0)
    high = np.minimum(np.ceil([x + across + 0.5, y + down + 0.5]).astype(int) + MARGIN_PX, size)
    if (high <= low).any():
        return None
    return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


def fills_image(window: Window, size: tuple[int, int]) -> bool:
    """Whether a window leaves so little of the image that this is better rendered as a whole."""
    return window[2] * window[3] > _MOST_OF_IMAGE * size[0] * size[1]


def shading(shade: Shares, plate_shade: Shares) -> Shares:
    """What the movers do to the light of their surroundings, [h, w, 3]: factors, 1 where nothing.

    Both shades are [h, w, 3]. A path of light that hits or misses a lamp by chance leaves a grain of one pixel, which
    is no shadow: none stands out from all that are around it.
    """
    darkest = np.float32(_DARKEST * float(plate_shade.mean()) + 1e-9)
    # Averaged as images store light: the mean of a shadow's darkness in the image stays what it was.
    change = (((shade + darkest) / (plate_shade + darkest)) ** (1 / _GAMMA)).astype(np.float32)
    even = _smooth(np.ones((*change.shape[:2], 1), np.float32))
    return (_smooth(_without_grains(change)) / even) ** np.float32(_GAMMA)


def shaded(light: NDArray[np.floating], factors: Shares) -> Shares:
    """The light [H, W, 3] of a plate times its factors [h, w, 3]."""
    height, width = light.shape[:2]
    return light.astype(np.float32) * _across(_between(factors, np.arange(height), height), np.arange(width), width)


def known(factors: Shares, window: Window, size: tuple[int, int]) -> Shares:
    """How far each pixel of a window takes the plate's light rather than tracing it, [rows, columns], 0 to 1.

    At the window's edges it is 1, except where these are the image's.
    """
    x, y, across, down = window
    part = _across(_between(factors, np.arange(y, y + down), size[1]), np.arange(x, x + across), size[0])
    change = np.abs(np.log(np.maximum(part, np.float32(1e-6)))).max(axis=-1)
    flat = np.clip((TRACED_ABOVE - change) / (TRACED_ABOVE - KNOWN_BELOW), 0.0, 1.0)
    return np.maximum(flat, 1.0 - fade(window, size)).astype(np.float32)


def fade(window: Window, size: tuple[int, int]) -> Shares:
    """Weights of a window's pixels [rows, columns], rising from 0 at its edges, except where these are the image's."""
    x, y, across, down = window
    return np.minimum(_rising(y, down, size[1])[:, None], _rising(x, across, size[0])[None, :])


def _between(values: Shares, places: NDArray[np.int_], whole: int) -> Shares:
    """Values [n, m, 3] at some of `whole` places along the first axis, linearly between pixel centres."""
    own = len(values)
    place = np.clip((places + 0.5) * own / whole - 0.5, 0, own - 1).astype(np.float32)
    low = np.minimum(place.astype(int), own - 2)
    part = (place - low.astype(np.float32))[:, None, None]
    return (values[low] + part * (values[low + 1] - values[low])).astype(np.float32, copy=False)


def _across(values: Shares, places: NDArray[np.int_], whole: int) -> Shares:
    return _between(np.ascontiguousarray(values.transpose(1, 0, 2)), places, whole).transpose(1, 0, 2)


def _rising(start: int, length: int, whole: int) -> Shares:
    """Weights along one side of a window: rising from its edges, except where these are the image's."""
    place = np.arange(length, dtype=np.float32)
    rising = np.ones(length, np.float32) if start == 0 else place / FADE_PX
    falling = np.ones(length, np.float32) if start + length == whole else (length - 1 - place) / FADE_PX
    return np.clip(np.minimum(rising, falling), 0.0, 1.0).astype(np.float32)


def _without_grains(values: Shares) -> Shares:
    height, width = values.shape[:2]
    wide = np.pad(values, [(1, 1), (1, 1), (0, 0)], mode="edge")
    others = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    around = np.stack([wide[i : i + height, j : j + width] for i, j in others])
    return np.clip(values, around.min(axis=0), around.max(axis=0))


def _smooth(values: Shares) -> Shares:
    """A Gaussian over the first two axes; beyond the edges counts as nothing."""
    reach = int(3 * _SMOOTHING)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SMOOTHING) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    for axis in (0, 1):
        wide = np.pad(values, [(reach, reach) if each == axis else (0, 0) for each in range(3)])
        count = values.shape[axis]
        moved = [share * np.take(wide, np.arange(i, i + count), axis) for i, share in enumerate(kernel)]
        values = np.sum(moved, axis=0).astype(np.float32)
    return values
