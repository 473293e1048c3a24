"""The model's bones as meshes on the armature: one object per piece of geometry, carried by its body's bone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..kinematics.quaternions import quaternions_from_matrices
from ..model.errors import InputError
from ..model.mesh_files import MeshData, read_mesh
from ..model.mesh_search import find_mesh
from ..model.types import GROUND, Geometry, Marker, Model
from .armature import OFFSET_PROPERTY
from .axes import frames_to_blender
from .materials import MaterialPalette
from .shapes import analytic_shape

Array = NDArray[np.float64]
_SHARP_EDGE = np.radians(40.0)  # the rim of a cylinder stays an edge, the ring of a sphere does not
_MARKER_SIZE_M = 0.01


@dataclass(slots=True)
class GeometryImport:
    """What `add_geometry` made, and what it could not make."""

    objects: list[bpy.types.Object] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def add_geometry(
    armature: bpy.types.Object,
    model: Model,
    bone_names: Sequence[str],
    collection: bpy.types.Collection,
    geometry_dirs: Iterable[str | Path] = (),
) -> GeometryImport:
    """Put the model's geometry into `collection`, each piece parented to its body's bone.

    An object's location, rotation and scale are those of the geometry in the body's own frame. A file that several
    pieces name is read once. What has no mesh or an unreadable one is left out, with a warning that says so.

    Args:
        armature: from `build_armature`.
        bone_names: [B], the bone of each body.
        geometry_dirs: folders to look in besides the model's own.
    """
    result = GeometryImport()
    meshes = _MeshShelf(model.path, tuple(geometry_dirs), result.warnings)
    palette = MaterialPalette()
    for geometry in model.geometry:
        mesh = meshes.mesh(geometry)
        if mesh is None:
            continue
        thing = bpy.data.objects.new(_object_name(geometry), mesh)
        collection.objects.link(thing)
        _color(thing, palette.material(geometry.color, geometry.opacity))
        thing.hide_viewport = thing.hide_render = not geometry.visible
        bone_name = None if geometry.body == GROUND else bone_names[geometry.body]
        attach_to_body(thing, armature, bone_name, geometry.transform, geometry.scale)
        result.objects.append(thing)
    if meshes.missing:
        names = ", ".join(sorted(meshes.missing)[:5]) + (" and others" if len(meshes.missing) > 5 else "")
        result.warnings.append(
            f"meshes not found and not shown: {len(meshes.missing)} ({names}); add the folder that holds them"
        )
    if meshes.repeated_faces:
        files, faces = len(meshes.repeated_faces), sum(meshes.repeated_faces.values())
        result.warnings.append(f"faces that mesh files hold more than once are drawn once ({faces} in {files} files)")
    return result


def add_markers(
    armature: bpy.types.Object, model: Model, bone_names: Sequence[str], collection: bpy.types.Collection
) -> list[bpy.types.Object]:
    """The model's markers as small empties in `collection`, each parented to its body's bone."""
    return [_add_marker(armature, marker, bone_names, collection) for marker in model.markers]


def attach_to_body(
    thing: bpy.types.Object,
    armature: bpy.types.Object,
    bone_name: str | None,
    transform: Array,
    scale: Array | Sequence[float] = (1.0, 1.0, 1.0),
) -> None:
    """Parent `thing` to a body so that its own channels are its place in the body's frame.

    Args:
        bone_name: the body's bone; None for ground, which the armature object then stands for.
        transform: [4, 4] rigid, from the object's coordinates (after `scale`) into the body's frame.
        scale: [3].
    """
    thing.parent = armature
    if bone_name is None:
        ground = frames_to_blender(np.zeros(3), np.eye(3))
        thing.matrix_parent_inverse = _columns(ground)
    else:
        assert isinstance(armature.data, bpy.types.Armature)
        bone = armature.data.bones[bone_name]
        # Blender measures what a bone carries from its tail, not from its head.
        from_tail = np.eye(4)
        from_tail[1, 3] = -bone.length
        offset = np.array(bone[OFFSET_PROPERTY], dtype=np.float64).reshape(4, 4)
        thing.parent_type, thing.parent_bone = "BONE", bone_name
        thing.matrix_parent_inverse = _columns(from_tail @ offset)
    thing.rotation_mode = "QUATERNION"
    thing.location = transform[:3, 3]
    thing.rotation_quaternion = quaternions_from_matrices(transform[:3, :3])
    thing.scale = scale


def _columns(matrix: Array) -> list[list[float]]:
    """Blender takes a plain list for a matrix column by column."""
    return matrix.T.tolist()


class _MeshShelf:
    """Meshes by file, each read once; shapes are made for each piece."""

    def __init__(self, model_path: Path | None, folders: tuple[str | Path, ...], warnings: list[str]) -> None:
        self._model_path = model_path
        self._folders = folders
        self._warnings = warnings
        self._by_file: dict[str, bpy.types.Mesh | None] = {}
        self.repeated_faces: dict[str, int] = {}
        self.missing: list[str] = []

    def mesh(self, geometry: Geometry) -> bpy.types.Mesh | None:
        if geometry.kind == "mesh":
            return self._mesh_of_file(geometry)
        shape = analytic_shape(geometry)
        if shape is None:
            self._warnings.append(f"geometry '{geometry.name}' of kind '{geometry.kind}' cannot be drawn")
            return None
        vertices, edges, polygons = shape
        mesh = bpy.data.meshes.new(geometry.name)
        mesh.from_pydata(vertices.tolist(), edges, polygons)
        mesh.shade_smooth()
        mesh.set_sharp_from_angle(angle=_SHARP_EDGE)
        return mesh

    def _mesh_of_file(self, geometry: Geometry) -> bpy.types.Mesh | None:
        if not geometry.file:
            self._warnings.append(f"geometry '{geometry.name}' names no mesh file and is not shown")
            return None
        if geometry.bend is not None:  # as no other piece of the file is
            return self._read(geometry.file, geometry)
        if geometry.file not in self._by_file:
            self._by_file[geometry.file] = self._read(geometry.file)
        return self._by_file[geometry.file]

    def _read(self, file: str, bent: Geometry | None = None) -> bpy.types.Mesh | None:
        path = find_mesh(file, self._model_path, self._folders)
        if path is None:
            self.missing.append(file)
            return None
        try:
            data = read_mesh(path)
        except InputError as error:
            self._warnings.append(f"{error} (this mesh is not shown)")
            return None
        self._warnings.extend(data.warnings)
        if bent is not None and bent.bend is not None:
            data = replace(data, vertices=bent.bend.vertices(data.vertices, bent.transform, bent.scale))
        mesh = new_mesh(data)
        if len(mesh.polygons) < data.face_count:
            self.repeated_faces[file] = data.face_count - len(mesh.polygons)
        return mesh


def new_mesh(data: MeshData) -> bpy.types.Mesh:
    """A mesh data-block, smooth, in the coordinates of its file; a face that is there twice is kept once."""
    mesh = bpy.data.meshes.new(data.name)
    mesh.vertices.add(len(data.vertices))
    mesh.vertices.foreach_set("co", data.vertices.astype(np.float32).ravel())
    mesh.loops.add(len(data.indices))
    mesh.loops.foreach_set("vertex_index", data.indices.astype(np.int32))
    mesh.polygons.add(data.face_count)
    mesh.polygons.foreach_set("loop_start", data.offsets[:-1].astype(np.int32))
    mesh.validate()
    mesh.update(calc_edges=True)
    mesh.shade_smooth()
    return mesh


def _color(thing: bpy.types.Object, material: bpy.types.Material) -> None:
    """On the object, since several pieces share a mesh and need not share its colour."""
    assert isinstance(thing.data, bpy.types.Mesh)
    if not thing.data.materials:
        thing.data.materials.append(None)
    thing.material_slots[0].link = "OBJECT"
    thing.material_slots[0].material = material
    thing.color = material.diffuse_color


def _object_name(geometry: Geometry) -> str:
    """The file's stem says which bone it is; the names that OpenSim makes up ("pelvis_geom_1") do not."""
    return Path(geometry.file.replace("\\", "/")).stem if geometry.file else geometry.name


def _add_marker(
    armature: bpy.types.Object, marker: Marker, bone_names: Sequence[str], collection: bpy.types.Collection
) -> bpy.types.Object:
    empty = bpy.data.objects.new(marker.name, None)
    empty.empty_display_type, empty.empty_display_size = "SPHERE", _MARKER_SIZE_M
    collection.objects.link(empty)
    place = np.eye(4)
    place[:3, 3] = marker.location
    attach_to_body(empty, armature, None if marker.body == GROUND else bone_names[marker.body], place)
    return empty
