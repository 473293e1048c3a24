"""Trunk movements on planted feet: bending forward and back, to the sides, and turning.

How much the lumbar spine and how much the hips give, and that the spine leads on the way down and the hips on the way
up, follows descriptions of the lumbo-pelvic rhythm (Esola et al. 1996 [?]); the exact curves are ours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..anthropometry import Subject
from .curves import frame_times, moves
from .legs import FootTrack, planted_foot
from .whole_body import SampleMotion, assemble, stand, trunk_angles

Array = NDArray[np.float64]
HALF_WIDTH_M, TOE_OUT_DEG, STANDING_KNEE_DEG = 0.105, 8.0, 6.0
BALANCE_X_M = 0.045  # the mass centre stands this far in front of the ankles [?]


def standing_feet(subject: Subject, count: int) -> dict[str, FootTrack]:
    """Both feet flat, a hip's width apart, toes a little outwards."""
    return {side: planted_foot(subject, side, count, HALF_WIDTH_M, TOE_OUT_DEG) for side in ("r", "l")}


def relaxed_arms(time: Array) -> dict[str, Array]:
    """Arms that hang free of the trunk, slightly bent, in degrees."""
    still = np.ones(len(time))
    arms = {}
    for side in ("r", "l"):
        arms |= {
            f"arm_flex_{side}": -2.0 * still,
            f"arm_add_{side}": -9.0 * still,
            f"arm_rot_{side}": 8.0 * still,
            f"elbow_flex_{side}": 14.0 * still,
            f"pro_sup_{side}": 85.0 * still,
            f"wrist_flex_{side}": 5.0 * still,
        }
    return arms


def on_planted_feet(
    subject: Subject,
    time: Array,
    body_deg: dict[str, Array],
    lumbar_deg: tuple[Array, Array, Array],
    knee_deg: Array,
    balance: tuple[Array, Array] | None = None,
) -> SampleMotion:
    """Finish a standing movement: couple the spine, keep the balance, solve the legs. Angles in degrees, [T]."""
    still = np.zeros(len(time))
    body = {name: np.radians(values) for name, values in (relaxed_arms(time) | body_deg).items()}
    body |= trunk_angles(*(np.radians(angle) for angle in lumbar_deg))
    over = balance or (still + BALANCE_X_M, still)
    return assemble(time, stand(subject, body, standing_feet(subject, len(time)), np.radians(knee_deg), over))


def trunk_flexion(subject: Subject) -> SampleMotion:
    """Bend forward towards the toes, come up, lean back, stand (6 s)."""
    time = frame_times(6.0)
    lumbar = moves(time, [(0.2, 0.0), (1.9, -52.0), (2.3, -52.0), (4.1, 0.0), (5.0, 17.0), (5.9, 0.0)])
    pelvis = moves(time, [(0.4, 0.0), (2.1, -38.0), (2.2, -38.0), (3.8, 0.0), (4.1, 0.0), (5.0, 5.0), (5.9, 0.0)])
    neck = moves(time, [(0.2, 0.0), (1.8, -16.0), (2.4, -16.0), (4.1, 0.0), (5.0, 9.0), (5.9, 0.0)])
    knee = moves(time, [(0.2, 6.0), (2.0, 9.0), (2.3, 9.0), (4.1, 6.0), (5.0, 10.0), (5.9, 6.0)])
    lean = lumbar + pelvis
    arms = {}
    for side in ("r", "l"):
        arms[f"arm_flex_{side}"] = -2.0 - 0.92 * np.minimum(lean, 0.0) - 0.5 * np.maximum(lean, 0.0)
        arms[f"elbow_flex_{side}"] = 14.0 + 0.06 * lean
    still = np.zeros(len(time))
    body = {"pelvis_tilt": pelvis, "pelvis_list": still, "pelvis_rotation": still, "neck_flexion": neck, **arms}
    return on_planted_feet(subject, time, body, (lumbar, still, still), knee)


def lateral_bending(subject: Subject) -> SampleMotion:
    """Bend to the right, then to the left, a hand along each thigh (6 s)."""
    time = frame_times(6.0)
    share = moves(time, [(0.2, 0.0), (1.5, 1.0), (1.8, 1.0), (3.0, 0.0), (4.3, -1.0), (4.6, -1.0), (5.9, 0.0)])
    still = np.zeros(len(time))
    body = {
        "pelvis_tilt": still,
        "pelvis_list": 3.0 * share,
        "pelvis_rotation": still,
        "neck_bending": 12.0 * share,
    }
    for side, sign in (("r", 1.0), ("l", -1.0)):
        lowered = np.maximum(sign * share, 0.0) ** 2 * (3.0 - 2.0 * np.abs(share))
        raised = np.maximum(-sign * share, 0.0) ** 2 * (3.0 - 2.0 * np.abs(share))
        body[f"arm_add_{side}"] = -9.0 - 14.0 * lowered + 14.0 * raised
        body[f"arm_rot_{side}"] = 8.0 + 12.0 * raised
        body[f"elbow_flex_{side}"] = 14.0 - 4.0 * lowered + 16.0 * raised
    return on_planted_feet(subject, time, body, (-2.0 * np.abs(share) ** 3, 23.0 * share, still), 6.0 + still)


def axial_rotation(subject: Subject) -> SampleMotion:
    """Turn the trunk to the left, then to the right, the pelvis and the head following (6 s).

    The thorax is one body, so what a person turns above T12 has to come from the pelvis: the lumbar levels stay within
    what White and Panjabi give for them.
    """
    time = frame_times(6.0)
    share = moves(time, [(0.2, 0.0), (1.5, 1.0), (1.8, 1.0), (4.2, -1.0), (4.5, -1.0), (5.9, 0.0)])
    late = moves(time, [(0.3, 0.0), (1.6, 1.0), (1.9, 1.0), (4.3, -1.0), (4.6, -1.0), (5.95, 0.0)])
    early = moves(time, [(0.1, 0.0), (1.3, 1.0), (1.7, 1.0), (4.0, -1.0), (4.4, -1.0), (5.8, 0.0)])
    still = np.zeros(len(time))
    body = {
        "pelvis_tilt": still,
        "pelvis_list": still,
        "pelvis_rotation": 26.0 * late,
        "neck_rotation": 24.0 * early,
    }
    for side, sign in (("r", 1.0), ("l", -1.0)):
        swing = sign * late  # turning left brings the right arm forward
        body[f"arm_flex_{side}"] = 10.0 + 14.0 * swing
        body[f"arm_add_{side}"] = -16.0 - 5.0 * np.abs(late) ** 3
        body[f"elbow_flex_{side}"] = 40.0 + 12.0 * swing
        body[f"arm_rot_{side}"] = 8.0 + 6.0 * swing
    return on_planted_feet(subject, time, body, (still, still, 10.5 * share), 6.0 + still)
