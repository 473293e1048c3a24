"""Changes to a model: bodies made longer, joint frames placed anew, joints welded, couplers dropped or led by another.

`edited_model` makes them on a `Model`, `document_edit.write_edited` in the document that it was read from; the two
agree, which the writer checks on every file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .displacement import Displacement
from .errors import InputError
from .functions import Constant, Linear, Multiplier
from .scalars import rigid_transform
from .types import GROUND, Body, Coordinate, Coupler, Geometry, Joint, Marker, Model, TransformAxis

Array = NDArray[np.float64]
Side = Literal["parent", "child"]
UNIT_SCALE = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Led:
    """What drives a coupled coordinate: `dependent = slope * independent + offset`."""

    independent: str
    slope: float
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelEdits:
    """What is to change, by the names that the document uses; everything else stays as it is.

    `scales` [3] are factors along a body's axes: everything on the body follows (joints, markers, meshes, mass).
    `frames` places a joint's frame anew in its parent or child body of the tree [4, 4], after the scaling. `welded`
    joints hold the pose at their coordinates' defaults and lose the coordinates. `couplers` says which of the coupler
    constraints are dropped (None) or led by another coordinate. `markers` gives markers another location [3] on their
    bodies, and `added` are new ones. Of what a body draws, by the names of both, `geometry` gives another place [4, 4]
    on it, `bent` names what is displaced vertex by vertex (which no document can hold), `meshes` gives another file.
    `displaced` says of a body how it is bent: its mass centre, wrapping surfaces and points of muscles follow.
    """

    scales: Mapping[str, Array] = field(default_factory=dict)
    frames: Mapping[tuple[str, Side], Array] = field(default_factory=dict)
    welded: tuple[str, ...] = ()
    couplers: Mapping[str, Led | None] = field(default_factory=dict)
    markers: Mapping[str, Array] = field(default_factory=dict)
    added: tuple[Marker, ...] = ()
    geometry: Mapping[tuple[str, str], Array] = field(default_factory=dict)
    bent: frozenset[tuple[str, str]] = frozenset()
    meshes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    displaced: Mapping[str, Displacement] = field(default_factory=dict)


def body_fixed_angles(rotation: Array) -> Array:
    """Body-fixed x-y-z angles [3] rad of a rotation [3, 3], as in OpenSim's offset frames."""
    y = np.arctan2(rotation[0, 2], np.hypot(rotation[0, 0], rotation[0, 1]))
    if np.hypot(rotation[0, 0], rotation[0, 1]) < 1e-12:  # x and z turn about the same line: z is taken as 0
        return np.array([np.arctan2(rotation[2, 1], rotation[1, 1]), y, 0.0])
    return np.array(
        [np.arctan2(-rotation[1, 2], rotation[2, 2]), y, np.arctan2(-rotation[0, 1], rotation[0, 0])], dtype=float
    )


def as_written(frame: Array) -> Array:
    """The frame [4, 4] as it comes back from the document, which holds angles."""
    return rigid_transform(frame[:3, 3], body_fixed_angles(frame[:3, :3]))


def edited_model(model: Model, edits: ModelEdits) -> Model:
    """The model with the edits made; it keeps the path of the document whose meshes it draws.

    Raises:
        InputError: a body, joint or coupler that the model does not have.
    """
    _check_names(model, edits)
    scales = [edits.scales.get(name) for name in model.body_names]
    joints = [_scaled_joint(model, joint, scales) for joint in model.joints]
    for (name, side), frame in edits.frames.items():
        index = next(i for i, joint in enumerate(joints) if joint.name == name)
        placed = as_written(frame)
        change = {"parent_offset": placed} if side == "parent" else {"child_offset": placed}
        joints[index] = replace(joints[index], **change)
    model = replace(
        model,
        bodies=tuple(_scaled_body(body, scale) for body, scale in zip(model.bodies, scales, strict=True)),
        joints=tuple(joints),
        markers=tuple(
            replace(m, location=m.location * _scale_of(scales, m.body)) if _scaled(scales, m.body) else m
            for m in model.markers
        ),
        geometry=tuple(
            replace(
                g,
                transform=_scaled_frame(g.transform, _scale_of(scales, g.body)),
                scale=g.scale * _scale_of(scales, g.body),
            )
            if _scaled(scales, g.body)
            else g
            for g in model.geometry
        ),
    )
    return _without_coordinates(_coupled(_moved(model, edits), edits.couplers), edits.welded)


def _moved(model: Model, edits: ModelEdits) -> Model:
    """Markers, drawn things and mass centres in their new places."""
    if not (edits.markers or edits.added or edits.geometry or edits.bent or edits.meshes or edits.displaced):
        return model
    markers = (replace(m, location=edits.markers.get(m.name, m.location)) for m in model.markers)
    return replace(
        model,
        bodies=tuple(_displaced_body(body, edits.displaced.get(body.name)) for body in model.bodies),
        markers=(*markers, *edits.added),
        geometry=tuple(_redrawn(model, each, edits) for each in model.geometry),
    )


def _redrawn(model: Model, geometry: Geometry, edits: ModelEdits) -> Geometry:
    key = ("ground" if geometry.body == GROUND else model.body_names[geometry.body]), geometry.name
    if key in edits.geometry:
        geometry = replace(geometry, transform=as_written(edits.geometry[key]))
    if key in edits.meshes:
        geometry = replace(geometry, file=edits.meshes[key])
    return replace(geometry, bend=edits.displaced[key[0]]) if key in edits.bent else geometry


def _displaced_body(body: Body, displacement: Displacement | None) -> Body:
    """A bent body's mass goes where its mass centre goes, and turns as the body does there."""
    if displacement is None:
        return body
    turn = displacement.at(body.mass_center)[:3, :3]
    xx, yy, zz, xy, xz, yz = body.inertia
    new = turn @ np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) @ turn.T
    six = np.array([new[0, 0], new[1, 1], new[2, 2], new[0, 1], new[0, 2], new[1, 2]])
    return Body(body.name, body.mass, displacement.points(body.mass_center), six)


def _check_names(model: Model, edits: ModelEdits) -> None:
    joints = {joint.name for joint in model.joints}
    drawn = (*edits.geometry, *edits.bent, *edits.meshes)
    wanted = (
        ("body", edits.scales, set(model.body_names)),
        ("joint", (*edits.welded, *(name for name, _ in edits.frames)), joints),
        ("coupler", edits.couplers, {coupler.name for coupler in model.couplers}),
        ("marker", edits.markers, set(model.marker_names)),
        ("body", (*edits.displaced, *(body for body, _ in drawn)), set(model.body_names)),
        ("geometry", (name for _, name in drawn), {geometry.name for geometry in model.geometry}),
    )
    for what, names, known in wanted:
        for name in names:
            if name not in known:
                raise InputError(f"the model has no {what} '{name}'", path=model.path)


def _scaled(scales: list[Array | None], body: int) -> bool:
    return body != GROUND and scales[body] is not None


def _scale_of(scales: list[Array | None], body: int) -> Array:
    scale = None if body == GROUND else scales[body]
    return np.ones(3) if scale is None else scale


def _scaled_frame(frame: Array, scale: Array | None) -> Array:
    if scale is None:
        return frame
    moved = frame.copy()
    moved[:3, 3] = frame[:3, 3] * scale
    return moved


def translation_factors(model: Model, joint: Joint, scales: Mapping[str, Array]) -> dict[int, float]:
    """Factors of a joint's moving translations (axis 3 to 5), which run in its document parent: those that change."""
    body, frame = (joint.child, joint.child_offset) if joint.reversed else (joint.parent, joint.parent_offset)
    scale = None if body == GROUND else scales.get(model.body_names[body])
    if scale is None:
        return {}
    factors = {}
    for index, axis in enumerate(joint.axes[3:], start=3):
        if axis.function is None or (isinstance(axis.function, Constant) and axis.function.value == 0.0):
            continue
        direction = frame[:3, :3] @ axis.axis
        factor = float(direction @ (scale * direction))
        if factor != 1.0:
            factors[index] = factor
    return factors


def _scaled_joint(model: Model, joint: Joint, scales: list[Array | None]) -> Joint:
    by_name = {name: scale for name, scale in zip(model.body_names, scales, strict=True) if scale is not None}
    parent, child = (None if b == GROUND else scales[b] for b in (joint.parent, joint.child))
    if parent is None and child is None:
        return joint
    factors = translation_factors(model, joint, by_name)
    axes = tuple(
        replace(axis, function=Multiplier(axis.function, factors[i])) if i in factors and axis.function else axis
        for i, axis in enumerate(joint.axes)
    )
    return replace(
        joint,
        parent_offset=joint.parent_offset if parent is None else as_written(_scaled_frame(joint.parent_offset, parent)),
        child_offset=joint.child_offset if child is None else as_written(_scaled_frame(joint.child_offset, child)),
        axes=axes,
    )


def _scaled_body(body: Body, scale: Array | None) -> Body:
    """Mass goes with the volume; second moments of mass J = tr(I)/2 - I are stretched along the axes."""
    if scale is None:
        return body
    volume = float(np.prod(scale))
    xx, yy, zz, xy, xz, yz = body.inertia
    inertia = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    moments = volume * np.diag(scale) @ (np.trace(inertia) / 2 * np.eye(3) - inertia) @ np.diag(scale)
    new = np.trace(moments) * np.eye(3) - moments
    six = np.array([new[0, 0], new[1, 1], new[2, 2], new[0, 1], new[0, 2], new[1, 2]])
    return Body(body.name, body.mass * volume, body.mass_center * scale, six)


def _coupled(model: Model, changes: Mapping[str, Led | None]) -> Model:
    couplers: list[Coupler] = []
    for coupler in model.couplers:
        led = changes.get(coupler.name)
        if coupler.name not in changes:
            couplers.append(coupler)
        elif led is not None:
            independent = model.coordinate_names.index(led.independent)
            function = Linear((led.slope, led.offset))
            couplers.append(replace(coupler, independents=(independent,), function=function, scale=1.0))
    return replace(model, couplers=tuple(couplers))


def _without_coordinates(model: Model, welded: tuple[str, ...]) -> Model:
    """The joints welded, their coordinates gone, and the others renumbered."""
    if not welded:
        return model
    gone = {c for joint in model.joints if joint.name in welded for c in joint.coordinates}
    kept = [index for index in range(len(model.coordinates)) if index not in gone]
    new = {old: index for index, old in enumerate(kept)}
    for coupler in model.couplers:
        if gone & {coupler.dependent, *coupler.independents}:
            raise InputError(f"the coupler '{coupler.name}' names a coordinate of a welded joint", path=model.path)
    joints = []
    for joint in model.joints:
        if joint.name in welded:
            axes = tuple(TransformAxis(axis) for axis in np.concatenate([np.eye(3), np.eye(3)]))
            joints.append(replace(joint, kind="WeldJoint", axes=axes, coordinates=(), radii=None, winging=None))
            continue
        axes = tuple(replace(axis, coordinates=tuple(new[c] for c in axis.coordinates)) for axis in joint.axes)
        joints.append(replace(joint, axes=axes, coordinates=tuple(new[c] for c in joint.coordinates)))
    coordinates: list[Coordinate] = [model.coordinates[index] for index in kept]
    couplers = tuple(
        replace(c, dependent=new[c.dependent], independents=tuple(new[i] for i in c.independents))
        for c in model.couplers
    )
    return replace(model, joints=tuple(joints), coordinates=tuple(coordinates), couplers=couplers)
