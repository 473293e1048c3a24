"""Functions of coordinates, evaluated as OpenSim evaluates them, outside their knots too, for all frames at once.

Every function takes arguments `x [n, T]` and gives `[T]`; `derivative(x, i)` is the partial derivative by
argument `i`. Behaviour at and beyond the knots was measured against opensim 4.6 and is held by tests against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Function(Protocol):
    """A scalar function of one or more coordinates."""

    def evaluate(self, x: Array) -> Array:
        """Values [T] at the arguments `x` [n, T]."""
        ...

    def derivative(self, x: Array, argument: int = 0) -> Array:
        """Partial derivative [T] by one argument at `x` [n, T]."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """f(x) = value."""

    value: float

    def evaluate(self, x: Array) -> Array:
        return np.full(x.shape[-1], self.value)

    def derivative(self, x: Array, argument: int = 0) -> Array:
        return np.zeros(x.shape[-1])


@dataclass(frozen=True, slots=True)
class Linear:
    """f(x) = coefficients[0] x0 + ... + coefficients[n-1] x(n-1) + coefficients[n]."""

    coefficients: tuple[float, ...]

    def evaluate(self, x: Array) -> Array:
        slopes = self.coefficients[:-1]
        total = slopes[0] * x[0] + self.coefficients[-1] if slopes else np.full(x.shape[-1], self.coefficients[-1])
        for slope, argument in zip(slopes[1:], x[1:], strict=True):
            total = total + slope * argument
        return total

    def derivative(self, x: Array, argument: int = 0) -> Array:
        return np.full(x.shape[-1], self.coefficients[argument])


@dataclass(frozen=True, slots=True)
class Polynomial:
    """f(x) = c0 x^n + c1 x^(n-1) + ... + cn: the highest power stands first."""

    coefficients: tuple[float, ...]

    def evaluate(self, x: Array) -> Array:
        return np.polyval(np.array(self.coefficients), x[0])

    def derivative(self, x: Array, argument: int = 0) -> Array:
        return np.polyval(np.polyder(np.array(self.coefficients)), x[0])


@dataclass(frozen=True, slots=True)
class MultivariatePolynomial:
    """A polynomial of up to six arguments: one coefficient per row of `powers` [terms, n]."""

    coefficients: Array  # [terms]
    powers: NDArray[np.int64]  # [terms, n]

    def evaluate(self, x: Array) -> Array:
        return self._sum(x, self.coefficients, self.powers)

    def derivative(self, x: Array, argument: int = 0) -> Array:
        lowered = self.powers.copy()
        lowered[:, argument] = np.maximum(lowered[:, argument] - 1, 0)
        return self._sum(x, self.coefficients * self.powers[:, argument], lowered)

    @staticmethod
    def _sum(x: Array, coefficients: Array, powers: NDArray[np.int64]) -> Array:
        terms = np.prod(x[None, :, :] ** powers[:, :, None], axis=1)  # [terms, T]
        return coefficients @ terms


@dataclass(frozen=True, slots=True)
class Sine:
    """f(x) = amplitude sin(omega x + phase) + offset."""

    amplitude: float
    omega: float
    phase: float
    offset: float

    def evaluate(self, x: Array) -> Array:
        return self.amplitude * np.sin(self.omega * x[0] + self.phase) + self.offset

    def derivative(self, x: Array, argument: int = 0) -> Array:
        return self.amplitude * self.omega * np.cos(self.omega * x[0] + self.phase)


@dataclass(frozen=True, slots=True)
class Step:
    """A fifth-order smooth step, y = s^3 (10 - 15 s + 6 s^2), from `start_value` at `start` to `end_value` at `end`."""

    start: float
    end: float
    start_value: float
    end_value: float

    def _fraction(self, x: Array) -> Array:
        return np.clip((x[0] - self.start) / (self.end - self.start), 0.0, 1.0)

    def evaluate(self, x: Array) -> Array:
        s = self._fraction(x)
        return self.start_value + (self.end_value - self.start_value) * s**3 * (10 - 15 * s + 6 * s * s)

    def derivative(self, x: Array, argument: int = 0) -> Array:
        s = self._fraction(x)
        return (self.end_value - self.start_value) * 30 * (s * (1 - s)) ** 2 / (self.end - self.start)


@dataclass(frozen=True, slots=True)
class PiecewisePolynomial:
    """Polynomials between knots, and two more beyond the ends.

    Piece 0 lies below `knots[0]`, piece i between `knots[i-1]` and `knots[i]`, the last above `knots[-1]`; each
    is `sum_k coefficients[piece, k] (x - origins[piece])^k`.
    """

    knots: Array  # [n]
    origins: Array  # [n + 1]
    coefficients: Array  # [n + 1, degree + 1], lowest power first

    def evaluate(self, x: Array) -> Array:
        return self._horner(x[0], self.coefficients)

    def derivative(self, x: Array, argument: int = 0) -> Array:
        degree = self.coefficients.shape[1] - 1
        if degree == 0:
            return np.zeros(x.shape[-1])
        return self._horner(x[0], self.coefficients[:, 1:] * np.arange(1, degree + 1))

    def _horner(self, x: Array, coefficients: Array) -> Array:
        piece = np.searchsorted(self.knots, x, side="right")
        local = x - self.origins[piece]
        value = coefficients[piece, -1]
        for power in range(coefficients.shape[1] - 2, -1, -1):
            value = value * local + coefficients[piece, power]
        return value


@dataclass(frozen=True, slots=True)
class PiecewiseConstant:
    """y[i] from x[i] on; exactly at a knot, the side that OpenSim's bisection happens to take (`at_knot`)."""

    knots: Array  # [n]
    values: Array  # [n]
    at_knot: Array  # [n]

    def evaluate(self, x: Array) -> Array:
        above = np.clip(np.searchsorted(self.knots, x[0], side="right") - 1, 0, len(self.knots) - 1)
        on_knot = self.knots[above] == x[0]
        return np.where(on_knot, self.at_knot[above], self.values[above])

    def derivative(self, x: Array, argument: int = 0) -> Array:
        return np.zeros(x.shape[-1])


@dataclass(frozen=True, slots=True)
class Multiplier:
    """f(x) = scale * function(x); OpenSim's scaling tool wraps translations in these."""

    function: Function
    scale: float

    def evaluate(self, x: Array) -> Array:
        return self.scale * self.function.evaluate(x)

    def derivative(self, x: Array, argument: int = 0) -> Array:
        return self.scale * self.function.derivative(x, argument)
