"""A joint's coordinates from where its child frame stands in its parent frame: the inverse of its forward kinematics.

The rotation is taken apart into angles about the joint's axes; coordinates that drive an axis linearly follow from its
angle or displacement. What is left (splines alone, several axes by one coordinate, an ellipsoid with winging) starts
from a table of the functions and is refined by least squares.

Frames are the last axis here: rotations [3, 3, T], positions [3, T] m, coordinates [n, T].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..model.functions import Constant, Function, Linear, Multiplier
from ..model.types import Joint, Model
from .axis_angles import (
    FULL_TURN,
    Expected,
    angles_between,
    continuous_choice,
    one_axis_angle,
    rotations_about,
    three_axis_angles,
    three_axis_path,
    two_axis_angles,
    unwrapped,
)
from .joint_fit import fit_joint, joint_poses
from .program import Fixed, Rotate, Step, _joint_steps

Array = NDArray[np.float64]
# Closed forms leave rounding alone (some 1e-15); a frame that is further off (rad, m) is refined.
_EXACT = 1e-10
_TABLE = 513  # values of a coordinate that are tried where no axis gives it at once
_MARGIN = 0.2  # by which the table exceeds the coordinate's range, of its width
_WIDEST = FULL_TURN  # rad or m on either side of the default: files give -99999.9 to 99999.9 for "any"
_WINGING_TABLE = 24
_BLOCK = 4096  # frames at a time, where a table is tried on each of them


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
        steps=tuple(_joint_steps(local)),
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


def invert_joint(problem: JointProblem, rotations: Array, positions: Array) -> tuple[Array, Array, Array]:
    """Coordinates of a joint over time.

    Args:
        problem: from `joint_problem`.
        rotations, positions: the child frame in the parent frame, [3, 3, T] and [3, T] m.

    Returns:
        coordinates [n, T] (rad, m), and what the joint cannot follow: distances [3, T] m and angles [T] rad between
        the frames it reaches and those given.
    """
    if problem.kind == "ScapulothoracicJoint":
        q = _scapulothoracic(problem, rotations, positions)
    else:
        q = _by_axes(problem, rotations, positions)
    reached = joint_poses(problem.steps, q)
    if problem.count and not problem.is_closed:
        angle, apart = _residuals(reached, rotations, positions)
        off = np.flatnonzero((angle > _EXACT) | (np.linalg.norm(apart, axis=0) > _EXACT))
        if len(off):
            q[:, off] = fit_joint(problem.steps, q[:, off], rotations[:, :, off], positions[:, off])
            reached = joint_poses(problem.steps, q)
    angle, apart = _residuals(reached, rotations, positions)
    return q, apart, angle


def _residuals(reached: tuple[Array, Array], rotations: Array, positions: Array) -> tuple[Array, Array]:
    return angles_between(reached[0], rotations), positions - reached[1]


def _by_axes(problem: JointProblem, rotations: Array, positions: Array) -> Array:
    q = np.repeat(problem.expected.default[:, None], rotations.shape[2], axis=1)
    known: set[int] = set()
    angles = _turn_angles(problem, rotations)
    _read_lines(problem.turns, angles, problem.expected, q, known, wraps=True)
    shifts = _displacements(problem, positions, q, known)
    moved = [axis for axis in problem.slides if not set(axis.coordinates) <= known]
    _read_lines(moved, shifts, problem.expected, q, known, wraps=False)
    for coordinate in range(problem.count):
        if coordinate not in known:
            q[coordinate] = _from_table(problem, coordinate, angles, moved, shifts)
    return q


def _turn_angles(problem: JointProblem, rotations: Array) -> Array:
    """The angles [N, T] of the axes that turn."""
    axes = np.array([axis.direction for axis in problem.turns]).reshape(-1, 3)
    rotations = np.einsum("ijt,kj->ikt", rotations, problem.rest_turn)
    if len(axes) == 0:
        return np.zeros((0, rotations.shape[2]))
    if len(axes) == 1:
        return one_axis_angle(rotations, axes[0])[None]
    if len(axes) == 2:
        return two_axis_angles(rotations, axes[0], axes[1])
    if problem.turns_freely:
        return three_axis_path(rotations, axes, _expected_angles(problem))
    return _consistent(problem, three_axis_angles(rotations, axes)[0])


def _expected_angles(problem: JointProblem) -> Expected:
    """What the coordinates' defaults and ranges mean for the angles of their axes."""
    places = [axis.coordinates[0] for axis in problem.turns]
    slope, offset = np.array([axis.line for axis in problem.turns]).T
    ends = np.stack([problem.expected.low[places], problem.expected.high[places]]) * slope + offset
    return Expected(problem.expected.default[places] * slope + offset, ends.min(axis=0), ends.max(axis=0))


def _consistent(problem: JointProblem, solutions: Array) -> Array:
    """Of two solutions [2, 3, T], frame by frame the one whose angles one set of coordinates explains better."""
    misfit = np.zeros((2, solutions.shape[2]))
    for index, angles in enumerate(solutions):
        q = np.repeat(problem.expected.default[:, None], angles.shape[1], axis=1)
        known: set[int] = set()
        _read_lines(problem.turns, angles, problem.expected, q, known, wraps=True)
        for axis, angle in zip(problem.turns, angles, strict=True):
            if set(axis.coordinates) <= known:
                misfit[index] += np.sin(0.5 * (axis.values(q) - angle)) ** 2
    choice = np.argmin(misfit, axis=0)
    return np.take_along_axis(solutions, choice[None, None, :], axis=0)[0]


def _read_lines(
    axes: Sequence[Axis], values: Array, expected: Expected, q: Array, known: set[int], *, wraps: bool
) -> None:
    """Set in `q` the coordinates that `axes` with `values` [N, T] give at once, and add them to `known`."""
    for axis, value in zip(axes, values, strict=True):
        coordinate = axis.single
        if axis.line is None or coordinate is None or coordinate in known:
            continue
        slope, offset = axis.line
        if wraps:
            ends = sorted((expected.low[coordinate] * slope + offset, expected.high[coordinate] * slope + offset))
            likely = np.array([[expected.default[coordinate] * slope + offset], [ends[0]], [ends[1]]])
            value = unwrapped(value[None], Expected(*likely))[0]
        q[coordinate] = (value - offset) / slope
        known.add(coordinate)


def _displacements(problem: JointProblem, positions: Array, q: Array, known: set[int]) -> Array:
    """Displacements [N, T] along the axes that coordinates not yet `known` move, the others taken off first."""
    rest = positions - problem.rest_slide[:, None]
    unknown = []
    for axis in problem.slides:
        if set(axis.coordinates) <= known:
            rest = rest - axis.direction[:, None] * axis.values(q)
        else:
            unknown.append(axis.direction)
    return np.linalg.pinv(np.array(unknown).T) @ rest if unknown else np.zeros((0, positions.shape[1]))


def _from_table(
    problem: JointProblem, coordinate: int, angles: Array, slides: Sequence[Axis], shifts: Array
) -> Array:
    """The value [T] of a coordinate, of many in its range, whose axes come nearest to where they stand."""
    default = problem.expected.default[coordinate]
    low = max(problem.expected.low[coordinate], default - _WIDEST)
    high = min(problem.expected.high[coordinate], default + _WIDEST)
    margin = _MARGIN * (high - low)
    table = np.linspace(low - margin, high + margin, _TABLE)
    # Where the functions do not tell values apart, the one nearest to the default.
    tie = 1e-12 * (table - default) ** 2
    found = np.empty(angles.shape[1])
    for start in range(0, len(found), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(found)))
        cost = np.repeat(tie[None], block.stop - start, axis=0)
        for axis, angle in zip(problem.turns, angles, strict=True):
            if axis.single == coordinate:
                apart = axis.function.evaluate(table[None]) - angle[block, None]
                cost += (apart - FULL_TURN * np.round(apart / FULL_TURN)) ** 2
        for axis, shift in zip(slides, shifts, strict=True):
            if axis.single == coordinate:
                cost += (axis.function.evaluate(table[None]) - shift[block, None]) ** 2
        found[block] = table[np.argmin(cost, axis=1)]
    return found


def _scapulothoracic(problem: JointProblem, rotations: Array, positions: Array) -> Array:
    """Four coordinates of the scapula: for each of some winging angles the rotation gives the other three.

    The one whose place on the ellipsoid fits best is where the least squares begin.
    """
    frames = rotations.shape[2]
    q = np.empty((4, frames))
    for start in range(0, frames, _BLOCK):
        block = slice(start, min(start + _BLOCK, frames))
        q[:, block] = _scapula_start(problem, rotations[:, :, block], positions[:, block])
    q = fit_joint(problem.steps, q, rotations, positions)
    # The three turns have a second solution at the same place: the surface point depends on the normal alone.
    twin = np.stack([q[0] + np.pi, np.pi - q[1], q[2] + np.pi])
    three = Expected(problem.expected.default[:3], problem.expected.low[:3], problem.expected.high[:3])
    solutions = np.stack([q[:3], twin])
    choice = continuous_choice(solutions, rotations, three)
    q[:3] = np.take_along_axis(solutions, choice[None, None, :], axis=0)[0]
    return unwrapped(q, problem.expected)


def _scapula_start(problem: JointProblem, rotations: Array, positions: Array) -> Array:
    quarter, winging = problem.steps[0], problem.steps[6]
    assert isinstance(quarter, Fixed)
    assert quarter.rotation is not None
    assert isinstance(winging, Rotate)
    candidates = []
    for angle in np.linspace(-np.pi, np.pi, _WINGING_TABLE, endpoint=False):
        back = rotations_about(winging.axis, np.array([-angle]))[:, :, 0] @ quarter.rotation
        turned = np.einsum("ji,jkt,kl->ilt", quarter.rotation, rotations, back, optimize=True)
        first = three_axis_angles(turned, np.eye(3))[0][0]
        candidates.append(np.concatenate([first, np.full((1, rotations.shape[2]), angle)]))
    distances = [np.sum((joint_poses(problem.steps, each)[1] - positions) ** 2, axis=0) for each in candidates]
    best = np.argmin(distances, axis=0)
    return np.take_along_axis(np.array(candidates), best[None, None, :], axis=0)[0]


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
