"""Coordinate couplers: dependent coordinates from independent ones."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .types import Model

Array = NDArray[np.float64]


def apply_couplers(model: Model, values: Array, fill: Collection[int]) -> tuple[Array, list[int]]:
    """Fill the coordinates in `fill` that an enforced coupler determines, chains of couplers in their order.

    Args:
        model: the model.
        values: [T, C] in the model's order; never changed.
        fill: indices of the coordinates that may be overwritten.

    Returns:
        the filled copy, and the indices that were filled.

    Raises:
        InputError: couplers among the coordinates to fill depend on each other in a ring.
    """
    values = np.array(values, dtype=float)
    waiting = {c.dependent: c for c in model.couplers if c.enforced and c.dependent in fill}
    filled: list[int] = []
    while waiting:
        ready = [index for index, c in waiting.items() if not any(i in waiting for i in c.independents)]
        if not ready:
            names = ", ".join(f"'{coupler.name}'" for coupler in waiting.values())
            raise InputError(f"the couplers {names} depend on each other in a ring", path=model.path)
        for index in ready:
            coupler = waiting.pop(index)
            values[:, index] = coupler.scale * coupler.function.evaluate(values[:, list(coupler.independents)].T)
            filled.append(index)
    return values, filled


def default_values(model: Model) -> Array:
    """Default coordinate values [C], rad and m, with the couplers satisfied."""
    defaults = np.array([[coordinate.default for coordinate in model.coordinates]])
    return apply_couplers(model, defaults, range(len(model.coordinates)))[0][0]
