"""A render job from files to data set: read, check, build the scene, render what is missing, write the labels."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..exporters.labels import Labels, make_labels
from ..exporters.outline import points_at
from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.kinematics.forward import pose_track
from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.document import read_model
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.motion import read_motion
from ..simspine_addon.model.types import Motion
from ..simspine_addon.retarget.avatar_landmarks import keypoint_residual
from ..simspine_addon.spine.keypoints import (
    KEYPOINT_NAMES,
    KEYPOINT_PARENTS,
    Placement,
    keypoint_places,
    keypoint_positions,
)
from .dataset_files import Dataset, job_settings, open_dataset, write_dataset
from .interruption import stop_between_images
from .progress import progress
from .render_avatar import AVATAR_NAMES, MovingAvatar, check_avatar, moving_avatar
from .render_plan import choose_cameras, chosen_rows, folder_names, frames_of

Array = NDArray[np.float64]

MODEL_AVATARS = ("skeleton", "body", "both")  # the model itself is seen
AVATARS = (*MODEL_AVATARS, *AVATAR_NAMES)
_VIEWS_PER_FRAME = 1009  # more than anyone has cameras: keeps the seeds of images apart


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """What to render; the fields are the arguments of `simspine render`."""

    model: Path
    motion: Path
    output: Path
    avatar: str = "skeleton"
    rig: str | None = None
    cameras: str = "h36m"
    frames: str = ":"
    size: tuple[int, int] | None = None
    samples: int = 8
    denoise: bool = True
    device: str = "auto"
    seed: int = 0
    image_format: str = "png"
    placement: Placement = "surface"
    geometry: tuple[Path, ...] = ()
    overlays: bool = False
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class RenderResult:
    """What was made: `rendered` images are new, `kept` ones were there already; `seconds` is the rendering alone."""

    output: Path
    image_count: int
    rendered: int
    kept: int
    seconds: float
    device: str
    places: dict[str, Path]
    warnings: tuple[str, ...]
    labels: Labels
    images: tuple[tuple[Path, ...], ...]  # [V][T]

    def summary(self) -> dict[str, object]:
        """For JSON."""
        return {
            "output": str(self.output),
            "images": self.image_count,
            "rendered": self.rendered,
            "kept": self.kept,
            "seconds": round(self.seconds, 3),
            "device": self.device,
            "files": {what: str(path) for what, path in self.places.items()},
            "warnings": list(self.warnings),
        }


def render_dataset(request: RenderRequest) -> RenderResult:
    """Render images with labels into `request.output`; images that are there already, of the same job, are kept.

    Starts from an empty Blender file: whatever was open in this process is closed. Progress and warnings go to
    stderr.

    Raises:
        InputError: input that cannot be used, or an output folder that holds something else; nothing was written.
    """
    model = read_model(request.model)
    motion = read_motion(request.motion, model)
    whole_track = pose_track(model, motion)
    rows = chosen_rows(request.frames, len(motion.time))
    _check_request(request)
    seen = None
    if request.avatar not in MODEL_AVATARS:
        seen = moving_avatar(model, whole_track, request.avatar, request.rig, request.placement)
    seen_track = whole_track if seen is None else seen.track
    poses = frames_of(seen_track, rows)

    from ..simspine_addon.scene import render as cycles  # Blender is asked for only when the input is known to be good
    from .render_scene import add_moving_avatar, add_person, add_studio, surface_samples

    scene = _empty_scene()
    device = cycles.choose_device(request.device)
    if request.denoise and not cycles.can_denoise():
        request = replace(request, denoise=False)
        build_warning = ("this build of Blender cannot denoise: the images keep their noise; raise --samples",)
    else:
        build_warning = ()
    if seen is None:
        person = add_person(scene, model, poses, request.avatar, request.geometry)
    else:
        person = add_moving_avatar(scene, seen, poses)
    choice = choose_cameras(request.cameras, request.size, surface_samples(person, seen_track))
    warnings = (*build_warning, *model.warnings, *motion.warnings, *person.warnings, *choice.warnings)
    points = keypoint_positions(model, whole_track, request.placement)[rows]
    labels = _labels(motion, rows, choice.cameras, points, seen, _outline(person.parts, poses))
    surface = np.concatenate([part.local.ravel() for part in person.parts])
    settings = job_settings(request, labels, surface, _blender_version())
    dataset = open_dataset(request.output, settings, folder_names(choice.cameras), request.overwrite)
    warnings += _notes(labels)
    for warning in dict.fromkeys(warnings):
        print(f"warning: {warning}", file=sys.stderr)

    print(f"rendering on {device}", file=sys.stderr, flush=True)
    add_studio(scene, person, seen_track)
    wanted = cycles.RenderSettings(request.samples, request.denoise, request.image_format, request.seed)
    cycles.configure(scene, wanted, device)
    started = time.perf_counter()
    rendered = _render_missing(scene, dataset, labels, request.seed)
    seconds = time.perf_counter() - started
    residual = None
    if seen is not None:
        carriers = whole_track.rotations[rows][:, keypoint_places(model, request.placement).bodies]
        residual = keypoint_residual(labels.points_world, points, carriers, seen.model_joints[rows])
    warnings = tuple(dict.fromkeys(warnings))
    places = write_dataset(dataset, request, labels, str(device), warnings, _blender_version(), residual)
    images = tuple(
        tuple(dataset.image_path(view, int(row)) for row in labels.frames) for view in range(len(labels.cameras))
    )
    kept = len(images) * len(labels.frames) - rendered
    return RenderResult(
        request.output, rendered + kept, rendered, kept, seconds, str(device), places, warnings, labels, images
    )


def _check_request(request: RenderRequest) -> None:
    if request.avatar not in AVATARS:
        raise InputError(f"there is no avatar '{request.avatar}'", hint=f"choose {', '.join(AVATARS)}")
    check_avatar(request.avatar, request.rig)
    for folder in request.geometry:
        if not folder.is_dir():
            raise InputError("is no folder", path=folder, hint="--geometry takes the folder that holds the meshes")


def _labels(
    motion: Motion,
    rows: NDArray[np.int64],
    cameras: tuple[Camera, ...],
    model_points: Array,
    seen: MovingAvatar | None,
    outline: Callable[[int], Array],
) -> Labels:
    """The keypoints of who is seen: an avatar's own, with the model's beside them, or the model's."""
    points = model_points if seen is None else seen.points()[rows]
    beside = None if seen is None else model_points
    return make_labels(cameras, KEYPOINT_NAMES, KEYPOINT_PARENTS, points, rows, motion.time[rows], outline, beside)


def _outline(parts: tuple, poses: PoseTrack) -> Callable[[int], Array]:
    return lambda index: points_at(list(parts), poses, index)


def _notes(labels: Labels) -> tuple[str, ...]:
    notes = []
    who = "model" if labels.points_world_model is None else "avatar"
    lacking = [
        name for index, name in enumerate(labels.keypoint_names) if not np.isfinite(labels.points_world[:, index]).all()
    ]
    if lacking:
        notes.append(f"the {who} has no {', '.join(lacking)}: these keypoints are not labelled")
    empty = int((~np.isfinite(labels.boxes).all(axis=-1)).sum())
    if empty:
        notes.append(f"{empty} of {labels.boxes.shape[0] * labels.boxes.shape[1]} images show nothing of the person")
    return tuple(notes)


def _empty_scene():  # -> bpy.types.Scene, which this module does not import at its top
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def _blender_version() -> str:
    import bpy

    return bpy.app.version_string


def _render_missing(scene, dataset: Dataset, labels: Labels, seed: int) -> int:
    """Render the images that are not there yet, frame by frame; how many there were."""
    from ..simspine_addon.scene import render as cycles
    from ..simspine_addon.scene.cameras import add_camera

    views = [add_camera(scene, camera) for camera in labels.cameras]
    missing = [
        (index, view)
        for index in range(len(labels.frames))
        for view in range(len(views))
        if not cycles.is_whole_image(dataset.image_path(view, int(labels.frames[index])))
    ]
    with stop_between_images() as stop:
        for index, view in progress(missing, "render"):
            row = int(labels.frames[index])
            own_seed = seed + row * _VIEWS_PER_FRAME + view
            # Row i of the poses falls on frame i + 1: see `frames_of`.
            cycles.render_image(scene, views[view], index + 1, own_seed, dataset.image_path(view, row))
            stop.check()
    return len(missing)
