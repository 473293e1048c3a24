"""`simspine annotate`: from detections to a data set, checked against the motion that made them, and by opensim."""

from __future__ import annotations

import csv
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from simspine.exporters.dataset_reader import read_simspine
from simspine.headless.cli import main
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.capture.calibration import read_calibration, write_calibration
from simspine.simspine_addon.capture.camera_presets import preset_cameras
from simspine.simspine_addon.capture.detections import make_detections, write_detections
from simspine.simspine_addon.capture.projection import project
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.markers import read_trc
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.model.motion_writers import write_trc
from simspine.simspine_addon.model.types import MarkerTrack
from simspine.simspine_addon.spine.keypoints import (
    KEYPOINT_NAMES,
    KEYPOINT_REGIONS,
    keypoint_places,
    keypoint_positions,
)

RATE = 25.0
DATA = Path(os.environ.get("SIMSPINE_DATA", Path(__file__).resolve().parents[3] / "shared" / "data" / "pose2sim"))


@pytest.fixture(scope="module")
def truth():
    """Model, motion and keypoints [T, 37, 3] of some frames of a forward bend."""
    model = read_model(sample_model_path())
    motion = read_motion(sample_motion_path("trunk_flexion"), model)
    rows = slice(20, 120, 4)
    values = motion.values[rows]
    motion = replace(motion, time=np.arange(len(values)) / RATE, values=values)
    return model, motion, keypoint_positions(model, pose_track(model, motion))


@pytest.fixture
def views(truth, tmp_path):
    """Calibration and exact detections of four distorted views, as files."""
    points = truth[2]
    cameras = [
        replace(camera, distortion_model="brown_conrady", distortion=np.array([-0.2, 0.06, 1e-3, -8e-4, 0.01]))
        for camera in preset_cameras("h36m", points)
    ]
    write_calibration(tmp_path / "calibration.toml", cameras, world="pose2sim")
    write_views(tmp_path / "walk.npz", cameras, points)
    return tmp_path, cameras


def write_views(path, cameras, points, change=None):
    pixels = np.stack([project(camera, points)[0] for camera in cameras], axis=1)[:, :, None]
    if change is not None:
        pixels = change(pixels)
    scores = np.isfinite(pixels).all(axis=-1).astype(float)
    names = [camera.name for camera in cameras]
    write_detections(
        path, make_detections(pixels, scores, camera_names=names, keypoint_names=KEYPOINT_NAMES, rate=RATE)
    )


def annotate(folder, *more, source="walk.npz", output="set"):
    words = [
        "annotate", str(folder / "calibration.toml"), str(folder / source), "--osim", str(sample_model_path()),
        "--subject", "S1", "--action", "Bend", "-o", str(folder / output), *more,
    ]  # fmt: skip
    return main(words)


def aligned_error(found, wanted):
    """P-MPJPE in m of every frame: distances after the best similarity (Kabsch and Umeyama)."""
    errors = []
    for one, other in zip(found, wanted, strict=True):
        a, b = one - one.mean(axis=0), other - other.mean(axis=0)
        left, spread, right = np.linalg.svd(a.T @ b)
        sign = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
        scale = (spread * np.diag(sign)).sum() / (a**2).sum()
        errors.append(np.linalg.norm(scale * a @ left @ sign @ right - b, axis=1).mean())
    return np.array(errors)


def test_exact_detections_give_exact_keypoints_in_every_region(truth, views):
    folder, _ = views
    assert annotate(folder, "--smooth", "0") == 0
    with h5py.File(folder / "set" / "simspine.h5") as file:
        names = [name.decode() for name in file["metadata/markers_names"][:]]
        found = file["S1/Bend/markers"][:]
    order = [names.index(name) for name in KEYPOINT_NAMES]
    found, wanted = found[:, order], truth[2]
    for region in ("body", "cervical", "thoracic", "lumbar"):
        chosen = [i for i, each in enumerate(KEYPOINT_REGIONS) if each == region]
        error = np.linalg.norm(found[:, chosen] - wanted[:, chosen], axis=2).mean()
        assert error < 1e-5, (region, error)
        assert aligned_error(found[:, chosen], wanted[:, chosen]).mean() < 1e-5, region


def test_keypoints_are_opensims_of_the_written_motion(views):
    pytest.importorskip("opensim")
    from simspine.simspine_addon.kinematics.opensim_engine import OpensimEngine

    folder, _ = views
    assert annotate(folder) == 0
    model = read_model(folder / "set" / "models" / "S1.osim")
    motion = read_motion(folder / "set" / "kinematics" / "S1" / "Bend.mot", model)
    engine = OpensimEngine(folder / "set" / "models" / "S1.osim")
    positions, rotations, _ = engine.run(motion.values, motion.coordinate_names)
    places = keypoint_places(model)
    bodies = [engine.body_names.index(model.body_names[body]) for body in places.bodies]
    wanted = positions[:, bodies] + np.einsum("tbij,bj->tbi", rotations[:, bodies], places.locations)
    labels = np.load(folder / "set" / "labels" / "S1_Bend.npz")
    np.testing.assert_allclose(labels["points_world"][0], wanted, atol=1e-9)
    track = read_trc(folder / "set" / "positions" / "S1" / "Bend.trc")
    order = [track.names.index(name) for name in KEYPOINT_NAMES]
    np.testing.assert_allclose(track.positions[:, order], wanted, atol=1e-9)


def test_labels_lie_where_the_detector_saw_them_through_the_lens(views):
    folder, _ = views
    assert annotate(folder, "--smooth", "0") == 0
    labels = np.load(folder / "set" / "labels" / "S1_Bend.npz")
    seen = np.load(folder / "walk.npz")["points"][:, :, 0]
    assert np.nanmax(np.abs(labels["points_2d"][0].transpose(1, 0, 2, 3) - seen)) < 0.02


def test_a_second_run_keeps_what_is_whole_and_mends_what_is_not(views, capsys):
    folder, _ = views
    assert annotate(folder, "--json") == 0
    before = {path: path.read_bytes() for path in sorted((folder / "set").rglob("*")) if path.is_file()}
    capsys.readouterr()
    assert annotate(folder, "--json") == 0
    assert json.loads(capsys.readouterr().out)["trials"]["S1_Bend"]["kept"]
    motion = folder / "set" / "kinematics" / "S1" / "Bend.mot"
    motion.write_bytes(motion.read_bytes()[:-100])
    assert annotate(folder, "--json") == 0
    assert not json.loads(capsys.readouterr().out)["trials"]["S1_Bend"]["kept"]
    assert {path: path.read_bytes() for path in before} == before


def test_a_folder_of_trials_is_done_side_by_side_and_a_bad_one_named(truth, views, capsys):
    folder, cameras = views
    trials = folder / "trials of ümläut"
    for subject in ("S1", "S2"):
        (trials / subject).mkdir(parents=True)
        shutil.copy(folder / "calibration.toml", trials / subject / "calibration.toml")
        shutil.copy(sample_model_path(), trials / subject / "model.osim")
        shutil.copy(folder / "walk.npz", trials / subject / "Walk.npz")
    write_views(trials / "S2" / "Empty.npz", cameras, truth[2], lambda pixels: np.full_like(pixels, np.nan))
    assert main(["annotate", str(trials), "-o", str(folder / "set"), "--jobs", "2", "--smooth", "0", "--json"]) == 2
    told = capsys.readouterr()
    summary = json.loads(told.out)
    assert sorted(summary["trials"]) == ["S1_Walk", "S2_Walk"]
    assert list(summary["refused"]) == ["S2_Empty"]
    assert "S2_Empty is left out" in told.err
    with h5py.File(folder / "set" / "simspine.h5") as file:
        assert file["S1/Walk/markers"].shape == file["S2/Walk/markers"].shape == (25, 37, 3)
    assert not (folder / "set" / "kinematics" / "S2" / "Empty.mot").exists()


def test_a_gap_that_is_too_long_is_flagged_frame_by_frame_and_has_no_keypoints(truth, views):
    folder, cameras = views

    def away(pixels):
        pixels = pixels.copy()
        pixels[8:18] = np.nan
        return pixels

    write_views(folder / "walk.npz", cameras, truth[2], away)
    assert annotate(folder) == 0
    with (folder / "set" / "quality" / "S1" / "Bend.csv").open() as file:
        rows = list(csv.DictReader(file))
    unusable = [int(row["frame"]) for row in rows if row["usable"] == "0"]
    assert unusable == list(range(8, 18))
    assert all("GAP_LEFT" in rows[frame]["flags"] for frame in unusable)
    points = np.load(folder / "set" / "labels" / "S1_Bend.npz")["points_world"][0]
    assert np.flatnonzero(np.isnan(points).all(axis=(1, 2))).tolist() == unusable
    read_motion(folder / "set" / "kinematics" / "S1" / "Bend.mot", truth[0])  # every frame has angles


def test_body_markers_of_another_source_are_merged_in_step(truth, views, capsys):
    folder, cameras = views
    limbs = [KEYPOINT_NAMES.index(f"{side}{part}") for side in "LR" for part in
             ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle")]  # fmt: skip
    late = 0.2  # s: what the body markers show at t, the video showed at t - 0.2
    names = tuple(KEYPOINT_NAMES[i] for i in limbs)
    track = MarkerTrack(truth[1].time + late, names, truth[2][:, limbs], np.ones((len(truth[2]), len(limbs))), RATE)
    write_trc(folder / "body.trc", track)

    def without_wrists(pixels):
        pixels = pixels.copy()
        pixels[:, :, :, [KEYPOINT_NAMES.index("LWrist"), KEYPOINT_NAMES.index("RWrist")]] = np.nan
        return pixels

    write_views(folder / "walk.npz", cameras, truth[2], without_wrists)
    assert annotate(folder, "--smooth", "0", "--markers", str(folder / "body.trc"), "--table", "human36m") == 0
    report = json.loads((folder / "set" / "trials" / "S1" / "Bend.json").read_text())
    assert report["body_markers_delay_s"] == pytest.approx(late, abs=2e-3)
    merged = read_trc(folder / "set" / "markers" / "S1" / "Bend.trc")
    wrist = merged.positions[3:-6, merged.names.index("LWrist")]
    assert np.nanmax(np.abs(wrist - truth[2][3:-6, KEYPOINT_NAMES.index("LWrist")])) < 2e-3


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--formats", "betamax"], "there is no format 'betamax'"),
        (["--markers", "nowhere.trc"], "there is no such file"),
        (["--person", "3"], "there is no person 3"),
        (["--overlays", "2"], "holds no pictures to draw on"),
        (["--overlays", "2", "--videos", "nowhere"], "nowhere: does not exist"),
        (["--videos", "nowhere"], "--videos is for --overlays"),
        (["--table", "human36m"], "--table says nothing"),
        (["--boxes", "people.onnx"], "--boxes says nothing"),
        (["--model", "beads.onnx"], "holds detections already"),
        (["--min-score", "1.5"], "the best has 1.00"),
    ],
)
def test_bad_options_end_with_one_line_and_code_2_and_leave_nothing(views, capsys, words, problem):
    folder, _ = views
    assert annotate(folder, *words) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert problem in told
    assert not (folder / "set").exists()


def test_a_subject_keeps_one_model_and_one_calibration(views, capsys):
    folder, cameras = views
    assert annotate(folder) == 0
    before = (folder / "set" / "cameras" / "Calib_S1.toml").read_bytes()
    moved = [replace(camera, t=camera.t + 0.5) for camera in cameras]
    write_calibration(folder / "calibration.toml", moved, world="pose2sim")
    capsys.readouterr()
    assert annotate(folder, "--action", "Walk") == 2
    assert "is another one than that of S1's Bend" in capsys.readouterr().err
    assert (folder / "set" / "cameras" / "Calib_S1.toml").read_bytes() == before


def test_a_calibration_in_a_folder_is_taken(views):
    folder, _ = views
    (folder / "rig" / "cameras").mkdir(parents=True)
    shutil.copy(folder / "calibration.toml", folder / "rig" / "cameras" / "Calib_S1.toml")
    words = ["annotate", f"{folder / 'rig'}#S1", str(folder / "walk.npz"), "--osim", str(sample_model_path())]
    assert main([*words, "-o", str(folder / "set")]) == 0
    assert (folder / "set" / "kinematics" / "simspine_sample" / "walk.mot").is_file()


def test_arguments_of_one_trial_are_refused_for_a_folder_of_them(views, capsys):
    assert main(["annotate", str(views[0]), "-o", str(views[0] / "set"), "--subject", "S1"]) == 2
    assert "--subject belongs to one trial" in capsys.readouterr().err


def test_body_markers_in_another_unit_are_named_by_their_own_file(truth, views, capsys):
    folder, _ = views
    ones = np.ones(truth[2].shape[:2])
    write_trc(folder / "body.trc", MarkerTrack(truth[1].time, KEYPOINT_NAMES, 1000 * truth[2], ones, RATE))
    assert annotate(folder, "--markers", str(folder / "body.trc")) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert "body.trc: its markers lie 1000 times as far apart" in told


def test_frames_that_were_refused_count_in_no_figure_of_stats(truth, views, capsys):
    folder, cameras = views

    def away(pixels):
        pixels = pixels.copy()
        pixels[8:18] = np.nan
        return pixels

    write_views(folder / "walk.npz", cameras, truth[2], away)
    assert annotate(folder) == 0
    capsys.readouterr()
    assert main(["stats", str(folder / "set"), "-o", str(folder / "stats"), "--no-plots", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["quality"]
    (row,) = [row for row in rows if row["found"].startswith("refused when the markers")]
    assert (row["frames"], row["usable"], row["count"]) == (25, 15, 10)
    table = folder / "set" / "quality" / "S1" / "Bend.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    assert main(["stats", str(folder / "set"), "-o", str(folder / "stats"), "--no-plots"]) == 2
    assert "has 24 frames, its motion 25" in capsys.readouterr().err


def test_two_subjects_with_actions_of_one_name_both_import(truth, views):
    folder, _ = views
    assert annotate(folder) == 0
    assert annotate(folder, "--subject", "S2") == 0
    trials = read_simspine(folder / "set")
    assert [(trial.subject, trial.action) for trial in trials] == [("S1", "Bend"), ("S2", "Bend")]
    for trial in trials:
        assert trial.motion_path == folder / "set" / "kinematics" / trial.subject / "Bend.mot"
        assert trial.markers_path == folder / "set" / "positions" / trial.subject / "Bend.trc"


def test_videos_without_a_detector_are_refused(views, capsys):
    folder, _ = views
    (folder / "videos").mkdir()
    (folder / "videos" / "cam_01.mp4").write_bytes(b"no video")
    assert annotate(folder, source="videos") == 2
    assert "no detector was given" in capsys.readouterr().err


def test_a_folder_with_other_things_in_it_is_left_alone(views, capsys):
    folder, _ = views
    (folder / "set").mkdir()
    (folder / "set" / "thesis.tex").write_text("mine")
    assert annotate(folder) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in (folder / "set").iterdir()] == ["thesis.tex"]


@pytest.mark.skipif(not (DATA / "cameras.toml").is_file(), reason=f"the real capture is not at {DATA}")
def test_the_real_capture_with_three_pixels_of_noise_stays_at_its_markers(tmp_path):
    """Its markers, projected and disturbed, come back as a body within what its own model allows (36 mm rms)."""
    cameras, track = read_calibration(DATA / "cameras.toml"), read_trc(next(DATA.glob("*.trc")))
    pixels = np.stack([project(camera, track.positions)[0] for camera in cameras], axis=1)[:, :, None]
    pixels += np.random.default_rng(0).normal(0, 3, pixels.shape)
    names = [camera.name for camera in cameras]
    write_detections(
        tmp_path / "d.npz",
        make_detections(
            pixels, np.ones(pixels.shape[:-1]), camera_names=names, keypoint_names=track.names, rate=track.rate
        ),
    )
    words = ["annotate", str(DATA / "cameras.toml"), str(tmp_path / "d.npz"), "-o", str(tmp_path / "set")]
    assert main([*words, "--osim", str(next(DATA.glob("*.osim"))), "--subject", "S0", "--action", "Balance"]) == 0
    report = json.loads((tmp_path / "set" / "trials" / "S0" / "Balance.json").read_text())
    assert report["quality"]["usable"] == 100
    assert report["inverse_kinematics"]["rms_mm"] < 40
