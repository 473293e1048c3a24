"""A body whose parts are displaced rigidly by height, as the rib cage is by a curve of the spine within it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Displacement:
    """Where the places of a body go: at `heights` [N] m along its y axis (rising) as `transforms` [N, 4, 4] say.

    Between two heights a point goes to the mean of where the two would take it, by nearness; below the first and above
    the last height the whole body goes as there.
    """

    heights: Array
    transforms: Array

    def points(self, points: Array) -> Array:
        """Where points [..., 3] m of the body go."""
        points = np.asarray(points, dtype=float)
        below, share = self._between(points[..., 1])
        return (1.0 - share)[..., None] * self._moved(below, points) + share[..., None] * self._moved(below + 1, points)

    def vertices(self, vertices: Array, transform: Array, scale: Array) -> Array:
        """Where the vertices [V, 3] of a mesh on the body go, in the mesh's own coordinates as they came.

        Args:
            vertices: as its file has them.
            transform: [4, 4] from scaled vertices into the body.
            scale: [3].
        """
        turn, place = transform[:3, :3], transform[:3, 3]
        return ((self.points(vertices * scale @ turn.T + place) - place) @ turn) / scale

    def at(self, point: Array) -> Array:
        """The displacement [4, 4] of a rigid thing whose middle is at a point [3] m."""
        below, share = self._between(np.asarray(point, dtype=float)[1])
        low, high = self.transforms[int(below), :3, :3], self.transforms[int(below) + 1, :3, :3]
        # the rotation that is nearest to the mean of two: for a few degrees the same as going from one to the other
        left, _, right = np.linalg.svd((1.0 - share) * low + share * high)
        placed = np.eye(4)
        placed[:3, :3] = left @ right
        placed[:3, 3] = self.points(point) - placed[:3, :3] @ point
        return placed

    def _between(self, height: Array) -> tuple[NDArray[np.int64], Array]:
        below = np.clip(np.searchsorted(self.heights, height, side="right") - 1, 0, len(self.heights) - 2)
        span = self.heights[below + 1] - self.heights[below]
        return below, np.clip((height - self.heights[below]) / span, 0.0, 1.0)

    def _moved(self, index: NDArray[np.int64], points: Array) -> Array:
        rotation, translation = self.transforms[index, :3, :3], self.transforms[index, :3, 3]
        return np.einsum("...ij,...j->...i", rotation, points) + translation
