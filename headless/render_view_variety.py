"""What was drawn for a recording, as short tables: a heading for each part, and words instead of nested values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Group = tuple[str, list[tuple[str, str]]]  # heading, rows of name and value

_MOST_LISTED = 6  # values of a list that are written out
_FIRST = "recording"


def variety_groups(variety: Mapping[str, object]) -> list[Group]:
    """Headings with rows of name and value; single values first, seeds last, empty parts left out."""
    single: list[tuple[str, str]] = []
    groups: list[Group] = []
    for name, value in variety.items():
        if isinstance(value, Mapping):
            groups.append((_words(name), _rows(value)))
        elif any(isinstance(each, Mapping) for each in _listed(value)):
            for number, each in enumerate(_listed(value)):
                rows = _rows(each) if isinstance(each, Mapping) else [("", _text(each))]
                groups.append((f"{_words(name)} {number + 1}", rows))
        elif name != _FIRST and not _is_nothing(value):
            single.append((_words(name), _text(value)))
    groups.sort(key=lambda group: "seeds" in group[0])
    return [group for group in ((("general", single), *groups)) if group[1]]


def _rows(values: Mapping[str, object], before: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in values.items():
        title = f"{before}{_words(str(name))}"
        if isinstance(value, Mapping):
            rows += _rows(value, f"{title}, ")
        elif not _is_nothing(value):
            rows.append((title, _text(value)))
    return rows


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {text}" for name, text in _rows(value))
    if not isinstance(value, Sequence) or isinstance(value, str):
        return str(value)
    texts = [_text(each) for each in value]
    if any(_listed(each) for each in value):
        texts = [f"({text})" for text in texts]
    if len(texts) <= _MOST_LISTED:
        return ", ".join(texts)
    if len(set(texts)) == 1:
        return f"{len(texts)} times {texts[0]}"
    if texts[0].startswith("("):
        return f"{len(texts)} lists of values"
    return f"{len(texts)} values: {', '.join(texts[:3])} ... {texts[-1]}"


def _listed(value: object) -> Sequence[object]:
    """The values of a list; none of anything else."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _is_nothing(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, Sequence | Mapping) and len(value) == 0)


def _words(name: str) -> str:
    return name.replace("_", " ")
