"""How the shin and the kneecap travel on the thigh as the knee bends: this project's own curves.

Shin: the condyles are taken as circular, so the plateau keeps its distance and only slides: with flexion the femur
rolls back on it, by 10 mm at 120 deg, the mean of a nearly still medial side and some 20 mm laterally (Iwaki,
Pinskerova & Freeman 2000 [?]). Kneecap: it slides on a shrinking circle about the knee's centre, held by a ligament of
constant length from the tuberosity of the tibia, and turns by the knee's angle. (Real ones turn by about 0.7 of it [?];
but OpenSim takes a coordinate for an angle, and a file's degrees for it, only where the factor is 1.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .anthropometry import Subject

Array = NDArray[np.float64]
Knots = tuple[tuple[float, ...], tuple[float, ...]]
KNOT_ANGLES = np.radians(np.arange(-10.0, 151.0, 10.0))
ROLLBACK_M = 0.010
PATELLA_RADIUS, PATELLA_START = 0.0245, np.radians(33.0)  # of stature; above the horizontal (ours)
PATELLA_SINK = 0.20  # the femur's end is flatter below than in front: the circle shrinks (ours)
TUBEROSITY = np.array([0.0195, -0.0260])  # of stature, forward and up from the knee's centre in the tibia (ours)


def rollback(angle: Array) -> Array:
    """Backward travel of the femur on the plateau, m, at knee angles in rad; level at both ends."""
    return ROLLBACK_M * np.sin(np.clip(angle, 0.0, np.radians(120.0)) * 0.75) ** 2


def _knots(values: Array) -> Knots:
    return tuple(round(float(v), 12) for v in KNOT_ANGLES), tuple(round(float(v), 9) for v in values)


def knee_curves(subject: Subject) -> tuple[Knots, Knots]:
    """Forward and upward travel (m) of the tibia's origin in the femur against the knee's angle (rad)."""
    slide = rollback(KNOT_ANGLES) * subject.height_m / 1.75
    return _knots(slide * np.cos(KNOT_ANGLES)), _knots(-slide * np.sin(KNOT_ANGLES))


def patella_curves(subject: Subject) -> tuple[Knots, Knots]:
    """Forward and upward place (m) of the kneecap from the knee's centre against the knee's angle (rad)."""
    radius = PATELLA_RADIUS * subject.height_m * (1.0 - PATELLA_SINK * rollback(KNOT_ANGLES) / ROLLBACK_M)
    anchor = TUBEROSITY * subject.height_m
    start = PATELLA_RADIUS * subject.height_m * np.array([np.cos(PATELLA_START), np.sin(PATELLA_START)])
    ligament = np.linalg.norm(start - anchor)
    slide = rollback(KNOT_ANGLES) * subject.height_m / 1.75
    cosine, sine = np.cos(KNOT_ANGLES), np.sin(KNOT_ANGLES)
    x = cosine * (anchor[0] + slide) + sine * anchor[1]
    y = -sine * (anchor[0] + slide) + cosine * anchor[1]
    distance = np.hypot(x, y)  # law of cosines: between the anchor's and the kneecap's directions
    between = np.arccos(np.clip((radius**2 + distance**2 - ligament**2) / (2.0 * radius * distance), -1.0, 1.0))
    direction = np.arctan2(y, x)
    direction = np.where(direction > 0.5, direction - 2.0 * np.pi, direction) + between
    return _knots(radius * np.cos(direction)), _knots(radius * np.sin(direction))
