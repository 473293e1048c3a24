"""What a document draws on its bodies: mesh files and analytic shapes, in the old and the new spelling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .frames import ComponentPath, FrameRegistry, Placement
from .scalars import Scalars, rigid_transform
from .types import Geometry
from .xml_tree import Node

Array = NDArray[np.float64]

SHAPES: dict[str, tuple[str, tuple[str, ...]]] = {
    "Mesh": ("mesh", ()),
    "Sphere": ("sphere", ("radius",)),
    "Ellipsoid": ("ellipsoid", ("radii",)),
    "Cylinder": ("cylinder", ("radius", "half_height")),
    "Cone": ("cone", ("origin", "direction", "base_radius", "height")),
    "Torus": ("torus", ("ring_radius", "cross_section")),
    "Brick": ("brick", ("half_lengths",)),
    "LineGeometry": ("line", ("start_point", "end_point")),
    "Arrow": ("arrow", ("start_point", "direction", "length")),
    "FrameGeometry": ("frame", ("display_radius",)),
}


def read_attached_geometry(
    owner: Node, path: ComponentPath, registry: FrameRegistry, scalars: Scalars, warnings: list[str]
) -> list[Geometry]:
    """Geometry that a body, ground or an offset frame carries, offset frames on it included, in body coordinates."""
    found = []
    for node in owner.objects("attached_geometry"):
        text = node.child_text("socket_frame", "socket_frame_connectee_name")
        place = registry.place("/" + "/".join(path), path, owner)
        if text and text not in ("..", "/" + "/".join(path)):
            place = registry.place(text, (*path, node.name), node)
        shape = _shape(node, place, scalars)
        if shape is None:
            warnings.append(f"geometry '{node.name}' of type {node.tag} is not drawn")
        else:
            found.append(shape)
    for tag in ("components", "frames"):
        for child in owner.objects(tag):
            if child.tag == "PhysicalOffsetFrame":
                found += read_attached_geometry(child, (*path, child.name), registry, scalars, warnings)
    return found


def _shape(node: Node, place: Placement, scalars: Scalars) -> Geometry | None:
    if node.tag not in SHAPES:
        return None
    kind, parameter_names = SHAPES[node.tag]
    parameters = {}
    for name in parameter_names:
        values = scalars.numbers(node, name)
        if values is not None:
            parameters[name] = tuple(values.tolist())
    scale = scalars.numbers(node, "scale_factors", 3)
    appearance = node.child("Appearance") or node
    color = scalars.numbers(appearance, "color", 3)
    return Geometry(
        name=node.name,
        kind=kind,
        body=place.body,
        transform=place.transform,
        scale=np.ones(3) if scale is None else scale,
        file=node.child_text("mesh_file", "geometry_file"),
        parameters=parameters,
        color=(1.0, 1.0, 1.0) if color is None else (float(color[0]), float(color[1]), float(color[2])),
        opacity=scalars.number(appearance, "opacity", 1.0),
        visible=scalars.boolean(appearance, "visible", True),
    )


def read_visible_object(body: Node, index: int, scalars: Scalars) -> list[Geometry]:
    """Meshes in the `<VisibleObject>` of documents before version 3.5; its scale and transform hold for each mesh."""
    visible = body.child("VisibleObject")
    if visible is None:
        return []
    outer_scale = scalars.numbers(visible, "scale_factors", 3)
    outer_scale = np.ones(3) if outer_scale is None else outer_scale
    outer = _six_numbers(visible, scalars)
    found = []
    for number, file in enumerate((visible.child_text("geometry_files") or "").split()):
        found.append(Geometry(f"{body.name}_geom_{number + 1}", "mesh", index, outer, outer_scale, file=file))
    for node in visible.objects("GeometrySet"):
        scale = scalars.numbers(node, "scale_factors", 3)
        color = scalars.numbers(node, "color", 3)
        found.append(
            Geometry(
                name=node.name or f"{body.name}_geom_{len(found) + 1}",
                kind="mesh",
                body=index,
                transform=outer @ _six_numbers(node, scalars),
                scale=outer_scale * (np.ones(3) if scale is None else scale),
                file=node.child_text("geometry_file"),
                color=(1.0, 1.0, 1.0) if color is None else (float(color[0]), float(color[1]), float(color[2])),
                opacity=scalars.number(node, "opacity", 1.0),
                visible=scalars.number(node, "display_preference", 4.0) != 0.0,
            )
        )
    return found


def _six_numbers(node: Node, scalars: Scalars) -> Array:
    """`<transform>`: three body-fixed angles, then three translations."""
    values = scalars.numbers(node, "transform", 6)
    return np.eye(4) if values is None else rigid_transform(values[3:], values[:3])
