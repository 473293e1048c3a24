"""Legs of different length: thigh and shank made longer or shorter in proportion, and how the pelvis then tilts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from ..model.model_edits import ModelEdits, edited_model
from ..model.types import Model
from .pathology import LegLength
from .pathology_pose import rest_joint_frames

Array = NDArray[np.float64]
_ANKLES = ("talus", "calcn", "foot")


def leg_bodies(model: Model, side: str) -> tuple[int, int, int]:
    """Thigh, shank, and the body that hangs in the ankle, of "left" or "right".

    Raises:
        InputError: the model has no such leg.
    """
    names = {name.lower(): index for index, name in enumerate(model.body_names)}
    letter = side[0]
    ankle = next((names[f"{name}_{letter}"] for name in _ANKLES if f"{name}_{letter}" in names), None)
    thigh, shank = names.get(f"femur_{letter}"), names.get(f"tibia_{letter}")
    if thigh is None or shank is None or ankle is None:
        raise InputError(
            f"the model has no bodies femur_{letter}, tibia_{letter} and talus_{letter}",
            path=model.path,
            hint="a leg's length can be changed where these are",
        )
    return thigh, shank, ankle


def leg_length(model: Model, side: str) -> float:
    """From the hip's centre to the ankle's in the default pose, m."""
    thigh, _, ankle = leg_bodies(model, side)
    lower, _ = rest_joint_frames(model)
    return float(np.linalg.norm(lower[thigh, :3, 3] - lower[ankle, :3, 3]))


def leg_scales(model: Model, legs: LegLength) -> dict[str, Array]:
    """Factors along the bodies' long axis (y) of thigh and shank that change the leg by what is asked, exactly.

    Raises:
        InputError: no such leg, or its bodies do not lie along y.
    """
    bodies = [model.body_names[index] for index in leg_bodies(model, legs.leg)[:2]]
    before = leg_length(model, legs.leg)
    wanted = before + legs.difference_m

    def scales(factor: float) -> dict[str, Array]:
        return {name: np.array([1.0, factor, 1.0]) for name in bodies}

    factor = wanted / before
    for _ in range(20):
        length = leg_length(edited_model(model, ModelEdits(scales=scales(factor))), legs.leg)
        if abs(length - wanted) < 1e-13:
            break
        factor += (wanted - length) / before
    if not abs(length - wanted) < 1e-9:
        raise InputError(
            "the legs' length cannot be changed", path=model.path, hint="thigh and shank have to lie along their y axes"
        )
    return scales(factor)


def obliquity(hips: tuple[Array, Array], legs: LegLength) -> float:
    """Tilt of the pelvis to the right, rad about the forward axis, that puts both feet on the floor.

    Args:
        hips: centres of the left and the right hip [3] m, in axes forward, up and right.

    Both legs stay upright: the hip on the shorter side comes down by the difference.
    """
    _, up, right = hips[1] - hips[0]
    drop = -legs.difference_m if legs.leg == "right" else legs.difference_m
    # turned by a about the forward axis, the line of the hips rises by up cos a - right sin a = up - drop
    reach, phase = np.hypot(up, right), np.arctan2(right, up)
    return float(np.arccos(np.clip((up - drop) / reach, -1.0, 1.0)) - phase)
