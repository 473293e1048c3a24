"""Spinal curvature over time: lumbar lordosis, thoracic kyphosis and coronal Cobb angles.

With a model the angles lie between vertebral endplates (Cobb); with keypoints alone, between the directions of the
back's line, which is another measure: it follows the skin, and its size is not that of a Cobb angle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..model.errors import InputError
from .endplates import Endplate, Endplates
from .keypoints import KEYPOINT_NAMES

Array = NDArray[np.float64]

# (lower plate, upper plate) of the angles after Cobb.
LORDOSIS = (("S1", "upper"), ("L1", "upper"))
LOWER_LORDOSIS = (("S1", "upper"), ("L4", "upper"))
KYPHOSIS = (("T12", "lower"), ("T3", "upper"))
CONSTANT_DEG = 0.01


@dataclass(frozen=True, slots=True)
class Curvature:
    """Curvature of each frame in rad; an array is all NaN where the model lacks the bones.

    `lordosis` (LLA, L1-S1), `lower_lordosis` (L4-S1) and `kyphosis` (TKA, T3-T12) are in the sagittal plane of the
    lower vertebra, positive for the curve after which each is named. `lumbar_coronal` (L1-S1) and `thoracic_coronal`
    (T3-T12) are positive when the upper end leans to the right. `source` says what was measured.
    """

    lordosis: Array  # [T]
    lower_lordosis: Array  # [T]
    kyphosis: Array  # [T]
    lumbar_coronal: Array  # [T]
    thoracic_coronal: Array  # [T]
    source: str
    notes: tuple[str, ...] = ()


def curvature(track: PoseTrack, endplates: Endplates) -> Curvature:
    """Cobb angles of every frame between endplates that ride on the model's bodies."""
    lordosis, lumbar_coronal = _between(track, endplates, LORDOSIS)
    lower_lordosis, _ = _between(track, endplates, LOWER_LORDOSIS)
    kyphosis, thoracic_coronal = _between(track, endplates, KYPHOSIS)
    notes = list(endplates.warnings)
    for pair, what in ((LORDOSIS, "lordosis L1-S1"), (LOWER_LORDOSIS, "lordosis L4-S1"), (KYPHOSIS, "kyphosis T3-T12")):
        missing = [f"{vertebra} {side}" for vertebra, side in pair if endplates.get(vertebra, side) is None]
        if missing:
            notes.append(f"{what} cannot be measured: no endplate {', '.join(missing)}")
    lower, upper = (endplates.get(*plate) for plate in KYPHOSIS)
    if lower and upper and lower.body == upper.body:
        body = track.names[lower.body]
        notes.append(f"kyphosis cannot change: T3 and T12 are parts of the one body '{body}' of this model")
    return Curvature(
        lordosis, lower_lordosis, -kyphosis, lumbar_coronal, thoracic_coronal, endplates.source, tuple(notes)
    )


def _between(
    track: PoseTrack, endplates: Endplates, pair: tuple[tuple[str, str], tuple[str, str]]
) -> tuple[Array, Array]:
    lower, upper = (endplates.get(*plate) for plate in pair)
    if lower is None or upper is None:
        empty = np.full(len(track.time), np.nan)
        return empty, empty.copy()
    return cobb_angles(track, lower, upper)


def cobb_angles(track: PoseTrack, lower: Endplate, upper: Endplate) -> tuple[Array, Array]:
    """Angles [T] in rad of the upper plate against the lower, in the lower plate's sagittal and coronal planes.

    With n the upper plate's normal in the axes (forward, up, right) of the lower plate, the sagittal angle is
    atan2(-n_forward, n_up), positive when the upper plate leans backward, and the coronal angle
    atan2(n_right, n_up), positive when it leans to the right.
    """
    normal = np.einsum("tij,j->ti", track.rotations[:, upper.body], upper.frame[:, 1])
    axes = np.einsum("tij,jk->tik", track.rotations[:, lower.body], lower.frame)
    forward, up, right = np.moveaxis(np.einsum("tik,ti->tk", axes, normal), 1, 0)
    return np.arctan2(-forward, up), np.arctan2(right, up)


def keypoint_curvature(positions: Array, names: Sequence[str] = KEYPOINT_NAMES) -> Curvature:
    """Curvature from keypoints alone: turns of the line Hip, Spine_01 .. Spine_05, Neck.

    Args:
        positions: [T, K, 3] m in any axes; NaN where a point is missing, which makes that frame's angles NaN.
        names: their names; Hip, Spine_01 to Spine_05, Neck, and LHip, RHip (or LShoulder, RShoulder) are used.

    The lordosis is the turn from Hip-Spine_01 to Spine_02-Spine_03 (S1-L5 to L3-T12), the kyphosis that from
    Spine_03-Spine_04 to Spine_05-Neck (T12-T8 to T3-C7), both in the sagittal plane, whose normal is the line of the
    hips made perpendicular to Hip-Neck. Half as many points as vertebrae: expect less than a Cobb angle.

    Raises:
        InputError: one of these points is not among `names`.
    """
    place = {name: index for index, name in enumerate(names)}
    line = ("Hip", "Spine_01", "Spine_02", "Spine_03", "Spine_04", "Spine_05", "Neck")
    across = next((p for p in (("LHip", "RHip"), ("LShoulder", "RShoulder")) if p[0] in place and p[1] in place), None)
    missing = [name for name in line if name not in place] + ([] if across else ["LHip and RHip"])
    if missing or across is None:
        raise InputError(f"curvature needs the keypoints {', '.join(missing)}", hint="give SIMSPINE's 37 keypoints")
    point = {name: positions[:, place[name]] for name in (*line, *across)}
    up = _unit(point["Neck"] - point["Hip"])
    right = point[across[1]] - point[across[0]]
    right = _unit(right - np.sum(right * up, axis=1, keepdims=True) * up)
    forward = np.cross(up, right)

    lumbar = (("Hip", "Spine_01"), ("Spine_02", "Spine_03"))
    thoracic = (("Spine_03", "Spine_04"), ("Spine_05", "Neck"))

    def turn(parts: tuple[tuple[str, str], tuple[str, str]], sideways: Array) -> Array:
        """How far the upper part of the line leans from the lower one towards `sideways` [T, 3], rad."""
        lower, upper = (
            np.arctan2(np.sum(part * sideways, axis=1), np.sum(part * up, axis=1))
            for part in (point[end] - point[start] for start, end in parts)
        )
        return (upper - lower + np.pi) % (2 * np.pi) - np.pi

    return Curvature(
        lordosis=turn(lumbar, -forward),
        lower_lordosis=np.full(len(positions), np.nan),
        kyphosis=turn(thoracic, forward),
        lumbar_coronal=turn(lumbar, right),
        thoracic_coronal=turn(thoracic, right),
        source="keypoints",
        notes=("measured on the line of the keypoints, not between endplates",),
    )


def _unit(vectors: Array) -> Array:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
