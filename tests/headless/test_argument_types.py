"""Arguments within their limits, and places for results, are told before the work."""

import argparse

import pytest
from simspine.headless.argument_types import check_folder, check_places, count_from, not_negative, positive
from simspine.headless.cli import main
from simspine.sample_rigs import sample_model_path
from simspine.simspine_addon.model.errors import InputError


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (not_negative, "-1"),
        (not_negative, "x"),
        (positive, "0"),
        (positive, "inf"),
        (count_from(1), "0"),
        (count_from(0), "1.5"),
        (count_from(0), "-2"),
    ],
)
def test_a_number_beyond_its_limits_is_told_in_words(kind, text):
    with pytest.raises(argparse.ArgumentTypeError, match=f"'{text}' is not a"):
        kind(text)


def test_numbers_at_their_limits_are_taken():
    assert (not_negative("0"), positive("1e-9"), count_from(2)("2")) == (0.0, 1e-9, 2)


def test_a_folder_is_tried_and_nothing_of_it_stays(tmp_path):
    check_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "b"):
        with pytest.raises(InputError):
            check_folder(path)


def test_a_place_without_its_folder_is_refused(tmp_path):
    check_places(None, tmp_path / "a.json")
    with pytest.raises(InputError, match="its folder does not exist"):
        check_places(tmp_path / "a.json", tmp_path / "no" / "b.json")


def test_a_report_that_cannot_be_written_is_told_before_the_result_is(tmp_path, capsys):
    words = ["deform", str(sample_model_path()), "--scoliosis", "20", "-o", str(tmp_path / "out.osim")]
    assert main([*words, "--report", str(tmp_path / "no" / "r.json")]) == 2
    assert "its folder does not exist" in capsys.readouterr().err
    assert not (tmp_path / "out.osim").exists()


def test_a_height_in_centimetres_is_refused(tmp_path, capsys):
    words = ["scale", str(sample_model_path()), "nowhere.trc", "-o", str(tmp_path / "out.osim"), "--height", "176"]
    assert main(words) == 2
    assert "give it in metres" in capsys.readouterr().err
