"""An imported person's armature, edited by hand or not, back to OpenSim's and motion capture's files.

The one exporter of motions that asks Blender; what it reads goes through `opensim_motion` and `c3d`.
"""

# bpy makes its submodules at run time, so their names cannot be checked
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.inverse_from_frames import InverseResult, in_model_order
from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.document import read_model
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.types import Model
from ..simspine_addon.scene.import_motion import MODEL_PROPERTY
from ..simspine_addon.scene.read_pose import read_pose
from .c3d import write_c3d
from .opensim_motion import PointSet, export_mot, export_sto, export_trc, marker_track


@dataclass(frozen=True, slots=True)
class MotionExport:
    """What was written: `inverse` is None for marker files; `notes` are sentences for the person."""

    path: Path
    frames: int
    inverse: InverseResult | None
    notes: tuple[str, ...]


def export_armature_motion(
    path: str | Path,
    armature: bpy.types.Object,
    model: Model | None = None,
    *,
    frames: Sequence[float] | NDArray[np.float64] | None = None,
    scene: bpy.types.Scene | None = None,
    points: PointSet = "both",
) -> MotionExport:
    """Write what an armature does as `.mot`, `.sto`, `.trc` or `.c3d`, chosen by the name's ending.

    Args:
        path: the file; it is replaced as a whole or not at all.
        armature: of a person that was imported.
        model: the one that it was imported with; read from the file that the armature remembers otherwise.
        frames, scene: see `scene.read_pose`.
        points: which points go into `.trc` and `.c3d`.

    Raises:
        InputError: another ending, an armature or model that cannot be used, or a file that cannot be written.
    """
    ending = Path(path).suffix.lower()
    if ending not in _WRITERS:
        raise InputError(f"'{ending}' is no motion file", path=path, hint=f"choose one of {', '.join(_WRITERS)}")
    reading = read_pose(armature, frames, scene)
    chosen = model or _remembered_model(armature)
    inverse = _WRITERS[ending](path, chosen, reading.track, points)
    notes = (*reading.warnings, *(inverse.notes if inverse is not None else ()))
    return MotionExport(Path(path), len(reading.frames), inverse, notes)


def _mot(path: str | Path, model: Model, track: PoseTrack, points: PointSet) -> InverseResult:
    return export_mot(path, model, track)


def _sto(path: str | Path, model: Model, track: PoseTrack, points: PointSet) -> InverseResult:
    return export_sto(path, model, track)


def _trc(path: str | Path, model: Model, track: PoseTrack, points: PointSet) -> None:
    export_trc(path, model, track, points=points)


def _c3d(path: str | Path, model: Model, track: PoseTrack, points: PointSet) -> None:
    write_c3d(path, marker_track(model, track, points=points), in_model_order(model, track))


_Writer = Callable[[str | Path, Model, PoseTrack, PointSet], InverseResult | None]
_WRITERS: dict[str, _Writer] = {".mot": _mot, ".sto": _sto, ".trc": _trc, ".c3d": _c3d}


def _remembered_model(armature: bpy.types.Object) -> Model:
    remembered = str(armature.get(MODEL_PROPERTY, ""))
    if not remembered:
        raise InputError(f"the armature '{armature.name}' does not remember its model", hint="give the .osim file")
    return read_model(remembered)
