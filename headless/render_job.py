"""A data set from its configuration to the finished folder: check everything, render what is missing, merge."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..simspine_addon.model.errors import InputError
from .dataset_files import Dataset, add_to_log, clear_scratch, difference, disk_errors, open_dataset, reopen_dataset
from .dataset_merge import RecordingsOnDisk, all_records, merge
from .render_cameras import camera_sizes
from .render_check import check_disk
from .render_config import DatasetConfig
from .render_engine import FindRenderer, Renderer, find_renderer, renderer_for
from .render_inputs import all_inputs, checked_inputs
from .render_processes import child_command, part_of, render_in_processes
from .render_progress import RenderProgress
from .render_recording import FileHashes, RecordingInputs
from .render_request import RenderRequest, config_of_request
from .render_result import RenderResult, main_places
from .shard_plan import Hardware, Shard, job_settings, plan_shards, shards_of_part
from .shard_run import Report, Tally, run_shards


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What of a data set this process does.

    `part` is (I, N): every N-th shard from the I-th, counted from 1; `only_shard` names one, `shards` are some of the
    job's. `boards` is how many of the device's boards to use, each by a process of its own (None: all); `board` is the
    only one to use in this process. `threads` is how many of the CPU's, `blender` another Blender than this Python's.
    `report` is told about each image, in place of a bar.
    """

    overwrite: bool = False
    part: tuple[int, int] | None = None
    only_shard: str | None = None
    shards: tuple[Shard, ...] | None = None
    boards: int | None = None
    board: int | None = None
    threads: int | None = None
    blender: Path | None = None
    merges: bool = True
    report: Report | None = None

    def find_renderer(self, device: str) -> Renderer:
        """What renders on a kind of device with the Blender of these options."""
        return find_renderer(device, self.blender)


@dataclass(frozen=True, slots=True)
class Job:
    """A data set that is open for work: its inputs are read and known to be good."""

    dataset: Dataset
    inputs: tuple[RecordingInputs, ...]
    renderer: Renderer
    shards: tuple[Shard, ...]

    def image_count(self, shards: Sequence[Shard]) -> int:
        """How many images some of its shards are."""
        sizes = camera_sizes(self.dataset.config)
        return sum(shard.count * len(sizes[shard.recording]) for shard in shards)


def render_dataset(request: RenderRequest) -> RenderResult:
    """Render one recording into `request.output`: see `render_config`."""
    return render_config(config_of_request(request), request.output, RunOptions(overwrite=request.overwrite))


def render_config(config: DatasetConfig, output: Path, options: RunOptions) -> RenderResult:
    """Render images with labels into a folder; what is there already, of the same job, is kept.

    Starts from an empty Blender file: whatever was open in this process is closed. Progress and warnings go to
    stderr.

    Raises:
        InputError: input that cannot be used, or an output folder that holds something else; nothing was written.
    """
    return run_job(open_job(config, output, options.overwrite, options.find_renderer), options)


def resume_dataset(folder: Path, options: RunOptions) -> RenderResult:
    """Go on with the data set in a folder, as its `job.json` says.

    Raises:
        InputError: it holds none; its inputs, the code or Blender have changed since.
    """
    return run_job(reopen_job(folder, options.find_renderer), options)


def open_job(config: DatasetConfig, output: Path, overwrite: bool, find: FindRenderer = find_renderer) -> Job:
    """Check all that a data set needs, and open its folder; `find` tells what renders.

    Raises:
        InputError: something cannot be used; nothing was written then.
    """
    inputs = checked_inputs(config)
    renderer = renderer_for(config, output, find)
    settings = job_settings(config, inputs, renderer.engine, FileHashes())
    check_disk(config, inputs, output)
    shards = plan_shards(config, inputs, settings)
    dataset = open_dataset(output, config, settings, overwrite, shards)
    return Job(dataset, inputs, renderer, shards)


def reopen_job(folder: Path, find: FindRenderer = find_renderer) -> Job:
    """The job of a data set's folder; `find` tells what renders.

    Raises:
        InputError: no data set, inputs that are gone or changed, another version of code or Blender.
    """
    begun = reopen_dataset(folder)
    config = begun.config
    inputs = all_inputs(config)
    renderer = renderer_for(config, folder, find)
    settings = job_settings(config, inputs, renderer.engine, FileHashes())
    if settings != begun.settings:
        what = difference(begun.settings, settings)
        raise InputError(
            f"was begun with another {what}", path=folder, hint="restore what it was, or render into another folder"
        )
    return Job(begun, inputs, renderer, plan_shards(config, inputs, settings))


def run_job(job: Job, options: RunOptions) -> RenderResult:
    """Render the shards that are asked for and, when all are there, write the whole.

    Raises:
        InputError: a recording cannot be staged, or the disk is too small.
        RuntimeError: a process of one of several boards failed.
        KeyboardInterrupt: someone asked to stop.
    """
    with disk_errors(job.dataset.folder):
        return _run(job, options)


def _run(job: Job, options: RunOptions) -> RenderResult:
    shards = _asked_for(job, options)
    if options.report is None:  # else whoever started this process has said so
        announce(job)
    clear_scratch(job.dataset.folder)
    with RenderProgress(job.image_count(shards), shown=options.report is None) as progress:
        report = options.report or progress.step
        commands = _processes(job, options, len(shards))
        if commands:
            tally = render_in_processes(commands, report)
        else:
            hardware = _hardware(job, options)
            tally = run_shards(job.dataset, job.inputs, shards, job.renderer.engine, report, hardware)
    return finish(job, tally, options.merges)


def announce(job: Job) -> None:
    """Say on stderr and in the data set's log what renders, and what else was tried and does not."""
    renderer = job.renderer
    print(f"rendering on {renderer}", file=sys.stderr, flush=True)
    if not renderer.denoises and job.dataset.config.render.denoise is not False:
        note = "this build of Blender cannot denoise: the images keep their noise; raise --samples"
        print(f"warning: {note}", file=sys.stderr)
    about = {"blender": renderer.blender, "device": renderer.device, "boards": renderer.boards}
    add_to_log(job.dataset.folder, {**about, "refused": renderer.refused})


def finish(job: Job, tally: Tally, merges: bool) -> RenderResult:
    """Merge when all shards are there; what was made."""
    dataset = job.dataset
    records = all_records(dataset, job.shards)
    left = sum(dataset.record(shard) is None for shard in job.shards)
    merged = records is not None and merges and merge(dataset, job.shards, records)
    first = RecordingsOnDisk(dataset, job.shards)[0] if merged else None
    device = ", ".join(sorted({record.device for record in records})) if records else job.renderer.device
    views = () if first is None else first.image_names
    return RenderResult(
        output=dataset.folder,
        image_count=tally.rendered + tally.kept,
        rendered=tally.rendered,
        kept=tally.kept,
        seconds=tally.seconds,
        cpu_seconds=tally.cpu_seconds,
        device=device,
        places=main_places(dataset.folder),
        warnings=tuple(dict.fromkeys(note for record in records or () for note in record.warnings)),
        finished=merged,
        shards_left=left,
        labels=None if first is None else first.people[0],
        images=tuple(tuple(dataset.folder / name for name in view) for view in views),
    )


def _hardware(job: Job, options: RunOptions) -> Hardware:
    """What of this computer this process uses."""
    first_alone = options.boards == 1 < len(job.renderer.boards)
    return Hardware(0 if first_alone and options.board is None else options.board, options.threads)


def _processes(job: Job, options: RunOptions, shards: int) -> list[list[str]]:
    """The processes among which the shards are shared; none where this one renders.

    There is one for each board, so that each has its own scene in its memory, or one where another Blender renders.
    """
    folder, program = job.dataset.folder, job.renderer.program
    if options.only_shard is not None and program is not None:
        return [child_command(folder, program, options.threads, "--only-shard", options.only_shard)]
    present = len(job.renderer.boards)
    count = min(options.boards or present, present, shards)
    if options.board is not None or (count < 2 and program is None):
        return []
    boards = [["--board", str(number)] for number in range(count)] if count > 1 or options.boards == 1 else [[]]
    return [
        child_command(folder, program, options.threads, *board, "--shard", part_of(options.part, number, len(boards)))
        for number, board in enumerate(boards)
    ]


def _asked_for(job: Job, options: RunOptions) -> Sequence[Shard]:
    if options.shards is not None:
        return options.shards
    if options.only_shard is None:
        return shards_of_part(job.shards, options.part)
    chosen = [shard for shard in job.shards if shard.identity == options.only_shard]
    if not chosen:
        raise InputError(
            f"the data set has no shard {options.only_shard}",
            path=job.dataset.folder,
            hint="code, Blender, device or inputs differ from those that it was begun with",
        )
    return chosen
