"""How far a target's spine is from the shape that the source's has, in metres."""

from __future__ import annotations

import numpy as np

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
    step = max(1, -(-len(source_track.time) // _MOST_FRAMES))
    source = skeleton_of_track(source_track)
    source_bones = [source.index(name) for name in source_map.of("spine")]
    source_chain = _chain(source, source_map)
    turns = np.einsum(
        "tbij,bkj->tbik", source_track.rotations[::step][:, source_bones], source.rest_rotations[source_bones]
    )
    chain = _chain(target, target_map)
    # The source bends at its joints: with these among the samples, each piece belongs to one vertebra.
    u = np.unique(np.concatenate([np.linspace(0.0, 1.0, samples), source_chain.fractions]))
    rest = np.stack([np.interp(u, chain.fractions, chain.points[:, axis]) for axis in range(3)], axis=1)
    middles = 0.5 * (u[:-1] + u[1:])
    vertebra = np.clip(np.searchsorted(source_chain.fractions, middles) - 1, 0, len(source_bones) - 1)
    pieces = np.einsum("tsij,sj->tsi", turns[:, vertebra], np.diff(rest, axis=0))
    own = _moved(target_track, target, target_map, step)
    wanted = own[:, :1] + np.concatenate([np.zeros((len(pieces), 1, 3)), np.cumsum(pieces, axis=1)], axis=1)
    distance = _distances(wanted, own)
    width = np.diff(u)
    mean = 0.5 * (distance[:, :-1] + distance[:, 1:]) @ width
    return mean, distance.max(axis=1), float(chain.lengths.sum())


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


def _moved(track: PoseTrack, target: Skeleton, target_map: RoleMap, step: int) -> Array:
    """The target's spine joints and its end over time, [T, K + 1, 3] m."""
    bones = [target.index(name) for name in target_map.of("spine")]
    heads = track.positions[::step][:, bones]
    chest = bones[-1]
    turn = track.rotations[::step, chest] @ target.rest_rotations[chest].T
    end = heads[:, -1] + turn @ (_end(target, target_map) - target.rest_positions[chest])
    return np.concatenate([heads, end[:, None]], axis=1)


def _distances(points: Array, line: Array) -> Array:
    """From points [T, S, 3] to the broken line [T, K + 1, 3] of the same frame, [T, S] m."""
    best = np.full(points.shape[:2], np.inf)
    for k in range(line.shape[1] - 1):
        start, along = line[:, k, None], (line[:, k + 1] - line[:, k])[:, None]
        length = np.maximum(np.sum(along**2, axis=-1), 1e-18)
        part = np.clip(np.sum((points - start) * along, axis=-1) / length, 0.0, 1.0)
        best = np.minimum(best, np.linalg.norm(points - start - part[..., None] * along, axis=-1))
    return best
