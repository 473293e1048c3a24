"""Plates: what a camera that stands still sees of the surroundings, rendered once and kept under its content's name."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..model.atomic import atomic_path
from .cameras import activate
from .fingerprint import surroundings_fingerprint
from .pixels import read_pixels, read_shares
from .render import Device, RenderSettings, configure, is_whole_image

SHADE_STEPS = (2.0, 8.0)  # fewest and most px of the image to one of its shade
SHADE_SIDE = 125  # px that the longer side of a shade has in between
SHADE_SAMPLES = 6
_VERSION = 2  # of how plates are made: raise it when their pixels change
_SEED = 0  # one for all, so that the shade differs from its plate only where the movers make a difference

Window = tuple[int, int, int, int]  # x, y, width, height in whole px


@dataclass(frozen=True, slots=True)
class Plate:
    """The surroundings through one camera: finished `pixels` [H, W, 3], and `shade` [h, w, 3], the same at about an
    eighth of the size, as shares of white and with its sampling noise. A shade with the movers is held against it."""

    pixels: NDArray[np.uint8]
    shade: NDArray[np.float32]


class Plates:
    """Renders plates, or takes them from `folder`; with None they last as long as this object."""

    def __init__(
        self,
        scene: bpy.types.Scene,
        settings: RenderSettings,
        device: Device,
        movers: Sequence[bpy.types.Object],
        folder: Path | None,
    ) -> None:
        self._scene, self._settings, self._device, self._movers = scene, settings, device, tuple(movers)
        self._temporary = tempfile.TemporaryDirectory() if folder is None else None
        self._folder = folder if self._temporary is None else Path(self._temporary.name)
        self._surroundings = ""
        self._known: dict[str, Plate] = {}

    def plate(self, camera: bpy.types.Object) -> Plate:
        """The plate of a camera, made if it is not there. Leaves the scene set up as `configure` does.

        Raises:
            KeyboardInterrupt: the person stopped the render.
            RuntimeError: Blender could not render or save it.
        """
        if not self._surroundings:
            self._surroundings = surroundings_fingerprint(self._scene, self._movers)
        name = self._name(camera)
        if name not in self._known:
            self._known[name] = self._made(camera, name)
        return self._known[name]

    def _name(self, camera: bpy.types.Object) -> str:
        activate(self._scene, camera)
        # These do not change a plate.
        settings = replace(self._settings, seed=0, samples=0, file_format="png", shutter=0.0)
        parts = (_VERSION, self._surroundings, camera_text(self._scene, camera), self._device.kind, asdict(settings))
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

    def _made(self, camera: bpy.types.Object, name: str) -> Plate:
        assert self._folder is not None
        self._folder.mkdir(parents=True, exist_ok=True)
        whole, shade = self._folder / f"plate-{name}.png", self._folder / f"shade-{name}.png"
        if not (is_whole_image(whole) and is_whole_image(shade)):
            fine = replace(
                self._settings, samples=self._settings.plate_samples, denoise_quality="HIGH", prefilter="ACCURATE"
            )
            with _hidden(self._movers), _restored(self._scene, self._settings, self._device):
                configure(self._scene, fine, self._device)
                render_layer(self._scene, camera, _SEED, whole)
                render_shade(self._scene, camera, shade)
        return Plate(read_pixels(whole), read_shares(shade))


def render_layer(
    scene: bpy.types.Scene, camera: bpy.types.Object, seed: int, path: Path, window: Window | None = None
) -> None:
    """Render a camera's picture at the scene's present frame, or a window of it, into an 8-bit PNG of that size.

    Raises:
        KeyboardInterrupt: the person stopped the render.
        RuntimeError: Blender could not render or save it.
    """
    activate(scene, camera)
    with _layer(scene, "8"):
        if window is not None:
            _look_through(scene, window)
        _render(scene, seed, path)


def render_shade(scene: bpy.types.Scene, camera: bpy.types.Object, path: Path) -> None:
    """Render a camera's picture at the scene's present frame, small and as it comes, into a 16-bit PNG.

    It covers exactly what the camera does. The seed is always the same: where nothing has changed in the scene,
    neither does a pixel of the shade.
    """
    activate(scene, camera)
    render, cycles = scene.render, scene.cycles
    width, height = render.resolution_x, render.resolution_y
    small = shade_size(width, height)
    aspect = render.pixel_aspect_y / render.pixel_aspect_x * (height / width) * (small[0] / small[1])
    before = cycles.samples, cycles.use_denoising
    with _layer(scene, "16"):
        render.resolution_x, render.resolution_y = small
        render.pixel_aspect_x, render.pixel_aspect_y = (1.0, aspect) if aspect >= 1 else (1.0 / aspect, 1.0)
        cycles.samples, cycles.use_denoising = SHADE_SAMPLES, False
        try:
            _render(scene, _SEED, path)
        finally:
            cycles.samples, cycles.use_denoising = before
            activate(scene, camera)


def shade_size(width: int, height: int) -> tuple[int, int]:
    """The size of the shade of an image: an eighth where that shows enough, not so little of small images."""
    step = min(max(max(width, height) / SHADE_SIDE, SHADE_STEPS[0]), SHADE_STEPS[1])
    return max(4, round(width / step)), max(4, round(height / step))


def camera_text(scene: bpy.types.Scene, camera: bpy.types.Object) -> str:
    """All that a camera's picture depends on beside the scene, once it is the active one."""
    data, render = camera.data, scene.render
    assert isinstance(data, bpy.types.Camera)
    place = np.array(camera.matrix_world if camera.parent else camera.matrix_basis).tolist()
    names = ("type", "lens", "shift_x", "shift_y", "sensor_fit", "sensor_width", "sensor_height", "clip_start")
    optics = [getattr(data, name) for name in names] + [getattr(data, "custom_bytecode_hash", "")]
    size = (render.resolution_x, render.resolution_y, render.pixel_aspect_x, render.pixel_aspect_y)
    return repr((place, optics, size))


def _look_through(scene: bpy.types.Scene, window: Window) -> None:
    """Let Cycles render a window alone. A quarter of a pixel is added because Blender cuts fractions off."""
    render = scene.render
    width, height = render.resolution_x, render.resolution_y
    x, y, across, down = window
    render.use_border = render.use_crop_to_border = True
    render.border_min_x, render.border_max_x = (x + 0.25) / width, (x + across + 0.25) / width
    render.border_min_y, render.border_max_y = (height - y - down + 0.25) / height, (height - y + 0.25) / height


def _render(scene: bpy.types.Scene, seed: int, path: Path) -> None:
    scene.cycles.seed = seed % (2**31 - 1)
    with atomic_path(path) as temporary:
        scene.render.filepath = str(temporary)
        if "CANCELLED" in bpy.ops.render.render(write_still=True, scene=scene.name):
            raise KeyboardInterrupt  # Blender takes Ctrl-C for itself while it renders
        if temporary.stat().st_size == 0:
            raise RuntimeError(f"Blender wrote nothing into {path.name}")


@contextmanager
def _layer(scene: bpy.types.Scene, depth: str) -> Iterator[None]:
    """PNG that is quick to write and read while it lasts; what the images' own format is comes back after."""
    stored, render = scene.render.image_settings, scene.render
    before = stored.file_format, stored.quality
    stored.file_format, stored.color_mode = "PNG", "RGB"
    png = stored.color_depth, stored.compression
    stored.color_depth, stored.compression = depth, 5
    try:
        yield
    finally:
        stored.color_depth, stored.compression = png
        stored.file_format, stored.quality = before
        render.use_border = render.use_crop_to_border = False


@contextmanager
def _hidden(objects: Sequence[bpy.types.Object]) -> Iterator[None]:
    shown = [obj for obj in objects if not obj.hide_render]
    for obj in shown:
        obj.hide_render = True
    try:
        yield
    finally:
        for obj in shown:
            obj.hide_render = False


@contextmanager
def _restored(scene: bpy.types.Scene, settings: RenderSettings, device: Device) -> Iterator[None]:
    try:
        yield
    finally:
        configure(scene, settings, device)
