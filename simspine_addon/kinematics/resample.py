"""Motions and pose tracks at other times: joints stay joined, rotations follow the shortest arc."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from .pose_track import PoseTrack
from .quaternions import matrices_from_quaternions, quaternions_from_matrices, slerp

if TYPE_CHECKING:
    from ..model.types import Motion

Array = NDArray[np.float64]


def uniform_times(time: Array, fps: float) -> Array:
    """Times [N] s at `fps` from `time[0]` to the last one that lies inside `time`.

    Raises:
        InputError: `fps` is not a positive number.
    """
    if not (np.isfinite(fps) and fps > 0.0):
        raise InputError(f"a frame rate of {fps} is not possible", hint="give a positive number of frames per second")
    # The tolerance (1e-6 frames) keeps the last sample when the duration is a whole number of frames.
    count = int(np.floor((time[-1] - time[0]) * fps + 1e-6)) + 1
    return time[0] + np.arange(count) / fps


def resample(track: PoseTrack, fps: float) -> PoseTrack:
    """`track` at a constant `fps`, from its first time on. See `resample_at`."""
    return resample_at(track, uniform_times(track.time, fps))


def resample_at(track: PoseTrack, times: Array) -> PoseTrack:
    """`track` at `times` [N] s, which lie inside the track's own.

    Each body is interpolated against its parent: the rotation on the shortest arc at constant speed (slerp), its
    joint centre along a straight line in the parent's frame. So what is joined stays joined, which interpolating
    global positions would not do.

    Raises:
        InputError: a time lies outside of the track.
    """
    times = np.asarray(times, dtype=np.float64)
    before, fraction = _brackets(track.time, times)
    centres = track.joint_centres
    positions = np.empty((len(times), len(track.names), 3))
    rotations = np.empty((len(times), len(track.names), 3, 3))
    for body, parent in enumerate(track.parents):
        local_rotation, local_centre = _relative_to_parent(track, centres, body, int(parent))
        quaternions = quaternions_from_matrices(local_rotation)
        after = np.minimum(before + 1, len(track.time) - 1)
        rotation = matrices_from_quaternions(slerp(quaternions[before], quaternions[after], fraction))
        centre = local_centre[before] + fraction[:, None] * (local_centre[after] - local_centre[before])
        if parent >= 0:
            centre = positions[:, parent] + np.einsum("tij,tj->ti", rotations[:, parent], centre)
            rotation = rotations[:, parent] @ rotation
        rotations[:, body] = rotation
        positions[:, body] = centre - rotation @ track.centres[body]
    return replace(track, time=times, positions=positions, rotations=rotations)


def resample_motion(motion: Motion, times: Array) -> Motion:
    """`motion` at `times` [N] s, each coordinate along straight lines between its samples.

    Raises:
        InputError: a time lies outside of the motion.
    """
    times = np.asarray(times, dtype=np.float64)
    before, fraction = _brackets(motion.time, times)
    after = np.minimum(before + 1, len(motion.time) - 1)
    values = motion.values[before] + fraction[:, None] * (motion.values[after] - motion.values[before])
    return replace(motion, time=times, values=values)


def _relative_to_parent(track: PoseTrack, centres: Array, body: int, parent: int) -> tuple[Array, Array]:
    """Rotation [T, 3, 3] and joint centre [T, 3] of `body` in its parent's frame (or in ground)."""
    if parent < 0:
        return track.rotations[:, body], centres[:, body]
    to_parent = np.swapaxes(track.rotations[:, parent], -1, -2)
    offset = centres[:, body] - track.positions[:, parent]
    return to_parent @ track.rotations[:, body], np.einsum("tij,tj->ti", to_parent, offset)


def _brackets(time: Array, times: Array) -> tuple[NDArray[np.int64], Array]:
    """For each of `times` the sample before it and how far it lies towards the next one, 0 to 1."""
    slack = 1e-9 * max(1.0, float(np.abs(time).max()))
    if len(times) and (times.min() < time[0] - slack or times.max() > time[-1] + slack):
        raise InputError(
            f"times from {times.min():.6g} to {times.max():.6g} s are not all inside {time[0]:.6g} to {time[-1]:.6g} s",
            hint="ask for times that the motion covers",
        )
    before = np.clip(np.searchsorted(time, times, side="right") - 1, 0, max(len(time) - 2, 0))
    if len(time) < 2:
        return before, np.zeros(len(times))
    fraction = (times - time[before]) / (time[before + 1] - time[before])
    return before, np.clip(fraction, 0.0, 1.0)
