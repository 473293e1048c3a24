"""Seats for those who sit: chair, stool, bench, pouf, box or block, built into the room that there is for one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .surroundings_furniture import furniture_of
from .surroundings_furniture_parts import DARK, METAL
from .surroundings_layout import HIDDEN_M, PlacedFurniture, Stage, hidden_height
from .surroundings_seat_space import BOARD_M, SeatSpace
from .surroundings_shapes import Finish, Piece, box, rod, turn_about_y
from .variety_seats import SeatDraw

_LEAST_LEGS_M = 0.25  # a seat lower than this has none
_BACKREST_M = (0.20, 0.33)  # least and most height over the seat
_SPARE_M = 0.01


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a builder works into, in the space's own axes, m: X from -half to half, Z from back to front."""

    half: float
    back: float
    front: float
    legs_front: float
    top: float
    backrest: float  # top of one over the floor; 0 for none
    draw: SeatDraw


def place_seat(space: SeatSpace, draw: SeatDraw, stage: Stage) -> PlacedFurniture:
    """The first of the kinds drawn that fits the space and hides no more from a camera than furniture may.

    What is drawn ends with a plain box, which always fits.
    """
    built = (_built(kind, space, draw, stage) for kind in draw.kinds)
    return next(seat for seat in built if seat is not None)


def seat_as_json(item: PlacedFurniture) -> dict[str, object]:
    """For a manifest: kind, width, height and depth (m), place (m, ground) and heading (rad about Y from +Z to +X)."""
    colors = list(dict.fromkeys(piece.finish.color for piece in item.furniture.pieces))
    known = {"kind": item.furniture.kind, "size": [round(each, 4) for each in item.furniture.size], "colors": colors}
    return {**known, "x": round(item.x, 4), "z": round(item.z, 4), "heading": round(item.heading, 4)}


def _built(kind: str, space: SeatSpace, draw: SeatDraw, stage: Stage) -> PlacedFurniture | None:
    (least, most), builder = _KINDS[kind]
    wide = space.scale * (least + draw.breadth * (most - least))
    if kind != "box" and space.half_width < space.scale * least:
        return None
    back, backrest = max(space.back, -0.19 * space.scale), 0.0
    if kind == "chair":
        if space.backrest is None:
            return None
        back, backrest = space.backrest, min(space.top + _BACKREST_M[1] * space.scale, HIDDEN_M - _SPARE_M)
        if backrest < space.top + _BACKREST_M[0]:
            return None
    if kind in ("chair", "stool", "bench") and space.top < _LEAST_LEGS_M:
        return None
    front = space.front if kind in ("chair", "stool", "bench") else space.legs_front
    plan = _Plan(min(wide, space.half_width), back, front, space.legs_front, space.top, backrest, draw)
    pieces = builder(plan)
    seat = _centred(kind, pieces, space)
    hides = max((hidden_height(seat, stage, camera) for camera in stage.cameras), default=0.0)
    return None if backrest and hides > HIDDEN_M else seat


def _centred(kind: str, pieces: list[Piece], space: SeatSpace) -> PlacedFurniture:
    """Pieces in the space's axes as furniture around its own middle."""
    points = np.concatenate([piece.vertices for piece in pieces])
    middle = (points[:, 2].min() + points[:, 2].max()) / 2
    moved = [replace(piece, vertices=piece.vertices - (0.0, 0.0, middle)) for piece in pieces]
    x, _, z = turn_about_y(space.heading) @ (0.0, 0.0, middle)
    return PlacedFurniture(furniture_of(kind, moved), space.x + float(x), space.z + float(z), space.heading)


def _upright(x: float, z: float, top: float, thick: float, finish: Finish) -> Piece:
    half = thick / 2
    return box((x - half, 0.0, z - half), (x + half, top, z + half), finish)


def _legs(plan: _Plan, under: float, thick: float, finish: Finish) -> list[Piece]:
    """Four legs up to the board and rails under it, none where feet go."""
    x = plan.half - thick / 2 - 0.015
    front, back = min(plan.legs_front, plan.front - 0.015) - thick / 2, plan.back + thick / 2 + 0.015
    legs = [_upright(side * x, z, under, thick, finish) for side in (-1, 1) for z in (back, front)]
    rail = 0.4 * thick
    aprons = [box((-x, under - 0.05, z - rail), (x, under, z + rail), finish, 0.003) for z in (back, front)]
    sides = [
        box((side * x - rail, low, back), (side * x + rail, low + tall, front), finish, 0.003)
        for side in (-1, 1)
        for low, tall in ((under - 0.05, 0.05), (0.3 * under, 0.03))
    ]
    return [*legs, *aprons, *sides]


def _stool(plan: _Plan) -> list[Piece]:
    wood = Finish("wood", plan.draw.color)
    board = box((-plan.half, plan.top - 0.032, plan.back), (plan.half, plan.top, plan.front), wood, 0.01)
    return [board, *_legs(plan, plan.top - 0.032, 0.036, wood)]


def _chair(plan: _Plan) -> list[Piece]:
    wood, pad = Finish("wood", plan.draw.color), Finish("cloth", plan.draw.cloth)
    top, back, half = plan.top, plan.back, plan.half
    pieces = [
        box((-half, top - BOARD_M, back - 0.03), (half, top - 0.028, plan.front), wood),
        box((-half + 0.012, top - 0.036, back + 0.004), (half - 0.012, top, plan.front - 0.008), pad, 0.014),
        *_legs(plan, top - BOARD_M, 0.036, wood),
    ]
    for x in (-half + 0.018, half - 0.018):
        pieces.append(rod((x, top - 0.045, back - 0.017), (x, plan.backrest, back - 0.045), 0.015, wood, 10))
    rise = plan.backrest - top
    for low, high in ((top + 0.42 * rise, top + 0.62 * rise), (plan.backrest - 0.3 * rise, plan.backrest - 0.01)):
        lean = back - 0.032 - 0.014 * (low + high - 2 * top) / (2 * rise)
        pieces.append(box((-half + 0.02, low, lean - 0.009), (half - 0.02, high, lean + 0.009), wood, 0.006))
    return pieces


def _bench(plan: _Plan) -> list[Piece]:
    wood, thick = Finish("wood", plan.draw.color), 0.035
    count = max(round((plan.front - plan.back) / 0.11), 2)
    edges = np.linspace(plan.back, plan.front, count + 1)
    top = plan.top
    pieces = [
        box((-plan.half, top - thick, low), (plan.half, top, high - 0.012), wood, 0.005)
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]
    front, under = min(plan.legs_front, plan.front - 0.02), top - thick
    for x in (-0.78 * plan.half, 0.78 * plan.half):
        back = plan.back + 0.02
        pieces.append(box((x - 0.025, under - 0.03, back), (x + 0.025, under, front), METAL))
        pieces += [_upright(x, z, under, 0.04, METAL) for z in (back + 0.02, front - 0.02)]
        pieces.append(box((x - 0.02, 0.0, back), (x + 0.02, 0.025, front), METAL))
    return pieces


def _pouf(plan: _Plan) -> list[Piece]:
    cloth, top = Finish("cloth", plan.draw.cloth), plan.top
    low = min(0.02, 0.1 * top)
    seam = low + 0.72 * (top - low)
    half, back, front = plan.half, plan.back, plan.front
    return [
        box((-half + 0.02, 0.0, back + 0.02), (half - 0.02, low + 0.01, front - 0.02), DARK, 0.003),
        box((-half, low, back), (half, seam + 0.02, front), cloth, 0.018),
        box((-half, seam + 0.022, back), (half, top, front), cloth, 0.018),
    ]


def _box(plan: _Plan) -> list[Piece]:
    """A wooden box with two holes to carry it by, drawn as dark slots."""
    wood, top = Finish("wood", plan.draw.color), plan.top
    half, middle = plan.half, (plan.back + plan.front) / 2
    pieces = [box((-half, 0.0, plan.back), (half, top, plan.front), wood)]
    for side in (-1, 1):
        slot = sorted((side * (half - 0.004), side * (half + 0.0008)))
        pieces.append(box((slot[0], 0.74 * top, middle - 0.05), (slot[1], 0.74 * top + 0.03, middle + 0.05), DARK, 0.0))
    return pieces


def _block(plan: _Plan) -> list[Piece]:
    stone = Finish("concrete", "#A29E95")
    return [box((-plan.half, 0.0, plan.back), (plan.half, plan.top, plan.front), stone, 0.015)]


# Least and most of half the width of each, m, for a thigh of 0.42 m.
_KINDS: dict[str, tuple[tuple[float, float], Callable[[_Plan], list[Piece]]]] = {
    "chair": ((0.20, 0.24), _chair),
    "stool": ((0.17, 0.22), _stool),
    "bench": ((0.42, 0.60), _bench),
    "pouf": ((0.20, 0.26), _pouf),
    "box": ((0.18, 0.24), _box),
    "block": ((0.22, 0.45), _block),
}
