"""Frame rates of recordings and of single cameras, and the time that cameras read an image for, in the configuration:
cameras that differ in it get recordings apart."""

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

CLOCK_KEYS = ("rates", "offset_ms", "rolling_shutter_ms")  # of the table of cameras
_HIGHEST_RATE = 100_000.0


def camera_clock_table(table: StrictTable) -> tuple[RecordingClock, ...]:
    """The clocks that `rates`, `offset_ms` and `rolling_shutter_ms` of the cameras' table ask for, each one number or a
    list of one for each camera; none where none is given.

    Raises:
        InputError: no numbers, a rate that is not positive, another below 0, lists of unequal length.
    """
    rates = _numbers(table, "rates", lambda value: 0.0 < value <= _HIGHEST_RATE, "a positive number of frames a second")
    offsets = _numbers(table, "offset_ms", lambda value: value >= 0.0, "a number of milliseconds from 0")
    rolling = _numbers(table, "rolling_shutter_ms", lambda value: 0.0 <= value <= 1000.0, "milliseconds, 0 to 1000")
    given = {"rates": rates, "offset_ms": offsets, "rolling_shutter_ms": rolling}
    lists = {key: values for key, values in given.items() if isinstance(values, list)}
    if all(values is None for values in given.values()):
        return ()
    counts = {len(values) for values in lists.values()}
    if len(counts) > 1:
        words = " and ".join(f"'{key}'" for key in lists)
        raise table.error(f"{words} are lists of unequal length", list(lists)[-1], "give one for each camera")
    count = counts.pop() if counts else 1
    every = [values if isinstance(values, list) else [values] * count for values in given.values()]
    groups: dict[tuple[float | None, float, float], list[int]] = {}
    for view, (rate, offset, rolled) in enumerate(zip(*every, strict=True)):
        groups.setdefault((rate, offset or 0.0, rolled or 0.0), []).append(view)
    if not lists:
        ((rate, offset, rolled),) = groups
        return (RecordingClock(rate, offset, rolling_ms=rolled),)
    return tuple(
        RecordingClock(rate, offset, tuple(views), count, rolling_ms=rolled)
        for (rate, offset, rolled), views in groups.items()
    )


def with_clocks(
    recordings: Sequence[RecordingConfig], clocks: Sequence[RecordingClock], table: StrictTable
) -> tuple[RecordingConfig, ...]:
    """The recordings, one for each of the cameras' clocks where there are several, named after them.

    Raises:
        InputError: a recording has a rate of its own as well.
    """
    if not clocks:
        return tuple(recordings)
    if any(recording.clock != RecordingClock() for recording in recordings) and not all(each.is_own for each in clocks):
        raise table.error("the cameras have rates, and so has a recording", "rates", "give either")
    if len(clocks) == 1:
        return tuple(replace(recording, clock=_merged(clocks[0], recording.clock)) for recording in recordings)
    return tuple(
        replace(recording, name=f"{recording.name}_{_name(clock)}", clock=replace(clock, scene=recording.name))
        for recording in recordings
        for clock in (_merged(each, recording.clock) for each in clocks)
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
    scene, rolled = inner.text("scene", "") or "", inner.number("rolling_shutter_ms", 0.0, 0.0)
    clock = RecordingClock(rate, offset, views, count, scene, rolled)
    inner.finish()
    return clock


def clock_document(clock: RecordingClock) -> dict[str, object]:
    """What `recording_clock` reads again; nothing for the motion's own frames."""
    if clock == RecordingClock():
        return {}
    rate = {} if clock.rate is None else {"rate": clock.rate}
    rest = {"offset_ms": clock.offset_ms, "views": list(clock.views), "set_size": clock.set_size, "scene": clock.scene}
    rolled = {"rolling_shutter_ms": clock.rolling_ms} if clock.rolling_ms else {}
    return {"clock": {**rate, **rest, **rolled}}


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


def _merged(clock: RecordingClock, own: RecordingClock) -> RecordingClock:
    """The cameras' clock, at the recording's own rate where the cameras have none."""
    return replace(clock, rate=own.rate, offset_ms=own.offset_ms) if clock.is_own else clock


def _name(clock: RecordingClock) -> str:
    """The clock's name as a part of a folder's."""
    named = Clock(clock.views, clock.rate, clock.offset_ms, np.zeros(0)).name
    if clock.rolling_ms:
        named = f"{'' if clock.is_own else named + '-'}rolling{clock.rolling_ms:g}ms"
    return re.sub(r"[^A-Za-z0-9._-]+", "-", named)


def _view(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError
    return value
