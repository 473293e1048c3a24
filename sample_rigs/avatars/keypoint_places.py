"""Where the 37 keypoints lie on an avatar: joints at joint centres, vertebrae in the spine or on the back, the rest on
its visible surface.

What the body's data know exactly (the tip of the nose, the ears, the tips of the toes) is taken from them; the other
points of the surface are where a ray from a landmark inside leaves the clothed body, so that a label lies on what is
seen. Distances are for a trunk of 0.562 m from hips to C7/T1 (a person of 1.75 m) and grow with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...simspine_addon.retarget.articulate import articulate
from ...simspine_addon.retarget.articulate_curve import SpineCurve, spine_curve
from ...simspine_addon.retarget.articulate_levels import LEVELS
from ...simspine_addon.retarget.avatar_landmarks import (
    AvatarKeypoints,
    CarriedPoint,
    SkinMesh,
    gathered,
    on_bones,
    on_vertex,
    shares_of,
    where_ray_leaves,
)
from ...simspine_addon.retarget.presets import choose_preset
from ...simspine_addon.retarget.roles import SIDES, RoleMap
from ...simspine_addon.retarget.skeleton import Skeleton
from ...simspine_addon.spine.keypoints import Placement
from .avatar import Avatar
from .landmarks import EAR_VERTEX, NOSE_VERTEX
from .mpfb_data import mirror_vertices

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]

FORWARD, UP, RIGHT = np.eye(3)
_TRUNK_M = 0.562
_LIMBS = ("upper_arm", "thigh")
_SIDES = (("L", "l", "left", -1.0), ("R", "r", "right", 1.0))
# Keypoint -> landmark, and the role of the bone that begins there.
JOINT_KEYPOINTS = {
    "Shoulder": ("shoulder", "upper_arm"),
    "Elbow": ("elbow", "forearm"),
    "Wrist": ("wrist", "hand"),
    "Hip": ("hip", "thigh"),
    "Knee": ("knee", "shin"),
    "Ankle": ("ankle", "foot"),
}
# Keypoint -> vertebra, or the two that a disc lies between; how far (degrees) below the level the way out to the back's
# surface leads: spinous processes slant, and straight behind the upper neck lies the back of the head.
_VERTEBRAE: dict[str, tuple[tuple[str, ...], float]] = {
    "Spine_01": (("L5",), 0.0),
    "Spine_02": (("L3",), 0.0),
    "Spine_03": (("L1", "T12"), 5.0),
    "Spine_04": (("T8",), 8.0),
    "Spine_05": (("T3",), 5.0),
    "Neck": (("C7",), 5.0),
    "Neck_02": (("C4", "C3"), 8.0),
    "Neck_03": (("C1",), 20.0),
}
_SACRUM = np.array([-0.025, -0.030, 0.0])  # its middle (S2) from L5/S1, of a sacrum that leans 40 degrees
_SCAPULA = "T6"  # the level of the latissimus keypoints, and how far out of the middle, of the shoulders' half width
_SCAPULA_OUT = 0.54
_COLLAR_UP_M = 0.010  # the upper rim of a collar bone's inner end over its joint
# From the skull's joint (forward, up, aside), m, for bodies whose data do not know the face.
_FACE = {"Nose": (0.0, 0.021, 0.0), "Eye": (0.0, 0.053, 0.032), "Ear": (0.015, 0.041, 0.0), "Head": (0.020, 0.060, 0.0)}
_HEEL_HEIGHT = 0.5  # of the ankle's
_TOES_BACK_M, _TOES_APART_M = 0.022, (0.018, -0.030)  # big and small toe from the tip of a shoe that has no toes


@dataclass(frozen=True, slots=True)
class _Person:
    """What the definitions below look at."""

    avatar: Avatar
    skeleton: Skeleton
    role_map: RoleMap
    skin: SkinMesh
    curve: SpineCurve
    size: float

    def place(self, landmark: str) -> Array:
        return self.avatar.landmarks[landmark]

    def bone(self, role: str) -> int:
        return self.skeleton.index(self.role_map.of(role)[0])

    def below(self, *roles: str) -> Flags:
        """The bones of these roles and all that hang on them, [B]."""
        return _hanging_on(self.skeleton, self.role_map, roles)

    def triangles(self, bones: Flags) -> Indices:
        """The triangles with a corner that is carried by these bones [B] for the most part."""
        carried = np.where(bones[self.skin.weight_bones], self.skin.weight_shares, 0.0).sum(axis=1)
        mostly = carried > 0.5 * self.skin.weight_shares.sum(axis=1)
        return np.flatnonzero(mostly[self.skin.triangles].any(axis=1))


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
    person = _person(avatar, role_map)
    points = _joints(person) | _spine(person, placement) | _trunk(person) | _head(person)
    for side in _SIDES:
        points |= _foot(person, side)
    found = {name: point for name, point in points.items() if point is not None}
    return gathered(found, person.skin, placement)


def articulated_avatar(avatar: Avatar) -> tuple[Avatar, RoleMap]:
    """The avatar with L5 to L1 and the thorax as bones that carry its skin, and its role map."""
    skeleton = avatar_skeleton(avatar)
    _, role_map, _ = choose_preset(skeleton)
    made = articulate(
        skeleton,
        role_map,
        avatar.vertices,
        avatar.weight_bones,
        avatar.weight_shares,
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


def _person(avatar: Avatar, role_map: RoleMap | None) -> _Person:
    skeleton = avatar_skeleton(avatar)
    if role_map is None:
        _, role_map, _ = choose_preset(skeleton)
    skin = SkinMesh(
        avatar.vertices,
        triangles_of(avatar),
        avatar.weight_bones,
        avatar.weight_shares,
        skeleton.rest_positions,
        skeleton.rest_rotations,
    )
    # Not by roles: an articulated rig's own spine bones have none any more, and some still carry skin.
    trunk = ~_hanging_on(skeleton, role_map, ("head", *(f"{side}_{part}" for side in SIDES for part in _LIMBS)))
    share = np.where(trunk[avatar.weight_bones], avatar.weight_shares, 0.0).sum(axis=1)
    known = {name: avatar.landmarks[name] for name in ("L5_S1", "T12_L1", "neck_base", "atlas")}
    curve = spine_curve(skeleton, role_map, avatar.vertices, skin.triangles, share, known)
    hips = (avatar.landmarks["hip_l"] + avatar.landmarks["hip_r"]) / 2
    size = float(np.linalg.norm(known["neck_base"] - hips)) / _TRUNK_M
    return _Person(avatar, skeleton, role_map, skin, curve, size)


def _hanging_on(skeleton: Skeleton, role_map: RoleMap, roles: Sequence[str]) -> Flags:
    """The bones [B] that begin these roles, and all that hang on them."""
    own = np.zeros(len(skeleton.names), dtype=bool)
    own[[skeleton.index(role_map.of(role)[0]) for role in roles]] = True
    for bone, parent in enumerate(skeleton.parents):
        own[bone] |= parent >= 0 and own[parent]
    return own


def _joints(person: _Person) -> dict[str, CarriedPoint | None]:
    """Joint centres, carried half by the bone before and half by the bone after: they agree on it, or nearly so."""
    points: dict[str, CarriedPoint | None] = {}
    for letter, suffix, side, _ in _SIDES:
        for name, (landmark, role) in JOINT_KEYPOINTS.items():
            bone = person.bone(f"{side}_{role}")
            carriers = [int(person.skeleton.parents[bone]), bone]
            points[letter + name] = on_bones(person.place(f"{landmark}_{suffix}"), carriers, (0.5, 0.5), "joint")
    return points


def _spine(person: _Person, placement: Placement) -> dict[str, CarriedPoint | None]:
    """The vertebral keypoints, and the sacrum, which lies on the back in either placement."""
    trunk = person.triangles(~person.below("left_upper_arm", "right_upper_arm"))
    points: dict[str, CarriedPoint | None] = {}
    for name, (levels, slant) in _VERTEBRAE.items():
        centre = _level_centre(person, levels)
        angle = np.radians(slant)
        out = where_ray_leaves(person.skin, centre, -np.cos(angle) * FORWARD - np.sin(angle) * UP, trunk)
        points[name] = out if placement == "surface" else _centroid(person, centre, levels, out)
    sacrum = person.place("L5_S1") + person.size * _SACRUM
    points["Hip"] = where_ray_leaves(person.skin, sacrum, -FORWARD, trunk)
    return points


def _level_centre(person: _Person, levels: tuple[str, ...]) -> Array:
    """The middle of a vertebra's body, or of the disc between two."""
    joints = person.curve.joint_heights
    upper = LEVELS.index(levels[-1])
    height = joints[upper] if len(levels) == 2 else (joints[upper] + joints[upper + 1]) / 2
    return person.curve.at(np.array([height]))[0]


def _centroid(person: _Person, centre: Array, levels: tuple[str, ...], out: CarriedPoint | None) -> CarriedPoint:
    """A vertebra's centre on its own bone, where the avatar has it; else on what carries the skin behind it."""
    own = [person.skeleton.index(level) for level in levels if level in person.skeleton.names]
    if len(own) == len(levels):
        return on_bones(centre, own, [1.0] * len(own), "vertebra")
    chain = [person.skeleton.index(b) for role in ("pelvis", "spine", "neck", "head") for b in person.role_map.of(role)]
    bones, shares = shares_of(out, chain) if out is not None else ([], [])
    if not bones:
        heads = person.skeleton.rest_positions[chain]
        bones, shares = [chain[int(np.argmin(np.linalg.norm(heads - centre, axis=1)))]], [1.0]
    return on_bones(centre, bones, shares, "vertebra")


def _trunk(person: _Person) -> dict[str, CarriedPoint | None]:
    """The inner ends of the collar bones, in front, and the shoulder blades' lower halves, behind."""
    trunk = person.triangles(~person.below("left_upper_arm", "right_upper_arm"))
    width = float(person.place("shoulder_r")[2] - person.place("shoulder_l")[2]) / 2
    blade = _level_centre(person, (_SCAPULA,))
    points: dict[str, CarriedPoint | None] = {}
    for letter, suffix, _, sign in _SIDES:
        inner = person.place(f"clavicle_{suffix}") + person.size * _COLLAR_UP_M * UP
        points[f"{letter}Clavicle"] = where_ray_leaves(person.skin, inner, FORWARD, trunk)
        start = blade + sign * _SCAPULA_OUT * width * RIGHT
        points[f"{letter}Latissimus"] = where_ray_leaves(person.skin, start, -FORWARD, trunk)
    return points


def _head(person: _Person) -> dict[str, CarriedPoint | None]:
    """Face and crown: vertices that the data name where they are seen, else rays from the skull's joint."""
    head = person.triangles(person.below("head"))
    known = person.avatar.landmarks

    def ray(name: str, direction: Array, sign: float, start: Array | None = None) -> CarriedPoint | None:
        if start is None:
            start = person.place("atlas") + person.size * np.array(_FACE[name]) * (1.0, 1.0, sign)
        return where_ray_leaves(person.skin, start, direction, head)

    points: dict[str, CarriedPoint | None] = {
        "Nose": _seen_vertex(person, NOSE_VERTEX) or ray("Nose", FORWARD, 1.0),
        "Head": ray("Head", UP, 1.0),
    }
    for letter, suffix, _, sign in _SIDES:
        points[f"{letter}Eye"] = ray("Eye", FORWARD, sign, known.get(f"eye_{suffix}"))
        ear = None
        if "ear_l" in known:
            ear = _seen_vertex(person, EAR_VERTEX if suffix == "l" else int(mirror_vertices()[EAR_VERTEX]))
        points[f"{letter}Ear"] = ear or ray("Ear", sign * RIGHT, sign)
    return points


def _seen_vertex(person: _Person, base_vertex: int) -> CarriedPoint | None:
    """A vertex of the base mesh on the avatar; None where it has none of it, or something covers it."""
    found = np.flatnonzero(person.avatar.base_vertices == base_vertex)
    return on_vertex(person.skin, int(found[0])) if len(found) else None


def _foot(person: _Person, side: tuple[str, str, str, float]) -> dict[str, CarriedPoint | None]:
    """The back of the heel and the upper side of the toes' tips, on the shoe where there is one."""
    letter, suffix, name, sign = side
    ankle, ball = person.place(f"ankle_{suffix}"), person.place(f"ball_{suffix}")
    along = (ball - ankle) * (1.0, 0.0, 1.0)
    along = along / np.linalg.norm(along)
    inwards = -sign * np.cross(along, UP)
    foot = person.triangles(person.below(f"{name}_foot"))
    heel = ankle * (1.0, _HEEL_HEIGHT, 1.0)
    points = {f"{letter}Heel": where_ray_leaves(person.skin, heel, -along, foot)}
    for toe, landmark, aside in zip(("BigToe", "SmallToe"), ("big_toe", "small_toe"), _TOES_APART_M, strict=True):
        start = person.avatar.landmarks.get(f"{landmark}_{suffix}")
        if start is None:
            tip = where_ray_leaves(person.skin, ball, along, foot)
            back = _TOES_BACK_M * (1.0 if toe == "BigToe" else 2.0)
            start = ball if tip is None else tip.place + person.size * (aside * inwards - back * along)
        points[f"{letter}{toe}"] = where_ray_leaves(person.skin, start, UP, foot)
    return points
