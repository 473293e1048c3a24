"""Forward kinematics of the sample skeleton over many frames at once, used while its motions are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from .joint_spec import Axis, JointFrame, JointSpec

Array = NDArray[np.float64]
Pose = tuple[Array, Array]  # rotations [T, 3, 3], positions [T, 3]


def rotation_about(vector: Iterable[float], angle: Array) -> Array:
    """Rotation matrices by `angle` [T] (rad) about a fixed axis, Rodrigues' formula, [T, 3, 3]."""
    x, y, z = np.asarray(tuple(vector)) / np.linalg.norm(tuple(vector))
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    sine, versine = np.sin(angle)[:, None, None], 1.0 - np.cos(angle)[:, None, None]
    return np.eye(3) + sine * cross + versine * (cross @ cross)


def frame_rotation(frame: JointFrame) -> Array:
    """The joint frame's orientation on its body, [3, 3]."""
    one = np.ones(1)
    x, y, z = frame.orientation
    turned = (
        rotation_about((1, 0, 0), x * one) @ rotation_about((0, 1, 0), y * one) @ rotation_about((0, 0, 1), z * one)
    )
    return turned[0]


class Chain:
    """Some joints of the skeleton, parents first, ready to be posed; a missing coordinate counts as zero."""

    def __init__(self, joints: Iterable[JointSpec]) -> None:
        self.joints = tuple(joints)
        self._offsets = {
            joint.name: (frame_rotation(joint.on_parent), frame_rotation(joint.on_child).T) for joint in self.joints
        }
        self._splines = {
            (joint.name, index): CubicSpline(*axis.knots)
            for joint in self.joints
            for index, axis in enumerate(joint.axes)
            if axis.knots is not None
        }

    def _amount(self, joint: JointSpec, index: int, axis: Axis, values: Mapping[str, Array], count: int) -> Array:
        angle = values.get(axis.coordinate or "", np.zeros(count))
        spline = self._splines.get((joint.name, index))
        return axis.gain * angle if spline is None else spline(angle)

    def poses(self, values: Mapping[str, Array], start: Mapping[str, Pose] | None = None) -> dict[str, Pose]:
        """Every body's rotation and place in ground; `start` gives bodies that are already known."""
        count = len(next(iter(values.values())))
        known: dict[str, Pose] = {"ground": (np.broadcast_to(np.eye(3), (count, 3, 3)), np.zeros((count, 3)))}
        known.update(start or {})
        for joint in self.joints:
            known[joint.child] = self._carry(joint, known[joint.parent], values, count)
        return known

    def _carry(self, joint: JointSpec, parent: Pose, values: Mapping[str, Array], count: int) -> Pose:
        on_parent, from_child = self._offsets[joint.name]
        turn, shift = np.broadcast_to(np.eye(3), (count, 3, 3)), np.zeros((count, 3))
        for index, axis in enumerate(joint.axes):
            if axis.coordinate is None:
                continue
            amount = self._amount(joint, index, axis, values, count)
            if index < 3:
                turn = turn @ rotation_about(axis.vector, amount)
            else:
                shift = shift + amount[:, None] * np.asarray(axis.vector)
        rotation, place = parent
        centre = (
            place
            + (rotation @ np.asarray(joint.on_parent.translation))
            + (rotation @ on_parent @ shift[..., None])[..., 0]
        )
        turned = rotation @ on_parent @ turn @ from_child
        return turned, centre - turned @ np.asarray(joint.on_child.translation)
