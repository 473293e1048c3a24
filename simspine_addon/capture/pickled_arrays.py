"""Open pickles of plain numpy arrays from strangers: nothing that stands in the file is ever run.

A pickle is a program. Even one that may call nothing but numpy's own makers of arrays can have an array of objects
made over bytes of its choice, which are then taken for addresses. So numpy's makers are not called at all: stand-ins
note what they were given, and arrays of plain numbers are made of that here.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

MOST_NUMBERS = 1_000_000
_MOST_ENTRIES = 64  # of a list, which no more than one other may hold
_KINDS = {f"{kind}{size}" for kind in "fiu" for size in (1, 2, 4, 8)} - {"f1"} | {"b1"}


class RefusedPickleError(ValueError):
    """What a pickle holds that is no plain array."""


def load_arrays(data: bytes) -> Any:
    """What a pickle of any protocol holds, if that is plain values and arrays of numbers of numpy 1 or 2.

    Raises:
        RefusedPickleError: it names a program, holds arrays of something other than numbers, or is cut short.
    """
    try:
        return _finished(_Reader(io.BytesIO(data)).load())
    except RefusedPickleError:
        raise
    except Exception as error:  # a broken pickle may raise anything
        raise RefusedPickleError(f"is no pickle of arrays ({type(error).__name__}: {error})") from error


class _Kind:
    """Stands for `numpy.dtype`."""

    __slots__ = ("order", "text")

    def __init__(self, text: str, *_: object) -> None:
        if text not in _KINDS:
            raise RefusedPickleError(f"holds an array of '{text}', not of numbers")
        self.text, self.order = text, "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, order, subarray, names, fields = state[:5]
        if order not in ("<", ">", "|", "=") or (subarray, names, fields) != (None, None, None):
            raise RefusedPickleError("holds an array of something other than numbers")
        self.order = "<" if order == "=" else order

    def array(self, data: bytes, shape: tuple[int, ...], columns_first: bool) -> np.ndarray:
        """An array of its own over a copy of the bytes."""
        if not isinstance(data, bytes | bytearray) or not all(type(each) is int and each >= 0 for each in shape):
            raise RefusedPickleError("holds an array without its numbers")
        if len(data) > 8 * MOST_NUMBERS:
            raise RefusedPickleError(f"holds an array of more than {MOST_NUMBERS} numbers")
        numbers = np.frombuffer(bytes(data), np.dtype(self.order + self.text))
        return numbers.reshape(shape, order="F" if columns_first else "C").copy()


class _Array:
    """Stands for an array that `numpy._reconstruct` has begun and whose state comes afterwards."""

    __slots__ = ("array",)

    def __init__(self) -> None:
        self.array: np.ndarray | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, kind, columns_first, data = state
        if not isinstance(kind, _Kind):
            raise RefusedPickleError("holds an array of no known kind")
        self.array = kind.array(data, tuple(shape), bool(columns_first))


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _scalar(kind: _Kind, data: bytes) -> float:
    return kind.array(data, (1,), columns_first=False).item()


def _from_buffer(data: bytes, kind: _Kind, shape: tuple[int, ...], order: str) -> np.ndarray:
    return kind.array(data, tuple(shape), order == "F")


def _latin1(text: str, encoding: str) -> bytes:
    """How pickles of old protocols write bytes; `_codecs.encode` itself knows codecs that unpack."""
    if encoding != "latin1":
        raise RefusedPickleError(f"holds bytes in the encoding '{encoding}'")
    return text.encode("latin1")


def _no_call(*_: object) -> NoReturn:
    raise RefusedPickleError("makes an array by its address")


# numpy's modules have changed their names with numpy 2.
_STAND_INS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _no_call,
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _latin1,
    **{
        (f"numpy.{core}.{module}", name): stand_in
        for core in ("core", "_core")
        for module, name, stand_in in (
            ("multiarray", "_reconstruct", _reconstruct),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _from_buffer),
        )
    },
}


class _Reader(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Callable[..., Any]:
        if (module_name, global_name) not in _STAND_INS:
            raise RefusedPickleError(f"wants to run '{module_name}.{global_name}', which no array needs")
        stand_in = _STAND_INS[module_name, global_name]
        # A pickle may set attributes of what it is given, so it gets one of its own each time.
        return lambda *given: stand_in(*given)

    def persistent_load(self, pid: Any) -> NoReturn:
        raise RefusedPickleError("refers to objects outside of itself")


def _finished(value: Any, depth: int = 0) -> Any:
    """The value with arrays in place of their stand-ins, if it is a table of arrays, numbers, texts and short lists."""
    if isinstance(value, _Array):
        if value.array is None:
            raise RefusedPickleError("holds an array without its numbers")
        return value.array
    if isinstance(value, np.ndarray | str | int | float | None):
        return value
    if isinstance(value, dict) and depth == 0:
        return {str(key): _finished(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple) and depth < 3 and len(value) <= _MOST_ENTRIES:
        return [_finished(each, depth + 1) for each in value]
    raise RefusedPickleError(f"holds a {type(value).__name__} where an array should be")
