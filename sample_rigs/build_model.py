"""Write the sample subject as an OpenSim document: bodies, joints, couplers, keypoints and the names of its meshes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import opensim as osim

from ..simspine_addon.model.atomic import atomic_path
from . import sample_geometry_folder
from .anthropometry import Subject
from .bodies import BodySpec, body_specs
from .coordinates import CoordinateSpec, coordinate_specs, lumbar_couplings
from .joint_spec import Axis, JointFrame, JointSpec
from .keypoints import keypoint_markers
from .skeleton import skeleton

KNEE_COUPLINGS = [("knee_angle_r_beta", "knee_angle_r", 1.0), ("knee_angle_l_beta", "knee_angle_l", 1.0)]
CREDITS = "SimSpine sample subject; built by sample_rigs from published anthropometry, no measured person."
BONE_COLOUR = (0.93, 0.89, 0.80)


def _vec3(values: Iterable[float]) -> osim.Vec3:
    return osim.Vec3(*(float(value) for value in values))


def _body(spec: BodySpec) -> osim.Body:
    inertia = osim.Inertia(*(float(value) for value in spec.inertia), 0.0, 0.0, 0.0)
    return osim.Body(spec.name, spec.mass, _vec3(spec.mass_centre), inertia)


def _attach_meshes(body: osim.Body, spec: BodySpec) -> None:
    """Only once the body stands in its model: opensim complains of meshes that no model holds."""
    for number, file in enumerate(spec.meshes, start=1):
        mesh = osim.Mesh(file)
        mesh.setName(f"{spec.name}_geom_{number}")
        mesh.setColor(_vec3(BONE_COLOUR))
        body.attachGeometry(mesh)


def _function(axis: Axis) -> osim.Function:
    if axis.coordinate is None:
        return osim.Constant(0.0)
    if axis.knots is None:
        return osim.LinearFunction(axis.gain, 0.0)
    spline = osim.SimmSpline()
    for x, y in zip(*axis.knots, strict=True):
        spline.addPoint(x, y)
    return spline


def _spatial_transform(axes: tuple[Axis, ...]) -> osim.SpatialTransform:
    transform = osim.SpatialTransform()
    for index, axis in enumerate(axes):
        target = transform.updTransformAxis(index)
        names = osim.ArrayStr()
        if axis.coordinate is not None:
            names.append(axis.coordinate)
        target.setCoordinateNames(names)
        target.setAxis(_vec3(axis.vector))
        target.set_function(_function(axis))  # copies; setFunction would free it twice
    return transform


def _joint(spec: JointSpec, parent: osim.PhysicalFrame, child: osim.PhysicalFrame) -> osim.Joint:
    def ends(frame: JointFrame) -> tuple[osim.Vec3, osim.Vec3]:
        return _vec3(frame.translation), _vec3(frame.orientation)

    ports = (spec.name, parent, *ends(spec.on_parent), child, *ends(spec.on_child))
    if spec.kind == "custom":
        return osim.CustomJoint(*ports, _spatial_transform(spec.axes))
    kinds = {"weld": osim.WeldJoint, "pin": osim.PinJoint, "universal": osim.UniversalJoint}
    joint = kinds[spec.kind](*ports)
    named = [axis.coordinate for axis in spec.axes if axis.coordinate is not None]
    for index, name in enumerate(named):
        joint.upd_coordinates(index).setName(name)
    return joint


def _set_coordinate(coordinate: osim.Coordinate, spec: CoordinateSpec) -> None:
    unit = np.radians if spec.is_angle else float
    coordinate.setRangeMin(float(unit(spec.low)))
    coordinate.setRangeMax(float(unit(spec.high)))
    coordinate.setDefaultValue(float(unit(spec.default)))
    coordinate.setDefaultClamped(spec.clamped)
    coordinate.setDefaultLocked(spec.locked)


def _couple(model: osim.Model, dependent: str, independent: str, factor: float) -> None:
    coupler = osim.CoordinateCouplerConstraint()
    coupler.setName(f"{dependent}_con")
    names = osim.ArrayStr()
    names.append(independent)
    coupler.setIndependentCoordinateNames(names)
    coupler.setDependentCoordinateName(dependent)
    coupler.setFunction(osim.LinearFunction(factor, 0.0))
    model.addConstraint(coupler)


def build_model(subject: Subject | None = None) -> osim.Model:
    """The subject as an OpenSim model, neutral pose standing on the plane Y = 0; initSystem has passed."""
    subject = subject or Subject()
    osim.ModelVisualizer.addDirToGeometrySearchPaths(str(sample_geometry_folder()))
    model = osim.Model()
    model.setName("simspine_sample")
    model.set_credits(CREDITS)
    specs = body_specs(subject)
    bodies = {spec.name: _body(spec) for spec in specs}
    for body in bodies.values():
        model.addBody(body)
    for spec in skeleton(subject):
        parent = model.getGround() if spec.parent == "ground" else bodies[spec.parent]
        model.addJoint(_joint(spec, parent, bodies[spec.child]))
    model.finalizeConnections()
    for spec in coordinate_specs(round(subject.hip_height - subject.hip_centre[1], 9)):
        _set_coordinate(model.updCoordinateSet().get(spec.name), spec)
    for row in (*KNEE_COUPLINGS, *lumbar_couplings()):
        _couple(model, *row)
    for name, (body, place) in keypoint_markers(subject).items():
        model.addMarker(osim.Marker(name, bodies[body], _vec3(place)))
    for spec in specs:
        _attach_meshes(bodies[spec.name], spec)
    model.finalizeConnections()
    model.initSystem()
    return model


def write_model(path: str | Path, subject: Subject | None = None) -> Path:
    """Build the model and write it to `path` (.osim); returns the path."""
    path = Path(path)
    model = build_model(subject)
    with atomic_path(path) as temporary:
        model.printToXML(str(temporary))
    return path
