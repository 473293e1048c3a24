"""Shirt and trousers, cut from the tights that lie around the base mesh, and the skin that they leave to be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .body import Body
from .surface import Surface, all_over_faces, cut, hemmed, moved, select_faces, smoothed, vertex_normals

Array = NDArray[np.float64]

FAR = 1.0  # m; a border that is not near
HIDDEN_M = 0.022  # skin this far inside a garment's border is left out
_SHIRT_GAP_M, _TROUSERS_GAP_M = 0.0085, 0.0035  # at least this far outside the tights, of the figure of 1.70 m
_RELAXING = (0.5,) * 10  # cloth bridges what skin follows


@dataclass(frozen=True, slots=True)
class Cut:
    """How the clothes are cut. Lengths of sleeves and legs run over two segments: 1 is the elbow or knee, 2 the end."""

    sleeve: float = 0.55
    leg: float = 2.0
    neckline: float = 0.0  # -1 open, 0 round, 1 high
    hem_m: float = 0.035  # of the shirt, below the top of the trousers


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
    """How far (m) below the neckline: a plane from the pit of the throat to the root of the neck behind."""
    places, scale = body.places, body.scale
    pit = (places["clavicle_l"] + places["clavicle_r"]) / 2
    neck = places["neck_base"]
    front = pit + scale * np.array([0.055, 0.012, 0.0])
    back = np.array([pit[0] - 0.055 * scale, 0.62 * neck[1] + 0.38 * pit[1], 0.0])
    front[1] += plan.neckline * (0.050 if plan.neckline < 0 else 0.055) * scale
    back[1] += max(plan.neckline, 0.0) * 0.045 * scale
    slope = (front[1] - back[1]) / (front[0] - back[0])
    line = back[1] + slope * (piece.vertices[:, 0] - back[0])
    below = (line - piece.vertices[:, 1]) / np.hypot(1.0, slope)
    return np.where(np.abs(piece.vertices[:, 2]) < 0.6 * abs(places["shoulder_l"][2]), below, FAR)


def waist_height(body: Body) -> float:
    """Where trousers are held: a little above L5/S1."""
    return float(body.places["L5_S1"][1] + 0.02 * body.scale)


def dress(body: Body, plan: Cut) -> tuple[Surface, Surface]:
    """Shirt and trousers."""
    suit = tights(body)
    return (
        _garment(body, suit, shirt_field, plan, _SHIRT_GAP_M),
        _garment(body, suit, trousers_field, plan, _TROUSERS_GAP_M),
    )


def bare_skin(body: Body, plan: Cut, shoe_field: Array) -> Surface:
    """The skin without what the clothes hide; `shoe_field` [19158] is how far inside the shoes each vertex lies."""
    skin = body.surface("body")
    margin = HIDDEN_M * min(body.scale, 1.0)
    hidden = np.maximum(shirt_field(body, skin, plan), trousers_field(body, skin, plan)) > margin
    hidden |= shoe_field[skin.base] > margin
    return select_faces(skin, ~all_over_faces(skin, hidden))


def _garment(
    body: Body, suit: Surface, field_of: Callable[[Body, Surface, Cut], Array], plan: Cut, gap_m: float
) -> Surface:
    """Relax the suit where this garment lies, keep it outside the body, and cut it to its borders."""
    normals = vertex_normals(suit)
    relaxed = smoothed(suit, suit.vertices, _RELAXING)
    outward = np.einsum("vi,vi->v", relaxed - suit.vertices, normals)
    wanted = gap_m * body.scale
    lifted = relaxed + normals * np.maximum(wanted - outward, 0.0)[:, None]
    lifted = smoothed(suit, lifted, (0.3, 0.3))
    short = np.einsum("vi,vi->v", lifted - suit.vertices, normals)
    lifted = lifted + normals * np.maximum(0.7 * wanted - short, 0.0)[:, None]
    field = field_of(body, suit, plan)
    # The field is that of the suit as it lay on the body: the borders follow the joints, not the loose cloth.
    return hemmed(cut(moved(suit, lifted), field), 0.5 * wanted)


def _length(lengths: tuple[float, float], measure: float) -> float:
    """A sleeve's or leg's length in m: `measure` 1 is at the middle joint, 2 at the end."""
    return lengths[0] * min(measure, 1.0) + lengths[1] * max(measure - 1.0, 0.0)

