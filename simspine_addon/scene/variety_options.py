"""The table [variety] of a data set's configuration: what may vary, and between which limits."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..model.errors import InputError

SURROUNDINGS = ("studio", "room", "outdoor", "hdri")
LOOKS = ("body", "skin", "hair", "clothes")
PANORAMA_SUFFIXES = (".hdr", ".exr")
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class VarietyOptions:
    """Limits are (least, most). The default is what a plain `simspine render` shows: one person in the studio."""

    surroundings: tuple[str, ...] = ("studio",)  # to choose among, all as likely
    hdri_folder: Path | None = None
    furniture: tuple[int, int] = (3, 7)  # how many pieces stand in a room or outdoors
    lights: bool = True  # whether they vary in a room or outdoors; the studio's never do
    light_count: tuple[int, int] = (2, 6)  # under a ceiling
    temperature_k: Range = (2900.0, 6500.0)
    strength: Range = (0.75, 1.3)  # of all light, against a good exposure
    camera_noise: Range = (0.0, 0.0)  # 0 a clean sensor, 1 a bad one in poor light
    motion_blur: Range = (0.0, 0.0)  # share of the time between two frames that the shutter is open
    people: tuple[int, int] = (1, 1)
    looks: tuple[str, ...] = ()  # which of `LOOKS` are drawn
    seats: bool = True  # whether those who sit get something to sit on


def options_from_table(
    table: Mapping[str, object],
    path: str | Path | None = None,
    line_of: Callable[[str], int | None] = lambda key: None,
) -> VarietyOptions:
    """The options that a table of a TOML file holds; what it leaves out is as in a plain render.

    Args:
        table: `surroundings` a word or a list of words; `hdri_folder` text; `furniture`, `people` a whole number or
            [least, most]; `camera_noise`, `motion_blur` a number from 0 to 1, [least, most], true or false;
            `lights` true, false or a table of `count`, `temperature_k`, `strength`; `looks` true, false or a list;
            `seats` true or false.
        path: of the file.
        line_of: gives the line of a key, by its name.

    Raises:
        InputError: an unknown key, a wrong type or limit, or a folder that is not there or holds no panorama.
    """
    reader = _Reader(table, path, line_of)
    reader.check_keys(
        (
            "surroundings",
            "hdri_folder",
            "furniture",
            "lights",
            "camera_noise",
            "motion_blur",
            "people",
            "looks",
            "seats",
        )
    )
    surroundings = reader.words("surroundings", SURROUNDINGS, ("studio",))
    folder = reader.folder("hdri_folder")
    if "hdri" in surroundings and folder is None:
        raise reader.error("surroundings", "surroundings 'hdri' need panoramas", "name their folder in hdri_folder")
    if folder is not None:
        with reader.pointing_at("hdri_folder"):
            panoramas(folder)
    lights = table.get("lights", True)
    known: dict[str, object] = {}
    if isinstance(lights, Mapping):
        inner = _Reader(lights, path, lambda key: line_of(f"lights.{key}") or line_of("lights"))
        inner.check_keys(("count", "temperature_k", "strength"))
        known = {
            "light_count": inner.whole("count", (2, 6), 1, 12),
            "temperature_k": inner.limits("temperature_k", (2900.0, 6500.0), 1700.0, 12000.0),
            "strength": inner.limits("strength", (0.75, 1.3), 0.05, 10.0),
        }
    elif not isinstance(lights, bool):
        raise reader.error("lights", f"lights is {lights!r}", "give true, false or a table of count, strength ...")
    seats = table.get("seats", True)
    if not isinstance(seats, bool):
        raise reader.error("seats", f"seats is {seats!r}", "give true or false")
    return VarietyOptions(
        surroundings=surroundings,
        hdri_folder=folder,
        furniture=reader.whole("furniture", (3, 7), 0, 30),
        lights=lights is not False,
        camera_noise=reader.limits("camera_noise", (0.0, 0.0), 0.0, 1.0, when_true=(0.1, 0.8)),
        motion_blur=reader.limits("motion_blur", (0.0, 0.0), 0.0, 1.0, when_true=(0.2, 0.6)),
        people=reader.whole("people", (1, 1), 1, 20),
        looks=reader.words("looks", LOOKS, (), when_true=LOOKS),
        seats=seats,
        **known,  # type: ignore[arg-type]
    )


def panoramas(folder: Path) -> tuple[Path, ...]:
    """The .hdr and .exr files of a folder, by name.

    Raises:
        InputError: no such folder, one that cannot be read, or one without such files.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in PANORAMA_SUFFIXES)
    except OSError as error:
        raise InputError(
            f"the folder of panoramas cannot be read ({error.strerror})", path=folder, hint="check hdri_folder"
        ) from error
    if not files:
        raise InputError("holds no panorama", path=folder, hint="put .hdr or .exr files into it")
    return tuple(files)


class _Reader:
    """Reads values of a table strictly, each error with the line of its key."""

    def __init__(
        self, table: Mapping[str, object], path: str | Path | None, line_of: Callable[[str], int | None]
    ) -> None:
        self.table, self.path, self.line_of = table, path, line_of

    def error(self, key: str, problem: str, hint: str) -> InputError:
        return InputError(problem, path=self.path, line=self.line_of(key), hint=hint)

    def check_keys(self, known: tuple[str, ...]) -> None:
        for key in self.table:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
                raise self.error(key, f"variety knows no '{key}'", hint)

    def pointing_at(self, key: str) -> _PointingAt:
        return _PointingAt(self, key)

    def folder(self, key: str) -> Path | None:
        value = self.table.get(key)
        if value is None:
            return None
        if not isinstance(value, str | Path) or not str(value):
            raise self.error(key, f"{key} is {value!r}", "give a folder in quotes")
        return Path(value)

    def words(
        self, key: str, known: tuple[str, ...], default: tuple[str, ...], when_true: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        value = self.table.get(key, list(default))
        if isinstance(value, bool) and when_true is not None:
            return when_true if value else ()
        words = [value] if isinstance(value, str) else value
        if not isinstance(words, list | tuple) or (not words and when_true is None):
            raise self.error(key, f"{key} is {value!r}", f"give one or a list of {', '.join(known)}")
        for word in words:
            if word not in known:
                raise self.error(key, f"{key} holds {word!r}", f"there are {', '.join(known)}")
        return tuple(dict.fromkeys(words))

    def whole(self, key: str, default: tuple[int, int], least: int, most: int) -> tuple[int, int]:
        low, high = self.limits(key, default, least, most)
        if low != int(low) or high != int(high):
            raise self.error(key, f"{key} is {self.table[key]!r}", "give a whole number or [least, most] of such")
        return int(low), int(high)

    def limits(self, key: str, default: Range, least: float, most: float, when_true: Range | None = None) -> Range:
        value = self.table.get(key, default)
        if isinstance(value, bool) and when_true is not None:
            return when_true if value else (0.0, 0.0)
        pair = list(value) if isinstance(value, list | tuple) else [value, value]
        numbers = [each for each in pair if isinstance(each, int | float) and not isinstance(each, bool)]
        hint = f"give a number from {least:g} to {most:g} or [least, most]"
        if len(pair) != 2 or len(numbers) != 2:
            raise self.error(key, f"{key} is {value!r}", hint)
        low, high = float(numbers[0]), float(numbers[1])
        if not (math.isfinite(low) and math.isfinite(high) and least <= low <= high <= most):
            raise self.error(key, f"{key} is {value!r}", hint)
        return low, high


class _PointingAt:
    """Gives an InputError that comes from within the place of a key in the configuration."""

    def __init__(self, reader: _Reader, key: str) -> None:
        self.reader, self.key = reader, key

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, InputError):
            where = f"{self.key}: {error.path} {error.problem}" if error.path else error.problem
            raise self.reader.error(self.key, where, error.hint or "check it") from error
