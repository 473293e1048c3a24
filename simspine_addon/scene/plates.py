"""Plates: what a camera that stands still sees of the surroundings, rendered once and kept under its content's name."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
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
from .layers import SHADE_SEED, Light, render_light, render_shade
from .render import Device, RenderSettings, configure

_VERSION = 5  # of how plates are made: raise it when their pixels change


@dataclass(frozen=True, slots=True)
class Plate:
    """The surroundings through one camera: their `light` [H, W, 3] without noise, and `shade` [h, w, 3], the same at
    about a tenth of the size with its sampling noise. A shade with the movers is held against it."""

    light: NDArray[np.float16]
    shade: Light


class Plates:
    """Renders plates, or takes them from `folder`; with None they last as long as this object.

    The scene's surroundings must not change any more.
    """

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
        self._surroundings = surroundings_fingerprint(scene, movers)
        self._known: dict[str, Plate] = {}

    def plate(self, camera: bpy.types.Object) -> Plate:
        """The plate of a camera, made if it is not there. Leaves the scene set up as `configure` does.

        Raises:
            KeyboardInterrupt: the person stopped the render.
            RuntimeError: Blender could not render or save it.
        """
        name = self._name(camera)
        if name not in self._known:
            self._known[name] = self._made(camera, name)
        return self._known[name]

    def _name(self, camera: bpy.types.Object) -> str:
        activate(self._scene, camera)
        # The images' own samples, shutter and format do not change a plate.
        settings = replace(self._own_settings(), seed=0, window_samples=0, file_format="png", shutter=0.0)
        parts = (_VERSION, self._surroundings, camera_text(self._scene, camera), self._device.kind, asdict(settings))
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

    def _made(self, camera: bpy.types.Object, name: str) -> Plate:
        assert self._folder is not None
        path = self._folder / f"plate-{name}.npz"
        kept = _read(path)
        if kept is not None:
            return kept
        with _hidden(self._movers), _restored(self._scene, self._settings, self._device):
            plate = self._rendered(camera)
        self._folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            np.savez(temporary, light=plate.light, shade=plate.shade)
        return plate

    def _rendered(self, camera: bpy.types.Object) -> Plate:
        configure(self._scene, self._own_settings(), self._device)
        light = render_light(self._scene, camera, SHADE_SEED)
        most = np.finfo(np.float16).max
        return Plate(np.minimum(light, most).astype(np.float16), render_shade(self._scene, camera))

    def _own_settings(self) -> RenderSettings:
        return replace(
            self._settings, samples=self._settings.plate_samples, denoise_quality="HIGH", prefilter="ACCURATE"
        )


def camera_text(scene: bpy.types.Scene, camera: bpy.types.Object) -> str:
    """All that a camera's picture depends on beside the scene, once it is the active one."""
    data, render = camera.data, scene.render
    assert isinstance(data, bpy.types.Camera)
    place = np.array(camera.matrix_world if camera.parent else camera.matrix_basis).tolist()
    names = ("type", "lens", "shift_x", "shift_y", "sensor_fit", "sensor_width", "sensor_height", "clip_start")
    optics = [getattr(data, name) for name in names] + [getattr(data, "custom_bytecode_hash", "")]
    size = (render.resolution_x, render.resolution_y, render.pixel_aspect_x, render.pixel_aspect_y)
    return repr((place, optics, size))


def _read(path: Path) -> Plate | None:
    """A plate that was kept; None if it is not there, or not whole."""
    try:
        with np.load(path) as file:
            return Plate(file["light"], file["shade"])
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None


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
