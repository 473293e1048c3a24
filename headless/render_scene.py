"""The scene of a render job: the person and the studio in Blender, and the same surface as arrays for the labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..exporters.outline import (
    SkinnedPoints,
    Surface,
    SurfacePart,
    blended_points,
    joined_surface,
    one_piece,
    outermost,
    rigid_points,
)
from ..sample_rigs.avatars.avatar import Avatar
from ..sample_rigs.avatars.keypoint_places import triangles_of
from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.types import GROUND, Model
from ..simspine_addon.scene.armature import body_offsets, rest_matrices
from ..simspine_addon.scene.avatar import add_avatar
from ..simspine_addon.scene.axes import points_to_blender
from ..simspine_addon.scene.body import build_body
from ..simspine_addon.scene.compat import new_action
from ..simspine_addon.scene.import_motion import import_person
from ..simspine_addon.scene.keyframes import write_pose_curves
from ..simspine_addon.scene.names import fitting_names
from ..simspine_addon.scene.retarget_keys import key_track
from ..simspine_addon.scene.stick_bones import add_stick_bones
from ..simspine_addon.scene.studio import build_studio, color_bones
from ..simspine_addon.scene.visibility_layers import NOT_SKIN
from ..simspine_addon.spine.keypoints import KEYPOINT_NAMES, keypoint_places
from ..simspine_addon.spine.levels import lumbar_levels
from .render_avatar import MovingAvatar

Array = NDArray[np.float64]
Keyed = tuple[PoseTrack, Array]  # poses and the scene's frames on which they fall

_FLOOR_POSES = 120  # at how many poses the lowest point is looked for
_ON_SKIN = ("lips", "sclera", "iris", "pupil", "hair")  # materials that hide no keypoint of their own person
# How far out each garment is worn; soles and uppers go together, and skin is 0.
_WORN = {"shirt": 3, "trousers": 2, "shoes": 1, "soles": 1}


@dataclass(frozen=True, slots=True)
class Person:
    """The person in the scene: `surface` is what the cameras see, carried by the pose track's bodies (an avatar's
    bones); `objects` is everything in Blender that moves with them, the armature first."""

    armature: bpy.types.Object
    surface: Surface
    objects: tuple[bpy.types.Object, ...]
    warnings: tuple[str, ...]

    @property
    def parts(self) -> tuple[SkinnedPoints, ...]:
        """The vertices of the surface, part by part."""
        return self.surface.points


def add_person(
    scene: bpy.types.Scene,
    model: Model,
    poses: PoseTrack,
    avatar: str,
    geometry: Sequence[Path],
    shutter: Keyed | None = None,
) -> Person:
    """Bring the model into the scene as skeleton, body or both; `poses` fall on frames 1, 2, 3 ...

    `shutter` are the poses while it is open and their frames, of `shutter_poses`, to be keyed instead.

    Raises:
        InputError: poses that cannot be used, or a model that no body can be drawn around.
    """
    with_bones = avatar != "body"
    imported = import_person(scene, model, None, poses, fps=1.0, geometry_dirs=geometry, with_meshes=with_bones)
    names, _ = fitting_names(poses.names, "body")
    if shutter is not None:
        _key_again(imported.armature, names, *shutter)
    parts: list[SurfacePart] = []
    objects = [imported.armature]
    notes = list(imported.warnings)
    if with_bones:
        bones = [obj for obj in imported.objects if obj.type == "MESH" and not obj.hide_render]
        if not bones:
            bones = add_stick_bones(imported.armature, poses, names)
            notes.append("the model has no bone meshes here, so its bones are drawn as plain sticks")
        objects += bones
        parts += bone_parts(bones, names, counts=avatar == "skeleton")
        levels = _lumbar_levels_of_bodies(model)
        color_bones((obj, levels.get(_body_of(obj, names))) for obj in bones)
    if avatar != "skeleton":
        bones_of = dict(zip(poses.names, names, strict=True))
        body = build_body(imported.armature, poses, bones_of, avatar == "both", _crown_height(model, poses))
        objects.append(body.object)
        skin = blended_points(body.rest_vertices, body.bodies, body.weights, poses)
        parts.append(one_piece(skin, _triangles(body.object)))
    surface = joined_surface(parts, bones_alone=avatar == "skeleton")
    return Person(imported.armature, surface, tuple(objects), tuple(notes))


def add_moving_avatar(
    scene: bpy.types.Scene, moving: MovingAvatar, poses: PoseTrack, shutter: Keyed | None = None
) -> Person:
    """Bring a dressed avatar into the scene; `poses` of its bones fall on frames 1, 2, 3 ...; `shutter` as there.

    Raises:
        InputError: its armature cannot be keyed.
    """
    avatar = moving.avatar
    added = add_avatar(scene, avatar, avatar.name)
    track, frames = shutter or (poses, np.arange(1.0, len(poses.time) + 1.0))
    keyed = key_track(added.armature, track, frames, moving.mapped_bones, f"{avatar.name} motion")
    order = np.argsort(-avatar.weight_shares, axis=1, kind="stable")  # the main bone first: see `outermost`
    bones = np.take_along_axis(avatar.weight_bones, order, axis=1)
    shares = np.take_along_axis(avatar.weight_shares, order, axis=1)
    skin = blended_points(avatar.vertices, bones, shares, poses)
    surface = joined_surface([_dressed(avatar, skin)])
    return Person(added.armature, surface, (added.armature, added.mesh), keyed.notes)


def add_studio(scene: bpy.types.Scene, person: Person, whole_track: PoseTrack) -> None:
    """The studio, around wherever the whole motion goes: it is the same whichever rows are rendered."""
    points = surface_samples(person, whole_track)
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    centre = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    radius = float(np.hypot(high[0] - low[0], high[2] - low[2]) / 2)
    build_studio(scene, points_to_blender(centre), max(radius, 0.8))


def surface_samples(person: Person, track: PoseTrack) -> Array:
    """Outermost points of the person at up to 120 poses spread over a motion, [T, N, 3] m in ground."""
    few = outermost(list(person.parts))
    count = len(track.time)
    rows = np.unique(np.linspace(0, count - 1, min(count, _FLOOR_POSES)).round().astype(int))
    return np.stack([few.at(track, int(row)) for row in rows])


def rendered_surface(bones: Iterable[bpy.types.Object], names: Sequence[str]) -> list[SkinnedPoints]:
    """The vertices of bone meshes, each in the frame of the body that carries it; without what is fixed to the ground.

    `names` are the bones' names in the order of the pose track's bodies.
    """
    return [part.points for part in bone_parts(bones, names)]


def bone_parts(bones: Iterable[bpy.types.Object], names: Sequence[str], counts: bool = True) -> list[SurfacePart]:
    """The bone meshes with their faces, otherwise as `rendered_surface`; `counts` as `outline.one_piece`."""
    parts = []
    for obj in bones:
        points = _carried(obj, names)
        if points is not None:
            parts.append(one_piece(points, _triangles(obj), counts))
    return parts


def _key_again(armature: bpy.types.Object, names: Sequence[str], track: PoseTrack, frames: Array) -> None:
    """Other keys for the bones of a model."""
    assert armature.animation_data is not None
    assert armature.animation_data.action is not None
    bpy.data.actions.remove(armature.animation_data.action)
    _, curves = new_action(armature, f"{armature.name} motion")
    write_pose_curves(curves, track, names, frames, rest_matrices(armature, names), body_offsets(armature, names))


def _dressed(avatar: Avatar, points: SkinnedPoints) -> SurfacePart:
    """An avatar's faces, told apart by material."""
    sizes = np.diff(avatar.offsets)
    material = np.repeat(avatar.face_material, sizes - 2)  # of each triangle of the polygons' fans
    names = [each.name for each in avatar.materials]
    worn = _WORN if "skin" in names else {}  # a mannequin is painted, not dressed: all of it is one skin
    ranks = np.array([worn.get(name, 0) for name in names], np.int64)
    skin = len(names)
    pieces = np.array([NOT_SKIN if name in _ON_SKIN else i if ranks[i] else skin for i, name in enumerate(names)])
    return SurfacePart(points, triangles_of(avatar), pieces[material], ranks[material])


def _triangles(obj: bpy.types.Object) -> NDArray[np.int64]:
    """A mesh object's triangles [F, 3], counter-clockwise from outside."""
    assert isinstance(obj.data, bpy.types.Mesh)
    obj.data.calc_loop_triangles()
    corners = np.empty(len(obj.data.loop_triangles) * 3, np.int32)
    obj.data.loop_triangles.foreach_get("vertices", corners)
    triangles = corners.reshape(-1, 3).astype(np.int64)
    mirrored = np.linalg.det(np.array(obj.matrix_basis, dtype=float)[:3, :3]) < 0.0
    return triangles[:, ::-1] if mirrored else triangles


def _carried(obj: bpy.types.Object, names: Sequence[str]) -> SkinnedPoints | None:
    """A bone's vertices in the frame of its body; None for what is fixed to the ground."""
    body = _body_of(obj, names)
    if body is None or not isinstance(obj.data, bpy.types.Mesh) or not len(obj.data.vertices):
        return None
    vertices = np.empty(len(obj.data.vertices) * 3, np.float32)
    obj.data.vertices.foreach_get("co", vertices)
    own = np.array(obj.matrix_basis, dtype=float)  # into the body's frame: see scene/geometry.py
    return rigid_points(vertices.reshape(-1, 3).astype(float) @ own[:3, :3].T + own[:3, 3], body)


def _body_of(obj: bpy.types.Object, names: Sequence[str]) -> int | None:
    return list(names).index(obj.parent_bone) if obj.parent_type == "BONE" and obj.parent_bone in names else None


def _crown_height(model: Model, poses: PoseTrack) -> float | None:
    """Height (m) of the keypoint `Head`, the top of the head, at rest; None where the model has none."""
    places = keypoint_places(model)
    index = KEYPOINT_NAMES.index("Head")
    body = int(places.bodies[index])
    if body == GROUND or not np.isfinite(places.locations[index]).all():
        return None
    return float((poses.rest_positions[body] + poses.rest_rotations[body] @ places.locations[index])[1])


def _lumbar_levels_of_bodies(model: Model) -> dict[int | None, int]:
    """Body index -> 1 for L1 to 5 for L5, for the vertebrae that the model has."""
    levels: dict[int | None, int] = {}
    for level in lumbar_levels(model):
        if level.name.startswith("L") and level.name[1:2].isdigit():
            levels[model.joints[level.joint].child] = int(level.name[1])
    return levels
