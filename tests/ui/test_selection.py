"""Which model and which motions the chosen files mean."""

from pathlib import Path

import pytest
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.ui.selection import choose_files, model_beside


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ("a.osim", "walk.mot", "run.STO", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "lonely").mkdir()
    (tmp_path / "lonely/jump.mot").touch()
    return tmp_path


def test_model_and_motions_chosen_together(folder):
    chosen = choose_files([folder / "walk.mot", folder / "a.osim", folder / "run.STO"])
    assert chosen.model == folder / "a.osim"
    assert chosen.motions == (folder / "walk.mot", folder / "run.STO")


def test_a_model_alone_has_no_motion(folder):
    assert choose_files([folder / "a.osim"]).motions == ()


def test_a_motion_alone_takes_the_only_model_beside_it(folder):
    chosen = choose_files([folder / "walk.mot"])
    assert chosen.model == folder / "a.osim"
    assert chosen.note == ""


def test_two_models_beside_a_motion_decide_nothing(folder):
    (folder / "b.osim").touch()
    assert model_beside(folder / "walk.mot") is None
    with pytest.raises(InputError, match="no model is chosen"):
        choose_files([folder / "walk.mot"])


def test_a_named_model_wins_over_the_one_beside(folder):
    other = folder / "lonely/other.osim"
    other.touch()
    assert choose_files([folder / "walk.mot"], model=str(other)).model == other


def test_the_last_model_is_taken_with_a_note(folder):
    chosen = choose_files([folder / "lonely/jump.mot"], last_model=str(folder / "a.osim"))
    assert chosen.model == folder / "a.osim"
    assert "a.osim" in chosen.note


def test_a_last_model_that_is_gone_is_not_taken(folder):
    with pytest.raises(InputError, match="no model is chosen"):
        choose_files([folder / "lonely/jump.mot"], last_model=str(folder / "gone.osim"))


def test_two_models_are_refused(folder):
    (folder / "b.osim").touch()
    with pytest.raises(InputError, match="2 models are chosen"):
        choose_files([folder / "a.osim", folder / "b.osim", folder / "walk.mot"])


def test_the_same_model_named_twice_is_one(folder):
    assert choose_files([folder / "a.osim"], model=str(folder / "a.osim")).model == folder / "a.osim"


def test_a_file_of_another_kind_is_refused_by_name(folder):
    with pytest.raises(InputError, match=r"notes\.txt"):
        choose_files([folder / "notes.txt"])


def test_a_file_that_is_not_there_is_refused_by_name(folder):
    with pytest.raises(InputError, match=r"gone\.mot"):
        choose_files([folder / "a.osim", folder / "gone.mot"])


def test_nothing_chosen_is_refused():
    with pytest.raises(InputError, match="no file is chosen"):
        choose_files([])


def test_a_motion_in_a_simspine_folder_has_its_subjects_model_and_cameras(tmp_path):
    motion = tmp_path / "kinematics/S1/S1_walk/S1_walk.mot"
    own = tmp_path / "models/S1_walk.osim"
    for path in (motion, tmp_path / "models/S1.osim", tmp_path / "models/S5.osim", tmp_path / "cameras/Calib_S1.toml"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    chosen = choose_files([motion])
    assert chosen.model == tmp_path / "models/S1.osim"
    assert chosen.calibration == tmp_path / "cameras/Calib_S1.toml"
    own.touch()
    assert choose_files([motion]).model == own
    assert choose_files([motion, tmp_path / "models/S5.osim"]).calibration == tmp_path / "cameras/Calib_S1.toml"
