"""What skeleton formats want from a PoseTrack: one root, joints at joint centres, each moved against its parent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.errors import InputError
from .euler import axis_rotations

Array = NDArray[np.float64]

ROOT_NAME = "root"
SLIDES_M = 1e-6  # a joint that moves less in its parent does not slide: 25 such in a row stay below 0.05 mm
# Frames are worked on in blocks of this many, so that a block's matrices stay in the processor's cache.
_BLOCK = 1024
_NOT_RIGID = 0.01  # by how much the squares of a rotation's entries may miss 3: a scale of 0.2 %


@dataclass(frozen=True, slots=True)
class JointTree:
    """Joints in topological order with exactly one root, at rest, in OpenSim's ground, metres.

    A joint stands at the joint centre and is turned as its body, never as the body's origin has it.
    """

    names: tuple[str, ...]  # [J]
    parents: NDArray[np.int64]  # [J], -1 for the root alone
    bodies: NDArray[np.int64]  # [J] index in the track, -1 for a root that was added
    centres: Array  # [J, 3] at rest
    rotations: Array  # [J, 3, 3] at rest

    @property
    def children(self) -> list[list[int]]:
        """The children of every joint, [J] lists."""
        found: list[list[int]] = [[] for _ in self.names]
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                found[parent].append(joint)
        return found


def joint_tree(track: PoseTrack) -> JointTree:
    """The joints of a track. Where not exactly one body hangs on ground, all such hang on an added root.

    The added root stands still at ground's origin with ground's axes and is called "root" (with underscores before
    it where a body has this name).

    Raises:
        InputError: as `require_usable`.
    """
    require_usable(track)
    centres, rotations = track.rest_joint_centres, np.asarray(track.rest_rotations, dtype=np.float64)
    parents = np.asarray(track.parents, dtype=np.int64)
    bodies = np.arange(len(track.names))
    if np.count_nonzero(parents < 0) == 1:
        return JointTree(track.names, parents, bodies, centres, rotations)
    root = ROOT_NAME
    while root in track.names:
        root = f"_{root}"
    return JointTree(
        names=(root, *track.names),
        parents=np.concatenate([[-1], np.where(parents < 0, 0, parents + 1)]),
        bodies=np.concatenate([[-1], bodies]),
        centres=np.concatenate([np.zeros((1, 3)), centres]),
        rotations=np.concatenate([np.eye(3)[None], rotations]),
    )


def local_blocks(tree: JointTree, track: PoseTrack, *, world_axes: bool) -> Iterator[tuple[slice, Array, Array]]:
    """How each joint stands in its parent, in blocks of frames; the root's parent is ground.

    Args:
        tree: from `joint_tree` of this track, or of another one with the same bodies.
        world_axes: every joint's axes are ground's at rest (as BVH has them), and not its body's.

    Yields:
        frames, rotations [J, 3, 3, n] and translations [J, 3, n] in m: frames are the last axis.

    Raises:
        InputError: a pose is not finite, or scaled.
    """
    for start in range(0, len(track.time), _BLOCK):
        frames = slice(start, min(start + _BLOCK, len(track.time)))
        rotations, centres = _global_block(tree, track, frames)
        if world_axes:
            rotations = np.einsum("jabt,jcb->jact", rotations, tree.rotations)
        yield frames, *_local_block(tree, rotations, centres)


def heading(degrees: float) -> Array:
    """The rotation [3, 3] about the vertical (Y); -90 lets a person who faces OpenSim's X face Z.

    Raises:
        InputError: not a finite number.
    """
    if not np.isfinite(degrees):
        raise InputError(f"a turn of {degrees} degrees is not possible", hint="give a finite number")
    return axis_rotations(np.radians(degrees), 1)


def turned_track(track: PoseTrack, turn: Array) -> PoseTrack:
    """The whole motion turned about ground's origin by the rotation `turn` [3, 3]: other axes for another program."""
    turn = np.asarray(turn, dtype=np.float64)
    if np.array_equal(turn, np.eye(3)):
        return track
    return replace(
        track,
        positions=track.positions @ turn.T,
        rotations=turn @ track.rotations,
        rest_positions=track.rest_positions @ turn.T,
        rest_rotations=turn @ track.rest_rotations,
    )


def _global_block(tree: JointTree, track: PoseTrack, frames: slice) -> tuple[Array, Array]:
    """Joint rotations [J, 3, 3, n] and centres [J, 3, n] in ground."""
    count = frames.stop - frames.start
    rotations, centres = np.empty((len(tree.names), 3, 3, count)), np.empty((len(tree.names), 3, count))
    added = len(tree.names) - len(track.names)
    rotations[:added], centres[:added] = np.eye(3)[:, :, None], 0.0
    rotations[added:] = track.rotations[frames].transpose(1, 2, 3, 0)
    centres[added:] = track.positions[frames].transpose(1, 2, 0)
    if np.any(track.centres):
        centres[added:] += np.einsum("jabt,jb->jat", rotations[added:], track.centres)
    _require_rigid(track, frames, centres[added:], rotations[added:])
    return rotations, centres


def _local_block(tree: JointTree, rotations: Array, centres: Array) -> tuple[Array, Array]:
    local_rotations, local_centres = np.empty_like(rotations), np.empty_like(centres)
    for joint, parent in enumerate(tree.parents):
        if parent < 0:
            local_rotations[joint], local_centres[joint] = rotations[joint], centres[joint]
            continue
        np.einsum("bat,bct->act", rotations[parent], rotations[joint], out=local_rotations[joint])
        np.einsum("bat,bt->at", rotations[parent], centres[joint] - centres[parent], out=local_centres[joint])
    return local_rotations, local_centres


def require_usable(track: PoseTrack) -> None:
    """Refuse a track whose arrays do not make a skeleton.

    Raises:
        InputError: no bodies, arrays of shapes that do not fit each other, a parent after its child, a rest pose that
            is not finite.
    """
    frames, bodies = len(track.time), len(track.names)
    if bodies == 0:
        raise InputError("the motion has no bodies", hint="choose a model with a skeleton")
    shapes = (np.shape(track.positions), np.shape(track.rotations), np.shape(track.parents))
    if shapes != ((frames, bodies, 3), (frames, bodies, 3, 3), (bodies,)):
        raise InputError(f"the motion's arrays {shapes} do not fit {frames} frames and {bodies} bodies")
    if len(set(track.names)) != bodies:
        twice = next(name for name in track.names if track.names.count(name) > 1)
        raise InputError(f"the motion has two bodies named '{twice}'", hint="rename one of them")
    if np.any(np.asarray(track.parents) >= np.arange(bodies)):
        raise InputError("the motion's bodies do not stand after their parents", hint="sort them from the root on")
    good = np.isfinite(track.rest_joint_centres).all(axis=1) & np.isfinite(track.rest_rotations).all(axis=(1, 2))
    if not good.all():
        raise InputError(f"the rest pose of '{track.names[int(np.argmin(good))]}' is not finite")


def _require_rigid(track: PoseTrack, frames: slice, centres: Array, rotations: Array) -> None:
    """`centres` [B, 3, n] and `rotations` [B, 3, 3, n] are the track's at `frames`."""
    # The squares of a rotation's nine entries add up to 3; this is false for what is not finite as well.
    good = np.abs(np.einsum("jabt,jabt->jt", rotations, rotations) - 3.0) < _NOT_RIGID
    good &= np.isfinite(centres).all(axis=1)
    if good.all():
        return
    frame, body = np.argwhere(~good.T)[0]
    finite = np.isfinite(centres[body, :, frame]).all() and np.isfinite(rotations[body, ..., frame]).all()
    problem, hint = "is not finite", "fill the gaps of the motion first"
    if finite:
        problem, hint = "is scaled", "apply the armature object's scale first"
    raise InputError(
        f"the pose of '{track.names[body]}' at {track.time[frames.start + frame]:g} s {problem}", hint=hint
    )
