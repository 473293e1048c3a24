"""The room that there is for a seat: under the lowest of who sits on it, and in nobody's way at any other moment.

Everyone's surface at every pose is entered in a map of the floor around the place, in the seat's own frame: X to the
sitter's left, Z to where the thighs point, from the middle of the hips. What may be solid is read off that map.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from .surroundings_shapes import turn_about_y
from .surroundings_sitting import Sitting, by_place, sittings

Array = NDArray[np.float64]
Rect = tuple[float, float, float]  # half its width, its back and front edge along Z, m

GAP_M = 0.025  # kept from whatever of a body is lower than the seat
CLEAR_M = 0.002  # between the seat's top and the lowest skin over it
SLACK_M = 0.0025  # the body may be so much lower at some other moment than while it sits
BOARD_M = 0.05  # thickness of a seat
_BOARD_ROOM_M = 0.03  # free under it
LEAST_TOP_M = 0.12
_CELL_M = 0.01
_HALF_M = 0.8  # of the map
_NEAR_M = 1.5  # joints farther from the place than this are no matter
_THIGH_M = 0.42  # of whom the measures below are
_CORE: Rect = (0.11, -0.07, 0.07)  # the least seat
_WANTED: Rect = (0.62, -0.19, 0.27)  # the widest
_BUTTOCK: Rect = (0.15, -0.16, 0.10)  # under which the lowest skin is looked for
_UNDER_HIP_M = 0.2  # skin farther below the hips is that of hands or feet
_BACK_HEIGHTS_M = (-0.03, 0.45)  # over the seat, where a backrest may be
_BACK_GAP_M = 0.03
BACKREST_M = 0.07  # from its front to the back of what carries it
_FARTHEST_BACK_M = 0.33
_EDGE_M = 0.03  # longer edges get points between their ends
_STILL_M, _STILL_RAD = 0.0005, 0.002  # poses nearer to one another are as one


@dataclass(frozen=True, slots=True)
class MovingBody:
    """Someone in motion: `surface` gives the vertices [N, 3] (m, ground) of a frame, which `triangles` [F, 3] count."""

    track: PoseTrack
    keypoints: Array  # [T, 37, 3] m in ground
    surface: Callable[[int], Array]
    triangles: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SeatSpace:
    """Where a seat may be: all lengths in m, along the axes of its own frame from the hips' middle at (x, z)."""

    x: float
    z: float
    heading: float
    top: float  # over the floor
    half_width: float
    back: float
    front: float
    legs_front: float  # farther to the front than this, only the board is free
    backrest: float | None  # where the front of a backrest may be at most; None where there is room for none
    scale: float  # of the sitter: 1 for a thigh of 0.42 m


def seat_spaces(people: Sequence[MovingBody], floor: float) -> tuple[tuple[SeatSpace, ...], tuple[str, ...]]:
    """The room for a seat wherever someone sits, and a note for each place where there is none.

    Args:
        people: everyone in the recording, over the whole of their motions.
        floor: its height, m.
    """
    found = [each for i, body in enumerate(people) for each in sittings(body.track.time, body.keypoints, floor, i)]
    if not found:
        return (), ()
    points = [_surface_points(body) for body in people]
    spaces: list[SeatSpace] = []
    notes = []
    for group in by_place(found):
        space = _space(group, people, points, floor, spaces)
        if space is not None:
            spaces.append(space)
        else:
            at = people[group[0].person].track.time[group[0].frames[0]]
            notes.append(f"no seat fits under person {group[0].person + 1}, who sits at {at:.2f} s")
    return tuple(spaces), tuple(notes)


def _space(
    group: Sequence[Sitting],
    people: Sequence[MovingBody],
    points: Sequence[Callable[[int], Array]],
    floor: float,
    others: Sequence[SeatSpace],
) -> SeatSpace | None:
    x, _, z = np.mean([each.hip for each in group], axis=0).tolist()
    ahead = np.mean([(np.sin(each.heading), np.cos(each.heading)) for each in group], axis=0)
    heading = float(np.arctan2(*ahead))
    scale = float(np.mean([each.thigh_m for each in group])) / _THIGH_M
    frame = _Frame(x, z, heading, floor)
    spread = np.ptp([frame.local(each.hip[None])[0] for each in group], axis=0)[[0, 2]] / 2
    level = min(_lowest(each, people[each.person], points[each.person], frame, scale) for each in group)
    if not LEAST_TOP_M < level < np.inf:
        return None
    space = _Map(level)
    for body, surface in zip(people, points, strict=True):
        for index in _telling_frames(body.track, (x, z)):
            space.enter(frame.local(surface(index)))
    for other in others:
        space.block(frame.local(_cells_of(other, floor)))
    core, wanted = (_grown(rect, scale, spread.tolist()) for rect in (_CORE, _WANTED))
    board = _largest(space.board_is_free, core, wanted)
    legs = None if board is None else _largest(space.is_free, core, board, widen=False)
    if board is None or legs is None:
        return None
    half, back, front = board
    backrest = space.backrest((min(half, 0.24 * scale), back, legs[2]))
    top = space.lowest_over((half, back if backrest is None else min(back, backrest), front)) - CLEAR_M
    return SeatSpace(x, z, heading, top, half, back, front, legs[2], backrest, scale)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The seat's frame in ground."""

    x: float
    z: float
    heading: float
    floor: float

    def local(self, points: Array) -> Array:
        return (points - (self.x, self.floor, self.z)) @ turn_about_y(self.heading)


class _Map:
    """What of bodies was where around a place, `level` m over the floor being the lowest skin of who sits there."""

    def __init__(self, level: float) -> None:
        count = 2 * round(_HALF_M / _CELL_M)
        self._level, self._count = level, count
        self._below = np.zeros((count, count), bool)  # something was lower than a seat
        self._board = np.zeros((count, count), bool)  # and where its board is
        self._over = np.full((count, count), np.inf)  # the lowest that was over the seat
        self._rear = np.full(count, np.inf)  # the farthest to the back at the heights of a backrest

    def enter(self, points: Array) -> None:
        """Points [N, 3] in the seat's frame."""
        least, most = _BACK_HEIGHTS_M
        x, y, z = points.T
        inside = (np.maximum(np.abs(x), np.abs(z)) < _HALF_M) & (y < self._level + most)
        x, height, z = x[inside], y[inside] - self._level, z[inside]
        across = ((x + _HALF_M) / _CELL_M).astype(int)
        cells = across * self._count + ((z + _HALF_M) / _CELL_M).astype(int)
        low = height < -SLACK_M
        self._below.ravel()[cells[low]] = True
        self._board.ravel()[cells[low & (height > -BOARD_M - _BOARD_ROOM_M)]] = True
        np.minimum.at(self._over.ravel(), cells[~low], height[~low])
        behind = height > least
        np.minimum.at(self._rear, across[behind], z[behind])

    def block(self, points: Array) -> None:
        """Leave these places free for another seat."""
        cells = np.floor((points[:, [0, 2]] + _HALF_M) / _CELL_M).astype(int)
        across, along = cells[((cells >= 0) & (cells < self._count)).all(axis=1)].T
        self._below[across, along] = self._board[across, along] = True
        np.minimum.at(self._rear, across, along * _CELL_M - _HALF_M)

    def is_free(self, rect: Rect) -> bool:
        """Whether nothing was ever below the seat's level in a rectangle, nor near it."""
        return not self._below[_cells(rect)].any()

    def board_is_free(self, rect: Rect) -> bool:
        """The same for a board at the seat's level; below it feet may be."""
        return not self._board[_cells(rect)].any()

    def lowest_over(self, rect: Rect) -> float:
        """The lowest skin over a rectangle at any moment, m over the floor."""
        return self._level + float(self._over[_cells(rect)].min())

    def backrest(self, seat: Rect) -> float | None:
        """Where the front of a backrest may be, the seat reaching there; None where it would be too far off."""
        half, _, front = seat
        across, _ = _cells(seat)
        rear = float(self._rear[across].min()) - _BACK_GAP_M
        fits = -_FARTHEST_BACK_M < rear < 0.0 and self.is_free((half, rear - BACKREST_M, front))
        return rear if fits else None


def _cells(rect: Rect) -> tuple[slice, slice]:
    """Those of a rectangle and of the gap around it."""
    half, back, front = rect
    low, high = np.array([-half, back]) - GAP_M, np.array([half, front]) + GAP_M
    first, last = np.floor((low + _HALF_M) / _CELL_M).astype(int), np.ceil((high + _HALF_M) / _CELL_M).astype(int)
    return slice(int(first[0]), int(last[0])), slice(int(first[1]), int(last[1]))


def _grown(rect: Rect, scale: float, spread: Sequence[float]) -> Rect:
    """A rectangle for a person of another size, who sits now here, now there within the spread; none beyond the map."""
    most = _HALF_M - 2 * GAP_M
    half, back, front = (scale * each for each in rect)
    return min(half + spread[0], most), max(back - spread[1], -most), min(front + spread[1], most)


def _largest(is_free: Callable[[Rect], bool], core: Rect, wanted: Rect, widen: bool = True) -> Rect | None:
    """From the core, the rectangle that is free and reaches as far as wanted: to the front, the sides, the back."""
    half, back, front = core
    if not widen:
        half, back = wanted[0], wanted[1]
    if not is_free((half, back, min(front, wanted[2]))):
        return None
    while front < wanted[2] and is_free((half, back, min(front + _CELL_M, wanted[2]))):
        front = min(front + _CELL_M, wanted[2])
    front = min(front, wanted[2])
    while half < wanted[0] and is_free((min(half + _CELL_M, wanted[0]), back, front)):
        half = min(half + _CELL_M, wanted[0])
    while back > wanted[1] and is_free((half, max(back - _CELL_M, wanted[1]), front)):
        back = max(back - _CELL_M, wanted[1])
    return half, back, front


def _lowest(sitting: Sitting, body: MovingBody, surface: Callable[[int], Array], frame: _Frame, scale: float) -> float:
    """The lowest of buttocks and thighs while someone sits, m over the floor."""
    half, back, front = (scale * each for each in _BUTTOCK)
    own = _Frame(float(sitting.hip[0]), float(sitting.hip[2]), frame.heading, frame.floor)
    hip, lowest = sitting.hip[1] - frame.floor, np.inf
    for index in _telling(body.track, sitting.frames):
        points = own.local(surface(index))
        under = (np.abs(points[:, 0]) < half) & (points[:, 2] > back) & (points[:, 2] < front)
        under &= points[:, 1] > hip - _UNDER_HIP_M * scale
        lowest = min(lowest, float(points[under, 1].min(initial=np.inf)))
    return lowest


def _telling_frames(track: PoseTrack, place: tuple[float, float]) -> list[int]:
    """Frames in which someone is near a place, without those in which they are as in the one before."""
    away = np.linalg.norm(track.positions[..., [0, 2]] - place, axis=2).min(axis=1)
    return _telling(track, np.flatnonzero(away < _NEAR_M))


def _telling(track: PoseTrack, frames: NDArray[np.int64]) -> list[int]:
    kept: list[int] = []
    for index in frames.tolist():
        if kept:
            moved = np.abs(track.positions[index] - track.positions[kept[-1]]).max()
            turned = np.abs(track.rotations[index] - track.rotations[kept[-1]]).max()
            if moved < _STILL_M and turned < _STILL_RAD:
                continue
        kept.append(index)
    return kept


def _surface_points(body: MovingBody) -> Callable[[int], Array]:
    """A body's surface as points no farther apart than a seat's gap: its vertices, and more on its larger triangles."""
    vertices = body.surface(0)
    corners = vertices[body.triangles]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    steps = np.clip(np.ceil(longest / _EDGE_M), 1, 12).astype(int)
    chosen, shares = [], []
    for count in np.unique(steps[steps > 1]).tolist():
        i, j = np.array([(i, j) for i in range(count + 1) for j in range(count + 1 - i)]).T
        lattice = np.stack([i, j, count - i - j], axis=1) / count
        large = body.triangles[steps == count]
        chosen.append(np.repeat(large, len(lattice), axis=0))
        shares.append(np.tile(lattice, (len(large), 1)))
    if not chosen:
        return body.surface
    indices, weights = np.concatenate(chosen), np.concatenate(shares)

    def points(frame: int) -> Array:
        vertices = body.surface(frame)
        return np.concatenate([vertices, np.einsum("nc,nci->ni", weights, vertices[indices])])

    return points


def _cells_of(space: SeatSpace, floor: float) -> Array:
    """Points all over another seat's place, [N, 3] m in ground."""
    rear = space.back if space.backrest is None else min(space.back, space.backrest - BACKREST_M)
    across, along = np.meshgrid(
        np.arange(-space.half_width, space.half_width, _CELL_M / 2), np.arange(rear, space.front, _CELL_M / 2)
    )
    flat = np.stack([across.ravel(), np.zeros(across.size), along.ravel()], axis=1)
    return flat @ turn_about_y(space.heading).T + (space.x, floor, space.z)
