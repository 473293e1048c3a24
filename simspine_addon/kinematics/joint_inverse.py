"""A joint's coordinates from where its child frame stands in its parent frame: the inverse of its forward kinematics.

The rotation is taken apart into angles about the joint's axes; coordinates that drive an axis linearly follow from its
angle or displacement. What is left (splines alone, several axes by one coordinate, an ellipsoid with winging) starts
from a table of the functions and is refined by least squares.

Frames are the last axis here: rotations [3, 3, T], positions [3, T] m, coordinates [n, T].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .axis_angles import (
    FULL_TURN,
    Expected,
    angles_between,
    continuous_choice,
    one_axis_angle,
    product,
    rotations_about,
    three_axis_angles,
    three_axis_path,
    two_axis_angles,
    unwrapped,
)
from .joint_fit import fit_cost, fit_joint, joint_poses
from .joint_problem import Axis, JointProblem
from .program import Fixed, Rotate

Array = NDArray[np.float64]
# Closed forms leave rounding alone (some 1e-15); a frame that is further off (rad, m) is refined.
_EXACT = 1e-10
_TABLE = 513  # values of a coordinate that are tried where no axis gives it at once
_MARGIN = 0.2  # by which the table exceeds the coordinate's range, of its width
_WIDEST = FULL_TURN  # rad or m on either side of the default: files give -99999.9 to 99999.9 for "any"
_WINGING_TABLES = (25, 9, 9, 9)  # each between its neighbours in the one before
_BLOCK = 4096  # frames at a time, where a table is tried on each of them
# Where a spline turns back (the patella's, near extension), two values give the same angle, and least squares may stop
# at the wrong one: frames that it leaves further off than this (rad, m) start again that far (rad) on either side.
_DOUBTFUL = 1e-6
_RESTARTS = (-0.05, -0.01, 0.01, 0.05)


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
        q, *others = (_scapulothoracic(problem, rotations, positions),)
    else:
        q, *others = _by_axes(problem, rotations, positions)
    reached = joint_poses(problem.steps, q)
    if problem.count and not problem.is_closed:
        angle, apart = _residuals(reached, rotations, positions)
        off = np.flatnonzero((angle > _EXACT) | (np.linalg.norm(apart, axis=0) > _EXACT))
        if len(off):
            starts = [start[:, off] for start in (q, *others)]
            q[:, off] = _refined(problem, starts, rotations[:, :, off], positions[:, off])
            reached = joint_poses(problem.steps, q)
    angle, apart = _residuals(reached, rotations, positions)
    return q, apart, angle


def _refined(problem: JointProblem, starts: Sequence[Array], rotations: Array, positions: Array) -> Array:
    """The nearest that the joint comes to the frames [n, T], by least squares from the first of `starts` on.

    From other places too on frames where that is not near.
    """
    q = fit_joint(problem.steps, starts[0], rotations, positions)
    cost = fit_cost(problem.steps, q, rotations, positions)
    bent = {i for axis in (*problem.turns, *problem.slides) if axis.line is None for i in axis.coordinates}
    straight = {axis.single for axis in (*problem.turns, *problem.slides) if axis.line is not None}
    others = list(starts[1:])
    for coordinate in sorted(bent - straight):
        for offset in _RESTARTS:
            others.append(starts[0].copy())
            others[-1][coordinate] = q[coordinate] + offset
    for other in others:
        doubtful = np.flatnonzero(cost > _DOUBTFUL**2)
        if not len(doubtful):
            break
        wanted = rotations[:, :, doubtful], positions[:, doubtful]
        found = fit_joint(problem.steps, other[:, doubtful], *wanted)
        found_cost = fit_cost(problem.steps, found, *wanted)
        # Not for a rounding's sake: where both are as near, the first stays.
        better = found_cost < 0.99 * cost[doubtful]
        q[:, doubtful[better]], cost[doubtful[better]] = found[:, better], found_cost[better]
    return q


def _residuals(reached: tuple[Array, Array], rotations: Array, positions: Array) -> tuple[Array, Array]:
    return angles_between(reached[0], rotations), positions - reached[1]


def _by_axes(problem: JointProblem, rotations: Array, positions: Array) -> tuple[Array, ...]:
    """Coordinates [n, T] as the axes give them one by one; and a second choice, where there are two solutions."""
    solutions = _turn_angles(problem, rotations)
    starts = [_from_angles(problem, angles, positions) for angles in solutions]
    if len(starts) == 1:
        return (starts[0],)
    # Frame by frame the one that a single set of coordinates explains better; again as a whole, for its full turns.
    costs = [fit_cost(problem.steps, start, rotations, positions) for start in starts]
    choice = np.argmin(costs, axis=0)
    orders = (choice, 1 - choice)
    chosen = [np.take_along_axis(np.array(solutions), order[None, None, :], axis=0)[0] for order in orders]
    return tuple(_from_angles(problem, angles, positions) for angles in chosen)


def _from_angles(problem: JointProblem, angles: Array, positions: Array) -> Array:
    """Coordinates [n, T] of the `angles` [N, T] of the axes that turn, and of positions [3, T]."""
    q = np.repeat(problem.expected.default[:, None], angles.shape[1], axis=1)
    known: set[int] = set()
    _read_lines(problem.turns, angles, problem.expected, q, known, wraps=True)
    shifts = _displacements(problem, positions, q, known)
    moved = [axis for axis in problem.slides if not set(axis.coordinates) <= known]
    _read_lines(moved, shifts, problem.expected, q, known, wraps=False)
    for coordinate in sorted({i for axis in (*problem.turns, *problem.slides) for i in axis.coordinates} - known):
        q[coordinate] = _from_table(problem, coordinate, angles, moved, shifts)
    return q


def _turn_angles(problem: JointProblem, rotations: Array) -> tuple[Array, ...]:
    """The angles [N, T] of the axes that turn; both solutions where the frames before do not decide."""
    axes = np.array([axis.direction for axis in problem.turns]).reshape(-1, 3)
    rotations = np.einsum("ijt,kj->ikt", rotations, problem.rest_turn)
    if len(axes) == 0:
        return (np.zeros((0, rotations.shape[2])),)
    if len(axes) == 1:
        return (one_axis_angle(rotations, axes[0])[None],)
    if len(axes) == 2:
        return (two_axis_angles(rotations, axes[0], axes[1]),)
    if problem.turns_freely:
        return (three_axis_path(rotations, axes, _expected_angles(problem)),)
    return tuple(three_axis_angles(rotations, axes)[0])


def _expected_angles(problem: JointProblem) -> Expected:
    """What the coordinates' defaults and ranges mean for the angles of their axes."""
    places = [axis.coordinates[0] for axis in problem.turns]
    slope, offset = np.array([axis.line for axis in problem.turns]).T
    ends = np.stack([problem.expected.low[places], problem.expected.high[places]]) * slope + offset
    return Expected(problem.expected.default[places] * slope + offset, ends.min(axis=0), ends.max(axis=0))


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


def _from_table(problem: JointProblem, coordinate: int, angles: Array, slides: Sequence[Axis], shifts: Array) -> Array:
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
    angle, spacing = np.zeros(rotations.shape[2]), np.pi
    best = np.zeros((4, rotations.shape[2]))
    for count in _WINGING_TABLES:
        around = np.linspace(-spacing, spacing, count)
        candidates = [_scapula_turned(problem, rotations, angle + offset) for offset in around]
        distances = [np.sum((joint_poses(problem.steps, each)[1] - positions) ** 2, axis=0) for each in candidates]
        chosen = np.argmin(distances, axis=0)
        best = np.take_along_axis(np.array(candidates), chosen[None, None, :], axis=0)[0]
        angle, spacing = best[3], 2.0 * spacing / (count - 1)
    return best


def _scapula_turned(problem: JointProblem, rotations: Array, winging: Array) -> Array:
    """The coordinates [4, T] that give the rotations, whatever the place, with `winging` [T]."""
    quarter, wing = problem.steps[0], problem.steps[6]
    assert isinstance(quarter, Fixed)
    assert quarter.rotation is not None
    assert isinstance(wing, Rotate)
    back = np.einsum("ijt,jk->ikt", rotations_about(wing.axis, -winging), quarter.rotation)
    turned = np.einsum("ji,jkt->ikt", quarter.rotation, product(rotations, back))
    return np.concatenate([three_axis_angles(turned, np.eye(3))[0][0], winging[None]])
