"""Where inverse kinematics begins: the trunk laid onto its markers frame by frame, the limbs at the default pose.

The markers of the default pose are registered rigidly to those seen (Kabsch 1976), each weighted by how little the
joints between it and the root can move it; the root joint's coordinates follow, continuous over the frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model.types import GROUND
from .forward import body_frames, points_on_bodies
from .ik_problem import IkProblem
from .jacobian import marker_jacobian
from .joint_inverse import invert_joint
from .joint_problem import joint_problem

Array = NDArray[np.float64]

LEAST_MARKERS = 3  # what a rigid body needs
_HEADINGS = (0.0, 0.5 * np.pi, np.pi, 1.5 * np.pi)
_NEAR_M = 0.05  # a marker that joints move by less than this counts in full
_WIDEST_TURN = 1.0  # rad: a range above it says "any"


def registered_starts(problem: IkProblem, headings: tuple[float, ...] = _HEADINGS[:1]) -> list[Array]:
    """Free coordinates [T, F] to begin with, one array per heading (rad about the vertical, added).

    Frames with too few markers take their neighbours' place.
    """
    rotations, centres, trunk = _registration(problem)
    return [_with_root(problem, _heading(angle) @ rotations, centres, trunk) for angle in headings]


def all_headings() -> tuple[float, ...]:
    """The four quarters that a start is tried in."""
    return _HEADINGS


def registration_error(problem: IkProblem) -> Array:
    """Trunk-weighted rms distance [T] in m after the registration of `registered_starts`; NaN with too few markers."""
    rotations, centres, trunk = _registration(problem)
    points, weights = _default_markers(problem)
    placed = np.einsum("tij,mj->tmi", rotations, points - trunk) + centres[:, None]
    counted = np.where(problem.weights > 0, weights, 0.0)
    squared = np.sum((placed - problem.targets) ** 2, axis=2)
    error = np.sqrt(np.sum(counted * squared, axis=1) / np.maximum(counted.sum(axis=1), 1e-300))
    return np.where(np.count_nonzero(counted, axis=1) >= LEAST_MARKERS, error, np.nan)


def _registration(problem: IkProblem) -> tuple[Array, Array, Array]:
    """Rotation [T, 3, 3] and place [T, 3] that lay the default pose's trunk point [3] onto each frame's markers."""
    points, trust = _default_markers(problem)
    weights = np.where(problem.weights > 0, trust, 0.0)
    usable = np.count_nonzero(weights, axis=1) >= LEAST_MARKERS
    total = np.maximum(weights.sum(axis=1), 1e-300)
    model_centre = (weights @ points) / total[:, None]
    seen_centre = np.einsum("tm,tmi->ti", weights, problem.targets) / total[:, None]
    covariance = np.einsum(
        "tm,tmi,tmj->tij", weights, problem.targets - seen_centre[:, None], points - model_centre[:, None]
    )
    left, _, right = np.linalg.svd(covariance)
    left[:, :, 2] *= np.sign(np.linalg.det(left @ right))[:, None]
    rotations = left @ right
    trunk = (trust @ points) / trust.sum()
    centres = seen_centre + np.einsum("tij,tj->ti", rotations, trunk - model_centre)
    nearest = nearest_frames(usable)
    return rotations[nearest], centres[nearest], trunk


def nearest_frames(usable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each frame the nearest one that is usable, [T]; itself where none is."""
    good = np.flatnonzero(usable)
    if not len(good):
        return np.arange(len(usable))
    frames = np.arange(len(usable))
    after = good[np.minimum(np.searchsorted(good, frames), len(good) - 1)]
    before = good[np.maximum(np.searchsorted(good, frames, side="right") - 1, 0)]
    return np.where(np.abs(frames - before) <= np.abs(after - frames), before, after)


def _default_markers(problem: IkProblem) -> tuple[Array, Array]:
    """Markers [M, 3] at the default pose, and how far each can be trusted to move with the root, [M]."""
    coordinates = problem.coordinates
    model = coordinates.model
    points, jacobian = marker_jacobian(model, coordinates.rest[None], problem.markers)
    by_all = jacobian.transpose(3, 1, 2, 0).reshape(len(model.coordinates), -1, 1).copy()
    reduced = coordinates.reduce(by_all, coordinates.rest[None]).reshape(len(coordinates.indices), -1, 3)
    spans = np.array([_span(problem, place) for place in range(len(coordinates.indices))])
    moved = np.sum((np.linalg.norm(reduced, axis=2) * spans[:, None]) ** 2, axis=0)
    return points[0], 1.0 / (_NEAR_M**2 + moved)


def root_places(problem: IkProblem) -> NDArray[np.int64]:
    """Places among the free coordinates of those that move a body against ground."""
    model = problem.coordinates.model
    on_ground = [model.joints[model.coordinates[i].joint].parent == GROUND for i in problem.coordinates.indices]
    return np.flatnonzero(on_ground)


def _span(problem: IkProblem, place: int) -> float:
    """How far a free coordinate usually strays (standard deviation of its range); 0 for the root's."""
    coordinate = problem.coordinates.model.coordinates[problem.coordinates.indices[place]]
    if problem.coordinates.model.joints[coordinate.joint].parent == GROUND:
        return 0.0
    return float(min(abs(coordinate.range[1] - coordinate.range[0]), _WIDEST_TURN) / np.sqrt(12.0))


def _heading(angle: float) -> Array:
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])


def _with_root(problem: IkProblem, rotations: Array, centres: Array, trunk: Array) -> Array:
    """Default pose with each joint to ground inverted so that its body stands as the registration has it."""
    coordinates = problem.coordinates
    model = coordinates.model
    values = np.repeat(coordinates.rest[None], len(rotations), axis=0)
    rest_positions, rest_rotations = body_frames(model, coordinates.rest[None])
    for body, joint in enumerate(model.joints):
        if joint.parent != GROUND or not joint.coordinates:
            continue
        turned = rotations @ rest_rotations[0, body]
        origin = centres + np.einsum("tij,j->ti", rotations, rest_positions[0, body] - trunk)
        frames = np.zeros((len(rotations), 4, 4))
        frames[:, :3, :3], frames[:, :3, 3], frames[:, 3, 3] = turned, origin, 1.0
        child = np.linalg.inv(joint.parent_offset) @ frames @ joint.child_offset
        if joint.reversed:
            child = np.linalg.inv(child)
        q, _, _ = invert_joint(
            joint_problem(model, joint),
            np.ascontiguousarray(child[:, :3, :3].transpose(1, 2, 0)),
            np.ascontiguousarray(child[:, :3, 3].T),
        )
        values[:, list(joint.coordinates)] = q.T
    return values[:, coordinates.indices]


def default_markers(problem: IkProblem) -> Array:
    """The problem's markers at the default pose, [M, 3] m."""
    model = problem.coordinates.model
    positions, rotations = body_frames(model, problem.coordinates.rest[None])
    chosen = [model.markers[index] for index in problem.markers]
    bodies = np.array([marker.body for marker in chosen], dtype=np.int64)
    return points_on_bodies(positions, rotations, bodies, np.array([marker.location for marker in chosen]))[0]
