"""What the page of a data set is told: labels of the chosen frames as compact numbers, curves, cameras, variety.

Numbers are whole: image points in 1/100 px, places in 1/10 mm, depths in mm, angles in 1/10 deg, so that the page stays
small; NaN is null. Arrays lie flat, the last axis fastest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..exporters.labels import Labels
from ..exporters.recording import Recording
from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.capture.projection import viewing_directions
from ..simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_REGIONS, VERTEBRA_OF_KEYPOINT
from .progress import progress
from .render_view_choice import Choice, Rows, counted
from .render_view_images import image_file, jpeg_uri
from .render_view_variety import variety_groups

Array = NDArray[np.float64]
Json = dict[str, object]

MOST_CURVE_POINTS = 1200  # of a person's angles over time: more than a screen has pixels
# A keypoint in a view: seen, hidden by self, object, other person; not asked; outside the image; no such point.
STATE_CODES = "vsopuxn"
_UNKNOWN, _OUTSIDE, _NONE = 4, 5, 6


@dataclass(frozen=True, slots=True)
class ViewerData:
    """Everything on the page."""

    document: Json
    images: tuple[str, ...]  # data addresses
    notes: tuple[str, ...]  # what a reader should know


def view_data(folder: Path, choice: Choice, title: str) -> ViewerData:
    """Labels and images of what was chosen.

    Raises:
        InputError: an image cannot be read.
    """
    album = _Album(folder)
    total = sum(1 for rows in choice.rows if len(rows))
    recordings = [
        _recording(recording, rows, album) for recording, rows in progress(choice.recordings(), "page", total=total)
    ]
    notes = [f"{counted(album.missing, 'image')} of the labels {_is(album.missing)} not in the folder"]
    notes = notes if album.missing else []
    document: Json = {
        "title": title,
        "shown": choice.shown,
        "leftOut": list(choice.left_out),
        "notes": notes,
        "recordings": recordings,
    }
    return ViewerData(document, tuple(album.images), tuple(notes))


class _Album:
    """The images of the page, each a number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images: list[str] = []
        self.missing = 0

    def add(self, name: str) -> int | None:
        path = image_file(self.folder, name)
        if not path.is_file():
            self.missing += 1
            return None
        self.images.append(jpeg_uri(path))
        return len(self.images) - 1


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _recording(recording: Recording, rows: Rows, album: _Album) -> Json:
    first = recording.people[0]
    still = [_is_still(first, view) for view in range(len(first.cameras))]
    return {
        "name": recording.name,
        "subject": recording.subject,
        "action": recording.action,
        "model": recording.model_file,
        "placement": recording.placement,
        "rate": round(float(recording.rate), 6),
        "count": len(first.time),
        "frames": first.frames[rows].tolist(),
        "time": [round(float(each), 6) for each in first.time[rows]],
        "keypoints": _keypoints(first),
        "cameras": [
            _camera(camera, first, view, rows[:1] if still[view] else rows) for view, camera in enumerate(first.cameras)
        ],
        "images": [[album.add(names[row]) for row in rows] if len(names) else [] for names in recording.image_names],
        "people": [_person(person, rows) for person in recording.people],
        "curve": _curves(recording.people),
        "variety": variety_groups(recording.variety),
    }


def _is_still(labels: Labels, view: int) -> bool:
    poses = labels.camera_rotations[view], labels.camera_translations[view]
    return not any(np.ptp(each, axis=0).any() for each in poses)


def _keypoints(labels: Labels) -> Json:
    known = dict(zip(KEYPOINT_NAMES, KEYPOINT_REGIONS, strict=True))
    return {
        "names": list(labels.keypoint_names),
        "parents": list(labels.keypoint_parents),
        "regions": [known.get(name, "body") for name in labels.keypoint_names],
        "vertebrae": [VERTEBRA_OF_KEYPOINT.get(name, "") for name in labels.keypoint_names],
    }


def _camera(camera: Camera, labels: Labels, view: int, rows: Rows) -> Json:
    """Size and pose (R row by row, then t in m) of every frame, or of one where it stands; rays through the corners."""
    width, height = camera.size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5
    poses = np.concatenate(
        [labels.camera_rotations[view, rows].reshape(-1, 9), labels.camera_translations[view, rows]], axis=1
    )
    return {
        "name": camera.name,
        "size": [width, height],
        "lens": camera.distortion_model,
        "corners": _whole(viewing_directions(camera, corners), 1e4),
        "poses": _whole(poses, 1e6),
    }


def _person(labels: Labels, rows: Rows) -> Json:
    model, occlusion = labels.points_world_model, labels.occlusion
    return {
        "name": labels.person,
        "points2d": _whole(labels.points_2d[:, rows], 100),
        "points3d": _whole(labels.points_world[rows], 1e4),
        "model3d": None if model is None else _whole(model[rows], 1e4),
        "boxes": _whole(labels.boxes[:, rows], 100),
        "states": _states(labels, rows),
        "depths": None if occlusion is None else _whole(occlusion.depth_under_skin[:, rows], 1e3),
        "masks": None if labels.masks is None else [[view[row] for row in rows] for view in labels.masks],
    }


def _states(labels: Labels, rows: Rows) -> str:
    """A letter of `STATE_CODES` for every view, frame and keypoint."""
    inside, occlusion = labels.inside[:, rows], labels.occlusion
    found = np.full(inside.shape, _UNKNOWN) if occlusion is None else occlusion.hidden_by[:, rows].astype(int)
    states = np.where(inside, found, _OUTSIDE)
    states = np.where(np.isfinite(labels.points_2d[:, rows]).all(axis=-1), states, _NONE)
    return np.array(list(STATE_CODES))[states].tobytes().decode("utf-32-le")


def _curves(people: Sequence[Labels]) -> Json | None:
    """LLA and TKA of everyone over the whole recording, thinned out evenly; None where nobody's spine is known."""
    if all(person.anatomy is None for person in people):
        return None
    time = people[0].time
    rows = np.arange(len(time))
    if len(time) > MOST_CURVE_POINTS:
        rows = np.round(np.linspace(0, len(time) - 1, MOST_CURVE_POINTS)).astype(int)
    empty = np.full(len(time), np.nan)
    spines = [each.anatomy for each in people]
    lordosis = [empty if spine is None else spine.lumbar_lordosis for spine in spines]
    kyphosis = [empty if spine is None else spine.thoracic_kyphosis for spine in spines]
    return {
        "time": [round(float(each), 6) for each in time[rows]],
        "lordosis": [_whole(np.degrees(angles[rows]), 10) for angles in lordosis],
        "kyphosis": [_whole(np.degrees(angles[rows]), 10) for angles in kyphosis],
    }


def _whole(values: Array, scale: float) -> list[int | None]:
    """Flat, in whole `1 / scale`."""
    flat = np.asarray(values, float).ravel() * scale
    known = np.isfinite(flat)
    numbers: list[int | None] = np.where(known, np.rint(flat), 0).astype(np.int64).tolist()
    for place in np.flatnonzero(~known).tolist():
        numbers[place] = None
    return numbers
