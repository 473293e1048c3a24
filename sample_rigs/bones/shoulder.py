"""Clavicle and scapula.

Frames: X forward, Y up, Z to the right. `clavicle`: origin at the sternal end, the acromial end at (0, 0, length) on
the right. `scapula`: origin at the centre of the shoulder joint, of a person standing with hanging arms. Drawn in mm
by this project, by eye after anatomy textbooks.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from . import fields
from .fields import Array, Relief
from .mesh_tools import METRES, BoneMesh, for_side, swept_tube
from .surface_nets import even_axis, mesh_from_field

SCAPULAR_PLANE_DEG = 35.0  # blade against the frontal plane; textbooks quote 30 to 40


def clavicle(length: float = 0.15, side: str = "right") -> BoneMesh:
    """Collar bone, S-shaped; origin at its sternal end, running to the side along Z. Length in m."""
    knots = np.array([(0, 0, 0), (7, 1, 28), (9, 2, 60), (0, 3, 98), (-6, 2, 125), (0, 0, 148)], dtype=float)
    path = fields.curve(knots, 3)
    share = np.linspace(0, 1, len(path))
    tall = np.interp(share, [0, 0.1, 0.3, 0.7, 0.9, 1], [10, 8, 5.6, 5.2, 4.6, 4.8])
    deep = np.interp(share, [0, 0.1, 0.3, 0.6, 0.85, 1], [9, 8, 6.0, 6.2, 9.5, 9.0])
    mesh = swept_tube(path, np.stack([tall, deep], axis=1), np.tile([0.0, 1.0, 0.0], (len(path), 1)), around=10)
    return for_side(mesh.scaled(length / 0.150), side)


def clavicle_between(sternal_end: ArrayLike, acromial_end: ArrayLike, side: str = "right") -> BoneMesh:
    """The clavicle laid from one point to the other ([3] m each), in their frame.

    Raises:
        ValueError: the points coincide.
    """
    start, end = np.asarray(sternal_end, dtype=float), np.asarray(acromial_end, dtype=float)
    length = float(np.linalg.norm(end - start))
    if length <= 0:
        raise ValueError("the two ends of the clavicle coincide")
    outwards = (end - start) / length * (1.0 if side == "right" else -1.0)
    forward = np.cross([0.0, 1.0, 0.0], outwards)
    forward /= np.linalg.norm(forward)
    rotation = np.stack([forward, np.cross(outwards, forward), outwards], axis=1)
    return clavicle(length, side).moved(rotation, start)


def scapula(side: str = "right", scale: float = 1.0) -> BoneMesh:
    """Shoulder blade; origin at the shoulder joint centre, 25 mm off the glenoid. `scale` 1 is 155 mm tall."""
    return for_side(_scapula().scaled(scale), side)


def acromion(side: str = "right", scale: float = 1.0) -> Array:
    """Where the clavicle meets the acromion, [3] m in the frame of `scapula`."""
    place = _blade_axes() @ np.array([5.0, 38.0, 6.0]) * METRES * scale
    return place * (1.0, 1.0, 1.0 if side == "right" else -1.0)


def _blade_axes() -> Array:
    """Columns: the blade's back-to-front normal, up, and along the blade to the side, in the body's frame."""
    return fields.turn("y", SCAPULAR_PLANE_DEG) @ np.eye(3)


_BLADE_EDGE = (
    (-36, -13), (-30, 8), (-42, 20), (-56, 30), (-80, 50), (-100, 58), (-114, 40), (-124, 12), (-126, -20),
    (-122, -60), (-114, -98), (-104, -116), (-92, -112), (-82, -88), (-66, -54), (-50, -30),
)  # fmt: skip
_SPINE_KNOTS = (
    (-6, 12, -122, 3.0), (-14, 14, -100, 3.6), (-23, 18, -72, 4.2), (-32, 25, -40, 4.6), (-34, 32, -14, 5.5),
    (-26, 36, 4, 5.5),
)  # fmt: skip


@cache
def _scapula() -> BoneMesh:
    cell = 2.7
    axes = (even_axis(-50, 42, cell), even_axis(-132, 70, cell), even_axis(-140, 30, cell))
    return mesh_from_field(_scapula_field, axes, 560).moved(_blade_axes())


def _scapula_field(p: Array) -> Array:
    """In the blade's own axes: x forward through the blade, y up, z to the side; the glenoid faces +z at z = -25."""
    x, y, z = p.T
    knots = [(-34, -4), (-60, 24), (-100, 58), (-124, 12), (-122, -60), (-104, -114), (-66, -52), (-90, -20), (-80, 10)]
    middle = Relief(knots, [0, 1, 4, -3, -3, 3, 1, -10, -7])
    thickness = Relief(knots, [17, 7, 5, 5, 5, 9, 10, 4.5, 4.5])
    blade = fields.meet(
        fields.outline(z, y, _BLADE_EDGE, smooth=3), fields.blade(z, y, x, middle, thickness, 4.6), blend=4
    )
    neck = fields.ellipsoid(p, (0, 0, -37), (9, 16, 12))
    rim = fields.ellipsoid(p, (0, 0, -29), (14.5, 19.5, 7.5))
    spine = fields.strand(p, _SPINE_KNOTS, smooth=4)
    wall = fields.outline(z, x, [(-120, 0), (-118, -7), (-72, -23), (-45, -31), (-42, -26), (-46, 0)])
    wall = fields.meet(wall, np.abs(y - (26 + 0.20 * (z + 46)) - 0.0) - 2.6, blend=3)
    coracoid = fields.strand(p, [(3, 14, -40, 9), (10, 28, -38, 7.5), (22, 30, -30, 6.5), (32, 22, -20, 5.5)], smooth=4)
    border = fields.strand(p, [(1, -16, -40, 6), (2, -52, -67, 4.5), (3, -98, -100, 4.5)])
    plate = fields.ellipsoid(p, (-13, 38, 8), (23, 5.5, 12), fields.turn("y", -28) @ fields.turn("x", 8))
    bone = fields.join(blade, neck, border, blend=8)
    bone = fields.join(bone, rim, coracoid, blend=6)
    bone = fields.join(bone, wall, fields.join(spine, plate, blend=9), blend=5)
    return fields.cut(bone, fields.ellipsoid(p, (0, 0, 0), (26.5, 30, 26.5)), 2.5)
