"""A folder as Human3.6M's: videos by subject, action and camera, with 2D and 3D poses beside them.

`<S>/Videos/<action>.<camera>.mp4`; under `<S>/MyPoseFeatures/`: `D2_Positions/<action>.<camera>.npz` (`Pose` [P,T,2K]
px), `D3_Positions/<action>.npz` (`Pose` [P,T,3K] mm, in the Z-up world of the calibration, (z, x, y) of OpenSim's
ground), `D3_Positions_mono/<action>.<camera>.npz` (`Pose` [P,T,3K] mm, before the camera). Human3.6M keeps these in
CDF files, with 1 where persons P stand here, and its own 32 joints; here they are the labels' keypoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.calibration import write_calibration
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from .keypoint_npz import check_shared, save_arrays
from .recording import Recording
from .simspine_layout import action_names, has_images, in_z_up_world, moves, safe_name

_MM_PER_M = 1000.0
_USUAL_RATE = 50.0  # of Human3.6M; a recording of a single frame has no rate of its own


def write_h36m(folder: str | Path, recordings: Sequence[Recording], image_root: str | Path) -> list[Path]:
    """Write recordings into `folder`, which is made; images come from `image_root`. Gives the files.

    Each D2 archive also holds keypoint_names, keypoint_parents, frames, time, visibility [P,T,K], and its camera: K,
    distortion_model, distortion, size, and R [T,3,3], t [T,3] (m) of every frame for the Z-up world. Where no camera
    moves, `<action>.calibration.toml` holds the same cameras.

    Raises:
        InputError: OpenCV is not installed, a recording without images, an image that is missing or of another size,
            or no place to write.
    """
    written: list[Path] = []
    for recording, action in zip(recordings, action_names(recordings), strict=True):
        check_shared(recording)
        if not has_images(recording):
            raise InputError(f"recording '{recording.name}' has no images to make videos of", hint="render it first")
        written += _write_recording(Path(folder) / safe_name(recording.subject), recording, action, Path(image_root))
    return written


def _write_recording(folder: Path, recording: Recording, action: str, root: Path) -> list[Path]:
    poses = folder / "MyPoseFeatures"
    places = {name: poses / name for name in ("D2_Positions", "D3_Positions", "D3_Positions_mono")}
    for place in (folder / "Videos", *places.values()):
        place.mkdir(parents=True, exist_ok=True)
    people, first = recording.people, recording.people[0]
    named = {
        "keypoint_names": np.array(first.keypoint_names),
        "keypoint_parents": np.array(first.keypoint_parents, np.int64),
        "frames": np.asarray(first.frames),
        "time": first.time,
    }
    world = in_z_up_world(np.stack([person.points_world for person in people]))
    written = [_save(places["D3_Positions"] / f"{action}.npz", named | {"Pose": _rows(world * _MM_PER_M)})]
    if not moves(first).any():
        written.append(folder / f"{action}.calibration.toml")
        write_calibration(written[-1], first.cameras, world="pose2sim")
    for view, camera in enumerate(first.cameras):
        name = f"{action}.{safe_name(camera.name)}"
        own = {
            "K": np.asarray(camera.K, float),
            "distortion_model": np.array(camera.distortion_model),
            "distortion": np.asarray(camera.distortion, float),
            "size": np.array(camera.size),
            "R": in_z_up_world(first.camera_rotations[view]),
            "t": first.camera_translations[view],
            "visibility": np.stack([person.visibility[view] for person in people]),
        }
        pixels = np.stack([person.points_2d[view] for person in people])
        before = np.stack([person.points_camera[view] for person in people])
        written.append(_save(places["D2_Positions"] / f"{name}.npz", named | own | {"Pose": _rows(pixels)}))
        mono = named | {"Pose": _rows(before * _MM_PER_M)}
        written.append(_save(places["D3_Positions_mono"] / f"{name}.npz", mono))
        images = [root / image for image in recording.image_names[view]]
        written.append(folder / "Videos" / f"{name}.mp4")
        write_video(written[-1], images, recording.rate or _USUAL_RATE)
    return written


def write_video(path: Path, images: Sequence[Path], rate: float) -> None:
    """Images of one size as an MPEG-4 video, `rate` frames a second; the same images give the same bytes.

    Raises:
        InputError: OpenCV is not installed or cannot write videos; an image is missing or of another size.
    """
    cv2 = _library()
    size: tuple[int, int] | None = None
    with atomic_path(path) as temporary:
        writer = None
        try:
            for image in images:
                pixels = cv2.imread(str(image), cv2.IMREAD_COLOR)
                if pixels is None:
                    raise InputError("the image cannot be read", path=image, hint="render it first")
                own = (pixels.shape[1], pixels.shape[0])
                if writer is None:
                    size = own
                    writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"mp4v"), rate, own)
                    if not writer.isOpened():
                        raise InputError("OpenCV cannot write videos here", path=path, hint="choose another format")
                if own != size:
                    raise InputError(f"is {own} px, others of the video are {size}", path=image)
                writer.write(pixels)
        finally:
            if writer is not None:
                writer.release()


def _rows(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """[P, T, K, D] -> [P, T, K D]"""
    return points.reshape(*points.shape[:2], -1)


def _save(path: Path, arrays: dict[str, Any]) -> Path:
    save_arrays(path, arrays)
    return path


def _library() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise InputError(
            "videos need the library OpenCV", hint="install it: pip install opencv-python-headless"
        ) from error
    return cv2
