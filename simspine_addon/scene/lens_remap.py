"""Lens distortion after rendering: a wider image without distortion, resampled into what the lens shows.

For Blenders and devices without cameras of Open Shading Language. The wider image covers every ray that the lens lets
onto the picture, with pixels as fine as the picture's finest. Each pixel of the picture is the mean of some places
spread evenly over its square, each read between four pixels of the wider image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..capture.camera import Camera
from ..capture.projection import distort, viewing_directions
from ..model.errors import InputError

Array = NDArray[np.float64]
Image = NDArray[np.float32]

MOST_PIXELS = 64_000_000
"""Of the wider image: a lens that needs more sees too far off its axis to be made from a flat picture."""

_BORDER = 2  # pixels of the wider image beyond the outermost ray, to read between
_FEWEST_PLACES, _MOST_PLACES = 2, 3  # along each side of a pixel


@dataclass(frozen=True, slots=True)
class LensRemap:
    """`camera` is what the picture is to show, `wider` the camera without distortion to render instead; `places`
    [N, H, W, 2] are where each pixel of the picture is read in the wider image (x, y), NaN where no ray leads."""

    camera: Camera
    wider: Camera
    places: Image

    def apply(self, wider_image: NDArray[np.floating]) -> Image:
        """The picture [H, W, C] out of the wider image [H', W', C], both with rows from top to bottom.

        Colours should be linear light, as Cycles makes them. What no ray reaches is 0.
        """
        width, height = self.wider.size
        if wider_image.shape[:2] != (height, width):
            raise ValueError(f"the wider image has the shape {wider_image.shape}, not {height} x {width}")
        image = np.ascontiguousarray(wider_image, np.float32).reshape(height * width, -1)
        picture = np.zeros((*self.places.shape[1:3], image.shape[1]), np.float32)
        for places in self.places:
            _add_between(picture, image, places, width)
        return picture / np.float32(len(self.places))

    def to_wider(self, pixels: Array) -> Array:
        """Where image points [..., 2] of the picture lie in the wider image, [..., 2]; NaN where no ray leads."""
        return _to_wider(self.camera, self.wider, pixels)

    def wider_box(self, box: Array) -> Array:
        """The box (x, y, width, height) of the wider image that a box of the picture is made from; NaN if none."""
        x, y, width, height = np.asarray(box, float)
        along = np.linspace(0.0, 1.0, 65)
        ends = [(along, end) for end in (0.0, 1.0)] + [(end, along) for end in (0.0, 1.0)]
        edge = np.concatenate([np.stack(np.broadcast_arrays(*pair), axis=-1) for pair in ends])
        places = self.to_wider(np.array([x - 1.0, y - 1.0]) + edge * np.array([width + 2.0, height + 2.0]))
        places = places[np.isfinite(places).all(axis=-1)]
        if not len(places):
            return np.full(4, np.nan)
        low, high = places.min(axis=0) - _BORDER, places.max(axis=0) + _BORDER
        return np.concatenate([low, high - low])


def lens_remap(camera: Camera) -> LensRemap:
    """What to render instead of a distorted camera, and how to resample it.

    Raises:
        InputError: a lens that shows nothing, or one for which more than 64 million pixels would be rendered.
    """
    width, height = camera.size
    across, down = np.linspace(-0.5, width - 0.5, 257), np.linspace(-0.5, height - 0.5, 257)
    directions = viewing_directions(camera, np.stack(np.meshgrid(across, down), axis=-1))
    directions = directions[np.isfinite(directions).all(axis=-1)]
    if not len(directions):
        raise InputError(f"camera '{camera.name}': its lens shows nothing", hint="correct the distortion coefficients")
    low, high = directions.min(axis=0), directions.max(axis=0)
    finest, coarsest = _magnifications(camera, directions)
    focal = camera.K[[0, 1], [0, 1]] * finest
    size = np.ceil(focal * (high - low)).astype(int) + 2 * _BORDER + 1
    if size.prod() > MOST_PIXELS:
        raise InputError(
            f"camera '{camera.name}' sees so far off its axis that {size[0]}x{size[1]} px would have to be rendered",
            hint="render in Blender 4.5 or later on the CPU or by OptiX, which bend the rays themselves",
        )
    principal = _BORDER - focal * low
    K = np.array([[focal[0], 0.0, principal[0]], [0.0, focal[1], principal[1]], [0.0, 0.0, 1.0]])
    wider = Camera(camera.name, (int(size[0]), int(size[1])), K, camera.R, camera.t)
    count = int(np.clip(np.ceil(finest / coarsest), _FEWEST_PLACES, _MOST_PLACES))
    offsets = (np.arange(count) + 0.5) / count - 0.5
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float64)
    places = [_to_wider(camera, wider, pixels + np.array([right, down])) for down in offsets for right in offsets]
    return LensRemap(camera, wider, np.stack(places).astype(np.float32))


def _to_wider(camera: Camera, wider: Camera, pixels: Array) -> Array:
    return viewing_directions(camera, pixels) @ wider.K[:2, :2].T + wider.K[:2, 2]


def _magnifications(camera: Camera, directions: Array) -> tuple[float, float]:
    """How fine the picture is where it is finest, held to 1 and 2, and where it is coarsest, against a flat picture of
    the same focal length."""
    step = 1e-5
    moved = [(distort(camera, directions + off) - distort(camera, directions)) / step for off in step * np.eye(2)]
    stretches = np.linalg.svd(np.stack(moved, axis=-1), compute_uv=False)
    finest = float(np.clip(np.percentile(stretches[:, 0], 99), 1.0, 2.0))  # beyond, nobody would see a difference
    return finest, max(float(np.percentile(stretches[:, 1], 1)), 1e-3)


def _add_between(picture: Image, image: Image, places: Image, width: int) -> None:
    """Add to `picture` [H, W, C] what `image` [H' W', C] is at `places` [H, W, 2], on straight lines between pixels."""
    seen = np.isfinite(places[..., 0])
    x, y = places[seen].T
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, low = (x - left)[:, None], (y - top)[:, None]
    corner = top * width + left
    upper = image[corner] * (1 - right) + image[corner + 1] * right
    lower = image[corner + width] * (1 - right) + image[corner + width + 1] * right
    picture[seen] += upper * (1 - low) + lower * low
