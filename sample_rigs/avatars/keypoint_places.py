"""The 37 keypoints on sample avatars, with what the body's data know exactly; and avatars with vertebrae as bones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...simspine_addon.retarget.articulate import articulate
from ...simspine_addon.retarget.articulate_levels import LUMBAR
from ...simspine_addon.retarget.avatar_landmarks import AvatarKeypoints, SkinMesh
from ...simspine_addon.retarget.keypoint_definitions import keypoints_on_skin
from ...simspine_addon.retarget.presets import choose_preset
from ...simspine_addon.retarget.roles import RoleMap
from ...simspine_addon.retarget.skeleton import Skeleton
from ...simspine_addon.spine.keypoints import Placement
from .avatar import Avatar
from .landmarks import EAR_VERTEX, NOSE_VERTEX
from .mpfb_data import mirror_vertices

Indices = NDArray[np.int64]


def keypoints_on_avatar(
    avatar: Avatar, placement: Placement = "surface", role_map: RoleMap | None = None
) -> AvatarKeypoints:
    """The 37 keypoints on an avatar, carried by its bones.

    Args:
        avatar: at rest; a sample avatar, fitted or not, articulated or not, or the mannequin.
        placement: the vertebral keypoints on the back's visible "surface", or at their bodies' centres, "centroid".
        role_map: of the avatar's skeleton; chosen by its bones' names where left out.

    Raises:
        InputError: its bones are not a person's.
    """
    skeleton = avatar_skeleton(avatar)
    if role_map is None:
        _, role_map, _ = choose_preset(skeleton)
    return keypoints_on_skin(skeleton, role_map, skin_of(avatar), placement, avatar.landmarks, _seen(avatar))


def _seen(avatar: Avatar) -> dict[str, int]:
    """Keypoints that are vertices of the base mesh which nothing covers."""
    if "ear_l" not in avatar.landmarks:
        return {}
    named = {"Nose": NOSE_VERTEX, "LEar": EAR_VERTEX, "REar": int(mirror_vertices()[EAR_VERTEX])}
    found = {name: np.flatnonzero(avatar.base_vertices == vertex) for name, vertex in named.items()}
    return {name: int(vertices[0]) for name, vertices in found.items() if len(vertices)}


def skin_of(avatar: Avatar) -> SkinMesh:
    """All of the avatar that is seen, clothes included."""
    return SkinMesh(
        avatar.vertices,
        triangles_of(avatar),
        avatar.weight_bones,
        avatar.weight_shares,
        avatar.heads,
        avatar.rest[:, :3, :3],
    )


def articulated_avatar(avatar: Avatar, levels: Sequence[str] = LUMBAR) -> tuple[Avatar, RoleMap]:
    """The avatar with L5 to L1 and the thorax as bones that carry its skin, and its role map; other `levels` if wanted
    (see `retarget.articulate`)."""
    skeleton = avatar_skeleton(avatar)
    _, role_map, _ = choose_preset(skeleton)
    made = articulate(
        skeleton,
        role_map,
        avatar.vertices,
        avatar.weight_bones,
        avatar.weight_shares,
        levels,
        triangles=triangles_of(avatar),
        landmarks=avatar.landmarks,
    )
    new = made.skeleton
    rest = np.tile(np.eye(4), (len(new.names), 1, 1))
    rest[:, :3, :3], rest[:, :3, 3] = new.rest_rotations, new.rest_positions
    assert new.tails is not None
    return (
        replace(
            avatar,
            bone_names=new.names,
            parents=new.parents,
            heads=new.rest_positions,
            tails=new.tails,
            rest=rest,
            weight_bones=made.weight_bones,
            weight_shares=made.weight_shares,
        ),
        made.role_map,
    )


def avatar_skeleton(avatar: Avatar) -> Skeleton:
    """The avatar's bones as retargeting wants them."""
    return Skeleton(avatar.bone_names, avatar.parents, avatar.heads, avatar.rest[:, :3, :3], avatar.tails)


def triangles_of(avatar: Avatar) -> Indices:
    """The avatar's polygons as triangles [F, 3], each polygon a fan about its first corner."""
    sizes = np.diff(avatar.offsets)
    polygon = np.repeat(np.arange(len(sizes)), sizes - 2)
    first = avatar.offsets[:-1][polygon]
    step = np.arange(len(polygon)) - np.repeat(np.cumsum(sizes - 2) - (sizes - 2), sizes - 2) + 1
    return avatar.corners[np.stack([first, first + step, first + step + 1], axis=1)]
