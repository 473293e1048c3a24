"""Jobs on Slurm: with commands that stand in for Slurm's, and on a real Slurm where there is one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from simspine.headless import slurm_jobs
from simspine.headless.slurm_jobs import SlurmFile, SlurmJobs, job_states
from simspine.simspine_addon.model.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
RENDER = [sys.executable, str(ROOT / "headless" / "render.py"), "--"]
SCRIPT = "#!/bin/sh\nworker tcp://here --name dummy-name --nthreads 1\n"
shells = pytest.mark.skipif(os.name == "nt", reason="stands in for Slurm by shell scripts")


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """A folder that is the queue: a file for each job, which holds its state; `refuse` makes sbatch fail."""
    commands, folder = tmp_path / "bin", tmp_path / "queue"
    commands.mkdir()
    folder.mkdir()
    scripts = {
        "sbatch": f"""
if [ -e "{tmp_path}/refuse" ]; then echo 'sbatch: error: invalid partition specified: x' >&2; exit 1; fi
echo . >> "{tmp_path}/count"; id=$(wc -l < "{tmp_path}/count"); id=$((id))
cat > "{tmp_path}/script-$id"; echo 'PENDING|Resources' > "{folder}/$id"; echo "$id;cluster"
""",
        "squeue": f"""
for id in $(ls "{folder}"); do echo "$id|$(cat "{folder}/$id")"; done
""",
        "scancel": f'\nfor id in "$@"; do rm -f "{folder}/$id"; done\n',
    }
    for name, text in scripts.items():
        (commands / name).write_text("#!/bin/sh" + text)
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(slurm_jobs, "_LOOK_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)
    return folder


def begun(count: int = 2, wait_minutes: float = 60.0) -> SlurmJobs:
    jobs = SlurmJobs(SlurmFile(Path("slurm.toml"), {}, count, wait_minutes), SCRIPT)
    jobs.start()
    return jobs


def waiting(queue: Path) -> list[str]:
    return sorted(path.name for path in queue.iterdir())


@shells
def test_each_job_is_submitted_with_a_worker_named_after_it(queue):
    begun()
    assert waiting(queue) == ["1", "2"]
    assert "--name $SLURM_JOB_ID --nthreads" in (queue.parent / "script-2").read_text()


@shells
def test_a_job_that_ends_is_replaced_and_all_are_cancelled_at_the_end(queue, capsys):
    jobs = begun()
    (queue / "1").unlink()
    jobs.look(workers=1, images=5)
    assert waiting(queue) == ["2", "3"]
    assert "Slurm job 1 has ended" in capsys.readouterr().err
    jobs.end()
    assert waiting(queue) == []


@shells
def test_jobs_that_end_without_an_image_are_given_up_with_the_end_of_the_log(queue):
    jobs = begun(count=1)
    (queue / "1").unlink()
    jobs.look(workers=0, images=0)
    (queue / "2").unlink()
    (queue.parent / "slurm-2.out").write_text("python: not found\n\n")
    with pytest.raises(InputError, match=r"2 Slurm jobs .* slurm-2\.out ends: python: not found"):
        jobs.look(workers=0, images=0)


@shells
def test_jobs_that_end_after_images_are_replaced_for_ever(queue):
    jobs = begun(count=1)
    for number in range(1, 8):
        (queue / str(number)).unlink()
        jobs.look(workers=0, images=number)
    assert waiting(queue) == ["8"]


@shells
def test_a_job_that_never_starts_is_given_up_with_what_squeue_says(queue):
    jobs = begun(wait_minutes=1e-6)
    time.sleep(0.001)
    with pytest.raises(InputError, match=r"no worker within .* squeue -j 1,2 says PENDING \(Resources\)"):
        jobs.look(workers=0, images=0)
    begun(wait_minutes=1e-6).look(workers=1, images=0)  # a worker is all that is waited for


@shells
def test_what_slurm_refuses_is_one_line(queue):
    (queue.parent / "refuse").touch()
    with pytest.raises(InputError, match=r"slurm.toml: Slurm refuses the job: invalid partition specified: x"):
        begun()


@shells
def test_a_queue_that_does_not_answer_ends_no_job(queue, monkeypatch):
    jobs = begun()
    (queue.parent / "bin" / "squeue").write_text("#!/bin/sh\necho 'slurm_load_jobs error: timed out' >&2; exit 1\n")
    assert job_states(["1"]) is None
    jobs.look(workers=0, images=0)
    assert waiting(queue) == ["1", "2"]


def partition() -> str:
    """A partition of a Slurm that is here; skips where there is none."""
    if shutil.which("sbatch") is None:
        pytest.skip("there is no Slurm here (no sbatch on the path)")
    done = subprocess.run(["sinfo", "-h", "-t", "idle,mix", "-o", "%R"], capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout.split():
        pytest.skip("Slurm has no node that is free")
    return done.stdout.split()[0]


def own_jobs() -> list[str]:
    done = subprocess.run(
        ["squeue", "-h", "-n", "simspine-test", "-o", "%i"], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    kept = {path.relative_to(folder).as_posix(): path for path in files if path.name not in ("log.jsonl", "job.json")}
    return {name: path.read_bytes() for name, path in kept.items()}


def images(folder: Path) -> int:
    return len(list((folder / "images").rglob("[0-9]*.png")))


def start_on_slurm(arguments: list[str], spec: str, folder: Path, count: int) -> subprocess.Popen:
    """Start a render on Slurm and come back when it has made so many images."""
    command = [*RENDER, *arguments, "--cluster", spec]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=folder.parent)
    while images(folder) < count:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    return process


@pytest.mark.slow
def test_slurm_leaves_the_same_bytes_when_stopped_and_when_a_job_is_cancelled(tmp_path, inputs):
    pytest.importorskip("bpy")
    pytest.importorskip("dask_jobqueue")
    queue = partition()
    path, file = tmp_path / "set.toml", tmp_path / "slurm.toml"
    path.write_text(f"""
[dataset]
shard_frames = 2
[render]
size = [64, 48]
samples = 1
denoise = false
device = "cpu"
[cameras]
preset = "ring"
count = 6
[variety]
surroundings = "room"
furniture = 2
[[recordings]]
model = '{inputs[0]}'
motion = '{inputs[1]}'
""")
    file.write_text(
        f'queue = "{queue}"\ncores = 1\nmemory = "2GB"\nwalltime = "00:10:00"\njobs = 1\n'
        f'job_name = "simspine-test"\nlog_directory = "{tmp_path / "logs"}"\n'
    )
    alone, folder, spec = tmp_path / "alone", tmp_path / "slurm", f"slurm:{file}"
    subprocess.run([*RENDER, "--config", str(path), "-o", str(alone)], check=True, stdout=subprocess.DEVNULL)
    stopped = start_on_slurm(["--config", str(path), "-o", str(folder)], spec, folder, 2)
    stopped.send_signal(signal.SIGINT)
    said = stopped.communicate()[1]
    assert stopped.returncode == 1
    assert f"simspine render resume {folder} --cluster {spec}" in said
    deadline = time.monotonic() + 30
    while own_jobs() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert own_jobs() == []
    again = start_on_slurm(["resume", str(folder)], spec, folder, images(folder) + 2)
    subprocess.run(["scancel", *own_jobs()], check=True)
    said = again.communicate()[1]
    assert again.returncode == 0, said
    assert "has ended; another one is submitted" in said
    assert contents(folder) == contents(alone)
