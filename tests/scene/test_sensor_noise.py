"""The camera's noise on finished images: its variance is that of counted photons, and it repeats to the byte."""

from __future__ import annotations

import numpy as np
import pytest
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.scene.sensor_noise import SensorNoise, noisy_image

CLEAN = SensorNoise(full_well=1e12, read_electrons=0.0, vignetting=0.0, blur_px=0.0)


def linear(values: np.ndarray) -> np.ndarray:
    share = np.asarray(values, float) / 255.0
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def test_perfect_camera_changes_no_pixel() -> None:
    ramp = np.arange(256, dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(3, 2)
    assert (noisy_image(ramp, CLEAN, 0) == ramp).all()


@pytest.mark.parametrize("level", [60, 128, 200])
def test_noise_has_the_variance_of_photons_and_reading(level: int) -> None:
    camera = SensorNoise(full_well=1500.0, read_electrons=8.0, vignetting=0.0, blur_px=0.0)
    flat = np.full((300, 300, 3), level, np.uint8)
    light = linear(noisy_image(flat, camera, 3))
    signal = float(linear(np.array(level)))
    assert light.mean() == pytest.approx(signal, rel=0.01)
    assert light.std() == pytest.approx(np.sqrt(signal * 1500.0 + 64.0) / 1500.0, rel=0.03)


def test_corners_lose_the_light_that_vignetting_says() -> None:
    flat = np.full((101, 151, 3), 180, np.uint8)
    light = linear(noisy_image(flat, SensorNoise(1e12, 0.0, 0.3, 0.0), 0))
    assert light[0, 0, 0] / light[50, 75, 0] == pytest.approx(0.7, abs=0.01)


def test_blur_keeps_the_light_and_spreads_it_by_its_deviation() -> None:
    image = np.zeros((31, 31, 3), np.uint8)
    image[15, 15] = 255
    light = linear(noisy_image(image, SensorNoise(1e12, 0.0, 0.0, 0.6), 0))[..., 0]
    offsets = np.arange(31) - 15
    assert light.sum() == pytest.approx(1.0, rel=0.02)
    assert (light.sum(axis=0) @ offsets**2) / light.sum() == pytest.approx(0.36, rel=0.05)


def test_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    before = image.copy()
    one, again, other = (noisy_image(image, SensorNoise(), seed) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()
    assert (image == before).all()


def test_image_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="8-bit"):
        noisy_image(np.zeros((4, 4, 3), np.float32), SensorNoise(), 0)  # type: ignore[arg-type]
