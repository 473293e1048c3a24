"""Labels as OpenPose's JSON, a file for each image, laid out as a project that Pose2Sim triangulates as it stands.

`<recording>/pose/<camera>_json/<image>_keypoints.json`, images counted from 0 as a detector counts a video's;
`people[].pose_keypoints_2d` holds x, y, score of the labels' own keypoints in their order (37 for SIMSPINE), not
those of BODY_25. Score 1: seen, 0.5: hidden, 0 0 0: outside the image. `people[n]` is the same person in all views of
a frame, zeros in a view that shows nothing of them. Beside them `calibration/calibration.toml` in Pose2Sim's Z-up
world, and `Config.toml`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..simspine_addon.capture.calibration import write_calibration
from ..simspine_addon.model.atomic import atomic_path
from .keypoint_npz import check_shared
from .pose2sim_project import in_folder_order, write_project_config
from .recording import Recording
from .simspine_layout import moves, safe_name

_DECIMALS = 7


def write_openpose(folder: str | Path, recordings: Sequence[Recording]) -> list[Path]:
    """Write a project for each recording into `folder`, which is made; gives its files and camera folders.

    Someone of whom no view shows a keypoint is left out of that frame; `person_id` says who is who, and `frame` which
    row of the motion an image shows. A recording with a camera that moves has neither `calibration.toml` nor
    `Config.toml`, since none could tell.

    Raises:
        InputError: no place to write.
    """
    written = []
    for recording in recordings:
        check_shared(recording)
        place = Path(folder) / safe_name(recording.name)
        first = recording.people[0]
        views, cameras = in_folder_order(first.cameras)
        if not moves(first).any():
            (place / "calibration").mkdir(parents=True, exist_ok=True)
            write_calibration(place / "calibration" / "calibration.toml", cameras, world="pose2sim")
            write_project_config(place / "Config.toml", recording)
            written += [place / "calibration" / "calibration.toml", place / "Config.toml"]
        for view, camera in zip(views, cameras, strict=True):
            camera_folder = place / "pose" / f"{safe_name(camera.name)}_json"
            camera_folder.mkdir(parents=True, exist_ok=True)
            _write_view(camera_folder, recording, view)
            written.append(camera_folder)
    return written


def _write_view(folder: Path, recording: Recording, view: int) -> None:
    triples = []
    for person in recording.people:
        visible = person.visibility[view]
        points = np.where(visible[..., None] > 0, person.points_2d[view], 0.0).round(_DECIMALS)
        triples.append(np.concatenate([points, visible[..., None] / 2.0], axis=-1).reshape(len(visible), -1))
    shown = np.stack([(person.visibility > 0).any(axis=(0, 2)) for person in recording.people])
    for index, frame in enumerate(recording.people[0].frames.tolist()):
        people = [
            {"person_id": [number], "pose_keypoints_2d": rows[index].tolist()}
            for number, rows in enumerate(triples)
            if shown[number, index]
        ]
        text = json.dumps({"version": 1.3, "frame": frame, "people": people}, allow_nan=False, separators=(",", ":"))
        with atomic_path(folder / f"{index:012d}_keypoints.json") as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
