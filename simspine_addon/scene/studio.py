"""A neutral photo studio around the person: a floor that fades into the background, soft lights, bone colours.

Cameras stand all around, so there is no backdrop to get in their way: the floor is a disc whose rim turns
transparent, and what shows through is the evenly lit background.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import bpy
import numpy as np
from mathutils import Vector  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray

from .compat import shader_nodes

Array = NDArray[np.float64]
Color = tuple[float, float, float]

BACKGROUND: Color = (0.080, 0.090, 0.106)  # scene-linear, as all colours here: slate, on which bone stands out
AMBIENT: Color = (0.55, 0.60, 0.68)  # what the surroundings shed on the person; the cameras do not see it
AMBIENT_STRENGTH = 0.35
FLOOR: Color = (0.15, 0.165, 0.19)
IVORY: Color = (0.72, 0.62, 0.46)
SKIN: Color = (0.50, 0.42, 0.355)
# From L1 to L5: teal, green, sand, orange, coral (sRGB hex), so that neighbours differ and the order reads.
LUMBAR_HEX = ("#1F8A84", "#6FA66B", "#E3B84E", "#E8863A", "#D9483B")


def build_studio(scene: bpy.types.Scene, centre: Array, radius: float) -> list[bpy.types.Object]:
    """Floor, lights and background for a person who stays within `radius` (m) of `centre` [3] (Blender's world).

    `centre` lies on the floor. The view transform is Standard, not AgX: the vertebra colours and the annotated
    colours of the overlays have to stay the colours that they are named after, and the lights are set so that
    nothing burns out.
    """
    foot = Vector([float(value) for value in centre])
    objects = [_floor(scene, foot, radius)]
    reach = radius + 2.0  # OpenSim's people face +X: the key light comes from their front right, above
    objects += [
        _area_light(scene, "SimSpine key", foot, (0.75 * reach, -0.65 * reach, 1.5 * reach), 0.55 * reach, 2.6),
        _area_light(scene, "SimSpine fill", foot, (0.1 * reach, 1.2 * reach, 0.9 * reach), 1.1 * reach, 1.1),
        _area_light(scene, "SimSpine rim", foot, (-1.1 * reach, -0.3 * reach, 1.1 * reach), 0.7 * reach, 1.5),
    ]
    _background(scene)
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.look = "None"
    scene.view_settings.exposure, scene.view_settings.gamma = 0.0, 1.0
    scene.display_settings.display_device = "sRGB"
    return objects


def color_bones(objects: Iterable[tuple[bpy.types.Object, int | None]]) -> None:
    """Give each (mesh object, lumbar level 1 to 5 or None) ivory, or the colour of its vertebra from L1 to L5.

    The material goes on the object, since several pieces may share a mesh.
    """
    for obj, level in objects:
        name = "SimSpine bone" if level is None else f"SimSpine L{level}"
        color = IVORY if level is None else linear_color(LUMBAR_HEX[level - 1])
        material = bpy.data.materials.get(name) or _glossy_material(name, color, roughness=0.45)
        if not obj.material_slots:
            obj.data.materials.append(None)
        for slot in obj.material_slots:
            slot.link, slot.material = "OBJECT", material


def skin_material(see_through: bool) -> bpy.types.Material:
    """The mannequin's material: matt grey, or a veil through which the skeleton shows."""
    name = "SimSpine veil" if see_through else "SimSpine skin"
    material = bpy.data.materials.get(name) or _glossy_material(name, SKIN, roughness=0.55)
    if see_through:
        _make_veil(material)
    return material


def linear_color(hexadecimal: str) -> Color:
    """Scene-linear RGB of an sRGB colour such as "#D9483B" (IEC 61966-2-1)."""
    values = [int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return red, green, blue


def _floor(scene: bpy.types.Scene, foot: Vector, radius: float) -> bpy.types.Object:
    """A disc that is solid under the person and gone at its rim."""
    rim = radius + 4.5
    corners = 96
    ring = [(rim * math.cos(a), rim * math.sin(a), 0.0) for a in np.linspace(0, 2 * math.pi, corners, endpoint=False)]
    mesh = bpy.data.meshes.new("SimSpine floor")
    mesh.from_pydata(ring, [], [list(range(corners))])
    material = bpy.data.materials.new("SimSpine floor")
    shader_nodes(material).clear()
    tree = material.node_tree
    place = tree.nodes.new("ShaderNodeNewGeometry")
    distance = tree.nodes.new("ShaderNodeVectorMath")
    distance.operation = "DISTANCE"
    distance.inputs[1].default_value = foot
    fade = tree.nodes.new("ShaderNodeMapRange")
    fade.interpolation_type = "SMOOTHERSTEP"
    fade.inputs["From Min"].default_value = radius + 0.4
    fade.inputs["From Max"].default_value = radius + 4.0
    solid, clear = tree.nodes.new("ShaderNodeBsdfDiffuse"), _backdrop(tree)
    solid.inputs["Color"].default_value = (*FLOOR, 1.0)
    mix, output = tree.nodes.new("ShaderNodeMixShader"), tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(place.outputs["Position"], distance.inputs[0])
    tree.links.new(distance.outputs["Value"], fade.inputs["Value"])
    tree.links.new(fade.outputs["Result"], mix.inputs["Fac"])
    tree.links.new(solid.outputs["BSDF"], mix.inputs[1])
    tree.links.new(clear.outputs["Shader"], mix.inputs[2])
    tree.links.new(mix.outputs["Shader"], output.inputs["Surface"])
    material.cycles.emission_sampling = "NONE"  # what glows for the camera lights nothing
    mesh.materials.append(material)
    obj = bpy.data.objects.new("SimSpine floor", mesh)
    obj.location = foot
    scene.collection.objects.link(obj)
    return obj


def _backdrop(tree: bpy.types.NodeTree) -> bpy.types.ShaderNode:
    """What the floor fades into: the background's colour for the camera, nothing for light.

    Glowing in that colour rather than being clear, since which rays go through something clear is left to chance, and
    few samples then leave grains that no denoiser takes for noise.
    """
    glow, clear = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeBsdfTransparent")
    ray, mix = tree.nodes.new("ShaderNodeLightPath"), tree.nodes.new("ShaderNodeMixShader")
    glow.inputs["Color"].default_value = (*BACKGROUND, 1.0)
    tree.links.new(ray.outputs["Is Camera Ray"], mix.inputs["Fac"])
    tree.links.new(clear.outputs["BSDF"], mix.inputs[1])
    tree.links.new(glow.outputs["Emission"], mix.inputs[2])
    return mix


def _area_light(
    scene: bpy.types.Scene, name: str, foot: Vector, offset: tuple[float, float, float], size: float, strength: float
) -> bpy.types.Object:
    """A round softbox that looks at the middle of the body; `strength` is its irradiance there, about."""
    data = bpy.data.lights.new(name, "AREA")
    data.shape, data.size = "DISK", size
    target = foot + Vector((0.0, 0.0, 0.9))
    place = foot + Vector(offset)
    data.energy = strength * math.pi * (place - target).length_squared
    obj = bpy.data.objects.new(name, data)
    obj.location = place
    obj.rotation_mode = "QUATERNION"
    obj.rotation_quaternion = (target - place).to_track_quat("-Z", "Y")
    obj.visible_camera = False
    scene.collection.objects.link(obj)
    return obj


def _background(scene: bpy.types.Scene) -> None:
    world = bpy.data.worlds.new("SimSpine studio")
    if world.node_tree is None:  # before Blender 5.0 nodes have to be switched on
        world.use_nodes = True
    tree = world.node_tree
    assert tree is not None
    output = next(node for node in tree.nodes if node.type == "OUTPUT_WORLD")
    shed = next(node for node in tree.nodes if node.type == "BACKGROUND")
    seen, mix = tree.nodes.new("ShaderNodeBackground"), tree.nodes.new("ShaderNodeMixShader")
    ray = tree.nodes.new("ShaderNodeLightPath")
    shed.inputs["Color"].default_value = (*AMBIENT, 1.0)
    shed.inputs["Strength"].default_value = AMBIENT_STRENGTH
    seen.inputs["Color"].default_value = (*BACKGROUND, 1.0)
    tree.links.new(ray.outputs["Is Camera Ray"], mix.inputs["Fac"])
    tree.links.new(shed.outputs["Background"], mix.inputs[1])
    tree.links.new(seen.outputs["Background"], mix.inputs[2])
    tree.links.new(mix.outputs["Shader"], output.inputs["Surface"])
    scene.world = world


def _glossy_material(name: str, color: Color, roughness: float) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    shader = next(node for node in shader_nodes(material) if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (*color, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Specular IOR Level"].default_value = 0.35
    material.diffuse_color = (*color, 1.0)  # what the viewport's solid mode shows
    return material


def _make_veil(material: bpy.types.Material) -> None:
    """Clear where the surface faces the camera, denser towards the outline: the body reads, the bones show."""
    tree = material.node_tree
    output = next(node for node in tree.nodes if node.type == "OUTPUT_MATERIAL")
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    if any(node.type == "MIX_SHADER" for node in tree.nodes):
        return
    facing = tree.nodes.new("ShaderNodeLayerWeight")
    facing.inputs["Blend"].default_value = 0.35
    density = tree.nodes.new("ShaderNodeMapRange")
    density.inputs["To Min"].default_value, density.inputs["To Max"].default_value = 0.10, 0.85
    clear, mix = tree.nodes.new("ShaderNodeBsdfTransparent"), tree.nodes.new("ShaderNodeMixShader")
    tree.links.new(facing.outputs["Facing"], density.inputs["Value"])
    tree.links.new(density.outputs["Result"], mix.inputs["Fac"])
    tree.links.new(clear.outputs["BSDF"], mix.inputs[1])
    tree.links.new(shader.outputs["BSDF"], mix.inputs[2])
    tree.links.new(mix.outputs["Shader"], output.inputs["Surface"])
