"""Role maps: saved and loaded, corrected, and refused in one line where they do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.retarget.roles import RoleMap, load_role_map, save_role_map
from simspine.simspine_addon.retarget.skeleton import Skeleton, make_skeleton


def test_map_survives_its_file(tmp_path: Path, person: Callable) -> None:
    role_map = RoleMap(person().role_map.bones, "mine", {"left_hand": (1.0, 0.0, 0.0)})
    path = tmp_path / "map.json"
    save_role_map(role_map, path)
    loaded = load_role_map(path)
    assert dict(loaded.bones) == dict(role_map.bones)
    assert loaded.name == "mine"
    assert dict(loaded.palms) == {"left_hand": (1.0, 0.0, 0.0)}
    assert [p.name for p in tmp_path.iterdir()] == ["map.json"]


def test_correction_replaces_and_takes_bones_from_other_roles(person: Callable) -> None:
    role_map = person(spine=3).role_map
    mended = role_map.merged({"spine": ["spine0", "spine1"], "neck": ["spine2", "neck0"], "left_thumb": []})
    assert mended.of("spine") == ("spine0", "spine1")
    assert mended.of("neck") == ("spine2", "neck0")
    assert mended.of("left_thumb") == ()
    assert mended.of("head") == role_map.of("head")
    moved = role_map.merged({"left_hand": ["left_forearm"]})
    assert moved.of("left_forearm") == ()
    assert "left_forearm" in moved.missing()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "line 1|:1: is not valid JSON"),
        ("[]", "is not a bone map"),
        ('{"format": "something", "roles": {}}', "is not a bone map"),
        ('{"format": "simspine-role-map", "roles": {"tail": ["bone"]}}', "'tail' is not a role"),
        ('{"format": "simspine-role-map", "roles": {"head": 3}}', "not a list of names"),
    ],
)
def test_bad_file_is_refused_with_its_name(content: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=problem) as caught:
        load_role_map(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_role_map(tmp_path / "none.json")


def test_bone_in_two_roles_and_backward_chain_are_refused(person: Callable) -> None:
    target = person(spine=2)
    bones = dict(target.role_map.bones)
    with pytest.raises(InputError, match="bone 'head' plays both"):
        RoleMap({**bones, "left_hand": ("head",)}).check(target.skeleton)
    with pytest.raises(InputError, match="runs backwards"):
        RoleMap({**bones, "spine": ("spine1", "spine0")}).check(target.skeleton)


def test_unknown_correction_is_refused(person: Callable) -> None:
    with pytest.raises(InputError, match="'wing' is not a role"):
        person().role_map.merged({"wing": ["head"]})


def test_skeleton_is_sorted_from_any_order() -> None:
    skeleton = make_skeleton(["hand", "root", "arm"], ["arm", None, "root"], np.arange(9.0).reshape(3, 3))
    assert skeleton.names == ("root", "arm", "hand")
    assert skeleton.parents.tolist() == [-1, 0, 1]
    assert skeleton.rest_positions[2].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("names", "parents", "problem"),
    [
        (["a", "a"], [None, None], "two bones named 'a'"),
        (["a", "b"], ["b", "a"], "run in a ring"),
        (["a", "b"], [None, "c"], "the parent 'c' of bone 'b' is missing"),
        ([], [], "has no bones"),
    ],
)
def test_bad_skeleton_is_refused(names: list, parents: list, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        make_skeleton(names, parents, np.zeros((len(names), 3)))


@pytest.mark.parametrize(
    ("frame", "word"), [(np.diag([2.0, 2.0, 2.0]), "scaled"), (np.diag([1.0, 1.0, -1.0]), "mirrored")]
)
def test_scaled_and_mirrored_frames_are_refused(frame: np.ndarray, word: str) -> None:
    with pytest.raises(InputError, match=word):
        Skeleton(("a",), np.array([-1]), np.zeros((1, 3)), frame[None])


def test_saved_file_is_plain_json(tmp_path: Path, person: Callable) -> None:
    save_role_map(person().role_map, tmp_path / "map.json")
    document = json.loads((tmp_path / "map.json").read_text(encoding="utf-8"))
    assert document["format"] == "simspine-role-map"
    assert document["roles"]["pelvis"] == ["pelvis"]
