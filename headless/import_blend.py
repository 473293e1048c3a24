"""`simspine import`: a model and its motions as armatures in a .blend file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..simspine_addon.capture.calibration import read_calibration
from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.kinematics.forward import pose_track
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.types import Model, Motion
from .bootstrap import quiet_stdout
from .import_dataset import add_dataset_or_model, read_dataset_or_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine import`."""
    add_dataset_or_model(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.blend")
    parser.add_argument("--geometry", type=Path, action="append", default=[], metavar="DIR", help="folder with meshes")
    parser.add_argument("--fps", type=float, metavar="N", help="resample to this rate; the motion's own by default")
    parser.add_argument("--cameras", type=Path, metavar="CALIB", help="calibration (.toml) whose cameras to add")
    parser.add_argument("--markers", action="store_true", help="add the model's markers")
    parser.add_argument("--no-meshes", action="store_true", help="leave the bones' meshes out")
    parser.add_argument("--json", action="store_true", help="print a summary for machines")


def run(arguments: argparse.Namespace) -> int:
    """Run `simspine import`."""
    from .cli import warn

    output: Path = arguments.output
    if output.suffix != ".blend":
        raise InputError("does not end in .blend", path=output, hint="name a .blend file")
    model, motion, cameras = read_dataset_or_model(arguments)
    summary = write_blend(
        output,
        model,
        motion,
        fps=arguments.fps,
        geometry_dirs=arguments.geometry,
        with_meshes=not arguments.no_meshes,
        with_markers=arguments.markers,
        calibration=arguments.cameras,
        cameras=cameras,
    )
    for text in summary["warnings"]:
        warn(text)
    if arguments.json:
        print(json.dumps(summary))
    else:
        print(
            f"{output}: armature '{summary['armature']}' with {summary['bones']} bones, frames "
            f"{summary['frame_start']:g} to {summary['frame_end']:g} at {summary['fps']:g} fps, "
            f"{summary['objects']} objects, {summary['cameras']} cameras"
        )
    return 0


def write_blend(
    output: Path,
    model: Model,
    motion: Motion,
    *,
    fps: float | None = None,
    geometry_dirs: Sequence[Path] = (),
    with_meshes: bool = True,
    with_markers: bool = False,
    calibration: Path | None = None,
    cameras: Sequence[Camera] = (),
) -> dict[str, Any]:
    """Import into an empty scene and save it as `output`; gives a summary as plain data.

    The cameras are those of `calibration`, where it is given, otherwise `cameras` (in OpenSim's ground).

    Raises:
        InputError: the calibration or the output cannot be used.
    """
    cameras = read_calibration(calibration) if calibration is not None else tuple(cameras)
    with quiet_stdout():
        import bpy

        from ..simspine_addon.scene.cameras import add_camera, is_distorted, pinhole
        from ..simspine_addon.scene.import_motion import import_person
        from ..simspine_addon.scene.person_record import write_record
        from ..simspine_addon.scene.save import save_blend

        bpy.ops.wm.read_factory_settings(use_empty=True)
        scene = bpy.context.scene
        result = import_person(
            scene,
            model,
            motion,
            pose_track(model, motion),
            fps=fps,
            geometry_dirs=geometry_dirs,
            with_meshes=with_meshes,
            with_markers=with_markers,
        )
        told = (*model.warnings, *motion.warnings)
        write_record(result, model, motion.time, with_meshes=with_meshes, more_warnings=told)
        warnings = list(result.warnings)
        distorted = [camera.name for camera in cameras if is_distorted(camera)]
        if distorted:
            warnings.append(
                f"{calibration or output}: cameras in the .blend have ideal lenses; "
                f"the distortion of {', '.join(distorted)} is left out"
            )
        for camera in cameras:
            add_camera(scene, pinhole(camera))
        save_blend(output)
    return {
        "output": str(output),
        "armature": result.armature.name,
        "bones": len(result.armature.data.bones),
        "objects": len(result.objects),
        "cameras": len(cameras),
        "fps": scene.render.fps / scene.render.fps_base,
        "frame_start": result.frame_start,
        "frame_end": result.frame_end,
        "warnings": warnings,
    }
