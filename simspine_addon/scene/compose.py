"""Putting an image together: the plate, what the movers shade of it, and the window around them rendered anew.

All in 8-bit sRGB as it is finished. There a shadow is a factor, as it is in light itself: (s L)^(1/2.2) is
s^(1/2.2) L^(1/2.2). So the plate is multiplied by the ratio of two small pictures, one with the movers and one without.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Window = tuple[int, int, int, int]  # x, y, width, height in whole px
Shares = NDArray[np.float32]

MARGIN_PX = 24  # between the movers' box and the window's edge: two pixels of the shade and the fade
FADE_PX = 8  # of the window's edge, over which it passes into the plate
_MOST_OF_IMAGE = 0.6  # a window larger than that is not worth a plate
_DARKEST = 0.02  # added to both pictures of a ratio, so that black over black is 1
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


def shading(shade: Shares, plate_shade: Shares, box: ArrayLike, size: tuple[int, int]) -> Shares:
    """What the movers do to their surroundings, [h, w, 3]: factors on a plate, 1 where nothing.

    Both shades are [h, w, 3]. Where the movers themselves are seen, in their box, the factors are those around it.
    """
    ratio = ((shade + _DARKEST) / (plate_shade + _DARKEST)).astype(np.float32)
    weight = np.ones(ratio.shape[:2], np.float32)
    x, y, across, down = np.asarray(box, float)
    if np.isfinite([x, y, across, down]).all():
        step = np.array(size) / (ratio.shape[1], ratio.shape[0])
        low = np.maximum(np.floor((np.array([x, y]) + 0.5) / step).astype(int), 0)
        high = np.ceil((np.array([x + across, y + down]) + 0.5) / step).astype(int)
        weight[low[1] : high[1], low[0] : high[0]] = 0.0
    total = _smooth(weight[..., None])
    known = _smooth(ratio * weight[..., None]) / np.maximum(total, np.float32(1e-6))
    return np.where(total > 1e-3, known, np.float32(1.0)).astype(np.float32)


def compose(
    plate: NDArray[np.uint8], factors: Shares, window: Window | None, inside: NDArray[np.uint8] | None
) -> NDArray[np.uint8]:
    """The image [H, W, 3]: the plate times its factors [h, w, 3], and in the window what was rendered there."""
    height, width = plate.shape[:2]
    image = _shaded(plate, factors)
    if window is None or inside is None:
        return image
    x, y, across, down = window
    if inside.shape[:2] != (down, across):
        raise RuntimeError(f"the window was rendered as {inside.shape[1]} x {inside.shape[0]}, not {across} x {down}")
    part = np.minimum(_fade(y, down, height)[:, None], _fade(x, across, width)[None, :])[..., None]
    under = image[y : y + down, x : x + across]
    under[...] = np.rint(under + part * (inside.astype(np.float32) - under))
    return image


def _shaded(plate: NDArray[np.uint8], factors: Shares) -> NDArray[np.uint8]:
    height, width = plate.shape[:2]
    rows = _between(factors, height)
    every = _between(np.ascontiguousarray(rows.transpose(1, 0, 2)), width).transpose(1, 0, 2)
    return np.clip(np.rint(plate * every), 0, 255).astype(np.uint8)


def _between(values: Shares, count: int) -> Shares:
    """Values [n, m, 3] read at `count` places along the first axis, linearly between pixel centres."""
    own = len(values)
    place = np.clip((np.arange(count) + 0.5) * own / count - 0.5, 0, own - 1).astype(np.float32)
    low = np.minimum(place.astype(int), own - 2)
    part = (place - low.astype(np.float32))[:, None, None]
    return (values[low] + part * (values[low + 1] - values[low])).astype(np.float32, copy=False)


def _fade(start: int, length: int, whole: int) -> Shares:
    """Weights along one side of a window: rising from its edges, except where these are the image's."""
    place = np.arange(length, dtype=np.float32)
    rising = np.ones(length, np.float32) if start == 0 else (place + 0.5) / FADE_PX
    falling = np.ones(length, np.float32) if start + length == whole else (length - 0.5 - place) / FADE_PX
    return np.clip(np.minimum(rising, falling), 0.0, 1.0).astype(np.float32)


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
