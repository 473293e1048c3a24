"""Detect the keypoints of every person in all views of a recording: boxes, tracks, poses, in our names and order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from ..spine.keypoints import KEYPOINT_NAMES
from .detection_layouts import layout_names
from .detections import Detections, make_detections
from .detector_boxes import BoxTracks
from .detector_tracking import PersonTracker
from .onnx_boxes import BoxModel
from .onnx_pose import PoseModel
from .video import View

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]
Watch = Callable[[Iterator[tuple[int, Picture]], str, int], Iterator[tuple[int, Picture]]]

_FRAMES_AT_ONCE = 16
_MOST_HOLES = 20  # times as many frames as there are images: beyond that they are times, or anything else


@dataclass(frozen=True, slots=True)
class DetectorOptions:
    """`max_people` bounds the people of a view, the best or largest first; `rate` replaces the videos' own (0: theirs);
    `all_keypoints` keeps points that are none of ours (a face's, a hand's)."""

    max_people: int = 8
    rate: float = 0.0
    all_keypoints: bool = False


@dataclass(slots=True)
class _Seen:
    """What was found in one view, by frame number and the person's place."""

    people: dict[int, dict[int, tuple[Array, Array, Array]]] = field(default_factory=dict)  # points, scores, box

    @property
    def most(self) -> int:
        return max((place + 1 for frame in self.people.values() for place in frame), default=0)


@dataclass(frozen=True, slots=True)
class DetectorRun:
    """The detections, and how many frames and people there were: plain data for a report."""

    detections: Detections
    counts: dict[str, dict[str, Any]]  # by view


def detect_recording(
    views: Sequence[View],
    pose: PoseModel,
    boxes: BoxModel | BoxTracks | None = None,
    options: DetectorOptions | None = None,
    watch: Watch | None = None,
) -> DetectorRun:
    """Find all people in all frames of all views.

    Args:
        views: from `find_views`; frames of the same number belong together.
        pose: from `open_pose_model`.
        boxes: a person detector, boxes from a file, or None: the whole image is one person's box.
        options: see `DetectorOptions`.
        watch: shows progress over an iterator, given its name and count.

    Returns:
        detections with a row for each frame number that any view has; NaN where nobody was found.

    Raises:
        InputError: no view; a picture that cannot be read; rates that differ.
    """
    options = options or DetectorOptions()
    if not views:
        raise InputError("there is no view", hint="give a video or a folder of images")
    if options.max_people < 1:
        raise InputError(f"at most {options.max_people} people leave nobody", hint="give 1 or more")
    rate, warnings = _common_rate(views, options.rate)
    names, chosen, notes = keypoint_choice(pose.keypoints, options.all_keypoints)
    warnings += notes
    seen = []
    for index, view in enumerate(views):
        frames = view.frames() if watch is None else watch(view.frames(), view.name, len(view.numbers))
        seen.append(_detect_view(index, frames, pose, boxes, options, chosen))
        warnings += _view_warnings(view, seen[-1])
    warnings += _frame_warnings(views, seen)
    detections = _assembled(views, seen, names, rate, warnings)
    counts = {view.name: _counts(view, found) for view, found in zip(views, seen, strict=True)}
    return DetectorRun(detections, counts)


def keypoint_choice(count: int, everything: bool = False) -> tuple[tuple[str, ...], list[int], list[str]]:
    """Which of a network's `count` keypoints are kept, in the order of ours: their names, indices, and what is odd."""
    names = layout_names(count)
    known = [names.index(name) for name in KEYPOINT_NAMES if name in names]
    if everything or not known:
        odd = [] if known else [f"no known detector gives {count} keypoints: they are named {names[0]} to {names[-1]}"]
        return names, list(range(count)), odd
    return tuple(names[index] for index in known), known, []


def _detect_view(
    index: int,
    frames: Iterator[tuple[int, Picture]],
    pose: PoseModel,
    boxes: BoxModel | BoxTracks | None,
    options: DetectorOptions,
    chosen: list[int],
) -> _Seen:
    seen, tracker = _Seen(), PersonTracker(options.max_people)
    while part := list(islice(frames, _FRAMES_AT_ONCE)):
        people: list[tuple[Picture, Array]] = []
        whose: list[tuple[int, int]] = []
        for number, picture in part:
            seen.people[number] = {}
            for place, box in _people_of(index, number, picture, boxes, options, tracker):
                people.append((picture, box))
                whose.append((number, place))
        if not people:
            continue
        points, scores = pose.estimate(people)
        for (number, place), (_, box), where, score in zip(whose, people, points, scores, strict=True):
            seen.people[number][place] = (where[chosen], score[chosen], box)
    return seen


def _people_of(
    view: int,
    number: int,
    picture: Picture,
    boxes: BoxModel | BoxTracks | None,
    options: DetectorOptions,
    tracker: PersonTracker,
) -> list[tuple[int, Array]]:
    """(place, box) of each person of a frame."""
    if boxes is None:
        height, width = picture.shape[:2]
        return [(0, np.array([-0.5, -0.5, width, height]))]
    if isinstance(boxes, BoxTracks):
        given = boxes.at(view, number)
        there = np.flatnonzero(np.isfinite(given).all(axis=1) & (given[:, 2:] > 0).all(axis=1))
        found = given[there]
        found = found[np.argsort(-np.prod(found[:, 2:], axis=1), kind="stable")]
    else:
        found, _ = boxes.find(picture)
    found = found[: options.max_people]
    return list(zip(tracker.places(found).tolist(), found, strict=True))


def _assembled(
    views: Sequence[View], seen: list[_Seen], names: tuple[str, ...], rate: float, warnings: list[str]
) -> Detections:
    numbers = frame_numbers({number for each in seen for number in each.people}, views)
    row = {number: index for index, number in enumerate(numbers)}
    shape = (len(numbers), len(views), max(1, *(each.most for each in seen)), len(names))
    points, scores, boxes = np.full((*shape, 2), np.nan), np.zeros(shape), np.full((*shape[:3], 4), np.nan)
    for view, each in enumerate(seen):
        for number, people in each.people.items():
            for place, found in people.items():
                cell = (row[number], view, place)
                points[cell], scores[cell], boxes[cell] = found
    step = numbers[1] - numbers[0] if len(numbers) > 1 else 1
    time = (np.array(numbers, float) - (numbers[0] if numbers else 0)) / (rate or 1.0)
    return make_detections(
        points, scores, camera_names=[view.name for view in views], keypoint_names=names, rate=rate / step, time=time,
        boxes=boxes, warnings=warnings,
    )  # fmt: skip


def frame_numbers(found: set[int], views: Sequence[View]) -> list[int]:
    """The numbers from the first frame to the last, with those that no view has: time has no holes.

    They go in steps of the largest number that divides all differences: a render of each tenth frame stays one.

    Raises:
        InputError: numbers so far apart that they are no frame numbers.
    """
    numbers = sorted(found)
    if len(numbers) < 2:
        return numbers
    step = int(np.gcd.reduce(np.diff(numbers)))
    every = range(numbers[0], numbers[-1] + 1, step)
    if len(every) > _MOST_HOLES * len(numbers):
        problem = f"the images' numbers go from {numbers[0]} to {numbers[-1]}, and there are {len(numbers)}"
        raise InputError(problem, path=views[0].path, hint="name images by their frame's number")
    return list(every)


def _common_rate(views: Sequence[View], given: float) -> tuple[float, list[str]]:
    if given < 0 or not np.isfinite(given):
        raise InputError(f"the frame rate {given:g} is not positive")
    if given:
        return given, []
    rates = {round(view.rate, 3) for view in views if view.rate > 0}
    if len(rates) > 1:
        each = ", ".join(f"{view.name} {view.rate:g}" for view in views)
        raise InputError(f"the views have different frame rates ({each})", hint="convert them to one, or give --rate")
    return (rates.pop(), []) if rates else (0.0, ["nothing tells the frame rate, and time counts frames; give --rate"])


def _view_warnings(view: View, seen: _Seen) -> list[str]:
    notes = []
    read = len(seen.people)
    if read < len(view.numbers):
        notes.append(f"{view.name}: {read} frames could be read, its container says {len(view.numbers)}")
    empty = sum(not people for people in seen.people.values())
    if empty:
        notes.append(f"{view.name}: nobody is found in {empty} of {read} frames")
    return notes


def _frame_warnings(views: Sequence[View], seen: Sequence[_Seen]) -> list[str]:
    """Frames that no view has, and views that do not have the same: a camera began later, ended sooner, lost some."""
    found = {number for each in seen for number in each.people}
    absent = len(frame_numbers(found, views)) - len(found)
    notes = [f"{absent} frames between the first and the last are in no view: they count as unseen"] if absent else []
    if len({frozenset(each.people) for each in seen}) < 2:
        return notes
    each = ", ".join(f"{view.name} {len(found.people)}" for view, found in zip(views, seen, strict=True))
    return [*notes, f"the views do not have the same frames ({each}); a frame that a view lacks counts as unseen there"]


def _counts(view: View, seen: _Seen) -> dict[str, Any]:
    found = Counter(len(people) for people in seen.people.values())
    return {
        "source": view.path.name,
        "size": list(view.size),
        "rate": round(view.rate, 6),
        "rotation_deg": view.rotation_deg,
        "frames": len(seen.people),
        "frames_of_container": len(view.numbers),
        "frames_without_person": found.get(0, 0),
        "people_at_once": max(found, default=0),
    }
