"""Pictures of a scene at its present frame: a window of one as a file, the whole as light, a small one of shades."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..model.atomic import atomic_path
from .cameras import activate
from .pixels import read_values

SHADE_STEPS = (2.0, 10.0)  # fewest and most px of the image to one of its shade
SHADE_SIDE = 100  # px that the longer side of a shade has in between
SHADE_SAMPLES = 4
SHADE_SEED = 0  # one for all, so that a shade differs from another only where the movers make a difference

Light = NDArray[np.float32]
Window = tuple[int, int, int, int]  # x, y, width, height in whole px


def render_layer(
    scene: bpy.types.Scene, camera: bpy.types.Object, seed: int, path: Path, window: Window | None = None
) -> None:
    """Render a camera's picture at the scene's present frame, or a window of it, into an 8-bit PNG of that size.

    Raises:
        KeyboardInterrupt: the person stopped the render.
        RuntimeError: Blender could not render or save it.
    """
    activate(scene, camera)
    with stored_as(scene, "PNG", "8"):
        _look_through(scene, window)
        _render(scene, seed, path)


def render_light(
    scene: bpy.types.Scene,
    camera: bpy.types.Object,
    seed: int,
    window: Window | None = None,
    size: tuple[int, int] | None = None,
    alpha: bool = False,
) -> Light:
    """A camera's picture at the scene's present frame, or a window of it, as the scene's own light [H, W, 3].

    With `size` (width, height) the picture has so many pixels, and still covers exactly what the camera does. `alpha`
    makes it [H, W, 4].

    Raises:
        KeyboardInterrupt: the person stopped the render.
        RuntimeError: Blender could not render or save it.
    """
    activate(scene, camera)
    with stored_as(scene, "OPEN_EXR", "32", "RGBA" if alpha else "RGB"), tempfile.TemporaryDirectory() as folder:
        if size is not None:
            _resize(scene.render, size)
        _look_through(scene, window)
        try:
            path = Path(folder) / "light.exr"
            _render(scene, seed, path)
            return read_values(path, 4 if alpha else 3)
        finally:
            activate(scene, camera)


def render_shade(scene: bpy.types.Scene, camera: bpy.types.Object) -> Light:
    """A camera's picture at the scene's present frame, small and as it comes: light [h, w, 3] with its noise.

    The seed is always the same: where nothing has changed in the scene, neither does a pixel of the shade.
    """
    cycles = scene.cycles
    before = cycles.samples, cycles.use_denoising
    cycles.samples, cycles.use_denoising = SHADE_SAMPLES, False
    try:
        activate(scene, camera)
        return render_light(
            scene, camera, SHADE_SEED, size=shade_size(scene.render.resolution_x, scene.render.resolution_y)
        )
    finally:
        cycles.samples, cycles.use_denoising = before


def shade_size(width: int, height: int) -> tuple[int, int]:
    """The size of the shade of an image: a tenth where that shows enough, not so little of small images."""
    step = min(max(max(width, height) / SHADE_SIDE, SHADE_STEPS[0]), SHADE_STEPS[1])
    return max(4, round(width / step)), max(4, round(height / step))


def _resize(render: bpy.types.RenderSettings, size: tuple[int, int]) -> None:
    """Another number of pixels for the same picture: what its sides would change in shape, the pixels do."""
    width, height = render.resolution_x, render.resolution_y
    aspect = render.pixel_aspect_y / render.pixel_aspect_x * (height / width) * (size[0] / size[1])
    render.resolution_x, render.resolution_y = size
    render.pixel_aspect_x, render.pixel_aspect_y = (1.0, aspect) if aspect >= 1 else (1.0 / aspect, 1.0)


def _look_through(scene: bpy.types.Scene, window: Window | None) -> None:
    """Let Cycles render a window alone. A quarter of a pixel is added because Blender cuts fractions off."""
    if window is None:
        return
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
def stored_as(scene: bpy.types.Scene, file_format: str, depth: str, color_mode: str = "RGB") -> Iterator[None]:
    """Files that are quick to write and read while it lasts; what the images' own format is comes back after."""
    stored, render = scene.render.image_settings, scene.render
    before = stored.file_format, stored.quality, stored.color_depth, stored.compression
    stored.file_format, stored.color_mode = file_format, color_mode
    stored.color_depth = depth
    if file_format == "OPEN_EXR":
        stored.exr_codec = "NONE"
    else:
        stored.compression = 5
    try:
        yield
    finally:
        stored.color_mode = "RGB"
        stored.file_format, stored.quality = before[:2]
        stored.color_depth, stored.compression = before[2:]
        render.use_border = render.use_crop_to_border = False
