"""Hair as a cap grown from the scalp, with a knot of hair for those who wear one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .body import PARTS, Body
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


@dataclass(frozen=True, slots=True)
class HairStyle:
    """`length_m` is how far it stands off the scalp; `volume` how much more on top; `recede` lifts the hairline."""

    length_m: float = 0.012
    volume: float = 0.4
    recede_deg: float = 0.0
    strands: float = 0.14
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
