"""Foot (talus, heel-to-metatarsals, toes) and hand.

Frames: X forward, Y up, Z to the right, of a standing person with hanging arms. Foot parts follow the three bodies of
the usual OpenSim leg: the talus about the ankle centre, the rest of the foot about the subtalar origin at the heel,
the toes about the metatarsophalangeal joint; `foot_offsets` gives the distances between these origins. The hand hangs
down from the wrist centre, thumb forward, palm inwards. Shapes are this project's own drawing in mm, by eye after
anatomy textbooks. The offsets for a 260 mm foot are those of the public gait2392 model (Delp et al. 1990).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from . import fields
from .fields import Array
from .mesh_tools import METRES, BoneMesh, for_side, merge, swept_tube
from .surface_nets import even_axis, mesh_from_field

FOOT_LENGTH = 0.260  # m, with its flesh, of the drawing
HAND_LENGTH = 0.184  # m, wrist to the tip of the middle finger
_HEEL = np.array([-48.77, -41.95, 7.92])  # subtalar origin from the ankle centre, right foot
_TOES = np.array([178.8, -2.0, 1.08])  # metatarsophalangeal origin from the subtalar origin


def foot_offsets(length: float = FOOT_LENGTH, side: str = "right") -> tuple[Array, Array]:
    """Subtalar origin from the ankle centre, and metatarsophalangeal origin from the subtalar one: [3], [3] m."""
    sign = np.array([1.0, 1.0, 1.0 if side == "right" else -1.0]) * METRES * length / FOOT_LENGTH
    return _HEEL * sign, _TOES * sign


def talus_mesh(side: str = "right", length: float = FOOT_LENGTH) -> BoneMesh:
    """Ankle bone; origin at the ankle centre. `length` is the whole foot's, m."""
    return for_side(_talus().scaled(length / FOOT_LENGTH), side)


def calcaneus_mesh(side: str = "right", length: float = FOOT_LENGTH) -> BoneMesh:
    """Heel bone, tarsals and metatarsals; origin at the subtalar origin, at the back of the heel."""
    return for_side(_hind_foot().scaled(length / FOOT_LENGTH), side)


def toes_mesh(side: str = "right", length: float = FOOT_LENGTH) -> BoneMesh:
    """Phalanges of the five toes; origin at the metatarsophalangeal origin."""
    return for_side(_toes().scaled(length / FOOT_LENGTH), side)


def foot(side: str = "right", length: float = FOOT_LENGTH) -> BoneMesh:
    """The whole foot in one mesh; origin at the ankle centre."""
    heel, toes = foot_offsets(length, side)
    return merge(
        [
            talus_mesh(side, length),
            calcaneus_mesh(side, length).moved(None, heel),
            toes_mesh(side, length).moved(None, heel + toes),
        ]
    )


def hand(side: str = "right", length: float = HAND_LENGTH) -> BoneMesh:
    """Carpals, metacarpals and phalanges; origin at the wrist centre. `length` reaches to the middle fingertip, m."""
    return for_side(_hand().scaled(length / HAND_LENGTH), side)


@cache
def _talus() -> BoneMesh:
    axes = (even_axis(-30, 44, 2.2), even_axis(-34, 16, 2.2), even_axis(-26, 28, 2.2))
    return mesh_from_field(_talus_field, axes, 220)


def _talus_field(p: Array) -> Array:
    x, y, z = p.T
    dome = fields.meet(np.hypot(x, y + 5) - 18.5, np.abs(z - 1 + 0.05 * x) - 16.0 + 0.08 * x, blend=4)
    dome = fields.cut(dome, fields.ellipse(y - 18.8, z - 1, (5.5, 7.0)), 4)
    body = fields.ellipsoid(p, (-3, -12, 1), (21, 12, 15))
    head = fields.strand(p, [(8, -10, -2, 12), (24, -14, -7, 9.5), (32, -16, -9, 11.0)], smooth=3)
    lateral = fields.ellipsoid(p, (0, -14, 16), (9, 7, 7))
    bone = fields.join(dome, body, head, blend=5)
    bone = fields.join(bone, lateral, blend=5)
    return fields.cut(bone, fields.ellipsoid(p, (-9, -36, 4), (20, 14, 20), fields.turn("z", -14)), 3)


_METATARSALS = (
    # base x y z, head x y z, radii at base, shaft, head
    ((60, -38, -18), (124, -57, -21), (9.5, 6.4, 9.5)),
    ((61, -31, -5), (133, -57, -4), (7.2, 4.0, 6.0)),
    ((58, -33, 7), (128, -58, 8), (6.8, 3.8, 5.8)),
    ((53, -40, 17), (119, -60, 19), (6.6, 3.8, 5.8)),
    ((44, -50, 27), (107, -61, 30), (7.2, 4.2, 5.8)),
)


@cache
def _hind_foot() -> BoneMesh:
    axes = (even_axis(-76, 78, 2.5), even_axis(-74, -8, 2.5), even_axis(-34, 38, 2.5))
    tarsus = mesh_from_field(_tarsus_field, axes, 520)
    rays = [_ray_bone(np.array([base, head]), radii, around=8) for base, head, radii in _METATARSALS]
    return merge([tarsus, *rays]).moved(None, -_HEEL * METRES)


def _tarsus_field(p: Array) -> Array:
    tuber = fields.strand(p, [(-57, -52, 6, 13.5), (-59, -34, 5, 12.5)], (1, 1, 0.95))
    heel = fields.strand(
        p,
        [(-56, -42, 6, 15), (-32, -38, 7, 12.5), (-6, -32.5, 9, 12.5), (8, -36, 12, 12), (23, -42, 15, 11.5)],
        (1, 1.22, 0.95),
        smooth=4,
    )
    shelf = fields.ellipsoid(p, (2, -28, -8), (13, 5.5, 11))
    heel = fields.join(heel, tuber, shelf, blend=7)
    seat = fields.ellipsoid(p, (-8, -9, 3), (19, 17, 17))
    heel = fields.cut(heel, seat, 3)
    cuboid = fields.ellipsoid(p, (38, -46, 19), (14, 11, 12))
    navicular = fields.ellipsoid(p, (45, -23, -9), (6.5, 13, 16), fields.turn("z", 18))
    navicular = fields.cut(navicular, fields.ellipsoid(p, (31.5, -16, -9), (12.5, 12.5, 13)), 2)
    wedges = [
        fields.ellipsoid(p, (57, -34, -18), (10, 12, 7.5)),
        fields.ellipsoid(p, (56, -27, -5), (8.5, 9.5, 6.5)),
        fields.ellipsoid(p, (54, -31, 6), (9.5, 10, 6.5)),
    ]
    middle = fields.join(navicular, *wedges, blend=1.5)
    return fields.join(fields.join(heel, cuboid, blend=1.5), middle, blend=1.5)


def _ray_bone(ends: Array, radii: tuple[float, float, float], *, arch: float = 3.0, around: int = 6) -> BoneMesh:
    """One metatarsal, metacarpal or phalanx: broad base, slim bowed shaft, round head. Millimetres."""
    share = np.array([0.0, 0.12, 0.34, 0.62, 0.88, 1.0])
    base, shaft, head = radii
    size = np.array([base * 0.92, base, 0.25 * base + 0.75 * shaft, 0.9 * shaft + 0.1 * head, head, head * 0.86])
    length = float(np.linalg.norm(ends[1] - ends[0]))
    inset = np.clip(np.array([base, head]) * 0.75, 0, 0.3 * length) / length  # the rounded ends reach the given points
    share = inset[0] + share * (1 - inset.sum())
    path = ends[0] + share[:, None] * (ends[1] - ends[0])
    path[:, 1] += arch * np.sin(np.pi * share)
    along = (ends[1] - ends[0]) / length
    aside = np.cross(along, [0.0, 0.0, 1.0]) if abs(along[2]) < 0.9 else np.array([0.0, 1.0, 0.0])
    return swept_tube(path, np.stack([size, size], axis=1), np.tile(aside, (len(path), 1)), around=around)


@cache
def _toes() -> BoneMesh:
    bones = []
    for number, (_, head, _) in enumerate(_METATARSALS):
        lengths = ((31, 23), (24, 10, 9), (22, 9, 9), (20, 8, 8.5), (17, 7, 8))[number]
        heading = np.array([1.0, 0.06, (0.10, 0.02, 0.0, -0.06, -0.16)[number]])
        start = np.array(head, dtype=float) + np.array([2.0 if number == 0 else 1.2, -0.5, 0.0])
        for joint, length in enumerate(lengths):
            end = start + heading / np.linalg.norm(heading) * length
            thick = (
                ((8.2, 5.6, 7.0), (7.4, 4.8, 4.6))[joint]
                if number == 0
                else ((5.2, 3.2, 4.2), (4.2, 3.3, 3.8), (3.8, 2.8, 3.0))[joint]
            )
            bones.append(_ray_bone(np.array([start, end]), thick, arch=1.0 if joint == 0 else 0.0))
            start = end + heading * 0.8
            heading = heading + np.array([0.0, -0.16, 0.0])
    return merge(bones).moved(None, -(_HEEL + _TOES) * METRES)


_FINGERS = (
    # metacarpal base and head (x y z), phalanx lengths, thickness
    ((13, -34, 2), (26, -92, 3), (40, 23, 17), 1.0),
    ((4, -35, 4), (7, -92, 5), (44, 28, 18), 1.03),
    ((-6, -34, 4), (-11, -86, 4), (41, 26, 18), 0.96),
    ((-15, -32, 2), (-27, -79, 1), (33, 18, 16), 0.86),
)


@cache
def _hand() -> BoneMesh:
    axes = (even_axis(-24, 28, 2.4), even_axis(-36, 4, 2.4), even_axis(-12, 14, 2.4))
    bones = [mesh_from_field(_carpus_field, axes, 300)]
    for base, head, lengths, size in _FINGERS:
        bones.append(_ray_bone(np.array([base, head]), (6.8 * size, 3.9 * size, 6.6 * size), arch=0.0, around=8))
        heading = np.array(head, dtype=float) - np.array(base)
        heading = heading / np.linalg.norm(heading) + np.array([0.0, 0.0, -0.06])
        bones += _finger(
            np.array(head, dtype=float) + heading * 1.0, heading, lengths, size, np.array([0.0, 0.02, -0.13])
        )
    base, head = np.array([21.0, -24.0, -7.0]), np.array([43.0, -60.0, -17.0])
    bones.append(_ray_bone(np.array([base, head]), (7.6, 4.8, 6.8), arch=0.0, around=8))
    heading = (head - base) / np.linalg.norm(head - base)
    bones += _finger(head + heading, heading, (32, 24), 1.12, np.array([-0.10, -0.10, 0.02]))
    return merge(bones)


def _finger(start: Array, heading: Array, lengths: tuple[float, ...], size: float, bend: Array) -> list[BoneMesh]:
    """Phalanges one after the other, each bent a little further."""
    bones = []
    for joint, length in enumerate(lengths):
        last = joint == len(lengths) - 1
        thick = np.array((4.4, 2.9, 3.3) if last else ((6.0, 4.0, 5.0) if joint == 0 else (5.2, 3.4, 4.3))) * size
        end = start + heading / np.linalg.norm(heading) * length
        bones.append(_ray_bone(np.array([start, end]), (float(thick[0]), float(thick[1]), float(thick[2])), arch=0.0))
        start = end + heading * 0.8
        heading = heading + bend
    return bones


def _carpus_field(p: Array) -> Array:
    """Eight carpal bones in two rows, touching, with grooves between them."""
    places = (
        ((12, -8, 1), (8.5, 8.5, 8)),
        ((1, -6, 2), (7.5, 8, 8.5)),
        ((-9, -8, 1), (7.5, 7.5, 7)),
        ((-13, -10, -6), (5, 5.5, 5)),
        ((19, -22, -3), (7, 8, 7.5)),
        ((11, -23, 2), (6.5, 8, 7.5)),
        ((2, -23, 3), (8, 11, 8.5)),
        ((-10, -23, 1), (9, 9.5, 8.5)),
    )
    return fields.join(*(fields.ellipsoid(p, place, radii) for place, radii in places), blend=1.2)
