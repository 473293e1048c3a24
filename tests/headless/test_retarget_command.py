"""`simspine retarget` and `simspine rigs`, as they are typed."""

import json
from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
from simspine.headless.cli import BAD_INPUT, DONE, main  # noqa: E402
from simspine.sample_rigs import sample_model_path, sample_motion_path  # noqa: E402


@pytest.fixture(scope="module")
def motion(tmp_path_factory) -> Path:
    """Every tenth sample of the lift, as a file."""
    lines = sample_motion_path("lifting_with_twist").read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip() == "endheader") + 2
    rows = lines[start:][::10]
    head = [f"nRows={len(rows)}" if line.startswith("nRows") else line for line in lines[:start]]
    path = tmp_path_factory.mktemp("motion") / "lift.mot"
    path.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")
    return path


def retarget(motion, output, *words) -> int:
    return main(["retarget", str(sample_model_path()), str(motion), "--avatar", "mannequin", "-o", str(output), *words])


def test_a_moved_avatar_is_written_with_its_report_and_its_picture(motion, tmp_path, capfd):
    output, report, picture = tmp_path / "a.blend", tmp_path / "r.json", tmp_path / "p.png"
    words = ("--report", str(report), "--picture", str(picture), "--json")
    assert retarget(motion, output, *words) == DONE
    printed = json.loads(capfd.readouterr().out)
    stored = json.loads(report.read_text(encoding="utf-8"))
    assert printed == stored
    assert stored["retarget"]["spine_curve"]["max_mm"] < stored["naive"]["spine_curve"]["max_mm"]
    assert picture.read_bytes()[:4] == b"\x89PNG"
    bpy.ops.wm.open_mainfile(filepath=str(output))
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")
    assert armature.animation_data.action.name == "lift"
    assert bpy.context.scene.frame_end == stored["frames"]


def test_the_person_can_be_kept_beside_the_avatar(motion, tmp_path):
    assert retarget(motion, tmp_path / "a.blend", "--source", "--nla") == DONE
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    armatures = [thing for thing in bpy.data.objects if thing.type == "ARMATURE"]
    assert len(armatures) == 2
    strips = [track.strips for each in armatures for track in each.animation_data.nla_tracks]
    assert len(strips) == 1


def test_vertebrae_of_an_avatar_have_the_curves_of_a_deformed_model(tmp_path, capfd):
    model, output = tmp_path / "curved.osim", tmp_path / "a.blend"
    assert main(["deform", str(sample_model_path()), "-o", str(model), "--lenke", "3", "--scoliosis", "60"]) == DONE
    lines = sample_motion_path("trunk_flexion").read_text(encoding="utf-8").splitlines()  # begins standing
    still = tmp_path / "still.mot"
    still.write_text("\n".join([line if "nRows" not in line else "nRows=2" for line in lines[:9]]) + "\n")
    words = ["retarget", str(model), str(still), "--avatar", "mannequin", "-o", str(output)]
    capfd.readouterr()
    assert main([*words, "--articulate", "thoracic"]) == DONE
    assert "no thoracic vertebrae" not in capfd.readouterr().err
    bpy.ops.wm.open_mainfile(filepath=str(output))
    bpy.context.scene.frame_set(bpy.context.scene.frame_start)
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")
    assert [lean_to_right(armature, name) for name in ("T11", "L4")] == pytest.approx([33.327, -14.673], abs=0.02)
    assert lean_to_right(armature, "T11") - lean_to_right(armature, "T5") == pytest.approx(60.0, abs=0.02)
    assert main(words) == DONE
    assert "no thoracic vertebrae" in capfd.readouterr().err


def lean_to_right(armature, name) -> float:
    """Of a bone, in deg, against its rest; the avatar looks along X of the scene, and its left is Y."""
    bone, world = armature.pose.bones[name], np.array(armature.matrix_world)[:3, :3]
    turn = world @ np.array(bone.matrix)[:3, :3] @ np.array(bone.bone.matrix_local)[:3, :3].T @ world.T
    return float(np.degrees(np.arctan2(turn[2, 1], turn[2, 2])))


@pytest.mark.parametrize("suffix", [".fbx", ".glb", ".usdc", ".bvh"])
def test_every_format_is_written_whole(motion, tmp_path, suffix):
    output = tmp_path / f"a{suffix}"
    assert retarget(motion, output) == DONE
    assert output.stat().st_size > 10_000
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize("suffix", [".fbx", ".glb"])
def test_what_was_exported_moves_as_the_blend_file_does(motion, tmp_path, suffix):
    for each in (".blend", suffix):
        assert retarget(motion, tmp_path / f"a{each}") == DONE
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    # In the scene people face OpenSim's +X; files have them face the front of their format, Blender's -Y.
    wanted = wrists() @ np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 5
    if suffix == ".fbx":
        bpy.ops.import_scene.fbx(filepath=str(tmp_path / "a.fbx"))
    else:
        bpy.ops.import_scene.gltf(filepath=str(tmp_path / "a.glb"))
    moved = wrists(offset=first_key() - 1.0)
    assert np.abs(moved - wanted).max() < 5e-4


def wrists(offset=0.0) -> np.ndarray:
    """Where both wrists are over the first frames, [T, 2, 3] m."""
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")
    places = []
    for frame in range(1, 25, 4):
        bpy.context.scene.frame_set(int(frame + offset))
        shown = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        places.append([shown.matrix_world @ shown.pose.bones[f"{side}Hand"].head for side in ("Left", "Right")])
    return np.array(places)


def first_key() -> float:
    return min(action.frame_range[0] for action in bpy.data.actions)


def test_an_avatar_file_takes_a_motion_too(motion, tmp_path, capfd):
    assert main(["rigs", "build", "mannequin", "-o", str(tmp_path / "avatar.blend")]) == DONE
    words = ["retarget", str(sample_model_path()), str(motion), "--avatar", str(tmp_path / "avatar.blend")]
    assert main([*words, "-o", str(tmp_path / "moved.blend"), "--json"]) == DONE
    assert json.loads(capfd.readouterr().out.splitlines()[-1])["avatar"].endswith("avatar.blend")


def test_a_saved_map_can_be_given_back(motion, tmp_path, capfd):
    path = tmp_path / "map.json"
    assert main(["rigs", "show", "mannequin", "--save", str(path), "--json"]) == DONE
    shown = json.loads(capfd.readouterr().out)
    assert shown["missing_roles"] == []
    assert shown["roles"]["pelvis"] == ["Hips"]
    assert retarget(motion, tmp_path / "a.blend", "--map", str(path)) == DONE
    path.write_text(path.read_text(encoding="utf-8").replace("Hips", "Huefte"), encoding="utf-8")
    assert retarget(motion, tmp_path / "b.blend", "--map", str(path)) == BAD_INPUT
    assert not (tmp_path / "b.blend").exists()


def test_the_table_names_every_role_that_is_there_and_those_that_are_not(capfd):
    assert main(["rigs", "show", "mannequin"]) == DONE
    told = capfd.readouterr().out
    assert "left_forearm" in told
    assert "LeftForeArm" in told
    assert "no bone for: " in told


def test_the_list_holds_avatars_and_families(capfd):
    assert main(["rigs", "list", "--json"]) == DONE
    listed = json.loads(capfd.readouterr().out)
    assert "mannequin" in {each["name"] for each in listed["avatars"]}
    assert {"mixamo", "unreal_5", "vrm"} <= {each["name"] for each in listed["families"]}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--avatar", "nobody"), "there is no avatar 'nobody'"),
        (("--avatar", "none.fbx"), "none.fbx: there is no such file"),
        (("--map", "none.json"), "none.json: cannot be read"),
        (("--preset", "none"), "no rig preset 'none'"),
        (("--scale", "-1"), "scale is -1"),
    ],
)
def test_bad_input_costs_one_line_and_leaves_no_file(motion, tmp_path, capfd, words, told):
    output = tmp_path / "a.blend"
    assert retarget(motion, output, *words) == BAD_INPUT
    lines = [line for line in capfd.readouterr().err.splitlines() if "warning" not in line]
    assert len(lines) == 1
    assert told in lines[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.abc", "missing/a.blend"])
def test_an_output_that_cannot_be_written_is_refused_first(motion, tmp_path, capfd, name):
    assert retarget(motion, tmp_path / name) == BAD_INPUT
    assert Path(name).name in capfd.readouterr().err
