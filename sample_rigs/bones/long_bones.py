"""Limb bones: femur, tibia, fibula, patella, humerus, ulna, radius.

Frame of each: X forward, Y up, Z to the right, the bone of a standing person; the joint centre above it is the origin
and the joint centre below lies at (0, -length, 0). The patella stands about its own centre. Shapes are this project's
own drawing in mm for one reference length, chosen by eye after anatomy textbooks, and scaled from there; the
femoral head (about 47 mm across), neck-shaft angle (about 127 degrees) and bicondylar width (about 80 mm) follow
commonly quoted adult means, not checked against an original source.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from . import fields
from .fields import Array
from .mesh_tools import BoneMesh, even_axis, for_side, graded_axis, mesh_from_field

FEMUR_REFERENCE_MM = 410.0
TIBIA_REFERENCE_MM = 400.0
HUMERUS_REFERENCE_MM = 300.0
FOREARM_REFERENCE_MM = 250.0


def femur(length: float = 0.41, side: str = "right") -> BoneMesh:
    """Thigh bone; origin at the centre of its head, knee axis at (0, -length, 0). Lengths in m."""
    return _fitted(_femur(), length, FEMUR_REFERENCE_MM, side)


def tibia(length: float = 0.40, side: str = "right") -> BoneMesh:
    """Shin bone; origin at the knee axis (its plateau lies 24 mm below), ankle axis at (0, -length, 0)."""
    return _fitted(_tibia(), length, TIBIA_REFERENCE_MM, side)


def fibula(length: float = 0.40, side: str = "right") -> BoneMesh:
    """Calf bone in the frame of the tibia: origin at the knee axis, `length` from knee to ankle axis."""
    return _fitted(_fibula(), length, TIBIA_REFERENCE_MM, side)


def patella(width: float = 0.044, side: str = "right") -> BoneMesh:
    """Kneecap; origin at its centre, apex down, facing forward."""
    return _fitted(_patella(), width, 44.0, side)


def humerus(length: float = 0.30, side: str = "right") -> BoneMesh:
    """Upper arm bone of a hanging arm; origin at the centre of its head, elbow axis at (0, -length, 0)."""
    return _fitted(_humerus(), length, HUMERUS_REFERENCE_MM, side)


def ulna(length: float = 0.25, side: str = "right") -> BoneMesh:
    """Inner forearm bone, thumb pointing forward; origin at the elbow axis, wrist centre at (0, -length, 0)."""
    return _fitted(_ulna(), length, FOREARM_REFERENCE_MM, side)


def radius(length: float = 0.25, side: str = "right") -> BoneMesh:
    """Outer forearm bone, thumb pointing forward; same frame as the ulna."""
    return _fitted(_radius(), length, FOREARM_REFERENCE_MM, side)


def _fitted(right: BoneMesh, length: float, reference_mm: float, side: str) -> BoneMesh:
    return for_side(right.scaled(length * 1e3 / reference_mm), side)


def _shaft_axis(top: float, bottom: float, end_cell: float) -> Array:
    """Grid along a long bone: fine over both ends, coarse along the shaft."""
    span = top - bottom
    return graded_axis(
        [
            (bottom, end_cell),
            (bottom + 0.15 * span, end_cell * 1.1),
            (bottom + 0.4 * span, end_cell * 3),
            (top - 0.35 * span, end_cell * 3),
            (top - 0.2 * span, end_cell * 1.1),
            (top, end_cell),
        ]
    )


@cache
def _femur() -> BoneMesh:
    axes = (even_axis(-38, 38, 2.9), _shaft_axis(26, -436, 2.9), even_axis(-46, 76, 2.9))
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
    knee = p - np.array([0.0, -FEMUR_REFERENCE_MM, 0.0])
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
def _tibia() -> BoneMesh:
    axes = (even_axis(-34, 40, 2.7), _shaft_axis(-12, -418, 2.7), even_axis(-44, 46, 2.7))
    return mesh_from_field(_tibia_field, axes, 440)


def _tibia_field(p: Array) -> Array:
    x, y, z = p.T
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
    ankle = fields.ellipsoid(p, (0, -TIBIA_REFERENCE_MM, 0), (21, 21, 60))
    malleolus = fields.strand(p, [(0, -378, -19, 11), (3, -404, -22, 7.5)], (1.25, 1, 0.85))
    bone = fields.join(bone, flare, blend=14)
    bone = fields.cut(bone, ankle, 3)
    return fields.join(bone, malleolus, blend=7)


@cache
def _fibula() -> BoneMesh:
    axes = (even_axis(-34, 10, 2.2), _shaft_axis(-38, -426, 2.2), even_axis(14, 52, 2.2))
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
def _patella() -> BoneMesh:
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


@cache
def _humerus() -> BoneMesh:
    axes = (even_axis(-26, 28, 2.5), _shaft_axis(24, -314, 2.5), even_axis(-38, 34, 2.5))
    return mesh_from_field(_humerus_field, axes, 440)


def _humerus_field(p: Array) -> Array:
    shaft = fields.strand(
        p,
        [
            (2, -14, 12, 17),
            (2, -38, 11, 14.5),
            (1, -75, 9, 11.5),
            (1, -130, 8, 10.8),
            (2, -200, 4, 9.8),
            (3, -250, 1, 10.5),
            (2, -280, -1, 11),
        ],
        smooth=5,
    )
    head = fields.ellipsoid(p, (0, 0, 0), (22.5, 23.0, 22.5))
    greater = fields.ellipsoid(p, (-2, -6, 21), (16, 18, 10))
    lesser = fields.ellipsoid(p, (17, -9, 7), (8, 11, 8))
    deltoid = fields.ellipsoid(p, (3, -125, 16), (6, 26, 5))
    bone = fields.join(shaft, greater, lesser, blend=9)
    groove = fields.strand(p, [(21, 6, 17, 5), (20, -22, 16, 4.5), (17, -60, 13, 4)])
    bone = fields.cut(bone, groove, 4)
    bone = fields.join(fields.join(bone, deltoid, blend=10), head, blend=4)
    return _with_elbow(p, bone)


def _with_elbow(p: Array, bone: Array) -> Array:
    elbow = p - np.array([0.0, -HUMERUS_REFERENCE_MM, 0.0])
    flare = fields.strand(elbow, [(1, 14, -24, 7), (1, 14, 18, 7)], (1.0, 2.0, 1.0))
    ridges = fields.strand(elbow, [(1, 60, 1, 9), (0, 14, -22, 7)])
    ridges = fields.join(ridges, fields.strand(elbow, [(1, 60, 1, 9), (0, 14, 20, 7)]), blend=8)
    trochlea = fields.strand(elbow, [(3, 0, -20, 12.5), (3, 0, -10, 9.0), (3, 0, -2, 10.5)])
    capitulum = fields.ellipsoid(elbow, (5, 0.5, 12), (10.5, 11, 10))
    medial = fields.ellipsoid(elbow, (-3, 9, -30), (7, 9, 8))
    lateral = fields.ellipsoid(elbow, (0, 9, 24), (7, 9, 6))
    bone = fields.join(bone, flare, ridges, blend=9)
    bone = fields.join(bone, medial, lateral, blend=6)
    bone = fields.join(bone, trochlea, capitulum, blend=4)
    for place, radii in (((-13, 18, -6), (9, 12, 10)), ((15, 18, -6), (7, 8, 9))):
        bone = fields.cut(bone, fields.ellipsoid(elbow, place, radii), 4)
    return bone


@cache
def _ulna() -> BoneMesh:
    axes = (even_axis(-32, 26, 2.2), _shaft_axis(24, -256, 2.2), even_axis(-24, 14, 2.2))
    return mesh_from_field(_ulna_field, axes, 330)


def _ulna_field(p: Array) -> Array:
    shaft = fields.strand(
        p,
        [
            (-7, -18, -9, 11.5),
            (-6, -42, -8, 9),
            (-8, -90, -6, 7.2),
            (-12, -150, -4, 6.6),
            (-14, -205, -3, 5.4),
            (-14, -236, -2, 6.2),
            (-15, -243, -2, 7.0),
        ],
        (1.15, 1.0, 1.0),
        smooth=5,
    )
    olecranon = fields.strand(p, [(-14, -16, -9, 11), (-18, 3, -9, 10.5), (-14, 12, -9, 8.5)], (1, 1, 1.1), smooth=4)
    coronoid = fields.strand(p, [(-2, -22, -9, 11), (12, -15, -9, 6.5)], (1, 1, 1.15))
    notch = fields.ellipse(p[:, 0] - 3, p[:, 1], (13.4, 13.4))
    bone = fields.join(shaft, olecranon, coronoid, blend=8)
    bone = fields.cut(bone, notch, 2.5)
    styloid = fields.ellipsoid(p, (-20, -248, -3), (3.5, 8, 3.5))
    return fields.join(bone, styloid, blend=3)


@cache
def _radius() -> BoneMesh:
    axes = (even_axis(-14, 30, 2.2), _shaft_axis(-8, -258, 2.2), even_axis(-18, 26, 2.2))
    return mesh_from_field(_radius_field, axes, 300)


def _radius_field(p: Array) -> Array:
    x, y, z = p.T
    head = fields.meet(np.hypot(x - 4, z - 12) - 11.2, np.abs(y + 18.5) - 5.5, blend=3)
    head = fields.cut(head, fields.ellipsoid(p, (4, 0, 12), (13, 13.8, 13)), 1.5)
    shaft = fields.strand(
        p,
        [
            (4, -20, 12, 7.2),
            (3, -36, 10, 6.8),
            (5, -80, 11, 7.2),
            (9, -130, 11, 7.2),
            (11, -190, 7, 7.6),
            (9, -222, 4, 9.5),
            (7, -238, 2, 12),
        ],
        smooth=5,
    )
    tuberosity = fields.ellipsoid(p, (5, -44, 5), (6, 10, 5))
    styloid = fields.strand(p, [(12, -234, 3, 8.5), (19, -250, 3, 4)])
    bone = fields.join(shaft, tuberosity, styloid, blend=6)
    carpal = fields.ellipsoid(p, (2, -259, 1), (17, 15, 17))
    return fields.join(fields.cut(bone, carpal, 3), head, blend=2.5)
