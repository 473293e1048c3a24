"""A scene of its own for Blender's exporters: a copy of armature and meshes in the file's units, axes and rest pose.

The user's scene is not exported and not changed. Blender's exporters write what is in the current scene, so the window
shows the temporary one meanwhile, and everything in it is removed afterwards.
"""

# bpy makes its submodules at run time, so their names cannot be checked
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix  # type: ignore[import-not-found]
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.kinematics.quaternions import nearest_rotations
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.retarget.rotations import unit
from ..simspine_addon.scene.axes import BLENDER_FROM_OPENSIM
from ..simspine_addon.scene.bone_shape import bone_tails
from ..simspine_addon.scene.compat import new_action
from ..simspine_addon.scene.keyframes import bone_channels, write_channels
from ..simspine_addon.scene.names import fitting_names
from .export_meshes import MeshCopy
from .export_track import ExportTrack
from .joint_tree import SLIDES_M, heading
from .presets import CENTIMETRES, ExportPreset

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_REST_FRAME = -10.0  # outside of the take: there the armature stands at rest, for nodes that programs bind by
_FIRST_FRAME = 0
_LONGEST_NAME = 60  # bytes; Blender's limit is 63
_LARGEST_RATE = 32767  # scene.render.fps is a 16-bit number
_BESIDE_M = 0.0005
_SAME_RATE = 1e-10  # relative: a microsecond in three hours
_UP, _FORWARD = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])


@dataclass(frozen=True, slots=True)
class FileSpace:
    """How a file counts: `from_ground` [3, 3] takes metres in OpenSim's ground to its units and axes."""

    up: str
    unit: str
    from_ground: Array

    @property
    def units_per_metre(self) -> float:
        return 100.0 if self.unit == CENTIMETRES else 1.0


def file_space(preset: ExportPreset, unit: str) -> FileSpace:
    """The axes that a preset wants, in `unit`: "cm" or "m"."""
    scale = 100.0 if unit == CENTIMETRES else 1.0
    axes = BLENDER_FROM_OPENSIM if preset.up == "Z" else np.eye(3)
    return FileSpace(preset.up, unit, scale * axes @ heading(preset.turn_deg))


@contextmanager
def export_scene(
    motion: ExportTrack, space: FileSpace, name: str, meshes: Sequence[MeshCopy] = (), *, sticks: bool = False
) -> Iterator[bpy.types.Scene]:
    """Show a temporary scene with nothing but the motion's armature and meshes, at the file's rate from frame 0.

    The armature's data are in the file's own units and axes, and its object is turned so that a file with Y up needs
    no turn of its own. Scene, armature and action are called `name`.

    Args:
        motion: from `export_track`.
        space: from `file_space`.
        name: of the person.
        meshes: from `export_meshes.copied_meshes`; their data are taken over and removed.
        sticks: show every bone by a mesh where there are no other meshes.

    Raises:
        InputError: there is no window to show the scene in.
    """
    window = _window()
    shown = window.scene
    before = _blocks()
    stick_name = f"{name} bones"
    set_aside = _set_aside([name, stick_name, *(mesh.name for mesh in meshes)])
    with bpy.context.temp_override(window=window), set_aside:
        scene = bpy.data.scenes.new(name)
        try:
            window.scene = scene
            _set_clock(scene, motion, space)
            armature = _armature(scene, motion, space, name)
            for mesh in meshes:
                _add_mesh(scene, armature, mesh, motion, space)
            if sticks and not meshes:
                _add_sticks(scene, armature, motion, space, stick_name)
            scene.frame_set(int(_REST_FRAME))
            bpy.context.view_layer.update()
            yield scene
        finally:
            window.scene = shown
            taken = {mesh.data.session_uid for mesh in meshes}
            new = [block for block in _all_blocks() if block.session_uid not in before - taken]
            bpy.data.batch_remove(new)


def _window() -> Any:
    manager = bpy.context.window_manager
    window = bpy.context.window or (manager.windows[0] if manager is not None and len(manager.windows) else None)
    if window is None:
        raise InputError("Blender has no window to export from", hint="run the export in the foreground")
    return window


_KINDS = ("scenes", "objects", "armatures", "meshes", "actions", "worlds")


def _all_blocks() -> list[Any]:
    return [block for kind in _KINDS for block in getattr(bpy.data, kind)]


def _blocks() -> set[int]:
    return {block.session_uid for block in _all_blocks()}


@contextmanager
def _set_aside(names: Iterable[str]) -> Iterator[None]:
    """Rename the user's blocks that have the names wanted in the file, and give them their names back."""
    wanted = set(names)
    renamed: list[tuple[Any, str]] = []
    try:
        for kind in _KINDS:
            for block in getattr(bpy.data, kind):
                if block.name in wanted and block.library is None:
                    renamed.append((block, block.name))
        for number, (block, _) in enumerate(renamed):
            block.name = f"simspine set aside {number}"
        yield
    finally:
        for block, own in renamed:
            block.name = own


def _set_clock(scene: bpy.types.Scene, motion: ExportTrack, space: FileSpace) -> None:
    scene.render.fps, scene.render.fps_base = frame_rate(motion.fps)
    scene.frame_start, scene.frame_end = _FIRST_FRAME, _FIRST_FRAME + len(motion.track.time) - 1
    scene.unit_settings.system = "METRIC"
    scene.unit_settings.scale_length = 1.0 / space.units_per_metre


def frame_rate(fps: float) -> tuple[int, float]:
    """Blender's `fps` and `fps_base` for a rate: the usual numbers where they are exact, else those that come nearest.

    The base has single precision, so that 60 / 1.001 is 5e-8 off; 30000 / 500.5 is exact.
    """
    whole = np.arange(1, _LARGEST_RATE + 1)
    base = (whole / fps).astype(np.float32)
    usable = (base > 1e-4) & (base < 1e5)
    miss = np.where(usable, np.abs(whole / np.where(usable, base, 1.0).astype(np.float64) / fps - 1.0), np.inf)
    good = miss <= max(_SAME_RATE, float(miss.min()))
    chosen = int(np.argmin(np.where(good, np.abs(np.log(np.where(usable, base, 1.0))), np.inf)))
    return int(whole[chosen]), float(base[chosen])


def _armature(scene: bpy.types.Scene, motion: ExportTrack, space: FileSpace, name: str) -> bpy.types.Object:
    track = motion.track
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    scene.collection.objects.link(armature)
    view_layer = bpy.context.view_layer
    view_layer.objects.active = armature
    armature.select_set(True)
    names, _ = fitting_names(track.names, "bone")
    frames = _bone_frames(motion)
    heads = track.rest_joint_centres @ space.from_ground.T
    lengths = np.linalg.norm(_tails(motion) - track.rest_joint_centres, axis=1) * space.units_per_metre
    axes = space.from_ground @ frames / space.units_per_metre
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        for body, bone_name in enumerate(names):
            bone = armature.data.edit_bones.new(bone_name)
            bone.head, bone.tail = heads[body], heads[body] + axes[body, :, 1] * lengths[body]
            bone.align_roll(axes[body, :, 2])
            if track.parents[body] >= 0:
                bone.parent = armature.data.edit_bones[names[track.parents[body]]]
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
    # The file's axes are the data's: with Y up, the object turns them into Blender's, and the exporter back.
    if space.up == "Y":
        armature.matrix_world = Matrix(BLENDER_FROM_OPENSIM.tolist()).to_4x4()
    _key(armature, track, space, names, name)
    return armature


def _tails(motion: ExportTrack) -> Array:
    return bone_tails(motion.track)


def _bone_frames(motion: ExportTrack) -> Array:
    """Axes [B, 3, 3] of the bones in ground at rest: y along the bone, z forward, or up where the bone runs forward."""
    track = motion.track
    if motion.own_bones:
        return track.rest_rotations
    along = unit(_tails(motion) - track.rest_joint_centres)
    along = unit(along + _beside_sliding_children(motion, along))
    forward = np.where(np.abs(along @ _FORWARD)[:, None] > 0.9, _UP, _FORWARD)
    across = unit(np.cross(along, forward))
    frames = np.stack([across, along, np.cross(across, along)], axis=-1)
    frames[: motion.added_roots] = track.rest_rotations[: motion.added_roots]
    return frames


def _beside_sliding_children(motion: ExportTrack, along: Array) -> Array:
    """By how much [B, 3], of length one, bones point beside a child that moves in them and stands right ahead.

    Blender's FBX importers connect such a child to the bone's end, and then ignore where it moves to.
    """
    track = motion.track
    aside = np.zeros_like(along)
    centres = track.joint_centres
    for body, parent in enumerate(track.parents):
        if parent < 0:
            continue
        to_parent = np.swapaxes(track.rotations[:, parent], -1, -2)
        place = np.einsum("tij,tj->ti", to_parent, centres[:, body] - track.positions[:, parent])
        rest = track.rest_joint_centres[body] - track.rest_joint_centres[parent]
        reach = np.linalg.norm(rest)
        still = track.rest_rotations[parent].T @ (track.rest_joint_centres[body] - track.rest_positions[parent])
        off = np.linalg.norm(np.cross(along[parent], rest))
        if np.abs(place - still).max() > SLIDES_M and reach > 0.0 and off < _BESIDE_M:
            across = np.cross(along[parent], _FORWARD if abs(along[parent] @ _FORWARD) < 0.9 else _UP)
            aside[parent] = unit(across) * (2.0 * _BESIDE_M / reach)
    return aside


def _key(
    armature: bpy.types.Object, track: PoseTrack, space: FileSpace, names: Sequence[str], action_name: str
) -> None:
    """Every bone's keys, one per frame from frame 0 on, and the rest pose before them."""
    rest = np.array([armature.data.bones[name].matrix_local for name in names], dtype=np.float64)
    plain = rest.copy()
    plain[:, :3, :3] = nearest_rotations(plain[:, :3, :3])
    offsets = np.linalg.inv(plain) @ _frames(track.rest_positions, track.rest_rotations, space)
    channels = bone_channels(_frames(track.positions, track.rotations, space), track.parents, rest, offsets)
    keys = np.concatenate([[_REST_FRAME], _FIRST_FRAME + np.arange(len(track.time), dtype=np.float64)])
    _, curves = new_action(armature, action_name)
    for body, name in enumerate(names):
        armature.pose.bones[name].rotation_mode = "QUATERNION"
        path = f'pose.bones["{bpy.utils.escape_identifier(name)}"]'
        turns = np.concatenate([[[1.0, 0.0, 0.0, 0.0]], channels.quaternions[:, body]])
        write_channels(curves, f"{path}.rotation_quaternion", keys, turns, name)
        if channels.slides[body]:
            places = np.concatenate([np.zeros((1, 3)), channels.locations[:, body]])
            write_channels(curves, f"{path}.location", keys, places, name)


def _frames(positions: Array, rotations: Array, space: FileSpace) -> Array:
    """Body frames [..., 4, 4] in the file's units and axes."""
    frames = np.zeros((*positions.shape[:-1], 4, 4))
    frames[..., :3, :3] = space.from_ground @ rotations / space.units_per_metre
    frames[..., :3, 3] = positions @ space.from_ground.T
    frames[..., 3, 3] = 1.0
    return frames


def _add_mesh(
    scene: bpy.types.Scene, armature: bpy.types.Object, mesh: MeshCopy, motion: ExportTrack, space: FileSpace
) -> None:
    """A copied mesh in the file's rest pose, on the bones that the file has."""
    places = mesh.placed(motion.rest_moves) @ space.from_ground.T
    mesh.data.vertices.foreach_set("co", places.astype(np.float32).ravel())
    mesh.data.name = mesh.name
    mesh.data.update()
    _bind(scene, armature, motion.track.names, mesh.name, mesh.data, mesh.carried(motion.carrier))


def _add_sticks(
    scene: bpy.types.Scene, armature: bpy.types.Object, motion: ExportTrack, space: FileSpace, name: str
) -> None:
    """A double pyramid for every bone, so that a skeleton without meshes can be seen, and be brought in at all."""
    shown = np.arange(motion.added_roots, len(motion.track.names))
    heads = motion.track.rest_joint_centres[shown]
    frames, lengths = _bone_frames(motion)[shown], np.linalg.norm(_tails(motion)[shown] - heads, axis=1)
    corners = np.array([[0, 0, 0], [1, 1, 0], [0, 1, 1], [-1, 1, 0], [0, 1, -1], [0, 10, 0]], dtype=np.float64) / 10.0
    places = heads[:, None] + np.einsum("bij,kj->bki", frames, corners) * lengths[:, None, None]
    around = [(1, 2), (2, 3), (3, 4), (4, 1)]
    faces = np.array([(0, b, a) for a, b in around] + [(5, a, b) for a, b in around])
    data = bpy.data.meshes.new(name)
    first = len(corners) * np.arange(len(heads))[:, None, None]
    data.from_pydata(
        (places.reshape(-1, 3) @ space.from_ground.T).tolist(), [], (faces + first).reshape(-1, 3).tolist()
    )
    count = len(corners) * len(heads)
    carried = np.arange(count), np.repeat(shown, len(corners)), np.ones(count)
    _bind(scene, armature, motion.track.names, name, data, carried)


def _bind(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    bodies: Sequence[str],
    name: str,
    data: bpy.types.Mesh,
    carried: tuple[Indices, Indices, Array],
) -> None:
    """Link a mesh and give it its weights: vertex, bone and weight of every entry."""
    names, _ = fitting_names(bodies, "bone")
    thing = bpy.data.objects.new(name, data)
    scene.collection.objects.link(thing)
    thing.parent = armature
    thing.vertex_groups.clear()
    vertices, bones, weights = carried
    for bone in np.unique(bones).tolist():
        group, mine = thing.vertex_groups.new(name=names[bone]), bones == bone
        for weight in np.unique(weights[mine]):
            group.add(vertices[mine & (weights == weight)].tolist(), float(weight), "REPLACE")
    thing.modifiers.new("Armature", "ARMATURE").object = armature
    thing.select_set(True)
