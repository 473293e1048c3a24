"""Poses while a shutter is open, for motion blur in a scene whose frames are rows of a motion and not neighbours in it.

Row i of a render's poses stands on frame i + 1, whatever the next row is, so Blender must not look for the movement
between frames. Each row gets two more keys, a quarter of a frame before and after it, that hold the poses at which
the shutter opens and closes; the scene's own shutter is half a frame, and spans just these.
"""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..kinematics.resample import resample_at
from ..model.errors import InputError

Array = NDArray[np.float64]

KEY_OFFSET = 0.25  # frames of the scene between a row and its two further keys
SCENE_SHUTTER = 2.0 * KEY_OFFSET


def shutter_poses(track: PoseTrack, rows: NDArray[np.int64], shutter: float) -> tuple[PoseTrack, Array]:
    """The poses to key, and on which frames of the scene.

    Args:
        track: the whole motion.
        rows: to be rendered.
        shutter: the share of the time between two frames of the motion that the shutter is open, 0 to 1; it opens half
            of that before the row's time. Before the motion's start and after its end nothing moves.

    Returns:
        a track of 3 R poses (opening, the row itself, closing, row after row), its time in frames of the scene less
        one, as `import_person` takes it at 1 frame a second; and those frames [3 R]: i + 0.75, i + 1, i + 1.25. With
        no shutter, the rows alone.

    Raises:
        InputError: a shutter that is not from 0 to 1.
    """
    rows = np.asarray(rows, np.int64)
    if not 0.0 <= shutter <= 1.0:
        raise InputError(f"the shutter is open for {shutter} of a frame", hint="give a share from 0 to 1")
    frames = np.arange(1.0, len(rows) + 1.0)
    exact = replace(track, time=frames - 1.0, positions=track.positions[rows], rotations=track.rotations[rows])
    if shutter == 0.0 or len(track.time) < 2:
        return exact, frames
    half = 0.5 * shutter / track.rate
    inside = (float(track.time[0]), float(track.time[-1]))
    opening = resample_at(track, np.clip(track.time[rows] - half, *inside))
    closing = resample_at(track, np.clip(track.time[rows] + half, *inside))
    keyed = (frames[:, None] + np.array([-KEY_OFFSET, 0.0, KEY_OFFSET])).ravel()

    def woven(name: str) -> Array:
        parts = [getattr(each, name) for each in (opening, exact, closing)]
        return np.stack(parts, axis=1).reshape(-1, *parts[0].shape[1:])

    return replace(track, time=keyed - 1.0, positions=woven("positions"), rotations=woven("rotations")), keyed


def open_shutter(scene: bpy.types.Scene, shutter: float) -> None:
    """Switch Cycles' motion blur on for poses keyed as `shutter_poses` gives them, or off where the shutter is 0."""
    render = scene.render
    render.use_motion_blur = shutter > 0.0
    render.motion_blur_shutter = SCENE_SHUTTER
    owner = render if hasattr(render, "motion_blur_position") else scene.cycles  # Cycles' own until Blender 4.1
    owner.motion_blur_position = "CENTER"
