"""A model compiled for forward kinematics: for each body, the elementary steps that lead to it from its parent.

Every joint, whatever its type, becomes a sequence of fixed transforms, rotations about an axis, and translations;
a joint that the tree passes against its own direction becomes the inverse steps in reverse order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.functions import Function, Linear
from ..model.types import Joint, Model, TransformAxis

Array = NDArray[np.float64]
Derivative = tuple[int, Array]  # coordinate index, derivative by it


@dataclass(frozen=True, slots=True)
class Fixed:
    """A constant transform; parts that are the identity are None."""

    rotation: Array | None  # [3, 3]
    translation: Array | None  # [3]


@dataclass(frozen=True, slots=True)
class Rotate:
    """Rotation about `axis` by `sign * function(coordinates)`; `principal` is 0, 1, 2 where the axis is +x, +y, +z."""

    axis: Array
    principal: int | None
    coordinates: tuple[int, ...]
    function: Function
    sign: float = 1.0

    def angle(self, q: Array) -> Array:
        """[T] rad, from all coordinates `q` [C, T]."""
        return self.sign * self.function.evaluate(q[list(self.coordinates)])

    def angle_derivatives(self, q: Array) -> list[Derivative]:
        """For each coordinate, the derivative of the angle by it, [T]."""
        x = q[list(self.coordinates)]
        return [(c, self.sign * self.function.derivative(x, i)) for i, c in enumerate(self.coordinates)]


@dataclass(frozen=True, slots=True)
class Translate:
    """Translation by the sum of `axis * function(coordinates)` over up to three axes."""

    axes: tuple[TransformAxis, ...]
    sign: float = 1.0

    def displacement(self, q: Array) -> Array:
        """[3, T] m."""
        total = np.zeros((3, q.shape[1]))
        for part in self.axes:
            assert part.function is not None
            total += (self.sign * part.axis)[:, None] * part.function.evaluate(q[list(part.coordinates)])
        return total

    def displacement_derivatives(self, q: Array) -> list[Derivative]:
        """For each coordinate, the derivative of the displacement by it, [3, T]."""
        found: list[Derivative] = []
        for part in self.axes:
            assert part.function is not None
            x = q[list(part.coordinates)]
            axis = (self.sign * part.axis)[:, None]
            found += [(c, axis * part.function.derivative(x, i)) for i, c in enumerate(part.coordinates)]
        return found


@dataclass(frozen=True, slots=True)
class SurfacePoint:
    """Translation to the point of an ellipsoid whose radii are scaled by the normal Rx(q0) Ry(q1) ez.

    So Simbody's ellipsoid mobilizer places its moving frame: p = radii * n, with n the frame's z axis.
    """

    radii: Array  # [3]
    coordinates: tuple[int, int]
    sign: float = 1.0

    def displacement(self, q: Array) -> Array:
        """[3, T] m."""
        a, b = q[self.coordinates[0]], q[self.coordinates[1]]
        normal = np.stack([np.sin(b), -np.sin(a) * np.cos(b), np.cos(a) * np.cos(b)])
        return self.sign * self.radii[:, None] * normal

    def displacement_derivatives(self, q: Array) -> list[Derivative]:
        """For each of the two coordinates, the derivative of the displacement by it, [3, T]."""
        a, b = q[self.coordinates[0]], q[self.coordinates[1]]
        by_a = np.stack([np.zeros_like(a), -np.cos(a) * np.cos(b), -np.sin(a) * np.cos(b)])
        by_b = np.stack([np.cos(b), np.sin(a) * np.sin(b), -np.cos(a) * np.sin(b)])
        scale = self.sign * self.radii[:, None]
        return [(self.coordinates[0], scale * by_a), (self.coordinates[1], scale * by_b)]


Step = Fixed | Rotate | Translate | SurfacePoint


def compile_model(model: Model) -> list[list[Step]]:
    """The steps of each body, in the model's order of bodies."""
    program = []
    for joint in model.joints:
        steps = joint_steps(joint)
        if joint.reversed:
            steps = _inverse(steps)
        program.append([*_fixed(joint.parent_offset), *steps, *_fixed(np.linalg.inv(joint.child_offset))])
    return program


def joint_steps(joint: Joint) -> list[Step]:
    if joint.kind == "ScapulothoracicJoint":
        return _scapulothoracic(joint)
    steps: list[Step] = []
    if joint.radii is not None:
        steps.append(SurfacePoint(joint.radii, (joint.coordinates[0], joint.coordinates[1])))
    translations = tuple(axis for axis in joint.axes[3:] if axis.function is not None)
    if translations:
        steps.append(Translate(translations))
    for axis in joint.axes[:3]:
        if axis.function is not None:
            steps.append(_rotation(axis.axis, axis.coordinates, axis.function))
    return steps


def _scapulothoracic(joint: Joint) -> list[Step]:
    """Abduction, elevation and upward rotation on the thoracic ellipsoid, then winging about a tangent axis.

    As opensim builds it (Seth et al. 2016, PLoS ONE 11(1) e0141028): the ellipsoid's frame is turned by 90 deg
    about z, so that the first two angles are abduction and elevation, and its radii change places with it.
    """
    assert joint.radii is not None
    assert joint.winging is not None
    abduction, elevation, upward, winging = joint.coordinates
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    x, y, direction = joint.winging
    axis = np.array([-np.sin(direction), np.cos(direction), 0.0])
    origin = np.array([x, y, 0.0])
    same = Linear((1.0, 0.0))
    return [
        Fixed(quarter, None),
        SurfacePoint(joint.radii[[1, 0, 2]], (abduction, elevation)),
        _rotation(np.array([1.0, 0.0, 0.0]), (abduction,), same),
        _rotation(np.array([0.0, 1.0, 0.0]), (elevation,), same),
        _rotation(np.array([0.0, 0.0, 1.0]), (upward,), same),
        Fixed(quarter.T, origin @ quarter),
        _rotation(axis, (winging,), same),
        Fixed(None, -origin),
    ]


def _rotation(axis: Array, coordinates: tuple[int, ...], function: Function, sign: float = 1.0) -> Rotate:
    principal = next((i for i in range(3) if axis[i] == 1.0), None)
    return Rotate(axis, principal, coordinates, function, sign)


def _fixed(transform: Array) -> Sequence[Step]:
    rotation, translation = transform[:3, :3], transform[:3, 3]
    step = Fixed(
        None if np.array_equal(rotation, np.eye(3)) else rotation.copy(),
        None if not np.any(translation) else translation.copy(),
    )
    return [] if step.rotation is None and step.translation is None else [step]


def _inverse(steps: list[Step]) -> list[Step]:
    inverted: list[Step] = []
    for step in reversed(steps):
        if isinstance(step, Fixed):
            rotation = None if step.rotation is None else step.rotation.T
            translation = None if step.translation is None else -step.translation
            if rotation is not None and translation is not None:
                translation = rotation @ translation
            inverted.append(Fixed(rotation, translation))
        elif isinstance(step, Rotate):
            inverted.append(Rotate(step.axis, step.principal, step.coordinates, step.function, -step.sign))
        elif isinstance(step, Translate):
            inverted.append(Translate(step.axes, -step.sign))
        else:
            inverted.append(SurfacePoint(step.radii, step.coordinates, -step.sign))
    return inverted
