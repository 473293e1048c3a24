"""Streams of random numbers, one for each thing that varies: changing one of them leaves all others as they were."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, name: str, *keys: str | int) -> np.random.Generator:
    """The stream `name` of a seed, told apart further by `keys` such as a recording's name or a camera's number.

    The same arguments give the same numbers on every machine: what seeds the generator (PCG64) is the SHA-256 of
    the arguments, not Python's own hash.
    """
    text = "\x1f".join([str(int(seed)), name, *(str(key) for key in keys)])
    return np.random.default_rng(np.frombuffer(hashlib.sha256(text.encode()).digest(), "<u4"))


def stream_seed(seed: int, name: str, *keys: str | int) -> int:
    """A whole number in [0, 2^31 - 1) from that stream, for programs that want a seed of their own."""
    return int(stream(seed, name, *keys).integers(2**31 - 1))
