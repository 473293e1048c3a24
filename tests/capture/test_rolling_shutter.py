"""When rows are read, and where moving points are then seen: against closed forms."""

import numpy as np
import pytest
from scipy.optimize import brentq
from simspine.simspine_addon.capture.camera import Camera
from simspine.simspine_addon.capture.rolling_shutter import POSES, RollingShutter, points_as_read

CAMERA = Camera("c", (400, 300), np.array([[500.0, 0, 201.0], [0, 510.0, 148.0], [0, 0, 1]]), np.eye(3), np.zeros(3))


def test_rows_are_read_from_the_top_over_the_readout():
    shutter = RollingShutter(0.03, 0.01)
    assert shutter.row_times(np.array([-1.0, 149.0, 299.0]), 300).tolist() == pytest.approx([-0.015, 0.0, 0.015])
    assert shutter.span == pytest.approx(0.04)
    assert shutter.open_share == pytest.approx(0.25)
    assert len(shutter.pose_times) == POSES
    assert np.ptp(shutter.pose_times) == pytest.approx(0.04)


@pytest.mark.parametrize("exposure", [0.0, 0.012])
def test_points_on_straight_ways_are_seen_where_their_row_is_read(exposure):
    """v = cy + fy (y + t vy) / (z + t vz) at the time t of row v has one root, which a bracketing search finds."""
    random, shutter = np.random.default_rng(0), RollingShutter(0.033, exposure)
    start = random.uniform([-0.7, -0.5, 2.5], [0.7, 0.5, 4.0], (50, 3))
    speed = random.uniform(-8.0, 8.0, (50, 3))
    found = points_as_read(CAMERA, shutter, start + shutter.pose_times[:, None, None] * speed)
    for point, way, place in zip(start, speed, found, strict=True):

        def gap(time, point=point, way=way):
            _, y, z = point + time * way
            return ((CAMERA.K[1, 1] * y / z + CAMERA.K[1, 2] + 1) / 300 - 0.5) * 0.033 - time

        root = brentq(gap, -0.03, 0.03, xtol=1e-15)
        if abs(root) < 0.0165:  # within the picture
            np.testing.assert_allclose(place, point + root * way, atol=1e-8)


def test_points_that_are_missing_or_behind_stay_so():
    still = np.array([[np.nan, np.nan, np.nan], [0.1, 0.2, -3.0], [0.1, 0.2, 3.0]])
    found = points_as_read(CAMERA, RollingShutter(0.02), np.broadcast_to(still, (POSES, 3, 3)))
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1:], still[1:], atol=1e-12)
