"""What a real camera adds to a clean image: blur, vignetting, a white balance that is off, shot and read noise.

Works on finished 8-bit images in numpy alone. The same image, settings and seed give the same bytes on every machine:
between sRGB and light there are tables and square roots, nothing that a processor may round in its own way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError

Image = NDArray[np.uint8]
_STEPS = 8192  # of the table from light to sRGB, even in the root of light: finer than 1/8 of an 8-bit step everywhere


@dataclass(frozen=True, slots=True)
class SensorNoise:
    """A camera's faults. Signals are shares of full white.

    `full_well` is how many electrons white is: shot noise at white is 1/sqrt(full_well). `read_electrons` is the noise
    of the dark. `vignetting` is how much light the image's corners lose; `blur_px` the standard deviation of the
    softness; `white_balance` what red, green and blue are multiplied by.
    """

    full_well: float = 8000.0
    read_electrons: float = 6.0
    vignetting: float = 0.1
    blur_px: float = 0.3
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)


def noisy_image(pixels: Image, noise: SensorNoise, seed: int) -> Image:
    """The image [H, W, 3] (8-bit sRGB) as that camera would have taken it; the one given is left as it was.

    Args:
        pixels: the clean image.
        noise: of the recording.
        seed: of this image alone, such as that of its sampling.

    Raises:
        InputError: no 8-bit colour image.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise InputError(f"sensor noise is for 8-bit images [H, W, 3], not {pixels.dtype} {list(pixels.shape)}")
    light = _blurred(_light_of_bytes()[pixels], noise.blur_px)
    light *= _vignette(pixels.shape[0], pixels.shape[1], noise.vignetting)[..., None]
    light *= np.array(noise.white_balance, np.float32)
    light *= np.float32(noise.full_well)  # electrons from here on
    random = np.random.default_rng(seed)
    spread = np.sqrt(light + np.float32(noise.read_electrons**2))
    light += spread * random.standard_normal(light.shape, dtype=np.float32)
    np.clip(light / np.float32(noise.full_well), 0.0, 1.0, out=light)
    return _bytes_of_light()[(np.sqrt(light) * np.float32(_STEPS - 1) + np.float32(0.5)).astype(np.int32)]


def _vignette(height: int, width: int, loss: float) -> NDArray[np.float32]:
    """Share of light that reaches each pixel [H, W]: 1 in the middle, 1 - loss in the corners."""
    down = ((np.arange(height, dtype=np.float32) + 0.5) / height * 2.0 - 1.0) ** 2
    across = ((np.arange(width, dtype=np.float32) + 0.5) / width * 2.0 - 1.0) ** 2
    return (1.0 - np.float32(loss) * 0.5 * (down[:, None] + across[None, :])).astype(np.float32)


def _blurred(light: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Softened along both axes by a Gaussian of three taps, whose variance is right up to 0.7 px; edges repeated."""
    share = np.float32(min(sigma * sigma, 0.5) / 2.0)
    if share <= 0.0:
        return light.copy()
    for axis in (0, 1):
        padded = np.concatenate([light.take([0], axis), light, light.take([-1], axis)], axis)
        count = light.shape[axis]
        before, after = padded.take(range(count), axis), padded.take(range(2, count + 2), axis)
        light = (light + share * (before + after - 2.0 * light)).astype(np.float32)
    return light


@cache
def _light_of_bytes() -> NDArray[np.float32]:
    """Light [256] of 8-bit sRGB values (IEC 61966-2-1)."""
    value = np.arange(256) / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


@cache
def _bytes_of_light() -> Image:
    """8-bit sRGB values of light whose root is a step of the table."""
    light = (np.arange(_STEPS) / (_STEPS - 1)) ** 2
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1.0 / 2.4) - 0.055)
    return np.round(255.0 * encoded).astype(np.uint8)
