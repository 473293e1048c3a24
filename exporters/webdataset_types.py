"""Types of what a WebDataset sample's JSON holds, for readers that ask for them first (see `webdataset_tar`)."""

from __future__ import annotations

from typing import Any

_ADDED = "__key__", "__url__"  # by the reader: the sample's name and its tar

Kind = str | list[Any] | dict[str, Any]
"""A type's name; a list of one kind; a struct of kinds by name."""

_CAMERA: Kind = {
    "name": "string",
    "size": ["int64"],
    "K": [["float64"]],
    "R": [["float64"]],
    "t": ["float64"],
    "distortion_model": "string",
    "distortion": ["float64"],
}
_PERSON: Kind = {
    "name": "string",
    "keypoints_2d": [["float64"]],
    "visibility": ["int64"],
    "box": ["float64"],
    "keypoints_3d_world": [["float64"]],
    "keypoints_3d_camera": [["float64"]],
    "keypoints_3d_world_model": [["float64"]],
    "hidden_by": ["string"],
    "depth_under_skin": ["float64"],
    "facing": ["float64"],
    "segmentation": {"size": ["int64"], "counts": "string"},
    "axis_names": ["string"],
    "axes": ["float64"],
    "vertebra_names": ["string"],
    "vertebra_rotations": [[["float64"]]],
    "lumbar_lordosis": "float64",
    "thoracic_kyphosis": "float64",
}
SAMPLE: dict[str, Kind] = {
    "recording": "string",
    "subject": "string",
    "action": "string",
    "placement": "string",
    "file_name": "string",
    "view": "int64",
    "frame": "int64",
    "time": "float64",
    "camera": _CAMERA,
    "keypoint_names": ["string"],
    "people": [_PERSON],
}
"""Every field that a sample's JSON may have."""


def sample_features(image_suffix: str) -> list[dict[str, Any]]:
    """Image and JSON of a sample as Hugging Face's `datasets` describes them in a card, under `dataset_info`.

    `image_suffix` is that of the images, without a dot. A field that a sample has not is null there.
    """
    label = {"name": "json", **_described(SAMPLE)}
    return [{"name": image_suffix, "dtype": "image"}, label, *({"name": name, "dtype": "string"} for name in _ADDED)]


def _described(kind: Kind) -> dict[str, Any]:
    if isinstance(kind, str):
        return {"dtype": kind}
    if isinstance(kind, dict):
        return {"struct": [{"name": name, **_described(each)} for name, each in kind.items()]}
    inner = _described(kind[0])
    return {"list": inner.get("dtype", inner.get("struct", inner))}  # these two are shortened in a list
