"""What presets do to a motion, without Blender: rate, range, root, T-pose, names; and BVH and GLB by them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simspine.exporters import export_bvh, export_glb
from simspine.exporters.bvh_reader import read_bvh
from simspine.exporters.export_track import export_track
from simspine.exporters.presets import PRESET_FOLDER, export_preset, export_presets
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.kinematics.pose_track import PoseTrack
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.motion import read_motion


def load(name: str) -> PoseTrack:
    model = read_model(sample_model_path())
    return pose_track(model, read_motion(sample_motion_path(name), model))


@pytest.fixture(scope="module")
def walking() -> PoseTrack:
    return load("walking")


def first_frames(track: PoseTrack, count: int) -> PoseTrack:
    part = slice(0, count)
    return replace(track, time=track.time[part], positions=track.positions[part], rotations=track.rotations[part])


def test_every_preset_is_read_and_the_engines_are_there() -> None:
    names = {preset.name for preset in export_presets()}
    assert {"unreal", "unity", "godot", "maya", "motionbuilder", "generic"} <= names
    assert len(names) == len(list(PRESET_FOLDER.glob("*.json")))
    assert all(preset.beside is None or preset.beside in names for preset in export_presets())
    with pytest.raises(InputError, match="choose one of"):
        export_preset("doom")


@pytest.mark.parametrize("preset", [preset.name for preset in export_presets()])
def test_joints_that_a_preset_keeps_do_not_move(walking: PoseTrack, preset: str) -> None:
    ready = export_track(walking, export_preset(preset), names="own")
    for place, name in enumerate(ready.track.names):
        if name in walking.names:
            body = walking.names.index(name)
            apart = ready.track.joint_centres[:, place] - walking.joint_centres[:, body]
            assert np.abs(apart).max() < 1e-9, name


def test_other_rates_follow_the_shortest_arc(walking: PoseTrack) -> None:
    """Half way between two samples, a joint's turn in its parent is half of the turn between them."""
    from scipy.spatial.transform import Rotation

    double = export_track(walking, export_preset("generic"), fps=100.0).track
    assert len(double.time) == 2 * len(walking.time) - 1
    assert np.allclose(np.diff(double.time), 0.01, atol=1e-12)
    body = walking.names.index("tibia_l")
    parent = int(walking.parents[body])

    def local(track: PoseTrack) -> Rotation:
        return Rotation.from_matrix(np.swapaxes(track.rotations[:, parent], 1, 2) @ track.rotations[:, body])

    one = local(walking)
    half = one[:-1] * Rotation.from_rotvec(0.5 * (one[:-1].inv() * one[1:]).as_rotvec())
    assert (half.inv() * local(double)[1::2]).magnitude().max() < 1e-7


def test_ranges_are_slices_and_begin_at_zero(walking: PoseTrack) -> None:
    part = export_track(walking, export_preset("generic"), frames=(10, 21))
    assert (len(part.track.time), part.track.time[0], part.fps) == (11, 0.0, 50.0)
    assert np.array_equal(part.track.positions, walking.positions[10:21])
    assert len(export_track(walking, export_preset("generic"), frames=(-5, None)).track.time) == 5
    with pytest.raises(InputError, match="hold none of"):
        export_track(walking, export_preset("generic"), frames=(300, None))


def test_rounded_time_stamps_give_a_whole_rate(walking: PoseTrack) -> None:
    stamped = replace(walking, time=np.round(np.arange(len(walking.time)) / 60.0, 7))
    assert export_track(stamped, export_preset("generic")).fps == 60.0


def test_the_root_walks_and_turns_with_the_person(walking: PoseTrack) -> None:
    ready = export_track(walking, export_preset("unreal"))
    root = ready.track.positions[:, 0]
    assert ready.track.names[0] == "root"
    assert np.all(root[:, 1] == 0.0)
    way = np.linalg.norm(root[-1] - root[0])
    pelvis = walking.joint_centres[:, walking.names.index("pelvis")]
    assert way == pytest.approx(np.linalg.norm((pelvis[-1] - pelvis[0])[[0, 2]]), abs=2e-3)
    # Turned by a right angle, the same person walks the same way in the root's own axes.
    quarter = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    turned = replace(walking, positions=walking.positions @ quarter.T, rotations=quarter @ walking.rotations)
    other = export_track(turned, export_preset("unreal")).track
    assert np.allclose(other.rotations[:, 0], quarter @ ready.track.rotations[:, 0], atol=1e-9)
    still = export_track(walking, export_preset("motionbuilder")).track
    assert np.ptp(still.positions[:, 0], axis=0).max() == 0.0


def test_a_person_lying_down_keeps_a_heading(walking: PoseTrack) -> None:
    """A pelvis whose forward axis points straight up has none of its own."""
    up = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    rotations = walking.rotations.copy()
    pelvis = walking.names.index("pelvis")
    rotations[50:60, pelvis] = up
    ready = export_track(replace(walking, rotations=rotations), export_preset("unreal")).track
    assert np.isfinite(ready.rotations).all()
    assert np.allclose(ready.rotations[50:60, 0], ready.rotations[49, 0])


@pytest.mark.parametrize("where", ["sample", "capture"])
def test_the_t_pose_is_one(walking: PoseTrack, where: str, request: pytest.FixtureRequest) -> None:
    track = walking
    if where == "capture":
        folder: Path = request.getfixturevalue("capture")
        model = read_model(folder / "model.osim")
        track = pose_track(model, read_motion(folder / "motion.mot", model))
    ready = export_track(track, export_preset("unity")).track
    places = dict(zip(ready.names, ready.rest_joint_centres, strict=True))
    for side, right in (("Right", 1.0), ("Left", -1.0)):
        for start, end, wanted in (
            ("UpperArm", "LowerArm", (0.0, 0.0, right)),
            ("LowerArm", "Hand", (0.0, 0.0, right)),
            ("UpperLeg", "LowerLeg", (0.0, -1.0, 0.0)),
            ("LowerLeg", "Foot", (0.0, -1.0, 0.0)),
        ):
            way = places[side + end] - places[side + start]
            assert np.degrees(np.arccos(way @ wanted / np.linalg.norm(way))) < 1e-3, (side, start)
    before = track.rest_joint_centres[track.names.index("calcn_l"), 1]
    feet = [places["LeftFoot"][1], places["RightFoot"][1]]
    assert abs(feet[0] - feet[1]) < 1e-6
    assert abs(min(feet) - before) < 0.06


def test_mannequin_names_keep_arms_on_the_last_spine_bone(walking: PoseTrack) -> None:
    track = export_track(walking, export_preset("unreal"), names="unreal_5").track
    arm = track.names.index("upperarm_l")
    assert track.names[track.parents[arm]] == "spine_05"
    assert len(set(track.names)) == len(track.names)


def test_what_is_no_person_is_refused_where_parts_are_needed(walking: PoseTrack) -> None:
    pelvis = replace(
        walking,
        names=walking.names[:1],
        parents=walking.parents[:1],
        positions=walking.positions[:, :1],
        rotations=walking.rotations[:, :1],
        centres=walking.centres[:1],
        rest_positions=walking.rest_positions[:1],
        rest_rotations=walking.rest_rotations[:1],
    )
    assert len(export_track(pelvis, export_preset("generic")).track.names) == 1
    with pytest.raises(InputError, match="choose the preset generic"):
        export_track(pelvis, export_preset("unity"))


def test_bvh_and_glb_by_preset(tmp_path: Path, walking: PoseTrack) -> None:
    result = export_bvh(tmp_path / "a.bvh", walking, preset="unity")
    assert [path.name for path in result.beside] == ["a_generic.bvh"]
    read = read_bvh(result.path)
    assert "UpperChest" in read.names
    takes = {"one": walking, "two": first_frames(walking, 9)}
    assert export_glb(tmp_path / "a.glb", walking, preset="godot", takes=takes).bones == len(walking.names) + 1


@pytest.mark.parametrize("frames", [0, 1])
def test_no_and_one_frame(tmp_path: Path, walking: PoseTrack, frames: int) -> None:
    few = first_frames(walking, frames)
    for exporter, suffix in ((export_bvh, ".bvh"), (export_glb, ".glb")):
        result = exporter(tmp_path / f"a{suffix}", few, preset="unreal", fps=25.0)
        assert (result.frames, result.fps) == (1, 25.0)


def test_a_hundred_thousand_frames(tmp_path: Path, walking: PoseTrack) -> None:
    rows = np.arange(100_000) % len(walking.time)
    some = [walking.names.index(name) for name in ("pelvis", "femur_r", "tibia_r")]
    long = replace(
        walking,
        time=np.arange(100_000) / 100.0,
        names=("pelvis", "femur_r", "tibia_r"),
        parents=np.array([-1, 0, 1]),
        positions=walking.positions[rows][:, some],
        rotations=walking.rotations[rows][:, some],
        centres=walking.centres[some],
        rest_positions=walking.rest_positions[some],
        rest_rotations=walking.rest_rotations[some],
    )
    for exporter, suffix in ((export_bvh, ".bvh"), (export_glb, ".glb")):
        assert exporter(tmp_path / f"a{suffix}", long).frames == 100_000
    text = (tmp_path / "a.bvh").read_bytes()
    assert b"Frames: 100000\n" in text
    assert b"Frame Time: 0.01" in text


def test_nothing_needs_blender_that_does_not_say_so() -> None:
    import subprocess
    import sys

    code = "import sys, simspine.exporters; sys.exit('bpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_avatar_s_own_root_takes_the_way(walking: PoseTrack) -> None:
    """A root that is no part of the body moves with the person; every other bone stays where it was."""
    rooted = export_track(walking, export_preset("motionbuilder"), names="own").track  # has a root that stands still
    rooted = replace(rooted, names=("Reference", *rooted.names[1:]))
    ready = export_track(rooted, export_preset("unreal")).track
    assert ready.names == rooted.names
    assert np.linalg.norm(ready.positions[-1, 0] - ready.positions[0, 0]) > 1.0
    assert np.array_equal(ready.positions[:, 1:], rooted.positions[:, 1:])
