"""Feet keep their places: measured on soles of the target at moments when markers of the source stand still."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from simspine.simspine_addon.kinematics.pose_track import PoseTrack
from simspine.simspine_addon.retarget.contacts import runs, standing
from simspine.simspine_addon.retarget.feet import smooth_above
from simspine.simspine_addon.retarget.presets import choose_preset
from simspine.simspine_addon.retarget.skeleton import skeleton_of_track
from simspine.simspine_addon.retarget.solve import RetargetOptions, retarget
from simspine.simspine_addon.retarget.two_bones import reach

LEVEL = np.array([1.0, 0.0, 1.0])
MOTIONS = ("walking", "lifting_with_twist")
HEIGHTS = (1.5, 1.75, 2.0)


def carried(track: PoseTrack, bone: int, place: np.ndarray) -> np.ndarray:
    """A point of a body, known at rest [3], over time [T, 3]."""
    turn = track.rotations[:, bone] @ track.rest_rotations[bone].T
    return track.joint_centres[:, bone] + turn @ (place - track.rest_joint_centres[bone])


def soles(track: PoseTrack, foot: str, toes: str) -> dict[str, np.ndarray]:
    """Heel and ball of a foot, on the floor at rest: below the toes' joint, and behind the ankle by 0.35 of the way."""
    one, other = track.names.index(foot), track.names.index(toes)
    ankle, ball = track.rest_joint_centres[one], track.rest_joint_centres[other]
    heel = (ankle - 0.35 * (ball - ankle)) * LEVEL
    return {"heel": carried(track, one, heel), "ball": carried(track, one, ball * LEVEL)}


def still(point: np.ndarray, rate: float) -> list[tuple[int, int]]:
    """When a point of the source is within 10 mm of the floor and slower than 50 mm/s, for five frames or more."""
    speed = np.linalg.norm(np.gradient(point, axis=0), axis=1) * rate
    return [(a, b) for a, b in runs((point[:, 1] < 0.010) & (speed < 0.050)) if b - a >= 5]


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize("height", HEIGHTS)
@pytest.mark.parametrize("pose", ["T", "A"])
def test_stances_slide_and_sink_at_most_2_mm(
    motion: str, height: float, pose: str, sample: Callable, person: Callable
) -> None:
    track = sample(motion)
    role_map = choose_preset(skeleton_of_track(track))[1]
    target = person(height=height, pose=pose, facing_deg=90.0)
    moved = retarget(track, role_map, target.skeleton, target.role_map).track
    # The target as its maker turned it: rest positions in the track are the rig's own, facing elsewhere.
    stances = 0
    for side, foot in (("left", "talus_l"), ("right", "talus_r")):
        source = soles(track, foot, f"toes_{foot[-1]}")
        own = soles(moved, f"{side}_foot", f"{side}_toes")
        for part, point in source.items():
            assert own[part][:, 1].min() > -0.002
            for first, past in still(point, track.rate):
                stances += 1
                places = own[part][first:past] * LEVEL
                assert np.linalg.norm(places[:, None] - places[None], axis=2).max() < 0.002
                assert np.abs(own[part][first:past, 1]).max() < 0.002
    assert stances >= 4


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize("height", HEIGHTS)
def test_jerk_stays_as_it_was(motion: str, height: float, sample: Callable, person: Callable) -> None:
    """Root mean square third differences of wrists, hips, knees, ankles and balls, over the source's at that size."""
    track = sample(motion)
    role_map = choose_preset(skeleton_of_track(track))[1]
    target = person(height=height)
    result = retarget(track, role_map, target.skeleton, target.role_map)
    roles = [f"{side}_{part}" for side in ("left", "right") for part in ("hand", "thigh", "shin", "foot", "toes")]
    before = track.joint_centres[:, [track.names.index(role_map.of(role)[0]) for role in roles]]
    after = result.track.positions[:, [target.skeleton.index(role) for role in roles]]
    jerks = [np.sqrt(np.mean(np.diff(points, 3, axis=0) ** 2)) for points in (before, after)]
    assert 0.9 < jerks[1] / (result.scale * jerks[0]) < 1.1


@pytest.mark.parametrize("name", ["mpfb_default", "mixamo", "mpfb_game_engine", "mpfb_cmu_mb", "rigify_metarig"])
def test_sample_rigs_stand_still_where_the_source_does(name: str, sample: Callable, mpfb: Callable) -> None:
    """Flat on the floor the whole foot is still: ankle and ball of the rig move by 2 mm at most."""
    track, target = sample("walking"), mpfb(name)
    role_map, target_map = choose_preset(skeleton_of_track(track))[1], choose_preset(target)[1]
    moved = retarget(track, role_map, target, target_map).track
    flat = 0
    for side, letter in (("left", "l"), ("right", "r")):
        source = soles(track, f"talus_{letter}", f"toes_{letter}")
        stand = [np.zeros(len(track.time), bool) for _ in source]
        for mask, point in zip(stand, source.values(), strict=True):
            for first, past in still(point, track.rate):
                mask[first:past] = True
        for first, past in runs(stand[0] & stand[1]):
            flat += 1
            for role in (f"{side}_foot", f"{side}_toes"):
                points = moved.positions[first:past, target.index(target_map.of(role)[0])]
                assert np.linalg.norm(points - points[0], axis=1).max() < 0.002
    assert flat >= 4


def test_free_feet_slide_where_locked_ones_do_not(sample: Callable, person: Callable) -> None:
    track = sample("lifting_with_twist")
    role_map = choose_preset(skeleton_of_track(track))[1]
    target = person(height=2.0)
    slides = []
    for feet in ("free", "locked"):
        moved = retarget(track, role_map, target.skeleton, target.role_map, RetargetOptions(feet=feet)).track
        slides.append(np.ptp(moved.positions[:, target.skeleton.index("left_foot")], axis=0).max())
    assert slides[1] < 0.002 < slides[0]


def test_pelvis_is_lowered_by_less_than_2_percent_of_the_leg(sample: Callable, person: Callable) -> None:
    track = sample("walking")
    role_map = choose_preset(skeleton_of_track(track))[1]
    target = person()
    result = retarget(track, role_map, target.skeleton, target.role_map)
    assert result.lowered.min() >= 0.0
    assert result.lowered.max() < 0.02 * 0.86


def test_contact_bears_a_bump_but_ends_where_the_foot_leaves() -> None:
    """Slow bumps between 0.018 and 0.026 of the leg do not end a stance, higher ones end it where they pass 0.018."""
    wave = np.sin(np.linspace(0.0, np.pi, 2001))
    height = np.concatenate([0.024 * wave, 0.030 * wave])
    points = np.stack([np.zeros_like(height), height, np.zeros_like(height)], axis=1)
    mask = standing(points, 100.0, 0.0, 1.0)
    (start, lift), (land, end) = runs(mask)
    assert (start, end) == (0, len(height))
    assert lift > 2001
    assert abs(height[lift] - 0.018) < 1e-4
    assert abs(height[land] - 0.018) < 1e-4


def test_fast_point_near_the_floor_does_not_stand() -> None:
    points = np.stack([np.linspace(0.0, 2.0, 101), np.zeros(101), np.zeros(101)], axis=1)
    assert not standing(points, 100.0, 0.0, 0.9).any()


def test_gap_of_two_frames_is_closed() -> None:
    points = np.zeros((100, 3))
    points[50:52, 1] = 0.2
    assert standing(points, 50.0, 0.0, 0.9).sum() >= 96


def test_two_bones_reach_the_goal_in_their_plane() -> None:
    random = np.random.default_rng(1)
    start = random.normal(size=(50, 3))
    middle = start + 0.4 * unit(random.normal(size=(50, 3)))
    end = middle + 0.35 * unit(random.normal(size=(50, 3)))
    goal = start + unit(end - start + 0.05 * random.normal(size=(50, 3))) * random.uniform(0.1, 0.74, 50)[:, None]
    first, second, reached = reach(start, middle, end, goal, np.zeros((50, 3)))
    new_middle = start + np.einsum("tij,tj->ti", first, middle - start)
    new_end = new_middle + np.einsum("tij,tj->ti", second, end - middle)
    assert np.abs(new_end - goal).max() < 1e-9
    assert np.abs(reached - goal).max() < 1e-9


def test_goal_out_of_reach_straightens_the_limb_without_stretching() -> None:
    start, middle, end = (np.array([p]) for p in ([0.0, 0.0, 0.0], [0.0, -0.4, 0.05], [0.0, -0.8, 0.0]))
    goal = np.array([[0.0, -2.0, 0.0]])
    first, second, reached = reach(start, middle, end, goal, np.array([[0.0, 0.0, 1.0]]), soft=0.05)
    new_end = first @ (middle - start)[0] + second @ (end - middle)[0]
    length = 2.0 * np.hypot(0.4, 0.05)
    assert 0.99 * length < np.linalg.norm(new_end) < length
    assert np.abs(new_end - reached).max() < 1e-9


def test_smooth_cover_is_never_below() -> None:
    values = np.maximum(np.random.default_rng(2).normal(size=300), 0.0)
    cover = smooth_above(values, 5)
    assert np.all(cover >= values - 1e-12)
    assert len(cover) == 300


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
