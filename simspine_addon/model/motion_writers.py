"""Writing motions and markers for OpenSim (`.mot`, `.sto`, `.trc`), every number so that it reads back the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .atomic import atomic_path
from .errors import InputError
from .types import MarkerTrack, Model, Motion

Array = NDArray[np.float64]
_UNITS_PER_METRE = {"m": 1.0, "mm": 1000.0}


def write_mot(path: str | Path, motion: Motion, model: Model, *, degrees: bool = True) -> None:
    """Write joint angles as OpenSim's inverse kinematics does.

    With `degrees`, rotational coordinates are converted (to the last bit or the one before it); translational and
    coupled ones never are. Without, the values are written exactly.

    Raises:
        InputError: the coordinates are not the model's, a value is not finite, or the file cannot be written.
    """
    if motion.coordinate_names != model.coordinate_names:
        raise InputError("the motion does not belong to this model", path=path, hint="bind it to the model first")
    values = motion.values
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        problem = f"coordinate '{motion.coordinate_names[column]}' is {values[row, column]:g} in row {row + 1}"
        raise InputError(problem, path=path, hint="fill the gap before writing")
    if degrees:
        rotational = [coordinate.motion_type == "rotational" for coordinate in model.coordinates]
        values = np.where(rotational, values * (180.0 / np.pi), values)
    write_sto(path, motion.time, motion.coordinate_names, values, in_degrees=degrees, name="Coordinates")


def write_sto(
    path: str | Path, time: Array, labels: Sequence[str], values: Array, *, in_degrees: bool, name: str
) -> None:
    """Write a table of numbers, `time [T]` s and `values [T, C]`, as they are given.

    NaN is written as `nan`, which OpenSim's TimeSeriesTable reads; its older Storage class misreads such files.

    Raises:
        InputError: shapes that disagree, labels that no reader could tell apart, times that do not increase, an
            infinite value, or a file that cannot be written.
    """
    time, values = np.asarray(time, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if time.ndim != 1 or values.shape != (len(time), len(labels)):
        problem = f"{time.shape} times, {values.shape} values and {len(labels)} labels do not fit together"
        raise InputError(problem, path=path, hint="give time [T], values [T, C] and C labels")
    _check_time(time, path)
    _check_labels(labels, path)
    if np.isinf(values).any():  # opensim 4.6 reads "inf" as NaN, without a word
        row, column = np.argwhere(np.isinf(values))[0]
        raise InputError(f"column '{labels[column]}' is infinite in row {row + 1}", path=path, hint="make it NaN")
    title = " ".join(name.split())
    if not title or "=" in title or title.lower() == "endheader":
        raise InputError(f"the name '{title}' cannot head a table", path=path, hint="give a plain name")
    header = (
        f"{title}\nversion=1\nnRows={len(time)}\nnColumns={len(labels) + 1}\n"
        f"inDegrees={'yes' if in_degrees else 'no'}\nendheader\n"
    )
    _write(path, header + "\t".join(["time", *labels]) + "\n" + _rows(np.column_stack([time, values])))


def write_trc(path: str | Path, track: MarkerTrack, *, unit: Literal["m", "mm"] = "m") -> None:
    """Write marker positions [T, M, 3]; an unseen marker is `nan`, which OpenSim's readers all take as a gap.

    Raises:
        InputError: another unit, no markers, names with tabs or line ends, an infinite position, or a file that
            cannot be written.
    """
    if unit not in _UNITS_PER_METRE:
        raise InputError(f"markers cannot be written in '{unit}'", path=path, hint="choose m or mm")
    frames, markers = track.positions.shape[:2]
    if not markers or len(track.names) != markers or len(track.time) != frames:
        problem = f"{len(track.time)} times, {len(track.names)} names and {track.positions.shape} do not fit together"
        raise InputError(problem, path=path, hint="give time [T], M names and positions [T, M, 3]")
    _check_time(track.time, path)
    _check_labels(track.names, path, inner_blanks=True)
    if np.isinf(track.positions).any():
        row, marker = np.argwhere(np.isinf(track.positions))[0, :2]
        problem = f"marker '{track.names[marker]}' is infinite in frame {row + 1}"
        raise InputError(problem, path=path, hint="make it NaN where it is unseen")
    rate = f"{track.rate:.10g}"
    header = [
        f"PathFileType\t4\t(X/Y/Z)\t{Path(path).name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{rate}\t{rate}\t{frames}\t{markers}\t{unit}\t{rate}\t1\t{frames}",
        # Two empty cells follow each name but the last: OpenSim counts the tabs.
        "Frame#\tTime\t" + "\t\t\t".join(track.names),
        "\t\t" + "\t".join(f"{axis}{number}" for number in range(1, markers + 1) for axis in "XYZ"),
        "",
    ]
    cells = np.column_stack([track.time, track.positions.reshape(frames, -1) * _UNITS_PER_METRE[unit]])
    rows = _rows(cells).split("\n")[:-1]
    numbered = [f"{number}\t{row}" for number, row in enumerate(rows, start=1)]
    _write(path, "\n".join([*header, *numbered]) + "\n")


def _rows(cells: Array) -> str:
    """Rows [T, C] as text with tabs, each number in the fewest digits that read back the same."""
    # Python prints a whole nested list at once, several times faster than any formatting cell by cell.
    text = str(np.ascontiguousarray(cells, dtype=np.float64).tolist())
    return text[2:-2].replace("], [", "\n").replace(", ", "\t") + "\n"


def _check_time(time: Array, path: str | Path) -> None:
    if not len(time):
        raise InputError("there are no frames to write", path=path, hint="give at least one")
    if not np.isfinite(time).all() or (np.diff(time) <= 0.0).any():
        raise InputError("the times do not increase from row to row", path=path, hint="sort them and drop repeats")


def _check_labels(labels: Sequence[str], path: str | Path, *, inner_blanks: bool = False) -> None:
    """Marker files are split at tabs alone; motion files by some programs at any blank."""
    for label in labels:
        has_blanks = label != label.strip() if inner_blanks else any(letter.isspace() for letter in label)
        if not label or has_blanks or not label.isprintable():
            raise InputError(f"the label {label!r} is empty or has blanks in it", path=path, hint="rename it")
    if len(set(labels)) != len(labels) or (not inner_blanks and "time" in labels):
        raise InputError("two columns have the same label", path=path, hint="rename one of them")


def _write(path: str | Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
