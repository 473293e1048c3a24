"""What a finished shard leaves on disk: its images, its labels and, last, a record with the checksum of each file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ..simspine_addon.model.atomic import atomic_path
from .render_recording import file_hash


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """`files` maps names (relative to the data set) to [SHA-256, size in bytes]; `images` [V][T] are among them."""

    identity: str
    recording: str
    places: tuple[int, int]  # first and one past the last of the recording's frames
    device: str
    images: tuple[tuple[str, ...], ...]
    files: Mapping[str, tuple[str, int]]
    warnings: tuple[str, ...] = ()
    residual: Mapping[str, object] | None = None  # of the whole recording's first person, mm

    @property
    def image_count(self) -> int:
        return sum(len(view) for view in self.images)


def write_record(path: Path, record: ShardRecord) -> None:
    """Write the record of a shard, which says that the shard is finished."""
    write_json(path, asdict(record))


def read_record(path: Path) -> ShardRecord | None:
    """The record, or None where there is none that is whole."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return ShardRecord(
            identity=content["identity"],
            recording=content["recording"],
            places=(content["places"][0], content["places"][1]),
            device=content["device"],
            images=tuple(tuple(view) for view in content["images"]),
            files={name: (each[0], each[1]) for name, each in content["files"].items()},
            warnings=tuple(content["warnings"]),
            residual=content["residual"],
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None  # cut short or not ours: the shard counts as unfinished


def checksums(folder: Path, names: Iterator[str] | list[str]) -> dict[str, tuple[str, int]]:
    """[SHA-256, size] of files in a folder, by name."""
    return {name: (file_hash(folder / name), (folder / name).stat().st_size) for name in names}


def what_is_wrong(path: Path, expected: tuple[str, int]) -> str | None:
    """Why a file is not the one of this SHA-256 and size; None where it is."""
    try:
        size = path.stat().st_size
    except OSError:
        return "is missing"
    if size < expected[1]:
        return f"is cut short: {size} of {expected[1]} bytes"
    if size > expected[1]:
        return f"is too long: {size} bytes instead of {expected[1]}"
    return None if file_hash(path) == expected[0] else "has other content than its checksum says"


def write_json(path: Path, content: object) -> None:
    """Write JSON, whole or not at all, the same bytes for the same content."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8", newline="\n")
