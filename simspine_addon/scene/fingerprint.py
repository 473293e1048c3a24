"""A hash of everything in a scene that decides what its surroundings look like: geometry, materials, lights, world.

What it is for: a picture of the surroundings may be taken again from disk only if they have not changed in any way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import bpy
import numpy as np

_WITH_SURFACE = {"MESH", "CURVE", "SURFACE", "META", "FONT"}
_NOT_SEEN = {
    "rna_type", "name", "name_full", "users", "tag", "session_uid", "is_evaluated", "original", "preview", "library",
    "asset_data", "animation_data", "id_data", "location_absolute", "location", "dimensions", "select", "show_expanded",
    "view_center", "is_runtime_data", "is_missing", "is_embedded_data", "color_tag", "warning_propagation",
    "use_fake_user", "use_nodes", "use_extra_user", "library_weak_reference", "override_library",
    "is_library_indirect", "parent",
}  # fmt: skip
_WITHOUT_LOOK = {"CAMERA", "ARMATURE", "EMPTY", "SPEAKER", "LATTICE", "LIGHT_PROBE"}
_DEEPEST = 12  # of data within data: a node group in a group in a material


def surroundings_fingerprint(scene: bpy.types.Scene, movers: Iterable[bpy.types.Object]) -> str:
    """SHA-256 (hex) of what is rendered of the scene without its movers and cameras, as it stands at this frame.

    Names and the order in which objects were made do not count. Motion blur, which these views never have, neither.
    """
    moving = {obj.name for obj in movers}
    graph = bpy.context.evaluated_depsgraph_get()
    there = [
        obj for obj in scene.objects if obj.name not in moving and not obj.hide_render and obj.type not in _WITHOUT_LOOK
    ]
    prints = sorted(_object_print(obj, graph) for obj in there)
    whole = hashlib.sha256("".join(prints).encode())
    whole.update(bpy.app.version_string.encode())
    for part in (scene.world, scene.view_settings, scene.display_settings):
        _add(whole, part, _DEEPEST)
    whole.update(repr((scene.render.film_transparent, scene.render.dither_intensity)).encode())
    return whole.hexdigest()


def _object_print(obj: bpy.types.Object, graph: bpy.types.Depsgraph) -> str:
    one = hashlib.sha256(obj.type.encode())
    seen = obj.evaluated_get(graph)
    one.update(np.array(seen.matrix_world, dtype=np.float32).tobytes())
    shown = ("visible_camera", "visible_diffuse", "visible_glossy", "visible_transmission", "visible_shadow")
    one.update(repr([getattr(obj, name) for name in shown]).encode())
    if obj.type in _WITH_SURFACE:
        _add_surface(one, seen, graph)
    elif obj.data is not None:
        _add(one, obj.data, _DEEPEST)
    for slot in obj.material_slots:
        _add(one, slot.material, _DEEPEST)
    return one.hexdigest()


def _add_surface(one: hashlib._Hash, seen: bpy.types.Object, graph: bpy.types.Depsgraph) -> None:
    mesh = seen.to_mesh(preserve_all_data_layers=True, depsgraph=graph)
    try:
        for values, name, width, kind in (
            (mesh.vertices, "co", 3, np.float32),
            (mesh.loops, "vertex_index", 1, np.int32),
            (mesh.polygons, "loop_total", 1, np.int32),
            (mesh.polygons, "material_index", 1, np.int32),
            (mesh.polygons, "use_smooth", 1, bool),
        ):
            numbers = np.empty(len(values) * width, kind)
            values.foreach_get(name, numbers)
            one.update(numbers.tobytes())
        for layer in mesh.uv_layers:
            numbers = np.empty(len(layer.uv) * 2, np.float32)
            layer.uv.foreach_get("vector", numbers)
            one.update(numbers.tobytes())
    finally:
        seen.to_mesh_clear()


def _add(one: hashlib._Hash, data: object, depth: int) -> None:
    """Take in every property of a piece of Blender's data, and of what it points to."""
    if data is None or depth == 0:
        one.update(b"-")
        return
    assert isinstance(data, bpy.types.bpy_struct)
    if isinstance(data, bpy.types.Image):
        _add_image(one, data)
        return
    one.update(data.bl_rna.identifier.encode())
    if isinstance(data, bpy.types.NodeLink):
        ends = (data.from_node.name, data.from_socket.identifier, data.to_node.name, data.to_socket.identifier)
        one.update(repr(ends).encode())
        return
    if isinstance(data, bpy.types.Node):
        one.update(data.name.encode())  # links name the nodes between which they run
    for name in sorted(data.bl_rna.properties.keys()):
        if name not in _NOT_SEEN and not name.startswith(("bl_", "is_", "show_", "select")):
            _add_value(one, data, name, depth)


def _add_value(one: hashlib._Hash, data: bpy.types.bpy_struct, name: str, depth: int) -> None:
    kind = data.bl_rna.properties[name].type
    if kind == "POINTER":
        value = getattr(data, name)
        if isinstance(value, bpy.types.Object):  # its place counts, not all that hangs on it
            one.update(np.array(value.matrix_world, dtype=np.float32).tobytes())
        elif not isinstance(value, bpy.types.Node | bpy.types.Scene | bpy.types.Text):
            one.update(name.encode())
            _add(one, value, depth - 1)
    elif kind == "COLLECTION":
        one.update(name.encode())
        for value in getattr(data, name):
            _add(one, value, depth - 1)
    else:
        value = getattr(data, name)
        values = tuple(value) if hasattr(value, "__len__") and not isinstance(value, str | set) else value
        one.update(repr((name, sorted(values) if isinstance(values, set) else values)).encode())


def _add_image(one: hashlib._Hash, image: bpy.types.Image) -> None:
    one.update(repr((tuple(image.size), image.colorspace_settings.name, image.alpha_mode)).encode())
    numbers = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(numbers)
    one.update(numbers.tobytes())
