"""`simspine render verify DIR`: every file of a data set against its checksum, a line for each that is not whole."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..simspine_addon.model.errors import InputError
from .dataset_files import DATA_FOLDERS, JOB_FILE, MANIFEST_FILE, SHARD_FOLDER, WORK_FOLDER, read_job
from .progress import progress
from .shard_files import read_record, what_is_wrong
from .shard_plan import settings_hash

DAMAGED = 1  # exit code


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong with a data set: reasons by file, and whether the data set was ever finished.

    `extra` are files in its folders that are no part of it; they do no harm to those that are.
    """

    checked: int
    wrong: dict[str, str]
    finished: bool
    extra: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        return self.finished and not self.wrong


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `render verify`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the data set")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what is wrong: 0 if nothing is, 1 if something is.

    Raises:
        InputError: the folder holds no data set.
    """
    found = examine(arguments.folder)
    if arguments.json:
        told = {"checked": found.checked, "finished": found.finished, "wrong": found.wrong, "extra": found.extra}
        print(json.dumps(told))
        return 0 if found.whole else DAMAGED
    for name, reason in found.wrong.items():
        print(f"{name}: {reason}")
    for name in found.extra:
        print(f"{name}: is no part of the data set (left as it is)")
    if not found.finished:
        print(f"the data set is not finished: there is no {MANIFEST_FILE}; simspine render resume DIR goes on with it")
    elif found.whole:
        print(f"{found.checked} files, all whole")
    else:
        print(f"{len(found.wrong)} of {found.checked} files are damaged; simspine render repair DIR makes them anew")
    return 0 if found.whole else DAMAGED


def examine(folder: Path) -> Findings:
    """Check every file that the manifest names; of a data set that is not finished, those of finished shards.

    Raises:
        InputError: the folder holds no data set.
    """
    finished, job = (folder / MANIFEST_FILE).is_file(), _state_of_job(folder)
    if job == "is missing" and not finished:
        raise InputError("holds no data set of ours", path=folder, hint=f"give a folder with a {MANIFEST_FILE}")
    wrong = {} if job is None else {JOB_FILE: job}
    expected = read_manifest(folder) if finished else None
    if expected is None:
        wrong |= {MANIFEST_FILE: "is damaged"} if finished else {}
        expected = _recorded_files(folder)
        return Findings(len(expected) + 1, {**wrong, **_check(folder, expected)}, finished)
    wrong |= _check(folder, expected)
    return Findings(len(expected) + 1, wrong, finished, _extra_files(folder, expected))


def _state_of_job(folder: Path) -> str | None:
    """What is wrong with the file that says what to render, without which nothing can be repaired."""
    try:
        content = read_job(folder)
    except InputError:
        return "is damaged"
    if content is None:
        return "is missing"
    hashes = (settings_hash(content.get("settings")), settings_hash(content.get("config")))
    return None if hashes == (content.get("job"), content.get("config_sha256")) else "is damaged"


def _extra_files(folder: Path, expected: Iterable[str]) -> tuple[str, ...]:
    """Files in the data set's own folders that its manifest does not name."""
    paths = (path for name in DATA_FOLDERS for path in (folder / name).rglob("*") if path.is_file())
    return tuple(
        sorted(name for name in (path.relative_to(folder).as_posix() for path in paths) if name not in expected)
    )


def read_manifest(folder: Path) -> dict[str, tuple[str, int]] | None:
    """[SHA-256, size] of every file of a finished data set; None where the manifest itself is damaged."""
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        seal = manifest.pop("manifest_sha256")
        files = {name: (digest, int(manifest["sizes"][name])) for name, digest in manifest["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return files if seal == settings_hash(manifest) else None


def _recorded_files(folder: Path) -> dict[str, tuple[str, int]]:
    """The files of all finished shards."""
    records = [read_record(path) for path in sorted((folder / SHARD_FOLDER).glob("*.json"))]
    return {name: each for record in records if record is not None for name, each in record.files.items()}


def _check(folder: Path, expected: dict[str, tuple[str, int]]) -> dict[str, str]:
    found = {}
    for name in progress(sorted(expected), "verify"):
        if Path(name).is_absolute() or ".." in Path(name).parts or name.startswith(WORK_FOLDER):
            found[name] = "lies outside the data set"
            continue
        reason = what_is_wrong(folder / name, expected[name])
        if reason is not None:
            found[name] = reason
    return found
