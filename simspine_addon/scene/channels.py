"""The model's coordinates as animated custom properties of the armature: joint angles to plot, read and drive with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from .keyframes import write_channels
from .names import fitting_names

if TYPE_CHECKING:
    from ..model.types import Coordinate, Model, Motion

GROUP = "Coordinates"
OWN_PREFIX = "simspine_"


def add_coordinate_channels(
    armature: bpy.types.Object, curves: Any, model: Model, motion: Motion, frames: np.ndarray
) -> tuple[str, ...]:
    """Give `armature` one custom property per coordinate of `motion`, keyed at `frames` [T] into `curves`.

    Rotational coordinates are shown in degrees, translational ones in metres, coupled ones as the model counts them.
    The property has the coordinate's name; a name longer than 63 bytes is shortened.

    Returns:
        Warnings about shortened names.
    """
    names, warnings = fitting_names(motion.coordinate_names, "coordinate")
    coordinates = {coordinate.name: coordinate for coordinate in model.coordinates}
    for column, (full_name, name) in enumerate(zip(motion.coordinate_names, names, strict=True)):
        coordinate = coordinates[full_name]
        values = motion.values[:, column] * display_factor(coordinate)
        armature[name] = float(values[0])
        armature.id_properties_ui(name).update(**_appearance(coordinate))
        still = bool(np.ptp(values) == 0.0)
        write_channels(curves, f'["{bpy.utils.escape_identifier(name)}"]', frames, values[:, None], GROUP, still)
    return warnings


def display_factor(coordinate: Coordinate) -> float:
    """From the model's unit to the one shown: degrees for rotational coordinates."""
    return 180.0 / np.pi if coordinate.motion_type == "rotational" else 1.0


def coordinate_channels(armature: bpy.types.Object, names: Sequence[str]) -> dict[str, float]:
    """The values at the current frame of those of `names` that the armature has; degrees, metres."""
    return {name: float(armature[name]) for name in names if name in armature}


def _appearance(coordinate: Coordinate) -> dict[str, Any]:
    unit = {"rotational": "degrees", "translational": "metres"}.get(coordinate.motion_type, "the model's own unit")
    low, high = (bound * display_factor(coordinate) for bound in coordinate.range)
    shown = {"description": f"{coordinate.name} in {unit}, a coordinate of the OpenSim model", "precision": 3}
    if np.isfinite([low, high]).all() and low < high:
        shown |= {"soft_min": low, "soft_max": high}
        shown["description"] += f"; its range in the model is {low:g} to {high:g}"
    return shown
