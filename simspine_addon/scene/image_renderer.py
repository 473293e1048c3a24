"""One image after another of a moving person, rendered as cheaply as the settings allow.

A camera that stands still sees the same surroundings in every image. They are rendered once, as a plate; of each image
only the window around what moves is rendered in full. What the movers do to the rest, by their shadow and the light
that they throw back, comes from a picture of an eighth of the size, held against the same picture without them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..model.atomic import atomic_path
from .cameras import activate, remap_of
from .compose import compose, fills_image, shading, window_around
from .lens_remap import LensRemap
from .pixels import read_pixels, read_shares, to_bytes, write_pixels
from .plates import Plates, render_layer, render_shade
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
        self._scene, self._settings = scene, settings
        configure(scene, settings, device)
        self._plates = Plates(scene, settings, device, movers, plate_folder)

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
        in_parts = box is not None and self._settings.plates and not (window and fills_image(window, size))
        if not in_parts and remap is None and finish is None:
            render_image(self._scene, camera, frame, seed, path)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if in_parts:
                assert box is not None
                pixels = self._put_together(camera, frame, seed, folder, np.asarray(box, float))
            else:
                set_frame(self._scene, frame)
                render_layer(self._scene, camera, seed, folder / "whole.png")
                pixels = read_pixels(folder / "whole.png")
        pixels = pixels if remap is None else bent(pixels, remap)
        pixels = pixels if finish is None else finish(pixels)
        with atomic_path(path) as temporary:
            write_pixels(pixels, temporary, self._settings.file_format)

    def _put_together(
        self, camera: bpy.types.Object, frame: float, seed: int, folder: Path, box: NDArray[np.float64]
    ) -> Pixels:
        scene = self._scene
        plate = self._plates.plate(camera)
        set_frame(scene, frame)
        render_shade(scene, camera, folder / "shade.png")
        height, width = plate.pixels.shape[:2]
        factors = shading(read_shares(folder / "shade.png"), plate.shade, box, (width, height))
        window = window_around(box, (width, height))
        inside = None
        if window is not None:
            render_layer(scene, camera, seed, folder / "window.png", window)
            inside = read_pixels(folder / "window.png")
        return compose(plate.pixels, factors, window, inside)


def set_frame(scene: bpy.types.Scene, frame: float) -> None:
    """Bring the scene to a frame, which may be fractional."""
    whole = int(frame // 1)
    scene.frame_set(whole, subframe=frame - whole)


def bent(pixels: Pixels, remap: LensRemap) -> Pixels:
    """The picture of a lens that bends out of the wider image, both 8-bit sRGB; the mean of pixels is one of light."""
    shares = np.arange(256) / 255
    light = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4).astype(np.float32)
    picture = remap.apply(light[pixels])
    return to_bytes(np.where(picture <= 0.0031308, 12.92 * picture, 1.055 * np.abs(picture) ** (1 / 2.4) - 0.055))
