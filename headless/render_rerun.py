"""A data set as a recording for the Rerun viewer: images, cameras, keypoints in 2D and 3D, and the spine's curvature.

Rerun counts image points from the corner of the first pixel, labels from its centre: half a pixel is added to both the
points and the principal point. A pinhole is all that it knows of lenses, so that with distortion the keypoints lie
right on the images, while those in space do not meet them there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..exporters.labels import LABELLED_HIDDEN, Labels
from ..exporters.recording import Recording
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_REGIONS
from .overlay import REGION_COLORS
from .progress import progress
from .render_view_choice import Choice, Rows
from .render_view_images import image_file

APPLICATION = "SimSpine"
_HALF_PIXEL = 0.5
_MEDIA = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
_FAINT = (130, 136, 145)
_RADIUS_M, _RADIUS_PX = 0.008, 3.0


def require_rerun() -> None:
    """Raises InputError where the library is not installed."""
    if importlib.util.find_spec("rerun") is None:
        raise InputError("--rerun needs the library rerun-sdk", hint="install it: pip install rerun-sdk")


def write_rerun(path: str | Path, folder: Path, choice: Choice) -> None:
    """Write what was chosen of a data set as `.rrd`, everything of a recording below its name.

    `NAME/world` is OpenSim's ground (Y up, m); below it `people/N_PERSON` has the keypoints and the skeleton, with
    `model` for the model's own, `cameras/CAMERA` the pinhole and its image with each person's keypoints.
    `NAME/curvature/N_PERSON/LLA` and `TKA` are in degrees. Timelines: `frame` (row of the motion) and `time` (s).

    Raises:
        InputError: no rerun-sdk, an image cannot be read, or no place to write.
    """
    require_rerun()
    import rerun as rr

    identity = hashlib.sha256("\n".join(extent.path.name for extent in choice.extents).encode()).hexdigest()[:16]
    with atomic_path(path) as temporary:
        stream = rr.RecordingStream(APPLICATION, recording_id=identity, send_properties=False)
        stream.save(temporary)
        stream.set_log_time_enabled(False)  # when it was written is not part of the data
        total = sum(1 for rows in choice.rows if len(rows))
        for recording, rows in progress(choice.recordings(), "rerun", total=total):
            _log_recording(stream, rr, folder, recording, rows)
        stream.flush()
        stream.disconnect()


def _log_recording(stream: Any, rr: Any, folder: Path, recording: Recording, rows: Rows) -> None:
    root = _part(recording.name)
    people = [(f"{number + 1}_{_part(person.person)}", person) for number, person in enumerate(recording.people)]
    first = recording.people[0]
    stream.log(f"{root}/world", rr.ViewCoordinates.RIGHT_HAND_Y_UP, static=True)
    for camera in first.cameras:
        place = f"{root}/world/cameras/{_part(camera.name)}"
        intrinsics = np.array(camera.K, float)
        intrinsics[:2, 2] += _HALF_PIXEL
        lens = rr.Pinhole(
            image_from_camera=intrinsics,
            resolution=camera.size,
            camera_xyz=rr.ViewCoordinates.RDF,
            image_plane_distance=0.4,
        )
        stream.log(place, lens, static=True)
    for row in rows.tolist():
        stream.set_time("frame", sequence=int(first.frames[row]))
        stream.set_time("time", duration=float(first.time[row]))
        for view in range(len(first.cameras)):
            _log_view(stream, rr, f"{root}/world/cameras", folder, recording, people, view, row)
        for name, person in people:
            _log_person(stream, rr, f"{root}/world/people/{name}", person, row)
    for name, person in people:
        _log_curvature(stream, rr, f"{root}/curvature/{name}", person)


def _log_view(
    stream: Any,
    rr: Any,
    above: str,
    folder: Path,
    recording: Recording,
    people: list[tuple[str, Labels]],
    view: int,
    row: int,
) -> None:
    """Pose, image and everyone's keypoints of one view and frame."""
    first = recording.people[0]
    place = f"{above}/{_part(first.cameras[view].name)}"
    rotation, shift = first.camera_rotations[view, row], first.camera_translations[view, row]
    stream.log(place, rr.Transform3D(translation=-rotation.T @ shift, mat3x3=rotation.T))
    names = recording.image_names[view]
    path = image_file(folder, names[row]) if len(names) else None
    if path is not None and path.is_file():
        media = _MEDIA.get(path.suffix.lower())
        stream.log(f"{place}/image", rr.EncodedImage(contents=path.read_bytes(), media_type=media))
    for name, person in people:
        points, seen = person.points_2d[view, row] + _HALF_PIXEL, person.visibility[view, row]
        known = np.isfinite(points).all(axis=1)
        colors = np.where((seen == LABELLED_HIDDEN)[:, None], _FAINT, _colors(person))
        keypoints = rr.Points2D(
            points[known],
            colors=colors[known],
            labels=_chosen(person.keypoint_names, known),
            show_labels=False,
            radii=rr.Radius.ui_points(_RADIUS_PX),
        )
        stream.log(f"{place}/image/{name}", keypoints)


def _log_person(stream: Any, rr: Any, place: str, person: Labels, row: int) -> None:
    """Keypoints and skeleton in space."""
    points, colors = person.points_world[row], _colors(person)
    known = np.isfinite(points).all(axis=1)
    labels = _chosen(person.keypoint_names, known)
    stream.log(
        f"{place}/keypoints",
        rr.Points3D(points[known], colors=colors[known], labels=labels, show_labels=False, radii=_RADIUS_M),
    )
    edges = [
        (child, parent)
        for child, parent in enumerate(person.keypoint_parents)
        if parent >= 0 and known[child] and known[parent]
    ]
    strips = np.array([[points[parent], points[child]] for child, parent in edges]).reshape(-1, 2, 3)
    stream.log(f"{place}/skeleton", rr.LineStrips3D(strips, colors=colors[[child for child, _ in edges]], radii=0.003))
    if person.points_world_model is not None:
        model = person.points_world_model[row]
        model = model[np.isfinite(model).all(axis=1)]
        stream.log(f"{place}/model", rr.Points3D(model, colors=_FAINT, radii=0.6 * _RADIUS_M))


def _log_curvature(stream: Any, rr: Any, place: str, person: Labels) -> None:
    """LLA and TKA of the whole recording, in degrees; frames without a value are left out."""
    if person.anatomy is None:
        return
    curves = {"LLA": person.anatomy.lumbar_lordosis, "TKA": person.anatomy.thoracic_kyphosis}
    for name, angles in curves.items():
        known = np.isfinite(angles)
        if not known.any():
            continue
        times = [
            rr.TimeColumn("frame", sequence=person.frames[known]),
            rr.TimeColumn("time", duration=person.time[known]),
        ]
        stream.send_columns(f"{place}/{name}", times, rr.Scalars.columns(scalars=np.degrees(angles[known])))


def _colors(labels: Labels) -> NDArray[np.int64]:
    regions = dict(zip(KEYPOINT_NAMES, KEYPOINT_REGIONS, strict=True))
    return np.array([REGION_COLORS[regions.get(name, "body")] for name in labels.keypoint_names])


def _chosen(names: tuple[str, ...], known: NDArray[np.bool_]) -> list[str]:
    return [name for name, there in zip(names, known.tolist(), strict=True) if there]


def _part(name: str) -> str:
    """A name that can stand in a path of Rerun's."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name) or "_"
