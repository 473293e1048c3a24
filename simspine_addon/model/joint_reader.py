"""Joints of an OpenSim document: kind, frames, coordinates, and the six axes that carry their motion."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .frames import ComponentPath, FrameRegistry, Placement, socket_text
from .function_reader import direct_function
from .functions import Function, Linear
from .scalars import Scalars, describe, rigid_transform
from .types import MotionType
from .xml_tree import Node

Array = NDArray[np.float64]

AXES = ("rotation1", "rotation2", "rotation3", "translation1", "translation2", "translation3")
UNIT_AXES = np.concatenate([np.eye(3), np.eye(3)])

# Which of the six axes (x y z rotations, x y z translations) each coordinate of a fixed joint type drives, in order:
# the mobilizers of Simbody that OpenSim builds them from.
FIXED_KINDS: dict[str, tuple[int, ...]] = {
    "WeldJoint": (),
    "PinJoint": (2,),
    "SliderJoint": (3,),
    "UniversalJoint": (0, 1),
    "BallJoint": (0, 1, 2),
    "GimbalJoint": (0, 1, 2),
    "PlanarJoint": (2, 3, 4),
    "FreeJoint": (0, 1, 2, 3, 4, 5),
    "EllipsoidJoint": (0, 1, 2),
    "ScapulothoracicJoint": (0, 1, 2, 2),
}


@dataclass(slots=True)
class CoordinateRecord:
    """A coordinate as its joint declares it."""

    name: str
    line: int
    motion_type: MotionType = "coupled"
    default: float = 0.0
    range: tuple[float, float] = (-10.0, 10.0)  # OpenSim's own default
    clamped: bool = False
    locked: bool = False
    prescribed: bool = False


@dataclass(slots=True)
class AxisRecord:
    """An axis with the names of the coordinates that its function takes."""

    axis: Array
    coordinates: tuple[str, ...] = ()
    function: Function | None = None


@dataclass(slots=True)
class JointRecord:
    """A joint as the document gives it, before the tree is built; `parent` and `child` are frames on bodies."""

    name: str
    kind: str
    node: Node
    parent: Placement
    child: Placement
    coordinates: list[CoordinateRecord]
    axes: list[AxisRecord]
    radii: Array | None = None
    winging: tuple[float, float, float] | None = None
    warnings: list[str] = field(default_factory=list)


def is_joint(node: Node) -> bool:
    """Whether the element is a joint, known or not."""
    return node.tag.endswith("Joint") and node.tag != "Joint"


def read_joint(
    node: Node, path: ComponentPath, registry: FrameRegistry, scalars: Scalars, child_body: int | None
) -> JointRecord:
    """Read a joint; `child_body` is the body that owns it in documents before version 3.5, else None.

    Raises:
        InputError: the type is unknown, a frame is missing, or the axes and coordinates do not fit.
    """
    if node.tag != "CustomJoint" and node.tag not in FIXED_KINDS:
        known = ", ".join(["CustomJoint", *FIXED_KINDS])
        raise scalars.error(f"{describe(node)} is of a type that cannot be represented", node, hint=f"known: {known}")
    parent, child = _placements(node, path, registry, scalars, child_body)
    if scalars.boolean(node, "reverse", False):
        parent, child = child, parent  # documents of 3.x: the transform runs from the child to the parent
    coordinates = _coordinates(node, scalars)
    record = JointRecord(node.name, node.tag, node, parent, child, coordinates, [])
    if node.tag == "CustomJoint":
        _read_spatial_transform(record, scalars)
    else:
        _fill_fixed_axes(record, scalars)
    return record


def _placements(
    node: Node, path: ComponentPath, registry: FrameRegistry, scalars: Scalars, child_body: int | None
) -> tuple[Placement, Placement]:
    parent_text = socket_text(node, "parent_frame", "parent_body")
    if not parent_text:
        raise scalars.error(f"{describe(node)} names no parent", node)
    child_text = socket_text(node, "child_frame", "child_body")
    if child_text:
        child = registry.place(child_text, path, node)
    elif child_body is not None:
        child = Placement(child_body, np.eye(4))
    else:
        raise scalars.error(f"{describe(node)} names no child", node)
    parent = registry.place(parent_text, path, node)
    # Before 4.0 the offsets stand in the joint itself; later documents have offset frames instead.
    in_parent = rigid_transform(
        scalars.vector(node, "location_in_parent"), scalars.vector(node, "orientation_in_parent")
    )
    in_child = rigid_transform(
        scalars.vector(node, "location_in_child", "location"),
        scalars.vector(node, "orientation_in_child", "orientation"),
    )
    return (
        Placement(parent.body, parent.transform @ in_parent),
        Placement(child.body, child.transform @ in_child),
    )


def _coordinates(node: Node, scalars: Scalars) -> list[CoordinateRecord]:
    records = []
    for child in node.objects("coordinates", "CoordinateSet"):
        if child.tag != "Coordinate":
            continue
        limits = scalars.numbers(child, "range", 2)
        records.append(
            CoordinateRecord(
                name=child.name,
                line=child.line,
                default=scalars.number(child, "default_value", 0.0),
                range=(-10.0, 10.0) if limits is None else (float(limits[0]), float(limits[1])),
                clamped=scalars.boolean(child, "clamped", False),
                locked=scalars.boolean(child, "locked", False),
                prescribed=scalars.boolean(child, "prescribed", False),
            )
        )
    return records


def _fill_fixed_axes(record: JointRecord, scalars: Scalars) -> None:
    driven = FIXED_KINDS[record.kind]
    if len(record.coordinates) > len(driven):
        raise scalars.error(
            f"{describe(record.node)} has {len(record.coordinates)} coordinates where {len(driven)} belong",
            record.node,
        )
    for index in range(len(record.coordinates), len(driven)):
        record.coordinates.append(CoordinateRecord(f"{record.name}_coord_{index}", record.node.line))
    record.axes = [AxisRecord(axis) for axis in UNIT_AXES]
    for coordinate, axis in zip(record.coordinates, driven, strict=True):
        coordinate.motion_type = "rotational" if axis < 3 else "translational"
        if record.kind != "ScapulothoracicJoint":
            record.axes[axis] = AxisRecord(UNIT_AXES[axis], (coordinate.name,), Linear((1.0, 0.0)))
    if record.kind == "EllipsoidJoint":
        record.radii = _radii(record, scalars, "radii_x_y_z")
    if record.kind == "ScapulothoracicJoint":
        record.radii = _radii(record, scalars, "thoracic_ellipsoid_radii_x_y_z")
        origin = scalars.vector(record.node, "scapula_winging_axis_origin", size=2)
        direction = scalars.number(record.node, "scapula_winging_axis_direction", 0.0)
        record.winging = (float(origin[0]), float(origin[1]), direction)


def _radii(record: JointRecord, scalars: Scalars, tag: str) -> Array:
    radii = scalars.numbers(record.node, tag, 3)
    if radii is None:
        raise scalars.error(f"{describe(record.node)} has no <{tag}>", record.node)
    return radii


def _read_spatial_transform(record: JointRecord, scalars: Scalars) -> None:
    node = record.node
    transform = node.child("SpatialTransform")
    if transform is None:
        hint = "open the model in OpenSim and save it again" if node.child("TransformAxisSet") else None
        raise scalars.error(f"{describe(node)} has no <SpatialTransform>", node, hint=hint)
    known = {coordinate.name: coordinate for coordinate in record.coordinates}
    for index, name in enumerate(AXES):
        axis_node = next((child for child in transform.children if child.name == name), None)
        record.axes.append(_axis(record, axis_node, index, scalars))
        for coordinate in record.axes[-1].coordinates:
            if coordinate not in known:
                known[coordinate] = CoordinateRecord(coordinate, node.line)
                record.coordinates.append(known[coordinate])
    _check_axes(record, scalars)
    for coordinate in record.coordinates:
        coordinate.motion_type = _motion_type(coordinate.name, record.axes)
        if not any(coordinate.name in axis.coordinates for axis in record.axes):
            record.warnings.append(f"the coordinate '{coordinate.name}' of joint '{record.name}' moves no axis")


def _axis(record: JointRecord, node: Node | None, index: int, scalars: Scalars) -> AxisRecord:
    if node is None:
        return AxisRecord(UNIT_AXES[index])
    direction = scalars.numbers(node, "axis", 3)
    direction = UNIT_AXES[index] if direction is None else direction
    length = float(np.linalg.norm(direction))
    if length == 0.0:
        raise scalars.error(f"axis {AXES[index]} of {describe(record.node)} has no direction", node)
    names = tuple((node.child_text("coordinates") or "").split())
    function = direct_function(node, scalars)
    if function is not None and isinstance(function, Linear) and len(function.coefficients) != len(names) + 1:
        if names:
            raise scalars.error(
                f"axis {AXES[index]} of {describe(record.node)} has {len(names)} coordinates and a linear function "
                f"of {len(function.coefficients) - 1}",
                node,
            )
        function = None
    if not names and function is not None and not _is_constant(function):
        raise scalars.error(f"axis {AXES[index]} of {describe(record.node)} has a function but no coordinate", node)
    return AxisRecord(direction / length, names, function)


def _is_constant(function: Function) -> bool:
    probe = function.evaluate(np.array([[-1.0, 0.0, 1.0]]))
    return bool(np.all(probe == probe[0]))


def _check_axes(record: JointRecord, scalars: Scalars) -> None:
    """OpenSim refuses axes of which two are parallel; with them the joint would not be defined."""
    for start, what in ((0, "rotation"), (3, "translation")):
        axes = [record.axes[start + i].axis for i in range(3)]
        for a, b in ((0, 1), (0, 2), (1, 2)):
            if np.linalg.norm(np.cross(axes[a], axes[b])) < 1e-5:
                raise scalars.error(
                    f"{describe(record.node)} has parallel {what} axes {a + 1} and {b + 1}", record.node
                )


def _motion_type(name: str, axes: list[AxisRecord]) -> MotionType:
    """As opensim 4.6: the last axis that moves by plus or minus the coordinate itself decides; else it is coupled."""
    motion_type: MotionType = "coupled"
    for index, axis in enumerate(axes):
        if name in axis.coordinates and isinstance(axis.function, Linear) and abs(axis.function.coefficients[0]) == 1.0:
            motion_type = "rotational" if index < 3 else "translational"
    return motion_type
