"""`simspine render` from files to a data set: what is written, what is kept, what is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from simspine.headless.render_command import main  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
QUICK = ["--size", "64x48", "--samples", "1", "--no-denoise", "--device", "cpu"]


def render(inputs, folder, *more):
    return main([*map(str, inputs), "-o", str(folder), *QUICK, *more])


@pytest.fixture(scope="module")
def dataset(inputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "set"
    assert render(inputs, folder, "--frames", "1:6:3") == 0
    return folder


def contents(folder):
    """All files but the log, which says how fast it went."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "log.jsonl")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_data_set_has_images_labels_calibration_card_and_manifest(dataset):
    names = set(contents(dataset))
    images = {f"images/cam_0{v}/{row:06d}.png" for v in (1, 2, 3, 4) for row in (1, 4)}
    files = {"annotations.json", "labels.npz", "calibration.toml", "calibration_pose2sim.toml", "README.md"}
    assert images | files | {"manifest.json", "job.json"} <= names
    assert not [name for name in names if Path(name).name.startswith(".")]


def test_the_manifest_names_every_file_with_its_hash(dataset):
    import hashlib

    manifest = json.loads((dataset / "manifest.json").read_text())
    listed = set(manifest["files"])
    assert listed == set(contents(dataset)) - {"manifest.json", "job.json"}
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((dataset / name).read_bytes()).hexdigest() == digest
    assert [recording["frames"] for recording in manifest["recordings"]] == [[1, 4]]
    assert manifest["device"] == "CPU"


def test_labels_are_where_opensim_puts_the_markers(dataset, inputs):
    opensim = pytest.importorskip("opensim")
    opensim.Logger.setLevelString("Off")
    model = opensim.Model(str(inputs[0]))
    state = model.initSystem()
    with np.load(dataset / "labels.npz") as labels:
        names = labels["keypoint_names"].tolist()
        for index, row in enumerate(labels["frames"].tolist()):
            model.getCoordinateSet().get("along").setValue(state, 0.02 * row)
            model.getCoordinateSet().get("lean").setValue(state, np.radians(2.0 * row))
            model.realizePosition(state)
            for name in ("Hip", "Neck"):
                expected = model.getMarkerSet().get(name).getLocationInGround(state).to_numpy()
                np.testing.assert_allclose(labels["points_world"][0, index, names.index(name)], expected, atol=1e-9)
        assert np.isnan(labels["points_world"][0, :, names.index("LKnee")]).all()
        assert labels["time"].tolist() == [0.02, 0.08]


def test_labels_agree_with_the_calibration_beside_them(dataset):
    import tomllib

    import cv2

    with np.load(dataset / "labels.npz") as labels:
        points, pixels = labels["points_world"][0][:, [18, 19]], labels["points_2d"][0][:, :, [18, 19]]
    for file, turn in (("calibration.toml", np.eye(3)), ("calibration_pose2sim.toml", np.eye(3)[[2, 0, 1]])):
        tables = tomllib.loads((dataset / file).read_text())
        cameras = [table for key, table in tables.items() if key != "metadata"]
        for view, table in enumerate(cameras):
            assert not any(table["distortions"])
            projected, _ = cv2.projectPoints(
                (points @ turn.T).reshape(-1, 3),
                np.array(table["rotation"]),
                np.array(table["translation"]),
                np.array(table["matrix"]),
                None,
            )
            np.testing.assert_allclose(projected[:, 0], pixels[view].reshape(-1, 2), atol=1e-9)


def test_a_second_run_renders_nothing_and_changes_nothing(dataset, inputs, capsys):
    before = contents(dataset)
    times = {path: path.stat().st_mtime_ns for path in dataset.rglob("*.png") if "images" in path.parts}
    assert render(inputs, dataset, "--frames", "1:6:3", "--json") == 0
    assert json.loads(capsys.readouterr().out)["rendered"] == 0
    assert contents(dataset) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_an_interrupted_render_goes_on_to_the_same_bytes(dataset, inputs, tmp_path, capsys):
    folder = tmp_path / "set"
    shutil.copytree(dataset, folder)
    for name in ("manifest.json", "labels.npz", "annotations.json", "images/cam_02/000004.png"):
        (folder / name).unlink()
    cut = folder / "images/cam_03/000001.png"
    cut.write_bytes(cut.read_bytes()[:-20])
    assert render(inputs, folder, "--frames", "1:6:3", "--json") == 0
    assert json.loads(capsys.readouterr().out)["rendered"] == 2
    assert contents(folder) == contents(dataset)


def test_other_settings_are_refused_and_nothing_is_touched(dataset, inputs, capsys):
    before = contents(dataset)
    assert render(inputs, dataset, "--frames", "1:6:3", "--seed", "5") == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("simspine: ")]
    assert len(error) == 1
    assert "seed" in error[0]
    assert "--overwrite" in error[0]
    assert contents(dataset) == before


def test_overwrite_replaces_the_data_set_but_no_other_file(dataset, inputs, tmp_path):
    folder = tmp_path / "set"
    shutil.copytree(dataset, folder)
    (folder / "mine.txt").write_text("keep me")
    assert render(inputs, folder, "--frames", "2", "--overwrite") == 0
    names = set(contents(folder))
    assert "mine.txt" in names
    assert {name for name in names if name.startswith("images")} == {
        f"images/cam_0{v}/000002.png" for v in (1, 2, 3, 4)
    }


def test_a_folder_with_other_things_in_it_is_refused(inputs, tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("years of work")
    assert render(inputs, tmp_path, "--frames", "0") == 2
    assert "choose another folder" in capsys.readouterr().err
    assert list(contents(tmp_path)) == ["thesis.tex"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": "nowhere.osim"}, "nowhere.osim"),
        ({"motion": "nowhere.mot"}, "nowhere.mot"),
        ({"more": ["--cameras", "nowhere.toml"]}, "nowhere.toml"),
        ({"more": ["--cameras", "nonesuch"]}, "h36m"),
        ({"more": ["--frames", "99"]}, "99"),
        ({"more": ["--geometry", "nowhere"]}, "nowhere"),
        ({"more": ["--avatar", "body"]}, "skeleton"),
        ({"more": ["--device", "metal"]}, "METAL"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2_and_leaves_nothing(inputs, tmp_path, capsys, change, says):
    paths = (change.get("model", inputs[0]), change.get("motion", inputs[1]))
    assert render(paths, tmp_path / "set", *change.get("more", [])) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("simspine: ")]
    assert len(errors) == 1
    assert says in errors[0]
    assert not (tmp_path / "set").exists()


def test_the_script_prints_json_alone_on_stdout(inputs, tmp_path):
    arguments = [*map(str, inputs), "-o", str(tmp_path / "set"), *QUICK, "--frames", "0", "--json"]
    script = [sys.executable, "headless/render.py", "--", *arguments]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["images"] == 4


def test_the_script_ends_with_2_on_bad_input(tmp_path):
    script = [sys.executable, "headless/render.py", "--", "no.osim", "no.mot", "-o", str(tmp_path / "set")]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


def test_without_pillow_the_data_set_is_whole_but_for_the_pictures_of_it(inputs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("simspine.headless.overlay.can_draw", lambda: False)
    assert render(inputs, tmp_path / "set", "--frames", "0") == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if "Pillow" in line]
    assert len(notes) == 1
    names = set(contents(tmp_path / "set"))
    assert "contact_sheet.png" not in names
    assert {"manifest.json", "annotations.json"} <= names
