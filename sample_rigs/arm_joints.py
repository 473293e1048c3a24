"""The arm's joints from shoulder to hand, the forearm turning about its own slanted axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from .anthropometry import Subject, shoulder_place, torso_place
from .joint_spec import Array, Axis, JointFrame, JointSpec, Vector, X, Y, Z, aim_z, pin, three_rotations, vector


@dataclass(frozen=True, slots=True)
class Forearm:
    """How one radius turns on its ulna. `turned` is its rotation [3, 3] at 90 deg, the thumb forward; the hanging arm
    is drawn in that pose, its wrist straight below the elbow."""

    radial_head: Array  # [3] m, in the ulna
    axis: JointFrame  # Z up the axis (down it on the left), at the radial head
    turned: Array
    wrist: Array  # [3] m, in the radius
    hand_axes: Vector  # the wrist's frame on the radius, body-fixed X-Y-Z angles


def forearm(subject: Subject, side: str) -> Forearm:
    """The axis runs from the radial to the ulnar head; their places are ours, at 1.75 m after the drawn bones."""
    sign = 1.0 if side == "r" else -1.0
    mirror = np.array([1.0, 1.0, sign])
    radial_head = np.array([0.0023, -0.0105, 0.0072]) * subject.height_m * mirror
    ulnar_head = np.array([-0.0087 * subject.height_m, -0.95 * subject.forearm, -0.0015 * subject.height_m]) * mirror
    direction = (radial_head - ulnar_head) * sign
    turned = Rotation.from_rotvec(np.pi / 2.0 * direction / np.linalg.norm(direction))
    wrist = turned.inv().apply(np.array([0.0, -subject.forearm, 0.0]) - radial_head)
    hanging = Rotation.from_euler("Y", sign * 90.0, degrees=True)  # the hand's own frame has the palm forward
    hand = turned.inv() * hanging * Rotation.from_euler("XYZ", wrist_axes(side))
    axis = JointFrame(vector(radial_head), vector(aim_z(vector(direction))))
    return Forearm(radial_head, axis, turned.as_matrix(), wrist, vector(hand.as_euler("XYZ")))


def wrist_axes(side: str) -> Vector:
    """The wrist's frame on the hand: X to the right for flexion, Y forward (left: back) for deviation."""
    sign = 1.0 if side == "r" else -1.0
    return vector((-sign * np.pi / 2.0, 0.0, -sign * np.pi / 2.0))


def arm_joints(subject: Subject, side: str) -> list[JointSpec]:
    """Shoulder to hand of one side; the forearm carries 8 deg outwards [?]; zero of pro_sup is the palm forward."""
    sign = 1.0 if side == "r" else -1.0
    humerus, ulna, radius, hand = (f"{bone}_{side}" for bone in ("humerus", "ulna", "radius", "hand"))
    shoulder = (shoulder_place(subject) - torso_place(subject)) * [1.0, 1.0, sign]
    lower = forearm(subject, side)
    carrying = JointFrame(orientation=(sign * round(float(np.radians(8.0)), 12), 0.0, 0.0))
    elbow = JointFrame((0.0, -subject.upper_arm, 0.0))
    arm_names = (f"arm_flex_{side}", f"arm_add_{side}", f"arm_rot_{side}")
    arm_axes = three_rotations(arm_names, sign < 0)
    wrist = JointFrame(vector(lower.wrist), lower.hand_axes)
    universal = (Axis(X, f"wrist_flex_{side}"), Axis(Y, f"wrist_dev_{side}"), Axis(Z), Axis(X), Axis(Y), Axis(Z))
    on_radius = JointFrame(orientation=lower.axis.orientation)
    on_hand = JointFrame(orientation=wrist_axes(side))
    return [
        JointSpec(f"acromial_{side}", "custom", "torso", humerus, JointFrame(vector(shoulder)), axes=arm_axes),
        JointSpec(f"elbow_{side}", "pin", humerus, ulna, elbow, carrying, pin(f"elbow_flex_{side}")),
        JointSpec(f"radioulnar_{side}", "pin", ulna, radius, lower.axis, on_radius, pin(f"pro_sup_{side}")),
        JointSpec(f"radius_hand_{side}", "universal", radius, hand, wrist, on_hand, universal),
    ]
