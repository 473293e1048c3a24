"""Putting an image together: the surroundings' light, what the movers change of it, and where that must be traced.

A plate holds the light of the surroundings without the movers. Two small pictures of the scene, one with the movers
(themselves unseen) and one without, tell by what factors they change it. Where these vary slowly, as on most of what
surrounds a person, the plate times the factors is the image, without noise. Where the movers stand, and close to them
where their shadows have edges, light is traced anew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Window = tuple[int, int, int, int]  # x, y, width, height in whole px
Shares = NDArray[np.float32]

MARGIN_PX = 24  # between the movers' box and the window's edge
FADE_PX = 16  # of the window's edge, over which what is traced passes into the plate
# How much the logarithm of the factors may vary from a pixel of the shade to those around it: up to the first the plate
# is shown to the camera, from the second on light is traced; and the same of what then becomes of the image.
KNOWN_BELOW, TRACED_ABOVE = 0.06, 0.14
PLAIN_BELOW, TAKEN_ABOVE = 0.09, 0.17
_REACH_PX = 24  # beyond a window, in which it takes in strong shadows
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


def shading(shade: Shares, plate_shade: Shares) -> Shares:
    """What the movers do to the light of their surroundings, [h, w, 3]: factors, 1 where nothing.

    Both shades are [h, w, 3]. A path of light that hits or misses a lamp by chance leaves a grain of one pixel, which
    is no shadow: none stands out from all that are around it.
    """
    darkest = np.float32(_DARKEST * float(plate_shade.mean()) + 1e-9)
    # Averaged as images store light: the mean of a shadow's darkness in the image stays what it was.
    change = (((shade + darkest) / (plate_shade + darkest)) ** (1 / _GAMMA)).astype(np.float32)
    return _smooth(_without_grains(change)) ** np.float32(_GAMMA)


def shaded(light: NDArray[np.floating], factors: Shares) -> Shares:
    """The light [H, W, 3] of a plate times its factors [h, w, 3]."""
    height, width = light.shape[:2]
    return light.astype(np.float32) * _across(_between(factors, np.arange(height), height), np.arange(width), width)


def widened(window: Window, factors: Shares, size: tuple[int, int]) -> Window:
    """A window that takes in what must be traced close to it as well: sharp shadows beside the feet."""
    strong: NDArray[np.bool_] = _variation(factors)[..., 0] > TRACED_ABOVE
    places = [
        (np.arange(count)[:, None] + [-0.5, 1.5]) * size[axis] / count for axis, count in enumerate(strong.T.shape)
    ]
    for axis, cells in enumerate(places):
        near = (cells[:, 0] < window[axis] + window[axis + 2] + _REACH_PX) & (cells[:, 1] > window[axis] - _REACH_PX)
        strong = strong & (near[None, :] if axis == 0 else near[:, None])
    if not strong.any():
        return window
    edges = []
    for axis, cells in enumerate(places):
        start, end = window[axis], window[axis] + window[axis + 2]
        low, high = cells[strong.any(axis=axis)][[0, -1], [0, 1]]
        first = max(min(start, int(low) - FADE_PX), start - _REACH_PX, 0)
        edges.append((first, min(max(end, int(high) + FADE_PX), end + _REACH_PX, size[axis])))
    (left, right), (top, bottom) = edges
    return left, top, right - left, bottom - top


def known(factors: Shares, window: Window, size: tuple[int, int]) -> Shares:
    """How far each pixel of a window takes the plate's light rather than tracing it, [rows, columns], 0 to 1.

    At the window's edges it is 1, except where these are the image's.
    """
    flat = _flatness(factors, window, size, KNOWN_BELOW, TRACED_ABOVE)
    return np.maximum(flat, 1.0 - fade(window, size)).astype(np.float32)


def taken(factors: Shares, window: Window, size: tuple[int, int], surroundings: Shares) -> Shares:
    """How far each pixel of a window is what was traced there, rather than the plate, [rows, columns], 0 to 1.

    `surroundings` says how much of each pixel they are, and not the movers. The denoiser sees an edge where tracing
    ends; so the plate takes over a little before that, and at the window's edges, but never next to a mover.
    """
    flat = _flatness(factors, window, size, PLAIN_BELOW, TAKEN_ABOVE)
    alone = _smooth(_least_near(surroundings[..., None]))[..., 0]
    return (fade(window, size) * (1.0 - flat * alone)).astype(np.float32)


def fade(window: Window, size: tuple[int, int]) -> Shares:
    """Weights of a window's pixels [rows, columns], rising from 0 at its edges, except where these are the image's."""
    x, y, across, down = window
    return np.minimum(_rising(y, down, size[1])[:, None], _rising(x, across, size[0])[None, :])


def _flatness(factors: Shares, window: Window, size: tuple[int, int], all_below: float, none_above: float) -> Shares:
    """Of each pixel of a window [rows, columns]: 1 where the factors vary less than one limit, 0 from the other on."""
    x, y, across, down = window
    varies = _between(_variation(factors), np.arange(y, y + down), size[1])
    part = _across(varies, np.arange(x, x + across), size[0])[..., 0]
    return np.clip((none_above - part) / (none_above - all_below), 0.0, 1.0)


def _variation(factors: Shares) -> Shares:
    """[h, w, 1]: the range of the factors' logarithm over each pixel of the shade and the eight around it."""
    logarithm = np.log(np.maximum(factors, np.float32(1e-6)))
    around = _neighbours(logarithm)
    low, high = (np.minimum(around.min(axis=0), logarithm), np.maximum(around.max(axis=0), logarithm))
    return (high - low).max(axis=-1, keepdims=True)


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
    around = _neighbours(values)
    return np.clip(values, around.min(axis=0), around.max(axis=0))


def _least_near(values: Shares) -> Shares:
    """The least of values [h, w, n] as far around as `_smooth` reaches."""
    reach = int(3 * _SMOOTHING)
    for axis in (0, 1):
        wide = np.pad(values, [(reach, reach) if each == axis else (0, 0) for each in range(3)], mode="edge")
        count = values.shape[axis]
        shifted = [np.take(wide, np.arange(i, i + count), axis) for i in range(2 * reach + 1)]
        values = np.min(shifted, axis=0).astype(np.float32)
    return values


def _neighbours(values: Shares) -> Shares:
    """The eight around each of values [h, w, n], in a first axis."""
    height, width = values.shape[:2]
    wide = np.pad(values, [(1, 1), (1, 1), (0, 0)], mode="edge")
    others = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    return np.stack([wide[i : i + height, j : j + width] for i, j in others])


def _smooth(values: Shares) -> Shares:
    """A Gaussian over the first two axes; what would be beyond the edges has no weight."""
    reach = int(3 * _SMOOTHING)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SMOOTHING) ** 2).astype(np.float32)
    for axis in (0, 1):
        wide = np.pad(values, [(reach, reach) if each == axis else (0, 0) for each in range(3)])
        count = values.shape[axis]
        moved = [share * np.take(wide, np.arange(i, i + count), axis) for i, share in enumerate(kernel)]
        weights = np.convolve(np.ones(count, np.float32), kernel)[reach : reach + count]
        values = (np.sum(moved, axis=0) / np.expand_dims(weights, (1 - axis, 2))).astype(np.float32)
    return values
