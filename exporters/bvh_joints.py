"""A motion as BVH's numbers: offsets at rest, End Sites, Euler angles in degrees, positions where joints slide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from .bvh_names import safe_names
from .euler import continuous_angles, euler_axes, principal_angles
from .joint_tree import SLIDES_M, JointTree, joint_tree, local_blocks

Array = NDArray[np.float64]
Positions = Literal["sliding", "root", "all"]


@dataclass(frozen=True, slots=True)
class BvhJoints:
    """What a BVH file says of a motion, in metres and degrees, in the order of `tree`."""

    tree: JointTree
    names: tuple[str, ...]  # [J] as the file has them
    offsets: Array  # [J, 3] at rest from the parent, the root's zero
    ends: dict[int, Array]  # joint without children -> its End Site's offset [3]
    slides: NDArray[np.bool_]  # [J] the place in the parent changes
    has_positions: NDArray[np.bool_]  # [J] position channels
    translations: Array  # [T, J, 3] place in the parent, the root's in ground
    angles: Array  # [T, J, 3] degrees, in the channels' order
    largest_error_m: float  # of a joint centre, for want of position channels


def bvh_joints(track: PoseTrack, ends: Array, order: str, positions: Positions) -> BvhJoints:
    """The numbers of `track` as BVH holds them.

    Args:
        ends: [B, 3] m, where the bodies' bones end in ground at rest.
        order: of the rotations.
        positions: which joints besides the root get position channels.

    Raises:
        InputError: unknown order, or a track that cannot be used.
    """
    tree = joint_tree(track)
    angles, translations = _channels(tree, track, euler_axes(order))
    offsets = np.where(tree.parents[:, None] < 0, 0.0, tree.centres - tree.centres[tree.parents])
    is_root = tree.parents < 0
    slides = ~is_root & _moves(translations, offsets)
    has_positions = is_root | (slides if positions == "sliding" else np.full(len(slides), positions == "all"))
    loss = _largest_error(tree, track, translations, offsets) if positions == "root" and slides.any() else 0.0
    leaves = [joint for joint, children in enumerate(tree.children) if not children]
    return BvhJoints(
        tree=tree,
        names=safe_names(tree.names),
        offsets=offsets,
        ends={joint: ends[tree.bodies[joint]] - tree.centres[joint] for joint in leaves},
        slides=slides,
        has_positions=has_positions,
        translations=translations,
        angles=angles,
        largest_error_m=loss,
    )


def depth_first(tree: JointTree) -> list[int]:
    """The joints in the order in which a BVH file names them and its rows hold them."""
    children, order, waiting = tree.children, [], [int(np.argmin(tree.parents))]
    while waiting:
        joint = waiting.pop()
        order.append(joint)
        waiting += reversed(children[joint])
    return order


def _channels(tree: JointTree, track: PoseTrack, axes: tuple[int, int, int]) -> tuple[Array, Array]:
    """Continuous angles [T, J, 3] in degrees and translations [T, J, 3] m of every joint in its parent."""
    frames, joints = len(track.time), len(tree.names)
    angles, translations = np.empty((frames, joints, 3)), np.empty((frames, joints, 3))
    before = np.zeros(joints)
    for block, rotations, places in local_blocks(tree, track, world_axes=True):
        angles[block] = principal_angles(rotations.transpose(3, 0, 1, 2), axes, before)
        translations[block] = places.transpose(2, 0, 1)
        before = angles[block][-1, :, 0]
    for joint in range(joints):  # one by one, for the sake of memory in motions of hours
        angles[:, joint] = np.degrees(continuous_angles(angles[:, joint]))
    return angles, translations


def _moves(translations: Array, offsets: Array) -> NDArray[np.bool_]:
    """Which joints ever stand elsewhere in their parents than at rest, [J]."""
    if len(translations) == 0:
        return np.zeros(len(offsets), dtype=bool)
    away = np.maximum(translations.max(axis=0) - offsets, offsets - translations.min(axis=0))
    return away.max(axis=1) > SLIDES_M


def _largest_error(tree: JointTree, track: PoseTrack, translations: Array, offsets: Array) -> float:
    """How far a joint centre at most comes to lie from its place (m) where every joint but the root keeps its offset.

    The errors add up along the chain: e_j = e_p + R_p (offset_j - translation_j), R_p the parent's turn from rest.
    """
    largest = 0.0
    for block, rotations, _ in local_blocks(tree, track, world_axes=True):
        turned = np.empty_like(rotations)
        errors = np.zeros((len(tree.names), 3, rotations.shape[-1]))
        for joint, parent in enumerate(tree.parents):
            if parent < 0:
                turned[joint] = rotations[joint]
                continue
            turned[joint] = np.einsum("abt,bct->act", turned[parent], rotations[joint])
            missing = (offsets[joint] - translations[block, joint]).T
            errors[joint] = errors[parent] + np.einsum("abt,bt->at", turned[parent], missing)
        largest = max(largest, float(np.linalg.norm(errors, axis=1).max()))
    return largest
