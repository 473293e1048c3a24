"""Tapered tubes of elliptic section: their surface, and which bodies carry a point of skin that lies on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BLEND_M = 0.022  # over which length the skin passes from one tube to the next


@dataclass(frozen=True, slots=True)
class Tube:
    """S elliptic sections: `widths` half axes along `sides`, `depths` along `fronts`; what bodies carry each."""

    centres: Array  # [S, 3]
    sides: Array  # [S, 3] unit
    fronts: Array  # [S, 3] unit
    widths: Array  # [S]
    depths: Array  # [S]
    carriers: Array  # [S, B] weights, rows sum to one


def carried_by(tubes: Sequence[Tube], points: Array, most: int = 4) -> tuple[NDArray[np.int64], Array]:
    """Which bodies carry skin points [N, 3] at rest: indices and weights [N, most], heaviest first, summing to one.

    A point belongs to the tubes whose surface it lies on, and takes the carriers of their nearest sections: so an
    arm that hangs beside the trunk does not drag the trunk's skin with it.
    """
    found = [_nearest_section(tube, points) for tube in tubes]
    distances = np.stack([distance for distance, _ in found])  # [tubes, N]
    share = np.exp(-(((distances - distances.min(axis=0)) / BLEND_M) ** 2))
    share /= share.sum(axis=0)
    weights = np.einsum("kn,knb->nb", share, np.stack([carriers for _, carriers in found]))
    bodies = np.argsort(-weights, axis=1, kind="stable")[:, :most]
    kept = np.take_along_axis(weights, bodies, axis=1)
    return bodies.astype(np.int64), kept / kept.sum(axis=1, keepdims=True)


def tube_mesh(tube: Tube, corners: int = 28) -> tuple[Array, list[list[int]]]:
    """A closed mesh of the tube, its ends rounded: vertices [V, 3] and faces that look outwards."""
    sections = _with_round_ends(tube)
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rings = (
        sections.centres[:, None]
        + (circle[None, :, :1] * sections.widths[:, None, None]) * sections.sides[:, None]
        + (circle[None, :, 1:] * sections.depths[:, None, None]) * sections.fronts[:, None]
    )
    count = len(rings)
    faces = [
        [s * corners + i, s * corners + (i + 1) % corners, (s + 1) * corners + (i + 1) % corners, (s + 1) * corners + i]
        for s in range(count - 1)
        for i in range(corners)
    ]
    faces += [list(range(corners))[::-1], list(range((count - 1) * corners, count * corners))]
    along = np.cross(sections.sides[0], sections.fronts[0]) @ (sections.centres[-1] - sections.centres[0])
    return rings.reshape(-1, 3), faces if along > 0 else [face[::-1] for face in faces]


def _with_round_ends(tube: Tube) -> Tube:
    """Three more, smaller sections beyond either end, along a quarter of a flat ellipse."""
    angles = np.radians([25.0, 50.0, 72.0])
    first, last = tube.centres[0] - tube.centres[1], tube.centres[-1] - tube.centres[-2]
    first, last = first / np.linalg.norm(first), last / np.linalg.norm(last)
    low, high = 0.35 * min(tube.widths[0], tube.depths[0]), 0.35 * min(tube.widths[-1], tube.depths[-1])
    before = tube.centres[0] + np.sin(angles[::-1])[:, None] * low * first
    after = tube.centres[-1] + np.sin(angles)[:, None] * high * last
    shrink = np.cos(angles)

    def grown(values: Array) -> Array:
        return np.concatenate([values[:1] * shrink[::-1], values, values[-1:] * shrink])

    def held(rows: Array) -> Array:
        return np.concatenate([np.tile(rows[:1], (3, 1)), rows, np.tile(rows[-1:], (3, 1))])

    centres = np.concatenate([before, tube.centres, after])
    return Tube(
        centres, held(tube.sides), held(tube.fronts), grown(tube.widths), grown(tube.depths), held(tube.carriers)
    )


def _nearest_section(tube: Tube, points: Array) -> tuple[Array, Array]:
    """Distance (m, about) of points [N, 3] from the tube's surface, negative inside, and the carriers [N, B] there."""
    starts, steps = tube.centres[:-1], np.diff(tube.centres, axis=0)
    relative = points[:, None] - starts  # [N, S - 1, 3]
    along = np.clip(np.einsum("nsi,si->ns", relative, steps) / np.einsum("si,si->s", steps, steps), 0.0, 1.0)
    offset = relative - along[..., None] * steps

    def between(values: Array) -> Array:
        return values[:-1] + along * np.diff(values)

    width, depth = between(tube.widths), between(tube.depths)
    across = np.einsum("nsi,si->ns", offset, tube.sides[:-1])
    ahead = np.einsum("nsi,si->ns", offset, tube.fronts[:-1])
    beyond = np.sqrt(np.maximum(np.einsum("nsi,nsi->ns", offset, offset) - across**2 - ahead**2, 0.0))
    size = np.sqrt(width * depth)
    distance = (np.sqrt((across / width) ** 2 + (ahead / depth) ** 2 + (beyond / size) ** 2) - 1.0) * size
    nearest = distance.argmin(axis=1)
    rows = np.arange(len(points))
    share = along[rows, nearest][:, None]
    carriers = (1 - share) * tube.carriers[nearest] + share * tube.carriers[nearest + 1]
    return distance[rows, nearest], carriers
