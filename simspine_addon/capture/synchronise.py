"""Find how late each camera is, to a fraction of a frame, from the detections alone; and put them in step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from . import triangulate_rays as rays_of
from .camera import Camera
from .triangulate import robust_noise
from .triangulate_nuisance import explain

Array = NDArray[np.float64]

_SMOOTHING_FRAMES = 2.0  # of the Gaussian that weighs neighbouring frames
_PASSES = 8
_MOST_POINTS = 5000
_LOOSE_PX = 15.0


@dataclass(frozen=True, slots=True)
class Offsets:
    """What happens in frame i of the first camera happens in frame i + frames[v] of camera v."""

    frames: Array  # [V], 0 for the first camera
    deviations: Array  # [V] standard deviation, frames; inf where the motion does not tell
    noise_before_px: float
    noise_after_px: float


def estimate_offsets(cameras: Sequence[Camera], points: Array, scores: Array, max_frames: int = 30) -> Offsets:
    """The offsets of the cameras, from one person's points [T, V, K, 2] px and scores [T, V, K].

    Whole frames first, by the epipolar distance between every two views at every offset up to `max_frames`; then
    Gauss-Newton on the reprojection error over all offsets at once, the points being eliminated, on tracks that are
    interpolated linearly. The velocities come from pairs of frames on both sides: a frame's own noise, standing in
    them and in the residuals alike, would pull every offset towards half a frame.
    """
    pixels = _without_spikes(np.where((scores > 0)[..., None], points, np.nan))
    smooth = _smoothed(pixels)
    speed = _velocities(pixels)
    whole = _whole_frames(cameras, smooth, min(max_frames, len(pixels) - 2)).astype(float)
    offsets, deviations = whole.copy(), np.full(len(cameras), np.inf)
    for _ in range(_PASSES):
        rays, found, slope, _ = _triangulated(cameras, pixels, speed, offsets)
        off, _ = rays_of.residuals(rays, np.where(np.isfinite(found), found, 0.0))
        robust = replace(rays, weights=rays.weights * rays_of.huber_weight(off, _LOOSE_PX))
        fit = explain(robust, found, -slope[..., None], fixed=0)
        step = np.clip(fit.values[:, 0], -1.0, 1.0)
        step[np.abs(offsets + step) > max_frames + 1] = 0.0
        offsets, deviations = offsets + step, fit.deviations[:, 0]
        if np.abs(step).max() < 1e-4:
            break
    unknown = ~np.isfinite(deviations)
    offsets[unknown] = 0.0
    before, after = (_triangulated(cameras, pixels, speed, each)[3] for each in (np.zeros(len(cameras)), offsets))
    return Offsets(offsets, deviations, before, after)


def settled(offsets: Offsets) -> Array:
    """The offsets to apply, [V] frames: whole ones where nothing speaks against it (cameras that share a clock).

    Within three standard deviations, or 0.05 frames, of a whole number it is that number, so that no frame is
    interpolated without need.
    """
    whole = np.round(offsets.frames)
    near = np.abs(offsets.frames - whole) <= np.maximum(3 * offsets.deviations, 0.05)
    return np.where(near, whole, offsets.frames)


def shifted(track: Array, frames: Array) -> Array:
    """A track [T, V, ...] in the first camera's time: each view is read at frame i + frames[v], linearly.

    The frames stay as many; NaN where a view has nothing at that moment or at one of its two neighbours.
    """
    return np.stack([_at(track[:, view], late) for view, late in enumerate(frames)], axis=1)


def _at(track: Array, late: float) -> Array:
    """A track [T, ...] at times i + late; NaN outside, and between frames of which one is unseen."""
    place = np.arange(len(track)) + late
    below = np.floor(place + 1e-9).astype(int)
    share = np.clip(place - below, 0.0, 1.0).reshape(-1, *[1] * (track.ndim - 1))
    last = len(track) - 1
    outside = (below < 0) | (below > last) | ((below == last) & (share.ravel() > 1e-9))
    low, high = track[np.clip(below, 0, last)], track[np.clip(below + 1, 0, last)]
    value = np.where(share > 1e-9, (1 - share) * low + share * high, low)
    return np.where(outside.reshape(share.shape), np.nan, value)


def _without_spikes(tracks: Array) -> Array:
    """Tracks [T, V, K, 2] px without what is far from the median of its five frames: it has no velocity to go by."""
    frames = np.arange(len(tracks))
    near = np.ma.masked_invalid(tracks[np.clip(frames[:, None] + np.arange(-2, 3), 0, len(tracks) - 1)])
    off = np.linalg.norm(tracks - np.ma.median(near, axis=1).filled(np.nan), axis=-1)
    known = off[np.isfinite(off)]
    limit = 6 * np.median(known) + 5.0 if len(known) else np.inf
    return np.where((off <= limit)[..., None], tracks, np.nan)


def _velocities(tracks: Array) -> Array:
    """Slope of [T, ...] at each frame, a frame, in weighted least squares over the pairs before and after it."""
    reach = int(3 * _SMOOTHING_FRAMES)
    padded = np.pad(tracks, [(reach, reach), *[(0, 0)] * (tracks.ndim - 1)], constant_values=np.nan)
    total, weight = np.zeros_like(tracks), np.zeros_like(tracks)
    for step in range(1, reach + 1):
        difference = padded[reach + step :][: len(tracks)] - padded[reach - step : len(padded) - reach - step]
        part = np.where(np.isfinite(difference), np.exp(-0.5 * (step / _SMOOTHING_FRAMES) ** 2), 0.0)
        total += part * step * np.nan_to_num(difference)
        weight += 2 * part * step**2
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), np.nan)


def _smoothed(tracks: Array) -> Array:
    """Gaussian over time of [T, ...], over what is seen; NaN stays NaN, and so do a gap's two neighbours.

    Beside a gap or an end the window is one-sided and would shift the track in time, so it is narrowed there to
    what both sides have.
    """
    reach = int(3 * _SMOOTHING_FRAMES)
    padded = np.pad(tracks, [(reach, reach), *[(0, 0)] * (tracks.ndim - 1)], constant_values=np.nan)
    total, weight = tracks.copy(), np.ones_like(tracks)
    whole = np.isfinite(tracks)
    for step in range(1, reach + 1):
        before, after = padded[reach - step : len(padded) - reach - step], padded[reach + step :][: len(tracks)]
        whole = whole & np.isfinite(before) & np.isfinite(after)
        part = np.where(whole, np.exp(-0.5 * (step / _SMOOTHING_FRAMES) ** 2), 0.0)
        total = total + np.where(whole, part * (before + after), 0.0)
        weight = weight + 2 * part
    return total / weight


def _triangulated(
    cameras: Sequence[Camera], tracks: Array, speed: Array, offsets: Array
) -> tuple[rays_of.Rays, Array, Array, float]:
    """Rays, points [N, 3] m, image velocities [N, V, 2] px a frame and noise, of tracks [T, V, K, 2] in step."""
    moved, velocity = (
        np.stack([_at(each[:, view], late) for view, late in enumerate(offsets)], axis=1) for each in (tracks, speed)
    )
    pixels, velocity = (each.transpose(0, 2, 1, 3).reshape(-1, len(cameras), 2) for each in (moved, velocity))
    seen = np.isfinite(pixels).all(axis=-1) & np.isfinite(velocity).all(axis=-1)
    index = np.flatnonzero(seen.sum(axis=1) >= 2)
    index = index[:: max(1, len(index) // _MOST_POINTS)]
    pixels, velocity, seen = pixels[index], velocity[index], seen[index]
    rays = rays_of.make_rays(cameras, pixels, seen.astype(float))
    found = rays_of.intersect(rays, rays_of.intersect_linearly(rays), _LOOSE_PX, steps=6)
    return rays, found, np.where(seen[..., None], velocity, 0.0), robust_noise(rays, found, seen)


def _whole_frames(cameras: Sequence[Camera], tracks: Array, reach: int) -> NDArray[np.int64]:
    """Whole offsets [V] with the least sum of epipolar distances over all pairs, the first camera's being 0."""
    views = len(cameras)
    if reach < 1:
        return np.zeros(views, dtype=np.int64)
    shifts = np.arange(-reach, reach + 1)
    cost = {
        (a, b): epipolar_profile(cameras[a], cameras[b], tracks[:, a], tracks[:, b], shifts)
        for a, b in combinations(range(views), 2)
    }
    contrast = {
        pair: np.nanmedian(profile) / max(np.nanmin(profile), 1e-3)
        for pair, profile in cost.items()
        if np.isfinite(profile).any()
    }
    offsets = _spanning_start(views, cost, contrast, shifts)
    for _ in range(5):  # each view in turn to where it fits all the others best
        before = offsets.copy()
        for view in range(1, views):
            totals = [_total(cost, np.where(np.arange(views) == view, shift, offsets), reach) for shift in shifts]
            offsets[view] = shifts[int(np.argmin(totals))]
        if (offsets == before).all():
            break
    return offsets


def _spanning_start(views: int, cost: dict, contrast: dict, shifts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Offsets along the pairs that tell most, from the first camera outwards."""
    offsets, placed = np.zeros(views, dtype=np.int64), {0}
    while len(placed) < views:
        bridges = [pair for pair in contrast if (pair[0] in placed) != (pair[1] in placed)]
        if not bridges:
            break
        a, b = max(bridges, key=lambda pair: contrast[pair])
        best = int(shifts[int(np.nanargmin(cost[a, b]))])
        if a in placed:
            offsets[b] = offsets[a] + best
            placed.add(b)
        else:
            offsets[a] = offsets[b] - best
            placed.add(a)
    return offsets


def _total(cost: dict, offsets: NDArray[np.int64], reach: int) -> float:
    total = 0.0
    for (a, b), profile in cost.items():
        late = int(offsets[b] - offsets[a])
        value = profile[late + reach] if abs(late) <= reach else np.nan
        total += float(value) if np.isfinite(value) else float(np.nan_to_num(np.nanmax(np.append(profile, 0.0))))
    return total


def epipolar_profile(first: Camera, second: Camera, one: Array, other: Array, shifts: NDArray[np.int64]) -> Array:
    """Median distance in px of a view's points [T, K, 2] from the rays of another's `shift` frames later, [shifts]."""
    a, b = (
        rays_of.make_rays((camera,), track.reshape(-1, 1, 2), np.ones((track.shape[0] * track.shape[1], 1)))
        for camera, track in ((first, one), (second, other))
    )
    shape = one.shape[:2]
    rays_a, rays_b = (np.where(each.weights > 0, each.directions[:, 0], np.nan).reshape(*shape, 2) for each in (a, b))
    result = np.full(len(shifts), np.nan)
    for index, shift in enumerate(shifts):
        low, high = max(0, -shift), min(shape[0], shape[0] - shift)
        distance = epipolar_distance(first, second, rays_a[low:high], rays_b[low + shift : high + shift])
        if np.isfinite(distance).sum() >= 10:
            result[index] = np.nanmedian(distance)
    return result


def epipolar_distance(first: Camera, second: Camera, one: Array, other: Array) -> Array:
    """How far two views' directions [..., 2] are from meeting, about in px of one view: Sampson's distance.

    e = x2^T E x1 over the root of the squared changes of e with the pixels (Hartley and Zisserman, 11.4.3).
    """
    turn = second.R @ first.R.T
    t = second.t - turn @ first.t
    essential = np.array([[0, -t[2], t[1]], [t[2], 0, -t[0]], [-t[1], t[0], 0]]) @ turn
    x1 = np.concatenate([one, np.ones_like(one[..., :1])], axis=-1)
    x2 = np.concatenate([other, np.ones_like(other[..., :1])], axis=-1)
    line2, line1 = x1 @ essential.T, x2 @ essential
    value = (x2 * line2).sum(axis=-1)
    scale1, scale2 = first.K[[0, 1], [0, 1]], second.K[[0, 1], [0, 1]]
    change = ((line1[..., :2] / scale1) ** 2).sum(axis=-1) + ((line2[..., :2] / scale2) ** 2).sum(axis=-1)
    return np.abs(value) / np.sqrt(np.maximum(change, 1e-30))
