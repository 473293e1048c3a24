"""Body frames back to a model's coordinates: each joint inverted exactly, and what it cannot follow as a residual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.couplers import apply_couplers
from ..model.errors import InputError
from ..model.types import GROUND, Coupler, Joint, Model, Motion
from .axis_angles import product, product_transposed
from .joint_inverse import invert_joint
from .joint_problem import joint_problem
from .pose_track import PoseTrack

Array = NDArray[np.float64]
# What single precision in Blender leaves is some 0.01 mm and 0.02 deg (measured); more than this is said.
_SAID_M = 1e-4
_SAID_RAD = np.radians(0.05)
_MAX_NOTES = 8


@dataclass(frozen=True, slots=True)
class InverseResult:
    """Coordinates of T frames and what the model's joints and couplers could not follow.

    `coupler_violation` is the dependent coordinate less what its coupler makes of the independent ones; for the
    enforced couplers alone, named in `coupler_names`. `notes` says in sentences what a person should know.
    """

    values: Array  # [T, C] rad, m, in the model's order
    residual_position: Array  # [T, J] m, between the joint's frame as reached and as given
    residual_rotation: Array  # [T, J] rad
    coupler_names: tuple[str, ...]  # [K]
    coupler_violation: Array  # [T, K] rad, m
    notes: tuple[str, ...] = ()


def coordinates_from_frames(model: Model, positions: Array, rotations: Array) -> InverseResult:
    """The coordinates at which each body stands to its parent as given: `forward.body_frames` backwards.

    Joint by joint against the parent as it stands, so that moving one body by hand changes the coordinates of its own
    joint, and of the joints to the bodies that it does not carry along. Coordinates that a pose does not determine
    take their coupler's value, else their default. Angles are continuous over the frames; the first frame is near
    ranges and defaults.

    Args:
        model: whose joints are inverted.
        positions: [T, B, 3] m, body origins in ground.
        rotations: [T, B, 3, 3], body frames in ground.

    Raises:
        InputError: shapes that are not the model's, or a frame that is not finite.
    """
    positions, rotations = np.asarray(positions, dtype=np.float64), np.asarray(rotations, dtype=np.float64)
    _check(model, positions, rotations)
    frames, joints = len(positions), len(model.joints)
    bodies = [(rotations[:, i].transpose(1, 2, 0).copy(), positions[:, i].T.copy()) for i in range(len(model.bodies))]
    values = np.repeat(np.array([[c.default for c in model.coordinates]], dtype=np.float64), frames, axis=0)
    residual_position, residual_rotation = np.zeros((2, frames, joints))
    for index, joint in enumerate(model.joints):
        rotation, position = _child_in_parent(joint, bodies)
        q, apart, angle = invert_joint(joint_problem(model, joint), rotation, position)
        values[:, list(joint.coordinates)] = q.T
        residual_position[:, index], residual_rotation[:, index] = np.linalg.norm(apart, axis=0), angle
    loose = _undetermined(model)
    values, coupled = apply_couplers(model, values, loose)
    couplers = tuple(coupler for coupler in model.couplers if coupler.enforced)
    violation = coupler_violations(couplers, values)
    notes = [
        *_undetermined_notes(model, loose, coupled),
        *_residual_notes(model, residual_position, residual_rotation),
        *_coupler_notes(model, couplers, violation),
    ]
    return InverseResult(
        values=values,
        residual_position=residual_position,
        residual_rotation=residual_rotation,
        coupler_names=tuple(coupler.name for coupler in couplers),
        coupler_violation=violation,
        notes=tuple(notes),
    )


def motion_from_track(model: Model, track: PoseTrack) -> tuple[Motion, InverseResult]:
    """The motion in `model`'s coordinates that moves its bodies like `track`, and how well it does.

    Raises:
        InputError: the track lacks a body of the model, or is not finite.
    """
    track = in_model_order(model, track)
    result = coordinates_from_frames(model, track.positions, track.rotations)
    return Motion(track.time, model.coordinate_names, result.values, warnings=result.notes), result


def in_model_order(model: Model, track: PoseTrack) -> PoseTrack:
    """`track` with the bodies of `model` alone, in its order.

    Raises:
        InputError: the track lacks a body of the model.
    """
    if track.names == model.body_names:
        return track
    missing = [name for name in model.body_names if name not in track.names]
    if missing:
        raise InputError(
            f"the poses have no body '{missing[0]}'" + (f" ({len(missing)} are missing)" if len(missing) > 1 else ""),
            path=model.path,
            hint="give the model that the poses were made with",
        )
    order = [track.names.index(name) for name in model.body_names]
    return PoseTrack(
        time=track.time,
        names=model.body_names,
        parents=model.parents,
        positions=track.positions[:, order],
        rotations=track.rotations[:, order],
        centres=track.centres[order],
        rest_positions=track.rest_positions[order],
        rest_rotations=track.rest_rotations[order],
    )


def coupler_violations(couplers: tuple[Coupler, ...], values: Array) -> Array:
    """[T, K]: each dependent coordinate of `values` [T, C] less its coupler's value, rad or m."""
    violation = np.zeros((len(values), len(couplers)))
    for index, coupler in enumerate(couplers):
        wanted = coupler.scale * coupler.function.evaluate(values[:, list(coupler.independents)].T)
        violation[:, index] = values[:, coupler.dependent] - wanted
    return violation


def _check(model: Model, positions: Array, rotations: Array) -> None:
    bodies = len(model.bodies)
    if positions.shape != (len(positions), bodies, 3) or rotations.shape != (len(positions), bodies, 3, 3):
        raise InputError(
            f"body frames have the shapes {positions.shape} and {rotations.shape}, where [frames, {bodies}, 3] and "
            f"[frames, {bodies}, 3, 3] are needed",
            path=model.path,
        )
    bad = ~(np.isfinite(positions).all(axis=2) & np.isfinite(rotations).all(axis=(2, 3)))
    if bad.any():
        frame, body = np.argwhere(bad)[0]
        raise InputError(
            f"body '{model.body_names[body]}' is not finite in frame {frame + 1}",
            path=model.path,
            hint="fill the gaps of the poses first",
        )


def _child_in_parent(joint: Joint, bodies: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """The frame that the joint moves in the frame that it moves against: [3, 3, T] and [3, T] m."""
    rotation, position = bodies[joint.child]
    position = position + np.einsum("ijt,j->it", rotation, joint.child_offset[:3, 3])
    rotation = np.einsum("ijt,jk->ikt", rotation, joint.child_offset[:3, :3])
    base = np.repeat(joint.parent_offset[:3, :3, None], position.shape[1], axis=2)
    origin = np.repeat(joint.parent_offset[:3, 3, None], position.shape[1], axis=1)
    if joint.parent != GROUND:
        carrier, carried = bodies[joint.parent]
        base, origin = product(carrier, base), carried + np.einsum("ijt,jt->it", carrier, origin)
    relative = product_transposed(base, rotation)
    offset = np.einsum("jit,jt->it", base, position - origin)
    if joint.reversed:
        return relative.transpose(1, 0, 2).copy(), -np.einsum("jit,jt->it", relative, offset)
    return relative, offset


def _undetermined(model: Model) -> list[int]:
    """Coordinates that move no axis of their joint, so that no pose can show them."""
    moving: set[int] = set()
    for joint in model.joints:
        special = joint.kind == "ScapulothoracicJoint"
        moving |= set(joint.coordinates) if special else {c for axis in joint.axes for c in axis.coordinates}
    return [index for index in range(len(model.coordinates)) if index not in moving]


def _undetermined_notes(model: Model, loose: list[int], coupled: list[int]) -> list[str]:
    return [
        f"no pose shows the coordinate '{model.coordinates[index].name}', which moves nothing: "
        + ("it follows its coupler" if index in coupled else "it stays at its default")
        for index in loose
    ]


def _residual_notes(model: Model, position: Array, rotation: Array) -> list[str]:
    """A sentence for each of the joints that are furthest from what their bodies do."""
    if not len(position):
        return []
    largest = np.maximum(position.max(axis=0) / _SAID_M, rotation.max(axis=0) / _SAID_RAD)
    worst = [int(joint) for joint in np.argsort(-largest) if largest[joint] > 1.0]
    notes = []
    for joint in worst[:_MAX_NOTES]:
        relative = np.maximum(position[:, joint] / _SAID_M, rotation[:, joint] / _SAID_RAD)
        notes.append(
            f"joint '{model.joints[joint].name}' cannot follow its bodies: {1e3 * position[:, joint].max():.3g} mm and "
            f"{np.degrees(rotation[:, joint].max()):.3g} deg are left, in {np.count_nonzero(relative > 1.0)} of "
            f"{len(position)} frames, most in frame {int(relative.argmax()) + 1}"
        )
    if len(worst) > _MAX_NOTES:
        notes.append(f"{len(worst) - _MAX_NOTES} more joints cannot follow their bodies")
    return notes


def _coupler_notes(model: Model, couplers: tuple[Coupler, ...], violation: Array) -> list[str]:
    """A sentence for each of the couplers that the poses break most."""
    if not len(violation) or not couplers:
        return []
    largest = np.abs(violation).max(axis=0)
    worst = [int(index) for index in np.argsort(-largest) if largest[index] > _SAID_RAD]
    notes = []
    for index in worst[:_MAX_NOTES]:
        coordinate = model.coordinates[couplers[index].dependent]
        factor, unit = (1e3, "mm") if coordinate.motion_type == "translational" else (180.0 / np.pi, "deg")
        notes.append(
            f"'{coordinate.name}' is up to {factor * largest[index]:.3g} {unit} away from what its coupler "
            f"'{couplers[index].name}' says (frame {int(np.abs(violation[:, index]).argmax()) + 1}); kept as posed"
        )
    if len(worst) > _MAX_NOTES:
        notes.append(f"{len(worst) - _MAX_NOTES} more coordinates are away from what their couplers say")
    return notes
