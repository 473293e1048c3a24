"""How sure each coordinate of an inverse kinematics solution is: standard deviations from the normal matrix.

With residual variance s^2 per unit of weight and normal matrix N of the weighted problem, the covariance of the free
coordinates is s^2 N^-1; that of dependent ones follows by the chain rule.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .ik_problem import IkProblem
from .ik_solver import BLOCK

Array = NDArray[np.float64]

_RIDGE = 1e-12
_UNDETERMINED = np.pi  # rad or m: nobody needs to know it less well


def standard_deviations(problem: IkProblem, free: Array, usable: NDArray[np.bool_]) -> Array:
    """Standard deviation [T, C] in rad and m of every coordinate; inf where undetermined, NaN on unusable frames.

    The variance of markers is pooled over the frames: sum of weighted squared errors by degrees of freedom. Locked
    coordinates have 0. With smoothing these are those of the frame alone, hence upper bounds.
    """
    coordinates = problem.coordinates
    result = np.full((len(free), len(coordinates.rest)), np.nan)
    frames = np.flatnonzero(usable)
    variance = _unit_variance(problem, free, frames)
    for at in range(0, len(frames), BLOCK):
        part = frames[at : at + BLOCK]
        normal = problem.evaluate(free[part], part).normal
        diagonal = np.arange(normal.shape[1])
        normal[:, diagonal, diagonal] += _RIDGE
        covariance = np.linalg.inv(normal)
        chain = _chain(problem, free[part])
        squared = np.einsum("fct,tfg,gct->tc", chain, covariance, chain, optimize=True)
        result[part] = np.sqrt(variance * np.maximum(squared, 0.0))
        unknown = np.sqrt(np.maximum(squared, 0.0)) * 1e-3 > _UNDETERMINED  # even if markers were a millimetre off
        result[part] = np.where(unknown, np.inf, result[part])
    return result


def _unit_variance(problem: IkProblem, free: Array, frames: NDArray[np.int64]) -> float:
    """Variance [m^2] of a residual of unit weight, where a frame's weights sum to 1."""
    seen = problem.weights[frames] > 0
    errors = np.where(seen, problem.marker_errors(free)[frames], 0.0)
    squares = float(np.sum(problem.weights[frames] * errors**2))
    freedom = 3 * int(seen.sum()) - free.shape[1] * len(frames)
    return squares / max(freedom, len(frames))


def _chain(problem: IkProblem, free: Array) -> Array:
    """Derivatives of all coordinates by the free ones, [F, C, T]."""
    values = problem.coordinates.values(free)
    everything = np.repeat(np.eye(values.shape[1])[:, :, None], len(free), axis=2)
    return problem.coordinates.reduce(everything, values)
