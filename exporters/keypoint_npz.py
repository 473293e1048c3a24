"""Labels as one NumPy archive: every view and frame as dense arrays, nothing clipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..simspine_addon.model.atomic import atomic_path
from .labels import Labels


def write_keypoint_npz(path: str | Path, labels: Labels) -> None:
    """Write `labels.npz`: V views, T frames, K keypoints; metres, seconds, pixels; float64.

    keypoint_names [K], keypoint_parents [K], camera_names [V], frames [T] (rows of the motion), time [T],
    points_2d [V,T,K,2], points_world [T,K,3], points_camera [V,T,K,3], inside [V,T,K], visibility [V,T,K],
    boxes [V,T,4] (x y width height), K [V,3,3], R [V,3,3], t [V,3], size [V,2] (width, height); where an avatar is
    seen, also points_world_model [T,K,3].
    """
    cameras = labels.cameras
    arrays = {
        "keypoint_names": np.array(labels.keypoint_names),
        "keypoint_parents": np.array(labels.keypoint_parents, np.int64),
        "camera_names": np.array([camera.name for camera in cameras]),
        "frames": labels.frames,
        "time": labels.time,
        "points_2d": labels.points_2d,
        "points_world": labels.points_world,
        "points_camera": labels.points_camera,
        "inside": labels.inside,
        "visibility": labels.visibility,
        "boxes": labels.boxes,
        "K": np.stack([camera.K for camera in cameras]).astype(float),
        "R": np.stack([camera.R for camera in cameras]).astype(float),
        "t": np.stack([camera.t for camera in cameras]).astype(float),
        "size": np.array([camera.size for camera in cameras], np.int64),
    }
    if labels.points_world_model is not None:
        arrays["points_world_model"] = labels.points_world_model
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
