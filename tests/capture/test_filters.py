"""Low pass and gaps: against scipy on whole data, closed forms beside gaps."""

import numpy as np
import pytest
from scipy.signal import butter, filtfilt
from simspine.simspine_addon.capture.filters import low_pass
from simspine.simspine_addon.capture.gaps import fill_gaps, find_gaps
from simspine.simspine_addon.model.errors import InputError


def noisy(frames: int = 200, markers: int = 4) -> np.ndarray:
    random = np.random.default_rng(3)
    return np.cumsum(random.normal(size=(frames, markers, 3)), axis=0)


def test_data_without_gaps_is_filtered_as_scipy_filters_it():
    data = noisy()
    b, a = butter(2, 6.0 / 25.0)
    assert np.abs(low_pass(data, 50.0, 6.0, order=2) - filtfilt(b, a, data, axis=0)).max() < 1e-12


def test_half_of_a_wave_at_the_cut_off_is_left_without_delay():
    time = np.arange(2000) / 100.0
    wave = np.sin(2 * np.pi * 5.0 * time)[:, None]
    middle = slice(500, 1500)
    assert np.abs(low_pass(wave, 100.0, 5.0)[middle] - 0.5 * wave[middle]).max() < 1e-6


def test_a_gap_stays_and_nothing_leaks_across_it():
    data = noisy()
    data[80:95, 1] = np.nan
    filtered = low_pass(data, 50.0, 6.0)
    assert np.array_equal(np.isnan(filtered), np.isnan(data))
    changed = data.copy()
    changed[95:, 1] += 1000.0
    assert np.array_equal(low_pass(changed, 50.0, 6.0)[:80], filtered[:80])
    assert np.allclose(filtered[:80, 1], low_pass(data[:80], 50.0, 6.0)[:, 1], atol=1e-12)


@pytest.mark.parametrize("length", [1, 2, 5, 14])
def test_stretches_shorter_than_the_filter_s_padding_keep_constants(length):
    data = np.full((30, 1, 3), np.nan)
    data[3 : 3 + length] = 2.5
    filtered = low_pass(data, 50.0, 6.0)
    assert np.allclose(filtered[3 : 3 + length], 2.5, atol=1e-9)
    assert np.isnan(filtered[3 + length :]).all()


@pytest.mark.parametrize("cutoff", [0.0, 25.0, 40.0, -1.0, float("nan")])
def test_a_cut_off_beyond_half_the_rate_is_refused(cutoff):
    with pytest.raises(InputError, match="half the rate"):
        low_pass(noisy(), 50.0, cutoff)


def cubic(time: np.ndarray) -> np.ndarray:
    return np.stack([1 + time - time**3, time**2, 2 * time**3], axis=-1)[:, None]


def test_short_gaps_in_cubic_motion_are_filled_exactly_and_long_ones_left():
    time = np.arange(60) / 50.0
    truth = cubic(time)
    data = truth.copy()
    data[10:14] = data[30:50] = np.nan
    filled, gaps = fill_gaps(time, data, 0.1)
    assert np.abs(filled[10:14] - truth[10:14]).max() < 1e-12
    assert np.isnan(filled[30:50]).all()
    assert [(gap.begin, gap.end, gap.filled) for gap in gaps] == [(10, 14, True), (30, 50, False)]


def test_nothing_is_made_up_before_the_first_and_after_the_last_frame_seen():
    time = np.arange(20) / 50.0
    data = cubic(time)
    data[:2] = data[18:] = np.nan
    filled, gaps = fill_gaps(time, data, 1.0)
    assert np.isnan(filled[[0, 1, 18, 19]]).all()
    assert len(find_gaps(data)) == 2
    assert not any(gap.filled for gap in gaps)


def test_a_gap_with_one_frame_beside_it_is_crossed_on_a_line():
    time = np.arange(8) / 10.0
    data = np.full((8, 1, 3), np.nan)
    data[1], data[4:7] = 1.0, [[[2.5] * 3], [[9.0] * 3], [[1.0] * 3]]
    filled, _ = fill_gaps(time, data, 0.35)
    assert np.allclose(filled[2:4, 0, 0], [1.5, 2.0])
