"""Arch and processes of the thoracic vertebrae: long slanting spinous process, club-ended transverse processes.

Positions are this project's own drawing in mm, in proportion to `VertebraShape`.
"""

from __future__ import annotations

import numpy as np

from . import fields
from .fields import Array
from .lumbar_arch import hatchet
from .vertebra_shapes import VertebraShape
from .vertebral_body import beside_canal, central_height, with_arch


def thoracic_field(number: int, shape: VertebraShape, folded: Array, body: Array) -> Array:
    """Signed distance [N] of the whole vertebra T`number`, given that of its body."""
    wall = shape.wall
    size = (shape.depth + 8) / 36.0
    back = wall - shape.canal_depth
    pedicle_z = shape.canal_width / 2 + shape.pedicle_width * 0.42
    pedicle_y = central_height(shape) / 2 - shape.pedicle_height / 2 + 0.3
    pillar = (wall - 8 * size, pedicle_y - 0.5, shape.canal_width / 2 + 3.2 * size)
    pedicle = fields.ribbon(
        folded,
        [(wall + 4, pedicle_y, pedicle_z, shape.pedicle_width / 2), (*pillar, shape.pedicle_width / 2 + 0.3)],
        max(0.0, (0.9 * shape.pedicle_height - shape.pedicle_width) / 2),
    )
    lamina = fields.ribbon(
        folded,
        [
            (*pillar, 3.2 * size),
            (*beside_canal(shape, 1.8 * size, -2.5 * size), 3.1 * size),
            (back - 1.8 * size, -3.5 * size, 3.0 * size, 3.2 * size),
            (back - 2.6 * size, -4 * size, 0, 3.2 * size),
        ],
        5.0 * size,
    )
    superior, inferior = _articular(shape, folded, pedicle_y, size)
    arch = fields.join(pedicle, lamina, superior, blend=3.0 * size)
    arch = fields.join(arch, inferior, _transverse(number, shape, folded, pillar, size), blend=3.2 * size)
    # the last two have short, upright spines like lumbar ones
    spine = (
        hatchet(shape, folded, size * (0.68 + 0.08 * (number - 11)))
        if number >= 11
        else _thoracic_spine(shape, folded, size)
    )
    arch = fields.join(arch, spine, blend=3.5 * size)
    return with_arch(shape, folded, _with_rib_facets(shape, folded, body, size), arch, 0.95)


def _articular(shape: VertebraShape, folded: Array, pedicle_y: float, size: float) -> tuple[Array, Array]:
    """Superior and inferior articular processes: thin plates that face back and forward."""
    wall, half, side = shape.wall, central_height(shape) / 2, shape.canal_width / 2
    back = wall - shape.canal_depth
    superior = fields.strand(
        folded,
        [
            (wall - 8.5 * size, pedicle_y, side + 1.6 * size, 3.4 * size),
            (wall - 8.2 * size, half + 4.6 * size, side + 1.6 * size, 2.7 * size),
        ],
        (0.8, 1.0, 1.9),
    )
    inferior = fields.strand(
        folded,
        [
            (back + 0.5 * size, -3 * size, side - 1.0 * size, 3.0 * size),
            (back, -half - 5.0 * size, side - 0.6 * size, 2.4 * size),
        ],
        (0.9, 1.0, 1.9),
    )
    return superior, inferior


def _transverse(
    number: int, shape: VertebraShape, folded: Array, pillar: tuple[float, float, float], size: float
) -> Array:
    """Backwards and out, less so on T11 and T12, which carry floating ribs."""
    tip = shape.transverse_span / 2
    swept = (15 - 0.5 * number) * size * (1 - 0.35 * max(0.0, (number - 10) / 2))
    x, y, z = pillar
    return fields.strand(
        folded,
        [
            (x, y - 0.5, z + 0.5, 4.3 * size),
            (x - swept * 0.55, y + 0.5 + 0.5 * size, z + (tip - z) * 0.5, 3.4 * size),
            (x - swept, y + 0.5 + 1.5 * size, tip - 4.0 * size, 4.0 * size),
        ],
        (1.0, 1.25, 1.0),
        smooth=3,
    )


def _thoracic_spine(shape: VertebraShape, folded: Array, size: float) -> Array:
    """The long spinous process: a three-sided rod that slants down and ends in a small knob."""
    back = shape.wall - shape.canal_depth
    tip = (shape.wall - shape.spinous_reach + 2.5 * size, -shape.spinous_drop + 5.0 * size)
    root = (back - 2.0 * size, -3.0 * size)
    middle = (root[0] * 0.5 + tip[0] * 0.5, root[1] * 0.5 + tip[1] * 0.5 + 1.5 * size)
    return fields.strand(
        folded, [(*root, 0, 4.6 * size), (*middle, 0, 3.4 * size), (*tip, 0, 3.0 * size)], (1.0, 1.6, 1.0), smooth=4
    )


def _with_rib_facets(shape: VertebraShape, folded: Array, body: Array, size: float) -> Array:
    """Shallow dents for the rib heads, at the upper and lower back corners of the body."""
    half = central_height(shape) / 2
    for height, width in ((half - 1.0, shape.upper_width), (-half + 1.0, shape.lower_width)):
        dent = fields.ellipsoid(
            folded, (shape.wall + 4.5 * size, height, width / 2 + 3.0 * size), np.array([5.0, 4.2, 4.0]) * size
        )
        body = fields.cut(body, dent, 2.5)
    return body
