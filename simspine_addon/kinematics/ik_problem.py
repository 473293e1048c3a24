"""The least squares of inverse kinematics: cost, gradient and normal matrix of many frames at once.

The cost of a frame is OpenSim's (twice its objective): sum_m w_m |e_m|^2 / sum_m w_m over the markers that are seen,
plus sum_k w_k (q_k - q0_k)^2 for weighted coordinates, plus w (q_i - c_i(q_0))^2 for each coupler made soft.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..model.types import GROUND, Coupler, Model
from .ik_coordinates import FreeCoordinates, Limits
from .jacobian import MarkerChains, marker_chains, marker_jacobian

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CoordinatePrior:
    """`weight * (q - target)^2` for one coordinate."""

    coordinate: int
    target: float
    weight: float


@dataclass(frozen=True, slots=True)
class CouplerPrior:
    """`weight * (q_dependent - scale * function(q_independents))^2`: a coupler that may give way."""

    coupler: Coupler
    weight: float


@dataclass(frozen=True, slots=True)
class IkProblem:
    """Markers to follow and how much each counts.

    Fields:
        coordinates: what may move.
        markers: [M] indices of the model's markers.
        targets: [T, M, 3] m; zero where unseen.
        weights: [T, M], each frame's sum is 1; zero where unseen.
        skeleton: the model with the M markers and the bodies that carry or hold them alone, compiled.
        limits: ranges that cost something to leave; None where limits are bounds (those of `coordinates`).
    """

    coordinates: FreeCoordinates
    markers: tuple[int, ...]
    targets: Array
    weights: Array
    skeleton: MarkerChains
    coordinate_priors: tuple[CoordinatePrior, ...] = ()
    coupler_priors: tuple[CouplerPrior, ...] = ()
    limits: Limits | None = None

    @property
    def frames(self) -> int:
        return len(self.targets)

    def evaluate(self, free: Array, frames: NDArray[np.int64]) -> Evaluation:
        """Cost [N], gradient [N, F] (half) and normal matrix [N, F, F] at `free` [N, F] for the frames named."""
        residuals, rows = self._rows(free, frames)
        rows = np.ascontiguousarray(rows.reshape(-1, rows.shape[2]).T).reshape(len(free), free.shape[1], -1)
        gradient = np.matmul(rows, residuals[:, :, None])[:, :, 0]
        return Evaluation(np.einsum("tr,tr->t", residuals, residuals), gradient, rows @ rows.transpose(0, 2, 1))

    def marker_errors(self, free: Array) -> Array:
        """Distances [T, M] in m between the model's markers and the targets; NaN where unseen."""
        from .forward import body_frames, points_on_bodies  # only here: the fit itself needs no frames

        model = self.coordinates.model
        positions, rotations = body_frames(model, self.coordinates.values(free))
        chosen = [model.markers[index] for index in self.markers]
        bodies = np.array([marker.body for marker in chosen], dtype=np.int64)
        places = np.array([marker.location for marker in chosen])
        reached = points_on_bodies(positions, rotations, bodies, places)
        return np.where(self.weights > 0, np.linalg.norm(reached - self.targets, axis=2), np.nan)

    def _rows(self, free: Array, frames: NDArray[np.int64]) -> tuple[Array, Array]:
        """Weighted residuals [N, R] and their derivatives by the free coordinates [F, R, N]."""
        values = self.coordinates.values(free)
        points, jacobian = marker_jacobian(self.skeleton, values)
        count, seen = len(free), 3 * len(self.markers)
        priors = len(self.coordinate_priors) + len(self.coupler_priors)
        priors += 0 if self.limits is None else len(self.limits.coordinates)
        roots = np.repeat(np.sqrt(self.weights[frames]), 3, axis=1)
        residuals = np.zeros((count, seen + priors))
        residuals[:, :seen] = roots * (points - self.targets[frames]).reshape(count, seen)
        derivatives = np.zeros((values.shape[1], seen + priors, count))
        # The Jacobian lies in memory with its frames last, so this is one pass.
        by_coordinate = jacobian.transpose(3, 1, 2, 0).reshape(values.shape[1], seen, count)
        np.multiply(by_coordinate, roots.T, out=derivatives[:, :seen])
        self._prior_rows(values, residuals[:, seen:], derivatives[:, seen:])
        return residuals, self.coordinates.reduce(derivatives, values)

    def _prior_rows(self, values: Array, residuals: Array, derivatives: Array) -> None:
        row = 0
        for prior in self.coordinate_priors:
            root = np.sqrt(prior.weight)
            residuals[:, row] = root * (values[:, prior.coordinate] - prior.target)
            derivatives[prior.coordinate, row] = root
            row += 1
        for soft in self.coupler_priors:
            root, coupler = np.sqrt(soft.weight), soft.coupler
            arguments = values[:, list(coupler.independents)].T
            coupled = coupler.scale * coupler.function.evaluate(arguments)
            residuals[:, row] = root * (values[:, coupler.dependent] - coupled)
            derivatives[coupler.dependent, row] = root
            for place, independent in enumerate(coupler.independents):
                slope = coupler.scale * coupler.function.derivative(arguments, place)
                derivatives[independent, row] -= root * slope
            row += 1
        if self.limits is not None:
            limited = self.limits.coordinates
            root, value = np.sqrt(self.limits.weight), values[:, limited]
            beyond = value - np.clip(value, self.limits.low, self.limits.high)
            residuals[:, row:] = root * beyond
            derivatives[limited, np.arange(row, row + len(limited))] = root * (beyond != 0).T


def marker_skeleton(model: Model, markers: tuple[int, ...]) -> MarkerChains:
    """`model` with these markers alone, in this order, and only the bodies between them and ground, compiled."""
    wanted: set[int] = set()
    for index in markers:
        body = model.markers[index].body
        while body != GROUND and body not in wanted:
            wanted.add(body)
            body = model.joints[body].parent
    kept = sorted(wanted)
    place = {GROUND: GROUND, **{body: number for number, body in enumerate(kept)}}
    reduced = replace(
        model,
        bodies=tuple(model.bodies[body] for body in kept),
        joints=tuple(
            replace(model.joints[body], parent=place[model.joints[body].parent], child=place[body]) for body in kept
        ),
        markers=tuple(replace(model.markers[i], body=place[model.markers[i].body]) for i in markers),
        geometry=(),
    )
    return marker_chains(reduced)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Cost [N], half its gradient [N, F], and the Gauss-Newton normal matrix [N, F, F] of N frames."""

    cost: Array
    gradient: Array
    normal: Array
