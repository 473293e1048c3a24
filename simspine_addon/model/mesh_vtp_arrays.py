"""The number arrays of VTK XML files: ascii, base64 or raw, plain or in compressed blocks, in either byte order.

Written after the file format chapter of the VTK User's Guide: a binary array is a header of unsigned integers
and then its bytes. Plain: [bytes]. Compressed: [blocks, bytes of a full block, bytes of the last one if it is
shorter (else 0), compressed bytes of each block], then the blocks.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .mesh_data import LARGEST_FILE_BYTES

NUMBER_TYPES = {
    "Int8": "i1", "UInt8": "u1", "Int16": "i2", "UInt16": "u2", "Int32": "i4", "UInt32": "u4",
    "Int64": "i8", "UInt64": "u8", "Float32": "f4", "Float64": "f8",
}  # fmt: skip
BYTE_ORDERS = {"LittleEndian": "<", "BigEndian": ">"}
HEADER_TYPES = {"UInt32": "u4", "UInt64": "u8"}
COMPRESSORS = ("", "vtkZLibDataCompressor", "vtkLZMADataCompressor")

_BASE64_RUN = re.compile(rb"[^=]+={0,2}")


@dataclass(frozen=True, slots=True)
class ArrayDecoder:
    """How the arrays of one file are stored; `appended` is what follows the underscore of `<AppendedData>`."""

    path: Path
    byte_order: str  # "<" or ">"
    header_type: str  # "u4" or "u8"
    compressor: str  # one of COMPRESSORS
    appended: bytes | None
    appended_is_base64: bool
    appended_offsets: tuple[int, ...]  # of all arrays, ascending: where one ends the next begins

    def decode(self, element: Element) -> NDArray:
        """The numbers of one `<DataArray>`, [N], in the file's own number type but native byte order.

        Raises:
            InputError: unknown type, format or compressor; text that is no number; data cut short.
        """
        type_name = element.get("type", "")
        if type_name not in NUMBER_TYPES:
            raise self._error(element, f"is of type {type_name!r}", f"one of {', '.join(NUMBER_TYPES)} is needed")
        form = element.get("format", "ascii")
        if form == "ascii":
            return self._decode_ascii(element, NUMBER_TYPES[type_name])
        if form == "binary":
            data = self._from_base64(element, _own_text(element).encode())
        elif form == "appended":
            data = self._appended_bytes(element)
        else:
            raise self._error(element, f"has the unknown format {form!r}", "ascii, binary or appended is needed")
        payload = self._unpack_blocks(element, data) if self.compressor else self._unpack_plain(element, data)
        number_type = np.dtype(self.byte_order + NUMBER_TYPES[type_name])
        if len(payload) % number_type.itemsize:
            raise self._error(element, f"has {len(payload)} bytes, which are not whole numbers of type {type_name}")
        return np.frombuffer(payload, dtype=number_type).astype(number_type.newbyteorder("="))

    def _decode_ascii(self, element: Element, number_type: str) -> NDArray:
        words = _own_text(element).split()
        try:
            return np.array(words, dtype=np.float64 if number_type[0] == "f" else np.int64)
        except (ValueError, OverflowError) as error:
            raise self._error(element, f"holds something that is no number ({error})") from error

    def _from_base64(self, element: Element, text: bytes) -> bytes:
        """Header and data may be encoded as one run or as several, each with padding of its own."""
        packed = b"".join(text.split())
        try:
            return b"".join(base64.b64decode(run, validate=True) for run in _BASE64_RUN.findall(packed))
        except binascii.Error as error:
            raise self._error(element, f"is not valid base64 ({error})", "the file may be cut short") from error

    def _appended_bytes(self, element: Element) -> bytes:
        if self.appended is None:
            raise self._error(element, "points to appended data, but the file has none", "it may be cut short")
        offset = appended_offset(element)
        if offset is None or offset >= len(self.appended):
            raise self._error(element, f"points beyond the appended data (offset {element.get('offset')!r})")
        if not self.appended_is_base64:
            return self.appended[offset:]
        end = next((later for later in self.appended_offsets if later > offset), len(self.appended))
        return self._from_base64(element, self.appended[offset:end])

    def _header(self, element: Element, data: bytes, first: int, count: int) -> list[int]:
        number_type = np.dtype(self.byte_order + self.header_type)
        start, end = first * number_type.itemsize, (first + count) * number_type.itemsize
        if end > len(data):
            raise self._error(element, "is cut short within its header")
        return np.frombuffer(data[start:end], dtype=number_type).tolist()

    def _unpack_plain(self, element: Element, data: bytes) -> bytes:
        (size,) = self._header(element, data, 0, 1)
        start = np.dtype(self.header_type).itemsize
        if start + size > len(data):
            raise self._error(element, f"is cut short: {size} bytes announced, {len(data) - start} there")
        return data[start : start + size]

    def _unpack_blocks(self, element: Element, data: bytes) -> bytes:
        (block_count,) = self._header(element, data, 0, 1)
        if block_count == 0:
            return b""
        block_size, last_size = self._header(element, data, 1, 2)
        if block_count * block_size > 2 * LARGEST_FILE_BYTES:
            raise self._error(element, f"would unpack to {block_count * block_size >> 20} MiB", "simplify the mesh")
        compressed_sizes = self._header(element, data, 3, block_count)
        position = (3 + block_count) * np.dtype(self.header_type).itemsize
        blocks = []
        for index, compressed_size in enumerate(compressed_sizes):
            compressed = data[position : position + compressed_size]
            position += compressed_size
            expected = last_size if last_size and index == block_count - 1 else block_size
            blocks.append(self._unpack_block(element, compressed, compressed_size, expected))
        return b"".join(blocks)

    def _unpack_block(self, element: Element, compressed: bytes, compressed_size: int, expected: int) -> bytes:
        if len(compressed) < compressed_size:
            raise self._error(element, "is cut short within a compressed block")
        try:
            # One byte more than announced is asked for, so that a block that is too long shows itself.
            block = _decompress(self.compressor, compressed, expected + 1)
        except (zlib.error, ValueError, EOFError) as error:
            raise self._error(element, f"has a compressed block that does not unpack ({error})") from error
        if len(block) != expected:
            raise self._error(element, f"has a compressed block whose size is not the {expected} bytes announced")
        return block

    def _error(self, element: Element, problem: str, hint: str | None = None) -> InputError:
        return InputError(f"data array {element.get('Name') or 'without name'!r} {problem}", path=self.path, hint=hint)


def appended_offset(element: Element) -> int | None:
    """The array's place in the appended data, or None if it has none that is a number."""
    text = element.get("offset", "").strip()
    return int(text) if text.isascii() and text.isdecimal() else None


def _decompress(compressor: str, data: bytes, largest: int) -> bytes:
    if compressor != "vtkLZMADataCompressor":
        return zlib.decompressobj().decompress(data, largest)
    import lzma  # some builds of Python lack it, and hardly a file needs it

    try:
        return lzma.LZMADecompressor().decompress(data, largest)
    except lzma.LZMAError as error:
        raise ValueError(str(error)) from error


def _own_text(element: Element) -> str:
    """The element's text without that of its children: VTK puts `<InformationKey>` beside the numbers."""
    return (element.text or "") + "".join(child.tail or "" for child in element)
