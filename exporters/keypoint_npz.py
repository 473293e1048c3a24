"""The label file of a recording: everything that is known about its people and cameras, as one NumPy archive."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from .label_anatomy import pack_anatomy, unpack_anatomy
from .labels import Labels, Occlusion
from .recording import Recording

Arrays = dict[str, NDArray]

LAYOUT = 2  # 1 had one person, without an axis for it, and neither lens nor moving cameras


def write_labels(path: str | Path, recording: Recording) -> None:
    """Write a recording as `.npz`: P people, V views, T frames, K keypoints; metres, radians, seconds, pixels; float64.

    Of the recording: name, subject, action, rate, model_file, placement, variety (JSON text), image_names [V,T],
    keypoint_names [K], keypoint_parents [K], frames [T] (rows of the motion), time [T]; camera_names [V], K [V,3,3],
    R [V,3,3], t [V,3], size [V,2], distortion_model [V], distortion [V,D] with distortion_count [V] of them in use,
    camera_rotations [V,T,3,3], camera_translations [V,T,3].

    Of every person, in leading axis P: person_names, points_2d [P,V,T,K,2], points_world [P,T,K,3], points_camera
    [P,V,T,K,3], inside and visibility [P,V,T,K], boxes [P,V,T,4] (x y width height). Where they are known, with
    `has_...` [P] for whom: points_world_model [P,T,K,3]; hidden_by, depth_under_skin, facing [P,V,T,K] (occlusion);
    masks [P,V,T] (COCO's compressed RLE); and the anatomy, see `label_anatomy`.

    Raises:
        InputError: nobody in the recording, people who do not share cameras, frames and keypoints, no place to write.
    """
    save_arrays(path, _arrays(recording, Path(path)))


def save_arrays(path: str | Path, arrays: Mapping[str, NDArray]) -> None:
    """Write arrays as a compressed `.npz`; equal arrays give equal bytes, however they lie in memory.

    Raises:
        InputError: there is no place to write.
    """
    ordered = {name: np.asarray(values, order="C") for name, values in arrays.items()}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **ordered)


def read_labels(path: str | Path) -> Recording:
    """The recording that `write_labels` wrote, bit for bit (of `variety`, tuples come back as lists).

    Raises:
        InputError: no such file, no archive of ours, or an array is missing.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"is no label file ({error})", path=path, hint="was it cut off while written?") from error
    if int(arrays.get("layout", np.array(0))) != LAYOUT:
        raise InputError("is no label file of this version", path=path, hint="render the data set again")
    try:
        return _recording(arrays)
    except KeyError as error:
        raise InputError(f"has no array {error}", path=path, hint="render the data set again") from error


def check_shared(recording: Recording, path: Path | None = None) -> None:
    """Raises InputError where the people of a recording do not share cameras, frames, times and keypoints."""
    if not recording.people:
        raise InputError(f"recording '{recording.name}' has nobody in it", path=path)
    first = recording.people[0]
    for person in recording.people[1:]:
        same = (
            person.keypoint_names == first.keypoint_names
            and [camera.name for camera in person.cameras] == [camera.name for camera in first.cameras]
            and all(
                np.array_equal(getattr(person, name), getattr(first, name))
                for name in ("frames", "time", "camera_rotations", "camera_translations")
            )
        )
        if not same:
            problem = f"'{person.person}' and '{first.person}' do not share cameras, frames and keypoints"
            raise InputError(f"recording '{recording.name}': {problem}", path=path)
    views, count = first.boxes.shape[:2]
    if len(recording.image_names) != views or any(len(names) not in (0, count) for names in recording.image_names):
        raise InputError(f"recording '{recording.name}': its image names are not [{views}][{count}]", path=path)


def _arrays(recording: Recording, path: Path) -> Arrays:
    check_shared(recording, path)
    people, first = recording.people, recording.people[0]
    arrays: Arrays = {
        "layout": np.array(LAYOUT),
        **{name: np.array(getattr(recording, name)) for name in _TEXTS},
        "rate": np.array(recording.rate, np.float64),
        "variety": np.array(json.dumps(dict(recording.variety), allow_nan=False)),
        "image_names": np.array(recording.image_names, np.str_),
        "keypoint_names": np.array(first.keypoint_names),
        "keypoint_parents": np.array(first.keypoint_parents, np.int64),
        "frames": np.asarray(first.frames, np.int64),
        "time": first.time,
        **_camera_arrays(first.cameras),
        "camera_rotations": first.camera_rotations,
        "camera_translations": first.camera_translations,
        "person_names": np.array([person.person for person in people]),
        **{name: np.stack([getattr(person, name) for person in people]) for name in _OF_PERSON},
        **_optional(people, "points_world_model", lambda person: person.points_world_model),
    }
    for name in _OF_OCCLUSION:
        arrays |= _optional(
            people, name, lambda person, name=name: person.occlusion and getattr(person.occlusion, name), "occlusion"
        )
    masks = [None if person.masks is None else np.array(person.masks, np.bytes_) for person in people]
    width = max((each.dtype.itemsize for each in masks if each is not None), default=1)
    padded = iter([None if each is None else each.astype(f"S{width}") for each in masks])
    return arrays | _optional(people, "masks", lambda _: next(padded)) | pack_anatomy(people)


_TEXTS = ("name", "subject", "action", "model_file", "placement")
_OF_PERSON = ("points_2d", "points_world", "points_camera", "inside", "visibility", "boxes")
_OF_OCCLUSION = ("hidden_by", "depth_under_skin", "facing")


def _camera_arrays(cameras: Sequence[Camera]) -> Arrays:
    longest = max(camera.distortion.size for camera in cameras)
    return {
        "camera_names": np.array([camera.name for camera in cameras]),
        "K": np.stack([camera.K for camera in cameras]).astype(float),
        "R": np.stack([camera.R for camera in cameras]).astype(float),
        "t": np.stack([camera.t for camera in cameras]).astype(float),
        "size": np.array([camera.size for camera in cameras], np.int64),
        "distortion_model": np.array([camera.distortion_model for camera in cameras]),
        "distortion": np.array([np.pad(each.distortion, (0, longest - each.distortion.size)) for each in cameras]),
        "distortion_count": np.array([camera.distortion.size for camera in cameras], np.int64),
    }


def _optional(
    people: Sequence[Labels], name: str, value: Callable[[Labels], NDArray | None], group: str | None = None
) -> Arrays:
    """`name` [P, ...] and `has_<group>` [P]; nothing where nobody has it. Who has none gets zeros."""
    values = [value(person) for person in people]
    known = [each for each in values if each is not None]
    if not known:
        return {}
    filled = [np.zeros_like(known[0]) if each is None else each for each in values]
    return {name: np.stack(filled), f"has_{group or name}": np.array([each is not None for each in values])}


def _recording(arrays: Mapping[str, NDArray]) -> Recording:
    cameras = _cameras(arrays)
    anatomies = unpack_anatomy(arrays)
    shared = Labels(
        keypoint_names=tuple(map(str, arrays["keypoint_names"])),
        keypoint_parents=tuple(map(int, arrays["keypoint_parents"])),
        cameras=cameras,
        frames=arrays["frames"],
        time=arrays["time"],
        camera_rotations=arrays["camera_rotations"],
        camera_translations=arrays["camera_translations"],
        **{name: arrays[name][0] for name in _OF_PERSON if name != "visibility"},
    )
    people = []
    for index, name in enumerate(arrays["person_names"]):
        own = {each: arrays[each][index] for each in _OF_PERSON if each != "visibility"}
        masks = arrays["masks"][index] if _has(arrays, "masks", index) else None
        people.append(
            replace(
                shared,
                **own,
                points_world_model=arrays["points_world_model"][index]
                if _has(arrays, "points_world_model", index)
                else None,
                occlusion=Occlusion(**{each: arrays[each][index] for each in _OF_OCCLUSION})
                if _has(arrays, "occlusion", index)
                else None,
                anatomy=anatomies[index],
                masks=None if masks is None else tuple(tuple(rle.decode() for rle in view) for view in masks.tolist()),
                person=str(name),
            )
        )
    return Recording(
        **{name: str(arrays[name]) for name in _TEXTS},
        people=tuple(people),
        image_names=tuple(tuple(view) for view in arrays["image_names"].tolist()),
        rate=float(arrays["rate"]),
        variety=json.loads(str(arrays["variety"])),
    )


def _has(arrays: Mapping[str, NDArray], group: str, index: int) -> bool:
    return f"has_{group}" in arrays and bool(arrays[f"has_{group}"][index])


def _cameras(arrays: Mapping[str, NDArray]) -> tuple[Camera, ...]:
    return tuple(
        Camera(
            name=str(name),
            size=(int(arrays["size"][view][0]), int(arrays["size"][view][1])),
            K=arrays["K"][view],
            R=arrays["R"][view],
            t=arrays["t"][view],
            distortion_model=str(arrays["distortion_model"][view]),  # type: ignore[arg-type]
            distortion=arrays["distortion"][view, : int(arrays["distortion_count"][view])],
        )
        for view, name in enumerate(arrays["camera_names"])
    )
