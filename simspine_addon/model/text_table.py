"""Text files of numbers in columns, as motion and marker files are: decoding, counting and exact parsing."""

from __future__ import annotations

import codecs
import re
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import InputError

Array = NDArray[np.float64]
_ONLY_A_NUMBER = re.compile(
    r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?(nan|inf)(\(\w*\))?|[+-]?infinity", re.IGNORECASE
)
_VALUE = re.compile(r"[^\x00-\x20]+")
# How old Windows run-times print what is not a number; files written there by OpenSim 3 hold it.
_WINDOWS_NAN = re.compile(r"[+-]?1\.#(?:QNAN|SNAN|IND|INF)\d*")


def read_text(path: str | Path) -> str:
    r"""The text of a file, its line ends made `\n` and its byte order mark dropped.

    UTF-8, UTF-16 with a byte order mark, and else Windows-1252, which older programs write.

    Raises:
        InputError: missing, a folder, not readable, empty, or not text.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError("there is no such file", path=path, hint="check its name and folder") from error
    except IsADirectoryError as error:
        raise InputError("is a folder, not a file", path=path, hint="name the file inside it") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot be read ({reason})", path=path, hint="check its permissions") from error
    if not data.strip():
        raise InputError("is empty", path=path, hint="export it again")
    return _decoded(data, path).replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes, path: Path) -> str:
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16")
        if b"\0" not in data:
            return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Every byte means something in Windows-1252 or is replaced: names suffer at worst, numbers never.
        return data.decode("cp1252", errors="replace")
    raise InputError("is not a text file", path=path, hint="choose the motion or marker file itself")


def values_per_line(text: str) -> NDArray[np.int64]:
    """How many values, separated by blanks, stand on each line of `text`, [lines]."""
    characters = np.frombuffer(text.encode("utf-8"), np.uint8)
    blank = characters <= ord(" ")
    starts = ~blank
    starts[1:] &= blank[:-1]
    line_ends = np.append(np.flatnonzero(characters == ord("\n")), len(characters))
    return np.diff(np.searchsorted(np.flatnonzero(starts), line_ends), prepend=0)


def parse_numbers(text: str) -> Array | None:
    """All numbers of `text`, separated by blanks, correctly rounded; None where something is not a number."""
    if not text.strip():
        return np.empty(0)
    if "#" in text:
        text = _WINDOWS_NAN.sub("nan", text)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # numpy 1 warns, where numpy 2 raises
        try:
            return np.fromstring(text, dtype=np.float64, sep=" ")
        except (ValueError, DeprecationWarning):
            return None


def cells_of(line: str) -> list[str]:
    """The values of one line as `values_per_line` counts them: a non-breaking space does not part them."""
    return _VALUE.findall(line)


def is_number(text: str) -> bool:
    """Whether `text` is one number as these files write them ("nan" included, "1_000" and "1,5" not)."""
    return _ONLY_A_NUMBER.fullmatch(text) is not None or _WINDOWS_NAN.fullmatch(text) is not None


def require_increasing(time: Array, lines: NDArray[np.int64], path: Path) -> None:
    """Raise InputError where a time [T] is not finite or does not come after the one before; `lines` are 1-based."""
    bad = np.flatnonzero(~np.isfinite(time))
    if bad.size:
        raise InputError(
            f"row {bad[0] + 1} has no time ({time[bad[0]]:g})", path=path, line=int(lines[bad[0]]), hint="mend that row"
        )
    bad = np.flatnonzero(np.diff(time) <= 0.0)
    if bad.size:
        row = int(bad[0]) + 1
        problem = f"time {time[row]!s} in row {row + 1} does not come after {time[row - 1]!s}"
        raise InputError(problem, path=path, line=int(lines[row]), hint="sort the rows and drop repeated ones")


def uneven_steps(time: Array) -> str | None:
    """A sentence if the time steps [T-1] differ by more than a tenth (frames dropped, or a variable step)."""
    steps = np.diff(time)
    if len(steps) < 2 or np.ptp(steps) <= 0.1 * np.median(steps):
        return None
    return (
        f"the time steps are uneven, from {steps.min():g} to {steps.max():g} s; "
        f"the rate of {1.0 / np.median(steps):g} frames per second is that of the middle one"
    )


def listed(names: Iterable[str], limit: int = 6) -> str:
    """Names for a sentence: "a, b, c and 4 more"."""
    names = list(names)
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
