"""Arch and processes of C3 to C7: ring for the vertebral artery, articular pillars, short forked spinous process.

Positions are this project's own drawing in mm, chosen by eye after anatomy textbooks.
"""

from __future__ import annotations

import numpy as np

from . import fields
from .fields import Array
from .vertebra_shapes import VertebraShape
from .vertebral_body import with_arch


def cervical_field(level: str, shape: VertebraShape, folded: Array, body: Array) -> Array:
    """Signed distance [N] of a whole vertebra from C3 to C7, given that of its body."""
    wall = shape.wall
    back = wall - shape.canal_depth
    pillar = (wall - 6.5, 0.0, shape.canal_width / 2 + 5.0)
    pedicle = fields.strand(
        folded,
        [(wall + 3, 0.8, shape.upper_width / 2 - 1.5, shape.pedicle_width / 2), (*pillar, shape.pedicle_width / 2)],
        (1.0, shape.pedicle_height / shape.pedicle_width, 1.0),
    )
    # the articular pillar: a slanting short column whose ends are the facets
    column = fields.strand(
        folded,
        [(pillar[0] + 1.6, 6.2, pillar[2], 4.3), (pillar[0] - 3.0, -6.2, pillar[2] - 0.3, 4.3)],
        (1.0, 1.0, 1.25),
    )
    ends = np.abs(folded[:, 1] + 0.75 * (folded[:, 0] - pillar[0] + 0.7)) * 0.8 - 7.2
    column = fields.meet(column, ends, blend=1.5)
    lamina = fields.ribbon(
        folded, [(pillar[0] - 3, -1, pillar[2] - 1, 2.7), (back - 1.0, -2.2, 3.5, 2.6), (back - 2.2, -2.4, 0, 2.6)], 3.0
    )
    arch = fields.join(pedicle, column, lamina, blend=2.5)
    arch = fields.join(arch, _transverse_ring(level, shape, folded), blend=1.8)
    arch = fields.join(arch, _cervical_spine(level, shape, folded), blend=3.0)
    return with_arch(shape, folded, body, arch, 0.62)


def _transverse_ring(level: str, shape: VertebraShape, folded: Array) -> Array:
    """Front (costal) and back bar of the transverse process, round the foramen of the vertebral artery."""
    tip = shape.transverse_span / 2
    side = shape.upper_width / 2
    thick = 2.5 if level == "C7" else 2.0
    hole = (shape.wall + 3.0, side + 5.2)
    front = fields.strand(
        folded,
        [
            (shape.wall + 6.0, -1.0, side - 0.5, thick),
            (hole[0] + 4.6, -1.8, hole[1] + 0.3, 1.9),
            (shape.wall - 0.5, -2.8, tip - thick - 1.2, thick),
        ],
        (1.0, 1.3, 1.0),
        smooth=3,
    )
    rear = fields.strand(
        folded,
        [(shape.wall - 4.0, -0.5, side + 4.0, 2.4), (shape.wall - 4.2, -2.4, tip - thick - 0.4, thick)],
        (1.0, 1.3, 1.0),
    )
    ring = fields.join(front, rear, blend=2.2)
    return fields.cut(ring, fields.ellipse(folded[:, 0] - hole[0], folded[:, 2] - hole[1], (2.9, 3.0)), 0.8)


def _cervical_spine(level: str, shape: VertebraShape, folded: Array) -> Array:
    """The spinous process: forked at the tip from C3 to C6, one long knob on C7."""
    back = shape.wall - shape.canal_depth
    tip = shape.wall - shape.spinous_reach
    if level == "C7":
        rod = [
            (back - 1, -2.5, 0.0, 3.4),
            ((back + tip) / 2, -7.0, 0.0, 2.9),
            (tip + 3.6, -shape.spinous_drop, 0.0, 3.6),
        ]
        return fields.strand(folded, rod, (1.0, 1.35, 0.95), smooth=3)
    fork = (back * 0.45 + tip * 0.55, -shape.spinous_drop * 0.72)
    rod = [(back - 1, -2.4, 0.0, 3.0), (*fork, 0.8, 2.6)]
    prong = [(*fork, 0.8, 2.6), (tip + 2.2, -shape.spinous_drop, 4.4, 2.1)]
    return fields.join(fields.strand(folded, rod, (1.0, 1.3, 1.0)), fields.strand(folded, prong), blend=2.0)
