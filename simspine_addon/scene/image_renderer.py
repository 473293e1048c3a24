"""One image after another of a moving person, rendered as cheaply as the settings allow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from .render import Device, RenderSettings, configure, render_image


class ImageRenderer:
    """Renders the images of a scene in which only `movers` move.

    `plate_folder` is where the views without the movers may be kept between images and runs; None where nothing
    may be written.
    """

    def __init__(
        self,
        scene: bpy.types.Scene,
        settings: RenderSettings,
        device: Device,
        movers: Sequence[bpy.types.Object],
        plate_folder: Path | None = None,
    ) -> None:
        self._scene, self._movers, self._plate_folder = scene, tuple(movers), plate_folder
        configure(scene, settings, device)

    def render(
        self, camera: bpy.types.Object, frame: float, seed: int, path: Path, box: NDArray[np.float64] | None
    ) -> None:
        """Render one image into `path`, whole or not at all.

        Args:
            camera: to look through.
            frame: of the scene; may be fractional.
            seed: of the sampling noise.
            path: of the image.
            box: (x, y, width, height) in px of everything that moves; None where that is not known, or where the
                camera itself moves.

        Raises:
            KeyboardInterrupt: the person stopped the render.
            RuntimeError: Blender could not render or save it.
        """
        render_image(self._scene, camera, frame, seed, path)
