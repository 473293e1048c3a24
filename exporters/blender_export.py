"""Blender's own exporters: whether they are there, and what they report, turned into one line."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..simspine_addon.model.errors import InputError


@contextmanager
def written_apart(path: str | Path) -> Iterator[Path]:
    """Yield a name for one of Blender's operators to write to, in a folder of its own that goes afterwards.

    What an operator leaves when it fails, and how it tells, is its own affair; so it never touches the place where the
    file is wanted. Its refusal becomes an InputError about that file.
    """
    with tempfile.TemporaryDirectory(prefix="simspine") as folder:
        try:
            yield Path(folder) / f"export{Path(path).suffix}"
        except RuntimeError as error:
            problem = f"cannot be written ({_reason(str(error))})"
            raise InputError(problem, path=path, hint="choose another place or format") from error


def _reason(text: str) -> str:
    """The line that says why in what an operator reports: a traceback of Python's, or a plain sentence."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("Location:")]
    return lines[-1].removeprefix("Error: ") if lines else "no reason given"


def needed_operator(group: str, name: str, hint: str) -> tuple[Any, frozenset[str]]:
    """An operator of Blender's, `bpy.ops.GROUP.NAME`, and the options that it takes.

    Raises:
        InputError: this Blender does not have it; `hint` says what would help.
    """
    import bpy

    operators: Any = bpy.ops  # pyright: ignore[reportAttributeAccessIssue]  # bpy makes its submodules at run time
    operator = getattr(getattr(operators, group), name)  # there is one for any name, until it is asked
    try:
        known = frozenset(operator.get_rna_type().properties.keys())
    except KeyError:
        raise InputError(f"this Blender has no {group}.{name}", hint=hint) from None
    return operator, known
