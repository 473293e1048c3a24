"""The rib cage: twelve pairs of ribs with their cartilages, and the sternum, fitted to given thoracic vertebrae.

Everything is returned in the frame in which the vertebrae are given (X forward, Y up, Z to the right). The proportions
of `_RIBS` are this project's own drawing for a chest 270 mm wide and 205 mm deep, by eye after anatomy textbooks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from . import fields
from .fields import Array
from .mesh_tools import METRES, BoneMesh, merge, swept_tube
from .surface_nets import even_axis, mesh_from_field
from .vertebra import central_height, shape_of

CHEST_WIDTH = 0.27  # m, outer, at the eighth rib
CHEST_DEPTH = 0.205  # m, from the rib angles to the lower end of the sternum

_RIBS = {
    # half width, angle's Z, drop to the costochondral joint, that joint's Z, thickness, height (half axes), mm
    1: (54, 36, 30, 34, 6.5, 2.7),
    2: (82, 42, 52, 47, 4.2, 4.6),
    3: (101, 47, 68, 60, 3.3, 5.6),
    4: (114, 52, 84, 71, 3.2, 6.0),
    5: (123, 57, 97, 82, 3.2, 6.3),
    6: (129, 62, 108, 92, 3.2, 6.5),
    7: (133, 66, 117, 102, 3.3, 6.6),
    8: (135, 69, 122, 110, 3.3, 6.5),
    9: (133, 70, 121, 116, 3.2, 6.2),
    10: (127, 68, 112, 116, 3.1, 5.9),
    11: (108, 62, 84, 96, 3.0, 5.2),
    12: (70, 52, 42, 70, 2.8, 4.4),
}


@dataclass(frozen=True, slots=True)
class ChestFrame:
    """What places the ribs: thoracic vertebrae and the line of the sternum."""

    positions: Array  # [12, 3] m, body centres of T1 .. T12
    rotations: Array  # [12, 3, 3], their axes as columns
    half_width: float  # m
    jugular_notch: Array  # [3] m
    sternum_end: Array  # [3] m, where the xiphoid process begins
    size: float  # of ribs and sternum, 1 for a mean adult


def chest_frame(
    positions: ArrayLike,
    rotations: ArrayLike | None = None,
    chest_width: float = CHEST_WIDTH,
    chest_depth: float = CHEST_DEPTH,
) -> ChestFrame:
    """Where ribs and sternum stand for the body centres of T1 .. T12 ([12, 3] m) and their rotations [12, 3, 3].

    Raises:
        ValueError: other array shapes.
    """
    places = np.asarray(positions, dtype=float)
    if places.shape != (12, 3):
        raise ValueError(f"positions must be [12, 3], T1 to T12, not {list(places.shape)}")
    turns = np.broadcast_to(np.eye(3), (12, 3, 3)) if rotations is None else np.asarray(rotations, dtype=float)
    if turns.shape != (12, 3, 3):
        raise ValueError(f"rotations must be [12, 3, 3], not {list(turns.shape)}")
    size = float(places[0, 1] - places[11, 1]) / 0.245
    back = places[:, 0].min() - 0.045 * size
    notch = np.array([places[1, 0] + 0.33 * chest_depth, 0.5 * (places[1, 1] + places[2, 1]), 0.0])
    end = np.array([back + chest_depth - 0.004, places[8, 1], 0.0])
    return ChestFrame(places, turns, chest_width / 2, notch, end, size)


def thorax(
    positions: ArrayLike,
    rotations: ArrayLike | None = None,
    chest_width: float = CHEST_WIDTH,
    chest_depth: float = CHEST_DEPTH,
) -> dict[str, BoneMesh]:
    """The rib cage in the frame of `positions`: "rib_1_right" .. "rib_12_left", "costal_cartilage", "sternum"."""
    frame = chest_frame(positions, rotations, chest_width, chest_depth)
    cartilages = []
    bones: dict[str, BoneMesh] = {"sternum": sternum(frame)}
    for number in range(1, 13):
        right = rib(number, "right", frame)
        bones[f"rib_{number}_right"], bones[f"rib_{number}_left"] = right, right.mirrored()
        if number <= 10:
            piece = _cartilage(number, frame)
            cartilages += [piece, piece.mirrored()]
    bones["costal_cartilage"] = merge(cartilages)
    return bones


def rib(number: int, side: str, frame: ChestFrame) -> BoneMesh:
    """The bony part of one rib (1 .. 12), from its head at the vertebra to its cartilage, in the chest's frame.

    Left ribs mirror the right ones, vertebrae are taken as lying in the median plane.

    Raises:
        ValueError: another number or side.
    """
    if number not in _RIBS:
        raise ValueError(f"rib number must be 1 to 12, not {number}")
    if side not in ("right", "left"):
        raise ValueError(f"side must be 'right' or 'left', not {side!r}")
    path = fields.curve(_rib_knots(number, frame), 2)
    share = np.linspace(0.0, 1.0, len(path))
    thick, tall = (value * frame.size for value in _RIBS[number][4:])
    neck = 1 - 0.30 * np.exp(-(((share - 0.06) / 0.05) ** 2))
    tip = 1 - (0.55 * share**6 if number >= 11 else -0.10 * share**8)
    half_axes = np.stack([tall * neck * tip, thick * (2 - neck) * tip], axis=1)
    half_axes[:2] = np.maximum(half_axes[:2], 3.4 * frame.size)
    right = swept_tube(path, half_axes, np.tile([0.0, 1.0, 0.0], (len(path), 1)), around=8)
    return right if side == "right" else right.mirrored()


def _rib_knots(number: int, frame: ChestFrame) -> Array:
    """Right rib, mm: head, neck, tubercle, angle, round the side, costochondral joint."""
    half_width, angle_z, drop, front_z, *_ = _RIBS[number]
    wide, size = frame.half_width / 0.135, frame.size
    half_width, angle_z, front_z = half_width * wide, angle_z * (wide + size) / 2, front_z * wide
    drop *= size
    shape = shape_of(f"T{number}", scale=size)
    centre, turn = frame.positions[number - 1] / METRES, frame.rotations[number - 1]
    up = central_height(shape) / 2 - 2.0 if number not in (1, 11, 12) else 3.0
    head = centre + turn @ np.array([shape.wall + 3.5, up, shape.upper_width / 2 + 2.0])
    reach = shape.transverse_span / 2 - 5.0 if number < 11 else shape.transverse_span / 2 + 4.0
    tubercle = centre + turn @ np.array([shape.wall - 17.0 * size, min(up, 6.0), reach])
    back_x = min(centre[0] - (46 if number > 2 else 38) * size, tubercle[0] - (2.0 if number > 1 else -4.0))
    front = _rib_end(number, frame, front_z, head[1] - drop)
    side_x = 0.47 * front[0] + 0.53 * back_x
    level = tubercle[1]
    fall = level - front[1]

    def at(x: float, z: float, share: float) -> list[float]:
        return [x, level - fall * share, z]

    back_span, front_span = side_x - back_x, front[0] - side_x
    back_grow, front_shrink = half_width - angle_z, half_width - front_z
    quarter = np.sqrt(0.5)
    knots = [
        list(head),
        list(0.5 * (head + tubercle) + np.array([-1.0, 1.0, 0.0])),
        list(tubercle),
        at(back_x, angle_z, 0.10),
    ]
    knots.append(at(side_x - back_span * quarter * 1.08, angle_z + back_grow * quarter * 1.02, 0.27))
    knots.append(at(side_x, half_width, 0.52))
    if number == 12:
        return np.array([*knots[:-2], at(back_x + 12 * size, half_width, 1.0)])
    if number == 11:
        return np.array([*knots, at(side_x + 0.45 * front_span, half_width - 0.12 * front_shrink, 0.85)])
    knots.append(at(side_x + front_span * quarter * 0.92, front_z + front_shrink * quarter * 1.04, 0.80))
    knots.append(list(front))
    return np.array(knots)


def _rib_end(number: int, frame: ChestFrame, front_z: float, height: float) -> Array:
    """Costochondral joint: a little behind the sternum's line, more so the further from it."""
    notch, end = frame.jugular_notch / METRES, frame.sternum_end / METRES
    share = (height - notch[1]) / (end[1] - notch[1])
    line_x = notch[0] + np.clip(share, 0.0, 1.05) * (end[0] - notch[0])
    back = (6 + 0.0022 * front_z**2 + max(0, number - 7) * 10.0) * frame.size
    return np.array([line_x - back, height, front_z])


def _sternal_place(number: int, frame: ChestFrame) -> Array:
    """Where the cartilage of a true rib meets the right border of the sternum, mm."""
    share, aside = {
        1: (0.09, 24),
        2: (0.31, 17),
        3: (0.47, 15),
        4: (0.63, 17),
        5: (0.78, 18),
        6: (0.90, 17),
        7: (0.98, 11),
    }[number]
    place = frame.jugular_notch + share * (frame.sternum_end - frame.jugular_notch)
    return place / METRES + np.array([-4.0, 0.0, aside * frame.size])


def _cartilage(number: int, frame: ChestFrame) -> BoneMesh:
    """Right costal cartilage: to the sternum for ribs 1 to 7, to the cartilage above for 8 to 10."""
    knots = _cartilage_knots(number, frame)
    hidden = 2 * (knots[0] - knots[1]) / np.linalg.norm(knots[0] - knots[1])  # starts inside the rib
    path = fields.curve([knots[0] + hidden, *knots[1:]], 2)
    thick, tall = _RIBS[number][4:]
    half = np.stack(
        [np.linspace(tall, 0.82 * tall, len(path)), np.linspace(thick + 0.7, thick + 1.0, len(path))], axis=1
    )
    return swept_tube(path, half * frame.size, np.tile([0.0, 1.0, 0.15], (len(path), 1)), around=8)


def _cartilage_knots(number: int, frame: ChestFrame) -> Array:
    """Leaves in the rib's direction, then turns up to the sternum or to the cartilage above."""
    knots = _rib_knots(number, frame)
    start, before = knots[-1], knots[-2]
    heading = (start - before) / np.linalg.norm(start - before)
    if number <= 7:
        goal = _sternal_place(number, frame)
    else:
        above = fields.curve(_cartilage_knots(number - 1, frame), 8)
        goal = above[int(len(above) * (0.52 if number < 10 else 0.42))] + np.array([-1.0, -3.0, 0.0])
    length = float(np.linalg.norm(goal - start))
    bend = start + heading * length * (0.30 if number <= 7 else 0.34)
    return np.array([start, bend, 0.42 * bend + 0.58 * goal + np.array([1.5, -0.04 * length, 0.0]), goal])


def sternum(frame: ChestFrame) -> BoneMesh:
    """Manubrium, body and xiphoid process, from the jugular notch down to the sternum's end."""
    down = frame.sternum_end - frame.jugular_notch
    length = float(np.linalg.norm(down))
    up = -down / length
    forward = np.cross(up, [0.0, 0.0, 1.0])
    rotation = np.stack([forward, up, [0.0, 0.0, 1.0]], axis=1)
    stretched = _sternum().scaled((frame.size, length / 0.150, frame.size))
    return stretched.moved(rotation, frame.jugular_notch)


# right half seen from the front (z, y), the manubrium on top, a notch for every rib; it runs on behind the middle
_STERNUM_EDGE = (
    (-20, 0), (10, 1), (20, 5), (31, 0), (30, -12), (22, -24), (15, -46), (17, -60), (15, -72), (18.5, -86),
    (17.5, -98), (20, -112), (18, -124), (19, -134), (14, -146), (7, -152), (4.5, -166), (3, -176), (0, -178),
    (-20, -178),
)  # fmt: skip


@cache
def _sternum() -> BoneMesh:
    axes = (even_axis(-14, 12, 2.4), even_axis(-188, 8, 2.4), even_axis(-36, 36, 2.4))
    return mesh_from_field(_sternum_field, axes, 290)


def _sternum_field(points: Array) -> Array:
    p = fields.mirrored_halves(points)
    x, y, z = p.T
    edge = fields.outline(z, y, _STERNUM_EDGE, rounding=1.0)
    middle = -3.0 + 3.5 * np.exp(-(((y + 46) / 24) ** 2))
    thick = np.interp(y, [-178, -160, -146, -60, -46, -10, 0], [2.6, 3.0, 4.6, 5.2, 5.8, 6.2, 6.0])
    return fields.meet(edge, np.abs(x - middle) - thick, blend=5)
