"""Skinned meshes and their surfaces in a GLB file: vertex streams, weights that sum to one, embedded pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.model.errors import InputError
from .glb_buffer import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, GlbBuffer
from .glb_types import SkinnedMesh, SurfaceMaterial, Texture
from .joint_tree import JointTree

Array = NDArray[np.float64]
_SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


class SurfaceShelf:
    """Materials and pictures of one file, each written once."""

    def __init__(self, buffer: GlbBuffer) -> None:
        self._buffer = buffer
        self._materials: dict[SurfaceMaterial, int] = {}
        self._textures: dict[bytes, int] = {}

    def material(self, surface: SurfaceMaterial) -> int:
        """Index of the surface among the file's materials."""
        if surface not in self._materials:
            self._materials[surface] = self._buffer.add("materials", self._item(surface))
        return self._materials[surface]

    def _item(self, surface: SurfaceMaterial) -> dict[str, Any]:
        shading: dict[str, Any] = {
            "baseColorFactor": list(surface.base_color),
            "metallicFactor": surface.metallic,
            "roughnessFactor": surface.roughness,
        }
        item: dict[str, Any] = {"name": surface.name, "pbrMetallicRoughness": shading}
        for place, key, texture in (
            (shading, "baseColorTexture", surface.base_color_texture),
            (shading, "metallicRoughnessTexture", surface.metallic_roughness_texture),
            (item, "normalTexture", surface.normal_texture),
            (item, "emissiveTexture", surface.emission_texture),
        ):
            if texture is not None:
                place[key] = {"index": self._texture(texture)}
        if surface.normal_texture is not None and surface.normal_strength != 1.0:
            item["normalTexture"]["scale"] = surface.normal_strength
        if surface.alpha_mode != "OPAQUE":
            item["alphaMode"] = surface.alpha_mode
        if surface.alpha_mode == "MASK":
            item["alphaCutoff"] = surface.alpha_cutoff
        if surface.double_sided:
            item["doubleSided"] = True
        self._add_extensions(item, surface)
        return item

    def _add_extensions(self, item: dict[str, Any], surface: SurfaceMaterial) -> None:
        extensions: dict[str, Any] = {}
        if surface.specular != 1.0:
            extensions["KHR_materials_specular"] = {"specularFactor": surface.specular}
        brightest = max(surface.emission)
        if brightest > 0.0:
            item["emissiveFactor"] = [value / max(brightest, 1.0) for value in surface.emission]
        if brightest > 1.0:
            extensions["KHR_materials_emissive_strength"] = {"emissiveStrength": brightest}
        for name in extensions:
            self._buffer.use_extension(name)
        if extensions:
            item["extensions"] = extensions

    def _texture(self, texture: Texture) -> int:
        if texture.data not in self._textures:
            kind = next((kind for start, kind in _SIGNATURES.items() if texture.data.startswith(start)), None)
            if kind is None:
                raise InputError(f"the picture '{texture.name}' is neither PNG nor JPEG", hint="save it as one of them")
            view = self._buffer.view(texture.data)
            image = self._buffer.add("images", {"name": texture.name, "mimeType": kind, "bufferView": view})
            self._textures[texture.data] = self._buffer.add("textures", {"source": image})
        return self._textures[texture.data]


def add_mesh(
    buffer: GlbBuffer, shelf: SurfaceShelf, tree: JointTree, mesh: SkinnedMesh, influences: int
) -> tuple[int, tuple[str, ...]]:
    """Add a mesh; its index, and a sentence for everything that could not be kept.

    Raises:
        InputError: its arrays do not fit each other, are not finite, or name a bone that the motion does not have.
    """
    _refuse_bad_mesh(mesh)
    joints, weights, warnings = _influences(tree, mesh, influences)
    attributes = {
        "POSITION": buffer.accessor(mesh.positions.astype("<f4"), ARRAY_BUFFER, bounds=True),
        "NORMAL": buffer.accessor(_unit(mesh.normals).astype("<f4"), ARRAY_BUFFER),
    }
    if mesh.tangents is not None:
        tangents = np.column_stack([_unit(mesh.tangents[:, :3]), np.where(mesh.tangents[:, 3] < 0.0, -1.0, 1.0)])
        attributes["TANGENT"] = buffer.accessor(tangents.astype("<f4"), ARRAY_BUFFER)
    if mesh.uvs is not None:
        uvs = np.column_stack([mesh.uvs[:, 0], 1.0 - mesh.uvs[:, 1]])  # glTF's v runs down
        attributes["TEXCOORD_0"] = buffer.accessor(uvs.astype("<f4"), ARRAY_BUFFER)
    joint_type = "<u1" if len(tree.names) <= 256 else "<u2"
    for part in range(joints.shape[1] // 4):
        columns = slice(4 * part, 4 * part + 4)
        stored = np.ascontiguousarray(joints[:, columns].astype(joint_type))
        attributes[f"JOINTS_{part}"] = buffer.accessor(stored, ARRAY_BUFFER)
        attributes[f"WEIGHTS_{part}"] = buffer.accessor(weights[:, columns].astype("<f4"), ARRAY_BUFFER)
    primitives = list(_primitives(buffer, shelf, mesh, attributes))
    return buffer.add("meshes", {"name": mesh.name, "primitives": primitives}), warnings


def _primitives(
    buffer: GlbBuffer, shelf: SurfaceShelf, mesh: SkinnedMesh, attributes: dict[str, int]
) -> list[dict[str, Any]]:
    """One primitive for each material, all on the same vertices."""
    index_type = "<u2" if len(mesh.positions) < 2**16 else "<u4"  # the largest value of a type may not be used
    chosen = mesh.triangle_materials
    chosen = np.zeros(len(mesh.triangles), dtype=np.int64) if chosen is None else chosen
    primitives = []
    for slot in np.unique(chosen).tolist():
        triangles = mesh.triangles[chosen == slot].astype(index_type).ravel()
        item: dict[str, Any] = {"attributes": attributes, "indices": buffer.accessor(triangles, ELEMENT_ARRAY_BUFFER)}
        if mesh.materials:
            item["material"] = shelf.material(mesh.materials[slot])
        primitives.append(item)
    return primitives


def _influences(tree: JointTree, mesh: SkinnedMesh, count: int) -> tuple[NDArray[np.int64], Array, tuple[str, ...]]:
    """The `count` heaviest joints [V, count] of every vertex and their weights, which sum to one."""
    place = {name: joint for joint, name in enumerate(tree.names)}
    unknown = [name for name in mesh.bone_names if name not in place]
    if unknown:
        raise InputError(f"the mesh '{mesh.name}' hangs on '{unknown[0]}', which the motion does not have")
    lookup = np.array([place[name] for name in mesh.bone_names] or [0], dtype=np.int64)
    vertices, columns = mesh.weights.shape
    width = max(columns, count)
    joints, weights = np.zeros((vertices, width), dtype=np.int64), np.zeros((vertices, width))
    joints[:, :columns], weights[:, :columns] = lookup[mesh.bones], mesh.weights
    heaviest = np.argsort(-weights, axis=1, kind="stable")
    joints, weights = np.take_along_axis(joints, heaviest, 1), np.take_along_axis(weights, heaviest, 1)
    total, kept = weights.sum(axis=1), weights[:, :count].sum(axis=1)
    joints, weights = joints[:, :count], weights[:, :count]
    warnings = []
    if loose := np.count_nonzero(kept == 0.0):
        warnings.append(f"{loose} vertices of '{mesh.name}' have no weights and follow '{tree.names[0]}'")
        joints[kept == 0.0, 0], weights[kept == 0.0, 0] = 0, 1.0
        kept = np.where(kept == 0.0, 1.0, kept)
    if cut := np.count_nonzero(kept < total * (1.0 - 1e-6)):
        share = float((1.0 - kept / np.maximum(total, kept)).max())
        warnings.append(
            f"{cut} vertices of '{mesh.name}' hang on more than {count} bones: "
            f"their lightest weights, {share:.1%} of the whole at most, are left out"
        )
    weights = weights / kept[:, None]
    return np.where(weights > 0.0, joints, 0), weights, tuple(warnings)


def _unit(normals: Array) -> Array:
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 0.0, normals / np.where(length > 0.0, length, 1.0), [0.0, 1.0, 0.0])


def _refuse_bad_mesh(mesh: SkinnedMesh) -> None:
    vertices, faces = len(mesh.positions), len(mesh.triangles)
    fits = mesh.positions.shape == mesh.normals.shape == (vertices, 3) and mesh.triangles.shape == (faces, 3)
    fits &= mesh.bones.shape == mesh.weights.shape and mesh.weights.ndim == 2 and len(mesh.weights) == vertices
    fits &= mesh.uvs is None or mesh.uvs.shape == (vertices, 2)
    fits &= mesh.tangents is None or mesh.tangents.shape == (vertices, 4)
    fits &= mesh.triangle_materials is None or mesh.triangle_materials.shape == (faces,)
    if not fits:
        raise InputError(f"the arrays of the mesh '{mesh.name}' do not fit each other")
    if vertices == 0 or faces == 0:
        raise InputError(f"the mesh '{mesh.name}' has no faces", hint="leave it out")
    numbers = [mesh.positions, mesh.normals, mesh.weights]
    numbers += [array for array in (mesh.uvs, mesh.tangents) if array is not None]
    if not all(np.isfinite(array).all() for array in numbers) or mesh.weights.min(initial=0.0) < 0.0:
        raise InputError(f"the mesh '{mesh.name}' has values that are not finite, or negative weights")
    if mesh.triangles.min() < 0 or mesh.triangles.max() >= vertices:
        raise InputError(f"a triangle of the mesh '{mesh.name}' names a vertex that is not there")
    if mesh.bones.size and (mesh.bones.min() < 0 or mesh.bones.max() >= len(mesh.bone_names)):
        raise InputError(f"a weight of the mesh '{mesh.name}' names a bone that is not there")
    chosen = mesh.triangle_materials
    if mesh.materials and chosen is not None and not 0 <= chosen.min() <= chosen.max() < len(mesh.materials):
        raise InputError(f"a triangle of the mesh '{mesh.name}' names a material that is not there")
