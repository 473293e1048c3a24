"""Parse the people that a detector's JSON tells of: OpenPose, MMPose and COCO, each into plain arrays."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SeenPerson:
    """Points [K, 2] px, scores [K], and the box (x, y, width, height) px or None."""

    points: Array
    scores: Array
    box: tuple[float, ...] | None = None


@dataclass(slots=True)
class SeenFrames:
    """What one camera's files tell: people by frame number, and keypoint names where the file has them.

    A frame without people is there with an empty list; one that is missing was not in the files.
    """

    people: dict[int, list[SeenPerson]] = field(default_factory=dict)
    names: tuple[str, ...] | None = None


def read_json(path: Path) -> Any:
    """The file's content.

    Raises:
        InputError: it cannot be read, or is no JSON; with the line.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", path=path) from error
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text", path=path, hint="it may be no JSON file") from error
    except json.JSONDecodeError as error:
        hint = "it is empty: run the detector again" if not path.stat().st_size else "was it cut off while written?"
        raise InputError(f"is not valid JSON ({error.msg})", path=path, line=error.lineno, hint=hint) from error
    except RecursionError as error:
        raise InputError("is nested too deeply to be detections", path=path) from error


def frame_number(name: str) -> int | None:
    """The last whole number of a file's name: 12 of `cam01_000000000012_keypoints.json`."""
    numbers = re.findall(r"\d+", Path(name).stem)
    return int(numbers[-1]) if numbers else None


def is_openpose(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("people"), list)


def openpose_people(document: dict[str, Any], path: Path) -> list[SeenPerson]:
    """The people of one OpenPose file: `people[].pose_keypoints_2d`, x y score each; (0, 0, 0) is unseen."""
    people = []
    for index, person in enumerate(document["people"]):
        where = f"person {index}"
        if not isinstance(person, dict) or "pose_keypoints_2d" not in person:
            raise InputError(f"{where} has no 'pose_keypoints_2d'", path=path, hint="is it OpenPose's layout?")
        people.append(_from_triples(person["pose_keypoints_2d"], f"{where}: 'pose_keypoints_2d'", path))
    return people


def is_mmpose(document: Any) -> bool:
    if isinstance(document, dict):
        return "instance_info" in document or "instances" in document
    first = document[0] if isinstance(document, list) and document else None
    return isinstance(first, dict) and ("instances" in first or "keypoint_scores" in first)


def mmpose_frames(document: Any, path: Path, frame: int = 0) -> SeenFrames:
    """MMPose's predictions of one camera: a video's `instance_info`, or one image's list of instances."""
    seen = SeenFrames()
    rows = document
    if isinstance(document, dict):
        seen.names = _mmpose_names(document.get("meta_info"))
        rows = document.get("instance_info", [document])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError("'instance_info' is not a list of frames", path=path)
    if rows and "instances" not in rows[0]:
        rows = [{"frame_id": frame, "instances": rows}]  # one image
    for index, row in enumerate(rows):
        number = row.get("frame_id", frame + index)
        if not isinstance(number, int) or not isinstance(row.get("instances"), list):
            raise InputError(f"entry {index} is no frame with 'frame_id' and 'instances'", path=path)
        where = f"frame {number}"
        seen.people[number] = [_mmpose_person(each, where, path) for each in row["instances"]]
    return seen


def _mmpose_names(meta: Any) -> tuple[str, ...] | None:
    table = meta.get("keypoint_id2name") if isinstance(meta, dict) else None
    if not isinstance(table, dict) or not table:
        return None
    try:
        return tuple(str(table[key]) for key in sorted(table, key=int))
    except ValueError:
        return None


def _mmpose_person(instance: Any, where: str, path: Path) -> SeenPerson:
    if not isinstance(instance, dict) or "keypoints" not in instance:
        raise InputError(f"{where}: an instance has no 'keypoints'", path=path)
    points = _numbers(instance["keypoints"], f"{where}: 'keypoints'", path)
    if points.ndim != 2 or points.shape[1] < 2:
        raise InputError(f"{where}: 'keypoints' {points.shape} are not [K][2]", path=path)
    scores = _numbers(instance.get("keypoint_scores", [1.0] * len(points)), f"{where}: 'keypoint_scores'", path)
    if scores.shape != (len(points),):
        raise InputError(f"{where}: {scores.size} scores for {len(points)} keypoints", path=path)
    box = instance.get("bbox")
    corners = _numbers(box, f"{where}: 'bbox'", path).ravel() if box is not None else np.zeros(0)
    extent = (*corners[:2], *(corners[2:4] - corners[:2])) if corners.size >= 4 else None
    return SeenPerson(points[:, :2], scores, extent)


def is_coco_results(document: Any) -> bool:
    first = document[0] if isinstance(document, list) and document else None
    return isinstance(first, dict) and "image_id" in first and "keypoints" in first


def is_coco_document(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("images"), list)


def coco_rows(document: Any, path: Path) -> list[tuple[Any, SeenPerson]]:
    """(image_id, person) of each COCO result or annotation; an annotation's v > 0 counts as score 1."""
    is_document = isinstance(document, dict)
    rows = document.get("annotations", []) if is_document else document
    found = []
    for index, row in enumerate(rows):
        if not isinstance(row, dict) or "image_id" not in row or "keypoints" not in row:
            raise InputError(f"entry {index} has no 'image_id' or no 'keypoints'", path=path)
        person = _from_triples(row["keypoints"], f"entry {index}: 'keypoints'", path)
        scores = (person.scores > 0).astype(float) if is_document else person.scores
        box = row.get("bbox")
        extent = tuple(_numbers(box, f"entry {index}: 'bbox'", path).ravel()[:4]) if box is not None else None
        found.append((row["image_id"], SeenPerson(person.points, scores, extent)))
    return found


def coco_names(document: dict[str, Any]) -> tuple[str, ...] | None:
    """Keypoint names of the document's first category that has them."""
    for category in document.get("categories", []):
        if isinstance(category, dict) and category.get("keypoints"):
            return tuple(str(name) for name in category["keypoints"])
    return None


def _from_triples(values: Any, where: str, path: Path) -> SeenPerson:
    numbers = _numbers(values, where, path).ravel()
    if numbers.size == 0 or numbers.size % 3:
        raise InputError(f"{where} has {numbers.size} numbers, not three for each keypoint", path=path)
    triples = numbers.reshape(-1, 3)
    return SeenPerson(triples[:, :2], triples[:, 2])


def _numbers(values: Any, where: str, path: Path) -> Array:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where} holds something that is no number", path=path) from error
