"""Image files as bytes: whether one is whole, and one without the notes that differ from run to run."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_NOTES = (b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf")
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_JPEG_SCAN = 0xDA  # after it come the pixels
_JPEG_NOTES = (0xE1, 0xED, 0xFE)  # Exif, Photoshop's, comments


def is_whole_image(path: Path) -> bool:
    """Whether a PNG or JPEG file is there and whole: of a PNG every chunk's own checksum, of a JPEG both ends."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    if path.suffix == ".jpg":
        return content.startswith(_JPEG_START) and content.endswith(_JPEG_END)
    return _chunks_of_png(content) is not None


def without_notes(content: bytes) -> bytes:
    """The same PNG or JPEG without text in it: Cycles notes there how long it took, and no two runs take as long.

    Anything else comes back as it is.
    """
    chunks = _chunks_of_png(content)
    if chunks is not None:
        return _PNG_START + b"".join(chunk for chunk in chunks if chunk[4:8] not in _PNG_NOTES)
    if content.startswith(_JPEG_START):
        return _JPEG_START + b"".join(_jpeg_parts(content))
    return content


def _chunks_of_png(content: bytes) -> list[bytes] | None:
    """The chunks, each with its length and checksum; None unless all of them are sound and the last one is the end."""
    if not content.startswith(_PNG_START):
        return None
    chunks, place = [], len(_PNG_START)
    while place + 12 <= len(content):
        end = place + 12 + int.from_bytes(content[place : place + 4], "big")
        if end > len(content) or zlib.crc32(content[place + 4 : end - 4]) != int.from_bytes(content[end - 4 : end]):
            return None
        chunks.append(content[place:end])
        if content[place + 4 : place + 8] == b"IEND":
            return chunks if end == len(content) else None
        place = end
    return None


def _jpeg_parts(content: bytes) -> Iterator[bytes]:
    """What stands behind the start mark, notes left out."""
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF and content[place + 1] != _JPEG_SCAN:
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        if content[place + 1] not in _JPEG_NOTES:
            yield content[place:end]
        place = end
    yield content[place:]
