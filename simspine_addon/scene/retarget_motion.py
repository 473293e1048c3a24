"""A motion onto a rig in the scene, in one step: bones found, motion solved, keys written, quality measured."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import bpy
import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..model.errors import InputError
from ..retarget.articulate_bones import articulated_map
from ..retarget.articulate_levels import THORACIC, level_of_bone, with_thoracic_levels
from ..retarget.presets import apply_preset, choose_preset, preset
from ..retarget.report import retarget_report
from ..retarget.roles import RoleMap
from ..retarget.skeleton import Skeleton, skeleton_of_track
from ..retarget.solve import RetargetOptions, RetargetResult, retarget
from .retarget_keys import KeyedMotion, key_track, mapped_bones
from .rig import refuse_unmovable, skeleton_of_armature
from .rigify_controls import key_rigify
from .rigify_rig import RigifyRig, is_generated_rigify, rigify_rig

Array = NDArray[np.float64]
Controls = Literal["fk", "ik", "deform"]
REPORT_PROPERTY = "simspine_retarget_report"  # on the target armature: JSON
OWN_MAP = "own map"


@dataclass(frozen=True, slots=True)
class TargetRig:
    """An armature to move: its skeleton as the solve sees it, which bone plays which role, and how that was found.

    `preset` names the family ("structure" where its shape decided) or the map that was given, `score` how well it fits;
    `rigify` is set for generated Rigify rigs.
    """

    armature: bpy.types.Object
    skeleton: Skeleton
    role_map: RoleMap
    preset: str
    score: float
    rigify: RigifyRig | None = None


@dataclass(frozen=True, slots=True)
class RetargetedMotion:
    """What was done: the rig, the solve, the keys, and the report (empty if it was not asked for).

    `source` is the motion as it was solved: the vertebrae of a bent thorax, where it has them, are known as levels.
    """

    target: TargetRig
    source: PoseTrack
    source_map: RoleMap
    result: RetargetResult
    keyed: KeyedMotion
    report: dict[str, Any]


def read_target(
    armature: bpy.types.Object,
    role_map: RoleMap | None = None,
    family: str | None = None,
    controls: Controls = "fk",
) -> TargetRig:
    """An armature as a target, with its bone map.

    Args:
        armature: any humanoid rig.
        role_map: given by the user; found by itself otherwise.
        family: the preset whose names it has, if it is not to be chosen.
        controls: with "deform", a generated Rigify rig is taken as any other armature.

    Raises:
        InputError: the armature cannot be moved (linked, mirrored, scaled unevenly), or is no humanoid.
    """
    refuse_unmovable(armature)
    generated = rigify_rig(armature) if controls != "deform" and is_generated_rigify(armature) else None
    skeleton = generated.skeleton if generated is not None else skeleton_of_armature(armature)
    try:
        name, found, score = _found_map(skeleton, role_map, family)
        found.check(skeleton)
    except InputError as error:
        problem = f"the armature '{armature.name}' cannot take a motion: {error.problem}"
        raise InputError(problem, path=error.path, hint=error.hint) from error
    return TargetRig(armature, skeleton, found, name, score, generated)


def _found_map(skeleton: Skeleton, given: RoleMap | None, family: str | None) -> tuple[str, RoleMap, float]:
    """The family, the map and how well it fits; the vertebrae of an articulated avatar are its spine."""
    if given is not None:
        return given.name or OWN_MAP, given, 1.0
    if family is not None:
        name, found, score = family, apply_preset(preset(family), skeleton), 1.0
    else:
        name, found, score = choose_preset(skeleton)
    found = articulated_map(skeleton, found)
    return found.name or name, found, score


def retarget_motion(
    source: PoseTrack,
    frames: Array,
    target: TargetRig,
    *,
    source_map: RoleMap | None = None,
    options: RetargetOptions | None = None,
    controls: Controls = "fk",
    name: str = "motion",
    nla: bool = False,
    with_report: bool = True,
) -> RetargetedMotion:
    """Carry a motion over to a rig and key it there.

    Args:
        source: the motion, in OpenSim's ground.
        frames: [T] of the scene at which its samples are.
        target: from `read_target`.
        source_map: of the motion's bodies; found by itself otherwise.
        options: of the solve.
        controls: legs of a generated Rigify rig on "fk" or "ik" controls.
        name: of the new action.
        nla: push the action down as an NLA strip.
        with_report: also measure the result, beside the naive copy.

    Raises:
        InputError: the motion or the rig cannot be used; nothing was keyed then.
    """
    if source_map is None:
        source, source_map = with_thoracic_levels(source, choose_preset(skeleton_of_track(source))[1])
        options = _by_levels(options or RetargetOptions(), source_map, target.role_map)
    result = retarget(source, source_map, target.skeleton, target.role_map, options)
    if target.rigify is not None and controls != "deform":
        feet: Literal["fk", "ik"] = "ik" if controls == "ik" else "fk"
        keyed = key_rigify(target.rigify, result.track, frames, name, feet, nla)
    else:
        keyed = key_track(target.armature, result.track, frames, mapped_bones(target.role_map.bones), name, nla)
    report: dict[str, Any] = {}
    if with_report:
        report = retarget_report(source, source_map, target.skeleton, target.role_map, result)
        report |= {"preset": target.preset, "preset_score": target.score, "notes": list(keyed.notes)}
        report = _plain(report)
        target.armature[REPORT_PROPERTY] = json.dumps(report)
    return RetargetedMotion(target, source, source_map, result, keyed, report)


def lacking_vertebrae(done: RetargetedMotion) -> tuple[str, ...]:
    """A sentence where the motion has a curve in the thorax and the rig no vertebrae there; nothing otherwise."""
    if not set(THORACIC) <= set(done.source_map.of("spine")) - set(
        map(level_of_bone, done.target.role_map.of("spine"))
    ):
        return ()
    told = f"'{done.target.armature.name}' has no thoracic vertebrae: its few bones take the curve of the thorax as far"
    return (f"{told} as they can; articulate it first, T12 to T1 too",)


def _by_levels(options: RetargetOptions, source_map: RoleMap, target_map: RoleMap) -> RetargetOptions:
    """Vertebra by vertebra, where both have those of the thorax: a curve in it is told by levels, not by its shape."""
    known = set(source_map.of("spine")) & {level_of_bone(name) for name in target_map.of("spine")}
    return replace(options, spine="levels") if options.spine == "curve" and set(THORACIC) <= known else options


def _plain(value: Any) -> Any:
    """The report without what JSON has no number for: None where something could not be measured."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def stored_report(armature: bpy.types.Object) -> dict[str, Any] | None:
    """The report of the last motion that an armature was given; None where there is none."""
    text = armature.get(REPORT_PROPERTY)
    return json.loads(text) if isinstance(text, str) else None


def summary_lines(report: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What a person reads of a report: what, here, and at the naive copy."""
    here, naive = report["retarget"], report.get("naive")

    def both(what: str, unit: str, pick: Any, digits: int = 1) -> tuple[str, str, str]:
        texts = ["-" if each is None else f"{pick(each):.{digits}f} {unit}".strip() for each in (here, naive)]
        return what, texts[0], texts[1]

    return [
        both("Spine curve", "mm", lambda n: n["spine_curve"]["max_mm"]),
        both("Thorax", "°", lambda n: n["rotation_error_deg"]["thorax"], 2),
        both("Head", "°", lambda n: n["rotation_error_deg"]["head"], 2),
        both("Foot slide", "mm", lambda n: n["foot_slide_mm"]["max"]),
        both("Below the floor", "mm", lambda n: n["penetration_mm"]),
        both("Jerk ratio", "", lambda n: n["jerk_ratio"], 2),
    ]
