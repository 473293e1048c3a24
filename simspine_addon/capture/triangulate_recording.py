"""From the detections of a whole recording to one person's marker tracks, with a report of what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from ..model.types import MarkerTrack
from . import triangulate_checks as checks
from . import triangulate_tracks as tracks_of
from .camera import Camera
from .detections import Detections
from .filters import low_pass
from .gaps import Gap, fill_gaps
from .people import match_people
from .synchronise import Offsets, estimate_offsets, settled, shifted
from .triangulate import Triangulation, TriangulationOptions, triangulate

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_LEAST_FRAMES_TO_SYNCHRONISE = 10


@dataclass(frozen=True, slots=True)
class RecordingOptions:
    """`person` counts from 0, the one whom most views see longest; `cutoff_hz` None does not filter."""

    points: TriangulationOptions = field(default_factory=TriangulationOptions)
    person: int = 0
    synchronise: bool = False
    cutoff_hz: float | None = None
    filter_order: int = 4
    max_gap_s: float = 0.2


@dataclass(frozen=True, slots=True)
class Recording:
    """What came of it; `raw` is the triangulation before gaps were filled and tracks filtered."""

    track: MarkerTrack
    raw: Triangulation  # [T, K] points
    camera_names: tuple[str, ...]
    offsets: Offsets | None
    exchanged: Mask  # [T, V] where left and right were exchanged back
    leaps: int
    gaps: tuple[Gap, ...]
    findings: tuple[checks.Finding, ...]
    people: int

    def report(self) -> dict[str, Any]:
        """Everything that was decided, as plain data for a JSON file; px, frames counted from 0."""
        return _report(self)


def triangulate_recording(
    cameras: Sequence[Camera], detections: Detections, options: RecordingOptions | None = None
) -> Recording:
    """Match people, check that cameras and detections fit, put the views in step, triangulate, fill and filter.

    Raises:
        InputError: no such person, no point in two views, or a lie that leaves nothing to trust: swapped cameras,
            mirrored images or bodies, a wrong unit.
    """
    options = options or RecordingOptions()
    if len(cameras) < 2:
        raise InputError("one camera cannot give points in space", hint="give the calibration of at least two")
    matched = match_people(cameras, detections)
    one = matched.person(options.person)
    points, scores = one.points[:, :, 0], one.scores[:, :, 0]
    first = _checked(cameras, one, points, scores, options.points)
    points, scores, exchanged = _untangled(cameras, points, scores, one.keypoint_names, first, options.points)
    offsets, findings = _offsets(cameras, points, scores, options)
    if options.synchronise and offsets is not None:
        late = settled(offsets)
        points, scores = shifted(points, late), np.nan_to_num(shifted(scores, late))
    found = _triangulated(cameras, points, scores, options.points)
    if not findings:
        findings = checks.lens_findings(cameras, points, found)
    if options.synchronise or not findings:
        findings += [each for each in checks.fit_findings(cameras, points, one.keypoint_names, found) if not each.fatal]
    leaping = tracks_of.leaps(found.positions, found)
    found = tracks_of.without(found, leaping)
    positions, gaps = fill_gaps(one.time, found.positions, options.max_gap_s)
    filled = np.isfinite(positions).all(axis=-1) & ~np.isfinite(found.positions).all(axis=-1)
    if options.cutoff_hz is not None:
        positions = low_pass(positions, one.rate, options.cutoff_hz, options.filter_order)
    texts = tuple(finding.text + (f"; {finding.hint}" if finding.hint else "") for finding in findings)
    absence = (*_others(matched.points.shape[2], options.person), *_absence(one.time, positions))
    track = MarkerTrack(
        time=one.time,
        names=one.keypoint_names,
        positions=positions,
        confidence=np.where(filled, 0.5 * found.confidence.max(initial=0.0), found.confidence),
        rate=one.rate,
        warnings=(*one.warnings, *texts, *absence),
        path=one.path,
    )
    people = matched.points.shape[2]
    return Recording(
        track, found, one.camera_names, offsets, exchanged, int(leaping.sum()), gaps, tuple(findings), people
    )


def _triangulated(
    cameras: Sequence[Camera], points: Array, scores: Array, options: TriangulationOptions
) -> Triangulation:
    return triangulate(cameras, points.transpose(0, 2, 1, 3), scores.transpose(0, 2, 1), options)


def _untangled(
    cameras: Sequence[Camera],
    points: Array,
    scores: Array,
    names: tuple[str, ...],
    found: Triangulation,
    options: TriangulationOptions,
) -> tuple[Array, Array, Mask]:
    """Exchange sides until no view asks for it: each exchange makes the points surer for the next."""
    exchanged = np.zeros(points.shape[:2], dtype=bool)
    for _ in range(3):
        points, scores, now = tracks_of.untangle_sides(cameras, points, scores, names, found)
        exchanged ^= now
        if not now.any():
            break
        found = _triangulated(cameras, points, scores, options)
    return points, scores, exchanged


def _checked(
    cameras: Sequence[Camera], one: Detections, points: Array, scores: Array, options: TriangulationOptions
) -> Triangulation:
    """A first triangulation, or an error that names what makes any other pointless."""
    options.check(len(cameras))
    if not ((scores >= options.min_score).sum(axis=1) >= options.min_views).any():
        least = np.sort(scores, axis=1)[:, -options.min_views].max(initial=0.0)  # in so many views at once
        problem = f"no keypoint is seen by {options.min_views} views at once with a score of {options.min_score:g}"
        hint = f"the best has {least:.2f}: lower --min-score" if least > 0 else "do the views show the same person?"
        raise InputError(problem, path=one.path, hint=hint)
    found = _triangulated(cameras, points, scores, replace(options, max_deviation_m=np.inf))
    seen = np.where((scores >= options.min_score)[..., None], points, np.nan)
    findings = checks.frame_findings(cameras, seen) or checks.fit_findings(cameras, seen, one.keypoint_names, found)
    if not any(each.fatal for each in findings):
        findings = tracks_of.body_findings(found.positions, one.keypoint_names)
    for finding in findings:
        if finding.fatal:
            hint = "; ".join(text for text in (finding.hint, *one.warnings) if text)  # what was odd may be the reason
            raise InputError(finding.text, path=one.path, hint=hint)
    return _triangulated(cameras, points, scores, options)


def _offsets(
    cameras: Sequence[Camera], points: Array, scores: Array, options: RecordingOptions
) -> tuple[Offsets | None, list[checks.Finding]]:
    if len(points) < _LEAST_FRAMES_TO_SYNCHRONISE:
        return None, []
    offsets = estimate_offsets(cameras, points, np.where(scores >= options.points.min_score, scores, 0.0))
    return offsets, [] if options.synchronise else checks.offset_findings(cameras, offsets)


def _others(people: int, person: int) -> tuple[str, ...]:
    if people < 2:
        return ()
    return (f"{people} people are seen, and person {person} is followed; --person chooses another",)


def _absence(time: Array, positions: Array) -> tuple[str, ...]:
    """When nothing of the person is there, a sentence each."""
    gone = ~np.isfinite(positions).all(axis=-1).any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], gone.astype(int), [0]])))
    return tuple(
        f"the person is not seen from {time[begin]:.3f} to {time[end - 1]:.3f} s ({end - begin} frames); left empty"
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
    )


def _report(recording: Recording) -> dict[str, Any]:
    raw, track = recording.raw, recording.track
    shares = checks.excluded_shares(raw)
    deviation = np.sqrt(np.einsum("tkaa->tk", raw.covariance) / 3) * 1000
    cameras = {}
    for view, name in enumerate(recording.camera_names):
        errors = raw.errors_px[..., view][raw.used[..., view]]
        late = recording.offsets
        cameras[name] = {
            "reprojection_error_px": {
                "median": _number(np.median(errors) if len(errors) else np.nan),
                "rms": _number(np.sqrt(np.mean(errors**2)) if len(errors) else np.nan),
                "p95": _number(np.quantile(errors, 0.95) if len(errors) else np.nan),
            },
            "points_seen": int(raw.seen[..., view].sum()),
            "points_used": int(raw.used[..., view].sum()),
            "excluded_share": _number(shares[view]),
            "frames_with_sides_exchanged": int(recording.exchanged[:, view].sum()),
            "offset_frames": _number(late.frames[view]) if late else None,
            "offset_deviation_frames": _number(late.deviations[view]) if late else None,
        }
    keypoints = {
        name: {
            "frames_seen": int(np.isfinite(raw.positions[:, index, 0]).sum()),
            "deviation_mm": _number(
                np.nanmedian(deviation[:, index]) if np.isfinite(deviation[:, index]).any() else np.nan
            ),
            "views": _number(raw.used[:, index].sum(axis=-1).mean()),
        }
        for index, name in enumerate(track.names)
    }
    gaps = [
        {"keypoint": track.names[gap.marker], "first": gap.begin, "last": gap.end - 1, "filled": gap.filled}
        for gap in recording.gaps
    ]
    return {
        "frames": len(track.time),
        "rate": _number(track.rate),
        "people": recording.people,
        "noise_px": _number(raw.noise_px),
        "limit_px": _number(raw.limit_px),
        "points_leaping": recording.leaps,
        "cameras": cameras,
        "keypoints": keypoints,
        "gaps": gaps,
        "findings": [{"kind": each.kind, "text": each.text} for each in recording.findings],
        "warnings": list(track.warnings),
    }


def _number(value: Any) -> float | None:
    """JSON has no NaN."""
    return round(float(value), 6) if np.isfinite(value) else None
