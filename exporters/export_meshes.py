"""The meshes that hang on an armature, copied from Blender with their materials for an exporter of Blender's."""

# bpy makes its submodules at run time, so their names cannot be checked
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.scene.axes import points_to_opensim
from .skinned_meshes import at_rest, body_of_bone, hangs_on, is_rigid

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MeshCopy:
    """A mesh at rest: `places` [V, 3] m in OpenSim's ground; `body[e]` moves `vertex[e]` by `weight[e]`."""

    name: str
    data: Any  # bpy.types.Mesh, ours to change
    places: Array
    vertex: Indices
    body: tuple[str, ...]
    weight: Array

    def placed(self, moves: Mapping[str, Array]) -> Array:
        """The vertices [V, 3] where bodies that `moves` [4, 4] puts elsewhere carry them."""
        if all(np.allclose(move, np.eye(4), atol=1e-9) for move in moves.values()):
            return self.places
        still = np.eye(4)
        matrices = np.array([moves.get(body, still) for body in self.body]).reshape(-1, 4, 4)
        total = np.bincount(self.vertex, self.weight, len(self.places))
        points = np.column_stack([self.places, np.ones(len(self.places))])[self.vertex]
        moved = np.einsum("eij,ej->ei", matrices[:, :3], points) * self.weight[:, None]
        sums = np.stack([np.bincount(self.vertex, moved[:, axis], len(self.places)) for axis in range(3)], axis=1)
        return np.where(total[:, None] > 0.0, sums / np.where(total > 0.0, total, 1.0)[:, None], self.places)

    def carried(self, carrier: Mapping[str, int]) -> tuple[Indices, Indices, Array]:
        """Vertex, bone and weight of every entry, once the bodies are carried by others; they are added up."""
        known = np.array([body in carrier for body in self.body], dtype=bool)
        bones = np.array([carrier.get(body, -1) for body in self.body], dtype=np.int64)[known]
        pairs, place = np.unique(np.column_stack([self.vertex[known], bones]), axis=0, return_inverse=True)
        weights = np.bincount(place.ravel(), self.weight[known], len(pairs))
        return pairs[:, 0], pairs[:, 1], weights


def copied_meshes(armature: bpy.types.Object) -> tuple[tuple[MeshCopy, ...], tuple[str, ...]]:
    """Every visible mesh of the current scene that an armature moves, and a sentence for each that is left out.

    Modifiers are applied, the armature's own aside. The scene is as before afterwards.
    """
    found, warnings = [], []
    with at_rest(armature):
        graph = bpy.context.evaluated_depsgraph_get()
        for thing in bpy.context.scene.objects:
            if thing.type != "MESH" or not hangs_on(thing, armature):
                continue
            if thing.hide_render or not thing.visible_get():
                warnings.append(f"'{thing.name}' is hidden and left out")
                continue
            found.append(_copied(thing, armature, graph))
    return tuple(found), tuple(warnings)


def discard(meshes: tuple[MeshCopy, ...]) -> None:
    """Remove copies that no scene took over."""
    alive = {mesh.as_pointer() for mesh in bpy.data.meshes}
    bpy.data.batch_remove([mesh.data for mesh in meshes if _is_alive(mesh.data, alive)])


def _is_alive(data: Any, alive: set[int]) -> bool:
    try:
        return data.as_pointer() in alive
    except ReferenceError:
        return False


def _copied(thing: bpy.types.Object, armature: bpy.types.Object, graph: bpy.types.Depsgraph) -> MeshCopy:
    evaluated = thing.evaluated_get(graph)
    data = bpy.data.meshes.new_from_object(evaluated, preserve_all_data_layers=True, depsgraph=graph)
    places = np.empty(3 * len(data.vertices), np.float32)
    data.vertices.foreach_get("co", places)
    for index, slot in enumerate(thing.material_slots):  # materials may hang on the object, which the copy knows not
        if index < len(data.materials):
            data.materials[index] = slot.material
        else:
            data.materials.append(slot.material)
    world = np.array(evaluated.matrix_world, dtype=np.float64)
    ground = points_to_opensim(places.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])
    bones = armature.data.bones
    if is_rigid(thing, armature):
        body = body_of_bone(bones[thing.parent_bone])
        count = len(data.vertices)
        return MeshCopy(thing.name, data, ground, np.arange(count), (body,) * count, np.ones(count))
    groups = {group.index: bones.get(group.name) for group in thing.vertex_groups}
    bodies = {index: body_of_bone(bone) for index, bone in groups.items() if bone is not None and bone.use_deform}
    entries = [
        (vertex.index, bodies[each.group], each.weight)
        for vertex in data.vertices
        for each in vertex.groups
        if each.weight > 0.0 and each.group in bodies
    ]
    vertex, body, weight = zip(*entries, strict=True) if entries else ((), (), ())
    return MeshCopy(thing.name, data, ground, np.array(vertex, dtype=np.int64), body, np.array(weight, dtype=float))
