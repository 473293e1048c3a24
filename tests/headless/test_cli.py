"""The command line: what users and scripts get on stdout, stderr and as exit code."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from simspine.headless.cli import COMMANDS, main
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES

LINEAR = '<LinearFunction name="function"><coefficients>1 0</coefficients></LinearFunction>'
MARKERS = (
    '<MarkerSet name="markerset"><objects><Marker name="Nose"><socket_parent_frame>/bodyset/b</socket_parent_frame>'
    '<location>0.1 0.2 0.3</location></Marker><Marker name="other"><socket_parent_frame>/bodyset/a'
    "</socket_parent_frame><location>0 0.1 0</location></Marker></objects></MarkerSet>"
)


@pytest.fixture
def model(xml, write):
    axes = {0: ("q", LINEAR), 3: ("t", LINEAR)}
    joints = xml.joint("CustomJoint", "one", "/ground", "/bodyset/a", ("q", "t"), xml.spatial_transform(axes))
    joints += xml.joint("PinJoint", "two", "/bodyset/a", "/bodyset/b", ("r",))
    return write(xml.document(xml.body("a") + xml.body("b"), joints, MARKERS))


MOTION = "moving\nnRows={rows}\nnColumns=4\ninDegrees=yes\nendheader\ntime\tq\tt\tr\n{data}"


def motion_text(rows=5, data=None):
    times = np.arange(rows) / 50.0
    lines = [f"{t}\t{10 * t}\t{0.1 + t}\t{-20 * t}" for t in times] if data is None else data
    return MOTION.format(rows=len(lines), data="\n".join(lines) + "\n")


@pytest.fixture
def motion(write):
    return write(motion_text(), "motion.mot")


def expect_refused(capsys, arguments, *words):
    """Exit code 2, nothing on stdout, one line on stderr with the words."""
    assert main([str(a) for a in arguments]) == 2
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if "warning" not in line]
    assert out == ""
    assert len(lines) == 1, err
    for word in words:
        assert str(word) in lines[0], lines[0]


def test_info_prints_bodies_and_coordinates(model, motion, capsys):
    assert main(["info", str(model), str(motion)]) == 0
    out = capsys.readouterr().out
    assert "2 bodies, 3 coordinates" in out
    assert "5 frames at 50 Hz" in out
    assert "degrees" in out


def test_info_as_json_says_what_each_coordinate_is(model, motion, capsys):
    assert main(["info", str(model), str(motion), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    units = {coordinate["name"]: coordinate["unit"] for coordinate in report["model"]["coordinates"]}
    assert units == {"q": "deg", "t": "m", "r": "deg"}
    assert report["model"]["bodies"][1]["parent"] == "a"
    assert report["motion"]["rate_hz"] == 50.0
    assert report["model"]["keypoints"]["Nose"] == "marker"


def test_fk_npz_holds_what_the_contract_names_and_agrees_with_opensim(model, motion, tmp_path, capsys):
    pytest.importorskip("opensim")
    from simspine.simspine_addon.kinematics.opensim_engine import OpensimEngine

    target = tmp_path / "out.npz"
    assert main(["fk", str(model), str(motion), "-o", str(target)]) == 0
    data = np.load(target)
    times = np.arange(5) / 50.0
    values = np.stack([np.radians(10 * times), 0.1 + times, np.radians(-20 * times)], axis=1)
    engine = OpensimEngine(model)
    positions, rotations, markers = engine.run(values, ("q", "t", "r"))
    assert list(data["body_names"]) == list(engine.body_names)
    assert np.allclose(data["time"], times)
    assert np.abs(data["body_positions"] - positions).max() < 1e-9
    assert np.abs(data["body_rotations"] - rotations).max() < 1e-9
    assert list(data["marker_names"]) == list(engine.marker_names)
    assert np.abs(data["marker_positions"] - markers).max() < 1e-9
    assert list(data["keypoint_names"]) == list(KEYPOINT_NAMES)
    assert data["keypoint_positions"].shape == (5, 37, 3)
    assert np.abs(data["keypoint_positions"][:, 0] - markers[:, 0]).max() < 1e-9
    assert np.all(np.isnan(data["keypoint_positions"][:, 1:]))


def test_fk_trc_and_sto_are_read_back_by_opensim(model, motion, tmp_path, capsys):
    opensim = pytest.importorskip("opensim")
    for suffix in ("trc", "sto", "npz"):
        assert main(["fk", str(model), str(motion), "-o", str(tmp_path / f"out.{suffix}")]) == 0
    data = np.load(tmp_path / "out.npz")
    markers = opensim.TimeSeriesTableVec3(str(tmp_path / "out.trc"))
    nose = np.array([markers.getDependentColumn("Nose").getElt(i, 0).to_numpy() for i in range(5)])
    assert np.abs(nose - data["marker_positions"][:, 0]).max() < 1e-9
    bodies = opensim.TimeSeriesTable(str(tmp_path / "out.sto"))
    last = [bodies.getDependentColumn(f"b_O{axis}").to_numpy()[-1] for axis in "xyz"]
    rotation = opensim.Rotation()
    rotation.setRotationToBodyFixedXYZ(opensim.Vec3(*np.radians(last)))
    matrix = np.array([[rotation.asMat33().get(i, j) for j in range(3)] for i in range(3)])
    assert np.abs(matrix - data["body_rotations"][-1, 1]).max() < 1e-9


def test_import_writes_a_blend_that_blender_opens(model, motion, tmp_path, capsys):
    import bpy

    target = tmp_path / "mit Leerzeichen ä.blend"
    assert main(["import", str(model), str(motion), "-o", str(target), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["bones"] == 2
    bpy.ops.wm.open_mainfile(filepath=str(target))
    armature = bpy.data.objects[summary["armature"]]
    assert [bone.name for bone in armature.data.bones] == ["a", "b"]
    assert bpy.context.scene.frame_end - bpy.context.scene.frame_start == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mit Leerzeichen ä.blend", "model.osim", "motion.mot"]


@pytest.mark.parametrize("command", ["info", "fk", "import"])
def test_missing_files(command, model, motion, tmp_path, capsys):
    outputs = {"info": [], "fk": ["-o", tmp_path / "o.npz"], "import": ["-o", tmp_path / "o.blend"]}[command]
    expect_refused(capsys, [command, tmp_path / "none.osim", motion, *outputs], "none.osim", "no such file")
    expect_refused(capsys, [command, model, tmp_path / "none.mot", *outputs], "none.mot", "no such file")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (motion_text(data=[]), ["motion.mot"]),
        (motion_text(data=["0 1 2 3", "0.02 1 nan 3"]), ["motion.mot:8", "t"]),
        (motion_text(data=["0 1 2 3", "0.02 1 two 3"]), ["motion.mot:8", "two"]),
        (motion_text(data=["0 1 2 3", "0.02 1 2"]), ["motion.mot:8"]),
        (motion_text(data=["0 1 2 3", "0.02 1 2 3 4"]), ["motion.mot:8"]),
        (motion_text(data=["0.02 1 2 3", "0 1 2 3"]), ["motion.mot:8"]),
        (motion_text().replace("time\tq\tt\tr", "time\tx\ty\tz"), ["motion.mot", "another model"]),
        (motion_text().replace("nColumns=4", "nColumns=9"), ["motion.mot"]),
        (motion_text().replace("inDegrees=yes", "inDegrees=yes\ninDegrees=no"), ["motion.mot", "inDegrees"]),
        ("", ["motion.mot"]),
    ],
    ids=["empty", "nan", "text", "short row", "long row", "time", "other model", "columns", "units", "no bytes"],
)
def test_bad_motion_is_one_line_and_leaves_nothing(text, words, model, write, tmp_path, capsys):
    path = write(text, "motion.mot")
    expect_refused(capsys, ["fk", model, path, "-o", tmp_path / "out.npz"], *words)
    expect_refused(capsys, ["import", model, path, "-o", tmp_path / "out.blend"], *words)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.osim", "motion.mot"]


def test_output_in_a_folder_that_is_not_there(model, motion, tmp_path, capsys):
    expect_refused(capsys, ["fk", model, motion, "-o", tmp_path / "no" / "out.npz"], "out.npz", "folder does not exist")


def test_output_in_a_folder_that_cannot_be_written(model, motion, capsys):
    expect_refused(capsys, ["fk", model, motion, "-o", "/proc/out.npz"], "/proc/out.npz", "cannot be written")
    expect_refused(capsys, ["import", model, motion, "-o", "/proc/out.blend"], "/proc/out.blend", "cannot be written")


def test_output_of_unknown_kind(model, motion, tmp_path, capsys):
    expect_refused(capsys, ["fk", model, motion, "-o", tmp_path / "out.xyz"], "out.xyz", ".npz")
    expect_refused(capsys, ["import", model, motion, "-o", tmp_path / "out.fbx"], "out.fbx", ".blend")


def test_unknown_command_and_missing_arguments_are_bad_input(capsys):
    for arguments in (["dance"], ["fk"], []):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
        assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert "usage: simspine" in capsys.readouterr().out


def test_exporters_and_readers_need_no_blender():
    """A fresh Python in which bpy cannot be imported."""
    code = (
        "import sys; sys.modules['bpy'] = None; import simspine.exporters, simspine.exporters.coco, "
        "simspine.simspine_addon.model.document, simspine.simspine_addon.spine.keypoints, simspine.headless.cli"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
