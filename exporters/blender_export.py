"""What Blender's own exporters report, turned into one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..simspine_addon.model.errors import InputError


@contextmanager
def refusal_of(path: str | Path) -> Iterator[None]:
    """Turn a refusal of one of Blender's operators into an InputError about the file that was asked for."""
    try:
        yield
    except RuntimeError as error:
        lines = str(error).strip().splitlines()
        reason = lines[-1].removeprefix("Error: ") if lines else "no reason given"
        raise InputError(f"cannot be written ({reason})", path=path, hint="choose another place or format") from error
