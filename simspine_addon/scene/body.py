"""A simple human body around the skeleton: one smooth skin that bends with the bones, the lumbar spine included."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from .axes import points_to_blender, points_to_opensim
from .body_shape import body_tubes
from .studio import skin_material
from .tubes import carried_by, tube_mesh

Array = NDArray[np.float64]

VOXEL_M = 0.009  # edge of the voxels in which the tubes become one surface
# A few steps that flatten the seams between tubes, then pairs of a step in and a slightly longer one out
# (Taubin 1995), which even out the voxels without making thin hands thinner.
SMOOTHING = (0.5,) * 7 + (0.55, -0.565) * 14


@dataclass(frozen=True, slots=True)
class BuiltBody:
    """The skinned mesh object, and the same skin as arrays: vertices at rest in OpenSim's ground, who carries them."""

    object: bpy.types.Object
    rest_vertices: Array  # [N, 3] m
    bodies: NDArray[np.int64]  # [N, 4] indices into the pose track's bodies
    weights: Array  # [N, 4]


def build_body(
    armature: bpy.types.Object,
    track: PoseTrack,
    bones: dict[str, str] | None = None,
    see_through: bool = False,
    crown_height: float | None = None,
) -> BuiltBody:
    """Build a body around the rest pose of `track` and bind it to `armature`, whose rest pose is the same.

    `bones` names the bone of each body where it is not the body's own name; `crown_height` (m, at rest) is that of
    the top of the head, where it is known. The skin is blended linearly, as
    `weights` says; the same model gives the same mesh.

    Raises:
        InputError: the model has no trunk and legs to draw around.
    """
    tubes = body_tubes(track, crown_height)
    mesh = _one_surface([tube_mesh(tube) for tube in tubes])
    vertices = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", vertices)
    rest = points_to_opensim(vertices.reshape(-1, 3).astype(float))
    bodies, weights = carried_by(tubes, rest)
    obj = bpy.data.objects.new("SimSpine body", mesh)
    for collection in armature.users_collection:
        collection.objects.link(obj)
    _bind(obj, armature, [(bones or {}).get(name, name) for name in track.names], bodies, weights)
    mesh.materials.clear()
    mesh.materials.append(skin_material(see_through))
    mesh.shade_smooth()
    return BuiltBody(obj, rest, bodies, weights)


def _one_surface(parts: list[tuple[Array, list[list[int]]]]) -> bpy.types.Mesh:
    """The union of closed meshes (OpenSim's axes in, Blender's out), remeshed in voxels and smoothed."""
    offsets = np.cumsum([0, *(len(vertices) for vertices, _ in parts[:-1])])
    vertices = points_to_blender(np.concatenate([vertices for vertices, _ in parts]))
    faces = [[i + int(offset) for i in face] for offset, (_, part) in zip(offsets, parts, strict=True) for face in part]
    raw = bpy.data.meshes.new("SimSpine tubes")
    raw.from_pydata(vertices.tolist(), [], faces)
    maker = bpy.data.objects.new("SimSpine tubes", raw)
    scene = bpy.data.scenes.new("SimSpine workshop")  # modifiers are evaluated in a scene: not in the user's
    scene.collection.objects.link(maker)
    remesh = maker.modifiers.new("voxels", "REMESH")
    remesh.mode, remesh.voxel_size, remesh.adaptivity = "VOXEL", VOXEL_M, 0.0
    scene.view_layers[0].update()  # gives the new scene its dependency graph
    graph = scene.view_layers[0].depsgraph
    mesh = bpy.data.meshes.new_from_object(maker.evaluated_get(graph), depsgraph=graph)
    mesh.name = "SimSpine body"
    bpy.data.objects.remove(maker)
    bpy.data.meshes.remove(raw)
    bpy.data.scenes.remove(scene)
    _smooth(mesh)
    return mesh


def _smooth(mesh: bpy.types.Mesh) -> None:
    """Even out the voxels' steps and the seams between tubes; the volume stays."""
    count = len(mesh.vertices)
    places, edges = np.empty(count * 3, np.float32), np.empty(len(mesh.edges) * 2, np.int32)
    mesh.vertices.foreach_get("co", places)
    mesh.edges.foreach_get("vertices", edges)
    points, (one, other) = places.reshape(-1, 3).astype(float), edges.reshape(-1, 2).T
    neighbours = np.maximum(np.bincount(np.concatenate([one, other]), minlength=count), 1)[:, None]
    for step in SMOOTHING:
        mean = np.stack(
            [
                np.bincount(one, points[other, axis], count) + np.bincount(other, points[one, axis], count)
                for axis in range(3)
            ],
            axis=1,
        )
        points += step * (mean / neighbours - points)
    mesh.vertices.foreach_set("co", points.astype(np.float32).ravel())
    mesh.update()


def _bind(
    obj: bpy.types.Object, armature: bpy.types.Object, bones: list[str], bodies: NDArray[np.int64], weights: Array
) -> None:
    """Vertex groups named after the bones, an armature modifier, and the armature as parent."""
    for body in np.unique(bodies[weights > 0]):
        group = obj.vertex_groups.new(name=bones[body])
        share = np.where(bodies == body, weights, 0.0).sum(axis=1)
        for vertex in np.flatnonzero(share > 0).tolist():
            group.add([vertex], float(share[vertex]), "REPLACE")
    modifier = obj.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
    modifier.use_deform_preserve_volume = False
    obj.parent = armature
