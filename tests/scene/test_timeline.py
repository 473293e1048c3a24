"""Seconds and frames."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from simspine.simspine_addon.model.errors import InputError  # noqa: E402
from simspine.simspine_addon.scene.compat import curves_of  # noqa: E402
from simspine.simspine_addon.scene.import_motion import import_person  # noqa: E402
from simspine.simspine_addon.scene.timeline import (  # noqa: E402
    SceneClock,
    ensure_clock,
    key_frames,
    read_clock,
    sample_rate,
    set_scene_rate,
)


def key_times(armature):
    curve = next(iter(curves_of(armature)))
    return np.array([key.co[0] for key in curve.keyframe_points])


@pytest.mark.parametrize("rate", [24, 25, 29.97, 30, 50, 59.94, 60, 100, 119.88, 240, 1000, 12.5, 0.5, 60 / 1.001])
def test_the_scene_runs_at_the_motion_s_rate(scene, people, rate):
    track = people.track(2, 30, rate=rate)
    import_person(scene, people.model(track), None, track)
    assert scene.render.fps / scene.render.fps_base == pytest.approx(rate, rel=1e-6)
    assert (scene.frame_start, scene.frame_end) == (1, 30)


@pytest.mark.parametrize(("rate", "fps", "base"), [(59.94, 60, 60 / 59.94), (100, 100, 1.0), (30 / 1.001, 30, 1.001)])
def test_odd_rates_are_a_whole_number_over_a_base(scene, rate, fps, base):
    set_scene_rate(scene, rate)
    assert scene.render.fps == fps
    assert scene.render.fps_base == pytest.approx(base, rel=1e-6)


@pytest.mark.parametrize("decimals", [3, 4, 6])
def test_rounded_time_stamps_give_whole_frames(decimals):
    time = np.round(5.0 + np.arange(400) / 60.0, decimals)
    assert sample_rate(time) == 60.0
    assert np.array_equal(key_frames(SceneClock(60.0, time[0]), time), 1.0 + np.arange(400))


def test_a_rate_just_below_a_whole_one_is_not_taken_for_it():
    assert sample_rate(np.arange(200) / 59.94) == pytest.approx(59.94, rel=1e-9)


def test_uneven_times_keep_their_own_frames():
    time = np.array([0.0, 0.01, 0.04, 0.05, 0.11])
    assert np.allclose(key_frames(SceneClock(50.0, 0.0), time), 1.0 + 50.0 * time, atol=1e-12)


def test_exact_times_are_not_moved_to_whole_frames():
    time = 0.0004 + np.arange(50) / 100.0
    assert np.allclose(key_frames(SceneClock(100.0, 0.0), time), 1.04 + np.arange(50), atol=1e-9)


def test_a_clock_s_frames_and_times_are_inverse():
    clock = SceneClock(59.94, 2.5)
    assert clock.frames(2.5) == 1.0
    assert np.allclose(clock.times(clock.frames(np.linspace(-1, 9, 7))), np.linspace(-1, 9, 7), atol=1e-12)


def test_a_second_person_at_another_rate_keeps_step_with_the_first(scene, people):
    first, second = people.track(2, 61, rate=60.0, start=10.0), people.track(2, 201, rate=100.0, start=10.5)
    import_person(scene, people.model(first), None, first)
    person = import_person(scene, people.model(second), None, second)
    assert scene.render.fps == 60
    assert (scene.frame_start, scene.frame_end) == (1, 151)
    assert np.allclose(key_times(person.armature), 1 + (second.time - 10.0) * 60.0, atol=1e-4)


def test_a_second_person_moves_as_the_numbers_say_between_its_keys(scene, people):
    first, second = people.track(2, 61, rate=60.0), people.track(5, 101, rate=100.0)
    import_person(scene, people.model(first), None, first)
    person = import_person(scene, people.model(second), None, second)
    scene.frame_set(1 + 24)  # 0.4 s: its sample 40
    heads = np.array([person.armature.pose.bones[name].matrix for name in second.names])[:, :3, 3]
    assert np.abs(heads - second.joint_centres[40] @ people.to_blender.T).max() < 1e-5


def test_a_motion_before_the_clock_s_start_is_said_so(scene, people):
    first, second = people.track(2, 10, start=5.0), people.track(2, 10, start=3.0)
    import_person(scene, people.model(first), None, first)
    person = import_person(scene, people.model(second), None, second)
    assert person.frame_start == pytest.approx(1 - 120)
    assert any("before frame 0" in warning for warning in person.warnings)


def test_the_clock_starts_anew_when_all_people_are_gone(scene, people):
    first, second = people.track(2, 10, rate=60.0), people.track(2, 10, rate=25.0, start=7.0)
    person = import_person(scene, people.model(first), None, first)
    bpy.data.objects.remove(person.armature)
    import_person(scene, people.model(second), None, second)
    assert read_clock(scene) == SceneClock(25.0, 7.0)


def test_a_scene_whose_rate_was_changed_keeps_people_in_step_and_says_so(scene, people):
    track = people.track(2, 10)
    import_person(scene, people.model(track), None, track)
    scene.render.fps = 24
    person = import_person(scene, people.model(track), None, track)
    assert person.frame_end == 10.0
    assert any("now plays at 24" in warning for warning in person.warnings)


def test_one_frame_keeps_the_scene_s_rate(scene, people):
    track = people.track(2, 1)
    scene.render.fps = 48
    person = import_person(scene, people.model(track), None, track)
    assert (scene.render.fps, person.frame_start, person.frame_end) == (48, 1.0, 1.0)


@pytest.mark.parametrize("time", [[], [0.0, 0.1, 0.1], [0.2, 0.1], [0.0, np.nan]])
def test_times_that_are_none_are_refused(scene, time):
    with pytest.raises(InputError):
        ensure_clock(scene, np.array(time))


@pytest.mark.parametrize("fps", [0.0, -24.0, np.nan, np.inf, 1e6])
def test_impossible_rates_are_refused(scene, fps):
    with pytest.raises(InputError, match="frame rate"):
        ensure_clock(scene, np.arange(3) / 60.0, fps)
