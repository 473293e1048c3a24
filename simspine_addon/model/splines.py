"""Splines through data points, turned into piecewise polynomials: SimmSpline, GCV (natural) splines, straight lines."""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import NDArray

from .functions import PiecewiseConstant, PiecewisePolynomial

Array = NDArray[np.float64]


def simm_spline(x: Array, y: Array) -> PiecewisePolynomial:
    """The cubic spline of SIMM and OpenSim, straight beyond its ends.

    Its end conditions are those of Forsythe, Malcolm and Moler, Computer Methods for Mathematical Computations
    (1977), section 4.4: the third derivative at each end is that of the cubic through the four nearest points.
    """
    count = len(x)
    step = np.diff(x)
    slope = np.diff(y) / step
    if count == 2:
        return _with_straight_ends(x, y, np.array([[y[0], slope[0]]]))
    # Unknown s_i = f''(x_i) / 6: h_{i-1} s_{i-1} + 2 (h_{i-1} + h_i) s_i + h_i s_{i+1} = slope_i - slope_{i-1}.
    system = np.zeros((count, count))
    right = np.zeros(count)
    for i in range(1, count - 1):
        system[i, i - 1 : i + 2] = step[i - 1], 2.0 * (step[i - 1] + step[i]), step[i]
        right[i] = slope[i] - slope[i - 1]
    system[0, :2] = -step[0], step[0]
    system[-1, -2:] = step[-1], -step[-1]
    if count > 3:
        right[0] = step[0] ** 2 * _third_divided_difference(x[:4], y[:4])
        right[-1] = -(step[-1] ** 2) * _third_divided_difference(x[-4:], y[-4:])
    sixth = np.linalg.solve(system, right)
    first = slope - step * (2.0 * sixth[:-1] + sixth[1:])
    pieces = np.stack([y[:-1], first, 3.0 * sixth[:-1], np.diff(sixth) / step], axis=1)
    return _with_straight_ends(x, y, pieces)


def _third_divided_difference(x: Array, y: Array) -> float:
    table = y.astype(float)
    for order in range(1, 4):
        table = np.diff(table) / (x[order:] - x[:-order])
    return float(table[0])


def piecewise_linear(x: Array, y: Array) -> PiecewisePolynomial:
    """Straight lines through the points; the first and last go on beyond the ends."""
    pieces = np.stack([y[:-1], np.diff(y) / np.diff(x)], axis=1)
    return _with_straight_ends(x, y, pieces)


def _with_straight_ends(x: Array, y: Array, pieces: Array) -> PiecewisePolynomial:
    """Add a straight piece with the end's slope on either side of `pieces` [n - 1, degree + 1]."""
    powers = np.arange(1, pieces.shape[1])
    last_slope = pieces[-1, 1:] * powers @ (x[-1] - x[-2]) ** (powers - 1.0)
    ends = np.zeros((2, pieces.shape[1]))
    ends[0, :2] = y[0], pieces[0, 1]
    ends[1, :2] = y[-1], last_slope
    return PiecewisePolynomial(
        knots=x.copy(),
        origins=np.concatenate([x[:1], x]),
        coefficients=np.concatenate([ends[:1], pieces, ends[1:]]),
    )


def natural_spline(x: Array, y: Array, half_order: int) -> PiecewisePolynomial:
    """The natural spline of degree 2m - 1 through the points, m = `half_order`; beyond the ends, of degree m - 1.

    It is the interpolant with the least integral of the squared m-th derivative (Schoenberg 1964), which is what
    Woltring's GCV spline becomes when the error variance is zero. The unknowns are the derivatives of order
    1 to m - 1 at the knots: between two knots the piece is the Hermite interpolant of degree 2m - 1.
    """
    count, m = len(x), half_order
    length = float(x[-1] - x[0]) / (count - 1)  # scale the abscissa, so that the derivatives are of one size
    step = np.diff(x) / length
    hermite = np.stack([_hermite_matrix(h, m) for h in step])  # [n - 1, 2m, 2m]
    energy = np.stack([_energy_matrix(h, m) for h in step])
    stiffness = hermite.transpose(0, 2, 1) @ energy @ hermite
    system = np.zeros((count * m, count * m))
    for i in range(count - 1):
        block = slice(i * m, (i + 2) * m)
        system[block, block] += stiffness[i]
    known = np.arange(count) * m
    free = np.setdiff1d(np.arange(count * m), known)
    knot_values = np.zeros(count * m)
    knot_values[known] = y
    if free.size:
        right = -system[np.ix_(free, known)] @ y
        knot_values[free] = np.linalg.solve(system[np.ix_(free, free)], right)
    derivatives = knot_values.reshape(count, m)
    pieces = np.einsum("nij,nj->ni", hermite, np.concatenate([derivatives[:-1], derivatives[1:]], axis=1))
    ends = np.zeros((2, 2 * m))
    orders = np.array([factorial(k) for k in range(m)])
    ends[:, :m] = derivatives[[0, -1]] / orders
    coefficients = np.concatenate([ends[:1], pieces, ends[1:]]) / length ** np.arange(2 * m)
    return PiecewisePolynomial(knots=x.copy(), origins=np.concatenate([x[:1], x]), coefficients=coefficients)


def _hermite_matrix(h: float, m: int) -> Array:
    """[2m, 2m]: derivatives 0..m-1 at 0 and at h -> polynomial coefficients, lowest power first."""
    rows = np.zeros((2 * m, 2 * m))
    for order in range(m):
        rows[order, order] = factorial(order)
        for power in range(order, 2 * m):
            rows[m + order, power] = factorial(power) / factorial(power - order) * h ** (power - order)
    return np.linalg.inv(rows)


def _energy_matrix(h: float, m: int) -> Array:
    """[2m, 2m]: the integral over [0, h] of the squared m-th derivative, as a form in the coefficients."""
    energy = np.zeros((2 * m, 2 * m))
    for a in range(m, 2 * m):
        for b in range(m, 2 * m):
            factor = factorial(a) / factorial(a - m) * factorial(b) / factorial(b - m)
            energy[a, b] = factor * h ** (a + b - 2 * m + 1) / (a + b - 2 * m + 1)
    return energy


def piecewise_constant(x: Array, y: Array) -> PiecewiseConstant:
    """y[i] between x[i] and x[i + 1], the first and last value beyond the ends."""
    at_knot = np.array([y[_bisect(x, knot)] for knot in x], dtype=float)
    at_knot[0], at_knot[-1] = y[0], y[-1]
    return PiecewiseConstant(knots=x.copy(), values=y.astype(float), at_knot=at_knot)


def _bisect(x: Array, value: float) -> int:
    """The interval that a bisection which accepts both of its ends finds first, as in OpenSim."""
    low, high = 0, len(x)
    while True:
        middle = (low + high) // 2
        if value < x[middle]:
            high = middle
        elif middle + 1 < len(x) and value > x[middle + 1]:
            low = middle
        else:
            return middle
