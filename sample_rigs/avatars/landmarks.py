"""Joint centres of a shaped body, from the joint cubes of the base mesh, and points of its skin."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .mpfb_data import mirror_vertices, vertex_groups

Array = NDArray[np.float64]

# Joint centre -> joint cube. Of the five spine cubes, spine-4 lies where a sacrum meets L5 (9 cm above the hips of a
# body of 1.73 m) and spine-2 at T12/L1 (13 cm above that, 34 cm below the base of the neck).
_MIDDLE = {
    "pelvis": "joint-pelvis",
    "L5_S1": "joint-spine-4",
    "mid_lumbar": "joint-spine-3",
    "T12_L1": "joint-spine-2",
    "mid_thoracic": "joint-spine-1",
    "neck_base": "joint-neck",
    "atlas": "joint-head",
    "crown": "joint-head-2",
}
_SIDES = {
    "hip": "upper-leg",
    "knee": "knee",
    "ankle": "ankle",
    "ball": "foot-1",
    "toe_tip": "foot-2",
    "clavicle": "clavicle",
    "shoulder": "shoulder",
    "elbow": "elbow",
    "wrist": "hand",
    "eye": "eye",
}
_TOES = {"big_toe": "toe-1-3", "small_toe": "toe-5-4"}  # tips
# Single vertices of the base mesh: the tip of the nose, and the back of the left heel and the middle of the left ear.
NOSE_VERTEX, HEEL_VERTEX, EAR_VERTEX = 297, 12820, 12165
CUBE_OF: dict[str, str] = {
    **_MIDDLE,
    **{f"{name}_{side}": f"joint-{side}-{cube}" for name, cube in (_SIDES | _TOES).items() for side in "lr"},
}


def landmarks_of(vertices: Array) -> dict[str, Array]:
    """Places [3] m by name ("hip_r", "L5_S1", ...) in a body of these base mesh vertices [19158, 3]."""
    groups, mirror = vertex_groups(), mirror_vertices()
    places = {name: vertices[groups[cube]].mean(axis=0) for name, cube in CUBE_OF.items()}
    places["nose"] = vertices[NOSE_VERTEX]
    for name, vertex in (("heel", HEEL_VERTEX), ("ear", EAR_VERTEX)):
        places[f"{name}_l"], places[f"{name}_r"] = vertices[vertex], vertices[mirror[vertex]]
    return places


def along_limb(points: Array, joints: tuple[Array, Array, Array]) -> Array:
    """Distance (m) of points [N, 3] down a limb of two segments: 0 at its root, on past its end, negative above."""
    root, middle, end = joints
    upper, lower = middle - root, end - middle
    upper_length, lower_length = float(np.linalg.norm(upper)), float(np.linalg.norm(lower))
    first = (points - root) @ (upper / upper_length)
    second = (points - middle) @ (lower / lower_length)
    return np.where(second > 0, upper_length + second, np.minimum(first, upper_length))


def limb(places: Mapping[str, Array], names: tuple[str, str, str], side: str) -> tuple[Array, Array, Array]:
    """The three joints of a limb on one side ("l", "r")."""
    return places[f"{names[0]}_{side}"], places[f"{names[1]}_{side}"], places[f"{names[2]}_{side}"]
