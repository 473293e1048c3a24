"""What a data set will take, worked out before anything is rendered: images, shards, disk space, time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..simspine_addon.model.errors import InputError
from .render_cameras import camera_sizes
from .render_config import DatasetConfig
from .render_progress import clock
from .render_recording import RecordingInputs

BYTES_PER_PIXEL = {"png": 1.6, "jpg": 0.35}
BYTES_PER_LABELLED_IMAGE = 12_000
_MOST_RECORDINGS = 40  # that are listed
CPU_SECONDS_PER_MEGAPIXEL = {"draft": 0.8, "standard": 1.5, "reference": 60.0}


@dataclass(frozen=True, slots=True)
class PlanSize:
    """How much a data set is."""

    recordings: int
    frames: int
    views: int
    images: int
    shards: int
    bytes: int
    cpu_seconds: float


def plan_size(config: DatasetConfig, inputs: Sequence[RecordingInputs]) -> PlanSize:
    """The size of a data set: disk and time are estimates."""
    sizes = camera_sizes(config)
    counts = [len(each.rows) for each in inputs]
    frames, views = sum(counts), max(len(own) for own in sizes)
    pixels = sum(count * sum(width * height for width, height in own) for own, count in zip(sizes, counts, strict=True))
    images = sum(count * len(own) for own, count in zip(sizes, counts, strict=True))
    shards = sum(-(-len(each.rows) // config.shard_frames) for each in inputs)
    copies = 2 if config.overlays else 1
    size = pixels * BYTES_PER_PIXEL[config.render.image_format] * copies + images * BYTES_PER_LABELLED_IMAGE
    cost = CPU_SECONDS_PER_MEGAPIXEL[config.render.quality] * pixels / 1e6
    return PlanSize(len(inputs), frames, views, images, shards, int(size), cost)


def check_disk(config: DatasetConfig, inputs: Sequence[RecordingInputs], folder: Path) -> None:
    """Refuse what the disk has no room for; what is there of the data set already counts as room.

    Raises:
        InputError: naming what is needed and what is free.
    """
    needed = plan_size(config, inputs).bytes
    place = folder if folder.exists() else next(each for each in folder.resolve().parents if each.exists())
    free = shutil.disk_usage(place).free
    if needed <= free:
        return
    present = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0
    if needed > free + present:
        raise InputError(
            f"the data set needs about {in_words(needed)}, but only {in_words(free + present)} are free",
            path=folder,
            hint="free some space, choose another disk with -o, or render fewer frames, smaller or as jpg",
        )


def plan_text(config: DatasetConfig, inputs: Sequence[RecordingInputs], folder: Path, as_json: bool) -> str:
    """What would be made, for a person or as JSON."""
    size = plan_size(config, inputs)
    if as_json:
        return json.dumps({"name": config.name, "output": str(folder), **asdict(size)})
    lines = [
        f"{config.name}: {size.recordings} recordings, {size.frames} frames, {size.views} views, {size.images} images",
        f"in {size.shards} shards of up to {config.shard_frames} frames, into {folder}",
        f"about {in_words(size.bytes)} of disk, about {clock(size.cpu_seconds)} of CPU time on one core"
        f" ({config.render.quality})",
    ]
    for given in inputs[:_MOST_RECORDINGS]:
        recording = given.config
        people = ", ".join(f"{each.model.name} + {each.motion.name}: {each.avatar}" for each in recording.people)
        lines.append(f"  {recording.name}: {len(given.rows)} frames; {people}")
    more = len(inputs) - _MOST_RECORDINGS
    return "\n".join([*lines, f"  and {more} more"] if more > 0 else lines)


def in_words(size: float) -> str:
    """A number of bytes: 3.2 GB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
