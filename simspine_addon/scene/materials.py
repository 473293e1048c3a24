"""Plain materials for bones: one for each colour and opacity that the model gives."""

from __future__ import annotations

import bpy
import numpy as np

from .compat import shader_nodes

# Nothing reflects all light: a model's white (OpenSim's default for bones) would burn out in a rendered image.
_BRIGHTEST = 0.8


class MaterialPalette:
    """The materials of one import, made when first asked for."""

    def __init__(self) -> None:
        self._made: dict[tuple[float, ...], bpy.types.Material] = {}

    @property
    def made(self) -> tuple[bpy.types.Material, ...]:
        return tuple(self._made.values())

    def material(self, color: tuple[float, float, float], opacity: float) -> bpy.types.Material:
        """The material for a display colour (sRGB, 0 to 1) and an opacity (0 to 1)."""
        key = tuple(round(float(np.clip(value, 0.0, 1.0)), 4) for value in (*color, opacity))
        if key not in self._made:
            self._made[key] = _new_material(key)
        return self._made[key]


def _new_material(key: tuple[float, ...]) -> bpy.types.Material:
    *display, opacity = key
    code = "".join(f"{round(255 * value):02x}" for value in display)
    material = bpy.data.materials.new(f"Bone #{code}" + (f" {opacity:.0%}" if opacity < 1.0 else ""))
    shader = next(node for node in shader_nodes(material) if node.type == "BSDF_PRINCIPLED")
    color = (*(_BRIGHTEST * _linear(value) for value in display), 1.0)
    shader.inputs["Base Color"].default_value = color  # type: ignore[attr-defined]
    shader.inputs["Roughness"].default_value = 0.6  # type: ignore[attr-defined]
    shader.inputs["Alpha"].default_value = opacity  # type: ignore[attr-defined]
    material.diffuse_color = (*color[:3], opacity)
    if opacity < 1.0:
        material.surface_render_method = "BLENDED"
    return material


def _linear(value: float) -> float:
    """Linear light of an sRGB display value (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
