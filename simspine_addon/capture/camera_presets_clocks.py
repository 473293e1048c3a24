"""Cameras that do not run in step: each with its own frame rate, and a start that is late by some milliseconds.

Labels hold views that share their frames. So cameras that run alike form a clock, each clock is a recording of its own,
and its frames are the motion at that clock's times: nothing is rounded to the nearest frame of another camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kinematics.resample import uniform_times
from ..model.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Clock:
    """Cameras that see the same moments: `views` are their numbers in the set, `time` [T] s the motion's times."""

    views: tuple[int, ...]
    rate: float | None  # frames a second; None for the motion's own
    offset_ms: float
    time: Array

    @property
    def name(self) -> str:
        """What tells this clock from the others in a recording's name, such as "25Hz" or "50Hz+12.5ms"."""
        rate = "" if self.rate is None else f"{self.rate:g}Hz"
        return rate + (f"+{self.offset_ms:g}ms" if self.offset_ms else "") or "own"


def camera_clocks(
    time: Array,
    view_count: int,
    rates: Sequence[float] | float | None = None,
    offset_ms: Sequence[float] | float | None = None,
) -> tuple[Clock, ...]:
    """The clocks of `view_count` cameras over a motion at `time` [T] s, in the order of their first cameras.

    A camera of rate r and offset o sees time[0] + o, and every 1 / r s after it that the motion covers. Poses at these
    times come from `resample_at`, joint angles from `resample_motion`.

    Args:
        rates: frames a second, one for all or one for each camera; None for the motion's own frames.
        offset_ms: how late each camera starts, 0 or more; one for all or one for each.

    Raises:
        InputError: as many numbers as there are cameras were expected, a rate that is not positive, an offset that is
            negative or reaches beyond the motion.
    """
    own_rates = _each(view_count, rates, "rates", None)
    offsets = _each(view_count, offset_ms, "offset_ms", 0.0)
    clocks: dict[tuple[float | None, float], list[int]] = {}
    for view, (rate, offset) in enumerate(zip(own_rates, offsets, strict=True)):
        clocks.setdefault((rate, float(offset or 0.0)), []).append(view)
    return tuple(Clock(tuple(views), *key, _times(time, *key)) for key, views in clocks.items())


def _each(count: int, values: Sequence[float] | float | None, name: str, default: float | None) -> list[float | None]:
    if values is None or isinstance(values, int | float):
        return [default if values is None else float(values)] * count
    if len(values) != count:
        raise InputError(
            f"{name} has {len(values)} numbers for {count} cameras", hint="give one for each, or one for all"
        )
    return [float(value) for value in values]


def _times(time: Array, rate: float | None, offset_ms: float) -> Array:
    start = time[0] + offset_ms / 1000.0
    if not (np.isfinite(offset_ms) and offset_ms >= 0 and start <= time[-1]):
        covered = 1000 * (time[-1] - time[0])
        raise InputError(f"offset_ms = {offset_ms:g} is not within 0 and the motion's {covered:.6g} ms")
    if rate is not None:
        return uniform_times(np.array([start, time[-1]]), rate)
    shifted = time + offset_ms / 1000.0
    return shifted[shifted <= time[-1] + 1e-9]
