"""Furniture of streets and gardens as simple solids; each stands on Y = 0, its back towards -Z, centred."""

from __future__ import annotations

import numpy as np

from .surroundings_furniture_parts import DARK, METAL, wood_of
from .surroundings_shapes import Finish, Piece, box, leaf, turned
from .variety_draws import LEAF_HEX, FurnitureDraw


def crate(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    card = Finish("cardboard", "#B08A5E")
    tape = Finish("paper", "#C9A876")
    return [
        box((-width / 2, 0.0, -depth / 2), (width / 2, height, depth / 2), card, 0.004),
        box((-0.025, height - 0.004, -depth / 2 - 0.001), (0.025, height + 0.001, depth / 2 + 0.001), tape, 0.0),
        box((-0.025, 0.75 * height, depth / 2 - 0.004), (0.025, height, depth / 2 + 0.001), tape, 0.0),
    ]


def bench(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    wood = wood_of(draw)
    pieces = []
    for index in range(4):
        z = -depth / 2 + 0.05 + index * (depth - 0.06) / 4
        pieces.append(box((-width / 2, 0.42, z), (width / 2, 0.455, z + depth / 4 - 0.03), wood))
    for index in range(3):
        y = 0.55 + index * 0.11
        pieces.append(box((-width / 2, y, -depth / 2 - 0.02), (width / 2, y + 0.085, -depth / 2 + 0.012), wood))
    for x in (-width / 2 + 0.18, width / 2 - 0.18):
        pieces.append(box((x - 0.025, 0.0, depth / 2 - 0.09), (x + 0.025, 0.42, depth / 2 - 0.04), METAL))
        pieces.append(box((x - 0.025, 0.0, -depth / 2 + 0.012), (x + 0.025, 0.84, -depth / 2 + 0.055), METAL))
        pieces.append(box((x - 0.025, 0.38, -depth / 2 + 0.012), (x + 0.025, 0.42, depth / 2 - 0.04), METAL))
    return pieces


def planter(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    stone, wall = Finish("concrete", "#9B978F"), 0.05
    low = 0.45
    pieces = [
        box((-width / 2, 0.0, -depth / 2), (width / 2, low, -depth / 2 + wall), stone),
        box((-width / 2, 0.0, depth / 2 - wall), (width / 2, low, depth / 2), stone),
        box((-width / 2, 0.0, -depth / 2 + wall), (-width / 2 + wall, low, depth / 2 - wall), stone),
        box((width / 2 - wall, 0.0, -depth / 2 + wall), (width / 2, low, depth / 2 - wall), stone),
        box(
            (-width / 2 + wall, 0.0, -depth / 2 + wall),
            (width / 2 - wall, low - 0.05, depth / 2 - wall),
            Finish("soil", "#3B2F26"),
            0.0,
        ),
    ]
    random = np.random.default_rng(draw.shape)
    green = Finish("leaf", LEAF_HEX[int(random.integers(len(LEAF_HEX)))])
    for _ in range(34):
        x, z = random.uniform(-0.42, 0.42, 2) * (width, depth)
        heading = random.uniform(0.0, 2.0 * np.pi)
        length = (height - low) * random.uniform(0.6, 1.0)
        pieces.append(leaf((x, low - 0.06, z), heading, random.uniform(0.9, 1.45), length, 0.07, green))
    return pieces


def bollard(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    radius = width / 2
    profile = [
        (1.2 * radius, 0.0),
        (1.2 * radius, 0.05),
        (radius, 0.06),
        (radius, height - 0.04),
        (0.7 * radius, height),
    ]
    return [turned(profile, Finish("metal", "#4A4D50"), 20)]


def bin(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    radius = width / 2
    body = [(0.85 * radius, 0.03), (radius, height - 0.08), (radius, height - 0.06)]
    lid = [(1.06 * radius, height - 0.06), (1.06 * radius, height - 0.02), (0.8 * radius, height)]
    return [
        turned([(0.8 * radius, 0.0), (0.8 * radius, 0.03)], DARK, 20),
        turned(body, Finish("metal", "#55625A"), 20),
        turned(lid, Finish("metal", "#3C4640"), 20),
    ]
