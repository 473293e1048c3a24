"""Fused levels: joints of the spine that no longer move, and what then leads the levels coupled to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from ..model.functions import Linear
from ..model.model_edits import Led, ModelEdits
from ..model.types import Coupler, Model, Motion
from .pathology_pose import rest_joint_frames
from .vertebral_chain import VertebralChain

Array = NDArray[np.float64]


def fused_joints(chain: VertebralChain, levels: tuple[str, ...]) -> tuple[int, ...]:
    """The joints of levels such as "L4-L5"; "L3-S1" means all levels from L3 down to S1.

    Raises:
        InputError: a level that the model's spine does not have.
    """
    found: set[int] = set()
    for level in levels:
        ends = [chain.place(part) for part in level.replace("/", "-").split("-")]
        if len(ends) != 2 or None in ends or ends[0] == ends[1]:
            names = [chain.level(index) for index in range(len(chain.joints))]
            raise InputError(f"'{level}' is no level of this model's spine", hint=f"it has {', '.join(names)}")
        low, high = sorted(int(end) for end in ends if end is not None)
        found |= set(chain.joints[low:high])
    return tuple(sorted(found))


def fusion_edits(model: Model, chain: VertebralChain, joints: tuple[int, ...]) -> tuple[ModelEdits, list[str]]:
    """Weld joints in the pose of their coordinates' defaults; gives also what has to be said about the couplers.

    A coupler onto a fused level goes. Where the others follow a coordinate of a fused level (in Pose2Sim's model all
    follow L5-S1), the lowest level that still moves leads them, in the same proportions.
    """
    lower, upper = rest_joint_frames(model)
    frames = {}
    for index in joints:
        joint = model.joints[index]
        frames[joint.name, "parent"] = joint.parent_offset @ np.linalg.inv(lower[index]) @ upper[index]
    gone = {c for index in joints for c in model.joints[index].coordinates}
    changes: dict[str, Led | None] = {c.name: None for c in model.couplers if c.dependent in gone}
    notes: list[str] = []
    for coordinate in sorted(gone):
        followers = [c for c in model.couplers if coordinate in c.independents and c.dependent not in gone]
        if followers:
            notes += _lead_anew(model, chain, coordinate, followers, changes)
    return ModelEdits(frames=frames, welded=tuple(model.joints[i].name for i in joints), couplers=changes), notes


def _lead_anew(
    model: Model, chain: VertebralChain, coordinate: int, followers: list[Coupler], changes: dict[str, Led | None]
) -> list[str]:
    """Let the lowest level that moves lead what followed `coordinate`; fills `changes`."""
    name = model.coordinate_names[coordinate]
    slopes = {c.name: _slope(c) for c in followers}
    levels = [c for c in followers if model.coordinates[c.dependent].joint in chain.joints and slopes[c.name]]
    if not levels:
        changes.update({c.name: None for c in followers})
        names = ", ".join(model.coordinate_names[c.dependent] for c in followers)
        return [f"nothing leads {names} any more: {name} is fused"]
    leader = min(levels, key=lambda c: chain.joints.index(model.coordinates[c.dependent].joint))
    leading = model.coordinate_names[leader.dependent]
    notes = [f"{leading} leads the levels that followed {name}"]
    changes[leader.name] = None
    for coupler in followers:
        slope = slopes[coupler.name]
        if coupler is leader:
            continue
        if slope is None:
            changes[coupler.name] = None
            notes.append(f"the coupler '{coupler.name}' onto {name} is not proportional and goes")
        else:
            changes[coupler.name] = Led(leading, slope / (slopes[leader.name] or 1.0))
    return notes


def _slope(coupler: Coupler) -> float | None:
    """The factor of a proportional coupler of one coordinate; None for others."""
    function = coupler.function
    if isinstance(function, Linear) and len(function.coefficients) == 2 and function.coefficients[1] == 0.0:
        return coupler.scale * function.coefficients[0] or None
    return None


def motion_of_fused(model: Model, fused: Model, motion: Motion, *, shared: bool = False) -> Motion:
    """A motion of `model` for the same model with fused levels.

    Args:
        model: before the fusion, which `motion` belongs to.
        fused: after it.
        motion: values [T, C] of `model`.
        shared: whether what the fused levels did goes to the lumbar levels that still move, of the same axis and in
            proportion to the ranges of their coordinates; else it is lost, and the trunk bends less.
    """
    kept = [model.coordinate_names.index(name) for name in fused.coordinate_names]
    values = motion.values.copy()
    gone = sorted(set(range(len(model.coordinates))) - set(kept))
    if shared:
        for coordinate in gone:
            _share(model, values, coordinate, kept)
    lost = ", ".join(model.coordinate_names[index] for index in gone)
    told = f"{lost}: fused; " + ("their motion went to the other levels" if shared else "their motion is left out")
    warnings = (*motion.warnings, told) if gone else motion.warnings
    return replace(
        motion, coordinate_names=fused.coordinate_names, values=np.ascontiguousarray(values[:, kept]), warnings=warnings
    )


def _share(model: Model, values: Array, coordinate: int, kept: list[int]) -> None:
    """Add one coordinate's deviation from its default to those of the same axis in other joints of the spine."""
    from .levels import lumbar_levels

    joints = [level.joint for level in lumbar_levels(model)]
    own = model.joints[model.coordinates[coordinate].joint]
    axis = own.coordinates.index(coordinate)
    others = [
        model.joints[j].coordinates[axis]
        for j in joints
        if len(model.joints[j].coordinates) > axis and model.joints[j].coordinates[axis] in kept
    ]
    if not others:
        return
    ranges = np.array([np.ptp(model.coordinates[c].range) for c in others])
    shares = ranges / ranges.sum() if np.all(np.isfinite(ranges)) and ranges.sum() > 0 else np.ones(len(others))
    moved = values[:, coordinate] - model.coordinates[coordinate].default
    values[:, others] += moved[:, None] * (shares / shares.sum())
