"""`simspine import` takes a data set in SIMSPINE's layout straight into Blender, with its cameras."""

import json
from dataclasses import replace

import numpy as np
import pytest
from simspine.exporters.dataset_formats import write_formats
from simspine.exporters.labels import Anatomy, make_labels
from simspine.exporters.recording import recording_of
from simspine.headless.cli import main
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.capture.camera_presets import human36m_preset
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_PARENTS, keypoint_positions

bpy = pytest.importorskip("bpy")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Two actions of a subject, as folder and as HDF5; the folder and the keypoints of the first."""
    folder = tmp_path_factory.mktemp("dataset")
    model = read_model(sample_model_path())
    recordings, points = [], {}
    for action in ("walking", "trunk_flexion"):
        motion = read_motion(sample_motion_path(action), model)
        track = pose_track(model, motion)
        rows = np.arange(4) + 10
        points[action] = keypoint_positions(model, track)[rows]
        cameras = human36m_preset(points[action].reshape(-1, 3))
        labels = make_labels(cameras, KEYPOINT_NAMES, KEYPOINT_PARENTS, points[action], rows, motion.time[rows])
        anatomy = Anatomy(
            motion.coordinate_names, motion.values[rows], (), np.zeros((4, 0, 3, 3)), np.zeros((4, 0, 3)),
            np.zeros(4), np.zeros(4),
        )  # fmt: skip
        labels = replace(labels, anatomy=anatomy)
        recordings.append(recording_of(labels, action, subject="S5", action=action, model_file="S5.osim"))
    write_formats(folder, recordings, ["simspine", "simspine-hdf5"], models={"S5.osim": sample_model_path()})
    return folder, recordings


@pytest.mark.parametrize("source", ["simspine", "simspine.h5"])
def test_an_action_comes_into_blender_with_its_cameras(dataset, tmp_path, capsys, source):
    folder, recordings = dataset
    out = tmp_path / "out.blend"
    words = ["import", str(folder / source), "--subject", "S5", "--action", "walking", "-o", str(out), "--markers"]
    assert main([*words, "--no-meshes", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["cameras"] == 4
    bpy.ops.wm.open_mainfile(filepath=str(out))
    scene = bpy.context.scene
    labels = recordings[0].people[0]
    for camera in labels.cameras:
        place = scene.objects[camera.name].matrix_world.translation
        x, y, z = camera.center
        np.testing.assert_allclose(place, (x, -z, y), atol=1e-5)
    scene.frame_set(int(summary["frame_start"]) + 2)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    marker = next(each for each in scene.objects if each.name.split(".")[0] == "Spine_02")
    x, y, z = labels.points_world[2, KEYPOINT_NAMES.index("Spine_02")]
    np.testing.assert_allclose(marker.evaluated_get(depsgraph).matrix_world.translation, (x, -z, y), atol=2e-5)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "holds 2 actions (S5 trunk_flexion, S5 walking); choose with --subject and --action"),
        (["--action", "sitting"], "no action 'sitting'"),
        (["some.mot", "--action", "walking"], "given with a data set"),
    ],
)
def test_a_choice_that_is_none_is_refused(dataset, tmp_path, capsys, words, told):
    out = tmp_path / "out.blend"
    assert main(["import", str(dataset[0]), *words, "-o", str(out)]) == 2
    assert told in capsys.readouterr().err
    assert not out.exists()


def test_a_model_without_a_motion_is_refused(tmp_path, capsys):
    assert main(["import", str(sample_model_path()), "-o", str(tmp_path / "out.blend")]) == 2
    assert "no motion is given" in capsys.readouterr().err
