"""What the commands' arguments may be: numbers within their limits, and places for files that exist."""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path

from ..simspine_addon.model.errors import InputError


def not_negative(text: str) -> float:
    """A finite number of at least 0."""
    return _number(text, "a number of at least 0", lambda value: value >= 0)


def positive(text: str) -> float:
    """A finite number above 0."""
    return _number(text, "a number above 0", lambda value: value > 0)


def count_from(least: int):
    """The type of a whole number of at least `least`."""

    def count(text: str) -> int:
        if not text.removeprefix("-").isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {least}")
        return int(text)

    return count


def check_places(*files: Path | None) -> None:
    """Refuse files whose folder is not there before the work that would be written into them.

    Raises:
        InputError: naming the folder.
    """
    for file in files:
        if file is not None and not file.parent.is_dir():
            raise InputError("its folder does not exist", path=file, hint=f"create {file.parent} first")


def check_folder(folder: Path) -> None:
    """Refuse, before the work, a folder for results that could not be made; what is made to try it goes again.

    Raises:
        InputError: it is a file, or cannot be made or written into.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    if missing != [folder, *folder.parents][: len(missing)] or (not missing and not folder.is_dir()):
        raise InputError("is a file", path=folder, hint="give a folder with -o")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        for each in missing:
            each.rmdir()
    except OSError as error:
        raise InputError(f"cannot be made ({error.strerror})", path=folder, hint="choose another folder") from error


def _number(text: str, wanted: str, good) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and good(value)):
        raise argparse.ArgumentTypeError(f"'{text}' is not {wanted}")
    return value
