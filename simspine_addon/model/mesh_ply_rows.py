"""The rows of a PLY file's elements, as text or binary; a row may hold lists, such as a face's corners."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .mesh_data import IntArray
from .mesh_ply_header import PlyElement, PlyHeader, PlyProperty

Column = tuple[NDArray[Any], IntArray | None]
"""The values of a property over all rows one after the other, and for a list how many each row has."""


class _CutShortError(Exception):
    pass


class _Rows(ABC):
    """Takes the elements' rows in the order of the file."""

    def __init__(self, path: Path, data: bytes, header: PlyHeader) -> None:
        self._path = path
        self._data = data
        self._order = header.byte_order
        self._position = header.end

    def read(self, element: PlyElement) -> dict[str, Column]:
        """All columns of the next element, by property name.

        Raises:
            InputError: the file ends before, or has something that is no number.
        """
        names = [each.name for each in element.properties]
        if not element.count or not element.properties:
            return {each.name: (np.zeros(0), _counts([], each)) for each in element.properties}
        start = self._position
        try:
            first_row = [self._take(each) for each in element.properties]
            self._position = start
            columns = self._take_alike(element, [len(row) for row in first_row])
            if columns is None:
                self._position = start
                columns = self._take_each(element)
        except _CutShortError:
            raise InputError(
                f"ends within its {element.count} rows of {element.name!r}", path=self._path, hint="it is cut short"
            ) from None
        except (ValueError, OverflowError) as error:
            raise InputError(f"a row of {element.name!r} is not of numbers ({error})", path=self._path) from error
        return dict(zip(names, columns, strict=True))

    def _take_each(self, element: PlyElement) -> list[Column]:
        """Row by row, for lists of different lengths."""
        rows = [[self._take(each) for each in element.properties] for _ in range(element.count)]
        columns = zip(*rows, strict=True)
        return [
            (np.concatenate(column), _counts([len(values) for values in column], each))
            for column, each in zip(columns, element.properties, strict=True)
        ]

    @abstractmethod
    def _take(self, each: PlyProperty) -> NDArray[Any]:
        """The values of the next property, [1] or those of the list."""

    @abstractmethod
    def _take_alike(self, element: PlyElement, lengths: list[int]) -> list[Column] | None:
        """All rows at once, if every row's lists are as long as the first row's; else None."""


class TextRows(_Rows):
    """Rows of numbers in text."""

    def __init__(self, path: Path, data: bytes, header: PlyHeader) -> None:
        super().__init__(path, data, header)
        self._words = data[header.end :].split()
        self._position = 0

    def _take(self, each: PlyProperty) -> NDArray[Any]:
        length = int(self._words_ahead(1)[0]) if each.is_list else 1
        return np.array(self._words_ahead(length), dtype=np.float64)

    def _words_ahead(self, count: int) -> list[bytes]:
        words = self._words[self._position : self._position + count]
        if count < 0 or len(words) < count:
            raise _CutShortError
        self._position += count
        return words

    def _take_alike(self, element: PlyElement, lengths: list[int]) -> list[Column] | None:
        width = sum(lengths) + sum(each.is_list for each in element.properties)
        words = self._words[self._position : self._position + width * element.count]
        if len(words) < width * element.count:
            return None
        table = np.array(words, dtype=np.float64).reshape(element.count, width)
        columns: list[Column] = []
        place = 0
        for each, length in zip(element.properties, lengths, strict=True):
            if each.is_list and (table[:, place] != length).any():
                return None
            place += each.is_list
            columns.append((table[:, place : place + length].ravel(), _counts([length] * element.count, each)))
            place += length
        self._position += len(words)
        return columns


class BinaryRows(_Rows):
    """Rows of packed numbers."""

    def _take(self, each: PlyProperty) -> NDArray[Any]:
        length = int(self._numbers_ahead(each.count_type, 1)[0]) if each.is_list else 1
        return self._numbers_ahead(each.number_type, length)

    def _numbers_ahead(self, number_type: str, count: int) -> NDArray[Any]:
        packed = np.dtype(self._order + number_type)
        end = self._position + count * packed.itemsize
        if count < 0 or end > len(self._data):
            raise _CutShortError
        numbers = np.frombuffer(self._data, packed, count, self._position)
        self._position = end
        return numbers.astype(packed.newbyteorder("="))

    def _take_alike(self, element: PlyElement, lengths: list[int]) -> list[Column] | None:
        fields: list[tuple] = []
        for index, (each, length) in enumerate(zip(element.properties, lengths, strict=True)):
            if each.is_list:
                fields.append((f"count{index}", self._order + each.count_type))
            fields.append((f"values{index}", self._order + each.number_type, (length,)))
        row = np.dtype(fields)
        if self._position + row.itemsize * element.count > len(self._data):
            return None
        table = np.frombuffer(self._data, row, element.count, self._position)
        columns: list[Column] = []
        for index, (each, length) in enumerate(zip(element.properties, lengths, strict=True)):
            if each.is_list and (table[f"count{index}"] != length).any():
                return None
            columns.append((table[f"values{index}"].ravel(), _counts([length] * element.count, each)))
        self._position += row.itemsize * element.count
        return columns


def _counts(lengths: list[int], each: PlyProperty) -> IntArray | None:
    return np.array(lengths, dtype=np.int64) if each.is_list else None
