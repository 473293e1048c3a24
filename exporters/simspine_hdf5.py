"""SIMSPINE's HDF5: markers, joint angles and cameras by subject and action, in the layout of the published file.

`/metadata/{markers_names [K], kinematic_axes [62]}`, `/<S>/calibration/{names, K, dist, R, t, size}`,
`/<S>/<action>/{markers [T,K,3], kinematics [T,62], timestamps [T]}`, attribute `model_file` of `/<S>`. Markers stand
in OpenSim's ground (Y up, m), the calibration in the Z-up world of its TOML: X = (z, x, y) of a marker, and
X_cam = R X + t. (The released preparation script gives camera-space points as R (X - t), which is not where the
cameras see them; ours do.) Angles in degrees, as in `.mot`.

Beside that layout, where published readers do not look: per action `points_2d [V,T,K,2]` (px), `visibility` and
`boxes`, `frames`, `subject`'s further people as groups `person_2`, ..., an attribute `pathology` of either ("none", or
JSON: `asked` and `measured`, or `unknown` and why; absent where nothing is known), and a `calibration` of the action's
own where its cameras are not the subject's or move (`R_frames [V,T,3,3]`, `t_frames [V,T,3]`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from .keypoint_npz import check_shared
from .labels import Labels
from .recording import Recording
from .simspine_layout import (
    ANGLE_UNITS,
    CAMERA_CONVENTION,
    KINEMATIC_AXES,
    MARKER_WORLD,
    MARKERS,
    action_names,
    distortions,
    image_name,
    in_z_up_world,
    kinematics,
    marker_order,
    moves,
)

CHUNK_FRAMES = 512
_GZIP_LEVEL = 1  # the next ones save 2 % at twice the time


def write_simspine_hdf5(path: str | Path, recordings: Sequence[Recording]) -> None:
    """Write recordings in SIMSPINE's layout; several people and moving cameras beside it.

    Raises:
        InputError: h5py is not installed, keypoints that are not the 37 of SIMSPINE, or no place to write.
    """
    with simspine_file(path) as file:
        for recording, action in zip(recordings, action_names(recordings), strict=True):
            check_shared(recording)
            first = recording.people[0]
            writer = ActionWriter(file, recording.subject, action, first, len(first.time), recording.model_file)
            writer.write(0, first)
            writer.add_images(recording)
            groups = [writer.group]
            for number, person in enumerate(recording.people[1:], 2):
                groups.append(writer.group.create_group(f"person_{number}"))
                ActionWriter.of_group(groups[-1], person, len(person.time)).write(0, person)
            _write_pathologies(groups, recording)


@contextmanager
def simspine_file(path: str | Path) -> Iterator[Any]:
    """An open HDF5 file with SIMSPINE's metadata, to be filled by `ActionWriter`; whole or not there at all."""
    h5py = _library()
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        metadata = file.create_group("metadata")
        metadata["markers_names"] = np.array(MARKERS, "S")
        metadata["kinematic_axes"] = np.array(KINEMATIC_AXES, "S")
        metadata.attrs["marker_world"] = MARKER_WORLD
        metadata.attrs["camera_convention"] = CAMERA_CONVENTION
        metadata.attrs["kinematics_units"] = ANGLE_UNITS
        yield file


class ActionWriter:
    """Writes one action in blocks of frames, so that a recording need never be whole in memory."""

    def __init__(self, file: Any, subject: str, action: str, labels: Labels, count: int, model_file: str = "") -> None:
        """`labels` gives cameras and keypoints (any block of the recording), `count` is how many frames will come."""
        person = file.require_group(subject)
        if "calibration" not in person:
            person.attrs["model_file"] = model_file
            _write_calibration(person.create_group("calibration"), labels.cameras)
        self._open(person.create_group(action), labels, count)
        if person.attrs["model_file"] != model_file:
            self.group.attrs["model_file"] = model_file
        moving = bool(moves(labels).any())
        if moving or not _holds(person["calibration"], labels.cameras):
            calibration = self.group.create_group("calibration")
            _write_calibration(calibration, labels.cameras)
            views = len(labels.cameras)
            if moving:
                self._poses = (
                    calibration.create_dataset("R_frames", (views, count, 3, 3), "f8"),
                    calibration.create_dataset("t_frames", (views, count, 3), "f8"),
                )

    @classmethod
    def of_group(cls, group: Any, labels: Labels, count: int) -> ActionWriter:
        """For another person of the same action."""
        writer = cls.__new__(cls)
        writer._open(group, labels, count)
        return writer

    def _open(self, group: Any, labels: Labels, count: int) -> None:
        self.group = group
        self._order = marker_order(labels.keypoint_names)
        self._poses: tuple[Any, Any] | None = None
        views, keypoints = len(labels.cameras), len(MARKERS)
        rows = min(CHUNK_FRAMES, max(count, 1))

        def dataset(name: str, shape: tuple[int, ...], kind: str, chunk: tuple[int, ...]) -> Any:
            options = {"chunks": chunk, "compression": "gzip", "compression_opts": _GZIP_LEVEL, "shuffle": True}
            return group.create_dataset(name, shape, kind, **(options if count else {}))

        self._markers = dataset("markers", (count, keypoints, 3), "f8", (rows, keypoints, 3))
        self._kinematics = dataset("kinematics", (count, len(KINEMATIC_AXES)), "f8", (rows, len(KINEMATIC_AXES)))
        self._timestamps = group.create_dataset("timestamps", (count,), "f8")
        self._frames = group.create_dataset("frames", (count,), "i8")
        self._points = dataset("points_2d", (views, count, keypoints, 2), "f8", (1, rows, keypoints, 2))
        self._visibility = dataset("visibility", (views, count, keypoints), "u1", (1, rows, keypoints))
        self._boxes = dataset("boxes", (views, count, 4), "f8", (1, rows, 4))
        group.attrs["person"] = labels.person

    def write(self, start: int, labels: Labels) -> None:
        """Write the frames of `labels` from row `start` on."""
        rows = slice(start, start + len(labels.time))
        self._markers[rows] = labels.points_world[:, self._order]
        self._kinematics[rows] = kinematics(labels)
        self._timestamps[rows], self._frames[rows] = labels.time, labels.frames
        visibility = labels.visibility
        for view in range(len(labels.cameras)):
            self._points[view, rows] = labels.points_2d[view][:, self._order]
            self._visibility[view, rows] = visibility[view][:, self._order]
            self._boxes[view, rows] = labels.boxes[view]
        if self._poses is not None:
            self._poses[0][:, rows] = in_z_up_world(labels.camera_rotations)
            self._poses[1][:, rows] = labels.camera_translations

    def add_images(self, recording: Recording) -> None:
        """Write `image_names` [V,T], relative to the data set's folder."""
        views, count = recording.people[0].boxes.shape[:2]
        names = [[image_name(recording, view, index).encode() for index in range(count)] for view in range(views)]
        options = {"compression": "gzip", "compression_opts": _GZIP_LEVEL} if count else {}
        self.group.create_dataset("image_names", data=np.array(names), **options)


def _write_pathologies(groups: Sequence[Any], recording: Recording) -> None:
    """Attribute `pathology` of everyone's group: "none", or JSON of asked and measured, or why these are unknown."""
    who = recording.variety.get("who")
    for group, person in zip(groups, who if isinstance(who, list | tuple) else (), strict=False):
        report = person.get("pathology")
        told = report and {key: report[key] for key in ("asked", "measured", "unknown") if key in report}
        group.attrs["pathology"] = json.dumps(told) if told else "none"


def _write_calibration(group: Any, cameras: Sequence[Camera]) -> None:
    for name, values in _calibration(cameras).items():
        group[name] = values
    group.attrs["convention"] = CAMERA_CONVENTION
    group.attrs["fisheye"] = any(camera.distortion_model == "fisheye" for camera in cameras)


def _calibration(cameras: Sequence[Camera]) -> dict[str, NDArray]:
    return {
        "names": np.array([camera.name.encode() for camera in cameras]),
        "K": np.stack([camera.K for camera in cameras]).astype(float),
        "dist": distortions(cameras),
        "R": in_z_up_world(np.stack([camera.R for camera in cameras]).astype(float)),
        "t": np.stack([camera.t for camera in cameras]).astype(float),
        "size": np.array([camera.size for camera in cameras], np.int32),
    }


def _holds(group: Any, cameras: Sequence[Camera]) -> bool:
    return all(np.array_equal(group[name][()], values) for name, values in _calibration(cameras).items())


def _library() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise InputError("SIMSPINE's HDF5 needs the library h5py", hint="install it: pip install h5py") from error
    return h5py
