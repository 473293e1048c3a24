"""Layers of skin on the way of a ray: what a ray enters before it leaves again, clothes and what they cover as one.

A keypoint inside a body counts as seen if the ray to it enters one layer of skin and no more. Clothes are worn over
skin, and where they cover it the skin below may be left out, so they are counted as skin is: a ray that enters a shirt,
trousers and skin in this order, without leaving in between, has entered one layer. Each further entry has to lie
further in (`ranks`) and be of a piece that was not entered yet; anything else, such as a sleeve that meets the shirt's
front, or a hand on a hip, begins a new layer. On one closed skin this is the count of its entries. What lies on the
skin and covers next to nothing of it (hair, brows, eyes, lips) does not count.

A point that is meant to lie on the skin may lie a little outside. If the ray has left the last layer, and that no more
than `OUTSIDE_M` before the point, the point counts as in it; if farther, all that was entered stands before it.

Bones drawn without a body are taken for one another's neighbours: where the next one is entered within `gap_m` of
leaving the last, as across a joint, the layer goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SEEN, HIDDEN_BY_SELF, HIDDEN_BY_OBJECT, HIDDEN_BY_PERSON = 0, 1, 2, 3  # what hides a point
NOT_SKIN = -1  # piece of faces that do not count
BONE_GAP_M = 0.02  # across a joint or a disc: lumbar discs are 8 to 12 mm high, the hip's joint space 4 mm
OUTSIDE_M = 0.02  # a point that lies this far behind the skin that a ray has left is still a point of that skin
FOLD_M = 0.012  # cloth entered and left again within this is a hem, not a sleeve


@dataclass(frozen=True, slots=True)
class Faces:
    """The triangles of everything that is seen of one person, over the vertices of all its parts."""

    triangles: NDArray[np.int64]  # [F, 3], counter-clockwise from outside
    pieces: NDArray[np.int64]  # [F] which garment, skin or bone; NOT_SKIN for what does not count
    ranks: NDArray[np.int64]  # [F] 0 for skin and bones, higher for what is worn further out
    bodies: NDArray[np.int64]  # [F] the pose track's body (bone) that carries most of the triangle
    gap_m: float = 0.0  # bones alone: how far apart they may lie within one layer


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a ray crosses a face."""

    distance: float  # m from where the ray begins
    slope: float  # cosine between the ray and the face's outward normal: negative where the ray enters
    piece: int
    rank: int


@dataclass(frozen=True, slots=True)
class Passage:
    """What a ray went through: the hit that begins each layer, and where it left the last one (None: it is inside)."""

    layers: tuple[Hit, ...]
    left: float | None


def passage(hits: Iterable[Hit], gap_m: float = 0.0) -> Passage:
    """The layers that a ray enters, in the order of its way; `hits` are sorted by distance."""
    return _through_bones(hits, gap_m) if gap_m > 0.0 else _through_skin(hits)


def _through_skin(hits: Iterable[Hit]) -> Passage:
    """Clothes are open shells, so whatever is left, the ray is out of all of them."""
    layers: list[Hit] = []
    entered: set[int] = set()
    deepest, left = 0, None
    for hit in hits:
        if hit.piece == NOT_SKIN:
            continue
        if hit.slope >= 0.0:
            is_hem = entered and hit.rank > 0 and deepest > 0 and hit.distance - layers[-1].distance < FOLD_M
            if layers and not is_hem:
                left = hit.distance
                entered.clear()
            continue
        if not entered or hit.rank > deepest or hit.piece in entered:
            layers.append(hit)
            entered.clear()
        entered.add(hit.piece)
        deepest, left = hit.rank, None
    return Passage(tuple(layers), left)


def _through_bones(hits: Iterable[Hit], gap_m: float) -> Passage:
    """Bones are closed and may overlap: the ray is inside until it has left all that it has entered."""
    layers: list[Hit] = []
    inside: set[int] = set()
    left = None
    for hit in hits:
        if hit.piece == NOT_SKIN:
            continue
        if hit.slope >= 0.0:
            inside.discard(hit.piece)
            if layers and not inside:
                left = hit.distance
            continue
        if not layers or (left is not None and hit.distance - left > gap_m):
            layers.append(hit)
        inside.add(hit.piece)
        left = None
    return Passage(tuple(layers), left)
