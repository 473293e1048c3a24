"""Rays of many points in many views: residuals in pixels, linear and Gauss-Newton intersection, all points at once.

With d the undistorted direction (x, y, 1) that a pixel comes from, and p(X) that of the point X, the residual in
pixels is A (p(X) - d), where A = K D(d) takes a small change of direction to a change of the distorted pixel.
D is the derivative of the lens model, so noise stays what it is in the image, and exact pixels give exactly zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .projection import distort, viewing_directions

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BEHIND_PX = 1e4
"""The residual that counts for a point behind a camera that claims to see it: far off, whatever the lens."""

_STEP = 1e-6  # of direction, for the lens's derivative: central differences are then right to 1e-9
_NEAREST_M = 1e-3
_CONVERGED_M = 1e-11


@dataclass(frozen=True, slots=True)
class Rays:
    """N points seen by V views; `weights` is 0 where a view does not see a point (the rest is then arbitrary)."""

    rotations: Array  # [V, 3, 3]
    translations: Array  # [V, 3] m
    directions: Array  # [N, V, 2]
    metric: Array  # [N, V, 2, 2] px per unit of direction
    weights: Array  # [N, V]

    def chosen(self, points: NDArray[np.bool_] | NDArray[np.int64]) -> Rays:
        """The rays of some points."""
        return replace(
            self, directions=self.directions[points], metric=self.metric[points], weights=self.weights[points]
        )

    def seen_by(self, views: Mask) -> Rays:
        """Without the rays that `views` [N, V] leaves out."""
        return replace(self, weights=np.where(views, self.weights, 0.0))


def make_rays(cameras: Sequence[Camera], pixels: Array, weights: Array) -> Rays:
    """Undistort pixels [N, V, 2] with weights [N, V]; a pixel that no direction leads to counts as unseen."""
    directions = np.zeros_like(pixels)
    metric = np.zeros((*pixels.shape, 2))
    seen = np.isfinite(pixels).all(axis=-1) & (weights > 0)
    for view, camera in enumerate(cameras):
        found = viewing_directions(camera, pixels[:, view])
        seen[:, view] &= np.isfinite(found).all(axis=-1)
        directions[:, view] = np.where(seen[:, view, None], found, 0.0)
        metric[:, view] = camera.K[:2, :2] @ _lens_derivative(camera, directions[:, view])
    return Rays(
        np.stack([camera.R for camera in cameras]),
        np.stack([camera.t for camera in cameras]),
        directions,
        metric,
        np.where(seen, weights, 0.0),
    )


def _lens_derivative(camera: Camera, directions: Array) -> Array:
    columns = [
        (distort(camera, directions + step) - distort(camera, directions - step)) / (2 * _STEP)
        for step in (np.array([_STEP, 0.0]), np.array([0.0, _STEP]))
    ]
    return np.stack(columns, axis=-1)


def residuals(rays: Rays, points: Array) -> tuple[Array, Array]:
    """How far points [N, 3] project from their pixels, [N, V, 2] px, and the derivative, [N, V, 2, 3] px/m.

    Both are 0 for views that do not see the point.
    """
    off, projected, depth, in_front = _projected(rays, points)
    across = rays.rotations[None, :, :2] - projected[..., None] * rays.rotations[None, :, 2:]
    counted = in_front & (rays.weights > 0)
    return off, np.where(counted[..., None, None], rays.metric @ (across / depth[..., None, None]), 0.0)


def _projected(rays: Rays, points: Array) -> tuple[Array, Array, Array, Mask]:
    """Residuals [N, V, 2] px, projected directions [N, V, 2], depths [N, V] m and which of them are in front."""
    views = len(rays.rotations)
    before = (points @ rays.rotations.reshape(-1, 3).T).reshape(-1, views, 3) + rays.translations
    in_front = before[..., 2] > _NEAREST_M
    depth = np.where(in_front, before[..., 2], 1.0)
    projected = before[..., :2] / depth[..., None]
    off = (rays.metric @ (projected - rays.directions)[..., None])[..., 0]
    off = np.where(in_front[..., None], off, BEHIND_PX / np.sqrt(2))
    return np.where((rays.weights > 0)[..., None], off, 0.0), projected, depth, in_front


def error_px(rays: Rays, points: Array) -> Array:
    """The lengths of the residuals, [N, V] px; NaN where a view does not see the point."""
    off = _projected(rays, points)[0]
    return np.where(rays.weights > 0, np.hypot(off[..., 0], off[..., 1]), np.nan)


def intersect_linearly(rays: Rays) -> Array:
    """Weighted linear triangulation (DLT), [N, 3] m; NaN where fewer than two views see the point.

    (x r3 - r1) X = t1 - x t3 and its like for y, in least squares, each view in its own pixels. The errors of this
    form are scaled by the unknown depth, so a second pass divides by that of the first.
    """
    rows = rays.directions[..., None] * rays.rotations[None, :, 2:] - rays.rotations[None, :, :2]
    origin = -np.einsum("vji,vj->vi", rays.rotations, rays.translations).mean(axis=0)
    shifted = rays.translations + rays.rotations @ origin
    right = shifted[None, :, :2] - rays.directions * shifted[None, :, 2:]
    rows, right = rays.metric @ rows, np.einsum("nvij,nvj->nvi", rays.metric, right)
    weights = rays.weights
    for _ in range(2):
        normal = np.einsum("nv,nvia,nvib->nab", weights, rows, rows)
        found = solve(normal, np.einsum("nv,nvia,nvi->na", weights, rows, right))
        depth = np.einsum("vj,nj->nv", rays.rotations[:, 2], found) + shifted[:, 2]
        weights = rays.weights / np.where(np.abs(depth) > 0.01, depth, 0.01) ** 2
        weights = np.where(np.isfinite(weights), weights, 0.0)
    found[(rays.weights > 0).sum(axis=1) < 2] = np.nan
    return found + origin


def intersect(rays: Rays, start: Array, huber_px: float = np.inf, steps: int = 30) -> Array:
    """Minimise the weighted Huber cost of the pixel residuals from `start` [N, 3], all points at once; [N, 3] m.

    Iteratively reweighted Gauss-Newton with Levenberg's damping per point; points that no longer move are dropped
    from the next pass. The result is the start itself where no step is better.
    """
    found = start.copy()
    active = np.flatnonzero(np.isfinite(start).all(axis=1))
    damping = np.full(len(found), 1e-9)
    for _ in range(steps):
        if not len(active):
            break
        part = rays.chosen(active)
        off, slope = residuals(part, found[active])
        weights = part.weights * huber_weight(off, huber_px)
        normal, gradient = _normal_equations(slope, off, weights)
        diagonal = np.einsum("naa->na", normal) * damping[active, None]
        step = -solve(normal + diagonal[..., None] * np.eye(3), gradient)
        tried = found[active] + step
        before, after = (_huber_cost(part, points, huber_px) for points in (found[active], tried))
        better = after <= before * (1 + 1e-12) + 1e-20
        found[active[better]] = tried[better]
        damping[active] *= np.where(better, 0.1, 100.0)
        moved = np.linalg.norm(step, axis=1) > _CONVERGED_M
        active = active[np.where(better, moved, (damping[active] < 1e6) & moved)]
    return found


def huber_weight(off: Array, huber_px: float) -> Array:
    """1 within `huber_px`, falling as its inverse beyond, of residuals [..., 2]; [...]."""
    length = np.hypot(off[..., 0], off[..., 1])
    return np.minimum(1.0, huber_px / np.maximum(length, 1e-300)) if np.isfinite(huber_px) else np.ones_like(length)


def _huber_cost(rays: Rays, points: Array, huber_px: float) -> Array:
    off = _projected(rays, points)[0]
    length = np.hypot(off[..., 0], off[..., 1])
    inner = np.minimum(length, huber_px)
    return (rays.weights * inner * (2 * length - inner)).sum(axis=1)


def _normal_equations(slope: Array, off: Array, weights: Array) -> tuple[Array, Array]:
    weighted = slope * weights[..., None, None]
    return np.einsum("nvia,nvib->nab", weighted, slope), np.einsum("nvia,nvi->na", weighted, off)


def normal_matrix(rays: Rays, points: Array) -> Array:
    """Sum of w J^T J at points [N, 3], [N, 3, 3] px^2/m^2: its inverse times the noise's variance is the covariance."""
    off, slope = residuals(rays, points)
    return _normal_equations(slope, off, rays.weights)[0]


def solve(matrices: Array, right: Array) -> Array:
    """Solve [N, 3, 3] x = [N, 3]; NaN where the matrix is singular."""
    solvable = np.isfinite(matrices).all(axis=(1, 2))
    with np.errstate(all="ignore"):
        determinant = np.linalg.det(np.where(solvable[:, None, None], matrices, 0.0))
    size = np.einsum("naa->n", np.where(solvable[:, None, None], matrices, 0.0)) / 3
    solvable &= np.abs(determinant) > 1e-18 * np.abs(size) ** 3
    found = np.full_like(right, np.nan)
    found[solvable] = np.linalg.solve(matrices[solvable], right[solvable][..., None])[..., 0]
    return found
