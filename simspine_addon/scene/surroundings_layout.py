"""Where walls, openings and furniture go: around a motion and its cameras, in nobody's way.

All in the floor's plane, (x, z) in m of OpenSim's ground. A piece of furniture may hide a person's legs from a camera,
as real furniture does, never more; nothing stands where the person goes or in a camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..model.errors import InputError
from .surroundings_furniture import Furniture, build_furniture
from .surroundings_shapes import turn_about_y
from .variety_draws import FurnitureDraw, Opening, RoomDraw

Array = NDArray[np.float64]

PERSON_GAP_M = 0.30
CAMERA_GAP_M = 0.45
PIECE_GAP_M = 0.08
HIDDEN_M = 0.75  # at most so much of a person, from the floor, may a piece hide from a camera
DOOR_FREE_M = 0.95  # before a door
_CEILING_GAP_M = 0.35
_LEAST_SIDE_M = 4.2
_WALL_HEADINGS = (0.0, -np.pi / 2, np.pi, np.pi / 2)  # of what stands with its back to wall 0 to 3


@dataclass(frozen=True, slots=True)
class Stage:
    """The person's and the cameras' claims: `hull` [H, 2] goes around every pose, `cameras` are places [C, 3] m."""

    hull: Array
    floor: float
    top: float
    cameras: Array

    @property
    def centre(self) -> Array:
        """Middle of the hull, (x, z)."""
        return (self.hull.min(axis=0) + self.hull.max(axis=0)) / 2

    @property
    def reach(self) -> float:
        """How far the farthest camera, or the hull where it reaches farther, lies from the middle, m."""
        points = np.concatenate([self.hull, self.cameras[:, [0, 2]]])
        return float(np.linalg.norm(points - self.centre, axis=1).max())


@dataclass(frozen=True, slots=True)
class RoomLayout:
    """A box: `low` and `high` corners (x, z) in a frame that is ground turned by `angle` rad about Y."""

    angle: float
    low: tuple[float, float]
    high: tuple[float, float]
    floor: float
    height: float
    openings: tuple[Opening, ...]  # those that fit, `along` in m from the wall's left end (seen from inside: right)

    @property
    def turn(self) -> Array:
        """The room's frame in ground, [3, 3]."""
        return turn_about_y(self.angle)

    def wall_length(self, wall: int) -> float:
        """Of wall 0 to 3, m."""
        return self.high[wall % 2] - self.low[wall % 2]

    def wall_frame(self, wall: int) -> tuple[Array, float]:
        """Where wall 0 to 3 begins, [3] in the room's frame, and its heading: X runs along it, Z into the room."""
        (low_x, low_z), (high_x, high_z) = self.low, self.high
        corners = ((low_x, low_z), (high_x, low_z), (high_x, high_z), (low_x, high_z))
        return np.array([corners[wall][0], 0.0, corners[wall][1]]), float(_WALL_HEADINGS[wall])


@dataclass(frozen=True, slots=True)
class PlacedFurniture:
    """A built piece, where it stands and which way it faces (rad about Y, from +Z towards +X)."""

    furniture: Furniture
    x: float
    z: float
    heading: float

    def outline(self, gap: float = 0.0) -> Array:
        """Corners [4, 2] of its floor space, `gap` m wider on every side."""
        half = np.array([self.furniture.size[0] / 2 + gap, self.furniture.size[2] / 2 + gap])
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
        turned = np.insert(corners, 1, 0.0, axis=1) @ turn_about_y(self.heading).T
        return turned[:, [0, 2]] + (self.x, self.z)


def stage_of(footprint: ArrayLike, camera_places: ArrayLike) -> Stage:
    """What motion [T, N, 3] and cameras [C, 3] (m, ground) claim.

    Raises:
        InputError: no finite point.
    """
    points = np.asarray(footprint, float).reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        raise InputError("the motion has no point that is seen", hint="no room can be built around nothing")
    cameras = np.asarray(camera_places, float).reshape(-1, 3)
    return Stage(hull_of(points[:, [0, 2]]), float(points[:, 1].min()), float(points[:, 1].max()), cameras)


def hull_of(points: Array, directions: int = 64) -> Array:
    """Those of points [N, 2] that lie farthest out in some direction, around their hull, [H, 2]."""
    angles = np.linspace(0.0, 2.0 * np.pi, directions, endpoint=False)
    extreme = np.argmax(points @ np.stack([np.cos(angles), np.sin(angles)]), axis=0)
    keep = extreme != np.roll(extreme, 1)
    return points[extreme[keep]] if keep.any() else points[extreme[:1]]


def layout_room(draw: RoomDraw, stage: Stage) -> RoomLayout:
    """The narrowest box around motion and cameras, turned and widened as drawn, high enough for both."""
    points = np.concatenate([stage.hull, stage.cameras[:, [0, 2]]])
    angle = _narrowest_angle(points) + float(np.radians(draw.turn_deg))
    inside = _into_frame(points, angle)
    low = inside.min(axis=0) - np.array(draw.margins_m[:2])
    high = inside.max(axis=0) + np.array(draw.margins_m[2:])
    lacking = np.maximum(_LEAST_SIDE_M - (high - low), 0.0) / 2
    low, high = low - lacking, high + lacking
    tops = [stage.top, *stage.cameras[:, 1].tolist()]
    height = max(draw.height_m, max(tops) - stage.floor + _CEILING_GAP_M)
    room = RoomLayout(angle, tuple(low.tolist()), tuple(high.tolist()), stage.floor, height, ())
    return RoomLayout(angle, room.low, room.high, room.floor, height, _fitting_openings(draw.openings, room))


def layout_furniture(
    draws: Sequence[FurnitureDraw],
    stage: Stage,
    room: RoomLayout | None,
    taken: Sequence[PlacedFurniture] = (),
) -> tuple[tuple[PlacedFurniture, ...], tuple[str, ...]]:
    """Each piece at the first of its wishes that is free; those that find none are left out, and named.

    `taken` are seats, which stand where they have to.
    """
    placed: list[PlacedFurniture] = []
    left_out: list[str] = []
    for draw in draws:
        built = build_furniture(draw)
        tries = (_wished(built, wish, stage, room) for wish in draw.wishes)
        found = next((each for each in tries if _is_free(each, [*taken, *placed], stage, room)), None)
        if found is None:
            left_out.append(draw.kind)
        else:
            placed.append(found)
    notes = (f"no free place for {', '.join(left_out)}: left out of the surroundings",) if left_out else ()
    return tuple(placed), notes


def overlap(one: Array, other: Array) -> bool:
    """Whether two convex outlines [N, 2], [M, 2] share a point (separating axes)."""
    axes = np.concatenate([_normals(one), _normals(other)])
    first, second = one @ axes.T, other @ axes.T
    return bool(((first.max(axis=0) >= second.min(axis=0)) & (second.max(axis=0) >= first.min(axis=0))).all())


def hidden_height(item: PlacedFurniture, stage: Stage, camera: Array) -> float:
    """How much of a person (m from the floor) the piece can hide from a camera [3], 0 where it is not between them."""
    place = camera[[0, 2]]
    if not overlap(item.outline(0.02), hull_of(np.concatenate([stage.hull, place[None]]))):
        return 0.0
    top, eye = item.furniture.size[1], float(camera[1]) - stage.floor
    if top >= eye - 0.05:
        return np.inf
    farthest = float(np.linalg.norm(stage.hull - place, axis=1).max())
    edge = float(np.linalg.norm(item.outline() - place, axis=1).max())  # the last that a line of sight has to clear
    return max(0.0, eye - (eye - top) * max(farthest / edge, 1.0))


def _narrowest_angle(points: Array) -> float:
    """By how much a frame is turned about Y in which the points' box is smallest, rad; the long side along X."""
    best = (np.inf, 0.0)
    for degrees in range(-45, 135, 3):
        size = np.ptp(_into_frame(points, np.radians(degrees)), axis=0)
        if size[0] >= size[1] - 1e-9:
            best = min(best, (round(float(size.prod()), 6), float(np.radians(degrees))), key=lambda each: each[0])
    return best[1]


def _into_frame(points: Array, angle: float) -> Array:
    """Points [N, 2] of the floor in the frame that is turned by `angle`."""
    return (np.insert(points, 1, 0.0, axis=1) @ turn_about_y(angle))[:, [0, 2]]


def _fitting_openings(openings: Sequence[Opening], room: RoomLayout) -> tuple[Opening, ...]:
    """Doors and windows that fit into their walls beside each other; the door comes first."""
    kept: list[Opening] = []
    for each in openings:
        length, half = room.wall_length(each.wall), each.width / 2
        along = half + 0.15 + each.along * max(length - 2 * half - 0.3, 0.0)
        fits = length > each.width + 0.5 and each.sill + each.height < room.height - 0.12
        apart = all(
            other.wall != each.wall or abs(other.along - along) > half + other.width / 2 + 0.25 for other in kept
        )
        if fits and apart:
            kept.append(Opening(each.wall, along, each.width, each.height, each.sill))
    return tuple(kept)


def _wished(
    built: Furniture, wish: tuple[bool, int, float, float, float], stage: Stage, room: RoomLayout | None
) -> PlacedFurniture:
    against, wall, along, across, turn = wish
    width, _, depth = built.size
    if room is None:
        direction = 2.0 * np.pi * along
        aside = np.array([np.sin(direction), np.cos(direction)])
        nearest = float((stage.hull - stage.centre).max(initial=0.3)) + PERSON_GAP_M + depth / 2
        place = stage.centre + (nearest + across * (stage.reach + 2.0 - nearest)) * aside
        return PlacedFurniture(built, float(place[0]), float(place[1]), direction + np.pi + float(np.radians(turn)) / 6)
    if against:
        start, heading = room.wall_frame(wall)
        local = np.array(
            [width / 2 + 0.03 + along * max(room.wall_length(wall) - width - 0.06, 0.0), 0.0, depth / 2 + 0.025]
        )
        place = room.turn @ (start + turn_about_y(heading) @ local)
        return PlacedFurniture(built, float(place[0]), float(place[2]), room.angle + heading)
    low, high = np.array(room.low), np.array(room.high)
    inside = low + 0.5 + np.array([along, across]) * (high - low - 1.0)
    place = room.turn @ np.array([inside[0], 0.0, inside[1]])
    quarter = np.pi / 2 * np.round(turn / 90.0) + float(np.radians(turn)) / 12  # people put things about square
    return PlacedFurniture(built, float(place[0]), float(place[2]), room.angle + float(quarter))


def _is_free(item: PlacedFurniture, placed: Sequence[PlacedFurniture], stage: Stage, room: RoomLayout | None) -> bool:
    if overlap(item.outline(PERSON_GAP_M), stage.hull):
        return False
    wide = item.outline(PIECE_GAP_M)
    if any(overlap(wide, other.outline()) for other in placed):
        return False
    if room is not None and not _fits_room(item, room):
        return False
    for camera in stage.cameras:
        distance = _distance(item, camera[[0, 2]])
        eye = float(camera[1]) - stage.floor
        if distance < CAMERA_GAP_M or (distance < 1.5 and item.furniture.size[1] > eye - 0.45):
            return False
        if hidden_height(item, stage, camera) > HIDDEN_M:
            return False
    return True


def _fits_room(item: PlacedFurniture, room: RoomLayout) -> bool:
    corners = _into_frame(item.outline(0.01), room.angle)
    if (corners < np.array(room.low)).any() or (corners > np.array(room.high)).any():
        return False
    if item.furniture.size[1] > room.height - 0.1:
        return False
    for opening in room.openings:
        blocks = opening.sill == 0.0 or item.furniture.size[1] > opening.sill + 0.15
        if blocks and overlap(corners, _before(opening, room)):
            return False
    return True


def _before(opening: Opening, room: RoomLayout) -> Array:
    """The floor that has to stay free before a door, or before a window for what is higher than its sill, [4, 2]."""
    start, heading = room.wall_frame(opening.wall)
    half, deep = opening.width / 2 + 0.05, DOOR_FREE_M if opening.sill == 0.0 else 0.4
    left, right = opening.along - half, opening.along + half
    local = np.array([[left, 0, 0], [right, 0, 0], [right, 0, deep], [left, 0, deep]])
    return (start + local @ turn_about_y(heading).T)[:, [0, 2]]


def _normals(outline: Array) -> Array:
    sides = np.roll(outline, -1, axis=0) - outline
    axes = np.stack([-sides[:, 1], sides[:, 0]], axis=1)
    return np.concatenate([axes, sides]) if len(outline) < 3 else axes


def _distance(item: PlacedFurniture, place: Array) -> float:
    """How far a place (x, z) lies outside the piece's floor space, m."""
    local = np.array([place[0] - item.x, 0.0, place[1] - item.z]) @ turn_about_y(item.heading)
    half = np.array([item.furniture.size[0], item.furniture.size[2]]) / 2
    return float(np.linalg.norm(np.maximum(np.abs(local[[0, 2]]) - half, 0.0)))
