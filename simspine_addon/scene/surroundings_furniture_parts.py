"""What several pieces of furniture are made with: their finishes, and four legs."""

from __future__ import annotations

from .surroundings_shapes import Finish, Piece, box
from .variety_draws import FurnitureDraw

METAL = Finish("metal", "#8C8E90")
DARK = Finish("plastic", "#26272A")


def wood_of(draw: FurnitureDraw) -> Finish:
    """The first colour as wood."""
    return Finish("wood", draw.color)


def second_wood_of(draw: FurnitureDraw) -> Finish:
    """The second colour as wood."""
    return Finish("wood", draw.second_color)


def legs(width: float, depth: float, top: float, thick: float, finish: Finish) -> list[Piece]:
    """Four square legs of thickness `thick` from the floor up to `top`, inside the corners."""
    x, z = width / 2 - thick / 2 - 0.02, depth / 2 - thick / 2 - 0.02
    half = thick / 2
    return [
        box((sx * x - half, 0.0, sz * z - half), (sx * x + half, top, sz * z + half), finish)
        for sx in (-1, 1)
        for sz in (-1, 1)
    ]


def shifted(piece: Piece, by: tuple[float, float, float]) -> Piece:
    """The piece moved by so many m."""
    return Piece(piece.vertices + by, piece.faces, piece.finish, piece.smooth)
