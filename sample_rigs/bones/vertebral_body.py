"""The body of a vertebra and the canal behind it, which all regions of the spine share. Figures are millimetres."""

from __future__ import annotations

import numpy as np

from . import fields
from .fields import Array
from .vertebra_shapes import VertebraShape


def central_height(shape: VertebraShape) -> float:
    """Distance of the endplates' rim planes at the centre of the body, mm."""
    return shape.posterior_height + wedge_rise(shape)


def wedge_rise(shape: VertebraShape) -> float:
    """How much taller the body is at its centre than at its back wall, mm."""
    return shape.depth * float(np.tan(np.radians(shape.wedge_deg) / 2))


def body_field(shape: VertebraShape, folded: Array, *, uncinate: bool = False) -> Array:
    """The vertebral body: widest at the rims of its dished endplates, waisted between, its back wall hollowed."""
    x, y, z = folded.T
    slope = np.tan(np.radians(shape.wedge_deg) / 2)
    half = central_height(shape) / 2
    share = np.clip(y / (half + x * slope), -1.0, 1.0)
    upper = np.clip((share / 0.74 + 1) / 2, 0.0, 1.0)
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


def canal(shape: VertebraShape, folded: Array, roundness: float) -> Array:
    """The vertebral foramen: an upright elliptic cylinder, drawn to a ridge behind when `roundness` < 1."""
    x, _, z = folded.T
    centre = shape.wall - shape.canal_depth / 2
    behind = np.clip((centre - x) / (shape.canal_depth / 2), 0.0, 1.0)
    half_width = shape.canal_width / 2 * (1 - (1 - roundness) * behind)
    return fields.ellipse(
        x - centre, z * (shape.canal_width / 2) / half_width, (shape.canal_depth / 2, shape.canal_width / 2)
    )


def beside_canal(shape: VertebraShape, outside: float, height: float) -> tuple[float, float, float]:
    """A point `outside` mm off the canal's wall, half-way between its side and its back."""
    half_depth, half_width = shape.canal_depth / 2, shape.canal_width / 2
    return shape.wall - half_depth - 0.78 * (half_depth + outside), height, 0.62 * (half_width + outside)


def with_arch(shape: VertebraShape, folded: Array, body: Array, arch: Array, roundness: float) -> Array:
    """Body and arch together, the vertebral foramen open."""
    # the canal is cut from the arch alone, so that the body keeps its measured back wall
    return fields.join(body, fields.cut(arch, canal(shape, folded, roundness), 1.5), blend=2.0)
