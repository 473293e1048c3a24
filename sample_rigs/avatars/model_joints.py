"""Joint centres of an OpenSim model, by the names that an avatar's landmarks have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...simspine_addon.kinematics.forward import body_frames
from ...simspine_addon.model.couplers import default_values
from ...simspine_addon.model.errors import InputError
from ...simspine_addon.model.types import Model
from ...simspine_addon.spine.keypoints import KEYPOINT_NAMES, keypoint_places
from ...simspine_addon.spine.levels import lumbar_levels

Array = NDArray[np.float64]

# Landmark -> the bodies of which the first that the model has hangs in that joint.
_SIDES: dict[str, tuple[str, ...]] = {
    "hip": ("femur",),
    "knee": ("tibia",),
    "ankle": ("talus", "calcn"),
    "ball": ("toes",),
    "shoulder": ("humerus",),
    "elbow": ("ulna", "radius"),
    "wrist": ("hand", "lunate"),
}
_FACE = {"Nose": "nose", "LEye": "eye_l", "REye": "eye_r", "LEar": "ear_l", "REar": "ear_r"}  # keypoint -> landmark
ATLAS_OVER_NECK_M = 0.095  # C1 over C7/T1 of an adult of 1.70 m, where a model has one neck joint and no marker on C1
_NECK_BEHIND_M = 0.043  # the skin over C7 lies this far behind the joint; C1 as far behind its own, less
_ATLAS_BEHIND_M = 0.025


def joint_centres(model: Model) -> dict[str, Array]:
    """Joint centres [3] m at the model's default pose, its pelvis upright and looking along X.

    "hip_r" is where the right femur hangs, and so on; "L5_S1" and "T12_L1" are known by the bodies they join;
    "neck_base" is C7/T1 and "atlas" the skull's joint. A model with a single neck joint has it at either: which, the
    keypoint on C7 tells, and the other is placed by the keypoint on C1, or in proportion. "nose", "eye_l" and so on
    are the model's markers of these keypoints, where it has them.

    Raises:
        InputError: the model has no two legs under a pelvis.
    """
    positions, rotations = body_frames(model, default_values(model)[None])
    names = {name.lower(): i for i, name in enumerate(model.body_names)}
    if not {"pelvis", "femur_r", "femur_l"} <= set(names):
        raise InputError(
            "the model has no bodies pelvis, femur_r and femur_l", path=model.path, hint="an avatar needs two legs"
        )
    upright = rotations[0, names["pelvis"]].T
    centres = np.array([joint.child_offset[:3, 3] for joint in model.joints])
    heads = (positions[0] + np.einsum("bij,bj->bi", rotations[0], centres)) @ upright.T
    found: dict[str, Array] = {}
    for landmark, bodies in _SIDES.items():
        for side in "lr":
            for body in bodies:
                if f"{body}_{side}" in names:
                    found[f"{landmark}_{side}"] = heads[names[f"{body}_{side}"]]
                    break
    levels = {level.name: level.joint for level in lumbar_levels(model)}
    for landmark, level in (("L5_S1", "L5-S1"), ("L5_S1", "lumbar"), ("T12_L1", "T12-L1")):
        if level in levels and landmark not in found:
            found[landmark] = heads[levels[level]]
    places = keypoint_places(model, "surface")
    at = places.bodies.clip(0)
    points = (positions[0][at] + np.einsum("kij,kj->ki", rotations[0][at], places.locations)) @ upright.T
    seen = {name: points[KEYPOINT_NAMES.index(name)] for name in ("Neck", "Neck_03") if name not in places.missing}
    trusted = {name for name in seen if places.source[KEYPOINT_NAMES.index(name)] == "marker"}
    found.update(_neck(found, heads, names, seen, trusted))
    for index, (name, source) in enumerate(zip(KEYPOINT_NAMES, places.source, strict=True)):
        if name in _FACE and source == "marker":
            found[_FACE[name]] = points[index]
    return found


def _neck(
    found: dict[str, Array], heads: Array, names: dict[str, int], seen: dict[str, Array], trusted: set[str]
) -> dict[str, Array]:
    """The base of the neck and the skull's joint, where there is a head and shoulders to scale by."""
    if "head" not in names or "shoulder_l" not in found:
        return {}
    head = heads[names["head"]]
    shoulders = (found["shoulder_l"] + found["shoulder_r"]) / 2
    hips = (found["hip_l"] + found["hip_r"]) / 2
    scale = float(np.linalg.norm(shoulders - hips)) / 0.49  # hips to shoulders of an adult of 1.70 m
    rise = ATLAS_OVER_NECK_M * scale
    skin = seen.get("Neck", shoulders + np.array([-0.06, 0.085, 0.0]) * scale)
    if head[1] - skin[1] > 0.5 * rise:
        base = np.array([skin[0] + _NECK_BEHIND_M * scale, min(skin[1], head[1] - 0.7 * rise), 0.0])
        # A marker may sit anywhere on the neck: the base lies between the shoulders' line and the skull's joint.
        base[0] = np.clip(base[0], min(head[0], shoulders[0]) - 0.02 * scale, max(head[0], shoulders[0]) + 0.02 * scale)
        return {"neck_base": base, "atlas": head}
    atlas = head + np.array([0.020 * scale, rise, 0.0])
    if "Neck_03" in trusted and 0.6 * rise < seen["Neck_03"][1] - head[1] < 1.5 * rise:
        atlas = seen["Neck_03"] + np.array([_ATLAS_BEHIND_M * scale, 0.0, 0.0])
    return {"neck_base": head, "atlas": atlas}
