"""Poses back to OpenSim: joint angles in the model's own coordinates (.mot, .sto) and marker positions (.trc).

Takes the PoseTrack of an armature (`scene.read_pose`) or of any other source; what the model's joints and couplers
cannot follow is measured and told.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from ..simspine_addon.kinematics.forward import marker_positions
from ..simspine_addon.kinematics.inverse_from_frames import InverseResult, in_model_order, motion_from_track
from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.motion_writers import write_mot, write_sto, write_trc
from ..simspine_addon.model.types import MarkerTrack, Model
from ..simspine_addon.spine.keypoints import KEYPOINT_NAMES, Placement, keypoint_places, keypoint_positions

PointSet = Literal["markers", "keypoints", "both"]


def export_mot(path: str | Path, model: Model, track: PoseTrack, *, degrees: bool = True) -> InverseResult:
    """Write the coordinates that move `model` like `track`, a column for each, as inverse kinematics would.

    Rotational coordinates in degrees (or radians), translational ones in m, coupled ones as the model counts them.

    Returns:
        the coordinates with residuals, coupler violations and notes in sentences.

    Raises:
        InputError: the track is not this model's, is not finite, or the file cannot be written.
    """
    motion, result = motion_from_track(model, track)
    write_mot(path, motion, model, degrees=degrees)
    return result


def export_sto(path: str | Path, model: Model, track: PoseTrack) -> InverseResult:
    """Write the same as OpenSim's states: `/jointset/<joint>/<coordinate>/value`, in radians and metres, and `/speed`.

    Speeds (rad/s, m/s) are central differences of the values; OpenSim's states need them.

    Raises:
        InputError: see `export_mot`.
    """
    motion, result = motion_from_track(model, track)
    speeds = np.zeros_like(motion.values)
    if len(motion.time) > 1:
        speeds = np.gradient(motion.values, motion.time, axis=0)
    paths = [f"/jointset/{model.joints[each.joint].name}/{each.name}" for each in model.coordinates]
    labels = [f"{path}/{what}" for path in paths for what in ("value", "speed")]
    columns = np.stack([motion.values, speeds], axis=2).reshape(len(motion.time), len(labels))
    write_sto(path, motion.time, labels, columns, in_degrees=False, name=model.name or "states")
    return result


def export_trc(
    path: str | Path,
    model: Model,
    track: PoseTrack,
    *,
    points: PointSet = "markers",
    placement: Placement = "surface",
    unit: Literal["m", "mm"] = "m",
) -> MarkerTrack:
    """Write marker positions as the bodies of `track` carry them, residuals of the joints included.

    Raises:
        InputError: the model has no such points, the track is not its own, or the file cannot be written.
    """
    markers = marker_track(model, track, points=points, placement=placement)
    write_trc(path, markers, unit=unit)
    return markers


def marker_track(
    model: Model, track: PoseTrack, *, points: PointSet = "markers", placement: Placement = "surface"
) -> MarkerTrack:
    """The model's markers, the SIMSPINE keypoints it has, or both (a marker of a keypoint's name stands for it).

    Raises:
        InputError: the model has no such points, or the track lacks one of its bodies.
    """
    track = in_model_order(model, track)
    names: list[str] = []
    places = [np.zeros((len(track.time), 0, 3))]
    if points != "keypoints":
        names += model.marker_names
        places.append(marker_positions(model, track.positions, track.rotations))
    if points != "markers":
        sources = keypoint_places(model, placement).source
        wanted = [i for i, name in enumerate(KEYPOINT_NAMES) if sources[i] != "missing" and name not in names]
        names += [KEYPOINT_NAMES[i] for i in wanted]
        places.append(keypoint_positions(model, track, placement)[:, wanted])
    if not names:
        what = {"markers": "markers", "keypoints": "keypoints", "both": "markers or keypoints"}[points]
        raise InputError(f"the model has no {what}", path=model.path, hint="write joint angles (.mot) instead")
    positions = np.concatenate(places, axis=1)
    seen = np.isfinite(positions).all(axis=2)
    return MarkerTrack(track.time, tuple(names), positions, seen.astype(np.float64), track.rate)
