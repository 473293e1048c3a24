"""OpenSim's ground (Y up, Z right) to Blender's world (Z up): `(x, y, z)_blender = (x, -z, y)_opensim`.

This is the one place where the axes change. A body's own frame stays OpenSim's; only where it stands in the world is
turned, so a vertex in body coordinates is used as the model's documents give it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BLENDER_FROM_OPENSIM: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
BLENDER_FROM_OPENSIM.setflags(write=False)


def points_to_blender(points: Array) -> Array:
    """Points or directions [..., 3] of OpenSim's ground in Blender's world."""
    return np.asarray(points, dtype=np.float64) @ BLENDER_FROM_OPENSIM.T


def points_to_opensim(points: Array) -> Array:
    """Points or directions [..., 3] of Blender's world in OpenSim's ground."""
    return np.asarray(points, dtype=np.float64) @ BLENDER_FROM_OPENSIM


def frames_to_blender(positions: Array, rotations: Array) -> Array:
    """Frames [..., 4, 4] in Blender's world, of `positions` [..., 3] and `rotations` [..., 3, 3] in ground."""
    frames = np.zeros((*np.shape(positions)[:-1], 4, 4))
    frames[..., :3, :3] = BLENDER_FROM_OPENSIM @ rotations
    frames[..., :3, 3] = points_to_blender(positions)
    frames[..., 3, 3] = 1.0
    return frames


def frames_to_opensim(frames: Array) -> tuple[Array, Array]:
    """Positions [..., 3] and rotations [..., 3, 3] in OpenSim's ground of `frames` [..., 4, 4] in Blender's world."""
    return points_to_opensim(frames[..., :3, 3]), BLENDER_FROM_OPENSIM.T @ frames[..., :3, :3]
