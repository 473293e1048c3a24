"""`simspine deform`: the file, the report, and the refusals of one line."""

from __future__ import annotations

import json

import pytest
from simspine.headless.cli import main
from simspine.sample_rigs import sample_model_path
from simspine.simspine_addon.model.document import read_model


def test_writes_a_model_and_a_report(tmp_path, capsys):
    output, report = tmp_path / "curved.osim", tmp_path / "report.json"
    arguments = ["--scoliosis", "35", "--apex", "L2", "--side", "left", "--fuse", "L4-L5", "--leg-length", "-15"]
    assert (
        main(["deform", str(sample_model_path()), "-o", str(output), *arguments, "--report", str(report), "--json"])
        == 0
    )
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(report.read_text())
    assert printed["measured"]["cobb_deg"] == pytest.approx(35.0, abs=0.001)
    assert printed["measured"]["leg_length_change_mm"] == pytest.approx(-15.0, abs=0.001)
    change = printed["by_endplates"]["cobb_deg"]
    assert change["after"] - change["before"] == pytest.approx(35.0, abs=0.1)
    assert "L4_L5_Flex_Ext" not in read_model(output).coordinate_names


def test_tells_people_what_was_asked_and_measured(tmp_path, capsys):
    output = tmp_path / "flat.osim"
    assert main(["deform", str(sample_model_path()), "-o", str(output), "--lordosis=-20"]) == 0
    text = capsys.readouterr().out
    assert "lordosis_change_deg                    -20.000" in text
    assert "level     L5-S1" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no pathology was asked for"),
        (["--scoliosis", "30", "--apex", "T8"], "the thorax is one body"),
        (["--scoliosis", "121"], "more than 120"),
        (["--fuse", "L4-L6"], "is no level"),
        (["--leg", "left"], "says nothing without leg_length"),
    ],
)
def test_refusals_are_one_line_and_leave_no_file(tmp_path, capsys, arguments, words):
    assert main(["deform", str(sample_model_path()), "-o", str(tmp_path / "out.osim"), *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_model_itself_is_never_overwritten(tmp_path, capsys):
    copy = tmp_path / "model.osim"
    copy.write_bytes(sample_model_path().read_bytes())
    assert main(["deform", str(copy), "-o", str(copy), "--lordosis", "5"]) == 2
    assert "is the model itself" in capsys.readouterr().err
    assert copy.read_bytes() == sample_model_path().read_bytes()
