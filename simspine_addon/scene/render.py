"""Rendering with Cycles: the device that works, settings that repeat exactly, one finished file per image."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import bpy

from ..model.atomic import atomic_path
from ..model.errors import InputError
from .cameras import activate
from .shutter import open_shutter

GPU_KINDS = ("OPTIX", "CUDA", "HIP", "ONEAPI", "METAL")  # in order of preference
DEVICE_CHOICES = ("auto", "cpu", *(kind.lower() for kind in GPU_KINDS))
FILE_FORMATS = {"png": "PNG", "jpg": "JPEG"}


@dataclass(frozen=True, slots=True)
class Device:
    """What Cycles renders on: "CPU" or one of GPU_KINDS, with the names of the boards.

    `refused` says of every kind that was tried before and not taken why it was not.
    """

    kind: str
    names: tuple[str, ...]
    refused: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} ({', '.join(self.names)})" if self.names else self.kind


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """What decides about the pixels, beside the scene.

    `denoise_quality` and `prefilter` are Open Image Denoise's; `guides` are the passes that tell it where edges are.
    `plates` lets images be put together from a view without the movers, of `plate_samples` samples, and what is
    rendered anew around the movers, of `window_samples`: see `image_renderer`. With a `shutter` above 0, what is keyed
    by `shutter_poses` leaves a blur.
    """

    samples: int = 3
    window_samples: int = 4
    denoise: bool = True
    file_format: str = "png"
    seed: int = 0
    denoise_quality: Literal["FAST", "BALANCED", "HIGH"] = "FAST"
    prefilter: Literal["NONE", "FAST", "ACCURATE"] = "FAST"
    guides: Literal["RGB", "RGB_ALBEDO", "RGB_ALBEDO_NORMAL"] = "RGB_ALBEDO_NORMAL"
    max_bounces: int = 4
    diffuse_bounces: int = 2
    glossy_bounces: int = 1
    plates: bool = True
    plate_samples: int = 16
    shutter: float = 0.0


# Light takes the same ways in all of them, so that they differ in noise alone.
QUALITIES: Mapping[str, RenderSettings] = MappingProxyType(
    {
        "draft": RenderSettings(samples=1, window_samples=2, plate_samples=8),
        "standard": RenderSettings(),
        "reference": RenderSettings(samples=1024, denoise=False, plates=False),
    }
)


def settings_of(
    quality: str,
    samples: int | None = None,
    denoise: bool | None = None,
    file_format: str = "png",
    seed: int = 0,
) -> RenderSettings:
    """The settings of one of QUALITIES; `samples` and `denoise` override what it says.

    Raises:
        InputError: no such quality.
    """
    if quality not in QUALITIES:
        raise InputError(f"there is no quality '{quality}'", hint=f"choose {', '.join(QUALITIES)}")
    settings = replace(QUALITIES[quality], file_format=file_format, seed=seed)
    if samples is not None:
        more = max(samples, settings.plate_samples)
        settings = replace(settings, samples=samples, window_samples=samples, plate_samples=more)
    return settings if denoise is None else replace(settings, denoise=denoise)


def choose_device(wanted: str = "auto", board: int | None = None) -> Device:
    """The device to render on: for "auto" the first kind of GPU that renders a trial image, else the CPU.

    Args:
        wanted: one of DEVICE_CHOICES.
        board: the only one of the kind's boards (`device_boards`) to use, for one process a GPU; None uses all.

    Raises:
        InputError: a kind was asked for by name and there is none, or it fails; or there is no such board.
    """
    if wanted == "cpu":
        return Device("CPU", ())
    kinds = GPU_KINDS if wanted == "auto" else (wanted.upper(),)
    if wanted != "auto" and kinds[0] not in GPU_KINDS:
        raise InputError(f"the device '{wanted}' is not known", hint=f"choose one of {', '.join(DEVICE_CHOICES)}")
    refused = []
    for kind in kinds:
        names, reason = _enable(kind, board), ""
        if names:
            reason = _why_not_rendering()
            if not reason:
                return Device(kind, names, tuple(refused))
        refused.append(f"{kind}: {reason or _why_no_board(kind, board)}")
    if wanted != "auto":
        raise InputError(f"no {kinds[0]} device renders here ({refused[0]})", hint="use --device auto or cpu")
    _enable("NONE")
    return Device("CPU", (), tuple(refused))


def device_boards(kind: str) -> tuple[str, ...]:
    """The names of the boards of one of GPU_KINDS, in the order that `choose_device(kind, board)` counts them.

    Which boards are switched on is left as it was.
    """
    preferences = bpy.context.preferences.addons["cycles"].preferences
    if kind not in _known_kinds(preferences):
        return ()
    before = preferences.compute_device_type
    preferences.compute_device_type = kind
    preferences.refresh_devices()
    names = tuple(board.name for board in preferences.devices if board.type == kind)
    if before in _known_kinds(preferences):  # empty where Blender was started in the background
        preferences.compute_device_type = before
    return names


def can_denoise() -> bool:
    """Whether this build of Blender has Open Image Denoise; some distributions leave it out."""
    import _cycles  # pyright: ignore[reportMissingImports]  # Cycles' own, there in every Blender that has Cycles

    return bool(getattr(_cycles, "with_openimagedenoise", False))


def configure(scene: bpy.types.Scene, settings: RenderSettings, device: Device) -> None:
    """Set up Cycles so that the same scene gives the same file: no stamps in it, nothing adaptive, seeds given."""
    scene.render.engine = "CYCLES"
    cycles, render = scene.cycles, scene.render
    cycles.device = "CPU" if device.kind == "CPU" else "GPU"
    cycles.samples = settings.samples
    cycles.use_adaptive_sampling = False
    cycles.use_animated_seed = False
    # Left to choose, Cycles keeps what it chose for the picture before: an image would depend on those before it.
    cycles.sampling_pattern = "TABULATED_SOBOL"
    cycles.use_denoising = settings.denoise
    if settings.denoise:
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.denoising_input_passes = settings.guides
        cycles.denoising_prefilter = settings.prefilter
        _set_if_there(cycles, "denoising_quality", settings.denoise_quality)
    # A box one pixel wide makes a pixel the mean over its own square, which is what labels mean by a pixel.
    cycles.pixel_filter_type, cycles.filter_width = "BOX", 1.0
    cycles.max_bounces, cycles.diffuse_bounces = settings.max_bounces, settings.diffuse_bounces
    cycles.glossy_bounces = settings.glossy_bounces
    cycles.transparent_max_bounces = 12
    cycles.caustics_reflective = cycles.caustics_refractive = False
    render.use_persistent_data = True
    open_shutter(scene, settings.shutter)
    render.use_border = render.use_crop_to_border = False
    render.dither_intensity = 0.0  # noise for the eye's sake, which makes files a tenth larger
    render.film_transparent = False
    render.use_compositing = render.use_sequencer = False
    render.use_file_extension, render.use_overwrite, render.use_placeholder = False, True, False
    for name in dir(render):  # Blender writes date and render time into the file otherwise
        if name.startswith("use_stamp"):
            setattr(render, name, False)
    _set_if_there(render.image_settings, "media_type", "IMAGE")
    render.image_settings.file_format = FILE_FORMATS[settings.file_format]
    render.image_settings.color_mode = "RGB"
    if settings.file_format == "png":
        render.image_settings.color_depth, render.image_settings.compression = "8", 30
    else:
        render.image_settings.quality = 95


def render_image(scene: bpy.types.Scene, camera: bpy.types.Object, frame: float, seed: int, path: Path) -> None:
    """Render one image through `camera` at the scene's `frame` (may be fractional) into `path`, whole or not at all.

    `scene` has to be the context's: another scene's animation is not brought up to date before rendering.

    Raises:
        KeyboardInterrupt: the person stopped the render.
        RuntimeError: Blender could not render or save it.
    """
    whole = int(frame // 1)
    scene.frame_set(whole, subframe=frame - whole)
    activate(scene, camera)
    scene.cycles.seed = seed % (2**31 - 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        scene.render.filepath = str(temporary)
        if "CANCELLED" in bpy.ops.render.render(write_still=True, scene=scene.name):
            raise KeyboardInterrupt  # Blender takes Ctrl-C for itself while it renders
        if temporary.stat().st_size == 0:
            raise RuntimeError(f"Blender wrote nothing into {path.name}")


def is_whole_image(path: Path) -> bool:
    """Whether a PNG or JPEG file is there and reaches to its end mark."""
    endings = {".png": b"IEND\xaeB`\x82", ".jpg": b"\xff\xd9"}
    ending = endings[path.suffix]
    try:
        with path.open("rb") as file:
            file.seek(-len(ending), 2)
            return file.read() == ending
    except OSError:
        return False


def _known_kinds(preferences: bpy.types.AddonPreferences) -> tuple[str, ...]:
    """The kinds of device that this build of Blender knows."""
    return tuple(item[0] for item in preferences.get_device_types(bpy.context))


def _enable(kind: str, only: int | None = None) -> tuple[str, ...]:
    """Switch Cycles to a kind of device and all its boards, or `only` one of them; the names of these boards."""
    preferences = bpy.context.preferences.addons["cycles"].preferences
    if kind not in _known_kinds(preferences):
        return ()
    preferences.compute_device_type = kind
    if kind == "NONE":
        return ()
    preferences.refresh_devices()
    boards = [board for board in preferences.devices if board.type == kind]
    names = []
    for board in preferences.devices:
        board.use = board.type == kind and (only is None or boards.index(board) == only)
        if board.use:
            names.append(board.name)
    return tuple(names)


def _why_no_board(kind: str, board: int | None) -> str:
    preferences = bpy.context.preferences.addons["cycles"].preferences
    if kind not in _known_kinds(preferences):
        return "this build of Blender does not know it"
    there = device_boards(kind)
    return f"there is no board {board}, only {len(there)}" if there else "no such board, or no driver for it"


def _why_not_rendering() -> str:
    """Empty if a few pixels can be rendered on the GPU that is switched on, else what Blender says."""
    scene = bpy.data.scenes.new("SimSpine trial")
    camera = bpy.data.objects.new("SimSpine trial", bpy.data.cameras.new("SimSpine trial"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples = "GPU", 1
    scene.render.resolution_x = scene.render.resolution_y = 8
    scene.render.image_settings.file_format = "PNG"
    try:
        with tempfile.TemporaryDirectory() as folder:
            scene.render.filepath = str(Path(folder) / "trial.png")
            bpy.ops.render.render(write_still=True, scene=scene.name)
            return "" if Path(scene.render.filepath).is_file() else "the trial image was not written"
    except RuntimeError as error:  # what Blender's operators raise when the device reports an error
        return " ".join(str(error).split())
    finally:
        data = camera.data
        bpy.data.objects.remove(camera)
        if isinstance(data, bpy.types.Camera):
            bpy.data.cameras.remove(data)
        bpy.data.scenes.remove(scene)


def _set_if_there(owner: object, name: str, value: str) -> None:
    """Set a property that not every Blender since 4.2 has."""
    if hasattr(owner, name):
        setattr(owner, name, value)
