"""One image after another of a moving person, rendered as cheaply as the settings allow.

A camera that stands still sees the same surroundings in every image. Their light is found once, as a plate. What the
movers do to it, by their shadow and the light that they throw back, comes from a picture of a tenth of the size, held
against the same picture without them. Of each image only the window around what moves is rendered, and in it light is
traced only for the movers and where they change the surroundings much.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..model.atomic import atomic_path
from .backdrop import HELD_OUT, Backdrop, remove_backdrop
from .cameras import activate, remap_of
from .compose import Window, known, shaded, shading, taken, widened, window_around
from .layers import Light, render_light, render_shade, stored_as
from .pixels import read_pixels, write_light, write_pixels
from .plates import Plates
from .render import Device, RenderSettings, configure, render_image

Pixels = NDArray[np.uint8]
Finish = Callable[[Pixels], Pixels]


class ImageRenderer:
    """Renders the images of a scene in which only `movers` move.

    `plate_folder` is where the views without the movers may be kept between images and runs; None where nothing
    may be written. The bytes of an image depend on its own arguments alone, not on what was rendered before, nor on
    whether the plates were there already.
    """

    def __init__(
        self,
        scene: bpy.types.Scene,
        settings: RenderSettings,
        device: Device,
        movers: Sequence[bpy.types.Object],
        plate_folder: Path | None = None,
    ) -> None:
        self._scene, self._settings, self._movers = scene, settings, tuple(movers)
        remove_backdrop()  # of an earlier renderer
        configure(scene, settings, device)
        self._plates = Plates(scene, settings, device, movers, plate_folder)
        self._backdrop = Backdrop(scene, movers) if settings.plates else None

    def prepare(self, camera: bpy.types.Object) -> None:
        """Make the plate of a camera that stands still now, rather than with the first image that needs it.

        Raises:
            KeyboardInterrupt: the person stopped the render.
            RuntimeError: Blender could not render or save it.
        """
        self._plates.plate(camera)

    def render(
        self,
        camera: bpy.types.Object,
        frame: float,
        seed: int,
        path: Path,
        box: NDArray[np.float64] | None,
        finish: Finish | None = None,
    ) -> None:
        """Render one image into `path`, whole or not at all.

        Args:
            camera: to look through.
            frame: of the scene; may be fractional.
            seed: of the sampling noise.
            path: of the image.
            box: (x, y, width, height) in px of everything that moves; NaN where the image shows nothing of it; None
                where that is not known, or where the camera itself moves.
            finish: what becomes of the pixels [H, W, 3] (8-bit sRGB) before they are written, a camera's faults say.

        Raises:
            KeyboardInterrupt: the person stopped the render.
            RuntimeError: Blender could not render or save it.
        """
        activate(self._scene, camera)
        remap = remap_of(self._scene, camera)
        if box is not None and remap is not None:
            box = remap.wider_box(box)
        size = (self._scene.render.resolution_x, self._scene.render.resolution_y)
        window = None if box is None else window_around(box, size)
        in_parts = box is not None and self._settings.plates
        if not in_parts and remap is None and finish is None:
            render_image(self._scene, camera, frame, seed, path)
            return
        light = self._put_together(camera, frame, seed, window) if in_parts else self._whole(camera, frame, seed)
        light = light if remap is None else remap.apply(light)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            self._write(light, temporary, finish)

    def _whole(self, camera: bpy.types.Object, frame: float, seed: int) -> Light:
        set_frame(self._scene, frame)
        return render_light(self._scene, camera, seed)

    def _put_together(self, camera: bpy.types.Object, frame: float, seed: int, window: Window | None) -> Light:
        plate = self._plates.plate(camera)
        set_frame(self._scene, frame)
        with _unseen(self._movers):
            factors = shading(render_shade(self._scene, camera), plate.shade)
        light = shaded(plate.light, factors)
        if window is not None:
            window = widened(window, factors, (light.shape[1], light.shape[0]))
            self._trace(camera, seed, window, light, factors)
        return light

    def _trace(self, camera: bpy.types.Object, seed: int, window: Window, light: Light, factors: Light) -> None:
        """Put the movers in a window of the surroundings' light [H, W, 3], and what must be traced near them."""
        x, y, across, down = window
        height, width = light.shape[:2]
        assert self._backdrop is not None
        share = np.ones((height, width), np.float32)
        share[y : y + down, x : x + across] = known(factors, window, (width, height))
        cycles, samples = self._scene.cycles, self._scene.cycles.samples
        self._backdrop.show(camera, light, share)
        cycles.samples = self._settings.window_samples
        try:
            traced = render_light(self._scene, camera, seed, window, alpha=True)
        finally:
            cycles.samples = samples
            self._backdrop.hide()
        surroundings = np.minimum((1.0 - traced[..., 3]) / HELD_OUT, 1.0)
        under = light[y : y + down, x : x + across]
        under += taken(factors, window, (width, height), surroundings)[..., None] * (traced[..., :3] - under)

    def _write(self, light: Light, path: Path, finish: Finish | None) -> None:
        if finish is None:
            write_light(light, path, self._scene)
            return
        with tempfile.TemporaryDirectory() as folder, stored_as(self._scene, "PNG", "8"):
            shown = Path(folder) / "shown.png"
            write_light(light, shown, self._scene)
            pixels = finish(read_pixels(shown))
        write_pixels(pixels, path, self._settings.file_format)


def set_frame(scene: bpy.types.Scene, frame: float) -> None:
    """Bring the scene to a frame, which may be fractional."""
    whole = int(frame // 1)
    scene.frame_set(whole, subframe=frame - whole)


@contextmanager
def _unseen(objects: Sequence[bpy.types.Object]) -> Iterator[None]:
    """Objects that cast shadows and throw back light, and that the camera does not see."""
    shown = [obj for obj in objects if obj.visible_camera]
    for obj in shown:
        obj.visible_camera = False
    try:
        yield
    finally:
        for obj in shown:
            obj.visible_camera = True
