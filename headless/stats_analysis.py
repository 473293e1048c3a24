"""What `simspine stats` measures of one trial: curvature, range of motion, rhythm and quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.forward import pose_track
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.types import Model, Motion
from ..simspine_addon.spine import published
from ..simspine_addon.spine.curvature import Curvature, curvature, keypoint_curvature
from ..simspine_addon.spine.endplates import Endplates, endplates_from_joints, endplates_from_table, find_endplates
from ..simspine_addon.spine.keypoints import keypoint_positions
from ..simspine_addon.spine.levels import level_angles
from ..simspine_addon.spine.quality import QualityReport, check_motion
from ..simspine_addon.spine.rhythm import Rhythm, lumbopelvic_rhythm
from ..simspine_addon.spine.rom import LevelRange, ranges_of
from .stats_refused import refused_frames, with_refused_frames

Array = NDArray[np.float64]

UPRIGHT_DEG = 10.0  # the trunk leans less than this, forward or back, against the model's default pose


@dataclass(frozen=True, slots=True)
class Trial:
    """A motion, whose model it is, and what it is called in the tables."""

    model: Path
    motion: Path
    subject: str
    action: str
    quality: Path | None = None  # the table of `annotate`, that says which frames it refused


@dataclass(frozen=True, slots=True)
class TrialResult:
    """Everything that tables and plots take of one trial; arrays are over the mended motion's frames."""

    trial: Trial
    time: Array
    curvature: Curvature
    keypoints: Curvature | None
    levels: tuple[str, ...]
    angles: Array  # [T, L, 3] rad
    ranges: tuple[LevelRange, ...]
    rhythm: Rhythm | None
    quality: QualityReport
    upright: NDArray[np.bool_]

    def degrees(self, name: str) -> Array:
        """A curvature's usable frames in deg; empty where it was not measured."""
        values = np.degrees(getattr(self.curvature, name)[self.quality.usable])
        return values[np.isfinite(values)]

    @property
    def upright_lordosis(self) -> float:
        """Median lordosis in deg of the usable frames with an upright trunk; NaN when there is none."""
        chosen = self.curvature.lordosis[self.upright & self.quality.usable]
        return float(np.degrees(np.median(chosen))) if len(chosen) and np.isfinite(chosen).all() else float("nan")


def model_endplates(model: Model, table: Path | None, folders: Sequence[Path]) -> Endplates:
    """Endplates from a table when given, else from the meshes; without these, joints with an assumed neutral."""
    plates = endplates_from_table(model, table) if table else find_endplates(model, folders)
    if plates.get("S1", "upper") and plates.get("L1", "upper"):
        return plates
    joints = endplates_from_joints(model, published.SEGMENTAL_LORDOSIS_DEG)
    if not joints.plates:
        return plates
    merged = {**joints.plates, **{key: plate for key, plate in plates.plates.items() if key[0].startswith("T")}}
    return Endplates(merged, "joints", (*plates.warnings, *joints.warnings))


def analyse(trial: Trial, model: Model, motion: Motion, plates: Endplates) -> TrialResult:
    """Check a motion, then measure it.

    Raises:
        InputError: no frame of it can be used.
    """
    quality = check_motion(model, motion, endplates=plates)
    if trial.quality is not None:
        quality = with_refused_frames(quality, refused_frames(trial.quality, len(motion.time)))
    if not quality.usable.any():
        raise InputError("no frame can be used", path=trial.motion, hint=quality.summary)
    track = pose_track(model, quality.motion)
    levels, angles = level_angles(model, track)
    names = tuple(level.name for level in levels)
    rhythm = lumbopelvic_rhythm(model, track)
    points = keypoint_positions(model, track)
    has_points = bool(np.isfinite(points[0]).all(axis=1)[[18, 19, 26, 27, 28, 29, 30]].all())
    upright = np.ones(len(track.time), dtype=bool)
    if rhythm is not None:
        upright = np.abs(np.degrees(rhythm.trunk)) < UPRIGHT_DEG
    return TrialResult(
        trial,
        track.time,
        curvature(track, plates),
        keypoint_curvature(points) if has_points else None,
        names,
        angles,
        ranges_of(names, angles, quality.usable) if names else (),
        rhythm,
        quality,
        upright,
    )
