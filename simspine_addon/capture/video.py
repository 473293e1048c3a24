"""Pictures of a recording, one view after another: from video files, or from folders of images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from .detection_json import frame_number

VIDEO_ENDINGS = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".mts", ".wmv")
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
_IMAGE_FOLDER = "images"  # of a rendered data set, which holds other things beside


@dataclass(frozen=True, slots=True)
class View:
    """A camera's pictures: a video, or images in order. `numbers` are the frames; for a video the container's count,
    which can be off, and `rate` is 0 where nothing tells it."""

    name: str
    path: Path
    size: tuple[int, int]  # width, height in px, as it is shown
    numbers: tuple[int, ...]  # [T]
    rate: float
    rotation_deg: int  # that a video's player has to turn it by, and that is done here
    images: tuple[Path, ...] = ()  # [T], empty for a video

    def frames(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Each frame's number and picture, [height, width, 3] BGR; a video may end before its count or go beyond it.

        Raises:
            InputError: a picture that cannot be read, or that is of another size.
        """
        return self._of_images() if self.images else self._of_video()

    def _of_images(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        for number, path in zip(self.numbers, self.images, strict=True):
            picture = read_image(path)
            _check_size(picture, self.size, path)
            yield number, picture

    def _of_video(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        video = _opened(self.path)
        try:
            number = 0
            while True:
                there, picture = video.read()
                if not there:
                    return
                _check_size(picture, self.size, self.path)
                yield number, _three_channels(picture)
                number += 1
        finally:
            video.release()


def find_views(path: str | Path) -> tuple[View, ...]:
    """The views of a recording.

    `path` is a video; a folder of images (one view); a folder of videos, one a camera, named by the file; a folder
    with a folder of images for each camera; or a rendered data set, whose `images/` is such a folder.

    Raises:
        InputError: nothing there to read; a video that is broken; folders and videos mixed.
    """
    path = Path(path)
    if path.is_file():
        return (_video(path),)
    if not path.is_dir():
        raise InputError("does not exist", path=path, hint="give a video, or a folder of videos or images")
    if (path / _IMAGE_FOLDER).is_dir() and not _with_ending(path, VIDEO_ENDINGS):
        path = path / _IMAGE_FOLDER
    videos, images = _with_ending(path, VIDEO_ENDINGS), _with_ending(path, IMAGE_ENDINGS)
    folders = [each for each in sorted(path.iterdir()) if each.is_dir() and _with_ending(each, IMAGE_ENDINGS)]
    if sum(map(bool, (videos, images, folders))) > 1:
        kinds = ((videos, "videos"), (images, "images"), (folders, "folders of images"))
        held = " and ".join(text for each, text in kinds if each)
        raise InputError(f"holds {held}", path=path, hint="keep one kind, a video or folder for each view")
    views = [_video(each) for each in videos] or [_folder(each) for each in folders]
    if not views and images:
        views = [_folder(path)]
    if not views:
        deeper = sorted(each.name for each in path.iterdir() if each.is_dir() and any(map(Path.is_dir, each.iterdir())))
        hint = f"give one recording, such as {path / deeper[0]}" if deeper else "such as *.mp4 or *.png"
        raise InputError("holds neither videos nor images", path=path, hint=hint)
    names = [view.name for view in views]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"holds two videos of the name {twice!r}", path=path, hint="name each like its camera")
    return tuple(views)


def read_image(path: Path) -> NDArray[np.uint8]:
    """[height, width, 3] BGR, turned as its EXIF data says.

    Raises:
        InputError: it is no image.
    """
    picture = _opencv().imread(str(path), _opencv().IMREAD_COLOR)
    if picture is None:
        raise InputError("cannot be read as an image", path=path, hint="was it cut off while written?")
    return picture


def _folder(folder: Path) -> View:
    images = _with_ending(folder, IMAGE_ENDINGS)
    stated = [frame_number(each.name) for each in images]
    numbers = [number for number in stated if number is not None]
    if len(set(numbers)) < len(images):  # some have none, or two are alike: then by the order of their names
        numbers = list(range(len(images)))
    order = np.argsort(numbers, kind="stable")
    height, width = read_image(images[order[0]]).shape[:2]
    return View(
        folder.name, folder, (width, height), tuple(numbers[i] for i in order), 0.0, 0, tuple(images[i] for i in order)
    )


def _video(path: Path) -> View:
    cv2, video = _opencv(), _opened(path)
    try:
        count, rate = video.get(cv2.CAP_PROP_FRAME_COUNT), video.get(cv2.CAP_PROP_FPS)
        turned = int(video.get(cv2.CAP_PROP_ORIENTATION_META)) % 360
        there, picture = video.read()
    finally:
        video.release()
    if not there:
        raise InputError("no frame of it can be read", path=path, hint="is it whole, and of a kind that OpenCV knows?")
    rate = float(rate) if np.isfinite(rate) and 0 < rate < 1e4 else 0.0
    count = max(int(count), 1) if np.isfinite(count) else 1
    return View(path.stem, path, (picture.shape[1], picture.shape[0]), tuple(range(count)), rate, turned)


def _opened(path: Path) -> Any:
    cv2 = _opencv()
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # one line of ours says it
    try:
        video = cv2.VideoCapture(str(path))
    finally:
        cv2.utils.logging.setLogLevel(level)
    if not video.isOpened():
        raise InputError("is no video that OpenCV can open", path=path, hint="convert it to H.264 in .mp4")
    video.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return video


def _opencv() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise InputError("the OpenCV library is not installed", hint="install opencv-python-headless") from error
    return cv2


def _with_ending(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    return sorted(
        each for each in folder.iterdir()
        if each.is_file() and each.suffix.lower() in endings and not each.name.startswith(".")
    )  # fmt: skip


def _three_channels(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)


def _check_size(picture: NDArray[np.uint8], size: tuple[int, int], path: Path) -> None:
    if picture.shape[1::-1] != size:
        problem = f"is {picture.shape[1]} x {picture.shape[0]}, the first picture was {size[0]} x {size[1]}"
        raise InputError(problem, path=path, hint="a calibrated camera does not change its size")
