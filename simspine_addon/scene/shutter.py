"""Poses while a shutter is open, for motion blur in a scene whose frames are rows of a motion and not neighbours in it.

Row i of a render's poses stands on frame i + 1, whatever the next row is, so Blender must not look for the movement
between frames. Each row gets two more keys, a quarter of a frame and a little more before and after it, that hold the
poses around the shutter's opening and closing; the scene's own shutter is half a frame, and spans what lies between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import bpy
import numpy as np
from numpy.typing import NDArray

from ..capture.rolling_shutter import CYCLES_EARLY, POSES, RollingShutter
from ..kinematics.pose_track import PoseTrack
from ..kinematics.resample import resample_at
from ..model.errors import InputError

Array = NDArray[np.float64]

SCENE_SHUTTER = 0.5  # frames of the scene
KEY_OFFSET = 0.26  # between a row and its two further keys, frames: wider than the shutter, so that it may be late
EXPOSURE_LATE = SCENE_SHUTTER * CYCLES_EARLY  # how much later than its row a blurred image is rendered, frames
_MOTION_STEPS = {3: 1, 5: 2, 9: 3}  # what Cycles calls so many poses


def shutter_poses(
    track: PoseTrack, rows: NDArray[np.int64], shutter: float, course: PoseTrack | None = None
) -> tuple[PoseTrack, Array]:
    """The poses to key, and on which frames of the scene.

    Args:
        track: the whole motion.
        rows: to be rendered.
        shutter: the share of the time between two frames of the motion that the shutter is open, 0 to 1; it opens half
            of that before the row's time. Before the motion's start and after its end nothing moves.
        course: the same motion between the track's times, where those are a camera's that sees fewer of them.

    Returns:
        a track of 3 R poses (opening, the row itself, closing, row after row), its time in frames of the scene less
        one, as `import_person` takes it at 1 frame a second; and those frames [3 R]: i + 0.74, i + 1, i + 1.26. With
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
    aside = shutter / track.rate * KEY_OFFSET / SCENE_SHUTTER
    course = track if course is None else course
    inside = (float(course.time[0]), float(course.time[-1]))
    opening = resample_at(course, np.clip(track.time[rows] - aside, *inside))
    closing = resample_at(course, np.clip(track.time[rows] + aside, *inside))
    keyed = (frames[:, None] + np.array([-KEY_OFFSET, 0.0, KEY_OFFSET])).ravel()

    def woven(name: str) -> Array:
        parts = [getattr(each, name) for each in (opening, exact, closing)]
        return np.stack(parts, axis=1).reshape(-1, *parts[0].shape[1:])

    return replace(track, time=keyed - 1.0, positions=woven("positions"), rotations=woven("rotations")), keyed


def rolling_poses(
    track: PoseTrack, rows: NDArray[np.int64], shutter: RollingShutter, course: PoseTrack | None = None
) -> tuple[PoseTrack, Array]:
    """The same for a shutter that rolls: POSES poses a row, over the half frame that the scene's shutter is open.

    Returns:
        a track of POSES R poses, row after row, and their frames [POSES R].
    """
    course = track if course is None else course
    rows = np.asarray(rows, np.int64)
    times = (track.time[rows][:, None] + shutter.pose_times).ravel()
    frames = np.arange(1.0, len(rows) + 1.0)[:, None] + SCENE_SHUTTER * np.linspace(-0.5, 0.5, POSES)
    seen = resample_at(course, np.clip(times, course.time[0], course.time[-1]))
    return replace(seen, time=frames.ravel() - 1.0), frames.ravel()


def open_shutter(scene: bpy.types.Scene, shutter: float) -> None:
    """Switch Cycles' motion blur on for poses keyed as `shutter_poses` gives them, or off where the shutter is 0."""
    render = scene.render
    render.use_motion_blur = shutter > 0.0
    render.motion_blur_shutter = SCENE_SHUTTER
    owner = render if hasattr(render, "motion_blur_position") else scene.cycles  # Cycles' own until Blender 4.1
    owner.motion_blur_position = "CENTER"


def roll_shutter(scene: bpy.types.Scene, shutter: RollingShutter, movers: Sequence[bpy.types.Object]) -> None:
    """Let Cycles expose row after row from the top, of movers keyed as `rolling_poses` gives them."""
    scene.cycles.rolling_shutter_type = "TOP"
    scene.cycles.rolling_shutter_duration = shutter.open_share
    for mover in movers:
        mover.cycles.use_motion_blur = True
        mover.cycles.motion_steps = _MOTION_STEPS[POSES]
