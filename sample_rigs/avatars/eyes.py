"""Eyeballs with iris and pupil, where the eye helpers of the base mesh lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .body import Body
from .mpfb_data import vertex_groups
from .surface import Surface, joined

Array = NDArray[np.float64]

# Rings by angle from the gaze (degrees): pupil, iris, white. An iris of 11.8 mm on a ball of 24 mm spans 29 degrees.
_PUPIL_DEG, _IRIS_DEG = 10.0, 27.0
_RINGS = {
    "pupil": (5.0, 10.0),
    "iris": (10.0, 16.0, 22.0, 27.0),
    "sclera": (27.0, 38.0, 52.0, 70.0, 90.0, 115.0, 140.0),
}
_CORNERS = 24


def eyes(body: Body) -> dict[str, Surface]:
    """Whites, irises and pupils of both eyes, each as one piece; they look straight ahead."""
    pieces: dict[str, list[Surface]] = {name: [] for name in _RINGS}
    for side in "lr":
        for name, angles in _RINGS.items():
            pieces[name].append(_rings(body, side, angles, closed=name == "pupil"))
    return {name: joined(both) for name, both in pieces.items()}


def _rings(body: Body, side: str, angles: tuple[float, ...], closed: bool) -> Surface:
    helper = vertex_groups()[f"helper-{side}-eye"]
    places = body.vertices[helper]
    low, high = places.min(axis=0), places.max(axis=0)
    radius = float((high - low)[1:].mean() / 2)
    middle = (low + high) / 2
    middle[0] = high[0] - radius
    turn = np.linspace(0.0, 2.0 * np.pi, _CORNERS, endpoint=False)
    polar = np.radians(angles)
    ring = np.stack(
        [
            np.cos(polar)[:, None] + 0 * turn,
            np.sin(polar)[:, None] * np.sin(turn),
            np.sin(polar)[:, None] * np.cos(turn),
        ],
        axis=2,
    )
    vertices = middle + radius * ring.reshape(-1, 3)
    here, there = np.arange(_CORNERS), (np.arange(_CORNERS) + 1) % _CORNERS
    quads = np.concatenate(
        [
            np.stack(
                [k * _CORNERS + here, k * _CORNERS + there, (k + 1) * _CORNERS + there, (k + 1) * _CORNERS + here], 1
            )
            for k in range(len(angles) - 1)
        ]
    )[:, ::-1]
    corners, sizes = quads.ravel(), np.full(len(quads), 4)
    if closed:
        corners, sizes = np.concatenate([corners, here[::-1]]), np.append(sizes, _CORNERS)
    return Surface(
        vertices,
        corners,
        np.concatenate([[0], np.cumsum(sizes)]),
        np.full((len(corners), 2), 0.5),
        np.tile(body.carriers[helper].mean(axis=0), (len(vertices), 1)),
        np.tile(body.parts[helper].mean(axis=0), (len(vertices), 1)),
        np.full(len(vertices), -1),
    )
