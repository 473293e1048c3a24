"""Surroundings whose light is known need not be traced again: camera rays that meet them take it from a picture.

Every material of the surroundings gets a node that, for what the camera sees directly and in the share that the
picture says, gives off the picture's light instead of reflecting the scene's. For mirrors, walls and skin the
surroundings stay what they are, so that the movers are lit as ever. Materials that shine are left alone: they have no
noise. Pixels of the picture are those of the image, whatever window of it is rendered and whatever lens bends it.
"""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from .cameras import read_camera
from .lens_nodes import add_picture_place

# How far the surroundings let through what would be behind a picture: it tells them from the movers and adds no light.
# Where nothing of a material is left, Cycles would not ask it for light.
HELD_OUT = 0.5
_NAME = "SimSpine backdrop"
_SAMPLING = "emission_sampling"


class Backdrop:
    """The surroundings' second face, not shown until `show` is called."""

    def __init__(self, scene: bpy.types.Scene, movers: Sequence[bpy.types.Object]) -> None:
        image = bpy.data.images.new(_NAME, 4, 4, alpha=True, float_buffer=True)
        image.colorspace_settings.name = "Non-Color"
        image.alpha_mode = "CHANNEL_PACKED"  # alpha is the share, and no transparency
        self._scene, self._image, self._shown = scene, image, True
        self._places = {"": _window_place()}
        self.hide()
        group, self._place = _node_group(image, self._places[""])
        kept = _materials(movers)
        for material in _materials([obj for obj in scene.objects if obj not in set(movers)]) - kept:
            _insert(material, group)

    def show(self, camera: bpy.types.Object, light: NDArray[np.float32], share: NDArray[np.float32]) -> None:
        """Show light [H, W, 3] in these shares [H, W] of every pixel of the image, 0 to 1, rows from the top.

        It is the image of `camera`, which must be the active one (`cameras.activate`).
        """
        place = self._place_of(camera)
        if self._place.node_tree != place:
            self._place.node_tree = place
        height, width = share.shape
        if tuple(self._image.size) != (width, height):
            self._image.scale(width, height)
        values = np.empty((height, width, 4), np.float32)
        values[..., :3], values[..., 3] = light[::-1], share[::-1]
        self._image.pixels.foreach_set(values.ravel())
        self._image.update()
        self._image.update_tag()  # else Cycles keeps the pixels that it has
        self._shown = True

    def hide(self) -> None:
        """Leave everything to be traced, as if there were no backdrop."""
        if self._shown:
            self._image.scale(4, 4)
            self._image.pixels.foreach_set(np.zeros(64, np.float32))
            self._image.update()
            self._image.update_tag()  # else Cycles keeps the pixels that it has
            self._shown = False

    def _place_of(self, camera: bpy.types.Object) -> bpy.types.NodeTree:
        """The nodes that tell where on the image a surface is seen; those of a lens that bends are kept."""
        assert isinstance(camera.data, bpy.types.Camera)
        lens = camera.data.custom_bytecode_hash if camera.data.type == "CUSTOM" else ""
        if lens not in self._places:
            tree = _place_group()
            place = add_picture_place(tree, read_camera(camera, self._scene))
            tree.links.new(place, _result(tree).inputs[0])
            self._places[lens] = tree
        return self._places[lens]


def remove_backdrop() -> None:
    """Take the nodes of an earlier backdrop out of all materials."""
    for material in bpy.data.materials:
        for node in [] if material.node_tree is None else list(material.node_tree.nodes):
            if isinstance(node, bpy.types.ShaderNodeGroup) and node.label == _NAME:
                _take_out(material, node)
    for group in [each for each in bpy.data.node_groups if each.name.startswith(_NAME)]:
        bpy.data.node_groups.remove(group)
    for image in [each for each in bpy.data.images if each.name.startswith(_NAME)]:
        bpy.data.images.remove(image)


def _materials(objects: Sequence[bpy.types.Object]) -> set[bpy.types.Material]:
    return {slot.material for obj in objects for slot in obj.material_slots if slot.material is not None}


def _place_group() -> bpy.types.NodeTree:
    tree = bpy.data.node_groups.new(f"{_NAME} place", "ShaderNodeTree")
    tree.interface.new_socket("Place", in_out="OUTPUT", socket_type="NodeSocketVector")
    tree.nodes.new("NodeGroupOutput")
    return tree


def _window_place() -> bpy.types.NodeTree:
    """For cameras without a lens that bends: Blender itself knows the place on the image."""
    tree = _place_group()
    tree.links.new(tree.nodes.new("ShaderNodeTexCoord").outputs["Window"], _result(tree).inputs[0])
    return tree


def _result(tree: bpy.types.NodeTree) -> bpy.types.Node:
    return next(node for node in tree.nodes if node.type == "GROUP_OUTPUT")


def _node_group(
    image: bpy.types.Image, where: bpy.types.NodeTree
) -> tuple[bpy.types.NodeTree, bpy.types.ShaderNodeGroup]:
    """The group that materials get, and the node in it that says where on the image a surface is seen."""
    tree = bpy.data.node_groups.new(_NAME, "ShaderNodeTree")
    tree.interface.new_socket("Shader", in_out="INPUT", socket_type="NodeSocketShader")
    tree.interface.new_socket("Shader", in_out="OUTPUT", socket_type="NodeSocketShader")
    kinds = ("NodeGroupInput", "NodeGroupOutput", "ShaderNodeGroup", "ShaderNodeTexImage", "ShaderNodeEmission")
    given, result, place, texture, glow = (tree.nodes.new(kind) for kind in kinds)
    path, share, mix = (tree.nodes.new(f"ShaderNode{kind}") for kind in ("LightPath", "Math", "MixShader"))
    hole, part, both = (tree.nodes.new(f"ShaderNode{kind}") for kind in ("Holdout", "MixShader", "AddShader"))
    part.inputs[0].default_value = HELD_OUT
    place.node_tree = where
    texture.image, texture.interpolation, texture.extension = image, "Closest", "EXTEND"
    share.operation = "MULTIPLY"
    for one, other in (
        (place.outputs[0], texture.inputs["Vector"]),
        (texture.outputs["Color"], glow.inputs["Color"]),
        (path.outputs["Is Camera Ray"], share.inputs[0]),
        (texture.outputs["Alpha"], share.inputs[1]),
        (share.outputs[0], mix.inputs[0]),
        (given.outputs[0], mix.inputs[1]),
        (glow.outputs[0], mix.inputs[2]),
        (hole.outputs[0], part.inputs[2]),
        (mix.outputs[0], both.inputs[0]),
        (part.outputs[0], both.inputs[1]),
        (both.outputs[0], result.inputs[0]),
    ):
        tree.links.new(one, other)
    return tree, place


def _insert(material: bpy.types.Material, group: bpy.types.NodeTree) -> None:
    tree = material.node_tree
    output = None if tree is None else tree.get_output_node("CYCLES")
    if tree is None or output is None or not output.inputs["Surface"].links or _is_lamp(material, tree):
        return
    source = output.inputs["Surface"].links[0].from_socket
    node = tree.nodes.new("ShaderNodeGroup")
    node.node_tree, node.label = group, _NAME
    tree.links.new(source, node.inputs[0])
    tree.links.new(node.outputs[0], output.inputs["Surface"])
    node[_SAMPLING] = material.cycles.emission_sampling
    material.cycles.emission_sampling = "NONE"  # it shines for the camera alone: no lamp to be sought


def _take_out(material: bpy.types.Material, node: bpy.types.ShaderNodeGroup) -> None:
    tree = material.node_tree
    assert tree is not None
    source = node.inputs[0].links[0].from_socket
    for link in list(node.outputs[0].links):
        tree.links.new(source, link.to_socket)
    material.cycles.emission_sampling = node[_SAMPLING]
    tree.nodes.remove(node)


def _is_lamp(material: bpy.types.Material, tree: bpy.types.NodeTree) -> bool:
    """Whether light is sought in a material because it shines; a group within it counts as that too."""
    if material.cycles.emission_sampling == "NONE":
        return False
    for node in tree.nodes:
        if node.type in ("EMISSION", "GROUP"):
            return True
        strength = node.inputs.get("Emission Strength")
        if strength is not None and (strength.is_linked or getattr(strength, "default_value", 0.0) > 0):
            return True
    return False
