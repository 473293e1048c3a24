"""Forward kinematics: every body, joint frame and marker of a model, for all frames of a motion at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model.couplers import default_values
from ..model.errors import InputError
from ..model.types import GROUND, Model, Motion
from .pose_track import PoseTrack
from .program import Fixed, Rotate, Step, compile_model

Array = NDArray[np.float64]

# Frames are computed in blocks of this many, so that a body's matrices stay in the processor's cache.
BLOCK = 1024


def body_frames(model: Model, values: Array) -> tuple[Array, Array]:
    """Body origins and rotations in ground.

    Args:
        model: the model.
        values: coordinate values [T, C] in the model's order, rad and m.

    Returns:
        positions [T, B, 3] in m and rotations [T, B, 3, 3] (columns are the body's axes in ground).

    Raises:
        InputError: `values` has another number of columns than the model has coordinates.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or values.shape[1] != len(model.coordinates):
        raise InputError(
            f"coordinate values have the shape {values.shape}, where [frames, {len(model.coordinates)}] is needed"
        )
    program = compile_model(model)
    frames, bodies = len(values), len(model.bodies)
    positions = np.empty((frames, bodies, 3))
    rotations = np.empty((frames, bodies, 3, 3))
    for start in range(0, frames, BLOCK):
        block = slice(start, min(start + BLOCK, frames))
        _run_block(model, program, np.ascontiguousarray(values[block].T), positions[block], rotations[block])
    return positions, rotations


def _run_block(model: Model, program: list[list[Step]], q: Array, positions: Array, rotations: Array) -> None:
    """Fill the outputs; inside, frames are the last axis: rotations [3, 3, T], positions [3, T]."""
    frames = q.shape[1]
    ground = np.repeat(np.eye(3)[:, :, None], frames, axis=2), np.zeros((3, frames))
    done: list[tuple[Array, Array]] = []
    for body, (joint, steps) in enumerate(zip(model.joints, program, strict=True)):
        rotation, position = ground if joint.parent == GROUND else done[joint.parent]
        for step in steps:
            rotation, position = advance(step, q, rotation, position)
        done.append((rotation, position))
        positions[:, body] = position.T
        rotations[:, body] = rotation.transpose(2, 0, 1)


def advance(step: Step, q: Array, rotation: Array, position: Array) -> tuple[Array, Array]:
    """The frame after one step; inputs are never changed, since siblings start from them too."""
    if isinstance(step, Rotate):
        return rotate(rotation, step, step.angle(q)), position
    if isinstance(step, Fixed):
        if step.translation is not None:
            position = position + np.matmul(step.translation, rotation)
        if step.rotation is not None:
            rotation = np.matmul(step.rotation.T, rotation)
        return rotation, position
    displacement = step.displacement(q)
    return rotation, position + np.einsum("ikt,kt->it", rotation, displacement)


def rotate(rotation: Array, step: Rotate, angle: Array) -> Array:
    """`rotation` [3, 3, T] times the rotation by `angle` [T] about the step's axis."""
    sine, cosine = np.sin(angle), np.cos(angle)
    turned = np.empty_like(rotation)
    if step.principal is not None:
        # Turning about a principal axis leaves that column and mixes the two others.
        kept, one, two = step.principal, (step.principal + 1) % 3, (step.principal + 2) % 3
        turned[:, kept] = rotation[:, kept]
        turned[:, one] = cosine * rotation[:, one] + sine * rotation[:, two]
        turned[:, two] = cosine * rotation[:, two] - sine * rotation[:, one]
        return turned
    # Rodrigues' formula, row by row: r' = c r + (1 - c)(r . u) u + s (r x u).
    x, y, z = step.axis
    for i in range(3):
        a, b, c = rotation[i]
        along = (1.0 - cosine) * (x * a + y * b + z * c)
        turned[i, 0] = cosine * a + along * x + sine * (b * z - c * y)
        turned[i, 1] = cosine * b + along * y + sine * (c * x - a * z)
        turned[i, 2] = cosine * c + along * z + sine * (a * y - b * x)
    return turned


def points_on_bodies(positions: Array, rotations: Array, bodies: NDArray[np.int64], locations: Array) -> Array:
    """Points fixed to bodies, in ground: `bodies` [N] (-1 is ground), `locations` [N, 3] m -> [T, N, 3] m."""
    moved = np.einsum("tnij,nj->tni", rotations[:, bodies], locations) + positions[:, bodies]
    on_ground = bodies == GROUND
    moved[:, on_ground] = locations[on_ground]
    return moved


def marker_positions(model: Model, positions: Array, rotations: Array) -> Array:
    """The model's markers in ground, [T, M, 3] m, from `body_frames`."""
    bodies = np.array([marker.body for marker in model.markers], dtype=np.int64)
    locations = np.array([marker.location for marker in model.markers]).reshape(-1, 3)
    return points_on_bodies(positions, rotations, bodies, locations)


def joint_frames(model: Model, positions: Array, rotations: Array) -> tuple[Array, Array]:
    """Joint frames in ground: parent side and child side, each [T, J, 4, 4], from `body_frames`."""
    frames = np.zeros((*positions.shape[:2], 4, 4))
    frames[..., :3, :3], frames[..., :3, 3], frames[..., 3, 3] = rotations, positions, 1.0
    child = frames @ np.array([joint.child_offset for joint in model.joints])
    parents = model.parents
    parent = frames[:, parents]
    parent[:, parents == GROUND] = np.eye(4)
    return parent @ np.array([joint.parent_offset for joint in model.joints]), child


def pose_track(model: Model, motion: Motion) -> PoseTrack:
    """The PoseTrack of a motion: body frames, joint centres and the pose at the coordinates' defaults."""
    positions, rotations = body_frames(model, motion.values)
    rest_positions, rest_rotations = body_frames(model, default_values(model)[None])
    return PoseTrack(
        time=motion.time,
        names=model.body_names,
        parents=model.parents,
        positions=positions,
        rotations=rotations,
        centres=np.array([joint.child_offset[:3, 3] for joint in model.joints]),
        rest_positions=rest_positions[0],
        rest_rotations=rest_rotations[0],
    )
