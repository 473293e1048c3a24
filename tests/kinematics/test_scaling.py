"""Scale factors from marker distances, and the model that opensim makes of them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from simspine.sample_rigs import sample_model_path
from simspine.simspine_addon.kinematics.forward import body_frames, marker_positions
from simspine.simspine_addon.kinematics.scaling import scale_factors, trimmed_mean
from simspine.simspine_addon.kinematics.scaling_measurements import (
    SETS_FOLDER,
    Measurement,
    choose_measurements,
    read_measurements,
)
from simspine.simspine_addon.model.couplers import default_values
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.types import MarkerTrack


@pytest.fixture(scope="module")
def model():
    return read_model(sample_model_path())


def standing(model, factor=1.0, frames=20):
    positions = np.repeat(marker_positions(model, *body_frames(model, default_values(model)[None])), frames, axis=0)
    time = np.arange(frames) / 50.0
    return MarkerTrack(time, model.marker_names, positions * factor, np.ones(positions.shape[:2]), 50.0)


def test_trimmed_mean_leaves_out_a_tenth_at_either_end():
    assert trimmed_mean(np.array([100.0, *np.arange(1.0, 9.0), -50.0, np.nan])) == pytest.approx(4.5)


def test_a_person_a_tenth_larger_scales_every_body_by_it(model):
    _, measurements = choose_measurements(model)
    scaled = scale_factors(model, standing(model, 1.1), measurements)
    np.testing.assert_allclose(scaled.factors, 1.1, atol=1e-12)


def test_a_longer_thigh_scales_the_femur_alone(model):
    track = standing(model)
    positions = track.positions.copy()
    hip, knee = (model.marker_names.index(name) for name in ("RHip", "RKnee"))
    positions[:, hip] = positions[:, knee] + 1.2 * (positions[:, hip] - positions[:, knee])
    thigh = Measurement("thigh", (("RHip", "RKnee"),), ("femur_r",), "Y")
    shank = Measurement("shank", (("RKnee", "RAnkle"),), ("tibia_r",))
    scaled = scale_factors(model, replace(track, positions=positions), (thigh, shank), height_ratio=1.0)
    factors = dict(zip(scaled.body_names, scaled.factors, strict=True))
    assert factors["femur_r"][1] == pytest.approx(1.2)
    np.testing.assert_allclose(factors["tibia_r"], 1.0)
    np.testing.assert_allclose(factors["torso"], 1.0)


def test_outliers_do_not_move_the_ratio(model):
    track = standing(model)
    positions = track.positions.copy()
    positions[3, model.marker_names.index("LKnee")] += 5.0
    _, measurements = choose_measurements(model)
    scaled = scale_factors(model, replace(track, positions=positions), measurements)
    np.testing.assert_allclose(scaled.factors, 1.0, atol=1e-12)


@pytest.mark.parametrize("path", sorted(SETS_FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_measurement_sets_name_bodies_and_markers_of_the_sample(path, model):
    for measurement in read_measurements(path):
        assert {name for pair in measurement.pairs for name in pair} <= set(model.marker_names), measurement.name
        assert set(measurement.bodies) & set(model.body_names), measurement.name


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda track: replace(track, positions=track.positions * 1000.0), "millimetres"),
        (lambda track: replace(track, names=tuple(f"m{i}" for i in range(37))), "measurements can be taken"),
    ],
)
def test_markers_that_cannot_scale_are_refused(model, change, word):
    _, measurements = choose_measurements(model)
    with pytest.raises(InputError, match=word):
        scale_factors(model, change(standing(model)), measurements)


def test_a_stretch_without_frames_is_refused(model):
    _, measurements = choose_measurements(model)
    with pytest.raises(InputError, match="no frame lies between"):
        scale_factors(model, standing(model), measurements, time=(5.0, 6.0))


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"measurements": []}', '{"measurements": [{"name": "a"}]}',
     '{"measurements": [{"name": "a", "pairs": [["x"]], "bodies": ["b"]}]}',
     '{"measurements": [{"name": "a", "pairs": [["x", "y"]], "bodies": ["b"], "axes": "Q"}]}'],
)  # fmt: skip
def test_broken_measurement_files_are_refused(tmp_path, text):
    path = tmp_path / "set.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_measurements(path)
    assert str(path) in str(caught.value)


def test_opensim_scales_markers_joints_and_mass(model, tmp_path):
    pytest.importorskip("opensim")
    from simspine.simspine_addon.kinematics.opensim_engine import opensim_scale

    output = tmp_path / "scaled.osim"
    factors = {name: (1.1, 1.2, 0.9) if name == "femur_r" else (1.0, 1.0, 1.0) for name in model.body_names}
    assert opensim_scale(sample_model_path(), output, factors, 80.0) == pytest.approx(80.0)
    scaled = read_model(output)
    before = {marker.name: marker.location for marker in model.markers}
    after = {marker.name: marker.location for marker in scaled.markers}
    np.testing.assert_allclose(after["RKnee"], before["RKnee"] * [1.1, 1.2, 0.9], atol=1e-9)
    np.testing.assert_allclose(after["LKnee"], before["LKnee"], atol=1e-9)
    assert json.dumps(scaled.coordinate_names) == json.dumps(model.coordinate_names)
