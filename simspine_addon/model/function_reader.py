"""From the XML of an OpenSim function to something that can be evaluated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from . import splines
from .functions import (
    Constant,
    Function,
    Linear,
    Multiplier,
    MultivariatePolynomial,
    Polynomial,
    Sine,
    Step,
)
from .scalars import Scalars, describe
from .xml_tree import Node

Array = NDArray[np.float64]


def read_function(node: Node, scalars: Scalars) -> Function:
    """The function that a node such as `<SimmSpline>` describes.

    Raises:
        InputError: the type is unknown or cannot be evaluated here, or its numbers do not fit together.
    """
    reader = _READERS.get(node.tag)
    if reader is None:
        known = ", ".join(sorted(set(_READERS)))
        raise scalars.error(
            f"{describe(node)} is a function that SimSpine does not know", node, hint=f"it knows {known}"
        )
    return reader(node, scalars)


def function_inside(node: Node, scalars: Scalars, *tags: str) -> Function | None:
    """The function held by the first of `tags` under `node`, itself a function or a wrapper around one."""
    holder = node.child(*tags)
    if holder is None or not holder.children:
        return None
    return read_function(holder.children[0], scalars)


def direct_function(node: Node, scalars: Scalars) -> Function | None:
    """The function under `node`: `<function><Linear/></function>` of older documents or `<Linear name="function">`."""
    wrapped = function_inside(node, scalars, "function")
    if wrapped is not None:
        return wrapped
    for child in node.children:
        if child.tag in _READERS or child.attributes.get("name") == "function":
            return read_function(child, scalars)
    return None


def _constant(node: Node, scalars: Scalars) -> Function:
    return Constant(scalars.number(node, "value", 0.0))


def _linear(node: Node, scalars: Scalars) -> Function:
    coefficients = scalars.numbers(node, "coefficients")
    return Linear((1.0, 0.0) if coefficients is None else tuple(coefficients.tolist()))


def _polynomial(node: Node, scalars: Scalars) -> Function:
    coefficients = scalars.numbers(node, "coefficients")
    return Polynomial((1.0,) if coefficients is None else tuple(coefficients.tolist()))


def _multivariate_polynomial(node: Node, scalars: Scalars) -> Function:
    dimension = int(scalars.number(node, "dimension", 0))
    order = int(scalars.number(node, "order", 0))
    if not 1 <= dimension <= 6 or not 0 <= order <= 20:
        raise scalars.error(f"{describe(node)} has dimension {dimension} and order {order}", node)
    # OpenSim counts the powers like digits of a number whose last digit, the last argument's power, runs fastest.
    grid = np.indices((order + 1,) * dimension).reshape(dimension, -1).T
    powers = grid[grid.sum(axis=1) <= order]
    coefficients = scalars.numbers(node, "coefficients")
    given = 0 if coefficients is None else len(coefficients)
    if coefficients is None or given != len(powers):
        raise scalars.error(f"{describe(node)} has {given} coefficients where {len(powers)} belong", node)
    return MultivariatePolynomial(coefficients, powers)


def _sine(node: Node, scalars: Scalars) -> Function:
    return Sine(
        scalars.number(node, "amplitude", 1.0),
        scalars.number(node, "omega", 1.0),
        scalars.number(node, "phase", 0.0),
        scalars.number(node, "offset", 0.0),
    )


def _step(node: Node, scalars: Scalars) -> Function:
    start = scalars.number(node, "transition_start_time", 0.99)
    end = scalars.number(node, "transition_end_time", 1.01)
    if end <= start:
        raise scalars.error(f"{describe(node)} ends its transition at {end}, before it starts at {start}", node)
    return Step(start, end, scalars.number(node, "start_value", 0.0), scalars.number(node, "end_value", 1.0))


def _points(node: Node, scalars: Scalars, least: int) -> tuple[Array, Array]:
    x, y = scalars.numbers(node, "x"), scalars.numbers(node, "y")
    counts = (0 if x is None else len(x), 0 if y is None else len(y))
    if x is None or y is None or counts[0] != counts[1]:
        raise scalars.error(f"{describe(node)} has {counts[0]} x values and {counts[1]} y values", node)
    if len(x) < least:
        raise scalars.error(f"{describe(node)} has {len(x)} points where at least {least} are needed", node)
    if np.any(np.diff(x) <= 0):
        where = int(np.argmax(np.diff(x) <= 0))
        raise scalars.error(f"the x values of {describe(node)} do not increase after {x[where]:g}", node)
    return x, y


def _simm_spline(node: Node, scalars: Scalars) -> Function:
    return splines.simm_spline(*_points(node, scalars, 2))


def _piecewise_linear(node: Node, scalars: Scalars) -> Function:
    return splines.piecewise_linear(*_points(node, scalars, 2))


def _piecewise_constant(node: Node, scalars: Scalars) -> Function:
    return splines.piecewise_constant(*_points(node, scalars, 1))


def _gcv_spline(node: Node, scalars: Scalars) -> Function:
    half_order = int(scalars.number(node, "half_order", 3))
    if half_order not in (1, 2, 3, 4):
        raise scalars.error(f"{describe(node)} has half_order {half_order}; it must be 1, 2, 3 or 4", node)
    if scalars.number(node, "error_variance", 0.0) != 0.0:
        raise scalars.error(
            f"{describe(node)} smooths its data (error_variance is not 0), which cannot be reproduced exactly",
            node,
            hint="set error_variance to 0 or replace it by a SimmSpline",
        )
    return splines.natural_spline(*_points(node, scalars, 2 * half_order), half_order)


def _multiplier(node: Node, scalars: Scalars) -> Function:
    inner = direct_function(node, scalars)
    if inner is None:
        raise scalars.error(f"{describe(node)} multiplies no function", node)
    return Multiplier(inner, scalars.number(node, "scale", 1.0))


_READERS: dict[str, Callable[[Node, Scalars], Function]] = {
    "Constant": _constant,
    "LinearFunction": _linear,
    "PolynomialFunction": _polynomial,
    "MultivariatePolynomialFunction": _multivariate_polynomial,
    "Sine": _sine,
    "StepFunction": _step,
    "SimmSpline": _simm_spline,
    "NaturalCubicSpline": _simm_spline,  # the names that SimmSpline had in older documents
    "NatCubicSpline": _simm_spline,
    "natCubicSpline": _simm_spline,
    "PiecewiseLinearFunction": _piecewise_linear,
    "PiecewiseConstantFunction": _piecewise_constant,
    "GCVSpline": _gcv_spline,
    "MultiplierFunction": _multiplier,
}
