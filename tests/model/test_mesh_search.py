"""Where a model's meshes are looked for, and which one is taken."""

import os

import pytest
from simspine.simspine_addon.model.mesh_search import GEOMETRY_VARIABLE, find_mesh


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Make an empty file below the test's folder; the model is `model/m.osim`."""
    monkeypatch.delenv(GEOMETRY_VARIABLE, raising=False)
    (tmp_path / "model").mkdir()

    def make(relative: str):
        path = tmp_path / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    return make


def find(tmp_path, name, *extra):
    return find_mesh(name, tmp_path / "model" / "m.osim", extra)


def test_order_of_the_folders(place, tmp_path, monkeypatch):
    monkeypatch.setenv(GEOMETRY_VARIABLE, f"{tmp_path / 'env1'}{os.pathsep}{os.pathsep}{tmp_path / 'env2'}")
    folders = ["env2", "env1", "b/Geometry", "b", "a/Geometry", "a", "model/Geometry", "model"]
    for folder in folders:
        path = place(f"{folder}/femur.vtp")
        assert find(tmp_path, "femur.vtp", tmp_path / "a", tmp_path / "b") == path


def test_absolute_path_is_taken_first(place, tmp_path):
    place("model/femur.vtp")
    elsewhere = place("elsewhere/femur.vtp")
    assert find(tmp_path, str(elsewhere)) == elsewhere


def test_absolute_path_of_another_computer_falls_back_on_its_name(place, tmp_path):
    path = place("model/Geometry/femur.vtp")
    assert find(tmp_path, "C:\\OpenSim 4.5\\Geometry\\femur.vtp") == path
    assert find(tmp_path, "/home/somebody/femur.vtp") == path
    assert find(tmp_path, "Geometry_v2/femur.vtp") == path


def test_subfolders_backslashes_and_parents(place, tmp_path):
    path = place("model/bones/left/femur.vtp")
    beside = place("shared/femur.vtp")
    assert find(tmp_path, "bones\\left\\femur.vtp") == path
    assert find(tmp_path, " bones/left/femur.vtp ") == path
    assert find(tmp_path, "../shared/femur.vtp").resolve() == beside


def test_case_is_ignored_where_nothing_fits_exactly(place, tmp_path):
    path = place("model/geometry/Femur_R.VTP")
    assert find(tmp_path, "femur_r.vtp").samefile(path)
    exact = place("model/Geometry/femur_r.vtp")
    assert find(tmp_path, "femur_r.vtp").samefile(exact)


def test_exact_name_in_a_later_folder_wins_over_another_case_in_an_earlier(place, tmp_path):
    place("model/FEMUR.vtp")
    exact = place("a/femur.vtp")
    assert find(tmp_path, "femur.vtp", tmp_path / "a").samefile(exact)


def test_other_suffix_of_the_same_name_is_taken_last(place, tmp_path):
    stl = place("model/Geometry/femur.stl")
    assert find(tmp_path, "femur.vtp") == stl
    assert find(tmp_path, "femur.iv") == stl
    assert find(tmp_path, "femur") == stl
    other_case = place("a/Femur.vtp")
    assert find(tmp_path, "femur.vtp", tmp_path / "a").samefile(other_case)


def test_name_with_a_dot_and_no_suffix(place, tmp_path):
    path = place("model/lumbar.1.obj")
    assert find(tmp_path, "lumbar.1") == path


def test_only_meshes_are_found(place, tmp_path):
    place("model/secret.txt")
    (tmp_path / "model" / "folder.vtp").mkdir()
    assert find(tmp_path, "secret.txt") is None
    assert find(tmp_path, "folder.vtp") is None
    assert find(tmp_path, "../../../../../../etc/passwd") is None


@pytest.mark.parametrize("name", ["", " ", ".", "/", "C:\\", "femur\0.vtp", "nothing.vtp", ".."])
def test_nothing_is_found_for_what_is_no_file(place, tmp_path, name):
    place("model/femur.vtp")
    assert find(tmp_path, name) is None


def test_without_a_model_file_only_the_given_folders_are_searched(place, tmp_path):
    path = place("a/Geometry/femur.vtp")
    assert find_mesh("femur.vtp", None, [tmp_path / "a"]) == path
    assert find_mesh("femur.vtp", None) is None
