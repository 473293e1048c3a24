"""SIMSPINE's folder and HDF5, as we write them and as others would, are read with cameras, markers, angles, model."""

from dataclasses import replace

import numpy as np
import pytest
from simspine.exporters.dataset_formats import write_formats
from simspine.exporters.dataset_reader import choose_trial, read_simspine
from simspine.sample_rigs import sample_model_path
from simspine.simspine_addon.capture.calibration import read_calibration
from simspine.simspine_addon.capture.projection import project
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES, keypoint_positions

h5py = pytest.importorskip("h5py")


def write_dataset(folder, recordings, *formats):
    folder.mkdir(parents=True, exist_ok=True)
    write_formats(folder, recordings, formats, models={"S1.osim": sample_model_path()})
    return folder


def assert_is_the_recording(trial, recording):
    """Markers, angles and cameras are those of the labels; FK of what was read gives the labels' keypoints."""
    person = recording.people[0]
    track = trial.markers()
    order = [track.names.index(name) for name in KEYPOINT_NAMES]
    np.testing.assert_allclose(track.positions[:, order], person.points_world, atol=1e-12)
    np.testing.assert_allclose(track.time, person.time, atol=1e-12)
    for view, camera in enumerate(trial.cameras):
        pixels, _ = project(camera, person.points_world)
        np.testing.assert_allclose(pixels, person.points_2d[view], atol=1e-6)
    model, motion = trial.model_and_motion()
    assert not motion.filled_by_default
    found = keypoint_positions(model, pose_track(model, motion))
    np.testing.assert_allclose(found, person.points_world, atol=1e-9)


def test_the_folder_comes_back(sample_recording, tmp_path):
    recording = sample_recording()
    folder = write_dataset(tmp_path / "set", [recording], "simspine") / "simspine"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "cameras/Calib_S1.toml",
        "models/S1.osim",
        "positions/S1/S1_walk.trc",
        "kinematics/S1/S1_walk/S1_walk.mot",
    }
    (trial,) = read_simspine(folder)
    assert (trial.subject, trial.action) == ("S1", "walk")
    assert_is_the_recording(trial, recording)
    assert read_simspine(tmp_path / "set")[0].model_path == folder / "models/S1.osim"


def test_the_hdf5_comes_back_with_the_model_of_a_folder_beside_it(sample_recording, tmp_path):
    recording = sample_recording()
    folder = write_dataset(tmp_path / "set", [recording], "simspine", "simspine-hdf5")
    (trial,) = read_simspine(folder / "simspine.h5")
    assert_is_the_recording(trial, recording)


def test_an_hdf5_as_the_published_program_writes_it_is_read(sample_recording, tmp_path):
    """float32 cameras, byte strings, the model's path on another machine; made here with h5py alone."""
    recording = sample_recording()
    folder = write_dataset(tmp_path / "set", [recording], "simspine-hdf5")
    published = tmp_path / "published.h5"
    with h5py.File(folder / "simspine.h5") as ours, h5py.File(published, "w") as file:
        ours.copy("metadata", file)
        file["metadata"].attrs.clear()
        for name in ("names", "K", "dist", "R", "t", "size"):
            values = ours["S1/calibration"][name][()]
            file[f"S1/calibration/{name}"] = values.astype(np.float32) if values.dtype == float else values
        file["S1"].attrs["model_file"] = "data/simspine/original/models/S1.osim"
        for name in ("markers", "kinematics", "timestamps"):
            file[f"S1/walk/{name}"] = ours["S1/walk"][name][()]
    (trial,) = read_simspine(published)
    assert trial.model_path is None
    with pytest.raises(InputError, match=r"put S1\.osim"):
        trial.model_and_motion()
    (tmp_path / "models").mkdir()
    (tmp_path / "models/S1.osim").write_bytes(sample_model_path().read_bytes())
    (trial,) = read_simspine(published)
    person = recording.people[0]
    for view, camera in enumerate(trial.cameras):
        pixels, _ = project(camera, person.points_world)
        assert np.abs(pixels - person.points_2d[view]).max() < 0.05  # what float32 loses
    model, motion = trial.model_and_motion()
    found = keypoint_positions(model, pose_track(model, motion))
    np.testing.assert_allclose(found, person.points_world, atol=1e-9)


def test_an_action_with_cameras_and_a_model_of_its_own_keeps_them(sample_recording, tmp_path):
    first, second = sample_recording(), sample_recording("b", action="sit", model_file="scoliosis.osim")
    person = second.people[0]
    farther = replace(
        person,
        cameras=tuple(replace(camera, t=camera.t + np.array([0.0, 0.0, 1.0])) for camera in person.cameras),
        camera_translations=person.camera_translations + np.array([0.0, 0.0, 1.0]),
    )
    second = replace(second, people=(farther,))
    bent = tmp_path / "bent.osim"
    bent.write_bytes(sample_model_path().read_bytes() + b"\n")
    models = {"S1.osim": sample_model_path(), "scoliosis.osim": bent}
    write_formats(tmp_path, [first, second], ["simspine", "simspine-hdf5"], models=models)
    folder = tmp_path / "simspine"
    assert (folder / "models/S1_sit.osim").read_bytes() == bent.read_bytes()
    for path in (folder, tmp_path / "simspine.h5"):
        sit, walk = read_simspine(path)
        np.testing.assert_array_equal(sit.cameras[0].t - walk.cameras[0].t, [0.0, 0.0, 1.0])
    assert read_simspine(folder)[0].model_path == folder / "models/S1_sit.osim"
    assert len(read_calibration(folder / "cameras/Calib_S1_sit.toml")) == 4


def test_further_people_are_trials_of_their_own_in_the_folder(sample_recording, tmp_path):
    recording = sample_recording(people=2)
    folder = write_dataset(tmp_path / "set", [recording], "simspine")
    trials = read_simspine(folder)
    assert [trial.action for trial in trials] == ["walk", "walk_person_2"]
    order = [trials[1].markers().names.index(name) for name in KEYPOINT_NAMES]
    np.testing.assert_allclose(trials[1].markers().positions[:, order], recording.people[1].points_world, atol=1e-12)
    assert len(trials[1].cameras) == 4
    assert "whose model" in trials[1].warnings[0]
    assert not trials[0].warnings


def test_the_folder_refuses_what_it_cannot_hold(sample_recording, tmp_path):
    recording = sample_recording()
    with pytest.raises(InputError, match="model cannot be read"):
        write_formats(tmp_path, [recording], ["simspine"])
    person = recording.people[0]
    moving = person.camera_translations + np.arange(5)[:, None]
    carried = replace(recording, people=(replace(person, camera_translations=moving),))
    with pytest.raises(InputError, match="a camera that moves"):
        write_formats(tmp_path, [carried], ["simspine"], models={"S1.osim": sample_model_path()})


def test_one_trial_is_chosen_by_subject_and_action(sample_recording, tmp_path):
    recordings = [
        sample_recording("a", subject="S9"),
        sample_recording("b", subject="S11"),
        sample_recording("c", subject="S11", action="sit"),
    ]
    trials = read_simspine(write_dataset(tmp_path / "set", recordings, "simspine"))
    assert [(trial.subject, trial.action) for trial in trials] == [("S9", "walk"), ("S11", "sit"), ("S11", "walk")]
    assert choose_trial(trials, "S9", None) is trials[0]
    assert choose_trial(trials, None, "sit") is trials[1]
    with pytest.raises(InputError, match=r"S11 sit, S11 walk.*choose with --subject and --action"):
        choose_trial(trials, "S11", None)
    with pytest.raises(InputError, match="no subject 'S2'; there are S9, S11"):
        choose_trial(trials, "S2", None)
    with pytest.raises(InputError, match="no action 'run'"):
        choose_trial(trials, "S9", "run")


@pytest.mark.parametrize("kind", ["simspine", "simspine-hdf5", "simspine-npz"])
def test_a_motion_called_calibration_as_opensim_users_call_their_static_trial_can_be_written(
    sample_recording, tmp_path, kind
):
    recordings = [sample_recording("a"), sample_recording("b", action="calibration")]
    folder = write_dataset(tmp_path / "set", recordings, kind)
    if kind != "simspine-npz":
        trial = choose_trial(read_simspine(folder / "simspine.h5" if "hdf5" in kind else folder), None, "calibration_")
        expected = recordings[1].people[0].points_world
        order = [trial.markers().names.index(name) for name in KEYPOINT_NAMES]
        np.testing.assert_allclose(trial.markers().positions[:, order], expected, atol=1e-9)


def test_beside_an_hdf5_the_model_of_the_action_comes_before_that_of_the_subject(sample_recording, tmp_path):
    folder = write_dataset(tmp_path / "set", [sample_recording("a", model_file="S1.osim")], "simspine-hdf5")
    models = folder / "simspine" / "models"
    models.mkdir(parents=True)
    for name in ("S1.osim", "S1_walk.osim"):
        (models / name).write_bytes(sample_model_path().read_bytes())
    assert read_simspine(folder / "simspine.h5")[0].model_path == models / "S1_walk.osim"


@pytest.mark.parametrize("damage", ["absent", "empty folder", "text", "another hdf5", "no kinematics", "shapes"])
def test_what_is_no_simspine_data_set_is_refused_in_one_line(sample_recording, tmp_path, damage):
    path = tmp_path / "data.h5"
    if damage == "empty folder":
        path = tmp_path
    elif damage == "text":
        path.write_text("nothing")
    elif damage == "another hdf5":
        with h5py.File(path, "w") as file:
            file["x"] = 1
    elif damage != "absent":
        write_dataset(tmp_path, [sample_recording()], "simspine-hdf5")
        path = tmp_path / "simspine.h5"
        with h5py.File(path, "a") as file:
            if damage == "shapes":
                del file["S1/calibration/t"]
                file["S1/calibration/t"] = np.zeros(3)
            else:
                del file["S1/walk/kinematics"]
    with pytest.raises(InputError) as error:
        read_simspine(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
