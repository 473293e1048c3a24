"""Skeletons: bones by name with their parents and rest transforms, the common ground of two rigs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..model.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Bones in topological order (a parent stands before its children), at rest, in OpenSim's ground (Y up), metres.

    A bone's frame is what the caller keeps posing: Blender's rest matrix, a BVH joint, an OpenSim body. Only its change
    from rest is ever used, so any roll will do.
    """

    names: tuple[str, ...]  # [N]
    parents: NDArray[np.int64]  # [N], -1 for none
    rest_positions: Array  # [N, 3] heads
    rest_rotations: Array  # [N, 3, 3]
    tails: Array | None = None  # [N, 3] where the rig has them

    def __post_init__(self) -> None:
        _refuse_bad_arrays(self)

    def index(self, name: str) -> int:
        """Where the bone stands.

        Raises:
            InputError: there is no bone of this name.
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise InputError(f"the skeleton has no bone '{name}'", hint="correct the bone map") from None

    def children(self) -> list[list[int]]:
        """The children of every bone, [N] lists."""
        found: list[list[int]] = [[] for _ in self.names]
        for bone, parent in enumerate(self.parents):
            if parent >= 0:
                found[parent].append(bone)
        return found

    def end_of(self, bone: int) -> Array | None:
        """Where the bone ends, [3] m: its tail, else the mean of its children's heads, else nothing."""
        if self.tails is not None and np.linalg.norm(self.tails[bone] - self.rest_positions[bone]) > 1e-6:
            return self.tails[bone]
        heads = self.rest_positions[self.parents == bone]
        return heads.mean(axis=0) if len(heads) else None

    def turned(self, rotation: Array) -> Skeleton:
        """The same skeleton turned about the origin by `rotation` [3, 3]."""
        return Skeleton(
            names=self.names,
            parents=self.parents,
            rest_positions=self.rest_positions @ rotation.T,
            rest_rotations=rotation @ self.rest_rotations,
            tails=None if self.tails is None else self.tails @ rotation.T,
        )


def make_skeleton(
    names: Sequence[str],
    parents: Sequence[str | None],
    heads: Array,
    rotations: Array | None = None,
    tails: Array | None = None,
) -> Skeleton:
    """A skeleton from bones in any order, their parents given by name (None for a root).

    Args:
        names: bone names, each once.
        parents: the parent's name of each bone.
        heads: [N, 3] m.
        rotations: [N, 3, 3]; the ground's axes where left out.
        tails: [N, 3] m, where known.

    Raises:
        InputError: a name stands twice, a parent is missing, or the parents run in a ring.
    """
    place = {name: i for i, name in enumerate(names)}
    if len(place) != len(names):
        twice = next(name for i, name in enumerate(names) if place[name] != i)
        raise InputError(f"the skeleton has two bones named '{twice}'", hint="rename one of them")
    above = []
    for name, parent in zip(names, parents, strict=True):
        if parent is not None and parent not in place:
            raise InputError(f"the parent '{parent}' of bone '{name}' is missing from the skeleton")
        above.append(-1 if parent is None else place[parent])
    order = _topological(above, names)
    new_place = {old: new for new, old in enumerate(order)}
    heads = np.asarray(heads, dtype=float)
    rotations = np.broadcast_to(np.eye(3), (len(names), 3, 3)) if rotations is None else np.asarray(rotations, float)
    return Skeleton(
        names=tuple(names[i] for i in order),
        parents=np.array([-1 if above[i] < 0 else new_place[above[i]] for i in order], dtype=np.int64),
        rest_positions=heads[order],
        rest_rotations=np.array(rotations[order]),
        tails=None if tails is None else np.asarray(tails, dtype=float)[order],
    )


def skeleton_of_track(track: PoseTrack) -> Skeleton:
    """The skeleton under a PoseTrack: heads at the joint centres, body frames as bone frames."""
    return Skeleton(
        names=track.names,
        parents=np.asarray(track.parents),
        rest_positions=track.rest_joint_centres,
        rest_rotations=track.rest_rotations,
    )


def _topological(above: list[int], names: Sequence[str]) -> list[int]:
    order: list[int] = []
    done = set()
    waiting = list(range(len(above)))
    while waiting:
        ready = [i for i in waiting if above[i] < 0 or above[i] in done]
        if not ready:
            raise InputError(f"the parents of bone '{names[waiting[0]]}' run in a ring")
        order += ready
        done.update(ready)
        waiting = [i for i in waiting if i not in done]
    return order


def _refuse_bad_arrays(skeleton: Skeleton) -> None:
    count = len(skeleton.names)
    if count == 0:
        raise InputError("the skeleton has no bones", hint="choose an armature with bones")
    shapes = (skeleton.parents.shape, skeleton.rest_positions.shape, skeleton.rest_rotations.shape)
    if shapes != ((count,), (count, 3), (count, 3, 3)):
        raise InputError(f"the skeleton's arrays have the shapes {shapes}, which do not fit {count} bones")
    if np.any(skeleton.parents >= np.arange(count)):
        raise InputError("the skeleton's bones are not in topological order", hint="build it with make_skeleton")
    if not (np.all(np.isfinite(skeleton.rest_positions)) and np.all(np.isfinite(skeleton.rest_rotations))):
        bad = int(np.argmin(np.isfinite(skeleton.rest_positions).all(axis=1)))
        raise InputError(f"the rest transform of bone '{skeleton.names[bad]}' is not finite")
    errors = np.abs(np.swapaxes(skeleton.rest_rotations, 1, 2) @ skeleton.rest_rotations - np.eye(3)).max(axis=(1, 2))
    mirrored = np.linalg.det(skeleton.rest_rotations) < 0.0
    if errors.max() > 1e-3 or mirrored.any():
        bad = int(np.argmax(mirrored) if mirrored.any() else errors.argmax())
        problem = f"the rest frame of bone '{skeleton.names[bad]}' is {'mirrored' if mirrored[bad] else 'scaled'}"
        raise InputError(problem, hint="apply the armature object's scale first")
