"""Which view belongs to which calibrated camera: by name, however it is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ..model.errors import InputError

_USUAL_ENDINGS = re.compile(r"(json|keypoints|results|predictions|pose|mp4|avi|mov)")


def match_cameras(given: Sequence[str], wanted: Sequence[str], path: Path) -> tuple[list[int | None], tuple[str, ...]]:
    """For each wanted camera the index of the view of that name, and what a person should be told.

    Raises:
        InputError: names that do not fit, and another number of views than cameras; or views that fit no camera.
    """
    keys = [name_key(name) for name in given]
    order = [keys.index(name_key(name)) if name_key(name) in keys else None for name in wanted]
    matched = [index for index in order if index is not None]
    if not matched and len(given) == len(wanted):
        by_name = sorted(range(len(given)), key=lambda index: given[index])
        pairs = ", ".join(f"{given[index]} = {name}" for index, name in zip(by_name, wanted, strict=True))
        return [*by_name], (f"no view has the name of a camera; taken in alphabetical order: {pairs}",)
    strangers = [name for index, name in enumerate(given) if index not in matched]
    if strangers or len(set(matched)) != len(matched):
        problem = f"views {', '.join(strangers or given)} fit no camera of {', '.join(wanted)}"
        raise InputError(problem, path=path, hint="name the folders or files like the cameras of the calibration")
    absent = [name for name, index in zip(wanted, order, strict=True) if index is None]
    return order, ((f"there are no detections for {', '.join(absent)}",) if absent else ())


def name_key(name: str) -> tuple[str, ...]:
    """A name's letters and numbers: `cam_01`, `cam01_json` and `Cam1` are the same."""
    parts = re.findall(r"[a-z]+|\d+", name.lower())
    kept = [part.lstrip("0") or "0" if part.isdigit() else part for part in parts]
    return tuple(part for part in kept if not _USUAL_ENDINGS.fullmatch(part)) or tuple(kept)
