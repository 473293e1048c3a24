"""Who sits: figures of sticks whose balance is plain to see, and the sample motions, of which one sits."""

from __future__ import annotations

import numpy as np
import pytest
from simspine.sample_rigs import MOTIONS, sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.scene.surroundings_sitting import by_place, sittings
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES, keypoint_positions

TIME = np.arange(61) / 60.0


def figure(hip: float, knee: tuple[float, float], ankle: tuple[float, float], shoulder: tuple[float, float]):
    """Keypoints [37, 3] of someone who looks along +X: hips `hip` m high over x = 0, the rest at these (x, y)."""
    places = {"Hip": (0.0, hip), "Knee": knee, "Ankle": ankle, "Shoulder": shoulder}
    places |= {"Heel": (ankle[0] - 0.05, ankle[1] - 0.06), "BigToe": (ankle[0] + 0.17, ankle[1] - 0.07)}
    points = np.full((37, 3), np.nan)
    for name, (x, y) in places.items():
        for side, z in (("L", -0.1), ("R", 0.1)):
            points[KEYPOINT_NAMES.index(side + name)] = x, y, z
    return points


SEATED = figure(0.5, (0.42, 0.5), (0.42, 0.08), (0.0, 0.98))
STANDING = figure(0.92, (0.0, 0.5), (0.0, 0.08), (0.0, 1.4))
OTHERS = {
    "stands": STANDING,
    "squats": figure(0.32, (0.3, 0.55), (0.16, 0.08), (0.38, 0.7)),
    "half squats": figure(0.5, (0.36, 0.6), (0.2, 0.08), (0.45, 0.85)),
    "kneels on the heels": figure(0.3, (0.4, 0.06), (0.0, 0.08), (0.0, 0.78)),
    "sits on the floor": figure(0.1, (0.42, 0.1), (0.84, 0.08), (0.0, 0.58)),
    "lies on a bed": figure(0.6, (0.42, 0.6), (0.84, 0.6), (-0.48, 0.62)),
}


def held(points: np.ndarray) -> np.ndarray:
    return np.tile(points, (len(TIME), 1, 1))


def test_someone_seated_is_found_with_place_heading_and_size() -> None:
    (sitting,) = sittings(TIME, held(SEATED), 0.0)
    np.testing.assert_allclose(sitting.hip, (0.0, 0.5, 0.0), atol=1e-12)
    assert np.degrees(sitting.heading) == pytest.approx(90.0)  # from +Z towards +X
    assert sitting.thigh_m == pytest.approx(0.42)
    assert len(sitting.frames) == len(TIME)


@pytest.mark.parametrize("name", OTHERS)
def test_who_needs_no_seat_is_given_none(name: str) -> None:
    assert sittings(TIME, held(OTHERS[name]), 0.0) == ()


def test_a_seat_is_found_on_a_floor_of_any_height() -> None:
    raised = held(SEATED) + np.array([0.0, 3.0, 0.0])
    assert len(sittings(TIME, raised, 3.0)) == 1
    assert sittings(TIME, held(OTHERS["squats"]) + np.array([0.0, 3.0, 0.0]), 3.0) == ()


def test_someone_who_is_pushed_along_has_no_seat_that_stands() -> None:
    course = held(SEATED)
    course[:, :, 0] += TIME[:, None] * 0.5
    assert sittings(TIME, course, 0.0) == ()


def test_a_moment_is_not_a_sit_unless_the_motion_is_no_longer() -> None:
    course = held(STANDING)
    course[20:30] = SEATED  # 0.15 s
    assert sittings(TIME, course, 0.0) == ()
    assert len(sittings(TIME[:1], SEATED[None], 0.0)) == 1


def test_unknown_keypoints_give_no_seat_and_no_error() -> None:
    for missing in ("LHip", "RKnee", "LAnkle"):
        course = held(SEATED)
        course[:, KEYPOINT_NAMES.index(missing)] = np.nan
        assert sittings(TIME, course, 0.0) == ()


def test_two_sits_in_one_place_share_a_seat_and_two_places_do_not() -> None:
    course = held(STANDING)
    course[:25], course[35:] = SEATED, SEATED
    assert [len(group) for group in by_place(sittings(TIME, course, 0.0))] == [2]
    course[35:, :, 2] += 1.5
    assert [len(group) for group in by_place(sittings(TIME, course, 0.0))] == [1, 1]


def test_only_one_of_the_sample_motions_sits() -> None:
    model = read_model(sample_model_path())
    found = {}
    for name in MOTIONS:
        track = pose_track(model, read_motion(sample_motion_path(name), model))
        points = keypoint_positions(model, track)
        found[name] = len(by_place(sittings(track.time, points, float(np.nanmin(points[..., 1])))))
    assert found == {name: int(name == "sit_to_stand") for name in MOTIONS}
