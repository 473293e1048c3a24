"""A person's motion on the bones of Unity's humanoid, and the T-pose that engines want at rest."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.retarget.landmarks import facing, limb_direction, palm_direction
from ..simspine_addon.retarget.roles import FINGERS, SIDES, RoleMap
from ..simspine_addon.retarget.rotations import least_rotation, unit
from ..simspine_addon.retarget.skeleton import Skeleton
from ..simspine_addon.scene.bone_shape import bone_tails

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
_UP = np.array([0.0, 1.0, 0.0])
_LONGEST_SPINE = 3  # Spine, Chest, UpperChest
_ARM, _LEG = ("upper_arm", "forearm", "hand"), ("thigh", "shin")


def humanoid_track(track: PoseTrack, roles: RoleMap) -> tuple[PoseTrack, Indices, RoleMap]:
    """The motion on the humanoid's bones alone.

    Joints stay where the motion has them. A limb's bone turns as its body does (a foot as its last body, the heel). A
    part of the spine turns so that its chord is that of the vertebrae it stands for, with the twist of the middle one;
    the last part is the body that carries the arms, turned as it is.

    Returns:
        The track, which of its bodies carries each body of the old one [B0], and its roles.
    """
    parts = _parts(track, roles)
    new_of: dict[int, int] = {}
    for place, part in enumerate(parts):
        new_of |= dict.fromkeys(part, place)
    carrier = np.full(len(track.names), -1, dtype=np.int64)
    for body, parent in enumerate(track.parents):
        carrier[body] = new_of.get(body, carrier[parent] if parent >= 0 else 0)
    heads = [part[0] for part in parts]
    parents = [-1 if place == 0 else int(carrier[track.parents[head]]) for place, head in enumerate(heads)]
    chain = [place for place, part in enumerate(parts) if part[0] in _indices(track, roles, "spine")]
    rotations, rest = _turns(track, parts, chain, roles)
    names = tuple(track.names[head] for head in heads)
    kept = {role: tuple(name for name in bones if name in names) for role, bones in roles.bones.items()}
    kept["spine"] = tuple(names[place] for place in chain)
    moved = replace(
        track,
        names=names,
        parents=np.array(parents, dtype=np.int64),
        positions=track.joint_centres[:, heads],
        rotations=rotations,
        centres=np.zeros((len(heads), 3)),
        rest_positions=track.rest_joint_centres[heads],
        rest_rotations=rest,
    )
    return moved, carrier, RoleMap({role: bones for role, bones in kept.items() if bones}, roles.name, roles.palms)


def t_pose_rest(track: PoseTrack, roles: RoleMap) -> PoseTrack:
    """The same motion with a T-pose as its rest pose: arms level and straight to the sides, palms down, legs straight
    down, feet as high above the floor as before. What moves is not touched."""
    skeleton = Skeleton(
        track.names,
        np.asarray(track.parents),
        track.rest_joint_centres,
        track.rest_rotations,
        bone_tails(track),
    )
    wanted, twists = _wanted_directions(skeleton, roles)
    turns = np.empty((len(track.names), 3, 3))
    places = track.rest_joint_centres.copy()
    for body, parent in enumerate(track.parents):
        turns[body] = turns[parent] if parent >= 0 else np.eye(3)
        if parent >= 0:
            places[body] = places[parent] + turns[parent] @ (
                skeleton.rest_positions[body] - skeleton.rest_positions[parent]
            )
        if body in wanted:
            before, after = wanted[body]
            turns[body] = least_rotation(unit(turns[body] @ before), after) @ turns[body]
        if body in twists:
            palm, axis = twists[body]
            turns[body] = _palm_down(turns[body] @ palm, axis) @ turns[body]
    feet = [index for side in SIDES for index in _indices(track, roles, f"{side}_foot")]
    places[:, 1] += skeleton.rest_positions[feet, 1].min() - places[feet, 1].min()
    rotations = turns @ track.rest_rotations
    origins = places - np.einsum("bij,bj->bi", rotations, track.centres)
    return replace(track, rest_positions=origins, rest_rotations=rotations)


def _wanted_directions(
    skeleton: Skeleton, roles: RoleMap
) -> tuple[dict[int, tuple[Array, Array]], dict[int, tuple[Array, Array]]]:
    """Which way bodies point at rest and should in a T-pose; and the palms that a forearm turns down."""
    right = np.cross(facing(skeleton, roles), _UP)
    wanted: dict[int, tuple[Array, Array]] = {}
    twists: dict[int, tuple[Array, Array]] = {}
    for side in SIDES:
        aside = right if side == "right" else -right
        for parts, target in ((_ARM, aside), (_LEG, -_UP)):
            for part in parts:
                direction = limb_direction(skeleton, roles, f"{side}_{part}")
                if direction is not None:
                    wanted[skeleton.index(roles.of(f"{side}_{part}")[0])] = direction, target
        twists[skeleton.index(roles.of(f"{side}_forearm")[0])] = palm_direction(skeleton, roles, side, right), aside
    return wanted, twists


def _palm_down(palm: Array, axis: Array) -> Array:
    """The turn about an arm's `axis` that brings its palm as far down as it goes."""
    flat, down = palm - (palm @ axis) * axis, -_UP + (_UP @ axis) * axis
    if np.linalg.norm(flat) < 1e-6:
        return np.eye(3)
    angle = np.arctan2(axis @ np.cross(flat, down), flat @ down)
    k = np.cross(np.eye(3), axis).T
    return np.eye(3) + np.sin(angle) * k + (1.0 - np.cos(angle)) * (k @ k)


def _parts(track: PoseTrack, roles: RoleMap) -> list[list[int]]:
    """The humanoid's bones in topological order, each as the bodies that it stands for, the one at its head first."""
    groups = [_indices(track, roles, "pelvis"), *_spine_parts(track, _indices(track, roles, "spine"))]
    single = [f"{side}_{part}" for side in SIDES for part in (*_ARM, *_LEG, "clavicle", "foot", "toes")]
    for role in ("neck", "head", *single):
        indices = _indices(track, roles, role)
        if indices:
            groups.append(indices)
    for role in (f"{side}_{finger}" for side in SIDES for finger in FINGERS):
        groups += [[index] for index in _indices(track, roles, role)]
    return sorted(groups, key=lambda group: group[0])


def _spine_parts(track: PoseTrack, chain: list[int]) -> list[list[int]]:
    """Spine and Chest share the length below the last body, which is the UpperChest."""
    if len(chain) <= _LONGEST_SPINE:
        return [[body] for body in chain]
    heads = track.rest_joint_centres[chain]
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(heads, axis=0), axis=1))])
    middle = 1 + int(np.argmin(np.abs(along[1:-1] - along[-1] / 2.0)))
    return [chain[:middle], chain[middle:-1], [chain[-1]]]


def _turns(track: PoseTrack, parts: list[list[int]], chain: list[int], roles: RoleMap) -> tuple[Array, Array]:
    """Rotations [T, N, 3, 3] of the parts, and at rest [N, 3, 3]."""
    feet = {index for side in SIDES for index in _indices(track, roles, f"{side}_foot")}
    followed = [part[-1] if part[0] in feet else part[0] for part in parts]
    rotations, rest = track.rotations[:, followed].copy(), track.rest_rotations[followed].copy()
    for place, above in pairwise(chain):
        low, high, middle = parts[place][0], parts[above][0], parts[place][len(parts[place]) // 2]
        turn = track.rotations[:, middle] @ track.rest_rotations[middle].T
        before = track.rest_joint_centres[high] - track.rest_joint_centres[low]
        after = track.joint_centres[:, high] - track.joint_centres[:, low]
        if len(parts[place]) == 1 or np.linalg.norm(before) < 1e-6:
            continue
        rest[place] = track.rest_rotations[middle]
        rotations[:, place] = least_rotation(unit(turn @ before), unit(after)) @ turn @ rest[place]
    return rotations, rest


def _indices(track: PoseTrack, roles: RoleMap, role: str) -> list[int]:
    return [track.names.index(bone) for bone in roles.of(role)]
