"""The bones of the arm drawn at one reference size: humerus, ulna, radius; see `long_bones`."""

from __future__ import annotations

from functools import cache

import numpy as np

from . import fields
from .fields import Array
from .mesh_tools import BoneMesh
from .surface_nets import even_axis, mesh_from_field, shaft_axis

ELBOW_BELOW_SHOULDER = 300.0  # mm
WRIST_BELOW_ELBOW = 250.0


@cache
def humerus_drawing() -> BoneMesh:
    """The right bone in its public frame, at the reference size."""
    axes = (even_axis(-26, 28, 2.5), shaft_axis(24, -314, 2.5), even_axis(-38, 34, 2.5))
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
    elbow = p - np.array([0.0, -ELBOW_BELOW_SHOULDER, 0.0])
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
def ulna_drawing() -> BoneMesh:
    """The right bone in its public frame, at the reference size."""
    axes = (even_axis(-32, 26, 2.2), shaft_axis(24, -256, 2.2), even_axis(-24, 14, 2.2))
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
def radius_drawing() -> BoneMesh:
    """The right bone in its public frame, at the reference size."""
    axes = (even_axis(-14, 30, 2.2), shaft_axis(-8, -258, 2.2), even_axis(-18, 26, 2.2))
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
