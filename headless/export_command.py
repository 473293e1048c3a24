"""`simspine export`: motions of the model's own skeleton as BVH, GLB, FBX or USD, as an engine wants them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..exporters.export import EXPORTERS, ExportResult
from ..exporters.glb_writer import model_keypoints
from ..exporters.presets import ExportPreset, export_preset, export_presets
from ..simspine_addon.kinematics.forward import pose_track
from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.document import read_model
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.motion import read_motion
from ..simspine_addon.model.types import Model, Motion
from .bootstrap import quiet_stdout
from .progress import progress

if TYPE_CHECKING:
    import bpy

_BY_BLENDER = (".fbx", ".usdc", ".usda")


@dataclass(frozen=True, slots=True)
class _Job:
    """One file to write: its motions (several as takes of a GLB)."""

    output: Path
    motions: tuple[Path, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine export`."""
    suffixes = "|".join(EXPORTERS)
    parser.add_argument("model", metavar="MODEL", type=Path, help="OpenSim model (.osim)")
    parser.add_argument("motions", metavar="MOTION", type=Path, nargs="+", help="joint angles (.mot or .sto)")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar=f"OUT{suffixes}|DIR",
        help="the file; for several motions a folder, or one .glb with a take for each",
    )
    presets = "; ".join(f"{preset.name}: {preset.title}" for preset in export_presets())
    parser.add_argument("--preset", default="generic", metavar="NAME", help=f"what the file is for ({presets})")
    parser.add_argument("--format", metavar="EXT", help="kind of the files in a folder; the preset's by default")
    parser.add_argument(
        "--names", metavar="FAMILY", help="bone names of a rig family, such as unreal_5; own keeps them"
    )
    parser.add_argument("--fps", type=float, metavar="N", help="resample to this rate; the motion's own by default")
    parser.add_argument("--frames", metavar="A:B", help="rows of the motion, as in a Python slice")
    parser.add_argument("--meshes", action="store_true", help="take the model's bone meshes along")
    parser.add_argument("--geometry", type=Path, action="append", default=[], metavar="DIR", help="folder with meshes")
    parser.add_argument("--json", action="store_true", help="print a summary for machines")


def run(arguments: argparse.Namespace) -> int:
    """Run `simspine export`."""
    from .cli import warn

    preset = export_preset(arguments.preset)
    frames = _frame_range(arguments.frames)
    jobs = _jobs(arguments.output, arguments.motions, arguments.format or preset.format)
    model = read_model(arguments.model)
    for text in model.warnings:
        warn(text)
    armature: bpy.types.Object | None = None
    done: list[ExportResult] = []
    for job in progress(jobs, "exporting") if len(jobs) > 1 else jobs:
        motions = [read_motion(path, model) for path in job.motions]
        for text in (text for motion in motions for text in motion.warnings):
            warn(text)
        tracks = [pose_track(model, motion) for motion in motions]
        suffix = job.output.suffix.lower()
        with quiet_stdout():
            if not done and (arguments.meshes or suffix in _BY_BLENDER):
                armature = _stage(model, motions[0], tracks[0], arguments.meshes, arguments.geometry)
            more = _more_options(suffix, model, job, tracks, armature)
            result = EXPORTERS[suffix](
                job.output,
                tracks[0],
                preset=preset,
                fps=arguments.fps,
                frames=frames,
                names=arguments.names,
                **more,
            )
        for text in result.warnings:
            warn(f"{result.path.name}: {text}")
        done.append(result)
    _tell(done, preset, as_json=arguments.json)
    return 0


def _more_options(
    suffix: str, model: Model, job: _Job, tracks: Sequence[PoseTrack], armature: bpy.types.Object | None
) -> dict[str, Any]:
    """What only some of the formats take."""
    if suffix == ".bvh":
        return {}
    if suffix != ".glb":
        return {"armature": armature, "name": model.name or job.motions[0].stem}
    takes = {path.stem: track for path, track in zip(job.motions, tracks, strict=True)} if len(tracks) > 1 else None
    return {
        "armature": armature,
        "name": job.motions[0].stem,
        "takes": takes,
        "keypoints": model_keypoints(model),
    }


def _stage(
    model: Model, motion: Motion, track: PoseTrack, with_meshes: bool, geometry: Sequence[Path]
) -> bpy.types.Object | None:
    """An empty Blender to export from, with the model's meshes on its bones if they are to come along."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    if not with_meshes:
        return None
    from ..simspine_addon.scene.import_motion import import_person

    return import_person(bpy.context.scene, model, motion, track, geometry_dirs=geometry).armature


def _jobs(output: Path, motions: Sequence[Path], extension: str) -> list[_Job]:
    """The files to write.

    Raises:
        InputError: an unknown format, a missing folder, or two motions of one name.
    """
    suffix = output.suffix.lower()
    if suffix in EXPORTERS and (len(motions) == 1 or suffix == ".glb") and not output.is_dir():
        if not output.parent.is_dir():
            raise InputError("its folder does not exist", path=output, hint=f"create {output.parent} first")
        _refuse_repeated(motions)
        return [_Job(output, tuple(motions))]
    if suffix in EXPORTERS and not output.is_dir():
        raise InputError(f"cannot hold {len(motions)} motions", path=output, hint="name a folder, or a .glb file")
    wanted = f".{extension.lower().removeprefix('.')}"
    if wanted not in EXPORTERS:
        raise InputError(f"'{extension}' is no format", hint=f"choose one of {', '.join(EXPORTERS)}")
    if not output.is_dir():
        if len(motions) == 1:
            listed = ", ".join(EXPORTERS)
            raise InputError(f"does not end in {listed}", path=output, hint="choose one of these, or a folder")
        raise InputError("this folder does not exist", path=output, hint="create it first")
    _refuse_repeated(motions)
    return [_Job(output / f"{motion.stem}{wanted}", (motion,)) for motion in motions]


def _refuse_repeated(motions: Sequence[Path]) -> None:
    stems = [motion.stem.lower() for motion in motions]
    for place, stem in enumerate(stems):
        if stem in stems[:place]:
            raise InputError(f"two motions are named '{stem}'", path=motions[place], hint="rename one of them")


def _frame_range(text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    first, _, last = text.partition(":")
    try:
        return int(first) if first else None, int(last) if last else None
    except ValueError:
        raise InputError(
            f"'{text}' is no range of frames", hint="give it as A:B, 0:100 for the first hundred"
        ) from None


def _tell(done: Sequence[ExportResult], preset: ExportPreset, *, as_json: bool) -> None:
    if as_json:
        files = [
            {
                "output": str(each.path),
                "frames": each.frames,
                "fps": each.fps,
                "bones": each.bones,
                "beside": [str(path) for path in each.beside],
                "warnings": list(each.warnings),
            }
            for each in done
        ]
        print(json.dumps({"preset": preset.name, "files": files}))
        return
    for each in done:
        beside = f", and beside it {', '.join(path.name for path in each.beside)}" if each.beside else ""
        print(f"{each.path}: {each.frames} frames at {each.fps:g} fps, {each.bones} bones{beside}")
