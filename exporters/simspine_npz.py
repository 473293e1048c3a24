"""SIMSPINE's training archive: one row for each image and person, in the layout of the published `simspine_*.npz`.

`imgname [N]`, `center [N,2]` and `scale [N]` of the box about the keypoints (1.2 times its longer side, in units of
200 px), `part [N,K,3]` (u, v, 1 if inside the image), `S [N,K,4]` before the camera and `S_world [N,K,4]` in the
calibration's Z-up world (m, with the same flag), `angles [N,62]` (degrees and m); K = 37 in the order of the HDF5.
X_cam = R X + t, so S = R S_world + t. Instead of a pickled dictionary, names and parents are plain arrays, and the
cameras are in the file too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_PARENTS
from .keypoint_npz import check_shared, save_arrays
from .labels import Labels
from .recording import Recording
from .simspine_layout import (
    CAMERA_CONVENTION,
    KINEMATIC_AXES,
    MARKERS,
    action_names,
    distortions,
    image_name,
    in_z_up_world,
    kinematics,
    marker_order,
)

Array = NDArray[np.float64]

_BOX_SCALE = 1.2
_SCALE_UNIT_PX = 200.0


def write_simspine_npz(path: str | Path, recordings: Sequence[Recording]) -> None:
    """Write recordings as rows: by recording, view, frame and person.

    Beside the published arrays: `camera [N]` (a row of camera_names, K, R, t, dist, size; R [C,3,3] and t [C,3] in
    the Z-up world; `R_image [N,3,3]`, `t_image [N,3]` are those of the row itself), `visibility [N,K]` (0, 1 hidden,
    2 seen), `frame [N]`, `time [N]`, `person [N]`, `recording [N]`, joint_names, param_names, parent_ids, root_index.

    Raises:
        InputError: keypoints that are not the 37 of SIMSPINE, lenses that `dist` cannot hold, or no place to write.
    """
    rows: dict[str, list[NDArray]] = {}
    cameras = [camera for recording in recordings for camera in recording.people[0].cameras]
    first_camera = 0
    for recording, action in zip(recordings, action_names(recordings), strict=True):
        check_shared(recording)
        views = len(recording.people[0].cameras)
        for view in range(views):
            for name, values in _rows(recording, action, view).items():
                rows.setdefault(name, []).append(values)
            people_rows = len(rows["part"][-1])
            rows.setdefault("camera", []).append(np.full(people_rows, first_camera + view))
        first_camera += views
    arrays = {name: np.concatenate(values) for name, values in rows.items()}
    arrays |= {
        "joint_names": np.array(MARKERS),
        "param_names": np.array(KINEMATIC_AXES),
        "parent_ids": np.array([_parent(name) for name in MARKERS]),
        "root_index": np.array(MARKERS.index("Hip")),
        "camera_names": np.array([camera.name for camera in cameras]),
        "K": np.stack([camera.K for camera in cameras]).astype(float),
        "R": in_z_up_world(np.stack([camera.R for camera in cameras]).astype(float)),
        "t": np.stack([camera.t for camera in cameras]).astype(float),
        "dist": distortions(cameras),
        "fisheye": np.array([camera.distortion_model == "fisheye" for camera in cameras]),
        "size": np.array([camera.size for camera in cameras], np.int64),
        "convention": np.array(CAMERA_CONVENTION),
    }
    save_arrays(path, arrays)


def _parent(name: str) -> int:
    parent = KEYPOINT_PARENTS[KEYPOINT_NAMES.index(name)]
    return -1 if parent < 0 else MARKERS.index(KEYPOINT_NAMES[parent])


def _rows(recording: Recording, action: str, view: int) -> dict[str, NDArray]:
    """The rows of one view, frame by frame and within it person by person."""
    people = [_person_rows(person, view) for person in recording.people]
    arrays = {name: np.stack([rows[name] for rows in people], axis=1) for name in people[0]}
    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in arrays.items()}
    count, number = len(recording.people[0].time), len(people)
    names = [image_name(recording, view, index) for index in range(count)]
    flat["imgname"] = np.repeat(np.array(names, np.str_), number)
    flat["person"] = np.tile(np.arange(number), count)
    flat["recording"] = np.full(count * number, f"{recording.subject}_{action}")
    return flat


def _person_rows(person: Labels, view: int) -> dict[str, NDArray]:
    order = marker_order(person.keypoint_names)
    pixels = person.points_2d[view][:, order]
    known = np.isfinite(pixels).all(axis=-1)
    inside = (person.inside[view][:, order] & known).astype(float)[..., None]
    before = np.nan_to_num(person.points_camera[view][:, order])
    world = in_z_up_world(np.nan_to_num(person.points_world[:, order]))
    low = np.where(known[..., None], pixels, np.inf).min(axis=1)
    high = np.where(known[..., None], pixels, -np.inf).max(axis=1)
    empty = ~known.any(axis=1)
    low[empty], high[empty] = 0.0, 0.0
    return {
        "center": (low + high) / 2,
        "scale": _BOX_SCALE * (high - low).max(axis=1) / _SCALE_UNIT_PX,
        "part": np.concatenate([np.nan_to_num(pixels), inside], axis=-1),
        "S": np.concatenate([before, inside], axis=-1),
        "S_world": np.concatenate([world, inside], axis=-1),
        "angles": kinematics(person),
        "visibility": person.visibility[view][:, order],
        "frame": np.asarray(person.frames),
        "time": person.time,
        "R_image": in_z_up_world(person.camera_rotations[view]),
        "t_image": person.camera_translations[view],
    }
