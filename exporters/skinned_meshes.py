"""The meshes that hang on an armature, taken from Blender once as arrays: at rest, modified, weighted, coloured."""

# bpy makes its submodules at run time, so their names cannot be checked
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.scene.axes import points_to_opensim
from .blender_surfaces import SurfaceReader
from .glb_types import SkinnedMesh

if TYPE_CHECKING:
    import bpy

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CollectedMeshes:
    """Meshes for `write_glb`, and a sentence for everything about them that was left out."""

    meshes: tuple[SkinnedMesh, ...]
    warnings: tuple[str, ...]


def collect_skinned_meshes(
    armature: bpy.types.Object, objects: Iterable[bpy.types.Object] | None = None
) -> CollectedMeshes:
    """Every mesh that an armature moves: by an Armature modifier, or as the child of a bone (then it is rigid).

    Vertices stand in OpenSim's ground where the armature's rest pose puts them in the world at the current frame; so
    `write_glb` wants a track whose rest pose is that of the armature. Bones go by the name of the body that they
    stand for, or else their own. Objects that are hidden, in the viewport or when rendering, are left out. The scene is
    as before afterwards.

    Args:
        objects: which to look at; all of the current scene where left out.
    """
    import bpy

    found, warnings, surfaces = [], [], SurfaceReader()
    candidates = bpy.context.scene.objects if objects is None else objects
    with at_rest(armature):
        graph = bpy.context.evaluated_depsgraph_get()
        for thing in candidates:
            if thing.type != "MESH" or not hangs_on(thing, armature):
                continue
            if thing.hide_render or not thing.visible_get():  # Blender does not keep what is hidden up to date
                warnings.append(f"'{thing.name}' is hidden and left out")
                continue
            mesh = _collected(thing, armature, graph, surfaces, warnings)
            if mesh is None:
                warnings.append(f"'{thing.name}' has no faces and is left out")
                continue
            found.append(mesh)
            if any(modifier.use_deform_preserve_volume for modifier in _modifiers(thing, armature)):
                warnings.append(f"'{thing.name}' preserves its volume in Blender; glTF blends linearly")
    return CollectedMeshes(tuple(found), (*warnings, *surfaces.warnings))


def hangs_on(thing: bpy.types.Object, armature: bpy.types.Object) -> bool:
    by_parent = thing.parent == armature and thing.parent_type == "ARMATURE"
    return by_parent or is_rigid(thing, armature) or bool(_modifiers(thing, armature))


def _modifiers(thing: bpy.types.Object, armature: bpy.types.Object) -> list[Any]:
    return [each for each in thing.modifiers if each.type == "ARMATURE" and getattr(each, "object", None) == armature]


def is_rigid(thing: bpy.types.Object, armature: bpy.types.Object) -> bool:
    data: Any = armature.data
    return thing.parent == armature and thing.parent_type == "BONE" and thing.parent_bone in data.bones


@contextmanager
def at_rest(armature: bpy.types.Object) -> Iterator[None]:
    import bpy

    data: Any = armature.data
    before = data.pose_position
    try:
        data.pose_position = "REST"
        bpy.context.view_layer.update()
        yield
    finally:
        data.pose_position = before
        bpy.context.view_layer.update()


def _collected(
    thing: bpy.types.Object,
    armature: bpy.types.Object,
    graph: bpy.types.Depsgraph,
    surfaces: SurfaceReader,
    warnings: list[str],
) -> SkinnedMesh | None:
    evaluated = thing.evaluated_get(graph)
    mesh = evaluated.to_mesh(preserve_all_data_layers=True, depsgraph=graph)
    try:
        mesh.calc_loop_triangles()
        if len(mesh.loop_triangles) == 0:
            return None
        bone_names, bones, weights = _rigid(thing, armature, mesh) or _weights(thing, armature, mesh)
        materials = tuple(surfaces.surface(slot.material) for slot in thing.material_slots)
        tangents = None
        if any(surface.normal_texture is not None for surface in materials):
            tangents = _tangents(thing, mesh, warnings)
        split = _split_corners(mesh, tangents)
        corners, vertices = split.corners, split.vertices
        world = np.array(evaluated.matrix_world, dtype=np.float64)
        positions = _read(mesh.vertices, "co", 3)[vertices] @ world[:3, :3].T + world[:3, 3]
        triangles = corners[_read(mesh.loop_triangles, "loops", 3, np.int32)]
        if np.linalg.det(world[:3, :3]) < 0.0:
            triangles = triangles[:, ::-1]  # a mirrored object shows its faces from behind
        chosen = _read(mesh.loop_triangles, "material_index", 1, np.int32)[:, 0]
        return SkinnedMesh(
            name=thing.name,
            positions=points_to_opensim(positions),
            normals=points_to_opensim(split.normals @ np.linalg.inv(world[:3, :3])),
            triangles=triangles.astype(np.int64),
            bone_names=bone_names,
            bones=bones[vertices],
            weights=weights[vertices],
            uvs=split.uvs,
            materials=materials,
            triangle_materials=np.clip(chosen, 0, max(len(materials) - 1, 0)).astype(np.int64),
            tangents=_in_ground(split.tangents, world),
        )
    finally:
        evaluated.to_mesh_clear()


@dataclass(frozen=True, slots=True)
class _Split:
    """glTF knows no corners: one vertex for each of a vertex's normals, texture coordinates and tangents."""

    corners: NDArray[np.int64]  # [L] the new vertex of each corner
    vertices: NDArray[np.int64]  # [V] the mesh's own vertex of each new one
    normals: Array  # [V, 3]
    uvs: Array | None  # [V, 2]
    tangents: Array | None  # [V, 4]


def _split_corners(mesh: bpy.types.Mesh, tangents: NDArray[np.float32] | None) -> _Split:
    own = _read(mesh.loops, "vertex_index", 1, np.int32)
    normals = _read(mesh.corner_normals, "vector", 3)
    layer = mesh.uv_layers.active
    uvs = None if layer is None else _read(layer.uv, "vector", 2)
    parts = [own] + [part.view(np.int32) for part in (normals, uvs, tangents) if part is not None]
    rows = np.ascontiguousarray(np.concatenate(parts, axis=1))
    # Whole rows as one value each: many times faster to compare than rows of numbers.
    keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]
    _, first, corners = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)  # by first use, not by value: neighbours stay neighbours
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    first = first[order]
    return _Split(
        corners=place[corners],
        vertices=own[first, 0].astype(np.int64),
        normals=normals[first].astype(float),
        uvs=None if uvs is None else uvs[first].astype(float),
        tangents=None if tangents is None else tangents[first].astype(float),
    )


def _tangents(thing: bpy.types.Object, mesh: bpy.types.Mesh, warnings: list[str]) -> NDArray[np.float32] | None:
    """Tangents of the corners, [L, 4], as Blender bakes and shows pictures of normals; None where it has none."""
    layer = mesh.uv_layers.active
    problem = "has no texture coordinates"
    if layer is not None:
        try:
            mesh.calc_tangents(uvmap=layer.name)
        except RuntimeError:  # for faces of five corners and more
            problem = "has faces of more than four corners"
        else:
            return np.concatenate([_read(mesh.loops, "tangent", 3), _read(mesh.loops, "bitangent_sign", 1)], axis=1)
    warnings.append(f"'{thing.name}' {problem}: the directions of its relief are left to the viewer")
    return None


def _in_ground(tangents: Array | None, world: Array) -> Array | None:
    if tangents is None:
        return None
    sign = np.sign(np.linalg.det(world[:3, :3]))
    return np.column_stack([points_to_opensim(tangents[:, :3] @ world[:3, :3].T), sign * tangents[:, 3]])


def _rigid(
    thing: bpy.types.Object, armature: bpy.types.Object, mesh: bpy.types.Mesh
) -> tuple[tuple[str, ...], NDArray[np.int64], Array] | None:
    if not is_rigid(thing, armature):
        return None
    data: Any = armature.data
    count = len(mesh.vertices)
    name = body_of_bone(data.bones[thing.parent_bone])
    return (name,), np.zeros((count, 1), dtype=np.int64), np.ones((count, 1))


def _weights(
    thing: bpy.types.Object, armature: bpy.types.Object, mesh: bpy.types.Mesh
) -> tuple[tuple[str, ...], NDArray[np.int64], Array]:
    """Names of the bones, and for every vertex their indices and weights, [V, K], heaviest first."""
    data: Any = armature.data
    names, column = [], np.full(max(len(thing.vertex_groups), 1), -1, dtype=np.int64)
    for group in thing.vertex_groups:
        bone = data.bones.get(group.name)
        if bone is not None and bone.use_deform:
            column[group.index] = len(names)
            names.append(body_of_bone(bone))
    triples = [(v.index, g.group, g.weight) for v in mesh.vertices for g in v.groups if g.weight > 0.0]
    table = np.array(triples, dtype=np.float64).reshape(-1, 3)
    vertex, bone = table[:, 0].astype(np.int64), column[table[:, 1].astype(np.int64)]
    known = bone >= 0
    vertex, bone, weight = vertex[known], bone[known], table[known, 2]
    order = np.lexsort((-weight, vertex))
    vertex, bone, weight = vertex[order], bone[order], weight[order]
    # The place of an entry among its vertex's own: how far it is from the first one of them.
    place = np.arange(len(vertex)) - np.searchsorted(vertex, vertex)
    width = int(place.max()) + 1 if len(place) else 1
    bones, weights = np.zeros((len(mesh.vertices), width), dtype=np.int64), np.zeros((len(mesh.vertices), width))
    bones[vertex, place], weights[vertex, place] = bone, weight
    return tuple(names), bones, weights


def body_of_bone(bone: bpy.types.Bone) -> str:
    """An imported person's bones know their body's name, which Blender may have cut for the bone's own."""
    from ..simspine_addon.scene.armature import BODY_PROPERTY

    return str(bone.get(BODY_PROPERTY, bone.name))


def _read(items: Any, attribute: str, width: int, dtype: Any = np.float32) -> NDArray[Any]:
    values = np.empty(len(items) * width, dtype)
    items.foreach_get(attribute, values)
    return values.reshape(-1, width)
