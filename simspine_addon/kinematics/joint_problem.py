"""A joint laid out for inversion: which of its axes move, by which coordinates, and which of them linearly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..model.functions import Constant, Function, Linear, Multiplier
from ..model.types import Joint, Model
from .axis_angles import Expected, rotations_about
from .program import Step, joint_steps

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of a joint with what moves it: coordinates by their place in the joint."""

    direction: Array  # [3]
    coordinates: tuple[int, ...]
    function: Function
    line: tuple[float, float] | None  # slope and offset, where one coordinate moves it linearly

    @property
    def single(self) -> int | None:
        """The one coordinate that moves it; None where there are several."""
        return self.coordinates[0] if len(self.coordinates) == 1 else None

    def values(self, q: Array) -> Array:
        """Angles or displacements [T]."""
        return self.function.evaluate(q[list(self.coordinates)])


@dataclass(frozen=True, slots=True)
class JointProblem:
    """A joint with its coordinates numbered from 0, ready to be inverted.

    `turns` and `slides` are the axes that move; `rest_turn` and `rest_slide` what the others contribute always: the
    joint's rotation is that of the moving axes (carried through the fixed ones) times `rest_turn`.
    """

    kind: str
    steps: tuple[Step, ...]
    expected: Expected  # of the coordinates [n]
    turns: tuple[Axis, ...]
    slides: tuple[Axis, ...]
    rest_turn: Array  # [3, 3]
    rest_slide: Array  # [3]

    @property
    def count(self) -> int:
        return len(self.expected.default)

    @property
    def turns_freely(self) -> bool:
        """Whether each moving rotation axis has a coordinate of its own that moves it linearly."""
        own = [axis.single for axis in self.turns]
        return all(axis.line is not None for axis in self.turns) and len(set(own)) == len(own)

    @property
    def is_closed(self) -> bool:
        """Whether the closed form is already the nearest that the joint can come, however its frame was moved."""
        turning = {axis.single for axis in self.turns}
        slides = [axis for axis in self.slides if not set(axis.coordinates) <= turning]
        own = [axis.single for axis in slides]
        reaches = len(self.turns) < 2 or (len(self.turns) == 3 and _orthogonal(self.turns))
        slides_freely = all(axis.line is not None for axis in slides) and len(set(own)) == len(own)
        return self.turns_freely and reaches and slides_freely


def joint_problem(model: Model, joint: Joint) -> JointProblem:
    """The problem of one joint of `model`."""
    place = {index: number for number, index in enumerate(joint.coordinates)}
    axes = tuple(replace(axis, coordinates=tuple(place[i] for i in axis.coordinates)) for axis in joint.axes)
    local = replace(joint, axes=axes, coordinates=tuple(range(len(place))))
    coordinates = [model.coordinates[index] for index in joint.coordinates]
    turns, rest_turn = [], np.eye(3)
    for part in axes[:3]:
        moving = _moving(part.function, part.coordinates)
        direction = rest_turn @ part.axis
        if moving is not None:
            turns.append(Axis(direction, part.coordinates, moving, _line(moving, len(part.coordinates))))
        elif part.function is not None:
            rest_turn = rest_turn @ rotations_about(part.axis, _still(part.function, len(part.coordinates)))[:, :, 0]
    slides, rest_slide = [], np.zeros(3)
    for part in axes[3:]:
        moving = _moving(part.function, part.coordinates)
        if moving is not None:
            slides.append(Axis(part.axis, part.coordinates, moving, _line(moving, len(part.coordinates))))
        elif part.function is not None:
            rest_slide = rest_slide + part.axis * _still(part.function, len(part.coordinates))
    return JointProblem(
        kind=joint.kind,
        steps=tuple(joint_steps(local)),
        expected=Expected(
            np.array([each.default for each in coordinates]),
            np.array([min(each.range) for each in coordinates]),
            np.array([max(each.range) for each in coordinates]),
        ),
        turns=tuple(turns),
        slides=tuple(slides),
        rest_turn=rest_turn,
        rest_slide=rest_slide,
    )


def _orthogonal(axes: Sequence[Axis]) -> bool:
    directions = np.array([axis.direction for axis in axes])
    return bool(np.abs(directions @ directions.T - np.eye(3)).max() < 1e-12)


def _moving(function: Function | None, coordinates: tuple[int, ...]) -> Function | None:
    """The function, if coordinates change it; None where it is constant."""
    inner = function
    while isinstance(inner, Multiplier):
        inner = inner.function
    if function is None or not coordinates or isinstance(inner, Constant):
        return None
    if isinstance(inner, Linear) and not any(inner.coefficients[:-1]):
        return None
    return function


def _still(function: Function, arguments: int) -> Array:
    """The value [1] of a function that does not move."""
    return function.evaluate(np.zeros((max(arguments, 1), 1)))


def _line(function: Function, arguments: int) -> tuple[float, float] | None:
    """Slope and offset of a linear function of one argument."""
    scale = 1.0
    while isinstance(function, Multiplier):
        scale, function = scale * function.scale, function.function
    if arguments != 1 or not isinstance(function, Linear):
        return None
    return scale * function.coefficients[0], scale * function.coefficients[1]
