"""Blender's materials as plain values and pictures: bytes kept where they can be, told where they cannot."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

bpy = pytest.importorskip("bpy")

from simspine.exporters.blender_surfaces import SurfaceReader, encoded_png  # noqa: E402
from simspine.simspine_addon.scene.compat import shader_nodes  # noqa: E402


@pytest.fixture
def shader() -> Any:
    """A new material's Principled shader."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return next(node for node in shader_nodes(bpy.data.materials.new("Skin")) if node.type == "BSDF_PRINCIPLED")


def linked(shader: Any, image: Any, socket: str, output: str = "Color") -> Any:
    tree = shader.id_data
    texture = next((n for n in tree.nodes if n.type == "TEX_IMAGE" and n.image == image), None)
    if texture is None:
        texture = tree.nodes.new("ShaderNodeTexImage")
        texture.image = image
    tree.links.new(texture.outputs[output], shader.inputs[socket])
    return texture


def picture(path: Path, color: tuple[int, ...], size: tuple[int, int] = (8, 4)) -> Any:
    Image.new("RGB" if len(color) == 3 else "RGBA", size, color).save(path)
    return bpy.data.images.load(str(path))


def test_png_is_what_another_decoder_reads() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4), dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encoded_png(pixels)))), pixels)


def test_values_of_the_shader(shader: Any) -> None:
    for name, value in (("Base Color", (0.1, 0.2, 0.3, 1.0)), ("Metallic", 0.25), ("Roughness", 0.75), ("Alpha", 0.5)):
        shader.inputs[name].default_value = value
    shader.inputs["Specular IOR Level"].default_value = 0.2
    shader.inputs["Emission Color"].default_value = (1.0, 0.5, 0.0, 1.0)
    shader.inputs["Emission Strength"].default_value = 2.0
    reader = SurfaceReader()
    surface = reader.surface(bpy.data.materials["Skin"])
    assert surface.base_color == pytest.approx((0.1, 0.2, 0.3, 0.5))
    assert (surface.metallic, surface.roughness, surface.alpha_mode) == (0.25, 0.75, "BLEND")
    assert surface.specular == pytest.approx(0.4)
    assert surface.emission == pytest.approx((2.0, 1.0, 0.0))
    assert reader.warnings == []


@pytest.mark.parametrize("packed", [False, True])
def test_a_jpeg_keeps_its_bytes(tmp_path: Path, shader: Any, packed: bool) -> None:
    image = picture(tmp_path / "skin.jpg", (200, 100, 50))
    data = (tmp_path / "skin.jpg").read_bytes()
    linked(shader, image, "Base Color")
    if packed:
        image.pack()
        (tmp_path / "skin.jpg").unlink()
    surface = SurfaceReader().surface(bpy.data.materials["Skin"])
    assert surface.base_color_texture is not None
    assert surface.base_color_texture.data == data
    assert surface.base_color == (1.0, 1.0, 1.0, 1.0)


def test_other_formats_become_png(tmp_path: Path, shader: Any) -> None:
    linked(shader, picture(tmp_path / "skin.tga", (200, 100, 50)), "Base Color")
    surface = SurfaceReader().surface(bpy.data.materials["Skin"])
    assert surface.base_color_texture is not None
    decoded = np.asarray(Image.open(io.BytesIO(surface.base_color_texture.data)))
    assert decoded.shape == (4, 8, 4)
    assert np.all(decoded == [200, 100, 50, 255])


def test_alpha_of_the_colours_own_picture_blends(tmp_path: Path, shader: Any) -> None:
    image = picture(tmp_path / "leaf.png", (10, 200, 10, 128))
    linked(shader, image, "Base Color")
    linked(shader, image, "Alpha", "Alpha")
    reader = SurfaceReader()
    assert reader.surface(bpy.data.materials["Skin"]).alpha_mode == "BLEND"
    assert reader.warnings == []


def test_roughness_and_metal_of_two_pictures_become_one(tmp_path: Path, shader: Any) -> None:
    for name, value in (("Roughness", 60), ("Metallic", 180)):
        image = picture(tmp_path / f"{name}.png", (value, value, value))
        image.colorspace_settings.name = "Non-Color"
        linked(shader, image, name)
    texture = SurfaceReader().surface(bpy.data.materials["Skin"]).metallic_roughness_texture
    assert texture is not None
    decoded = np.asarray(Image.open(io.BytesIO(texture.data)))
    assert np.all(decoded[..., 1:3] == [60, 180])


def test_what_nodes_compute_is_told(shader: Any) -> None:
    tree = shader.id_data
    tree.links.new(tree.nodes.new("ShaderNodeTexNoise").outputs["Color"], shader.inputs["Base Color"])
    tree.links.new(tree.nodes.new("ShaderNodeBump").outputs["Normal"], shader.inputs["Normal"])
    material = bpy.data.materials["Skin"]
    material.diffuse_color = (0.5, 0.25, 0.125, 1.0)
    reader = SurfaceReader()
    assert reader.surface(material).base_color == pytest.approx((0.5, 0.25, 0.125, 1.0))
    assert len(reader.warnings) == 2


def test_a_material_without_the_shader_is_told(shader: Any) -> None:
    shader.id_data.nodes.remove(shader)
    reader = SurfaceReader()
    reader.surface(bpy.data.materials["Skin"])
    assert "no Principled shader" in reader.warnings[0]
