"""Person boxes from a file: COCO JSON, the labels of a render, or detections that were written before."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from . import detection_json
from .detection_files import coco_place
from .view_names import match_cameras

Array = NDArray[np.float64]

_KEYS = ("boxes", "camera_names", "frames", "points")


@dataclass(frozen=True, slots=True)
class BoxTracks:
    """Boxes by view and frame number: (x, y, width, height) in px, [P, 4], NaN for a person who is not there."""

    views: tuple[dict[int, Array], ...]
    warnings: tuple[str, ...] = ()

    def at(self, view: int, number: int) -> Array:
        """Those of a frame; none where the file has none."""
        return self.views[view].get(number, np.zeros((0, 4)))


def read_boxes(path: str | Path, view_names: Sequence[str]) -> BoxTracks:
    """The boxes of each view: of a COCO document with annotations, a COCO list of boxes whose `image_id` is the frame
    number (one view), of `labels.npz` of a render, or of `detections.npz`.

    Raises:
        InputError: nothing there that could be read, or views that do not fit.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("does not exist", path=path, hint="give a .json or .npz with the people's boxes")
    found = _from_archive(path) if path.suffix == ".npz" else _from_json(path, view_names)
    order, warnings = match_cameras(list(found), list(view_names), path)
    listed = list(found.values())
    tracks = BoxTracks(tuple({} if index is None else listed[index] for index in order), warnings)
    if not any(np.isfinite(boxes).all(axis=1).any() for view in tracks.views for boxes in view.values()):
        raise InputError("holds no box", path=path, hint="without --boxes the whole image is taken")
    return tracks


def _from_archive(path: Path) -> dict[str, dict[int, Array]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files if key in _KEYS}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"is no archive of arrays ({error})", path=path) from error
    missing = [key for key in ("boxes", "camera_names") if key not in arrays]
    if missing:
        raise InputError(f"has no {', '.join(missing)}", path=path, hint="give labels.npz of `simspine render`")
    boxes = np.asarray(arrays["boxes"], float)
    if boxes.ndim == 4:  # detections [T, V, P, 4], or labels [P, V, T, 4]
        boxes = boxes.transpose(1, 0, 2, 3) if "points" in arrays else boxes.transpose(1, 2, 0, 3)
    elif boxes.ndim == 3:  # labels of one person [V, T, 4]
        boxes = boxes[:, :, None]
    names = [str(name) for name in arrays["camera_names"]]
    if boxes.ndim != 4 or boxes.shape[0] != len(names) or boxes.shape[3] != 4:
        raise InputError(f"its boxes {boxes.shape} do not fit {len(names)} cameras", path=path)
    numbers = arrays.get("frames", np.arange(boxes.shape[1]))
    return {
        name: {int(number): of_frame for number, of_frame in zip(numbers, of_view, strict=True)}
        for name, of_view in zip(names, boxes, strict=True)
    }


def _from_json(path: Path, view_names: Sequence[str]) -> dict[str, dict[int, Array]]:
    document = detection_json.read_json(path)
    if detection_json.is_coco_document(document):
        places = {}
        if len({image.get("recording") for image in document["images"] if isinstance(image, dict)}) > 1:
            raise InputError("holds several recordings", path=path, hint="give the file of one of them")
        for image in document["images"]:
            if len(view_names) == 1 and isinstance(image, dict):
                image = {"camera": view_names[0], **image}
            camera, number = coco_place(image, view_names, path)
            places[image["id"]] = (camera, number)
        return _gathered(document.get("annotations", []), places, view_names, path)
    if not isinstance(document, list) or len(view_names) != 1:
        hint = "give a COCO document whose images lie in folders named like the views"
        raise InputError("does not tell which view its boxes belong to", path=path, hint=hint)
    numbers: set[Any] = {row.get("image_id") for row in document if isinstance(row, dict)}
    places: dict[Any, tuple[str, int]] = {number: (view_names[0], number) for number in numbers}
    return _gathered(document, places, view_names, path)


def _gathered(
    rows: list[Any], places: dict[Any, tuple[str, int]], view_names: Sequence[str], path: Path
) -> dict[str, dict[int, Array]]:
    found: dict[str, dict[int, list[Array]]] = {str(place[0]): {} for place in places.values()}
    for index, row in enumerate(rows):
        box = row.get("bbox") if isinstance(row, dict) else None
        numbers = isinstance(box, list) and len(box) == 4 and all(isinstance(each, int | float) for each in box)
        if not numbers or row.get("image_id") not in places:
            hint = "boxes are 'bbox' [x, y, width, height] with 'image_id'"
            raise InputError(f"entry {index} has no box, or an image that is not listed", path=path, hint=hint)
        if row.get("category_id", 1) != 1:  # COCO's person
            continue
        camera, number = places[row["image_id"]]
        if not isinstance(number, int):
            raise InputError(f"image_id {number!r} does not tell the frame", path=path, hint="add the COCO images")
        found[camera].setdefault(number, []).append(np.array(box, float))
    return {camera: {number: np.array(boxes) for number, boxes in view.items()} for camera, view in found.items()}
