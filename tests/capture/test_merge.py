"""Several tracks into one marker set: which source wins, times, gaps, weights, and tables that cannot be used."""

import json

import numpy as np
import pytest
from simspine.simspine_addon.capture.merge import (
    Correspondence,
    Source,
    estimate_delay,
    merge_tracks,
    read_correspondences,
)
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.types import MarkerTrack
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES


def wave(time: np.ndarray, markers: int) -> np.ndarray:
    phase = np.arange(3 * markers).reshape(markers, 3)
    return 0.3 * np.sin(2.0 * time[:, None, None] + phase) + 0.01 * phase


def track(names, time, delay: float = 0.0, offset: float = 0.0) -> MarkerTrack:
    positions = wave(time - delay, len(names)) + offset
    rate = 1 / np.median(np.diff(time))
    return MarkerTrack(time, tuple(names), positions, np.ones(positions.shape[:2]), rate)


def table(use="first", weights=(1.0, 1.0)):
    sources = (Source("a", ("one",), weights[0]), Source("b", ("eins", "one"), weights[1]))
    return (Correspondence("one", sources, use), Correspondence("two", (Source("b", ("two",)),)))


TIME = np.arange(150) / 50.0


def test_the_first_source_wins_and_the_second_fills_its_gap_without_a_jump():
    first, second = track(["one"], TIME), track(["one", "two"], TIME, offset=0.05)
    first.positions[40:60] = np.nan
    merged = merge_tracks({"a": first, "b": second}, table())
    assert merged.names == ("one", "two")
    assert np.allclose(merged.positions[:, 0], wave(TIME, 1)[:, 0], atol=1e-12)  # the constant 50 mm are taken out
    assert np.allclose(merged.positions[:, 1], second.positions[:, 1])


def test_the_mean_goes_by_weight_and_by_what_is_seen():
    first, second = track(["one"], TIME), track(["one", "two"], TIME, offset=0.08)
    second.positions[:10, 0] = np.nan
    merged = merge_tracks({"a": first, "b": second}, table("mean", (3.0, 1.0)))
    assert np.allclose(merged.positions[10:, 0], first.positions[10:, 0] + 0.02)
    assert np.allclose(merged.positions[:10, 0], first.positions[:10, 0])


def test_another_rate_and_a_delay_are_read_between_the_frames():
    other = track(["one", "two"], np.arange(-60, 400) / 120.0, delay=0.2)
    merged = merge_tracks({"a": track(["one"], TIME), "b": other}, table("mean"), {"b": 0.2})
    assert np.abs(merged.positions[:, 1] - wave(TIME, 2)[:, 1]).max() < 1e-6
    assert np.allclose(merged.time, TIME)


def test_nothing_is_read_beyond_a_track_s_ends_or_inside_its_gaps():
    other = track(["one", "two"], np.arange(20, 100) / 45.0)
    other.positions[30:40] = np.nan
    merged = merge_tracks({"a": track(["one"], TIME), "b": other}, table())
    seen = np.isfinite(merged.positions[:, 1, 0])
    frames = TIME * 45.0  # of the other track, which begins at its frame 20
    expected = (frames >= 20 - 1e-6) & (frames <= 99 + 1e-6)
    expected &= ~((frames > 49 + 1e-6) & (frames < 60 - 1e-6))
    assert np.array_equal(seen, expected)
    assert (merged.confidence[~seen, 1] == 0).all()


@pytest.mark.parametrize("delay", [0.0, 0.137, -0.5])
def test_the_delay_between_two_programs_is_found_though_they_place_joints_differently(delay):
    reference = track(["one", "two"], TIME)
    other = track(["eins", "zwei"], np.arange(-100, 300) / 60.0, delay=delay, offset=0.04)
    random = np.random.default_rng(0)
    other.positions[:] += random.normal(0, 0.003, other.positions.shape)
    found = estimate_delay(reference, other, [("one", "eins"), ("two", "zwei"), ("no", "nein")])
    assert abs(found - delay) < 0.002


def test_a_delay_of_things_that_rest_cannot_be_told():
    still = track(["one"], TIME)
    still.positions[:] = 1.0
    with pytest.raises(InputError, match="nothing moves"):
        estimate_delay(still, still, [("one", "one")])
    with pytest.raises(InputError, match="no marker in common"):
        estimate_delay(still, still, [("one", "zwei")])


def test_human36m_limbs_and_our_spine_make_all_37():
    limbs = [side + joint for side in "LR" for joint in ("Hip", "Knee", "Foot", "Shoulder", "Elbow", "Wrist")]
    spine = track(KEYPOINT_NAMES, TIME)
    merged = merge_tracks({"limbs": track(limbs, TIME, offset=0.5), "spine": spine}, read_correspondences("human36m"))
    assert merged.names == KEYPOINT_NAMES
    from_limbs = [
        name
        for i, name in enumerate(merged.names)
        if np.abs(merged.positions[0, i] - spine.positions[0, i]).max() > 0.1
    ]
    assert sorted(from_limbs) == sorted(name.replace("Foot", "Ankle") for name in limbs)


def test_a_marker_that_no_track_has_is_told():
    merged = merge_tracks({"a": track(["one"], TIME)}, table())
    assert merged.names == ("one",)
    assert merged.warnings == ("no track has two",)


def test_tracks_without_common_time_or_name_are_refused():
    with pytest.raises(InputError, match="overlap"):
        merge_tracks({"a": track(["one"], TIME), "b": track(["one", "two"], TIME + 100)}, table())
    with pytest.raises(InputError, match="takes markers from a, b"):
        merge_tracks({"c": track(["one"], TIME)}, table())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "JSON"),
        ("[]", "markers"),
        ('{"markers": {"one": []}}', "no sources"),
        ('{"markers": {"one": [{"marker": "x"}]}}', "no 'track'"),
        ('{"markers": {"one": [{"track": "a", "weight": 0}]}}', "not positive"),
        ('{"markers": {"one": [{"track": "a", "marker": 3}]}}', "neither a name"),
        ('{"use": "best", "markers": {"one": [{"track": "a"}]}}', "unknown"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(write, text, problem):
    with pytest.raises(InputError, match=problem) as error:
        read_correspondences(write(text, "table.json"))
    assert "table.json" in str(error.value)


def test_a_table_s_entry_may_choose_its_own_use(write):
    entry = {"use": "mean", "sources": [{"track": "a", "marker": ["x", "y"], "weight": 2}]}
    (read,) = read_correspondences(write(json.dumps({"markers": {"one": entry}}), "table.json"))
    assert read == Correspondence("one", (Source("a", ("x", "y"), 2.0),), "mean")


@pytest.mark.filterwarnings("error")
def test_times_beyond_the_first_and_last_frames_give_no_numerical_warning():
    other = track(["one"], TIME, delay=0.013)
    merged = merge_tracks({"a": track(["two"], TIME), "b": other}, table(), {"b": 0.013})
    assert np.isfinite(merged.positions[1:-1]).all()


def test_a_table_that_is_not_there_names_those_that_are():
    with pytest.raises(InputError, match=r"the program's own tables are .*human36m"):
        read_correspondences("no_such_table")
