"""The label files hold what the labels are, and strict readers read them."""

import json

import numpy as np
from simspine.exporters.coco import write_coco
from simspine.exporters.keypoint_npz import write_keypoint_npz
from simspine.exporters.labels import make_labels
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


def image_name(view, index):
    return f"images/{view}/{index}.png"


def strict_json(path):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


def test_coco_holds_pixels_flags_and_3d_points(tmp_path):
    write_coco(tmp_path / "a.json", labels(), image_name)
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
    write_coco(tmp_path / "a.json", labels(), image_name)
    document = strict_json(tmp_path / "a.json")
    assert len(document["images"]) == 4
    assert {annotation["image_id"] for annotation in document["annotations"]} == {1, 2}  # "back" looks away


def test_the_archive_holds_every_view_unclipped_and_is_the_same_bytes_each_time(tmp_path):
    made = labels()
    write_keypoint_npz(tmp_path / "a.npz", made)
    write_keypoint_npz(tmp_path / "b.npz", made)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with np.load(tmp_path / "a.npz") as archive:
        assert archive["points_2d"].shape == (2, 2, 3, 2)
        assert archive["points_2d"][0, 1, 1, 0] == 9.0 / 4 * 500 + 310.25
        assert archive["camera_names"].tolist() == ["front", "back"]
        assert archive["size"].tolist() == [[640, 480], [320, 480]]
        assert not archive["visibility"][1].any()
        again = archive["points_world"] @ archive["R"][0].T + archive["t"][0]
    np.testing.assert_array_equal(again, made.points_camera[0])
