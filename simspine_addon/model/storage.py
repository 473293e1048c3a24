"""Motion tables as OpenSim and SIMM write them (`.mot`, `.sto`): header, column labels, time and values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .text_table import cells_of, is_number, listed, parse_numbers, read_text, require_increasing, values_per_line

Array = NDArray[np.float64]
_END_OF_HEADER = re.compile(r"^[ \t]*endheader[ \t]*$", re.IGNORECASE | re.MULTILINE)
_SETTING = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*")
# Settings that SIMM writes with a blank instead of "=". Comments begin with words too: only these count.
_BLANK_SETTING = re.compile(
    r"\s*(name|datacolumns|datarows|nrows|ncolumns|otherdata|range|indegrees|version)\s+(.*?)\s*", re.IGNORECASE
)
_TITLE = re.compile(r"\s*(range|version)\s+[A-Za-z]", re.IGNORECASE)  # "range of motion", as a name in line 1
_DEGREES = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Table:
    """A motion file as it stands, before any model gives meaning to its columns.

    `labels` and `values` leave out the time column. `in_degrees` is what the file says about rotations, None
    where it says nothing. `header` holds its settings by name, the first line as "name". `lines` is the 1-based
    line of each row.
    """

    path: Path
    labels: tuple[str, ...]
    time: Array  # [T] s
    values: Array  # [T, C] as written
    in_degrees: bool | None
    header: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    lines: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))  # [T]


def read_table(path: str | Path) -> Table:
    """Read a `.mot` or `.sto` file of any OpenSim or SIMM version.

    Values may be NaN here (forces, states of other programs); times may not.

    Raises:
        InputError: with the line, for every file that is not one rectangular table of numbers over increasing
            time: missing or binary files, no `endheader`, no time column, repeated labels, rows too short or
            long, text among numbers, `nColumns` or `inDegrees` that contradict, vector tables.
    """
    path = Path(path)
    text = read_text(path)
    end = _END_OF_HEADER.search(text)
    if end is None:
        is_trc = text.lstrip().startswith("PathFileType")
        hint = "it is a marker file (.trc): give it as markers" if is_trc else "choose a .mot or .sto file of OpenSim"
        raise InputError("has no 'endheader' line", path=path, hint=hint)
    header = _Header.parse(text[: end.start()], path)
    header.refuse_vectors()

    body, body_line = text[end.end() + 1 :], text.count("\n", 0, end.end()) + 2
    labels, label_line, numbers = _split_labels(body, body_line, path)
    time_column = _time_column(labels, label_line, path)
    header.check_columns(len(labels))
    values, lines = _parse_rows(numbers, label_line + 1, labels, path)
    time = values[:, time_column].copy()
    require_increasing(time, lines, path)
    return Table(
        path=path,
        labels=(*labels[:time_column], *labels[time_column + 1 :]),
        time=time,
        values=np.delete(values, time_column, axis=1),
        in_degrees=header.in_degrees(),
        header=header.settings,
        warnings=header.row_warnings(len(time)),
        lines=lines,
    )


@dataclass(slots=True)
class _Header:
    """The settings of a header; `lines` is the 1-based line of each, by its name in lower case."""

    path: Path
    settings: dict[str, str]
    lines: dict[str, int]

    @classmethod
    def parse(cls, text: str, path: Path) -> _Header:
        header = cls(path, {}, {})
        for number, line in enumerate(text.split("\n"), start=1):
            match = _SETTING.fullmatch(line) or _BLANK_SETTING.fullmatch(line)
            is_title = number == 1 and _TITLE.match(line) is not None
            if match is not None and not is_title:
                header._add(match.group(1), match.group(2), number, sure="=" in line)
            elif number == 1 and line.strip():
                header.settings["name"] = line.strip()
        return header

    def _add(self, key: str, value: str, line: int, *, sure: bool) -> None:
        lower = key.lower()
        if lower == "indegrees":
            if value.lower() not in _DEGREES:
                if sure:
                    raise InputError(
                        f"inDegrees={value} is neither yes nor no", path=self.path, line=line, hint="write yes or no"
                    )
                return
            earlier = self.get(lower)
            if earlier is not None and _DEGREES[earlier.lower()] != _DEGREES[value.lower()]:
                problem = f"inDegrees={value} contradicts inDegrees={earlier} in line {self.lines[lower]}"
                raise InputError(problem, path=self.path, line=line, hint="keep the line that is true")
        self.settings[key] = value
        self.lines[lower] = line

    def get(self, *keys: str) -> str | None:
        """The first setting of these names (lower case), whatever its case in the file."""
        lower = {key.lower(): value for key, value in self.settings.items() if key.lower() in self.lines}
        return next((lower[key] for key in keys if key in lower), None)

    def in_degrees(self) -> bool | None:
        """What the file says; a SIMM header (counts but no version) without the line means degrees, as in OpenSim."""
        stated = self.get("indegrees")
        if stated is not None:
            return _DEGREES[stated.lower()]
        is_simm = self.get("version") is None and self.get("datacolumns", "datarows", "nrows", "ncolumns") is not None
        return True if is_simm else None

    def refuse_vectors(self) -> None:
        kind = self.get("datatype")
        if kind is not None and kind.lower() != "double":
            hint = "export joint angles (.mot), or for markers a .trc file"
            problem = f"holds {kind} values in each column, not numbers"
            raise InputError(problem, path=self.path, line=self.lines["datatype"], hint=hint)

    def check_columns(self, count: int) -> None:
        for key, spelling in (("ncolumns", "nColumns"), ("datacolumns", "datacolumns")):
            stated = self.get(key)
            if stated is not None and stated != str(count):
                problem = f"the header says {spelling} {stated}, but there are {count} column labels with time"
                hint = "correct the number, or the labels if one is missing"
                raise InputError(problem, path=self.path, line=self.lines[key], hint=hint)

    def row_warnings(self, count: int) -> tuple[str, ...]:
        stated = self.get("nrows", "datarows")
        if stated is None or stated == str(count):
            return ()
        return (f"the header says {stated} rows, the file has {count}: all {count} are used",)


def _split_labels(body: str, body_line: int, path: Path) -> tuple[list[str], int, str]:
    """Column labels, their 1-based line, and the text after it."""
    start = len(body) - len(body.lstrip())
    if start == len(body):
        raise InputError("has no column labels after 'endheader'", path=path, hint="export the motion again")
    label_line = body_line + body.count("\n", 0, start)
    row, _, numbers = body[body.rfind("\n", 0, start) + 1 :].partition("\n")
    labels = row.split()
    if "\t" in row:
        # Between tabs a label may hold blanks; files that mix tabs and blanks show it by their first row.
        by_tab = [label.strip() for label in row.strip().split("\t")]
        first_row = numbers.lstrip().partition("\n")[0].split()
        labels = labels if len(labels) == len(first_row) != len(by_tab) else by_tab
    _check_labels(labels, label_line, path)
    return labels, label_line, numbers


def _check_labels(labels: list[str], line: int, path: Path) -> None:
    if "" in labels:
        problem = f"column {labels.index('') + 1} has no label"
        raise InputError(problem, path=path, line=line, hint="name every column")
    if all(is_number(label) for label in labels):
        problem = "has numbers where the column labels should be"
        raise InputError(problem, path=path, line=line, hint="put the labels after 'endheader'")
    seen: set[str] = set()
    repeated = [label for label in labels if label in seen or seen.add(label)]
    if repeated:
        hint = "rename or remove one of the columns"
        raise InputError(f"has two columns labelled '{repeated[0]}'", path=path, line=line, hint=hint)


def _time_column(labels: list[str], line: int, path: Path) -> int:
    columns = [index for index, label in enumerate(labels) if label.lower() == "time"]
    if len(columns) == 1:
        return columns[0]
    if columns:
        problem = "has two time columns"
        raise InputError(problem, path=path, line=line, hint="remove one of them")
    problem = f"has no 'time' column among its {len(labels)} labels ({listed(labels, 4)})"
    raise InputError(problem, path=path, line=line, hint="add one with seconds")


def _parse_rows(numbers: str, first_line: int, labels: list[str], path: Path) -> tuple[Array, NDArray[np.int64]]:
    """Values [T, columns] and the 1-based line of each row; `first_line` is that of the text's first line."""
    counts = values_per_line(numbers)
    rows = np.flatnonzero(counts)
    if rows.size == 0:
        raise InputError("has column labels but no rows", path=path, hint="export the motion again")
    lines = rows + first_line
    ragged = np.flatnonzero(counts[rows] != len(labels))
    values = parse_numbers(numbers) if ragged.size == 0 else None
    if values is None or values.size != rows.size * len(labels):
        raise _bad_row(numbers, first_line, labels, path)
    return values.reshape(rows.size, len(labels)), lines.astype(np.int64)


def _bad_row(numbers: str, first_line: int, labels: list[str], path: Path) -> InputError:
    """The error of the first row that is too short, too long or not of numbers; read line by line, for its place."""
    row = 0
    for line_number, line in enumerate(numbers.split("\n"), start=first_line):
        cells = cells_of(line)
        if not cells:
            continue
        row += 1
        # Text among numbers explains more than a wrong count does, where a row has both.
        wrong = next((index for index, cell in enumerate(cells) if not is_number(cell)), None)
        if wrong is not None:
            column = f"column '{labels[wrong]}'" if wrong < len(labels) else f"column {wrong + 1}"
            problem = f"{column} holds '{cells[wrong][:40]}' in row {row}, which is not a number"
            hint = "write numbers with a decimal point" if "," in cells[wrong] else "put a number there"
            return InputError(problem, path=path, line=line_number, hint=hint)
        if len(cells) != len(labels):
            return InputError(
                f"row {row} has {len(cells)} of {len(labels)} values{_empty_cell(line, labels)}",
                path=path,
                line=line_number,
                hint="every row needs one value for each label",
            )
    return InputError("holds something that is not a number", path=path, hint="export the motion again")


def _empty_cell(line: str, labels: list[str]) -> str:
    """Names the first empty cell of a row separated by tabs."""
    cells = line.split("\t")[: len(labels)]
    empty = next((index for index, cell in enumerate(cells) if not cell.strip()), None)
    return "" if empty is None or len(cells) < len(labels) else f" (nothing in column '{labels[empty]}')"
