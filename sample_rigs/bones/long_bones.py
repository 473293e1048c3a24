"""Limb bones: femur, tibia, fibula, patella, humerus, ulna, radius.

Frame of each: X forward, Y up, Z to the right, the bone of a standing person; the joint centre above it is the origin
and the joint centre below lies at (0, -length, 0). The patella stands about its own centre. Shapes are this project's
own drawing in mm for one reference length, chosen by eye after anatomy textbooks, and scaled from there; the
femoral head (about 47 mm across), neck-shaft angle (about 127 degrees) and bicondylar width (about 80 mm) follow
commonly quoted adult means, not checked against an original source.
"""

from __future__ import annotations

from .arm_drawings import ELBOW_BELOW_SHOULDER, WRIST_BELOW_ELBOW, humerus_drawing, radius_drawing, ulna_drawing
from .leg_drawings import (
    ANKLE_BELOW_KNEE,
    KNEE_BELOW_HIP,
    femur_drawing,
    fibula_drawing,
    patella_drawing,
    tibia_drawing,
)
from .mesh_tools import BoneMesh, for_side


def femur(length: float = 0.41, side: str = "right") -> BoneMesh:
    """Thigh bone; origin at the centre of its head, knee axis at (0, -length, 0). Lengths in m."""
    return _fitted(femur_drawing(), length, KNEE_BELOW_HIP, side)


def tibia(length: float = 0.40, side: str = "right") -> BoneMesh:
    """Shin bone; origin at the knee axis (its plateau lies 24 mm below), ankle axis at (0, -length, 0)."""
    return _fitted(tibia_drawing(), length, ANKLE_BELOW_KNEE, side)


def fibula(length: float = 0.40, side: str = "right") -> BoneMesh:
    """Calf bone in the frame of the tibia: origin at the knee axis, `length` from knee to ankle axis."""
    return _fitted(fibula_drawing(), length, ANKLE_BELOW_KNEE, side)


def patella(width: float = 0.044, side: str = "right") -> BoneMesh:
    """Kneecap; origin at its centre, apex down, facing forward."""
    return _fitted(patella_drawing(), width, 44.0, side)


def humerus(length: float = 0.30, side: str = "right") -> BoneMesh:
    """Upper arm bone of a hanging arm; origin at the centre of its head, elbow axis at (0, -length, 0)."""
    return _fitted(humerus_drawing(), length, ELBOW_BELOW_SHOULDER, side)


def ulna(length: float = 0.25, side: str = "right") -> BoneMesh:
    """Inner forearm bone, thumb pointing forward; origin at the elbow axis, wrist centre at (0, -length, 0)."""
    return _fitted(ulna_drawing(), length, WRIST_BELOW_ELBOW, side)


def radius(length: float = 0.25, side: str = "right") -> BoneMesh:
    """Outer forearm bone, thumb pointing forward; same frame as the ulna."""
    return _fitted(radius_drawing(), length, WRIST_BELOW_ELBOW, side)


def _fitted(right: BoneMesh, length: float, reference_mm: float, side: str) -> BoneMesh:
    return for_side(right.scaled(length * 1e3 / reference_mm), side)
