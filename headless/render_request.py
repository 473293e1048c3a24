"""One recording of one person, as the plain arguments of `simspine render MODEL MOTION` describe it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..simspine_addon.capture.camera_presets import is_preset, preset_table
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.spine.keypoints import Placement
from .render_avatar import check_avatar
from .render_cameras import camera_file_table
from .render_config import DEFAULT_LABELS, DatasetConfig, PersonConfig, RecordingConfig, RenderConfig
from .render_config_file import check_formats_fit
from .render_config_recordings import AVATARS


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """One recording of one person; the fields are the arguments of `simspine render MODEL MOTION`."""

    model: Path
    motion: Path
    output: Path
    avatar: str = "skeleton"
    rig: str | None = None
    cameras: str = "h36m"
    frames: str = ":"
    size: tuple[int, int] | None = None
    quality: str = "standard"
    samples: int | None = None
    denoise: bool | None = None
    device: str = "auto"
    seed: int = 0
    image_format: str = "png"
    placement: Placement = "surface"
    geometry: tuple[Path, ...] = ()
    labels: tuple[str, ...] = DEFAULT_LABELS
    formats: tuple[str, ...] = ("coco",)
    overlays: bool = False
    overwrite: bool = False


def config_of_request(request: RenderRequest) -> DatasetConfig:
    """The configuration that plain arguments mean.

    Raises:
        InputError: an avatar, rig or folder that cannot be.
    """
    if request.avatar not in AVATARS:
        raise InputError(f"there is no avatar '{request.avatar}'", hint=f"choose {', '.join(AVATARS)}")
    check_avatar(request.avatar, request.rig)
    for folder in request.geometry:
        if not folder.is_dir():
            raise InputError("is no folder", path=folder, hint="--geometry takes the folder that holds the meshes")
    person = PersonConfig(request.model, request.motion, request.avatar, request.rig, request.geometry)
    subject, action = request.model.stem, request.motion.stem
    config = DatasetConfig(
        name=f"{subject}, {action}",
        recordings=(RecordingConfig(f"{subject}_{action}", subject, action, (person,), request.frames),),
        seed=request.seed,
        render=RenderConfig(
            request.quality,
            request.size,
            request.samples,
            request.denoise,
            request.image_format,
            device=request.device,
        ),
        cameras=preset_table(request.cameras)
        if is_preset(request.cameras)
        else camera_file_table(Path(request.cameras)),
        labels=request.labels,
        formats=request.formats,
        overlays=request.overlays,
        placement=request.placement,
    )
    check_formats_fit(config)
    return config
