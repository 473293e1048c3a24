"""Images of the dressed avatar in a room: ours against naive Cycles, CPU time and PSNR, in the same run.

The naive way: every image whole, 16 samples, Cycles' own denoising settings, nothing kept between images; light takes
as many bounces as in ours. The reference has 1024 samples and no denoising. It is rendered where the person is seen,
and in small tiles, one at a random place in each field of a grid over the rest; squared errors are weighted by the
areas that they stand for. Few large tiles would not do: errors gather at edges, and one tile on an edge would decide.

Such a reference has noise of its own, some 41 dB in a room, which is nobody's error. It is therefore rendered in two
halves A and B of 512 samples with seeds of their own: the mean of (I - A) (I - B) is the squared error of the image I
without the reference's noise (`psnr_db`); `psnr_db_noisy` is that against the mean of A and B as it is. What the screen
shows of noisy light is darker in the mean than what it shows of the mean of light, as the curve between them is bent;
each half is two quarters of 256 samples, which tell how much (the jackknife: twice the half less the quarters' mean).

Backgrounds are as fine as in a recording of `Extent.recording` frames, whose images share their cost.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bootstrap import quiet_stdout
from ..progress import progress

Array = NDArray[np.float64]
Window = tuple[int, int, int, int]

NAIVE_SAMPLES = 16


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is rendered."""

    size: int = 1000  # px, square
    views: int = 4
    frames: int = 6
    reference_samples: int = 1024
    grid: int = 8  # fields of the image across and down
    tile: int = 16  # px, one in each field
    presets: tuple[str, ...] = ("draft", "standard")
    recording: int = 2048  # frames that share their backgrounds: the more, the finer these are


def run(extent: Extent | None = None) -> dict[str, Any]:
    """CPU-s (user and system, all threads) an image. The full extent takes about 40 minutes of two cores."""
    extent = extent or Extent()
    with quiet_stdout(), tempfile.TemporaryDirectory() as folder:
        return _measure(extent, Path(folder))


def _measure(extent: Extent, folder: Path) -> dict[str, Any]:
    import bpy

    from ...simspine_addon.scene.pixels import read_pixels
    from ...simspine_addon.scene.render import Device, render_image, settings_of
    from ..render_config import RenderConfig

    scene, movers, cameras, boxes = room_with_avatar(extent)
    views = range(extent.views)
    device = Device("CPU", ())
    result: dict[str, Any] = {"images_px": [extent.size, extent.size], "views": extent.views, "presets": {}}
    steps = iter(progress(range(len(extent.presets) + 2), "bench render"))

    next(steps)
    for name in extent.presets:
        settings = replace(
            settings_of(name), plate_samples=RenderConfig(quality=name).background_samples(extent.recording)
        )
        result["presets"][name] = _ours(scene, movers, cameras, boxes, settings, device, folder / name, extent)
        next(steps)
    naive = replace(settings_of("standard"), samples=NAIVE_SAMPLES, denoise_quality="HIGH", prefilter="ACCURATE")
    configured(scene, naive, device)
    scene.render.use_persistent_data = False
    paths = [folder / "naive" / f"{view}.png" for view in views]
    seconds = _cpu(lambda: [render_image(scene, cameras[v], 1, v, paths[v]) for v in views]) / extent.views
    result["naive"] = {"cpu_s_per_image": round(seconds, 3), "samples": NAIVE_SAMPLES}
    next(steps)
    truth = [_reference(scene, cameras[v], boxes[0][v], v, device, folder, extent) for v in views]
    result["naive"] |= _psnr([read_pixels(path) for path in paths], truth)
    for name, each in result["presets"].items():
        each |= _psnr([read_pixels(folder / name / f"0_{view}.png") for view in views], truth)
        each["ratio"] = round(seconds / (each["cpu_s_per_image"] + each["background_cpu_s_per_image"]), 1)
    result["reference_samples"] = extent.reference_samples
    result["blender"] = bpy.app.version_string
    result["table"] = quality_table(result)
    return result


def quality_table(result: dict[str, Any]) -> list[str]:
    """The presets as the lines of a table."""
    naive = result["naive"] | {"ratio": 1.0, "background_cpu_s_per_image": 0.0}
    lines = ["quality    CPU-s/image   background's share   ratio   PSNR dB   worst view dB"]
    for name, each in [("naive", naive), *result["presets"].items()]:
        seconds = f"{each['cpu_s_per_image']:11.2f} {each['background_cpu_s_per_image']:20.2f}"
        lines.append(
            f"{name:<10} {seconds} {each['ratio']:7.1f} {each['psnr_db']:9.1f} {each['psnr_db_worst_view']:15.1f}"
        )
    return lines


def _ours(scene, movers, cameras, boxes, settings, device, folder: Path, extent: Extent) -> dict[str, Any]:
    """Plates apart, then all frames through all cameras, frame by frame."""
    from ...simspine_addon.scene.image_renderer import ImageRenderer

    renderer = ImageRenderer(scene, settings, device, movers, folder / "plates")
    views = range(extent.views)
    started = time.perf_counter()
    plates = _cpu(lambda: [renderer.prepare(cameras[view]) for view in views])
    renderer.render(cameras[0], extent.frames, 0, folder / "first.png", boxes[-1][0])  # the movers join the scene again

    def images() -> None:
        for frame in range(extent.frames):
            for view in views:
                path = folder / f"{frame}_{view}.png"
                renderer.render(cameras[view], frame + 1, 7 * frame + view, path, boxes[frame][view])

    started = time.perf_counter()
    seconds = _cpu(images) / (extent.frames * extent.views)
    wall = (time.perf_counter() - started) / (extent.frames * extent.views)
    return {
        "cpu_s_per_image": round(seconds, 3),
        "wall_s_per_image": round(wall, 3),
        "background_cpu_s_per_camera": round(plates / extent.views, 1),
        "background_cpu_s_per_image": round(plates / extent.views / extent.recording, 3),
        "background_samples": settings.plate_samples,
        "samples": settings.window_samples,
        "denoise_quality": settings.denoise_quality,
        "guides": settings.guides,
        "prefilter": settings.prefilter,
    }


def _reference(scene, camera, box: Array, view: int, device, folder: Path, extent: Extent):
    """Windows of one view: [(window, two halves of the reference, share of the image that it stands for)]."""
    from ...simspine_addon.scene.compose import window_around
    from ...simspine_addon.scene.layers import render_light
    from ...simspine_addon.scene.render import settings_of

    configured(scene, replace(settings_of("reference"), samples=extent.reference_samples // 4), device)
    scene.frame_set(1)
    size = (extent.size, extent.size)
    near = window_around(box, size)
    windows: list[Window] = [] if near is None else [near]
    far = [tile for tile in _tiles(extent, view) if near is None or not _overlap(tile, near)]
    near_area = near[2] * near[3] if near else 0
    parts = []
    for window in [*windows, *far]:
        quarters = [render_light(scene, camera, 1000 + 4 * view + quarter, window) for quarter in range(4)]
        halves = [_half(quarters[i : i + 2], scene, folder) for i in (0, 2)]
        stands_for = near_area if window is near else (extent.size**2 - near_area) / len(far)
        parts.append((window, halves, stands_for / extent.size**2))
    return parts


def _half(quarters, scene, folder: Path) -> Array:
    """A half of the reference as 8-bit sRGB, not rounded, from the light of its two quarters."""
    first, second, both = (_shown(light, scene, folder) for light in (*quarters, sum(quarters) / 2))
    return 2 * both - (first + second) / 2


def _shown(light, scene, folder: Path) -> Array:
    from ...simspine_addon.scene.pixels import read_pixels, write_light

    write_light(light, folder / "shown.png", scene)
    return read_pixels(folder / "shown.png").astype(float)


def _tiles(extent: Extent, view: int) -> list[Window]:
    """A tile at a random place in each field of the grid."""
    field = extent.size / extent.grid
    offsets = np.random.default_rng(view).random((extent.grid, extent.grid, 2)) * (field - extent.tile)
    corners = (np.argwhere(np.ones((extent.grid, extent.grid)))[:, ::-1] * field + offsets.reshape(-1, 2)).astype(int)
    return [(int(x), int(y), extent.tile, extent.tile) for x, y in corners]


def _overlap(one: Window, other: Window) -> bool:
    return all(one[i] < other[i] + other[i + 2] and other[i] < one[i] + one[i + 2] for i in (0, 1))


def _psnr(images: list, truth: list) -> dict[str, float]:
    """dB of 8-bit sRGB, of the mean squared error over all views and of the worst view."""
    clean, noisy = np.zeros(len(images)), np.zeros(len(images))
    for view, (image, parts) in enumerate(zip(images, truth, strict=True)):
        for (x, y, across, down), (one, other), share in parts:
            shown = image[y : y + down, x : x + across]
            clean[view] += share * float(np.mean((shown - one) * (shown - other)))
            noisy[view] += share * float(np.mean((shown - (one + other) / 2) ** 2))
    return {
        "psnr_db": _in_db(clean.mean()),
        "psnr_db_worst_view": _in_db(clean.max()),
        "psnr_db_noisy": _in_db(noisy.mean()),
    }


def _in_db(squared_error: float) -> float:
    return round(float(10 * np.log10(255**2 / max(squared_error, 1e-9))), 2)


def _cpu(work: Callable[[], object]) -> float:
    """User and system seconds of this process over all its threads."""
    before = os.times()
    work()
    after = os.times()
    return after.user + after.system - before.user - before.system


def configured(scene, settings, device) -> None:
    """Set up Cycles, for what is rendered without an ImageRenderer."""
    from ...simspine_addon.scene.render import configure

    configure(scene, settings, device)


def room_with_avatar(extent: Extent):
    """The scene, its movers, cameras [V] and boxes [T][V]: the sample person walks through a furnished room."""
    import bpy

    from ...exporters.labels import bounding_box
    from ...exporters.outline import points_at
    from ...sample_rigs import sample_model_path, sample_motion_path
    from ...simspine_addon.kinematics.forward import pose_track
    from ...simspine_addon.model.document import read_model
    from ...simspine_addon.model.motion import read_motion
    from ...simspine_addon.scene.cameras import add_camera
    from ...simspine_addon.scene.surroundings import build_surroundings
    from ...simspine_addon.scene.variety import draw_variety
    from ...simspine_addon.scene.variety_options import options_from_table
    from ..render_avatar import moving_avatar
    from ..render_plan import choose_cameras, frames_of
    from ..render_scene import add_moving_avatar, surface_samples

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    model = read_model(sample_model_path())
    motion = read_motion(sample_motion_path("walking"), model)
    seen = moving_avatar(model, pose_track(model, motion), "fitted", None, "surface")
    rows = np.linspace(0, len(motion.time) - 1, extent.frames).round().astype(int)
    poses = frames_of(seen.track, rows)
    person = add_moving_avatar(scene, seen, poses)
    movers = list(scene.objects)
    points = surface_samples(person, seen.track)
    cameras = choose_cameras("h36m", (extent.size, extent.size), points).cameras[: extent.views]
    boxes = [
        [bounding_box(camera, points_at(list(person.parts), poses, index)) for camera in cameras]
        for index in range(len(rows))
    ]
    variety = draw_variety(options_from_table({"surroundings": "room"}), 1, "bench render")
    build_surroundings(scene, variety, points, cameras)
    return scene, movers, [add_camera(scene, camera) for camera in cameras], boxes
