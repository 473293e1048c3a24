"""The presacral vertebrae C1 to L5: waisted body with rimmed endplates, arch round the vertebral foramen, processes.

Frame: X forward, Y up, Z to the right, origin at the centre of the body (C1: midway between its lateral masses;
C2: the centre of its body without the dens). Figures are millimetres; their sources stand in `vertebra_shapes`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import fields
from .cervical_arch import cervical_field
from .fields import Array
from .lumbar_arch import lumbar_field
from .mesh_tools import BoneMesh
from .surface_nets import even_axis, mesh_from_field
from .thoracic_arch import thoracic_field
from .upper_cervical import atlas_field, axis_field
from .vertebra_shapes import CERVICAL, LEVELS, LUMBAR, SHAPES, VertebraShape
from .vertebral_body import body_field, central_height, wedge_rise

CELL_MM = {"C": 1.5, "T": 1.75, "L": 2.1}
VERTICES = {"C": 540, "T": 600, "L": 1000}


def vertebra(
    level: str,
    *,
    wedge_deg: float | None = None,
    scale: float | None = None,
    body_height: float | None = None,
    body_width: float | None = None,
    body_depth: float | None = None,
    detail: float = 1.0,
) -> BoneMesh:
    """One vertebra as a closed mesh of triangles, in metres.

    Args:
        level: "C1" .. "C7", "T1" .. "T12", "L1" .. "L5".
        wedge_deg: angle between the endplates, positive where the body is taller in front; default by level.
        scale: factor on every length of the table, 1 for the mean adult; when not given, that of the width and depth
            asked for the body.
        body_height: distance of the endplates' rims at the body's centre line, m.
        body_width: width of the endplates, m (mean of upper and lower; their ratio stays).
        body_depth: depth of the endplates from front to back, m (mean of upper and lower).
        detail: factor on the number of vertices (540 to 1000).

    Raises:
        ValueError: unknown level, or a size that is not positive.
    """
    shape = shape_of(level, wedge_deg, scale, body_height, body_width, body_depth)
    factor = _scale_of(level, scale, body_width, body_depth)
    shape = _scaled(shape, 1 / factor)  # drawn at the table's size, since radii and fillets are in mm
    cell = CELL_MM[level[0]] / np.sqrt(detail)
    x_span, y_span, z_half = _extent(level, shape)
    axes = (even_axis(*x_span, cell), even_axis(*y_span, cell), even_axis(-z_half, z_half, cell))
    mesh = mesh_from_field(
        lambda points: vertebra_field(level, shape, points), axes, round(VERTICES[level[0]] * detail)
    )
    return mesh.scaled(factor)


def shape_of(
    level: str,
    wedge_deg: float | None = None,
    scale: float | None = None,
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
    shape = _scaled(SHAPES[level], _scale_of(level, scale, body_width, body_depth))
    if wedge_deg is not None:
        shape = replace(shape, wedge_deg=wedge_deg)
    if body_width is not None:
        factor = body_width * 1e3 / ((shape.upper_width + shape.lower_width) / 2)
        shape = replace(shape, upper_width=shape.upper_width * factor, lower_width=shape.lower_width * factor)
    if body_depth is not None:
        factor = body_depth * 1e3 / shape.depth
        shape = replace(shape, upper_depth=shape.upper_depth * factor, lower_depth=shape.lower_depth * factor)
    if body_height is not None:
        shape = replace(shape, posterior_height=body_height * 1e3 - wedge_rise(shape))
    return shape


def _scale_of(level: str, scale: float | None, body_width: float | None, body_depth: float | None) -> float:
    """`scale`, or else the mean ratio of the asked body sizes to the table's."""
    if scale is not None:
        return scale
    table = SHAPES[level]
    pairs = [(body_width, (table.upper_width + table.lower_width) / 2), (body_depth, table.depth)]
    ratios = [asked * 1e3 / usual for asked, usual in pairs if asked is not None]
    return float(np.mean(ratios)) if ratios else 1.0


def _scaled(shape: VertebraShape, factor: float) -> VertebraShape:
    lengths = {name: getattr(shape, name) * factor for name in shape.__slots__ if name != "wedge_deg"}
    return VertebraShape(**lengths, wedge_deg=shape.wedge_deg)


def vertebra_field(level: str, shape: VertebraShape, points: Array) -> Array:
    """Signed distance [N] in mm of the vertebra at `points` [N, 3] mm."""
    folded = fields.mirrored_halves(points)
    if level == "C1":
        return atlas_field(shape, folded)
    body = body_field(shape, folded, uncinate=level in CERVICAL and level != "C2")
    if level == "C2":
        return axis_field(shape, folded, body)
    if level in CERVICAL:
        return cervical_field(level, shape, folded, body)
    return lumbar_field(shape, folded, body) if level in LUMBAR else thoracic_field(int(level[1:]), shape, folded, body)


def _extent(level: str, shape: VertebraShape) -> tuple[tuple[float, float], tuple[float, float], float]:
    front = shape.depth * 0.65 + 2
    back = shape.wall - shape.spinous_reach - 5
    half = central_height(shape) / 2
    up = {"C": 16.0, "T": 16.0, "L": 18.0}[level[0]]
    top = half + (30.0 if level == "C2" else up)
    low = min(-half - 26.0 if level in LUMBAR else -half - 18.0, -shape.spinous_drop - 12.0)
    return (back, front + (12.0 if level == "C1" else 0.0)), (low, top), max(shape.transverse_span / 2, 30) + 6
