"""Render, detect, triangulate, fit: a few frames of what `simspine bench pipeline` runs on beads."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="builds the detectors")
pytest.importorskip("bpy", reason="renders the beads")

from simspine.headless.bead_render import render_beads
from simspine.headless.bench.pipeline_bench import (
    BeadCapture,
    bead_capture,
    detect_beads,
    detector_errors,
    pipeline_errors,
)
from simspine.sample_rigs.bead_detector import bead_colors
from simspine.simspine_addon.capture.detections import Detections
from simspine.simspine_addon.capture.video import read_image

FRAMES = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("beads")


@pytest.fixture(scope="module")
def capture(folder: Path) -> BeadCapture:
    made = bead_capture(FRAMES, step=25)
    render_beads(folder / "images", made.points, bead_colors(), made.cameras, radius_m=0.012, samples=8)
    return made


@pytest.fixture(scope="module")
def detected(folder: Path, capture: BeadCapture) -> dict[str, Detections]:
    return detect_beads(folder)[0]


def test_a_bead_has_its_own_colour_and_lies_where_the_camera_projects_it(folder: Path, capture: BeadCapture):
    picture = read_image(folder / "images" / capture.cameras[0].name / "000000.png")[..., ::-1] / 255.0
    wrist = 10  # nothing hangs before it
    color = bead_colors()[wrist]
    match = np.linalg.norm(picture - color, axis=-1) < 0.02
    rows, columns = np.nonzero(match)
    np.testing.assert_allclose([columns.mean(), rows.mean()], capture.pixels[0, 0, wrist], atol=0.5)
    assert (picture.max(axis=-1) == 0).mean() > 0.9  # nothing else is lit


def test_the_detector_is_within_a_pixel(capture: BeadCapture, detected: dict[str, Detections]):
    for errors in (detector_errors(capture, each) for each in detected.values()):
        assert errors["median_px"] < 0.5
        assert errors["share_within_1_px"] > 0.97
        assert errors["share_seen"] > 0.95


def test_markers_and_angles_come_back(capture: BeadCapture, detected: dict[str, Detections]):
    for each in detected.values():
        errors = pipeline_errors(capture, each, 0.0, range(4))
        assert 0.01 < errors["marker_median_mm"] < 1.5  # less than 0.01 mm would be another unit
        assert errors["angle_median_deg"] < 0.5


def test_a_lost_view_costs_little(capture: BeadCapture, detected: dict[str, Detections]):
    errors = pipeline_errors(capture, detected["refined"], 0.0, [0, 1, 2])
    assert errors["marker_median_mm"] < 1.5
    assert errors["angle_median_deg"] < 0.5


def test_noise_on_the_pixels_comes_through_as_noise_of_the_markers(
    capture: BeadCapture, detected: dict[str, Detections]
):
    clean, noisy = (pipeline_errors(capture, detected["refined"], noise, range(4)) for noise in (0.0, 5.0))
    # 5 px are 17 mm at this distance; four views give a point about as sure as one pixel coordinate of one view
    assert clean["marker_median_mm"] < 1.5
    assert 5.0 < noisy["marker_median_mm"] < 40.0
