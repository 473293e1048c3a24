"""Inverse kinematics: back to the pose that made the markers, against opensim, and with captures that lie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simspine.sample_rigs import MOTIONS, sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import body_frames, marker_positions
from simspine.simspine_addon.kinematics.ik_coordinates import free_coordinates, series_couplers
from simspine.simspine_addon.kinematics.inverse_kinematics import IkOptions, inverse_kinematics
from simspine.simspine_addon.kinematics.marker_weights import SIMSPINE_WEIGHTS
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.markers import read_trc
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.model.types import MarkerTrack
from simspine.simspine_addon.spine.levels import lumbar_levels

# Without the pull of L5-S1 to its default, so that the truth is the minimum.
FAITHFUL = replace(SIMSPINE_WEIGHTS, coordinates={})
# A wrist marker lies a centimetre from the forearm's axis, and the hand carries none: the arm's angles trade.
VAGUE = ("arm_", "elbow", "pro_sup", "wrist")


@pytest.fixture(scope="module")
def model():
    return read_model(sample_model_path())


def markers_of(model, values, rate=50.0):
    positions = marker_positions(model, *body_frames(model, values))
    time = np.arange(len(values)) / rate
    return MarkerTrack(time, model.marker_names, positions, np.ones(positions.shape[:2]), rate)


def sample(model, name, step=15):
    return read_motion(sample_motion_path(name), model).values[::step]


def firm(model):
    names = model.coordinate_names
    return [i for i, name in enumerate(names) if not name.startswith(VAGUE)]


@pytest.mark.parametrize("name", MOTIONS)
def test_markers_of_a_motion_give_back_its_angles(model, name):
    values = sample(model, name, 4)
    result = inverse_kinematics(model, markers_of(model, values), IkOptions(weights=FAITHFUL, lumbar="coupled"))
    assert np.nanmax(result.report.marker_error) < 1e-4
    assert np.degrees(np.abs(result.motion.values - values))[:, firm(model)].max() < 0.1


def test_soft_levels_give_back_a_motion_that_keeps_the_couplers(model):
    values = sample(model, "trunk_flexion", 4)[:30]
    result = inverse_kinematics(model, markers_of(model, values), IkOptions(weights=FAITHFUL))
    assert np.degrees(np.abs(result.motion.values - values))[:, firm(model)].max() < 0.1


def test_every_heading_is_found(model):
    values = sample(model, "walking", 40)
    place = model.coordinate_names.index("pelvis_rotation")
    for turn in (np.pi / 2, np.pi, -np.pi / 2):
        turned = values.copy()
        turned[:, place] += turn
        result = inverse_kinematics(model, markers_of(model, turned), IkOptions(weights=FAITHFUL, lumbar="coupled"))
        assert np.nanmax(result.report.marker_error) < 1e-4, turn


def test_limits_of_clamped_coordinates_are_kept(model):
    values = sample(model, "trunk_flexion", 40)
    knee = model.coordinate_names.index("knee_angle_r")
    values[:, knee] = model.coordinates[knee].range[0] - 0.3
    result = inverse_kinematics(model, markers_of(model, values), IkOptions(lumbar="coupled"))
    assert result.motion.values[:, knee].min() >= model.coordinates[knee].range[0] - 1e-12
    assert "knee_angle_r" in result.report.at_limit


def test_a_range_that_is_a_penalty_is_left_as_far_as_its_weight_allows(model):
    """A knee five degrees past its end: kept with no weight, part of it with some, none of it with much."""
    knee = model.coordinate_names.index("knee_angle_r")
    values = sample(model, "walking", 40)[:2]
    top = max(model.coordinates[knee].range)
    values[:, knee] = top + np.radians(5.0)
    track = markers_of(model, values)

    def beyond(weight):
        options = IkOptions(weights=FAITHFUL, lumbar="coupled", limits="penalties", limit_weight=weight)
        return inverse_kinematics(model, track, options).motion.values[:, knee] - top

    assert np.allclose(beyond(0.0), np.radians(5.0), atol=2e-4)
    loose, firm_hold = beyond(1e-3), beyond(1e2)
    assert (loose > 0).all()
    assert (loose < np.radians(5.0)).all()
    assert np.abs(firm_hold).max() < np.radians(0.01)


def test_couplers_hold_exactly_when_coupled(model):
    track = markers_of(model, sample(model, "lifting_with_twist", 30))
    track = replace(track, positions=track.positions + np.random.default_rng(0).normal(0, 0.01, track.positions.shape))
    values = inverse_kinematics(model, track, IkOptions(lumbar="coupled")).motion.values
    for coupler in model.couplers:
        coupled = coupler.scale * coupler.function.evaluate(values[:, list(coupler.independents)].T)
        np.testing.assert_allclose(values[:, coupler.dependent], coupled, atol=1e-12)


def test_chain_rule_agrees_with_differences(model):
    coordinates = free_coordinates(model)
    free = np.random.default_rng(1).uniform(-0.1, 0.1, (1, len(coordinates.indices)))
    values = coordinates.values(free)
    everything = np.eye(values.shape[1])[:, :, None].copy()
    reduced = coordinates.reduce(everything, values)[:, :, 0]
    for place in range(len(coordinates.indices)):
        step = np.zeros_like(free)
        step[0, place] = 1e-6
        slope = (coordinates.values(free + step) - coordinates.values(free - step))[0] / 2e-6
        np.testing.assert_allclose(reduced[place], slope, atol=1e-8)


def test_series_couplers_are_those_of_the_lumbar_joints(model):
    lumbar = {level.joint for level in lumbar_levels(model)}
    found = series_couplers(model)
    assert len(found) == 15
    assert {model.coordinates[coupler.dependent].joint for coupler in found} < lumbar


def test_an_unseen_marker_is_ignored_in_its_frames(model):
    values = sample(model, "walking", 40)
    track = markers_of(model, values)
    positions = track.positions.copy()
    positions[1, [model.marker_names.index(name) for name in ("LKnee", "Neck", "RClavicle")]] = np.nan
    result = inverse_kinematics(
        model, replace(track, positions=positions), IkOptions(weights=FAITHFUL, lumbar="coupled")
    )
    assert np.degrees(np.abs(result.motion.values - values))[:, firm(model)].max() < 0.1
    assert np.isnan(result.report.marker_error[1, model.marker_names.index("LKnee")])


@pytest.mark.parametrize("smooth", [0.0, 1e-4])
def test_a_frame_without_markers_is_interpolated_and_flagged(model, smooth):
    values = sample(model, "trunk_flexion", 4)[:25]
    track = markers_of(model, values)
    positions = track.positions.copy()
    positions[12] = np.nan
    options = IkOptions(weights=FAITHFUL, lumbar="coupled", smooth=smooth)
    result = inverse_kinematics(model, replace(track, positions=positions), options)
    assert result.report.flagged("too few markers").tolist() == [12]
    assert np.isnan(result.standard_deviation[12]).all()
    flexion = model.coordinate_names.index("L5_S1_Flex_Ext")
    assert abs(result.motion.values[12, flexion] - values[11:14:2, flexion].mean()) < 0.01


def test_a_frame_that_stays_bad_is_reported(model):
    values = sample(model, "trunk_flexion", 10)
    track = markers_of(model, values)
    positions = track.positions.copy()
    positions[7, :, 0] += np.random.default_rng(2).normal(0, 0.2, positions.shape[1])
    options = IkOptions(weights=FAITHFUL, lumbar="coupled")
    result = inverse_kinematics(model, replace(track, positions=positions), options)
    assert result.report.flagged("stands out").tolist() == [7]
    assert any("frame 8" in warning for warning in result.report.warnings)


def test_standard_deviations_are_those_of_repeated_noise(model):
    rng = np.random.default_rng(3)
    values = np.repeat(sample(model, "trunk_flexion")[4:5], 150, axis=0)
    track = markers_of(model, values)
    noisy = replace(track, positions=track.positions + rng.normal(0, 0.002, track.positions.shape))
    even = replace(FAITHFUL, markers={}, others=1.0)
    result = inverse_kinematics(model, noisy, IkOptions(weights=even, lumbar="coupled"))
    for name in ("pelvis_tilt", "pelvis_ty", "L5_S1_Flex_Ext", "L4_L5_Flex_Ext", "hip_flexion_r", "neck_rotation"):
        place = model.coordinate_names.index(name)
        scatter = result.motion.values[:, place].std()
        assert scatter == pytest.approx(np.median(result.standard_deviation[:, place]), rel=0.2), name
    assert np.isinf(result.standard_deviation[:, model.coordinate_names.index("wrist_flex_r")]).all()


def test_smoothing_lowers_jitter_and_keeps_the_movement(model):
    values = sample(model, "lateral_bending", 4)[:40]
    track = markers_of(model, values)
    noisy = replace(track, positions=track.positions + np.random.default_rng(4).normal(0, 0.005, track.positions.shape))
    kept = firm(model)
    errors, jitters = [], []
    for smooth in (0.0, 1e-2):
        options = IkOptions(weights=FAITHFUL, lumbar="coupled", smooth=smooth)
        found = inverse_kinematics(model, noisy, options).motion.values[:, kept]
        errors.append(np.sqrt(np.mean((found - values[:, kept]) ** 2)))
        jitters.append(np.sqrt(np.mean(np.diff(found, 3, axis=0) ** 2)))
    assert jitters[1] < 0.5 * jitters[0]
    assert errors[1] < errors[0]


def expect_refused(model, track, *words):
    with pytest.raises(InputError) as caught:
        inverse_kinematics(model, track)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_a_file_without_the_models_markers_is_refused(model):
    track = markers_of(model, sample(model, "walking", 60))
    expect_refused(
        model, replace(track, names=tuple(f"m{i}" for i in range(37))), "no marker of the model", "m0", "Nose"
    )


def test_two_markers_are_too_few(model):
    track = markers_of(model, sample(model, "walking", 60))
    names = tuple(name if name in ("Hip", "Neck") else f"m{i}" for i, name in enumerate(track.names))
    expect_refused(model, replace(track, names=names), "only 2", "at least 3")


def test_a_file_of_gaps_alone_is_refused(model):
    track = markers_of(model, sample(model, "walking", 60))
    expect_refused(model, replace(track, positions=np.full_like(track.positions, np.nan)), "no frame shows 3")


@pytest.mark.parametrize(("factor", "word"), [(1000.0, "millimetres"), (100.0, "centimetres"), (4.0, "times as far")])
def test_another_unit_is_named(model, factor, word):
    track = markers_of(model, sample(model, "walking", 60))
    expect_refused(model, replace(track, positions=track.positions * factor), word)


def exchanged(track, wanted):
    swap = {name: ("R" if name[0] == "L" else "L") + name[1:] for name in track.names if wanted(name)}
    return replace(track, names=tuple(swap.get(name, name) for name in track.names))


def test_left_and_right_exchanged_is_named(model):
    track = markers_of(model, sample(model, "walking", 60))
    expect_refused(
        model, exchanged(track, lambda name: name[0] in "LR" and name[1].isupper()), "left and right look exchanged"
    )


def test_exchanged_legs_are_named(model):
    track = markers_of(model, sample(model, "walking", 60))
    legs = ("Hip", "Knee", "Ankle", "BigToe", "SmallToe", "Heel")
    expect_refused(
        model, exchanged(track, lambda name: name[0] in "LR" and name[1:] in legs), "left and right of", "LKnee"
    )


def test_a_mirrored_world_is_named(model):
    track = markers_of(model, sample(model, "walking", 60))
    expect_refused(model, replace(track, positions=track.positions * [1.0, 1.0, -1.0]), "left and right", "mirrored")


def test_cost_is_at_most_opensims_on_the_real_capture(capture):
    pytest.importorskip("opensim")
    from simspine.simspine_addon.kinematics.opensim_engine import opensim_inverse_kinematics

    model, track = read_model(capture / "model.osim"), read_trc(capture / "markers.trc")
    part = slice(20, 50)
    track = replace(track, time=track.time[part], positions=track.positions[part], confidence=track.confidence[part])
    ours = inverse_kinematics(model, track, IkOptions(lumbar="coupled"))
    theirs = opensim_inverse_kinematics(model, track)
    smooth = inverse_kinematics(model, track, IkOptions(lumbar="coupled", smooth=1e-3))
    assert (ours.report.cost <= theirs.report.cost).all()
    assert ours.report.cost.mean() > 0.9 * theirs.report.cost.mean()  # the same problem, not an easier one
    angles = [i for i, c in enumerate(model.coordinates) if c.motion_type == "rotational" and not c.locked]
    apart = np.degrees(np.abs(ours.motion.values - theirs.motion.values))[:, angles]
    assert np.median(apart) < 0.3
    jitter = [np.std(np.diff(each.motion.values[:, angles], 3, axis=0)) for each in (smooth, theirs)]
    assert jitter[0] < 0.5 * jitter[1]
    assert smooth.report.cost.mean() < 1.005 * theirs.report.cost.mean()
