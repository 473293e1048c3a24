"""How a data set is divided into shards, and what names each: a hash of everything that decides about its bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .bootstrap import ROOT
from .render_cameras import camera_settings
from .render_clocks import clock_document
from .render_config import DatasetConfig
from .render_config_file import config_document
from .render_recording import FileHashes, RecordingInputs, input_files

_DECIDING_CODE = (
    "simspine_addon/model/*.py",
    "simspine_addon/kinematics/*.py",
    "simspine_addon/spine/*.py",
    "simspine_addon/capture/*.py",
    "simspine_addon/retarget/**/*.*",
    "simspine_addon/scene/*.py",
    "sample_rigs/**/*.py",
    "exporters/anatomy.py",
    "exporters/keypoint_npz.py",
    "exporters/label_anatomy.py",
    "exporters/labels.py",
    "exporters/masks.py",
    "exporters/outline.py",
    "exporters/pass_files.py",
    "exporters/people_seen.py",
    "exporters/recording.py",
    "headless/stats_analysis.py",
    "headless/render_*.py",
    "headless/shard_*.py",
)
"""The source files that decide about pixels and labels."""
_OTHER_CODE = ("command", "view*", "rerun", "progress", "resume", "cluster", "check", "engine", "inputs", "job")
_OTHER_CODE += ("processes", "result")
"""Those of `headless/render_*.py` that decide about neither: commands, pages, and who renders what."""
_HASH_LETTERS = 20  # 80 bits: no two shards of one folder will meet


@dataclass(frozen=True, slots=True)
class Engine:
    """What renders: another one may give other bytes."""

    code: str  # hash of the sources
    blender: str
    device: str  # the kind, such as "CPU" or "OPTIX"; not the board
    denoises: bool  # whether this build of Blender can


@dataclass(frozen=True, slots=True)
class Hardware:
    """How much of this computer to use; no pixel depends on it."""

    board: int | None = None  # the only one of the device's boards; all otherwise
    threads: int | None = None  # of the CPU; all otherwise


@dataclass(frozen=True, slots=True)
class Shard:
    """A block of frames of one recording, through all its cameras; `places` index the recording's rows."""

    identity: str
    recording: int
    places: range

    @property
    def count(self) -> int:
        """Of its frames."""
        return len(self.places)


@cache
def code_hash() -> str:
    """Of the sources that decide about pixels and labels, as they were when this process first asked."""
    digest = hashlib.sha256()
    files = {file for pattern in _DECIDING_CODE for file in ROOT.glob(pattern) if "__pycache__" not in file.parts}
    files -= {file for name in _OTHER_CODE for file in ROOT.glob(f"headless/render_{name}.py")}
    for file in sorted(files, key=lambda each: each.relative_to(ROOT).as_posix()):
        # Line ends may differ between two checkouts of the same code.
        content = file.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{file.relative_to(ROOT).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:_HASH_LETTERS]


def job_settings(
    config: DatasetConfig, inputs: Sequence[RecordingInputs], engine: Engine, hashes: FileHashes
) -> dict[str, object]:
    """Everything that decides about the data set: the configuration with contents for file names, and the engine."""
    document = config_document(config, ROOT)
    document["render"] = {key: value for key, value in _table(document["render"]).items() if key != "device"}
    document["cameras"] = camera_settings(config)
    document["recordings"] = [_recording_settings(each, hashes) for each in inputs]
    return {**document, "engine": asdict(engine)}


def plan_shards(
    config: DatasetConfig, inputs: Sequence[RecordingInputs], settings: dict[str, object]
) -> tuple[Shard, ...]:
    """The shards of a data set in order; `settings` from `job_settings`."""
    dataset = _table(settings["dataset"])
    common = {
        **{key: settings[key] for key in ("seeds", "render", "cameras", "engine")},
        **{key: dataset[key] for key in ("seed", "labels", "placement")},
        "single": config.single,  # where the images lie
    }
    recordings = settings["recordings"]
    assert isinstance(recordings, list)
    shards = []
    for number, each in enumerate(inputs):
        for first in range(0, len(each.rows), config.shard_frames):
            places = range(first, min(first + config.shard_frames, len(each.rows)))
            own = {**common, "recording": recordings[number], "places": [places.start, places.stop]}
            shards.append(Shard(settings_hash(own)[:_HASH_LETTERS], number, places))
    return tuple(shards)


def settings_hash(settings: object) -> str:
    """SHA-256 of settings, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def shards_of_part(shards: Sequence[Shard], part: tuple[int, int] | None) -> tuple[Shard, ...]:
    """Every N-th shard, beginning with the I-th, for `part` = (I, N) counted from 1; all without it."""
    return tuple(shards) if part is None else tuple(shards[part[0] - 1 :: part[1]])


def _recording_settings(inputs: RecordingInputs, hashes: FileHashes) -> dict[str, object]:
    recording = inputs.config
    files = input_files(inputs)
    people = [
        {
            "avatar": person.avatar,
            "rig": person.rig,
            "pathology": None if person.pathology is None else _with_contents(dict(person.pathology), hashes),
            "at": list(person.at),
            "turn": person.turn,
        }
        for person in recording.people
    ]
    return {
        "name": recording.name,
        "subject": recording.subject,
        "action": recording.action,
        "frames": {"count": len(inputs.rows), "sha256": _rows_hash(inputs.rows)},
        "people": people,
        "named": inputs.named,
        **clock_document(recording.clock),
        "variety": _with_contents(dict(recording.variety), hashes),
        "files": {what: {"name": path.name, "sha256": hashes.of(path)} for what, path in files.items()},
    }


def _with_contents(value: object, hashes: FileHashes) -> object:
    """The value with every path in it replaced by its name and the hash of what it holds."""
    if isinstance(value, Path):
        if value.is_dir():
            held = sorted(each for each in value.rglob("*") if each.is_file())
            return {"name": value.name, "files": {str(each.relative_to(value)): hashes.of(each) for each in held}}
        return {"name": value.name, "sha256": hashes.of(value)}
    if isinstance(value, dict):
        return {key: _with_contents(each, hashes) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_contents(each, hashes) for each in value]
    return value


def _rows_hash(rows: NDArray[np.int64]) -> str:
    return hashlib.sha256(np.ascontiguousarray(rows, dtype="<i8").tobytes()).hexdigest()[:_HASH_LETTERS]


def _table(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value
