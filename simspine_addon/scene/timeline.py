"""Seconds and frames: one clock per scene, so that several people and cameras run in step.

The first import sets the clock: the scene's frame rate, and which second falls on the first frame (Blender's usual
frame 1). From then on `frame = start_frame + (time - time_origin) * fps` for everything that comes in; a motion at
another rate gets keys at fractional frames, which is exact, or is resampled when the user asks for it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError

Array = NDArray[np.float64]
CLOCK_PROPERTY = "simspine_clock"
PERSON_PROPERTY = "simspine_person"
FIRST_FRAME = 1
_NTSC = 1.001
_LARGEST_FPS = 32767  # scene.render.fps is a 16-bit number


@dataclass(frozen=True, slots=True)
class SceneClock:
    """`time_origin` (s, in the motions' own time) falls on `start_frame`; `fps` frames pass each second."""

    fps: float
    time_origin: float
    start_frame: int = FIRST_FRAME

    def frames(self, time: Array | float) -> Array:
        """Frames (fractional) of times in s; same shape."""
        return self.start_frame + (np.asarray(time, dtype=np.float64) - self.time_origin) * self.fps

    def times(self, frames: Array | float) -> Array:
        """Times in s of frames; same shape."""
        return self.time_origin + (np.asarray(frames, dtype=np.float64) - self.start_frame) / self.fps


def read_clock(scene: bpy.types.Scene) -> SceneClock | None:
    """The scene's clock, or None where nothing has been imported."""
    stored = scene.get(CLOCK_PROPERTY)
    if stored is None:
        return None
    return SceneClock(float(stored["fps"]), float(stored["time_origin"]), int(stored["start_frame"]))


def ensure_clock(scene: bpy.types.Scene, time: Array, fps: float | None = None) -> tuple[SceneClock, tuple[str, ...]]:
    """The scene's clock; set from `time` [T] s, and its rate from `fps` or else from `time`, if there is none yet.

    A clock that no imported person uses any longer (all deleted) is replaced.

    Returns:
        The clock, and warnings, a sentence each.

    Raises:
        InputError: `time` is empty, not finite or not increasing; `fps` is not a usable rate.
    """
    check_times(time)
    if fps is not None and not 0.0 < fps <= _LARGEST_FPS:
        raise InputError(f"a frame rate of {fps} is not possible", hint=f"give a number up to {_LARGEST_FPS}")
    clock = read_clock(scene)
    if clock is not None and any(PERSON_PROPERTY in thing for thing in scene.objects):
        return clock, _rate_warnings(scene, clock, fps)
    rate = fps or sample_rate(time) or scene.render.fps / scene.render.fps_base
    clock = SceneClock(float(min(rate, _LARGEST_FPS)), float(time[0]))
    scene[CLOCK_PROPERTY] = asdict(clock)
    set_scene_rate(scene, clock.fps)
    scene.frame_start, scene.frame_end = clock.start_frame, clock.start_frame
    return clock, ()


def set_scene_rate(scene: bpy.types.Scene, fps: float) -> None:
    """Set `fps` frames a second, as the nearest whole number over a base: 59.94 becomes 60 / 1.001."""
    whole = min(max(round(fps), 1), _LARGEST_FPS)
    scene.render.fps = whole
    scene.render.fps_base = whole / fps


def grow_frame_range(scene: bpy.types.Scene, first: float, last: float) -> tuple[str, ...]:
    """Let the scene's frame range reach from `first` to `last` (fractional frames), beside what it already spans."""
    warnings = ()
    if first < -0.5:
        # Blender's frame range cannot start before frame 0; the keys are there all the same.
        warnings = (f"the motion starts {-first:.0f} frames before frame 0, which the frame range cannot show",)
    tolerance = 1e-3
    scene.frame_start = max(0, min(scene.frame_start, int(np.floor(first + tolerance))))
    scene.frame_end = max(scene.frame_end, int(np.ceil(last - tolerance)))
    return warnings


def key_frames(clock: SceneClock, time: Array) -> Array:
    """Frames [T] of the samples at `time` [T] s; whole numbers where rounded time stamps mean whole numbers.

    Files round their times (0.017, 0.033, 0.050 s at 60 Hz). Samples that are evenly spaced up to such rounding are
    put on an even grid; times that are not evenly spaced keep their own, fractional frames.
    """
    rate = _even_rate(time)
    if rate is None:
        return clock.frames(time)
    first = float(clock.frames(float(time[0])))
    if abs(first - round(first)) <= (_unevenness(time, rate) + 1e-6) * clock.fps:
        first = float(round(first))
    ratio = 1.0 if abs(clock.fps / rate - 1.0) < 1e-9 else clock.fps / rate
    return np.asarray(first + np.arange(len(time)) * ratio, dtype=np.float64)


def sample_rate(time: Array) -> float:
    """Samples per second of `time` [T] s: the even rate, a whole number where the times allow it; 0 for one sample.

    Uneven times give the whole number nearest to their median rate.
    """
    if len(time) < 2:
        return 0.0
    even = _even_rate(time)
    if even is not None:
        return even
    median = float(1.0 / np.median(np.diff(time)))
    return float(round(median)) if median >= 1.0 else median


def check_times(time: Array) -> None:
    """Refuse times that cannot be put on a clock.

    Raises:
        InputError: empty, not finite, or not increasing.
    """
    if len(time) == 0:
        raise InputError("the motion has no frames", hint="choose a file with at least one row of data")
    if not np.isfinite(time).all():
        raise InputError("the motion has a time that is not a number", hint="mend the file's time column")
    steps = np.diff(time)
    if len(steps) and steps.min() <= 0.0:
        row = int(np.argmin(steps > 0.0)) + 2
        raise InputError(f"time does not increase at row {row}", hint="sort the rows, or remove repeated ones")


def _rate_warnings(scene: bpy.types.Scene, clock: SceneClock, fps: float | None) -> tuple[str, ...]:
    warnings = []
    if fps is not None and abs(fps / clock.fps - 1.0) > 1e-6:
        warnings.append(f"the scene already runs at {clock.fps:g} frames a second, so {fps:g} was not used")
    shown = scene.render.fps / scene.render.fps_base
    if abs(shown / clock.fps - 1.0) > 1e-4:
        warnings.append(
            f"the scene now plays at {shown:g} frames a second, but its people were imported at {clock.fps:g};"
            " the new one keeps step with them"
        )
    return tuple(warnings)


def _even_rate(time: Array) -> float | None:
    """The rate of evenly spaced samples, None if they are not even (or fewer than two)."""
    if len(time) < 2:
        return None
    measured = (len(time) - 1) / (time[-1] - time[0])
    whole = float(max(round(measured), 1))
    for rate in (whole, float(round(measured * _NTSC)) / _NTSC, measured):
        if rate > 0.0 and _unevenness(time, rate) <= 2.0 * _rounding(time) + 1e-12 * len(time):
            return float(rate)
    return None


def _unevenness(time: Array, rate: float) -> float:
    """By how much, in s, the samples leave an even grid at `rate`, from the earliest to the latest."""
    return float(np.ptp(time - time[0] - np.arange(len(time)) / rate))


def _rounding(time: Array) -> float:
    """Half a unit of the last decimal that `time` [T] s carries: 5e-4 for millisecond stamps, never more."""
    for decimals in range(3, 9):
        if np.abs(time - np.round(time, decimals)).max() < 1e-3 * 10.0**-decimals:
            return 0.5 * 10.0**-decimals
    return 1e-9
