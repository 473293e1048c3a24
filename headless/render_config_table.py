"""A table of a configuration file, read strictly: every key is known, of its kind, and in the file's own line."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..simspine_addon.model.errors import InputError

T = TypeVar("T")
_MISSING = object()


class StrictTable:
    """Reads values by key and remembers which were asked for; `finish` refuses the rest.

    `place` is the table's dotted place in the file ("" for the whole document, "recordings.0").
    """

    def __init__(self, values: Mapping[str, object], place: str, path: Path | None, lines: Mapping[str, int]) -> None:
        self.values, self.place, self.path, self.lines = values, place, path, lines
        self._asked: list[str] = []

    def line(self, key: str | None = None) -> int | None:
        """Of the key, else of the nearest table around it."""
        place = self.place if key is None else self._place(key)
        while place:
            if place in self.lines:
                return self.lines[place]
            place = place.rpartition(".")[0]
        return None

    def error(self, problem: str, key: str | None = None, hint: str | None = None) -> InputError:
        """The error to raise for something wrong with `key`."""
        return InputError(problem, path=self.path, line=self.line(key), hint=hint)

    def located(self, error: InputError) -> InputError:
        """The error of a reader that knows no lines, in the line of the first key that it speaks of."""
        words = re.findall(r"[\w-]+", error.problem)
        keys = [key for key in self.values if key in words]
        # "the preset 'ring': count = 0": what is set or quoted there is what is wrong, rather than what it belongs to.
        keys.sort(key=lambda key: f" {key} = " in error.problem or f"'{key}'" in error.problem)
        return self.error(error.problem, keys[-1] if keys else None, error.hint)

    def text(self, key: str, default: str | None = None) -> str | None:
        return self._read(key, str, "text in quotes", default)

    def flag(self, key: str, default: bool | None = None) -> bool | None:
        return self._read(key, bool, "true or false", default)

    def integer(self, key: str, default: int | None, lowest: int = 0, highest: int | None = None) -> int | None:
        wanted = f"a whole number from {lowest}{'' if highest is None else f' to {highest}'}"
        value = self._read(key, int, wanted, default)
        if value is not None and key in self.values and not (lowest <= value and (highest is None or value <= highest)):
            raise self.error(f"{self._name(key)} is {value}", key, f"give {wanted}")
        return value

    def number(self, key: str, default: float, lowest: float = -math.inf, highest: float = math.inf) -> float:
        value = self._read(key, (int, float), "a number", default)
        assert value is not None
        if not (math.isfinite(value) and lowest <= value <= highest):
            bounds = f" from {lowest:g} to {highest:g}" if math.isfinite(lowest) else ""
            raise self.error(f"{self._name(key)} is {value}", key, f"give a number{bounds}")
        return float(value)

    def choice(self, key: str, choices: Sequence[str], default: str | None) -> str | None:
        value = self.text(key, default)
        if value is not None and value not in choices:
            raise self.error(f"{self._name(key)} is '{value}'", key, self._did_you_mean(value, choices))
        return value

    def choices(self, key: str, known: Sequence[str], default: tuple[str, ...]) -> tuple[str, ...]:
        """A list of words out of `known`, without repeats."""
        values = self._read(key, list, "a list such as " + str(list(known[:2])).replace("'", '"'), None)
        if values is None:
            return default
        for value in values:
            if value not in known:
                raise self.error(f"{self._name(key)} holds {value!r}", key, self._did_you_mean(str(value), known))
        return tuple(dict.fromkeys(values))

    def numbers(self, key: str, count: int, default: tuple[float, ...] | None) -> tuple[float, ...] | None:
        values = self._read(key, list, f"a list of {count} numbers", None)
        if values is None:
            return default
        good = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        if len(values) != count or not good or not all(math.isfinite(value) for value in values):
            raise self.error(f"{self._name(key)} is {values}", key, f"give a list of {count} numbers")
        return tuple(float(value) for value in values)

    def table(self, key: str) -> StrictTable | None:
        values = self._read(key, dict, f"a table, [{_without_numbers(self._place(key))}]", None)
        return None if values is None else StrictTable(values, self._place(key), self.path, self.lines)

    def tables(self, key: str) -> list[StrictTable]:
        """An array of tables; empty where there is none."""
        values = self._read(key, list, f"an array of tables, [[{_without_numbers(self._place(key))}]]", None) or []
        if not all(isinstance(value, dict) for value in values):
            raise self.error(
                f"{self._name(key)} is no array of tables", key, f"write [[{_without_numbers(self._place(key))}]]"
            )
        return [
            StrictTable(value, f"{self._place(key)}.{index}", self.path, self.lines)
            for index, value in enumerate(values)
        ]

    def several(self, key: str, convert: Callable[[object], T], wanted: str, empty: bool = False) -> list[T]:
        """One value or a list of alternatives, each through `convert` (ValueError: not of its kind); [] if absent.

        An empty list is refused unless `empty`.
        """
        value = self._get(key)
        if value is _MISSING:
            return []
        items = value if isinstance(value, list) else [value]
        if not items and not empty:
            raise self.error(f"{self._name(key)} is an empty list", key, f"give {wanted}, or leave it out")
        try:
            return [convert(item) for item in items]
        except ValueError as error:
            raise self.error(f"{self._name(key)} is {value!r}", key, f"give {wanted} or a list of such") from error

    def finish(self) -> None:
        """Refuse a key that nobody asked for.

        Raises:
            InputError: with its line and the key that it may have been meant to be.
        """
        for key in self.values:
            if key not in self._asked:
                where = f"[{self._shown_place()}]" if self.place else "the file's top"
                raise self.error(f"{where} knows no '{key}'", key, self._did_you_mean(key, sorted(set(self._asked))))

    def _read(self, key: str, kind: type | tuple[type, ...], wanted: str, default: object) -> Any:
        value = self._get(key)
        if value is _MISSING:
            return default
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise self.error(f"{self._name(key)} is {value!r}", key, f"give {wanted}")
        return value

    def _get(self, key: str) -> object:
        self._asked.append(key)
        return self.values.get(key, _MISSING)

    def _place(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def _name(self, key: str) -> str:
        return f"'{key}'"

    def _shown_place(self) -> str:
        return _without_numbers(self.place)

    def _did_you_mean(self, word: str, known: Sequence[str]) -> str:
        near = difflib.get_close_matches(word, known, n=1)
        listed = ", ".join(known)
        return f"did you mean '{near[0]}'? There are {listed}" if near else f"there are {listed}"


def _without_numbers(place: str) -> str:
    """A dotted place as a file's headers write it."""
    return ".".join(part for part in place.split(".") if not part.isdecimal())
