"""The room for a seat under people made of points: what is in the way of it makes it smaller, or leaves none."""

from __future__ import annotations

import numpy as np
import pytest
from simspine.simspine_addon.kinematics.pose_track import PoseTrack
from simspine.simspine_addon.scene.surroundings_seat_space import MovingBody, SeatSpace, seat_spaces
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES

TIME = np.arange(31) / 30.0
PLACES = {"Hip": (0.0, 0.5), "Knee": (0.42, 0.5), "Ankle": (0.42, 0.08), "Heel": (0.4, 0.0), "Shoulder": (0.0, 1.0)}


def cloud(low: tuple[float, float, float], high: tuple[float, float, float], count: int = 6000) -> np.ndarray:
    return np.random.default_rng(0).uniform(low, high, (count, 3))


TRUNK = cloud((-0.15, 0.4, -0.15), (0.42, 0.9, 0.15), 20000)
FEET = cloud((0.38, 0.0, -0.15), (0.6, 0.45, 0.15))


def sitter(*parts: np.ndarray) -> MovingBody:
    """Someone who looks along +X and sits at rest."""
    points = np.full((len(TIME), 37, 3), np.nan)
    for name, (x, y) in PLACES.items():
        for side, z in (("L", -0.1), ("R", 0.1)):
            points[:, KEYPOINT_NAMES.index(side + name)] = x, y, z
    still, turns = np.zeros((len(TIME), 1, 3)), np.tile(np.eye(3), (len(TIME), 1, 1, 1))
    track = PoseTrack(TIME, ("pelvis",), np.array([-1]), still, turns, still[0], still[0], turns[0])
    surface = np.concatenate(parts)
    return MovingBody(track, points, lambda _: surface, np.zeros((1, 3), np.int64))


def room(*parts: np.ndarray) -> SeatSpace:
    ((space,), notes) = seat_spaces([sitter(*parts)], 0.0)
    assert notes == ()
    return space


def test_a_seat_lies_just_below_the_lowest_skin_and_before_it_are_the_calves() -> None:
    space = room(TRUNK, FEET)
    assert 0.0 < TRUNK[:, 1].min() - space.top < 0.005
    assert 0.30 - 1e-9 < space.front + 0.05 < 0.38  # the calves begin at 0.38
    assert space.front < 0.38 - 0.02
    assert np.degrees(space.heading) == pytest.approx(90.0)
    assert space.legs_front == space.front
    assert space.backrest == pytest.approx(-0.15 - 0.03, abs=0.005)


def test_hands_beside_the_hips_make_a_seat_narrower() -> None:
    hands = cloud((-0.05, 0.3, 0.3), (0.1, 0.5, 0.36))
    assert room(TRUNK, FEET).half_width > 0.5
    assert 0.2 < room(TRUNK, FEET, hands).half_width <= 0.30 - 0.025


def test_feet_drawn_back_under_a_seat_leave_the_board_and_move_its_legs() -> None:
    space = room(TRUNK, cloud((0.12, 0.0, -0.15), (0.45, 0.2, 0.15)))
    assert space.front > 0.2
    assert space.legs_front <= 0.12 - 0.02


def test_what_goes_behind_leaves_no_backrest() -> None:
    assert room(TRUNK, FEET, cloud((-0.6, 0.5, -0.1), (-0.4, 0.7, 0.1))).backrest is None


def test_a_place_where_nothing_fits_is_told() -> None:
    spaces, notes = seat_spaces([sitter(TRUNK, cloud((-0.1, 0.0, -0.1), (0.1, 0.38, 0.1)))], 0.0)
    assert spaces == ()
    assert notes == ("no seat fits under person 1, who sits at 0.00 s",)
