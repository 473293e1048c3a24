"""Labels as OpenPose's JSON, a file for each image, for programs that take a detector's output (Pose2Sim among them).

`<recording>/<camera>/<frame>_keypoints.json`; `people[].pose_keypoints_2d` holds x, y, score of the labels' own
keypoints in their order (37 for SIMSPINE), not those of BODY_25. Score 1: seen, 0.5: hidden, 0 0 0: outside the
image. Beside them `calibration.toml`, in Pose2Sim's Z-up world.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..simspine_addon.capture.calibration import write_calibration
from ..simspine_addon.model.atomic import atomic_path
from .keypoint_npz import check_shared
from .recording import Recording
from .simspine_layout import moves, safe_name

_DECIMALS = 7


def write_openpose(folder: str | Path, recordings: Sequence[Recording]) -> list[Path]:
    """Write a folder for each recording into `folder`, which is made; gives the calibrations and camera folders.

    Someone of whom an image shows no keypoint is left out of that image's people; `person_id` says who is who. A
    recording with a camera that moves has no `calibration.toml`, since none could tell.

    Raises:
        InputError: no place to write.
    """
    written = []
    for recording in recordings:
        check_shared(recording)
        place = Path(folder) / safe_name(recording.name)
        place.mkdir(parents=True, exist_ok=True)
        first = recording.people[0]
        if not moves(first).any():
            write_calibration(place / "calibration.toml", first.cameras, world="pose2sim")
            written.append(place / "calibration.toml")
        for view, camera in enumerate(first.cameras):
            camera_folder = place / safe_name(camera.name)
            camera_folder.mkdir(exist_ok=True)
            _write_view(camera_folder, recording, view)
            written.append(camera_folder)
    return written


def _write_view(folder: Path, recording: Recording, view: int) -> None:
    triples = []
    for person in recording.people:
        visible = person.visibility[view]
        points = np.where(visible[..., None] > 0, person.points_2d[view], 0.0).round(_DECIMALS)
        triples.append(np.concatenate([points, visible[..., None] / 2.0], axis=-1).reshape(len(visible), -1))
    for index, frame in enumerate(recording.people[0].frames.tolist()):
        people = [
            {"person_id": [number], "pose_keypoints_2d": rows[index].tolist()}
            for number, rows in enumerate(triples)
            if rows[index].any()
        ]
        text = json.dumps({"version": 1.3, "people": people}, allow_nan=False, separators=(",", ":"))
        with atomic_path(folder / f"{frame:012d}_keypoints.json") as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
