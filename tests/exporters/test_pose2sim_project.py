"""What Pose2Sim takes from a folder: cameras by the last number of its name, people by their place, its trees."""

import itertools
import json
import random
import re
import shutil
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from simspine.exporters.openpose_json import write_openpose
from simspine.exporters.pose2sim_project import in_folder_order
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_PARENTS

NUMBERED, CLASHING, PLAIN = (
    ("60457274", "54138969", "cam_2", "cam_10"),
    ("left_1", "right_1", "left_2", "right_2"),
    ("south", "north", "west", "east"),
)


def with_camera_names(recording, names):
    def named(person):
        cameras = [replace(camera, name=name) for camera, name in zip(person.cameras, names, strict=True)]
        return replace(person, cameras=tuple(cameras))

    return replace(recording, people=tuple(named(person) for person in recording.people))


def as_pose2sim_sorts(names):
    """By the last number in the name; names without one come last, by the alphabet; equal ones as the disk has them."""
    names = list(names)
    random.Random(1).shuffle(names)
    return sorted(names, key=lambda name: (False, int(re.findall(r"\d+", name)[-1])) if re.search(r"\d", name)
                  else (True, name))  # fmt: skip


@pytest.mark.parametrize("names", [NUMBERED, CLASHING, PLAIN])
def test_the_nth_folder_is_the_nth_camera_of_the_calibration(sample_recording, tmp_path, names):
    recording = with_camera_names(sample_recording(), names)
    write_openpose(tmp_path, [recording])
    project = tmp_path / "walk_1"
    calibration = tomllib.loads((project / "calibration/calibration.toml").read_text())
    tables = [table for key, table in calibration.items() if key != "metadata"]
    folders = as_pose2sim_sorts(path.name for path in (project / "pose").iterdir())
    assert [table["name"] + "_json" for table in tables] == folders
    person = recording.people[0]
    for folder, table in zip(folders, tables, strict=True):
        view = next(v for v, camera in enumerate(person.cameras) if np.allclose(camera.t, table["translation"]))
        document = json.loads((project / "pose" / folder / "000000000002_keypoints.json").read_text())
        points = np.reshape(document["people"][0]["pose_keypoints_2d"], (-1, 3))
        seen = person.visibility[view, 2] > 0
        np.testing.assert_allclose(points[seen, :2], person.points_2d[view, 2][seen], atol=1e-6)


def test_cameras_in_order_keep_their_names(sample_labels):
    cameras = sample_labels(2).cameras
    assert in_folder_order(cameras) == ([0, 1, 2, 3], list(cameras))


def test_someone_whom_a_view_does_not_show_keeps_the_place_of_the_others(sample_recording, tmp_path):
    recording = sample_recording(people=2)
    first, second = recording.people
    gone = first.inside.copy()
    gone[1] = False
    recording = replace(recording, people=(replace(first, inside=gone), second))
    write_openpose(tmp_path, [recording])
    camera = first.cameras[1].name
    files = sorted((tmp_path / "walk_1/pose" / f"{camera}_json").iterdir())
    assert [path.name for path in files] == [f"{number:012d}_keypoints.json" for number in range(5)]
    for index, path in enumerate(files):
        document = json.loads(path.read_text())
        assert document["frame"] == first.frames[index]
        assert [each["person_id"] for each in document["people"]] == [[0], [1]]
        assert not any(document["people"][0]["pose_keypoints_2d"])
        assert any(document["people"][1]["pose_keypoints_2d"])


def test_someone_who_comes_later_is_not_among_the_people_before(sample_recording, tmp_path):
    recording = coming_late(sample_recording(people=2))
    write_openpose(tmp_path, [recording])
    for folder in (tmp_path / "walk_1/pose").iterdir():
        documents = [json.loads(path.read_text()) for path in sorted(folder.iterdir())]
        who = [[each["person_id"] for each in document["people"]] for document in documents]
        assert who == 2 * [[[1]]] + 3 * [[[0], [1]]]


def coming_late(recording):
    """The first person is in the images from the third on."""
    first, second = recording.people
    inside = first.inside.copy()
    inside[:, :2] = False
    return replace(recording, people=(replace(first, inside=inside), second))


def walked(table, parent=-1):
    yield table["name"], table["id"], parent
    for child in table.get("children", ()):
        yield from walked(child, table["id"])


def test_the_configuration_holds_the_tree_of_the_keypoints_and_what_the_recording_is(sample_recording, tmp_path):
    write_openpose(tmp_path, [sample_recording(people=2)])
    config = tomllib.loads((tmp_path / "walk_1/Config.toml").read_text())
    nodes = sorted(walked(config["pose"][config["pose"]["pose_model"]]), key=lambda node: node[1])
    assert nodes == [(name, index, KEYPOINT_PARENTS[index]) for index, name in enumerate(KEYPOINT_NAMES)]
    assert config["project"] == {"multi_person": True, "frame_rate": 25, "frame_range": "all"}
    assert config["triangulation"]["undistort_points"] is True
    points = sample_recording().people[0].points_world
    step = max(np.linalg.norm(after - before, axis=1).mean() for before, after in itertools.pairwise(points))
    assert step < config["triangulation"]["max_distance_m"] < 2 * max(step, 0.1)


def test_keypoints_with_several_roots_hang_under_one_without_a_place(sample_recording, tmp_path):
    recording = sample_recording()
    person = recording.people[0]
    kept = [KEYPOINT_NAMES.index(name) for name in ("LKnee", "LAnkle", "RKnee")]
    cut = {name: getattr(person, name)[..., kept, :] for name in ("points_world", "points_camera", "points_2d")}
    cut |= {"inside": person.inside[..., kept], "keypoint_names": ("LKnee", "LAnkle", "RKnee")}
    person = replace(person, keypoint_parents=(-1, 0, -1), occlusion=None, **cut)
    write_openpose(tmp_path, [replace(recording, people=(person,))])
    pose = tomllib.loads((tmp_path / "walk_1/Config.toml").read_text())["pose"]
    nodes = list(walked(pose[pose["pose_model"]]))
    assert nodes == [("Root", "None", -1), ("LKnee", 0, "None"), ("LAnkle", 1, 0), ("RKnee", 2, "None")]


def test_a_recording_with_a_camera_that_moves_has_no_calibration_and_no_configuration(sample_recording, tmp_path):
    recording = sample_recording()
    person = recording.people[0]
    moved = person.camera_translations + np.arange(5)[:, None] * 0.1
    write_openpose(tmp_path, [replace(recording, people=(replace(person, camera_translations=moved),))])
    assert [path.name for path in (tmp_path / "walk_1").iterdir()] == ["pose"]


@pytest.mark.parametrize(("names", "people", "late"), [(NUMBERED, 2, False), (CLASHING, 2, True), (PLAIN, 1, False)])
def test_pose2sim_itself_triangulates_the_truth(sample_recording, tmp_path, monkeypatch, names, people, late):
    pytest.importorskip("Pose2Sim")
    from Pose2Sim import Pose2Sim

    recording = with_camera_names(sample_recording(people=people), names)
    recording = coming_late(recording) if late else recording
    write_openpose(tmp_path, [recording])
    monkeypatch.chdir(tmp_path / "walk_1")
    Pose2Sim.triangulation()
    people_found = recording.people[::-1] if late else recording.people  # who is there first is its first person
    for number, person in enumerate(people_found):
        (path,) = (tmp_path / "walk_1/pose-3d").glob(f"*_P{number}_*.trc" if people > 1 else "*.trc")
        lines = [line.split("\t") for line in path.read_text().splitlines()]
        markers = [name for name in lines[3][2:] if name]
        found = np.array([[float(cell or "nan") for cell in line[2:]] for line in lines[5:]]).reshape(-1, 37, 3)
        rows = [int(line[0]) for line in lines[5:]]
        assert rows == list(range(2 if late and person is recording.people[0] else 0, 5))
        truth = person.points_world[rows][:, [KEYPOINT_NAMES.index(name) for name in markers]]
        # in the image in which someone comes in, Pose2Sim 0.10 may lose the others
        assert np.isfinite(found).all(axis=(1, 2)).sum() >= len(rows) - late
        assert np.nanmax(np.abs(found - truth)) < 1e-3
    shutil.rmtree(tmp_path / "walk_1")


@pytest.mark.parametrize(("lens", "undistort", "told"), [("none", False, False), ("fisheye", True, True)])
def test_points_are_undistorted_where_lenses_bend_and_of_fisheyes_it_is_told(
    sample_recording, tmp_path, lens, undistort, told
):
    recording = sample_recording()
    person = recording.people[0]
    cameras = tuple(
        replace(camera, distortion_model=lens, distortion=np.full(4, 0.01) if told else np.zeros(0))
        for camera in person.cameras
    )
    write_openpose(tmp_path, [replace(recording, people=(replace(person, cameras=cameras),))])
    text = (tmp_path / "walk_1/Config.toml").read_text()
    assert tomllib.loads(text)["triangulation"]["undistort_points"] is undistort
    assert ("fisheye" in text) is told
