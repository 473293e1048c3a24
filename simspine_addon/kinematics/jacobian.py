"""Analytic Jacobian of markers by coordinates, for all frames at once.

Each coordinate turns and shifts everything beyond its joint: a point x there moves by v + w x (x - o), where w and v
are the step's angular and linear rates and o the place about which it turns. Products over the chain are those of
forward kinematics, so one pass gives frames and rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.types import GROUND, Model
from .forward import rotate
from .program import Fixed, Rotate, Step, compile_model

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rate:
    """What a coordinate does to everything from a body on: `angular` about `origin`, and `linear`, each [3, T]."""

    body: int
    coordinate: int
    angular: Array | None
    linear: Array | None
    origin: Array


@dataclass(frozen=True, slots=True)
class MarkerChains:
    """A model made ready for many Jacobians of the same markers: the steps of its joints, and what moves with what.

    `parents` [B] are bodies (GROUND: -1), `steps` [B] lists; `bodies` [M] and `locations` [M, 3] are the markers';
    `moved` [B] holds the markers beyond each body; `coordinates` is the number of columns.
    """

    parents: tuple[int, ...]
    steps: tuple[tuple[Step, ...], ...]
    bodies: NDArray[np.int64]
    locations: Array
    moved: tuple[NDArray[np.int64], ...]
    coordinates: int


def marker_chains(model: Model, markers: Sequence[int] | None = None) -> MarkerChains:
    """Compile `model` for its markers (all of them by default)."""
    chosen = list(range(len(model.markers))) if markers is None else list(markers)
    bodies = np.array([model.markers[i].body for i in chosen], dtype=np.int64)
    beyond = _descendants(model)
    return MarkerChains(
        parents=tuple(joint.parent for joint in model.joints),
        steps=tuple(tuple(steps) for steps in compile_model(model)),
        bodies=bodies,
        locations=np.array([model.markers[i].location for i in chosen]).reshape(-1, 3),
        moved=tuple(np.flatnonzero((bodies != GROUND) & beyond[body, bodies]) for body in range(len(model.bodies))),
        coordinates=len(model.coordinates),
    )


def marker_jacobian(
    model: Model | MarkerChains, values: Array, markers: Sequence[int] | None = None
) -> tuple[Array, Array]:
    """Markers and their derivatives by every coordinate.

    Args:
        model: the model, or what `marker_chains` made of it (then with the markers chosen there).
        values: coordinate values [T, C], rad and m.
        markers: indices of the markers wanted; all of them by default.

    Returns:
        positions [T, M, 3] in m, and the Jacobian [T, M, 3, C] in m per rad or m per m.
    """
    chains = model if isinstance(model, MarkerChains) else marker_chains(model, markers)
    q = np.ascontiguousarray(np.asarray(values, dtype=float).T)
    frames, rates = _frames_and_rates(chains, q)
    count = q.shape[1]
    points = np.empty((len(chains.bodies), 3, count))
    for index, (body, location) in enumerate(zip(chains.bodies, chains.locations, strict=True)):
        if body == GROUND:
            points[index] = location[:, None]
        else:
            rotation, position = frames[body]
            points[index] = np.matmul(location, rotation) + position
    jacobian = np.zeros((chains.coordinates, len(chains.bodies), 3, count))
    for rate in rates:
        moved = chains.moved[rate.body]
        if len(moved):
            jacobian[rate.coordinate, moved] += _velocity(rate, points[moved])
    return points.transpose(2, 0, 1), jacobian.transpose(3, 1, 2, 0)


def _velocity(rate: Rate, points: Array) -> Array:
    """Velocity [M, 3, T] of points [M, 3, T] under a rate."""
    velocity = np.zeros_like(points)
    if rate.angular is not None:
        x, y, z = np.moveaxis(points - rate.origin, 1, 0)
        wx, wy, wz = rate.angular
        velocity[:, 0] = wy * z - wz * y
        velocity[:, 1] = wz * x - wx * z
        velocity[:, 2] = wx * y - wy * x
    if rate.linear is not None:
        velocity += rate.linear
    return velocity


def _descendants(model: Model) -> NDArray[np.bool_]:
    """[B, B]: whether the second body moves with the first."""
    count = len(model.bodies)
    beyond = np.eye(count, dtype=bool)
    for body, joint in enumerate(model.joints):
        if joint.parent != GROUND:
            beyond[:, body] |= beyond[:, joint.parent]
    return beyond


def _frames_and_rates(chains: MarkerChains, q: Array) -> tuple[list[tuple[Array, Array]], list[Rate]]:
    """Body frames (rotation [3, 3, T], position [3, T]) and the rates of all steps, in ground."""
    count = q.shape[1]
    ground = np.repeat(np.eye(3)[:, :, None], count, axis=2), np.zeros((3, count))
    frames: list[tuple[Array, Array]] = []
    rates: list[Rate] = []
    for body, (parent, steps) in enumerate(zip(chains.parents, chains.steps, strict=True)):
        rotation, position = ground if parent == GROUND else frames[parent]
        for step in steps:
            rotation, position = advance_with_rates(step, q, rotation, position, body, rates)
        frames.append((rotation, position))
    return frames, rates


def advance_with_rates(
    step: Step, q: Array, rotation: Array, position: Array, body: int, rates: list[Rate]
) -> tuple[Array, Array]:
    if isinstance(step, Fixed):
        if step.translation is not None:
            position = position + np.matmul(step.translation, rotation)
        return (rotation if step.rotation is None else np.matmul(step.rotation.T, rotation)), position
    if isinstance(step, Rotate):
        axis = np.matmul(step.axis, rotation)
        rates += [Rate(body, c, axis * slope, None, position) for c, slope in step.angle_derivatives(q)]
        return rotate(rotation, step, step.angle(q)), position
    for coordinate, slope in step.displacement_derivatives(q):
        rates.append(Rate(body, coordinate, None, np.einsum("ikt,kt->it", rotation, slope), position))
    return rotation, position + np.einsum("ikt,kt->it", rotation, step.displacement(q))
