"""`simspine deform`: the file, the report, and the refusals of one line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from simspine.headless.cli import main
from simspine.sample_rigs import sample_model_path
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.mesh_files import read_mesh


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


def test_a_thoracic_curve_bends_a_copy_of_the_rib_cage_beside_the_model(tmp_path, capsys):
    output = tmp_path / "curved.osim"
    arguments = ["--curve", "cobb=45", "apex=T8", "--curve", "cobb=30", "apex=L2", "upper=T12", "--json"]
    assert main(["deform", str(sample_model_path()), "-o", str(output), *arguments]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["measured"]["T8_cobb_deg"] == pytest.approx(45.0, abs=0.001)
    assert printed["asked"]["T8_end_vertebrae"] == ["T5", "T12"]
    change = printed["by_endplates"]["T8_cobb_deg"]
    assert change["after"] - change["before"] == pytest.approx(45.0, abs=0.1)
    assert printed["bent_meshes"] == [str(tmp_path / "curved_thorax.vtp")]
    before = read_mesh(sample_model_path().parent / "Geometry" / "thorax.vtp")
    after = read_mesh(tmp_path / "curved_thorax.vtp")
    assert after.face_count == before.face_count
    assert 0.02 < np.abs(after.vertices - before.vertices).max() < 0.2
    drawn = {geometry.file for geometry in read_model(output).geometry}
    assert "curved_thorax.vtp" in drawn
    assert "thorax.vtp" not in drawn


def test_a_rib_cage_that_is_not_found_stays_straight_and_this_is_said(tmp_path, capsys):
    (tmp_path / "model.osim").write_bytes(sample_model_path().read_bytes())
    assert main(["deform", str(tmp_path / "model.osim"), "-o", str(tmp_path / "out.osim"), "--lenke", "1"]) == 0
    assert "thorax.vtp: was not found to be bent" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.osim", "out.osim"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no pathology was asked for"),
        (["--scoliosis", "30", "--curve", "cobb=30", "apex=T8"], "--curve stands beside --scoliosis"),
        (["--curve", "cobb=30", "apex"], "'apex' is no KEY=VALUE"),
        (["--curve", "cobb=much", "apex=T8"], "cobb=much is no number"),
        (["--lenke", "7"], "no Lenke type '7'"),
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


def deform(*words):
    return main(["deform", *map(str, words)])


def test_a_deformed_model_takes_more_as_if_all_had_been_asked_at_once(tmp_path, capsys):
    lower, more = ("--scoliosis", "30", "--apex", "L3", "--upper", "L1"), ("--leg-length", "-15", "--fuse", "L4-L5")
    original = tmp_path / "model.osim"
    original.write_bytes(sample_model_path().read_bytes())
    assert deform(original, "-o", tmp_path / "at_once.osim", *lower, *more) == 0
    assert deform(original, "-o", tmp_path / "one.osim", *lower) == 0
    original.unlink()
    capsys.readouterr()
    assert deform(tmp_path / "one.osim", "-o", tmp_path / "two.osim", *more) == 0
    assert "was deformed before" in capsys.readouterr().err
    assert (tmp_path / "two.osim").read_bytes() == (tmp_path / "at_once.osim").read_bytes()


def test_what_cannot_be_added_to_a_deformed_model_is_one_line_and_leaves_no_file(tmp_path, capsys):
    one, two = tmp_path / "one.osim", tmp_path / "two.osim"
    assert deform(sample_model_path(), "-o", one, "--leg-length", "-15") == 0
    capsys.readouterr()
    assert deform(one, "-o", two, "--leg-length", "5") == 2
    error = capsys.readouterr().err
    assert "already has a longer or shorter leg" in error
    assert error.count("\n") == 1
    one.write_text(one.read_text().replace("<mass>", "<mass>1"))
    assert deform(one, "-o", two, "--lordosis", "5") == 2
    error = capsys.readouterr().err
    assert "is deformed, but the mass of" in error
    assert error.count("\n") == 1
    assert not two.exists()


def test_info_says_what_pathology_a_model_has(tmp_path, capsys):
    assert deform(sample_model_path(), "-o", tmp_path / "out.osim", "--scoliosis", "35") == 0
    capsys.readouterr()
    assert main(["info", str(tmp_path / "out.osim"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["model"]["pathology"]
    assert told["table"]["scoliosis"] == [{"cobb": 35.0, "apex": "L2", "side": "left"}]
    assert told["measured"]["cobb_deg"] == pytest.approx(35.0, abs=0.001)
    assert main(["info", str(tmp_path / "out.osim")]) == 0
    assert 'pathology, by simspine deform: {"scoliosis"' in capsys.readouterr().out
    assert main(["info", str(sample_model_path())]) == 0
    assert "pathology: none noted" in capsys.readouterr().out
