"""Masks of pixels as COCO keeps them: run lengths down the columns, packed into a string of printable characters.

The counts alternate between pixels outside and inside, column by column, beginning outside. From the fourth on, each
is written as its difference from the one two before it; then as groups of five bits, lowest first, a sixth bit saying
that more follow, each group plus 48 as a character (COCO API, maskApi, rleToString).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.model.errors import InputError

Counts = NDArray[np.int64]


def encode_mask(mask: NDArray[np.bool_]) -> str:
    """COCO's compressed run lengths of a mask [H, W]."""
    return pack_counts(run_lengths(mask))


def decode_mask(text: str, size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask [H, W] of compressed run lengths; `size` is (width, height).

    Raises:
        InputError: the runs do not fill an image of that size.
    """
    counts = unpack_counts(text)
    width, height = size
    if (counts < 0).any() or counts.sum() != width * height:
        raise InputError(
            f"a mask's runs cover {int(counts.sum())} pixels, not {width} x {height}", hint="write the labels anew"
        )
    inside = np.arange(len(counts)) % 2 == 1
    return np.repeat(inside, counts).reshape(width, height).T


def run_lengths(mask: NDArray[np.bool_]) -> Counts:
    """Alternating counts of pixels outside and inside, down the columns; the first may be 0."""
    flat = np.asarray(mask, bool).ravel(order="F")
    if not len(flat):
        return np.zeros(1, np.int64)
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff(np.concatenate([[0], changes, [len(flat)]]))
    return np.concatenate([[0], counts]) if flat[0] else counts


def pack_counts(counts: Counts) -> str:
    """Run lengths as COCO's string."""
    values = np.asarray(counts, np.int64).copy()
    values[3:] -= counts[1:-2]
    letters = np.zeros((len(values), 7), np.uint8)  # 7 x 5 bits hold any image's count
    used = np.zeros((len(values), 7), bool)
    going = np.ones(len(values), bool)
    for place in range(7):
        low = values & 31
        values = values >> 5  # keeps the sign
        more = np.where(low & 16, values != -1, values != 0)
        letters[:, place] = 48 + low + 32 * more
        used[:, place] = going
        going = going & more
    return letters[used].tobytes().decode("ascii")


def unpack_counts(text: str) -> Counts:
    """Run lengths of COCO's string.

    Raises:
        InputError: it is no such string.
    """
    letters = np.frombuffer(text.encode("ascii", "replace"), np.uint8).astype(np.int64) - 48
    if ((letters < 0) | (letters > 63)).any() or (len(letters) and letters[-1] & 32):
        raise InputError("a mask is no string of COCO's compressed run lengths", hint="write the labels anew")
    last = (letters & 32) == 0
    number = np.cumsum(last) - last
    first = np.flatnonzero(np.concatenate([[True], last[:-1]])) if len(letters) else np.zeros(0, np.int64)
    place = np.arange(len(letters)) - first[number]
    values = np.zeros(int(last.sum()), np.int64)
    np.add.at(values, number, (letters & 31) << (5 * place))
    ends = np.flatnonzero(last)
    values -= np.where(letters[ends] & 16, 1 << (5 * (place[ends] + 1)), 0)
    return _added_up(values)


def _added_up(values: Counts) -> Counts:
    """From the fourth on, each is relative to the one two before: two running sums, of the odd and of the even."""
    counts = values.copy()
    counts[1::2] = np.cumsum(values[1::2])
    counts[2::2] = np.cumsum(values[2::2])
    return counts
