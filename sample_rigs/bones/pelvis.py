"""The pelvis: hip bones with iliac wing, acetabulum and obturator foramen, and the sacrum with coccyx.

Frames: X forward, Y up, Z to the right, of a standing person. `sacrum`: origin at the centre of the upper endplate of
S1. `hip_bone` and `pelvis`: origin midway between the two hip joint centres. Drawn in mm by this project for hip
centres 170 mm apart; the sacral slope default (40 degrees) is a commonly quoted standing mean (Legaye et al., Eur Spine
J 1998, report values about 41; not checked against the original).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from . import fields
from .fields import Array, Relief
from .mesh_tools import BoneMesh, for_side, merge
from .surface_nets import even_axis, mesh_from_field

HIP_HALF_DISTANCE = 0.085  # m, of the drawing
S1_FORWARD = -0.025  # m, S1's upper endplate from the hips' midpoint
S1_HEIGHT = 0.105
SACRAL_SLOPE_DEG = 40.0


def pelvis(
    hip_half_distance: float = HIP_HALF_DISTANCE,
    s1_height: float = S1_HEIGHT,
    s1_forward: float = S1_FORWARD,
    slope_deg: float = SACRAL_SLOPE_DEG,
) -> BoneMesh:
    """Both hip bones and the sacrum as one mesh; origin midway between the hip joint centres.

    Args:
        hip_half_distance: from the origin to each hip joint centre along Z, m.
        s1_height: of the centre of S1's upper endplate above the hips, m.
        s1_forward: of the same point, m, negative behind the hips.
        slope_deg: forward tilt of S1's upper endplate against the horizontal.
    """
    right = hip_bone("right", hip_half_distance, s1_height)
    width = hip_half_distance / HIP_HALF_DISTANCE
    middle = sacrum(slope_deg, scale=s1_height / S1_HEIGHT, width=width).moved(None, (s1_forward, s1_height, 0.0))
    return merge([right, right.mirrored(), middle])


def hip_bone(
    side: str = "right", hip_half_distance: float = HIP_HALF_DISTANCE, s1_height: float = S1_HEIGHT
) -> BoneMesh:
    """One hip bone; origin midway between the hip joint centres, its own centre at (0, 0, +-hip_half_distance)."""
    size = s1_height / S1_HEIGHT
    return for_side(_hip_bone().scaled((size, size, hip_half_distance / HIP_HALF_DISTANCE)), side)


def sacrum(slope_deg: float = SACRAL_SLOPE_DEG, *, scale: float = 1.0, width: float | None = None) -> BoneMesh:
    """Sacrum and coccyx; origin at the centre of S1's upper endplate.

    Args:
        slope_deg: forward tilt of the endplate against the horizontal; 0 leaves the endplate level.
        scale: factor on all lengths.
        width: factor on the width alone, `scale` when not given.
    """
    stretched = _sacrum().scaled((scale, scale, scale if width is None else width))
    return stretched.moved(fields.turn("z", -slope_deg))


_ILIUM_OUTLINE = (
    (57, 64), (55, 84), (42, 108), (18, 128), (-15, 138), (-52, 135), (-84, 116), (-98, 95), (-94, 80), (-80, 68),
    (-58, 58), (-46, 44), (-40, 22), (-36, -6), (-20, -28), (18, -28), (32, -6), (40, 22), (45, 34), (45, 47),
)  # fmt: skip
_ILIUM_MIDDLE = (
    # x, y, z of the blade's middle surface
    (57, 66, 120), (44, 108, 128), (18, 128, 132), (-15, 138, 127), (-52, 135, 100), (-84, 116, 66), (-98, 92, 46),
    (-80, 70, 52), (-58, 88, 62), (-46, 46, 74), (-36, 0, 72), (0, 0, 76), (36, 0, 76), (42, 32, 92), (0, 45, 90),
    (10, 90, 113), (-25, 95, 98), (30, 62, 108), (0, -28, 74),
)  # fmt: skip
_ILIUM_THICKNESS = (
    (57, 66, 13), (44, 108, 11), (18, 128, 13), (-15, 138, 11), (-52, 135, 12), (-84, 116, 18), (-98, 92, 14),
    (-80, 70, 15), (-58, 88, 20), (-46, 46, 16), (-36, 0, 20), (0, 0, 24), (36, 0, 18), (42, 32, 16), (0, 45, 16),
    (12, 92, 5), (-22, 98, 5.5), (30, 66, 8), (5, 110, 7),
)  # fmt: skip


@cache
def _hip_bone() -> BoneMesh:
    cell = 3.3
    axes = (even_axis(-106, 70, cell), even_axis(-98, 146, cell), even_axis(0, 142, cell))
    return mesh_from_field(_hip_field, axes, 1000)


def _hip_field(p: Array) -> Array:
    bone = fields.join(_ilium(p), _ischium(p), blend=12)
    bone = fields.join(bone, _pubis(p), blend=9)
    centre = np.array([0.0, 0.0, 85.0])
    outward = np.array([0.30, -0.42, 0.86])
    outward /= np.linalg.norm(outward)
    depth = (p - centre) @ outward
    bowl = fields.ellipsoid(p, centre, (34.5, 34.5, 34.5))
    bowl = fields.meet(bowl, depth - 9.0, blend=5)
    bone = fields.join(bone, bowl, blend=9)
    bone = fields.cut(bone, np.linalg.norm(p - centre, axis=1) - 26.0, 3.5)
    notch = fields.strand(p, [(4, -10, 84, 7), (12, -34, 88, 9)])  # the acetabular notch opens downwards
    fossa = fields.ellipsoid(p, centre - 19.0 * outward, (10, 10, 10))
    bone = fields.cut(fields.cut(bone, notch, 4), fossa, 3)
    return fields.meet(bone, 2.2 - p[:, 2], blend=2)


def _ilium(p: Array) -> Array:
    x, y, z = p.T
    middle = Relief([row[:2] for row in _ILIUM_MIDDLE], [row[2] for row in _ILIUM_MIDDLE])
    thickness = Relief([row[:2] for row in _ILIUM_THICKNESS], [row[2] for row in _ILIUM_THICKNESS])
    sheet = fields.blade(x, y, z, middle, thickness, 6.5)
    wing = fields.meet(sheet, fields.outline(x, y, _ILIUM_OUTLINE, smooth=3), blend=6)
    crest = fields.strand(
        p,
        [
            (54, 68, 120, 7), (51, 88, 127, 5.5), (40, 108, 132, 6), (18, 126, 136, 7), (-15, 135, 128, 6),
            (-50, 132, 101, 6), (-82, 113, 67, 7), (-93, 95, 48, 6.5),
        ],
        smooth=4,
    )  # fmt: skip
    spine = fields.ellipsoid(p, (41, 30, 91), (9, 11, 8))
    return fields.join(wing, crest, spine, blend=7)


def _ischium(p: Array) -> Array:
    body = fields.strand(p, [(-14, -6, 76, 24), (-24, -36, 70, 16), (-32, -62, 64, 16.5), (-25, -77, 60, 15)], smooth=4)
    ramus = fields.strand(p, [(-20, -80, 58, 11), (8, -79, 42, 8.5), (31, -61, 25, 8), (46, -38, 12, 9)], smooth=4)
    spine = fields.strand(p, [(-34, -12, 66, 9), (-50, -10, 56, 4)])
    return fields.join(fields.join(body, ramus, blend=8), spine, blend=8)


def _pubis(p: Array) -> Array:
    ramus = fields.strand(p, [(14, 2, 74, 19), (32, 0, 56, 11), (45, -5, 34, 9.5), (53, -10, 18, 9)], smooth=4)
    body = fields.ellipsoid(p, (51, -22, 9), (9, 20, 10), fields.turn("z", -22))
    tubercle = fields.ellipsoid(p, (58, -6, 22), (5, 5, 6))
    return fields.join(fields.join(ramus, body, blend=9), tubercle, blend=5)


_SACRUM_LINE = ((-1, 4), (-1, -14), (-7, -40), (-10, -63), (-5, -84), (5, -99), (10, -106))
_SACRUM_OUTLINE = (
    (0, -3), (24, -3), (34, -4), (46, -6), (53, -14), (53, -30), (48, -46), (40, -60), (30, -72), (24, -84), (17, -96),
    (8, -104), (0, -105), (-10, -104), (-10, -3),
)  # fmt: skip


@cache
def _sacrum() -> BoneMesh:
    cell = 2.7
    axes = (even_axis(-48, 36, cell), even_axis(-138, 18, cell), even_axis(-58, 58, cell))
    return mesh_from_field(_sacrum_field, axes, 820)


def _sacrum_field(points: Array) -> Array:
    p = fields.mirrored_halves(points)
    x, y, z = p.T
    line = fields.curve(_SACRUM_LINE, 6)[::-1]
    behind = x - np.interp(y, line[:, 1], line[:, 0])
    down = np.clip(-y / 105.0, 0.0, 1.0)
    front = (
        15.5 * (1 - down) ** 0.8 * np.exp(-((z / 34) ** 2)) + 3.5 + 1.0 * np.cos(2 * np.pi * (y + 14) / 25.5) * (z < 22)
    )
    back = 22.5 - 15.0 * down - 0.10 * z * (1 - down)
    plate = fields.meet(
        fields.outline(z, y, _SACRUM_OUTLINE), fields.meet(behind - front, -back - behind, blend=5), blend=6
    )
    body = fields.meet(
        fields.ellipse(x + 1.0, z, (17.5, 25.5)),
        fields.meet(y + 0.06 * np.maximum(0, 1 - (x / 15) ** 2 - (z / 22) ** 2) * 25, -26 - y, blend=3),
        blend=2.5,
    )
    bone = fields.join(plate, body, blend=7)
    crest = fields.strand(p, [(-26, -8, 0, 5.5), (-28, -32, 0, 6.5), (-26, -58, 0, 6), (-15, -84, 0, 4)], smooth=4)
    knobs = [fields.ellipsoid(p, (at, height, 0), (5, 7, 4)) for at, height in ((-30, -12), (-33, -34), (-31, -58))]
    facet = fields.strand(p, [(-20, -6, 19, 6), (-23, 9, 20.5, 4.5)], (1, 1, 1.2))
    bone = fields.join(bone, crest, facet, blend=6)
    bone = fields.join(bone, *knobs, blend=4)
    canal = fields.strand(p, [(-19.5, 24, 0, 8.0), (-18.5, -6, 0, 6.0), (-20, -38, 0, 3.0)], (0.75, 1, 1.5))
    bone = fields.cut(bone, canal, 2.5)
    for height, aside, wide in ((-28, 21, 5.0), (-52, 18.5, 4.6), (-73, 15.5, 4.0), (-90, 12.5, 3.2)):
        bone = fields.cut(bone, np.hypot(y - height, z - aside) - wide, 2.5)
    return fields.join(bone, _coccyx(p), blend=3)


def _coccyx(p: Array) -> Array:
    joints = [((10, -109, 0), (5.5, 7.5, 11)), ((15.5, -118, 0), (4.8, 6.0, 7.0)), ((21, -126, 0), (4.0, 5.4, 5.0))]
    return fields.join(*(fields.ellipsoid(p, place, radii, fields.turn("z", 35)) for place, radii in joints), blend=3)


def s1_endplate(s1_height: float = S1_HEIGHT, s1_forward: float = S1_FORWARD) -> Array:
    """Centre of S1's upper endplate in the frame of `pelvis`, [3] m."""
    return np.array([s1_forward, s1_height, 0.0])
