"""Zero-phase low pass over time that respects gaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..model.errors import InputError

Array = NDArray[np.float64]


def low_pass(values: ArrayLike, rate: float, cutoff_hz: float, order: int = 4) -> Array:
    """Butterworth filter forwards and backwards along the first axis of [T, ...]; NaN stays NaN.

    Every stretch between two gaps is filtered alone, so that nothing leaks across a gap; on data without gaps it is
    `scipy.signal.filtfilt`. Run twice, the filter leaves half the amplitude at `cutoff_hz`. A stretch of one frame
    stays as it is, and one shorter than the filter's usual padding is padded by what it has.

    Raises:
        InputError: a cut-off that is not between 0 and half the rate, or an order below 1.
    """
    from scipy.signal import butter, filtfilt  # not at hand in Blender, which does not filter

    if not 0 < cutoff_hz < rate / 2:
        problem = f"the cut-off {cutoff_hz:g} Hz is not between 0 and {rate / 2:g} Hz, half the rate"
        raise InputError(problem, hint="choose one of 4 to 10 Hz for human motion")
    if order < 1:
        raise InputError(f"the filter's order {order} is below 1", hint="use 1 to 4")
    values = np.asarray(values, dtype=np.float64)
    numerator, denominator = (np.asarray(each) for each in butter(order, cutoff_hz, fs=rate))  # type: ignore[misc]
    usual = 3 * max(len(numerator), len(denominator))
    columns = values.reshape(len(values), -1)
    result = columns.copy()
    for chosen, begin, end in _stretches(np.isfinite(columns)):
        if end - begin > 1:
            padding = min(usual, end - begin - 1)
            block = columns[begin:end, chosen]
            result[begin:end, chosen] = filtfilt(numerator, denominator, block, axis=0, padlen=padding)
    return result.reshape(values.shape)


def _stretches(seen: NDArray[np.bool_]) -> list[tuple[NDArray[np.int64], int, int]]:
    """Columns that share their gaps, and each stretch [begin, end) of theirs without a gap."""
    patterns, which = np.unique(seen, axis=1, return_inverse=True)
    which = np.asarray(which).ravel()
    found = []
    for index in range(patterns.shape[1]):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], patterns[:, index].astype(int), [0]])))
        chosen = np.flatnonzero(which == index)
        found += [(chosen, int(begin), int(end)) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    return found
