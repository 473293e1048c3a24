"""What is to be rendered, worked out as arrays before Blender is asked for anything: frames, cameras, keypoints."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.calibration import CalibrationWarning, read_calibration
from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.capture.camera_presets import (
    PRESETS,
    CameraSet,
    camera_set,
    is_preset,
    jitter_of,
    jittered,
)
from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.errors import InputError

Array = NDArray[np.float64]

PRESET_SIZE = (1000, 1000)
_MOST_STRETCH = 0.01  # Human3.6M's 1000 x 1002 counts as square


@dataclass(frozen=True, slots=True)
class CameraChoice:
    """Cameras to render through, with their lenses, and what had to be said about the calibration.

    Where they are carried about, `poses` are R [V, T, 3, 3] and t [V, T, 3] (m) of every frame, as
    `make_labels(camera_poses=...)` takes them, and each camera holds its pose in the first one.
    """

    cameras: tuple[Camera, ...]
    warnings: tuple[str, ...]
    poses: tuple[Array, Array] | None = None


def chosen_rows(text: str, count: int) -> NDArray[np.int64]:
    """Rows of the motion that `A:B:S` (a Python slice) or a single `A` means, of `count` rows, in order.

    Raises:
        InputError: no slice, or one that holds no row.
    """
    parts = text.split(":")
    if len(parts) > 3 or not all(re.fullmatch(r"\s*-?\d*\s*", part) and part.strip() != "-" for part in parts):
        raise InputError(f"--frames {text} is not A:B:S", hint="give rows as in a Python slice, such as 0:100:5")
    numbers = [int(part) if part.strip() else None for part in parts]
    if len(numbers) == 1:
        row = numbers[0]
        rows = [row + count if row < 0 else row] if row is not None and -count <= row < count else []
    else:
        if len(numbers) == 3 and numbers[2] == 0:
            raise InputError(f"--frames {text} has the step 0", hint="leave the step out, or give 1 or more")
        rows = sorted(range(count)[slice(*numbers)])
    if not rows:
        raise InputError(
            f"--frames {text} holds no row of the motion's {count}", hint=f"rows run from 0 to {count - 1}"
        )
    return np.array(rows, dtype=np.int64)


def frames_of(track: PoseTrack, rows: NDArray[np.int64]) -> PoseTrack:
    """The poses of some rows alone, one a second: row i of the result then falls on a whole frame of the scene."""
    return replace(
        track,
        time=np.arange(len(rows), dtype=np.float64),
        positions=track.positions[rows],
        rotations=track.rotations[rows],
    )


def choose_cameras(
    choice: str | Mapping[str, Any],
    size: tuple[int, int] | None,
    points: Array,
    *,
    time: Array | None = None,
    seed: int = 0,
) -> CameraChoice:
    """The cameras of a calibration, or of a preset placed around `points` [T, N, 3] (m), at the size wanted.

    Args:
        choice: a preset's text such as `ring:8` (see `camera_presets`), or the path of a calibration, with `#SUBJECT`
            behind it where it has several (see `calibration`). Or a table: `preset` and its parameters, or `file` with
            `subject`, `world`, and the presets' `jitter_...`.
        size: of every picture; None for the calibration's own, which may differ between cameras.
        time: [T] s of the frames, for cameras that are carried about; one frame by default.
        seed: of all that is random about the cameras.

    Raises:
        InputError: neither a file nor a preset, a calibration that cannot be used, or two cameras of one file name.
    """
    table = dict(choice) if not isinstance(choice, str) else {"preset" if is_preset(choice) else "file": choice}
    if "preset" in table:
        spec = choice if isinstance(choice, str) else table
        placed = camera_set(spec, points, size=size or PRESET_SIZE, time=time, seed=seed)
        return CameraChoice(placed.cameras, (), placed.poses)
    path = str(table.pop("file", ""))
    if len(Path(path).parts) < 2 and not Path(path).suffix and not Path(path).exists() and "#" not in path:
        known = ", ".join(sorted(PRESETS))
        raise InputError(f"there is no camera preset '{path}'", hint=f"choose {known} or give a calibration")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CalibrationWarning)
        cameras = read_calibration(path, table.pop("world", "auto"), subject=table.pop("subject", None), size=size)
    notes = tuple(str(warning.message) for warning in caught if issubclass(warning.category, CalibrationWarning))
    folder_names(cameras)
    notes += _stretched(cameras, size)
    chosen = CameraSet(tuple(resized(camera, size) if size else camera for camera in cameras))
    return CameraChoice(jittered(chosen, jitter_of(table), seed).cameras, notes)


def _stretched(cameras: Sequence[Camera], size: tuple[int, int] | None) -> tuple[str, ...]:
    """A note where the size wanted has another shape than the calibrated pictures."""
    odd = [
        f"{camera.name} ({camera.size[0]}x{camera.size[1]})"
        for camera in cameras
        if size and abs(size[0] * camera.size[1] / (size[1] * camera.size[0]) - 1.0) > _MOST_STRETCH
    ]
    if not (odd and size):
        return ()
    return (f"the size {size[0]}x{size[1]} stretches the pictures of {', '.join(odd)}; labels go with them",)


def resized(camera: Camera, size: tuple[int, int]) -> Camera:
    """The camera whose image is `camera`'s, scaled to `size`: the corners of the image stay its corners.

    Its distortion stays as it is: lens models work on directions, before K makes pixels of them.
    """
    scale = np.array(size, float) / camera.size
    K = np.array(camera.K, float)
    K[:2] *= scale[:, None]
    K[:2, 2] = scale * (camera.K[:2, 2] + 0.5) - 0.5
    return replace(camera, size=size, K=K)


def folder_names(cameras: Sequence[Camera]) -> tuple[str, ...]:
    """A folder name for each camera: its own, with what file systems refuse replaced.

    Raises:
        InputError: two cameras would share a folder.
    """
    names = tuple(re.sub(r"[^A-Za-z0-9._-]+", "_", camera.name).strip(".") or "camera" for camera in cameras)
    lowered = [name.lower() for name in names]
    for index, name in enumerate(lowered):
        if name in lowered[:index]:
            raise InputError(f"two cameras would share the folder '{name}'", hint="give them names that differ")
    return names
