"""The header of a PLY file: which elements follow, and which numbers each of their rows holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .errors import InputError

NUMBER_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
BYTE_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass(frozen=True, slots=True)
class PlyProperty:
    """A number of each row, or a list of them; types in numpy's short names."""

    name: str
    number_type: str
    count_type: str = ""  # of the number before a list; "" for a single value

    @property
    def is_list(self) -> bool:
        return bool(self.count_type)


@dataclass(frozen=True, slots=True)
class PlyElement:
    """A table of the file: `count` rows, each with all properties in order."""

    name: str
    count: int
    properties: list[PlyProperty] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PlyHeader:
    """What the header says; `byte_order` is "" for text, and `end` the place of the first byte after it."""

    byte_order: str
    elements: list[PlyElement]
    end: int


def read_header(path: Path, data: bytes) -> PlyHeader:
    """Read a PLY header.

    Raises:
        InputError: not PLY, cut short, or with lines that say nothing known (with the line's number).
    """
    if data[:3] != b"ply":
        raise InputError("does not begin with 'ply'", path=path, line=1, hint="it may be no PLY file")
    byte_order: str | None = None
    elements: list[PlyElement] = []
    position, number = 0, 0
    while True:
        number += 1
        end = data.find(b"\n", position)
        if end < 0:
            raise InputError("its header has no end_header line", path=path, hint="the file may be cut short")
        words = data[position:end].decode("latin-1").split()
        position = end + 1
        if words == ["end_header"]:
            break
        if words[:1] == ["format"]:
            byte_order = BYTE_ORDERS.get(words[1]) if len(words) > 1 else None
        elif words[:1] == ["element"]:
            elements.append(_element(path, number, words))
        elif words[:1] == ["property"]:
            if not elements:
                raise InputError("a property stands before the first element", path=path, line=number)
            elements[-1].properties.append(_property(path, number, words))
    if byte_order is None:
        raise InputError("has no known format line", path=path, hint=f"one of {', '.join(BYTE_ORDERS)} is needed")
    return PlyHeader(byte_order, elements, position)


def _element(path: Path, number: int, words: list[str]) -> PlyElement:
    if len(words) != 3 or not (words[2].isascii() and words[2].isdecimal()):
        raise InputError(f"{' '.join(words)!r} is not 'element NAME COUNT'", path=path, line=number)
    return PlyElement(words[1], int(words[2]))


def _property(path: Path, number: int, words: list[str]) -> PlyProperty:
    is_list = words[1:2] == ["list"]
    types = words[2:4] if is_list else words[1:2]
    if len(words) != (5 if is_list else 3) or any(each not in NUMBER_TYPES for each in types):
        raise InputError(f"{' '.join(words)!r} is no known property", path=path, line=number)
    count_type = NUMBER_TYPES[types[0]] if is_list else ""
    if count_type.startswith("f"):
        raise InputError("the count of a list is not a whole number", path=path, line=number)
    return PlyProperty(words[-1], NUMBER_TYPES[types[-1]], count_type)
