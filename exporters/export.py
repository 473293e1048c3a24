"""One motion, or several, as a file for another program: BVH, GLB, FBX or USD, as a preset wants it."""

# bpy makes its submodules at run time, so their names cannot be checked
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.retarget.roles import RoleMap
from .bvh_writer import write_bvh
from .export_track import ExportTrack, export_track
from .glb_types import Keypoint, SkinnedMesh
from .glb_writer import write_glb
from .presets import ExportPreset, export_preset

if TYPE_CHECKING:
    import bpy

Array = NDArray[np.float64]
Frames = tuple[int | None, int | None]
GENERIC = "generic"


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written: `beside` are the files that a preset puts next to it, `warnings` sentences for the person."""

    path: Path
    preset: str
    frames: int
    fps: float
    bones: int
    beside: tuple[Path, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How to export; see the functions that take the same names."""

    preset: str | ExportPreset = GENERIC
    fps: float | None = None
    frames: Frames = (None, None)
    names: str | None = None
    role_map: RoleMap | None = None
    own_bones: bool = False


def export_bvh(
    path: str | Path,
    track: PoseTrack,
    *,
    preset: str | ExportPreset = GENERIC,
    fps: float | None = None,
    frames: Frames = (None, None),
    names: str | None = None,
    role_map: RoleMap | None = None,
) -> ExportResult:
    """Write a motion as BVH. Arguments as in `export_fbx`.

    Raises:
        InputError: the motion, a choice or the file cannot be used.
    """
    options = ExportOptions(preset, fps, frames, names, role_map)
    return _export(path, ".bvh", track, options, lambda target, motion, chosen: _bvh(target, motion, chosen))


def export_glb(
    path: str | Path,
    track: PoseTrack,
    *,
    preset: str | ExportPreset = GENERIC,
    fps: float | None = None,
    frames: Frames = (None, None),
    names: str | None = None,
    role_map: RoleMap | None = None,
    takes: Mapping[str, PoseTrack] | None = None,
    armature: bpy.types.Object | None = None,
    keypoints: Sequence[Keypoint] = (),
    name: str | None = None,
) -> ExportResult:
    """Write a motion, or several `takes` of one skeleton by name, as GLB. Arguments as in `export_fbx`.

    Args:
        keypoints: as in `write_glb`; those on bodies that the preset leaves out or renames are left out.

    Raises:
        InputError: the motion, a choice or the file cannot be used.
    """
    options = ExportOptions(preset, fps, frames, names, role_map)

    def write(target: Path, motion: ExportTrack, chosen: ExportPreset) -> tuple[str, ...]:
        meshes, told = _skinned_meshes(armature, motion)
        others = {take: _prepared(each, chosen, options).track for take, each in (takes or {}).items()}
        known = [keypoint for keypoint in keypoints if keypoint.body in motion.track.names]
        report = write_glb(
            target,
            motion.track,
            takes=others or None,
            meshes=meshes,
            keypoints=known,
            turn_deg=chosen.turn_deg,
            take_name=name or Path(path).stem,
        )
        return (*told, *report.warnings)

    return _export(path, ".glb", track, options, write)


def export_fbx(
    path: str | Path,
    track: PoseTrack,
    *,
    preset: str | ExportPreset = GENERIC,
    fps: float | None = None,
    frames: Frames = (None, None),
    names: str | None = None,
    role_map: RoleMap | None = None,
    own_bones: bool = False,
    armature: bpy.types.Object | None = None,
    name: str | None = None,
) -> ExportResult:
    """Write a motion as one take of a binary FBX file, by Blender; the scene stays as it is.

    Args:
        path: the file; it is replaced as a whole or not at all.
        track: of a model's bodies or of an avatar's bones, in OpenSim's ground.
        preset: one of `presets.export_presets`, by name.
        fps: resample to this rate, on shortest arcs; otherwise the motion's own.
        frames: which samples of the motion, from the first up to but without the second, as in a Python slice.
        names: a rig family whose names the bones get ("unreal_5"); "own" keeps theirs; the preset's otherwise.
        role_map: which bone plays which role, where it cannot be found by itself.
        own_bones: the track's bodies are an avatar's bones, whose axes are to be kept.
        armature: whose meshes, in the current scene, go along; its rest pose is that of the track.
        name: of the person, for the node above the bones and the take; the file's otherwise.

    Raises:
        InputError: the motion, a choice or the file cannot be used.
    """
    from .fbx import write_fbx_file

    options = ExportOptions(preset, fps, frames, names, role_map, own_bones)
    return _export(path, ".fbx", track, options, _by_blender(write_fbx_file, armature, name or Path(path).stem))


def export_usd(
    path: str | Path,
    track: PoseTrack,
    *,
    preset: str | ExportPreset = GENERIC,
    fps: float | None = None,
    frames: Frames = (None, None),
    names: str | None = None,
    role_map: RoleMap | None = None,
    own_bones: bool = False,
    armature: bpy.types.Object | None = None,
    name: str | None = None,
) -> ExportResult:
    """Write a motion as USD (UsdSkel; `.usdc` or `.usda`), by Blender. Arguments as in `export_fbx`.

    Raises:
        InputError: the motion, a choice or the file cannot be used.
    """
    from .usd import write_usd_file

    suffix = Path(path).suffix.lower()
    if suffix not in (".usdc", ".usda"):
        raise InputError(f"'{suffix}' is no USD file", path=path, hint="choose .usdc or .usda")
    options = ExportOptions(preset, fps, frames, names, role_map, own_bones)
    return _export(path, suffix, track, options, _by_blender(write_usd_file, armature, name or Path(path).stem))


EXPORTERS: dict[str, Callable[..., ExportResult]] = {
    ".bvh": export_bvh,
    ".glb": export_glb,
    ".fbx": export_fbx,
    ".usdc": export_usd,
    ".usda": export_usd,
}

_Writer = Callable[[Path, ExportTrack, ExportPreset], tuple[str, ...]]


def _export(path: str | Path, suffix: str, track: PoseTrack, options: ExportOptions, write: _Writer) -> ExportResult:
    """Write one file, and those that the preset wants beside it."""
    path = Path(path)
    if path.suffix.lower() != suffix:
        raise InputError(f"does not end in {suffix}", path=path, hint=f"name a {suffix} file")
    if not path.parent.is_dir():
        raise InputError("its folder does not exist", path=path, hint=f"create {path.parent} first")
    chosen = export_preset(options.preset)
    motion = _prepared(track, chosen, options)
    warnings = (*motion.warnings, *write(path, motion, chosen))
    beside: tuple[Path, ...] = ()
    if chosen.beside is not None:
        other = path.with_name(f"{path.stem}_{chosen.beside.removeprefix(chosen.name).strip('_')}{path.suffix}")
        more = _export(other, suffix, track, replace(options, preset=chosen.beside), write)
        beside = (other, *more.beside)
        warnings = tuple(dict.fromkeys((*warnings, *more.warnings)))
    frames, bones = len(motion.track.time), len(motion.track.names)
    return ExportResult(path, chosen.name, frames, motion.fps, bones, beside, warnings)


def _prepared(track: PoseTrack, chosen: ExportPreset, options: ExportOptions) -> ExportTrack:
    return export_track(
        track,
        chosen,
        fps=options.fps,
        frames=options.frames,
        names=options.names,
        role_map=options.role_map,
        own_bones=options.own_bones,
    )


def _bvh(path: Path, motion: ExportTrack, chosen: ExportPreset) -> tuple[str, ...]:
    up: Any = chosen.up
    positions: Any = chosen.bvh_positions
    report = write_bvh(
        path,
        motion.track,
        order=chosen.bvh_order,
        up=up,
        positions=positions,
        turn_deg=chosen.turn_deg,
        fps=motion.fps if len(motion.track.time) < 2 else None,
    )
    lost = report.largest_error_m
    told = (f"joints that slide lose {1000 * lost:.1f} mm, as only the root may move",) if lost > 1e-4 else ()
    return (*report.warnings, *told)


def _by_blender(writer: Callable[..., None], armature: bpy.types.Object | None, name: str) -> _Writer:
    def write(path: Path, motion: ExportTrack, chosen: ExportPreset) -> tuple[str, ...]:
        from .export_meshes import copied_meshes, discard

        meshes, warnings = copied_meshes(armature) if armature is not None else ((), ())
        try:
            writer(path, motion, chosen, name, meshes)
        finally:
            discard(meshes)
        return warnings

    return write


def _skinned_meshes(
    armature: bpy.types.Object | None, motion: ExportTrack
) -> tuple[list[SkinnedMesh], tuple[str, ...]]:
    """The armature's meshes on the bones that the file has, in its rest pose."""
    if armature is None:
        return [], ()
    from .skinned_meshes import collect_skinned_meshes

    collected = collect_skinned_meshes(armature)
    return [_moved(mesh, motion) for mesh in collected.meshes], collected.warnings


def _moved(mesh: SkinnedMesh, motion: ExportTrack) -> SkinnedMesh:
    carriers = [motion.carrier[name] for name in mesh.bone_names]
    kept = sorted(set(carriers))
    place = np.array([kept.index(carrier) for carrier in carriers], dtype=np.int64)
    moves = np.array([motion.rest_moves[name] for name in mesh.bone_names]).reshape(-1, 4, 4)
    total = mesh.weights.sum(axis=1)
    shares = mesh.weights / np.where(total > 0.0, total, 1.0)[:, None]
    blended = np.einsum("vk,vkij->vij", shares, moves[mesh.bones])
    blended[total == 0.0] = np.eye(4)
    turn = blended[:, :3, :3]
    tangents = mesh.tangents
    if tangents is not None:
        tangents = np.column_stack([_unit(np.einsum("vij,vj->vi", turn, tangents[:, :3])), tangents[:, 3]])
    return replace(
        mesh,
        positions=np.einsum("vij,vj->vi", turn, mesh.positions) + blended[:, :3, 3],
        normals=_unit(np.einsum("vij,vj->vi", turn, mesh.normals)),
        tangents=tangents,
        bone_names=tuple(motion.track.names[carrier] for carrier in kept),
        bones=place[mesh.bones],
    )


def _unit(vectors: Array) -> Array:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0.0, length, 1.0)
