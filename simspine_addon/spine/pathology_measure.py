"""What a deformed model shows, measured on its standing pose by forward kinematics, beside what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..model.types import Model
from .curvature import curvature
from .endplates import find_endplates
from .pathology import Pathology
from .pathology_curve import CurvePlan
from .pathology_legs import leg_length
from .pathology_pose import rest_frames, rest_joint_frames, upright_axes
from .vertebral_chain import VertebralChain

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PathologyReport:
    """Asked and measured figures (deg, mm), the wedge put into each level, and what has to be said."""

    asked: dict[str, Any]
    measured: dict[str, float]
    levels: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"asked": self.asked, "measured": self.measured, "levels": self.levels, "notes": list(self.notes)}


def vertebral_turns(before: Model, after: Model, bodies: Iterable[int]) -> Array:
    """How each body's rotation in the default pose differs from that before, in upright axes, [N, 3, 3]."""
    old, new = rest_frames(before)[1], rest_frames(after)[1]
    axes = upright_axes(before, old)
    return np.array([axes.T @ new[body] @ old[body].T @ axes for body in bodies])


def coronal_tilt(axes: Array) -> Array:
    """Lean to the right [N] rad, seen from the front, of bodies with axes forward, up, right in columns [N, 3, 3]."""
    return np.arctan2(-axes[:, 1, 2], axes[:, 2, 2])


def measure(
    before: Model,
    after: Model,
    pathology: Pathology,
    chain: VertebralChain | None,
    plans: tuple[CurvePlan, ...],
    notes: tuple[str, ...],
) -> PathologyReport:
    """Measure the edited model's default pose."""
    measured: dict[str, float] = {}
    levels: dict[str, dict[str, float]] = {}
    said = list(notes)
    if chain is not None:
        turned = vertebral_turns(before, after, chain.bodies)
        levels = _levels(chain, turned)
        measured |= _spine(chain, turned, after)
        for plan in plans:
            found = _curve(chain, plan, turned, after)
            measured |= {f"{_prefix(chain, plan, plans)}{name}": value for name, value in found.items()}
            said += _said_of_curve(chain, plan, levels)
        if pathology.kyphosis_deg:
            said += _said_of_kyphosis(chain)
    legs = pathology.leg_length
    if legs is not None:
        lengths = {side: leg_length(after, side) for side in ("left", "right")}
        measured["leg_length_change_mm"] = 1e3 * (lengths[legs.leg] - leg_length(before, legs.leg))
        measured["leg_length_right_minus_left_mm"] = 1e3 * (lengths["right"] - lengths["left"])
        names = [name.lower() for name in after.body_names]
        if "pelvis" in names:
            turn = vertebral_turns(before, after, [names.index("pelvis")])
            measured["pelvic_obliquity_to_right_deg"] = float(np.degrees(coronal_tilt(turn)[0]))
    return PathologyReport(
        _asked(pathology, chain, plans), {k: round(v, 6) + 0.0 for k, v in measured.items()}, levels, tuple(said)
    )


def _prefix(chain: VertebralChain, plan: CurvePlan, plans: Sequence[CurvePlan]) -> str:
    """What the figures of one curve of several begin with: "T8_", "L2-L3_"."""
    if len(plans) < 2:
        return ""
    low, high = int(np.floor(plan.apex)), int(np.ceil(plan.apex))
    return f"{chain.vertebrae[low]}_" if low == high else f"{chain.level(low)}_"


def _asked(pathology: Pathology, chain: VertebralChain | None, plans: tuple[CurvePlan, ...]) -> dict[str, Any]:
    asked: dict[str, Any] = {"balance": pathology.balance}
    if chain:
        for plan in plans:
            asked |= {f"{_prefix(chain, plan, plans)}{k}": v for k, v in _asked_curve(pathology, chain, plan).items()}
        if len(plans) > 1:
            asked["lenke_type_if_all_are_structural"] = _lenke_type(chain, plans)
    if pathology.lordosis_deg:
        asked["lordosis_change_deg"] = pathology.lordosis_deg
    if pathology.kyphosis_deg:
        asked["kyphosis_change_deg"] = pathology.kyphosis_deg
    if pathology.leg_length:
        asked["leg_length_change_mm"] = 1e3 * pathology.leg_length.difference_m
        asked["leg"] = pathology.leg_length.leg
    if pathology.fused:
        asked["fused"] = list(pathology.fused)
    return asked


def _asked_curve(pathology: Pathology, chain: VertebralChain, plan: CurvePlan) -> dict[str, Any]:
    curve = next(each for each in pathology.curves if chain.place(each.apex) == plan.apex)
    alone = len(pathology.curves) == 1
    return {
        "cobb_deg": curve.cobb_deg,
        "apex": curve.apex,
        "convex_side": curve.side,
        "end_vertebrae": [chain.vertebrae[plan.upper], chain.vertebrae[plan.lower]],
        "apical_rotation_deg": round(float(np.degrees(plan.rotation)), 6),
        "curve": _curve_name(chain, plan) if alone else _curve_name(chain, plan).split(" (")[0],
    }


def _region(chain: VertebralChain, plan: CurvePlan) -> str:
    """As the apex names it: lumbar from the L1-L2 disc down, thoracolumbar to T12, main thoracic to T6 (see
    `pathology`), proximal thoracic above."""
    if plan.apex <= chain.vertebrae.index("L1") - 0.5:
        return "lumbar"
    if plan.apex <= chain.vertebrae.index("T12"):
        return "thoracolumbar"
    above = chain.vertebrae.index("T5") if "T5" in chain.vertebrae else len(chain.vertebrae)
    return "thoracic" if plan.apex < above else "proximal thoracic"


def _curve_name(chain: VertebralChain, plan: CurvePlan) -> str:
    region = _region(chain, plan)
    if region == "proximal thoracic":
        return "proximal thoracic (no Lenke type on its own)"
    return f"{region} (Lenke type {1 if region == 'thoracic' else 5} where it is the only structural curve)"


def _lenke_type(chain: VertebralChain, plans: Sequence[CurvePlan]) -> str:
    """The type of several curves, if all of them are structural."""
    regions = [_region(chain, plan).replace("thoracolumbar", "lumbar") for plan in plans]
    major = regions[max(range(len(plans)), key=lambda index: plans[index].cobb)]
    types = {
        ("thoracic", "proximal thoracic"): "2 (DT)",
        ("lumbar", "thoracic"): "3 (DM)" if major == "thoracic" else "6 (TL/L-MT)",
        ("lumbar", "thoracic", "proximal thoracic"): "4 (TM)",
    }
    return types.get(tuple(regions), "none")


def _levels(chain: VertebralChain, turned: Array) -> dict[str, dict[str, float]]:
    """The turn put into each level, split as the lumbar joints' own angles: Rz(extension) Rx(bending) Ry(axial)."""
    found = {}
    for index in range(len(chain.joints)):
        relative = turned[index].T @ turned[index + 1]
        bending = np.arcsin(np.clip(relative[2, 1], -1.0, 1.0))
        backward = np.arctan2(-relative[0, 1], relative[1, 1])
        axial = np.arctan2(-relative[2, 0], relative[2, 2])
        found[chain.level(index)] = {
            "extension_deg": round(float(np.degrees(backward)), 4) + 0.0,
            "bending_right_deg": round(float(np.degrees(bending)), 4) + 0.0,
            "rotation_left_deg": round(float(np.degrees(axial)), 4) + 0.0,
        }
    return found


def _spine(chain: VertebralChain, turned: Array, after: Model) -> dict[str, float]:
    lean = np.degrees(np.arctan2(turned[:, 1, 0], turned[:, 0, 0]))
    first, last = chain.vertebrae.index("L1"), len(chain.vertebrae) - 1
    top = chain.vertebrae.index("T3") if "T3" in chain.vertebrae else chain.vertebrae.index("T12")
    found = {
        "lordosis_change_deg": float(lean[first] - lean[0]),
        "kyphosis_change_deg": float(lean[chain.vertebrae.index("T12")] - lean[top]),
        "thoracolumbar_kyphosis_change_deg": float(lean[first] - lean[chain.vertebrae.index("T12")]),
        "pelvis_backward_tilt_deg": float(lean[0]),
        "thorax_lean_right_deg": float(np.degrees(coronal_tilt(turned)[last])),
    }
    names = [name.lower() for name in after.body_names]
    if "head" in names:
        lower, _ = rest_joint_frames(after)
        axes = upright_axes(after, rest_frames(after)[1])
        offset = axes.T @ (lower[names.index("head"), :3, 3] - lower[chain.joints[0], :3, 3])
        found["head_right_of_sacrum_mm"] = 1e3 * float(offset[2])
    return found


def _curve(chain: VertebralChain, plan: CurvePlan, turned: Array, after: Model) -> dict[str, float]:
    tilt = coronal_tilt(turned)
    lower, _ = rest_joint_frames(after)
    axes = upright_axes(after, rest_frames(after)[1])
    # a vertebra's place is the middle between its discs; a disc's is its joint
    joints = lower[list(chain.joints), :3, 3]
    place = plan.apex - 0.5
    apex = (
        joints[int(place)]
        if place == int(place)
        else joints[[int(place), min(int(place) + 1, len(joints) - 1)]].mean(0)
    )
    shift = axes.T @ (apex - joints[0])
    near = sorted({int(np.floor(plan.apex)), int(np.ceil(plan.apex))})
    axial = -plan.convex * np.arctan2(-turned[near, 2, 0], turned[near, 0, 0])
    return {
        "cobb_deg": float(np.degrees(plan.convex * (tilt[plan.lower] - tilt[plan.upper]))),
        "lower_end_tilt_deg": float(np.degrees(plan.convex * tilt[plan.lower])),
        "upper_end_tilt_deg": float(np.degrees(plan.convex * tilt[plan.upper])),
        "apical_translation_to_convex_side_mm": 1e3 * float(plan.convex * shift[2]),
        "apical_rotation_to_convex_side_deg": float(np.degrees(axial.mean())),
    }


def _said_of_curve(chain: VertebralChain, plan: CurvePlan, levels: dict[str, dict[str, float]]) -> list[str]:
    if not (chain.thorax_is_one_body and plan.upper == len(chain.vertebrae) - 1):
        return []
    if plan.upper - plan.apex > 1.0:
        return ["the upper end vertebra T12 is part of the thorax, one body, which leans with it"]
    share = abs(levels[chain.level(plan.upper - 1)]["bending_right_deg"])
    return [
        f"the thorax is one body: the upper half of the curve, {share:.0f} deg, stands in the level T12-L1 alone, "
        "where in patients it reaches into the thorax"
    ]


def _said_of_kyphosis(chain: VertebralChain) -> list[str]:
    if not chain.thorax_is_one_body:
        return []
    return ["the thorax is one body: the kyphosis was put at T12-L1, and the angle T3-T12 is as before"]


def endplate_angles(
    model: Model, chain: VertebralChain, plans: Sequence[CurvePlan], folders: Iterable[str | Path]
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Cobb angle, lordosis and kyphosis of the default pose between the endplates of the bones' meshes, deg.

    The Cobb angle is that between the transverse axes of the lower plate of the lower end vertebra and the upper plate
    of the upper one, seen from the front. Angles whose plates are not found are left out; the notes say so.
    """
    plates = find_endplates(model, folders)
    positions, rotations = rest_frames(model)
    track = PoseTrack(
        time=np.zeros(1),
        names=model.body_names,
        parents=model.parents,
        positions=positions[None],
        rotations=rotations[None],
        centres=np.array([joint.child_offset[:3, 3] for joint in model.joints]),
        rest_positions=positions,
        rest_rotations=rotations,
    )
    curves = curvature(track, plates)
    found = {
        f"{name}_deg": float(np.degrees(value[0]))
        for name, value in (("lordosis", curves.lordosis), ("kyphosis", curves.kyphosis))
        if np.isfinite(value[0])
    }
    for plan in plans:
        ends = plates.get(chain.vertebrae[plan.lower], "lower"), plates.get(chain.vertebrae[plan.upper], "upper")
        if ends[0] is not None and ends[1] is not None:
            axes = upright_axes(model, rotations).T
            frames = np.array([axes @ rotations[plate.body] @ plate.frame for plate in ends if plate])
            tilt = coronal_tilt(frames)
            found[f"{_prefix(chain, plan, plans)}cobb_deg"] = float(np.degrees(plan.convex * (tilt[0] - tilt[1])))
    return {name: round(value, 4) for name, value in found.items()}, curves.notes
