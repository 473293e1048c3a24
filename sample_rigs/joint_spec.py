"""What a joint of the sample model is, in plain numbers, and the few kinds that it is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Vector = tuple[float, float, float]
X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """One of six: rotation about, or translation along, `vector`, by a multiple of a coordinate or a curve of it.

    `knots` is (coordinate values, results) of a spline; without it the result is `gain` times the coordinate.
    """

    vector: Vector
    coordinate: str | None = None
    gain: float = 1.0
    knots: tuple[tuple[float, ...], tuple[float, ...]] | None = None


@dataclass(frozen=True, slots=True)
class JointFrame:
    """A joint's frame on a body: place (m) and orientation (rad, about the turning X, Y, Z axes)."""

    translation: Vector = (0.0, 0.0, 0.0)
    orientation: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class JointSpec:
    """A joint from `parent` to `child`: three rotations, then three translations (as OpenSim's CustomJoint)."""

    name: str
    kind: str  # "custom", "pin", "universal" or "weld"
    parent: str
    child: str
    on_parent: JointFrame = JointFrame()
    on_child: JointFrame = JointFrame()
    axes: tuple[Axis, ...] = ()


def vector(values: Array | tuple[float, ...]) -> Vector:
    """Three plain numbers, rounded so that every machine writes the same."""
    x, y, z = (round(float(value), 12) for value in values)
    return x, y, z


def three_rotations(names: tuple[str, str, str], mirrored: bool = False) -> tuple[Axis, ...]:
    """Z, X, Y rotations, as every ball-like joint here; mirrored ones turn the other way about X and Y."""
    x, y = ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)) if mirrored else (X, Y)
    return (Axis(Z, names[0]), Axis(x, names[1]), Axis(y, names[2]), Axis(X), Axis(Y), Axis(Z))


def pin(coordinate: str) -> tuple[Axis, ...]:
    """A hinge about Z."""
    return (Axis(Z, coordinate), Axis(X), Axis(Y), Axis(X), Axis(Y), Axis(Z))


def aim_z(direction: Vector) -> Vector:
    """Body-fixed X-Y-Z angles that bring a frame's Z axis to `direction` (turn about X, then Y)."""
    x, y, z = np.asarray(direction) / np.linalg.norm(direction)
    return float(np.arctan2(-y, z)), float(np.arctan2(x, np.hypot(y, z))), 0.0
