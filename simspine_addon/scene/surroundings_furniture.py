"""Furniture as simple solids: what was drawn, built; it stands on Y = 0, its back towards -Z, centred."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from . import surroundings_furniture_indoor as indoor
from . import surroundings_furniture_outdoor as outdoor
from .surroundings_shapes import Piece
from .variety_draws import FurnitureDraw


@dataclass(frozen=True, slots=True)
class Furniture:
    """Built pieces and the box around them: width (X), height (Y), depth (Z), m."""

    kind: str
    pieces: tuple[Piece, ...]
    size: tuple[float, float, float]


def build_furniture(draw: FurnitureDraw) -> Furniture:
    """The piece that was drawn."""
    limits, builder = _KINDS[draw.kind]
    size = tuple(low + share * (high - low) for (low, high), share in zip(limits, draw.sizes, strict=True))
    pieces = tuple(builder(draw, *size))
    return furniture_of(draw.kind, pieces)


def furniture_of(kind: str, pieces: Sequence[Piece]) -> Furniture:
    """Pieces that stand on Y = 0 as one."""
    points = np.concatenate([piece.vertices for piece in pieces])
    reach = 2.0 * np.abs(points).max(axis=0)
    return Furniture(kind, tuple(pieces), (float(reach[0]), float(points[:, 1].max()), float(reach[2])))


Limits = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
# Least and most width, height and depth in m, as such furniture is sold.
_KINDS: dict[str, tuple[Limits, Callable[..., list[Piece]]]] = {
    "table": (((1.0, 1.7), (0.72, 0.76), (0.7, 0.9)), indoor.table),
    "desk": (((1.2, 1.6), (0.72, 0.75), (0.65, 0.8)), indoor.desk),
    "chair": (((0.42, 0.48), (0.82, 0.95), (0.42, 0.48)), indoor.chair),
    "shelf": (((0.7, 1.2), (1.4, 2.1), (0.28, 0.36)), indoor.shelf),
    "sideboard": (((1.0, 1.7), (0.7, 0.95), (0.4, 0.48)), indoor.sideboard),
    "plant": (((0.4, 0.7), (0.8, 1.5), (0.4, 0.7)), indoor.plant),
    "sofa": (((1.5, 2.1), (0.72, 0.82), (0.85, 0.95)), indoor.sofa),
    "armchair": (((0.85, 0.95), (0.74, 0.85), (0.82, 0.9)), indoor.sofa),
    "crate": (((0.4, 0.65), (0.3, 0.55), (0.35, 0.5)), outdoor.crate),
    "lamp": (((0.36, 0.46), (1.45, 1.7), (0.36, 0.46)), indoor.lamp),
    "bench": (((1.4, 1.8), (0.85, 0.85), (0.5, 0.56)), outdoor.bench),
    "planter": (((0.7, 1.4), (0.8, 1.2), (0.45, 0.6)), outdoor.planter),
    "bollard": (((0.14, 0.2), (0.8, 1.0), (0.14, 0.2)), outdoor.bollard),
    "bin": (((0.42, 0.55), (0.8, 0.95), (0.42, 0.55)), outdoor.bin),
}
