"""From chosen files to people in the scene, all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ..capture.calibration import read_calibration
from ..kinematics.forward import pose_track
from ..kinematics.pose_track import PoseTrack
from ..model.couplers import default_values
from ..model.document import read_model
from ..model.motion import read_motion
from ..model.types import Model, Motion
from ..scene.cameras import activate
from ..scene.import_motion import ImportResult, all_or_nothing, import_person
from ..scene.person_record import write_record
from ..scene.timeline import PERSON_PROPERTY, read_clock
from .import_cameras_operator import add_cameras, distortion_note
from .selection import Selection


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the dialog asks for; `fps` 0 keeps the motion's own samples."""

    fps: float = 0.0
    with_meshes: bool = True
    with_markers: bool = False
    with_cameras: bool = True  # of the data set that the motion lies in
    geometry_folders: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """The people that came in, and everything there is to warn of, a sentence each."""

    people: tuple[ImportResult, ...]
    warnings: tuple[str, ...]


def import_selection(scene: bpy.types.Scene, selection: Selection, options: ImportOptions) -> Imported:
    """Import one person for each chosen motion, or the model alone as it stands at its defaults.

    Raises:
        InputError: a file that cannot be used; nothing has been added to the scene then.
    """
    model = read_model(selection.model)
    motions = [read_motion(path, model) for path in selection.motions] or [standing(model, scene)]
    tracks = [pose_track(model, motion) for motion in motions]
    calibration = selection.calibration if options.with_cameras else None
    cameras = read_calibration(calibration) if calibration is not None else ()
    notes = (selection.note,) if selection.note else ()
    people, warnings = [], [*notes, *model.warnings, *distortion_note(cameras)]
    with all_or_nothing(scene):
        for motion, track in zip(motions, tracks, strict=True):
            name = _person_name(model, motion.path if len(motions) > 1 else None)
            people.append(_import_one(scene, model, motion, track, name, options))
            told = (*notes, *model.warnings, *motion.warnings)
            write_record(people[-1], model, motion.time, with_meshes=options.with_meshes, more_warnings=told)
            warnings += (*motion.warnings, *people[-1].warnings)
        if cameras:
            things = add_cameras(scene, cameras)
            if scene.camera is None:
                activate(scene, things[0])
    return Imported(tuple(people), tuple(dict.fromkeys(warnings)))


def standing(model: Model, scene: bpy.types.Scene) -> Motion:
    """One sample with every coordinate at its default, on the scene's first frame."""
    clock = read_clock(scene)
    occupied = clock is not None and any(PERSON_PROPERTY in thing for thing in scene.objects)
    time = clock.time_origin if clock is not None and occupied else 0.0
    return Motion(np.array([time]), model.coordinate_names, default_values(model)[None])


def _import_one(
    scene: bpy.types.Scene, model: Model, motion: Motion, track: PoseTrack, name: str, options: ImportOptions
) -> ImportResult:
    return import_person(
        scene,
        model,
        motion,
        track,
        name=name,
        fps=options.fps or None,
        geometry_dirs=[bpy.path.abspath(folder) for folder in options.geometry_folders],
        with_meshes=options.with_meshes,
        with_markers=options.with_markers,
    )


def _person_name(model: Model, motion_path: Path | None) -> str:
    name = model.name or (model.path.stem if model.path else "Person")
    return f"{name} {motion_path.stem}" if motion_path else name
