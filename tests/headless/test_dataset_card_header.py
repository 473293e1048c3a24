"""The head of a card is YAML that names the files which the data set has."""

from dataclasses import replace

import numpy as np
import pytest
from simspine.exporters.labels import make_labels
from simspine.exporters.recording import recording_of
from simspine.headless.dataset_card import dataset_card
from simspine.headless.dataset_card_header import card_header, load_line
from simspine.headless.render_config import DatasetConfig, RecordingConfig
from simspine.simspine_addon.capture.camera_presets import human36m_preset
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_PARENTS

yaml = pytest.importorskip("yaml")


def parsed(*arguments):
    lines = card_header(*arguments)
    assert (lines[0], lines[-2:]) == ("---", ["---", ""])
    return yaml.safe_load("\n".join(lines[1:-2]))


def test_a_name_with_signs_of_yaml_stays_a_name():
    assert parsed('a: "b" # c', ["parquet"], 10, "png")["pretty_name"] == 'a: "b" # c'


def test_parquet_and_images_are_one_table():
    head = parsed("x", ["coco", "parquet"], 1000, "png")
    assert head["configs"] == [{"config_name": "default", "data_files": ["metadata.parquet", "images/**"]}]
    assert head["size_categories"] == ["1K<n<10K"]
    assert "dataset_info" not in head


def test_of_two_formats_that_the_hub_reads_the_tars_are_named_with_their_types():
    head = parsed("x", ["parquet", "webdataset"], 3_000_000, "jpg")
    assert head["configs"][0]["data_files"] == ["webdataset/*.tar"]
    assert head["size_categories"] == ["1M<n<10M"]
    image, label, *added = head["dataset_info"]["features"]
    assert added == [{"name": "__key__", "dtype": "string"}, {"name": "__url__", "dtype": "string"}]
    assert image == {"name": "jpg", "dtype": "image"}
    kinds = {field["name"]: field for field in label["struct"]}
    people = {field["name"]: field for field in kinds["people"]["list"]}
    assert people["keypoints_2d"]["list"] == {"list": "float64"}
    assert people["axes"]["list"] == "float64"
    assert {each["name"] for each in people["segmentation"]["struct"]} == {"size", "counts"}


def test_formats_that_the_hub_does_not_read_get_no_head():
    assert card_header("x", ["coco", "openpose"], 10, "png") == load_line(["coco"]) == []


@pytest.mark.parametrize(("masks", "area"), [(None, "of the box"), ((("0",) * 2,) * 4, "of the mask")])
def test_the_card_says_what_area_is_in_each_coco_file(masks, area):
    labels = sample_labels(masks)
    recording = recording_of(labels, image_names=[["a.png", "b.png"]] * 4)
    config = DatasetConfig("x", (RecordingConfig("a", "S1", "walk", ()), RecordingConfig("b", "S1", "sit", ())),
                           formats=("coco", "mmpose", "parquet"))  # fmt: skip
    card = dataset_card(config, [recording], [], {})
    assert yaml.safe_load(card.split("---\n")[1])["pretty_name"] == "x"
    text = " ".join(card.split())
    assert "In `annotations.json` and `mmpose/annotations.json` keypoints" in text
    assert f"`area` is that {area}" in text
    assert "`datasets.load_dataset(DIR)` reads the format `parquet`" in text


def sample_labels(masks):
    points = np.full((2, 37, 3), 0.5)
    cameras = human36m_preset(points[0] + np.eye(37, 3))
    labels = make_labels(cameras, KEYPOINT_NAMES, KEYPOINT_PARENTS, points, np.arange(2), np.arange(2) / 50)
    return replace(labels, masks=masks)
