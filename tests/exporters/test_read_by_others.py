"""Data sets as MMPose and Hugging Face's `datasets` read them, where these are installed."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from simspine.exporters.dataset_formats import write_formats
from simspine.headless.dataset_card_header import card_header

MMPOSE_PIPELINE = [
    {"type": "LoadImage"},
    {"type": "GetBBoxCenterScale"},
    {"type": "RandomFlip", "direction": "horizontal", "prob": 1.0},
    {"type": "TopdownAffine", "input_size": (192, 256)},
    {
        "type": "GenerateTarget",
        "encoder": {"type": "MSRAHeatmap", "input_size": (192, 256), "heatmap_size": (48, 64), "sigma": 2},
    },
    {"type": "PackPoseInputs"},
]


@pytest.fixture
def recordings(sample_recording, tmp_path):
    """Two, of which the first lacks what the second has; with images."""
    made = [sample_recording("bare", images=True), sample_recording("full", people=2, images=True)]
    person = replace(made[0].people[0], occlusion=None, anatomy=None)
    made[0] = replace(made[0], people=(person,))
    for recording in made:
        for name in (name for view in recording.image_names for name in view):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / name), np.full((60, 80, 3), 90, np.uint8))
    return made


def test_mmpose_loads_transforms_and_evaluates_what_is_written(recordings, tmp_path):
    pytest.importorskip("mmpose")
    import mmpose.codecs
    import mmpose.datasets
    import mmpose.evaluation  # noqa: F401
    from mmengine.config import Config
    from mmengine.registry import DefaultScope
    from mmengine.structures import InstanceData
    from mmpose.registry import DATASETS, METRICS

    DefaultScope.get_instance("test", scope_name="mmpose")
    write_formats(tmp_path, recordings, ["mmpose"])
    config = Config.fromfile(str(tmp_path / "mmpose/simspine_dataset.py"))
    dataset = DATASETS.build(config.dataset.to_dict() | {"pipeline": MMPOSE_PIPELINE})
    assert len(dataset) == 60
    item = dataset[0]
    assert item["inputs"].shape == (3, 256, 192)
    assert item["data_samples"].gt_fields.heatmaps.shape == (37, 64, 48)

    keys = ("id", "img_id", "img_path", "category_id", "ori_shape", "img_shape", "input_size", "input_center")
    pack = {"type": "PackPoseInputs", "meta_keys": (*keys, "input_scale", "flip_indices", "raw_ann_info")}
    plain = [*MMPOSE_PIPELINE[:2], MMPOSE_PIPELINE[3], pack]
    dataset = DATASETS.build(config.dataset.to_dict() | {"pipeline": plain, "test_mode": True})
    metric = METRICS.build(config.evaluator)
    metric.dataset_meta = dataset.metainfo
    for item in dataset:
        sample = item["data_samples"]
        truth = sample.gt_instances
        sample.pred_instances = InstanceData(
            keypoints=truth.keypoints, keypoint_scores=np.ones(truth.keypoints.shape[:2], np.float32),
            bboxes=truth.bboxes, bbox_scores=np.ones(1, np.float32),
        )  # fmt: skip
        metric.process(None, [sample.to_dict()])
    assert metric.evaluate(size=len(dataset))["coco/AP"] == pytest.approx(1.0)


@pytest.mark.parametrize(("name", "rows"), [("webdataset", 40), ("parquet", 60)])
def test_load_dataset_of_the_folder_gives_images_and_labels(recordings, tmp_path, monkeypatch, name, rows):
    datasets = pytest.importorskip("datasets")
    folder = tmp_path
    write_formats(folder, recordings, [name])
    (folder / "README.md").write_text("\n".join(card_header("two", [name], 40, "png")))
    (folder / "manifest.json").write_text('{"other": 1}')
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))["train"]
    assert loaded.num_rows == rows
    row = loaded[rows - 1]
    assert row["png" if name == "webdataset" else "image"].size == (80, 60)
    person = recordings[1].people[1]
    own = row["json"]["people"][1] if name == "webdataset" else row
    points = own["keypoints_2d" if name == "webdataset" else "keypoints"]
    np.testing.assert_array_equal(np.array(points, float), person.points_2d[3, 4])
    assert own["axes"] == person.anatomy.axes[4].tolist()
    first = loaded[0]["json"]["people"][0] if name == "webdataset" else loaded[0]
    assert first["axes"] is None
