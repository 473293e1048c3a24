"""The cameras of a recording: the table of the configuration checked, then a set placed around its people."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.capture.camera_presets import preset_table
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.streams import stream_seed
from .render_config import DatasetConfig, RecordingConfig, Table
from .render_config_table import StrictTable
from .render_plan import choose_cameras, folder_names

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RecordingCameras:
    """The cameras of one recording and what had to be said about them; `poses` R [V, T, 3, 3] and t [V, T, 3] (m) of
    every image where they move."""

    cameras: tuple[Camera, ...]
    folders: tuple[str, ...]
    poses: tuple[Array, Array] | None = None
    warnings: tuple[str, ...] = ()


def check_camera_table(table: StrictTable, base: Path) -> Table:
    """The table of a preset with its parameters, or of a file, which is made absolute.

    Raises:
        InputError: neither or both of a preset and a file, one that is not there, or unknown keys, with the line.
    """
    preset, file = table.text("preset"), table.text("file")
    if (preset is None) == (file is None):
        raise table.error("the cameras need a preset or a file", None, "give preset = NAME or file = CALIBRATION")
    if file is None:
        try:
            return preset_table(table.values)
        except InputError as error:
            raise table.located(error) from error
    path = base / file
    if not path.is_file():
        raise table.error(f"there is no file '{file}'", "file", f"looked in {base.resolve()}")
    return {**table.values, "file": path}


def cameras_for(
    config: DatasetConfig, recording: RecordingConfig, points: Array, time: Array | None = None
) -> RecordingCameras:
    """The cameras of a recording.

    Args:
        config: of the data set.
        recording: whose cameras they are; its name tells its jitter from others'.
        points: outermost points [T, N, 3] (m, ground) of its people, around which presets stand.
        time: [T] s of its frames, for cameras that are carried about.

    Raises:
        InputError: a calibration that cannot be used, or a camera that cannot be.
    """
    table = {key: str(value) if isinstance(value, Path) else value for key, value in config.cameras.items()}
    choice = str(table["file"]) if list(table) == ["file"] else table
    seed = stream_seed(config.seed_of("cameras"), "cameras", recording.name)
    try:
        chosen = choose_cameras(choice, config.render.size, points, time=time, seed=seed)
        folders = folder_names(chosen.cameras)
    except InputError as error:
        key = next((key for key in config.cameras if f"{key} " in error.problem or f"'{key}'" in error.problem), "file")
        raise config.located(error, f"cameras.{key}", "cameras.preset", "cameras") from error
    return RecordingCameras(chosen.cameras, folders, chosen.poses, chosen.warnings)


def check_cameras(config: DatasetConfig) -> None:
    """Try the set around a stand-in person, in Blender too where there is one.

    Raises:
        InputError: an impossible camera.
    """
    cameras = _stand_in(config)
    if importlib.util.find_spec("bpy") is None:
        return
    from ..simspine_addon.scene.cameras import check_camera

    for camera in cameras:
        try:
            check_camera(camera)
        except InputError as error:
            raise config.located(error, "cameras.file", "cameras.preset", "cameras") from error


def camera_sizes(config: DatasetConfig) -> tuple[tuple[int, int], ...]:
    """(width, height) in px of each camera of a recording."""
    return tuple(camera.size for camera in _stand_in(config))


def _stand_in(config: DatasetConfig) -> tuple[Camera, ...]:
    """The cameras around a person who stands still."""
    corners = np.array([[[x, y, z] for x in (-0.4, 0.4) for y in (0.0, 1.8) for z in (-0.4, 0.4)]])
    return cameras_for(config, config.recordings[0], corners).cameras
