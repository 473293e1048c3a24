"""`simspine render resume DIR`: go on with a data set as its folder says; what the processes of a cluster run."""

from __future__ import annotations

import argparse
import json
import os
import threading
from dataclasses import replace
from pathlib import Path

from .bootstrap import quiet_stdout
from .render_command import add_run_arguments, run_options, show
from .render_job import reopen_job, resume_dataset
from .shard_run import Tally

NO_PARENT = 3  # exit code


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `render resume`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the data set")
    add_run_arguments(parser)
    parser.add_argument("--only-shard", metavar="NAME", help="render this shard alone, and do not merge")
    parser.add_argument("--board", type=int, metavar="N", help="render on this one of the device's boards alone")
    parser.add_argument("--threads", type=int, metavar="N", help="how many threads render (default: all)")
    parser.add_argument("--list-shards", action="store_true", help="print what is to be done as JSON, and do nothing")
    # For whoever starts this process: it tells about each image on stdout, and ends when its stdin does.
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Render what is missing and print what was made; 0 when done.

    Raises:
        InputError: no data set, or one whose inputs, code or Blender are others now.
    """
    if arguments.list_shards:
        with quiet_stdout(show=arguments.verbose):
            job = reopen_job(arguments.folder)
            left = [shard.identity for shard in job.shards if job.dataset.record(shard) is None]
        print(json.dumps({"shards": [shard.identity for shard in job.shards], "left": left}), flush=True)
        return 0
    if arguments.cluster:
        from .render_cluster import resume_on_cluster

        return show(resume_on_cluster(arguments.folder, arguments), arguments.json)
    if arguments.child:
        _end_with_stdin()
    options = replace(
        run_options(arguments),
        only_shard=arguments.only_shard,
        board=arguments.board,
        threads=arguments.threads,
        merges=arguments.only_shard is None and not arguments.child,
        report=_teller() if arguments.child else None,
    )
    with quiet_stdout(show=arguments.verbose):
        result = resume_dataset(arguments.folder, options)
    return show(result, arguments.json or arguments.child)


def _end_with_stdin() -> None:
    """Leave at once when whoever started this process is gone, and with it the other end of stdin."""

    def wait() -> None:
        while os.read(0, 1):  # not by `sys.stdin`, whose lock would be in the way when Python ends
            pass
        os._exit(NO_PARENT)

    threading.Thread(target=wait, daemon=True).start()


def _teller():
    """Tells about each step on what is stdout now: while Blender works, stdout is turned away."""
    file = os.fdopen(os.dup(1), "w", encoding="utf-8")

    def tell(step: Tally) -> None:
        told = {"rendered": step.rendered, "kept": step.kept, "seconds": step.seconds, "cpu": step.cpu_seconds}
        print(json.dumps(told), file=file, flush=True)

    return tell
