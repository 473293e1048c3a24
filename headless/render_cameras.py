"""The cameras of a recording: the table of the configuration checked, then a set placed around its people."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.capture.camera_presets import preset_table
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.streams import stream_seed
from .render_clocks import CLOCK_KEYS
from .render_config import DatasetConfig, RecordingConfig, Table
from .render_config_table import StrictTable
from .render_plan import choose_cameras, folder_names

Array = NDArray[np.float64]

_OF_ONE_MOMENT = ("masks", "depth", "normals", "bodies")  # labels that are pictures themselves


@dataclass(frozen=True, slots=True)
class RecordingCameras:
    """The cameras of one recording and what had to be said about them; `poses` R [V, T, 3, 3] and t [V, T, 3] (m) of
    every image where they move."""

    cameras: tuple[Camera, ...]
    folders: tuple[str, ...]
    poses: tuple[Array, Array] | None = None
    warnings: tuple[str, ...] = ()

    def of(self, views: Sequence[int]) -> RecordingCameras:
        """Some of the set; all where `views` is empty."""
        if not views:
            return self
        poses = None if self.poses is None else (self.poses[0][list(views)], self.poses[1][list(views)])
        cameras, folders = (tuple(each[view] for view in views) for each in (self.cameras, self.folders))
        return RecordingCameras(cameras, folders, poses, self.warnings)  # pyright: ignore[reportArgumentType]


def check_camera_table(table: StrictTable, base: Path) -> Table:
    """The table of a preset with its parameters, or of a file, which is made absolute; without the cameras' clocks.

    Raises:
        InputError: neither or both of a preset and a file, one that is not there, or unknown keys, with the line.
    """
    preset, file = table.text("preset"), table.text("file")
    values = {key: value for key, value in table.values.items() if key not in CLOCK_KEYS}
    if (preset is None) == (file is None):
        raise table.error("the cameras need a preset or a file", None, "give preset = NAME or file = CALIBRATION")
    if file is None:
        try:
            return preset_table(values)
        except InputError as error:
            raise table.located(error) from error
    given = camera_file_table(base / file)
    path = given["file"]
    if not (isinstance(path, Path) and path.exists()):
        raise table.error(f"there is no file '{file}'", "file", f"looked in {base.resolve()}")
    return {**values, **given}


def camera_file_table(path: Path) -> Table:
    """The table of a calibration, file or folder, of which `#S1` at the end is the subject that is meant."""
    if path.exists() or "#" not in path.name:
        return {"file": path}
    name, _, subject = path.name.rpartition("#")
    return {"file": path.with_name(name) if name else path.parent, "subject": subject}


def camera_settings(config: DatasetConfig) -> dict[str, object]:
    """What decides about the cameras, for the hash of a data set: of a calibration, the cameras that are read from it.

    Raises:
        InputError: a calibration that cannot be used.
    """
    table = dict(config.cameras)
    path = table.pop("file", None)
    if not isinstance(path, Path):
        return table
    digest = hashlib.sha256()
    for camera in _stand_in(config):
        arrays = (camera.K, camera.R, camera.t, camera.distortion)
        numbers = [np.asarray(values, float).tolist() for values in arrays]
        digest.update(repr((camera.name, camera.size, camera.distortion_model, numbers)).encode())
    return {**table, "file": path.name, "cameras": digest.hexdigest()}


def cameras_for(
    config: DatasetConfig, recording: RecordingConfig, points: Array, time: Array | None = None
) -> RecordingCameras:
    """The whole set of cameras that a recording's are of.

    Args:
        config: of the data set.
        recording: whose cameras they are; its scene tells its jitter from others'.
        points: outermost points [T, N, 3] (m, ground) of its people, around which presets stand.
        time: [T] s of its frames, for cameras that are carried about.

    Raises:
        InputError: a calibration that cannot be used, or a camera that cannot be.
    """
    table = {key: str(value) if isinstance(value, Path) else value for key, value in config.cameras.items()}
    choice = str(table["file"]) if list(table) == ["file"] else table
    seed = stream_seed(config.seed_of("cameras"), "cameras", recording.scene)
    try:
        chosen = choose_cameras(choice, config.render.size, points, time=time, seed=seed)
        folders = folder_names(chosen.cameras)
        _check_count(recording, len(chosen.cameras))
    except InputError as error:
        raise located_camera(config, error) from error
    return RecordingCameras(chosen.cameras, folders, chosen.poses, chosen.warnings)


def located_camera(config: DatasetConfig, error: InputError) -> InputError:
    """The error in the line of the cameras' key that it speaks of."""
    keys = (*config.cameras, *CLOCK_KEYS)
    named = next((key for key in keys if f"{key} " in error.problem or f"'{key}'" in error.problem), "file")
    return config.located(error, f"cameras.{named}", "cameras.rates", "cameras.preset", "cameras.file", "cameras")


def check_cameras(config: DatasetConfig) -> None:
    """Try the set around a stand-in person, in Blender too where there is one.

    Raises:
        InputError: an impossible camera.
    """
    _check_rolling(config)
    cameras = _stand_in(config)
    if importlib.util.find_spec("bpy") is None:
        return
    from ..simspine_addon.scene.cameras import check_camera, is_distorted
    from ..simspine_addon.scene.lens_osl import OSL_DEVICES, osl_is_there
    from ..simspine_addon.scene.lens_remap import lens_remap

    # What "auto" will find is not known yet; the stage looks again.
    remapped = not osl_is_there() or config.render.device.upper() not in ("AUTO", *OSL_DEVICES)
    for camera in cameras:
        try:
            check_camera(camera)
            if remapped and is_distorted(camera):
                lens_remap(camera)
        except InputError as error:
            raise located_camera(config, error) from error


def camera_sizes(config: DatasetConfig) -> tuple[tuple[tuple[int, int], ...], ...]:
    """(width, height) in px of each camera of each recording."""
    every = tuple(camera.size for camera in _stand_in(config))
    clocks = [recording.clock for recording in config.recordings]
    return tuple(tuple(every[view] for view in clock.views) or every for clock in clocks)


def _check_count(recording: RecordingConfig, count: int) -> None:
    wanted = recording.clock.set_size
    if wanted and wanted != count:
        raise InputError(
            f"{', '.join(CLOCK_KEYS)} are for {wanted} cameras, but there are {count}",
            hint="give one number for each camera, or one for all",
        )


def _check_rolling(config: DatasetConfig) -> None:
    """Refuse labels that are pictures of one moment, where rows are of several.

    Raises:
        InputError: masks or passes of cameras whose shutter rolls.
    """
    wanted = [kind for kind in _OF_ONE_MOMENT if kind in config.labels]
    if wanted and any(recording.clock.rolling_ms for recording in config.recordings):
        error = InputError(
            f"'rolling_shutter_ms' does not go with the labels {', '.join(wanted)}, which show one moment",
            hint="leave one of them out; keypoints, boxes and occlusion go with it",
        )
        raise config.located(error, "cameras.rolling_shutter_ms", "dataset.labels", "cameras")


def _stand_in(config: DatasetConfig) -> tuple[Camera, ...]:
    """The cameras around a person who stands still."""
    corners = np.array([[[x, y, z] for x in (-0.4, 0.4) for y in (0.0, 1.8) for z in (-0.4, 0.4)]])
    return cameras_for(config, config.recordings[0], corners).cameras
