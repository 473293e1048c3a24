"""A BVH file as arrays: joints, offsets, channels and their values, and the poses that they mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.errors import InputError
from .euler import axis_rotations

Array = NDArray[np.float64]

_Y_UP: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # of Z up: (x, z, -y)


@dataclass(frozen=True, slots=True)
class BvhMotion:
    """Joints in the file's order (a parent stands before its children), lengths in the file's own unit, degrees.

    `channels` are a joint's, such as ("Xposition", "Zrotation"); `values` holds them all, joint after joint.
    """

    names: tuple[str, ...]  # [J]
    parents: NDArray[np.int64]  # [J], -1 for the root
    offsets: Array  # [J, 3]
    channels: tuple[tuple[str, ...], ...]  # [J]
    end_sites: tuple[tuple[int, Array], ...]  # joint and offset [3], in the file's order
    values: Array  # [T, C]
    frame_time: float  # s
    path: Path | None = None
    warnings: tuple[str, ...] = ()

    @property
    def time(self) -> Array:
        """Time of the frames, [T] s from 0."""
        return np.arange(len(self.values), dtype=np.float64) * self.frame_time

    def local_poses(self) -> tuple[Array, Array]:
        """Place [T, J, 3] and rotation [T, J, 3, 3] of every joint in its parent.

        Position channels stand for the joint's OFFSET and are not added to it; rotations follow each other in the
        order of their channels, each about the axes that the ones before it have turned.
        """
        frames, joints = len(self.values), len(self.names)
        places = np.broadcast_to(self.offsets, (frames, joints, 3)).copy()
        rotations = np.broadcast_to(np.eye(3), (frames, joints, 3, 3)).copy()
        column = 0
        for joint, channels in enumerate(self.channels):
            for channel in channels:
                axis, value = "XYZ".index(channel[0]), self.values[:, column]
                column += 1
                if channel.endswith("position"):
                    places[:, joint, axis] = value
                else:
                    rotations[:, joint] = rotations[:, joint] @ axis_rotations(np.radians(value), axis)
        return places, rotations

    def global_poses(self) -> tuple[Array, Array]:
        """Place [T, J, 3] (the file's unit) and rotation [T, J, 3, 3] of every joint in the file's world."""
        places, rotations = self.local_poses()
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                turned = rotations[:, parent]
                places[:, joint] = places[:, parent] + np.einsum("tij,tj->ti", turned, places[:, joint])
                rotations[:, joint] = turned @ rotations[:, joint]
        return places, rotations

    def rest_places(self) -> Array:
        """Place of every joint at rest, [J, 3] in the file's unit: its offsets added up."""
        places = self.offsets.copy()
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                places[joint] += places[parent]
        return places

    def pose_track(self, *, units_per_metre: float = 100.0, up: str = "Y") -> PoseTrack:
        """The motion as a PoseTrack (metres, Y up), a body for every joint, with ground's axes at rest.

        Raises:
            InputError: `up` is neither "Y" nor "Z", or the unit is not possible.
        """
        if up not in ("Y", "Z"):
            raise InputError(f"'{up}' is no choice for up", hint="choose one of Y, Z")
        if not (np.isfinite(units_per_metre) and units_per_metre > 0.0):
            raise InputError(f"{units_per_metre} units per metre are not possible", hint="give a positive number")
        turn = np.eye(3) if up == "Y" else _Y_UP
        places, rotations = self.global_poses()
        return PoseTrack(
            time=self.time,
            names=self.names,
            parents=self.parents,
            positions=places / units_per_metre @ turn.T,
            rotations=turn @ rotations @ turn.T,
            centres=np.zeros((len(self.names), 3)),
            rest_positions=self.rest_places() / units_per_metre @ turn.T,
            rest_rotations=np.broadcast_to(np.eye(3), (len(self.names), 3, 3)).copy(),
        )
