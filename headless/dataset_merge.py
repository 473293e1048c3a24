"""From finished shards to a finished data set: labels by recording, formats, card, pictures and, last, the manifest."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from ..exporters.dataset_formats import write_formats
from ..exporters.keypoint_npz import read_labels, write_labels
from ..exporters.labels import LABELLED_INSIDE
from ..exporters.recording import Recording
from ..simspine_addon.capture.calibration import write_calibration
from ..simspine_addon.model.atomic import atomic_path
from .dataset_card import dataset_card
from .dataset_files import (
    CALIBRATION_FOLDER,
    IMAGE_FOLDER,
    LABEL_FOLDER,
    MANIFEST_FILE,
    OVERLAY_FOLDER,
    SHARD_FOLDER,
    WORK_FOLDER,
    Dataset,
    clear_scratch,
    is_alive,
    simspine_version,
)
from .dataset_models import recording_models
from .progress import progress
from .shard_files import ShardRecord, checksums, write_json
from .shard_labels import joined
from .shard_plan import Shard, settings_hash

_BEAT_SECONDS = 30.0  # how often a merge shows that it is alive
_STALE_SECONDS = 600.0  # after which, not having done so, one of another computer counts as dead
_UNFINISHED = re.compile(r"\.[a-z0-9_]{8}\.\w+")  # as `atomic_path` names what it has not finished
_OWN_FILES = ("README.md", "contact_sheet.png", "labels.npz", "calibration.toml", "calibration_pose2sim.toml")
_OWN_FOLDERS = (LABEL_FOLDER, CALIBRATION_FOLDER, OVERLAY_FOLDER, SHARD_FOLDER)


class RecordingsOnDisk(Sequence):
    """The recordings of a data set, each read from its shards when it is asked for."""

    def __init__(self, dataset: Dataset, shards: Sequence[Shard]) -> None:
        self._dataset = dataset
        self._groups = _by_recording(shards, len(dataset.config.recordings))
        self._latest: tuple[int, Recording] | None = None

    def __len__(self) -> int:
        return len(self._groups)

    def __getitem__(self, number: int) -> Recording:
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        number %= len(self)
        if self._latest is None or self._latest[0] != number:
            paths = [self._dataset.folder / self._dataset.labels_name(shard) for shard in self._groups[number]]
            self._latest = number, joined([read_labels(path) for path in paths])
        return self._latest[1]


def _by_recording(shards: Sequence[Shard], count: int) -> list[list[Shard]]:
    """The shards of each of so many recordings."""
    groups: list[list[Shard]] = [[] for _ in range(count)]
    for shard in shards:
        groups[shard.recording].append(shard)
    return groups


def all_records(dataset: Dataset, shards: Sequence[Shard]) -> list[ShardRecord] | None:
    """The records of all shards, or None while some are not finished."""
    records = [dataset.record(shard) for shard in shards]
    present = [record for record in records if record is not None]
    return present if len(present) == len(records) else None


def merge(dataset: Dataset, shards: Sequence[Shard], records: Sequence[ShardRecord]) -> bool:
    """Write what belongs to the data set as a whole; False if another process is at it.

    Only what is already finished is read, so that the result is the same whoever does it.
    """
    with _alone(dataset.folder) as other:
        if other:
            note = f"another process ({other}) is writing the data set's files"
            hint = "if it is dead, give simspine render resume in ten minutes"
            print(f"all shards are there; {note}; {hint}", file=sys.stderr)
            return False
        _remove_leftovers(dataset.folder)
        (dataset.folder / MANIFEST_FILE).unlink(missing_ok=True)  # it stands for a finished data set
        recordings = RecordingsOnDisk(dataset, shards)
        warnings = list(dict.fromkeys(note for record in records for note in record.warnings))
        warnings += _poor_images(recordings)
        _write_labels(dataset, recordings)
        description = f"SimSpine: {dataset.config.name}"
        with recording_models(dataset) as models:
            written = write_formats(dataset.folder, recordings, dataset.config.formats, description, models=models)
        residuals = {record.recording: record.residual for record in records if record.residual is not None}
        card = dataset_card(dataset.config, recordings, warnings, residuals)
        _write_text(dataset.folder / "README.md", card)
        _draw(dataset, recordings)
        _write_manifest(dataset, shards, records, recordings, warnings, written)
        shutil.rmtree(dataset.plates, ignore_errors=True)
    clear_scratch(dataset.folder)
    return True


def _write_labels(dataset: Dataset, recordings: Sequence[Recording]) -> None:
    folder = dataset.folder
    for recording in recordings:
        cameras = recording.people[0].cameras
        if dataset.config.single:
            labels, plain, pose2sim = "labels.npz", "calibration.toml", "calibration_pose2sim.toml"
        else:
            (folder / LABEL_FOLDER).mkdir(exist_ok=True)
            (folder / CALIBRATION_FOLDER).mkdir(exist_ok=True)
            labels = f"{LABEL_FOLDER}/{recording.name}.npz"
            plain, pose2sim = (
                f"{CALIBRATION_FOLDER}/{recording.name}.toml",
                f"{CALIBRATION_FOLDER}/{recording.name}_pose2sim.toml",
            )
        write_labels(folder / labels, recording)
        write_calibration(folder / plain, cameras, world="opensim")
        write_calibration(folder / pose2sim, cameras, world="pose2sim")


def _draw(dataset: Dataset, recordings: Sequence[Recording]) -> None:
    """Contact sheet and overlays, where there is Pillow to draw them."""
    from . import overlay
    from .contact_sheet import write_contact_sheet

    if not overlay.can_draw():
        print("note: no contact sheet and no overlays were drawn, since Pillow is not installed here", file=sys.stderr)
        return
    folder, config = dataset.folder, dataset.config
    first = recordings[0]
    title = f"{first.subject} · {first.action}" if config.single else config.name
    write_contact_sheet(folder / "contact_sheet.png", recordings, folder, title)
    if not config.overlays:
        return
    for recording in progress(recordings, "overlays"):
        above = folder / OVERLAY_FOLDER if config.single else folder / OVERLAY_FOLDER / recording.name
        paths = [[folder / name for name in view] for view in recording.image_names]
        overlay.write_overlays(above, recording.people, paths)


def _write_manifest(
    dataset: Dataset,
    shards: Sequence[Shard],
    records: Sequence[ShardRecord],
    recordings: Sequence[Recording],
    warnings: Sequence[str],
    written: Sequence[Path],
) -> None:
    """The manifest names every file with its checksum; those of images come from the shards' records."""
    files = {name: each[0] for record in records for name, each in record.files.items()}
    others = [name for name in data_files(dataset.folder, written) if name not in files]
    files |= {name: each[0] for name, each in checksums(dataset.folder, others).items()}
    sizes = {name: (dataset.folder / name).stat().st_size for name in others}
    sizes |= {name: each[1] for record in records for name, each in record.files.items()}
    residuals = {record.recording: record.residual for record in records if record.residual is not None}
    engine = dataset.settings.get("engine")
    assert isinstance(engine, dict)
    manifest = {
        "simspine": simspine_version(),
        "blender": engine["blender"],
        "device": ", ".join(sorted({record.device for record in records})),
        "job": dataset.job,
        "settings": dataset.settings,
        "recordings": [
            {
                "name": recording.name,
                "subject": recording.subject,
                "action": recording.action,
                "frames": recording.people[0].frames.tolist(),
                "cameras": [camera.name for camera in recording.people[0].cameras],
                "people": [labels.person for labels in recording.people],
                "variety": dict(recording.variety),
                "shards": [shard.identity for shard in own],
            }
            for recording, own in zip(recordings, _by_recording(shards, len(recordings)), strict=True)
        ],
        "warnings": list(warnings),
        **({"keypoint_residual_mm": residuals} if residuals else {}),
        "sizes": {name: sizes[name] for name in sorted(sizes)},
        "files": {name: files[name] for name in sorted(files)},
    }
    # Its own checksum comes last: the manifest is what everything else is checked against.
    write_json(dataset.folder / MANIFEST_FILE, {**manifest, "manifest_sha256": settings_hash(manifest)})


def data_files(folder: Path, written: Sequence[Path] = ()) -> list[str]:
    """The files of a finished data set beside its images; `written` are the formats' files and folders."""
    own = [folder / name for name in (*_OWN_FILES, *_OWN_FOLDERS)]
    names = {path.relative_to(folder).as_posix() for place in (*own, *written) for path in _files_below(place)}
    return sorted(names)


def _files_below(place: Path) -> Iterator[Path]:
    """The file, or those in the folder, without what is unfinished."""
    paths = place.rglob("*") if place.is_dir() else [place]
    return (path for path in paths if path.is_file() and not path.name.startswith("."))


@contextmanager
def _alone(folder: Path) -> Iterator[str]:
    """Who else is merging, "" if nobody: then nobody else may while this process does."""
    work = folder / WORK_FOLDER
    work.mkdir(exist_ok=True)
    mark = work / "merging"
    if mark.is_file() and _is_dead(mark):
        mark.unlink(missing_ok=True)
    try:
        handle = os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        yield _written(mark) or "of an unknown name"
        return
    with os.fdopen(handle, "w") as file:
        file.write(f"{socket.gethostname()} {os.getpid()}")
    done = threading.Event()
    beating = threading.Thread(target=_beat, args=(mark, done), daemon=True)
    beating.start()
    try:
        yield ""
    finally:
        done.set()
        beating.join()
        mark.unlink(missing_ok=True)


def _beat(mark: Path, done: threading.Event) -> None:
    """Show other computers that whoever left the mark still works, however long it takes."""
    while not done.wait(_BEAT_SECONDS):
        with suppress(OSError):  # a moment without the network's disk
            mark.touch()


def _written(mark: Path) -> str:
    """What a mark says; "" where it is gone."""
    try:
        return mark.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _is_dead(mark: Path) -> bool:
    """Whether whoever left the mark no longer works."""
    try:
        age = time.time() - mark.stat().st_mtime
    except OSError:  # gone in this moment
        return False
    host, _, process = _written(mark).rpartition(" ")
    if host == socket.gethostname() and process.isdecimal():
        return not is_alive(int(process))
    return age > _STALE_SECONDS


def _remove_leftovers(folder: Path) -> None:
    """Unfinished files (see `atomic_path`) of a merge that was killed; images are never written in their folder."""
    for path in folder.rglob(".????????*"):
        inside = path.relative_to(folder).parts[0]
        if path.is_file() and _UNFINISHED.fullmatch(path.name) and inside not in (WORK_FOLDER, IMAGE_FOLDER):
            path.unlink(missing_ok=True)


def _poor_images(recordings: Sequence[Recording]) -> list[str]:
    """Notes on images that nobody learns from: without anyone, or with all of everyone hidden."""
    empty = hidden = total = 0
    for recording in recordings:
        there = np.stack([np.isfinite(labels.boxes).all(axis=-1) for labels in recording.people]).any(axis=0)
        seen = [(labels.visibility == LABELLED_INSIDE).any(axis=-1) for labels in recording.people]
        empty, total = empty + int((~there).sum()), total + there.size
        hidden += int((there & ~np.stack(seen).any(axis=0)).sum())
    notes = [f"{empty} of {total} images show nothing of the person"] if empty else []
    if hidden:
        why = "what stands before it, a camera within a body or wall, or too narrow a view"
        notes.append(f"{hidden} of {total} images show someone, but no keypoint of theirs: {why}")
    return notes


def _write_text(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
