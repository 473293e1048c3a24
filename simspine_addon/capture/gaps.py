"""Find the gaps of tracks, and fill the short ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gap:
    """Frames [begin, end) of one marker without a position; `filled` if they were interpolated."""

    marker: int
    begin: int
    end: int
    filled: bool = False


def find_gaps(positions: Array) -> tuple[Gap, ...]:
    """The gaps of [T, M, 3], by marker and time; those at the ends too."""
    unseen = ~np.isfinite(positions).all(axis=-1)
    edges = np.diff(np.pad(unseen, ((1, 1), (0, 0))).astype(int), axis=0)
    begins, ends = np.argwhere(edges.T == 1), np.argwhere(edges.T == -1)
    return tuple(Gap(int(marker), int(begin), int(end)) for (marker, begin), (_, end) in zip(begins, ends, strict=True))


def fill_gaps(time: Array, positions: Array, longest_s: float) -> tuple[Array, tuple[Gap, ...]]:
    """Fill gaps of [T, M, 3] whose two neighbours lie at most `longest_s` apart; the rest stays NaN.

    By the cubic through two frames before and two after (exact for motion that is cubic in time), linearly where
    there is one alone on a side; nothing is made up before the first or after the last frame seen.

    Returns:
        the filled positions and every gap that was there, each with whether it was filled.

    Raises:
        InputError: a negative limit.
    """
    if not longest_s >= 0:
        raise InputError(f"the longest gap to fill, {longest_s:g} s, is negative", hint="0 fills none")
    result = positions.copy()
    gaps = []
    for gap in find_gaps(positions):
        inner = gap.begin > 0 and gap.end < len(time)
        filled = inner and time[gap.end] - time[gap.begin - 1] <= longest_s + 1e-9
        if filled:
            result[gap.begin : gap.end, gap.marker] = _across(time, positions[:, gap.marker], gap)
        gaps.append(Gap(gap.marker, gap.begin, gap.end, bool(filled)))
    return result, tuple(gaps)


def _across(time: Array, track: Array, gap: Gap) -> Array:
    nodes = [gap.begin - 1, gap.end]
    outer = [gap.begin - 2, gap.end + 1]
    if outer[0] >= 0 and outer[1] < len(time) and np.isfinite(track[outer]).all():
        nodes = sorted(nodes + outer)
    wanted = time[gap.begin : gap.end]
    result = np.zeros((len(wanted), track.shape[1]))
    for node in nodes:  # Lagrange's form
        others = np.array([time[other] for other in nodes if other != node])
        share = np.prod((wanted[:, None] - others) / (time[node] - others), axis=1)
        result += share[:, None] * track[node]
    return result
