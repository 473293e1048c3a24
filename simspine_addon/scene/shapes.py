"""OpenSim's analytic shapes as polygons: what a model draws where it names no mesh file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..model.types import Geometry

Array = NDArray[np.float64]
Polygons = list[tuple[int, ...]]
Edges = list[tuple[int, int]]

SEGMENTS = 32
# Values that OpenSim 4.6 gives to a shape whose document leaves them out. For the torus it has none; these are ours.
_DEFAULTS: dict[str, dict[str, tuple[float, ...]]] = {
    "sphere": {"radius": (1.0,)},
    "ellipsoid": {"radii": (0.5, 1.0, 2.0)},
    "cylinder": {"radius": (0.5,), "half_height": (0.5,)},
    "cone": {"origin": (0.0, 0.0, 0.0), "direction": (0.0, 1.0, 0.0), "base_radius": (0.5,), "height": (1.0,)},
    "brick": {"half_lengths": (0.1, 0.2, 0.3)},
    "torus": {"ring_radius": (1.0,), "cross_section": (0.1,)},
    "line": {"start_point": (0.0, 0.0, 0.0), "end_point": (1.0, 1.0, 1.0)},
    "arrow": {"start_point": (0.0, 0.0, 0.0), "direction": (1.0, 1.0, 1.0), "length": (1.0,)},
    "frame": {},
}


def analytic_shape(geometry: Geometry) -> tuple[Array, Edges, Polygons] | None:
    """Vertices [V, 3] m, loose edges and outward polygons of `geometry` before its scale and transform.

    The cylinder stands along y; a cone's base lies around its origin; a torus lies around z. Lines, arrows and
    frames are edges without faces. None for a kind that is not known.
    """
    maker = _MAKERS.get(geometry.kind)
    if maker is None:
        return None
    parameters = {**_DEFAULTS[geometry.kind], **geometry.parameters}
    return maker({name: np.array(values, dtype=np.float64) for name, values in parameters.items()})


def _sphere(given: dict[str, Array]) -> tuple[Array, Edges, Polygons]:
    return _ellipsoid({"radii": np.repeat(given["radius"], 3)})


def _ellipsoid(given: dict[str, Array]) -> tuple[Array, Edges, Polygons]:
    angle = np.linspace(-np.pi / 2, np.pi / 2, SEGMENTS // 2 + 1)
    radius = np.cos(angle)
    radius[[0, -1]] = 0.0
    vertices, polygons = _revolve(radius, np.sin(angle))
    return vertices * given["radii"], [], polygons


def _cylinder(given: dict[str, Array]) -> tuple[Array, Edges, Polygons]:
    radius, half = given["radius"][0], given["half_height"][0]
    vertices, polygons = _revolve(np.array([0.0, radius, radius, 0.0]), np.array([-half, -half, half, half]))
    return vertices, [], polygons


def _cone(given: dict[str, Array]) -> tuple[Array, Edges, Polygons]:
    radius, height = given["base_radius"][0], given["height"][0]
    vertices, polygons = _revolve(np.array([0.0, radius, 0.0]), np.array([0.0, 0.0, height]))
    along = given["direction"] / np.linalg.norm(given["direction"])
    side = np.cross(along, np.eye(3)[np.argmin(np.abs(along))])
    side = np.asarray(side / np.linalg.norm(side), dtype=np.float64)
    turn = np.stack([side, along, np.asarray(np.cross(side, along), dtype=np.float64)])
    return given["origin"] + vertices @ turn, [], polygons


def _torus(given: dict[str, Array]) -> tuple[Array, Edges, Polygons]:
    angle = np.linspace(-np.pi, np.pi, SEGMENTS // 2, endpoint=False)
    tube = given["cross_section"][0]
    vertices, polygons = _revolve(given["ring_radius"][0] + tube * np.cos(angle), tube * np.sin(angle), closed=True)
    return vertices @ np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]), [], polygons


def _brick(given: dict[str, Array]) -> tuple[Array, Edges, Polygons]:
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)
    polygons = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return signs * given["half_lengths"], [], polygons


def _line(given: dict[str, Array]) -> tuple[Array, Edges, Polygons]:
    return np.stack([given["start_point"], given["end_point"]]), [(0, 1)], []


def _arrow(given: dict[str, Array]) -> tuple[Array, Edges, Polygons]:
    along = given["direction"] / np.linalg.norm(given["direction"])
    start, tip = given["start_point"], given["start_point"] + along * given["length"][0]
    side = np.cross(along, np.eye(3)[np.argmin(np.abs(along))]) * given["length"][0] / 15.0
    barb = tip - along * given["length"][0] / 5.0
    return np.stack([start, tip, barb + side, barb - side]), [(0, 1), (1, 2), (1, 3)], []


def _frame(given: dict[str, Array]) -> tuple[Array, Edges, Polygons]:
    return np.concatenate([np.zeros((1, 3)), np.eye(3)]), [(0, 1), (0, 2), (0, 3)], []


def _revolve(radius: Array, height: Array, closed: bool = False) -> tuple[Array, Polygons]:
    """A profile (radius, height) [P], going up on the outside, turned about y; points on the axis become one vertex."""
    turn = np.linspace(0.0, 2.0 * np.pi, SEGMENTS, endpoint=False)
    vertices: list[Array] = []
    rings = np.empty((len(radius), SEGMENTS), dtype=np.int64)
    count = 0
    for row, (r, y) in enumerate(zip(radius, height, strict=True)):
        around = turn if r > 0.0 else turn[:1]
        vertices.append(np.stack([r * np.sin(around), np.full(len(around), y), r * np.cos(around)], axis=1))
        rings[row] = count + (np.arange(SEGMENTS) if r > 0.0 else 0)
        count += len(around)
    below, above = (rings, np.roll(rings, -1, axis=0)) if closed else (rings[:-1], rings[1:])
    corners = np.stack([below, np.roll(below, -1, axis=1), np.roll(above, -1, axis=1), above], axis=-1)
    return np.concatenate(vertices), [tuple(dict.fromkeys(quad)) for quad in corners.reshape(-1, 4).tolist()]


_MAKERS: dict[str, Callable[[dict[str, Array]], tuple[Array, Edges, Polygons]]] = {
    "sphere": _sphere,
    "ellipsoid": _ellipsoid,
    "cylinder": _cylinder,
    "cone": _cone,
    "torus": _torus,
    "brick": _brick,
    "line": _line,
    "arrow": _arrow,
    "frame": _frame,
}
