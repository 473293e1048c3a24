"""The meshes that an armature moves: their skin and weights as arrays, and new weights back into vertex groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from .axes import points_to_opensim

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
ORIGINAL_SUFFIX = ".original"  # of the vertex groups that keep a rig's own weights; no bone has such a name
_LONGEST = 63 - len(ORIGINAL_SUFFIX)


@dataclass(frozen=True, slots=True)
class Skin:
    """Vertices [V, 3] m and triangles [F, 3] of several meshes in OpenSim's ground, one after the other.

    `bones` and `shares` [V, K] are the weights; `starts` [M + 1] is where each of `objects` begins.
    """

    objects: tuple[bpy.types.Object, ...]
    starts: Indices
    vertices: Array
    triangles: Indices
    bones: Indices
    shares: Array


def bound_meshes(armature: bpy.types.Object) -> tuple[bpy.types.Object, ...]:
    """Mesh objects that the armature deforms through vertex groups: by a modifier, or as their armature parent.

    Objects that share one mesh are listed once.
    """
    found: dict[str, bpy.types.Object] = {}
    for thing in bpy.data.objects:
        if thing.type == "MESH" and thing.data is not None and _is_bound(thing, armature):
            found.setdefault(thing.data.name_full, thing)
    return tuple(found.values())


def _is_bound(thing: bpy.types.Object, armature: bpy.types.Object) -> bool:
    modifiers = [modifier for modifier in thing.modifiers if modifier.type == "ARMATURE"]
    if any(modifier.object == armature and modifier.use_vertex_groups for modifier in modifiers):  # type: ignore[attr-defined]
        return True
    return thing.parent == armature and thing.parent_type == "ARMATURE"


def refuse_meshes(objects: Sequence[bpy.types.Object], armature: bpy.types.Object, new_groups: Sequence[str]) -> None:
    """Make sure that the meshes' weights may be changed.

    Raises:
        InputError: no mesh, a linked one, one that another armature's object shares, or names that are taken.
    """
    if not objects:
        raise InputError(f"no mesh is bound to the armature '{armature.name}'", hint="parent the body's mesh to it")
    for thing in objects:
        if not isinstance(thing.data, bpy.types.Mesh):
            raise InputError(f"'{thing.name}' is not a mesh", hint="choose the meshes that the armature moves")
        if not (thing.is_editable and thing.data.is_editable):
            problem = f"the mesh '{thing.name}' is linked from another file"
            raise InputError(problem, hint="make it local (Object > Relations > Make Local)")
        others = [each for each in bpy.data.objects if each.data == thing.data and not _is_bound(each, armature)]
        if others:
            problem = (
                f"the mesh of '{thing.name}' is also that of '{others[0].name}', which this armature does not move"
            )
            raise InputError(problem, hint="make it single-user (Object > Relations > Make Single User)")
        taken = [name for name in new_groups if name in thing.vertex_groups]
        if taken:
            problem = f"the mesh '{thing.name}' has a vertex group named '{taken[0]}' already"
            raise InputError(problem, hint="rename that vertex group")


def read_skin(objects: Sequence[bpy.types.Object], bone_names: Sequence[str]) -> Skin:
    """The meshes at rest where their objects stand, with the weights that bones of these names have."""
    place = {name: i for i, name in enumerate(bone_names)}
    vertices, triangles, weights = [], [], []
    starts = [0]
    for thing in objects:
        mesh = _mesh(thing)
        local = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", local)
        world = np.array(thing.matrix_world, dtype=np.float64)
        vertices.append(points_to_opensim(local.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]))
        triangles.append(_triangles(mesh) + starts[-1])
        weights += _weights(thing, place)
        starts.append(starts[-1] + len(mesh.vertices))
    widest = max((len(each) for each in weights), default=0)
    bones, shares = np.zeros((len(weights), max(widest, 1)), np.int64), np.zeros((len(weights), max(widest, 1)))
    for vertex, each in enumerate(weights):
        for column, (bone, share) in enumerate(each):
            bones[vertex, column], shares[vertex, column] = bone, share
    return Skin(tuple(objects), np.array(starts), np.concatenate(vertices), np.concatenate(triangles), bones, shares)


def write_weights(
    skin: Skin, bones: Indices, shares: Array, bone_names: Sequence[str], old: Sequence[str], new: Sequence[str]
) -> None:
    """Give the meshes new weights on the bones named in `old` and `new`; all other vertex groups stay as they are.

    The groups of `old` live on under another name that no bone has.

    Args:
        skin: from `read_skin`.
        bones: [V, K] into `bone_names`.
        shares: [V, K].
        bone_names: of the whole skeleton.
        old: bones that had weights before.
        new: bones that may have some now.
    """
    for number, thing in enumerate(skin.objects):
        for name in old:
            group = thing.vertex_groups.get(name)
            if group is not None:
                group.name = original_group(name)
        rows = slice(int(skin.starts[number]), int(skin.starts[number + 1]))
        for name in (*old, *new):
            share = np.where(bones[rows] == bone_names.index(name), shares[rows], 0.0).sum(axis=1)
            if not np.any(share > 0.0):
                continue
            group = thing.vertex_groups.new(name=name)
            for vertex in np.flatnonzero(share > 0.0).tolist():
                group.add([vertex], float(share[vertex]), "REPLACE")


def original_group(bone_name: str) -> str:
    """The vertex group that keeps a bone's own weights while vertebrae have them."""
    return bone_name.encode()[:_LONGEST].decode(errors="ignore") + ORIGINAL_SUFFIX


def _weights(thing: bpy.types.Object, place: dict[str, int]) -> list[list[tuple[int, float]]]:
    """Each vertex' bones with their weights; groups of no bone count nothing."""
    bone_of = {group.index: place[group.name] for group in thing.vertex_groups if group.name in place}
    return [
        [(bone_of[each.group], each.weight) for each in vertex.groups if each.group in bone_of and each.weight > 0.0]
        for vertex in _mesh(thing).vertices
    ]


def _triangles(mesh: bpy.types.Mesh) -> Indices:
    mesh.calc_loop_triangles()
    corners = np.empty(3 * len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("vertices", corners)
    return corners.reshape(-1, 3).astype(np.int64)


def _mesh(thing: bpy.types.Object) -> bpy.types.Mesh:
    assert isinstance(thing.data, bpy.types.Mesh)
    return thing.data
