"""Cameras that do not run in step."""

import numpy as np
import pytest
from simspine.simspine_addon.capture.camera_presets_clocks import camera_clocks
from simspine.simspine_addon.model.errors import InputError

TIME = 2.0 + np.arange(101) / 100.0  # 2 to 3 s


def test_cameras_in_step_with_the_motion_see_its_own_times():
    (clock,) = camera_clocks(TIME, 4)
    assert clock.views == (0, 1, 2, 3)
    assert clock.name == "own"
    assert np.array_equal(clock.time, TIME)


def test_each_rate_and_offset_has_its_own_times():
    clocks = camera_clocks(TIME, 3, [50, 25, 50], [0, 12.5, 0])
    assert [(clock.views, clock.name) for clock in clocks] == [((0, 2), "50Hz"), ((1,), "25Hz+12.5ms")]
    np.testing.assert_allclose(clocks[0].time, 2.0 + np.arange(51) * 0.02, atol=1e-12)
    np.testing.assert_allclose(clocks[1].time, 2.0125 + np.arange(25) * 0.04, atol=1e-12)


def test_one_rate_is_for_all_and_may_exceed_the_motions():
    (clock,) = camera_clocks(TIME, 2, 240.0)
    assert len(clock.time) == 241
    assert clock.time[-1] <= TIME[-1] + 1e-9


def test_an_offset_alone_shifts_the_motions_own_frames_and_ends_with_it():
    first, second = camera_clocks(TIME, 2, None, [0, 25])
    np.testing.assert_allclose(second.time, TIME[:-3] + 0.025)
    assert len(first.time) == 101
    assert second.name == "+25ms"


@pytest.mark.parametrize(
    ("rates", "offsets", "message"),
    [
        ([50], None, "rates has 1 numbers for 2 cameras"),
        ([50, 0], None, "frame rate"),
        (None, [0, -1], "offset_ms = -1"),
        (None, [0, 1500], "within 0 and the motion's 1000 ms"),
        (np.nan, None, "frame rate"),
    ],
)
def test_impossible_clocks_are_refused(rates, offsets, message):
    with pytest.raises(InputError, match=message):
        camera_clocks(TIME, 2, rates, offsets)
