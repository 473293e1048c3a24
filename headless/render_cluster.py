"""Rendering by the workers of a Dask cluster: on this computer, on Slurm or wherever its scheduler is."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import sys
import tomllib
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
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
    return _render(lambda find: open_job(config, output, arguments.overwrite, find), spec, arguments.blender)


def resume_on_cluster(folder: Path, arguments: argparse.Namespace) -> RenderResult:
    """The same for a data set that was begun."""
    spec = parse_spec(arguments.cluster)
    _need_dask(spec)
    return _render(lambda find: reopen_job(folder, find), spec, arguments.blender)


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


def _render(open_it: Callable[[FindRenderer], Job], spec: tuple[str, Any], blender: Path | None) -> RenderResult:
    """Render by a cluster the job that `open_it` opens, once a worker has said what renders there."""
    program = chosen_program(blender)
    with _client(spec) as client:
        print("waiting for a worker to say what it renders on", file=sys.stderr, flush=True)
        job = open_it(lambda device: _renderer_there(client, program, device))
        announce(job)
        clear_scratch(job.dataset.folder)
        kept, waiting = split_shards(job.dataset, job.shards)
        total, left = Tally(kept=kept), job.image_count(waiting)
        if waiting:
            with RenderProgress(left) as progress, told_to(total, progress.step) as tell:
                client.subscribe_topic(TOPIC, lambda event: tell(event[1]))
                _submit(client, job, [shard.identity for shard in waiting], program, _threads(spec))
    with disk_errors(job.dataset.folder):
        return finish(job, total, merges=True)


def _renderer_there(client: Client, program: Path | None, device: str) -> Renderer:
    """What renders on the cluster's workers, as one of them tells.

    Raises:
        InputError: its Blender does not start there, or the device asked for does not render.
    """
    command = question(program, device)

    def task() -> tuple[int, str, str]:
        return ask(command)

    try:
        answer = client.submit(task, pure=False, resources=_resources(client)).result()
    except OSError as error:
        problem = f"does not start on a worker ({error})"
        raise InputError(problem, path=command[0], hint="name a Blender that is there with --blender") from error
    return replace(renderer_of_answer(answer, program), program=program)


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
            child_command(job.dataset.folder, blender, threads, "--only-shard", shard),
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
                raise_failure(error)
    except BaseException:
        mark.touch()
        client.cancel(futures)
        raise


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
