"""BVH files of any program: blanks, tabs, line ends and spellings do not matter, counts and numbers do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.text_table import cells_of, is_number, parse_numbers, read_text, values_per_line
from .bvh_motion import BvhMotion

Array = NDArray[np.float64]

_CHANNEL = re.compile(r"([XYZ])(position|rotation)", re.IGNORECASE)
_FRAMES = re.compile(r"\s*frames\s*:?\s*(\S+)\s*", re.IGNORECASE)
_FRAME_TIME = re.compile(r"\s*frame\s*time\s*:?\s*(\S+)\s*", re.IGNORECASE)
_MOTION = re.compile(r"\s*motion\s*", re.IGNORECASE)


def read_bvh(path: str | Path) -> BvhMotion:
    """Read a BVH file.

    Taken as they come: tabs and blanks anywhere, any line ends, braces on the line of the joint, keywords in any
    case, `Frames` and `Frame Time` with and without colon and blank, names with blanks (and joints of the same name,
    which get a number and a warning), position channels on any joint, channels in any order and number, frames broken
    over several lines, numbers such as 1e-05, blank lines at the end, no frames at all.

    Raises:
        InputError: not a BVH file, several roots, an unknown channel, a joint without OFFSET or CHANNELS, braces that
            do not match, another number of frames or values than announced, something that is no finite number.
    """
    path = Path(path)
    text = read_text(path)
    lines = text.split("\n")
    motion_line = next((number for number, line in enumerate(lines) if _MOTION.fullmatch(line)), None)
    hierarchy = _Hierarchy(path)
    hierarchy.read(lines if motion_line is None else lines[:motion_line])
    if motion_line is None:
        raise InputError("has no MOTION", path=path, line=len(lines), hint="export it again, it may be cut off")
    frames, frame_time, first = _counts(path, lines, motion_line + 1)
    values = _values(path, lines, first, frames, sum(len(channels) for channels in hierarchy.channels))
    names, warnings = _distinct(hierarchy.names)
    return BvhMotion(
        names=names,
        parents=np.array(hierarchy.parents, dtype=np.int64),
        offsets=np.array(hierarchy.offsets, dtype=np.float64),
        channels=tuple(hierarchy.channels),
        end_sites=tuple(hierarchy.end_sites),
        values=values,
        frame_time=frame_time,
        path=path,
        warnings=warnings,
    )


@dataclass(slots=True)
class _Open:
    """A joint (or an End Site, whose joint is its parent) whose brace is still open."""

    joint: int
    is_end: bool
    line: int
    has_brace: bool = False
    offset: bool = False
    channels: bool = False


@dataclass(slots=True)
class _Hierarchy:
    path: Path
    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[list[float]] = field(default_factory=list)
    channels: list[tuple[str, ...]] = field(default_factory=list)
    end_sites: list[tuple[int, Array]] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)
    _line: int = 0

    def read(self, lines: list[str]) -> None:
        started = False
        for self._line, line in enumerate(lines, 1):
            for statement in re.sub(r"([{}])", r"\n\1\n", line).split("\n"):
                words = statement.split()
                if not words:
                    continue
                if not started:
                    if words[0].upper() != "HIERARCHY":
                        self._refuse("does not begin with HIERARCHY", "choose a BVH file")
                    started, words = True, words[1:]
                if words:
                    self._take(words)
        if self._open:
            self._line = self._open[-1].line
            self._refuse(f"the brace of {self._what(self._open[-1])} is never closed", "it may be cut off")
        if not self.names:
            self._refuse("has no ROOT", "export it again")

    def _take(self, words: list[str]) -> None:
        keyword = words[0].upper()
        if keyword in ("ROOT", "JOINT"):
            self._joint(keyword, words)
        elif keyword == "END":
            self._expect_inside(words[0])
            self._open.append(_Open(self._open[-1].joint, is_end=True, line=self._line))
        elif keyword == "{":
            if not self._open or self._open[-1].has_brace:
                self._refuse("a brace opens where no joint began", "export it again")
            self._open[-1].has_brace = True
        elif keyword == "}":
            self._close()
        elif keyword == "OFFSET":
            self._offset(words)
        elif keyword == "CHANNELS":
            self._channels(words)
        else:
            self._refuse(f"'{words[0]}' is not known in a hierarchy", "mend that line")

    def _joint(self, keyword: str, words: list[str]) -> None:
        if keyword == "ROOT" and self.names:
            self._refuse(
                f"a second root '{' '.join(words[1:])}' beside '{self.names[0]}'",
                "split the file, since each skeleton has its own motion",
            )
        if keyword == "JOINT":
            self._expect_inside(words[0])
        self.parents.append(self._open[-1].joint if self._open else -1)
        self.names.append(" ".join(words[1:]) or f"joint{len(self.names)}")
        self.offsets.append([0.0, 0.0, 0.0])
        self.channels.append(())
        self._open.append(_Open(len(self.names) - 1, is_end=False, line=self._line))

    def _close(self) -> None:
        if not self._open or not self._open[-1].has_brace:
            self._refuse("a brace closes where none is open", "export it again")
        closed = self._open.pop()
        if not closed.offset:
            self._refuse(f"{self._what(closed)} has no OFFSET", "export it again")
        if not closed.channels and not closed.is_end:
            self._refuse(f"{self._what(closed)} has no CHANNELS", "write CHANNELS 0 for a joint that does not move")

    def _offset(self, words: list[str]) -> None:
        self._expect_inside(words[0])
        here = self._open[-1]
        if len(words) != 4:
            self._refuse(f"OFFSET has {len(words) - 1} values, not 3", "mend that line")
        offset = [self._number(word) for word in words[1:]]
        if here.is_end:
            self.end_sites.append((here.joint, np.array(offset)))
        else:
            self.offsets[here.joint] = offset
        here.offset = True

    def _channels(self, words: list[str]) -> None:
        self._expect_inside(words[0])
        here = self._open[-1]
        if here.is_end:
            self._refuse("an End Site has CHANNELS", "make it a JOINT")
        found = []
        for word in words[2:]:
            match = _CHANNEL.fullmatch(word)
            if match is None:
                self._refuse(f"the channel '{word}' is not known", "use Xposition ... Zrotation")
            found.append(match[1].upper() + match[2].lower())
        if len(words) < 2 or words[1] != str(len(found)):
            announced = words[1] if len(words) > 1 else "nothing"
            self._refuse(f"CHANNELS announces {announced} and names {len(found)}", "mend that line")
        self.channels[here.joint] = tuple(found)
        here.channels = True

    def _number(self, word: str) -> float:
        if not is_number(word) or not np.isfinite(float(word)):
            hint = "write decimals with a point" if "," in word else "mend that line"
            self._refuse(f"'{word}' is not a finite number", hint)
        return float(word)

    def _expect_inside(self, word: str) -> None:
        if not self._open or not self._open[-1].has_brace or (self._open[-1].is_end and word.upper() != "OFFSET"):
            if self._open and self._open[-1].is_end and word.upper() == "CHANNELS":
                return
            self._refuse(f"'{word}' stands outside of a joint's braces", "export it again")

    def _what(self, place: _Open) -> str:
        name = self.names[place.joint]
        return f"the End Site of '{name}'" if place.is_end else f"joint '{name}'"

    def _refuse(self, problem: str, hint: str) -> NoReturn:
        raise InputError(problem, path=self.path, line=self._line, hint=hint)


def _counts(path: Path, lines: list[str], start: int) -> tuple[int, float, int]:
    """Number of frames, the frame time in s, and the index of the first line of values."""
    frames: int | None = None
    frame_time: float | None = None
    number = start
    while number < len(lines) and (frames is None or frame_time is None):
        line = lines[number]
        number += 1
        if not line.strip():
            continue
        if (match := _FRAME_TIME.fullmatch(line)) is not None:
            frame_time = _frame_time(path, match[1], number)
        elif (match := _FRAMES.fullmatch(line)) is not None:
            if not match[1].isdigit():
                raise InputError(f"'{match[1]}' is no number of frames", path=path, line=number, hint="mend that line")
            frames = int(match[1])
        else:
            wanted = "Frames:" if frames is None else "Frame Time:"
            raise InputError(f"no '{wanted}' where one is needed", path=path, line=number, hint="export it again")
    if frames is None or frame_time is None:
        missing = "Frames:" if frames is None else "Frame Time:"
        raise InputError(f"ends before '{missing}'", path=path, line=len(lines), hint="it may be cut off")
    if frames > 1 and frame_time == 0.0:
        raise InputError("a frame time of 0 s for several frames", path=path, line=number, hint="write 1 / rate")
    return frames, frame_time, number


def _frame_time(path: Path, word: str, line: int) -> float:
    if not is_number(word) or not np.isfinite(float(word)) or float(word) < 0.0:
        hint = "write decimals with a point" if "," in word else "write the seconds from frame to frame"
        raise InputError(f"'{word}' is no frame time", path=path, line=line, hint=hint)
    return float(word)


def _values(path: Path, lines: list[str], first: int, frames: int, channels: int) -> Array:
    """The frames, [T, C]; each on a line of its own, or broken over lines where the whole still fits."""
    text = "\n".join(lines[first:])
    per_line = values_per_line(text)
    total = int(per_line.sum())
    if total != frames * channels:
        _refuse_count(path, per_line, first, frames, channels)
    values = parse_numbers(text)
    if values is None or len(values) != total or not np.isfinite(values).all():
        _refuse_values(path, lines, first)
    return values.reshape(frames, channels)


def _refuse_count(path: Path, per_line: NDArray[np.int64], first: int, frames: int, channels: int) -> NoReturn:
    rows = np.flatnonzero(per_line)
    odd = rows[per_line[rows] != channels]
    if len(odd) and channels:
        place, found = int(odd[0]), int(per_line[odd[0]])
        problem, hint = f"{found} values, where {channels} channels need {channels}", "mend that line"
        if place == rows[-1] and found < channels:
            hint = "the file may be cut off"
    else:
        place = int(rows[frames]) if frames < len(rows) else len(per_line) - 1
        problem, hint = (
            f"{len(rows)} frames, where {frames} are announced",
            f"write Frames: {len(rows)} if all are meant",
        )
    raise InputError(problem, path=path, line=first + place + 1, hint=hint)


def _refuse_values(path: Path, lines: list[str], first: int) -> NoReturn:
    for number, line in enumerate(lines[first:], first + 1):
        for word in cells_of(line):
            if not is_number(word) or parse_numbers(word) is None or not np.isfinite(parse_numbers(word)).all():
                hint = "write decimals with a point" if "," in word else "mend that line"
                raise InputError(f"'{word}' is not a finite number", path=path, line=number, hint=hint)
    raise InputError("the values cannot be read", path=path, line=first + 1, hint="export it again")


def _distinct(names: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names with a number after those that came before, and a warning for each that got one."""
    used: set[str] = set()
    distinct, warnings = [], []
    for name in names:
        new, number = name, 2
        while new in used or (new != name and new in names):
            new, number = f"{name}_{number}", number + 1
        if new != name:
            warnings.append(f"a further joint '{name}' became '{new}'")
        used.add(new)
        distinct.append(new)
    return tuple(distinct), tuple(warnings)
