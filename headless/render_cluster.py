"""Rendering by the workers of a Dask cluster: on this computer, on Slurm or wherever its scheduler is."""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..exporters.dataset_formats import check_formats
from ..simspine_addon.model.errors import InputError
from . import shard_process
from .dataset_files import WORK_FOLDER, clear_scratch, disk_errors
from .render_config import DatasetConfig
from .render_engine import FindRenderer, Renderer, chosen_program, question, renderer_of_answer
from .render_job import Job, announce, finish, open_job, reopen_job
from .render_processes import child_command, raise_failure, told_to
from .render_progress import RenderProgress
from .render_result import RenderResult
from .shard_process import TOPIC, Told, ask, run_in_worker
from .shard_run import Tally, split_shards
from .slurm_jobs import RESOURCE, SlurmFile, SlurmJobs, need_slurm, read_slurm_file, slurm_cluster

if TYPE_CHECKING:
    from distributed import Client, Future

_FAILURES = 20  # how often a shard's worker may die before the shard is given up
_RETRIES = 2  # of a render process that fails by itself
_LOOK_SECONDS = 0.5  # between two looks at whether something is finished or has ended
_QUIET_SECONDS = 30.0  # before a word about a scheduler that has no workers


@dataclass(frozen=True, slots=True)
class _Crew:
    """The workers of a cluster: who speaks to them, and who looks after them while we wait.

    `look` is told how many images have been rendered; `threads` is how many each worker has, None where it sees for
    itself; `one_board_each` says whether workers share a computer's boards, each taking one.
    """

    client: Client
    look: Callable[[int], None]
    threads: int | None = None
    one_board_each: bool = False


def render_on_cluster(config: DatasetConfig, output: Path, arguments: argparse.Namespace) -> RenderResult:
    """Render a data set by the processes of a cluster and merge it here.

    Raises:
        InputError: something given cannot be used.
        RuntimeError: a shard failed again and again.
    """
    spec = _spec_of(arguments)
    check_formats(config.formats)
    _need_dask(spec)
    return _render(lambda find: open_job(config, output, arguments.overwrite, find), spec, arguments)


def resume_on_cluster(folder: Path, arguments: argparse.Namespace) -> RenderResult:
    """The same for a data set that was begun."""
    spec = _spec_of(arguments)
    _need_dask(spec)
    return _render(lambda find: reopen_job(folder, find), spec, arguments)


def parse_spec(text: str) -> tuple[str, Any]:
    """What `--cluster` means: ("local", N), ("slurm", SlurmFile) or ("tcp", address).

    Raises:
        InputError: none of these, or a file that cannot be used.
    """
    if re.fullmatch(r"local:[1-9]\d*", text):
        return "local", int(text.removeprefix("local:"))
    if re.match(r"(tcp|tls|ucx)://\S+:\d+$", text):
        return "tcp", text
    if text.startswith("slurm:") and len(text) > len("slurm:"):
        return "slurm", read_slurm_file(Path(text.removeprefix("slurm:")))
    raise InputError(f"--cluster {text} is not known", hint="give local:N, slurm:FILE or tcp://HOST:PORT")


def _spec_of(arguments: argparse.Namespace) -> tuple[str, Any]:
    if arguments.shard is not None:
        raise InputError(
            "--shard and --cluster cannot be given together",
            hint="a cluster shares out its shards itself; --shard is for machines that know nothing of one another",
        )
    return parse_spec(arguments.cluster)


def _render(
    open_it: Callable[[FindRenderer], Job], spec: tuple[str, Any], arguments: argparse.Namespace
) -> RenderResult:
    """Render by a cluster the job that `open_it` opens, once a worker has said what renders there."""
    program = chosen_program(arguments.blender)
    with _stopped_alike(), _crew(spec) as crew:
        print("waiting for a worker to say what it renders on", file=sys.stderr, flush=True)
        job = open_it(lambda device: _renderer_there(crew, program, device))
        announce(job)
        clear_scratch(job.dataset.folder)
        kept, waiting = split_shards(job.dataset, job.shards)
        total, left = Tally(kept=kept), job.image_count(waiting)
        if waiting:
            with RenderProgress(left) as progress, told_to(total, progress.step) as tell:
                crew.client.subscribe_topic(TOPIC, lambda event: tell(event[1]))
                try:
                    boards = _shared_boards(crew, job, arguments.boards)
                    _submit(crew, job, [shard.identity for shard in waiting], program, boards, total)
                except KeyboardInterrupt:
                    again = f"simspine render resume {job.dataset.folder} --cluster {arguments.cluster}"
                    print(f"stopping the workers; to go on: {again}", file=sys.stderr, flush=True)
                    raise
    folder, count = job.dataset.folder, job.image_count(job.shards)
    total.kept = max(0, count - total.rendered)  # a shard that was begun twice has told of its images twice
    with disk_errors(folder):
        result = finish(job, total, merges=True)
        if result.finished:  # what workers left that were killed on other computers
            shutil.rmtree(folder / WORK_FOLDER, ignore_errors=True)
    return result


def _renderer_there(crew: _Crew, program: Path | None, device: str) -> Renderer:
    """What renders on the cluster's workers, as one of them tells.

    Raises:
        InputError: its Blender does not start there, or the device asked for does not render.
    """
    command = question(program, device)

    def task() -> tuple[int, str, str]:
        return ask(command)

    future = crew.client.submit(task, pure=False, resources=_resources(crew.client))
    try:
        answer = next(_finished([future], crew, lambda: 0)).result()
    except OSError as error:
        problem = f"does not start on a worker ({error})"
        raise InputError(problem, path=command[0], hint="name a Blender that is there with --blender") from error
    return replace(renderer_of_answer(answer, program), program=program)


def _shared_boards(crew: _Crew, job: Job, asked: int | None) -> int:
    """How many boards the workers of a computer share, one each; 0 where each worker sees for itself."""
    present = len(job.renderer.boards)
    return min(asked or present, present) if crew.one_board_each else 0


def _submit(crew: _Crew, job: Job, waiting: Sequence[str], blender: Path | None, boards: int, total: Tally) -> None:
    """Have every shard rendered; whatever goes wrong, no process of ours goes on."""
    mark = job.dataset.folder.resolve() / WORK_FOLDER / f"stop-{uuid.uuid4().hex}"
    mark.parent.mkdir(exist_ok=True)

    def task(command: list[str], stop_mark: str) -> Told:
        return run_in_worker(command, stop_mark, boards)  # only what is no module's own goes out by value

    futures = [
        crew.client.submit(
            task,
            child_command(job.dataset.folder, blender, crew.threads, "--only-shard", shard),
            str(mark),
            key=f"shard-{shard}-{mark.name}",
            pure=False,
            retries=_RETRIES,
            resources=_resources(crew.client),
        )
        for shard in waiting
    ]
    try:
        for future in _finished(futures, crew, lambda: total.rendered):
            error = future.exception()
            if error is not None:
                raise_failure(error)
    except BaseException:
        mark.touch()
        crew.client.cancel(futures)
        raise


def _finished(futures: Sequence[Future], crew: _Crew, images: Callable[[], int]) -> Iterator[Any]:
    """The futures as they finish; between them someone looks after the workers."""
    from distributed import as_completed

    ready = as_completed(futures, loop=crew.client.loop)
    while ready.count():
        if ready.has_ready():
            yield next(ready)
            continue
        crew.look(images())
        time.sleep(_LOOK_SECONDS)


@contextmanager
def _crew(spec: tuple[str, Any]) -> Iterator[_Crew]:
    """The workers of a cluster, which end with it unless it was there before."""
    import cloudpickle
    from dask.config import set as set_dask

    cloudpickle.register_pickle_by_value(shard_process)
    kind, value = spec
    crews = {"local": _local_crew, "slurm": _slurm_crew, "tcp": _foreign_crew}
    with set_dask({"distributed.scheduler.allowed-failures": _FAILURES}), crews[kind](value) as crew:
        yield crew


@contextmanager
def _local_crew(count: int) -> Iterator[_Crew]:
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        dashboard_address=None,  # pyright: ignore[reportArgumentType]  # none at all
        memory_limit=None,
        resources={RESOURCE: 1},
        silence_logs=50,
    )
    threads = max(1, (os.cpu_count() or 1) // count)
    with cluster, Client(cluster, set_as_default=False) as client:
        yield _Crew(client, lambda images: None, threads, one_board_each=True)


@contextmanager
def _slurm_crew(file: SlurmFile) -> Iterator[_Crew]:
    from distributed import Client

    with slurm_cluster(file) as cluster, Client(cluster, set_as_default=False) as client:
        jobs = SlurmJobs(file, cluster.job_script())
        try:
            jobs.start()
            share = file.processes > 1  # else Slurm says what boards the worker of a job sees
            yield _Crew(client, lambda images: jobs.look(_worker_count(client), images), file.threads, share)
        finally:
            jobs.end()


@contextmanager
def _foreign_crew(address: str) -> Iterator[_Crew]:
    from distributed import Client

    try:
        client = Client(address, timeout="20s", set_as_default=False)
    except OSError as error:
        raise InputError(f"there is no Dask scheduler at {address}", hint="start dask scheduler there") from error
    silent_until = time.monotonic() + _QUIET_SECONDS

    def look(images: int) -> None:
        nonlocal silent_until
        if time.monotonic() > silent_until:
            silent_until = float("inf") if _worker_count(client) else time.monotonic() + 10 * _QUIET_SECONDS
            if silent_until < float("inf"):
                print(f"{address} has no workers yet: start dask worker {address}", file=sys.stderr, flush=True)

    with client:
        yield _Crew(client, look)


@contextmanager
def _stopped_alike() -> Iterator[None]:
    """Have a scheduler's SIGTERM end the run as Ctrl-C does, so that no job stays behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if earlier is None else earlier)


def _worker_count(client: Client) -> int:
    return len(client.scheduler_info(n_workers=-1)["workers"])


def _resources(client: Client) -> dict[str, int] | None:
    """What a task takes of a worker; workers that someone else started may not offer it."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    offered = not workers or any(RESOURCE in (worker.get("resources") or {}) for worker in workers)
    return {RESOURCE: 1} if offered else None


def _need_dask(spec: tuple[str, Any]) -> None:
    import importlib.util

    for module in itertools.chain(["distributed"], ["dask_jobqueue"] if spec[0] == "slurm" else []):
        if importlib.util.find_spec(module) is None:
            raise InputError(f"--cluster needs the library {module}", hint="pip install simspine[cluster]")
    if spec[0] == "slurm":
        need_slurm(spec[1])
