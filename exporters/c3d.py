"""Markers and body frames as C3D, the format of motion capture systems, by the `ezc3d` library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.types import MarkerTrack

Array = NDArray[np.float64]
_MM_PER_M = 1000.0  # C3D has no fixed unit, but its readers expect millimetres
_MOST_FRAMES = 65535  # the header counts frames in 16 bits: readers stop there without a word
_UNEVEN = 0.1  # of a frame: stamps that are rounded to a millisecond stay below it up to 200 Hz
_LONGEST_LABEL = 127  # bytes


def write_c3d(path: str | Path, markers: MarkerTrack, bodies: PoseTrack | None = None) -> None:
    """Write markers, and the frames of `bodies` as rotation data, in mm in OpenSim's ground (Y up).

    Single precision, as C3D holds it. A marker that is unseen (NaN) has the residual -1. Rotation data are 4x4
    transforms from body to ground with their translation in mm. Time 0 is frame 1, so that a capture which starts
    later keeps its first frame, where it falls on one.

    Raises:
        InputError: ezc3d is not installed; no or more than 65535 frames; times that are not even; an infinite
            position; labels that C3D cannot hold; bodies over other times; or a file that cannot be written.
    """
    _check(path, markers, bodies)
    rate = _rate(path, markers)
    c3d = _library().c3d()
    points = c3d["parameters"]["POINT"]
    points["RATE"]["value"], points["UNITS"]["value"] = [rate], ["mm"]
    points["LABELS"]["value"] = list(markers.names)
    c3d.add_parameter("POINT", "X_SCREEN", ["+X"])
    c3d.add_parameter("POINT", "Y_SCREEN", ["+Y"])
    c3d.add_parameter("MANUFACTURER", "COMPANY", ["SimSpine"])
    seen = np.isfinite(markers.positions).all(axis=2).T  # [M, T]
    data = np.ones((4, *seen.shape))
    data[:3] = np.where(seen, _MM_PER_M * markers.positions.transpose(2, 1, 0), np.nan)
    c3d["data"]["points"] = data
    c3d["data"]["meta_points"]["residuals"] = np.where(seen, 0.0, -1.0)[None]
    c3d["header"]["points"]["first_frame"] = _first_frame(markers.time, rate)
    if bodies is not None:
        c3d["data"]["rotations"] = _transforms(bodies)
        c3d.add_parameter("ROTATION", "LABELS", list(bodies.names))
        c3d.add_parameter("ROTATION", "RATE", [rate])
    with atomic_path(path) as temporary:
        _write(c3d, temporary, Path(path))


def _write(c3d: Any, temporary: Path, path: Path) -> None:
    # ezc3d appends ".c3d" to any other name.
    whole = temporary if temporary.suffix == ".c3d" else temporary.with_name(temporary.name + ".c3d")
    try:
        c3d.write(str(whole))
        if whole != temporary:
            whole.replace(temporary)
    except (OSError, RuntimeError) as error:  # the library's own words on what the disk refused
        whole.unlink(missing_ok=True)
        raise InputError(f"cannot be written ({error})", path=path, hint="choose another place") from error


def _library() -> Any:
    try:
        import ezc3d  # type: ignore[import-not-found]
    except ImportError as error:
        raise InputError(
            "C3D files need the library ezc3d, which is not installed", hint="pip install ezc3d, or write .trc"
        ) from error
    return ezc3d


def _check(path: str | Path, markers: MarkerTrack, bodies: PoseTrack | None) -> None:
    frames = len(markers.time)
    if markers.positions.shape != (frames, len(markers.names), 3) or not markers.names:
        shape = markers.positions.shape
        problem = f"{frames} times, {len(markers.names)} names and {shape} positions do not fit together"
        raise InputError(problem, path=path, hint="give time [T], M names and positions [T, M, 3]")
    if not 0 < frames <= _MOST_FRAMES:
        problem = f"{frames} frames are more than the {_MOST_FRAMES} that C3D counts" if frames else "has no frames"
        raise InputError(problem, path=path, hint="write .trc, or a part of the motion")
    if np.isinf(markers.positions).any():
        row, marker = np.argwhere(np.isinf(markers.positions))[0, :2]
        problem = f"marker '{markers.names[marker]}' is infinite in frame {row + 1}"
        raise InputError(problem, path=path, hint="make it NaN where it is unseen")
    if bodies is not None and not np.array_equal(bodies.time, markers.time):
        raise InputError("markers and bodies have other times", path=path, hint="take both from the same poses")
    for labels in (markers.names, () if bodies is None else bodies.names):
        wrong = [label for label in labels if not label.strip() or len(label.encode()) > _LONGEST_LABEL]
        if wrong or len(set(labels)) != len(labels):
            problem = f"the label {wrong[0]!r} is empty or too long" if wrong else "two points have the same label"
            raise InputError(problem, path=path, hint="rename it")


def _rate(path: str | Path, markers: MarkerTrack) -> float:
    """Frames per second of even times; a whole number where the times' rounding allows it."""
    time = markers.time
    if len(time) == 1:
        return markers.rate if markers.rate > 0.0 else 1.0
    rate = float((len(time) - 1) / (time[-1] - time[0]))
    for candidate in (float(round(rate)), rate):
        grid = time[0] + np.arange(len(time)) / candidate if candidate > 0.0 else np.full(len(time), np.inf)
        if np.abs(time - grid).max() <= 1.01 * _rounding(time):
            return candidate
    if not np.abs((time - time[0]) * rate - np.arange(len(time))).max() <= _UNEVEN:
        raise InputError("the times are not even, which C3D cannot hold", path=path, hint="resample the motion first")
    return rate


def _rounding(time: Array) -> float:
    """One unit of the last decimal that the times carry, s: what two rounded stamps may be off together."""
    for decimals in range(3, 9):
        if np.abs(time - np.round(time, decimals)).max() < 1e-3 * 10.0**-decimals:
            return 10.0**-decimals
    return 1e-9


def _first_frame(time: Array, rate: float) -> int:
    """The 0-based frame that the first sample falls on; 0 where it falls on none."""
    first = float(time[0]) * rate
    whole = round(first)
    fits = abs(first - whole) < _UNEVEN and whole >= 0 and whole + len(time) <= _MOST_FRAMES
    return whole if fits else 0


def _transforms(bodies: PoseTrack) -> Array:
    """[4, 4, B, T], mm."""
    frames = np.zeros((len(bodies.time), len(bodies.names), 4, 4))
    frames[..., :3, :3], frames[..., 3, 3] = bodies.rotations, 1.0
    frames[..., :3, 3] = _MM_PER_M * bodies.positions
    return frames.transpose(2, 3, 1, 0)
