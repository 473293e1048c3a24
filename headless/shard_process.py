"""One shard in a process of its own: started, listened to and stopped. Python's own library is all that it takes.

A Dask worker gets this module by value, so that it need not have SimSpine, and may be any Python.
"""

from __future__ import annotations

import json
import queue
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

Told = dict  # of an image: rendered, kept, seconds, cpu

TOPIC = "simspine-images"
BAD_INPUT = 2  # exit code
_LOOK_SECONDS = 1.0  # between two looks at whether to stop
_PATIENCE_SECONDS = 20.0  # for a process that was asked to stop, to finish its image


class ShardRefusedError(ValueError):
    """What the process said is wrong with its input: trying again will not help."""


def run_process(command: Sequence[str], tell: Callable[[Told], None], should_stop: Callable[[], bool]) -> Told:
    """Run a render process to its end; `tell` is given each image's figures. What it did in all.

    The process ends by itself when this one dies, since its stdin then does.

    Raises:
        ShardRefusedError: it found its input wrong.
        RuntimeError: it failed.
        KeyboardInterrupt: `should_stop` said so; the process is stopped.
    """
    total: Told = {"rendered": 0, "kept": 0, "seconds": 0.0, "cpu": 0.0}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C on the terminal is for whoever started us
        )
        try:
            for line in _lines(process, should_stop):
                step = _step(line)
                if step is not None:
                    tell(step)
                    total = {key: total[key] + step[key] for key in total}
            code = process.wait()
        finally:
            _end(process)
        if code:
            errors.seek(0)
            said = [line for line in errors.read().splitlines() if line.strip()]
            reason = next((line for line in reversed(said) if line.startswith("simspine: ")), said[-1] if said else "")
            text = reason.removeprefix("simspine: ") or f"the render process ended with {code}"
            raise ShardRefusedError(text) if code == BAD_INPUT else RuntimeError(text)
    return total


def ask(command: Sequence[str]) -> tuple[int, str, str]:
    """Run a command to its end: exit code, stdout and stderr.

    Raises:
        OSError: it does not start.
    """
    done = subprocess.run(list(command), capture_output=True, encoding="utf-8", errors="replace", check=False)
    return done.returncode, done.stdout, done.stderr


def run_in_worker(command: Sequence[str], stop_mark: str, boards: int = 0) -> Told:
    """The same as a Dask task: figures go out as events, and a file named `stop_mark` asks to stop.

    `boards` is how many there are for the workers of one computer to share, each taking one.
    """
    from distributed import get_worker

    worker = get_worker()
    command = [*command, *own_board(worker.name, boards)]
    return run_process(command, lambda step: worker.log_event(TOPIC, step), Path(stop_mark).exists)


def own_board(worker: object, boards: int) -> list[str]:
    """The arguments that leave a worker one of its computer's boards, by the number that its name ends with."""
    number = re.search(r"\d+$", str(worker))
    return ["--board", str(int(number[0]) % boards)] if number and boards else []


def _lines(process: subprocess.Popen, should_stop: Callable[[], bool]):
    """What the process prints, until its end; looks every now and then whether to stop."""
    waiting: queue.Queue = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            waiting.put(line)
        waiting.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = waiting.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            line = ""
        if line is None:
            return
        if should_stop():
            raise KeyboardInterrupt
        if line:
            yield line


def _step(line: str) -> Told | None:
    """The figures of an image, if the line holds them; Blender prints other things there."""
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) and "cpu" in told else None


def _end(process: subprocess.Popen) -> None:
    """Stop the process if it still runs: politely, so that it can finish its image, then not."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
