"""The head of a data set's card, by which Hugging Face's hub and `datasets.load_dataset(DIR)` know its files.

`datasets` has one builder for all files of a folder: where both formats are written, that of the WebDataset is named,
whose tars hold images and labels together. Of its samples the types are given too, since they would else be guessed
from the first five, which may lack what later ones have.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..exporters.webdataset_types import sample_features

_TAGS = ("synthetic", "human-pose-estimation", "biomechanics", "spine", "opensim")
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
READ_BY_DATASETS = ("webdataset", "parquet")
"""Formats that `datasets` reads; the first of them that is written."""


def card_header(name: str, formats: Sequence[str], images: int, image_format: str) -> list[str]:
    """Lines of the card's YAML, with its dashes; none where no format is written that the hub could read.

    Args:
        name: of the data set.
        formats: as written.
        images: how many.
        image_format: suffix of the images, without a dot.
    """
    chosen = _chosen(formats)
    if chosen is None:
        return []
    size = next((text for limit, text in _SIZES if images < limit), "10M<n<100M")
    files = ["webdataset/*.tar"] if chosen == "webdataset" else ["metadata.parquet", "images/**"]
    lines = [
        "---",
        f"pretty_name: {json.dumps(name, ensure_ascii=False)}",  # JSON is YAML too
        "task_categories: [keypoint-detection]",
        f"tags: [{', '.join(_TAGS)}]",
        f"size_categories: [{json.dumps(size)}]",
        "configs:",
        "- config_name: default",
        f"  data_files: {json.dumps(files)}",
    ]
    if chosen == "webdataset":
        lines += ["dataset_info:", "  features:"]
        lines += [f"  - {json.dumps(feature)}" for feature in sample_features(image_format)]
    return [*lines, "---", ""]


def load_line(formats: Sequence[str]) -> list[str]:
    """What `datasets` makes of the folder, as a line of the card."""
    chosen = _chosen(formats)
    if chosen is None:
        return []
    row = "an image with the labels of everyone in it" if chosen == "webdataset" else "an image and one person's labels"
    return ["", f"`datasets.load_dataset(DIR)` reads the format `{chosen}`: a row is {row}, the image as a picture."]


def _chosen(formats: Sequence[str]) -> str | None:
    return next((each for each in READ_BY_DATASETS if each in formats), None)
