"""One person into a scene: armature, animation, joint angles, bones, on the scene's clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..kinematics.resample import resample_at, resample_motion
from ..model.errors import InputError
from ..model.types import Model, Motion
from ..spine.pathology_record import is_deformed
from .armature import body_offsets, build_armature, leave_edit_modes, rest_matrices
from .channels import add_coordinate_channels
from .compat import new_action
from .geometry import add_geometry, add_markers
from .keyframes import write_pose_curves
from .names import fitting_names
from .timeline import (
    CLOCK_PROPERTY,
    PERSON_PROPERTY,
    SceneClock,
    check_times,
    ensure_clock,
    grow_frame_range,
    key_frames,
)

Array = NDArray[np.float64]
MODEL_PROPERTY = "simspine_model_file"
MOTION_PROPERTY = "simspine_motion_file"
DEFORMED_PROPERTY = "simspine_deformed"  # set where `simspine deform` wrote the model
_WHOLE_FRAME = 1e-4
_NO_MASS = 1e-4  # of the whole


@dataclass(frozen=True, slots=True)
class ImportResult:
    """An imported person. `objects` holds the armature first; frames are those of the first and last key."""

    armature: bpy.types.Object
    collection: bpy.types.Collection
    objects: tuple[bpy.types.Object, ...]
    warnings: tuple[str, ...]
    frame_start: float
    frame_end: float


def import_person(
    scene: bpy.types.Scene,
    model: Model,
    motion: Motion | None,
    track: PoseTrack,
    *,
    name: str | None = None,
    fps: float | None = None,
    geometry_dirs: Iterable[str | Path] = (),
    with_meshes: bool = True,
    with_markers: bool = False,
) -> ImportResult:
    """Bring a person into `scene`: a collection with an armature, its animation, and the meshes of its bones.

    The first person sets the scene's rate and frame range from its own time; the next ones keep step with it (see
    `timeline`). Samples that fall between frames get keys there; with `fps`, the motion is resampled to whole frames.
    If anything fails, nothing stays behind.

    Args:
        model: whose bodies `track` moves; gives geometry, markers and the coordinates' units.
        motion: joint angles over the same times as `track`, shown as animated properties; None for none.
        track: from `kinematics`, in OpenSim's ground.
        name: of the collection and armature; the model's name otherwise. Blender adds a number if it is taken.
        fps: frames a second to resample to; the scene keeps its own rate if it has people in it.
        geometry_dirs: folders with mesh files, besides the model's own.
        with_meshes, with_markers: whether to show the bones and the model's markers.

    Raises:
        InputError: model, motion and track do not belong together, or their times or poses cannot be used.
    """
    _check(model, motion, track)
    label = _label(name or model.name or (model.path.stem if model.path else "") or "Person")
    with all_or_nothing(scene):
        clock, warnings = ensure_clock(scene, track.time, fps)
        motion, track, frames = _on_frames(clock, motion, track, resampled=fps is not None)
        bone_names, long_names = fitting_names(track.names, "body")
        collection, armature = _skeleton(scene, label, model, track, bone_names)
        warnings += long_names + _animate(armature, model, motion, track, bone_names, frames)
        armature[MOTION_PROPERTY] = str(motion.path or "") if motion else ""
        objects = [armature]
        if with_meshes:
            geometry = add_geometry(armature, model, bone_names, _child(collection, "Bones"), geometry_dirs)
            objects += geometry.objects
            warnings += tuple(geometry.warnings)
        if with_markers:
            objects += add_markers(armature, model, bone_names, _child(collection, "Markers"))
        warnings += grow_frame_range(scene, frames[0], frames[-1])
        _make_active(armature)
    return ImportResult(armature, collection, tuple(objects), warnings, float(frames[0]), float(frames[-1]))


def _skeleton(
    scene: bpy.types.Scene, label: str, model: Model, track: PoseTrack, bone_names: tuple[str, ...]
) -> tuple[bpy.types.Collection, bpy.types.Object]:
    """The person's collection with its armature at rest."""
    collection = bpy.data.collections.new(label)
    scene.collection.children.link(collection)
    armature = build_armature(collection.name, track, bone_names, _mass_centers(model))
    _child(collection, "Skeleton").objects.link(armature)
    armature[PERSON_PROPERTY] = label
    armature[MODEL_PROPERTY] = str(model.path or "")
    if is_deformed(model):
        armature[DEFORMED_PROPERTY] = True
    armature.show_in_front = True
    return collection, armature


def _animate(
    armature: bpy.types.Object,
    model: Model,
    motion: Motion | None,
    track: PoseTrack,
    bone_names: tuple[str, ...],
    frames: Array,
) -> tuple[str, ...]:
    """One action, one slot, for the bones and for the joint angles."""
    _, curves = new_action(armature, f"{armature.name} motion")
    rest, offsets = rest_matrices(armature, bone_names), body_offsets(armature, bone_names)
    write_pose_curves(curves, track, bone_names, frames, rest, offsets)
    return () if motion is None else add_coordinate_channels(armature, curves, model, motion, frames)


def _mass_centers(model: Model) -> Array:
    """Mass centres [B, 3] m in the bodies' frames; NaN for bodies so light that theirs is made up."""
    masses = np.array([body.mass for body in model.bodies])
    centers = np.array([body.mass_center for body in model.bodies], dtype=np.float64)
    centers[masses <= _NO_MASS * masses.sum()] = np.nan
    return centers


def _on_frames(
    clock: SceneClock, motion: Motion | None, track: PoseTrack, resampled: bool
) -> tuple[Motion | None, PoseTrack, Array]:
    """The motion and the frames [T] of its keys: its own samples, or new ones on whole frames."""
    frames = key_frames(clock, track.time)
    if not resampled or np.abs(frames - frames[0].round() - np.arange(len(frames))).max() < _WHOLE_FRAME:
        return motion, track, frames
    first, last = np.ceil(frames[0] - _WHOLE_FRAME), np.floor(frames[-1] + _WHOLE_FRAME)
    if last < first:
        raise InputError(
            f"the motion is shorter than one frame at {clock.fps:g} frames a second", hint="import it at a higher rate"
        )
    wanted = np.arange(first, last + 1.0)
    # Through the samples' own frames, so that rounded time stamps are read as `key_frames` reads them.
    times = np.interp(wanted, frames, track.time)
    return None if motion is None else resample_motion(motion, times), resample_at(track, times), wanted


def _check(model: Model, motion: Motion | None, track: PoseTrack) -> None:
    if track.names != model.body_names:
        raise InputError("the poses are not those of this model", path=model.path, hint="compute them from it")
    if not track.names:
        raise InputError("the model has no bodies", path=model.path, hint="choose a model with a skeleton")
    check_times(track.time)
    if motion is not None and not np.array_equal(motion.time, track.time):
        raise InputError("the motion's times are not those of its poses", path=motion.path, hint="compute them from it")
    bad = ~(np.isfinite(track.positions).all(axis=(1, 2)) & np.isfinite(track.rotations).all(axis=(1, 2, 3)))
    if bad.any():
        raise InputError(
            f"the pose at {track.time[np.argmax(bad)]:g} s is not finite ({bad.sum()} such frames)",
            path=None if motion is None else motion.path,
            hint="fill the gaps of the motion first",
        )


def _label(name: str) -> str:
    # Unreal's importer takes an armature object of exactly this name for a mere container and skips its root.
    return "Skeleton" if name == "Armature" else name


def _child(parent: bpy.types.Collection, what: str) -> bpy.types.Collection:
    child = bpy.data.collections.new(f"{parent.name} {what}")
    parent.children.link(child)
    return child


def _make_active(armature: bpy.types.Object) -> None:
    """Select the armature alone, where the current view layer shows it."""
    view_layer = bpy.context.view_layer
    view_layer.update()  # which has not yet noticed what was linked and unlinked
    if armature.name not in view_layer.objects:
        return
    for thing in view_layer.objects:
        thing.select_set(False)
    armature.select_set(True)
    view_layer.objects.active = armature


_KINDS = ("objects", "armatures", "meshes", "materials", "actions", "collections")


@contextmanager
def all_or_nothing(scene: bpy.types.Scene) -> Iterator[None]:
    """Take back every new data-block and the scene's settings if the import fails or is interrupted."""
    leave_edit_modes()
    before = {kind: {block.session_uid for block in getattr(bpy.data, kind)} for kind in _KINDS}
    render = scene.render
    settings = (render.fps, render.fps_base, scene.frame_start, scene.frame_end)
    clock = scene[CLOCK_PROPERTY].to_dict() if CLOCK_PROPERTY in scene else None
    try:
        yield
    except BaseException:
        new = [block for kind in _KINDS for block in getattr(bpy.data, kind) if block.session_uid not in before[kind]]
        bpy.data.batch_remove(new)
        render.fps, render.fps_base, scene.frame_start, scene.frame_end = settings
        scene.pop(CLOCK_PROPERTY, None)
        if clock is not None:
            scene[CLOCK_PROPERTY] = clock
        raise
