"""Bodies turned in a model's default pose by its joints' frames: coordinates keep their meaning, links their length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..kinematics.forward import body_frames, joint_frames
from ..model.couplers import default_values
from ..model.model_edits import Side
from ..model.types import GROUND, Model

Array = NDArray[np.float64]
Holder = Literal["split", "parent", "child"]


def rest_frames(model: Model) -> tuple[Array, Array]:
    """Positions [B, 3] m and rotations [B, 3, 3] of the bodies at the coordinates' defaults."""
    positions, rotations = body_frames(model, default_values(model)[None])
    return positions[0], rotations[0]


def rest_joint_frames(model: Model) -> tuple[Array, Array]:
    """The joints' frames at the coordinates' defaults, on the parent's and the child's side, each [J, 4, 4]."""
    positions, rotations = rest_frames(model)
    lower, upper = joint_frames(model, positions[None], rotations[None])
    return lower[0], upper[0]


def turned_frames(
    model: Model, turns: Mapping[int, Array], holders: Mapping[int, Holder]
) -> dict[tuple[str, Side], Array]:
    """Joint frames with which bodies stand turned at the coordinates' defaults.

    Args:
        model: the model.
        turns: rotation in ground [3, 3] by body; a body that is not named turns with the one that carries it.
        holders: which side of a joint takes up the turn, by the child's index: "split" gives half to either, so that
            the axes of motion stay square to a wedge between two vertebrae; "parent" leaves them with the child,
            "child" with the parent. "split" where not named.

    Returns:
        new frames [4, 4] by joint and side. Joint centres stay where they are on both bodies.

    With P and C the joint's frames in parent and child, J its rotation at the defaults and T = P' R_p' D_p' D_c R_c C
    the one wanted (D the turns, ' the transpose): P' = P T J', or C' = C T' J, or P' = P H and C' = C H' with
    H = J^-1/2 (J^1/2 T J^1/2)^1/2 J^-1/2, for which H J H = T.
    """
    _, rotations = rest_frames(model)
    done: dict[int, Array] = {GROUND: np.eye(3)}
    frames: dict[tuple[str, Side], Array] = {}
    for child, joint in enumerate(model.joints):
        done[child] = turns.get(child, done[joint.parent])
        if np.array_equal(done[child], done[joint.parent]):
            continue
        carrier = np.eye(3) if joint.parent == GROUND else rotations[joint.parent]
        before = joint.parent_offset[:3, :3], joint.child_offset[:3, :3]
        resting = before[0].T @ carrier.T @ rotations[child] @ before[1]
        wanted = (done[joint.parent] @ carrier @ before[0]).T @ done[child] @ rotations[child] @ before[1]
        holder = holders.get(child, "split")
        if holder == "split":
            root = rotation_power(resting, 0.5)
            half = root.T @ rotation_power(root @ wanted @ root, 0.5) @ root.T
            after = before[0] @ half, before[1] @ half.T
        elif holder == "parent":
            after = before[0] @ wanted @ resting.T, before[1]
        else:
            after = before[0], before[1] @ wanted.T @ resting
        sides: tuple[tuple[Side, Array, Array], ...] = (
            ("parent", joint.parent_offset, after[0]),
            ("child", joint.child_offset, after[1]),
        )
        for side, frame, rotation in sides:
            if not np.array_equal(frame[:3, :3], rotation):
                frames[joint.name, side] = _turned(frame, rotation)
    return frames


def _turned(frame: Array, rotation: Array) -> Array:
    new = frame.copy()
    new[:3, :3] = rotation
    return new


def rotation_power(rotation: Array, power: float) -> Array:
    """The rotation [3, 3] by `power` times its angle (below a half turn) about the same axis."""
    skew = (rotation - rotation.T) / 2
    axis = np.array([skew[2, 1], skew[0, 2], skew[1, 0]])
    sine = float(np.linalg.norm(axis))
    if sine < 1e-15:
        return np.eye(3)
    angle = power * float(np.arctan2(sine, (np.trace(rotation) - 1.0) / 2.0))
    cross = skew / sine
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross


def about(axis: int, angle: float) -> Array:
    """Rotation [3, 3] by `angle` rad about x (0), y (1) or z (2)."""
    cosine, sine = np.cos(angle), np.sin(angle)
    one, two = (axis + 1) % 3, (axis + 2) % 3
    rotation = np.eye(3)
    rotation[one, one] = rotation[two, two] = cosine
    rotation[one, two], rotation[two, one] = -sine, sine
    return rotation


def upright_axes(model: Model, rotations: Array) -> Array:
    """Forward, up and right of the person in the default pose, as the columns of [3, 3]: up is ground's y."""
    names = [name.lower() for name in model.body_names]
    forward = rotations[names.index("pelvis"), :, 0] if "pelvis" in names else np.array([1.0, 0.0, 0.0])
    forward = forward * (1.0, 0.0, 1.0)
    size = float(np.linalg.norm(forward))
    forward = forward / size if size > 1e-6 else np.array([1.0, 0.0, 0.0])
    up = np.array([0.0, 1.0, 0.0])
    return np.stack([forward, up, np.cross(forward, up)], axis=1)
