"""See whether triangulated points are a person: its size, its sides, and points that leap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .detection_layouts import partners
from .projection import project
from .triangulate import LEAST_NOISE_PX, Triangulation
from .triangulate_checks import Finding, mean, median

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FARTHEST_LIMITS = 4.0  # a point farther off than four pruning limits is an outlier and counts no more
_LEAST_GAIN = 100.0  # of squared distances over the noise's variance
_HEIGHTS_M = (0.4, 2.6)
_LEG_AND_TRUNK_OF_HEIGHT = 0.779
"""Shank .246, thigh .245, trunk .288 of stature (Winter, Biomechanics and Motor Control, 4th ed., figure 4.1)."""


def untangle_sides(
    cameras: Sequence[Camera], points: Array, scores: Array, names: tuple[str, ...], found: Triangulation
) -> tuple[Array, Array, Mask]:
    """Exchange left and right where a view's detector took one for the other in a frame.

    Args:
        points, scores: [T, V, K, 2] px and [T, V, K] of one person.
        found: their triangulation, [T, K] points.

    Returns:
        points, scores, and the frames and views [T, V] that were exchanged: where the points of three or more pairs,
        taken for the other side's, lose half of their squared distances and more than noise could make of them.
    """
    partner = np.array(partners(names))
    sided = np.flatnonzero(partner != np.arange(len(names)))
    exchanged = np.zeros(points.shape[:2], dtype=bool)
    if not len(sided) or not np.isfinite(found.limit_px):
        return points, scores, exchanged
    noise = max(found.noise_px, LEAST_NOISE_PX)
    for view, camera in enumerate(cameras):
        projected = project(camera, found.positions)[0][:, sided]
        same = np.linalg.norm(points[:, view][:, sided] - projected, axis=-1)
        other = np.linalg.norm(points[:, view][:, partner[sided]] - projected, axis=-1)
        both = np.isfinite(same) & np.isfinite(other)
        far, near = (
            (np.where(both, np.minimum(each, _FARTHEST_LIMITS * found.limit_px), 0.0) ** 2).sum(axis=1) / noise**2
            for each in (same, other)
        )
        exchanged[:, view] = (both.sum(axis=1) >= 6) & (near < 0.5 * far) & (far - near > _LEAST_GAIN)
    mixed = exchanged[..., None]
    swapped_points = np.where(mixed[..., None], points[:, :, partner], points)
    return swapped_points, np.where(mixed, scores[:, :, partner], scores), exchanged


def body_findings(positions: Array, names: tuple[str, ...]) -> list[Finding]:
    """A body of impossible size (a wrong unit), or with left and right exchanged; positions [T, K, 3] m."""
    place = {name: positions[:, index] for index, name in enumerate(names)}
    return [each for each in (_size_finding(positions, place), _sides_finding(place)) if each]


def body_height(place: dict[str, Array]) -> float:
    """A rough stature in m from the median lengths of shank, thigh and trunk; NaN without those points."""
    sides = []
    for side in "LR":
        chain = [place.get(side + point) for point in ("Ankle", "Knee", "Hip", "Shoulder")]
        if all(each is not None for each in chain):
            pairs = pairwise(chain)
            sides.append(sum(median(np.linalg.norm(b - a, axis=-1)) for a, b in pairs))  # type: ignore[operator]
    return mean(sides) / _LEG_AND_TRUNK_OF_HEIGHT if sides else float("nan")


def _size_finding(positions: Array, place: dict[str, Array]) -> Finding | None:
    height = body_height(place)
    if not np.isfinite(height):  # no such keypoints: the points' spread will do
        seen = positions[np.isfinite(positions).all(axis=-1).sum(axis=1) >= 5]
        if not len(seen):
            return None
        height = median(np.linalg.norm(np.nanmax(seen, axis=1) - np.nanmin(seen, axis=1), axis=-1))
        low, high = 0.05, 2 * _HEIGHTS_M[1]
    else:
        low, high = _HEIGHTS_M
    if not np.isfinite(height) or low <= height <= high:
        return None
    text = f"the person would be {height:.4g} m tall"
    if 1e3 * low <= height <= 1e3 * high:
        return Finding("wrong unit", f"{text}: the calibration is in millimetres", True,
                       'add units = "mm" under [metadata]')  # fmt: skip
    if low <= 1e3 * height <= high:
        return Finding("wrong unit", f"{text}: the calibration is in metres, not millimetres", True,
                       'make it units = "m" under [metadata]')  # fmt: skip
    return Finding("wrong unit", text, True, "check the calibration's unit")


def _sides_finding(place: dict[str, Array]) -> Finding | None:
    """Left must lie where up x forward points."""
    needed = ("LHip", "RHip", "LShoulder", "RShoulder")
    if any(name not in place for name in needed):
        return None
    forward = [place[s + "BigToe"] - place[s + "Heel"] for s in "LR" if s + "BigToe" in place and s + "Heel" in place]
    if not forward and "Nose" in place and {"LEar", "REar"} <= place.keys():
        forward = [place["Nose"] - (place["LEar"] + place["REar"]) / 2]
    if not forward:
        return None
    up = (place["LShoulder"] + place["RShoulder"] - place["LHip"] - place["RHip"]) / 2
    left = place["LHip"] - place["RHip"] + place["LShoulder"] - place["RShoulder"]
    expected = np.cross(up, np.mean(forward, axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = (left * expected).sum(-1) / (np.linalg.norm(left, axis=-1) * np.linalg.norm(expected, axis=-1))
    if not median(cosine) < -0.5:
        return None
    hint = "exchange the keypoints' sides, or check that neither the videos nor the calibration are mirrored"
    return Finding("mirrored body", "left and right are exchanged in all views: the toes point backwards", True, hint)


def leaps(positions: Array, found: Triangulation) -> Mask:
    """Contested points [T, K] (a view was left out) that leap from where their neighbours in time are.

    Two views may agree by chance where the others are wrong. A point counts as leaping if it is farther from the
    median of its five frames than 0.15 m and five of its standard deviations.
    """
    frames = np.arange(len(positions))
    near = positions[np.clip(frames[:, None] + np.arange(-2, 3), 0, len(frames) - 1)]
    middle = np.ma.median(np.ma.masked_invalid(near), axis=1).filled(np.nan)
    away = np.linalg.norm(positions - middle, axis=-1)
    contested = (found.seen & ~found.used).any(axis=-1)
    deviation = np.sqrt(np.einsum("tkaa->tk", found.covariance))
    with np.errstate(invalid="ignore"):
        return contested & (away > 0.15 + 5.0 * deviation)


def without(found: Triangulation, points: Mask) -> Triangulation:
    """The triangulation with some points [T, K] taken out."""
    return replace(
        found,
        positions=np.where(points[..., None], np.nan, found.positions),
        covariance=np.where(points[..., None, None], np.nan, found.covariance),
        confidence=np.where(points, 0.0, found.confidence),
        used=found.used & ~points[..., None],
        errors_px=np.where(points[..., None], np.nan, found.errors_px),
    )
