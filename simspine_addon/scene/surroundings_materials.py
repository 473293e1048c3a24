"""Materials of the surroundings: procedural, cheap to shade, the same in every Blender since 4.2.

Patterns run in each object's own coordinates (m), so a table's grain moves with the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import bpy

from .compat import shader_nodes
from .studio import linear_color
from .surroundings_shapes import Finish

Color = tuple[float, float, float]
Socket = Any  # bpy.types.NodeSocket; what its default_value holds depends on its kind


@dataclass(slots=True)
class _Tree:
    """A material's nodes, with short ways to the few that are used here."""

    tree: Any
    shader: Any

    def node(self, kind: str, **settings: object) -> Any:
        node = self.tree.nodes.new(kind)
        for name, value in settings.items():
            setattr(node, name, value)
        return node

    def link(self, source: Socket, target: Socket) -> None:
        self.tree.links.new(source, target)

    def place(self, scale: Sequence[float] = (1.0, 1.0, 1.0), turn: float = 0.0) -> Socket:
        """The object's coordinates, scaled; turned about the upright axis (rad) first."""
        mapping = self.node("ShaderNodeMapping")
        mapping.inputs["Scale"].default_value = tuple(scale)
        mapping.inputs["Rotation"].default_value = (0.0, 0.0, turn)
        self.link(self.node("ShaderNodeTexCoord").outputs["Object"], mapping.inputs["Vector"])
        return mapping.outputs["Vector"]

    def noise(self, scale: float, detail: float = 2.0, place: Socket | None = None) -> Socket:
        """Noise, 0 to 1."""
        noise = self.node("ShaderNodeTexNoise")
        noise.inputs["Scale"].default_value, noise.inputs["Detail"].default_value = scale, detail
        self.link(place or self.place(), noise.inputs["Vector"])
        return noise.outputs[0]

    def ramp(self, share: Socket, stops: Sequence[tuple[float, Color]]) -> Socket:
        """Colours along a share."""
        ramp = self.node("ShaderNodeValToRGB")
        elements = ramp.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(1.0)
        for element, (position, color) in zip(elements, stops, strict=True):
            element.position, element.color = position, (*color, 1.0)
        self.link(share, ramp.inputs["Fac"])
        return ramp.outputs["Color"]

    def bump(self, height: Socket, distance: float, strength: float = 0.6) -> None:
        bump = self.node("ShaderNodeBump")
        bump.inputs["Strength"].default_value, bump.inputs["Distance"].default_value = strength, distance
        self.link(height, bump.inputs["Height"])
        self.link(bump.outputs["Normal"], self.shader.inputs["Normal"])

    def color(self, source: Socket) -> None:
        self.link(source, self.shader.inputs["Base Color"])


def finish_material(finish: Finish) -> bpy.types.Material:
    """The material of a finish; made once for each."""
    name = f"SimSpine {finish.kind} {finish.color}"
    found = bpy.data.materials.get(name)
    if found is not None:
        return found
    material = bpy.data.materials.new(name)
    shader = next(node for node in shader_nodes(material) if node.type == "BSDF_PRINCIPLED")
    color = linear_color(finish.color)
    material.diffuse_color = (*color, 1.0)
    roughness, specular, paint = _FINISHES[finish.kind]
    shader.inputs["Base Color"].default_value = (*color, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Specular IOR Level"].default_value = specular
    if paint is not None:
        paint(_Tree(material.node_tree, shader), color)
    return material


def glowing_material(kind: str, color: Color, strength: float) -> bpy.types.Material:
    """A surface that the cameras see shine, without lighting anything: lamps beside it do that with less noise."""
    material = bpy.data.materials.new(f"SimSpine {kind}")
    shader_nodes(material).clear()
    tree = _Tree(material.node_tree, None)
    glow, output = tree.node("ShaderNodeEmission"), tree.node("ShaderNodeOutputMaterial")
    glow.inputs["Color"].default_value, glow.inputs["Strength"].default_value = (*color, 1.0), strength
    if kind == "daylight":
        _view_outside(tree, glow)
    tree.link(glow.outputs["Emission"], output.inputs["Surface"])
    material.cycles.emission_sampling = "NONE"
    material.diffuse_color = (*color, 1.0)
    return material


def _view_outside(tree: _Tree, glow: Any) -> None:
    """A blurred outdoors: green below, a pale sky above; by the height over the floor, unevenly."""
    parts = tree.node("ShaderNodeSeparateXYZ")
    tree.link(tree.place(), parts.inputs[0])
    uneven, total, span = (
        tree.node("ShaderNodeMath", operation=each) for each in ("MULTIPLY_ADD", "ADD", "MULTIPLY_ADD")
    )
    tree.link(tree.noise(3.0, 3.0), uneven.inputs[0])
    uneven.inputs[1].default_value, uneven.inputs[2].default_value = 0.5, -0.25
    tree.link(parts.outputs["Z"], total.inputs[0])
    tree.link(uneven.outputs[0], total.inputs[1])
    tree.link(total.outputs[0], span.inputs[0])
    span.inputs[1].default_value, span.inputs[2].default_value = 0.55, -0.35
    stops = [
        (0.05, (0.16, 0.20, 0.10)), (0.33, (0.25, 0.34, 0.15)), (0.47, (0.55, 0.62, 0.55)), (0.55, (0.80, 0.88, 0.98)),
        (1.0, (0.62, 0.78, 1.0)),
    ]  # fmt: skip
    tree.link(tree.ramp(span.outputs[0], stops), glow.inputs["Color"])


def _shades(color: Color, *factors: float) -> list[Color]:
    return [tuple(min(channel * factor, 0.9) for channel in color) for factor in factors]  # type: ignore[misc]


def _paint(tree: _Tree, color: Color) -> None:
    dark, light = _shades(color, 0.96, 1.02)
    tree.color(tree.ramp(tree.noise(1.3, 3.0), [(0.3, dark), (0.7, light)]))


def _wood(tree: _Tree, color: Color) -> None:
    grain = tree.noise(12.0, 3.0, tree.place((0.2, 4.0, 4.0)))
    dark, light = _shades(color, 0.8, 1.12)
    tree.color(tree.ramp(grain, [(0.3, dark), (0.7, light)]))


def _cloth(tree: _Tree, color: Color) -> None:
    dark, light = _shades(color, 0.8, 1.12)
    weave = tree.noise(320.0, 1.0)
    tree.color(tree.ramp(weave, [(0.3, dark), (0.7, light)]))


def _leaf(tree: _Tree, color: Color) -> None:
    dark, light = _shades(color, 0.55, 1.35)
    tree.color(tree.ramp(tree.noise(7.0, 4.0), [(0.35, dark), (0.68, light)]))


def _bricks_of(tree: _Tree, colors: Sequence[Color], place: Socket, **inputs: float) -> Any:
    bricks = tree.node("ShaderNodeTexBrick")
    for name, color in zip(("Color1", "Color2", "Mortar"), colors, strict=True):
        bricks.inputs[name].default_value = (*color, 1.0)
    for name, value in inputs.items():
        bricks.inputs[name.replace("_", " ")].default_value = value
    tree.link(place, bricks.inputs["Vector"])
    return bricks


def _planks(tree: _Tree, color: Color) -> None:
    bricks = _bricks_of(
        tree, _shades(color, 0.82, 1.14, 0.42), tree.place(),
        Scale=1.0, Mortar_Size=0.0016, Mortar_Smooth=0.1, Bias=0.0, Brick_Width=1.35, Row_Height=0.14,
    )  # fmt: skip
    bricks.offset, bricks.offset_frequency = 0.37, 3
    _over_noise(tree, bricks.outputs["Color"], tree.noise(11.0, 3.0, tree.place((0.5, 6.0, 1.0))), 0.55)


def _tiles(tree: _Tree, color: Color) -> None:
    bricks = _bricks_of(
        tree, _shades(color, 0.96, 1.04, 0.6), tree.place(),
        Scale=1.0, Mortar_Size=0.004, Mortar_Smooth=0.2, Bias=0.0, Brick_Width=0.6, Row_Height=0.6,
    )  # fmt: skip
    bricks.offset = 0.0
    _over_noise(tree, bricks.outputs["Color"], tree.noise(4.0, 4.0), 0.25)


def _paving(tree: _Tree, color: Color) -> None:
    bricks = _bricks_of(
        tree, _shades(color, 0.85, 1.1, 0.45), tree.place(turn=0.35),
        Scale=1.0, Mortar_Size=0.008, Mortar_Smooth=0.3, Bias=0.0, Brick_Width=0.8, Row_Height=0.4,
    )  # fmt: skip
    _over_noise(tree, bricks.outputs["Color"], tree.noise(16.0, 4.0), 0.4)


def _bricks(tree: _Tree, color: Color) -> None:
    """Courses of bricks on upright walls: x + y runs along a wall, whichever way it stands in the room's frame."""
    parts, along, place = (
        tree.node("ShaderNodeSeparateXYZ"),
        tree.node("ShaderNodeMath"),
        tree.node("ShaderNodeCombineXYZ"),
    )
    tree.link(tree.place(), parts.inputs[0])
    tree.link(parts.outputs["X"], along.inputs[0])
    tree.link(parts.outputs["Y"], along.inputs[1])
    tree.link(along.outputs[0], place.inputs["X"])
    tree.link(parts.outputs["Z"], place.inputs["Y"])
    bricks = _bricks_of(
        tree, _shades(color, 0.8, 1.1, 1.25), place.outputs[0],
        Scale=1.0, Mortar_Size=0.006, Mortar_Smooth=0.2, Bias=0.0, Brick_Width=0.24, Row_Height=0.075,
    )  # fmt: skip
    _over_noise(tree, bricks.outputs["Color"], tree.noise(14.0, 3.0), 0.35)
    tree.bump(bricks.outputs["Fac"], -0.004)


def _panels(tree: _Tree, color: Color) -> None:
    """Upright boards, 12 cm wide, with dark joints."""
    parts, along, wave = (
        tree.node("ShaderNodeSeparateXYZ"),
        tree.node("ShaderNodeMath"),
        tree.node("ShaderNodeMath", operation="PINGPONG"),
    )
    tree.link(tree.place(), parts.inputs[0])
    tree.link(parts.outputs["X"], along.inputs[0])
    tree.link(parts.outputs["Y"], along.inputs[1])
    tree.link(along.outputs[0], wave.inputs[0])
    wave.inputs[1].default_value = 0.06
    joint, body = _shades(color, 0.45, 1.0)
    tree.color(tree.ramp(wave.outputs[0], [(0.002, joint), (0.005, body)]))


def _speckled(scale: float, low: float, high: float) -> Callable[[_Tree, Color], None]:
    def paint(tree: _Tree, color: Color) -> None:
        dark, middle, light = _shades(color, low, 1.0, high)
        noise = tree.noise(scale, 6.0)
        tree.color(tree.ramp(noise, [(0.3, dark), (0.5, middle), (0.7, light)]))

    return paint


def _grass(tree: _Tree, color: Color) -> None:
    """Tufts over wider patches that are drier or greener.

    Their relief is in the colour alone: the denoiser is guided by colours, and would smooth a bump of the normal within
    a person's window, where rays are few, and not in the background around it.
    """
    dark, middle, light = _shades(color, 0.3, 0.95, 1.6)
    fine = tree.noise(38.0, 6.0)
    blades = tree.ramp(fine, [(0.32, dark), (0.5, middle), (0.7, light)])
    _over_noise(tree, blades, tree.noise(0.6, 4.0), 0.7)


def _over_noise(tree: _Tree, color: Socket, noise: Socket, strength: float) -> None:
    """The colour, darker and lighter by a noise."""
    mix = tree.node("ShaderNodeMix", data_type="RGBA", blend_type="MULTIPLY")
    mix.inputs[0].default_value = 1.0
    low, high = 1.0 - 0.5 * strength, 1.0 + 0.35 * strength
    tree.link(color, mix.inputs[6])
    tree.link(tree.ramp(noise, [(0.3, (low, low, low)), (0.7, (high, high, high))]), mix.inputs[7])
    tree.color(mix.outputs[2])


def _art(tree: _Tree, color: Color) -> None:
    first, second, third = _shades(color, 0.5, 1.0, 1.0)
    other = (third[2], 0.8 * third[0], third[1])
    stops = [(0.38, first), (0.44, second), (0.52, other), (0.58, _shades(second, 1.6)[0])]
    tree.color(tree.ramp(tree.noise(2.6, 1.0), stops))


def _shade(tree: _Tree, color: Color) -> None:
    tree.shader.inputs["Emission Color"].default_value = (*color, 1.0)
    tree.shader.inputs["Emission Strength"].default_value = 0.35


def _metal(tree: _Tree, color: Color) -> None:
    tree.shader.inputs["Metallic"].default_value = 0.9


# Roughness, specular level, and what is painted on top of the plain colour.
_FINISHES: dict[str, tuple[float, float, Callable[[_Tree, Color], None] | None]] = {
    "paint": (0.85, 0.2, _paint),
    "lacquer": (0.4, 0.4, None),
    "wood": (0.5, 0.35, _wood),
    "cloth": (0.95, 0.1, _cloth),
    "paper": (0.8, 0.2, None),
    "art": (0.7, 0.25, _art),
    "leaf": (0.6, 0.3, _leaf),
    "soil": (1.0, 0.0, None),
    "ceramic": (0.25, 0.5, None),
    "cardboard": (0.9, 0.1, _speckled(40.0, 0.93, 1.05)),
    "plastic": (0.35, 0.4, None),
    "metal": (0.4, 0.5, _metal),
    "shade": (0.9, 0.1, _shade),
    "planks": (0.42, 0.35, _planks),
    "tiles": (0.3, 0.4, _tiles),
    "carpet": (1.0, 0.0, _speckled(260.0, 0.72, 1.2)),
    "concrete": (0.75, 0.25, _speckled(5.0, 0.86, 1.1)),
    "bricks": (0.85, 0.2, _bricks),
    "panels": (0.55, 0.3, _panels),
    "grass": (0.95, 0.1, _grass),
    "asphalt": (0.9, 0.2, _speckled(90.0, 0.6, 1.5)),
    "gravel": (0.95, 0.15, _speckled(55.0, 0.4, 1.4)),
    "paving": (0.8, 0.25, _paving),
}
