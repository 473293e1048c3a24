"""Quality control: each kind of damage done to a good motion is found, named, and mended or left as it should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simspine.sample_rigs import MOTIONS, sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import body_frames
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.model.types import Motion
from simspine.simspine_addon.spine.endplates import find_endplates
from simspine.simspine_addon.spine.quality import Flag, QualityReport, check_motion
from simspine.simspine_addon.spine.quality_mending import bridge

MODEL = read_model(sample_model_path())
PLATES = find_endplates(MODEL)
WALKING = read_motion(sample_motion_path("walking"), MODEL)


def column(name: str) -> int:
    return MODEL.coordinate_names.index(name)


def changed(values: np.ndarray) -> Motion:
    return replace(WALKING, values=values)


def check(motion: Motion) -> QualityReport:
    return check_motion(MODEL, motion, endplates=PLATES)


def frames_with(report: QualityReport, flag: Flag) -> list[int]:
    return np.flatnonzero(report.flags & np.uint16(flag)).tolist()


@pytest.mark.parametrize("name", MOTIONS)
def test_good_motion_is_left_alone(name: str):
    motion = read_motion(sample_motion_path(name), MODEL)
    report = check(motion)
    assert report.reasons == ()
    assert np.array_equal(report.motion.values, motion.values)


def test_whole_turns_are_taken_out():
    values = WALKING.values.copy()
    values[60:90, column("pelvis_rotation")] += 2 * np.pi
    report = check(changed(values))
    assert frames_with(report, Flag.WRAP_MENDED) == list(range(60, 90))
    np.testing.assert_allclose(report.motion.values, WALKING.values, atol=1e-12)
    assert report.reasons[0].names == ("pelvis_rotation",)


def test_gimbal_flip_is_mended_without_moving_the_body():
    values = WALKING.values.copy()
    columns = [column(f"arm_{axis}_r") for axis in ("flex", "add", "rot")]
    values[100:130, columns] = np.array([1, -1, 1]) * values[100:130, columns] + np.pi
    before = body_frames(MODEL, values)[1]
    np.testing.assert_allclose(before, body_frames(MODEL, WALKING.values)[1], atol=1e-12)  # the same poses indeed
    report = check(changed(values))
    assert frames_with(report, Flag.GIMBAL_MENDED) == list(range(100, 130))
    np.testing.assert_allclose(report.motion.values, WALKING.values, atol=1e-12)


def test_single_spike_is_filled_and_its_neighbours_are_not_touched():
    values = WALKING.values.copy()
    values[77, column("elbow_flex_l")] += np.radians(20.0)
    report = check(changed(values))
    assert frames_with(report, Flag.SPIKE_MENDED) == [77]
    others = np.arange(len(values)) != 77
    assert np.array_equal(report.motion.values[others], WALKING.values[others])
    error = report.motion.values[77] - WALKING.values[77]
    assert np.degrees(np.abs(error).max()) < 0.5


def test_jump_that_lasts_is_flagged_and_kept():
    values = WALKING.values.copy()
    values[120:, column("knee_angle_r")] += np.radians(25.0)
    report = check(changed(values))
    assert set(frames_with(report, Flag.ROUGH)) >= {119, 120}
    assert not frames_with(report, Flag.SPIKE_MENDED)
    assert np.array_equal(report.motion.values, values)


def test_short_gap_is_filled_and_long_one_is_left_and_told():
    values = WALKING.values.copy()
    values[50:55] = np.nan  # 0.1 s at 50 Hz
    values[100:140] = np.nan
    report = check(changed(values))
    assert frames_with(report, Flag.GAP_FILLED) == list(range(50, 55))
    assert frames_with(report, Flag.GAP_LEFT) == list(range(100, 140))
    assert np.isfinite(report.motion.values).all()
    assert np.flatnonzero(~report.usable).tolist() == list(range(100, 140))
    assert np.degrees(np.abs(report.motion.values - WALKING.values)[50:55, 6:].max()) < 4.0  # a knee in swing


def test_gap_in_a_parabola_is_bridged_exactly():
    time = np.arange(30) / 50.0
    values = np.column_stack([1 + 2 * time - 3 * time**2, 0 * time])
    missing = np.zeros(values.shape, dtype=bool)
    missing[10:16, 0] = True
    filled = bridge(time, np.where(missing, np.nan, values), missing, 0.2)
    np.testing.assert_allclose(filled, values, atol=1e-12)


def test_frames_missing_in_the_file_are_inserted():
    keep = np.r_[0:80, 83 : len(WALKING.time)]
    report = check(replace(WALKING, time=WALKING.time[keep], values=WALKING.values[keep]))
    assert frames_with(report, Flag.INSERTED) == [80, 81, 82]
    assert np.flatnonzero(report.source_frames < 0).tolist() == [80, 81, 82]
    np.testing.assert_allclose(report.motion.time, WALKING.time, atol=1e-9)


def bent(frames: slice) -> Motion:
    """Walking with a lumbar spine that folds by 120 deg, spread over levels, none beyond what a level may."""
    values = WALKING.values.copy()
    for joint in ("L5_S1", "L4_L5", "L3_L4", "L2_L3", "L1_L2"):
        values[frames, column(f"{joint}_Flex_Ext")] -= np.radians(24.0)
    return changed(values)


def test_impossible_curvature_is_refused_and_a_short_run_refilled():
    report = check(bent(slice(60, 64)))
    assert frames_with(report, Flag.CURVATURE) == list(range(60, 64))
    assert frames_with(report, Flag.REFILLED) == list(range(60, 64))
    assert report.usable.all()
    assert np.degrees(np.abs(report.motion.values - WALKING.values)[60:64, 6:].max()) < 3.0


def test_impossible_curvature_that_lasts_is_refused_and_kept_as_given():
    motion = bent(slice(60, 120))
    report = check(motion)
    assert frames_with(report, Flag.REFUSED) == list(range(60, 120))
    assert np.flatnonzero(~report.usable).tolist() == list(range(60, 120))
    assert np.array_equal(report.motion.values, motion.values)


def test_level_bent_too_far_is_named():
    values = WALKING.values.copy()
    values[:, column("L3_L4_Lat_Bending")] += np.radians(25.0)
    report = check(changed(values))
    reason = next(reason for reason in report.reasons if reason.flag == Flag.LEVEL)
    assert (reason.frames, reason.names) == (len(values), ("L3-L4",))


def test_coordinate_beyond_its_range_is_flagged_only():
    values = WALKING.values.copy()
    values[:, column("wrist_flex_r")] = np.radians(120.0)
    report = check(changed(values))
    assert frames_with(report, Flag.OUT_OF_RANGE) == list(range(len(values)))
    assert report.usable.all()


def test_summary_counts_every_decision():
    values = WALKING.values.copy()
    values[50:52] = np.nan
    values[77, column("elbow_flex_l")] += np.radians(20.0)
    summary = check(changed(values)).summary
    assert "221 of 221 frames usable" in summary
    assert "missing values filled: 2" in summary
    assert "spikes filled: 1" in summary


@pytest.mark.parametrize("time", [[0.0, 0.1, 0.1], [0.0, 0.2, 0.1], [0.0, np.nan, 0.2]])
def test_times_that_do_not_rise_are_refused(time: list[float]):
    with pytest.raises(InputError, match="do not rise"):
        check(replace(WALKING, time=np.array(time), values=WALKING.values[:3]))


def test_motion_of_few_frames_passes():
    for count in (1, 2, 4):
        report = check(replace(WALKING, time=WALKING.time[:count], values=WALKING.values[:count]))
        assert len(report.flags) == count
