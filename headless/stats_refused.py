"""Frames that `annotate` refused: their angles stand in the .mot, held or bridged, and count in no figure."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.model.errors import InputError
from ..simspine_addon.spine.quality import Flag, QualityReport, Reason

_MEANING = "refused when the markers were fitted (quality/ of the data set)"


def refused_frames(path: Path, frames: int) -> NDArray[np.bool_]:
    """Which frames [T] of a motion the quality table beside it refuses.

    Raises:
        InputError: a table of another motion, or none.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            usable = [row["usable"] for row in csv.DictReader(file)]
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise InputError("is no quality table of `simspine annotate`", path=path, hint="annotate again") from error
    if len(usable) != frames:
        problem = f"has {len(usable)} frames, its motion {frames}"
        raise InputError(problem, path=path, hint="annotate again, or remove the table")
    return np.array([each != "1" for each in usable])


def with_refused_frames(report: QualityReport, refused: NDArray[np.bool_]) -> QualityReport:
    """The report with these frames [T of the motion given] refused as well."""
    there = report.source_frames >= 0
    again = there & refused[np.maximum(report.source_frames, 0)] & report.usable
    if not again.any():
        return report
    flags = report.flags | np.where(again, np.uint16(Flag.REFUSED), np.uint16(0))
    reason = Reason(Flag.REFUSED, _MEANING, int(again.sum()))
    return replace(report, flags=flags, reasons=(*report.reasons, reason))
