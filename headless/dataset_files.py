"""The folder of a rendered data set: whose job it holds, where its files lie, and what is under way in it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ..simspine_addon.model.errors import InputError
from .bootstrap import ROOT
from .render_config import DatasetConfig
from .render_config_file import config_document, config_from_document
from .shard_files import ShardRecord, read_record, write_json
from .shard_plan import Shard, settings_hash

JOB_FILE = "job.json"
MANIFEST_FILE = "manifest.json"
LOG_FILE = "log.jsonl"  # who rendered what and how fast; not part of the data
IMAGE_FOLDER, OVERLAY_FOLDER, SHARD_FOLDER, LABEL_FOLDER = "images", "overlays", "shards", "labels"
CALIBRATION_FOLDER, PASS_FOLDER, WORK_FOLDER = "calibration", "passes", ".work"
DATA_FOLDERS = (PASS_FOLDER, IMAGE_FOLDER, OVERLAY_FOLDER, SHARD_FOLDER, LABEL_FOLDER, CALIBRATION_FOLDER)
FORMAT_PLACES = ("annotations.json", "annotations", "simspine.h5", "simspine.npz", "simspine", "mmpose", "webdataset")
FORMAT_PLACES += ("metadata.parquet", "h36m", "openpose")
"""Where the formats are written."""
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
_SPACE_OF_AN_IMAGE = 2**20  # bytes: where less is free, a render that fails has failed for that
_ENGINE_WORDS = {
    "engine.code": "version of SimSpine's code",
    "engine.blender": "version of Blender",
    "engine.device": "kind of device",
}


@dataclass(frozen=True, slots=True)
class Dataset:
    """An output folder that belongs to this job: `settings` and their hash are in its `job.json`."""

    folder: Path
    config: DatasetConfig
    settings: Mapping[str, object]
    job: str

    def record_path(self, shard: Shard) -> Path:
        return self.folder / SHARD_FOLDER / f"{shard.identity}.json"

    def labels_name(self, shard: Shard) -> str:
        """Of the shard's labels, relative to the folder."""
        return f"{SHARD_FOLDER}/{shard.identity}.npz"

    def record(self, shard: Shard) -> ShardRecord | None:
        """What the shard left when it was finished; None if it was not."""
        record = read_record(self.record_path(shard))
        return record if record is not None and record.identity == shard.identity else None

    @property
    def plates(self) -> Path:
        """Where backgrounds are kept while the data set is being made."""
        return self.folder / WORK_FOLDER / "plates"


def open_dataset(
    folder: Path, config: DatasetConfig, settings: Mapping[str, object], overwrite: bool, shards: Sequence[Shard]
) -> Dataset:
    """Make the folder, or go on with one that the same job began; overwriting keeps those of `shards` that are there.

    Raises:
        InputError: the folder holds another job's data (unless `overwrite`), or files that are no data set at all.
    """
    job = settings_hash(settings)
    dataset = Dataset(folder, config, settings, job)
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file", path=folder, hint="give a folder with -o")
    earlier = _earlier_job(folder, overwrite)
    if earlier is not None and earlier.get("job") == job:
        return dataset
    if earlier is not None and not overwrite:
        what = difference(earlier.get("settings", {}), settings)
        raise InputError(
            f"holds a data set with other settings ({what})", path=folder, hint="use --overwrite or another folder"
        )
    if earlier is None and folder.is_dir() and any(folder.iterdir()):
        raise InputError("is not empty and holds no data set of ours", path=folder, hint="choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made ({error.strerror})", path=folder, hint="choose another folder") from error
    if earlier is not None:
        _remove_own_files(dataset, shards)
    document = config_document(config, folder)
    marker = {"job": job, "config_sha256": settings_hash(document), "settings": settings, "config": document}
    write_json(folder / JOB_FILE, marker)
    return dataset


def _earlier_job(folder: Path, overwrite: bool) -> dict[str, object] | None:
    """What the folder's `job.json` says; to be overwritten, a damaged one counts as another job's."""
    try:
        return read_job(folder)
    except InputError:
        if not overwrite:
            raise
        return {}


def reopen_dataset(folder: Path) -> Dataset:
    """The data set that a folder holds, with its configuration.

    Raises:
        InputError: the folder holds none, or an input of it is no longer where it was.
    """
    content = read_job(folder)
    if content is None:
        raise InputError("holds no data set of ours", path=folder, hint=f"give a folder with a {JOB_FILE}")
    settings, document = content.get("settings"), content.get("config")
    if not isinstance(settings, dict) or not isinstance(document, dict):
        hint = "give the command that made it again with --overwrite: what is whole is kept"
        raise InputError("is damaged", path=folder / JOB_FILE, hint=hint)
    config = config_from_document(document, folder, folder / JOB_FILE)
    return Dataset(folder, config, settings, str(content.get("job")))


def read_job(folder: Path) -> dict[str, object] | None:
    """What `job.json` says; None where there is none.

    Raises:
        InputError: it cannot be read.
    """
    path = folder / JOB_FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        hint = "give the command that made it again with --overwrite: what is whole is kept"
        raise InputError(f"is damaged ({error})", path=path, hint=hint) from error
    return content if isinstance(content, dict) else {}


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn a disk that is full or may not be written into one line; what was finished stays, and can be gone on with.

    Raises:
        InputError: in place of such an OSError, and of what Blender says when it could not write.
    """
    hint = "then simspine render resume goes on with it"
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        help_by = "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make it writable"
        raise InputError(f"cannot be written ({error.strerror})", path=folder, hint=f"{help_by}; {hint}") from error
    except RuntimeError as error:
        if shutil.disk_usage(folder).free >= _SPACE_OF_AN_IMAGE:
            raise
        raise InputError("the disk is full", path=folder, hint=f"free some space; {hint}") from error


@contextmanager
def scratch(folder: Path, purpose: str = "") -> Iterator[Path]:
    """A folder of this process's own within the data set, for what is not finished; it is gone afterwards.

    `purpose`, a word, tells several of one process apart.

    What a killed process leaves there is removed as soon as someone on the same computer works here again.
    """
    work = folder / WORK_FOLDER
    own = work / f"{purpose}{'@' if purpose else ''}{socket.gethostname()}-{os.getpid()}"
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True, exist_ok=True)
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


def clear_scratch(folder: Path) -> None:
    """Remove what dead processes of this computer left behind, and all of it when nobody is at work any more."""
    work = folder / WORK_FOLDER
    if not work.is_dir():
        return
    host = f"{socket.gethostname()}-"
    for each in list(work.iterdir()):
        name = each.name.rpartition("@")[2]
        number = name.removeprefix(host)
        if name.startswith(host) and number.isdecimal() and not is_alive(int(number)):
            shutil.rmtree(each, ignore_errors=True)
    if all(each.name == "plates" for each in work.iterdir()):
        shutil.rmtree(work, ignore_errors=True)


def move_into_place(source: Path, target: Path) -> None:
    """Rename a finished file to where it belongs, within the data set."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)


def add_to_log(folder: Path, entry: Mapping[str, object]) -> None:
    """Add a line to the data set's log."""
    line = json.dumps({"host": socket.gethostname(), "process": os.getpid(), **entry}) + "\n"
    with (folder / LOG_FILE).open("a", encoding="utf-8") as file:
        file.write(line)


def simspine_version() -> str:
    """Of this checkout, else of the installed package."""
    project = ROOT / "pyproject.toml"
    if project.is_file():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    try:
        return metadata.version("simspine")
    except metadata.PackageNotFoundError:
        return "unknown"


def difference(earlier: object, now: object) -> str:
    """In words, the first value in which two settings differ."""
    place = _first_difference(earlier, now)
    return _ENGINE_WORDS.get(place, place)


def _first_difference(earlier: object, now: object, place: str = "") -> str:
    if isinstance(earlier, Mapping) and isinstance(now, Mapping):
        keys = [*now, *(key for key in earlier if key not in now)]
        key = next((key for key in keys if earlier.get(key) != now.get(key)), None)
        if key is not None:
            return _first_difference(earlier.get(key), now.get(key), f"{place}.{key}" if place else str(key))
    if isinstance(earlier, Sequence) and isinstance(now, Sequence) and not isinstance(now, str):
        if len(earlier) != len(now):
            return place
        index = next((index for index, each in enumerate(now) if each != earlier[index]), None)
        if index is not None:
            return _first_difference(earlier[index], now[index], f"{place}.{index}")
    return place or "unknown ones"


def _remove_own_files(dataset: Dataset, shards: Sequence[Shard]) -> None:
    """What an earlier job wrote, and nothing else: the files in its folders and those that its manifest names.

    Shards that this job has too stay with all their files.
    """
    folder, kept = dataset.folder, set[Path]()
    for shard in shards:
        record = dataset.record(shard)
        if record is not None:
            kept |= {dataset.record_path(shard), *(folder / name for name in record.files)}
    paths = [path for name in (WORK_FOLDER, *DATA_FOLDERS, *FORMAT_PLACES) for path in (folder / name).rglob("*")]
    paths += [folder / name for name in FORMAT_PLACES]  # an earlier merge may have been interrupted
    paths += [folder / name for name in (*_listed_files(folder), MANIFEST_FILE, LOG_FILE, JOB_FILE)]
    emptied = set[Path]()
    for path in paths:
        emptied |= {each for each in path.parents if folder in each.parents}
        if path not in kept and not path.is_dir():
            path.unlink(missing_ok=True)
    for path in sorted(emptied, reverse=True):  # those within others first
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _listed_files(folder: Path) -> list[str]:
    """The files of the manifest, of which none lies outside the folder."""
    try:
        names = list(json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return []  # never finished: what had been begun lies in folders of its own
    root = folder.resolve()
    return [name for name in names if isinstance(name, str) and (folder / name).resolve().is_relative_to(root)]


def is_alive(process: int) -> bool:
    """Whether a process of this computer is still there."""
    if os.name == "nt":  # where a signal of 0 would end the process
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
