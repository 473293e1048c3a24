"""A data set from its configuration to the finished folder: check everything, render what is missing, merge."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..exporters.dataset_formats import check_formats
from ..exporters.labels import Labels
from ..simspine_addon.capture.camera_presets import is_preset, preset_table
from ..simspine_addon.kinematics.forward import pose_track
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.types import Model
from ..simspine_addon.scene.body_shape import body_tubes
from ..simspine_addon.spine.keypoints import Placement
from .dataset_files import Dataset, clear_scratch, difference, open_dataset, read_job, reopen_dataset
from .dataset_merge import RecordingsOnDisk, all_records, merge
from .render_avatar import check_avatar
from .render_cameras import check_cameras
from .render_check import check_disk, plan_size
from .render_config import DatasetConfig, PersonConfig, RecordingConfig, RenderConfig
from .render_config_recordings import AVATARS
from .render_progress import RenderProgress
from .render_recording import FileHashes, RecordingInputs, prepare_person, read_inputs
from .shard_plan import Engine, Hardware, Shard, code_hash, job_settings, plan_shards, shards_of_part
from .shard_run import Report, Tally, run_shards


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """One recording of one person; the fields are the arguments of `simspine render MODEL MOTION`."""

    model: Path
    motion: Path
    output: Path
    avatar: str = "skeleton"
    rig: str | None = None
    cameras: str = "h36m"
    frames: str = ":"
    size: tuple[int, int] | None = None
    quality: str = "standard"
    samples: int | None = None
    denoise: bool | None = None
    device: str = "auto"
    seed: int = 0
    image_format: str = "png"
    placement: Placement = "surface"
    geometry: tuple[Path, ...] = ()
    labels: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("coco",)
    overlays: bool = False
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What of a data set this process does.

    `part` is (I, N): every N-th shard from the I-th, counted from 1; `only_shard` names one, `shards` are some of the
    job's. `board` is the only one of the device's boards to use, `threads` how many of the CPU's. `report` is told
    about each image, in place of a bar.
    """

    overwrite: bool = False
    part: tuple[int, int] | None = None
    only_shard: str | None = None
    shards: tuple[Shard, ...] | None = None
    board: int | None = None
    threads: int | None = None
    merges: bool = True
    report: Report | None = None


@dataclass(frozen=True, slots=True)
class RenderResult:
    """What was made: `rendered` images are new, `kept` ones were there already; `seconds` is the rendering alone.

    `finished` says whether the whole data set is there; `labels` and `images` [V][T] are the first recording's, None
    and empty until then.
    """

    output: Path
    image_count: int
    rendered: int
    kept: int
    seconds: float
    cpu_seconds: float
    device: str
    places: dict[str, Path]
    warnings: tuple[str, ...]
    finished: bool
    shards_left: int
    labels: Labels | None
    images: tuple[tuple[Path, ...], ...]

    def summary(self) -> dict[str, object]:
        """For JSON."""
        return {
            "output": str(self.output),
            "images": self.image_count,
            "rendered": self.rendered,
            "kept": self.kept,
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "device": self.device,
            "finished": self.finished,
            "shards_left": self.shards_left,
            "files": {what: str(path) for what, path in self.places.items()},
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class Job:
    """A data set that is open for work: its inputs are read and known to be good."""

    dataset: Dataset
    inputs: tuple[RecordingInputs, ...]
    engine: Engine
    shards: tuple[Shard, ...]


def config_of_request(request: RenderRequest) -> DatasetConfig:
    """The configuration that plain arguments mean.

    Raises:
        InputError: an avatar, rig or folder that cannot be.
    """
    if request.avatar not in AVATARS:
        raise InputError(f"there is no avatar '{request.avatar}'", hint=f"choose {', '.join(AVATARS)}")
    check_avatar(request.avatar, request.rig)
    for folder in request.geometry:
        if not folder.is_dir():
            raise InputError("is no folder", path=folder, hint="--geometry takes the folder that holds the meshes")
    person = PersonConfig(request.model, request.motion, request.avatar, request.rig, request.geometry)
    subject, action = request.model.stem, request.motion.stem
    return DatasetConfig(
        name=f"{subject}, {action}",
        recordings=(RecordingConfig(f"{subject}_{action}", subject, action, (person,), request.frames),),
        seed=request.seed,
        render=RenderConfig(
            request.quality,
            request.size,
            request.samples,
            request.denoise,
            request.image_format,
            device=request.device,
        ),
        cameras=preset_table(request.cameras) if is_preset(request.cameras) else {"file": Path(request.cameras)},
        labels=request.labels,
        formats=request.formats,
        overlays=request.overlays,
        placement=request.placement,
    )


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
    return run_job(open_job(config, output, options.overwrite), options)


def resume_dataset(folder: Path, options: RunOptions) -> RenderResult:
    """Go on with the data set in a folder, as its `job.json` says.

    Raises:
        InputError: it holds none; its inputs, the code or Blender have changed since.
    """
    return run_job(reopen_job(folder), options)


def open_job(config: DatasetConfig, output: Path, overwrite: bool) -> Job:
    """Check all that a data set needs, and open its folder.

    Raises:
        InputError: something cannot be used; nothing was written then.
    """
    inputs = checked_inputs(config)
    engine = find_engine(config, output)
    settings = job_settings(config, inputs, engine, FileHashes())
    check_disk(config, inputs, output)
    shards = plan_shards(config, inputs, settings)
    dataset = open_dataset(output, config, settings, overwrite, shards)
    return Job(dataset, inputs, engine, shards)


def reopen_job(folder: Path) -> Job:
    """The job of a data set's folder.

    Raises:
        InputError: no data set, inputs that are gone or changed, another version of code or Blender.
    """
    begun = reopen_dataset(folder)
    config = begun.config
    inputs = tuple(_all_inputs(config))
    engine = find_engine(config, folder)
    settings = job_settings(config, inputs, engine, FileHashes())
    if settings != begun.settings:
        what = difference(begun.settings, settings)
        raise InputError(
            f"was begun with another {what}", path=folder, hint="restore what it was, or render into another folder"
        )
    return Job(begun, inputs, engine, plan_shards(config, inputs, settings))


def checked_inputs(config: DatasetConfig) -> tuple[RecordingInputs, ...]:
    """Read every input of a data set and check that it can be rendered.

    Raises:
        InputError: a file, row, camera or format that cannot be.
    """
    check_formats(config.formats)
    inputs = tuple(_all_inputs(config))
    check_cameras(config)
    _rehearse(config, inputs)
    return inputs


def find_engine(config: DatasetConfig, output: Path) -> Engine:
    """What will render: the device that the data set was begun with, else the one asked for, tried out.

    Raises:
        InputError: the device asked for does not render here.
    """
    import bpy

    from ..simspine_addon.scene import render as cycles
    from .render_stage import empty_scene

    begun = (read_job(output) or {}).get("settings")
    engine = begun.get("engine") if isinstance(begun, dict) else None
    device = engine["device"] if config.render.device == "auto" and isinstance(engine, dict) else None
    if device is None:
        empty_scene()
        device = cycles.choose_device(config.render.device).kind
    return Engine(code_hash(), bpy.app.version_string, str(device), cycles.can_denoise())


def run_job(job: Job, options: RunOptions) -> RenderResult:
    """Render the shards that are asked for and, when all are there, write the whole.

    Raises:
        InputError: a recording cannot be staged, or the disk is too small.
        KeyboardInterrupt: someone asked to stop.
    """
    dataset = job.dataset
    shards = _asked_for(job, options)
    frames = sum(shard.count for shard in shards)
    views = plan_size(dataset.config, job.inputs).views
    warnings = []
    if not job.engine.denoises and dataset.config.render.denoise is not False:
        warnings.append("this build of Blender cannot denoise: the images keep their noise; raise --samples")
        print(f"warning: {warnings[0]}", file=sys.stderr)
    print(f"rendering on {job.engine.device}", file=sys.stderr, flush=True)
    clear_scratch(dataset.folder)
    with RenderProgress(frames * views, shown=options.report is None) as progress:
        report = options.report or progress.step
        tally = run_shards(dataset, job.inputs, shards, job.engine, report, Hardware(options.board, options.threads))
    return finish(job, tally, options.merges)


def finish(job: Job, tally: Tally, merges: bool) -> RenderResult:
    """Merge when all shards are there; what was made."""
    dataset = job.dataset
    records = all_records(dataset, job.shards)
    left = sum(dataset.record(shard) is None for shard in job.shards)
    merged = records is not None and merges and merge(dataset, job.shards, records)
    first = RecordingsOnDisk(dataset, job.shards)[0] if merged else None
    device = ", ".join(sorted({record.device for record in records})) if records else job.engine.device
    return RenderResult(
        output=dataset.folder,
        image_count=tally.rendered + tally.kept,
        rendered=tally.rendered,
        kept=tally.kept,
        seconds=tally.seconds,
        cpu_seconds=tally.cpu_seconds,
        device=device,
        places=_places(dataset.folder),
        warnings=tuple(dict.fromkeys(note for record in records or () for note in record.warnings)),
        finished=merged,
        shards_left=left,
        labels=None if first is None else first.people[0],
        images=()
        if first is None
        else tuple(tuple(dataset.folder / name for name in view) for view in first.image_names),
    )


def _all_inputs(config: DatasetConfig) -> list[RecordingInputs]:
    shelf: dict[Path, Model] = {}
    return [read_inputs(config, recording, shelf) for recording in config.recordings]


def _rehearse(config: DatasetConfig, inputs: Sequence[RecordingInputs]) -> None:
    """Make everyone once, in their first frame: what cannot be made is refused before the first image.

    Raises:
        InputError: no body or avatar can be made for a model.
    """
    done: list[object] = []
    for each in inputs:
        for index, person in enumerate(each.config.people):
            key = (person.model, person.pathology, person.avatar, person.rig)
            if person.avatar == "skeleton" or key in done:
                continue
            done.append(key)
            motion = each.motions[index]
            short = replace(motion, time=motion.time[:1], values=motion.values[:1])
            rehearsed = prepare_person(config, each, index, pose_track(each.patients[index].model, short))
            if rehearsed.avatar is None:
                body_tubes(rehearsed.whole, None)


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


def _places(folder: Path) -> dict[str, Path]:
    """Where the main things are, of those that exist."""
    places = {
        "images": "images",
        "annotations": "annotations.json",
        "labels": "labels.npz",
        "calibration": "calibration.toml",
        "contact sheet": "contact_sheet.png",
        "manifest": "manifest.json",
    }
    several = {"labels": "labels", "calibration": "calibration", "annotations": "annotations"}
    found = {what: folder / name for what, name in places.items()}
    for what, name in several.items():
        if not found[what].exists():
            found[what] = folder / name
    return {what: path for what, path in found.items() if path.exists()}
