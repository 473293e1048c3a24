"""Plain bones for a model whose meshes are not at hand: a ball at each joint, a tapered stick to the next."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from .geometry import attach_to_body

Array = NDArray[np.float64]

_RADIUS_PER_LENGTH = 0.06
_THICKEST_M, _THINNEST_M = 0.016, 0.007
_CORNERS = 12


def add_stick_bones(armature: bpy.types.Object, track: PoseTrack, bone_names: Sequence[str]) -> list[bpy.types.Object]:
    """One mesh object per body, from its joint centre to those of its children, carried by its bone."""
    objects = []
    for body, bone in enumerate(bone_names):
        ends = [_in_body(track, body, child) for child in np.flatnonzero(track.parents == body).tolist()]
        vertices, faces = _sticks(track.centres[body], ends)
        mesh = bpy.data.meshes.new(f"{track.names[body]} stick")
        mesh.from_pydata(vertices.tolist(), [], faces)
        mesh.shade_smooth()
        obj = bpy.data.objects.new(mesh.name, mesh)
        for collection in armature.users_collection:
            collection.objects.link(obj)
        attach_to_body(obj, armature, bone, np.eye(4))
        objects.append(obj)
    return objects


def _in_body(track: PoseTrack, body: int, child: int) -> Array:
    """The joint centre of a child at rest, in the frame of the body that carries it."""
    return track.rest_rotations[body].T @ (track.rest_joint_centres[child] - track.rest_positions[body])


def _sticks(start: Array, ends: list[Array]) -> tuple[Array, list[list[int]]]:
    lengths = [float(np.linalg.norm(end - start)) for end in ends]
    ball = float(np.clip(_RADIUS_PER_LENGTH * max(lengths, default=0.1), _THINNEST_M, _THICKEST_M))
    parts = [_turned(start, np.array([0.0, 1.0, 0.0]), *_half_circle(ball))]
    for end, length in zip(ends, lengths, strict=True):
        if length > 1e-6:
            along = np.array([0.0, 0.15, 0.5, 0.85, 1.0]) * length
            radii = np.array([0.75, 0.7, 0.5, 0.6, 0.65]) * min(ball, 0.3 * length)
            parts.append(_turned(start, (end - start) / length, along, radii))
    vertices, faces, offset = [], [], 0
    for points, part in parts:
        vertices.append(points)
        faces += [[index + offset for index in face] for face in part]
        offset += len(points)
    return np.concatenate(vertices), faces


def _half_circle(radius: float) -> tuple[Array, Array]:
    angles = np.linspace(-np.pi / 2, np.pi / 2, 9)
    return radius * np.sin(angles), np.maximum(radius * np.cos(angles), 1e-5)


def _turned(start: Array, axis: Array, along: Array, radii: Array) -> tuple[Array, list[list[int]]]:
    """A surface of revolution about `axis` through `start`, closed at both ends."""
    helper = np.eye(3)[np.abs(axis).argmin()]
    side = np.cross(axis, helper) / np.linalg.norm(np.cross(axis, helper))
    front = np.cross(axis, side)
    angles: Array = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    circle = np.cos(angles)[:, None] * side + np.sin(angles)[:, None] * front
    rings = start + along[:, None, None] * axis + radii[:, None, None] * circle
    count = len(along)
    faces = [
        [
            r * _CORNERS + i,
            r * _CORNERS + (i + 1) % _CORNERS,
            (r + 1) * _CORNERS + (i + 1) % _CORNERS,
            (r + 1) * _CORNERS + i,
        ]
        for r in range(count - 1)
        for i in range(_CORNERS)
    ]
    faces += [list(range(_CORNERS))[::-1], list(range((count - 1) * _CORNERS, count * _CORNERS))]
    return np.asarray(rings, np.float64).reshape(-1, 3), faces
