"""Labels as a COCO keypoint file, with the 3D points beside the 2D ones.

The file is an ordinary COCO keypoint annotation; what it holds besides is `keypoints_3d_world` and
`keypoints_3d_camera` per annotation (a triple each, metres, null where the model has no such keypoint; where an
avatar is seen, `keypoints_3d_world_model` too, the model's own) and `camera`, `frame`, `time` per image, with the
calibration under `cameras`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.model.atomic import atomic_path
from .labels import Labels

PIXEL_DECIMALS = 5
METRE_DECIMALS = 7


def coco_document(labels: Labels, file_name: Callable[[int, int], str], description: str = "") -> dict[str, object]:
    """The COCO document; `file_name(view, i)` names the image of the i-th frame, relative to the file's folder.

    Every image has one annotation, except those in which nothing of the person is seen.
    """
    views, count = labels.points_2d.shape[:2]
    images, annotations = [], []
    visibility = labels.visibility
    for view in range(views):
        width, height = labels.cameras[view].size
        for index in range(count):
            identity = view * count + index + 1
            images.append(
                {
                    "id": identity,
                    "file_name": file_name(view, index),
                    "width": width,
                    "height": height,
                    "camera": labels.cameras[view].name,
                    "camera_id": view,
                    "frame": int(labels.frames[index]),
                    "time": round(float(labels.time[index]), 9),
                }
            )
            if np.isfinite(labels.boxes[view, index]).all():
                annotations.append(_annotation(labels, visibility, view, index, identity))
    return {
        "info": {"description": description, "version": "1.0"},
        "licenses": [],
        "categories": [_category(labels)],
        "cameras": [_camera(labels, view) for view in range(views)],
        "images": images,
        "annotations": annotations,
    }


def write_coco(path: str | Path, labels: Labels, file_name: Callable[[int, int], str], description: str = "") -> None:
    """Write `coco_document` as JSON (no NaN in it: missing 3D points are null, unlabelled 2D points 0 0 0)."""
    document = coco_document(labels, file_name, description)
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(document, allow_nan=False, separators=(",", ":")) + "\n", encoding="utf-8")


def _category(labels: Labels) -> dict[str, object]:
    edges = [[parent + 1, child + 1] for child, parent in enumerate(labels.keypoint_parents) if parent >= 0]
    return {
        "id": 1,
        "name": "person",
        "supercategory": "person",
        "keypoints": list(labels.keypoint_names),
        "skeleton": edges,  # COCO counts keypoints from 1
    }


def _camera(labels: Labels, view: int) -> dict[str, object]:
    camera = labels.cameras[view]
    return {
        "id": view,
        "name": camera.name,
        "size": list(camera.size),
        "K": np.asarray(camera.K, float).tolist(),
        "R": np.asarray(camera.R, float).tolist(),
        "t": np.asarray(camera.t, float).tolist(),
    }


def _annotation(
    labels: Labels, visibility: NDArray[np.uint8], view: int, index: int, identity: int
) -> dict[str, object]:
    seen = visibility[view, index]
    pixels = np.where(seen[:, None] > 0, labels.points_2d[view, index], 0.0)
    keypoints = [
        number
        for (u, v), flag in zip(pixels.round(PIXEL_DECIMALS).tolist(), seen.tolist(), strict=True)
        for number in (u, v, flag)
    ]
    box = labels.boxes[view, index].round(PIXEL_DECIMALS).tolist()
    model = labels.points_world_model
    return {
        "id": identity,
        "image_id": identity,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": box,
        "area": round(box[2] * box[3], 3),
        "num_keypoints": int((seen > 0).sum()),
        "keypoints": keypoints,
        "keypoints_3d_world": _triples(labels.points_world[index]),
        "keypoints_3d_camera": _triples(labels.points_camera[view, index]),
        **({} if model is None else {"keypoints_3d_world_model": _triples(model[index])}),
    }


def _triples(points: NDArray[np.float64]) -> list[list[float] | None]:
    rounded = points.round(METRE_DECIMALS)
    return [row.tolist() if np.isfinite(row).all() else None for row in rounded]
