"""The bones of the leg drawn at one reference size: femur, tibia, fibula, patella; see `long_bones`."""

from __future__ import annotations

from functools import cache

import numpy as np

from . import fields
from .fields import Array
from .mesh_tools import BoneMesh
from .surface_nets import even_axis, mesh_from_field, shaft_axis

KNEE_BELOW_HIP = 410.0  # mm
ANKLE_BELOW_KNEE = 400.0


@cache
def femur_drawing() -> BoneMesh:
    """The right bone in its public frame, at the reference size."""
    axes = (even_axis(-38, 38, 2.9), shaft_axis(26, -436, 2.9), even_axis(-46, 76, 2.9))
    return mesh_from_field(_femur_field, axes, 640)


def _femur_field(p: Array) -> Array:
    shaft = fields.strand(
        p,
        [
            (-8, -22, 52, 15),
            (-7, -60, 46, 16.5),
            (0, -120, 39, 14),
            (5, -200, 29, 13.2),
            (3, -290, 17, 14),
            (0, -345, 9, 17.5),
            (-1, -385, 3, 23),
        ],
        (1.0, 1.0, 1.05),
        smooth=5,
    )
    head = fields.ellipsoid(p, (0, 0, 0), (23.5, 23.5, 23.5))
    pit = fields.ellipsoid(p, (-2, 6, -24), (4, 4, 4))
    neck = fields.strand(p, [(0, -1, 4, 14.5), (-4, -14, 24, 14.0), (-8, -33, 44, 18)], smooth=4)
    greater = fields.strand(
        p, [(-10, -32, 60, 14.0), (-13, -10, 60, 12.0), (-18, 4, 55, 7.5)], (1.35, 1, 0.95), smooth=4
    )
    lesser = fields.ellipsoid(p, (-19, -62, 34), (9, 13, 9))
    line = fields.strand(p, [(-10, -80, 45, 6), (-11, -190, 31, 6), (-10, -300, 17, 6)], smooth=4)
    bone = fields.join(shaft, neck, greater, blend=14)
    bone = fields.join(fields.join(bone, lesser, blend=9), line, blend=9)
    bone = fields.join(bone, fields.cut(head, pit, 2), blend=5)
    fossa = fields.ellipsoid(p, (-27, -8, 44), (9, 12, 7))
    return _with_condyles(p, fields.cut(bone, fossa, 6))


def _with_condyles(p: Array, bone: Array) -> Array:
    knee = p - np.array([0.0, -KNEE_BELOW_HIP, 0.0])
    block = fields.ellipsoid(knee, (2, 13, 0), (25, 27, 35))
    medial = fields.ellipsoid(knee, (-5, -1.5, -24), (31, 22.5, 13.5), fields.turn("y", -6))
    lateral = fields.ellipsoid(knee, (-3, -1.0, 23), (31, 22.0, 14), fields.turn("y", 4))
    trochlea = fields.strand(knee, [(12, 0, -19, 15), (12, 5, 0, 13), (14, 1, 19, 15.5)], (1, 1.35, 1))
    epicondyle = fields.strand(knee, [(-3, 6, -30, 11), (-3, 6, 29, 11)])
    tubercle = fields.ellipsoid(knee, (-4, 19, -32), (6, 8, 5))
    condyles = fields.join(medial, lateral, trochlea, blend=6)
    bone = fields.join(bone, block, blend=16)
    bone = fields.join(bone, condyles, epicondyle, blend=7)
    bone = fields.join(bone, tubercle, blend=7)
    notch = fields.ellipsoid(knee, (-23, -12, 0), (29, 23, 10.5))
    groove = fields.ellipsoid(knee, (33, 0, 1), (9, 40, 12))
    hollow = fields.ellipsoid(knee, (-31, 38, 2), (14, 24, 18))
    bone = fields.cut(bone, notch, 5)
    return fields.cut(fields.cut(bone, groove, 6), hollow, 8)


@cache
def tibia_drawing() -> BoneMesh:
    """The right bone in its public frame, at the reference size."""
    axes = (even_axis(-34, 40, 2.7), shaft_axis(-12, -418, 2.7), even_axis(-44, 46, 2.7))
    return mesh_from_field(_tibia_field, axes, 440)


def _tibia_field(p: Array) -> Array:
    x, y = p[:, 0], p[:, 1]
    shaft = fields.strand(
        p,
        [
            (-3, -50, 0, 25),
            (1, -80, 0, 18),
            (4, -140, -1, 13),
            (4, -220, -1, 11.5),
            (1, -300, -1, 11.0),
            (0, -355, -1, 14),
            (-1, -376, -1, 18),
        ],
        (1.0, 1.0, 1.08),
        smooth=5,
    )
    crest = fields.strand(
        p, [(23, -64, 4, 8), (16, -110, 3, 6), (15, -190, 0, 4.5), (11, -280, -2, 4.5), (6, -330, -3, 6)], smooth=4
    )
    medial = fields.ellipsoid(p, (-4, -36, -20), (24, 13, 19))
    lateral = fields.ellipsoid(p, (-3, -36, 20), (22, 13, 19))
    plateau = fields.join(medial, lateral, blend=12)
    plateau = fields.meet(plateau, y + 24.5 - 0.03 * x, blend=5)
    for middle in (-20, 20):
        dish = fields.ellipsoid(p, (-3, -4, middle), (28, 21.6, 22))
        plateau = fields.cut(plateau, dish, 2)
    spines = fields.strand(p, [(0, -26, -5, 5), (-2, -21, -4, 3.2)])
    spines = fields.join(spines, fields.strand(p, [(-2, -26, 5, 5), (-4, -22, 4.5, 3.2)]), blend=3)
    tuberosity = fields.ellipsoid(p, (22, -66, 5), (8, 15, 9))
    bone = fields.join(shaft, plateau, blend=16)
    bone = fields.join(bone, crest, tuberosity, spines, blend=8)
    flare = fields.ellipsoid(p, (-1, -380, -1), (19, 18, 22))
    ankle = fields.ellipsoid(p, (0, -ANKLE_BELOW_KNEE, 0), (21, 21, 60))
    malleolus = fields.strand(p, [(0, -378, -19, 11), (3, -404, -22, 7.5)], (1.25, 1, 0.85))
    bone = fields.join(bone, flare, blend=14)
    bone = fields.cut(bone, ankle, 3)
    return fields.join(bone, malleolus, blend=7)


@cache
def fibula_drawing() -> BoneMesh:
    """The right bone in its public frame, at the reference size."""
    axes = (even_axis(-34, 10, 2.2), shaft_axis(-38, -426, 2.2), even_axis(14, 52, 2.2))
    return mesh_from_field(_fibula_field, axes, 200)


def _fibula_field(p: Array) -> Array:
    shaft = fields.strand(
        p,
        [
            (-17, -56, 36, 9.5),
            (-16, -78, 35, 6),
            (-15, -140, 33, 6.2),
            (-13, -230, 31, 6.6),
            (-11, -320, 28, 6.4),
            (-9, -372, 27, 7.5),
            (-6, -400, 27, 9),
            (-7, -414, 28, 6),
        ],
        smooth=4,
    )
    apex = fields.ellipsoid(p, (-20, -48, 37), (7, 9, 7))
    ankle = fields.ellipsoid(p, (-6, -402, 27), (11, 15, 7.5))
    return fields.join(shaft, apex, ankle, blend=7)


@cache
def patella_drawing() -> BoneMesh:
    """The right bone in its public frame, at the reference size."""
    axes = (even_axis(-12, 13, 2), even_axis(-26, 23, 2), even_axis(-24, 24, 2))
    return mesh_from_field(_patella_field, axes, 130)


def _patella_field(p: Array) -> Array:
    x, y, z = p.T
    face = fields.outline(
        z, y, [(0, -22), (-13, -9), (-19, 5), (-13, 17), (0, 19), (13, 17), (19, 5), (13, -9)], rounding=2, smooth=3
    )
    bulge = 7.5 - 0.010 * (z * z + y * y)
    back = -7.0 + 0.22 * np.abs(z - 1.5) + 0.14 * np.clip(-y - 6, 0, None)
    return fields.meet(fields.meet(face, x - bulge, blend=7), back - x, blend=4)
