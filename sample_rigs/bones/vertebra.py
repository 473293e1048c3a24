"""The presacral vertebrae C1 to L5: waisted body with rimmed endplates, arch round the vertebral foramen, processes.

Frame: X forward, Y up, Z to the right, origin at the centre of the body (C1: midway between its lateral masses;
C2: the centre of its body without the dens). Figures are millimetres; where a comment gives none else, positions are
this project's own drawing, in proportion to `VertebraShape`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import fields
from .fields import Array
from .mesh_tools import BoneMesh, even_axis, mesh_from_field
from .upper_cervical import atlas_field, axis_field
from .vertebra_shapes import CERVICAL, LEVELS, LUMBAR, SHAPES, VertebraShape

CELL_MM = {"C": 1.5, "T": 1.75, "L": 2.1}
VERTICES = {"C": 560, "T": 620, "L": 1050}


def vertebra(
    level: str,
    *,
    wedge_deg: float | None = None,
    scale: float = 1.0,
    body_height: float | None = None,
    body_width: float | None = None,
    body_depth: float | None = None,
    detail: float = 1.0,
) -> BoneMesh:
    """One vertebra as a closed mesh of triangles, in metres.

    Args:
        level: "C1" .. "C7", "T1" .. "T12", "L1" .. "L5".
        wedge_deg: angle between the endplates, positive where the body is taller in front; default by level.
        scale: factor on every length of the table, 1 for the mean adult.
        body_height: distance of the endplates' rims at the body's centre line, m.
        body_width: width of the endplates, m (mean of upper and lower; their ratio stays).
        body_depth: depth of the endplates from front to back, m (mean of upper and lower).
        detail: factor on the number of vertices (560 to 1050).

    Raises:
        ValueError: unknown level, or a size that is not positive.
    """
    shape = shape_of(level, wedge_deg, scale, body_height, body_width, body_depth)
    cell = CELL_MM[level[0]] * scale / np.sqrt(detail)
    x_span, y_span, z_half = _extent(level, shape)
    axes = (even_axis(*x_span, cell), even_axis(*y_span, cell), even_axis(-z_half, z_half, cell))
    return mesh_from_field(
        lambda points: vertebra_field(level, shape, points), axes, round(VERTICES[level[0]] * detail)
    )


def shape_of(
    level: str,
    wedge_deg: float | None = None,
    scale: float = 1.0,
    body_height: float | None = None,
    body_width: float | None = None,
    body_depth: float | None = None,
) -> VertebraShape:
    """The sizes in mm that `vertebra` uses for the same arguments.

    Raises:
        ValueError: unknown level, or a size that is not positive.
    """
    if level not in SHAPES:
        raise ValueError(f"unknown vertebra {level!r}: choose from {', '.join(LEVELS)}")
    asked = {"scale": scale, "body_height": body_height, "body_width": body_width, "body_depth": body_depth}
    for name, size in asked.items():
        if size is not None and not size > 0:
            raise ValueError(f"{name} must be positive, not {size}")
    table = SHAPES[level]
    lengths = {name: getattr(table, name) * scale for name in table.__slots__ if name != "wedge_deg"}
    shape = VertebraShape(**lengths, wedge_deg=table.wedge_deg if wedge_deg is None else wedge_deg)
    if body_width is not None:
        factor = body_width * 1e3 / ((shape.upper_width + shape.lower_width) / 2)
        shape = replace(shape, upper_width=shape.upper_width * factor, lower_width=shape.lower_width * factor)
    if body_depth is not None:
        factor = body_depth * 1e3 / shape.depth
        shape = replace(shape, upper_depth=shape.upper_depth * factor, lower_depth=shape.lower_depth * factor)
    if body_height is not None:
        shape = replace(shape, posterior_height=body_height * 1e3 - _wedge_rise(shape))
    return shape


def central_height(shape: VertebraShape) -> float:
    """Distance of the endplates' rim planes at the centre of the body, mm."""
    return shape.posterior_height + _wedge_rise(shape)


def _wedge_rise(shape: VertebraShape) -> float:
    return shape.depth * float(np.tan(np.radians(shape.wedge_deg) / 2))


def vertebra_field(level: str, shape: VertebraShape, points: Array) -> Array:
    """Signed distance [N] in mm of the vertebra at `points` [N, 3] mm."""
    folded = fields.mirrored_halves(points)
    if level == "C1":
        return atlas_field(shape, folded)
    body = body_field(shape, folded, uncinate=level in CERVICAL and level != "C2")
    if level == "C2":
        return axis_field(shape, folded, body)
    if level in CERVICAL:
        return _cervical(level, shape, folded, body)
    return _lumbar(shape, folded, body) if level in LUMBAR else _thoracic(level, shape, folded, body)


def _extent(level: str, shape: VertebraShape) -> tuple[tuple[float, float], tuple[float, float], float]:
    front = shape.depth * 0.65 + 2
    back = shape.wall - shape.spinous_reach - 5
    half = central_height(shape) / 2
    up = {"C": 16.0, "T": 16.0, "L": 18.0}[level[0]]
    top = half + (30.0 if level == "C2" else up)
    low = min(-half - 26.0 if level in LUMBAR else -half - 18.0, -shape.spinous_drop - 12.0)
    return (back, front + (12.0 if level == "C1" else 0.0)), (low, top), max(shape.transverse_span / 2, 30) + 6


def body_field(shape: VertebraShape, folded: Array, *, uncinate: bool = False) -> Array:
    """The vertebral body: widest at the rims of its dished endplates, waisted between, its back wall hollowed."""
    x, y, z = folded.T
    slope = np.tan(np.radians(shape.wedge_deg) / 2)
    half = central_height(shape) / 2
    share = np.clip(y / (half + x * slope), -1.0, 1.0)
    upper = (share + 1) / 2
    # full size is reached short of the rim, where its rounding begins
    narrowing = 1 - 0.13 * np.clip(1 - (share / 0.74) ** 2, 0.0, 1.0)
    depth = (shape.lower_depth * (1 - upper) + shape.upper_depth * upper) * narrowing
    width = (shape.lower_width * (1 - upper) + shape.upper_width * upper) * narrowing
    # the ellipse runs on behind the back wall, which cuts it off: kidney-shaped as in life
    front, back = depth / 2, depth / 2 * 1.16
    local = x / np.where(x > 0, front, back)
    level = np.hypot(np.abs(local), z / (width / 2))
    side = (level - 1) * np.minimum(front, width / 2)
    hollow = shape.canal_depth * 0.10 * np.exp(-((z / (shape.canal_width * 0.32)) ** 2))
    side = fields.meet(side, -(x + depth / 2 - hollow * 0.9), blend=4.0)
    dish = np.clip(1 - (level / 0.84) ** 2, 0.0, 1.0) * 0.055 * half * 2
    ends = np.maximum(y - (half + x * slope) + dish, -(half + x * slope) - y + dish) / np.hypot(1, slope)
    body = fields.meet(side, ends, blend=0.14 * half * 2)
    if not uncinate:
        return body
    hook = fields.strand(
        folded,
        [
            (shape.wall + 2.5, half + 0.6, shape.upper_width / 2 + 0.2, 1.5),
            (shape.depth * 0.2, half - 0.6, shape.upper_width / 2 - 0.2, 1.2),
        ],
        (1.0, 1.9, 1.0),
    )
    return fields.join(body, hook, blend=4.0)


def _canal(shape: VertebraShape, folded: Array, roundness: float) -> Array:
    """The vertebral foramen: an upright elliptic cylinder, drawn to a ridge behind when `roundness` < 1."""
    x, _, z = folded.T
    centre = shape.wall - shape.canal_depth / 2
    behind = np.clip((centre - x) / (shape.canal_depth / 2), 0.0, 1.0)
    half_width = shape.canal_width / 2 * (1 - (1 - roundness) * behind)
    return fields.ellipse(
        x - centre, z * (shape.canal_width / 2) / half_width, (shape.canal_depth / 2, shape.canal_width / 2)
    )


def _finish(shape: VertebraShape, folded: Array, body: Array, arch: Array, roundness: float) -> Array:
    # the canal is cut from the arch alone, so that the body keeps its measured back wall
    return fields.join(body, fields.cut(arch, _canal(shape, folded, roundness), 1.5), blend=2.0)


def _lumbar(shape: VertebraShape, folded: Array, body: Array) -> Array:
    x, y, z = folded.T
    half, wall = central_height(shape) / 2, shape.wall
    size = shape.depth / 35.0
    pedicle_z = shape.canal_width / 2 + shape.pedicle_width * 0.36
    pedicle_y = half - shape.pedicle_height / 2 - 0.5 * size
    back = wall - shape.canal_depth
    pillar = (wall - 13 * size, pedicle_y - 1.5 * size, shape.canal_width / 2 + 3.5 * size)
    pedicle = fields.ribbon(
        folded,
        [(wall + 5, pedicle_y, pedicle_z, shape.pedicle_width / 2), (*pillar, min(shape.pedicle_width / 2, 6 * size))],
        max(0.0, (shape.pedicle_height - shape.pedicle_width) / 2),
    )
    lamina = fields.ribbon(
        folded,
        [
            (*pillar, 3.6 * size),
            (back - 1.0 * size, -5 * size, 4 * size, 3.6 * size),
            (back - 3 * size, -6 * size, 0, 3.6 * size),
        ],
        6.0 * size,
    )
    superior = fields.strand(
        folded,
        [
            (*pillar, 5.0 * size),
            (wall - 14 * size, half + 2 * size, shape.canal_width / 2 + 5.5 * size, 5.0 * size),
            (wall - 15.5 * size, half + 5.5 * size, shape.canal_width / 2 + 6 * size, 4.6 * size),
        ],
        (1.4, 1.0, 0.9),
        smooth=3,
    )
    # the facet faces inwards: its hollow is shaved off with an upright cylinder
    superior = fields.cut(
        superior,
        fields.ellipse(x - (wall - 17.5 * size), z - (shape.canal_width / 2 - 2.0 * size), (9.0 * size, 6.2 * size)),
        1.5,
    )
    inferior = fields.strand(
        folded,
        [
            (back + 1 * size, -5 * size, shape.canal_width / 2 - 1 * size, 4.2 * size),
            (back - 1.5 * size, -half - 2 * size, shape.canal_width / 2 - 1.0 * size, 4.6 * size),
            (back - 2.0 * size, -half - 8.5 * size, shape.canal_width / 2 + 0.2 * size, 4.3 * size),
        ],
        (1.1, 1.0, 1.05),
        smooth=3,
    )
    tip = shape.transverse_span / 2
    transverse = fields.strand(
        folded,
        [
            (wall - 8 * size, pedicle_y - 2 * size, pedicle_z + 2 * size, 3.6 * size),
            (wall - 13 * size, pedicle_y - 1 * size, pedicle_z + 0.45 * (tip - pedicle_z), 2.5 * size),
            (wall - 17 * size, pedicle_y + 1.5 * size, tip - 2.4 * size, 2.4 * size),
        ],
        (1.0, 1.75, 1.0),
        smooth=3,
    )
    mamillary = fields.ellipsoid(
        folded,
        (wall - 19.5 * size, half + 2.0 * size, shape.canal_width / 2 + 6.5 * size),
        np.array([3.4, 4.2, 3.0]) * size,
    )
    arch = fields.join(pedicle, lamina, superior, blend=3.5 * size)
    arch = fields.join(arch, inferior, transverse, blend=4.0 * size)
    arch = fields.join(arch, mamillary, _hatchet(shape, folded, size), blend=3.0 * size)
    return _finish(shape, folded, body, arch, 0.72)


def _hatchet(shape: VertebraShape, folded: Array, size: float) -> Array:
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


def _thoracic(level: str, shape: VertebraShape, folded: Array, body: Array) -> Array:
    number = int(level[1:])
    half, wall = central_height(shape) / 2, shape.wall
    size = (shape.depth + 8) / 36.0
    back = wall - shape.canal_depth
    low_end = max(0.0, (number - 10) / 2)  # T11 and T12 grow towards the lumbar form
    pedicle_z = shape.canal_width / 2 + shape.pedicle_width * 0.42
    pedicle_y = half - shape.pedicle_height / 2 + 0.3
    pillar = (wall - 8 * size, pedicle_y - 0.5, shape.canal_width / 2 + 3.2 * size)
    pedicle = fields.ribbon(
        folded,
        [(wall + 4, pedicle_y, pedicle_z, shape.pedicle_width / 2), (*pillar, shape.pedicle_width / 2 + 0.3)],
        (0.9 * shape.pedicle_height - shape.pedicle_width) / 2,
    )
    lamina = fields.ribbon(
        folded,
        [
            (*pillar, 3.2 * size),
            (back - 1.0 * size, -3.5 * size, 4.0 * size, 3.2 * size),
            (back - 2.6 * size, -4 * size, 0, 3.2 * size),
        ],
        5.0 * size,
    )
    superior = fields.strand(
        folded,
        [
            (wall - 8.5 * size, pedicle_y, shape.canal_width / 2 + 1.6 * size, 3.4 * size),
            (wall - 8.2 * size, half + 4.6 * size, shape.canal_width / 2 + 1.6 * size, 2.7 * size),
        ],
        (0.8, 1.0, 1.9),
    )
    inferior = fields.strand(
        folded,
        [
            (back + 0.5 * size, -3 * size, shape.canal_width / 2 - 1.0 * size, 3.0 * size),
            (back + 0.0 * size, -half - 5.0 * size, shape.canal_width / 2 - 0.6 * size, 2.4 * size),
        ],
        (0.9, 1.0, 1.9),
    )
    tip = shape.transverse_span / 2
    swept = (15 - 0.5 * number) * size * (1 - 0.35 * low_end)
    transverse = fields.strand(
        folded,
        [
            (pillar[0], pedicle_y - 1.0, pillar[2] + 0.5, 4.3 * size),
            (pillar[0] - swept * 0.55, pedicle_y + 0.5 * size, pillar[2] + (tip - pillar[2]) * 0.5, 3.4 * size),
            (pillar[0] - swept, pedicle_y + 1.5 * size, tip - 4.0 * size, 4.0 * size),
        ],
        (1.0, 1.25, 1.0),
        smooth=3,
    )
    arch = fields.join(pedicle, lamina, superior, blend=3.0 * size)
    arch = fields.join(arch, inferior, transverse, blend=3.2 * size)
    spine = _hatchet(shape, folded, size * (0.68 + 0.08 * (number - 11))) if number >= 11 else _thoracic_spine(shape, folded, size)
    arch = fields.join(arch, spine, blend=3.5 * size)
    return _with_rib_facets(shape, folded, _finish(shape, folded, body, arch, 0.95), size)


def _thoracic_spine(shape: VertebraShape, folded: Array, size: float) -> Array:
    """The long spinous process: a three-sided rod that slants down and ends in a small knob."""
    back = shape.wall - shape.canal_depth
    tip = (shape.wall - shape.spinous_reach + 2.5 * size, -shape.spinous_drop + 5.0 * size)
    root = (back - 2.0 * size, -3.0 * size)
    middle = (root[0] * 0.5 + tip[0] * 0.5, root[1] * 0.5 + tip[1] * 0.5 + 1.5 * size)
    return fields.strand(
        folded, [(*root, 0, 4.6 * size), (*middle, 0, 3.4 * size), (*tip, 0, 3.0 * size)], (1.0, 1.6, 1.0), smooth=4
    )


def _with_rib_facets(shape: VertebraShape, folded: Array, bone: Array, size: float) -> Array:
    """Shallow dents for the rib heads, at the upper and lower back corners of the body."""
    half = central_height(shape) / 2
    for height, width in ((half - 1.0, shape.upper_width), (-half + 1.0, shape.lower_width)):
        dent = fields.ellipsoid(
            folded, (shape.wall + 4.5 * size, height, width / 2 + 3.0 * size), np.array([5.0, 4.2, 4.0]) * size
        )
        bone = fields.cut(bone, dent, 2.5)
    return bone


def _cervical(level: str, shape: VertebraShape, folded: Array, body: Array) -> Array:
    half, wall = central_height(shape) / 2, shape.wall
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
    return _finish(shape, folded, body, arch, 0.62)


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
