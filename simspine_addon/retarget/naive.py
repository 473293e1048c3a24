"""The rival in every report: each bone copies the rotation of the source's bone of the same role, in world space."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..kinematics.pose_track import PoseTrack
from .align import align
from .roles import RoleMap
from .rotations import Array
from .skeleton import Skeleton, skeleton_of_track
from .solve import moved_track, pelvis_place
from .tree import body_tree
from .turns import TurnMaker, inherited


def naive_copy(track: PoseTrack, source_map: RoleMap, target: Skeleton, target_map: RoleMap) -> PoseTrack:
    """A motion copied as the usual constraint set-up does: facing and size matched, rest poses not aligned, the spine's
    bend lumped into the chest, feet left to the legs.

    Raises:
        InputError: as `retarget`.
    """
    source = skeleton_of_track(track)
    alignment = align(source, source_map, target, target_map)
    unit_offsets = dict.fromkeys(alignment.offsets, np.eye(3))
    alignment = replace(alignment, offsets=unit_offsets)
    tree = body_tree(alignment.target, target_map)
    maker = TurnMaker(track, source, source_map, alignment, target_map, "lumped")
    turns: list[Array | None] = maker.turns(tree)
    places = pelvis_place(maker, alignment.scale, 0.0)
    inherited(tree, turns, places, alignment.target, target_map)
    return moved_track(track, tree, target, alignment, turns, places)
