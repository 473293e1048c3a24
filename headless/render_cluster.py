"""Rendering by many processes: with Dask on this computer, on Slurm or wherever its scheduler is, or a GPU each."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import queue
import re
import sys
import threading
import tomllib
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..exporters.dataset_formats import check_formats
from ..simspine_addon.model.errors import InputError
from . import shard_process
from .bootstrap import ROOT
from .dataset_files import WORK_FOLDER, clear_scratch
from .render_config import DatasetConfig
from .render_job import Job, RenderResult, finish, open_job, reopen_job
from .render_progress import RenderProgress
from .shard_process import TOPIC, ShardRefusedError, Told, run_in_worker, run_process
from .shard_run import Tally

if TYPE_CHECKING:
    from distributed import Client

_FAILURES = 20  # how often a shard's worker may die before the shard is given up
_RETRIES = 2  # of a render process that fails by itself
_RESOURCE = "simspine"  # one of it on each worker: a worker renders one shard at a time


def render_on_cluster(config: DatasetConfig, output: Path, arguments: argparse.Namespace) -> RenderResult:
    """Render a data set by the processes of a cluster and merge it here.

    Raises:
        InputError: something given cannot be used.
        RuntimeError: a shard failed again and again.
    """
    spec = parse_spec(arguments.cluster)
    check_formats(config.formats)
    _need_dask(spec)
    job = open_job(config, output, arguments.overwrite)
    return _render(job, spec, arguments.blender)


def resume_on_cluster(folder: Path, arguments: argparse.Namespace) -> RenderResult:
    """The same for a data set that was begun."""
    spec = parse_spec(arguments.cluster)
    _need_dask(spec)
    return _render(reopen_job(folder), spec, arguments.blender)


def parse_spec(text: str) -> tuple[str, Any]:
    """What `--cluster` means: ("local", N), ("slurm", arguments of SLURMCluster) or ("tcp", address).

    Raises:
        InputError: none of these, or a file that cannot be used.
    """
    if re.fullmatch(r"local:[1-9]\d*", text):
        return "local", int(text.removeprefix("local:"))
    if re.match(r"(tcp|tls|ucx)://\S+:\d+$", text):
        return "tcp", text
    if text.startswith("slurm:") and len(text) > len("slurm:"):
        return "slurm", _slurm_arguments(Path(text.removeprefix("slurm:")))
    raise InputError(f"--cluster {text} is not known", hint="give local:N, slurm:FILE or tcp://HOST:PORT")


def slurm_cluster(arguments: dict[str, Any]):
    """The SLURMCluster of these arguments; `jobs`, how many to submit, is ours. Nothing is submitted yet.

    Raises:
        InputError: an argument that it does not take.
    """
    from dask_jobqueue.slurm import SLURMCluster

    own = {key: value for key, value in arguments.items() if key != "jobs"}
    own["worker_extra_args"] = [*own.get("worker_extra_args", []), "--resources", f"{_RESOURCE}=1"]
    own.setdefault("processes", 1)
    try:
        return SLURMCluster(**own)
    except (TypeError, ValueError) as error:
        raise InputError(f"SLURMCluster: {error}", hint="see its documentation for its arguments") from error


def shard_command(folder: Path, shard: str, blender: Path | None, threads: int | None, *more: str) -> list[str]:
    """The process that renders one shard, in this Python or in a Blender."""
    script = str(ROOT / "headless" / "render.py")
    program = [sys.executable, script] if blender is None else [str(blender), "-b", "-P", script]
    limit = [] if threads is None else ["--threads", str(threads)]
    return [*program, "--", "resume", str(folder.resolve()), "--only-shard", shard, "--child", *limit, *more]


def render_on_boards(job: Job, boards: Sequence[int]) -> Tally:
    """Render what is missing with one process for each board of the device.

    Raises:
        InputError: a process found its input wrong.
        RuntimeError: one failed.
    """
    left: queue.Queue = queue.Queue()
    for shard in job.shards:
        if job.dataset.record(shard) is None:
            left.put(shard.identity)
    total, failures, stop = Tally(), list[BaseException](), threading.Event()
    with RenderProgress(_images_left(job)) as progress, _noted(total, progress) as tell:

        def work(board: int) -> None:
            while not stop.is_set():
                try:
                    shard = left.get_nowait()
                except queue.Empty:
                    return
                try:
                    command = shard_command(job.dataset.folder, shard, None, None, "--board", str(board))
                    run_process(command, tell, stop.is_set)
                except (ShardRefusedError, RuntimeError, KeyboardInterrupt) as error:
                    failures.append(error)
                    stop.set()

        threads = [threading.Thread(target=work, args=(board,)) for board in boards]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            stop.set()
            for thread in threads:
                thread.join()
            raise
    if failures:
        _raise(failures[0])
    return total


def _render(job: Job, spec: tuple[str, Any], blender: Path | None) -> RenderResult:
    folder = job.dataset.folder
    clear_scratch(folder)
    waiting = [shard.identity for shard in job.shards if job.dataset.record(shard) is None]
    kept = sum(record.image_count for record in map(job.dataset.record, job.shards) if record is not None)
    total = Tally(kept=kept)
    if waiting:
        with _client(spec) as client, RenderProgress(_images_left(job)) as progress, _noted(total, progress) as tell:
            client.subscribe_topic(TOPIC, lambda event: tell(event[1]))
            _submit(client, job, waiting, blender, _threads(spec))
    return finish(job, total, merges=True)


def _submit(client: Client, job: Job, waiting: Sequence[str], blender: Path | None, threads: int | None) -> None:
    """Have every shard rendered; whatever goes wrong, no process of ours goes on."""
    from distributed import as_completed

    mark = job.dataset.folder.resolve() / WORK_FOLDER / f"stop-{uuid.uuid4().hex}"
    mark.parent.mkdir(exist_ok=True)

    def task(command: list[str], stop_mark: str) -> Told:
        return run_in_worker(command, stop_mark)  # only what is no module's own goes out by value

    futures = [
        client.submit(
            task,
            shard_command(job.dataset.folder, shard, blender, threads),
            str(mark),
            key=f"shard-{shard}-{mark.name}",
            pure=False,
            retries=_RETRIES,
            resources=_resources(client),
        )
        for shard in waiting
    ]
    try:
        for future in as_completed(futures, loop=client.loop):
            error = future.exception()
            if error is not None:
                _raise(error)
    except BaseException:
        mark.touch()
        client.cancel(futures)
        raise


@contextmanager
def _noted(total: Tally, progress: RenderProgress) -> Iterator:
    """Adds up what processes tell, from whatever thread it comes."""
    lock = threading.Lock()

    def tell(told: Told) -> None:
        step = Tally(told["rendered"], told["kept"], told["seconds"], told["cpu"])
        with lock:
            total.add(step)
            progress.step(step)

    yield tell


@contextmanager
def _client(spec: tuple[str, Any]) -> Iterator[Client]:
    """A client of the cluster, which ends with it unless it was there before."""
    import cloudpickle
    from dask.config import set as set_dask
    from distributed import Client, LocalCluster

    cloudpickle.register_pickle_by_value(shard_process)
    kind, value = spec
    with set_dask({"distributed.scheduler.allowed-failures": _FAILURES}):
        if kind == "tcp":
            try:
                with Client(value, timeout="20s", set_as_default=False) as client:
                    yield client
            except OSError as error:
                raise InputError(f"there is no Dask scheduler at {value}", hint="start dask scheduler there") from error
            return
        if kind == "local":
            cluster = LocalCluster(
                n_workers=value,
                threads_per_worker=1,
                dashboard_address=None,  # pyright: ignore[reportArgumentType]  # none at all
                memory_limit=None,
                resources={_RESOURCE: 1},
                silence_logs=50,
            )
        else:
            cluster = slurm_cluster(value)
            cluster.scale(jobs=int(value.get("jobs", 1)))
        with cluster, Client(cluster, set_as_default=False) as client:
            yield client


def _resources(client: Client) -> dict[str, int] | None:
    """What a task takes of a worker; workers that someone else started may not offer it."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    offered = not workers or any(_RESOURCE in (worker.get("resources") or {}) for worker in workers)
    return {_RESOURCE: 1} if offered else None


def _threads(spec: tuple[str, Any]) -> int | None:
    """How many threads each process gets; None where it is for the process to see."""
    kind, value = spec
    if kind == "local":
        return max(1, (os.cpu_count() or 1) // value)
    if kind == "slurm" and isinstance(value.get("cores"), int):
        return max(1, value["cores"] // int(value.get("processes", 1)))
    return None


def _images_left(job: Job) -> int:
    from .render_check import plan_size

    size = plan_size(job.dataset.config, job.inputs)
    return sum(shard.count for shard in job.shards if job.dataset.record(shard) is None) * size.views


def _slurm_arguments(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            values = tomllib.loads(text)
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
        raise InputError("holds no table of arguments", path=path, hint='such as queue = "normal", cores = 8')
    return values


def _need_dask(spec: tuple[str, Any]) -> None:
    import importlib.util

    for module in itertools.chain(["distributed"], ["dask_jobqueue"] if spec[0] == "slurm" else []):
        if importlib.util.find_spec(module) is None:
            raise InputError(f"--cluster needs the library {module}", hint="pip install simspine[cluster]")


def _raise(error: BaseException) -> None:
    if isinstance(error, ShardRefusedError) or type(error).__name__ == "ShardRefusedError":
        raise InputError(str(error)) from error
    raise error
