"""A root bone on the floor: under the pelvis, turned with its heading, so that engines can move the person by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.retarget.landmarks import facing
from ..simspine_addon.retarget.roles import RoleMap
from ..simspine_addon.retarget.skeleton import skeleton_of_track
from .joint_tree import ROOT_NAME

Array = NDArray[np.float64]
_LEVEL = 1e-3
# Blender's FBX importers connect a bone that stands right at the end of its parent, and then ignore where it moves to:
# the root stands a little beside the point under the pelvis.
_BESIDE_M = np.array([0.0, 0.0, 0.0005])


def add_floor_root(track: PoseTrack, roles: RoleMap, axes: Array, *, still: bool = False) -> tuple[PoseTrack, int]:
    """The track with one root bone, and how many bodies were put before the others (0 or 1).

    At rest it stands on the floor under the pelvis, its axes `axes` [3, 3] (the file's, so that nothing is turned
    there). In motion it follows the pelvis over the floor and turns about the vertical as the pelvis's forward axis
    does; where that axis points straight up or down (a person lying down) the heading before stays. With `still` it
    does not move.

    An avatar whose one root is no part of its body has such a bone already: that one takes this motion.

    Raises:
        InputError: left and right cannot be told.
    """
    pelvis = track.names.index(roles.of("pelvis")[0])
    turn = _headings(track, roles, pelvis)
    beside = turn @ _BESIDE_M
    place = track.joint_centres[:, pelvis] * (1.0, 0.0, 1.0) + beside
    rest_place = track.rest_joint_centres[pelvis] * (1.0, 0.0, 1.0) + _BESIDE_M
    if still:
        place, turn = np.broadcast_to(rest_place, place.shape), np.broadcast_to(np.eye(3), turn.shape)
    roots = np.flatnonzero(np.asarray(track.parents) < 0)
    playing = {bone for role, bones in roles.bones.items() if role != "root" for bone in bones}
    added = 0 if len(roots) == 1 and track.names[roots[0]] not in playing else 1
    if not added:
        return _moved_root(track, place, turn @ axes, rest_place, axes), 0
    name = ROOT_NAME
    while name in track.names:
        name = f"_{name}"
    return replace(
        track,
        names=(name, *track.names),
        parents=np.concatenate([[-1], np.where(track.parents < 0, 0, np.asarray(track.parents) + 1)]),
        positions=np.concatenate([place[:, None], track.positions], axis=1),
        rotations=np.concatenate([(turn @ axes)[:, None], track.rotations], axis=1),
        centres=np.concatenate([np.zeros((1, 3)), track.centres]),
        rest_positions=np.concatenate([rest_place[None], track.rest_positions]),
        rest_rotations=np.concatenate([axes[None], track.rest_rotations]),
    ), 1


def _moved_root(track: PoseTrack, place: Array, turn: Array, rest_place: Array, rest_turn: Array) -> PoseTrack:
    """The track with its first body, the root, standing elsewhere; all others stay where they are in ground."""
    arrays = [track.positions.copy(), track.rotations.copy(), track.centres.copy()]
    rests = [track.rest_positions.copy(), track.rest_rotations.copy()]
    arrays[0][:, 0], arrays[1][:, 0], arrays[2][0] = place, turn, 0.0
    rests[0][0], rests[1][0] = rest_place, rest_turn
    return replace(
        track,
        positions=arrays[0],
        rotations=arrays[1],
        centres=arrays[2],
        rest_positions=rests[0],
        rest_rotations=rests[1],
    )


def _headings(track: PoseTrack, roles: RoleMap, pelvis: int) -> Array:
    """Turns [T, 3, 3] about the vertical, from the heading at rest to that of each frame."""
    forward = facing(skeleton_of_track(track), roles)
    turned = track.rotations[:, pelvis] @ (track.rest_rotations[pelvis].T @ forward)
    angle = np.arctan2(-turned[:, 2], turned[:, 0]) - np.arctan2(-forward[2], forward[0])
    level = np.hypot(turned[:, 0], turned[:, 2]) > _LEVEL
    if not level.any():
        angle[:] = 0.0
    elif not level.all():
        known = np.flatnonzero(level)
        angle = angle[known[np.clip(np.searchsorted(known, np.arange(len(angle)), side="right") - 1, 0, None)]]
    turns = np.zeros((len(angle), 3, 3))
    turns[:, 0, 0] = turns[:, 2, 2] = np.cos(angle)
    turns[:, 0, 2] = np.sin(angle)
    turns[:, 2, 0] = -turns[:, 0, 2]
    turns[:, 1, 1] = 1.0
    return turns
