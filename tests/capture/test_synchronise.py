"""Time offsets of cameras found from moving points alone, and taken out."""

import numpy as np
import pytest
from simspine.simspine_addon.capture.camera_presets import look_at
from simspine.simspine_addon.capture.projection import project
from simspine.simspine_addon.capture.synchronise import Offsets, estimate_offsets, settled, shifted

K = np.array([[1145.0, 0.0, 499.5], [0.0, 1145.0, 499.5], [0.0, 0.0, 1.0]])
PLACES = [(4.0, 1.5, 1.0), (-1.0, 1.7, 4.2), (-4.0, 1.4, -0.5), (0.8, 1.9, -4.0)]


def cameras():
    return tuple(
        look_at(f"cam_{index + 1:02d}", np.array(place), np.array([0, 1.0, 0]), (1000, 1000), K)
        for index, place in enumerate(PLACES)
    )


def moving(time: np.ndarray) -> np.ndarray:
    """[T, 10, 3] m at any times in frames: waves that every camera sees."""
    random = np.random.default_rng(9)
    rest = random.uniform([-0.4, 0.3, -0.4], [0.4, 1.7, 0.4], (10, 3))
    rates, phases = random.uniform(0.05, 0.16, (10, 3)), random.uniform(0, 6, (10, 3))
    return rest + 0.2 * np.sin(time[:, None, None] * rates + phases)


def filmed(late, noise_px: float = 0.0, frames: int = 120) -> np.ndarray:
    """[T, V, K, 2]: what happens in frame i is in frame i + late of each camera."""
    pixels = [
        project(camera, moving(np.arange(frames) - each))[0] for camera, each in zip(cameras(), late, strict=True)
    ]
    return np.stack(pixels, axis=1) + np.random.default_rng(0).normal(0, 1, (frames, 4, 10, 2)) * noise_px


@pytest.mark.parametrize("late", [(0, 0, 3, 0), (0, -7.4, 3.25, 0.6), (0, 0, 0, 0)])
@pytest.mark.parametrize(("noise_px", "tolerance"), [(0.0, 0.02), (3.0, 0.15)])
def test_offsets_are_found_to_a_part_of_a_frame(late, noise_px, tolerance):
    pixels = filmed(late, noise_px)
    found = estimate_offsets(cameras(), pixels, np.ones(pixels.shape[:3]))
    assert np.abs(found.frames - late).max() < tolerance


def test_gross_outliers_do_not_look_like_an_offset():
    pixels = filmed((0, 0, 0, 0), 3.0)
    random = np.random.default_rng(1)
    wrong = random.random(pixels.shape[:3]) < 0.1
    pixels[wrong] = random.uniform(0, 1000, (wrong.sum(), 2))
    found = estimate_offsets(cameras(), pixels, np.ones(pixels.shape[:3]))
    assert np.abs(found.frames).max() < 0.2


def test_a_camera_that_sees_nothing_has_no_offset_and_says_so():
    pixels = filmed((0, 0, 2, 0))
    pixels[:, 1] = np.nan
    found = estimate_offsets(cameras(), pixels, np.isfinite(pixels[..., 0]).astype(float))
    assert found.frames[1] == 0
    assert np.isinf(found.deviations[1])
    assert abs(found.frames[2] - 2) < 0.02


def test_shifting_reads_the_right_frames_and_leaves_the_ends_empty():
    track = np.arange(10.0)[:, None, None] * np.ones((10, 3, 1))
    moved = shifted(track, np.array([0.0, 2.0, -0.5]))[..., 0]
    assert moved[:, 0].tolist() == list(range(10))
    assert moved[:8, 1].tolist() == list(range(2, 10))
    assert np.isnan(moved[8:, 1]).all()
    assert np.isnan(moved[0, 2])
    assert np.allclose(moved[1:, 2], np.arange(1, 10) - 0.5)


def test_offsets_that_may_be_whole_are_taken_as_whole():
    offsets = Offsets(np.array([0, 3.02, 2.4, -0.1]), np.array([0, 0.02, 0.01, 0.05]), 1.0, 1.0)
    assert settled(offsets).tolist() == [0, 3, 2.4, 0]
