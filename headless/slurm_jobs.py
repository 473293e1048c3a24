"""Slurm's side of a render: the file that describes a job, and the jobs submitted, watched, replaced and ended."""

from __future__ import annotations

import difflib
import inspect
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..simspine_addon.model.errors import InputError
from .render_config_lines import line_index
from .render_progress import clock

RESOURCE = "simspine"  # one of it on each worker: a worker renders one shard at a time
WAIT_MINUTES = 60.0  # for a first job to start
_OWN_KEYS = ("jobs", "wait_minutes")
_COUNTS = ("jobs", "cores", "processes", "job_cpu")
_LOOK_SECONDS = 5.0  # between two looks into the queue
_QUIET_SECONDS = 20.0  # before the first word about what the jobs wait for
_TRIES = 2  # how many jobs may end without an image for each that was asked for
_EXAMPLE = 'such as queue = "normal", cores = 8, memory = "16GB", jobs = 4'


@dataclass(frozen=True, slots=True)
class SlurmFile:
    """What the FILE of `--cluster slurm:FILE` says: SLURMCluster's arguments and our own two."""

    path: Path
    arguments: Mapping[str, Any]
    jobs: int = 1  # how many to submit
    wait_minutes: float = WAIT_MINUTES  # for a worker, while there is none
    lines: Mapping[str, int] = field(default_factory=dict)

    def error(self, problem: str, hint: str, key: str = "") -> InputError:
        """What is wrong, in the line of its key where that is known."""
        return InputError(problem, path=self.path, line=self.lines.get(key), hint=hint)

    @property
    def processes(self) -> int:
        """Workers in each job."""
        return int(self.arguments.get("processes", 1))

    @property
    def threads(self) -> int | None:
        """Of each worker; None where the file does not say how many cores a job has."""
        cores = self.arguments.get("cores")
        return max(1, cores // self.processes) if isinstance(cores, int) else None


def read_slurm_file(path: Path) -> SlurmFile:
    """Read and check such a file, TOML, JSON or YAML; the arguments' names only where dask-jobqueue is installed.

    Raises:
        InputError: with the line where it is TOML.
    """
    values, lines = _values_of(path)
    file = SlurmFile(path, {key: value for key, value in values.items() if key not in _OWN_KEYS}, lines=lines)
    known = _known_arguments()
    for key in file.arguments:
        if known and key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"see SLURMCluster's arguments, {_EXAMPLE}"
            raise file.error(f"neither SLURMCluster nor we know '{key}'", hint, key)
    for key in _COUNTS:
        value = values.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise file.error(f"'{key}' is {value!r}", "give a whole number from 1", key)
    wait = values.get("wait_minutes", WAIT_MINUTES)
    if isinstance(wait, bool) or not isinstance(wait, int | float) or not wait > 0:
        raise file.error(f"'wait_minutes' is {wait!r}", "give a number of minutes, such as 600", "wait_minutes")
    return SlurmFile(path, file.arguments, values.get("jobs", 1), float(wait), lines)


def slurm_cluster(file: SlurmFile):
    """The SLURMCluster of a file, whose job script is what we submit. Nothing is submitted yet.

    Raises:
        InputError: an argument that it does not take.
    """
    cluster_class, _ = _slurm_classes()
    own = dict(file.arguments)
    own["worker_extra_args"] = [*own.get("worker_extra_args", []), "--resources", f"{RESOURCE}=1"]
    own.setdefault("processes", 1)
    own.setdefault("scheduler_options", {"dashboard_address": None})  # a port that nobody asked for
    try:
        return cluster_class(**own)
    except (TypeError, ValueError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        key = next((key for key, value in file.arguments.items() if repr(value) in reason), "")
        raise file.error(f"SLURMCluster says: {reason}", "see its documentation for its arguments", key) from error


class SlurmJobs:
    """The jobs of one render, each a worker or several.

    dask-jobqueue writes the script, but does not submit anew a job that has ended, and does not tell when a submission
    is refused; so the submitting is ours.
    """

    def __init__(self, file: SlurmFile, script: str) -> None:
        self._file = file
        # A worker's name has to be its own; Slurm's number is.
        self._script = re.sub(r"--name \S+", "--name $SLURM_JOB_ID", script, count=1)
        self._live: dict[str, int] = {}  # job -> how many images there were when it was submitted
        self._fruitless = 0  # jobs in a row that ended without an image
        self._next_look = 0.0
        self._alone_since = time.monotonic()  # since when there has been no worker
        self._told, self._next_telling = "", self._alone_since + _QUIET_SECONDS

    def start(self) -> None:
        """Submit all jobs.

        Raises:
            InputError: Slurm refuses them, or is not here.
        """
        for _ in range(self._file.jobs):
            self._submit(0)

    def look(self, workers: int, images: int) -> None:
        """Look after the jobs every few seconds: those that have ended are submitted anew.

        Args:
            workers: how many there are now.
            images: how many have been rendered so far.

        Raises:
            InputError: jobs end again and again without an image, or none starts.
        """
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_SECONDS
        states = job_states(list(self._live))
        if states is None:  # Slurm does not answer; it will
            return
        for job in [job for job in self._live if job not in states]:
            self._replace(job, images)
        if workers:
            self._alone_since = now
            self._next_telling = now + _QUIET_SECONDS
            return
        self._tell_waiting(now, states)

    def end(self) -> None:
        """Take all jobs out of the queue."""
        if self._live:
            subprocess.run(["scancel", *self._live], capture_output=True, check=False)
            self._live.clear()

    def _submit(self, images: int) -> None:
        try:
            done = subprocess.run(
                ["sbatch", "--parsable"], input=self._script, capture_output=True, encoding="utf-8", check=False
            )
        except OSError as error:
            problem = f"there is no sbatch here ({error.strerror})"
            raise self._file.error(problem, "start this on a login node of the Slurm cluster") from error
        job = done.stdout.strip().split(";")[0]
        if done.returncode or not job:
            said = [line.removeprefix("sbatch: ").removeprefix("error: ") for line in done.stderr.splitlines() if line]
            problem = f"Slurm refuses the job: {'; '.join(said)}"
            raise self._file.error(problem, "correct the file; sinfo lists partitions, nodes and limits")
        self._live[job] = images

    def _replace(self, job: str, images: int) -> None:
        self._fruitless = 0 if images > self._live.pop(job) else self._fruitless + 1
        if self._fruitless >= _TRIES * self._file.jobs:
            where, words = self._log_of(job)
            problem = f"{self._fruitless} Slurm jobs ended without an image, the last one {job}"
            problem += f", whose {where} ends: {words}" if words else f"; its log would be {where}"
            hint = "each node needs this Python, this folder and a way back to this computer (interface = NAME)"
            raise self._file.error(problem, hint)
        print(f"Slurm job {job} has ended; another one is submitted", file=sys.stderr, flush=True)
        self._submit(images)

    def _tell_waiting(self, now: float, states: Mapping[str, str]) -> None:
        waited, numbers = now - self._alone_since, ",".join(self._live)
        text = "; ".join(dict.fromkeys(states.values()))
        if waited > 60.0 * self._file.wait_minutes:
            problem = f"no worker within {clock(60.0 * self._file.wait_minutes)}: squeue -j {numbers} says {text}"
            raise self._file.error(problem, "raise wait_minutes, or ask for another queue or less time and memory")
        if now > self._next_telling and text and text != self._told:
            self._told, self._next_telling = text, now + _QUIET_SECONDS
            print(f"still waiting for a worker: squeue -j {numbers} says {text}", file=sys.stderr, flush=True)

    def _log_of(self, job: str) -> tuple[str, str]:
        """Where a job's log is, and its last line."""
        folder = self._file.arguments.get("log_directory")
        found = sorted(Path(folder).glob(f"*{job}.err")) if folder else [Path(f"slurm-{job}.out")]
        path = found[-1] if found else Path(str(folder))
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return str(path), ""
        return str(path), next((line.strip() for line in reversed(lines) if line.strip()), "")


def job_states(jobs: Sequence[str]) -> dict[str, str] | None:
    """What squeue says of those of these jobs that have not ended, such as "PENDING (Resources)"; None if it fails."""
    if not jobs:
        return {}
    command = ["squeue", "--noheader", "--format=%i|%T|%r", f"--jobs={','.join(jobs)}"]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    except OSError:
        return None
    if done.returncode:
        return {} if "Invalid job id" in done.stderr else None  # it knows none of them any more
    found = {}
    for line in done.stdout.splitlines():
        job, state, reason = [*line.strip().split("|"), "", ""][:3]
        found[job] = state if reason in ("", "None") else f"{state} ({reason})"
    return {job: found[job] for job in jobs if job in found}


def need_slurm(file: SlurmFile) -> None:
    """Refuse to go on where jobs cannot be submitted.

    Raises:
        InputError: Slurm's commands are not here.
    """
    for command in ("sbatch", "squeue", "scancel"):
        if shutil.which(command) is None:
            raise file.error(f"there is no {command} here", "start this on a login node of the Slurm cluster")


def _known_arguments() -> tuple[str, ...]:
    """The names of SLURMCluster's arguments; none where it is not installed."""
    try:
        classes = _slurm_classes()
    except ImportError:
        return ()
    kinds = [kind for each in classes for kind in each.__mro__]
    makers = [kind.__init__ for kind in kinds if kind.__module__.startswith("dask_jobqueue")]
    names = [name for maker in makers for name in inspect.signature(maker).parameters]
    return tuple(dict.fromkeys([*_OWN_KEYS, *(name for name in names if name not in ("self", "job_kwargs"))]))


def _slurm_classes() -> tuple[type, type]:
    """SLURMCluster and the class of its jobs; dask-jobqueue 0.9 makes Ctrl-C leave with exit code 0 when imported."""
    earlier = signal.getsignal(signal.SIGINT)
    from dask_jobqueue.slurm import SLURMCluster, SLURMJob

    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) != earlier:
        signal.signal(signal.SIGINT, signal.default_int_handler if earlier is None else earlier)
    return SLURMCluster, SLURMJob


def _values_of(path: Path) -> tuple[dict[str, Any], Mapping[str, int]]:
    lines: Mapping[str, int] = {}
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            values = tomllib.loads(text)
            lines = line_index(text)
        elif path.suffix == ".json":
            values = json.loads(text)
        elif path.suffix in (".yaml", ".yml"):
            import yaml

            values = yaml.safe_load(text)
        else:
            raise InputError("is no .toml, .json or .yaml file", path=path, hint="give SLURMCluster's arguments there")
    except ImportError as error:
        raise InputError("needs the library yaml", path=path, hint="pip install pyyaml, or write it as TOML") from error
    except OSError as error:
        raise InputError(
            f"cannot be read ({error.strerror})", path=path, hint="give SLURMCluster's arguments"
        ) from error
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"cannot be read ({error})", path=path, hint="correct it") from error
    if not isinstance(values, dict):
        raise InputError("holds no table of arguments", path=path, hint=_EXAMPLE)
    return values, lines
