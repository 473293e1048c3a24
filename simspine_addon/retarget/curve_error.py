"""How far a target's spine is from the shape that the source's has, in metres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from .landmarks import role_head
from .roles import RoleMap
from .rotations import Array
from .skeleton import Skeleton, skeleton_of_track
from .spine_chain import Chain

_SAMPLES = 61
_MOST_FRAMES = 600


def spine_curve_errors(
    source_track: PoseTrack,
    source_map: RoleMap,
    target_track: PoseTrack,
    target: Skeleton,
    target_map: RoleMap,
    samples: int = _SAMPLES,
) -> tuple[Array, Array, float]:
    """The distance between the target's spine and the source's shape of it.

    The wanted curve is the target's own spine at rest, every piece of it turned as the source's vertebra at the same
    share of the spine's length has turned, put together from the target's lowest spine joint upwards. The distance is
    from points spread evenly over that curve to the nearest point of the target's chain of joints, up to the neck.
    `target` is the skeleton at rest, facing as the source does.

    Returns:
        mean and largest distance in each frame, [T] m (of at most 600 frames, evenly spread); the spine's length, m.
    """
    frames = np.arange(0, len(source_track.time), max(1, -(-len(source_track.time) // _MOST_FRAMES)))
    shares, wanted = wanted_curves(source_track, source_map, target, target_map, frames, samples)
    own = spine_joints(target_track, target, target_map, frames)
    distance = _distances(own[:, :1] + wanted, own)
    mean = 0.5 * (distance[:, :-1] + distance[:, 1:]) @ np.diff(shares)
    return mean, distance.max(axis=1), float(_chain(target, target_map).lengths.sum())


def wanted_curves(
    source_track: PoseTrack,
    source_map: RoleMap,
    target: Skeleton,
    target_map: RoleMap,
    frames: NDArray[np.int64],
    samples: int = _SAMPLES,
) -> tuple[Array, Array]:
    """The target's spine at rest, bent as the source's vertebrae are in these frames; see `spine_curve_errors`.

    Returns:
        [S] places along the spine, 0 to 1; their points [T, S, 3] m from the lowest spine joint.
    """
    source = skeleton_of_track(source_track)
    bones = [source.index(name) for name in source_map.of("spine")]
    own = _chain(source, source_map)
    turns = np.einsum("tbij,bkj->tbik", source_track.rotations[np.ix_(frames, bones)], source.rest_rotations[bones])
    chain = _chain(target, target_map)
    # The source bends at its joints: with these among the samples, each piece belongs to one vertebra.
    shares = np.unique(np.concatenate([np.linspace(0.0, 1.0, samples), own.fractions]))
    rest = np.stack([np.interp(shares, chain.fractions, chain.points[:, axis]) for axis in range(3)], axis=1)
    middles = 0.5 * (shares[:-1] + shares[1:])
    vertebrae = np.clip(np.searchsorted(own.fractions, middles) - 1, 0, len(bones) - 1)
    pieces = np.einsum("tsij,sj->tsi", turns[:, vertebrae], np.diff(rest, axis=0))
    return shares, np.concatenate([np.zeros((len(pieces), 1, 3)), np.cumsum(pieces, axis=1)], axis=1)


def spine_joints(track: PoseTrack, target: Skeleton, target_map: RoleMap, frames: NDArray[np.int64]) -> Array:
    """The target's spine joints and the spine's end in these frames, [T, K + 1, 3] m in ground."""
    bones = [target.index(name) for name in target_map.of("spine")]
    heads, chest = track.positions[np.ix_(frames, bones)], bones[-1]
    turn = track.rotations[frames, chest] @ target.rest_rotations[chest].T
    end = heads[:, -1] + turn @ (_end(target, target_map) - target.rest_positions[chest])
    return np.concatenate([heads, end[:, None]], axis=1)


def _end(skeleton: Skeleton, role_map: RoleMap) -> Array:
    """Where the spine ends at rest, [3] m: the neck's or the head's joint."""
    for role in ("neck", "head"):
        head = role_head(skeleton, role_map, role)
        if head is not None:
            return head
    raise AssertionError("a checked map has a head")


def _chain(skeleton: Skeleton, role_map: RoleMap) -> Chain:
    heads = [skeleton.rest_positions[skeleton.index(name)] for name in role_map.of("spine")]
    return Chain(np.array([*heads, _end(skeleton, role_map)]))


def _distances(points: Array, line: Array) -> Array:
    """From points [T, S, 3] to the broken line [T, K + 1, 3] of the same frame, [T, S] m."""
    best = np.full(points.shape[:2], np.inf)
    for k in range(line.shape[1] - 1):
        start, along = line[:, k, None], (line[:, k + 1] - line[:, k])[:, None]
        length = np.maximum(np.sum(along**2, axis=-1), 1e-18)
        part = np.clip(np.sum((points - start) * along, axis=-1) / length, 0.0, 1.0)
        best = np.minimum(best, np.linalg.norm(points - start - part[..., None] * along, axis=-1))
    return best
