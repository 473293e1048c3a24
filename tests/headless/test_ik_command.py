"""`simspine ik` and `simspine scale`: files, reports, and one line for what cannot be used."""

from __future__ import annotations

import json

import numpy as np
import pytest
from simspine.headless.cli import main
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import body_frames, marker_positions
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.model.motion_writers import write_trc
from simspine.simspine_addon.model.types import MarkerTrack


@pytest.fixture(scope="module")
def markers(tmp_path_factory):
    model = read_model(sample_model_path())
    motion = read_motion(sample_motion_path("trunk_flexion"), model)
    values = motion.values[:24:4]
    positions = marker_positions(model, *body_frames(model, values))
    path = tmp_path_factory.mktemp("markers") / "markers.trc"
    time = np.arange(len(values)) / 12.5
    write_trc(path, MarkerTrack(time, model.marker_names, positions, np.ones(positions.shape[:2]), 12.5))
    return path


def test_ik_writes_a_motion_a_report_and_deviations(markers, tmp_path, capsys):
    output, report, deviation = (tmp_path / name for name in ("out.mot", "report.json", "deviation.sto"))
    weights = tmp_path / "weights.json"
    weights.write_text('{"markers": {"Nose": 0.1}, "others": 1}')
    words = ["ik", sample_model_path(), markers, "-o", output, "--report", report, "--json", "--smooth", "1e-6"]
    words += ["--deviation", deviation, "--weights", weights, "--lumbar", "coupled"]
    assert main([str(word) for word in words]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["frames"] == 6
    assert summary["rms_mm"] < 0.5
    rows = json.loads(report.read_text())["per_frame"]
    assert [row["frame"] for row in rows] == [1, 2, 3, 4, 5, 6]
    model = read_model(sample_model_path())
    found = read_motion(output, model)
    assert not found.filled_by_default
    assert not found.filled_by_coupler
    assert deviation.exists()


def test_opensims_engine_answers_the_same(markers, tmp_path, capsys):
    pytest.importorskip("opensim")
    results = []
    model = read_model(sample_model_path())
    for engine in ("batch", "opensim"):
        output = tmp_path / f"{engine}.mot"
        words = ["ik", sample_model_path(), markers, "-o", output, "--engine", engine, "--lumbar", "coupled"]
        assert main([str(word) for word in words]) == 0
        results.append(read_motion(output, model).values)
    assert "opensim" in capsys.readouterr().out
    trunk = [i for i, name in enumerate(model.coordinate_names) if name.startswith(("pelvis", "L"))]
    assert np.degrees(np.abs(results[0] - results[1]))[:, trunk].max() < 1.0


def test_scale_writes_a_model_and_prints_ratios(markers, tmp_path, capsys):
    pytest.importorskip("opensim")
    output = tmp_path / "scaled.osim"
    words = ["scale", sample_model_path(), markers, "-o", output, "--mass", "66", "--height", "1.7", "--json"]
    assert main([str(word) for word in words]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["mass_kg"] == pytest.approx(66.0)
    assert summary["ratios"]["thigh_r"]["ratio"] == pytest.approx(1.0, abs=0.1)
    assert sum(body.mass for body in read_model(output).bodies) == pytest.approx(66.0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ik", "{model}", "{markers}", "-o", "out.txt"], ".mot or .sto"),
        (["ik", "{model}", "nothing.trc", "-o", "out.mot"], "no such file"),
        (["ik", "{model}", "{markers}", "-o", "out.mot", "--weights", "nothing.json"], "nothing.json"),
        (["scale", "{model}", "{markers}", "-o", "out.txt"], ".osim"),
        (["scale", "{model}", "{markers}", "-o", "out.osim", "--time", "90:99"], "no frame lies between"),
    ],
)
def test_what_cannot_be_used_is_one_line(words, said, markers, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([word.format(model=sample_model_path(), markers=markers) for word in words]) == 2
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if "warning" not in line]
    assert out == ""
    assert len(lines) == 1, err
    assert said in lines[0]
    assert list(tmp_path.iterdir()) == []
