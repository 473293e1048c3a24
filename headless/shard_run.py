"""Rendering of shards, one after another: what is there and whole is kept, the rest is made, the record comes last."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..exporters.keypoint_npz import write_labels
from ..exporters.pass_files import write_passes
from ..exporters.recording import Recording
from .dataset_files import Dataset, add_to_log, move_into_place, scratch
from .interruption import StopRequest, stop_between_images
from .render_recording import RecordingInputs
from .shard_files import ShardRecord, checksums, what_is_wrong, write_record
from .shard_images import is_whole_image, without_notes
from .shard_plan import Engine, Hardware, Shard

if TYPE_CHECKING:
    from ..simspine_addon.scene.passes import Passes
    from .render_stage import Stage


@dataclass(slots=True)
class Tally:
    """What a run has done so far: images made and kept, wall-clock and CPU seconds of the making."""

    rendered: int = 0
    kept: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def add(self, other: Tally) -> None:
        """Count another's work in."""
        self.rendered += other.rendered
        self.kept += other.kept
        self.seconds += other.seconds
        self.cpu_seconds += other.cpu_seconds


Report = Callable[[Tally], None]  # is told about each step: a tally of that step alone


def run_shards(
    dataset: Dataset,
    inputs: Sequence[RecordingInputs],
    shards: Sequence[Shard],
    engine: Engine,
    report: Report,
    hardware: Hardware,
) -> Tally:
    """Make every shard that is not finished; what was done.

    Raises:
        InputError: a recording cannot be staged.
        KeyboardInterrupt: someone asked to stop; what is finished stays.
    """
    total = Tally()
    stage: Stage | None = None
    staged = -1

    def tell(step: Tally) -> None:
        total.add(step)
        report(step)

    with scratch(dataset.folder) as work, stop_between_images() as stop:
        for shard in shards:
            record = dataset.record(shard)
            if record is not None and _is_finished(dataset.folder, record):
                tell(Tally(kept=record.image_count))
                continue
            if stage is None or staged != shard.recording:
                stage, staged = _staged(dataset, inputs[shard.recording], engine, hardware), shard.recording
            _make_shard(dataset, shard, stage, record, work, stop, tell)
    return total


def split_shards(dataset: Dataset, shards: Sequence[Shard]) -> tuple[int, list[Shard]]:
    """How many images of these shards are there and whole, and the shards that have yet to be made."""
    records = {shard.identity: dataset.record(shard) for shard in shards}
    whole = {name for name, each in records.items() if each is not None and _is_finished(dataset.folder, each)}
    kept = sum(each.image_count for name, each in records.items() if each is not None and name in whole)
    return kept, [shard for shard in shards if shard.identity not in whole]


def _staged(dataset: Dataset, inputs: RecordingInputs, engine: Engine, hardware: Hardware) -> Stage:
    from .render_stage import build_stage

    stage = build_stage(dataset.config, inputs, engine, dataset.plates, hardware)
    for warning in stage.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return stage


def _is_finished(folder: Path, record: ShardRecord) -> bool:
    """Whether all files of a shard are what its record says."""
    return all(what_is_wrong(folder / name, expected) is None for name, expected in record.files.items())


def _make_shard(
    dataset: Dataset,
    shard: Shard,
    stage: Stage,
    record: ShardRecord | None,
    work: Path,
    stop: StopRequest,
    tell: Report,
) -> None:
    """Render the images of a shard that are not there, then write its labels and its record."""
    pass_names = stage.pass_names(shard.places)

    def keep(view: int, index: int, passes: Passes) -> None:
        path = work / "passes.npz"
        write_passes(path, passes, stage.labeller.passes, stage.labeller.body_names)
        move_into_place(path, dataset.folder / pass_names[view][index])

    block = stage.labels(shard.places, keep)
    made = Tally()
    for index, place in enumerate(shard.places):
        for view, names in enumerate(block.image_names):
            step = _make_image(dataset.folder, stage, block, (view, place, index), names[index], record, work)
            made.add(step)
            tell(step)
            stop.check()
    labels_name = dataset.labels_name(shard)
    write_labels(work / "labels.npz", block)
    move_into_place(work / "labels.npz", dataset.folder / labels_name)
    names = [name for views in (block.image_names, pass_names) for view in views for name in view]
    residual = stage.actors[0].prepared.residual(stage.inputs.rows)
    finished = ShardRecord(
        identity=shard.identity,
        recording=block.name,
        places=(shard.places.start, shard.places.stop),
        device=str(stage.device),
        images=block.image_names,
        files=checksums(dataset.folder, [*names, labels_name]),
        warnings=(*stage.warnings, *label_notes(block)),
        residual=None
        if residual is None
        else {
            "overall": residual.overall(),
            "table": residual.table(),
            "like_for_like": round(residual.like_for_like, 2),
        },
    )
    _compare(record, finished)
    write_record(work / "record.json", finished)
    move_into_place(work / "record.json", dataset.record_path(shard))
    add_to_log(
        dataset.folder,
        {
            "shard": shard.identity,
            "recording": block.name,
            "device": str(stage.device),
            "rendered": made.rendered,
            "kept": made.kept,
            "seconds": round(made.seconds, 3),
            "cpu_seconds": round(made.cpu_seconds, 3),
        },
    )


def _make_image(
    folder: Path,
    stage: Stage,
    block: Recording,
    which: tuple[int, int, int],
    name: str,
    record: ShardRecord | None,
    work: Path,
) -> Tally:
    """Render one image unless it is there; `which` is view, frame of the recording, frame of the block."""
    path = folder / name
    expected = None if record is None else record.files.get(name)
    if (is_whole_image(path)) if expected is None else (what_is_wrong(path, expected) is None):
        return Tally(kept=1)
    started, cpu = time.perf_counter(), time.process_time()
    unfinished = work / f"image{path.suffix}"
    stage.render(block, *which, unfinished)
    unfinished.write_bytes(without_notes(unfinished.read_bytes()))
    if not is_whole_image(unfinished):  # Blender does not always say that the disk is full
        raise RuntimeError(f"Blender wrote no whole image for {name}")
    move_into_place(unfinished, path)
    return Tally(rendered=1, seconds=time.perf_counter() - started, cpu_seconds=time.process_time() - cpu)


def _compare(before: ShardRecord | None, now: ShardRecord) -> None:
    """Say so where what was made anew is not what had been there."""
    if before is None:
        return
    other = [name for name, each in now.files.items() if before.files.get(name, each) != each]
    if other:
        print(f"warning: {len(other)} files differ from those first made, such as {other[0]}", file=sys.stderr)


def label_notes(block: Recording) -> tuple[str, ...]:
    """What a reader of the labels has to know: keypoints that nobody has."""
    notes = []
    for labels in block.people:
        who = "model" if labels.points_world_model is None else "avatar"
        missing = ~np.isfinite(labels.points_world).all(axis=(0, 2))
        lacking = [name for name, lacks in zip(labels.keypoint_names, missing.tolist(), strict=True) if lacks]
        if lacking:
            notes.append(f"the {who} has no {', '.join(lacking)}: these keypoints are not labelled")
    return tuple(dict.fromkeys(notes))
