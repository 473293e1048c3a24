"""Standing up from a seat and sitting down again, the arms free."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..anthropometry import Subject
from ..forward import rotation_about
from .curves import frame_times, moves
from .trunk import STANDING_KNEE_DEG, on_planted_feet, relaxed_arms, standing_feet
from .whole_body import SampleMotion, assemble, place_legs, trunk_angles

Array = NDArray[np.float64]
SEATED_HIP = (-0.215, 0.300)  # of stature: hip centre behind the ankles and over the floor (seat about 0.45 m)


def _standing_hip(subject: Subject) -> Array:
    """Hip axis of the same person in balanced standing, [3] m."""
    time, one = np.zeros(1), np.zeros(1)
    pose = on_planted_feet(
        subject,
        time,
        dict.fromkeys(("pelvis_tilt", "pelvis_list", "pelvis_rotation"), one),
        (one, one, one),
        one + STANDING_KNEE_DEG,
    )
    root = np.array([pose.column(f"pelvis_t{axis}")[0] for axis in "xyz"])
    return root + np.array([subject.hip_centre[0], subject.hip_centre[1], 0.0])


def sit_to_stand(subject: Subject) -> SampleMotion:
    """Lean forward, leave the seat, stand, sit down again (6 s).

    The trunk leans before the seat is left and is still leaning when the hips rise (Schenkman et al. 1990 [?]).
    """
    time = frame_times(6.0)
    still = np.zeros(len(time))
    standing, height = _standing_hip(subject), subject.height_m
    seat_x, seat_y = SEATED_HIP[0] * height, SEATED_HIP[1] * height
    forward = moves(time, [(0.8, 0.0), (2.5, 1.0), (3.1, 1.0), (5.0, 0.0)])
    rise = moves(time, [(0.8, 0.0), (2.45, 1.0), (3.1, 1.0), (5.05, 0.0)])
    lean = moves(
        time, [(0.1, 0.0), (1.25, 1.0), (1.35, 1.0), (2.6, 0.0), (2.9, 0.0), (4.4, 1.0), (4.55, 1.0), (5.8, 0.0)]
    )
    seated = 1.0 - rise
    tilt = 8.0 * seated - 38.0 * lean
    lumbar = -16.0 * seated - 14.0 * lean
    neck = 2.0 * seated + 26.0 * lean
    hip = np.stack([seat_x + (standing[0] - seat_x) * forward, seat_y + (standing[1] - seat_y) * rise, still], axis=1)
    offset = np.array([subject.hip_centre[0], subject.hip_centre[1], 0.0])
    root = hip - rotation_about((0, 0, 1), np.radians(tilt)) @ offset
    body = {name: np.radians(values) for name, values in relaxed_arms(time).items()}
    for side in ("r", "l"):
        body |= {
            f"arm_flex_{side}": np.radians(-2.0 + 9.0 * seated + 64.0 * lean),
            f"elbow_flex_{side}": np.radians(14.0 + 60.0 * seated - 6.0 * lean),
            f"arm_rot_{side}": np.radians(8.0 + 20.0 * seated),
            f"wrist_flex_{side}": np.radians(5.0 + 8.0 * seated),
            f"pro_sup_{side}": np.radians(85.0 + 55.0 * seated),
        }
    body |= trunk_angles(np.radians(lumbar), still, still)
    body |= {"pelvis_tilt": np.radians(tilt), "pelvis_list": still, "pelvis_rotation": still}
    body |= {"pelvis_tx": root[:, 0], "pelvis_ty": root[:, 1], "pelvis_tz": still, "neck_flexion": np.radians(neck)}
    return assemble(time, place_legs(subject, body, standing_feet(subject, len(time))))
