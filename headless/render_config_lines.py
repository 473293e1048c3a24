"""Where in a TOML file each table and key stands, so that a complaint can name the line."""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_NOISE = re.compile(r'"""|\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#.*|[\[\]{}]')


def line_index(text: str) -> dict[str, int]:
    """1-based lines by dotted place: `render.size`, and `recordings.0.model` for the first of an array of tables.

    The text is one that `tomllib` has accepted. Keys within an inline table have no line of their own.
    """
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    table, depth, quote = "", 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        fresh = depth == 0 and not quote
        header = _HEADER.match(line) if fresh else None
        if header:
            table = _table_place(_parts(header[2]), header[1] == "[[", counts)
            lines.setdefault(table, number)
            continue
        key = _KEY.match(line) if fresh else None
        if key:
            place = table
            for part in _parts(key[1]):
                place = f"{place}.{part}" if place else part
                lines.setdefault(place, number)
        depth, quote = _state_after(line, depth, quote)
    return lines


def _parts(text: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(text)]


def _table_place(parts: list[str], is_array: bool, counts: dict[str, int]) -> str:
    """The dotted place of a header; arrays of tables on the way mean their latest element."""
    place = ""
    for index, part in enumerate(parts):
        place = f"{place}.{part}" if place else part
        if is_array and index == len(parts) - 1:
            counts[place] = counts.get(place, -1) + 1
        if place in counts:
            place = f"{place}.{counts[place]}"
    return place


def _state_after(line: str, depth: int, quote: str) -> tuple[int, str]:
    """How many brackets, or which long quote, are open at the end of a line."""
    rest = line
    while True:
        if quote:
            end = rest.find(quote)
            if end < 0:
                return depth, quote
            rest, quote = rest[end + 3 :], ""
        found = _NOISE.search(rest)
        if not found:
            return depth, quote
        token, rest = found[0], rest[found.end() :]
        if token in ('"""', "'''"):
            quote = token
        elif token in "[{":
            depth += 1
        elif token in "]}":
            depth -= 1
