"""Detections from the files of several programs; and files that cannot be used, refused in one line."""

import json
from pathlib import Path

import numpy as np
import pytest
from simspine.exporters.coco import write_coco
from simspine.exporters.keypoint_npz import write_labels
from simspine.exporters.labels import make_labels
from simspine.exporters.recording import recording_of
from simspine.simspine_addon.capture.camera_presets import human36m_preset
from simspine.simspine_addon.capture.detection_files import read_detections
from simspine.simspine_addon.capture.detections import make_detections, write_detections
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES

POINTS = np.random.default_rng(0).uniform([-0.4, 0, -0.4], [0.4, 1.8, 0.4], (6, 26, 3))
CAMERAS = human36m_preset(POINTS)
PIXELS = np.random.default_rng(1).uniform(50, 900, (6, 4, 26, 2)).round(3)
SCORES = np.random.default_rng(2).uniform(0.4, 0.9, (6, 4, 26)).round(3)


def openpose_folder(folder: Path, name: str = "cam{:02d}_json", view_offset: int = 1) -> Path:
    for view in range(4):
        inner = folder / name.format(view + view_offset)
        inner.mkdir(parents=True)
        for frame in range(6):
            triples = np.column_stack([PIXELS[frame, view], SCORES[frame, view]]).ravel().tolist()
            document = {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": triples}]}
            (inner / f"cam{view + 1:02d}_{frame + 10:012d}_keypoints.json").write_text(json.dumps(document))
    return folder


def assert_same(found, rate=0.0) -> None:
    assert np.array_equal(found.points[:, :, 0], PIXELS)
    assert np.array_equal(found.scores[:, :, 0], SCORES)
    assert found.keypoint_names == KEYPOINT_NAMES[:26]
    assert found.camera_names == tuple(camera.name for camera in CAMERAS)
    assert found.rate == rate


def test_openpose_folders_of_a_pose2sim_project_are_read(tmp_path):
    openpose_folder(tmp_path / "pose")
    assert_same(read_detections(tmp_path, CAMERAS))
    assert_same(read_detections(tmp_path / "pose", CAMERAS, rate=30.0), 30.0)


def test_views_without_camera_names_are_taken_in_order_with_a_warning(tmp_path):
    found = read_detections(openpose_folder(tmp_path, "GoPro_{}_json", 5), CAMERAS)
    assert_same(found)
    assert "alphabetical order: GoPro_5_json = cam_01" in found.warnings[0]


def test_a_frame_with_nobody_and_a_point_at_zero_are_unseen(tmp_path):
    openpose_folder(tmp_path)
    files = sorted((tmp_path / "cam02_json").iterdir())
    files[2].write_text('{"people": []}')
    document = json.loads(files[3].read_text())
    document["people"][0]["pose_keypoints_2d"][:3] = [0, 0, 0]
    files[3].write_text(json.dumps(document))
    files[5].unlink()
    found = read_detections(tmp_path, CAMERAS)
    assert np.isnan(found.points[2, 1]).all()
    assert (found.scores[2, 1] == 0).all()
    assert np.isnan(found.points[3, 1, 0, 0]).all()
    assert np.isfinite(found.points[3, 1, 0, 1:]).all()
    assert np.isnan(found.points[5, 1]).all()
    assert any("do not have the same frames" in text for text in found.warnings)


def mmpose_document(view: int) -> dict:
    frames = []
    for frame in range(6):
        box = [[10.0, 20.0, 110.0, 220.0]]
        person = {
            "keypoints": PIXELS[frame, view].tolist(),
            "keypoint_scores": SCORES[frame, view].tolist(),
            "bbox": box,
        }
        frames.append({"frame_id": frame + 1, "instances": [person]})
    return {"meta_info": {"dataset_name": "halpe26"}, "instance_info": frames}


def test_mmpose_predictions_of_each_video_are_read_with_boxes(tmp_path):
    for view in range(4):
        (tmp_path / f"cam_{view + 1}.json").write_text(json.dumps(mmpose_document(view)))
    found = read_detections(tmp_path, CAMERAS)
    assert_same(found)
    assert found.boxes[0, 0, 0].tolist() == [10, 20, 100, 200]


def test_mmpose_predictions_of_single_images_are_read(tmp_path):
    for view in range(4):
        inner = tmp_path / f"cam_{view + 1:02d}"
        inner.mkdir()
        for frame, row in enumerate(mmpose_document(view)["instance_info"]):
            (inner / f"{frame:06d}.json").write_text(json.dumps(row["instances"]))
    assert_same(read_detections(tmp_path, CAMERAS))


def test_mmpose_s_own_names_become_ours(tmp_path):
    for view in range(4):
        document = mmpose_document(view)
        names = ["nose", "left_eye", "left_big_toe", *(f"extra_{index}" for index in range(23))]
        document["meta_info"]["keypoint_id2name"] = {str(index): name for index, name in enumerate(names)}
        (tmp_path / f"cam_{view + 1}.json").write_text(json.dumps(document))
    assert read_detections(tmp_path, CAMERAS).keypoint_names[:4] == ("Nose", "LEye", "LBigToe", "extra_0")


def coco_rows(view: int, identity) -> list[dict]:
    return [
        {
            "image_id": identity(view, frame),
            "category_id": 1,
            "keypoints": np.column_stack([PIXELS[frame, view], SCORES[frame, view]]).ravel().tolist(),
            "score": 0.9,
        }
        for frame in range(6)
    ]


def test_coco_results_of_each_camera_are_read(tmp_path):
    for view in range(4):
        (tmp_path / f"cam_{view + 1:02d}.json").write_text(json.dumps(coco_rows(view, lambda _, f: f"{f:05d}.jpg")))
    assert_same(read_detections(tmp_path, CAMERAS))


def test_coco_results_beside_their_images_are_read(tmp_path):
    rows = [row for view in range(4) for row in coco_rows(view, lambda v, f: 100 * v + f)]
    images = [
        {"id": 100 * view + frame, "file_name": f"cam_{view + 1:02d}/{frame:05d}.png"}
        for view in range(4)
        for frame in range(6)
    ]
    (tmp_path / "person_keypoints.json").write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
    (tmp_path / "results.json").write_text(json.dumps(rows))
    assert_same(read_detections(tmp_path, CAMERAS))


def labels_of_a_render():
    names, parents = KEYPOINT_NAMES[:26], [-1] * 26
    return make_labels(CAMERAS, names, parents, POINTS, np.arange(6), np.arange(6) / 25.0)


def test_labels_of_a_render_are_read_as_arrays_and_as_coco(tmp_path):
    labels = labels_of_a_render()
    write_labels(tmp_path / "labels.npz", recording_of(labels))
    found = read_detections(tmp_path, CAMERAS)
    assert np.array_equal(found.points[:, :, 0], labels.points_2d.transpose(1, 0, 2, 3))
    assert abs(found.rate - 25) < 1e-9
    write_coco(tmp_path / "coco.json", recording_of(labels))
    coco = read_detections(tmp_path / "coco.json", CAMERAS)
    assert np.abs(coco.points - found.points).max() < 1e-5
    assert coco.keypoint_names == found.keypoint_names


def test_views_are_put_into_the_cameras_order_by_name(tmp_path):
    labels = labels_of_a_render()
    write_labels(tmp_path / "labels.npz", recording_of(labels))
    found = read_detections(tmp_path / "labels.npz", CAMERAS[::-1])
    assert np.array_equal(found.points[:, 0, 0], labels.points_2d[3])


def test_our_own_archive_comes_back_equal(tmp_path):
    given = make_detections(
        PIXELS[:, :, None],
        SCORES[:, :, None],
        camera_names=[camera.name for camera in CAMERAS],
        keypoint_names=KEYPOINT_NAMES[:26],
        rate=50.0,
    )
    write_detections(tmp_path / "detections.npz", given)
    assert_same(read_detections(tmp_path / "detections.npz", CAMERAS), 50.0)
    (tmp_path / "detections.json").write_text("{}")  # the report that `simspine detect` writes beside it
    assert_same(read_detections(tmp_path, CAMERAS), 50.0)


def test_a_rate_for_every_tenth_frame_is_that_of_the_camera():
    given = make_detections(
        PIXELS[:, :, None], SCORES[:, :, None], camera_names=[camera.name for camera in CAMERAS],
        keypoint_names=KEYPOINT_NAMES[:26], time=10.0 * np.arange(len(PIXELS)),
    )  # fmt: skip
    found = given.at_rate(100.0)
    assert found.rate == 10.0
    np.testing.assert_allclose(found.time, np.arange(len(PIXELS)) / 10)


def test_a_camera_without_files_is_told(tmp_path):
    import shutil

    shutil.rmtree(openpose_folder(tmp_path) / "cam03_json")
    found = read_detections(tmp_path, CAMERAS)
    assert np.isnan(found.points[:, 2]).all()
    assert found.warnings[0] == "there are no detections for cam_03"


def empty(folder):
    (folder / "x").mkdir()


def nobody(folder):
    for view in range(4):
        (folder / f"cam{view + 1:02d}_json").mkdir()
        (folder / f"cam{view + 1:02d}_json" / "0.json").write_text('{"people": []}')


def cut_off(folder):
    openpose_folder(folder)
    (folder / "cam01_json" / "cam01_000000000010_keypoints.json").write_text('{"people": [{"pose')


def hollow(folder):
    openpose_folder(folder)
    (folder / "cam01_json" / "cam01_000000000010_keypoints.json").write_text("")


def other_layout(folder):
    openpose_folder(folder)
    (folder / "cam01_json" / "cam01_000000000010_keypoints.json").write_text('{"persons": []}')


def odd_count(folder):
    openpose_folder(folder)
    document = '{"people": [{"pose_keypoints_2d": [1, 2, 0.5, 3]}]}'
    (folder / "cam01_json" / "cam01_000000000010_keypoints.json").write_text(document)


def two_detectors(folder):
    openpose_folder(folder)
    document = '{"people": [{"pose_keypoints_2d": [1, 2, 0.5]}]}'
    (folder / "cam01_json" / "cam01_000000000010_keypoints.json").write_text(document)


def words(folder):
    openpose_folder(folder)
    document = '{"people": [{"pose_keypoints_2d": ["a", 2, 0.5]}]}'
    (folder / "cam01_json" / "cam01_000000000010_keypoints.json").write_text(document)


def fifth_camera(folder):
    openpose_folder(folder)
    (folder / "cam05_json").mkdir()
    (folder / "cam05_json" / "0.json").write_text('{"people": []}')


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (empty, "holds no detections"),
        (nobody, "holds no person"),
        (cut_off, "not valid JSON.*cut off"),
        (hollow, "it is empty"),
        (other_layout, "neither OpenPose's nor MMPose's"),
        (odd_count, "4 numbers, not three"),
        (two_detectors, "1 and 26 keypoints"),
        (words, "no number"),
        (fifth_camera, "cam05_json fit no camera"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path, make, problem):
    make(tmp_path)
    with pytest.raises(InputError, match=problem) as error:
        read_detections(tmp_path, CAMERAS)
    assert "\n" not in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_a_place_that_is_not_there_or_no_archive_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_detections(tmp_path / "nowhere", CAMERAS)
    (tmp_path / "labels.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="no archive"):
        read_detections(tmp_path / "labels.npz", CAMERAS)
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(InputError, match="has no camera_names"):
        read_detections(tmp_path / "other.npz", CAMERAS)
