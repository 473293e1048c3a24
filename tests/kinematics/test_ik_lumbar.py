"""The lumbar levels under 16 mm of noise on the spine markers: coupled, soft, and which of them fails when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import body_frames, marker_positions
from simspine.simspine_addon.kinematics.inverse_kinematics import IkOptions, inverse_kinematics
from simspine.simspine_addon.kinematics.marker_weights import SIMSPINE_WEIGHTS
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.model.types import MarkerTrack
from simspine.simspine_addon.spine.levels import lumbar_levels

FAITHFUL = replace(SIMSPINE_WEIGHTS, coordinates={})
NOISE_M = 0.016
# What each level does of its coupled part: L4-L5 and L3-L4 stiff, those above making up for it, all within limits.
DEVIATION = (1.0, 0.4, 0.5, 1.45, 1.4, 1.4)
MILD_DEVIATION = (1.0, 0.65, 0.7, 1.27, 1.23, 1.23)


@pytest.fixture(scope="module")
def model():
    return read_model(sample_model_path())


def lumbar_places(model):
    """[6, 3] coordinates by level, flexion, bending and axial rotation."""
    return np.array([model.joints[level.joint].coordinates for level in lumbar_levels(model)])


def noisy_markers(model, values):
    positions = marker_positions(model, *body_frames(model, values))
    spine = [i for i, name in enumerate(model.marker_names) if name.startswith(("Spine", "Hip", "Neck"))]
    positions[:, spine] += np.random.default_rng(0).normal(0, NOISE_M, positions[:, spine].shape)
    return MarkerTrack(np.arange(len(values)) / 50.0, model.marker_names, positions, np.ones(positions.shape[:2]), 50.0)


def level_errors(model, values, **options):
    """Rms error in deg of each level, [6, 3]."""
    result = inverse_kinematics(model, noisy_markers(model, values), IkOptions(weights=FAITHFUL, **options))
    places = lumbar_places(model)
    return np.degrees(np.sqrt(np.mean((result.motion.values[:, places] - values[:, places]) ** 2, axis=0)))


def test_coupled_levels_are_found_through_noise(model):
    values = read_motion(sample_motion_path("trunk_flexion"), model).values
    errors = level_errors(model, values, lumbar="coupled", smooth=0.1)
    assert (errors.max(axis=0) <= [0.35, 0.15, 0.16]).all(), errors


def deviating(model, shares):
    values = read_motion(sample_motion_path("trunk_flexion"), model).values.copy()
    for places, share in zip(lumbar_places(model), shares, strict=True):
        values[:, places] *= 0.85 * share
    return values


def test_every_single_soft_level_is_found_where_single_coupled_ones_are_not(model):
    values = deviating(model, MILD_DEVIATION)
    coupled = level_errors(model, values, lumbar="coupled", smooth=0.1)
    soft = level_errors(model, values, lumbar="soft", smooth=1.0)
    assert coupled.max() > 1.7, coupled
    assert soft.max() < 1.5, soft


def test_free_levels_are_held_by_their_ridge(model):
    values = deviating(model, MILD_DEVIATION)
    errors = level_errors(model, values, lumbar="free", smooth=1.0)
    loose = level_errors(model, values, lumbar="free", smooth=0.0, lumbar_weight=0.0)
    assert np.sqrt(np.mean(errors**2, axis=0)).max() < 2.0, errors
    assert loose.max() > 5.0, loose


def test_soft_levels_follow_a_spine_that_leaves_its_couplers_where_coupled_ones_fail(model):
    values = deviating(model, DEVIATION)
    coupled = level_errors(model, values, lumbar="coupled", smooth=0.1)
    soft = level_errors(model, values, lumbar="soft", smooth=1.0)
    over_levels = [np.sqrt(np.mean(each**2, axis=0)) for each in (coupled, soft)]
    assert over_levels[0].max() > 1.9, over_levels
    assert over_levels[1].max() < 1.5, over_levels
