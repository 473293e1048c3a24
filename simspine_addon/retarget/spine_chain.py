"""Spine and neck as curves: a chain of vertebrae bends a chain of few bones so that its shape is kept.

Both chains run over normalised arc length at rest. The target's joints follow the source's curve: each bone turns as
the straight line does that its stretch of the curve is best replaced by, and takes its twist from the vertebrae there,
slerped. The lines are a compromise between the chords (all on one side of the bend) and the least-squares broken line,
`_FIT` of the way to it: on an even bend that takes two fifths off the mean distance of chords and a quarter off their
largest. The topmost bone can be pinned to the source's topmost orientation, so that the total rotation is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .rotations import Array, blend, least_rotation, rotate, unit

# How far from the chords to the least-squares line the joints go: smallest largest error for a bend of even curvature.
_FIT = 0.85
_SAMPLES = 241


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of M bones: `points` [M + 1, 3] m at rest, the heads from below and the end of the last bone."""

    points: Array

    @property
    def lengths(self) -> Array:
        """Bone lengths [M] m."""
        return np.linalg.norm(np.diff(self.points, axis=0), axis=1)

    @property
    def fractions(self) -> Array:
        """Where the points stand along the chain [M + 1], 0 to 1."""
        sums = np.concatenate([[0.0], np.cumsum(self.lengths)])
        return sums / max(float(sums[-1]), 1e-12)


def chain_deltas(
    source: Chain, moved_points: Array, source_deltas: Array, base_delta: Array, target: Chain, pinned_top: bool
) -> Array:
    """How the target chain's bones turn, away from rest.

    Args:
        source: the source chain at rest, M bones.
        moved_points: its points over time [T, M + 1, 3] m.
        source_deltas: its bones' rotations away from rest, in ground, [T, M, 3, 3].
        base_delta: the same of what the chain stands on (pelvis, thorax), [T, 3, 3].
        target: the target chain at rest, K bones.
        pinned_top: the last target bone takes the last source bone's rotation instead of the curve's.

    Returns:
        rotations away from rest, in ground, [T, K, 3, 3].
    """
    count = len(target.lengths)
    if len(source.lengths) < 2:
        return _shared_out(base_delta, source_deltas[:, -1], target, pinned_top)
    free = count - 1 if pinned_top else count
    deltas = np.empty((len(moved_points), count, 3, 3))
    if pinned_top:
        deltas[:, -1] = source_deltas[:, -1]
    if free == 0:
        return deltas
    fit = _fitting_matrix(source.fractions, target.fractions[: free + 1], 1.0 - target.fractions[free])
    rest_direction = unit(np.diff(fit @ source.points, axis=0))
    direction = unit(np.diff(np.matmul(fit, moved_points), axis=1))
    turned = _twist_at(
        source, source_deltas, base_delta, 0.5 * (target.fractions[:free] + target.fractions[1 : free + 1])
    )
    swing = least_rotation(rotate(turned, np.broadcast_to(rest_direction, direction.shape)), direction)
    deltas[:, :free] = np.matmul(swing, turned)
    return deltas


def shared_deltas(base_delta: Array, top_delta: Array, fractions: Array) -> Array:
    """Rotations [T, K, 3, 3] at `fractions` [K] of the way from one [T, 3, 3] to another."""
    return np.stack([blend(base_delta, top_delta, float(part)) for part in fractions], axis=1)


def _shared_out(base_delta: Array, top_delta: Array, target: Chain, pinned_top: bool) -> Array:
    """A single source joint's rotation, shared out over the target's joints by the stretch of spine around each."""
    lengths = target.lengths
    # A joint stands for half of the bone below it and half of the one above; the first has nothing below.
    share = 0.5 * (lengths + np.concatenate([[0.0], lengths[:-1]]))
    if not pinned_top:
        share = np.append(share, 0.5 * lengths[-1])
    turned = np.cumsum(share) / share.sum()
    return shared_deltas(base_delta, top_delta, turned[: len(lengths)])


def _fitting_matrix(source_fractions: Array, nodes: Array, beyond: float) -> Array:
    """The matrix [K + 1, M + 1] that takes the source's points to the target's joints on or near its curve.

    The curve is the source's broken line, c(u) = B(u) P. Joints at `nodes` are c(nodes) itself mixed with the joints of
    the broken line that is nearest to the curve in the least-squares sense and starts on it. The pinned bones `beyond`
    the last node, as a share of the whole chain, run parallel to the source's: as far off as that node is.
    """
    u = np.linspace(nodes[0], nodes[-1], _SAMPLES)
    curve = interpolation(source_fractions, u)
    on_curve = interpolation(source_fractions, nodes)
    hats = interpolation(nodes, u)
    weights = np.full(_SAMPLES, 1.0)
    weights[[0, -1]] = 0.5
    free = hats[:, 1:] * weights[:, None]
    normal = free.T @ hats[:, 1:]
    right = free.T @ (curve - np.outer(hats[:, 0], on_curve[0]))
    carried = (_SAMPLES - 1) * beyond / max(nodes[-1] - nodes[0], 1e-12)
    normal[-1, -1] += carried
    right[-1] += carried * on_curve[-1]
    fitted = on_curve.copy()
    fitted[1:] = np.linalg.solve(normal, right)
    return (1.0 - _FIT) * on_curve + _FIT * fitted


def interpolation(nodes: Array, u: Array) -> Array:
    """Linear interpolation as a matrix [U, N]: row i weighs the values at `nodes` for their value at `u[i]`."""
    place = np.clip(np.searchsorted(nodes, u, side="right") - 1, 0, len(nodes) - 2)
    width = np.maximum(nodes[place + 1] - nodes[place], 1e-12)
    part = np.clip((u - nodes[place]) / width, 0.0, 1.0)
    matrix = np.zeros((len(u), len(nodes)))
    rows = np.arange(len(u))
    matrix[rows, place] = 1.0 - part
    matrix[rows, place + 1] += part
    return matrix


def _twist_at(source: Chain, deltas: Array, base_delta: Array, places: Array) -> Array:
    """The source's rotation [T, K, 3, 3] at `places` [K] along the chain, slerped between the bones' middles."""
    middles = 0.5 * (source.fractions[:-1] + source.fractions[1:])
    knots = np.concatenate([[-middles[0]], middles])
    known: NDArray[np.float64] = np.concatenate([base_delta[:, None], deltas], axis=1)
    turned = np.empty((len(deltas), len(places), 3, 3))
    for k, place in enumerate(places):
        below = int(np.clip(np.searchsorted(knots, place, side="right") - 1, 0, len(knots) - 2))
        part = float(np.clip((place - knots[below]) / max(knots[below + 1] - knots[below], 1e-12), 0.0, 1.0))
        turned[:, k] = blend(known[:, below], known[:, below + 1], part)
    return turned
