"""The data set of all trials that have been annotated into a folder: labels in the formats wanted, card, manifest."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..exporters.dataset_formats import StoredRecordings, format_notes, write_formats
from ..exporters.keypoint_npz import read_labels
from ..simspine_addon.capture.calibration import read_calibration, write_calibration
from ..simspine_addon.capture.video import find_views
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from .annotate_pictures import write_video_sheet
from .annotate_trial import REPORT_FOLDER, Trial, TrialResult, trial_files
from .dataset_files import simspine_version
from .render_recording import file_hash

MANIFEST, CARD = "manifest.json", "README.md"


def write_dataset(
    folder: Path, results: Sequence[TrialResult], formats: Sequence[str], refused: Mapping[str, str]
) -> list[str]:
    """Labels of every trial whose report lies in `folder`, from this run and earlier ones, as one data set.

    Returns:
        the main files, relative to the folder.
    """
    reports = _reports(folder)
    labels = [folder / "labels" / f"{each['subject']}_{each['action']}.npz" for each in reports]
    models = {f"{each['subject']}.osim": folder / "models" / f"{each['subject']}.osim" for each in reports}
    written = write_formats(folder, StoredRecordings(labels), formats, "SimSpine annotate", models=models)
    _write_text(folder / CARD, _card(reports, formats, refused))
    names = [path.relative_to(folder).as_posix() for path in written]
    own = sorted(
        {name for each in reports for name in each["files"]}
        | {f"{REPORT_FOLDER}/{each['subject']}/{each['action']}.json" for each in reports}
        | {f"models/{each['subject']}.osim" for each in reports}
        | {f"cameras/Calib_{each['subject']}.toml" for each in reports}
        | {name for name in names if (folder / name).is_file()}
        | {CARD}
    )
    manifest = {
        "simspine": simspine_version(),
        "trials": [f"{each['subject']}_{each['action']}" for each in reports],
        "refused": dict(refused),
        "files": {name: file_hash(folder / name) for name in own},
    }
    _write_text(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    return [*names, CARD, MANIFEST]


def draw_overlays(folder: Path, results: Sequence[TrialResult], count: int, videos: Path | None) -> list[str]:
    """A sheet of `count` frames for each trial of this run; the videos are the trials' own, or those given.

    Raises:
        InputError: as `check_pictures`.
    """
    drawn = []
    for result in results:
        source = videos or result.trial.source
        name = f"overlays/{result.trial.name}.png"
        recording = read_labels(folder / trial_files(result.trial)["labels"])
        write_video_sheet(
            folder / name, recording.people[0], source, count, f"{result.trial.subject} · {result.trial.action}"
        )
        drawn.append(name)
    return drawn


def check_pictures(source: Path) -> None:
    """Refuse, before the work, what has no pictures to draw labels on.

    Raises:
        InputError: detections alone, or nothing that can be opened.
    """
    if source.is_file() and source.suffix.lower() in (".npz", ".json"):
        raise InputError("holds no pictures to draw on", path=source, hint="give the videos with --videos")
    find_views(source)


def publish_subjects(folder: Path, trials: Sequence[Trial]) -> None:
    """Calibration and model of each subject in the published layout, once something of the subject is there."""
    for trial in {trial.subject: trial for trial in trials}.values():
        for name, content in _subject_files(trial).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(folder / name) as temporary:
                temporary.write_bytes(content)


def check_subjects(folder: Path, trials: Sequence[Trial]) -> None:
    """Refuse another model or calibration for a subject of whom other trials lie in the data set already.

    Raises:
        InputError: naming which, since those trials' angles and pixels would no longer be those of the files.
    """
    mine = {(trial.subject, trial.action) for trial in trials}
    for trial in {trial.subject: trial for trial in trials}.values():
        earlier = sorted(path.stem for path in (folder / REPORT_FOLDER / trial.subject).glob("*.json"))
        others = [action for action in earlier if (trial.subject, action) not in mine]
        for name, content in _subject_files(trial).items() if others else ():
            there = folder / name
            if there.is_file() and there.read_bytes() != content:
                problem = f"is another one than that of {trial.subject}'s {', '.join(others[:3])} in {folder}"
                source = trial.model if name.startswith("models/") else trial.calibration
                hint = "give another --subject, another folder, or all of the subject's trials together"
                raise InputError(problem, path=source, hint=hint)


def _subject_files(trial: Trial) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as place:
        written = Path(place) / "calibration.toml"
        write_calibration(written, read_calibration(trial.calibration), world="pose2sim")
        calibration = written.read_bytes()
    model = trial.model.read_bytes()
    return {f"cameras/Calib_{trial.subject}.toml": calibration, f"models/{trial.subject}.osim": model}


def _reports(folder: Path) -> list[dict[str, Any]]:
    paths = sorted((folder / REPORT_FOLDER).glob("*/*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def _card(reports: Sequence[Mapping[str, Any]], formats: Sequence[str], refused: Mapping[str, str]) -> str:
    frames = sum(each["quality"]["frames"] for each in reports)
    usable = sum(each["quality"]["usable"] for each in reports)
    lines = [
        f"# {len(reports)} trials, {frames} frames, {usable} of them usable",
        "",
        "Made by SimSpine's `annotate` from calibrated views: triangulated, fitted with a subject's OpenSim model by",
        "inverse kinematics, checked, and its 37 keypoints taken by forward kinematics from the very joint angles that",
        "are in `kinematics/`.",
        "",
        "| where | what |",
        "|---|---|",
        "| `kinematics/` | joint angles (.mot, degrees and metres), every frame |",
        "| `positions/` | the 37 keypoints of these angles (.trc, OpenSim's ground, m); refused frames are gaps |",
        "| `markers/` | what inverse kinematics followed: triangulated, merged, filled |",
        "| `detections/` | image points as they came, px, the centre of the first pixel at (0, 0) |",
        "| `quality/` | each frame with every decision about it |",
        "| `trials/` | a report for each trial, with the SHA-256 of its files |",
        "| `cameras/`, `models/` | calibration (X_camera = R X + t, Z-up world) and model of each subject |",
        "| `labels/` | everything as arrays: 2D through the lens, 3D in the world and before each camera, angles |",
        "",
        *(f"- `{name}`: {format_notes(name)}" for name in formats),
        "",
        "| trial | frames | usable | markers, mm rms | vertebrae | decisions |",
        "|---|---|---|---|---|---|",
        *(_row(each) for each in reports),
    ]
    if refused:
        lines += ["", "## Left out", "", *(f"- {name}: {why}" for name, why in refused.items())]
    return "\n".join(lines) + "\n"


def _row(report: Mapping[str, Any]) -> str:
    quality = report["quality"]
    decisions = "; ".join(f"{each['meaning']}: {each['frames']}" for each in quality["decisions"]) or "none"
    rms = report["inverse_kinematics"]["rms_mm"]
    name = f"{report['subject']} {report['action']}"
    return f"| {name} | {quality['frames']} | {quality['usable']} | {rms} | {report['placement']} | {decisions} |"


def _write_text(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
