"""Lifting a box (not there) from the floor in front and turning with it to the right, feet planted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..anthropometry import Subject
from ..arm_joints import arm_joints
from ..forward import Chain
from .curves import frame_times, moves
from .trunk import BALANCE_X_M, on_planted_feet, relaxed_arms
from .whole_body import SampleMotion

Array = NDArray[np.float64]
GRIP_M = 0.36  # as on a box of that width


def _hands_apart(subject: Subject, body_deg: dict[str, Array], share: Array) -> dict[str, Array]:
    """Both arms' adduction, deg, that brings the middle of the hands `GRIP_M` apart, by `share` (0 to 1) of the way."""
    arms = {name: np.radians(values) for name, values in body_deg.items() if name[-2:] in ("_r", "_l")}
    count = len(share)
    torso = {"torso": (np.broadcast_to(np.eye(3), (count, 3, 3)), np.zeros((count, 3)))}
    chain = Chain([*arm_joints(subject, "r"), *arm_joints(subject, "l")])
    palm = np.array([0.0, -subject.hand / 2.0, 0.0])

    def distance(inwards: Array) -> Array:
        moved = arms | {f"arm_add_{side}": arms[f"arm_add_{side}"] + inwards for side in "rl"}
        poses = chain.poses(moved, torso)
        right, left = (poses[f"hand_{side}"][1] + poses[f"hand_{side}"][0] @ palm for side in "rl")
        return np.linalg.norm(right - left, axis=1)

    inwards, step = np.zeros(count), 1e-4
    free = distance(inwards)
    wanted = free + share * (GRIP_M - free)
    for _ in range(10):
        now = distance(inwards)
        inwards = inwards + (wanted - now) * step / (distance(inwards + step) - now)
    return {f"arm_add_{side}": body_deg[f"arm_add_{side}"] + np.degrees(inwards) for side in "rl"}


def lifting_with_twist(subject: Subject) -> SampleMotion:
    """Squat and stoop to the floor, lift to the waist, turn right and set down at hip height, come back (6 s)."""
    time = frame_times(6.0)
    still = np.zeros(len(time))
    down = moves(time, [(0.2, 0.0), (1.6, 1.0), (1.85, 1.0), (3.2, 0.0)])
    hold = moves(time, [(1.5, 0.0), (3.1, 1.0), (4.7, 1.0), (5.7, 0.0)])
    turn = moves(time, [(2.7, 0.0), (3.9, 1.0), (4.5, 1.0), (5.7, 0.0)])
    place = moves(time, [(3.4, 0.0), (4.2, 1.0), (4.6, 1.0), (5.6, 0.0)])
    lumbar = -44.0 * down - 12.0 * place
    pelvis = -42.0 * down - 10.0 * place
    body = {
        "pelvis_tilt": pelvis,
        "pelvis_list": still,
        "pelvis_rotation": -34.0 * turn,
        "neck_flexion": 22.0 * down - 6.0 * place,
        "neck_rotation": -22.0 * turn,
    }
    for side, sign in (("r", 1.0), ("l", -1.0)):
        across = sign * turn
        body[f"arm_flex_{side}"] = -2.0 + 82.0 * down + 16.0 * hold * (1.0 - down) + 26.0 * place
        body[f"arm_add_{side}"] = -9.0 + 4.0 * down + 3.0 * hold - 2.0 * across
        body[f"arm_rot_{side}"] = 8.0 + 10.0 * hold + 4.0 * across
        body[f"elbow_flex_{side}"] = 14.0 + 4.0 * down + 62.0 * hold * (1.0 - down) - 28.0 * place
        body[f"pro_sup_{side}"] = 85.0 - 15.0 * hold
    grip = moves(time, [(0.6, 0.0), (1.65, 1.0), (4.55, 1.0), (5.6, 0.0)])
    body |= _hands_apart(subject, relaxed_arms(time) | body, grip)
    balance = (still + BALANCE_X_M + 0.005 * down, -0.012 * turn)
    return on_planted_feet(
        subject, time, body, (lumbar, 5.0 * turn, -10.5 * turn), 6.0 + 72.0 * down + 8.0 * place, balance
    )
