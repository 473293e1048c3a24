"""Labels of rendered images, from arrays: keypoints in pixels, in the world and before each camera, and boxes.

Nothing here asks Blender anything: the same pose track that animates the scene is projected through the same
cameras, in float64. Image points follow OpenCV (the centre of the top-left pixel is (0, 0)), so an image covers
-0.5 <= u < W - 0.5 and -0.5 <= v < H - 0.5; the world is OpenSim's ground (Y up, metres).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.camera import Camera

Array = NDArray[np.float64]

LABELLED_INSIDE = 2  # COCO's v: 2 labelled and visible; occlusion is not evaluated, so 1 never occurs
NOT_LABELLED = 0
NEAREST_DEPTH_M = 0.01  # nearer than this a point does not count as in front of the camera


@dataclass(frozen=True, slots=True)
class Labels:
    """Everything that is known about V views of T frames with K keypoints.

    `points_2d` is in px and not clipped: NaN where the model has no such keypoint or it lies behind the camera.
    `boxes` is (x, y, width, height) in px of whatever is seen, cut to the image, NaN where nothing is.
    Where an avatar is seen, the points are its own, and `points_world_model` has the model's beside them.
    """

    keypoint_names: tuple[str, ...]  # [K]
    keypoint_parents: tuple[int, ...]  # [K], -1 for the root
    cameras: tuple[Camera, ...]  # [V], without distortion
    frames: NDArray[np.int64]  # [T] rows of the motion, 0-based
    time: Array  # [T] s
    points_world: Array  # [T, K, 3] m
    points_camera: Array  # [V, T, K, 3] m
    points_2d: Array  # [V, T, K, 2] px
    inside: NDArray[np.bool_]  # [V, T, K] in front of the camera and within the image
    boxes: Array  # [V, T, 4] px
    points_world_model: Array | None = None  # [T, K, 3] m

    @property
    def visibility(self) -> NDArray[np.uint8]:
        """COCO's v, [V, T, K]: 2 inside the image, else 0."""
        return np.where(self.inside, LABELLED_INSIDE, NOT_LABELLED).astype(np.uint8)


def make_labels(
    cameras: Sequence[Camera],
    keypoint_names: Sequence[str],
    keypoint_parents: Sequence[int],
    points_world: Array,
    frames: NDArray[np.int64],
    time: Array,
    outline: Callable[[int], Array] | None = None,
    points_world_model: Array | None = None,
) -> Labels:
    """Project keypoints [T, K, 3] (m, OpenSim ground, NaN where missing) through distortion-free cameras.

    `outline(i)` gives the points [N, 3] whose projections bound the person in the i-th frame (the vertices of
    what is rendered); without it the boxes are those of the keypoints. `points_world_model` [T, K, 3] are the
    model's keypoints, where those that are labelled are an avatar's.
    """
    points_world = np.asarray(points_world, float)
    seen = [_view(camera, points_world) for camera in cameras]
    bounds = outline if outline is not None else points_world.__getitem__
    boxes = np.full((len(cameras), len(points_world), 4), np.nan)
    for frame in range(len(points_world)):
        points = np.asarray(bounds(frame), float)
        for view, camera in enumerate(cameras):
            boxes[view, frame] = bounding_box(camera, points)
    return Labels(
        keypoint_names=tuple(keypoint_names),
        keypoint_parents=tuple(int(parent) for parent in keypoint_parents),
        cameras=tuple(cameras),
        frames=np.asarray(frames, np.int64),
        time=np.asarray(time, float),
        points_world=points_world,
        points_camera=np.stack([view[0] for view in seen]),
        points_2d=np.stack([view[1] for view in seen]),
        inside=np.stack([view[2] for view in seen]),
        boxes=boxes,
        points_world_model=None if points_world_model is None else np.asarray(points_world_model, float),
    )


def bounding_box(camera: Camera, points: Array) -> Array:
    """(x, y, width, height) in px of the projections of `points` [N, 3], cut to the image; NaN if nothing is left.

    Points behind the camera are left out. The box is cut to the centres of the outermost pixels, [0, W - 1] and
    [0, H - 1], so that no reader of COCO files meets a negative corner.
    """
    _, pixels, _ = _view(camera, points)
    pixels = pixels[np.isfinite(pixels).all(axis=-1)]
    if not len(pixels):
        return np.full(4, np.nan)
    limit = np.array(camera.size, float) - 1
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    if (high < 0).any() or (low > limit).any():
        return np.full(4, np.nan)
    low, high = np.clip(low, 0, limit), np.clip(high, 0, limit)
    return np.concatenate([low, high - low])


def _view(camera: Camera, points: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Points before the camera [..., 3] (m), in the image [..., 2] (px, NaN behind), and whether inside [...]."""
    before = points @ camera.R.T + camera.t
    with np.errstate(invalid="ignore"):
        in_front = before[..., 2] > NEAREST_DEPTH_M
    depth = np.where(in_front, before[..., 2], np.nan)[..., None]
    pixels = before[..., :2] / depth * np.diag(camera.K)[:2] + camera.K[:2, 2]
    width, height = camera.size
    u, v = pixels[..., 0], pixels[..., 1]
    with np.errstate(invalid="ignore"):
        inside = in_front & (u >= -0.5) & (u < width - 0.5) & (v >= -0.5) & (v < height - 0.5)
    return before, pixels, inside
