"""The shell of a room as solids in the room's own frame: walls with windows and a door, floor, ceiling, lamps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .surroundings_layout import PlacedFurniture, RoomLayout
from .surroundings_shapes import Finish, Piece, box, placed, rod, turn_about_y
from .variety_draws import LightsDraw, Opening, RoomDraw

Array = NDArray[np.float64]

_RECESS_M = 0.16  # of a window's pane behind the wall
_SKIRTING_M = 0.075
PANEL_M = 0.6  # side of a ceiling lamp


@dataclass(frozen=True, slots=True)
class LampPlace:
    """Where light enters: middle [3], direction [3], width and height, in ground."""

    centre: Array
    direction: Array
    size: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Shell:
    """The room's pieces in its frame, and where its light comes from."""

    pieces: tuple[Piece, ...]
    panels: tuple[LampPlace, ...]
    windows: tuple[LampPlace, ...]


def build_shell(
    draw: RoomDraw, lights: LightsDraw, room: RoomLayout, furniture: Sequence[PlacedFurniture] = ()
) -> Shell:
    """Walls, floor, ceiling, windows, door, pictures and ceiling lamps; Y = 0 is the floor."""
    pieces = [_floor(draw, room), _ceiling(room)]
    windows = []
    for wall in range(4):
        start, heading = room.wall_frame(wall)
        openings = sorted((each for each in room.openings if each.wall == wall), key=lambda each: each.along)
        local = [*_wall(draw, room, wall, openings), *_skirting(draw, room, wall, openings)]
        for opening in openings:
            local += _door(draw, opening) if opening.sill == 0.0 else _window(draw, opening)
        pieces += [placed(piece, float(start[0]), float(start[2]), heading) for piece in local]
        windows += [_window_light(each, room) for each in openings if each.sill > 0.0]
    pieces += _pictures(draw, room, furniture)
    panels = panel_places(lights, room)
    pieces += [_panel(place, room) for place in panels]
    return Shell(tuple(pieces), tuple(panels), tuple(windows))


def panel_places(lights: LightsDraw, room: RoomLayout) -> list[LampPlace]:
    """The ceiling lamps: in a grid that fits the room's shape, each a little off its place."""
    low, high = np.array(room.low), np.array(room.high)
    size = high - low
    columns = int(np.clip(np.ceil(np.sqrt(lights.count * size[0] / size[1])), 1, lights.count))
    rows = -(-lights.count // columns)
    places = []
    for index, offset in enumerate(lights.offsets):
        row, column = divmod(index, columns)
        in_row = min(columns, lights.count - row * columns)
        share = np.array([(column + 0.5 + 0.5 * offset[0]) / in_row, (row + 0.5 + 0.5 * offset[1]) / rows])
        inside = low + 0.45 + share * (size - 0.9)
        centre = room.turn @ np.array([inside[0], 0.0, inside[1]]) + (0.0, room.floor + room.height - 0.06, 0.0)
        places.append(LampPlace(centre, np.array([0.0, -1.0, 0.0]), (PANEL_M, PANEL_M)))
    return places


def _floor(draw: RoomDraw, room: RoomLayout) -> Piece:
    (low_x, low_z), (high_x, high_z) = room.low, room.high
    corners = np.array([[low_x, 0, high_z], [high_x, 0, high_z], [high_x, 0, low_z], [low_x, 0, low_z]], float)
    return Piece(corners, ((0, 1, 2, 3),), Finish(draw.floor, draw.floor_color))


def _ceiling(room: RoomLayout) -> Piece:
    (low_x, low_z), (high_x, high_z) = room.low, room.high
    top = room.height
    corners = np.array([[low_x, top, low_z], [high_x, top, low_z], [high_x, top, high_z], [low_x, top, high_z]])
    return Piece(corners, ((0, 1, 2, 3),), Finish("paint", "#F2F1EE"))


def _wall(draw: RoomDraw, room: RoomLayout, wall: int, openings: Sequence[Opening]) -> list[Piece]:
    """Panels beside, below and above the openings, and the sides of each recess."""
    accented = wall == draw.accent_wall
    finish = Finish(draw.accent_finish, draw.accent) if accented else Finish("paint", draw.walls)
    length, height = room.wall_length(wall), room.height
    pieces, at = [], 0.0
    for each in openings:
        left, right, top = each.along - each.width / 2, each.along + each.width / 2, each.sill + each.height
        pieces += [_panel_of(at, left, 0.0, height, finish), _panel_of(left, right, top, height, finish)]
        if each.sill > 0.0:
            pieces.append(_panel_of(left, right, 0.0, each.sill, finish))
        pieces.append(_recess(left, right, each.sill, top, Finish("paint", draw.walls)))
        at = right
    return [*pieces, _panel_of(at, length, 0.0, height, finish)]


def _panel_of(left: float, right: float, low: float, high: float, finish: Finish) -> Piece:
    corners = np.array([[left, low, 0], [right, low, 0], [right, high, 0], [left, high, 0]], float)
    return Piece(corners, ((0, 1, 2, 3),), finish)


def _recess(left: float, right: float, low: float, high: float, finish: Finish) -> Piece:
    front = np.array([[left, low, 0], [right, low, 0], [right, high, 0], [left, high, 0]], float)
    vertices = np.concatenate([front, front - (0.0, 0.0, _RECESS_M)])
    return Piece(vertices, tuple((k, (k + 1) % 4, 4 + (k + 1) % 4, 4 + k) for k in range(4)), finish)


def _skirting(draw: RoomDraw, room: RoomLayout, wall: int, openings: Sequence[Opening]) -> list[Piece]:
    wood, pieces, at = Finish("lacquer", draw.woodwork), [], 0.0
    doors = [
        (each.along - each.width / 2 - 0.07, each.along + each.width / 2 + 0.07) for each in openings if each.sill == 0
    ]
    length = room.wall_length(wall)
    for left, right in [*doors, (length, length)]:
        if left - at > 0.02:
            pieces.append(box((at, 0.0, 0.0), (left, _SKIRTING_M, 0.013), wood, 0.004))
        at = right
    return pieces


def _door(draw: RoomDraw, each: Opening) -> list[Piece]:
    wood, steel = Finish("lacquer", draw.woodwork), Finish("metal", "#B5B5B2")
    left, right, top = each.along - each.width / 2, each.along + each.width / 2, each.height
    pieces = [
        box((left, 0.005, -0.07), (right, top, -0.03), wood, 0.003),
        box((left - 0.07, 0.0, -0.02), (left + 0.012, top + 0.07, 0.018), wood, 0.004),
        box((right - 0.012, 0.0, -0.02), (right + 0.07, top + 0.07, 0.018), wood, 0.004),
        box((left - 0.07, top - 0.012, -0.02), (right + 0.07, top + 0.07, 0.018), wood, 0.004),
        rod((right - 0.08, 1.03, -0.03), (right - 0.08, 1.03, 0.02), 0.010, steel, 8),
        rod((right - 0.08, 1.03, 0.02), (right - 0.20, 1.03, 0.02), 0.009, steel, 8),
    ]
    for low, high in ((0.14, 0.88), (1.14, top - 0.14)):
        pieces.append(box((left + 0.14, low, -0.032), (right - 0.14, high, -0.022), wood, 0.008))
    return pieces


def _window(draw: RoomDraw, each: Opening) -> list[Piece]:
    frame = Finish("lacquer", draw.woodwork if draw.woodwork[1] in "EFD" else "#EFEDE8")
    left, right = each.along - each.width / 2, each.along + each.width / 2
    low, top, back = each.sill, each.sill + each.height, -_RECESS_M
    pane = np.array([[left, low, back], [right, low, back], [right, top, back], [left, top, back]], float)
    bars = [(left, left + 0.055), (right - 0.055, right), (each.along - 0.03, each.along + 0.03)]
    pieces = [Piece(pane, ((0, 1, 2, 3),), Finish("daylight", "#FFFFFF"))]
    pieces += [box((a, low, back), (b, top, back + 0.06), frame, 0.004) for a, b in bars]
    pieces += [
        box((left, a, back), (right, b, back + 0.06), frame, 0.004) for a, b in ((low, low + 0.055), (top - 0.055, top))
    ]
    return [*pieces, box((left - 0.05, low - 0.035, back + 0.02), (right + 0.05, low, 0.07), frame, 0.006)]


def _window_light(each: Opening, room: RoomLayout) -> LampPlace:
    start, heading = room.wall_frame(each.wall)
    middle = start + turn_about_y(heading) @ (each.along, each.sill + each.height / 2, -0.02)
    into = room.turn @ turn_about_y(heading) @ (0.0, 0.0, 1.0)
    return LampPlace(room.turn @ middle + (0.0, room.floor, 0.0), into, (0.9 * each.width, 0.9 * each.height))


def _pictures(draw: RoomDraw, room: RoomLayout, furniture: Sequence[PlacedFurniture]) -> list[Piece]:
    """Pictures on the walls, where neither an opening nor tall furniture is."""
    pieces, taken = [], [(each.wall, each.along, each.width / 2 + 0.1) for each in room.openings]
    for item in furniture:
        if item.furniture.size[1] > 1.2:
            taken += [_on_wall(item, wall, room) for wall in range(4)]
    for wall, share, color in draw.pictures:
        along, width = share * room.wall_length(wall), 0.45 + 0.45 * ((7.3 * share) % 1.0)
        half, tall = width / 2, width * (0.75 if color < "#8" else 1.3)
        inside = half + 0.1 < along < room.wall_length(wall) - half - 0.1
        if not inside or any(w == wall and abs(a - along) < r + half + 0.05 for w, a, r in taken):
            continue
        taken.append((wall, along, half))
        start, heading = room.wall_frame(wall)
        low, high = 1.58 - tall / 2, 1.58 + tall / 2
        local = (
            box((along - half, low, 0.0), (along + half, high, 0.022), Finish("lacquer", "#2E2A27"), 0.004),
            box(
                (along - half + 0.025, low + 0.025, 0.01),
                (along + half - 0.025, high - 0.025, 0.0235),
                Finish("paper", "#EFECE4"),
                0.0,
            ),
            box(
                (along - half + 0.09, low + 0.09, 0.01),
                (along + half - 0.09, high - 0.09, 0.0245),
                Finish("art", color),
                0.0,
            ),
        )
        pieces += [placed(piece, float(start[0]), float(start[2]), heading) for piece in local]
    return pieces


def _on_wall(item: PlacedFurniture, wall: int, room: RoomLayout) -> tuple[int, float, float]:
    """The stretch of a wall that a piece stands before: wall, middle, half length; nothing for one that is far."""
    start, heading = room.wall_frame(wall)
    corners = np.insert(item.outline(), 1, 0.0, axis=1) @ room.turn - start
    local = corners @ turn_about_y(heading)
    if local[:, 2].min() > 0.5:
        return wall, 0.0, 0.0
    return wall, float(local[:, 0].mean()), float(np.ptp(local[:, 0])) / 2


def _panel(place: LampPlace, room: RoomLayout) -> Piece:
    x, _, z = place.centre @ room.turn
    half, top = PANEL_M / 2, room.height
    return box((x - half, top - 0.05, z - half), (x + half, top + 0.01, z + half), Finish("lamp", "#FFFFFF"), 0.01)
