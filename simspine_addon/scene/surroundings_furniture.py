"""Furniture as simple solids: each builder makes a piece that stands on Y = 0, its back towards -Z, centred."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .surroundings_shapes import Finish, Piece, box, leaf, rod, turned
from .variety_draws import CLOTH_HEX, LEAF_HEX, FurnitureDraw

Array = NDArray[np.float64]
METAL = Finish("metal", "#8C8E90")
DARK = Finish("plastic", "#26272A")


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
    points = np.concatenate([piece.vertices for piece in pieces])
    reach = 2.0 * np.abs(points).max(axis=0)
    return Furniture(draw.kind, pieces, (float(reach[0]), float(points[:, 1].max()), float(reach[2])))


def _wood(draw: FurnitureDraw) -> Finish:
    return Finish("wood", draw.color)


def _legs(width: float, depth: float, top: float, thick: float, finish: Finish) -> list[Piece]:
    x, z = width / 2 - thick / 2 - 0.02, depth / 2 - thick / 2 - 0.02
    half = thick / 2
    return [
        box((sx * x - half, 0.0, sz * z - half), (sx * x + half, top, sz * z + half), finish)
        for sx in (-1, 1)
        for sz in (-1, 1)
    ]


def _table(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    wood = _wood(draw)
    top = box((-width / 2, height - 0.032, -depth / 2), (width / 2, height, depth / 2), wood)
    rails = [
        box((-width / 2 + 0.06, height - 0.11, z - 0.011), (width / 2 - 0.06, height - 0.032, z + 0.011), wood)
        for z in (-depth / 2 + 0.05, depth / 2 - 0.05)
    ]
    return [top, *rails, *_legs(width, depth, height - 0.032, 0.062, wood)]


def _desk(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    wood = _wood(draw)
    right = width / 2
    pieces = [
        box((-width / 2, height - 0.026, -depth / 2), (width / 2, height, depth / 2), wood),
        box((right - 0.42, 0.05, -depth / 2 + 0.04), (right - 0.02, height - 0.026, depth / 2 - 0.03), wood),
    ]
    for index in range(3):
        low = 0.07 + index * (height - 0.11) / 3
        high = low + (height - 0.11) / 3 - 0.012
        front = depth / 2 - 0.03
        pieces.append(box((right - 0.41, low, front), (right - 0.03, high, front + 0.018), wood))
        middle = (low + high) / 2
        pieces.append(
            rod((right - 0.28, middle, front + 0.032), (right - 0.16, middle, front + 0.032), 0.006, METAL, 6)
        )
    for z in (-depth / 2 + 0.05, depth / 2 - 0.05):
        pieces.append(box((-right + 0.03, 0.0, z - 0.02), (-right + 0.07, height - 0.026, z + 0.02), METAL))
    screen = -depth / 2 + 0.16
    pieces += [
        box((-0.42, height + 0.10, screen - 0.012), (0.14, height + 0.44, screen + 0.012), DARK),
        box((-0.17, height, screen - 0.015), (-0.11, height + 0.14, screen - 0.005), DARK, 0.002),
        box((-0.26, height, screen - 0.09), (-0.02, height + 0.012, screen + 0.09), DARK, 0.003),
    ]
    return pieces


def _chair(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    wood, seat = _wood(draw), 0.45
    pad = Finish("cloth", draw.second_color)
    pieces = [
        box((-width / 2, seat - 0.045, -depth / 2), (width / 2, seat - 0.015, depth / 2), wood),
        box(
            (-width / 2 + 0.02, seat - 0.02, -depth / 2 + 0.02),
            (width / 2 - 0.02, seat + 0.02, depth / 2 - 0.02),
            pad,
            0.016,
        ),
        *_legs(width, depth, seat - 0.045, 0.038, wood),
    ]
    for x in (-width / 2 + 0.03, width / 2 - 0.03):
        pieces.append(rod((x, seat - 0.03, -depth / 2 + 0.03), (x, height, -depth / 2 - 0.03), 0.017, wood, 8))
    for low in (seat + 0.12, height - 0.13):
        back = -depth / 2 - 0.01
        pieces.append(box((-width / 2 + 0.03, low, back - 0.012), (width / 2 - 0.03, low + 0.10, back + 0.012), wood))
    return pieces


def _shelf(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    wood, thick = _wood(draw), 0.024
    inner = width / 2 - thick
    pieces = [
        box((-width / 2, 0.0, -depth / 2), (-inner, height, depth / 2), wood),
        box((inner, 0.0, -depth / 2), (width / 2, height, depth / 2), wood),
        box((-inner, 0.04, -depth / 2), (inner, height, -depth / 2 + 0.008), wood, 0.0),
    ]
    boards = max(round(height / 0.36), 2)
    levels = np.linspace(0.06, height - thick, boards + 1)
    pieces += [box((-inner, y, -depth / 2), (inner, y + thick, depth / 2 - 0.004), wood, 0.003) for y in levels]
    random = np.random.default_rng(draw.shape)
    for low, high in zip(levels[:-1] + thick, levels[1:], strict=True):
        pieces += _books(random, low, min(float(high - low) - 0.03, 0.30), inner, depth)
    return pieces


def _books(random: np.random.Generator, y: float, most: float, inner: float, depth: float) -> list[Piece]:
    pieces, x = [], -inner + 0.01
    end = inner - 0.02 - random.uniform(0.0, 1.1 * inner)
    while x < end:
        thick = float(random.uniform(0.022, 0.062))
        tall = most * float(random.uniform(0.72, 1.0))
        color = Finish("paper", CLOTH_HEX[int(random.integers(len(CLOTH_HEX)))])
        front = depth / 2 - float(random.uniform(0.03, 0.07))
        pieces.append(box((x, y, -depth / 2 + 0.02), (x + thick - 0.003, y + tall, front), color, 0.003))
        x += thick
    return pieces


def _sideboard(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    wood = _wood(draw)
    pieces = [
        box((-width / 2, 0.12, -depth / 2), (width / 2, height, depth / 2 - 0.02), wood),
        *_legs(width, depth - 0.04, 0.12, 0.04, DARK),
    ]
    doors = 2 if width < 1.25 else 3
    edges = np.linspace(-width / 2 + 0.015, width / 2 - 0.015, doors + 1)
    for left, right in pairwise(edges.tolist()):
        front = depth / 2 - 0.02
        pieces.append(box((left + 0.004, 0.14, front), (right - 0.004, height - 0.035, front + 0.018), wood))
        knob = (float(right) - 0.06, height * 0.6, front + 0.032)
        pieces.append(rod(knob, (knob[0], knob[1] + 0.12, knob[2]), 0.006, METAL, 6))
    vase = [(0.045, 0.0), (0.075, 0.06), (0.07, 0.15), (0.028, 0.22), (0.034, 0.26)]
    at = -width / 2 + 0.22
    pieces.append(_shifted(turned(vase, Finish("ceramic", draw.second_color), 16), (at, height, -0.02)))
    return pieces


def _sofa(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    cloth, seat, arm = Finish("cloth", draw.color), 0.42, 0.17
    inner = width / 2 - arm
    pieces = [
        box((-width / 2 + 0.02, 0.09, -depth / 2), (width / 2 - 0.02, 0.28, depth / 2 - 0.02), cloth, 0.02),
        box((-width / 2, 0.09, -depth / 2), (-inner, 0.60, depth / 2), cloth, 0.045),
        box((inner, 0.09, -depth / 2), (width / 2, 0.60, depth / 2), cloth, 0.045),
        box((-inner, 0.2, -depth / 2), (inner, height, -depth / 2 + 0.2), cloth, 0.05),
        *_legs(width - 0.08, depth - 0.08, 0.10, 0.05, _second_wood(draw)),
    ]
    seats = max(round(2 * inner / 0.68), 1)
    edges = np.linspace(-inner, inner, seats + 1)
    for left, right in zip(edges[:-1] + 0.004, edges[1:] - 0.004, strict=True):
        pieces.append(box((left, 0.27, -depth / 2 + 0.19), (right, seat + 0.03, depth / 2 + 0.01), cloth, 0.045))
        back = -depth / 2
        pieces.append(box((left, seat + 0.02, back + 0.14), (right, height + 0.05, back + 0.30), cloth, 0.06))
    return pieces


def _second_wood(draw: FurnitureDraw) -> Finish:
    return Finish("wood", draw.second_color)


def _plant(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    pot = 0.30 * width + 0.05
    tall = 1.15 * pot + 0.12
    profile = [(0.72 * pot, 0.0), (0.80 * pot, 0.01), (pot, tall), (0.93 * pot, tall), (0.90 * pot, tall - 0.03)]
    pieces = [
        turned(profile, Finish("ceramic", draw.second_color), 24),
        turned([(0.90 * pot, tall - 0.032), (0.88 * pot, tall - 0.03)], Finish("soil", "#3B2F26"), 16, smooth=False),
    ]
    random = np.random.default_rng(draw.shape)
    green = Finish("leaf", LEAF_HEX[int(random.integers(len(LEAF_HEX)))])
    count = int(random.integers(16, 26))
    for index in range(count):
        heading = 2.399963 * index + random.uniform(-0.3, 0.3)  # the golden angle, as leaves stand
        share = index / count
        root_height = tall - 0.03 + share * 0.42 * (height - tall)
        length = (height - root_height) * random.uniform(0.75, 1.0) if share > 0.5 else width * random.uniform(0.7, 1.0)
        rise = random.uniform(0.75, 1.0) + 0.45 * share
        root = (0.02 * np.sin(heading), root_height, 0.02 * np.cos(heading))
        pieces.append(leaf(root, heading, rise, min(length, 0.9 * width), 0.10 + 0.10 * width, green))
    stem = Finish("soil", "#5A4A35")
    pieces.append(rod((0.0, tall - 0.05, 0.0), (0.0, tall + 0.45 * (height - tall), 0.0), 0.012, stem, 6))
    return pieces


def _crate(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    card = Finish("cardboard", "#B08A5E")
    tape = Finish("paper", "#C9A876")
    return [
        box((-width / 2, 0.0, -depth / 2), (width / 2, height, depth / 2), card, 0.004),
        box((-0.025, height - 0.004, -depth / 2 - 0.001), (0.025, height + 0.001, depth / 2 + 0.001), tape, 0.0),
        box((-0.025, 0.75 * height, depth / 2 - 0.004), (0.025, height, depth / 2 + 0.001), tape, 0.0),
    ]


def _lamp(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    radius = width / 2
    shade = [(radius, height - 0.26), (0.72 * radius, height), (0.70 * radius, height), (0.98 * radius, height - 0.255)]
    return [
        turned([(0.14, 0.0), (0.14, 0.02), (0.02, 0.028)], METAL, 24),
        rod((0.0, 0.02, 0.0), (0.0, height - 0.06, 0.0), 0.011, METAL, 8),
        turned(shade, Finish("shade", "#EFE6D2"), 24),
    ]


def _bench(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    wood = _wood(draw)
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


def _planter(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
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


def _bollard(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    radius = width / 2
    profile = [
        (1.2 * radius, 0.0),
        (1.2 * radius, 0.05),
        (radius, 0.06),
        (radius, height - 0.04),
        (0.7 * radius, height),
    ]
    return [turned(profile, Finish("metal", "#4A4D50"), 20)]


def _bin(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    radius = width / 2
    body = [(0.85 * radius, 0.03), (radius, height - 0.08), (radius, height - 0.06)]
    lid = [(1.06 * radius, height - 0.06), (1.06 * radius, height - 0.02), (0.8 * radius, height)]
    return [
        turned([(0.8 * radius, 0.0), (0.8 * radius, 0.03)], DARK, 20),
        turned(body, Finish("metal", "#55625A"), 20),
        turned(lid, Finish("metal", "#3C4640"), 20),
    ]


def _shifted(piece: Piece, by: tuple[float, float, float]) -> Piece:
    return Piece(piece.vertices + by, piece.faces, piece.finish, piece.smooth)


Limits = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
# Least and most width, height and depth in m, as such furniture is sold.
_KINDS: dict[str, tuple[Limits, Callable[..., list[Piece]]]] = {
    "table": (((1.0, 1.7), (0.72, 0.76), (0.7, 0.9)), _table),
    "desk": (((1.2, 1.6), (0.72, 0.75), (0.65, 0.8)), _desk),
    "chair": (((0.42, 0.48), (0.82, 0.95), (0.42, 0.48)), _chair),
    "shelf": (((0.7, 1.2), (1.4, 2.1), (0.28, 0.36)), _shelf),
    "sideboard": (((1.0, 1.7), (0.7, 0.95), (0.4, 0.48)), _sideboard),
    "plant": (((0.4, 0.7), (0.8, 1.5), (0.4, 0.7)), _plant),
    "sofa": (((1.5, 2.1), (0.72, 0.82), (0.85, 0.95)), _sofa),
    "armchair": (((0.85, 0.95), (0.74, 0.85), (0.82, 0.9)), _sofa),
    "crate": (((0.4, 0.65), (0.3, 0.55), (0.35, 0.5)), _crate),
    "lamp": (((0.36, 0.46), (1.45, 1.7), (0.36, 0.46)), _lamp),
    "bench": (((1.4, 1.8), (0.85, 0.85), (0.5, 0.56)), _bench),
    "planter": (((0.7, 1.4), (0.8, 1.2), (0.45, 0.6)), _planter),
    "bollard": (((0.14, 0.2), (0.8, 1.0), (0.14, 0.2)), _bollard),
    "bin": (((0.42, 0.55), (0.8, 0.95), (0.42, 0.55)), _bin),
}
