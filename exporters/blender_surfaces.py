"""Blender's materials as glTF can hold them: the Principled shader's values, and pictures with their own bytes."""

# bpy makes its submodules at run time, so their names cannot be checked
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .glb_types import SurfaceMaterial, Texture

if TYPE_CHECKING:
    import bpy

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_CHANNELS = {"Red": 0, "Green": 1, "Blue": 2}


class SurfaceReader:
    """Reads each material and picture once; `warnings` tells what of them glTF cannot hold."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self._surfaces: dict[str, SurfaceMaterial] = {}
        self._textures: dict[str, Texture] = {}

    def surface(self, material: bpy.types.Material | None) -> SurfaceMaterial:
        """What glTF can hold of a material; an empty slot is grey."""
        if material is None:
            return SurfaceMaterial("none")
        if material.name not in self._surfaces:
            self._surfaces[material.name] = self._read(material)
        return self._surfaces[material.name]

    def _read(self, material: bpy.types.Material) -> SurfaceMaterial:
        nodes = [] if material.node_tree is None else list(material.node_tree.nodes)
        shader = next((node for node in nodes if node.type == "BSDF_PRINCIPLED"), None)
        if shader is None:
            color: Any = tuple(material.diffuse_color)
            self.warnings.append(
                f"the material '{material.name}' has no Principled shader: its viewport colour is used"
            )
            return SurfaceMaterial(material.name, color, double_sided=not material.use_backface_culling)
        if not any(link.to_node.type == "OUTPUT_MATERIAL" for link in shader.outputs[0].links):
            self.warnings.append(f"of the material '{material.name}' only its Principled shader is kept")
        surface = SurfaceMaterial(
            name=material.name,
            metallic=_value(shader, "Metallic"),
            roughness=_value(shader, "Roughness"),
            specular=min(1.0, 2.0 * _value(shader, "Specular IOR Level")),  # Blender's 0.5 is glTF's 1
            double_sided=not material.use_backface_culling,
        )
        surface = self._with_color(surface, material, shader)
        surface = self._with_metal_and_roughness(surface, shader)
        surface = self._with_emission(surface, shader)
        return self._with_normals(surface, shader)

    def _with_color(self, surface: SurfaceMaterial, material: Any, shader: Any) -> SurfaceMaterial:
        socket, alpha = shader.inputs["Base Color"], _value(shader, "Alpha")
        image, color = _image_of(socket), tuple(socket.default_value)[:3]
        if image is not None:
            color = (1.0, 1.0, 1.0)
        elif socket.is_linked:
            color = tuple(material.diffuse_color)[:3]
            self._cannot(surface, "colour", "its viewport colour is used")
        by_picture = shader.inputs["Alpha"].is_linked
        if by_picture:
            alpha = 1.0
            if image is None or _image_of(shader.inputs["Alpha"]) != image:
                self._cannot(surface, "transparency", "it is opaque")
                by_picture = False
        return replace(
            surface,
            base_color=(*color, alpha),
            base_color_texture=self._texture(image),
            alpha_mode="BLEND" if by_picture or alpha < 1.0 else "OPAQUE",
        )

    def _with_metal_and_roughness(self, surface: SurfaceMaterial, shader: Any) -> SurfaceMaterial:
        """glTF wants both in one picture, roughness in green and metal in blue."""
        rough, metal = _channel_of(shader.inputs["Roughness"]), _channel_of(shader.inputs["Metallic"])
        for name, socket, source in (("roughness", "Roughness", rough), ("metal", "Metallic", metal)):
            if source is None and shader.inputs[socket].is_linked:
                self._cannot(surface, name, "one value is used for the whole")
        images = [source[0] for source in (rough, metal) if source is not None]
        if not images:
            return surface
        surface = replace(
            surface,
            roughness=surface.roughness if rough is None else 1.0,
            metallic=surface.metallic if metal is None else 1.0,
        )
        if all(source is None or source == (images[0], at) for source, at in ((rough, 1), (metal, 2))):
            return replace(surface, metallic_roughness_texture=self._texture(images[0]))
        if len({tuple(image.size) for image in images}) > 1:
            self._cannot(surface, "metal", "its picture has another size than that of roughness")
            metal = None
        mixed = np.full((images[0].size[1], images[0].size[0], 4), 255, np.uint8)
        for source, at in ((rough, 1), (metal, 2)):
            if source is not None:
                mixed[..., at] = _pixels(source[0])[..., source[1]]
        name = f"{surface.name} roughness and metal"
        return replace(surface, metallic_roughness_texture=Texture(name, encoded_png(mixed)))

    def _with_emission(self, surface: SurfaceMaterial, shader: Any) -> SurfaceMaterial:
        socket, strength = shader.inputs["Emission Color"], _value(shader, "Emission Strength")
        if strength <= 0.0:
            return surface
        image = _image_of(socket)
        if image is None and socket.is_linked:
            self._cannot(surface, "glow", "it is left out")
            return surface
        red, green, blue = (1.0, 1.0, 1.0) if image is not None else tuple(socket.default_value)[:3]
        emission = (strength * red, strength * green, strength * blue)
        return replace(surface, emission=emission, emission_texture=self._texture(image))

    def _with_normals(self, surface: SurfaceMaterial, shader: Any) -> SurfaceMaterial:
        socket = shader.inputs["Normal"]
        if not socket.is_linked:
            return surface
        node = socket.links[0].from_node
        image = _image_of(node.inputs["Color"]) if node.type == "NORMAL_MAP" else None
        if image is None:
            self._cannot(surface, "relief", "it is left out")
            return surface
        return replace(surface, normal_texture=self._texture(image), normal_strength=_value(node, "Strength"))

    def _cannot(self, surface: SurfaceMaterial, what: str, instead: str) -> None:
        self.warnings.append(
            f"the {what} of the material '{surface.name}' is computed by nodes, not a picture: {instead}"
        )

    def _texture(self, image: Any) -> Texture | None:
        if image is None:
            return None
        if image.name not in self._textures:
            self._textures[image.name] = Texture(image.name, _stored_bytes(image) or encoded_png(_pixels(image)))
        return self._textures[image.name]


def encoded_png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG of `pixels` [height, width, 4] RGBA, top row first; the same pixels give the same bytes."""
    height, width = pixels.shape[:2]
    rows = np.zeros((height, 1 + 4 * width), np.uint8)  # each row begins with its filter, 0 for none
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return _SIGNATURES[0] + body


def _stored_bytes(image: Any) -> bytes | None:
    """The picture's file as it is, packed or on disk; None where there is none, or no longer what is shown."""
    if image.is_dirty or image.source != "FILE":
        return None
    if image.packed_file is not None:
        data = bytes(image.packed_file.data)
    else:
        path = Path(image.filepath_from_user())
        data = path.read_bytes() if path.is_file() else b""
    return data if data.startswith(_SIGNATURES) else None


def _pixels(image: Any) -> NDArray[np.uint8]:
    """The picture as RGBA bytes [height, width, 4], top row first; grey where it cannot be loaded."""
    width, height = image.size
    if width == 0 or height == 0:
        return np.full((1, 1, 4), 128, np.uint8)
    values = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(values)
    values = values.reshape(height, width, 4)[::-1]
    if image.is_float and not image.colorspace_settings.is_data:  # floats are linear light, bytes are as displayed
        linear = values[..., :3]
        curved = 1.055 * np.maximum(linear, 0.0031308) ** (1.0 / 2.4) - 0.055
        values = np.concatenate([np.where(linear <= 0.0031308, 12.92 * linear, curved), values[..., 3:]], axis=2)
    return np.rint(np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8)


def _value(node: Any, name: str) -> float:
    return float(node.inputs[name].default_value)


def _image_of(socket: Any) -> Any:
    """The picture that is linked straight to a socket, or None."""
    if not socket.is_linked or socket.links[0].from_node.type != "TEX_IMAGE":
        return None
    return socket.links[0].from_node.image


def _channel_of(socket: Any) -> tuple[Any, int] | None:
    """Picture and channel that a value comes from: through Separate Color, or a grey picture itself."""
    if not socket.is_linked:
        return None
    link = socket.links[0]
    if link.from_node.type == "SEPARATE_COLOR":
        image = _image_of(link.from_node.inputs[0])
        return None if image is None else (image, _CHANNELS[link.from_socket.name])
    image = _image_of(socket)
    return None if image is None else (image, 0)
