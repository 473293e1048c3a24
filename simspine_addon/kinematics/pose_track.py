"""PoseTrack: global transforms of every body and frame, the one thing that scene, retargeting and exporters take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PoseTrack:
    """Bodies in topological order (a parent stands before its children), in OpenSim's ground (Y up), metres.

    `centres` is where a bone's head goes: the joint's frame on the child body, as a fixed point of that body;
    its place in ground at frame t is `positions[t] + rotations[t] @ centres`.
    """

    time: Array  # [T] s
    names: tuple[str, ...]  # [B]
    parents: NDArray[np.int64]  # [B], -1 for ground
    positions: Array  # [T, B, 3] body origins
    rotations: Array  # [T, B, 3, 3] body frames
    centres: Array  # [B, 3] joint centre in the body's own frame
    rest_positions: Array  # [B, 3] body origins at the default pose
    rest_rotations: Array  # [B, 3, 3]

    @property
    def joint_centres(self) -> Array:
        """Joint centres in ground, [T, B, 3] m."""
        return self.positions + np.einsum("tbij,bj->tbi", self.rotations, self.centres)

    @property
    def rest_joint_centres(self) -> Array:
        """Joint centres in ground at the default pose, [B, 3] m."""
        return self.rest_positions + np.einsum("bij,bj->bi", self.rest_rotations, self.centres)

    @property
    def rate(self) -> float:
        """Frames per second, from the median time step; 0 for fewer than two frames."""
        return float(1.0 / np.median(np.diff(self.time))) if len(self.time) > 1 else 0.0
