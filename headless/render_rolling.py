"""Cameras that read an image row after row: labels of the moment in which each point's own row is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..exporters.labels import Labels, bounding_box, image_points
from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.capture.rolling_shutter import POSES, RollingShutter, points_as_read
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.spine.keypoints import keypoint_positions
from .render_config import DatasetConfig
from .render_people import PreparedPerson
from .render_recording import RecordingInputs
from .render_scene import Keyed

Array = NDArray[np.float64]


def rolling_of(inputs: RecordingInputs) -> RollingShutter | None:
    """The shutter of a recording's cameras, if it rolls: rows are open for the variety's share of a frame's time."""
    clock, times = inputs.config.clock, inputs.clock_time
    if clock.rolling_ms == 0.0 or len(times) < 2:
        return None
    return RollingShutter(clock.rolling_ms / 1000.0, inputs.variety.shutter * float(np.median(np.diff(times))))


def keypoints_as_keyed(prepared: PreparedPerson, keyed: Keyed) -> Array:
    """The person's keypoints in every keyed pose of every row, [T, POSES, 37, 3] m in ground."""
    track = keyed[0]
    if prepared.avatar is None:
        points = keypoint_positions(prepared.model, track, prepared.placement)
    else:
        points = replace(prepared.avatar, track=track).points()
    return points.reshape(-1, POSES, *points.shape[1:])


def labels_as_read(
    labels: Labels, shutter: RollingShutter, points: Array, outline: Callable[[int, int], Array]
) -> Labels:
    """The labels of images that are read row after row.

    `points_2d`, `points_camera`, `inside` and `boxes` become those of the moments in which each point's own row is
    read; points in the world stay those of the image's time.

    Args:
        labels: of the image's time.
        shutter: of all its cameras.
        points: keypoints [T, POSES, K, 3] (m, ground) at the shutter's `pose_times`, NaN where missing.
        outline: points [N, 3] (m, ground) that bound the person in a frame of the labels and one of its poses.
    """
    before, seen, inside, boxes = (np.array(each) for each in (
        labels.points_camera, labels.points_2d, labels.inside, labels.boxes
    ))  # fmt: skip
    for frame in range(points.shape[0]):
        around = np.stack([outline(frame, pose) for pose in range(POSES)])
        for view, camera in enumerate(labels.cameras):
            R, t = labels.camera_rotations[view, frame], labels.camera_translations[view, frame]
            standing = replace(camera, R=np.eye(3), t=np.zeros(3))
            before[view, frame] = points_as_read(camera, shutter, points[frame] @ R.T + t)
            seen[view, frame], inside[view, frame] = image_points(standing, before[view, frame])
            boxes[view, frame] = bounding_box(standing, points_as_read(camera, shutter, around @ R.T + t))
    return replace(labels, points_camera=before, points_2d=seen, inside=inside, boxes=boxes)


def check_rolling_lenses(config: DatasetConfig, cameras: Sequence[Camera], resampled: Sequence[bool]) -> None:
    """Refuse lenses that are bent by resampling a wider image, whose rows are not those of the image.

    Raises:
        InputError: such a lens.
    """
    for camera, is_resampled in zip(cameras, resampled, strict=True):
        if is_resampled:
            error = InputError(
                f"'rolling_shutter_ms': the lens of '{camera.name}' can only be bent after rendering on this device",
                hint="render on the CPU, or leave the distortion out",
            )
            raise config.located(error, "cameras.rolling_shutter_ms", "cameras")
