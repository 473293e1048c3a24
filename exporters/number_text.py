"""Tables of numbers as text, a block at a time: what takes longest in writing a motion as BVH."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DECIMALS = 6
_THREE = np.frombuffer("".join(f"{number:03d}" for number in range(1000)).encode(), np.uint8).reshape(1000, 3)
_SCALE = 10**DECIMALS
_LARGEST = 999_999.0  # below it six digits do, and the product with 10^6 rounds by less than 10^-4
_MINUS, _POINT, _BLANK, _NEW_LINE = (ord(character) for character in "-. \n")
_BLOCK_VALUES = 1 << 18


def fixed_rows(values: Array) -> Iterator[bytes]:
    """The rows of `values` [T, C] as lines of numbers with six decimals, parted by single blanks, in blocks.

    The same text as "%.6f" gives, up to halves of the last digit and to "-0.000000", which loses its sign.
    """
    rows = max(1, _BLOCK_VALUES // max(1, values.shape[1]))
    for start in range(0, len(values), rows):
        yield _fixed_block(values[start : start + rows])


def _fixed_block(values: Array) -> bytes:
    if values.shape[1] == 0:
        return b"\n" * len(values)
    if not np.all(np.abs(values) < _LARGEST):
        line = " ".join(["%.6f"] * values.shape[1]) + "\n"
        return "".join([line % tuple(row) for row in values.tolist()]).encode()
    millionths = np.rint(values * _SCALE)
    size = np.abs(millionths).astype(np.int64)
    whole = (size // _SCALE).astype(np.uint32)
    fraction = (size - whole.astype(np.int64) * _SCALE).astype(np.uint32)
    groups = 1 if whole.max() < 1000 else 2
    return _characters(millionths < 0, whole, fraction, groups)


def _characters(
    negative: NDArray[np.bool_], whole: NDArray[np.uint32], fraction: NDArray[np.uint32], groups: int
) -> bytes:
    """All numbers in columns of one width, and then only those characters that are meant."""
    digits = 3 * groups
    width = 1 + digits + 1 + DECIMALS + 1
    text = np.empty((*whole.shape, width), np.uint8)
    meant = np.ones(text.shape, dtype=bool)
    text[..., 0], meant[..., 0] = _MINUS, negative
    rest = whole
    for group in reversed(range(groups)):
        higher = rest // 1000
        text[..., 1 + 3 * group : 4 + 3 * group] = _THREE[rest - higher * 1000]
        rest = higher
    for place in range(digits - 1):  # the last digit before the point always stands
        meant[..., 1 + place] = whole >= 10 ** (digits - 1 - place)
    text[..., 1 + digits] = _POINT
    upper = fraction // 1000
    text[..., 2 + digits : 5 + digits] = _THREE[upper]
    text[..., 5 + digits : 8 + digits] = _THREE[fraction - upper * 1000]
    text[..., width - 1] = _BLANK
    text[:, -1, width - 1] = _NEW_LINE
    return text[meant].tobytes()
