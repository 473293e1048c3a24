"""The coordinates that inverse kinematics may choose: those neither locked nor tied to others by a coupler.

With couplers eliminated, dq_dependent/dq_independent = scale * function'(q): the chain rule takes derivatives by all
coordinates to derivatives by the free ones, through chains of couplers too.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..model.couplers import apply_couplers, default_values
from ..model.functions import Linear
from ..model.types import GROUND, Coupler, Model

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Limits:
    """`weight * (q - end)^2` for whatever part of a coordinate lies beyond an end of its range."""

    coordinates: NDArray[np.int64]  # [L]
    low: Array  # [L]
    high: Array  # [L]
    weight: float


@dataclass(frozen=True, slots=True)
class FreeCoordinates:
    """The free coordinates `indices` [F] of a model, their limits [F], and the couplers that the others follow.

    `couplers` stand in the order in which they are applied; `rest` [C] holds the defaults, couplers satisfied.
    """

    model: Model
    indices: NDArray[np.int64]
    low: Array
    high: Array
    couplers: tuple[Coupler, ...]
    rest: Array

    def values(self, free: Array) -> Array:
        """All coordinates [T, C] from the free ones [T, F]."""
        values = np.repeat(self.rest[None], len(free), axis=0)
        values[:, self.indices] = free
        for coupler in self.couplers:
            arguments = values[:, list(coupler.independents)].T
            values[:, coupler.dependent] = coupler.scale * coupler.function.evaluate(arguments)
        return values

    def reduce(self, derivatives: Array, values: Array) -> Array:
        """Derivatives by the free coordinates [F, N, T] from those by all, [C, N, T], which are overwritten."""
        for coupler in reversed(self.couplers):
            arguments = values[:, list(coupler.independents)].T
            for place, independent in enumerate(coupler.independents):
                slope = coupler.scale * coupler.function.derivative(arguments, place)
                derivatives[independent] += slope * derivatives[coupler.dependent]
        return derivatives[self.indices]


def free_coordinates(model: Model, released: Collection[int] = ()) -> FreeCoordinates:
    """The free coordinates of `model`; couplers of the dependents in `released` are not applied.

    Limits are the ranges of clamped coordinates, as in OpenSim; a clamped dependent limits its independent where its
    coupler is a line. Locked and prescribed coordinates stay at their defaults.
    """
    kept = [c for c in model.couplers if c.enforced and c.dependent not in released]
    dependents = {coupler.dependent for coupler in kept}
    # `apply_couplers` gives the order, and refuses rings.
    rest, order = apply_couplers(model, default_values(model)[None], dependents)
    by_dependent = {coupler.dependent: coupler for coupler in kept}
    couplers = tuple(by_dependent[index] for index in order)
    low, high = np.full((2, len(model.coordinates)), np.inf)
    low[:] = -np.inf
    for index, coordinate in enumerate(model.coordinates):
        if coordinate.clamped:
            low[index], high[index] = min(coordinate.range), max(coordinate.range)
    for coupler in reversed(couplers):
        _limit_independent(coupler, low, high)
    free = [
        index
        for index, coordinate in enumerate(model.coordinates)
        if index not in dependents and not coordinate.locked and not coordinate.prescribed
    ]
    indices = np.array(free, dtype=np.int64)
    return FreeCoordinates(model, indices, low[indices], high[indices], couplers, rest[0])


def without_bounds(coordinates: FreeCoordinates, weight: float) -> tuple[FreeCoordinates, Limits]:
    """The same coordinates free to leave their ranges, and what it costs them to do so."""
    limited = np.isfinite(coordinates.low) | np.isfinite(coordinates.high)
    limits = Limits(coordinates.indices[limited], coordinates.low[limited], coordinates.high[limited], weight)
    unbounded = np.full(len(coordinates.indices), np.inf)
    return replace(coordinates, low=-unbounded, high=unbounded), limits


def series_couplers(model: Model) -> tuple[Coupler, ...]:
    """The enforced couplers that tie a joint to another one on the same chain of bodies, as those of the spine do.

    A patella or an abdomen hangs beside the chain of what drives it, and is not among them.
    """
    found = []
    for coupler in model.couplers:
        upper = model.coordinates[coupler.dependent].joint
        lower = [model.coordinates[i].joint for i in coupler.independents]
        if coupler.enforced and all(joint != upper and _is_beyond(model, upper, joint) for joint in lower):
            found.append(coupler)
    return tuple(found)


def _is_beyond(model: Model, body: int, ancestor: int) -> bool:
    while body not in (GROUND, ancestor):
        body = model.joints[body].parent
    return body == ancestor


def _limit_independent(coupler: Coupler, low: Array, high: Array) -> None:
    """Narrow the limits of a line's argument so that its value stays within its own."""
    if len(coupler.independents) != 1 or not isinstance(coupler.function, Linear):
        return
    slope, offset = (coupler.scale * each for each in coupler.function.coefficients)
    if slope == 0.0:
        return
    ends = sorted(((low[coupler.dependent] - offset) / slope, (high[coupler.dependent] - offset) / slope))
    index = coupler.independents[0]
    narrowed = max(low[index], ends[0]), min(high[index], ends[1])
    if narrowed[0] <= narrowed[1]:
        low[index], high[index] = narrowed
