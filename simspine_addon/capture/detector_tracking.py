"""Keep each person's place in the list from one frame of a view to the next, by how much their boxes overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .onnx_boxes import overlap

Array = NDArray[np.float64]

LEAST_OVERLAP = 0.2
"""Intersection over union below which two boxes are not the same person: at 25 frames a second even a sprinter's boxes
share more."""
PATIENCE_FRAMES = 50
"""How long a person who is not found keeps the place, and the box last seen: 1 to 2 seconds."""


class PersonTracker:
    """Gives every box of a frame a place below `most`: that of the person of an earlier frame, else the lowest that is
    free, else that of whoever has been gone longest."""

    def __init__(self, most: int, least_overlap: float = LEAST_OVERLAP, patience: int = PATIENCE_FRAMES) -> None:
        self._least, self._patience = least_overlap, patience
        self._boxes = np.zeros((most, 4))  # x0 y0 x1 y1, the last seen at each place
        self._absent = np.full(most, patience + 1, dtype=np.int64)  # frames since

    def places(self, boxes: Array) -> NDArray[np.int64]:
        """A place for each of `boxes` [P, 4] (x, y, width, height px) of the next frame, each its own; P <= most."""
        from scipy.optimize import linear_sum_assignment

        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
        self._absent += 1
        alive = np.flatnonzero(self._absent <= self._patience)
        shared = overlap(corners, self._boxes[alive])
        result = np.full(len(boxes), -1, dtype=np.int64)
        for box, index in zip(*linear_sum_assignment(-shared), strict=True):
            if shared[box, index] >= self._least:
                result[box] = alive[index]
        gone = np.minimum(self._absent, self._patience + 1)  # all who have lost their place are alike
        spare = [place for place in np.argsort(-gone, kind="stable") if place not in set(result.tolist())]
        strangers = np.flatnonzero(result < 0)
        result[strangers] = spare[: len(strangers)]
        self._boxes[result], self._absent[result] = corners, 0
        return result
