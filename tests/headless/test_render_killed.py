"""A render that is killed again and again, and goes on, leaves the same bytes as one that nobody disturbed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("bpy")

from simspine.headless.render_command import main
from simspine.sample_rigs import sample_model_path, sample_motion_path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, str(ROOT / "headless" / "render.py"), "--"]
Files = tuple[Path, Path]  # model and motion
NOT_DATA = ("log.jsonl", "job.json")  # the one holds times, the other paths


STILL = 'preset = "ring"'
CARRIED = 'preset = "handheld"\nrates = [50, 25]\noffset_ms = [0, 10]\nrolling_shutter_ms = [0, 12]'


def config(folder: Path, frames: int, shard_frames: int, count: int, files: Files, cameras: str = STILL) -> Path:
    path = folder / "config.toml"
    path.write_text(f"""
[dataset]
name = "killed"
shard_frames = {shard_frames}
labels = ["occlusion"]
[render]
size = [64, 48]
samples = 1
denoise = false
device = "cpu"
[cameras]
{cameras}
count = {count}
[variety]
surroundings = "room"
furniture = 2
camera_noise = 0.3
motion_blur = {0.0 if cameras == STILL else 0.5}
[[recordings]]
model = '{files[0]}'
motion = '{files[1]}'
frames = "0:{frames}"
""")
    return path


def start(arguments: list[str]) -> subprocess.Popen:
    return subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in NOT_DATA)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def images(folder: Path) -> int:
    return len(list((folder / "images").rglob("[0-9]*.png")))


def kill_at(process: subprocess.Popen, folder: Path, count: int) -> bool:
    """Kill the process as soon as there are so many images; False if it ended before."""
    while images(folder) < count:
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return True


def disturbed(path: Path, folder: Path, total: int, kills: int) -> int:
    """Render with `kills` interruptions, each after some more images, the last when all are there; how many it was."""
    rng, done, arguments = random.Random(7), 0, ["--config", str(path), "-o", str(folder)]
    moments = [*sorted(rng.sample(range(1, total), kills - 1)), total]
    for count in moments:
        done += kill_at(start(arguments), folder, count)
    assert main(arguments) == 0
    return done


def workers_of(process: subprocess.Popen) -> list[int]:
    """Dask's worker processes: those below the process that have a render below them."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                text = (entry / "stat").read_text()
                parents[int(entry.name)] = int(text.rpartition(")")[2].split()[1])
    below = {child for child in parents if process.pid in ancestors(child, parents)}
    rendering = [each for each in below if "--only-shard" in command_line(each)]
    return [parents[each] for each in rendering if parents[each] in below]


def ancestors(process: int, parents: dict[int, int]) -> set[int]:
    found = set()
    while process in parents:
        process = parents[process]
        found.add(process)
    return found


def command_line(process: int) -> str:
    try:
        return (Path("/proc") / str(process) / "cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def check_killed(folder: Path, frames: int, shard_frames: int, count: int, kills: int, files: Files) -> None:
    path, total = config(folder, frames, shard_frames, count, files), frames * count
    assert main(["--config", str(path), "-o", str(folder / "calm")]) == 0
    calm = contents(folder / "calm")
    assert sum(name.startswith("images/") for name in calm) == total
    assert disturbed(path, folder / "killed", total, kills) == kills
    assert contents(folder / "killed") == calm
    assert not (folder / "killed" / ".work").exists()


def check_cluster(folder: Path, frames: int, shard_frames: int, count: int, files: Files) -> None:
    """Two workers, of which one is killed while it renders; `check_killed` has rendered the same undisturbed."""
    pytest.importorskip("distributed")
    path, total = config(folder, frames, shard_frames, count, files), frames * count
    clustered = folder / "cluster"
    process = start(["--config", str(path), "-o", str(clustered), "--cluster", "local:2"])
    while images(clustered) < total // 3:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    victims = workers_of(process)
    assert victims, "no worker renders"
    os.kill(victims[0], signal.SIGKILL)
    assert process.wait() == 0, process.communicate()[1]
    assert contents(clustered) == contents(folder / "calm")
    log = [json.loads(line) for line in (clustered / "log.jsonl").read_text().splitlines()]
    assert sum(entry.get("rendered", 0) for entry in log) < total + shard_frames * count


def test_cameras_in_hands_with_clocks_of_their_own_killed_leave_the_same_bytes(tmp_path, inputs):
    path = config(tmp_path, 3, 2, 2, inputs, CARRIED)
    assert main(["--config", str(path), "-o", str(tmp_path / "calm")]) == 0
    calm = contents(tmp_path / "calm")
    names = [name for name in calm if name.startswith("images/")]
    assert {name.split("/")[2] for name in names} == {"cam_01", "cam_02"}
    arguments = ["--config", str(path), "-o", str(tmp_path / "killed")]
    assert kill_at(start(arguments), tmp_path / "killed", len(names) // 2)
    assert main(arguments) == 0
    assert contents(tmp_path / "killed") == calm


def test_a_render_killed_twice_leaves_the_same_bytes(tmp_path, inputs):
    check_killed(tmp_path, frames=3, shard_frames=2, count=2, kills=2, files=inputs)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds worker processes by /proc")
def test_200_images_killed_ten_times_and_on_a_cluster_are_the_same_bytes(tmp_path):
    files = (sample_model_path(), sample_motion_path("walking"))
    check_killed(tmp_path, frames=50, shard_frames=5, count=4, kills=10, files=files)
    check_cluster(tmp_path, frames=50, shard_frames=5, count=4, files=files)
