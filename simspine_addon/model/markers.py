"""Marker trajectories from `.trc` files, whoever wrote them: Pose2Sim, OpenCap, Vicon, OpenSim."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .text_table import (
    is_number,
    listed,
    parse_numbers,
    read_text,
    require_increasing,
    uneven_steps,
    values_per_line,
)
from .types import MarkerTrack

Array = NDArray[np.float64]
# What one metre is in each unit: dividing by it is correctly rounded, multiplying by 0.001 is not.
_UNITS_PER_METRE = {
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 1.0),
    **dict.fromkeys(("dm", "decimeters", "decimetres"), 10.0),
    **dict.fromkeys(("cm", "centimeter", "centimeters", "centimetre", "centimetres"), 100.0),
    **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre", "millimetres"), 1000.0),
}
_GAP_WORDS = frozenset({"", "nan", "na", "n/a", "missing", "null", "none", "-"})
_RATE_TOLERANCE = 0.01  # relative; times rounded to a millisecond move the median step less at usual rates


def read_trc(path: str | Path) -> MarkerTrack:
    """Read marker positions in the axes of the file, in m.

    A marker is unseen (NaN, confidence 0) on a frame where a cell of it is empty, or holds NaN or "missing", or
    where the row ends before it. The time column gives the rate where it disagrees with `DataRate`. A repeated
    marker name gets a number: `name`, `name_2`. Points at exactly zero stay as given, with a warning.

    Raises:
        InputError: with the line, for a file without the five header lines, of an unknown unit, with rows longer
            than its labels, text among numbers, or times that do not increase.
    """
    path = Path(path)
    text = read_text(path)
    header = _read_header(text.split("\n"), path)
    cells, lines, warnings = _read_rows(text, header, path)
    time = cells[:, 1].copy()
    require_increasing(time, lines, path)
    positions = cells[:, 2:].reshape(len(time), len(header.names), 3) / header.units_per_metre
    if np.isinf(positions).any():
        row, marker = (int(index) for index in np.argwhere(np.isinf(positions))[0, :2])
        problem = f"marker '{header.names[marker]}' is infinite in row {row + 1}"
        raise InputError(problem, path=path, line=int(lines[row]), hint="leave the cell empty where it is unseen")
    unseen = np.isnan(positions).any(axis=2)
    warnings += _position_warnings(positions, unseen, header.names)
    positions[unseen] = np.nan
    rate, rate_warnings = _rate(time, header.rate)
    return MarkerTrack(
        time=time,
        names=header.names,
        positions=positions,
        confidence=np.where(unseen, 0.0, 1.0),
        rate=rate,
        warnings=(*header.warnings, *header.frame_warnings(len(time)), *warnings, *rate_warnings),
        path=path,
    )


@dataclass(frozen=True, slots=True)
class _Header:
    names: tuple[str, ...]
    units_per_metre: float
    rate: float | None
    frames: str | None
    first_row: int  # 0-based line where rows begin
    warnings: tuple[str, ...]

    def frame_warnings(self, count: int) -> tuple[str, ...]:
        if self.frames is None or _as_number(self.frames) == count:
            return ()
        return (f"the header says {self.frames} frames, the file has {count}: all {count} are used",)


def _read_header(lines: list[str], path: Path) -> _Header:
    filled = [index for index, line in enumerate(lines) if line.strip()][:5]
    if not lines[filled[0]].strip().lower().startswith("pathfiletype"):
        hint = "choose a marker file; joint angles (.mot, .sto) go in as the motion"
        raise InputError("does not begin with 'PathFileType'", path=path, line=filled[0] + 1, hint=hint)
    if len(filled) < 5:
        problem = f"ends after {len(filled)} lines, before its first frame"
        raise InputError(problem, path=path, line=filled[-1] + 1, hint="export the markers again")
    _, keys, values, labels, axes = filled
    settings = _settings(lines, keys, path)
    if not lines[labels].split()[0].lower().startswith("frame"):
        problem = "has no marker names: a line that begins with 'Frame#' and 'Time' should stand here"
        raise InputError(problem, path=path, line=labels + 1, hint="export the markers again")
    has_axes = not is_number(lines[axes].split()[0])
    names = _names(lines[labels], lines[axes] if has_axes else None, labels + 1, path)
    unique, warnings = _kept_apart(names)
    stated = settings.get("nummarkers")
    if stated is not None and _as_number(stated) != len(names):
        warnings.append(f"the header says {stated} markers, the label line names {len(names)}: those are used")
    rate = _as_number(settings.get("datarate"))
    return _Header(
        names=unique,
        units_per_metre=_unit(settings.get("units"), path, values + 1),
        rate=rate if rate is not None and np.isfinite(rate) and rate > 0.0 else None,
        frames=settings.get("numframes"),
        first_row=axes + 1 if has_axes else axes,
        warnings=tuple(warnings),
    )


def _settings(lines: list[str], keys: int, path: Path) -> dict[str, str]:
    """The settings by name in lower case; their values stand in the line below the names."""
    values = lines[keys + 1]
    if "datarate" not in lines[keys].lower():
        hint = "it should name DataRate, NumFrames, NumMarkers and Units"
        raise InputError("has no line of settings after 'PathFileType'", path=path, line=keys + 1, hint=hint)
    # An empty cell keeps its place between tabs, so the lines are not stripped before they are split.
    names, cells = (line.split("\t") if "\t" in values.strip() else line.split() for line in (lines[keys], values))
    return {name.strip().lower(): cell.strip() for name, cell in zip(names, cells, strict=False)}


def _unit(unit: str | None, path: Path, line: int) -> float:
    if unit is not None and unit.lower() in _UNITS_PER_METRE:
        return _UNITS_PER_METRE[unit.lower()]
    problem = f"has the unknown unit '{unit}'" if unit else "does not say its unit"
    raise InputError(problem, path=path, line=line, hint="Units must be mm, cm or m")


def _names(label_line: str, axis_line: str | None, line: int, path: Path) -> list[str]:
    """Marker names, in order; the line of axes (X1 Y1 Z1 ...) must name three for each."""
    is_tabbed = "\t" in label_line.strip()
    cells = [cell.strip() for cell in label_line.split("\t")] if is_tabbed else label_line.split()
    if len(cells) < 2 or cells[1].lower() != "time":
        raise InputError("has no 'Time' column after 'Frame#'", path=path, line=line, hint="export the markers again")
    names = [cell for cell in cells[2:] if cell]
    if not names:
        raise InputError("names no markers", path=path, line=line, hint="export the markers again")
    axes = [] if axis_line is None else axis_line.split()
    if axes and len(axes) != 3 * len(names):
        problem = f"names {len(names)} markers, but the next line has {len(axes)} axes instead of {3 * len(names)}"
        raise InputError(problem, path=path, line=line, hint="name every marker once, above its X")
    return names


def _kept_apart(names: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Names with a number added from the second of the same name on, and the warning about them."""
    unique: list[str] = []
    renamed: list[str] = []
    taken = set(names)
    for name in names:
        candidate, number = name, 1
        while candidate in unique or (number > 1 and candidate in taken):
            number += 1
            candidate = f"{name}_{number}"
        unique.append(candidate)
        if candidate != name:
            renamed.append(candidate)
    return tuple(unique), [f"marker names occur twice; the later ones are now {listed(renamed)}"] if renamed else []


def _read_rows(text: str, header: _Header, path: Path) -> tuple[Array, NDArray[np.int64], list[str]]:
    """All cells [T, 2 + 3 M] (frame, time, coordinates), the 1-based line of each row, and warnings."""
    width = 2 + 3 * len(header.names)
    block = text.split("\n", header.first_row)[-1]
    counts = values_per_line(block)
    rows = np.flatnonzero(counts)
    if rows.size == 0:
        raise InputError("has no frames", path=path, hint="export the markers again")
    lines = (rows + header.first_row + 1).astype(np.int64)
    if (counts[rows] == width).all():
        cells = parse_numbers(block)
        if cells is not None and cells.size == rows.size * width:
            return cells.reshape(rows.size, width), lines, []
    # Gaps: read row by row, since only the tabs show which cells are empty.
    texts = block.split("\n")
    filled = [_filled_row(texts[row], header, path, int(line)) for row, line in zip(rows, lines, strict=True)]
    cells = parse_numbers("\n".join(row for row, _ in filled))
    if cells is None or cells.size != rows.size * width:
        raise _not_a_number([row for row, _ in filled], header, path, lines)
    short = sum(is_short for _, is_short in filled)
    warning = f"{short} of {rows.size} rows end before the last marker: those markers are taken as unseen there"
    return cells.reshape(rows.size, width), lines, [warning] if short else []


def _filled_row(row: str, header: _Header, path: Path, line: int) -> tuple[str, bool]:
    """The row with "nan" in every gap, and whether it was too short."""
    width = 2 + 3 * len(header.names)
    is_tabbed = "\t" in row.strip()
    cells = [cell.strip() for cell in row.split("\t")] if is_tabbed else row.split()
    while len(cells) > width and not cells[-1]:
        cells.pop()
    if len(cells) > width:
        problem = f"has {len(cells)} values, but {len(header.names)} markers need {width} with frame and time"
        raise InputError(problem, path=path, line=line, hint="name the missing marker, or remove the values")
    if len(cells) < width and not is_tabbed:
        problem = f"has {len(cells)} of {width} values"
        raise InputError(problem, path=path, line=line, hint="separate values by tabs, so that gaps can be seen")
    is_short = len(cells) < width
    cells += [""] * (width - len(cells))
    return "\t".join("nan" if cell.lower() in _GAP_WORDS else cell for cell in cells), is_short


def _not_a_number(rows: list[str], header: _Header, path: Path, lines: NDArray[np.int64]) -> InputError:
    for number, (row, line) in enumerate(zip(rows, lines, strict=True), start=1):
        for index, cell in enumerate(row.split("\t")):
            if is_number(cell):
                continue
            column = ("frame", "time")[index] if index < 2 else f"marker '{header.names[(index - 2) // 3]}'"
            problem = f"{column} is '{cell[:40]}' in row {number}, which is not a number"
            hint = "write numbers with a decimal point" if "," in cell else "leave the cell empty where it is unseen"
            return InputError(problem, path=path, line=int(line), hint=hint)
    return InputError("holds something that is not a number", path=path, hint="export the markers again")


def _position_warnings(positions: Array, unseen: NDArray[np.bool_], names: tuple[str, ...]) -> list[str]:
    """What is odd about `positions` [T, M, 3] as read; `unseen` is [T, M]."""
    warnings: list[str] = []
    partly = (unseen & ~np.isnan(positions).all(axis=2)).any(axis=0)
    if partly.any():
        affected = listed(np.array(names)[partly])
        warnings.append(f"some points lack only one or two of x, y, z and are taken as unseen: {affected}")
    never = unseen.all(axis=0)
    if never.any():
        warnings.append(f"never seen: {listed(np.array(names)[never])}")
    zero = (positions == 0.0).all(axis=2)
    if zero.any():
        warnings.append(
            f"{np.count_nonzero(zero)} points lie exactly at zero, where some programs put unseen markers; "
            f"kept as given: {listed(np.array(names)[zero.any(axis=0)])}"
        )
    return warnings


def _rate(time: Array, stated: float | None) -> tuple[float, list[str]]:
    """Frames per second and what is odd about it: the header's figure if the time column agrees."""
    if len(time) < 2:
        return stated or 0.0, []
    uneven = uneven_steps(time)
    warnings = [uneven] if uneven else []
    measured = float(1.0 / np.median(np.diff(time)))
    if stated is not None and abs(measured - stated) <= _RATE_TOLERANCE * stated:
        return stated, warnings
    if stated is not None:
        warnings.append(f"the header says {stated:g} frames per second, the times {measured:g}: the times are right")
    return measured, warnings


def _as_number(text: str | None) -> float | None:
    return float(text) if text is not None and is_number(text) else None
