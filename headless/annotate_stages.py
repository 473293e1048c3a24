"""The SIMSPINE pipeline for one trial: detections of calibrated views to joint angles, keypoints and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..exporters.labels import Labels, make_labels
from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.capture.detections import Detections
from ..simspine_addon.capture.merge import (
    Correspondence,
    Source,
    estimate_delay,
    merge_tracks,
    read_correspondences,
)
from ..simspine_addon.capture.triangulate import TriangulationOptions
from ..simspine_addon.capture.triangulate_recording import Recording as Triangulated
from ..simspine_addon.capture.triangulate_recording import RecordingOptions, triangulate_recording
from ..simspine_addon.kinematics.forward import pose_track
from ..simspine_addon.kinematics.inverse_kinematics import IkOptions, IkResult, inverse_kinematics
from ..simspine_addon.kinematics.marker_weights import MARKER_WEIGHTS
from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.types import MarkerTrack, Model, Motion
from ..simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_PARENTS, Placement, keypoint_positions
from ..simspine_addon.spine.quality import QualityReport, check_motion
from ..simspine_addon.spine.virtual_markers import with_virtual_markers

Array = NDArray[np.float64]

TRACK_OF_DETECTIONS, TRACK_OF_MARKERS = "spine", "limbs"  # as correspondence tables name them
_LARGEST_RATIO = 3.0  # of the spread of body markers to that of the video's: no person is so unlike himself
_LEAST_SHARE = 0.5  # of the frames in which a marker has to be seen to be followed


@dataclass(frozen=True, slots=True)
class StageOptions:
    """What the stages may be told; the fields are arguments of `simspine annotate`."""

    points: TriangulationOptions = field(default_factory=TriangulationOptions)
    synchronise: bool = False
    cutoff_hz: float | None = None
    max_gap_s: float = 0.2
    person: int = 0
    table: str | None = None  # of correspondences, where body markers are merged in
    ik: IkOptions = field(default_factory=lambda: IkOptions(weights=MARKER_WEIGHTS, smooth=1e-3))
    placement: Placement = "surface"


@dataclass(frozen=True, slots=True)
class Solved:
    """A trial solved: its markers, the motion after quality control, and where each of its frames comes from."""

    triangulated: Triangulated
    markers: MarkerTrack
    ik: IkResult
    quality: QualityReport
    virtual: tuple[str, ...]  # markers that the model itself does not have
    left_out: tuple[str, ...]  # seen too seldom to be followed
    delay_s: float | None  # of the body markers against the video

    @property
    def motion(self) -> Motion:
        return self.quality.motion


def triangulated_markers(cameras: Sequence[Camera], detections: Detections, options: StageOptions) -> Triangulated:
    """Stage 2: one person's markers in space.

    Raises:
        InputError: as `triangulate_recording`.
    """
    return triangulate_recording(
        cameras,
        detections,
        RecordingOptions(
            options.points,
            person=options.person,
            synchronise=options.synchronise,
            cutoff_hz=options.cutoff_hz,
            max_gap_s=options.max_gap_s,
        ),
    )


def merged_markers(found: MarkerTrack, body: MarkerTrack | None, table: str | None) -> tuple[MarkerTrack, float | None]:
    """Stage 3: body markers of another source merged in, in step with the video; and their delay in s.

    Without a table a marker that both have is taken from the body markers, and every other one from where it is.

    Raises:
        InputError: nothing in common to align them by, or a table that fits neither.
    """
    if body is None:
        return found, None
    shared = [(name, name) for name in found.names if name in body.names]
    _check_unit(found, body)
    delay = estimate_delay(found, body, shared)
    entries = read_correspondences(table) if table else _either(found, body)
    tracks = {TRACK_OF_DETECTIONS: found, TRACK_OF_MARKERS: body}
    return merge_tracks(tracks, entries, {TRACK_OF_MARKERS: delay}), delay


def _check_unit(found: MarkerTrack, body: MarkerTrack) -> None:
    """Refuse body markers that are as far apart as in another unit, which the model would blame on all markers."""
    shared = [name for name in found.names if name in body.names]
    spreads = [
        np.nanmedian(np.nanstd(track.positions[:, [track.names.index(name) for name in shared]], axis=1))
        for track in (found, body)
    ] if len(shared) > 2 else [1.0, 1.0]  # fmt: skip
    ratio = float(spreads[1] / spreads[0])
    if ratio > _LARGEST_RATIO or ratio < 1.0 / _LARGEST_RATIO:
        unit = "millimetres were taken for metres" if 500 < ratio < 2000 else "another unit, or another person"
        problem = f"its markers lie {ratio:.{0 if ratio > 10 else 3}f} times as far apart as the video's: {unit}"
        raise InputError(problem, path=body.path, hint="correct 'Units' in the file")


def solve_trial(
    model: Model,
    cameras: Sequence[Camera],
    detections: Detections,
    body: MarkerTrack | None,
    options: StageOptions,
) -> Solved:
    """Stages 2, 3, 4 (kinematics) and 6 (quality control) of one trial.

    Raises:
        InputError: what the stages refuse: cameras that are swapped, a unit that cannot be, markers that the model
            does not have, no frame that can be used.
    """
    triangulated = triangulated_markers(cameras, detections, options)
    markers, delay = merged_markers(triangulated.track, body, options.table)
    markers, left_out = _followed(markers)
    marked, virtual = with_virtual_markers(model, markers.names, options.placement)
    fit = inverse_kinematics(marked, markers, options.ik)
    unseen = ~np.isfinite(fit.report.marker_error).any(axis=1)
    values = np.where(unseen[:, None], np.nan, fit.motion.values)  # quality control fills what is short enough
    quality = check_motion(model, replace(fit.motion, values=values))
    if not quality.usable.any():
        raise InputError("no frame of the motion can be used", path=detections.path, hint=quality.summary)
    return Solved(triangulated, markers, fit, quality, virtual, left_out, delay)


def trial_labels(
    model: Model, motion: Motion, usable: NDArray[np.bool_], cameras: Sequence[Camera], placement: Placement
) -> Labels:
    """Stage 5: the 37 keypoints of a motion by forward kinematics, seen by the cameras that filmed it.

    Frames that quality control refused have no points (NaN): their angles stay in the motion, for people to look at.

    Args:
        motion: as read back from the file that was written, so that keypoints are those of that file.
        usable: [T].
    """
    track: PoseTrack = pose_track(model, motion)
    points = keypoint_positions(model, track, placement)
    points[~usable] = np.nan
    rows = np.arange(len(motion.time))
    return make_labels(cameras, KEYPOINT_NAMES, KEYPOINT_PARENTS, points, rows, motion.time)


def trial_report(solved: Solved) -> dict[str, Any]:
    """What was decided and how well it went, as plain data."""
    quality = solved.quality
    return {
        "triangulation": solved.triangulated.report(),
        "body_markers_delay_s": solved.delay_s,
        "virtual_markers": list(solved.virtual),
        "markers_left_out": list(solved.left_out),
        "inverse_kinematics": {
            name: value for name, value in solved.ik.report.summary().items() if name not in ("seconds", "warnings")
        },
        "quality": {
            "summary": quality.summary,
            "frames": len(quality.flags),
            "usable": int(quality.usable.sum()),
            "decisions": [
                {"flag": reason.flag.name, "meaning": reason.meaning, "frames": reason.frames,
                 "names": list(reason.names)}
                for reason in quality.reasons
            ],
            "notes": list(quality.notes),
        },
    }  # fmt: skip


def trial_warnings(solved: Solved) -> tuple[str, ...]:
    """What a person should know, a sentence each."""
    notes = [*solved.markers.warnings, *solved.ik.report.warnings, *solved.quality.notes]
    if solved.virtual:
        notes.append(f"the model has no markers {', '.join(solved.virtual)}: put at the keypoints' released places")
    if solved.left_out:
        notes.append(f"{', '.join(solved.left_out)}: seen in less than half of the frames, and not followed")
    if solved.quality.reasons:
        notes.append(f"quality control: {solved.quality.summary}")
    return tuple(dict.fromkeys(notes))


def _followed(markers: MarkerTrack) -> tuple[MarkerTrack, tuple[str, ...]]:
    """Without markers that were hardly ever seen, which would pull at their frames alone; and their names."""
    seen = np.isfinite(markers.positions[..., 0]).mean(axis=0)
    keep = seen >= _LEAST_SHARE * seen.max(initial=0.0)
    if not seen.any():
        raise InputError("no keypoint could be triangulated", path=markers.path, hint="see whether the views agree")
    keep &= seen > 0
    left_out = tuple(name for name, kept, share in zip(markers.names, keep, seen, strict=True) if not kept and share)
    kept = replace(
        markers,
        names=tuple(name for name, kept in zip(markers.names, keep, strict=True) if kept),
        positions=markers.positions[:, keep],
        confidence=markers.confidence[:, keep],
    )
    return kept, left_out


def _either(found: MarkerTrack, body: MarkerTrack) -> tuple[Correspondence, ...]:
    names = list(dict.fromkeys((*found.names, *body.names)))
    return tuple(
        Correspondence(name, (Source(TRACK_OF_MARKERS, (name,)), Source(TRACK_OF_DETECTIONS, (name,))))
        for name in names
    )
