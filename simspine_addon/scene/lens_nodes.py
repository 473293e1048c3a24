"""Where on a bent lens's picture a surface is seen, computed by shader nodes from where the camera's ray met it.

It is the lens model of `capture.projection` forwards: a closed expression of the ray's direction, with the numbers of
the lens in its nodes. `lens_osl` solves the same model backwards to send the ray out; so only float32 lies between.
"""

from __future__ import annotations

import bpy
import numpy as np

from ..capture.camera import Camera

Value = bpy.types.NodeSocket | float


def add_picture_place(tree: bpy.types.NodeTree, camera: Camera) -> bpy.types.NodeSocket:
    """Add nodes whose output is the place (u, v, 0) on the whole picture, as image textures count it.

    (0, 0) is the outer corner of the bottom left pixel, (1, 1) that of the top right one. Right for surfaces that the
    lens shows; any finite number for others.
    """
    nodes = _Sums(tree)
    x, y, z = _ray(tree)
    shown = _fisheye if camera.distortion_model == "fisheye" else _brown_conrady
    shown_x, shown_y = shown(nodes, camera.distortion, x, y, z)
    (width, height), K = camera.size, camera.K
    place = tree.nodes.new("ShaderNodeCombineXYZ")
    for index, value in enumerate(
        (
            nodes.multiply_add(shown_x, K[0, 0] / width, (K[0, 2] + 0.5) / width),
            nodes.multiply_add(shown_y, K[1, 1] / height, 1 - (K[1, 2] + 0.5) / height),
        )
    ):
        tree.links.new(value, place.inputs[index])
    return place.outputs[0]


def _ray(tree: bpy.types.NodeTree) -> tuple[bpy.types.NodeSocket, ...]:
    """The ray in the camera's axes: right, up, forward. It is the ray itself, which is exact to float32 however far it
    went; the place that it met is not."""
    kinds = ("NewGeometry", "VectorMath", "VectorTransform", "SeparateXYZ")
    surface, turned, own, parts = (tree.nodes.new(f"ShaderNode{kind}") for kind in kinds)
    turned.operation, turned.inputs["Scale"].default_value = "SCALE", -1.0
    own.vector_type, own.convert_from, own.convert_to = "VECTOR", "WORLD", "CAMERA"
    tree.links.new(surface.outputs["Incoming"], turned.inputs[0])
    tree.links.new(turned.outputs[0], own.inputs[0])
    tree.links.new(own.outputs[0], parts.inputs[0])
    return tuple(parts.outputs)


class _Sums:
    """Math nodes, by what they compute."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self._tree = tree

    def of(self, operation: str, *values: Value) -> bpy.types.NodeSocket:
        node = self._tree.nodes.new("ShaderNodeMath")
        node.operation = operation
        for given, value in zip(node.inputs, values, strict=False):
            if isinstance(value, bpy.types.NodeSocket):
                self._tree.links.new(value, given)
            else:
                given.default_value = float(value)
        return node.outputs[0]

    def multiply_add(self, one: Value, other: Value, added: Value) -> bpy.types.NodeSocket:
        return self.of("MULTIPLY_ADD", one, other, added)

    def multiply(self, one: Value, other: Value) -> bpy.types.NodeSocket:
        return self.of("MULTIPLY", one, other)

    def polynomial(self, s: Value, coefficients: list[float]) -> bpy.types.NodeSocket:
        """1 + c[0] s + c[1] s^2 + ..., by Horner's scheme."""
        value: Value = coefficients[-1]
        for coefficient in [*coefficients[-2::-1], 1.0]:
            value = self.multiply_add(value, s, coefficient)
        assert isinstance(value, bpy.types.NodeSocket)
        return value


def _brown_conrady(nodes: _Sums, distortion: np.ndarray, right: Value, up: Value, forward: Value) -> tuple:
    """x' and -y' of the model: with y upwards p1 changes its sign."""
    k1, k2, p1, p2, k3, k4, k5, k6 = np.concatenate((distortion, np.zeros(8 - distortion.size))).tolist()
    x, y = nodes.of("DIVIDE", right, forward), nodes.of("DIVIDE", up, forward)
    xx, yy, xy = nodes.multiply(x, x), nodes.multiply(y, y), nodes.multiply(x, y)
    s = nodes.of("ADD", xx, yy)
    f = nodes.polynomial(s, [k1, k2, k3] if k3 else [k1, k2])
    if k4 or k5 or k6:
        f = nodes.of("DIVIDE", f, nodes.polynomial(s, [k4, k5, k6]))
    sides = []
    for own, square, first, second in ((x, xx, -2 * p1, p2), (y, yy, 2 * p2, -p1)):
        side = nodes.multiply(own, f)
        if p1 or p2:
            side = nodes.multiply_add(xy, first, side)
            side = nodes.multiply_add(nodes.multiply_add(square, 2.0, s), second, side)
        sides.append(side)
    return tuple(sides)


def _fisheye(nodes: _Sums, distortion: np.ndarray, right: Value, up: Value, forward: Value) -> tuple:
    """(x', -y') = (right, up) theta' / |(right, up)|; on the axis 0 / 0 counts as 0 in these nodes, times 0."""
    radius = nodes.of("SQRT", nodes.multiply_add(right, right, nodes.multiply(up, up)))
    theta = nodes.of("ARCTAN2", radius, forward)
    shown = nodes.multiply(theta, nodes.polynomial(nodes.multiply(theta, theta), distortion.tolist() or [0.0]))
    scale = nodes.of("DIVIDE", shown, radius)
    return nodes.multiply(right, scale), nodes.multiply(up, scale)
