"""Images with their labels as WebDataset shards: tar files in which an image and its JSON share a name."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from .coco import camera_fields
from .keypoint_npz import check_shared
from .labels import HIDDEN_REASONS, Labels
from .recording import Recording
from .simspine_layout import has_images, image_name, safe_name

LARGEST_SHARD = 1000
_LEAST_SHARDS = 8  # a loader gives each of its workers tars of its own, and one without any ends it


def write_webdataset(
    folder: str | Path, recordings: Sequence[Recording], image_root: str | Path, shard_size: int | None = None
) -> list[Path]:
    """Write `shard-000000.tar` and so on, `shard_size` images each, into `folder`; gives the files.

    Without a `shard_size` it is 1000, or less where there would be fewer than eight tars for a loader's workers.
    A sample is `<recording>-<camera>-<frame>` with `.png` (or the image's own suffix) and `.json`: the image's
    recording, subject, action, frame, time and camera (K, R, t of this very image, lens), keypoint names, and per
    person every number of the labels in full float64, null where there is none. Image and labels come from
    `image_root`, the data set's folder; where only labels were made there is no image. Times and owners in the tar
    are zero, so that the same data give the same bytes.

    Raises:
        InputError: an image that is not there, a shard size that is not positive, or no place to write.
    """
    folder = Path(folder)
    if shard_size is None:
        shard_size = _usual_size(recordings)
    if shard_size < 1:
        raise InputError(f"a shard of {shard_size} images cannot be", hint="give a positive number")
    folder.mkdir(parents=True, exist_ok=True)
    samples = _samples(recordings, Path(image_root))
    written: list[Path] = []
    while block := list(islice(samples, shard_size)):
        path = folder / f"shard-{len(written):06d}.tar"
        with atomic_path(path) as temporary, tarfile.open(temporary, "w", format=tarfile.GNU_FORMAT) as tar:
            for key, image, label in block:
                if image is not None:
                    _add(tar, f"{key}{image.suffix.lower()}", _image_bytes(image))
                _add(tar, f"{key}.json", json.dumps(label, allow_nan=False, separators=(",", ":")).encode())
        written.append(path)
    for stale in sorted(folder.glob("shard-*.tar")):
        if stale not in written:  # of an earlier run with smaller shards
            stale.unlink()
    return written


def _usual_size(recordings: Sequence[Recording]) -> int:
    count = 0
    for recording in recordings:
        count += len(recording.people[0].cameras) * len(recording.people[0].frames)
        if count >= LARGEST_SHARD * _LEAST_SHARDS:  # a large data set need not be read to its end for this
            return LARGEST_SHARD
    return max(count // _LEAST_SHARDS, 1)


def _samples(recordings: Sequence[Recording], root: Path) -> Iterator[tuple[str, Path | None, dict[str, Any]]]:
    for recording in recordings:
        check_shared(recording)
        first = recording.people[0]
        pictured = has_images(recording)
        visibilities = [person.visibility for person in recording.people]
        for index, frame in enumerate(first.frames.tolist()):
            for view, camera in enumerate(first.cameras):
                name = image_name(recording, view, index)
                key = f"{safe_name(recording.name)}-{safe_name(camera.name)}-{frame:06d}"
                everyone = [
                    _person(person, visible[view, index].tolist(), view, index)
                    for person, visible in zip(recording.people, visibilities, strict=True)
                ]
                label = {
                    "recording": recording.name,
                    "subject": recording.subject,
                    "action": recording.action,
                    "placement": recording.placement,
                    "file_name": name,
                    "view": view,
                    "frame": frame,
                    "time": float(first.time[index]),
                    "camera": camera_fields(camera)
                    | {
                        "R": first.camera_rotations[view, index].tolist(),
                        "t": first.camera_translations[view, index].tolist(),
                    },
                    "keypoint_names": list(first.keypoint_names),
                    "people": everyone,
                }
                yield key, root / name if pictured else None, label


def _person(person: Labels, visibility: list[int], view: int, index: int) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": person.person,
        "keypoints_2d": plain(person.points_2d[view, index]),
        "visibility": visibility,
        "box": plain(person.boxes[view, index]),
        "keypoints_3d_world": plain(person.points_world[index]),
        "keypoints_3d_camera": plain(person.points_camera[view, index]),
    }
    if person.points_world_model is not None:
        fields["keypoints_3d_world_model"] = plain(person.points_world_model[index])
    if person.occlusion is not None:
        fields["hidden_by"] = [HIDDEN_REASONS[code] for code in person.occlusion.hidden_by[view, index].tolist()]
        fields["depth_under_skin"] = plain(person.occlusion.depth_under_skin[view, index])
        fields["facing"] = plain(person.occlusion.facing[view, index])
    if person.masks is not None:
        width, height = person.cameras[view].size
        fields["segmentation"] = {"size": [height, width], "counts": person.masks[view][index]}
    if person.anatomy is not None:
        # lists, since readers that want one type for all samples cannot have names as keys
        fields["axis_names"] = list(person.anatomy.axis_names)
        fields["axes"] = plain(person.anatomy.axes[index])
        fields["vertebra_names"] = list(person.anatomy.vertebra_names)
        fields["vertebra_rotations"] = plain(person.anatomy.vertebra_rotations[index])
        fields["lumbar_lordosis"] = plain(person.anatomy.lumbar_lordosis[index])
        fields["thoracic_kyphosis"] = plain(person.anatomy.thoracic_kyphosis[index])
    return fields


def plain(values: Any) -> Any:
    """Numbers as nested lists, every one so that it reads back the same; None for NaN, which JSON has not."""
    values = np.asarray(values, float)
    if np.isfinite(values).all():
        return values.tolist()
    return np.where(np.isfinite(values), values.astype(object), None).tolist()


def _image_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"the image cannot be read ({error.strerror})", path=path, hint="render it first") from error


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)  # time, owner and group are 0
    entry.size, entry.mode = len(content), 0o644
    tar.addfile(entry, io.BytesIO(content))
