"""Cut the picture of one person out of an image, as top-down pose networks want it, and bring points back.

All points are in OpenCV's convention, the centre of the top-left pixel being (0, 0), in the image and in the network's
input alike. The middle of the box comes to (W / 2, H / 2) of the input (as in MMPose's TopdownAffine), with one scale
for both axes; the box is widened to the input's shape first, and then padded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError

Array = NDArray[np.float64]

USUAL_PADDING = 1.25
"""How much more than the box a network sees: RTMPose's and SpinePose's inference."""
_LEAST_SIDE_PX = 1.0


def crop_transforms(boxes: Array, size: tuple[int, int], padding: float = USUAL_PADDING) -> Array:
    """Affine maps [N, 2, 3] from image points to points of an input of `size` (width, height).

    Args:
        boxes: x, y, width, height in px, [N, 4], edges in OpenCV's convention.

    Raises:
        InputError: the padding is not positive.
    """
    if not (np.isfinite(padding) and padding > 0):
        raise InputError(f"the padding {padding:g} is not positive", hint="1.25 is usual")
    boxes = np.asarray(boxes, float).reshape(-1, 4)
    center = boxes[:, :2] + boxes[:, 2:] / 2
    aspect = size[0] / size[1]
    width = np.maximum(np.maximum(boxes[:, 2], boxes[:, 3] * aspect), _LEAST_SIDE_PX) * padding
    scale = size[0] / width
    maps = np.zeros((len(boxes), 2, 3))
    maps[:, 0, 0] = maps[:, 1, 1] = scale
    maps[:, :, 2] = np.array(size) / 2 - scale[:, None] * center
    return maps


def to_image(maps: Array, points: Array) -> Array:
    """Points of the inputs [N, K, 2] where they lie in the image."""
    scale = maps[:, 0, 0][:, None, None]
    return (points - maps[:, None, :, 2]) / scale


def cut_out(image: NDArray[np.uint8], transform: Array, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The image [h, w, 3] through one map [2, 3], bilinear, black beyond its edges: [H, W, 3]."""
    import cv2

    return cv2.warpAffine(image, transform, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)  # type: ignore[return-value]
