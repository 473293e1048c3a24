"""What a GLB file shows besides bones: skinned meshes, their surfaces and pictures, and keypoints, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Texture:
    """A picture as it lies in its file: `data` is a whole PNG or JPEG."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class SurfaceMaterial:
    """A surface in the metallic-roughness model of glTF 2.0; colours are scene-linear, factors 0 to 1.

    `metallic_roughness_texture` holds roughness in green and metal in blue, `specular` is 1 for an ordinary
    dielectric (KHR_materials_specular), `emission` may exceed 1.
    """

    name: str
    base_color: tuple[float, float, float, float] = (0.8, 0.8, 0.8, 1.0)
    metallic: float = 0.0
    roughness: float = 0.5
    specular: float = 1.0
    emission: tuple[float, float, float] = (0.0, 0.0, 0.0)
    alpha_mode: Literal["OPAQUE", "MASK", "BLEND"] = "OPAQUE"
    alpha_cutoff: float = 0.5
    double_sided: bool = True
    base_color_texture: Texture | None = None
    metallic_roughness_texture: Texture | None = None
    normal_texture: Texture | None = None
    normal_strength: float = 1.0
    emission_texture: Texture | None = None


@dataclass(frozen=True, slots=True)
class SkinnedMesh:
    """Triangles that move with bones. Vertices stand in OpenSim's ground at the track's rest pose, metres.

    `bones` [V, K] index `bone_names` (names of the track's bodies); `weights` [V, K] need not sum to one.
    `triangle_materials` [F] index `materials`. `uvs` run up, as Blender has them. `tangents` [V, 4] (x, y, z and the
    bitangent's sign) belong to pictures of normals, in the way of MikkTSpace.
    """

    name: str
    positions: Array  # [V, 3]
    normals: Array  # [V, 3]
    triangles: Indices  # [F, 3]
    bone_names: tuple[str, ...]
    bones: Indices  # [V, K]
    weights: Array  # [V, K]
    uvs: Array | None = None  # [V, 2]
    materials: tuple[SurfaceMaterial, ...] = ()
    triangle_materials: Indices | None = None  # [F]
    tangents: Array | None = None  # [V, 4]


def turned_mesh(mesh: SkinnedMesh, turn: Array) -> SkinnedMesh:
    """The mesh turned about ground's origin by the rotation `turn` [3, 3]."""
    tangents = mesh.tangents
    if tangents is not None:
        tangents = np.column_stack([tangents[:, :3] @ turn.T, tangents[:, 3]])
    return replace(mesh, positions=mesh.positions @ turn.T, normals=mesh.normals @ turn.T, tangents=tangents)


@dataclass(frozen=True, slots=True)
class Keypoint:
    """A point fixed to a body of the track, `location` [3] m in the body's frame."""

    name: str
    body: str
    location: Array
