"""Write bone meshes as `.vtp`: compact for the repository, or as plain text that OpenSim itself reads."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path

from numpy.typing import NDArray

from .atomic import atomic_path
from .mesh_data import MeshData

_BLOCK_BYTES = 2**15


def write_vtp(path: str | Path, mesh: MeshData, *, binary: bool = True) -> None:
    """Write a mesh as VTK PolyData, coordinates in float32 (30 nm at half a metre), polygons as they are.

    Args:
        binary: zlib-compressed base64 within the XML, 0.4 of the text's size; every VTK program reads it,
            but OpenSim's own reader (Simbody's `PolygonalMesh`) takes text only: write bones for it with False.

    Raises:
        InputError: the file cannot be written.
    """
    format_array = _binary_array if binary else _text_array
    normals = b""
    if mesh.normals is not None:
        array = format_array("Normals", mesh.normals.astype("<f4"), "Float32", ' NumberOfComponents="3"')
        normals = b'<PointData Normals="Normals">\n' + array + b"</PointData>\n"
    compressor = ' compressor="vtkZLibDataCompressor"' if binary else ""
    piece = (
        f'NumberOfPoints="{len(mesh.vertices)}" NumberOfVerts="0" NumberOfLines="0" NumberOfStrips="0" '
        f'NumberOfPolys="{mesh.face_count}"'
    )
    parts = (
        b'<?xml version="1.0"?>\n',
        f'<VTKFile type="PolyData" version="0.1" byte_order="LittleEndian"{compressor}>\n'.encode(),
        f"<PolyData>\n<Piece {piece}>\n".encode(),
        normals,
        b"<Points>\n",
        format_array("Points", mesh.vertices.astype("<f4"), "Float32", ' NumberOfComponents="3"'),
        b"</Points>\n<Polys>\n",
        format_array("connectivity", mesh.indices.astype("<i4"), "Int32", ""),
        format_array("offsets", mesh.offsets[1:].astype("<i4"), "Int32", ""),
        b"</Polys>\n</Piece>\n</PolyData>\n</VTKFile>\n",
    )
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"".join(parts))


def _binary_array(name: str, values: NDArray, type_name: str, extra: str) -> bytes:
    data = values.tobytes()
    blocks = [zlib.compress(data[at : at + _BLOCK_BYTES], 9) for at in range(0, len(data), _BLOCK_BYTES)]
    sizes = (len(blocks), _BLOCK_BYTES, len(data) % _BLOCK_BYTES, *map(len, blocks))
    header = struct.pack(f"<{len(sizes)}I", *sizes)
    body = base64.b64encode(header) + base64.b64encode(b"".join(blocks))
    return _tag(name, type_name, extra, "binary") + body + b"\n</DataArray>\n"


def _text_array(name: str, values: NDArray, type_name: str, extra: str) -> bytes:
    # numpy writes each float32 with the fewest digits that give it back.
    rows = values.reshape(-1, 3) if values.ndim == 2 else values.reshape(1, -1)
    lines = (" ".join(row).replace(".0 ", " ") for row in rows.astype(str).tolist())
    return _tag(name, type_name, extra, "ascii") + "\n".join(lines).encode() + b"\n</DataArray>\n"


def _tag(name: str, type_name: str, extra: str, form: str) -> bytes:
    return f'<DataArray type="{type_name}" Name="{name}"{extra} format="{form}">\n'.encode()
