"""Pose tracks and motions at other times."""

import numpy as np
import pytest
from simspine.simspine_addon.kinematics.pose_track import PoseTrack
from simspine.simspine_addon.kinematics.resample import resample, resample_at, resample_motion, uniform_times
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.types import Motion

PLACES = np.array([[0.1, 0.9, 0.2], [0.0, -0.4, 0.1], [0.2, -0.3, 0.0]])
CENTRES = np.array([[0.0, 0.1, 0.0], [0.05, 0.0, -0.1], [0.0, 0.0, 0.2]])
SPEEDS = np.array([1.0, -3.0, 4.0])  # rad/s


def about_z(angle):
    rows = [[np.cos(angle), -np.sin(angle), 0 * angle], [np.sin(angle), np.cos(angle), 0 * angle]]
    rows.append([0 * angle, 0 * angle, 1 + 0 * angle])
    return np.moveaxis(np.array(rows), -1, 0)


def chain(time):
    """Three bodies that turn at constant speeds about their joints, the root moving at constant speed: closed form."""
    positions, rotations = np.empty((len(time), 3, 3)), np.empty((len(time), 3, 3, 3))
    centre = PLACES[0] + time[:, None] * [0.5, 0.0, 0.0]
    angle = 0.0 * time
    for body in range(3):
        angle = angle + SPEEDS[body] * time
        rotations[:, body] = about_z(angle)
        positions[:, body] = centre - rotations[:, body] @ CENTRES[body]
        if body < 2:
            centre = positions[:, body] + rotations[:, body] @ PLACES[body + 1]
    return PoseTrack(
        time, ("a", "b", "c"), np.array([-1, 0, 1]), positions, rotations, CENTRES, positions[0], rotations[0]
    )


@pytest.mark.parametrize("fps", [24.0, 59.94, 240.0])
def test_constant_speeds_are_met_exactly(fps):
    track = resample(chain(np.arange(61) / 30.0), fps)
    exact = chain(track.time)
    assert np.abs(track.positions - exact.positions).max() < 1e-12
    assert np.abs(track.rotations - exact.rotations).max() < 1e-12


def test_uneven_samples_are_met_exactly():
    time = np.sort(np.random.default_rng(0).uniform(0, 2, 80))
    times = np.linspace(time[0], time[-1], 33)
    track = resample_at(chain(time), times)
    assert np.abs(track.positions - chain(times).positions).max() < 1e-12


def test_samples_are_kept_where_they_are_asked_for():
    track = chain(np.arange(20) / 50.0)
    assert np.abs(resample_at(track, track.time).rotations - track.rotations).max() < 1e-14


def test_a_hinge_does_not_come_apart_between_samples():
    track = resample(chain(np.arange(10) / 5.0), 60.0)
    for body in (1, 2):
        to_parent = np.swapaxes(track.rotations[:, body - 1], -1, -2)
        offset = track.joint_centres[:, body] - track.positions[:, body - 1]
        assert np.abs(np.einsum("tij,tj->ti", to_parent, offset) - PLACES[body]).max() < 1e-12


def test_the_last_sample_is_kept_where_it_falls_on_the_grid():
    assert len(uniform_times(np.arange(61) / 60.0, 30.0)) == 31
    assert uniform_times(np.array([0.0, 1.05]), 10.0)[-1] == pytest.approx(1.0)


def test_coordinates_follow_straight_lines():
    motion = Motion(np.array([0.0, 1.0, 3.0]), ("a",), np.array([[0.0], [2.0], [-2.0]]))
    assert np.allclose(resample_motion(motion, np.array([0.5, 1.0, 2.0, 3.0])).values[:, 0], [1.0, 2.0, 0.0, -2.0])


def test_one_sample_stays_one_sample():
    assert np.array_equal(resample(chain(np.zeros(1)), 24.0).time, [0.0])


def test_times_outside_are_refused():
    with pytest.raises(InputError, match="inside"):
        resample_at(chain(np.arange(5) / 10.0), np.array([0.5]))


@pytest.mark.parametrize("fps", [0.0, -1.0, np.nan, np.inf])
def test_impossible_rates_are_refused(fps):
    with pytest.raises(InputError, match="frame rate"):
        resample(chain(np.arange(5) / 10.0), fps)
