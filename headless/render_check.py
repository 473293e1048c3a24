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

# Bytes were measured on the sample's `fitted` avatar before two and four cameras of 1000 x 1000 and 400 x 400 px, and
# lie between the two; panoramas are taken to be like outdoors. Noisy ones are images of a room with 8 grey levels of
# noise.
BYTES_PER_PIXEL = {
    "png": {"studio": 0.41, "room": 0.84, "outdoor": 1.41, "hdri": 1.41},
    "jpg": {"studio": 0.062, "room": 0.134, "outdoor": 0.255, "hdri": 0.255},
}
NOISY_BYTES_PER_PIXEL = {"png": 2.3, "jpg": 0.47}
OVERLAY_BYTES_PER_PIXEL = {"clean": 0.1, "noisy": 0.33}  # JPEG of quality 92
PASS_BYTES_PER_PIXEL = {"depth": 0.8, "normals": 2.8, "bodies": 0.05}  # twice what a studio takes
BYTES_PER_PERSON = 11_500  # in an image: in the shards and in the recording's labels, with occlusion and masks
BYTES_PER_FORMAT = 8_000  # in an image and of a person: COCO, the largest
BYTES_PER_DATASET = 1_500_000  # contact sheet, card, manifest
# CPU-s of a megapixel, as `simspine bench render` measures them in a room; reference is 1024/16 of its naive image.
IMAGE_CPU_SECONDS = {"draft": 1.0, "standard": 1.35, "reference": 5000.0}
# Of each camera's background in a recording: to denoise it, and a sample of it.
BACKGROUND_CPU_SECONDS = {"draft": (20.0, 4.2), "standard": (20.0, 4.2), "reference": (0.0, 0.0)}
# Where a camera moves there is no background: as many samples of the whole image.
MOVING_CPU_SECONDS = {"draft": 4.2, "standard": 3 * 4.2, "reference": 0.0}
_MOST_RECORDINGS = 40  # that are listed


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
    sizes, quality = camera_sizes(config), config.render.quality
    frames = images = shards = people = clean = noisy = 0
    backgrounds = 0.0
    once, a_sample = BACKGROUND_CPU_SECONDS[quality]
    of_clean, bytes_per_pixel = 0.0, BYTES_PER_PIXEL[config.render.image_format]
    for each, own in zip(inputs, sizes, strict=True):
        count, of_frame = len(each.rows), sum(width * height for width, height in own)
        frames, images = frames + count, images + count * len(own)
        people += count * len(own) * len(each.config.people)
        shards += -(-count // config.shard_frames)
        backgrounds += of_frame * (once + a_sample * config.render.background_samples(count))
        if _is_noisy(config, each):
            noisy += count * of_frame
        else:
            clean += count * of_frame
            of_clean += count * of_frame * bytes_per_pixel[each.variety.surroundings]
    size = _image_bytes(config, of_clean, clean, noisy) + BYTES_PER_DATASET
    size += people * (BYTES_PER_PERSON + BYTES_PER_FORMAT * len(config.formats))
    of_image = IMAGE_CPU_SECONDS[quality]
    if config.cameras.get("preset") == "handheld":  # which have no background to keep
        of_image, backgrounds = of_image + MOVING_CPU_SECONDS[quality], 0.0
    cost = (of_image * (clean + noisy) + backgrounds) / 1e6
    return PlanSize(len(inputs), frames, max(map(len, sizes)), images, shards, int(size), cost)


def _is_noisy(config: DatasetConfig, inputs: RecordingInputs) -> bool:
    """Whether a recording's images have noise in them, which no file format can make small."""
    unclean = config.render.denoise is False or config.render.quality == "reference"
    return unclean or inputs.variety.camera_noise is not None


def _image_bytes(config: DatasetConfig, of_clean: float, clean: int, noisy: int) -> float:
    """Of the images of so many pixels, the clean ones of so many bytes, and of what lies beside them."""
    size = of_clean + noisy * NOISY_BYTES_PER_PIXEL[config.render.image_format]
    size *= 2 if "webdataset" in config.formats else 1  # which holds the images once more
    if config.overlays:
        size += clean * OVERLAY_BYTES_PER_PIXEL["clean"] + noisy * OVERLAY_BYTES_PER_PIXEL["noisy"]
    return size + (clean + noisy) * sum(PASS_BYTES_PER_PIXEL.get(label, 0.0) for label in config.labels)


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


def plan_text(config: DatasetConfig, inputs: Sequence[RecordingInputs], folder: Path | None, as_json: bool) -> str:
    """What would be made, for a person or as JSON."""
    size, notes = plan_size(config, inputs), _notes(inputs)
    if as_json:
        place = None if folder is None else str(folder)
        return json.dumps({"name": config.name, "output": place, **asdict(size), "warnings": notes})
    lines = [
        config.name,
        f"  images   {size.images} of {_sizes_text(config)}: {_counted(size.recordings, 'recording')}, "
        f"{_counted(size.frames, 'frame')}, {_counted(size.views, 'view')}",
        f"  labels   {', '.join(('keypoints', *config.labels))}; formats: {', '.join(config.formats) or 'none'}",
        f"  shards   {size.shards} of up to {_counted(config.shard_frames, 'frame')}",
        f"  disk     about {in_words(size.bytes)}{'' if folder is None else f' in {folder}'}",
        f"  time     about {clock(size.cpu_seconds)} on one core ({config.render.quality}), less on a GPU",
        "",
        *_recording_lines(inputs[:_MOST_RECORDINGS]),
    ]
    more = len(inputs) - _MOST_RECORDINGS
    lines += [f"  and {more} more"] if more > 0 else []
    lines += ["", *(f"  warning  {note}" for note in notes)] if notes else []
    return "\n".join(lines)


def _notes(inputs: Sequence[RecordingInputs]) -> list[str]:
    """What the models and motions are warned of, each once. Rendering adds what comes of avatars and surroundings."""
    found: dict[str, None] = {}
    for each in inputs:
        for person, patient, motion in zip(each.config.people, each.patients, each.motions, strict=True):
            found |= dict.fromkeys(f"{person.model.name}: {note}" for note in patient.model.warnings)
            found |= dict.fromkeys(f"{person.motion.name}: {note}" for note in motion.warnings)
    return list(found)


def _recording_lines(inputs: Sequence[RecordingInputs]) -> list[str]:
    """A line for each recording and, below it, one for each person."""
    width = max(len(each.config.name) for each in inputs)
    lines = []
    for each in inputs:
        people = [f"{person.avatar} ({person.model.name}, {person.motion.name})" for person in each.config.people]
        lines.append(f"  {each.config.name:<{width}}  {_counted(len(each.rows), 'frame')}  {people[0]}")
        lines += [f"  {'':<{width}}  and {person}" for person in people[1:]]
    return lines


def _sizes_text(config: DatasetConfig) -> str:
    return ", ".join(dict.fromkeys(f"{width} x {height} px" for own in camera_sizes(config) for width, height in own))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def in_words(size: float) -> str:
    """A number of bytes: 3.2 GB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
