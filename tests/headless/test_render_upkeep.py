"""A data set in shards: parts by several processes, what verify finds, what repair makes anew, what is refused."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

pytest.importorskip("bpy")

from simspine.headless.render_command import main

NOT_DATA = ("log.jsonl", "job.json")


@pytest.fixture(scope="module")
def config(tmp_path_factory, inputs):
    path = tmp_path_factory.mktemp("config") / "two.toml"
    path.write_text(f"""
[dataset]
name = "two"
shard_frames = 2
formats = ["coco", "simspine-npz"]
[render]
size = [64, 48]
samples = 1
denoise = false
device = "cpu"
[cameras]
preset = "stereo"
[[recordings]]
subject = "S1"
action = ["lean", "again"]
model = '{inputs[0]}'
motion = ['{inputs[1]}', '{inputs[1]}']
frames = "0:5:2"
""")
    return path


@pytest.fixture(scope="module")
def dataset(config):
    folder = config.parent / "whole"
    assert main(["--config", str(config), "-o", str(folder)]) == 0
    return folder


@pytest.fixture
def copy(dataset, tmp_path):
    folder = dataset.parent / tmp_path.name  # a sister, so that paths to the inputs stay the same
    shutil.copytree(dataset, folder)
    yield folder
    shutil.rmtree(folder)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in NOT_DATA)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


DAMAGE = {
    "images/S1_lean/cam_01/000002.png": flip_a_bit,
    "images/S1_again/cam_02/000000.png": Path.unlink,
    "images/S1_lean/cam_02/000004.png": cut,
    "labels/S1_lean.npz": flip_a_bit,
    "annotations.json": cut,
}


def test_every_recording_has_images_labels_and_calibration_of_its_own(dataset):
    names = set(contents(dataset))
    for recording in ("S1_lean", "S1_again"):
        images = {f"images/{recording}/{camera}/00000{row}.png" for camera in ("cam_01", "cam_02") for row in (0, 2, 4)}
        assert images <= names
        assert {f"labels/{recording}.npz", f"calibration/{recording}.toml"} <= names
    assert {"annotations.json", "simspine.npz", "README.md", "manifest.json"} <= names


def test_two_runs_of_a_configuration_are_identical(dataset, config, tmp_path):
    assert main(["--config", str(config), "-o", str(tmp_path / "again")]) == 0
    assert contents(tmp_path / "again") == contents(dataset)


def test_parts_leave_nothing_to_merge_until_the_last_one_has_come(dataset, config, tmp_path, capsys):
    folder = tmp_path / "parts"
    assert main(["--config", str(config), "-o", str(folder), "--shard", "2/2", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["finished"], first["shards_left"]) == (False, 2)
    assert not (folder / "manifest.json").exists()
    assert main(["--config", str(config), "-o", str(folder), "--shard", "1/2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["finished"] is True
    assert contents(folder) == contents(dataset)


def test_a_whole_data_set_passes(dataset, capsys):
    assert main(["verify", str(dataset)]) == 0
    assert "all whole" in capsys.readouterr().out


def test_verify_names_each_damaged_file_and_repair_makes_just_these_anew(copy, dataset, capsys):
    for name, harm in DAMAGE.items():
        harm(copy / name)
    times = {path: path.stat().st_mtime_ns for path in copy.rglob("*.png") if "images" in path.parts}
    assert main(["verify", str(copy)]) == 1
    found = capsys.readouterr().out.splitlines()
    assert {line.split(": ")[0] for line in found[:-1]} == set(DAMAGE)
    assert "missing" in next(line for line in found if "S1_again" in line)
    assert main(["repair", str(copy), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"repaired": sorted(DAMAGE), "rendered": 3}
    assert contents(copy) == contents(dataset)
    changed = {path for path, time in times.items() if path.stat().st_mtime_ns != time}
    assert {path.relative_to(copy).as_posix() for path in changed} <= set(DAMAGE)
    assert main(["verify", str(copy)]) == 0


def test_a_damaged_record_or_manifest_is_found_and_repaired(copy, dataset):
    flip_a_bit(next((copy / "shards").glob("*.json")))
    assert main(["verify", str(copy)]) == 1
    assert main(["repair", str(copy)]) == 0
    assert contents(copy) == contents(dataset)
    manifest = copy / "manifest.json"
    manifest.write_text(manifest.read_text().replace("S1_lean", "S1_bean", 1))
    assert main(["verify", str(copy)]) == 1
    assert main(["repair", str(copy)]) == 0
    assert contents(copy) == contents(dataset)


def test_resume_goes_on_with_what_is_missing(copy, dataset, capsys):
    for path in [copy / "manifest.json", *list((copy / "shards").glob("*.json"))[:1]]:
        path.unlink()
    assert main(["verify", str(copy)]) == 1
    assert "not finished" in capsys.readouterr().out
    assert main(["resume", str(copy)]) == 0
    assert contents(copy) == contents(dataset)


def test_a_folder_that_is_no_data_set_is_bad_input(tmp_path, capsys):
    for word in ("verify", "repair", "resume"):
        assert main([word, str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("holds no data set of ours") == 3


def test_repair_refuses_an_input_that_has_changed(copy, inputs, capsys):
    (copy / "images/S1_lean/cam_01/000002.png").unlink()
    job = json.loads((copy / "job.json").read_text())
    job["settings"]["recordings"][0]["files"]["0/model"]["sha256"] = "0" * 64
    (copy / "job.json").write_text(json.dumps(job))
    before = contents(copy)
    assert main(["repair", str(copy)]) == 2
    assert "0/model" in capsys.readouterr().err
    assert contents(copy) == before


def test_changed_formats_keep_the_images(config, dataset, copy, capsys):
    changed = config.with_name("changed.toml")
    changed.write_text(config.read_text().replace('"simspine-npz"', '"openpose"'))
    assert main(["--config", str(changed), "-o", str(copy)]) == 2
    assert "formats" in capsys.readouterr().err
    assert main(["--config", str(changed), "-o", str(copy), "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rendered"] == 0
    assert not (copy / "simspine.npz").exists()
    assert main(["verify", str(copy)]) == 0


def test_too_little_disk_is_refused_before_anything_is_written(config, tmp_path, monkeypatch, capsys):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("simspine.headless.render_check.shutil.disk_usage", lambda place: usage(10, 9, 1))
    assert main(["--config", str(config), "-o", str(tmp_path / "set")]) == 2
    assert "are free" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_check_prints_the_plan_and_renders_nothing(config, tmp_path, capsys):
    assert main(["--config", str(config), "-o", str(tmp_path / "set"), "--check", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["recordings"], plan["frames"], plan["views"], plan["images"], plan["shards"]) == (2, 6, 2, 12, 4)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--config", "nowhere.toml"], "nowhere.toml"),
        (["--config", "a.toml", "--frames", "0"], "--frames does not go with --config"),
        ([], "nothing to render"),
    ],
)
def test_arguments_that_contradict_are_refused(words, says, capsys):
    assert main(words) == 2
    assert says in capsys.readouterr().err
