"""Read 2D detections from files: OpenPose, MMPose and COCO JSON, `labels.npz` of a render, and our own `.npz`."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from . import detection_json
from .camera import Camera
from .detection_json import SeenFrames, SeenPerson
from .detection_layouts import layout_names
from .detections import Detections, make_detections
from .view_names import match_cameras, name_key

Array = NDArray[np.float64]

MOST_FRAMES = 2_000_000
_ARCHIVES = ("detections.npz", "labels.npz")  # of `simspine detect` and `simspine render`


def read_detections(path: str | Path, cameras: Sequence[Camera], rate: float | None = None) -> Detections:
    """The detections of a recording, with one view for each of `cameras`, in their order.

    `path` is what `simspine detect` wrote (its folder, or `detections.npz`), a folder with one folder of JSON a
    camera (a file each frame, OpenPose or MMPose; Pose2Sim's `pose/cam01_json/`), a folder with one JSON a camera
    (MMPose's predictions of a video, COCO results), a COCO document whose images name their camera and frame (alone,
    or beside a list of results), or `labels.npz` of `simspine render` or its folder. Cameras are known by name,
    however it is written (`cam_01` is `cam01_json`); if no name fits, by alphabetical order, with a warning. A camera
    without files is there, with nothing seen, and a warning. `rate` replaces the files' own.

    Raises:
        InputError: nothing there that could be read, or what is wrong with it.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("does not exist", path=path, hint="give the folder of the detections")
    found = _read_archive(path, cameras) if path.suffix == ".npz" else _read_folder_or_json(path, cameras)
    if not (found.scores > 0).any():
        raise InputError("holds no keypoint in any view", path=path, hint="did the detector see the person?")
    silent = ~(found.scores > 0).any(axis=(0, 2, 3))
    if silent.any():
        names = ", ".join(name for name, empty in zip(found.camera_names, silent, strict=True) if empty)
        found = replace(found, warnings=(*found.warnings, f"nothing is detected in {names}"))
    return found if rate is None else found.at_rate(rate)


def _read_archive(path: Path, cameras: Sequence[Camera]) -> Detections:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"is no archive of arrays ({error})", path=path) from error
    own = "points" in arrays
    needed = ("camera_names", "keypoint_names", "time", *(("points", "scores") if own else ("points_2d",)))
    missing = [key for key in needed if key not in arrays]
    if missing:
        hint = "give labels.npz of `simspine render`, or what `simspine detect` wrote"
        raise InputError(f"has no {', '.join(missing)}", path=path, hint=hint)
    names = [str(name) for name in arrays["camera_names"]]
    if own:
        points, scores, boxes = arrays["points"], arrays["scores"], arrays.get("boxes")
    else:
        points = np.moveaxis(arrays["points_2d"], 0, 2).swapaxes(0, 1)  # [P, V, T, ...] as [T, V, P, ...]
        inside = arrays.get("inside")
        shown = np.isfinite(points).all(axis=-1)
        scores = (shown if inside is None else shown & np.moveaxis(inside, 0, 2).swapaxes(0, 1)).astype(float)
        boxes = np.moveaxis(arrays["boxes"], 0, 2).swapaxes(0, 1) if "boxes" in arrays else None
    time = np.asarray(arrays["time"], float)
    rate = float(arrays["rate"]) if "rate" in arrays else _rate(time)
    keypoints = [str(name) for name in arrays["keypoint_names"]]
    found = make_detections(
        points, np.nan_to_num(scores), camera_names=names, keypoint_names=keypoints, time=time, rate=rate, boxes=boxes,
        path=path,
    )  # fmt: skip
    return in_camera_order(found, cameras, path)


def in_camera_order(detections: Detections, cameras: Sequence[Camera], path: Path) -> Detections:
    """The same detections with a view for each of `cameras`, known by name; `path` stands in what is said of them.

    Raises:
        InputError: views that fit no camera.
    """
    wanted = [camera.name for camera in cameras]
    order, warnings = match_cameras(detections.camera_names, wanted, path)
    return replace(
        detections,
        camera_names=tuple(wanted),
        points=_in_order(detections.points, order),
        scores=np.nan_to_num(_in_order(detections.scores, order)),
        boxes=_in_order(detections.boxes, order),
        warnings=(*detections.warnings, *warnings),
        path=path,
    )


def _rate(time: Array) -> float:
    return float(1.0 / np.median(np.diff(time))) if len(time) > 1 else 0.0


def _in_order(array: Array, order: list[int | None]) -> Array:
    """Views in the cameras' order; NaN (which counts as unseen) for one that has none."""
    result = np.full((len(array), len(order), *array.shape[2:]), np.nan)
    for view, source in enumerate(order):
        if source is not None:
            result[:, view] = array[:, source]
    return result


def _read_folder_or_json(path: Path, cameras: Sequence[Camera]) -> Detections:
    if path.is_file():
        found = _from_files([path], cameras, path)
    elif archives := [path / name for name in _ARCHIVES if (path / name).exists()]:
        return replace(_read_archive(archives[0], cameras), path=path)
    else:
        folder = path / "pose" if (path / "pose").is_dir() else path  # a project of Pose2Sim
        inner = sorted(each for each in folder.iterdir() if each.is_dir() and any(each.glob("*.json")))
        files = sorted(folder.glob("*.json"))
        if inner:
            found = {each.name: _frames_of_folder(each) for each in inner}
        elif files:
            found = _from_files(files, cameras, path)
        else:
            hint = "give a folder with a folder of JSON files for each camera, or one JSON a camera"
            raise InputError("holds no detections", path=path, hint=hint)
    return _assembled(found, cameras, path)


def _frames_of_folder(folder: Path) -> SeenFrames:
    """One camera's folder with a file each frame."""
    seen = SeenFrames()
    for index, file in enumerate(sorted(folder.glob("*.json"))):
        document = detection_json.read_json(file)
        number = detection_json.frame_number(file.name)
        number = index if number is None else number
        if number in seen.people:
            raise InputError(f"there are two files for frame {number}", path=file, hint="keep one of them")
        if detection_json.is_openpose(document):
            seen.people[number] = detection_json.openpose_people(document, file)
        elif detection_json.is_mmpose(document) or document == []:
            frame = detection_json.mmpose_frames(document, file, number)
            seen.people[number] = [person for each in frame.people.values() for person in each]
            seen.names = seen.names or frame.names
        else:
            raise InputError("is neither OpenPose's nor MMPose's layout", path=file)
    return seen


def _from_files(files: list[Path], cameras: Sequence[Camera], path: Path) -> dict[str, SeenFrames]:
    """One JSON a camera, or a COCO document of all cameras (with or without results beside it)."""
    documents = {file: detection_json.read_json(file) for file in files}
    tables = [file for file, document in documents.items() if detection_json.is_coco_document(document)]
    if len(tables) > 1:
        raise InputError(f"{tables[0].name} and {tables[1].name} both list images", path=path, hint="keep one")
    if tables:
        results = [file for file in files if file != tables[0]]
        return _from_coco(tables[0], documents[tables[0]], {file: documents[file] for file in results}, cameras)
    return {file.stem: _frames_of_file(file, document) for file, document in documents.items()}


def _frames_of_file(file: Path, document: Any) -> SeenFrames:
    if detection_json.is_mmpose(document):
        return detection_json.mmpose_frames(document, file)
    if document == []:
        return SeenFrames()
    if not detection_json.is_coco_results(document):
        raise InputError("is neither MMPose's predictions nor COCO results", path=file)
    seen = SeenFrames()
    for image, person in detection_json.coco_rows(document, file):
        number = image if isinstance(image, int) else detection_json.frame_number(str(image))
        if number is None:
            raise InputError(f"image_id {image!r} does not tell the frame", path=file, hint="add the COCO images")
        seen.people.setdefault(number, []).append(person)
    return seen


def _from_coco(
    table: Path, document: dict[str, Any], results: dict[Path, Any], cameras: Sequence[Camera]
) -> dict[str, SeenFrames]:
    places: dict[Any, tuple[str, int]] = {}
    camera_names = [camera.name for camera in cameras]
    found: dict[str, SeenFrames] = {}
    names = detection_json.coco_names(document)
    images = [image for image in document["images"] if isinstance(image, dict)]
    recordings = {str(image["recording"]) for image in images if "recording" in image}
    if len(recordings) > 1:
        hint = "give the file of one of them, in annotations/"
        listed = ", ".join(sorted(recordings)[:3])
        raise InputError(f"holds {len(recordings)} recordings ({listed}, ...)", path=table, hint=hint)
    for image in document["images"]:
        camera, number = coco_place(image, camera_names, table)
        places[image["id"]] = (camera, number)
        found.setdefault(camera, SeenFrames(names=names)).people.setdefault(number, [])
    for file, rows in results.items() or [(table, document)]:
        for image, person in detection_json.coco_rows(rows, file):
            if image not in places:
                raise InputError(f"image_id {image!r} is none of the images of {table.name}", path=file)
            camera, number = places[image]
            found[camera].people[number].append(person)
    return found


def coco_place(image: Any, camera_names: Sequence[str], path: Path) -> tuple[str, int]:
    """The camera and the frame number of one of a COCO document's images: by its fields, folder and file name.

    Raises:
        InputError: an image that does not tell.
    """
    if not isinstance(image, dict) or "id" not in image:
        raise InputError("an image has no 'id'", path=path)
    known = {name_key(name): name for name in camera_names}
    file_name = str(image.get("file_name", ""))
    folders = [known[name_key(part)] for part in Path(file_name).parts[:-1] if name_key(part) in known]
    camera = image.get("camera") or (folders[-1] if folders else None)
    number = image.get("frame", detection_json.frame_number(file_name))
    if camera is None or not isinstance(number, int):
        problem = f"image {image['id']} ({file_name!r}) does not tell its camera and frame"
        raise InputError(problem, path=path, hint="put the images of each camera into a folder of its name")
    return str(camera), number


def _assembled(found: dict[str, SeenFrames], cameras: Sequence[Camera], path: Path) -> Detections:
    order, warnings = match_cameras(list(found), [camera.name for camera in cameras], path)
    views = [SeenFrames() if index is None else list(found.values())[index] for index in order]
    numbers = [number for seen in views for number in seen.people]
    if not numbers:
        raise InputError("holds no frame in any view", path=path, hint="did the detector run?")
    first, last = min(numbers), max(numbers)
    if last - first >= MOST_FRAMES:
        raise InputError(f"frame numbers reach from {first} to {last}", path=path, hint="are they frame numbers?")
    everyone = [person for seen in views for each in seen.people.values() for person in each]
    count = _keypoint_count(everyone, path)
    people = max((len(each) for seen in views for each in seen.people.values()), default=0)
    shape = (last - first + 1, len(views), max(people, 1), count)
    points, scores, boxes = np.full((*shape, 2), np.nan), np.zeros(shape), np.full((*shape[:3], 4), np.nan)
    for view, seen in enumerate(views):
        for number, persons in seen.people.items():
            for index, person in enumerate(persons):
                _put(points, scores, boxes, (number - first, view, index), person)
    stated = {seen.names for seen in views if seen.names is not None and len(seen.names) == count}
    names = stated.pop() if len(stated) == 1 else layout_names(count)
    if names[0] == "Point_00":
        warnings += (f"no known detector gives {count} keypoints: they are named {names[0]} to {names[-1]}",)
    warnings += _frame_warnings(views, [camera.name for camera in cameras])
    return make_detections(
        points, scores, camera_names=[camera.name for camera in cameras], keypoint_names=_in_our_spelling(names),
        boxes=boxes, warnings=warnings, path=path,
    )  # fmt: skip


def _put(points: Array, scores: Array, boxes: Array, place: tuple[int, int, int], person: SeenPerson) -> None:
    # (0, 0) is what OpenPose and COCO write where nothing was found
    absent = (person.points == 0.0).all(axis=1)
    points[place] = np.where(absent[:, None], np.nan, person.points)
    scores[place] = np.where(absent, 0.0, person.scores)
    if person.box is not None and len(person.box) == 4:
        boxes[place] = person.box


def _keypoint_count(people: list[SeenPerson], path: Path) -> int:
    counts = {len(person.points) for person in people}
    if not counts:
        raise InputError("holds no person in any view", path=path, hint="did the detector see anybody?")
    if len(counts) > 1:
        raise InputError(f"people have {' and '.join(map(str, sorted(counts)))} keypoints", path=path,
                         hint="use one detector for all views")  # fmt: skip
    return counts.pop()


def _frame_warnings(views: list[SeenFrames], names: list[str]) -> tuple[str, ...]:
    spans = {(min(seen.people), max(seen.people)) for seen in views if seen.people}
    if len(spans) < 2:
        return ()
    each = ", ".join(
        f"{name} {min(seen.people)}-{max(seen.people)}" for name, seen in zip(names, views, strict=True) if seen.people
    )
    return (f"the views do not have the same frames ({each}); a frame that a view lacks counts as unseen there",)


def _in_our_spelling(names: Sequence[str]) -> tuple[str, ...]:
    """`left_big_toe` becomes `LBigToe`; other spellings stay."""
    result = []
    for name in names:
        words = name.split("_")
        side = {"left": "L", "right": "R"}.get(words[0])
        plain = all(word.islower() for word in words if word)
        is_body = plain and (side is not None or len(words) == 1)
        result.append((side or "") + "".join(word.capitalize() for word in words[side is not None :]) if is_body
                      else name)  # fmt: skip
    return tuple(result) if len(set(result)) == len(result) else tuple(names)
