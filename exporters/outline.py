"""Where the surface of a rendered person is in every frame, from arrays: vertices that ride on bodies by weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.scene.visibility_layers import BONE_GAP_M, NOT_SKIN, Faces

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SkinnedPoints:
    """Points that ride on one or several bodies: x(t) = sum_i w_i (p_b(t) + R_b(t) x_b), b = bodies[:, i].

    `local` is [N, M, 3] (m): the point in the frame of each body that carries it; `bodies` [N, M] indexes the
    pose track's bodies, `weights` [N, M] sum to one along M. Rigid points have M = 1. This is the linear blend
    that Blender's armature modifier computes.
    """

    local: Array
    bodies: NDArray[np.int64]
    weights: Array

    def at(self, track: PoseTrack, frame: int) -> Array:
        """The points in ground at one frame of `track`, [N, 3] m."""
        turned = np.einsum("nmij,nmj->nmi", track.rotations[frame][self.bodies], self.local)
        return np.einsum("nm,nmi->ni", self.weights, turned + track.positions[frame][self.bodies])


@dataclass(frozen=True, slots=True)
class SurfacePart:
    """Points with the triangles over them: one bone, one body, or a dressed avatar.

    `pieces` numbers the garments, skins and bones within the part (NOT_SKIN: lies on the skin and hides none of it);
    `ranks` is 0 for skin and bones and grows outwards with what is worn.
    """

    points: SkinnedPoints
    triangles: Indices  # [F, 3], counter-clockwise from outside
    pieces: Indices  # [F]
    ranks: Indices  # [F]


@dataclass(frozen=True, slots=True)
class Surface:
    """All that is seen of one person, moving: `faces` count the vertices of `points`, one after another."""

    points: tuple[SkinnedPoints, ...]
    faces: Faces

    def at(self, track: PoseTrack, frame: int) -> Array:
        """All vertices at one frame, [N, 3] m in ground."""
        return points_at(self.points, track, frame)


def joined_surface(parts: Sequence[SurfacePart], bones_alone: bool = False) -> Surface:
    """The parts as one surface; `bones_alone` says that they are bones which no body covers."""
    starts = np.cumsum([0, *(len(part.points.local) for part in parts)])
    piece_starts = np.cumsum([0, *(int(part.pieces.max(initial=-1)) + 1 for part in parts)])
    numbered = zip(parts, starts[:-1], piece_starts[:-1], strict=True)
    rows = [
        (part.triangles + start, np.where(part.pieces == NOT_SKIN, NOT_SKIN, part.pieces + piece), part.ranks,
         _main_bodies(part))
        for part, start, piece in numbered
    ]  # fmt: skip
    triangles, pieces, ranks, bodies = (np.concatenate(column).astype(np.int64) for column in zip(*rows, strict=True))
    gap = BONE_GAP_M if bones_alone else 0.0
    return Surface(tuple(part.points for part in parts), Faces(triangles, pieces, ranks, bodies, gap))


def one_piece(points: SkinnedPoints, triangles: Indices, counts: bool = True) -> SurfacePart:
    """A part that is a single bone or skin; without `counts` it is seen but hides nothing of its own person."""
    same = np.zeros(len(triangles), np.int64)
    return SurfacePart(points, np.asarray(triangles, np.int64), same if counts else same + NOT_SKIN, same)


def _main_bodies(part: SurfacePart) -> Indices:
    """The body that weighs most over each triangle's corners, [F]."""
    count = len(part.triangles)
    bodies = part.points.bodies[part.triangles].reshape(count, -1)
    weights = part.points.weights[part.triangles].reshape(count, -1)
    totals = np.stack([np.where(bodies == bodies[:, [i]], weights, 0.0).sum(axis=1) for i in range(bodies.shape[1])], 1)
    return bodies[np.arange(count), totals.argmax(axis=1)]


def rigid_points(local: Array, body: int) -> SkinnedPoints:
    """Points [N, 3] in the frame of the one body that carries them."""
    local = np.asarray(local, float)
    return SkinnedPoints(local[:, None], np.full((len(local), 1), body, np.int64), np.ones((len(local), 1)))


def blended_points(rest: Array, bodies: NDArray[np.int64], weights: Array, track: PoseTrack) -> SkinnedPoints:
    """Points [N, 3] given in ground at the rest pose, carried by `bodies` [N, M] with `weights` [N, M]."""
    weights = np.asarray(weights, float) / np.sum(weights, axis=1, keepdims=True)
    relative = np.asarray(rest, float)[:, None] - track.rest_positions[bodies]
    local = np.einsum("nmji,nmj->nmi", track.rest_rotations[bodies], relative)
    return SkinnedPoints(local, np.asarray(bodies, np.int64), weights)


def points_at(parts: Sequence[SkinnedPoints], track: PoseTrack, frame: int) -> Array:
    """All parts at one frame, [N, 3] m in ground."""
    return np.concatenate([part.at(track, frame) for part in parts])


def outermost(parts: Sequence[SkinnedPoints], directions: int = 48) -> SkinnedPoints:
    """Of each body's points the few that lie farthest in one of many directions; each rides on its main body alone.

    They stand for the whole where a hundredth of a body's size does not matter, as for the height of the floor.
    """
    turn = np.pi * (3.0 - np.sqrt(5.0))  # the golden angle spreads directions evenly over the sphere
    heights = np.linspace(-1.0, 1.0, directions)
    ring = np.sqrt(np.maximum(1.0 - heights**2, 0.0))
    angles = turn * np.arange(directions)
    spread = np.stack([ring * np.cos(angles), heights, ring * np.sin(angles)])
    main = np.concatenate([part.bodies[:, 0] for part in parts])
    local = np.concatenate([part.local[:, 0] for part in parts])
    chosen = []
    for body in np.unique(main):
        members = np.flatnonzero(main == body)
        chosen.append(members[np.unique((local[members] @ spread).argmax(axis=0))])
    kept = np.concatenate(chosen)
    return SkinnedPoints(local[kept][:, None], main[kept][:, None], np.ones((len(kept), 1)))
