"""The folder of a rendered data set: which job it belongs to, its label files, its card, its manifest."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..exporters.coco import write_coco
from ..exporters.keypoint_npz import write_keypoint_npz
from ..exporters.labels import Labels
from ..simspine_addon.capture.calibration import write_calibration
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.retarget.avatar_landmarks import KeypointResidual
from .bootstrap import ROOT
from .dataset_card import dataset_card

if TYPE_CHECKING:
    from .render_job import RenderRequest

JOB_FILE = "job.json"
MANIFEST_FILE = "manifest.json"
IMAGE_FOLDER = "images"
OVERLAY_FOLDER = "overlays"
_OWN_FILES = (
    MANIFEST_FILE,
    "annotations.json",
    "labels.npz",
    "calibration.toml",
    "calibration_pose2sim.toml",
    "README.md",
    "contact_sheet.png",
)


@dataclass(frozen=True, slots=True)
class Dataset:
    """An output folder that belongs to this job: `settings` and their hash are in its `job.json`."""

    folder: Path
    camera_folders: tuple[str, ...]
    image_format: str
    settings: dict[str, object]
    job: str

    def image_name(self, view: int, frame: int) -> str:
        """Relative to the folder, with forward slashes."""
        return f"{IMAGE_FOLDER}/{self.camera_folders[view]}/{frame:06d}.{self.image_format}"

    def image_path(self, view: int, frame: int) -> Path:
        return self.folder / self.image_name(view, frame)


def job_settings(
    request: RenderRequest, labels: Labels, surface: NDArray[np.float64], blender: str
) -> dict[str, object]:
    """Everything that decides about an image's pixels or labels; the device is not among it."""
    return {
        "simspine": simspine_version(),
        "blender": blender,
        "model": {"name": request.model.name, "sha256": file_hash(request.model)},
        "motion": {"name": request.motion.name, "sha256": file_hash(request.motion)},
        "surface_sha256": hashlib.sha256(np.ascontiguousarray(surface.round(7) + 0.0).tobytes()).hexdigest(),
        "avatar": request.avatar,
        "rig": request.rig,
        "keypoints": request.placement,
        "frames": {
            "count": len(labels.frames),
            "first": int(labels.frames[0]),
            "last": int(labels.frames[-1]),
            "sha256": _array_hash(labels.frames),
        },
        "cameras": [
            {
                "name": camera.name,
                "size": list(camera.size),
                "K": np.asarray(camera.K, float).tolist(),
                "R": np.asarray(camera.R, float).tolist(),
                "t": np.asarray(camera.t, float).tolist(),
            }
            for camera in labels.cameras
        ],
        "samples": request.samples,
        "denoise": request.denoise,
        "seed": request.seed,
        "image_format": request.image_format,
    }


def open_dataset(
    folder: Path, settings: dict[str, object], camera_folders: tuple[str, ...], overwrite: bool
) -> Dataset:
    """Make the folder, or go on with one that the same job began.

    Raises:
        InputError: the folder holds another job's data (unless `overwrite`), or files that are no data set at all.
    """
    job = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    dataset = Dataset(folder, camera_folders, str(settings["image_format"]), settings, job)
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file", path=folder, hint="give a folder with -o")
    marker = folder / JOB_FILE
    if marker.is_file():
        earlier = _read_job(marker)
        if earlier.get("job") == job:
            (folder / MANIFEST_FILE).unlink(missing_ok=True)  # a manifest stands for a finished data set
            return dataset
        if not overwrite:
            what = _first_difference(earlier.get("settings", {}), settings)
            raise InputError(
                f"holds a data set with other settings ({what})", path=folder, hint="use --overwrite or another folder"
            )
        _remove_own_files(folder)
    elif folder.is_dir() and any(folder.iterdir()):
        raise InputError("is not empty and holds no data set of ours", path=folder, hint="choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made ({error.strerror})", path=folder, hint="choose another folder") from error
    _write_json(marker, {"job": job, "settings": settings})
    return dataset


def write_dataset(
    dataset: Dataset,
    request: RenderRequest,
    labels: Labels,
    device: str,
    warnings: tuple[str, ...],
    blender: str,
    residual: KeypointResidual | None = None,
) -> dict[str, Path]:
    """Write labels, calibration, card, overlays and, last, the manifest; where the main ones are.

    `residual` is how far the keypoints of the avatar that is seen lie from the model's.
    """
    folder = dataset.folder

    def name(view: int, index: int) -> str:
        return dataset.image_name(view, int(labels.frames[index]))

    write_coco(folder / "annotations.json", labels, name, f"SimSpine: {request.model.name}, {request.motion.name}")
    write_keypoint_npz(folder / "labels.npz", labels)
    write_calibration(folder / "calibration.toml", labels.cameras, world="opensim")
    write_calibration(folder / "calibration_pose2sim.toml", labels.cameras, world="pose2sim")
    _write_text(folder / "README.md", dataset_card(request, labels, warnings, residual))
    _draw(dataset, request, labels)
    places = {
        "images": folder / IMAGE_FOLDER,
        "annotations": folder / "annotations.json",
        "labels": folder / "labels.npz",
        "calibration": folder / "calibration.toml",
        "contact sheet": folder / "contact_sheet.png",
        "manifest": folder / MANIFEST_FILE,
    }
    images = [dataset.image_name(view, int(row)) for view in range(len(labels.cameras)) for row in labels.frames]
    others = [file for file in _OWN_FILES if file != MANIFEST_FILE and (folder / file).is_file()]
    manifest = {
        "job": dataset.job,
        "settings": dataset.settings,
        "device": device,
        "python": sys.version.split()[0],
        "blender": blender,
        "frames": labels.frames.tolist(),
        "warnings": list(warnings),
        **({} if residual is None else {"keypoint_residual_mm": {"overall": residual.overall()} | residual.table()}),
        "files": {file: file_hash(folder / file) for file in sorted(images + others)},
    }
    _write_json(folder / MANIFEST_FILE, manifest)
    return {what: place for what, place in places.items() if place.exists()}


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def simspine_version() -> str:
    """Of this checkout, else of the installed package."""
    project = ROOT / "pyproject.toml"
    if project.is_file():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    try:
        return metadata.version("simspine")
    except metadata.PackageNotFoundError:
        return "unknown"


def _draw(dataset: Dataset, request: RenderRequest, labels: Labels) -> None:
    """Contact sheet and overlays, where there is Pillow to draw them."""
    from . import overlay

    if not overlay.can_draw():
        print("note: no contact sheet and no overlays were drawn, since Pillow is not installed here", file=sys.stderr)
        return
    paths = [[dataset.image_path(view, int(row)) for row in labels.frames] for view in range(len(labels.cameras))]
    title = f"{request.model.stem} · {request.motion.stem}"
    overlay.write_contact_sheet(dataset.folder / "contact_sheet.png", labels, paths, title)
    if request.overlays:
        overlay.write_overlays(dataset.folder / OVERLAY_FOLDER, labels, paths)


def _array_hash(values: NDArray[np.int64]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values, dtype="<i8").tobytes()).hexdigest()


def _read_job(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read ({error})", path=path, hint="delete the folder or choose another") from error
    return content if isinstance(content, dict) else {}


def _first_difference(earlier: object, now: dict[str, object]) -> str:
    if not isinstance(earlier, dict):
        return "unknown ones"
    return next((key for key in now if earlier.get(key) != now[key]), "others")


def _remove_own_files(folder: Path) -> None:
    """What an earlier job wrote, and nothing else."""
    for name in (IMAGE_FOLDER, OVERLAY_FOLDER):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in (*_OWN_FILES, JOB_FILE):
        (folder / name).unlink(missing_ok=True)


def _write_json(path: Path, content: dict[str, object]) -> None:
    _write_text(path, json.dumps(content, indent=1) + "\n")


def _write_text(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
