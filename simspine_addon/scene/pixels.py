"""Finished images as arrays of 8-bit pixels, read and written by Blender alone: no other library is needed."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

FILE_FORMATS = {"png": "PNG", "jpg": "JPEG"}
JPEG_QUALITY = 95

Image = NDArray[np.uint8]


def read_values(path: Path, channels: int = 3) -> NDArray[np.float32]:
    """The values of an image file as they stand in it, [H, W, channels], rows from top to bottom: shares of white of a
    PNG or JPEG, light of an EXR."""
    image = bpy.data.images.load(str(path))
    try:
        image.alpha_mode = "CHANNEL_PACKED"
        image.colorspace_settings.name = "Non-Color"  # else values of 16 bits would be made linear
        width, height = image.size
        values = np.empty(width * height * image.channels, np.float32)
        image.pixels.foreach_get(values)
        return values.reshape(height, width, -1)[::-1, :, :channels]
    finally:
        bpy.data.images.remove(image)


def read_pixels(path: Path) -> Image:
    """The pixels of an 8-bit image file, [H, W, 3], rows from top to bottom."""
    return to_bytes(read_values(path))


def write_pixels(pixels: Image, path: Path, file_format: str) -> None:
    """Write 8-bit sRGB pixels [H, W, 3], rows from top to bottom, as they are; "jpg" of course loses a little.

    Raises:
        RuntimeError: Blender could not write the file.
    """
    height, width = pixels.shape[:2]
    image = bpy.data.images.new("SimSpine image", width, height, alpha=False, float_buffer=False)
    try:
        values = np.ones((height, width, 4), np.float32)
        values[..., :3] = pixels[::-1] / np.float32(255)
        image.pixels.foreach_set(values.ravel())
        image.update()
        image.file_format = FILE_FORMATS[file_format]
        image.save(filepath=str(path), quality=JPEG_QUALITY if file_format == "jpg" else 30)
    finally:
        bpy.data.images.remove(image)


def write_light(light: NDArray[np.float32], path: Path, scene: bpy.types.Scene) -> None:
    """Write scene light [H, W, 3], rows from top to bottom, as a scene shows and stores its images.

    Raises:
        RuntimeError: Blender could not write the file.
    """
    height, width = light.shape[:2]
    image = bpy.data.images.new("SimSpine image", width, height, alpha=False, float_buffer=True)
    try:
        image.colorspace_settings.name = working_space()
        values = np.ones((height, width, 4), np.float32)
        values[..., :3] = light[::-1]
        image.pixels.foreach_set(values.ravel())
        image.save_render(filepath=str(path), scene=scene)
    finally:
        bpy.data.images.remove(image)


def working_space() -> str:
    """The name of the colour space that Blender renders in."""
    known = getattr(bpy.data, "colorspace", None)  # to be chosen since Blender 5.0
    return "Linear Rec.709" if known is None else known.working_space


def to_bytes(shares: NDArray[np.floating]) -> Image:
    """Shares of white to 8 bits, the nearest step."""
    return (np.clip(shares, 0.0, 1.0) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
