"""The report: right where the answer is known, ready for JSON, and fair to the naive copy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.retarget.curve_error import spine_curve_errors
from simspine.simspine_addon.retarget.presets import choose_preset
from simspine.simspine_addon.retarget.report import retarget_report
from simspine.simspine_addon.retarget.skeleton import skeleton_of_track
from simspine.simspine_addon.retarget.solve import retarget


def test_own_skeleton_has_nothing_to_report(sample: Callable) -> None:
    track = sample("walking")
    skeleton = skeleton_of_track(track)
    role_map = choose_preset(skeleton)[1]
    result = retarget(track, role_map, skeleton, role_map)
    report = retarget_report(track, role_map, skeleton, role_map, result)
    numbers = report["retarget"]
    assert max(numbers["rotation_error_deg"].values()) < 1e-5
    assert numbers["spine_curve"]["max_mm"] < 0.01
    assert max(numbers["end_effector_error_of_height"].values()) < 1e-6
    assert abs(numbers["jerk_ratio"] - 1.0) < 1e-6
    assert report["unmapped_roles"] == []
    assert abs(report["scale"] - 1.0) < 1e-9


@pytest.mark.parametrize("motion", ["walking", "lifting_with_twist"])
def test_report_is_json_and_the_naive_copy_is_worse(motion: str, sample: Callable, person: Callable) -> None:
    track = sample(motion)
    role_map = choose_preset(skeleton_of_track(track))[1]
    target = person(height=1.6, facing_deg=90.0)
    result = retarget(track, role_map, target.skeleton, target.role_map)
    report = json.loads(json.dumps(retarget_report(track, role_map, target.skeleton, target.role_map, result)))
    ours, naive = report["retarget"], report["naive"]
    assert ours["spine_curve"]["mean_mm"] < 0.5 * naive["spine_curve"]["mean_mm"]
    assert ours["foot_slide_mm"]["max"] < 2.0 < naive["foot_slide_mm"]["max"]
    assert ours["penetration_mm"] < 2.0
    assert ours["end_effector_error_of_height"]["left_hand"] < naive["end_effector_error_of_height"]["left_hand"]
    assert 0.9 < ours["jerk_ratio"] < 1.1
    assert "left_thumb" in report["unmapped_roles"]
    assert report["stances"] >= 4
    assert set(ours["largest_bend_deg"]["source"]) >= {"lumbar5", "torso", "head"}


def test_largest_bend_is_the_joint_angle(person: Callable, forward: Callable) -> None:
    source = person(spine=2)
    turn = Rotation.from_euler("Z", np.radians(np.linspace(0.0, -30.0, 11))[:, None]).as_matrix()
    track = forward(source.skeleton, {"spine0": turn, "spine1": turn}, np.zeros((11, 3)))
    result = retarget(track, source.role_map, source.skeleton, source.role_map)
    report = retarget_report(track, source.role_map, source.skeleton, source.role_map, result, with_naive=False)
    bends = report["retarget"]["largest_bend_deg"]["target"]
    assert abs(bends["spine0"] - 30.0) < 1e-6
    assert abs(bends["spine1"] - 30.0) < 1e-6
    assert bends["head"] < 1e-6


def test_curve_error_of_an_unbent_spine_is_its_sagitta(person: Callable, forward: Callable) -> None:
    """A spine that stays straight while the source bends at its middle by 90 deg: the far end is L / sqrt 2 away from
    where it should be, and at its nearest L / 2 from the straight spine."""
    source = person(spine=2)
    turn = Rotation.from_euler("Z", [[-np.pi / 2]]).as_matrix()
    bent = forward(source.skeleton, {"spine1": turn}, np.zeros((1, 3)))
    straight = forward(source.skeleton, {}, np.zeros((1, 3)))
    mean, largest, length = spine_curve_errors(
        bent, source.role_map, straight, source.skeleton, source.role_map, samples=4001
    )
    assert abs(largest[0] - length / 2.0) < 1e-3 * length
    assert abs(mean[0] - length / 8.0) < 1e-3 * length


def test_real_capture_goes_onto_a_person(capture: Path, person: Callable) -> None:
    model = read_model(capture / "model.osim")
    track = pose_track(model, read_motion(capture / "motion.mot", model))
    family, role_map, _ = choose_preset(skeleton_of_track(track))
    target = person(pose="A", spine=4)
    result = retarget(track, role_map, target.skeleton, target.role_map)
    report = retarget_report(track, role_map, target.skeleton, target.role_map, result)
    assert family == "opensim"
    assert max(report["retarget"]["rotation_error_deg"].values()) < 0.01
    assert report["retarget"]["spine_curve"]["mean_mm"] < 5.0 < report["naive"]["spine_curve"]["mean_mm"]
    assert report["retarget"]["foot_slide_mm"]["max"] < 2.0
