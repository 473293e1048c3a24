"""OpenSim model documents, from version 2.3 (bodies own their joints) to 4.5 and later, read into a `Model`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .defaults import apply_defaults
from .errors import InputError
from .frames import ComponentPath, FrameRegistry, register_frames, socket_text
from .function_reader import function_inside
from .functions import Linear
from .geometry_reader import read_attached_geometry, read_visible_object
from .joint_reader import UNIT_AXES, AxisRecord, CoordinateRecord, JointRecord, is_joint, read_joint
from .scalars import Scalars, describe
from .tree import TreeJoint, build_tree, parent_of
from .types import GROUND, Body, Coordinate, Coupler, Geometry, Joint, Marker, Model, TransformAxis
from .xml_tree import Node, parse_xml

Array = NDArray[np.float64]

OLDEST_VERSION = 20303
_NO_MODELS = {".mot": "a motion", ".sto": "a motion", ".trc": "a marker file", ".c3d": "a marker file"}
NEWEST_KNOWN_VERSION = 40600


def read_model(path: str | Path, document: bytes | None = None) -> Model:
    """Read an `.osim` document; from `document`, where given, as if it were the file's content.

    Raises:
        InputError: with file and line, for anything that is not a model, is broken, or cannot be represented.
    """
    path = Path(path)
    if path.suffix.lower() in _NO_MODELS:
        raise InputError(f"is {_NO_MODELS[path.suffix.lower()]}, not a model", path=path, hint="give the .osim first")
    return _Reader(path, document).read()


@dataclass(slots=True)
class _Reader:
    path: Path
    document: bytes | None = None
    warnings: list[str] = field(default_factory=list)
    bodies: list[Node] = field(default_factory=list)
    body_paths: list[ComponentPath] = field(default_factory=list)

    def read(self) -> Model:
        scalars = Scalars(self.path)
        root = parse_xml(self.path, self.document)
        model, version = self._model_node(root, scalars)
        apply_defaults(model)
        registry = FrameRegistry(scalars)
        ground = self._register_bodies(model, registry, scalars)
        joint_nodes = self._register_joints(model, registry)
        records = [read_joint(node, path, registry, scalars, owner) for node, path, owner in joint_nodes]
        _check_names(records, self.bodies, scalars)
        tree = build_tree(self.bodies, records, scalars)
        order = {joint.body: index for index, joint in enumerate(tree)} | {GROUND: GROUND}
        coordinates, coordinate_index = _coordinates(records, tree, self.bodies)
        joint_index = {id(joint.record): index for index, joint in enumerate(tree) if joint.record is not None}
        for record in records:
            self.warnings += record.warnings
        self.warnings += [
            f"no joint holds the body '{self.bodies[joint.body].name}'; it floats on six coordinates, as in OpenSim"
            for joint in tree
            if joint.record is None
        ]
        couplers, others = _constraints(model, coordinate_index, scalars)
        return Model(
            name=model.name or self.path.stem,
            version=version,
            bodies=tuple(_body(self.bodies[joint.body], scalars) for joint in tree),
            joints=tuple(_joint(joint, order, coordinate_index, self.bodies) for joint in tree),
            coordinates=tuple(_coordinate(record, owner, joint_index) for record, owner in coordinates),
            couplers=couplers,
            markers=_markers(model, registry, order, scalars),
            geometry=self._geometry(model, ground, registry, order, scalars),
            path=self.path,
            other_constraints=others,
            warnings=tuple(self.warnings),
        )

    def _model_node(self, root: Node, scalars: Scalars) -> tuple[Node, int]:
        if root.tag == "Model":
            return root, 0
        if root.tag != "OpenSimDocument":
            raise scalars.error(f"is no OpenSim document; its root is <{root.tag}>", root, hint="give an .osim file")
        model = root.child("Model")
        if model is None:
            inside = ", ".join(f"<{child.tag}>" for child in root.children[:3]) or "nothing"
            raise scalars.error(
                f"holds no <Model> but {inside}", root, hint="give the model itself, not a tool's set-up"
            )
        text = root.attributes.get("Version", "")
        if not text.isdigit():
            raise scalars.error(f"has the document version '{text[:20]}', which is no number", root)
        version = int(text)
        if version < OLDEST_VERSION:
            self.warnings.append(f"document version {version} is older than OpenSim 2.3; check the result")
        if version > NEWEST_KNOWN_VERSION:
            self.warnings.append(f"document version {version} is newer than this program knows; check the result")
        return model, version

    def _register_bodies(self, model: Node, registry: FrameRegistry, scalars: Scalars) -> list[Node]:
        """Register ground and all bodies; give back ground's nodes."""
        ground = [node for node in model.children if node.tag == "Ground"]
        for path in (("ground",), ("bodyset", "ground")):
            registry.add_body(path, GROUND)
        listed = [(("bodyset",), node) for node in model.objects("BodySet")]
        listed += [((), node) for node in model.objects("components")]
        for prefix, node in listed:
            if node.tag != "Body":
                continue
            if node.name == "ground":
                ground.append(node)
                continue
            if not node.name or "/" in node.name:
                raise scalars.error(f"a body is named '{node.name}'", node, hint="give it a plain name")
            path = (*prefix, node.name)
            registry.add_body(path, len(self.bodies))
            self.bodies.append(node)
            self.body_paths.append(path)
            register_frames(registry, node, path)
        if not self.bodies:
            raise InputError("the model has no bodies", path=self.path, line=model.line)
        for node in ground:
            register_frames(registry, node, ("ground",))
        for node in model.objects("components"):
            if node.tag == "PhysicalOffsetFrame":
                registry.add_offset((node.name,), node)
                register_frames(registry, node, (node.name,))
        return ground

    def _register_joints(self, model: Node, registry: FrameRegistry) -> list[tuple[Node, ComponentPath, int | None]]:
        """Every joint with its path and, in documents before 3.5, the body that owns it; its frames are registered."""
        found: list[tuple[Node, ComponentPath, int | None]] = []
        for node in model.objects("JointSet"):
            found.append((node, ("jointset", node.name), None))
        found += [(node, (node.name,), None) for node in model.objects("components") if is_joint(node)]
        for index, body in enumerate(self.bodies):
            holder = body.child("Joint")
            for node in [] if holder is None else holder.children:
                found.append((node, ("jointset", node.name), index))
        for node, path, _ in found:
            register_frames(registry, node, path)
        return found

    def _geometry(
        self, model: Node, ground: list[Node], registry: FrameRegistry, order: dict[int, int], scalars: Scalars
    ) -> tuple[Geometry, ...]:
        found: list[Geometry] = []
        owners = [(node, ("ground",), GROUND) for node in ground]
        owners += [
            (node, path, index) for index, (node, path) in enumerate(zip(self.bodies, self.body_paths, strict=True))
        ]
        for node, path, index in owners:
            found += read_attached_geometry(node, path, registry, scalars, self.warnings)
            found += read_visible_object(node, index, scalars)
        for node in model.objects("JointSet"):
            for frame in node.objects("frames"):
                if frame.tag == "PhysicalOffsetFrame":
                    path = ("jointset", node.name, frame.name)
                    found += read_attached_geometry(frame, path, registry, scalars, self.warnings)
        return tuple(
            Geometry(
                g.name, g.kind, order[g.body], g.transform, g.scale, g.file, g.parameters, g.color, g.opacity, g.visible
            )
            for g in found
        )


def _check_names(records: list[JointRecord], bodies: list[Node], scalars: Scalars) -> None:
    seen: dict[str, Node] = {}
    for node in bodies:
        if node.name in seen:
            raise scalars.error(
                f"two bodies are named '{node.name}'", node, hint=f"the first is in line {seen[node.name].line}"
            )
        seen[node.name] = node
    coordinate_lines: dict[str, int] = {}
    for record in records:
        for coordinate in record.coordinates:
            if coordinate.name in coordinate_lines:
                raise InputError(
                    f"two coordinates are named '{coordinate.name}'",
                    path=scalars.path,
                    line=coordinate.line,
                    hint=f"the first is in line {coordinate_lines[coordinate.name]}",
                )
            coordinate_lines[coordinate.name] = coordinate.line


def _floating_coordinates(body: Node) -> list[CoordinateRecord]:
    """The coordinates that OpenSim gives to a body without a joint."""
    return [
        CoordinateRecord(f"free_{body.name}_coord_{i}", body.line, "rotational" if i < 3 else "translational")
        for i in range(6)
    ]


def _coordinates(
    records: list[JointRecord], tree: list[TreeJoint], bodies: list[Node]
) -> tuple[list[tuple[CoordinateRecord, JointRecord | int]], dict[str, int]]:
    """All coordinates in the order in which the document lists their joints, and their indices by name."""
    found: list[tuple[CoordinateRecord, JointRecord | int]] = []
    for record in records:
        found += [(coordinate, record) for coordinate in record.coordinates]
    for index, joint in enumerate(tree):
        if joint.record is None:
            found += [(coordinate, index) for coordinate in _floating_coordinates(bodies[joint.body])]
    return found, {coordinate.name: index for index, (coordinate, _) in enumerate(found)}


def _coordinate(record: CoordinateRecord, owner: JointRecord | int, joint_index: dict[int, int]) -> Coordinate:
    return Coordinate(
        name=record.name,
        joint=owner if isinstance(owner, int) else joint_index[id(owner)],
        motion_type=record.motion_type,
        default=record.default,
        range=record.range,
        clamped=record.clamped,
        locked=record.locked,
        prescribed=record.prescribed,
    )


def _body(node: Node, scalars: Scalars) -> Body:
    inertia = scalars.numbers(node, "inertia", 6)
    if inertia is None:
        names = ("inertia_xx", "inertia_yy", "inertia_zz", "inertia_xy", "inertia_xz", "inertia_yz")
        inertia = np.array([scalars.number(node, name, 0.0) for name in names])
    return Body(node.name, scalars.number(node, "mass", 0.0), scalars.vector(node, "mass_center"), inertia)


def _joint(joint: TreeJoint, order: dict[int, int], index: dict[str, int], bodies: list[Node]) -> Joint:
    record = joint.record
    if record is None:
        name = f"free_{bodies[joint.body].name}"
        coordinates = [f"{name}_coord_{i}" for i in range(6)]
        axes = [AxisRecord(UNIT_AXES[i], (coordinates[i],), Linear((1.0, 0.0))) for i in range(6)]
        kind, parent_offset, child_offset, radii, winging = "FreeJoint", np.eye(4), np.eye(4), None, None
    else:
        name, kind, axes, radii, winging = record.name, record.kind, record.axes, record.radii, record.winging
        coordinates = [coordinate.name for coordinate in record.coordinates]
        parent_offset, child_offset = record.parent.transform, record.child.transform
        if joint.reversed:
            parent_offset, child_offset = child_offset, parent_offset
    return Joint(
        name=name,
        kind=kind,
        parent=order[parent_of(joint)],
        child=order[joint.body],
        parent_offset=parent_offset,
        child_offset=child_offset,
        axes=tuple(TransformAxis(a.axis, tuple(index[name] for name in a.coordinates), a.function) for a in axes),
        coordinates=tuple(index[name] for name in coordinates),
        reversed=joint.reversed,
        radii=radii,
        winging=winging,
    )


def _constraints(model: Node, index: dict[str, int], scalars: Scalars) -> tuple[tuple[Coupler, ...], tuple[str, ...]]:
    couplers, others = [], []
    listed = list(model.objects("ConstraintSet"))
    listed += [node for node in model.objects("components") if node.tag.endswith("Constraint")]
    for node in listed:
        enforced = scalars.boolean(node, "isEnforced", not scalars.boolean(node, "isDisabled", False))
        if node.tag != "CoordinateCouplerConstraint":
            others.append(f"{node.tag} '{node.name}'" + ("" if enforced else " (not enforced)"))
            continue
        function = function_inside(node, scalars, "coupled_coordinates_function")
        if function is None:
            raise scalars.error(f"{describe(node)} has no function", node)
        dependent = node.child_text("dependent_coordinate_name") or ""
        independents = (node.child_text("independent_coordinate_names") or "").split()
        for name in (dependent, *independents):
            if name not in index:
                raise scalars.error(f"{describe(node)} names the coordinate '{name}', which no joint has", node)
        if not independents:
            raise scalars.error(f"{describe(node)} names no independent coordinate", node)
        if isinstance(function, Linear) and len(function.coefficients) != len(independents) + 1:
            raise scalars.error(
                f"{describe(node)} has {len(independents)} independent coordinates and a linear function of "
                f"{len(function.coefficients) - 1}",
                node,
            )
        scale = scalars.number(node, "scale_factor", 1.0)
        inputs = tuple(index[name] for name in independents)
        couplers.append(Coupler(node.name, index[dependent], inputs, function, scale, enforced))
    return tuple(couplers), tuple(others)


def _markers(model: Node, registry: FrameRegistry, order: dict[int, int], scalars: Scalars) -> tuple[Marker, ...]:
    found = []
    for node in model.objects("MarkerSet"):
        if node.tag != "Marker":
            continue
        text = socket_text(node, "parent_frame", "reference_frame", "body")
        if not text:
            raise scalars.error(f"{describe(node)} names no body", node)
        place = registry.place(text, ("markerset", node.name), node)
        location = scalars.vector(node, "location")
        local = place.transform[:3, :3] @ location + place.transform[:3, 3]
        found.append(Marker(node.name, order[place.body], local, scalars.boolean(node, "fixed", False)))
    return tuple(found)
