"""Names within Blender's limits: 63 bytes for bones and custom properties."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_NAME_BYTES = 63


def fitting_names(names: Sequence[str], what: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`names` shortened, distinctly, where Blender would cut them; and a warning for each that was.

    Args:
        names: distinct names, as the model gives them.
        what: the field's word for one of them, for the warnings ("body", "coordinate").
    """
    taken = {name for name in names if _fits(name)}
    fitting, warnings = [], []
    for name in names:
        short = name
        if not _fits(name):
            short = _shortened(name, taken)
            taken.add(short)
            warnings.append(f"the name of {what} '{name}' is too long for Blender and became '{short}'")
        fitting.append(short)
    return tuple(fitting), tuple(warnings)


def _fits(name: str) -> bool:
    return len(name.encode()) <= LONGEST_NAME_BYTES


def _shortened(name: str, taken: set[str]) -> str:
    for number in range(1, len(taken) + 2):
        ending = f"~{number}"
        # A cut may fall inside a character of several bytes, which is then dropped.
        short = name.encode()[: LONGEST_NAME_BYTES - len(ending)].decode(errors="ignore") + ending
        if short not in taken:
            return short
    raise AssertionError("more names taken than there are")
