"""Hair as a cap grown from the scalp, and brows and lips laid on the face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .body import PARTS, Body
from .mpfb_data import mirror_vertices
from .surface import (
    Surface,
    any_over_faces,
    cut,
    moved,
    select_faces,
    smoothed,
    subdivided,
    vertex_normals,
    with_even_rim,
)
from .weights import ear_shares

Array = NDArray[np.float64]

# Elevation (degrees over the plane of the eyes, seen from the head's middle) where hair begins, by azimuth (degrees
# from straight ahead). Drawn by eye: forehead, temple, in front of the ear, over the ear, behind it, nape.
_HAIRLINE = ((0.0, 44.0), (25.0, 43.0), (42.0, 37.0), (56.0, 24.0), (66.0, 6.0), (76.0, -6.0), (86.0, 2.0),
             (98.0, 14.0), (110.0, 8.0), (122.0, -18.0), (140.0, -34.0), (180.0, -38.0))  # fmt: skip
_BROW = (7023, 6981, 6983)  # vertices of the left brow of the base mesh, from outside; the mirror gives the right one
_LIPS = {  # pairs of vertices across each lip, from the middle to the corner, left side
    "upper": ((509, 571), (7212, 7293), (7162, 7195)),
    "lower": ((495, 557), (7238, 7295), (7162, 7195)),
}


@dataclass(frozen=True, slots=True)
class HairStyle:
    """`length_m` is how far it stands off the scalp; `volume` how much more on top; `recede` lifts the hairline."""

    length_m: float = 0.012
    volume: float = 0.4
    recede_deg: float = 0.0
    strands: float = 0.2
    brow: float = 1.0  # thickness of the brows
    bun: bool = False


def hair(body: Body, style: HairStyle) -> Surface:
    """The cap of hair; it leaves face and ears free."""
    skin = body.surface("body")
    skin = select_faces(skin, ~any_over_faces(skin, ear_shares()[skin.base] > 0.25))
    head = skin.parts[:, PARTS.index("head")] + 0.5 * skin.parts[:, PARTS.index("trunk")] > 0.3
    cap = cut(skin, np.where(head, _above_hairline(body, skin.vertices, style), -1.0))
    cap = subdivided(with_even_rim(cap, 6))
    inside = np.maximum(_above_hairline(body, cap.vertices, style), 0.0)
    grown = np.clip(inside / (0.022 * body.scale), 0.0, 1.0)
    grown = grown * grown * (3.0 - 2.0 * grown)
    normals = vertex_normals(cap)
    upward = np.clip(normals[:, 1], 0.0, 1.0)
    # The rim lies a little under the skin, so that no gap shows there.
    thickness = -0.0015 + style.length_m * grown * (1.0 + style.volume * upward)
    lifted = cap.vertices + normals * thickness[:, None] * body.scale
    cap = moved(cap, smoothed(cap, lifted, (0.5,) * 8, hold=grown < 0.05))
    strands = style.strands * style.length_m * grown * _strands(body, cap.vertices)
    return moved(cap, cap.vertices + vertex_normals(cap) * strands[:, None] * body.scale)


def bun(body: Body, style: HairStyle) -> Surface:
    """A knot of hair behind the crown, carried by the head."""
    skin = body.surface("body")
    crown = body.places["crown"]
    behind = skin.vertices[skin.parts[:, PARTS.index("head")] > 0.9]
    level = behind[np.abs(behind[:, 1] - crown[1] + 0.045 * body.scale) < 0.012 * body.scale]
    centre = np.array([level[:, 0].min() - 0.004 * body.scale, crown[1] - 0.045 * body.scale, 0.0])
    radius = (0.030 + style.length_m) * body.scale
    polar, around = np.meshgrid(
        np.linspace(0.0, np.pi, 14), np.linspace(0.0, 2 * np.pi, 24, endpoint=False), indexing="ij"
    )
    ball = np.stack([np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)], axis=2)
    vertices = centre + radius * (ball.reshape(-1, 3) * (0.8, 0.95, 1.0))
    here, there = np.arange(24), (np.arange(24) + 1) % 24
    quads = np.concatenate(
        [np.stack([k * 24 + here, k * 24 + there, k * 24 + 24 + there, k * 24 + 24 + here], 1) for k in range(13)]
    )
    nearest = ((skin.vertices - crown) ** 2).sum(axis=1).argmin()
    return Surface(
        vertices, quads.ravel(), np.arange(len(quads) + 1) * 4, np.zeros((quads.size, 2)),
        np.tile(skin.carriers[nearest], (len(vertices), 1)), np.tile(skin.parts[nearest], (len(vertices), 1)),
        np.full(len(vertices), -1),
    )  # fmt: skip


def _strands(body: Body, points: Array) -> Array:
    """Locks of hair, -1 to 1: waves around the head whose number changes from crown to nape."""
    relative = (points - body.places["crown"]) / body.scale
    around = np.arctan2(relative[:, 2], relative[:, 0] + 0.02)
    down = -relative[:, 1]
    waves = np.sin(23.0 * around + 40.0 * down) + np.sin(-17.0 * around + 55.0 * down + 1.0)
    return 0.5 * waves


def _above_hairline(body: Body, points: Array, style: HairStyle) -> Array:
    """How far (m, about) points [N, 3] lie above the hairline."""
    eyes = (body.places["eye_l"] + body.places["eye_r"]) / 2
    head = body.vertices[: len(body.vertices)][body.parts[:, PARTS.index("head")] > 0.9]
    middle = np.array([(head[:, 0].min() + eyes[0] + 0.012) / 2, eyes[1], 0.0])
    relative = points - middle
    azimuth = np.degrees(np.abs(np.arctan2(relative[:, 2], relative[:, 0])))
    flat = np.hypot(relative[:, 0], relative[:, 2])
    elevation = np.degrees(np.arctan2(relative[:, 1], flat))
    line = np.interp(azimuth, *np.array(_HAIRLINE).T)
    line = line + style.recede_deg * np.clip(1.0 - azimuth / 60.0, 0.0, 1.0)
    return np.radians(elevation - line) * np.linalg.norm(relative, axis=1)


def brows(body: Body, thickness: float = 1.0) -> Surface:
    """Both eyebrows: the skin near a line over each eye, laid a little outside."""
    skin = body.surface("body")
    mirror = mirror_vertices()
    near = np.full(len(skin.vertices), np.inf)
    for line in (list(_BROW), [int(mirror[i]) for i in _BROW]):
        points = body.vertices[line]
        points = np.concatenate([points[:1] + 0.15 * (points[:1] - points[1:2]), points])
        points = points - np.array([0.0, 0.0035, 0.0]) * body.scale
        radii = np.array([0.0018, 0.0032, 0.0036, 0.0030]) * body.scale * thickness
        near = np.minimum(near, _distance_to_line(skin.vertices, points, radii))
    return _laid_on(skin, -near, 0.0010 * body.scale)


def lips(body: Body) -> Surface:
    """Both lips, laid on the face as a thin film."""
    skin = body.surface("body")
    mirror = mirror_vertices()
    near = np.full(len(skin.vertices), np.inf)
    for pairs in _LIPS.values():
        for side in (np.array(pairs), mirror[np.array(pairs)]):
            ends = body.vertices[side]
            radii = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1) / 2
            near = np.minimum(near, _distance_to_line(skin.vertices, ends.mean(axis=1), radii))
    return _laid_on(skin, 0.0004 * body.scale - near, 0.0006 * body.scale)


def _laid_on(skin: Surface, field: Array, gap: float) -> Surface:
    patch = cut(skin, np.clip(field, -1.0, 1.0))
    return moved(patch, patch.vertices + gap * vertex_normals(patch))


def _distance_to_line(points: Array, line: Array, radii: Array) -> Array:
    """Distance (m) of points [N, 3] from a polyline [K, 3] with a radius [K] at each corner; negative within."""
    nearest = np.full(len(points), np.inf)
    for start, end, first, last in zip(line[:-1], line[1:], radii[:-1], radii[1:], strict=True):
        step = end - start
        share = np.clip((points - start) @ step / (step @ step), 0.0, 1.0)
        gap = np.linalg.norm(points - start - share[:, None] * step, axis=1)
        nearest = np.minimum(nearest, gap - first - share * (last - first))
    return nearest
