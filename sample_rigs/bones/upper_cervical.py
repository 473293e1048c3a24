"""Atlas (C1) and axis (C2): a ring without a body, and a body that carries the dens.

All positions here are this project's own drawing figures in mm, chosen by eye after anatomy textbooks.
"""

from __future__ import annotations

import numpy as np

from . import fields
from .fields import Array
from .vertebra_shapes import VertebraShape


def atlas_field(shape: VertebraShape, folded: Array) -> Array:
    """C1, origin midway between the lateral masses: two arches, lateral masses, long transverse processes."""
    size = shape.transverse_span / 78.0
    front = 11.5 * size
    behind = front - shape.canal_depth - 5 * size
    anterior = fields.strand(
        folded,
        [
            (front, 0, 0, 3.0 * size),
            (front - 1.5 * size, 0, 7 * size, 2.7 * size),
            (4 * size, 0, 15 * size, 3.4 * size),
        ],
        (1.0, 1.45, 1.0),
        smooth=3,
    )
    tubercle = fields.ellipsoid(folded, (front + 1.5 * size, 0, 0), np.array([3.0, 4.2, 3.2]) * size)
    mass = fields.ellipsoid(folded, (0, 0, 18.0 * size), np.array([9.6, 8.6, 7.6]) * size, fields.turn("y", 18))
    # the cup for the skull's condyle above, the flatter facet for the axis below
    cup = fields.ellipsoid(
        folded, (0.5 * size, 10.5 * size, 16.8 * size), np.array([9.5, 6.4, 6.2]) * size, fields.turn("y", 22)
    )
    facet = fields.ellipsoid(folded, (0, -14.5 * size, 13.5 * size), np.array([12.0, 8.4, 12.0]) * size)
    mass = fields.cut(fields.cut(mass, cup, 1.2), facet, 1.2)
    posterior = fields.strand(
        folded,
        [
            (-6 * size, 0.5 * size, 20 * size, 3.2 * size),
            (-14 * size, 0.5 * size, 17.5 * size, 2.5 * size),
            (behind + 5 * size, 0, 9.5 * size, 2.7 * size),
            (behind, -0.5 * size, 0, 3.4 * size),
        ],
        (1.0, 1.35, 1.0),
        smooth=4,
    )
    knob = fields.ellipsoid(folded, (behind - 2.0 * size, 0, 0), np.array([3.0, 3.6, 2.8]) * size)
    transverse = fields.strand(
        folded,
        [
            (-1.5 * size, -0.5 * size, 23 * size, 4.6 * size),
            (-4.5 * size, -1.5 * size, shape.transverse_span / 2 - 4 * size, 4.0 * size),
        ],
        (1.45, 1.0, 1.0),
    )
    hole = fields.ellipse(folded[:, 0] + 2.8 * size, folded[:, 2] - 28.2 * size, (3.3 * size, 3.0 * size))
    transverse = fields.cut(transverse, hole, 0.8)
    ring = fields.join(anterior, tubercle, mass, blend=2.5 * size)
    return fields.join(ring, posterior, knob, transverse, blend=2.5 * size)


def axis_field(shape: VertebraShape, folded: Array, body: Array) -> Array:
    """C2, origin at the centre of its body: dens, sloping shoulders for the atlas, stout forked spine."""
    size = shape.depth / 15.3
    half, wall = shape.posterior_height / 2, shape.wall
    back = wall - shape.canal_depth
    dens = fields.strand(
        folded,
        [
            (0.5 * size, half - 3 * size, 0, 5.6 * size),
            (1.0 * size, half + 4 * size, 0, 4.6 * size),
            (0.0, half + 10.5 * size, 0, 5.0 * size),
            (-1.5 * size, half + 14.0 * size, 0, 3.4 * size),
        ],
        smooth=4,
    )
    shoulder = fields.ellipsoid(
        folded, (-1.5 * size, half - 2.8 * size, 14.5 * size), np.array([9.0, 4.2, 8.4]) * size, fields.turn("x", 24)
    )
    pillar = (wall - 7 * size, -2.0 * size, shape.canal_width / 2 + 3.5 * size)
    pars = fields.strand(folded, [(-3 * size, 2 * size, 13 * size, 4.6 * size), (*pillar, 4.0 * size)], (1.0, 1.2, 1.0))
    inferior = fields.strand(
        folded,
        [(*pillar, 3.8 * size), (wall - 9.5 * size, -half - 1.5 * size, pillar[2] - 0.5 * size, 3.4 * size)],
        (1.1, 1.0, 1.3),
    )
    lamina = fields.ribbon(
        folded,
        [
            (*pillar, 3.0 * size),
            (back + 2.6 * size, -2.5 * size, shape.canal_width * 0.40, 3.4 * size),
            (back - 1.9 * size, -3.0 * size, 3.6 * size, 3.4 * size),
            (back - 2.5 * size, -3.0 * size, 0, 3.4 * size),
        ],
        2.8 * size,
    )
    tip = wall - shape.spinous_reach
    fork = (tip + 7.5 * size, -5 * size, 1.5 * size, 4.2 * size)
    spine = fields.strand(folded, [(back - 1 * size, -3.0 * size, 0, 4.0 * size), fork], (1.0, 1.35, 1.0))
    prong = fields.strand(
        folded, [fork, (tip + 2.8 * size, -shape.spinous_drop, 5.5 * size, 2.8 * size)], (1.0, 1.2, 1.0)
    )
    transverse = fields.strand(
        folded,
        [
            (-3.5 * size, -0.5 * size, 17 * size, 4.6 * size),
            (-6.5 * size, -4.0 * size, shape.transverse_span / 2 - 3.6 * size, 3.6 * size),
        ],
    )
    hole_line = fields.strand(
        folded, [(-4.4 * size, -14 * size, 18.5 * size, 1.9 * size), (-3.2 * size, 14 * size, 23.5 * size, 1.9 * size)]
    )
    arch = fields.join(shoulder, pars, inferior, lamina, blend=3.0 * size)
    arch = fields.join(arch, spine, prong, transverse, blend=2.6 * size)
    canal_centre = wall - shape.canal_depth / 2
    canal = fields.ellipse(folded[:, 0] - canal_centre, folded[:, 2], (shape.canal_depth / 2, shape.canal_width / 2))
    arch = fields.cut(fields.cut(arch, canal, 1.5), hole_line, 0.8)
    return fields.join(fields.join(body, arch, blend=3.0 * size), dens, blend=3.5 * size)
