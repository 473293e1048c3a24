"""Shirt and trousers, cut from the tights that lie around the base mesh, and the skin that they leave to be seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .body import PARTS, REFERENCE_HEIGHT_M, Body
from .landmarks import landmarks_of
from .mpfb_data import BODY_VERTICES, vertex_groups
from .phenotype import Phenotype, shaped_vertices
from .surface import Surface, all_over_faces, cut, hemmed, moved, select_faces, smoothed, vertex_normals, with_even_rim

Array = NDArray[np.float64]

FAR = 1.0  # m; a border that is not near
HIDDEN_M = 0.022  # skin this far inside a garment's border is left out; twice as far at the wider neckline
_SHIRT_GAP_M, _TROUSERS_GAP_M = 0.0095, 0.0035  # at least this far outside the tights, of the figure of 1.70 m
_RELAXING = (0.5,) * 10  # cloth bridges what skin follows


@dataclass(frozen=True, slots=True)
class Cut:
    """How the clothes are cut. Lengths of sleeves and legs run over two segments: 1 is the elbow or knee, 2 the end."""

    sleeve: float = 0.55
    leg: float = 2.0
    neckline: float = 0.0  # -1 open, 0 round, 1 high
    hem_m: float = 0.10  # of the shirt, below the waist
    loose: float = 0.4  # of the trousers' legs, from 0 for tight


def tights(body: Body) -> Surface:
    """The whole suit, feet included."""
    return body.surface("helper-tights")


def shirt_field(body: Body, piece: Surface, plan: Cut) -> Array:
    """How far (m) each vertex lies inside the shirt's borders, negative outside; [V]."""
    arms = np.zeros(len(piece.vertices), dtype=bool)
    field = neck_field(body, piece, plan)
    for side in "lr":
        on_arm, down = body.arm(piece, side)
        lengths = body.limb_lengths(("shoulder", "elbow", "wrist"), side)
        field = np.minimum(field, np.where(on_arm, _length(lengths, plan.sleeve) - down, FAR))
        arms |= on_arm
    hem = waist_height(body) - plan.hem_m * body.scale
    return np.minimum(field, np.where(arms, FAR, piece.vertices[:, 1] - hem))


def trousers_field(body: Body, piece: Surface, plan: Cut) -> Array:
    """How far (m) each vertex lies inside the trousers' borders, negative outside; [V]."""
    top = waist_height(body) + 0.035 * body.scale
    field = top - piece.vertices[:, 1]
    for side in "lr":
        on_arm, _ = body.arm(piece, side)
        on_leg, down = body.leg(piece, side)
        lengths = body.limb_lengths(("hip", "knee", "ankle"), side)
        field = np.where(on_arm, -FAR, field)
        field = np.minimum(field, np.where(on_leg, _length(lengths, plan.leg) - down, FAR))
    return field


def neck_field(body: Body, piece: Surface, plan: Cut) -> Array:
    """How far (m) outside the neckline: an ellipse about the neck, seen along it, and a level behind the neck.

    The ellipse passes just outside the throat, and inside the nape, where the level alone is the border. It is drawn
    on one body and taken over by all, vertex by vertex: joints tell too little of where shoulders pass into the neck.
    """
    return body.scale * _drawn_neckline(plan.neckline)[piece.base]


@lru_cache(maxsize=8)
def _drawn_neckline(neckline: float) -> Array:
    """That field on every vertex of the base mesh [19158], as a share of the drawn figure's scale."""
    vertices = shaped_vertices(Phenotype(gender=1.0))
    places = landmarks_of(vertices)
    scale = float(np.ptp(vertices[:BODY_VERTICES, 1])) / REFERENCE_HEIGHT_M
    axis = np.array([0.25, 1.0, 0.0]) / np.hypot(0.25, 1.0)
    pit = (places["clavicle_l"] + places["clavicle_r"]) / 2
    relative = (vertices - (0.5 * pit + 0.5 * places["neck_base"])) / scale
    ahead, height, across = relative @ np.array([axis[1], -axis[0], 0.0]), relative @ axis, relative[:, 2]
    if neckline > 0.5:
        return 0.070 - height
    suit = vertex_groups()["helper-tights"]
    ring = ahead[suit][(np.abs(height[suit]) < 0.015) & (np.abs(across[suit]) < 0.03)]
    throat, nape = float(ring.max()), float(ring.min())
    middle, wider = (throat + nape) / 2, max(-neckline, 0.0)
    depth = np.where(ahead > middle, throat - middle + 0.008 + 0.022 * wider, middle - nape - 0.012)
    half_width = 0.225 * abs(float(places["shoulder_l"][2] - places["shoulder_r"][2])) / scale
    outside = (np.hypot((ahead - middle) / depth, across / half_width) - 1.0) * depth
    return np.minimum(np.maximum(outside, -height - 0.060 - 0.03 * wider), 0.036 - height)


def waist_height(body: Body) -> float:
    """Where trousers are held: a little above L5/S1."""
    return float(body.places["L5_S1"][1] + 0.02 * body.scale)


def dress(body: Body, plan: Cut) -> tuple[Surface, Surface]:
    """Shirt and trousers."""
    suit = tights(body)
    gap = np.full(len(suit.vertices), _TROUSERS_GAP_M)
    for side in "lr":
        on_leg, down = body.leg(suit, side)
        upper, lower = body.limb_lengths(("hip", "knee", "ankle"), side)
        fall = np.clip(down / (upper + lower), 0.0, 1.0)
        gap += np.where(on_leg, plan.loose * 0.014 * fall + 0.008 * np.clip(6.0 * fall - 5.0, 0.0, 1.0), 0.0)
    # Towards its hem the shirt stands off further, so that it falls over the trousers.
    above_hem = (suit.vertices[:, 1] - waist_height(body)) / body.scale + plan.hem_m
    shirt_gap = _SHIRT_GAP_M + 0.006 * np.clip(1.0 - above_hem / 0.10, 0.0, 1.0)
    return (
        _garment(suit, shirt_field(body, suit, plan), shirt_gap * body.scale),
        _garment(suit, trousers_field(body, suit, plan), gap * body.scale),
    )


def bare_skin(body: Body, plan: Cut, shoe_field: Array) -> Surface:
    """The skin without what the clothes hide; `shoe_field` [19158] is how far inside the shoes each vertex lies."""
    skin = body.surface("body")
    margin = HIDDEN_M * min(body.scale, 1.0)
    under_shirt = (shirt_field(body, skin, plan) > margin) & (neck_field(body, skin, plan) > 2 * margin)
    hidden = under_shirt | (trousers_field(body, skin, plan) > margin)
    hidden &= skin.parts[:, PARTS.index("head")] < 0.3
    hidden |= shoe_field[skin.base] > margin
    return select_faces(skin, ~all_over_faces(skin, hidden))


def _garment(suit: Surface, field: Array, gap: Array) -> Surface:
    """Relax the suit, lift it by `gap` [V] (m) over where it lay and relaxed to, and cut it where `field` changes sign.

    Two garments relax alike, so the one with the larger gap lies over the other everywhere. The field is that of the
    suit as it lay on the body: borders follow the joints, not the loose cloth.
    """
    normals = vertex_normals(suit)
    relaxed = smoothed(suit, suit.vertices, _RELAXING)
    sunk = np.maximum(-np.einsum("vi,vi->v", relaxed - suit.vertices, normals), 0.0)
    lifted = smoothed(suit, relaxed + normals * (sunk + gap)[:, None], (0.4, 0.4))
    short = 0.8 * gap - np.einsum("vi,vi->v", lifted - suit.vertices, normals)
    lifted = lifted + normals * np.maximum(short, 0.0)[:, None]
    return hemmed(with_even_rim(cut(moved(suit, lifted), field), 4), 0.004)


def _length(lengths: tuple[float, float], measure: float) -> float:
    """A sleeve's or leg's length in m: `measure` 1 is at the middle joint, 2 at the end."""
    return lengths[0] * min(measure, 1.0) + lengths[1] * max(measure - 1.0, 0.0)
