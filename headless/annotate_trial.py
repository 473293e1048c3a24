"""One trial of a SIMSPINE data set from its inputs to its files, done once and known again by its checksums."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..exporters.anatomy import anatomy
from ..exporters.keypoint_npz import write_labels
from ..exporters.recording import Recording
from ..simspine_addon.capture.calibration import read_calibration
from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.capture.detections import write_detections
from ..simspine_addon.kinematics.forward import pose_track
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.document import read_model
from ..simspine_addon.model.markers import read_trc
from ..simspine_addon.model.motion import read_motion
from ..simspine_addon.model.motion_writers import write_mot, write_trc
from ..simspine_addon.model.types import MarkerTrack
from ..simspine_addon.spine.quality import Flag
from .annotate_stages import (
    Solved,
    StageOptions,
    solve_trial,
    trial_labels,
    trial_report,
    trial_warnings,
)
from .annotate_views import ViewOptions, read_views
from .dataset_files import simspine_version
from .render_recording import file_hash
from .stats_analysis import model_endplates

REPORT_FOLDER = "trials"


@dataclass(frozen=True, slots=True)
class Trial:
    """What one trial is made of: `source` holds videos, folders of images or detections, one for each camera."""

    subject: str
    action: str
    calibration: Path
    source: Path
    model: Path  # scaled to the subject
    markers: Path | None = None  # body markers (.trc) to merge in

    @property
    def name(self) -> str:
        return f"{self.subject}_{self.action}"


@dataclass(frozen=True, slots=True)
class TrialOptions:
    """How every trial is treated: how its views become detections, and all stages after that."""

    stages: StageOptions = field(default_factory=StageOptions)
    views: ViewOptions = field(default_factory=ViewOptions)


@dataclass(frozen=True, slots=True)
class TrialResult:
    """Where a trial's report lies and what it says; `kept` if it was there already."""

    trial: Trial
    report: dict[str, Any]
    warnings: tuple[str, ...]
    kept: bool = False


def trial_files(trial: Trial) -> dict[str, str]:
    """Where a trial's files lie in the data set's folder: those of the published layout, and ours beside them."""
    place = f"{trial.subject}/{trial.action}"
    return {
        "detections": f"detections/{place}.npz",
        "markers": f"markers/{place}.trc",
        "kinematics": f"kinematics/{place}.mot",
        "positions": f"positions/{place}.trc",
        "quality": f"quality/{place}.csv",
        "labels": f"labels/{trial.name}.npz",
    }


def annotate_trial(trial: Trial, folder: Path, options: TrialOptions) -> TrialResult:
    """All stages of a trial into `folder`; nothing is done if its files are there, whole, from the same inputs.

    Raises:
        InputError: what a stage refuses; the trial then has no report, and no file of another trial is touched.
    """
    report_path = folder / REPORT_FOLDER / trial.subject / f"{trial.action}.json"
    job = job_hash(trial, options)
    earlier = _finished(report_path, job, folder)
    if earlier is not None:
        return TrialResult(trial, earlier, tuple(earlier["warnings"]), kept=True)
    model = read_model(trial.model)
    cameras = read_calibration(trial.calibration)
    detections = read_views(trial.source, cameras, options.views)
    body = None if trial.markers is None else read_trc(trial.markers)
    solved = solve_trial(model, cameras, detections, body, options.stages)
    places = {what: folder / name for what, name in trial_files(trial).items()}
    for path in (*places.values(), report_path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_detections(places["detections"], detections)
    write_trc(places["markers"], solved.markers)
    write_mot(places["kinematics"], solved.motion, model)
    recording = _recording(trial, places["kinematics"], cameras, solved, options)
    _write_positions(places["positions"], recording)
    _write_text(places["quality"], quality_table(solved))
    write_labels(places["labels"], recording)
    warnings = tuple(dict.fromkeys((*model.warnings, *trial_warnings(solved))))
    report = {
        "subject": trial.subject,
        "action": trial.action,
        "job": job,
        "frames": len(solved.motion.time),
        "rate": detections.rate,
        "placement": options.stages.placement,
        "warnings": list(warnings),
        **trial_report(solved),
        "files": {name: file_hash(folder / name) for name in trial_files(trial).values()},
    }
    _write_text(report_path, json.dumps(report, indent=1, allow_nan=False) + "\n")
    return TrialResult(trial, report, warnings)


def job_hash(trial: Trial, options: TrialOptions) -> str:
    """SHA-256 over everything that decides a trial's files: its inputs' bytes, the options, the program's version."""
    digest = hashlib.sha256()
    digest.update(repr((simspine_version(), trial.subject, trial.action, options)).encode())
    table = Path(options.stages.table or "")
    calibration = Path(str(trial.calibration).partition("#")[0])  # FOLDER#S1 is one subject's
    inputs = [calibration, trial.model, trial.markers, options.views.detector, options.views.boxes, trial.source]
    for path in [*inputs, table if table.is_file() else None]:
        digest.update(b"-" if path is None else _content(path).encode())
    return digest.hexdigest()


def _content(path: Path) -> str:
    """What a file holds, or every file of a folder with its name."""
    if not path.is_dir():
        return file_hash(path)
    files = sorted(each for each in path.rglob("*") if each.is_file())
    return " ".join(f"{each.relative_to(path.parent).as_posix()} {file_hash(each)}" for each in files)


def quality_table(solved: Solved) -> str:
    """Every frame with what was found and done in it, as CSV."""
    quality, fit = solved.quality, solved.ik.report
    views = _views(solved)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("frame", "time_s", "source_frame", "usable", "flags", "ik", "marker_rms_mm", "fewest_views"))
    for frame, (source, word, usable) in enumerate(
        zip(quality.source_frames.tolist(), quality.flags.tolist(), quality.usable.tolist(), strict=True)
    ):
        there = source >= 0
        rms = fit.rms[source] * 1e3 if there else np.nan
        table.writerow(
            (
                frame,
                f"{quality.motion.time[frame]:.6f}",
                source,
                int(usable),
                " ".join(flag.name or "" for flag in Flag if word & flag),
                "; ".join(fit.flags[source]) if there else "",
                f"{rms:.3f}" if np.isfinite(rms) else "",
                int(views[source]) if there else 0,
            )
        )
    return text.getvalue()


def _views(solved: Solved) -> NDArray[np.int64]:
    """The fewest views in which any followed marker was used, [T]."""
    raw = solved.triangulated.raw
    used = raw.used.sum(axis=2)  # [T, K, V] -> [T, K]
    seen = np.isfinite(raw.positions[..., 0])
    return np.where(seen.any(axis=1), np.where(seen, used, used.max(initial=0)).min(axis=1), 0)


def _recording(
    trial: Trial, motion_path: Path, cameras: tuple[Camera, ...], solved: Solved, options: TrialOptions
) -> Recording:
    """Labels from the written motion, so that they are what anyone else's forward kinematics gives of it."""
    model = read_model(trial.model)
    motion = read_motion(motion_path, model)
    quality = solved.quality
    labels = trial_labels(model, motion, quality.usable, cameras, options.stages.placement)
    known = anatomy(model, motion, pose_track(model, motion), model_endplates(model, None, ()))
    labels = replace(labels, anatomy=known, person=trial.subject)
    return Recording(
        name=trial.name,
        subject=trial.subject,
        action=trial.action,
        people=(labels,),
        image_names=tuple(() for _ in cameras),
        rate=solved.markers.rate,
        model_file=f"{trial.subject}.osim",
        placement=options.stages.placement,
        variety={"quality_flags": quality.flags.tolist(), "source_frames": quality.source_frames.tolist()},
    )


def _write_positions(path: Path, recording: Recording) -> None:
    labels = recording.people[0]
    seen = np.isfinite(labels.points_world).any(axis=(0, 2))
    names = tuple(name for name, there in zip(labels.keypoint_names, seen, strict=True) if there)
    points = labels.points_world[:, seen]
    write_trc(path, MarkerTrack(labels.time, names, points, np.ones(points.shape[:2]), recording.rate))


def _finished(path: Path, job: str, folder: Path) -> dict[str, Any] | None:
    """The report of the same job whose files are all as it says; None where there is none."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        whole = report["job"] == job and all(file_hash(folder / f) == h for f, h in report["files"].items())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return report if whole else None


def _write_text(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
