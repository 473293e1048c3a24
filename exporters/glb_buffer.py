"""The two halves of a GLB file while they grow: the JSON document, and the one buffer that its accessors read."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError

ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963  # targets of a buffer view, glTF 2.0, 5.11.5
_COMPONENT = {"u1": 5121, "u2": 5123, "u4": 5125, "f4": 5126}
_KIND = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
_LARGEST_FILE = 2**32 - 1  # the header's length is of 32 bits


class GlbBuffer:
    """Collects what a GLB file holds; `document` is its JSON, to be filled in by whoever adds to it."""

    def __init__(self, generator: str) -> None:
        self.document: dict[str, Any] = {"asset": {"version": "2.0", "generator": generator}}
        self._chunks: list[bytes | memoryview] = []
        self._length = 0
        self._known: dict[bytes, int] = {}

    def add(self, kind: str, item: dict[str, Any]) -> int:
        """Append `item` to a list of the document, such as "nodes"; its index there."""
        items = self.document.setdefault(kind, [])
        items.append(item)
        return len(items) - 1

    def use_extension(self, name: str) -> None:
        """Name an extension among those that the file uses."""
        used = self.document.setdefault("extensionsUsed", [])
        if name not in used:
            used.append(name)

    def view(self, data: bytes | NDArray[Any], target: int | None = None) -> int:
        """A buffer view of `data`, beginning at a multiple of four; its index."""
        chunk = memoryview(data) if isinstance(data, bytes) else memoryview(np.ascontiguousarray(data)).cast("B")
        padding = -self._length % 4
        if padding:
            self._chunks.append(bytes(padding))
        start = self._length + padding
        self._chunks.append(chunk)
        self._length = start + len(chunk)
        view = {"buffer": 0, "byteOffset": start, "byteLength": len(chunk)}
        return self.add("bufferViews", view if target is None else {**view, "target": target})

    def accessor(
        self, data: NDArray[Any], target: int | None = None, *, bounds: bool = False, normal: bool = False
    ) -> int:
        """An accessor of little-endian `data` [N, ...] in a view of its own; its index.

        Args:
            bounds: state the least and the largest value of each component, as POSITION and times must.
            normal: whole numbers stand for 0 to 1.
        """
        return self.accessor_in(self.view(data, target), 0, data, bounds=bounds, normal=normal)

    def accessor_in(
        self, view: int, offset: int, data: NDArray[Any], *, bounds: bool = False, normal: bool = False
    ) -> int:
        """An accessor of the part of a view that begins at byte `offset` and holds `data` [N, ...]; its index."""
        item: dict[str, Any] = {
            "bufferView": view,
            "byteOffset": offset,
            "componentType": _COMPONENT[data.dtype.str[1:]],
            "count": len(data),
            "type": _KIND[data.shape[1:]],
        }
        if normal:
            item["normalized"] = True
        if bounds:
            item["min"], item["max"] = (np.atleast_1d(edge).tolist() for edge in (data.min(axis=0), data.max(axis=0)))
        return self.add("accessors", item)

    def times(self, seconds: NDArray[np.float64]) -> int:
        """The accessor of an animation's times; equal times share one."""
        data = seconds.astype("<f4")
        key = data.tobytes()
        if key not in self._known:
            self._known[key] = self.accessor(data, bounds=True)
        return self._known[key]

    def write(self, path: Path) -> None:
        """Write the file.

        Raises:
            InputError: longer than GLB can be, or the file cannot be written.
        """
        if self._length:
            self.document["buffers"] = [{"byteLength": self._length}]
        text = json.dumps(self.document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
        text += b" " * (-len(text) % 4)
        padding = bytes(-self._length % 4)
        binary = self._length + len(padding)
        total = 12 + 8 + len(text) + (8 + binary if binary else 0)
        if total > _LARGEST_FILE:
            problem = f"would be {total / 2**30:.1f} GiB long, where GLB ends at 4"
            raise InputError(problem, path=path, hint="export fewer frames or takes")
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            file.write(struct.pack("<4sII", b"glTF", 2, total))
            file.write(struct.pack("<I4s", len(text), b"JSON") + text)
            if binary:
                file.write(struct.pack("<I4s", binary, b"BIN\0"))
                for chunk in self._chunks:
                    file.write(chunk)
                file.write(padding)
