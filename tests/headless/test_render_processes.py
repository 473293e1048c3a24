"""Several boards, another Blender, a cluster: who renders makes no difference to the bytes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("bpy")

from simspine.headless.render_command import main
from simspine.headless.render_processes import part_of
from simspine.headless.shard_plan import shards_of_part
from simspine.headless.shard_process import own_board

ROOT = Path(__file__).resolve().parents[2]
NOT_DATA = ("log.jsonl", "job.json")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="stands in for Blender by a shell script")


@pytest.fixture(scope="module")
def config(tmp_path_factory, inputs):
    path = tmp_path_factory.mktemp("config") / "boards.toml"
    path.write_text(f"""
[dataset]
name = "boards"
shard_frames = 1
[render]
size = [64, 48]
samples = 1
denoise = false
device = "cpu"
[cameras]
preset = "stereo"
[[recordings]]
model = '{inputs[0]}'
motion = '{inputs[1]}'
frames = "0:4"
""")
    return path


@pytest.fixture(scope="module")
def dataset(config):
    assert main(["--config", str(config), "-o", str(config.parent / "alone")]) == 0
    return config.parent / "alone"


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in NOT_DATA)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def log(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_two_boards_of_another_blender_share_the_shards_and_leave_the_same_bytes(
    config, dataset, blender, tmp_path, capsys
):
    folder, program = tmp_path / "set", blender(("first", "second"))
    assert main(["--config", str(config), "-o", str(folder), "--blender", str(program), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out.splitlines()[-1])["rendered"] == 8
    assert told.err.count("rendering on CPU (first, second) (not CUDA: no driver)") == 1
    assert contents(folder) == contents(dataset)
    begun, *shards = log(folder)
    assert (begun["boards"], begun["refused"]) == (["first", "second"], ["CUDA: no driver"])
    by_process = [entry["process"] for entry in shards]
    assert sorted(by_process.count(each) for each in set(by_process)) == [2, 2]


def test_workers_of_a_cluster_leave_the_same_bytes_and_take_a_board_each(config, dataset, tmp_path, blender):
    pytest.importorskip("distributed")
    folder, told = tmp_path / "set", tmp_path / "told"
    assert main(["--config", str(config), "-o", str(folder), "--shard", "1/1"]) == 0
    for record in sorted((folder / "shards").glob("*.json"))[:2]:
        record.unlink()
    (folder / "manifest.json").unlink()
    render = f'echo "$@" >> "{told}"; exec "{sys.executable}" "{ROOT / "headless" / "render.py"}" "$@"'
    program = blender(("first", "second"), render)
    assert main(["resume", str(folder), "--cluster", "local:2", "--blender", str(program)]) == 0
    assert contents(folder) == contents(dataset)
    rendering = [line for line in told.read_text().splitlines() if "--only-shard" in line]
    assert sorted(line.partition("--board ")[2].split()[0] for line in rendering) == ["0", "1"]


def test_a_worker_takes_the_board_of_its_number_and_begins_again_after_the_last():
    assert [own_board(worker, 3)[1] for worker in (0, 1, 2, 3, "4213-4")] == ["0", "1", "2", "0", "1"]
    assert own_board(5, 0) == []


@pytest.mark.parametrize("boards", ["all", "1"])
def test_what_a_process_finds_wrong_is_one_line(config, tmp_path, blender, capsys, boards):
    program = blender(("first", "second"), 'echo "simspine: the paint is wet" >&2; exit 2')
    arguments = ["--config", str(config), "-o", str(tmp_path / "set"), "--blender", str(program), "--boards", boards]
    assert main(arguments) == 2
    assert [line for line in capsys.readouterr().err.splitlines() if "paint" in line] == ["simspine: the paint is wet"]


def test_parts_of_a_part_are_all_of_it():
    shards = list(range(50))
    whole = shards_of_part(shards, (2, 3))
    parts = [part_of((2, 3), number, 4) for number in range(4)]
    found = [shards_of_part(shards, tuple(map(int, part.split("/")))) for part in parts]
    assert sorted(each for part in found for each in part) == list(whole)
    assert len({each for part in found for each in part}) == len(whole)
