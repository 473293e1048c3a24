"""People keep their places in the list from frame to frame."""

import numpy as np
from simspine.simspine_addon.capture.detector_tracking import PersonTracker

LEFT, RIGHT = np.array([10.0, 10, 50, 100]), np.array([200.0, 10, 50, 100])


def places(tracker: PersonTracker, *boxes: np.ndarray) -> list[int]:
    return tracker.places(np.array(boxes).reshape(-1, 4)).tolist()


def moved(box: np.ndarray, px: float) -> np.ndarray:
    return box + np.array([px, 0, 0, 0])


def test_an_exchanged_list_keeps_the_people_apart():
    tracker = PersonTracker(4)
    assert places(tracker, LEFT, RIGHT) == [0, 1]
    assert places(tracker, moved(RIGHT, 5), moved(LEFT, 5)) == [1, 0]


def test_someone_who_is_missed_for_a_while_comes_back_to_the_same_place():
    tracker = PersonTracker(4)
    places(tracker, LEFT, RIGHT)
    for _ in range(10):
        assert places(tracker, RIGHT) == [1]
    assert places(tracker, RIGHT, LEFT) == [1, 0]


def test_a_stranger_takes_a_place_that_was_never_taken():
    tracker = PersonTracker(4)
    places(tracker, LEFT)
    assert places(tracker, RIGHT) == [1]


def test_with_one_place_alone_whoever_is_there_has_it():
    tracker = PersonTracker(1)
    assert places(tracker, LEFT) == [0]
    assert places(tracker) == []
    assert places(tracker, RIGHT) == [0]


def test_two_people_never_share_a_place():
    tracker = PersonTracker(2)
    assert places(tracker, LEFT) == [0]
    assert sorted(places(tracker, moved(LEFT, 1), moved(LEFT, -1))) == [0, 1]


def test_a_place_is_forgotten_after_patience():
    tracker = PersonTracker(4, patience=3)
    places(tracker, LEFT, RIGHT)
    for _ in range(5):
        places(tracker, RIGHT)
    assert places(tracker, RIGHT, moved(LEFT, 60)) == [1, 0]
