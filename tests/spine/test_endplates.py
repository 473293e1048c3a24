"""Endplates in meshes: a box of known slopes, and the sample's bones against the angles that they were built with."""

from __future__ import annotations

import json

import numpy as np
import pytest
from simspine.sample_rigs import sample_model_path, sample_vertebrae_path
from simspine.sample_rigs.anthropometry import SACRAL_SLOPE_DEG
from simspine.simspine_addon.kinematics.forward import body_frames
from simspine.simspine_addon.model.couplers import default_values
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.mesh_files import read_mesh
from simspine.simspine_addon.model.types import Model
from simspine.simspine_addon.spine.endplate_section import body_lines, section
from simspine.simspine_addon.spine.endplates import (
    Endplates,
    endplates_from_joints,
    endplates_from_table,
    find_endplates,
)

LEVELS = [f"L{n}" for n in range(1, 6)] + [f"T{n}" for n in range(1, 13)]


@pytest.fixture(scope="module")
def sample() -> Model:
    return read_model(sample_model_path())


@pytest.fixture(scope="module")
def plates(sample: Model) -> Endplates:
    return find_endplates(sample)


def prism(corners: list[tuple[float, float]], half_width: float = 0.02) -> np.ndarray:
    """Triangles of a prism along Z over a convex outline."""
    left, right = (np.array([(x, y, z) for x, y in corners]) for z in (-half_width, half_width))
    triangles = []
    for i in range(len(corners)):
        j = (i + 1) % len(corners)
        triangles += [(left[i], left[j], right[j]), (left[i], right[j], right[i])]
    for i in range(1, len(corners) - 1):
        triangles += [(left[0], left[i], left[i + 1]), (right[0], right[i], right[i + 1])]
    return np.array(triangles)


def lean_of(model: Model, plates: Endplates, vertebra: str, side: str) -> float:
    """Forward lean of a plate in ground at the default pose, deg."""
    plate = plates.get(vertebra, side)
    assert plate is not None
    normal = body_frames(model, default_values(model)[None])[1][0, plate.body] @ plate.frame[:, 1]
    return float(np.degrees(np.arctan2(normal[0], normal[1])))


@pytest.mark.parametrize(("upper", "lower"), [(0.0, 0.0), (12.0, -7.0), (-25.0, -30.0), (48.0, 40.0)])
def test_edges_of_a_wedge_lean_as_it_was_cut(upper: float, lower: float):
    slopes = np.tan(np.radians([upper, lower]))
    x = np.array([-0.017, 0.017])
    corners = [
        (x[0], -0.013 - x[0] * slopes[1]),
        (x[1], -0.013 - x[1] * slopes[1]),
        (x[1], 0.013 - x[1] * slopes[0]),
        (x[0], 0.013 - x[0] * slopes[0]),
    ]
    arch = prism([(-0.06, -0.02), (-0.035, -0.02), (-0.035, 0.03), (-0.06, 0.03)], 0.004)
    lines = body_lines(np.concatenate([prism(corners), arch]), 0.0)
    assert lines is not None
    for line, lean in zip(lines, (upper, lower), strict=True):
        chord = line.front - line.back
        assert -np.degrees(np.arctan2(chord[1], chord[0])) == pytest.approx(lean, abs=0.6)


def test_section_of_a_prism_is_its_outline():
    segments, parts = section(prism([(0, 0), (2, 0), (1, 1)], 1.0), 0.1)
    assert np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1).sum() == pytest.approx(2 + 2 * np.sqrt(2))
    assert len(set(parts.tolist())) == 1


def test_sample_bones_have_all_endplates(plates: Endplates):
    assert plates.warnings == ()
    assert set(plates.plates) == {(level, side) for level in LEVELS for side in ("upper", "lower")} | {("S1", "upper")}


@pytest.mark.parametrize("level", LEVELS)
def test_sample_vertebra_leans_as_it_was_placed(sample: Model, plates: Endplates, level: str):
    """Half-way between its endplates a vertebra leans as in the table that placed it (lumbar: as its body)."""
    row = json.loads(sample_vertebrae_path().read_text())[level]
    turn = body_frames(sample, default_values(sample)[None])[1][0, sample.body_names.index(row["body"])]
    placed = np.degrees(np.arctan2(turn[0, 1], turn[1, 1])) + row["inclination_deg"]
    measured = (lean_of(sample, plates, level, "upper") + lean_of(sample, plates, level, "lower")) / 2
    assert measured == pytest.approx(placed, abs=0.8)


def test_sample_sacrum_has_its_slope(sample: Model, plates: Endplates):
    assert lean_of(sample, plates, "S1", "upper") == pytest.approx(SACRAL_SLOPE_DEG, abs=1.0)


def test_endplate_of_l3_is_the_rim_of_its_mesh(sample: Model, plates: Endplates):
    """By another way: a plane through the highest vertices of the body's outer rim, taken by hand from the mesh."""
    mesh = read_mesh(sample_model_path().parent / "Geometry" / "lumbar3.vtp")
    x, y, z = mesh.vertices.T
    near = (np.hypot(x / 0.017, z / 0.023) < 0.95) & (np.hypot(x / 0.017, z / 0.023) > 0.6) & (y > 0.008)
    fit = np.linalg.lstsq(np.column_stack([x[near], z[near], np.ones(near.sum())]), y[near], rcond=None)[0]
    plate = plates.get("L3", "upper")
    assert plate is not None
    tilt = -plate.frame[0, 1] / plate.frame[1, 1]
    assert np.degrees(np.arctan(tilt)) == pytest.approx(np.degrees(np.arctan(fit[0])), abs=2.0)


def test_table_gives_its_own_leans(sample: Model):
    plates = endplates_from_table(sample, sample_vertebrae_path())
    leans = [lean_of(sample, plates, *plate) for plate in (("T3", "upper"), ("T12", "lower"))]
    assert leans[0] - leans[1] == pytest.approx(32.9, abs=1e-6)  # the SIMSPINE paper's mean


def test_table_for_another_model_is_refused(sample: Model, tmp_path):
    path = tmp_path / "table.json"
    path.write_text('{"L1": {"body": "no such body"}}')
    with pytest.raises(InputError, match="no table of vertebrae"):
        endplates_from_table(sample, path)


def test_assumed_neutral_is_the_sum_of_the_levels(sample: Model):
    given = {"L1-L2": 1.0, "L2-L3": 2.0, "L3-L4": 3.0, "L4-L5": 4.0, "L5-S1": 5.0}
    plates = endplates_from_joints(sample, given)
    lower, upper = lean_of(sample, plates, "S1", "upper"), lean_of(sample, plates, "L1", "upper")
    assert lower - upper == pytest.approx(15.0, abs=1e-9)


def test_missing_mesh_is_named(tmp_path):
    path = tmp_path / "model.osim"
    path.write_text(sample_model_path().read_text())
    plates = find_endplates(read_model(path))
    assert not plates.plates
    assert any("lumbar3.vtp" in text and "not found" in text for text in plates.warnings)


def test_real_bones_lean_as_drawn_by_eye(capture):
    """Slopes read by eye off a picture of the mid-sagittal section of the capture's bones, to within 5 deg."""
    model = read_model(capture / "model.osim")
    plates = find_endplates(model)
    by_eye = {
        ("S1", "upper"): 49,
        ("L5", "lower"): 20,
        ("L1", "upper"): -21,
        ("T12", "lower"): -26,
        ("T3", "upper"): 18,
    }
    for (vertebra, side), lean in by_eye.items():
        assert lean_of(model, plates, vertebra, side) == pytest.approx(lean, abs=5.0)
