"""Bone meshes in every format and encoding, built here byte by byte or by Blender, and the real bones where present."""

import base64
import itertools
import lzma
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from simspine.simspine_addon.model.errors import InputError
from simspine.simspine_addon.model.mesh_data import MeshData
from simspine.simspine_addon.model.mesh_files import read_mesh, write_vtp

ROOT = Path(__file__).resolve().parents[2]
GEOMETRY = Path(os.environ.get("SIMSPINE_DATA", ROOT.parent / "shared" / "data" / "pose2sim")) / "Geometry"

# A prism: two triangles, three quads; every number is exact in float32.
VERTICES = np.array([[0, 0, 0], [1, 0, 0], [0, 0.5, 0], [0, 0, 2], [1, 0, 2.25], [0, 0.5, -2]], dtype=float)
FACES = [[0, 2, 1], [3, 4, 5], [0, 1, 4, 3], [1, 2, 5, 4], [2, 0, 3, 5]]
NORMALS = np.array([[0, 0, -1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0], [0, -1, 0]], dtype=float)


def faces_of(mesh: MeshData) -> list[list[int]]:
    return [mesh.indices[a:b].tolist() for a, b in itertools.pairwise(mesh.offsets)]


def placed_faces(mesh: MeshData) -> set:
    """Faces as their corners' places, so that the order of vertices and the first corner of a face do not matter."""
    result = set()
    for face in faces_of(mesh):
        places = [tuple(np.round(mesh.vertices[corner], 5).tolist()) for corner in face]
        first = places.index(min(places))
        result.add(tuple(places[first:] + places[:first]))
    return result


def prism() -> MeshData:
    counts = [len(face) for face in FACES]
    return MeshData("prism", VERTICES, np.concatenate(FACES), np.concatenate(([0], np.cumsum(counts))), NORMALS)


# ---------------------------------------------------------------------------------------------------------------- vtp


class VtpBuilder:
    """Encodes arrays as the format's description says, with struct, zlib and base64 alone."""

    def __init__(self, mode="ascii", order="<", header="I", compressor="", real="f", whole="i", separate_runs=False):
        self.mode, self.order, self.header, self.compressor = mode, order, header, compressor
        self.real, self.whole, self.separate_runs = real, whole, separate_runs
        self.appended = b""

    def array(self, name: str, values, code: str, components: int = 1) -> str:
        values = np.ravel(values).tolist()
        type_name = {"f": "Float32", "d": "Float64", "i": "Int32", "q": "Int64", "B": "UInt8"}[code]
        start = f'<DataArray type="{type_name}" Name="{name}" NumberOfComponents="{components}" '
        note = (
            '<InformationKey name="L2_NORM_RANGE" location="vtkDataArray"><Value index="0">5</Value></InformationKey>'
        )
        if self.mode == "ascii":
            return f'{start} format="ascii">\n {" ".join(map(repr, values))}\n {note}</DataArray>'
        packed = struct.pack(f"{self.order}{len(values)}{code}", *values)
        header, body = self._blocks(packed)
        if self.mode == "binary":
            return f'{start} format="binary">{note}\n   {self._base64(header, body).decode()}\n </DataArray>'
        offset = len(self.appended)
        self.appended += header + body if self.mode == "raw" else self._base64(header, body)
        return f'{start} format="appended" offset="{offset}"/>'

    def _blocks(self, packed: bytes) -> tuple[bytes, bytes]:
        if not self.compressor:
            return struct.pack(self.order + self.header, len(packed)), packed
        compress = zlib.compress if "ZLib" in self.compressor else lzma.compress
        size = 32  # small, so that there are full blocks and a shorter last one
        blocks = [compress(packed[at : at + size]) for at in range(0, len(packed), size)]
        numbers = [len(blocks), size, len(packed) % size, *map(len, blocks)]
        return struct.pack(f"{self.order}{len(numbers)}{self.header}", *numbers), b"".join(blocks)

    def _base64(self, header: bytes, body: bytes) -> bytes:
        if self.compressor or self.separate_runs:
            return base64.b64encode(header) + base64.b64encode(body)
        return base64.b64encode(header + body)

    def piece(self, vertices, polygons=(), strips=(), normals=None) -> str:
        parts = [
            f'<Piece NumberOfPoints="{len(vertices)}" NumberOfStrips="{len(strips)}" NumberOfPolys="{len(polygons)}">'
        ]
        if normals is not None:
            parts += ['<PointData Normals="N">', self.array("ids", range(len(vertices)), self.whole)]
            parts += [self.array("N", normals, self.real, 3), "</PointData>"]
        parts += ["<Points>", self.array("Points", vertices, self.real, 3), "</Points>"]
        for kind, cells in (("Polys", polygons), ("Strips", strips)):
            corners = [corner for cell in cells for corner in cell]
            parts += [f"<{kind}>", self.array("connectivity", corners, self.whole)]
            parts += [self.array("offsets", np.cumsum([len(cell) for cell in cells]).astype(int), self.whole)]
            parts += [f"</{kind}>"]
        return "\n".join([*parts, "</Piece>"])

    def document(self, *pieces: str) -> bytes:
        order = "LittleEndian" if self.order == "<" else "BigEndian"
        header = "UInt32" if self.header == "I" else "UInt64"
        compressor = f' compressor="{self.compressor}"' if self.compressor else ""
        text = (
            f'<?xml version="1.0"?>\n<VTKFile type="PolyData" version="1.0" byte_order="{order}" '
            f'header_type="{header}"{compressor}>\n<PolyData>\n{"".join(pieces)}\n</PolyData>\n'
        ).encode()
        if self.mode in ("raw", "base64"):
            text += f'<AppendedData encoding="{self.mode}">\n  _'.encode() + self.appended + b"\n</AppendedData>\n"
        return text + b"</VTKFile>\n"


@pytest.mark.parametrize("compressor", ["", "vtkZLibDataCompressor", "vtkLZMADataCompressor"])
@pytest.mark.parametrize("mode", ["binary", "raw", "base64"])
@pytest.mark.parametrize(("order", "header"), list(itertools.product("<>", "IQ")))
@pytest.mark.parametrize(("real", "whole"), [("f", "i"), ("d", "q")])
def test_vtp_binary_encodings(tmp_path, mode, order, header, compressor, real, whole):
    builder = VtpBuilder(mode, order, header, compressor, real, whole)
    path = tmp_path / "prism.vtp"
    path.write_bytes(builder.document(builder.piece(VERTICES, FACES, normals=NORMALS)))
    mesh = read_mesh(path)
    assert mesh.name == "prism"
    assert mesh.vertices.dtype == np.float64
    assert np.array_equal(mesh.vertices, VERTICES)
    assert mesh.normals is not None
    assert np.array_equal(mesh.normals, NORMALS)
    assert faces_of(mesh) == FACES
    assert mesh.warnings == ()


def test_vtp_text(tmp_path):
    builder = VtpBuilder("ascii")
    (tmp_path / "p.VTP").write_bytes(builder.document(builder.piece(VERTICES, FACES, normals=NORMALS)))
    mesh = read_mesh(tmp_path / "p.VTP")
    assert np.array_equal(mesh.vertices, VERTICES)
    assert faces_of(mesh) == FACES


def test_vtp_base64_with_header_and_data_padded_apart(tmp_path):
    builder = VtpBuilder("binary", separate_runs=True)
    (tmp_path / "p.vtp").write_bytes(builder.document(builder.piece(VERTICES, FACES)))
    assert faces_of(read_mesh(tmp_path / "p.vtp")) == FACES


def test_vtp_strips_become_triangles_that_face_one_way(tmp_path):
    builder = VtpBuilder("binary")
    strip = [0, 1, 2, 3, 3, 4, 5]  # 3 3 joins two runs
    (tmp_path / "p.vtp").write_bytes(builder.document(builder.piece(VERTICES, [FACES[2]], [strip, [5, 4, 3]])))
    mesh = read_mesh(tmp_path / "p.vtp")
    assert faces_of(mesh) == [FACES[2], [0, 1, 2], [1, 3, 2], [3, 4, 5], [5, 4, 3]]
    assert mesh.warnings == ()


def test_vtp_pieces_are_joined(tmp_path):
    builder = VtpBuilder("raw")
    pieces = (
        builder.piece(VERTICES, FACES[:2], normals=NORMALS),
        builder.piece(VERTICES + 8, FACES[2:], normals=NORMALS),
    )
    (tmp_path / "p.vtp").write_bytes(builder.document(*pieces))
    mesh = read_mesh(tmp_path / "p.vtp")
    assert np.array_equal(mesh.vertices, np.concatenate((VERTICES, VERTICES + 8)))
    assert faces_of(mesh) == FACES[:2] + [[corner + 6 for corner in face] for face in FACES[2:]]
    assert mesh.normals is not None
    assert mesh.normals.shape == (12, 3)


def test_vtp_normals_of_only_some_pieces_are_no_normals(tmp_path):
    builder = VtpBuilder("ascii")
    pieces = builder.piece(VERTICES, FACES[:2], normals=NORMALS), builder.piece(VERTICES, FACES[2:])
    (tmp_path / "p.vtp").write_bytes(builder.document(*pieces))
    assert read_mesh(tmp_path / "p.vtp").normals is None


def test_vtp_lines_are_left_out_with_a_warning(tmp_path):
    builder = VtpBuilder("ascii")
    text = builder.document(builder.piece(VERTICES, FACES)).replace(b"<Piece ", b'<Piece NumberOfLines="7" ')
    (tmp_path / "p.vtp").write_bytes(text)
    assert read_mesh(tmp_path / "p.vtp").warnings == ("p.vtp: 7 line cells are no surface and were left out",)


def test_faces_without_a_surface_are_left_out_with_a_warning(tmp_path):
    builder = VtpBuilder("ascii")
    (tmp_path / "p.vtp").write_bytes(builder.document(builder.piece(VERTICES, [[0, 1, 1], FACES[3], [4, 5]])))
    mesh = read_mesh(tmp_path / "p.vtp")
    assert faces_of(mesh) == [FACES[3]]
    assert mesh.warnings == ("p.vtp: 2 faces with fewer than three different corners were left out",)


def vtp(mode="ascii", vertices=VERTICES, polygons=FACES, **options) -> bytes:
    builder = VtpBuilder(mode, **options)
    return builder.document(builder.piece(vertices, polygons))


ZLIB = "vtkZLibDataCompressor"
LZMA = "vtkLZMADataCompressor"
BOMB = base64.b64encode(struct.pack("<4I", 1, 2**31, 0, 9)) + base64.b64encode(b"123456789")
BAD_VTP = {
    "empty": (b"", "the file is empty"),
    "cut text": (vtp()[:-120], "p.vtp:.* not well-formed XML"),
    "doctype": (vtp().replace(b"<VTKFile", b'<!DOCTYPE a [<!ENTITY b "c">]><VTKFile', 1), "has a DOCTYPE"),
    "other kind": (vtp().replace(b'type="PolyData"', b'type="ImageData"'), "not VTK PolyData"),
    "no piece": (vtp().replace(b"Piece", b"Part"), "holds no <PolyData> with a <Piece>"),
    "number": (vtp().replace(b"2.25", b"two"), "'Points' holds something that is no number"),
    "few points": (vtp().replace(b'Points="6"', b'Points="7"'), "7 points are announced, which is 21 numbers, but 18"),
    "count": (vtp().replace(b'Points="6"', b'Points="-6"'), "NumberOfPoints='-6' is not a usable count"),
    "few cells": (vtp().replace(b'Polys="5"', b'Polys="6"'), "<Polys> announces 6 cells and has 5"),
    "index": (vtp(polygons=[[0, 1, 6]]), "names vertex 6, but vertices run from 0 to 5"),
    "negative": (vtp(polygons=[[0, 1, -1]]), "names vertex -1"),
    "not finite": (vtp(vertices=[*VERTICES[:5], [0, np.nan, 0]]), r"vertex 5 \(from 0\) has a coordinate"),
    "type": (vtp().replace(b'"Float32"', b'"Float16"'), "is of type 'Float16'"),
    "format": (vtp().replace(b'"ascii"', b'"hex"'), "unknown format 'hex'"),
    "compressor": (vtp("binary", compressor=ZLIB).replace(b"ZLib", b"LZ4"), "unknown compressor 'vtkLZ4Data"),
    "base64": (vtp("binary").replace(b"AAAA", b"A!AA", 1), "not valid base64"),
    "cut raw": (vtp("raw")[:-80], "is cut short|beyond the appended data"),
    "no appended": (vtp("raw").split(b"<AppendedData")[0] + b"</VTKFile>", "the file has none"),
    "offset": (vtp("raw").replace(b'offset="0"', b'offset="9999"'), "points beyond the appended data"),
    "broken LZMA block": (vtp("binary", compressor=LZMA).replace(b"/Td6", b"/Td7", 1), "block that does not unpack"),
    "broken block": (vtp("raw", compressor=ZLIB).replace(b"x\x9c", b"y\x9c", 1), "compressed block"),
}


@pytest.mark.parametrize(("data", "message"), BAD_VTP.values(), ids=BAD_VTP)
def test_unusable_vtp_is_refused_by_name(tmp_path, data, message):
    path = tmp_path / "p.vtp"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        read_mesh(path)
    assert str(path) in str(caught.value)


def test_vtp_block_that_would_fill_the_memory_is_refused(tmp_path):
    text = vtp("binary", compressor=ZLIB).decode()
    start = text.index("</InformationKey>") + len("</InformationKey>")
    end = text.index("</DataArray>")
    (tmp_path / "p.vtp").write_text(text[:start] + BOMB.decode() + text[end:])
    with pytest.raises(InputError, match="would unpack to 2048 MiB"):
        read_mesh(tmp_path / "p.vtp")
    short = base64.b64encode(struct.pack("<4I", 1, 10, 0, 999)) + base64.b64encode(b"abc")
    (tmp_path / "p.vtp").write_text(text[:start] + short.decode() + text[end:])
    with pytest.raises(InputError, match="is cut short within a compressed block"):
        read_mesh(tmp_path / "p.vtp")
    packed = zlib.compress(bytes(100000))
    more = base64.b64encode(struct.pack("<4I", 1, 10, 0, len(packed))) + base64.b64encode(packed)
    (tmp_path / "p.vtp").write_text(text[:start] + more.decode() + text[end:])
    with pytest.raises(InputError, match="a compressed block whose size is not the 10 bytes announced"):
        read_mesh(tmp_path / "p.vtp")


@pytest.mark.parametrize("binary", [True, False])
def test_written_vtp_holds_the_same_mesh_and_the_same_bytes_each_time(tmp_path, binary):
    write_vtp(tmp_path / "a.vtp", prism(), binary=binary)
    write_vtp(tmp_path / "b.vtp", prism(), binary=binary)
    assert (tmp_path / "a.vtp").read_bytes() == (tmp_path / "b.vtp").read_bytes()
    mesh = read_mesh(tmp_path / "a.vtp")
    assert np.array_equal(mesh.vertices, VERTICES)
    assert np.array_equal(mesh.normals, NORMALS)
    assert faces_of(mesh) == FACES


def test_written_vtp_of_a_large_mesh_spans_several_blocks(tmp_path):
    random = np.random.default_rng(0)
    vertices = random.normal(size=(20000, 3)).astype(np.float32).astype(float)
    corners = random.permutation(19998).astype(np.int64)
    write_vtp(tmp_path / "m.vtp", MeshData("m", vertices, corners, np.arange(0, 19999, 3)))
    mesh = read_mesh(tmp_path / "m.vtp")
    assert np.array_equal(mesh.vertices, vertices)
    assert np.array_equal(mesh.indices, corners)
    assert mesh.normals is None


@pytest.mark.skipif(not GEOMETRY.is_dir(), reason=f"the real bones are not at {GEOMETRY}")
def test_real_bones_are_read_whole():
    meshes = {path.name: read_mesh(path) for path in sorted(GEOMETRY.iterdir())}
    assert len(meshes) == 104
    assert sum(len(mesh.vertices) for mesh in meshes.values()) == 31123  # both sums as VTK 9.7 reads them
    assert sum(mesh.face_count for mesh in meshes.values()) == 54223
    for mesh in meshes.values():
        assert mesh.warnings == ()
        assert mesh.normals is not None
        assert np.ptp(mesh.vertices, axis=0).max() < 0.6  # metres


# ---------------------------------------------------------------------------------------------------------------- stl

TRIANGLES = np.array(
    [[[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[1, 0, 0], [0, 1, 0.5], [0, 1, 0]], [[0, -0.0, 0], [0, 1, 0], [2, 2, 2]]]
)


def binary_stl(header: bytes = b"made by hand") -> bytes:
    facets = b"".join(struct.pack("<12fH", 0, 0, 1, *triangle.ravel(), 7) for triangle in TRIANGLES)
    return header.ljust(80, b"\0") + struct.pack("<I", len(TRIANGLES)) + facets


def text_stl(name: str = "bone vertex 1") -> bytes:
    lines = [f"solid {name}"]
    for triangle in TRIANGLES:
        lines += ["  facet normal 0 0 1", "    outer loop"]
        lines += [f"      vertex {x:e} {y:E} {z}" for x, y, z in triangle.tolist()]
        lines += ["    endloop", "  endfacet"]
    return "\n".join([*lines, f"endsolid {name}\n"]).encode()


@pytest.mark.parametrize(
    "data",
    [
        binary_stl(),
        binary_stl(b"solid but binary"),
        binary_stl(b"solid\nfacet normal"),
        text_stl(),
        text_stl().replace(b"\n", b"\r\n").upper(),
        text_stl("") + text_stl("second")[:14] + b"endsolid second\n",
    ],
    ids=["binary", "binary called solid", "binary that looks like text", "text", "capitals", "two solids"],
)
def test_stl_corners_at_one_place_become_one_vertex(tmp_path, data):
    (tmp_path / "bone.stl").write_bytes(data)
    mesh = read_mesh(tmp_path / "bone.stl")
    assert mesh.vertices.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0.5], [2, 2, 2]]
    assert faces_of(mesh) == [[0, 1, 2], [1, 3, 2], [0, 2, 4]]
    assert mesh.warnings == ()


def test_stl_with_bytes_after_its_last_facet_is_read_with_a_warning(tmp_path):
    (tmp_path / "bone.stl").write_bytes(binary_stl() + b"\0\0")
    assert read_mesh(tmp_path / "bone.stl").warnings == ("bone.stl: 2 bytes after its last facet were left out",)


BAD_STL = {
    "signalling NaN": (binary_stl()[:96] + b"\1\0\xa0\x7f" + binary_stl()[100:], "not a finite number"),
    "cut binary": (binary_stl()[:-1], "announces 3 facets, but 2 are there"),
    "tiny": (b"abc", "too short"),
    "cut text": (text_stl()[:-60], "ends within facet 2"),
    "odd word": (text_stl().replace(b"outer", b"inner", 1), r"facet 0 \(from 0\) has 'inner' where 'outer' is due"),
    "number": (text_stl().replace(b"1.000000e+00", b"one", 1), "no number"),
}


@pytest.mark.parametrize(("data", "message"), BAD_STL.values(), ids=BAD_STL)
def test_unusable_stl_is_refused(tmp_path, data, message):
    (tmp_path / "bone.stl").write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_mesh(tmp_path / "bone.stl")


# ---------------------------------------------------------------------------------------------------------------- obj

OBJ = """\
# a prism
mtllib prism.mtl
o prism
v 0 0 0 1.0
v 1 0 0
v 0 0.5 0 0.9 0.8 0.7
vt 0 0
vn 0 0 1
g one two
usemtl bone
f 1/1/1 3//1 2/1
v 0 0 2
v 1 0 2.25
v 0 \\
5e-1 -2
s 1
f -3 -2 -1  # counted backwards
f 1 2 \\
  5 4
f 2 3 6 5
f 3 1 4 6
"""


def test_obj_polygons_negative_indices_groups_and_continued_lines(tmp_path):
    (tmp_path / "p.obj").write_text(OBJ)
    mesh = read_mesh(tmp_path / "p.obj")
    assert np.array_equal(mesh.vertices, VERTICES)
    assert faces_of(mesh) == FACES
    assert mesh.warnings == ()


def test_obj_lines_and_curves_are_left_out_with_a_warning(tmp_path):
    (tmp_path / "p.obj").write_text(OBJ + "l 1 2\ncurv 0 1 1 2\n")
    assert read_mesh(tmp_path / "p.obj").warnings == ("p.obj: its statements curv, l were left out",)


BAD_OBJ = {
    "beyond": ("f 2 3 6 5", "f 2 3 7 5", "face 3 .* names vertex 6, but vertices run from 0 to 5"),
    "zero": ("f 2 3 6 5", "f 0 3 6 5", "p.obj:20: a face names vertex 0"),
    "too far back": ("f -3 -2 -1", "f -7 -2 -1", "p.obj:17: a face names vertex -7"),
    "no index": ("f 2 3 6 5", "f 2 x 6 5", "p.obj:20: a face has a corner that is no whole number"),
    "no number": ("v 1 0 2.25", "v 1 zero 2.25", "p.obj:13: a vertex has a coordinate that is no number"),
    "two numbers": ("v 1 0 2.25", "v 1 0", "p.obj:13: a vertex has fewer than three"),
    "no vertices": (OBJ, "solid nonsense", "has no vertices"),
}


@pytest.mark.parametrize(("old", "new", "message"), BAD_OBJ.values(), ids=BAD_OBJ)
def test_unusable_obj_is_refused_with_its_line(tmp_path, old, new, message):
    assert old in OBJ
    (tmp_path / "p.obj").write_text(OBJ.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        read_mesh(tmp_path / "p.obj")


# ---------------------------------------------------------------------------------------------------------------- ply

PLY_HEADER = """\
ply
format {form} 1.0
comment made by hand
element camera 1
property list uchar float view
property int id
element vertex 6
property float x
property {real} y
property uchar red
property float z
element face {faces}
property float area
property list uchar {index} vertex_indices
element {last}
end_header
"""


def ply(form: str, faces=FACES, last="edge 0\nproperty int vertex1") -> bytes:
    header = PLY_HEADER.format(form=form, real="double", index="int", faces=len(faces), last=last).encode()
    if form == "ascii":
        rows = ["2 0.5 1.5 9"]
        rows += [f"{x!r} {y!r} 200 {z!r}" for x, y, z in VERTICES.tolist()]
        rows += [f"0.25 {len(face)} {' '.join(map(str, face))}" for face in faces]
        return header + "\n".join([*rows, ""]).encode()
    order = "<" if "little" in form else ">"
    rows = [struct.pack(order + "B2fi", 2, 0.5, 1.5, 9)]
    rows += [struct.pack(order + "fdBf", x, y, 200, z) for x, y, z in VERTICES.tolist()]
    rows += [struct.pack(f"{order}fB{len(face)}i", 0.25, len(face), *face) for face in faces]
    return header + b"".join(rows)


FORMS = ["ascii", "binary_little_endian", "binary_big_endian"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("faces", [FACES, FACES[:2], FACES[::-1], FACES[2:]])
def test_ply_with_polygons_further_properties_and_elements(tmp_path, form, faces):
    (tmp_path / "p.ply").write_bytes(ply(form, faces))
    mesh = read_mesh(tmp_path / "p.ply")
    assert np.array_equal(mesh.vertices, VERTICES)
    assert faces_of(mesh) == faces
    assert mesh.warnings == ("p.ply: its elements camera, edge were left out",)


def test_ply_strips_end_at_minus_one(tmp_path):
    text = ply("ascii", FACES[2:3], "tristrips 2\nproperty list int int vertex_indices")
    (tmp_path / "p.ply").write_bytes(text + b"8 0 1 2 3 -1 3 4 5\n3 5 4 3\n")
    expected = [FACES[2], [0, 1, 2], [1, 3, 2], [3, 4, 5], [5, 4, 3]]
    assert faces_of(read_mesh(tmp_path / "p.ply")) == expected


def test_ply_normals(tmp_path):
    rows = "\n".join(" ".join(map(repr, row)) for row in np.concatenate((VERTICES, NORMALS), axis=1).tolist())
    names = "\n".join(f"property float {name}" for name in ("x", "y", "z", "nx", "ny", "nz"))
    (tmp_path / "p.ply").write_text(f"ply\nformat ascii 1.0\nelement vertex 6\n{names}\nend_header\n{rows}\n")
    mesh = read_mesh(tmp_path / "p.ply")
    assert np.array_equal(mesh.normals, NORMALS)
    assert mesh.warnings == ("p.ply: has no faces",)


BAD_PLY = {
    "no ply": (b"plain", "does not begin with 'ply'"),
    "cut header": (ply("ascii")[:90], "no end_header"),
    "format": (ply("ascii").replace(b"format ascii", b"format utf8"), "no known format"),
    "type": (ply("ascii").replace(b"property float x", b"property half x"), "p.ply:8: 'property half x' is no known"),
    "count": (ply("ascii").replace(b"vertex 6", b"vertex many"), "p.ply:7: 'element vertex many' is not"),
    "cut text": (ply("ascii")[:-4], "ends within its 5 rows of 'face'"),
    "cut binary": (ply("binary_little_endian")[:-4], "ends within its 5 rows of 'face'"),
    "cut vertices": (ply("binary_big_endian")[:-200], "ends within its"),
    "huge count": (ply("binary_big_endian").replace(b"vertex 6", b"vertex 99999999999"), "ends within its"),
    "index": (ply("ascii", [[0, 1, 6]]), "names vertex 6"),
    "number": (ply("ascii").replace(b"2.25", b"two"), "a row of 'vertex' is not of numbers"),
    "no xyz": (ply("ascii").replace(b"float x", b"float u"), "no 'vertex' element with x, y and z"),
}


@pytest.mark.parametrize(("data", "message"), BAD_PLY.values(), ids=BAD_PLY)
def test_unusable_ply_is_refused(tmp_path, data, message):
    (tmp_path / "p.ply").write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_mesh(tmp_path / "p.ply")


# ------------------------------------------------------------------------------------------------ Blender's exporters


@pytest.fixture(scope="module")
def blender_folder(tmp_path_factory) -> Path:
    """The prism, written by Blender's own exporters in every form that they have, without turning its axes."""
    bpy = pytest.importorskip("bpy")
    folder = tmp_path_factory.mktemp("blender")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    mesh = bpy.data.meshes.new("prism")
    mesh.from_pydata(VERTICES.tolist(), [], FACES)
    bpy.context.collection.objects.link(bpy.data.objects.new("prism", mesh))
    axes = {"forward_axis": "Y", "up_axis": "Z"}
    bpy.ops.wm.obj_export(filepath=str(folder / "polygons.obj"), **axes)
    bpy.ops.wm.obj_export(filepath=str(folder / "triangles.obj"), export_triangulated_mesh=True, **axes)
    bpy.ops.wm.ply_export(filepath=str(folder / "text.ply"), ascii_format=True, export_normals=True, **axes)
    bpy.ops.wm.ply_export(filepath=str(folder / "binary.ply"), ascii_format=False, **axes)
    bpy.ops.wm.stl_export(filepath=str(folder / "text.stl"), ascii_format=True, **axes)
    bpy.ops.wm.stl_export(filepath=str(folder / "binary.stl"), ascii_format=False, **axes)
    return folder


@pytest.mark.parametrize("name", ["polygons.obj", "text.ply", "binary.ply"])
def test_polygons_written_by_blender(blender_folder, name):
    mesh = read_mesh(blender_folder / name)
    assert placed_faces(mesh) == placed_faces(prism())


@pytest.mark.parametrize("name", ["triangles.obj", "text.stl", "binary.stl"])
def test_triangles_written_by_blender(blender_folder, name):
    mesh = read_mesh(blender_folder / name)
    assert len(mesh.vertices) == 6
    assert np.diff(mesh.offsets).tolist() == [3] * 8
    assert {tuple(place) for place in mesh.vertices.tolist()} == {tuple(place) for place in VERTICES.tolist()}
    corners = mesh.vertices[mesh.indices].reshape(-1, 3, 3)
    volume = np.einsum("ni,ni->n", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert 0 < volume < 0.25 * 2.25  # faces still look outwards; the base is 1/4, the greatest height 2.25


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"bone\.iv: is no known kind of mesh; save it as \.vtp, \.stl, \.obj, \.ply"):
        read_mesh(tmp_path / "bone.iv")
    with pytest.raises(InputError, match="cannot be read"):
        read_mesh(tmp_path / "bone.vtp")
