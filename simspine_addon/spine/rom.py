"""Range of motion of the lumbar levels, and where it stands against published ranges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..model.errors import InputError
from ..model.types import Model
from .levels import level_angles
from .published import MOVEMENTS, ROM_1990, Published

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LevelRange:
    """What one level did about one axis, in rad: lowest and highest angle, signed from the model's neutral.

    `movement` is "flexion-extension" (extension positive), "bending" (right positive) or "rotation" (left positive).
    """

    level: str
    movement: str
    low: float
    high: float

    @property
    def range(self) -> float:
        """Highest less lowest, rad."""
        return self.high - self.low

    @property
    def published_measure(self) -> float:
        """What tables print, rad: the whole range of flexion and extension, else the larger side."""
        return self.range if self.movement == MOVEMENTS[0] else max(abs(self.low), abs(self.high))

    @property
    def published(self) -> Published | None:
        """The figure of White & Panjabi (1990, [?]) for this level, or None."""
        return ROM_1990[self.movement].get(self.level)

    @property
    def exceeds(self) -> bool:
        """Whether it is more than the highest published. Less is no fault: few movements use the whole range."""
        figure = self.published
        span = figure.range if figure else None
        return span is not None and bool(np.degrees(self.published_measure) > span[1])


def level_ranges(model: Model, track: PoseTrack, usable: NDArray[np.bool_] | None = None) -> tuple[LevelRange, ...]:
    """Range of motion of each lumbar level over the frames in `usable` ([T], all by default).

    Raises:
        InputError: no frame is usable.
    """
    levels, angles = level_angles(model, track)
    return ranges_of(tuple(level.name for level in levels), angles, usable)


def ranges_of(names: tuple[str, ...], angles: Array, usable: NDArray[np.bool_] | None = None) -> tuple[LevelRange, ...]:
    """The same from `level_angles`' angles [T, L, 3] rad, unwrapped over time.

    Raises:
        InputError: no frame is usable.
    """
    chosen = np.unwrap(angles if usable is None else angles[usable], axis=0)
    if not len(chosen):
        raise InputError("no frame of this motion can be used", hint="see the quality flags for the reasons")
    low, high = chosen.min(axis=0), chosen.max(axis=0)
    return tuple(
        LevelRange(name, movement, float(low[level, axis]), float(high[level, axis]))
        for axis, movement in enumerate(MOVEMENTS)
        for level, name in enumerate(names)
    )


def joined(ranges: list[tuple[LevelRange, ...]]) -> tuple[LevelRange, ...]:
    """One table of several motions: of each level and axis the lowest and the highest of all."""
    cells: dict[tuple[str, str], LevelRange] = {}
    for row in (row for table in ranges for row in table):
        old = cells.get((row.level, row.movement), row)
        cells[row.level, row.movement] = LevelRange(
            row.level, row.movement, min(old.low, row.low), max(old.high, row.high)
        )
    return tuple(cells.values())
