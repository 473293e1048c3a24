"""Rendering by processes of their own on this computer: one for each board, or one in another Blender."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..simspine_addon.model.errors import InputError
from .render_engine import render_script
from .shard_process import ShardRefusedError, Told, run_process
from .shard_run import Report, Tally

_LOOK_SECONDS = 0.5  # between two looks at whether a process has failed; Ctrl-C is heard between them


def child_command(folder: Path, blender: Path | None, threads: int | None, *more: str) -> list[str]:
    """The command that renders shards of a data set and tells about each image on stdout."""
    limit = () if threads is None else ("--threads", str(threads))
    return [*render_script(blender), "resume", str(folder.resolve()), "--child", *limit, *more]


def render_in_processes(commands: Sequence[Sequence[str]], report: Report) -> Tally:
    """Run render processes side by side; what they did in all. When one fails, the others are stopped.

    Raises:
        InputError: a process found its input wrong.
        RuntimeError: one failed.
        KeyboardInterrupt: someone asked to stop; every process has finished its image.
    """
    total, failures, stop = Tally(), list[BaseException](), threading.Event()
    with told_to(total, report) as tell:

        def work(command: Sequence[str]) -> None:
            try:
                run_process(command, tell, stop.is_set)
            except BaseException as error:  # noqa: BLE001 - carried to the thread that waits
                failures.append(error)
                stop.set()

        threads = [threading.Thread(target=work, args=(command,)) for command in commands]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(_LOOK_SECONDS)
        except KeyboardInterrupt:
            stop.set()
            print("stopping after the images that are under way", file=sys.stderr, flush=True)
            for thread in threads:
                thread.join()
            raise
    if failures:
        raise_failure(failures[0])
    return total


@contextmanager
def told_to(total: Tally, report: Report) -> Iterator[Callable[[Told], None]]:
    """Adds up what processes tell, from whatever thread it comes."""
    lock = threading.Lock()

    def tell(told: Told) -> None:
        step = Tally(told["rendered"], told["kept"], told["seconds"], told["cpu"])
        with lock:
            total.add(step)
            report(step)

    yield tell


def part_of(part: tuple[int, int] | None, number: int, count: int) -> str:
    """The I/N of the `number`-th (from 0) of `count` processes that share the shards of a part."""
    first, step = (1, 1) if part is None else part
    return f"{first + step * number}/{step * count}"


def raise_failure(error: BaseException) -> None:
    """Raise what a process ended with; what it said is wrong with its input becomes an InputError."""
    if type(error).__name__ == ShardRefusedError.__name__:  # from a Dask worker it is a class of its own
        raise InputError(str(error)) from error
    raise error
