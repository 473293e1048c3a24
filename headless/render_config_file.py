"""A data set's TOML file into its configuration, and back into the table that the data set's folder keeps."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from ..exporters.dataset_formats import known_formats
from ..exporters.simspine_layout import action_names
from ..simspine_addon.model.errors import InputError
from .render_cameras import check_camera_table
from .render_clocks import camera_clock_table, clock_document, with_clocks
from .render_config import (
    DEFAULT_FORMATS,
    DEFAULT_LABELS,
    DEVICES,
    IMAGE_FORMATS,
    LABEL_KINDS,
    PLACEMENTS,
    QUALITIES,
    SEED_STREAMS,
    SHARD_FRAMES,
    DatasetConfig,
    PersonConfig,
    RecordingConfig,
    RenderConfig,
)
from .render_config_lines import line_index
from .render_config_recordings import read_recordings
from .render_config_table import StrictTable
from .render_variety import check_variety_table

MOST_PIXELS = 16384  # a side: what Blender renders
MOST_SAMPLES = 2**24  # rays a pixel: what Cycles takes
_NAMED_BY_ACTION = ("simspine", "simspine-hdf5", "simspine-npz", "h36m")


def read_config(path: Path) -> DatasetConfig:
    """Read a data set's TOML file; the paths in it are relative to it.

    Raises:
        InputError: with the line of what is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(f"cannot be read ({reason})", path=path, hint="give a data set's TOML file") from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at (?:line (\d+), column \d+|end of document)\)", str(error))
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        problem = re.sub(r"\s*\(at .*\)$", "", str(error))
        raise InputError(f"is no TOML: {problem}", path=path, line=line, hint="correct this line") from error
    return config_from_document(document, path.parent, path, line_index(text))


def config_from_document(
    document: Mapping[str, object], base: Path, path: Path | None = None, lines: Mapping[str, int] | None = None
) -> DatasetConfig:
    """The configuration that a parsed file means.

    Args:
        document: as `tomllib` gives it, or `config_document`.
        base: what its relative paths are relative to.
        path: of the file, for messages.
        lines: of its places, from `line_index`.

    Raises:
        InputError: an unknown key, a value of the wrong kind or out of range, a file that is not there, no recording.
    """
    top = StrictTable(document, "", path, lines or {})
    dataset = top.table("dataset") or StrictTable({}, "dataset", path, lines or {})
    cameras = top.table("cameras")
    variety = top.table("variety")
    default_variety = {} if variety is None else check_variety_table(variety, base)
    recordings = read_recordings(top, base, default_variety)
    if cameras is not None:
        recordings = with_clocks(recordings, camera_clock_table(cameras), cameras)
    config = DatasetConfig(
        name=_usable_name(dataset, path.stem if path else "data set"),
        recordings=recordings,
        seed=dataset.integer("seed", 0) or 0,
        seeds=_seeds(top.table("seeds")),
        render=_render(top.table("render")),
        cameras={"preset": "h36m"} if cameras is None else check_camera_table(cameras, base),
        labels=dataset.choices("labels", LABEL_KINDS, DEFAULT_LABELS),
        formats=dataset.choices("formats", known_formats(), DEFAULT_FORMATS),
        overlays=bool(dataset.flag("overlays", False)),
        placement=dataset.choice("placement", PLACEMENTS, "surface"),  # pyright: ignore[reportArgumentType]
        shard_frames=dataset.integer("shard_frames", SHARD_FRAMES, 1) or SHARD_FRAMES,
        path=path,
        lines=lines or {},
    )
    dataset.finish()
    top.finish()
    check_formats_fit(config)
    return config


def check_formats_fit(config: DatasetConfig) -> None:
    """Refuse formats that could not hold these recordings, rather than find out when all is rendered.

    Raises:
        InputError: in the line of the formats.
    """
    try:
        if not set(config.formats).isdisjoint(_NAMED_BY_ACTION):
            action_names(config.recordings)
        if "simspine" in config.formats and config.cameras.get("preset") == "handheld":
            problem = "the format 'simspine' has no place for cameras that move, and those of 'handheld' do"
            raise InputError(problem, hint="choose simspine-hdf5, or other cameras")
    except InputError as error:
        raise config.located(error, "dataset.formats", "dataset") from error


def config_document(config: DatasetConfig, base: Path) -> dict[str, object]:
    """The table from which `config_from_document` makes this configuration again, its paths relative to `base`."""
    render = config.render
    return {
        "dataset": {
            "name": config.name,
            "seed": config.seed,
            "labels": list(config.labels),
            "formats": list(config.formats),
            "overlays": config.overlays,
            "placement": config.placement,
            "shard_frames": config.shard_frames,
        },
        "seeds": dict(config.seeds),
        "render": {
            "quality": render.quality,
            **({} if render.size is None else {"size": list(render.size)}),
            **({} if render.samples is None else {"samples": render.samples}),
            **({} if render.denoise is None else {"denoise": render.denoise}),
            **({} if render.plate_samples is None else {"plate_samples": render.plate_samples}),
            "image_format": render.image_format,
            "device": render.device,
        },
        "cameras": _relative_values(config.cameras, base),
        "recordings": [_recording_document(recording, base) for recording in config.recordings],
    }


def relative_path(path: Path, base: Path) -> str:
    """`path` from `base`, with forward slashes; absolute where it lies on another drive."""
    try:
        return Path(os.path.relpath(path.resolve(), base.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def _recording_document(recording: RecordingConfig, base: Path) -> dict[str, object]:
    first, *others = recording.people
    return {
        "name": recording.name,
        "subject": recording.subject,
        "action": recording.action,
        "frames": recording.frames,
        **_person_document(first, base),
        "variety": _relative_values(recording.variety, base),
        "people": [_person_document(person, base) for person in others],
        **clock_document(recording.clock),
    }


def _person_document(person: PersonConfig, base: Path) -> dict[str, object]:
    return {
        "model": relative_path(person.model, base),
        "motion": relative_path(person.motion, base),
        "avatar": person.avatar,
        **({} if person.rig is None else {"rig": person.rig}),
        "geometry": [relative_path(folder, base) for folder in person.geometry],
        "pathology": "none" if person.pathology is None else dict(person.pathology),
        "at": list(person.at),
        "turn": person.turn,
    }


def _relative_values(table: Mapping[str, object], base: Path) -> dict[str, object]:
    """The table with its paths as text."""
    return {
        key: relative_path(value, base)
        if isinstance(value, Path)
        else _relative_values(value, base)
        if isinstance(value, Mapping)
        else value
        for key, value in table.items()
    }


def _seeds(table: StrictTable | None) -> dict[str, int]:
    if table is None:
        return {}
    seeds = {name: table.integer(name, None) for name in SEED_STREAMS}
    table.finish()
    return {name: seed for name, seed in seeds.items() if seed is not None}


def _render(table: StrictTable | None) -> RenderConfig:
    if table is None:
        return RenderConfig()
    size = table.numbers("size", 2, None)
    if size is not None and not all(side == int(side) and 1 <= side <= MOST_PIXELS for side in size):
        raise table.error(f"'size' is {list(size)}", "size", f"give width and height in px, 1 to {MOST_PIXELS}")
    config = RenderConfig(
        quality=table.choice("quality", QUALITIES, "standard") or "standard",
        size=None if size is None else (int(size[0]), int(size[1])),
        samples=table.integer("samples", None, 1, MOST_SAMPLES),
        denoise=table.flag("denoise"),
        image_format=table.choice("image_format", IMAGE_FORMATS, "png") or "png",
        device=table.choice("device", DEVICES, "auto") or "auto",
        plate_samples=table.integer("plate_samples", None, 1, MOST_SAMPLES),
    )
    table.finish()
    return config


def _usable_name(table: StrictTable, default: str) -> str:
    name = table.text("name", default) or default
    if not name.strip() or not name.isprintable():
        raise table.error("'name' is no name", "name", "give the data set a name in words")
    return name
