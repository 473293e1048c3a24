"""`simspine render repair DIR`: the files of a data set that are missing or damaged, and those alone, made anew."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

from ..simspine_addon.model.errors import InputError
from .bootstrap import quiet_stdout
from .dataset_files import JOB_FILE, MANIFEST_FILE, SHARD_FOLDER, read_job
from .dataset_verify import DAMAGED, Findings, examine
from .render_engine import find_renderer
from .render_job import Job, RunOptions, reopen_job, run_job
from .render_result import RenderResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `render repair`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the data set")
    parser.add_argument(
        "--blender", type=Path, metavar="PROGRAM", help="the Blender that renders (default: this Python's)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--verbose", action="store_true", help="show what Blender prints, on stderr")


def run(arguments: argparse.Namespace) -> int:
    """Repair and print what was done; 0 when the data set is whole, 1 while another process has to finish it.

    Raises:
        InputError: the folder holds no data set, or the job that it came from cannot be done here any more.
    """
    found = examine(arguments.folder)
    with quiet_stdout(show=arguments.verbose):
        result = None if found.whole else repair(arguments.folder, found, arguments.blender)
    rendered, whole = (0, True) if result is None else (result.rendered, result.finished)
    if arguments.json:
        print(json.dumps({"repaired": sorted(found.wrong), "rendered": rendered, "finished": whole}))
        return 0 if whole else DAMAGED
    for name in found.wrong:
        print(f"{name}: made anew")
    print(f"{len(found.wrong)} files repaired, {rendered} images rendered" if result else "nothing was damaged")
    if not whole:
        print("the data set is not finished yet")
    return 0 if whole else DAMAGED


def repair(folder: Path, found: Findings, blender: Path | None = None) -> RenderResult:
    """Make anew what was found wrong, with this Python's Blender or another.

    Raises:
        InputError: inputs, code or Blender are no longer those that the data set was begun with.
    """
    if JOB_FILE in found.wrong:
        read_job(folder)  # says what is wrong with it
        hint = "give the command that made it again with --overwrite: what is whole is kept"
        raise InputError(found.wrong[JOB_FILE], path=folder / JOB_FILE, hint=hint)
    job = reopen_job(folder, lambda device: find_renderer(device, blender))
    for name in found.wrong:
        if name.startswith(f"{SHARD_FOLDER}/") and name.endswith(".json"):
            (folder / name).unlink(missing_ok=True)  # what it says cannot be trusted
    affected = {shard.identity for shard in _affected(job, found.wrong)}
    options = RunOptions(shards=tuple(shard for shard in job.shards if shard.identity in affected), blender=blender)
    (folder / MANIFEST_FILE).unlink(missing_ok=True)
    return run_job(job, options)


def _affected(job: Job, wrong: Iterable[str]):
    """The shards that have no record, or a wrong file."""
    names = set(wrong)
    for shard in job.shards:
        record = job.dataset.record(shard)
        if record is None or names.intersection(record.files):
            yield shard
