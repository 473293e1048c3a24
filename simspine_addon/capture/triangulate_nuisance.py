"""What would explain the residuals of a triangulation: a camera's time offset, or a lens term it does not hold.

Let r0 [2V] be a point's residuals at its best place and U theta what parameters theta of the views would add. The
point itself is free to move, so it is eliminated (Schur): with J its derivative, W the weights and
P = W - W J (J^T W J)^-1 J^T W, the normal equations over all points are (sum U^T P U) theta = -sum U^T P r0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import triangulate_rays as rays_of
from .triangulate_rays import Rays

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Parameters [V, Q] of the views, their standard deviations, and the share of the residuals' cost they explain."""

    values: Array
    deviations: Array
    explained: float


def explain(rays: Rays, points: Array, basis: Array, fixed: int | None = None) -> Explanation:
    """Fit parameters whose effect on the residuals is `basis` [N, V, 2, Q] px per unit, each view's its own.

    Args:
        rays: the views that were used, with their weights.
        points: [N, 3], at the minimum of the residuals.
        fixed: a view whose parameters are held at zero, where all together could not be told apart from none.
    """
    valid = np.isfinite(points).all(axis=1) & np.isfinite(basis).all(axis=(1, 2, 3))
    rays, points, basis = rays.chosen(valid), points[valid], basis[valid]
    views, count = basis.shape[1], basis.shape[3]
    off, slope = rays_of.residuals(rays, points)
    weighted = basis * rays.weights[..., None, None]
    cross = np.einsum("nvia,nviq->nvaq", slope, weighted).transpose(0, 2, 1, 3).reshape(len(points), 3, -1)
    normal = np.einsum("nvia,nvib,nv->nab", slope, slope, rays.weights)
    solved = np.stack([rays_of.solve(normal, cross[..., column]) for column in range(views * count)], axis=-1)
    solvable = np.isfinite(solved).all(axis=(1, 2))
    matrix = -np.einsum("nap,naq->pq", cross[solvable], solved[solvable])
    for view, own in enumerate(np.einsum("nvip,nviq->vpq", weighted[solvable], basis[solvable])):
        block = slice(view * count, (view + 1) * count)
        matrix[block, block] += own
    right = -np.einsum("nviq,nvi->vq", weighted[solvable], off[solvable]).ravel()
    free = np.ones(views * count, dtype=bool)
    if fixed is not None:
        free[fixed * count : (fixed + 1) * count] = False
    free &= np.diag(matrix) > 0
    values, deviations = np.zeros(views * count), np.zeros(views * count)
    deviations[~free & (np.diag(matrix) <= 0)] = np.inf
    cost = float((rays.weights[solvable, :, None] * off[solvable] ** 2).sum())
    freedom = max(2 * int((rays.weights[solvable] > 0).sum()) - 3 * int(solvable.sum()), 1)
    if not free.any():
        return Explanation(values.reshape(views, count), deviations.reshape(views, count), 0.0)
    inverse = np.linalg.pinv(matrix[np.ix_(free, free)], hermitian=True)
    values[free] = inverse @ right[free]
    gained = float(values[free] @ right[free])
    noise = max(cost - gained, 0.0) / freedom
    deviations[free] = np.sqrt(np.maximum(np.diag(inverse), 0.0) * noise)
    return Explanation(
        values.reshape(views, count), deviations.reshape(views, count), gained / cost if cost > 0 else 0.0
    )
