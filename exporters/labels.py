"""Labels of rendered images, from arrays: keypoints in pixels, in the world and before each camera, and boxes.

Nothing here asks Blender anything: the same pose track that animates the scene is projected through the same
cameras and lenses, in float64. Image points follow OpenCV (the centre of the top-left pixel is (0, 0)), so an image
covers -0.5 <= u < W - 0.5 and -0.5 <= v < H - 0.5; the world is OpenSim's ground (Y up, metres).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.capture.projection import inside_image, project
from ..simspine_addon.scene.visibility_layers import HIDDEN_BY_OBJECT as HIDDEN_BY_OBJECT
from ..simspine_addon.scene.visibility_layers import HIDDEN_BY_PERSON as HIDDEN_BY_PERSON
from ..simspine_addon.scene.visibility_layers import HIDDEN_BY_SELF as HIDDEN_BY_SELF
from ..simspine_addon.scene.visibility_layers import SEEN as SEEN

Array = NDArray[np.float64]

LABELLED_INSIDE = 2  # COCO's v: 2 labelled and visible, 1 labelled and hidden, 0 not labelled
LABELLED_HIDDEN = 1
NOT_LABELLED = 0
HIDDEN_REASONS = ("", "self", "object", "other person")  # by the codes of `Occlusion.hidden_by`
NEAREST_DEPTH_M = 0.01  # nearer than this a point does not count as in front of the camera


@dataclass(frozen=True, slots=True)
class Occlusion:
    """What stands between each camera and each keypoint; a point counts as seen if the ray to it enters at most one
    layer of skin, its own person's, and nothing else before (see `scene/visibility.py`).

    Clothes count as the skin that they are worn over.
    """

    hidden_by: NDArray[np.uint8]  # [V, T, K] SEEN or why not: the first thing on the ray that hides it
    depth_under_skin: Array  # [V, T, K] m along the ray from where it last enters the person's own skin; NaN if never
    facing: Array  # [V, T, K] cosine between that skin's normal and the direction to the camera; NaN if never


@dataclass(frozen=True, slots=True)
class Anatomy:
    """The person's joint angles and spine in every frame."""

    axis_names: tuple[str, ...]  # [A] the 62 kinematic axes, or those that the model has
    axes: Array  # [T, A] rad and m
    vertebra_names: tuple[str, ...]  # [B]
    vertebra_rotations: Array  # [T, B, 3, 3] in ground
    vertebra_positions: Array  # [T, B, 3] m, the joint below each
    lumbar_lordosis: Array  # [T] rad, L1-S1
    thoracic_kyphosis: Array  # [T] rad, T3-T12; NaN where the model has none


@dataclass(frozen=True, slots=True)
class Labels:
    """Everything that is known about V views of T frames with K keypoints.

    `points_2d` is in px and not clipped: NaN where the model has no such keypoint or it lies behind the camera.
    `boxes` is (x, y, width, height) in px of whatever is seen, cut to the image, NaN where nothing is.
    Where an avatar is seen, the points are its own, and `points_world_model` has the model's beside them.
    Of cameras that read an image row after row, `points_camera`, `points_2d` and `boxes` are of the moments in which
    each point's own row is read (`capture/rolling_shutter.py`), and `points_world` is of the image's time.
    """

    keypoint_names: tuple[str, ...]  # [K]
    keypoint_parents: tuple[int, ...]  # [K], -1 for the root
    cameras: tuple[Camera, ...]  # [V]; where one moves, its pose in the first frame
    frames: NDArray[np.int64]  # [T] rows of the motion, 0-based
    time: Array  # [T] s
    points_world: Array  # [T, K, 3] m
    points_camera: Array  # [V, T, K, 3] m
    points_2d: Array  # [V, T, K, 2] px
    inside: NDArray[np.bool_]  # [V, T, K] in front of the camera and within the image
    boxes: Array  # [V, T, 4] px
    camera_rotations: Array  # [V, T, 3, 3] R of each image: constant unless the camera is carried about
    camera_translations: Array  # [V, T, 3] t of each image, m
    points_world_model: Array | None = None  # [T, K, 3] m
    occlusion: Occlusion | None = None
    anatomy: Anatomy | None = None
    masks: tuple[tuple[str, ...], ...] | None = None  # [V][T] COCO's compressed RLE of the person's visible pixels
    person: str = "person"

    @property
    def visibility(self) -> NDArray[np.uint8]:
        """COCO's v, [V, T, K]: 0 outside the image; 2 seen, 1 hidden where occlusion was evaluated, else 2."""
        if self.occlusion is None:
            return np.where(self.inside, LABELLED_INSIDE, NOT_LABELLED).astype(np.uint8)
        seen = np.where(self.occlusion.hidden_by == SEEN, LABELLED_INSIDE, LABELLED_HIDDEN)
        return np.where(self.inside, seen, NOT_LABELLED).astype(np.uint8)


def make_labels(
    cameras: Sequence[Camera],
    keypoint_names: Sequence[str],
    keypoint_parents: Sequence[int],
    points_world: Array,
    frames: NDArray[np.int64],
    time: Array,
    outline: Callable[[int], Array] | None = None,
    points_world_model: Array | None = None,
    camera_poses: tuple[Array, Array] | None = None,
) -> Labels:
    """Project keypoints [T, K, 3] (m, OpenSim ground, NaN where missing) through cameras and their lenses.

    `outline(i)` gives the points [N, 3] whose projections bound the person in the i-th frame (the vertices of
    what is rendered); without it the boxes are those of the keypoints. `points_world_model` [T, K, 3] are the
    model's keypoints, where those that are labelled are an avatar's. `camera_poses` are R [V, T, 3, 3] and
    t [V, T, 3] of every image, where cameras move.
    """
    points_world = np.asarray(points_world, float)
    views, count = len(cameras), len(points_world)
    if camera_poses is None:
        rotations = np.stack([np.broadcast_to(np.asarray(camera.R, float), (count, 3, 3)) for camera in cameras])
        translations = np.stack([np.broadcast_to(np.asarray(camera.t, float), (count, 3)) for camera in cameras])
    else:
        rotations, translations = (np.asarray(poses, float) for poses in camera_poses)
    before = np.einsum("vtij,tkj->vtki", rotations, points_world) + translations[:, :, None]
    seen = [image_points(camera, before[view]) for view, camera in enumerate(cameras)]
    if outline is None:
        boxes = np.stack([_boxes(camera, seen[view][0]) for view, camera in enumerate(cameras)])
    else:
        boxes = np.full((views, count, 4), np.nan)
        for frame in range(count):
            points = np.asarray(outline(frame), float)
            for view, camera in enumerate(cameras):
                in_camera = points @ rotations[view, frame].T + translations[view, frame]
                boxes[view, frame] = _boxes(camera, image_points(camera, in_camera)[0])
    return Labels(
        keypoint_names=tuple(keypoint_names),
        keypoint_parents=tuple(int(parent) for parent in keypoint_parents),
        cameras=tuple(cameras),
        frames=np.asarray(frames, np.int64),
        time=np.asarray(time, float),
        points_world=points_world,
        points_camera=before,
        points_2d=np.stack([view[0] for view in seen]),
        inside=np.stack([view[1] for view in seen]),
        boxes=boxes,
        camera_rotations=rotations,
        camera_translations=translations,
        points_world_model=None if points_world_model is None else np.asarray(points_world_model, float),
    )


def bounding_box(camera: Camera, points: Array) -> Array:
    """(x, y, width, height) in px of the projections of `points` [N, 3], cut to the image; NaN if nothing is left.

    Points behind the camera are left out. The box is cut to the centres of the outermost pixels, [0, W - 1] and
    [0, H - 1], so that no reader of COCO files meets a negative corner.
    """
    return _boxes(camera, image_points(camera, np.asarray(points, float) @ camera.R.T + camera.t)[0])


def image_points(camera: Camera, before: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Image points [..., 2] (px, NaN behind) of points before the camera [..., 3] (m), and whether inside [...]."""
    standing = replace(camera, R=np.eye(3), t=np.zeros(3))
    with np.errstate(invalid="ignore"):
        in_front = before[..., 2] > NEAREST_DEPTH_M
    pixels, _ = project(standing, np.where(in_front[..., None], before, np.nan))
    return pixels, in_front & inside_image(camera, pixels)


def _boxes(camera: Camera, pixels: Array) -> Array:
    """Boxes [..., 4] of image points [..., N, 2] (NaN where there is none), cut to the image."""
    limit = np.array(camera.size, float) - 1
    known = np.isfinite(pixels).all(axis=-1, keepdims=True)
    low = np.where(known, pixels, np.inf).min(axis=-2, initial=np.inf)
    high = np.where(known, pixels, -np.inf).max(axis=-2, initial=-np.inf)
    shown = ((high >= 0) & (low <= limit)).all(axis=-1, keepdims=True)  # false as well where there was no point
    low, high = np.clip(low, 0, limit), np.clip(high, 0, limit)
    return np.where(shown, np.concatenate([low, high - low], axis=-1), np.nan)
