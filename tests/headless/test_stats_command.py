"""`simspine stats`: pairs and folders, tables and report, and the one line for what cannot be used."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from simspine.headless.cli import main
from simspine.headless.stats_inputs import find_trials
from simspine.sample_rigs import MOTIONS, sample_model_path, sample_motion_path
from simspine.simspine_addon.model.errors import InputError


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def sample_stats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stats")
    motions = [str(sample_motion_path(name)) for name in MOTIONS]
    assert main(["stats", *motions, "--model", str(sample_model_path()), "-o", str(folder), "--no-plots"]) == 0
    return folder


def test_every_sample_motion_has_its_rows(sample_stats: Path):
    rows = rows_of(sample_stats / "curvature.csv")
    assert {row["action"] for row in rows if row["measure"].startswith("LLA")} == set(MOTIONS)
    assert {path.stem for path in (sample_stats / "frames").iterdir()} == {f"simspine_sample_{m}" for m in MOTIONS}


def test_sample_flexion_and_bending_stay_within_published_ranges(sample_stats: Path):
    checks = rows_of(sample_stats / "checks.csv")
    assert {row["what"] for row in checks if row["inside"] == "False"} <= {"rotation"}
    assert {row["what"] for row in checks} == {"upright LLA", "TKA", "flexion-extension", "bending", "rotation"}


def test_forward_bend_costs_the_lordosis_that_the_joints_flex(sample_stats: Path):
    """From the motion file's own columns: S1 to L1 is the sum of the five lower joints' flexion."""
    motion = sample_motion_path("trunk_flexion").read_text().split("endheader\n")[1].splitlines()
    names, values = motion[0].split(), np.loadtxt(motion[1:])
    joints = ("L5_S1", "L4_L5", "L3_L4", "L2_L3", "L1_L2")
    flexion = sum(values[:, names.index(f"{joint}_Flex_Ext")] for joint in joints)
    frames = rows_of(sample_stats / "frames" / "simspine_sample_trunk_flexion.csv")
    lordosis = np.array([float(row["lordosis"]) for row in frames])
    np.testing.assert_allclose(lordosis - lordosis[0], flexion - flexion[0], atol=1e-3)


def test_report_is_one_file_that_needs_nothing_else(sample_stats: Path):
    text = (sample_stats / "report.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert 'src="' not in text
    assert "kyphosis cannot change" in text
    assert "W&amp;P 1990 [?]" in text


def test_json_has_the_tables_of_the_csv_files(sample_stats: Path):
    document = json.loads((sample_stats / "stats.json").read_text())
    assert len(document["rom"]) == len(rows_of(sample_stats / "rom.csv")) == 6 * 18
    assert len(document["checks"]) == len(rows_of(sample_stats / "checks.csv"))


def test_plots_are_drawn_into_the_report(tmp_path: Path):
    pytest.importorskip("matplotlib")
    pair = f"{sample_model_path()}:{sample_motion_path('walking')}"
    assert main(["stats", pair, "-o", str(tmp_path / "out")]) == 0
    names = {path.stem for path in (tmp_path / "out").glob("*.svg")}
    assert names == {"curvature", "range_of_motion", "time_courses"}
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8").count("<svg ") == 3


def test_missing_matplotlib_is_said_before_anything_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    pair = f"{sample_model_path()}:{sample_motion_path('walking')}"
    assert main(["stats", pair, "-o", str(tmp_path / "out")]) == 2
    assert "--no-plots" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_real_capture_is_measured_by_its_own_bones(capture: Path, tmp_path: Path):
    assert main(["stats", str(capture), "-o", str(tmp_path), "--no-plots"]) == 0
    rows = {row["measure"]: row for row in rows_of(tmp_path / "curvature.csv")}
    assert float(rows["TKA, T3-T12"]["low"]) == float(rows["TKA, T3-T12"]["high"])
    assert 60 < float(rows["LLA, L1-S1"]["mean"]) < 80


def test_subjects_of_a_folder_get_their_own_models(tmp_path: Path):
    for subject in ("S1", "S5"):
        (tmp_path / "models").mkdir(exist_ok=True)
        (tmp_path / "kinematics" / subject).mkdir(parents=True)
        (tmp_path / "models" / f"{subject}.osim").write_text("")
        (tmp_path / "kinematics" / subject / "Walking.mot").write_text("")
    trials = find_trials([str(tmp_path)], None)
    assert [(trial.subject, trial.action, trial.model.stem) for trial in trials] == [
        ("S1", "Walking", "S1"),
        ("S5", "Walking", "S5"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing", "neither a motion"),
        ("nothing.mot", "has no model"),
        ("a.osim:b.mot", "no such file"),
    ],
)
def test_unusable_input_is_named(text: str, words: str):
    with pytest.raises(InputError, match=words):
        find_trials([text], None)


def test_motion_that_fits_several_models_is_refused(tmp_path: Path):
    for name in ("a.osim", "b.osim", "walk.mot"):
        (tmp_path / name).write_text("")
    with pytest.raises(InputError, match="several of the 2 models"):
        find_trials([str(tmp_path)], None)


def test_model_without_bones_says_that_its_neutral_is_assumed(tmp_path, capsys):
    shutil.copy(sample_model_path(), tmp_path / "bare.osim")
    pair = f"{tmp_path / 'bare.osim'}:{sample_motion_path('walking')}"
    assert main(["stats", pair, "-o", str(tmp_path / "out"), "--no-plots"]) == 0
    assert "neutral lordosis is assumed" in capsys.readouterr().out
