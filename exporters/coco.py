"""Labels as a COCO keypoint file, with the 3D points beside the 2D ones; several people and recordings in one file.

The file is an ordinary COCO keypoint annotation. What it holds besides: `cameras` (calibration with lens) and, for
each image, `recording`, `subject`, `action`, `camera`, `camera_id`, `frame`, `time` (and `R`, `t` where the camera
moves); for each annotation `person`, `keypoints_3d_world` and `keypoints_3d_camera` (a triple each, metres, null where
the model has no such keypoint; where an avatar is seen, `keypoints_3d_world_model` too, the model's own), and where
they are known `hidden_by` (a place in `hidden_by_names` of `info`), `depth_under_skin`, `facing`, `lumbar_lordosis`
and `thoracic_kyphosis` (rad).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from .keypoint_npz import check_shared
from .labels import HIDDEN_REASONS, Labels
from .masks import unpack_counts
from .recording import Recording
from .simspine_layout import image_name, moves

PIXEL_DECIMALS = 6
METRE_DECIMALS = 8
_COSINE_DECIMALS = 5

Document = dict[str, Any]


def coco_document(recordings: Recording | Sequence[Recording], description: str = "") -> Document:
    """The COCO document of recordings; ids count from 1, cameras from 0.

    Every person has an annotation in every image in which something of them is seen.

    Raises:
        InputError: no recording, or recordings with other keypoints than the first.
    """
    recordings = (recordings,) if isinstance(recordings, Recording) else tuple(recordings)
    if not recordings:
        raise InputError("there is no recording to write")
    info = {"description": description, "version": "1.0", "hidden_by_names": list(HIDDEN_REASONS)}
    document: Document = {
        "info": info,
        "licenses": [],
        "categories": [_category(recordings[0].people[0])],
        "cameras": [],
        "images": [],
        "annotations": [],
    }
    for recording in recordings:
        check_shared(recording)
        if _category(recording.people[0]) != document["categories"][0]:
            raise InputError(f"recording '{recording.name}' has other keypoints", hint="give it a file of its own")
        _add_recording(document, recording)
    return document


def write_coco(path: str | Path, recordings: Recording | Sequence[Recording], description: str = "") -> None:
    """Write `coco_document` as JSON (no NaN in it: missing 3D points are null, unlabelled 2D points 0 0 0).

    Raises:
        InputError: see `coco_document`; or no place to write.
    """
    _write(path, coco_document(recordings, description))


def merge_coco(path: str | Path, parts: Sequence[str | Path]) -> None:
    """One COCO file of many, with new ids; cameras that several parts share are there once.

    Raises:
        InputError: a part is no COCO file of ours, has other keypoints than the first, or an image that another
            part has too.
    """
    if not parts:
        raise InputError("there is no COCO file to merge", path=path)
    whole: Document = {}
    for part in map(Path, parts):
        document = _read(part)
        if not whole:
            whole = {**document, "cameras": [], "images": [], "annotations": []}
        elif document["categories"] != whole["categories"]:
            raise InputError(f"has other keypoints than {parts[0]}", path=part, hint="keep them in separate files")
        _append(whole, document)
    names = [image["file_name"] for image in whole["images"]]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"the image {twice} is in two of the merged files", path=path, hint="leave one of them out")
    _write(path, whole)


def _append(whole: Document, part: Document) -> None:
    cameras = {_without_id(camera): camera["id"] for camera in whole["cameras"]}
    camera_ids = {}
    for camera in part["cameras"]:
        key = _without_id(camera)
        if key not in cameras:
            cameras[key] = len(whole["cameras"])
            whole["cameras"].append({**camera, "id": cameras[key]})
        camera_ids[camera["id"]] = cameras[key]
    image_ids = {}
    for image in part["images"]:
        image_ids[image["id"]] = len(whole["images"]) + 1
        camera = camera_ids[image["camera_id"]]
        whole["images"].append({**image, "id": image_ids[image["id"]], "camera_id": camera})
    for annotation in part["annotations"]:
        identity = len(whole["annotations"]) + 1
        whole["annotations"].append({**annotation, "id": identity, "image_id": image_ids[annotation["image_id"]]})


def _without_id(camera: Document) -> str:
    return json.dumps({key: value for key, value in camera.items() if key != "id"}, sort_keys=True)


def _read(path: Path) -> Document:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", path=path) from error
    except json.JSONDecodeError as error:
        raise InputError(f"is not valid JSON ({error.msg})", path=path, line=error.lineno) from error
    keys = ("images", "annotations", "categories", "cameras")
    if not isinstance(document, dict) or not all(isinstance(document.get(key), list) for key in keys):
        raise InputError(f"is no COCO file of ours with {', '.join(keys)}", path=path)
    return document


def _write(path: str | Path, document: Document) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        # dumps and not dump: the encoder that works in pieces is many times slower
        file.write(json.dumps(document, allow_nan=False, separators=(",", ":")) + "\n")


def _add_recording(document: Document, recording: Recording) -> None:
    first = recording.people[0]
    first_camera = len(document["cameras"])
    moving = moves(first)
    for view, camera in enumerate(first.cameras):
        own = {"id": first_camera + view, "recording": recording.name, "subject": recording.subject}
        document["cameras"].append(own | camera_fields(camera) | ({"moves": True} if moving[view] else {}))
    visibilities = [person.visibility for person in recording.people]
    for view, camera in enumerate(first.cameras):
        for index in range(len(first.frames)):
            identity = len(document["images"]) + 1
            image = {
                "id": identity,
                "file_name": image_name(recording, view, index),
                "width": camera.size[0],
                "height": camera.size[1],
                "recording": recording.name,
                "subject": recording.subject,
                "action": recording.action,
                "camera": camera.name,
                "camera_id": first_camera + view,
                "frame": int(first.frames[index]),
                "time": float(first.time[index]),
            }
            if moving[view]:
                image["R"] = first.camera_rotations[view, index].tolist()
                image["t"] = first.camera_translations[view, index].tolist()
            document["images"].append(image)
            for number, person in enumerate(recording.people):
                if np.isfinite(person.boxes[view, index]).all():
                    label = annotation_fields(person, visibilities[number], view, index)
                    ids = {"id": len(document["annotations"]) + 1, "image_id": identity, "person_index": number}
                    document["annotations"].append(ids | label)


def _category(labels: Labels) -> Document:
    edges = [[parent + 1, child + 1] for child, parent in enumerate(labels.keypoint_parents) if parent >= 0]
    return {
        "id": 1,
        "name": "person",
        "supercategory": "person",
        "keypoints": list(labels.keypoint_names),
        "skeleton": edges,  # COCO counts keypoints from 1
    }


def camera_fields(camera: Camera) -> Document:
    """A camera as plain data, every number so that it reads back the same; the pose of the first frame if it moves."""
    return {
        "name": camera.name,
        "size": list(camera.size),
        "K": np.asarray(camera.K, float).tolist(),
        "R": np.asarray(camera.R, float).tolist(),
        "t": np.asarray(camera.t, float).tolist(),
        "distortion_model": camera.distortion_model,
        "distortion": np.asarray(camera.distortion, float).tolist(),
    }


def annotation_fields(person: Labels, visibility: NDArray[np.uint8], view: int, index: int) -> Document:
    """COCO's annotation of a person in one image, without ids; `visibility` [V, T, K] is the person's."""
    seen = visibility[view, index]
    pixels = np.where(seen[:, None] > 0, person.points_2d[view, index], 0.0)
    box = [max(number, 0.0) for number in person.boxes[view, index].round(PIXEL_DECIMALS).tolist()]
    fields: Document = {
        "category_id": 1,
        "iscrowd": 0,
        "person": person.person,
        "bbox": box,
        "area": round(box[2] * box[3], 3),
        "num_keypoints": int((seen > 0).sum()),
        "keypoints": _flat(np.column_stack([pixels.round(PIXEL_DECIMALS), seen]).tolist()),
        "keypoints_3d_world": _triples(person.points_world[index]),
        "keypoints_3d_camera": _triples(person.points_camera[view, index]),
    }
    if person.points_world_model is not None:
        fields["keypoints_3d_world_model"] = _triples(person.points_world_model[index])
    if person.masks is not None:
        width, height = person.cameras[view].size
        fields["segmentation"] = {"size": [height, width], "counts": person.masks[view][index]}
        fields["area"] = mask_area(person.masks[view][index])
    if person.occlusion is not None:
        fields["hidden_by"] = person.occlusion.hidden_by[view, index].tolist()
        fields["depth_under_skin"] = _numbers(person.occlusion.depth_under_skin[view, index], METRE_DECIMALS)
        fields["facing"] = _numbers(person.occlusion.facing[view, index], _COSINE_DECIMALS)
    if person.anatomy is not None:
        for name in ("lumbar_lordosis", "thoracic_kyphosis"):
            fields[name] = _numbers(getattr(person.anatomy, name)[index : index + 1], METRE_DECIMALS)[0]
    return fields


def mask_area(counts: str) -> int:
    """Pixels inside a mask of COCO's compressed run lengths: the sum of every second run."""
    return int(unpack_counts(counts)[1::2].sum())


def _flat(rows: Iterable[Sequence[float]]) -> list[float]:
    return [number for u, v, flag in rows for number in (u, v, int(flag))]


def _numbers(values: NDArray[np.float64], decimals: int) -> list[float | None]:
    return [number if number == number else None for number in values.round(decimals).tolist()]


def _triples(points: NDArray[np.float64]) -> list[list[float] | None]:
    return [row if row[0] == row[0] else None for row in points.round(METRE_DECIMALS).tolist()]
