"""What is drawn for the seats of those who sit: kinds in order of preference, breadth and colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .variety_draws import CLOTH_HEX, WOOD_HEX

_STUDIO = ("#D8C3A0", "#26272A")  # pale wood and dark legs, like all in the studio always the same
_KINDS = {
    "room": ("chair", "chair", "stool", "stool", "pouf", "box"),
    "outdoor": ("bench", "bench", "block", "box", "stool"),
    "hdri": ("stool", "box", "bench"),
}


@dataclass(frozen=True, slots=True)
class SeatDraw:
    """`kinds` in the order in which they are tried; `breadth` is a share between a kind's limits."""

    kinds: tuple[str, ...]
    breadth: float
    color: str
    cloth: str


def draw_seat(rng: np.random.Generator, surroundings: str) -> SeatDraw:
    """A seat for these surroundings; the studio's is always the same stool, since nothing varies there."""
    if surroundings not in _KINDS:
        return SeatDraw(("stool", "box"), 0.5, *_STUDIO)
    kinds = [_KINDS[surroundings][index] for index in rng.permutation(len(_KINDS[surroundings])).tolist()]
    breadth, wood, cloth = rng.random(), rng.integers(len(WOOD_HEX)), rng.integers(len(CLOTH_HEX))
    order = tuple(dict.fromkeys([*kinds, "stool", "box"]))
    return SeatDraw(order, round(float(breadth), 4), WOOD_HEX[int(wood)], CLOTH_HEX[int(cloth)])
