"""Legs between a given pelvis and given feet: six angles a side, by damped least squares over all frames at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..anthropometry import Subject
from ..forward import Chain, rotation_about
from ..knee import knee_curves
from ..skeleton import leg_joints, root_and_leg_joints

Array = NDArray[np.float64]
SOLVED = ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle", "subtalar_angle")
START_RAD = (0.3, 0.0, 0.0, 0.5, 0.1, 0.0)
TURN_WEIGHT_M = 0.2  # an error of one radian counts as 0.2 m
ITERATIONS, STEP_RAD = 40, 1e-6


@dataclass(frozen=True, slots=True)
class FootTrack:
    """Where the calcaneus is: place [T, 3] m and rotation [T, 3, 3] in ground; the toe joint's angle [T] rad."""

    places: Array
    rotations: Array
    toes: Array


def rest_heights(subject: Subject) -> tuple[float, float]:
    """Height of the ankle's centre and of the calcaneus frame over the floor when the foot is flat, m."""
    return subject.ankle_height, subject.ankle_height - 0.016 * subject.height_m


def planted_foot(subject: Subject, side: str, count: int, half_width_m: float, toe_out_deg: float) -> FootTrack:
    """A foot that stands flat through all frames, its ankle over x = 0."""
    sign = 1.0 if side == "r" else -1.0
    turn = rotation_about((0, 1, 0), np.full(count, -sign * np.radians(toe_out_deg)))
    behind = turn @ np.array([-0.006 * subject.height_m, 0.0, 0.0])
    place = np.array([0.0, rest_heights(subject)[1], sign * half_width_m]) + behind
    return FootTrack(place, turn, np.zeros(count))


def _turn_error(rotation: Array, wanted: Array) -> Array:
    """Small-angle rotation vectors from `wanted` to `rotation`, [T, 3] rad."""
    between = np.swapaxes(wanted, 1, 2) @ rotation
    skew = np.stack(
        [between[:, 2, 1] - between[:, 1, 2], between[:, 0, 2] - between[:, 2, 0], between[:, 1, 0] - between[:, 0, 1]],
        1,
    )
    return skew / np.sqrt(np.maximum(1.0 + np.trace(between, axis1=1, axis2=2), 1e-9))[:, None]


def solve_leg(subject: Subject, side: str, pelvis: Mapping[str, Array], foot: FootTrack) -> dict[str, Array]:
    """Angles (rad, [T]) of hip, knee, ankle and subtalar joint that bring the calcaneus to `foot` from `pelvis`.

    `pelvis` holds the six root coordinates. The toe joint and the kneecap follow.
    """
    count = len(foot.toes)
    root = Chain(root_and_leg_joints(subject)[:1]).poses(pelvis)
    joints = [joint for joint in leg_joints(subject, side) if not joint.child.startswith(("patella", "toes"))]
    chain, names, body = Chain(joints), [f"{name}_{side}" for name in SOLVED], f"calcn_{side}"

    def error(angles: Array) -> Array:
        rotation, place = chain.poses(dict(zip(names, angles.T, strict=True)), root)[body]
        return np.hstack([place - foot.places, TURN_WEIGHT_M * _turn_error(rotation, foot.rotations)])

    angles = np.tile(START_RAD, (count, 1))
    for _ in range(ITERATIONS):
        now = error(angles)
        if np.abs(now).max() < 1e-10:
            break
        jacobian = np.stack([(error(angles + STEP_RAD * unit) - now) / STEP_RAD for unit in np.eye(6)], axis=2)
        damping = 1e-10 + 0.05 * np.sum(now**2, axis=1)  # by the error itself (Sugihara 2011): calm where out of reach
        normal = np.swapaxes(jacobian, 1, 2) @ jacobian + damping[:, None, None] * np.eye(6)
        step = np.linalg.solve(normal, (np.swapaxes(jacobian, 1, 2) @ now[..., None]))[..., 0]
        angles = angles - np.clip(step, -0.4, 0.4)
    solved = dict(zip(names, angles.T, strict=True))
    return solved | {f"knee_angle_{side}_beta": solved[f"knee_angle_{side}"], f"mtp_angle_{side}": foot.toes}


def leg_length(subject: Subject, knee_angle: Array) -> Array:
    """Distance from hip to ankle centre at knee angles in rad, m."""
    tx, ty = knee_curves(subject)
    slide_x, slide_y = np.interp(knee_angle, *tx), np.interp(knee_angle, *ty)
    x = slide_x - subject.shank * np.sin(knee_angle)
    y = -subject.thigh + slide_y - subject.shank * np.cos(knee_angle)
    return np.hypot(x, y)


def height_for_knee(subject: Subject, side: str, pelvis: Mapping[str, Array], foot: FootTrack, knee: Array) -> Array:
    """Height of the pelvis origin, [T] m, at which the knee of one side bends by `knee` rad over its given foot."""
    level = dict(pelvis) | {"pelvis_ty": np.zeros(len(knee))}
    hip = Chain(root_and_leg_joints(subject)).poses(level)[f"femur_{side}"][1]
    ankle = foot.places + foot.rotations @ (np.array([0.006, 0.016, 0.0]) * subject.height_m)
    apart = np.hypot(hip[:, 0] - ankle[:, 0], hip[:, 2] - ankle[:, 2])
    reach = np.sqrt(np.maximum(leg_length(subject, knee) ** 2 - apart**2, 0.0))
    return ankle[:, 1] + reach - hip[:, 1]


def pelvis_height(subject: Subject, pelvis: Mapping[str, Array], feet: Mapping[str, FootTrack], knee: Array) -> Array:
    """Height of the pelvis origin at which the more stretched of the two knees bends about `knee` rad, [T] m."""
    heights = [height_for_knee(subject, side, pelvis, foot, knee) for side, foot in feet.items()]
    soft = 5e-4  # m: rounds the corner where one leg takes over from the other
    return -soft * np.logaddexp(*(-height / soft for height in heights)) + soft * np.log(2.0)
