"""Feet that stay where they stand: heel and ball held while they touch the floor, let go smoothly, never below it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .contacts import Mask, runs
from .landmarks import FootPoints
from .rotations import Array, least_rotation, matrices_from_rotation_vectors, rotate, rotation_vectors

_RELEASE = 0.3  # s over which a correction fades where nothing else is held soon
Frames = NDArray[np.int64]
_HANDOVER = 0.05  # s
_LEVEL = np.array([1.0, 0.0, 1.0])


@dataclass(frozen=True, slots=True)
class SoleTracks:
    """A foot's ankle, heel and ball over time, [T, 3] m each."""

    ankle: Array
    heel: Array
    ball: Array


@dataclass(frozen=True, slots=True)
class FootMotion:
    """One foot over time: the ankle's place [T, 3] m and the foot's turn away from rest [T, 3, 3]; its sole at rest."""

    ankle: Array
    turn: Array
    points: FootPoints
    floor: float


def plant(
    tracks: SoleTracks, turn: Array, points: FootPoints, stands: tuple[Mask, Mask], floor: float, rate: float
) -> FootMotion:
    """Hold a foot's heel and ball on the floor while they stand there.

    While only one of them stands, the foot turns about it as the source's does; while both stand, it also turns so that
    both keep their places. In between, the ankle follows the source's; the difference runs on with matching values and
    slopes.

    Args:
        tracks: where the source's ankle, heel and ball would be at the target's size, their floor at `floor`.
        turn: the foot's rotation away from rest [T, 3, 3].
        points: heel and ball away from the ankle at rest.
        stands: when the heel and the ball stand, [T] each.
        floor: the floor's level, m.
        rate: frames per second.
    """
    heel_places, ball_places = _places(tracks.heel, tracks.ball, points, stands)
    fade = max(round(_RELEASE * rate), 2)
    held_heel = _held(tracks.heel, stands[0], heel_places, floor, fade)
    held_ball = _held(tracks.ball, stands[1], ball_places, floor, fade)
    turn = _flattened(turn, points, held_heel, held_ball, stands[0] & stands[1], fade)
    weight = _ball_weight(*stands, max(round(_HANDOVER * rate), 1))[:, None]
    from_heel = held_heel - rotate(turn, np.broadcast_to(points.heel, turn.shape[:2]))
    from_ball = held_ball - rotate(turn, np.broadcast_to(points.ball, turn.shape[:2]))
    correction = (1.0 - weight) * from_heel + weight * from_ball - tracks.ankle
    ankle = tracks.ankle + _carried_on(correction, runs(stands[0] | stands[1]), fade)
    return FootMotion(_above_floor(ankle, turn, points, floor, rate), turn, points, floor)


def _places(heel: Array, ball: Array, points: FootPoints, stands: tuple[Mask, Mask]) -> tuple[list[Array], list[Array]]:
    """Where each stance of heel and ball is held, [3] each: as the source's mean there, but stances that overlap are
    kept the target's own length of foot apart."""
    tracks = (heel, ball)
    length = float(np.linalg.norm((points.ball - points.heel) * _LEVEL))
    stances = sorted((first, past, which) for which in (0, 1) for first, past in runs(stands[which]))
    placed: list[tuple[int, int, int, Array]] = []
    for first, past, which in stances:
        place = tracks[which][first:past].mean(axis=0)
        partner = next((p for p in placed if p[2] != which and p[1] > first and p[0] < past), None)
        if partner is not None:
            shared = slice(max(first, partner[0]), min(past, partner[1]))
            apart = (tracks[which][shared] - tracks[1 - which][shared]).mean(axis=0) * _LEVEL
            place = partner[3] + length * apart / max(float(np.linalg.norm(apart)), 1e-9)
        placed.append((first, past, which, place))
    return ([p[3] for p in placed if p[2] == 0], [p[3] for p in placed if p[2] == 1])


def _held(track: Array, stands: Mask, places: list[Array], floor: float, fade: int) -> Array:
    """A point's track [T, 3], fixed at its places while it stands, corrected smoothly in between."""
    stances = runs(stands)
    correction = np.zeros_like(track)
    for (first, past), place in zip(stances, places, strict=True):
        correction[first:past] = place - track[first:past]
        correction[first:past, 1] = floor - track[first:past, 1]
    return track + _carried_on(correction, stances, fade)


def _carried_on(values: Array, known: list[tuple[int, int]], fade: int) -> Array:
    """`values` [T, C], known in the runs `known`, carried on through the gaps.

    At a run's edge the curve has the run's own value and slope; before the first and after the last run it fades to
    zero within `fade` frames.
    """
    if not known:
        return np.zeros_like(values)
    filled = values.copy()
    count = len(values)
    zero = np.zeros(values.shape[1])
    edges = [(None, zero, zero), *((past - 1, *_edge(values, first, past, True)) for first, past in known)]
    starts = [*((first, *_edge(values, first, past, False)) for first, past in known), (None, zero, zero)]
    for (before, value0, slope0), (after, value1, slope1) in zip(edges, starts, strict=True):
        low = 0 if before is None else before + 1
        high = count if after is None else after
        if high <= low:
            continue
        frames = np.arange(low, high)
        if before is not None and after is not None:
            filled[low:high] = _bridge(frames, (before, after), (value0, value1), (slope0, slope1), fade)
        elif before is not None:
            filled[low:high] = _bridge(frames, (before, before + fade), (value0, zero), (slope0, zero), fade)
        elif after is not None:
            filled[low:high] = _bridge(frames, (after - fade, after), (zero, value1), (zero, slope1), fade)
    return filled


def _edge(values: Array, first: int, past: int, is_end: bool) -> tuple[Array, Array]:
    """Value and slope per frame at a run's end or start, from its last or first two frames."""
    if past - first < 2:
        return values[first], np.zeros(values.shape[1])
    if is_end:
        return values[past - 1], values[past - 1] - values[past - 2]
    return values[first], values[first + 1] - values[first]


def _bridge(
    frames: Frames, edges: tuple[int, int], values: tuple[Array, Array], slopes: tuple[Array, Array], fade: int
) -> Array:
    """A curve [F, C] with given values and slopes (per frame) at two edges, constant beyond them.

    The value goes over in a cubic ease across the whole gap. The slopes die away within `fade` frames of their edges,
    since a cubic with these slopes would swing the further out the longer the gap is.
    """
    begin, end = edges
    u = np.clip((frames - begin) / float(end - begin), 0.0, 1.0)[:, None]
    curve = values[0] + (values[1] - values[0]) * u * u * (3.0 - 2.0 * u)
    width = float(min(fade, end - begin))
    after = np.clip((frames - begin) / width, 0.0, 1.0)[:, None]
    before = np.clip((end - frames) / width, 0.0, 1.0)[:, None]
    return curve + width * (slopes[0] * after * (1.0 - after) ** 2 - slopes[1] * before * (1.0 - before) ** 2)


def _flattened(turn: Array, points: FootPoints, heel: Array, ball: Array, both: Mask, fade: int) -> Array:
    """The foot's turn, corrected so that heel and ball both reach their places while both stand."""
    stances = runs(both)
    if not stances:
        return turn
    own = rotate(turn, np.broadcast_to(points.ball - points.heel, heel.shape))
    wanted = ball - heel
    least = least_rotation(own / np.linalg.norm(own, axis=1)[:, None], wanted / np.linalg.norm(wanted, axis=1)[:, None])
    vectors = np.where(both[:, None], rotation_vectors(least), 0.0)
    return matrices_from_rotation_vectors(_faded(vectors, stances, fade)) @ turn


def _faded(values: Array, known: list[tuple[int, int]], fade: int) -> Array:
    """Like `_carried_on`, but every gap that is long enough fades to zero and back."""
    result = _carried_on(values, known, fade)
    for (_, before), (after, _) in pairwise(known):
        if after - before < 2 * fade:
            continue
        frames = np.arange(before, after)
        last, next_ = before - 1, after
        zero = np.zeros(values.shape[1])
        slope0 = values[last] - values[last - 1] if last > 0 else zero
        slope1 = values[next_ + 1] - values[next_] if next_ + 1 < len(values) else zero
        down = _bridge(frames, (last, last + fade), (values[last], zero), (slope0, zero), fade)
        up = _bridge(frames, (next_ - fade, next_), (zero, values[next_]), (zero, slope1), fade)
        result[before:after] = down + up
    return result


def _ball_weight(heel_stands: Mask, ball_stands: Mask, handover: int) -> Array:
    """How far the ball, not the heel, leads the foot [T]: 0 where the heel stands alone, 1 where the ball does.

    Where one takes over from the other without standing together, it does so over twice `handover` frames.
    """
    alone = heel_stands ^ ball_stands
    for first, _ in runs(alone & ball_stands) + runs(alone & heel_stands):
        if first > 0 and alone[first - 1]:
            alone[max(first - handover, 0) : first + handover] = False
    known = np.flatnonzero(alone)
    if len(known) == 0:
        return np.full(len(alone), 0.5)
    frames = np.arange(len(alone))
    value = ball_stands[known].astype(float)
    after = np.clip(np.searchsorted(known, frames), 0, len(known) - 1)
    before = np.clip(np.searchsorted(known, frames, side="right") - 1, 0, len(known) - 1)
    width = np.maximum(known[after] - known[before], 1)
    u = np.clip((frames - known[before]) / width, 0.0, 1.0)
    smooth = u * u * (3.0 - 2.0 * u)
    return value[before] + (value[after] - value[before]) * smooth


def _above_floor(ankle: Array, turn: Array, points: FootPoints, floor: float, rate: float) -> Array:
    """The ankle raised, smoothly, by as much as heel or ball would go through the floor."""
    heel = ankle[:, 1] + turn[:, 1] @ points.heel
    ball = ankle[:, 1] + turn[:, 1] @ points.ball
    below = np.maximum(floor - np.minimum(heel, ball), 0.0)
    if below.max() < 1e-6:
        return ankle
    raised = ankle.copy()
    raised[:, 1] += smooth_above(below, max(round(0.06 * rate), 1))
    return raised


def toes_above_floor(motion: FootMotion, toes_turn: Array) -> Array:
    """The toes' turn [T, 3, 3], bent up just as far as their tip would go through the floor."""
    ball = motion.ankle[:, 1] + motion.turn[:, 1] @ motion.points.ball
    tip = toes_turn @ motion.points.tip
    length = float(np.linalg.norm(motion.points.tip))
    lowest = np.clip(motion.floor - ball, -length, length)
    under = tip[:, 1] < lowest - 1e-9
    if length < 1e-9 or not under.any():
        return toes_turn
    level = np.linalg.norm(tip * _LEVEL, axis=1, keepdims=True)
    lifted = tip * _LEVEL / np.maximum(level, 1e-9) * np.sqrt(np.maximum(length**2 - lowest**2, 0.0))[:, None]
    lifted[:, 1] = lowest
    bent = least_rotation(tip / length, lifted / length) @ toes_turn
    return np.where(under[:, None, None], bent, toes_turn)


def smooth_above(values: Array, half: int) -> Array:
    """A smooth curve [T] that is nowhere below `values` [T]: their running maximum, averaged over the same window."""
    width = 2 * half + 1
    padded = np.pad(values, 2 * half, mode="edge")
    highest = np.lib.stride_tricks.sliding_window_view(padded, width).max(axis=1)
    window = np.hanning(width + 2)[1:-1]
    return np.convolve(highest, window / window.sum(), mode="valid")
