"""Read `.vtp`, VTK's XML polygon meshes: the format of OpenSim's bones, in every encoding that VTK writes."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

from .errors import InputError
from .mesh_data import Array, IntArray, MeshData, build_mesh, read_bytes, strip_triangles
from .mesh_vtp_arrays import BYTE_ORDERS, COMPRESSORS, HEADER_TYPES, ArrayDecoder, appended_offset

_APPENDED_TAG = re.compile(rb"<AppendedData\b([^>]*)>\s*_", re.DOTALL)
_BASE64_ENCODING = re.compile(rb"""encoding\s*=\s*["']base64["']""")
_APPENDED_END = b"</AppendedData>"
_LARGEST_COUNT = 2**31


def read_vtp(path: Path) -> MeshData:
    """Read polygons and triangle strips of all pieces of a VTK PolyData file; strips become triangles.

    Point normals come along when every piece has them. Vertex and line cells are no surface: a warning counts them.

    Raises:
        InputError: not such a file, cut short, or inconsistent.
    """
    text, appended, appended_is_base64 = _split_appended(read_bytes(path))
    root = _parse(path, text)
    decoder = _decoder(path, root, appended, appended_is_base64)
    pieces = root.findall("PolyData/Piece")
    if not pieces:
        raise InputError("holds no <PolyData> with a <Piece>", path=path, hint="save it as VTK PolyData (.vtp)")
    parts = [_read_piece(decoder, piece) for piece in pieces]
    first_vertices = np.cumsum([0] + [len(vertices) for vertices, *_ in parts])
    vertices = np.concatenate([part[0] for part in parts])
    indices = np.concatenate([part[1] + first for part, first in zip(parts, first_vertices, strict=False)])
    counts = np.concatenate([part[2] for part in parts])
    all_normals = [part[3] for part in parts]
    normals = np.concatenate([each for each in all_normals if each is not None] or [np.zeros((0, 3))])
    return build_mesh(
        path, vertices, indices, counts, normals if len(normals) == len(vertices) else None, _left_out(path, pieces)
    )


class _RefusingBuilder(ElementTree.TreeBuilder):
    """Builds the tree, but refuses a DOCTYPE: with it go entities, external files and their attacks."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise _DoctypeError


class _DoctypeError(Exception):
    pass


def _parse(path: Path, text: bytes) -> Element:
    parser = ElementTree.XMLParser(target=_RefusingBuilder())
    try:
        parser.feed(text)
        root = parser.close()
    except _DoctypeError:
        raise InputError("has a DOCTYPE, which is refused", path=path, hint="remove it; VTK writes none") from None
    except ElementTree.ParseError as error:
        raise InputError(
            f"is not well-formed XML ({error})", path=path, line=error.position[0], hint="the file may be cut short"
        ) from error
    if root.tag != "VTKFile" or root.get("type") != "PolyData":
        raise InputError(
            f"is <{root.tag} type={root.get('type')!r}>, not VTK PolyData", path=path, hint="save it as .vtp PolyData"
        )
    return root


def _split_appended(data: bytes) -> tuple[bytes, bytes | None, bool]:
    """Cut the appended data out, since raw bytes are not XML: (XML without it, the data, whether it is base64)."""
    tag = _APPENDED_TAG.search(data)
    if tag is None:
        return data, None, False
    end = data.rfind(_APPENDED_END)
    appended = data[tag.end() : end if end >= tag.end() else len(data)]
    return data[: tag.start()] + b"</VTKFile>", appended, bool(_BASE64_ENCODING.search(tag.group(1)))


def _decoder(path: Path, root: Element, appended: bytes | None, appended_is_base64: bool) -> ArrayDecoder:
    byte_order = root.get("byte_order", "LittleEndian")
    header_type = root.get("header_type", "UInt32")
    compressor = root.get("compressor", "")
    uses_binary = any(array.get("format", "ascii") != "ascii" for array in root.iter("DataArray"))
    for value, known, what in (
        (byte_order, BYTE_ORDERS, "byte order"),
        (header_type, HEADER_TYPES, "header type"),
        (compressor, COMPRESSORS, "compressor"),
    ):
        if uses_binary and value not in known:
            choice = " or ".join(each or "none" for each in known)
            raise InputError(f"uses the unknown {what} {value!r}", path=path, hint=f"save it with {choice}")
    offsets = sorted({offset for array in root.iter("DataArray") if (offset := appended_offset(array)) is not None})
    return ArrayDecoder(
        path,
        BYTE_ORDERS.get(byte_order, "<"),
        HEADER_TYPES.get(header_type, "u4"),
        compressor,
        appended,
        appended_is_base64,
        tuple(offsets),
    )


def _read_piece(decoder: ArrayDecoder, piece: Element) -> tuple[Array, IntArray, IntArray, Array | None]:
    """Vertices [V, 3], corners, corner counts and normals ([V, 3] or None) of one piece."""
    point_count = _count(decoder.path, piece, "NumberOfPoints")
    vertices = np.zeros((0, 3))
    if point_count:
        points = piece.find("Points/DataArray")
        if points is None:
            raise InputError("a piece has no <Points>", path=decoder.path)
        vertices = _triples(decoder, points, point_count, "points")
    indices, counts = _read_cells(decoder, piece, "Polys")
    strips, strip_counts = _read_cells(decoder, piece, "Strips")
    if len(strips):
        triangles = strip_triangles(strips, strip_counts)
        indices = np.concatenate((indices, triangles.ravel()))
        counts = np.concatenate((counts, np.full(len(triangles), 3, dtype=np.int64)))
    # Each piece counts its vertices from 0: beyond its own it would silently reach into the next piece.
    if len(indices) and not 0 <= indices.min() <= indices.max() < point_count:
        extreme = indices.min() if indices.min() < 0 else indices.max()
        raise InputError(
            f"a face names vertex {extreme}, but vertices run from 0 to {point_count - 1}", path=decoder.path
        )
    return vertices, indices, counts, _read_normals(decoder, piece, point_count)


def _read_cells(decoder: ArrayDecoder, piece: Element, kind: str) -> tuple[IntArray, IntArray]:
    """Corners of all cells of a kind, and how many each has (VTK stores where each ends)."""
    nothing = np.zeros(0, dtype=np.int64)
    cell_count = _count(decoder.path, piece, f"NumberOf{kind}")
    if not cell_count:
        return nothing, nothing
    arrays = {array.get("Name"): array for array in piece.findall(f"{kind}/DataArray")}
    if not {"connectivity", "offsets"} <= arrays.keys():
        raise InputError(f"<{kind}> lacks its 'connectivity' or 'offsets' array", path=decoder.path)
    corners, ends = (_whole_numbers(decoder, arrays[name]) for name in ("connectivity", "offsets"))
    counts = np.diff(ends, prepend=0)
    if len(ends) != cell_count:
        raise InputError(f"<{kind}> announces {cell_count} cells and has {len(ends)}", path=decoder.path)
    if (counts < 0).any() or ends[-1] != len(corners):
        raise InputError(
            f"the offsets of <{kind}> do not fit its connectivity of {len(corners)} corners", path=decoder.path
        )
    return corners, counts


def _whole_numbers(decoder: ArrayDecoder, element: Element) -> IntArray:
    values = decoder.decode(element)
    if values.dtype.kind == "f":
        raise InputError(f"data array {element.get('Name')!r} is not of whole numbers", path=decoder.path)
    return values.astype(np.int64)


def _read_normals(decoder: ArrayDecoder, piece: Element, point_count: int) -> Array | None:
    point_data = piece.find("PointData")
    if point_data is None or not point_count:
        return None
    name = point_data.get("Normals", "Normals")
    array = next((each for each in point_data.findall("DataArray") if each.get("Name") == name), None)
    return None if array is None else _triples(decoder, array, point_count, "normals")


def _triples(decoder: ArrayDecoder, element: Element, count: int, what: str) -> Array:
    values = decoder.decode(element).astype(np.float64)
    if len(values) != 3 * count:
        raise InputError(
            f"{count} {what} are announced, which is {3 * count} numbers, but {len(values)} are there",
            path=decoder.path,
            hint="the file may be cut short",
        )
    return values.reshape(count, 3)


def _count(path: Path, piece: Element, attribute: str) -> int:
    text = piece.get(attribute, "0").strip()
    if not (text.isascii() and text.isdecimal() and int(text) < _LARGEST_COUNT):
        raise InputError(f"{attribute}={text!r} is not a usable count", path=path)
    return int(text)


def _left_out(path: Path, pieces: list[Element]) -> tuple[str, ...]:
    counts = {kind: sum(_count(path, piece, f"NumberOf{kind}") for piece in pieces) for kind in ("Verts", "Lines")}
    words = {"Verts": "vertex", "Lines": "line"}
    return tuple(
        f"{path.name}: {count} {words[kind]} cells are no surface and were left out"
        for kind, count in counts.items()
        if count
    )
