"""`simspine triangulate` from files to a .trc and a report, as a user calls it."""

import json

import numpy as np
import pytest
from simspine.exporters.keypoint_npz import write_labels
from simspine.exporters.labels import make_labels
from simspine.exporters.recording import recording_of
from simspine.headless.cli import main
from simspine.simspine_addon.capture.calibration import write_calibration
from simspine.simspine_addon.capture.camera_presets import human36m_preset
from simspine.simspine_addon.model.markers import read_trc

NAMES = ("Nose", "LHip", "RHip", "LKnee", "RKnee", "Spine_01")
TIME = np.arange(40) / 50.0
POINTS = np.random.default_rng(0).uniform([-0.3, 0.3, -0.3], [0.3, 1.7, 0.3], (6, 3)) + 0.1 * np.sin(
    5 * TIME[:, None, None] + np.arange(6)[:, None]
)


@pytest.fixture
def recording(tmp_path):
    """A calibration and the labels of its views; the paths of both."""
    cameras = human36m_preset(POINTS)
    write_calibration(tmp_path / "cameras.toml", cameras)
    labels = make_labels(cameras, NAMES, [-1] * 6, POINTS, np.arange(len(TIME)), TIME)
    write_labels(tmp_path / "labels.npz", recording_of(labels))
    return str(tmp_path / "cameras.toml"), str(tmp_path / "labels.npz")


def test_exact_labels_become_the_markers(recording, tmp_path, capsys):
    out, report = tmp_path / "out.trc", tmp_path / "report.json"
    assert main(["triangulate", *recording, "-o", str(out), "--report", str(report)]) == 0
    track = read_trc(out)
    assert track.names == NAMES
    assert np.abs(track.positions - POINTS).max() < 1e-6
    assert np.allclose(track.time, TIME)
    told = json.loads(report.read_text())
    assert told["cameras"]["cam_03"]["points_used"] == POINTS.shape[0] * POINTS.shape[1]
    assert "6 markers" in capsys.readouterr().out


def test_a_calibration_in_pose2sim_s_world_gives_opensim_s_ground(recording, tmp_path):
    calibration = tmp_path / "pose2sim.toml"
    write_calibration(calibration, human36m_preset(POINTS), world="pose2sim")
    assert main(["triangulate", str(calibration), recording[1], "-o", str(tmp_path / "out.trc")]) == 0
    assert np.abs(read_trc(tmp_path / "out.trc").positions - POINTS).max() < 1e-6


def test_filter_sync_and_json_go_together(recording, tmp_path, capsys):
    words = ["triangulate", *recording, "-o", str(tmp_path / "o.trc"), "--cutoff", "8", "--sync", "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["cameras"]["cam_01"]["offset_frames"] == 0


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (["--cutoff", "30"], "half the rate"),
        (["--min-views", "9"], "9 views are wanted"),
        (["--person", "2"], "no person 2"),
        (["--rate", "0"], "not positive"),
        (["--max-gap", "-1"], "is negative"),
    ],
)
def test_bad_options_end_with_one_line_and_code_2(recording, tmp_path, capsys, more, problem):
    out = tmp_path / "out.trc"
    assert main(["triangulate", *recording, "-o", str(out), *more]) == 2
    message = capsys.readouterr().err.strip().splitlines()
    assert len(message) == 1
    assert problem in message[0]
    assert not out.exists()


def test_a_suffix_other_than_trc_is_refused(recording, tmp_path, capsys):
    assert main(["triangulate", *recording, "-o", str(tmp_path / "out.csv")]) == 2
    assert ".trc" in capsys.readouterr().err


def test_a_missing_rate_is_told_and_60_taken(recording, tmp_path, capsys):
    with np.load(recording[1]) as archive:
        arrays = dict(archive)
    document = [
        {
            "frame_id": f,
            "instances": [{"keypoints": arrays["points_2d"][0, v, f].tolist(), "keypoint_scores": [1.0] * 6}],
        }
        for v in range(4)
        for f in range(len(TIME))
    ]
    folder = tmp_path / "json"
    folder.mkdir()
    for view in range(4):
        rows = document[view * len(TIME) : (view + 1) * len(TIME)]
        (folder / f"cam_{view + 1:02d}.json").write_text(json.dumps({"instance_info": rows}))
    assert main(["triangulate", recording[0], str(folder), "-o", str(tmp_path / "out.trc")]) == 0
    assert "60 Hz is taken" in capsys.readouterr().err
    assert read_trc(tmp_path / "out.trc").rate == 60
