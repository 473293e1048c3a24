"""A shaped body with everything that clothes are cut by: skin, joint centres, weights and parts of the body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .landmarks import along_limb, landmarks_of, limb
from .mpfb_data import BODY_VERTICES, base_mesh
from .rigs import Rig, place_rig
from .surface import Surface, from_base
from .weights import rig_weights, segment_shares

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

PARTS = (
    "trunk", "head", "thigh_l", "thigh_r", "shank_l", "shank_r", "foot_l", "foot_r",
    "upper_arm_l", "upper_arm_r", "forearm_l", "forearm_r", "hand_l", "hand_r",
)  # fmt: skip
REFERENCE_HEIGHT_M = 1.70  # the figure for which lengths of cloth are given; others' are in proportion


@dataclass(frozen=True, slots=True)
class Body:
    """`vertices` [19158, 3] m are the base mesh as shaped; `scale` is its height over that of the figure of 1.70 m."""

    vertices: Array
    rig: Rig
    places: dict[str, Array]
    carriers: Array  # [19158, B]
    parts: Array  # [19158, P], columns as PARTS
    scale: float

    def surface(self, *groups: str) -> Surface:
        """The faces of these groups of the base mesh."""
        mesh = base_mesh()
        return from_base(mesh, mesh.faces_of(*groups), self.vertices, self.carriers, self.parts)

    def arm(self, piece: Surface, side: str) -> tuple[Flags, Array]:
        """Which vertices belong to the arm of a side, and how far down it they lie (m from the shoulder)."""
        return (
            share_of(piece, f"upper_arm_{side}", f"forearm_{side}", f"hand_{side}") > 0.5,
            along_limb(piece.vertices, limb(self.places, ("shoulder", "elbow", "wrist"), side)),
        )

    def leg(self, piece: Surface, side: str) -> tuple[Flags, Array]:
        """Which vertices belong to the leg of a side, and how far down it they lie (m from the hip)."""
        return (
            share_of(piece, f"thigh_{side}", f"shank_{side}", f"foot_{side}") > 0.5,
            along_limb(piece.vertices, limb(self.places, ("hip", "knee", "ankle"), side)),
        )

    def limb_lengths(self, names: tuple[str, str, str], side: str) -> tuple[float, float]:
        """Lengths (m) of the two segments of a limb."""
        root, middle, end = limb(self.places, names, side)
        return float(np.linalg.norm(middle - root)), float(np.linalg.norm(end - middle))


def body_of(rig_name: str, vertices: Array) -> Body:
    """The body of these base mesh vertices [19158, 3] m with a rig in it."""
    rig = place_rig(rig_name, vertices)
    shares = segment_shares()
    return Body(
        vertices=vertices,
        rig=rig,
        places=landmarks_of(vertices),
        carriers=rig_weights(rig_name, rig.bone_names),
        parts=np.stack([shares[part] for part in PARTS], axis=1),
        scale=float(np.ptp(vertices[:BODY_VERTICES, 1])) / REFERENCE_HEIGHT_M,
    )


def share_of(piece: Surface, *parts: str) -> Array:
    """How much of each vertex of a piece belongs to these parts of the body, [V]."""
    return piece.parts[:, [PARTS.index(part) for part in parts]].sum(axis=1)
