"""A data set in shards: parts by several processes, what verify finds, what repair makes anew, what is refused."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bpy")

from simspine.exporters.dataset_formats import StoredRecordings, known_formats, write_formats
from simspine.headless import dataset_merge, shard_run
from simspine.headless.cli import main as cli
from simspine.headless.dataset_files import FORMAT_PLACES
from simspine.headless.render_command import main
from simspine.headless.shard_plan import settings_hash
from simspine.sample_rigs import sample_model_path, sample_motion_path

ROOT = Path(__file__).resolve().parents[2]
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


@pytest.mark.parametrize("entry", [lambda words: main(words), lambda words: cli(["render", *words])])
def test_a_whole_data_set_passes(dataset, capsys, entry):
    assert entry(["verify", str(dataset)]) == 0
    assert "all whole" in capsys.readouterr().out


def test_the_script_verifies_too(dataset):
    script = [sys.executable, "headless/render.py", "--", "verify", str(dataset)]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("files, all whole\n")


def test_a_data_set_is_shown_in_a_page_which_is_no_part_of_it(copy, dataset, capsys):
    assert main(["view", str(copy)]) == 0
    page = copy / "view.html"
    assert "S1_again" in page.read_text()
    assert main(["verify", str(copy), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["extra"] == []
    page.unlink()
    assert contents(copy) == contents(dataset)


def test_the_card_has_a_line_for_each_format_and_the_axes_of_the_arrays(dataset):
    card = (dataset / "README.md").read_text()
    assert "- `coco`: " in card
    assert "- `simspine-npz`: " in card
    assert "X_camera = R X_world + t" in card
    with np.load(dataset / "labels/S1_lean.npz") as arrays:
        for name, axes in re.findall(r"`(\w+) \[([A-Z0-9,]+)\]`", card):
            if name in arrays.files:
                assert arrays[name].ndim == len(axes.split(",")), name


def test_verify_names_each_damaged_file_and_repair_makes_just_these_anew(copy, dataset, capsys):
    for name, harm in DAMAGE.items():
        harm(copy / name)
    times = {path: path.stat().st_mtime_ns for path in copy.rglob("*.png") if "images" in path.parts}
    assert main(["verify", str(copy)]) == 1
    found = capsys.readouterr().out.splitlines()
    assert {line.split(": ")[0] for line in found[:-1]} == set(DAMAGE)
    assert "missing" in next(line for line in found if "S1_again" in line)
    assert main(["repair", str(copy), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"repaired": sorted(DAMAGE), "rendered": 3, "finished": True}
    assert contents(copy) == contents(dataset)
    changed = {path for path, time in times.items() if path.stat().st_mtime_ns != time}
    assert {path.relative_to(copy).as_posix() for path in changed} <= set(DAMAGE)
    assert main(["verify", str(copy)]) == 0


def test_damaged_labels_of_a_shard_are_made_anew_without_its_images(copy, dataset, capsys):
    flip_a_bit(sorted((copy / "shards").glob("*.npz"))[1])
    assert main(["verify", str(copy)]) == 1
    capsys.readouterr()
    assert main(["repair", str(copy), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rendered"] == 0
    assert contents(copy) == contents(dataset)


def test_a_damaged_job_file_is_found_and_made_anew_by_the_same_command(copy, dataset, config, capsys):
    (copy / "job.json").write_bytes((copy / "job.json").read_bytes()[:-50])
    assert main(["verify", str(copy)]) == 1
    assert "job.json: is damaged" in capsys.readouterr().out
    assert main(["repair", str(copy)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main(["--config", str(config), "-o", str(copy), "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rendered"] == 0
    assert main(["verify", str(copy)]) == 0
    assert contents(copy) == contents(dataset)


def test_a_digit_changed_in_the_job_file_is_found(copy, capsys):
    job = copy / "job.json"
    job.write_text(job.read_text().replace('"turn": 0.0', '"turn": 9.0'))
    assert main(["verify", str(copy)]) == 1
    assert "job.json: is damaged" in capsys.readouterr().out


def test_verify_names_a_file_that_is_no_part_of_the_data_set(copy, capsys):
    extra = copy / "images/S1_lean/cam_01/000003.png"
    extra.write_bytes(b"mine")
    assert main(["verify", str(copy), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["extra"] == ["images/S1_lean/cam_01/000003.png"]
    assert main(["repair", str(copy)]) == 0
    assert extra.read_bytes() == b"mine"


def test_formats_of_an_earlier_job_do_not_outlive_it(config, copy):
    for path in (copy / "manifest.json", copy / "labels/S1_again.npz"):  # its merge was interrupted
        path.unlink()
    changed = config.with_name("fewer.toml")
    changed.write_text(config.read_text().replace('"coco", "simspine-npz"', '"coco"'))
    assert main(["--config", str(changed), "-o", str(copy), "--overwrite"]) == 0
    assert not (copy / "simspine.npz").exists()
    assert main(["verify", str(copy)]) == 0


def test_every_format_is_written_where_an_overwritten_data_set_is_cleared(dataset, tmp_path):
    recordings = StoredRecordings(sorted((dataset / "labels").glob("*.npz")))
    names = [name for name in known_formats() if name not in ("h36m", "webdataset", "simspine")]
    for path in write_formats(tmp_path, recordings, names):
        assert path.relative_to(tmp_path).parts[0] in FORMAT_PLACES
    assert {"h36m", "webdataset", "simspine"} <= set(FORMAT_PLACES)  # need images or the model, and go by their names


def test_ctrl_c_while_merging_leaves_no_manifest_and_the_next_run_the_same_bytes(copy, dataset, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    (copy / "manifest.json").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(dataset_merge, "write_formats", interrupted)
        assert main(["resume", str(copy)]) == 1
    assert "interrupted" in capsys.readouterr().err
    assert not (copy / "manifest.json").exists()
    assert main(["resume", str(copy)]) == 0
    assert contents(copy) == contents(dataset)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_cannot_be_written_any_more_is_one_line_and_can_be_gone_on_with(
    copy, dataset, monkeypatch, capsys, code
):
    def full(*_):
        raise OSError(code, os.strerror(code))

    (copy / "images/S1_lean/cam_01/000002.png").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(shard_run, "move_into_place", full)
        assert main(["resume", str(copy)]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("simspine: ")]
    assert len(errors) == 1
    assert os.strerror(code) in errors[0]
    assert main(["resume", str(copy)]) == 0
    assert contents(copy) == contents(dataset)


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
    job["job"] = settings_hash(job["settings"])
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


def test_the_disk_that_is_asked_for_is_enough(dataset, config, tmp_path, capsys):
    assert main(["--config", str(config), "-o", str(tmp_path / "set"), "--check", "--json"]) == 0
    taken = sum(path.stat().st_size for path in dataset.rglob("*") if path.is_file())
    assert taken < json.loads(capsys.readouterr().out)["bytes"] < 10 * taken


def test_the_plan_in_words_names_images_labels_disk_time_and_every_recording(config, capsys):
    assert main(["--config", str(config), "--check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "two"
    assert lines[1] == "  images   12 of 64 x 48 px: 2 recordings, 6 frames, 2 views"
    assert [line.split()[0] for line in lines[2:6]] == ["labels", "shards", "disk", "time"]
    assert [line.split()[0] for line in lines[7:]] == ["S1_lean", "S1_again"]


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


def test_the_plan_says_what_the_motion_is_warned_of(tmp_path, capsys):
    words = sample_motion_path("walking").read_text().splitlines()
    start = words.index("endheader") + 1
    table = [words[start] + "\ttail", *(f"{row}\t0" for row in words[start + 1 :])]
    head = [line.replace("nColumns=63", "nColumns=64") for line in words[:start]]
    motion = tmp_path / "tailed.mot"
    motion.write_text("\n".join([*head, *table]) + "\n")
    given = [str(sample_model_path()), str(motion), "-o", str(tmp_path / "set"), "--check"]
    assert main(given) == 0
    said = "tailed.mot: 1 column is not coordinates of the model and unused: tail"
    assert capsys.readouterr().out.splitlines()[-1] == f"  warning  {said}"
    assert main([*given, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["warnings"] == [said]
