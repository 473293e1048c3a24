"""`simspine export`, as it is typed."""

import json
from pathlib import Path

import numpy as np
import pytest

from simspine.exporters.bvh_reader import read_bvh  # isort: skip
from simspine.headless.cli import BAD_INPUT, DONE, main
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.motion import read_motion

WALKING, FLEXION = sample_motion_path("walking"), sample_motion_path("trunk_flexion")


def export(output: Path | str, *words: str, motions: tuple[Path, ...] = (WALKING,)) -> int:
    return main(["export", str(sample_model_path()), *map(str, motions), "-o", str(output), *words])


def test_a_bvh_holds_the_model_s_motion(tmp_path, capsys):
    assert export(tmp_path / "läuft los.bvh", "--json", "--frames", "10:30") == DONE
    told = json.loads(capsys.readouterr().out)["files"][0]
    assert (told["frames"], told["fps"], told["bones"]) == (20, 50.0, 30)
    read = read_bvh(told["output"])
    model = read_model(sample_model_path())
    track = pose_track(model, read_motion(WALKING, model))
    places = read.global_poses()[0][:, read.names.index("lumbar3")] / 100.0
    wanted = track.joint_centres[10:30, track.names.index("lumbar3")]
    turned = np.stack([-wanted[:, 2], wanted[:, 1], wanted[:, 0]], axis=1)  # facing Z where OpenSim's face X
    assert np.abs(places - turned).max() < 1e-6


def test_several_motions_fill_a_folder(tmp_path, capsys):
    words = ("--format", "bvh", "--fps", "30", "--preset", "unreal", "--names", "unreal_5")
    assert export(tmp_path, *words, motions=(WALKING, FLEXION)) == DONE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["trunk_flexion.bvh", "walking.bvh"]
    assert len(capsys.readouterr().out.splitlines()) == 2
    read = read_bvh(tmp_path / "walking.bvh")
    assert read.names[:2] == ("root", "pelvis")
    assert read.frame_time == 1.0 / 30.0


def test_several_motions_are_takes_of_one_glb(tmp_path):
    output = tmp_path / "both.glb"
    assert export(output, "--preset", "godot", motions=(WALKING, FLEXION)) == DONE
    head = int.from_bytes(output.read_bytes()[12:16], "little")
    document = json.loads(output.read_bytes()[20 : 20 + head])
    assert [animation["name"] for animation in document["animations"]] == ["walking", "trunk_flexion"]
    assert any("simspine_keypoints" in node.get("extras", {}) for node in document["nodes"])


def test_unity_gets_two_files_with_meshes(tmp_path):
    pytest.importorskip("bpy")
    assert export(tmp_path / "a.fbx", "--preset", "unity", "--meshes", "--frames", ":5") == DONE
    for name in ("a.fbx", "a_generic.fbx"):
        data = (tmp_path / name).read_bytes()
        assert data.startswith(b"Kaydara FBX Binary")
        assert b"skull\x00\x01Model" in data
    assert b"UpperChest\x00\x01Model" in (tmp_path / "a.fbx").read_bytes()
    assert b"lumbar3\x00\x01Model" in (tmp_path / "a_generic.fbx").read_bytes()


def test_usd_is_written(tmp_path):
    pytest.importorskip("bpy")
    assert export(tmp_path / "a.usda", "--frames", ":3") == DONE
    assert "endTimeCode = 2" in (tmp_path / "a.usda").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("output", "words", "complaint"),
    [
        ("a.obj", (), "does not end in"),
        ("nowhere/a.bvh", (), "folder does not exist"),
        ("/proc/a.bvh", (), "cannot be written"),
        ("a.bvh", ("--preset", "doom"), "no export preset"),
        ("a.bvh", ("--fps", "-3"), "not possible"),
        ("a.bvh", ("--frames", "900:"), "hold none"),
        ("a.bvh", ("--frames", "one:two"), "no range"),
        ("a.bvh", ("--names", "elvish"), "no rig preset"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path, capsys, monkeypatch, output, words, complaint):
    monkeypatch.chdir(tmp_path)
    assert export(output, *words) == BAD_INPUT
    lines = capsys.readouterr().err.strip().splitlines()
    assert len([line for line in lines if complaint in line]) == 1
    assert list(tmp_path.iterdir()) == []


def test_several_motions_need_a_folder(tmp_path, capsys):
    assert export(tmp_path / "a.bvh", motions=(WALKING, FLEXION)) == BAD_INPUT
    assert export(tmp_path, "--format", "bvh", motions=(WALKING, WALKING)) == BAD_INPUT
    assert "two motions" in capsys.readouterr().err
