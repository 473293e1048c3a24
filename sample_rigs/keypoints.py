"""Where the 37 keypoints and the vertebral centroids lie on the sample model's bodies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .anthropometry import SACRAL_SLOPE_DEG, Subject, Vertebra, shoulder_place, spine_column, torso_place, up_vector
from .arm_joints import forearm
from .skeleton import head_place, sacrum_centre

Array = NDArray[np.float64]
# Skin behind the vertebral centre at 1.75 m; the released keypoints lie 37 to 48 mm behind (SIMSPINE code).
BEHIND_M = {"L5": 0.038, "L3": 0.046, "L1": 0.044, "T8": 0.046, "T3": 0.044, "C7": 0.043, "C3": 0.038, "C1": 0.037}


@dataclass(frozen=True, slots=True)
class Placement:
    """A vertebra on its body: centre (m, in its frame), forward lean (deg) there, size (depth, height, width; m)."""

    body: str
    centre: tuple[float, float, float]
    inclination_deg: float
    size: tuple[float, float, float]


def body_of(level: str) -> str:
    """The model's body that carries a vertebra: C7 rides on the torso, C6 to C1 on the head."""
    if level.startswith("L"):
        return f"lumbar{level[1]}"
    return "torso" if level.startswith("T") or level == "C7" else "head"


def vertebra_placements(subject: Subject) -> dict[str, Placement]:
    """Centre and lean of L5 to C1, each in the frame of the body that carries it; a lumbar body is its vertebra."""
    origins = {"torso": torso_place(subject), "head": head_place(subject)}
    table = {}
    for level, vertebra in spine_column(subject).items():
        body = body_of(level)
        if body in origins:
            place, lean = vertebra.centre - origins[body], vertebra.inclination_deg
        else:
            place, lean = np.zeros(3), 0.0
        table[level] = Placement(body, _rounded(place), round(lean, 6), _rounded(np.array(vertebra.size)))
    return table


def _rounded(values: Array) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 9) + 0.0 for value in values)
    return x, y, z


def _behind(vertebra: Vertebra, distance: float) -> Array:
    """A point behind a vertebra's centre along its own axis, in the upright pelvis frame, [3]."""
    lean = np.radians(vertebra.inclination_deg)
    return vertebra.centre - distance * np.array([np.cos(lean), -np.sin(lean), 0.0])


def keypoint_markers(subject: Subject) -> dict[str, tuple[str, tuple[float, float, float]]]:
    """Keypoint name -> (body, place in its frame, m): the surface placement (ours, like the generic one)."""
    placed = {**_head(subject), **_trunk(subject)}
    for side in ("L", "R"):
        placed |= _limbs(subject, side)
    return {name: (body, _rounded(np.asarray(place))) for name, (body, place) in placed.items()}


def _head(subject: Subject) -> dict[str, tuple[str, Array]]:
    """Vertex at the stature, eyes at 0.936 of it (Drillis & Contini [?]); the other places are ours, at 1.75 m."""
    size = subject.height_m / 1.75
    base = head_place(subject)[1] + subject.hip_height - subject.hip_centre[1]
    vertex, eyes = subject.height_m - base, 0.936 * subject.height_m - base
    return {
        "Nose": ("head", np.array([0.112 * size, eyes - 0.032 * size, 0.0])),
        "LEye": ("head", np.array([0.085 * size, eyes, -0.032 * size])),
        "REye": ("head", np.array([0.085 * size, eyes, 0.032 * size])),
        "LEar": ("head", np.array([0.002 * size, eyes - 0.012 * size, -0.074 * size])),
        "REar": ("head", np.array([0.002 * size, eyes - 0.012 * size, 0.074 * size])),
        "Head": ("head", np.array([0.012 * size, vertex, 0.0])),
    }


def _trunk(subject: Subject) -> dict[str, tuple[str, Array]]:
    size, column = subject.height_m / 1.75, spine_column(subject)
    torso, head = torso_place(subject), head_place(subject)
    behind = {level: _behind(column[level], distance * size) for level, distance in BEHIND_M.items()}
    sacrum = sacrum_centre(subject) - 0.030 * size * up_vector(SACRAL_SLOPE_DEG)
    lean = np.radians(SACRAL_SLOPE_DEG)
    hip = sacrum - 0.038 * size * np.array([np.cos(lean), -np.sin(lean), 0.0])
    markers = {
        "Hip": ("pelvis", hip),
        "Spine_04": ("torso", behind["T8"] - torso),
        "Spine_05": ("torso", behind["T3"] - torso),
        "Neck": ("torso", behind["C7"] - torso),
        "Neck_02": ("head", (behind["C3"] + _behind(column["C4"], BEHIND_M["C3"] * size)) / 2.0 - head),
        "Neck_03": ("head", behind["C1"] - head),
        "Spine_01": ("lumbar5", np.array([-BEHIND_M["L5"] * size, 0.0, 0.0])),
        "Spine_02": ("lumbar3", np.array([-BEHIND_M["L3"] * size, 0.0, 0.0])),
        "Spine_03": ("lumbar1", np.array([-BEHIND_M["L1"] * size, 0.010 * size, 0.0])),
    }
    notch = np.array([column["T2"].centre[0] + 0.070 * size, column["T3"].centre[1] + 0.006 * size, 0.0]) - torso
    blade = np.array([column["T6"].centre[0] - 0.048 * size, column["T6"].centre[1], 0.0]) - torso
    for side, sign in (("L", -1.0), ("R", 1.0)):
        shoulder = (shoulder_place(subject) - torso) * [1.0, 1.0, sign]
        markers[f"{side}Shoulder"] = ("torso", shoulder + size * np.array([-0.012, 0.002, sign * 0.032]))
        markers[f"{side}Clavicle"] = ("torso", notch + np.array([0.0, 0.0, sign * 0.025 * size]))
        markers[f"{side}Latissimus"] = ("torso", blade + np.array([0.0, 0.0, sign * 0.095 * size]))
        hip_place = np.array(subject.hip_centre) * [1.0, 1.0, sign] + size * np.array([0.004, -0.012, sign * 0.022])
        markers[f"{side}Hip"] = ("pelvis", hip_place)
    return markers


def _limbs(subject: Subject, side: str) -> dict[str, tuple[str, Array]]:
    letter, sign, size = side.lower(), (1.0 if side == "R" else -1.0), subject.height_m / 1.75
    heel_back = -subject.heel_length + 0.006 * subject.height_m
    toes = subject.foot_length - subject.ball_length
    return {
        f"{side}Elbow": (f"humerus_{letter}", np.array([0.004 * size, -subject.upper_arm, sign * 0.006 * size])),
        f"{side}Wrist": (f"radius_{letter}", forearm(subject, letter).wrist),
        f"{side}Knee": (f"femur_{letter}", np.array([0.0, -subject.thigh + 0.012 * size, 0.0])),
        f"{side}Ankle": (f"tibia_{letter}", np.array([0.0, -subject.shank + 0.008 * size, sign * 0.006 * size])),
        f"{side}BigToe": (f"toes_{letter}", size * np.array([toes / size - 0.014, -0.006, -sign * 0.022])),
        f"{side}SmallToe": (f"toes_{letter}", size * np.array([0.030, -0.008, sign * 0.034])),
        f"{side}Heel": (
            f"calcn_{letter}",
            np.array([heel_back, 0.024 * size - subject.ankle_height + 0.016 * subject.height_m, 0.0]),
        ),
    }


def sole_points(subject: Subject, side: str) -> dict[str, tuple[str, Array]]:
    """Points of the sole that touch a level floor when the foot is flat: name -> (body, place in its frame, m)."""
    sign, half = (1.0 if side == "r" else -1.0), subject.foot_breadth / 2.0
    sole_in_calcn = -subject.ankle_height + 0.016 * subject.height_m
    toe_sole = -subject.toe_joint_height
    heel = -subject.heel_length + 0.012 * subject.height_m + 0.006 * subject.height_m
    ball = subject.ball_length - subject.heel_length + 0.006 * subject.height_m
    toes = subject.foot_length - subject.ball_length
    calcn, toe = f"calcn_{side}", f"toes_{side}"
    return {
        "heel_medial": (calcn, np.array([heel, sole_in_calcn, -sign * 0.6 * half])),
        "heel_lateral": (calcn, np.array([heel, sole_in_calcn, sign * 0.6 * half])),
        "ball_medial": (calcn, np.array([ball, sole_in_calcn, -sign * half])),
        "ball_lateral": (calcn, np.array([ball, sole_in_calcn, sign * half])),
        "toe_tip": (toe, np.array([toes - 0.008 * subject.height_m, toe_sole, -sign * 0.4 * half])),
    }
