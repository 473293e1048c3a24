"""Triangulate keypoints from several calibrated views, with outliers pruned and a covariance for every point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..model.errors import InputError
from . import triangulate_rays as rays_of
from .camera import Camera
from .triangulate_rays import Rays

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

HUBER_SIGMAS = 3.0
"""Residual lengths beyond this many standard deviations weigh less: 1.1 % of those of normal noise, exp(-3^2 / 2)."""
PRUNING_SIGMAS = 4.5
"""Views farther off than this many standard deviations are left out: 0.004 % of those of normal noise."""
LEAST_NOISE_PX = 0.2
"""No detector is better; the limits above are not drawn tighter than for this noise."""
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class TriangulationOptions:
    """Which views and points count.

    `min_views` views must agree on a point; `min_score` is the least score that counts (0.3: Pose2Sim's default
    likelihood threshold); `max_error_px` is the farthest a view may be off, None takes 4.5 times the noise found;
    points with a standard deviation beyond `max_deviation_m`, or whose rays meet at less than `min_angle_deg`, are
    left out (noise then draws the point towards the cameras, where it looks more certain than it is).
    """

    min_views: int = 2
    min_score: float = 0.3
    max_error_px: float | None = None
    max_deviation_m: float = 0.25
    min_angle_deg: float = 1.0

    def check(self, views: int) -> None:
        """Raises InputError for values that cannot be used with that many views."""
        rules = (
            (self.min_views >= 2, f"{self.min_views} views cannot give a point", "use at least 2"),
            (self.min_views <= views, f"{self.min_views} views are wanted of {views}", "ask for fewer"),
            (self.max_error_px is None or self.max_error_px > 0, "the largest error is not positive", None),
            (self.max_deviation_m > 0, "the largest deviation is not positive", None),
        )
        for holds, problem, hint in rules:
            if not holds:
                raise InputError(problem, hint=hint)


@dataclass(frozen=True, slots=True)
class Triangulation:
    """Points and how sure they are; leading axes are those that were given, [...] (times and keypoints).

    `noise_px` is the standard deviation of a pixel coordinate of weight one, from all residuals that were used,
    and `limit_px` how far off a view was allowed to be.
    """

    positions: Array  # [..., 3] m, NaN where too few views agree
    covariance: Array  # [..., 3, 3] m^2, NaN there
    confidence: Array  # [...] 0 to 1: the used views' scores over the views that saw the point
    seen: Mask  # [..., V]
    used: Mask  # [..., V]
    errors_px: Array  # [..., V] how far off each seeing view is, used or not; NaN where there is no point
    noise_px: float
    limit_px: float


def triangulate(
    cameras: Sequence[Camera],
    pixels: ArrayLike,
    scores: ArrayLike | None = None,
    options: TriangulationOptions | None = None,
) -> Triangulation:
    """Triangulate points [..., 3] from pixels [..., V, 2] with scores [..., V] (1 where not given).

    A weighted linear start, then the Huber cost of the residuals in distorted pixels by Gauss-Newton over all
    points at once. Where a view disagrees, every pair of views proposes a point, the one that most views agree with
    (least truncated cost) is kept, and views beyond the limit are left out, the worst first. Weights are the scores
    over their median; the covariance is noise^2 (sum w J^T J)^-1, with the noise from the residuals themselves, and
    so holds if variances go as 1 / score.

    Raises:
        InputError: shapes that do not fit the cameras, options that cannot be used.
    """
    options = options or TriangulationOptions()
    options.check(len(cameras))
    pixels = np.asarray(pixels, dtype=np.float64)
    if pixels.ndim < 2 or pixels.shape[-2:] != (len(cameras), 2):
        raise InputError(f"pixels {pixels.shape} are not [..., {len(cameras)} cameras, 2]")
    shape = pixels.shape[:-2]
    scores = np.ones(pixels.shape[:-1]) if scores is None else np.asarray(scores, dtype=np.float64)
    if scores.shape != pixels.shape[:-1]:
        raise InputError(f"scores {scores.shape} do not fit pixels {pixels.shape}")
    flat_scores = scores.reshape(-1, len(cameras))
    rays = rays_of.make_rays(cameras, pixels.reshape(-1, len(cameras), 2), _weights(flat_scores, options.min_score))
    points, used, noise, limit = _robust(rays, options)
    covariance, certain = _covariance(rays.seen_by(used), points, noise, options.max_deviation_m)
    certain &= _widest_sine(rays, points, used) >= np.sin(np.radians(options.min_angle_deg))
    points[~certain], covariance[~certain], used[~certain] = np.nan, np.nan, False
    seen = rays.weights > 0
    trust = np.where(used, np.minimum(flat_scores, 1.0), 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    errors = np.where(certain[:, None], rays_of.error_px(rays, np.where(certain[:, None], points, 0.0)), np.nan)
    return Triangulation(
        positions=points.reshape(*shape, 3),
        covariance=covariance.reshape(*shape, 3, 3),
        confidence=trust.reshape(shape),
        seen=seen.reshape(*shape, -1),
        used=used.reshape(*shape, -1),
        errors_px=errors.reshape(*shape, -1),
        noise_px=noise,
        limit_px=limit,
    )


def _weights(scores: Array, min_score: float) -> Array:
    counted = np.isfinite(scores) & (scores >= min_score) & (scores > 0)
    if not counted.any():
        return np.zeros_like(scores)
    return np.where(counted, scores, 0.0) / np.median(scores[counted])


def _robust(rays: Rays, options: TriangulationOptions) -> tuple[Array, Mask, float, float]:
    """Points [N, 3], the views used [N, V], the noise and the limit in px."""
    used = rays.weights > 0
    enough = used.sum(axis=1) >= options.min_views
    used &= enough[:, None]
    points = np.full((len(used), 3), np.nan)
    index = np.flatnonzero(enough)
    if not len(index):
        return points, used, float("nan"), float("nan")
    part = rays.chosen(index)
    keep = part.weights > 0
    found = rays_of.intersect_linearly(part)
    noise = max(robust_noise(part, found, keep), LEAST_NOISE_PX)
    found = rays_of.intersect(part, found, HUBER_SIGMAS * noise)
    limit = noise
    for _ in range(_ROUNDS):
        noise = max(robust_noise(part.seen_by(keep), found, keep), LEAST_NOISE_PX)
        limit = options.max_error_px or PRUNING_SIGMAS * noise
        found, agreed = _agreeing(part, found, noise, limit, options.min_views)
        settled = (agreed == keep).all()
        keep = agreed
        if settled:
            break
    lost = keep.sum(axis=1) < options.min_views
    keep[lost], found[lost] = False, np.nan
    points[index], used[index] = found, keep
    return points, used, pooled_noise(part.seen_by(keep), found, keep), limit


def robust_noise(rays: Rays, points: Array, used: Mask) -> float:
    """Noise of a pixel coordinate of weight one, px, from the median of each point's cost over that of chi squared.

    A point seen by v views has 2 v - 3 degrees of freedom; the median of chi squared by Wilson and Hilferty (1931).
    Half of the points may be wrong.
    """
    off, _ = rays_of.residuals(rays, np.where(np.isfinite(points), points, 0.0))
    freedom = 2.0 * used.sum(axis=1) - 3.0
    valid = np.isfinite(points).all(axis=1) & (freedom > 0)
    if not valid.any():
        return float("nan")
    cost = (np.where(used, rays.weights, 0.0) * (off**2).sum(axis=-1)).sum(axis=1)[valid]
    freedom = freedom[valid]
    return float(np.sqrt(np.median(cost / (freedom * (1 - 2 / (9 * freedom)) ** 3))))


def pooled_noise(rays: Rays, points: Array, used: Mask) -> float:
    """Noise of a pixel coordinate of weight one, px, from the residuals of all views used."""
    off, _ = rays_of.residuals(rays, np.where(np.isfinite(points), points, 0.0))
    valid = np.isfinite(points).all(axis=1)
    freedom = (2.0 * used.sum(axis=1) - 3.0)[valid].sum()
    cost = (np.where(used, rays.weights, 0.0) * (off**2).sum(axis=-1)).sum(axis=1)[valid].sum()
    return float(np.sqrt(cost / freedom)) if freedom > 0 else float("nan")


def _agreeing(rays: Rays, points: Array, noise: float, limit: float, min_views: int) -> tuple[Array, Mask]:
    """Points [N, 3] and the views [N, V] within the limit of them, by consensus where a view is not."""
    found = points.copy()
    views = rays.weights > 0
    odd = np.flatnonzero(~_within(rays, found, limit, views))
    if not len(odd):
        return found, views
    part = rays.chosen(odd)
    start, agreed = _consensus(part, limit, min_views)
    for _ in range(views.shape[1] - min_views + 1):
        start = rays_of.intersect(part.seen_by(agreed), start, HUBER_SIGMAS * noise)
        errors = np.where(agreed, rays_of.error_px(part, np.where(np.isfinite(start), start, 0.0)), 0.0)
        wrong = errors.max(axis=1) > limit
        if not wrong.any():
            break
        agreed[wrong, errors[wrong].argmax(axis=1)] = False
    errors = rays_of.error_px(part, np.where(np.isfinite(start), start, 0.0))
    joined = agreed | (errors <= limit)  # a view that the better point agrees with after all
    start = rays_of.intersect(part.seen_by(joined), start, HUBER_SIGMAS * noise)
    joined &= _within(part, start, limit, joined)[:, None] | agreed
    gone = (joined.sum(axis=1) < min_views) | ~_within(part, start, limit, joined)
    joined[gone], start[gone] = False, np.nan
    found[odd], views[odd] = start, joined
    return found, views


def _within(rays: Rays, points: Array, limit: float, views: Mask) -> Mask:
    errors = rays_of.error_px(rays, np.where(np.isfinite(points), points, 0.0))
    return np.isfinite(points).all(axis=1) & (np.where(views, errors, 0.0).max(axis=1) <= limit)


def _consensus(rays: Rays, limit: float, min_views: int) -> tuple[Array, Mask]:
    """The point that the best pair of views proposes, [N, 3], and the views that agree with it, [N, V]."""
    count, views = rays.weights.shape
    best = np.full(count, np.inf)
    points, agreed = np.full((count, 3), np.nan), np.zeros((count, views), dtype=bool)
    for first, second in combinations(range(views), 2):
        pair = np.zeros(views, dtype=bool)
        pair[[first, second]] = True
        proposed = rays_of.intersect_linearly(rays.seen_by(np.broadcast_to(pair, (count, views))))
        errors = rays_of.error_px(rays, np.where(np.isfinite(proposed), proposed, 0.0))
        close = errors <= 2 * limit  # two views alone leave the others less sure
        cost = (rays.weights * np.minimum(np.nan_to_num(errors, nan=0.0), 2 * limit) ** 2).sum(axis=1)
        both = (close & pair).sum(axis=1) == 2
        better = np.isfinite(proposed).all(axis=1) & both & (close.sum(axis=1) >= min_views) & (cost < best)
        best[better], points[better], agreed[better] = cost[better], proposed[better], close[better]
    return points, agreed


def _covariance(rays: Rays, points: Array, noise: float, max_deviation_m: float) -> tuple[Array, Mask]:
    """[N, 3, 3] m^2, and which points are certain enough, [N]."""
    valid = np.isfinite(points).all(axis=1)
    normal = rays_of.normal_matrix(rays, np.where(valid[:, None], points, 0.0))
    columns = [rays_of.solve(normal, np.tile(unit, (len(points), 1))) for unit in np.eye(3)]
    # Two views that agree exactly tell nothing of the noise; the floor keeps them from looking perfect.
    cofactors = np.stack(columns, axis=-1)
    deviation = np.sqrt(np.einsum("naa->n", cofactors) * max(np.nan_to_num(noise), LEAST_NOISE_PX) ** 2)
    certain = valid & np.isfinite(deviation) & (deviation <= max_deviation_m)
    return cofactors * np.nan_to_num(noise) ** 2, certain


def _widest_sine(rays: Rays, points: Array, used: Mask) -> Array:
    """The sine of the angle at which the rays of the best two used views meet, [N]."""
    centres = -np.einsum("vji,vj->vi", rays.rotations, rays.translations)
    rays_to = np.nan_to_num(points)[:, None] - centres
    rays_to /= np.maximum(np.linalg.norm(rays_to, axis=-1, keepdims=True), 1e-12)
    cosine = np.einsum("nvi,nwi->nvw", rays_to, rays_to)
    both = used[:, :, None] & used[:, None, :]
    return np.sqrt(np.where(both, np.maximum(1.0 - cosine**2, 0.0), 0.0).max(axis=(1, 2), initial=0.0))
