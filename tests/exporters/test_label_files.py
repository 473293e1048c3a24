"""The label files hold what the labels are, and strict readers read them."""

import json

import numpy as np
from simspine.exporters.coco import write_coco
from simspine.exporters.labels import make_labels
from simspine.exporters.recording import recording_of
from simspine.simspine_addon.capture.camera import Camera


def labels():
    K = np.array([[500, 0, 310.25], [0, 480, 250.5], [0, 0, 1.0]])
    cameras = [
        Camera("front", (640, 480), K, np.eye(3), np.array([0.0, 0.0, 4.0])),
        Camera("back", (320, 480), K, np.diag([-1.0, 1.0, -1.0]), np.array([0.0, 0.0, -4.0])),
    ]
    points = np.array(
        [[[0.0, 0.0, 0.0], [0.0, 0.5, 0.0], [np.nan] * 3], [[0.1, 0.0, 0.0], [9.0, 0.5, 0.0], [np.nan] * 3]]
    )
    return make_labels(cameras, ("Hip", "Neck", "Nose"), (-1, 0, 1), points, np.array([3, 7]), np.array([0.06, 0.14]))


def strict_json(path):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


def test_coco_holds_pixels_flags_and_3d_points(tmp_path):
    write_coco(tmp_path / "a.json", recording_of(labels()))
    document = strict_json(tmp_path / "a.json")
    assert [image["frame"] for image in document["images"]] == [3, 7, 3, 7]
    assert [image["camera"] for image in document["images"]] == ["front", "front", "back", "back"]
    category = document["categories"][0]
    assert category["keypoints"] == ["Hip", "Neck", "Nose"]
    assert category["skeleton"] == [[1, 2], [2, 3]]
    first, second = document["annotations"][:2]
    assert first["keypoints"] == [310.25, 250.5, 2, 310.25, 310.5, 2, 0, 0, 0]
    assert first["num_keypoints"] == 2
    assert first["keypoints_3d_world"] == [[0, 0, 0], [0, 0.5, 0], None]
    assert first["keypoints_3d_camera"][1] == [0, 0.5, 4]
    assert second["keypoints"][3:6] == [0, 0, 0]  # out of the image
    assert second["keypoints_3d_world"][1] == [9, 0.5, 0]  # and still somewhere


def test_an_image_that_shows_nobody_has_no_annotation(tmp_path):
    write_coco(tmp_path / "a.json", recording_of(labels()))
    document = strict_json(tmp_path / "a.json")
    assert len(document["images"]) == 4
    assert {annotation["image_id"] for annotation in document["annotations"]} == {1, 2}  # "back" looks away
