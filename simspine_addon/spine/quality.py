"""Quality control of a motion: wraps and gimbal flips mended, spikes and short gaps filled, impossible spines refused.

Every decision stands in a flag per frame and in a summary. No frame is dropped here: what could not be mended keeps its
values and its flags, and `QualityReport.usable` says which frames can be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from ..kinematics.forward import pose_track
from ..model.couplers import default_values
from ..model.errors import InputError
from ..model.types import Model, Motion
from .curvature import Curvature, curvature
from .endplates import Endplates, find_endplates
from .levels import level_angles
from .quality_mending import bridge, insert_missing_frames, rough_frames, spikes, unwrap_turns, without_gimbal_flips

Array = NDArray[np.float64]
Flags = NDArray[np.uint16]


class Flag(IntFlag):
    """What was found or done in a frame."""

    INSERTED = 1  # the file had no such frame; filled from its neighbours
    GAP_FILLED = 2  # values were missing; filled
    GAP_LEFT = 4  # values are missing, and the gap is longer than allowed
    WRAP_MENDED = 8  # an angle moved by whole turns
    GIMBAL_MENDED = 16  # three angles exchanged for the equivalent three nearer to the frame before
    SPIKE_MENDED = 32  # a value that stood out from its neighbours; filled
    ROUGH = 64  # a jump that is no single spike; left as it is
    CURVATURE = 128  # lordosis, kyphosis or a coronal angle that no spine has
    LEVEL = 256  # a level bent farther than any level can
    OUT_OF_RANGE = 512  # a clamped coordinate beyond its range in the model; left as it is
    REFILLED = 1024  # refused for its spine, then filled from its neighbours
    REFUSED = 2048  # refused for its spine, and left


_UNUSABLE = Flag.GAP_LEFT | Flag.REFUSED
_MEANING = {
    Flag.INSERTED: "frames missing in the file, inserted",
    Flag.GAP_FILLED: "missing values filled",
    Flag.GAP_LEFT: "missing values left: the gap is too long",
    Flag.WRAP_MENDED: "angles unwrapped by whole turns",
    Flag.GIMBAL_MENDED: "gimbal flips mended",
    Flag.SPIKE_MENDED: "spikes filled",
    Flag.ROUGH: "jumps left as they are",
    Flag.CURVATURE: "implausible curvature of the spine",
    Flag.LEVEL: "implausible bend of one level",
    Flag.OUT_OF_RANGE: "beyond the model's own range",
    Flag.REFILLED: "refused frames filled from their neighbours",
    Flag.REFUSED: "refused frames left as they are",
}


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """What counts as implausible. Angles deg, times s, lengths m.

    Lordosis and its like are limits of change from the model's own neutral, since models differ there by more than
    people do: full flexion and extension from T12 to S1 are 92 deg in sum (White & Panjabi 1978 [?]), of which
    standing is some 60 to 70 from flexion's end; ours leave 15 deg on either side. A level's limits are the highest
    of their 1990 table [?] (24 in sum, 12 to a side) with the same 1.5 times margin; rotation, 3 by the table, is
    given 12, since models with a rigid thorax turn in the lumbar spine alone.
    """

    flexion_change: float = 85.0  # lordosis lost
    extension_change: float = 45.0  # lordosis gained
    kyphosis: tuple[float, float] = (-10.0, 90.0)
    coronal: float = 60.0
    level_flexion: float = 36.0
    level_bending: float = 18.0
    level_rotation: float = 12.0
    longest_gap: float = 0.2
    spike_angle: float = 3.0
    spike_length: float = 0.010
    spike_deviations: float = 8.0
    range_tolerance: float = 1.0


@dataclass(frozen=True, slots=True)
class Reason:
    """One kind of decision: its flag, what it means, how many frames, and which coordinates or angles."""

    flag: Flag
    meaning: str
    frames: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QualityReport:
    """The mended motion, a flag word [T] for each of its frames, and a reason for each flag that occurs.

    `source_frames` [T] is the row of the given motion that each frame comes from, -1 for inserted ones.
    """

    motion: Motion
    flags: Flags
    reasons: tuple[Reason, ...]
    source_frames: NDArray[np.int64]
    notes: tuple[str, ...] = field(default=())

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Frames [T] without a gap and with a spine that can be."""
        return (self.flags & int(_UNUSABLE)) == 0

    @property
    def summary(self) -> str:
        """One sentence for people."""
        count = len(self.flags)
        if not self.reasons:
            return f"{count} frames, nothing to mend"
        parts = "; ".join(f"{reason.meaning}: {reason.frames}" for reason in self.reasons)
        return f"{int(self.usable.sum())} of {count} frames usable; {parts}"


def check_motion(
    model: Model,
    motion: Motion,
    *,
    endplates: Endplates | None = None,
    limits: QualityLimits | None = None,
) -> QualityReport:
    """Check a motion and mend what can be mended without guessing.

    In this order: missing frames and values are bridged by cubics up to `longest_gap`; gimbal flips and turns are
    taken out, which leaves every pose the same; single values far off their neighbours are bridged; then the spine is
    posed, and frames whose curvature or levels are impossible are refused, and bridged if few enough in a row. Jumps
    that last, and coordinates out of range, are flagged only. `motion.values` may hold NaN for frames that a solver
    gave up.

    Args:
        endplates: of the model, when already found; a model without bones is checked by its levels alone.

    Raises:
        InputError: no frame, or times that do not rise.
    """
    limits = limits or QualityLimits()
    if len(motion.time) == 0 or not np.isfinite(motion.time).all() or (np.diff(motion.time) <= 0).any():
        raise InputError("its times do not rise from frame to frame", path=motion.path, hint="sort the rows by time")
    time, values, source = insert_missing_frames(motion.time, motion.values, limits.longest_gap)
    log = _Log(len(time))
    log.mark(Flag.INSERTED, source < 0)
    values = _fill_gaps(model, time, values, log, source, limits)
    values = _unwind(model, values, log)
    values = _mend_spikes(model, time, values, log, limits)
    fixed = replace(motion, time=time, values=values)
    plates = find_endplates(model) if endplates is None else endplates
    bad = _implausible(model, fixed, plates, log, limits)
    if bad.any():
        fixed = _refuse(fixed, bad, log, limits)
    _flag_rough(model, fixed, log, limits)
    _flag_range(model, fixed, log, limits)
    return QualityReport(fixed, log.flags, log.reasons(), source, plates.warnings)


class _Log:
    """Flags [T] while they are gathered, with the names that each flag concerns."""

    def __init__(self, frames: int) -> None:
        self.flags: Flags = np.zeros(frames, dtype=np.uint16)
        self.names: dict[Flag, dict[str, None]] = {}

    def mark(self, flag: Flag, frames: NDArray[np.bool_], names: tuple[str, ...] = ()) -> None:
        self.flags[frames] |= np.uint16(flag)
        if frames.any():
            self.names.setdefault(flag, {}).update(dict.fromkeys(names))

    def mark_columns(self, flag: Flag, cells: NDArray[np.bool_], names: tuple[str, ...]) -> None:
        """`cells` [T, C] are true where it happened."""
        self.mark(flag, cells.any(axis=1), tuple(n for n, hit in zip(names, cells.any(axis=0), strict=True) if hit))

    def reasons(self) -> tuple[Reason, ...]:
        counts = {flag: int(np.count_nonzero(self.flags & np.uint16(flag))) for flag in Flag}
        return tuple(
            Reason(flag, _MEANING[flag], count, tuple(self.names.get(flag, ())))
            for flag, count in counts.items()
            if count
        )


def _is_angle(model: Model) -> NDArray[np.bool_]:
    return np.array([coordinate.motion_type != "translational" for coordinate in model.coordinates])


def _fill_gaps(
    model: Model, time: Array, values: Array, log: _Log, source: NDArray[np.int64], limits: QualityLimits
) -> Array:
    missing = ~np.isfinite(values)
    if not missing.any():
        return values
    # Angles may wrap across a gap: bridge them on the unwrapped curve.
    angles = _is_angle(model)
    smooth = values.copy()
    smooth[:, angles] = unwrap_turns(values[:, angles])
    filled = bridge(time, smooth, missing, limits.longest_gap)
    left = ~np.isfinite(filled)
    names = model.coordinate_names
    log.mark_columns(Flag.GAP_FILLED, missing & ~left & (source >= 0)[:, None], names)
    log.mark_columns(Flag.GAP_LEFT, left, names)
    # No value is invented for a long gap: the last one known stands there, flagged, so that files stay readable.
    return np.where(left, _held(filled), filled)


def _held(values: Array) -> Array:
    """NaN replaced by the last value before, else the first after, else 0."""
    known = np.isfinite(values)
    index = np.where(known, np.arange(len(values))[:, None], -1)
    last = np.maximum.accumulate(index, axis=0)
    first = np.where(known.any(axis=0), known.argmax(axis=0), 0)
    held = np.take_along_axis(values, np.where(last < 0, first, last), axis=0)
    return np.nan_to_num(held, nan=0.0)


def _unwind(model: Model, values: Array, log: _Log) -> Array:
    names = model.coordinate_names
    upright, flipped = without_gimbal_flips(model, values)
    log.mark_columns(Flag.GIMBAL_MENDED, flipped, names)
    angles = _is_angle(model)
    unwound = upright.copy()
    unwound[:, angles] = unwrap_turns(upright[:, angles])
    log.mark_columns(Flag.WRAP_MENDED, (np.abs(unwound - upright) > 1e-6) & ~flipped, names)
    return unwound


def _mend_spikes(model: Model, time: Array, values: Array, log: _Log, limits: QualityLimits) -> Array:
    floor = np.where(_is_angle(model), np.radians(limits.spike_angle), limits.spike_length)
    found = spikes(values, floor, limits.spike_deviations)
    if not found.any():
        return values
    filled = bridge(time, values, found, limits.longest_gap)
    done = found & np.isfinite(filled)  # what is left for want of neighbours near enough is flagged as rough later
    log.mark_columns(Flag.SPIKE_MENDED, done, model.coordinate_names)
    return np.where(done, filled, values)


def _implausible(
    model: Model, motion: Motion, plates: Endplates, log: _Log, limits: QualityLimits
) -> NDArray[np.bool_]:
    neutral = replace(motion, time=np.zeros(1), values=default_values(model)[None])
    track = pose_track(model, motion)
    wrong = _wrong_curvature(curvature(track, plates), curvature(pose_track(model, neutral), plates), limits)
    for name, frames in wrong.items():
        log.mark(Flag.CURVATURE, frames, (name,))
    levels, angles = level_angles(model, track)
    bad = np.any(list(wrong.values()), axis=0)
    if len(levels) > 1:  # a single lumbar joint stands for them all, and has no limits of a level
        allowed = np.radians([limits.level_flexion, limits.level_bending, limits.level_rotation])
        over = (np.abs(angles) > allowed).any(axis=2)
        log.mark_columns(Flag.LEVEL, over, tuple(level.name for level in levels))
        bad = bad | over.any(axis=1)
    return bad & ((log.flags & np.uint16(Flag.GAP_LEFT)) == 0)


def _wrong_curvature(now: Curvature, neutral: Curvature, limits: QualityLimits) -> dict[str, NDArray[np.bool_]]:
    """Frames [T] in which each angle is impossible; comparisons with NaN, an angle not measured, are false."""
    change = np.degrees(now.lordosis - neutral.lordosis[0])
    kyphosis = np.degrees(now.kyphosis)
    low, high = limits.kyphosis
    return {
        "lordosis": (change < -limits.flexion_change) | (change > limits.extension_change),
        "kyphosis": ((kyphosis < low) | (kyphosis > high)) & (np.ptp(kyphosis) > 1e-3),
        "coronal": (np.abs(np.degrees(now.lumbar_coronal)) > limits.coronal)
        | (np.abs(np.degrees(now.thoracic_coronal)) > limits.coronal),
    }


def _refuse(motion: Motion, bad: NDArray[np.bool_], log: _Log, limits: QualityLimits) -> Motion:
    gaps = np.repeat(bad[:, None], motion.values.shape[1], axis=1)
    filled = bridge(motion.time, motion.values, gaps, limits.longest_gap)
    done = bad & np.isfinite(filled).all(axis=1)
    log.mark(Flag.REFILLED, done)
    log.mark(Flag.REFUSED, bad & ~done)
    return replace(motion, values=np.where(done[:, None], filled, motion.values))


def _flag_rough(model: Model, motion: Motion, log: _Log, limits: QualityLimits) -> None:
    floor = np.where(_is_angle(model), np.radians(limits.spike_angle), limits.spike_length)
    rough = rough_frames(motion.values, floor, limits.spike_deviations)
    log.mark_columns(Flag.ROUGH, rough, model.coordinate_names)


def _flag_range(model: Model, motion: Motion, log: _Log, limits: QualityLimits) -> None:
    clamped = np.array([c.clamped for c in model.coordinates])
    low, high = np.array([c.range for c in model.coordinates]).T
    tolerance = np.where(_is_angle(model), np.radians(limits.range_tolerance), 1e-3)
    outside = (motion.values < low - tolerance) | (motion.values > high + tolerance)
    log.mark_columns(Flag.OUT_OF_RANGE, outside & clamped, model.coordinate_names)
