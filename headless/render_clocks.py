"""Frame rates of recordings and of single cameras, in the configuration: cameras out of step get recordings apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.camera_presets_clocks import Clock, camera_clocks
from .render_config import RecordingClock, RecordingConfig
from .render_config_table import StrictTable

Array = NDArray[np.float64]

CLOCK_KEYS = ("rates", "offset_ms")  # of the table of cameras
_HIGHEST_RATE = 100_000.0


def camera_clock_table(table: StrictTable) -> tuple[RecordingClock, ...]:
    """The clocks that `rates` and `offset_ms` of the cameras' table ask for, each a number for all or a list of one
    for each camera; none where neither is given.

    Raises:
        InputError: no numbers, a rate that is not positive, an offset below 0, lists of unequal length.
    """
    rates = _numbers(table, "rates", lambda value: 0.0 < value <= _HIGHEST_RATE, "a positive number of frames a second")
    offsets = _numbers(table, "offset_ms", lambda value: value >= 0.0, "a number of milliseconds from 0")
    if rates is None and offsets is None:
        return ()
    counts = {len(values) for values in (rates, offsets) if isinstance(values, list)}
    if len(counts) > 1:
        raise table.error(
            "'rates' and 'offset_ms' are lists of unequal length", "offset_ms", "give one for each camera"
        )
    if not counts:
        return (RecordingClock(rates, offsets or 0.0),)  # pyright: ignore[reportArgumentType]
    count = counts.pop()
    every_rate = rates if isinstance(rates, list) else [rates] * count
    every_offset = offsets if isinstance(offsets, list) else [offsets or 0.0] * count
    groups: dict[tuple[float | None, float], list[int]] = {}
    for view, key in enumerate(zip(every_rate, every_offset, strict=True)):
        groups.setdefault(key, []).append(view)
    return tuple(RecordingClock(rate, offset, tuple(views), count) for (rate, offset), views in groups.items())


def with_clocks(
    recordings: Sequence[RecordingConfig], clocks: Sequence[RecordingClock], table: StrictTable
) -> tuple[RecordingConfig, ...]:
    """The recordings, one for each of the cameras' clocks where there are several, named after them.

    Raises:
        InputError: a recording has a rate of its own as well.
    """
    if not clocks:
        return tuple(recordings)
    if any(recording.clock != RecordingClock() for recording in recordings):
        raise table.error("the cameras have rates, and so has a recording", "rates", "give either")
    if len(clocks) == 1:
        return tuple(replace(recording, clock=clocks[0]) for recording in recordings)
    return tuple(
        replace(recording, name=f"{recording.name}_{_name(clock)}", clock=replace(clock, scene=recording.name))
        for recording in recordings
        for clock in clocks
    )


def recording_clock(table: StrictTable) -> RecordingClock:
    """The clock of `[[recordings]]`: its `rate`, or the table `clock` as `clock_document` wrote it.

    Raises:
        InputError: neither is what it should be.
    """
    rates = _numbers(table, "rate", lambda value: 0.0 < value <= _HIGHEST_RATE, "a positive number of frames a second")
    if isinstance(rates, list):
        raise table.error("'rate' is a list", "rate", "give one number; rates of single cameras go into [cameras]")
    inner = table.table("clock")
    if inner is None:
        return RecordingClock(rates)
    rate = inner.number("rate", 0.0, 0.0, _HIGHEST_RATE) or None
    views = tuple(inner.several("views", _view, "numbers of cameras", empty=True))
    offset, count = inner.number("offset_ms", 0.0, 0.0), inner.integer("set_size", 0) or 0
    clock = RecordingClock(rate, offset, views, count, inner.text("scene", "") or "")
    inner.finish()
    return clock


def clock_document(clock: RecordingClock) -> dict[str, object]:
    """What `recording_clock` reads again; nothing for the motion's own frames."""
    if clock == RecordingClock():
        return {}
    rate = {} if clock.rate is None else {"rate": clock.rate}
    rest = {"offset_ms": clock.offset_ms, "views": list(clock.views), "set_size": clock.set_size, "scene": clock.scene}
    return {"clock": {**rate, **rest}}


def clock_times(clock: RecordingClock, time: Array) -> Array:
    """The motion's times [N] s that the clock's cameras see, of a motion at `time` [T] s.

    Raises:
        InputError: the offset reaches beyond the motion.
    """
    return time if clock.is_own else camera_clocks(time, 1, clock.rate, clock.offset_ms)[0].time


def _numbers(table: StrictTable, key: str, allowed: Callable[[float], bool], wanted: str) -> float | list[float] | None:
    """A number or a list of some, None where the key is not there."""

    def number(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not allowed(float(value)):
            raise ValueError
        return float(value)

    values = table.several(key, number, wanted)
    if not values:
        return None
    return values if isinstance(table.values[key], list) else values[0]


def _name(clock: RecordingClock) -> str:
    """The clock's name as a part of a folder's."""
    named = Clock(clock.views, clock.rate, clock.offset_ms, np.zeros(0)).name
    return re.sub(r"[^A-Za-z0-9._-]+", "-", named)


def _view(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError
    return value
