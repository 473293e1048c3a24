"""Arch and processes of the lumbar vertebrae: stout pedicles, upright facets, hatchet-shaped spinous process.

Positions are this project's own drawing in mm, in proportion to `VertebraShape`.
"""

from __future__ import annotations

import numpy as np

from . import fields
from .fields import Array
from .vertebra_shapes import VertebraShape
from .vertebral_body import central_height, with_arch

Point = tuple[float, float, float]


def lumbar_field(shape: VertebraShape, folded: Array, body: Array) -> Array:
    """Signed distance [N] of a whole lumbar vertebra, given that of its body."""
    size = shape.depth / 35.0
    pedicle_z = shape.canal_width / 2 + shape.pedicle_width * 0.36
    pedicle_y = central_height(shape) / 2 - shape.pedicle_height / 2 - 0.5 * size
    pillar = (shape.wall - 13 * size, pedicle_y - 1.5 * size, shape.canal_width / 2 + 3.5 * size)
    pedicle = fields.ribbon(
        folded,
        [
            (shape.wall + 5, pedicle_y, pedicle_z, shape.pedicle_width / 2),
            (*pillar, min(shape.pedicle_width / 2, 6 * size)),
        ],
        max(0.0, (shape.pedicle_height - shape.pedicle_width) / 2),
    )
    back = shape.wall - shape.canal_depth
    lamina = fields.ribbon(
        folded,
        [
            (*pillar, 3.6 * size),
            (back - 1.0 * size, -5 * size, 4 * size, 3.6 * size),
            (back - 3 * size, -6 * size, 0, 3.6 * size),
        ],
        6.0 * size,
    )
    superior, inferior, mamillary = _articular(shape, folded, pillar, size)
    transverse = _transverse(shape, folded, (pedicle_y, pedicle_z), size)
    arch = fields.join(pedicle, lamina, superior, blend=3.5 * size)
    arch = fields.join(arch, inferior, transverse, blend=4.0 * size)
    arch = fields.join(arch, mamillary, hatchet(shape, folded, size), blend=3.0 * size)
    return with_arch(shape, folded, body, arch, 0.72)


def _articular(shape: VertebraShape, folded: Array, pillar: Point, size: float) -> tuple[Array, Array, Array]:
    """Superior and inferior articular processes, and the mamillary knob behind the upper facet."""
    wall, half, side = shape.wall, central_height(shape) / 2, shape.canal_width / 2
    back = wall - shape.canal_depth
    superior = fields.strand(
        folded,
        [
            (*pillar, 5.0 * size),
            (wall - 14 * size, half + 2 * size, side + 5.5 * size, 5.0 * size),
            (wall - 15.5 * size, half + 5.5 * size, side + 6 * size, 4.6 * size),
        ],
        (1.4, 1.0, 0.9),
        smooth=3,
    )
    # the facet faces inwards: its hollow is shaved off with an upright cylinder
    hollow_x, hollow_z = folded[:, 0] - (wall - 17.5 * size), folded[:, 2] - (side - 2.0 * size)
    superior = fields.cut(superior, fields.ellipse(hollow_x, hollow_z, (9.0 * size, 6.2 * size)), 1.5)
    inferior = fields.strand(
        folded,
        [
            (back + 1 * size, -5 * size, side - 1 * size, 4.2 * size),
            (back - 1.5 * size, -half - 2 * size, side - 1.0 * size, 4.6 * size),
            (back - 2.0 * size, -half - 8.5 * size, side + 0.2 * size, 4.3 * size),
        ],
        (1.1, 1.0, 1.05),
        smooth=3,
    )
    knob = (wall - 19.5 * size, half + 2.0 * size, side + 6.5 * size)
    return superior, inferior, fields.ellipsoid(folded, knob, np.array([3.4, 4.2, 3.0]) * size)


def _transverse(shape: VertebraShape, folded: Array, pedicle: tuple[float, float], size: float) -> Array:
    height, root = pedicle
    tip = shape.transverse_span / 2
    return fields.strand(
        folded,
        [
            (shape.wall - 8 * size, height - 2 * size, root + 2 * size, 3.6 * size),
            (shape.wall - 13 * size, height - 1 * size, root + 0.45 * (tip - root), 2.5 * size),
            (shape.wall - 17 * size, height + 1.5 * size, tip - 2.4 * size, 2.4 * size),
        ],
        (1.0, 1.75, 1.0),
        smooth=3,
    )


def hatchet(shape: VertebraShape, folded: Array, size: float) -> Array:
    """The lumbar spinous process: a tall upright blade, thicker along its lower and hind borders."""
    x, y, z = folded.T
    root, tip = shape.wall - shape.canal_depth - 2 * size, shape.wall - shape.spinous_reach
    middle = -shape.spinous_drop
    edge = fields.outline(
        x,
        y,
        [
            (root + 1, 3.0 * size),
            ((root + tip) / 2, middle + 10.0 * size),
            (tip + 3.5, middle + 8.5 * size),
            (tip + 2.8, middle - 1.0 * size),
            (tip + 4.5, middle - 12.5 * size),
            ((root + tip) / 2, middle - 8.0 * size),
            (root + 1, -15.0 * size),
        ],
        rounding=2.8,
        smooth=4,
    )
    towards_tip = np.clip((root - x) / (root - tip), 0.0, 1.2)
    thick = (2.9 + 2.0 * towards_tip**4 + 0.9 * np.clip((middle - y) / (8 * size), 0, 1)) * size
    return fields.meet(edge, z - thick, blend=3.0 * size)
