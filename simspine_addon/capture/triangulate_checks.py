"""Find out when the calibration and the detections do not tell the same story, and say which part lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from . import triangulate_rays as rays_of
from .camera import Camera
from .detection_layouts import partners
from .synchronise import Offsets, epipolar_distance
from .triangulate import Triangulation
from .triangulate_nuisance import explain

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SAMPLE_FRAMES = 60
_LARGEST_NOISE = 0.015  # of the image's diagonal: 21 px of 1000 x 1000, twice what poor detectors give
_MOST_EXCLUDED = 0.4
_MUCH_BETTER = 0.3  # another order of cameras must take away 70 % of the error,
_BETTER = 0.5  # and turning an image back half of its own: a body is not far from its mirror image
_ROUNDING_PX = 0.1
_BEYOND, _MOST_BEYOND = 0.1, 0.25  # of the image's size; of a view's points
_LENS_PX, _LENS_SIGMAS = 2.0, 5.0
_LATE_FRAMES, _LATE_SIGMAS = 0.5, 6.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that lies: `kind` for machines, one sentence for people; with `fatal`, no result can be trusted."""

    kind: str
    text: str
    fatal: bool = False
    hint: str | None = None


def frame_findings(cameras: Sequence[Camera], points: Array) -> list[Finding]:
    """Views whose points [T, V, K, 2] px lie beyond the image that their camera has in the calibration."""
    size = np.array([camera.size for camera in cameras], float)
    room = _BEYOND * size  # detectors guess a little way past the edge
    seen = np.isfinite(points).all(axis=-1)
    with np.errstate(invalid="ignore"):
        outside = ((points < -room[:, None]) | (points > (size + room)[:, None])).any(axis=-1) & seen
    shares = outside.sum(axis=(0, 2)) / np.maximum(seen.sum(axis=(0, 2)), 1)
    wrong = [
        f"{camera.name} ({100 * share:.0f} % beyond {camera.size[0]} x {camera.size[1]})"
        for camera, share in zip(cameras, shares, strict=True)
        if share > _MOST_BEYOND
    ]
    if not wrong:
        return []
    text = f"points lie outside the calibration's images: {', '.join(wrong)}"
    return [Finding("outside", text, True, "was the video scaled or turned, or is it another capture's calibration?")]


def fit_findings(
    cameras: Sequence[Camera], points: Array, names: tuple[str, ...], found: Triangulation
) -> list[Finding]:
    """Swapped cameras and mirrored images, where the views of one person [T, V, K, 2] px do not fit each other."""
    shares = excluded_shares(found)
    diagonal = float(np.mean([np.hypot(*camera.size) for camera in cameras]))
    several = found.seen.sum(axis=-1) >= 2
    lost_share = (several & ~found.used.any(axis=-1)).sum() / max(several.sum(), 1)
    noisy = not found.noise_px <= _LARGEST_NOISE * diagonal
    sample = points[np.unique(np.linspace(0, len(points) - 1, _SAMPLE_FRAMES).astype(int))]
    costs = _Costs(cameras, sample)
    swapped = _swapped(cameras, costs)
    if swapped:
        return [swapped]
    mirrored = _mirrored(cameras, sample, names, costs)
    if mirrored:
        return mirrored
    if noisy or lost_share >= 0.9:
        off = ", ".join(f"{camera.name} {cost:.0f} px" for camera, cost in zip(cameras, costs.by_view(), strict=True))
        hint = "do they belong to one recording, and are the files those of these cameras?"
        return [Finding("misfit", f"calibration and detections do not fit each other ({off})", True, hint)]
    return [
        Finding("excluded", f"{camera.name} disagrees with the other views in {100 * share:.0f} % of its points")
        for camera, share in zip(cameras, shares, strict=True)
        if share >= _MOST_EXCLUDED
    ]


def excluded_shares(found: Triangulation) -> Array:
    """For each view the share of its points that were left out where others gave a point, [V]; NaN without any."""
    given = found.seen & found.used.any(axis=-1)[..., None]
    axes = tuple(range(given.ndim - 1))
    counted = given.sum(axis=axes)
    with np.errstate(invalid="ignore"):
        return np.where(counted > 0, (given & ~found.used).sum(axis=axes) / np.maximum(counted, 1), np.nan)


class _Costs:
    """Median epipolar distances, px, of what any view shows, seen as if by any camera."""

    def __init__(self, cameras: Sequence[Camera], sample: Array) -> None:
        self._cameras = cameras
        self._rays = {(c, v): directions(cameras[c], sample[:, v]) for c in range(len(cameras))
                      for v in range(len(cameras))}  # fmt: skip
        self._known: dict[tuple[int, int, int, int], float] = {}

    def pair(self, a: int, view_a: int, b: int, view_b: int) -> float:
        """What view_a shows taken for camera a's, against what view_b shows taken for camera b's."""
        key = (a, view_a, b, view_b)
        if key not in self._known:
            cameras = self._cameras
            distance = epipolar_distance(cameras[a], cameras[b], self._rays[a, view_a], self._rays[b, view_b])
            self._known[key] = median(distance)
        return self._known[key]

    def against(self, b: int, camera: Camera, points: Array) -> float:
        """What a camera would see if it saw `points` [T, K, 2], against view b."""
        return median(epipolar_distance(camera, self._cameras[b], directions(camera, points), self._rays[b, b]))

    def order(self, views: tuple[int, ...]) -> float:
        """The mean over all pairs if camera i's picture is that of view views[i]."""
        pairs = [self.pair(a, views[a], b, views[b]) for a, b in combinations(range(len(views)), 2)]
        known = [each for each in pairs if np.isfinite(each)]
        return float(np.mean(known)) if known else float("nan")

    def by_view(self) -> list[float]:
        """Each view against all the others."""
        count = range(len(self._cameras))
        return [mean([self.pair(min(v, o), min(v, o), max(v, o), max(v, o)) for o in count if o != v]) for v in count]


def directions(camera: Camera, points: Array) -> Array:
    """Undistorted directions of pixels [T, K, 2]; NaN where unseen."""
    flat = points.reshape(-1, 1, 2)
    made = rays_of.make_rays((camera,), flat, np.ones((len(flat), 1)))
    return np.where(made.weights > 0, made.directions[:, 0], np.nan).reshape(points.shape)


def median(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) >= 5 else float("nan")


def mean(values: list[float]) -> float:
    known = [each for each in values if np.isfinite(each)]
    return float(np.mean(known)) if known else float("nan")


def _swapped(cameras: Sequence[Camera], costs: _Costs) -> Finding | None:
    """The order of views that fits, if it fits much better; of several (a symmetric rig) the one that moves fewest."""
    views = tuple(range(len(cameras)))
    now = costs.order(views)
    if len(views) <= 6:
        orders = [order for order in permutations(views) if order != views]
    else:
        orders = [_exchanged(views, a, b) for a, b in combinations(views, 2)]
    tried = {order: costs.order(order) for order in orders}
    best = min(tried.values(), default=np.inf)
    if not best < _MUCH_BETTER * now - _ROUNDING_PX:
        return None
    alike = [order for order, cost in tried.items() if cost <= 1.5 * best + 0.1]
    order = min(alike, key=lambda each: sum(i != v for i, v in enumerate(each)))
    moved = [f"{cameras[v].name} for {cameras[i].name}" for i, v in enumerate(order) if i != v]
    text = f"cameras are swapped: the views fit ({tried[order]:.1f} px instead of {now:.1f}) if one takes "
    return Finding("swapped cameras", text + " and ".join(moved), True, "rename the detections, or the cameras")


def _exchanged(views: tuple[int, ...], a: int, b: int) -> tuple[int, ...]:
    order = list(views)
    order[a], order[b] = order[b], order[a]
    return tuple(order)


def _mirrored(cameras: Sequence[Camera], sample: Array, names: tuple[str, ...], costs: _Costs) -> list[Finding]:
    """The view whose image is mirrored, if one is: of several that fit better turned back, the one that explains most.

    The detector may have named the sides of the mirrored body as they look or as they are. A view whose sides alone
    are exchanged is none of them: `triangulate_tracks.untangle_sides` mends that.
    """
    partner = partners(names)
    now = costs.by_view()
    best: tuple[float, str] = (np.inf, "")
    for view, camera in enumerate(cameras):
        others = [other for other in range(len(cameras)) if other != view]
        without = [costs.pair(a, a, b, b) for a, b in combinations(others, 2)]
        flipped = sample[:, view] * [-1.0, 1.0] + [camera.size[0] - 1.0, 0.0]
        sides, *mirrored = (
            [costs.against(other, camera, points) for other in others]
            for points in (sample[:, view][:, partner], flipped[:, partner], flipped)
        )
        turned = min(mirrored, key=mean)
        total = mean(turned + without)
        if mean(without) >= _BETTER * now[view]:
            continue  # the others do not fit each other either: no single image is to blame
        if mean(turned) < _BETTER * now[view] - _ROUNDING_PX and not mean(sides) < mean(turned) and total < best[0]:
            gain = f"{mean(turned):.1f} px instead of {now[view]:.1f}"
            best = total, f"the image of {camera.name} is mirrored: it fits ({gain}) turned back"
    if not best[1]:
        return []
    return [Finding("mirrored image", best[1], True, "mirror the video back and detect again")]


def offset_findings(cameras: Sequence[Camera], offsets: Offsets) -> list[Finding]:
    """Cameras that are late or early by more than half a frame, surely."""
    return [
        Finding(
            "not in step",
            f"{camera.name} is {abs(late):.2f} frames {'late' if late > 0 else 'early'}",
            hint="--sync puts it in step",
        )
        for camera, late, deviation in zip(cameras, offsets.frames, offsets.deviations, strict=True)
        if abs(late) > _LATE_FRAMES and abs(late) > _LATE_SIGMAS * deviation
    ]


def lens_findings(cameras: Sequence[Camera], pixels: Array, found: Triangulation) -> list[Finding]:
    """Lenses that bend otherwise than the calibration says, from residuals that grow with the distance from the axis.

    A radial term k1 r^2 is fitted to every view at once; it counts where it moves the outermost points by more than
    2 px and is 5 standard deviations from none.
    """
    views = len(cameras)
    flat = pixels.transpose(0, 2, 1, 3).reshape(-1, views, 2)
    used, points = found.used.reshape(-1, views), found.positions.reshape(-1, 3)
    index = np.flatnonzero(used.sum(axis=1) >= 2)
    index = index[:: max(1, len(index) // 20000)]
    if len(index) < 50:
        return []
    rays = rays_of.make_rays(cameras, flat[index], used[index].astype(float))
    start = rays_of.intersect(rays, points[index])
    # Where the points project, not where they were seen: the noise of those would stand on both sides of the fit.
    before = np.einsum("vij,nj->nvi", rays.rotations, start) + rays.translations
    straight = before[..., :2] / before[..., 2:]
    square = (straight**2).sum(axis=-1)[..., None]
    bent = (straight * square)[..., None]
    fit = explain(rays, start, np.einsum("nvij,nvjq->nviq", rays.metric, bent))
    wrong = []
    for view, camera in enumerate(cameras):
        seen = rays.weights[:, view] > 0
        if not seen.any() or not np.isfinite(fit.deviations[view]).all():
            continue
        radius = float(np.quantile(np.sqrt(square[seen, view, 0]), 0.99))
        k1, deviation = float(fit.values[view, 0]), float(fit.deviations[view, 0])
        moved = float(camera.K[0, 0]) * abs(k1) * radius**3
        if moved > _LENS_PX and abs(k1) > _LENS_SIGMAS * deviation:
            wrong.append(f"{camera.name} (k1 {k1:+.2f}, {moved:.0f} px for the outermost points)")
    if not wrong:
        return []
    text = f"lenses bend otherwise than the calibration says: {', '.join(wrong)}"
    return [Finding("wrong distortion", text, False, "check 'distortions' and 'fisheye'")]
