"""Detections: where a detector saw the keypoints of every person, in every view and frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..model.atomic import atomic_path
from ..model.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Detections:
    """T frames, V views, P people, K keypoints; pixels in OpenCV's convention, distorted as the lens shows them.

    The person axis is what the detector wrote: the i-th person of one view or frame need not be the i-th of
    another until `people.match_people` has put them in order. `rate` is 0 where the files do not tell it, and
    `time` then counts frames.
    """

    time: Array  # [T] s
    camera_names: tuple[str, ...]  # [V]
    keypoint_names: tuple[str, ...]  # [K]
    points: Array  # [T, V, P, K, 2] px, NaN where unseen
    scores: Array  # [T, V, P, K], 0 where unseen
    boxes: Array  # [T, V, P, 4] x, y, width, height in px, NaN where not given
    rate: float
    warnings: tuple[str, ...] = ()
    path: Path | None = None

    def person(self, index: int) -> Detections:
        """One person alone, P = 1.

        Raises:
            InputError: there is no such person.
        """
        count = self.points.shape[2]
        if not 0 <= index < count:
            raise InputError(f"there is no person {index}", path=self.path, hint=f"there are {count}, counted from 0")
        chosen = slice(index, index + 1)
        return replace(
            self, points=self.points[:, :, chosen], scores=self.scores[:, :, chosen], boxes=self.boxes[:, :, chosen]
        )

    def at_rate(self, rate: float) -> Detections:
        """The same frames, `rate` a second, from time 0; where time counts frames, every n-th makes it `rate` / n.

        Raises:
            InputError: the rate is not positive.
        """
        if not (np.isfinite(rate) and rate > 0):
            raise InputError(f"the frame rate {rate:g} is not positive", path=self.path)
        step = 1.0 if self.rate or len(self.time) < 2 else float(np.median(np.diff(self.time)))
        return replace(self, time=np.arange(len(self.time)) * step / rate, rate=float(rate) / step)


def make_detections(
    points: Array,
    scores: Array,
    *,
    camera_names: Sequence[str],
    keypoint_names: Sequence[str],
    rate: float = 0.0,
    time: Array | None = None,
    boxes: Array | None = None,
    warnings: Sequence[str] = (),
    path: Path | None = None,
) -> Detections:
    """Check shapes, and make a point unseen in both arrays where it is in one.

    Raises:
        InputError: shapes that do not belong together, or pixels that are infinite.
    """
    points, scores = np.array(points, dtype=np.float64), np.array(scores, dtype=np.float64)
    frames, views, people, keypoints = scores.shape if scores.ndim == 4 else (0, 0, 0, 0)
    if points.shape != (frames, views, people, keypoints, 2):
        problem = f"points {points.shape} and scores {scores.shape} are not [T, V, P, K, 2] and [T, V, P, K]"
        raise InputError(problem, path=path)
    if (views, keypoints) != (len(camera_names), len(keypoint_names)):
        problem = f"{len(camera_names)} camera and {len(keypoint_names)} keypoint names do not fit {scores.shape}"
        raise InputError(problem, path=path)
    if np.isinf(points).any():
        raise InputError("a keypoint lies at an infinite pixel", path=path, hint="leave it out where it is unseen")
    unseen = ~(np.isfinite(points).all(axis=-1) & (scores > 0))
    points[unseen], scores[unseen] = np.nan, 0.0
    if time is None:
        time = np.arange(frames) / (rate or 1.0)
    if boxes is None:
        boxes = np.full((frames, views, people, 4), np.nan)
    return Detections(
        np.asarray(time, float),
        tuple(camera_names),
        tuple(keypoint_names),
        points,
        scores,
        np.asarray(boxes, float),
        float(rate),
        tuple(warnings),
        path,
    )


def write_detections(path: str | Path, detections: Detections) -> None:
    """Write every array into one `.npz`, under the names of the fields; `detection_files` reads it back."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            time=detections.time,
            camera_names=np.array(detections.camera_names),
            keypoint_names=np.array(detections.keypoint_names),
            points=detections.points,
            scores=detections.scores,
            boxes=detections.boxes,
            rate=np.array(detections.rate),
        )
