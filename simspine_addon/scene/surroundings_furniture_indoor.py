"""Furniture of rooms as simple solids; each stands on Y = 0, its back towards -Z, centred."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .surroundings_furniture_parts import DARK, METAL, legs, second_wood_of, shifted, wood_of
from .surroundings_shapes import Finish, Piece, box, leaf, rod, turned
from .variety_draws import CLOTH_HEX, LEAF_HEX, FurnitureDraw


def table(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    wood = wood_of(draw)
    top = box((-width / 2, height - 0.032, -depth / 2), (width / 2, height, depth / 2), wood)
    rails = [
        box((-width / 2 + 0.06, height - 0.11, z - 0.011), (width / 2 - 0.06, height - 0.032, z + 0.011), wood)
        for z in (-depth / 2 + 0.05, depth / 2 - 0.05)
    ]
    return [top, *rails, *legs(width, depth, height - 0.032, 0.062, wood)]


def desk(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    wood = wood_of(draw)
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


def chair(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    wood, seat = wood_of(draw), 0.45
    pad = Finish("cloth", draw.second_color)
    pieces = [
        box((-width / 2, seat - 0.045, -depth / 2), (width / 2, seat - 0.015, depth / 2), wood),
        box(
            (-width / 2 + 0.02, seat - 0.02, -depth / 2 + 0.02),
            (width / 2 - 0.02, seat + 0.02, depth / 2 - 0.02),
            pad,
            0.016,
        ),
        *legs(width, depth, seat - 0.045, 0.038, wood),
    ]
    for x in (-width / 2 + 0.03, width / 2 - 0.03):
        pieces.append(rod((x, seat - 0.03, -depth / 2 + 0.03), (x, height, -depth / 2 - 0.03), 0.017, wood, 8))
    for low in (seat + 0.12, height - 0.13):
        back = -depth / 2 - 0.01
        pieces.append(box((-width / 2 + 0.03, low, back - 0.012), (width / 2 - 0.03, low + 0.10, back + 0.012), wood))
    return pieces


def shelf(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    wood, thick = wood_of(draw), 0.024
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


def sideboard(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    wood = wood_of(draw)
    pieces = [
        box((-width / 2, 0.12, -depth / 2), (width / 2, height, depth / 2 - 0.02), wood),
        *legs(width, depth - 0.04, 0.12, 0.04, DARK),
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
    pieces.append(shifted(turned(vase, Finish("ceramic", draw.second_color), 16), (at, height, -0.02)))
    return pieces


def sofa(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    cloth, seat, arm = Finish("cloth", draw.color), 0.42, 0.17
    inner = width / 2 - arm
    pieces = [
        box((-width / 2 + 0.02, 0.09, -depth / 2), (width / 2 - 0.02, 0.28, depth / 2 - 0.02), cloth, 0.02),
        box((-width / 2, 0.09, -depth / 2), (-inner, 0.60, depth / 2), cloth, 0.045),
        box((inner, 0.09, -depth / 2), (width / 2, 0.60, depth / 2), cloth, 0.045),
        box((-inner, 0.2, -depth / 2), (inner, height, -depth / 2 + 0.2), cloth, 0.05),
        *legs(width - 0.08, depth - 0.08, 0.10, 0.05, second_wood_of(draw)),
    ]
    seats = max(round(2 * inner / 0.68), 1)
    edges = np.linspace(-inner, inner, seats + 1)
    for left, right in zip(edges[:-1] + 0.004, edges[1:] - 0.004, strict=True):
        pieces.append(box((left, 0.27, -depth / 2 + 0.19), (right, seat + 0.03, depth / 2 + 0.01), cloth, 0.045))
        back = -depth / 2
        pieces.append(box((left, seat + 0.02, back + 0.14), (right, height + 0.05, back + 0.30), cloth, 0.06))
    return pieces


def plant(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
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


def lamp(draw: FurnitureDraw, width: float, height: float, depth: float) -> list[Piece]:
    radius = width / 2
    shade = [(radius, height - 0.26), (0.72 * radius, height), (0.70 * radius, height), (0.98 * radius, height - 0.255)]
    return [
        turned([(0.14, 0.0), (0.14, 0.02), (0.02, 0.028)], METAL, 24),
        rod((0.0, 0.02, 0.0), (0.0, height - 0.06, 0.0), 0.011, METAL, 8),
        turned(shade, Finish("shade", "#EFE6D2"), 24),
    ]
