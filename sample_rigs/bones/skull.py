"""The skull and its lower jaw, with orbits, nasal opening, cheekbones and two rows of teeth.

Frame of both: X forward, Y up, Z to the right, origin midway between the occipital condyles, on which the head nods
over the atlas; the Frankfurt plane is level. Drawn in mm by this project for a skull 210 mm from chin to vertex,
182 mm long and 146 mm wide, by eye after anatomy textbooks.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from . import fields
from .fields import Array
from .mesh_tools import BoneMesh, merge, swept_tube
from .surface_nets import even_axis, mesh_from_field

SKULL_HEIGHT = 0.210  # m, chin to vertex, of the drawing
JAW_JOINT = (0.012, 0.017, 0.052)  # m, centre of the right jaw joint at that height


def skull(height: float = SKULL_HEIGHT) -> BoneMesh:
    """Cranium and upper teeth, without the jaw; `height` from chin to vertex in m."""
    return merge([_cranium(), _teeth(upper=True)]).scaled(height / SKULL_HEIGHT)


def mandible(height: float = SKULL_HEIGHT) -> BoneMesh:
    """Lower jaw with its teeth, closed, in the frame of `skull`; `height` is the whole skull's, m."""
    return merge([_jaw(), _teeth(upper=False)]).scaled(height / SKULL_HEIGHT)


@cache
def _cranium() -> BoneMesh:
    axes = (even_axis(-98, 106, 3.4), even_axis(-26, 136, 3.4), even_axis(-76, 76, 3.4))
    return mesh_from_field(_cranium_field, axes, 1650)


def _cranium_field(points: Array) -> Array:
    p = fields.mirrored_halves(points)
    bone = fields.join(_vault(p), _face(p), blend=9)
    bone = fields.join(bone, _cheek(p), blend=6)
    bone = _opened(p, bone)
    bone = fields.join(bone, _nose(p), blend=3)
    condyle = fields.ellipsoid(p, (3, 3.5, 17), (11, 6.5, 6), fields.turn("y", 22))
    return fields.join(bone, condyle, blend=4)


def _vault(p: Array) -> Array:
    y = p[:, 1]
    middle = fields.ellipsoid(p, (-6, 66, 0), (84, 66, 69))
    back = fields.ellipsoid(p, (-36, 56, 0), (54, 58, 65))
    front = fields.ellipsoid(p, (34, 68, 0), (56, 60, 60))
    parietal = fields.ellipsoid(p, (-20, 76, 22), (46, 44, 42))
    vault = fields.join(middle, back, front, parietal, blend=26)
    vault = fields.meet(vault, 9.0 + 0.24 * np.clip(-30 - p[:, 0], 0, None) - y, blend=30)
    base = fields.ellipsoid(p, (18, 14, 0), (44, 14, 34))
    mastoid = fields.strand(p, [(-10, 18, 56, 12), (-6, 0, 52, 8.5), (-3, -10, 50, 5)], smooth=3)
    ridge = fields.strand(p, [(-82, 38, 0, 8), (-68, 30, 30, 6), (-30, 20, 56, 7)], smooth=4)
    return fields.join(fields.join(vault, base, blend=12), mastoid, ridge, blend=10)


def _face(p: Array) -> Array:
    brow = fields.strand(p, [(87, 53, 4, 9), (86, 55, 20, 8.5), (79, 54, 40, 8), (66, 45, 53, 7.5)], smooth=4)
    between = fields.ellipsoid(p, (74, 38, 0), (18, 26, 17))
    maxilla = fields.ellipsoid(p, (64, 4, 12), (30, 27, 27))
    palate = fields.strand(
        p, [(82, -11, 0, 10.5), (79, -11, 12, 10.5), (66, -10, 22, 10.5), (46, -8, 26, 10.5)], smooth=4
    )
    rim = fields.strand(p, [(84, 40, 13, 6), (84, 24, 17, 6), (78, 16, 32, 7), (66, 18, 49, 8)], smooth=4)
    wing = fields.strand(p, [(34, 16, 18, 7), (36, -12, 17, 5)])
    face = fields.join(brow, between, maxilla, blend=10)
    return fields.join(fields.join(face, palate, blend=8), rim, wing, blend=6)


def _cheek(p: Array) -> Array:
    body = fields.ellipsoid(p, (64, 9, 50), (12, 13, 10), fields.turn("y", 25))
    pillar = fields.strand(p, [(63, 14, 53, 7.5), (62, 34, 54.5, 5.5), (65, 48, 53, 6.5)], smooth=3)
    arch = fields.strand(
        p,
        [(60, 8, 55, 7), (44, 11, 63.5, 4.6), (26, 15, 66, 4.4), (6, 21, 63, 5.5), (-6, 24, 60, 6)],
        (1, 1.3, 0.9),
        smooth=4,
    )
    buttress = fields.strand(p, [(64, 4, 46, 8), (66, -6, 32, 9)])
    return fields.join(body, pillar, arch, buttress, blend=6)


def _opened(p: Array, bone: Array) -> Array:
    """Orbits, nasal opening, foramen magnum, ear canals, and the hollow of the temple."""
    aim = fields.turn("y", 20) @ fields.turn("z", -4)
    across = (p - np.array([76.0, 34.5, 31.8])) @ aim
    # a rounded square in front, narrowing to a cone behind
    depth = np.clip(-across[:, 0] / 44, -0.6, 1.2)
    narrowing = 1 - 0.75 * np.clip(depth, 0, 1) ** 1.3
    wide, tall = 18.8 * narrowing, 17.4 * narrowing
    sag = 2.0 * (across[:, 2] / 20.0)  # the outer corner hangs
    square = (np.abs(across[:, 2] / wide) ** 2.5 + np.abs((across[:, 1] + sag) / tall) ** 2.5) ** 0.4
    orbit = fields.meet((square - 1) * np.minimum(wide, tall), -44 - across[:, 0], blend=6)
    bone = fields.cut(bone, orbit, 3.5)
    pear = fields.join(
        fields.ellipsoid(p, (90, 5.5, 6.5), (26, 9.5, 7.8)), fields.ellipsoid(p, (92, 17, 0), (24, 16, 8.0)), blend=5
    )
    bone = fields.cut(bone, pear, 2.5)
    fossa = fields.ellipsoid(p, (40, 26, 66), (20, 30, 16))
    bone = fields.cut(bone, fields.meet(fossa, _cheek(p) * -1 + 1.5, blend=3), 5)
    bone = fields.cut(bone, fields.meet(fields.ellipse(p[:, 0] + 14, p[:, 2], (17, 14.5)), p[:, 1] - 26, blend=5), 3.5)
    mouth = fields.ellipsoid(p, (48, -22, 0), (36, 15, 17))
    return fields.cut(fields.cut(bone, mouth, 4), fields.ellipsoid(p, (5, 19, 66), (4, 4, 14)), 2)


def _nose(p: Array) -> Array:
    bridge = fields.strand(p, [(86, 46, 1, 5.5), (91, 38, 2.8, 4.4), (96, 30, 3.2, 3.0)], smooth=3)
    spine = fields.strand(p, [(86, -4, 0, 4), (94, -3, 0, 2.2)])
    septum = fields.strand(p, [(76, -4, 0, 2.2), (78, 24, 0, 2.2)])
    return fields.join(bridge, spine, septum, blend=2)


_RAMUS_EDGE = (  # of the jaw's branch, seen from the side (x, y): angle, joint, notch, muscle process
    (5, -40), (8, -12), (5, 8), (6, 14), (15, 15), (18, 3), (24, 1), (32, 14), (37, 13), (35, -6), (39, -32),
    (30, -48), (12, -50),
)  # fmt: skip


@cache
def _jaw() -> BoneMesh:
    axes = (even_axis(-8, 94, 2.6), even_axis(-86, 26, 2.6), even_axis(-62, 62, 2.6))
    return mesh_from_field(_jaw_field, axes, 500)


def _jaw_field(points: Array) -> Array:
    p = fields.mirrored_halves(points)
    x, y, z = p.T
    body = fields.ribbon(
        p,
        [(80, -54, 0, 6), (77, -54, 13, 5.6), (64, -52, 26, 5.4), (44, -48, 36, 5.4), (18, -39, 45, 5)],
        7.5,
        smooth=3,
    )
    border = fields.strand(
        p, [(78, -67, 0, 7), (74, -66, 16, 6.2), (56, -62, 31, 5.5), (30, -54, 42, 5), (12, -42, 48, 5)], smooth=4
    )
    chin = fields.ellipsoid(p, (83, -65.5, 0), (7, 8.5, 11))
    socket = fields.strand(
        p,
        [(83.5, -43, 0, 5.6), (80, -43, 11, 5.6), (68, -42, 20.5, 5.8), (48, -40, 28, 6.2), (34, -37, 33, 6)],
        smooth=4,
    )
    edge = fields.outline(x, y, _RAMUS_EDGE, smooth=3)
    ramus = fields.meet(edge, np.abs(z - (48.5 - 0.02 * (y + 20))) - 3.8, blend=5)
    knob = fields.strand(p, [(10, 13, 45.5, 5.2), (10, 14, 57, 5.2)])
    jaw = fields.join(body, border, chin, blend=9)
    jaw = fields.join(jaw, socket, blend=6)
    jaw = fields.join(jaw, ramus, blend=8)
    return fields.join(jaw, knob, blend=4)


def _teeth(*, upper: bool) -> BoneMesh:
    """Seven teeth a side: two incisors, canine, two premolars, two molars, widths and lengths rounded by eye."""
    widths = (
        np.array([8.4, 6.6, 7.6, 7.0, 6.8, 10.0, 9.6]) if upper else np.array([5.6, 6.0, 6.8, 7.0, 7.2, 11.0, 10.4])
    )
    depths = np.array([6.0, 5.6, 7.4, 8.6, 8.8, 10.4, 10.0])
    arch = fields.curve(
        [(90, 0), (87.5, 10), (80, 18.5), (66, 25), (44, 30)]
        if upper
        else [(87.5, 0), (85, 9), (78, 17), (66, 23.5), (42, 30.5)],
        12,
    )
    steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(arch, axis=0), axis=1))])
    places = np.cumsum(widths) - widths / 2
    teeth = []
    for number, place in enumerate(places):
        x, z = (np.interp(place, steps, arch[:, k]) for k in (0, 1))
        ahead, behind = (np.array([np.interp(place + d, steps, arch[:, k]) for k in (0, 1)]) for d in (1.0, -1.0))
        along = np.array([ahead[0] - behind[0], 0.0, ahead[1] - behind[1]])
        root, crown = (-15.0, -27.5 + 0.25 * number) if upper else (-43.0, -28.5 + 0.25 * number)
        lean = 1.5 if number < 3 else 0.0
        path = np.array([(x - lean, root, z), (x, (root + crown) / 2, z), (x, crown, z)])
        half = np.array([(0.36, 0.42), (0.5, 0.5), (0.46, 0.30 if number < 3 else 0.42)]) * (
            widths[number],
            depths[number],
        )
        teeth.append(swept_tube(path, half, np.tile(along, (3, 1)), around=6))
    right = merge(teeth)
    return merge([right, right.mirrored()])
