"""Write detections as OpenPose's JSON, a folder for each camera and a file for each frame, for other programs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..model.atomic import atomic_path
from ..spine.keypoints import KEYPOINT_NAMES
from .detections import Detections


def write_openpose(folder: str | Path, detections: Detections) -> int:
    """Write `folder/<camera>_json/<camera>_<frame>_keypoints.json`, frames being rows from 0; gives their number.

    Where all keypoints are ours the 37 are written in SIMSPINE's order, since OpenPose's layout has no names: (0, 0, 0)
    is unseen. A person who is in no frame of a view is not in its files; `person_id` is the place in the list.
    """
    ours = set(detections.keypoint_names) <= set(KEYPOINT_NAMES)
    names = KEYPOINT_NAMES if ours else detections.keypoint_names
    columns = [names.index(name) for name in detections.keypoint_names]
    frames, views, people = detections.scores.shape[:3]
    triples = np.zeros((frames, views, people, len(names), 3))
    triples[..., columns, :2] = np.nan_to_num(detections.points)
    triples[..., columns, 2] = detections.scores
    triples = triples.round(4) + 0.0
    for view, camera in enumerate(detections.camera_names):
        inner = Path(folder) / f"{camera}_json"
        inner.mkdir(parents=True, exist_ok=True)
        for frame in range(frames):
            there = np.flatnonzero((triples[frame, view, :, :, 2] > 0).any(axis=-1))
            persons = [
                {"person_id": [int(place)], "pose_keypoints_2d": triples[frame, view, place].ravel().tolist()}
                for place in there
            ]
            with atomic_path(inner / f"{camera}_{frame:012d}_keypoints.json") as temporary:
                temporary.write_text(json.dumps({"version": 1.3, "people": persons}) + "\n", encoding="utf-8")
    return frames * views
