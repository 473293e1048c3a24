"""Where the 37 keypoints lie on a skinned person: joints at joint centres, vertebrae in the spine or on the back, the
rest on the visible surface.

Points that are known exactly (the tip of the nose, the ears, the tips of the toes) are taken as they are; the others
are where a ray from a landmark inside leaves the clothed body, so that a label lies on what is seen. Distances are for
a trunk of 0.562 m from hips to C7/T1 (a person of 1.75 m) and grow with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..spine.keypoints import Placement
from .articulate_curve import SpineCurve, spine_curve
from .articulate_levels import LEVELS
from .avatar_landmarks import (
    AvatarKeypoints,
    CarriedPoint,
    SkinMesh,
    gathered,
    on_bones,
    on_vertex,
    shares_of,
    where_ray_leaves,
)
from .landmarks import facing
from .roles import SIDES, RoleMap
from .rotations import yaw_between
from .skeleton import Skeleton

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
_COLLAR = np.array([0.045, 0.0, 0.024])  # a collar bone's inner end from T3, where the rig has none
_NECK_OF_HEAD = 0.85  # of the way from the hips to the skull's joint, where a rig has no neck
_ATLAS_UNDER_CROWN_M = 0.170  # the skull's joint under the crown, some hair included
_INNER = 0.3  # of the shoulders' half width: a collar bone that begins farther out does not begin at the breastbone
# From the skull's joint (forward, up, aside), m, for bodies whose data do not know the face.
_FACE = {"Nose": (0.0, 0.021, 0.0), "Eye": (0.0, 0.053, 0.032), "Ear": (0.015, 0.041, 0.0), "Head": (0.020, 0.060, 0.0)}
_HEEL_HEIGHT = 0.5  # of the ankle's
# Big and small toe from the tip of a shoe that has no toes: how far back, and how far inwards, m.
_TOES = (("BigToe", "big_toe", 0.010, 0.024), ("SmallToe", "small_toe", 0.042, -0.037))
_NARROWER = (1.0, 0.7, 0.4)  # of that, where the foot is narrower


@dataclass(frozen=True, slots=True)
class _Person:
    """What the definitions below look at; it looks along X."""

    skeleton: Skeleton
    role_map: RoleMap
    skin: SkinMesh
    curve: SpineCurve
    size: float
    landmarks: Mapping[str, Array]
    seen: Mapping[str, int]

    def place(self, landmark: str) -> Array:
        return self.landmarks[landmark]

    def bone(self, role: str) -> int:
        return self.skeleton.index(self.role_map.of(role)[0])

    def below(self, *roles: str) -> Flags:
        """The bones of these roles and all that hang on them, [B]."""
        return _hanging_on(self.skeleton, self.role_map, roles)

    def triangles(self, bones: Flags) -> Indices:
        """The triangles with a corner that is carried by these bones [B] for the most part."""
        mostly = _carried_by(self.skin, bones) > 0.5
        return np.flatnonzero(mostly[self.skin.triangles].any(axis=1))


def keypoints_on_skin(
    skeleton: Skeleton,
    role_map: RoleMap,
    skin: SkinMesh,
    placement: Placement = "surface",
    landmarks: Mapping[str, Array] | None = None,
    seen: Mapping[str, int] | None = None,
) -> AvatarKeypoints:
    """The 37 keypoints on any skinned person at rest, carried by its bones.

    Args:
        skeleton: at rest, upright, in OpenSim's axes, looking anywhere.
        role_map: of that skeleton.
        skin: everything of the person that is seen.
        placement: the vertebral keypoints on the back's visible "surface", or at their bodies' centres, "centroid".
        landmarks: places [3] m by name ("hip_r", "L5_S1", "neck_base", "atlas", "eye_l", "big_toe_l", ...), as far as
            they are known; joints are the rig's own where left out.
        seen: keypoints that are vertices of the skin ("Nose", "LEar", ...).

    Raises:
        InputError: the bones are not a person's.
    """
    turn = yaw_between(facing(skeleton, role_map), FORWARD)
    turned = SkinMesh(
        skin.vertices @ turn.T,
        skin.triangles,
        skin.weight_bones,
        skin.weight_shares,
        skin.rest_positions @ turn.T,
        turn @ skin.rest_rotations,
    )
    known = {name: turn @ place for name, place in (landmarks or {}).items()}
    person = _person(skeleton.turned(turn), role_map, turned, known, seen or {})
    points = _joints(person) | _spine(person, placement) | _trunk(person) | _head(person)
    for side in _SIDES:
        points |= _foot(person, side)
    points |= {name: on_vertex(turned, vertex) for name, vertex in person.seen.items()}
    found = {name: point for name, point in points.items() if point is not None}
    # What carries the points stands in the bones' own frames, which turn with the person.
    keypoints = gathered(found, turned, placement)
    return replace(keypoints, places=keypoints.places @ turn)


def _person(
    skeleton: Skeleton, role_map: RoleMap, skin: SkinMesh, known: Mapping[str, Array], seen: Mapping[str, int]
) -> _Person:
    landmarks = _rigs_own(skeleton, role_map) | dict(known)
    hips = (landmarks["hip_l"] + landmarks["hip_r"]) / 2
    size = float(np.linalg.norm(landmarks["neck_base"] - hips)) / _TRUNK_M
    if "atlas" not in known:
        landmarks["atlas"] = _skull_joint(skeleton, role_map, skin, landmarks["atlas"], size)
    # Not by roles: an articulated rig's own spine bones have none any more, and some still carry skin.
    trunk = ~_hanging_on(skeleton, role_map, ("head", *(f"{side}_{part}" for side in SIDES for part in _LIMBS)))
    on_spine = {name: landmarks[name] for name in ("L5_S1", "T12_L1", "neck_base", "atlas") if name in landmarks}
    curve = spine_curve(skeleton, role_map, skin.vertices, skin.triangles, _carried_by(skin, trunk), on_spine)
    low, chest = curve.at(curve.joint_heights[[0, LEVELS.index("T3")]])
    landmarks.setdefault("L5_S1", low)
    for suffix, sign in (("l", -1.0), ("r", 1.0)):
        name, width = f"clavicle_{suffix}", abs(landmarks[f"shoulder_{suffix}"][2])
        if name not in known and not (name in landmarks and abs(landmarks[name][2]) < _INNER * width):
            landmarks[name] = chest + size * _COLLAR * (1.0, 1.0, sign)
    return _Person(skeleton, role_map, skin, curve, size, landmarks, seen)


def _rigs_own(skeleton: Skeleton, role_map: RoleMap) -> dict[str, Array]:
    """Landmarks that are joints of the rig itself; the ball of the foot in the middle of toes side by side."""
    roles = dict(JOINT_KEYPOINTS.values()) | {"clavicle": "clavicle"}
    own = {f"{mark}_{side[0]}": role_map.of(f"{side}_{role}")[:1] for mark, role in roles.items() for side in SIDES}
    own |= {f"ball_{side[0]}": role_map.of(f"{side}_toes") for side in SIDES}
    own |= {"neck_base": role_map.of("neck")[:1], "atlas": role_map.of("head")[:1]}
    for landmark, level in (("L5_S1", "L5"), ("T12_L1", "T12")):
        own[landmark] = (level,) if level in role_map.of("spine") else ()
    heads = skeleton.rest_positions
    found = {name: heads[[skeleton.index(bone) for bone in bones]].mean(axis=0) for name, bones in own.items() if bones}
    if "neck_base" not in found:
        hips = (found["hip_l"] + found["hip_r"]) / 2
        found["neck_base"] = hips + _NECK_OF_HEAD * (found["atlas"] - hips)
    for side in SIDES:
        if f"ball_{side[0]}" not in found:
            end = skeleton.end_of(skeleton.index(role_map.of(f"{side}_foot")[-1]))
            found[f"ball_{side[0]}"] = found[f"ankle_{side[0]}"] + 0.1 * FORWARD if end is None else end
    return found


def _skull_joint(skeleton: Skeleton, role_map: RoleMap, skin: SkinMesh, bone: Array, size: float) -> Array:
    """The joint under the skull from the top of the head's skin; rigs begin their head bone anywhere about the neck."""
    carried = _carried_by(skin, _hanging_on(skeleton, role_map, ("head",))) > 0.5
    if not carried.any():
        return bone
    head = skin.vertices[carried]
    depth = (head[:, 0].min() + head[:, 0].max()) / 2
    return np.array([depth, head[:, 1].max() - size * _ATLAS_UNDER_CROWN_M, bone[2]])


def _carried_by(skin: SkinMesh, bones: Flags) -> Array:
    """How much of each vertex's weight these bones [B] have, [V]."""
    held = np.where(bones[skin.weight_bones], skin.weight_shares, 0.0).sum(axis=1)
    return held / np.maximum(skin.weight_shares.sum(axis=1), 1e-12)


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
    """Face and crown, from the skull's joint."""
    head = person.triangles(person.below("head"))
    known = person.landmarks

    def ray(name: str, direction: Array, sign: float, start: Array | None = None) -> CarriedPoint | None:
        if start is None:
            start = person.place("atlas") + person.size * np.array(_FACE[name]) * (1.0, 1.0, sign)
        return where_ray_leaves(person.skin, start, direction, head)

    points: dict[str, CarriedPoint | None] = {
        "Nose": ray("Nose", FORWARD, 1.0),
        "Head": ray("Head", UP, 1.0),
    }
    for letter, suffix, _, sign in _SIDES:
        points[f"{letter}Eye"] = ray("Eye", FORWARD, sign, known.get(f"eye_{suffix}"))
        points[f"{letter}Ear"] = ray("Ear", sign * RIGHT, sign)
    return points


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
    tip = where_ray_leaves(person.skin, ball, along, foot)
    end = ball if tip is None else tip.place
    for toe, landmark, back, aside in _TOES:
        known = person.landmarks.get(f"{landmark}_{suffix}")
        guesses = [end + person.size * (share * aside * inwards - back * along) for share in _NARROWER]
        starts = guesses if known is None else [known]
        found = (where_ray_leaves(person.skin, start, UP, foot) for start in starts)
        points[f"{letter}{toe}"] = next((point for point in found if point is not None), None)
    return points
