"""The triangles of everything in a scene that stands still: what can stand between a camera and a person."""

# bpy makes its submodules at run time, so their names cannot be checked
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np
from numpy.typing import NDArray

from .axes import points_to_opensim

Array = NDArray[np.float64]

_WITH_FACES = {"MESH", "CURVE", "SURFACE", "FONT", "META"}


def scene_triangles(
    scene: bpy.types.Scene, leave_out: Iterable[bpy.types.Object] = ()
) -> tuple[Array, NDArray[np.int64]]:
    """Vertices [N, 3] (m, OpenSim's ground) and triangles [F, 3] of all that is rendered, instances included.

    Without the objects of `leave_out` (those that move) and their children, and without what cameras do not see.
    `scene` has to be the context's. Surfaces count as solid, whatever their materials let through.
    """
    bpy.context.view_layer.update()
    graph = bpy.context.evaluated_depsgraph_get()
    movers = {obj.name_full for obj in leave_out}
    vertices, triangles, count = [], [], 0
    for instance in graph.object_instances:
        obj = instance.object
        if obj.type not in _WITH_FACES or not _is_rendered(obj.original) or _moves(instance, movers):
            continue
        places, corners = _mesh_arrays(obj, np.array(instance.matrix_world, dtype=float))
        vertices.append(places)
        triangles.append(corners + count)
        count += len(places)
    if not vertices:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    return points_to_opensim(np.concatenate(vertices)), np.concatenate(triangles)


def _is_rendered(obj: bpy.types.Object) -> bool:
    return not obj.hide_render and getattr(obj, "visible_camera", True)


def _moves(instance: bpy.types.DepsgraphObjectInstance, movers: set[str]) -> bool:
    obj = instance.parent if instance.is_instance and instance.parent is not None else instance.object
    thing = obj.original
    while thing is not None:
        if thing.name_full in movers:
            return True
        thing = thing.parent
    return False


def _mesh_arrays(obj: bpy.types.Object, world: Array) -> tuple[Array, NDArray[np.int64]]:
    mesh = obj.to_mesh()
    try:
        mesh.calc_loop_triangles()
        places, corners = np.empty(len(mesh.vertices) * 3, np.float32), np.empty(len(mesh.loop_triangles) * 3, np.int32)
        mesh.vertices.foreach_get("co", places)
        mesh.loop_triangles.foreach_get("vertices", corners)
    finally:
        obj.to_mesh_clear()
    in_world = places.reshape(-1, 3).astype(float) @ world[:3, :3].T + world[:3, 3]
    return in_world, corners.reshape(-1, 3).astype(np.int64)
