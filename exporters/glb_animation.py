"""A motion as a glTF animation: quaternions along shortest arcs for every joint, positions where it slides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.kinematics.quaternions import continuous_quaternions, quaternions_from_matrices
from ..simspine_addon.model.errors import InputError
from .glb_buffer import GlbBuffer
from .joint_tree import SLIDES_M, JointTree, local_blocks

Array = NDArray[np.float64]
Array32 = NDArray[np.float32]
Mask = NDArray[np.bool_]
_STILL = 1e-7  # a change of a quaternion below what single precision holds


def rest_transforms(tree: JointTree) -> tuple[Array32, Array32]:
    """Translation [J, 3] m and quaternion [J, 4] (x, y, z, w) of every joint in its parent at rest."""
    parents = tree.parents
    above = np.where((parents < 0)[:, None, None], np.eye(3), tree.rotations[parents])
    origin = np.where((parents < 0)[:, None], 0.0, tree.centres[parents])
    places = np.einsum("jba,jb->ja", above, tree.centres - origin)
    quaternions = continuous_quaternions(quaternions_from_matrices(np.swapaxes(above, 1, 2) @ tree.rotations)[None])[0]
    return places.astype("<f4"), quaternions[:, [1, 2, 3, 0]].astype("<f4")


@dataclass(frozen=True, slots=True)
class Take:
    """A motion as a file holds it: what every joint does in its parent, in single precision."""

    name: str
    seconds: Array  # [T] from 0 on
    start_s: float
    frames_per_second: float
    quaternions: Array32  # [J, T, 4] (x, y, z, w), of continuous sign
    places: Array32  # [J, T, 3] m
    turns: Mask  # [J] ever leaves its rest rotation
    slides: Mask  # [J] is ever further than `SLIDES_M` from its rest place


def sampled_take(name: str, tree: JointTree, track: PoseTrack) -> Take:
    """A track, of at least one frame, as samples. The root counts as turning and sliding.

    Raises:
        InputError: times that do not increase, or poses that are not finite.
    """
    seconds = np.asarray(track.time, dtype=np.float64) - track.time[0]
    if not np.isfinite(seconds).all() or np.any(np.diff(seconds.astype("<f4")) <= 0.0):
        raise InputError(f"the times of the take '{name}' do not increase", hint="sort its rows and drop repeated ones")
    quaternions, places = _samples(tree, track)
    rest_places, rest_quaternions = rest_transforms(tree)
    is_root = tree.parents < 0
    return Take(
        name=name,
        seconds=seconds,
        start_s=float(track.time[0]),
        frames_per_second=track.rate,
        quaternions=quaternions,
        places=places,
        turns=is_root | (np.abs(quaternions - rest_quaternions[:, None]).max(axis=(1, 2)) > _STILL),
        slides=is_root | (np.abs(places - rest_places[:, None]).max(axis=(1, 2)) > SLIDES_M),
    )


def add_animations(buffer: GlbBuffer, takes: Sequence[Take]) -> int:
    """Add takes to a file whose nodes begin with the tree's joints; how many channels they have.

    A joint has rotations, or translations, in every take if it needs them in any: Blender, for one, leaves a bone
    without a channel where the take before has put it. Time begins at 0; what single precision does to it (1e-6 s
    from 16 s on) is mended by the exact figures in `extras`.
    """
    if not takes:
        return 0
    turns = np.flatnonzero(np.any([take.turns for take in takes], axis=0))
    slides = np.flatnonzero(np.any([take.slides for take in takes], axis=0))
    for take in takes:
        animation: dict[str, Any] = {"name": take.name, "channels": [], "samplers": []}
        times = buffer.times(take.seconds)
        _add_channels(buffer, animation, "rotation", turns, take.quaternions, times)
        _add_channels(buffer, animation, "translation", slides, take.places, times)
        animation["extras"] = {
            "frames": len(take.seconds),
            "frames_per_second": take.frames_per_second,
            "duration_s": float(take.seconds[-1]),
            "start_time_s": take.start_s,
        }
        buffer.add("animations", animation)
    return len(takes) * (len(turns) + len(slides))


def _samples(tree: JointTree, track: PoseTrack) -> tuple[Array32, Array32]:
    """Quaternions [J, T, 4] (x, y, z, w) of continuous sign, and translations [J, T, 3] in m."""
    joints, frames = len(tree.names), len(track.time)
    quaternions, places = np.empty((joints, frames, 4), "<f4"), np.empty((joints, frames, 3), "<f4")
    last: Array | None = None
    for block, rotations, translations in local_blocks(tree, track, world_axes=False):
        turned = continuous_quaternions(quaternions_from_matrices(rotations.transpose(3, 0, 1, 2)))
        if last is not None:
            turned *= np.where(np.sum(turned[0] * last, axis=-1, keepdims=True) < 0.0, -1.0, 1.0)
        last = turned[-1]
        quaternions[:, block, :3], quaternions[:, block, 3] = turned[..., 1:].swapaxes(0, 1), turned[..., 0].T
        places[:, block] = translations.transpose(0, 2, 1)
    return quaternions, places


def _add_channels(
    buffer: GlbBuffer, animation: dict[str, Any], path: str, joints: NDArray[np.int64], samples: Array32, times: int
) -> None:
    """A linear sampler for each of `joints`; `samples` [J, T, n] of all of them lie in one view."""
    view = buffer.view(samples[joints])
    for place, joint in enumerate(joints.tolist()):
        output = buffer.accessor_in(view, place * samples[joint].nbytes, samples[joint])
        animation["samplers"].append({"input": times, "output": output, "interpolation": "LINEAR"})
        target = {"node": joint, "path": path}
        animation["channels"].append({"sampler": len(animation["samplers"]) - 1, "target": target})
