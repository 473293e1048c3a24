"""Where a body's bone ends: at the joint it carries, or where the body itself does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
SHORTEST_BONE_M = 0.01  # Blender removes bones without length when edit mode ends
_MUCH_NEARER = 0.25
_SAME_WAY = np.cos(np.radians(45.0))


def bone_tails(track: PoseTrack, mass_centers: Array | None = None) -> Array:
    """Ends of the bones in OpenSim's ground at the default pose, [B, 3] m; the heads are `track.rest_joint_centres`.

    A bone ends at the joint centre of the child that leads on: not one of a left and right pair, the one that carries
    most, or the middle of a pair where there is nothing else. A joint that lies in the bone's own head (a weld) or
    close beside it (the head of the radius at the elbow) is passed over for the one behind it. The last body of a limb
    ends at twice the distance to its mass centre (`mass_centers` [B, 3] m in the body's frame, NaN where there is
    none), as a uniform rod would; where that is missing or out of proportion, it goes on in its parent's direction. No
    bone is shorter than 1 cm.
    """
    return _TailFinder(track, mass_centers).tails()


class _TailFinder:
    def __init__(self, track: PoseTrack, mass_centers: Array | None) -> None:
        self.track = track
        self.mass_centers = mass_centers
        self.heads = track.rest_joint_centres
        self.children: list[Indices] = [np.flatnonzero(track.parents == body) for body in range(len(track.names))]
        self.carried = np.ones(len(track.names), dtype=np.int64)
        for body in range(len(track.names) - 1, -1, -1):
            if track.parents[body] >= 0:
                self.carried[track.parents[body]] += self.carried[body]
        self.size = float(np.linalg.norm(np.ptp(self.heads, axis=0))) if len(self.heads) else 0.0

    def tails(self) -> Array:
        tails = np.empty_like(self.heads)
        for body in range(len(self.heads)):
            tail = self._end_at_joint(body)
            tails[body] = self._end_of_limb(body, tails) if tail is None else tail
        return tails

    def _end_at_joint(self, body: int) -> Array | None:
        """The joint centre to point to; None if the body carries none at a distance."""
        leading = self._leading_children(body)
        if len(leading) == 0:
            return None
        if len(leading) > 1:
            target, behind = self.heads[leading].mean(axis=0), None
        else:
            target, behind = self.heads[leading[0]], self._end_at_joint(int(leading[0]))
        head = self.heads[body]
        if behind is not None and _is_beside(target - head, behind - head):
            target = behind
        return target if np.linalg.norm(target - head) >= SHORTEST_BONE_M else None

    def _leading_children(self, body: int) -> Indices:
        """The one child that leads on, or both of a pair where there are only pairs."""
        children = self.children[body]
        if len(children) < 2:
            return children
        to_body = self.track.rest_rotations[body].T
        places = (self.heads[children] - self.track.rest_positions[body]) @ to_body.T
        single = children[[not _has_mirror_image(place, places) for place in places]]
        if len(single) == 0:
            return children
        reach = np.linalg.norm(self.heads[single] - self.heads[body], axis=1)
        return single[[np.lexsort((reach, self.carried[single]))[-1]]]

    def _end_of_limb(self, body: int, tails: Array) -> Array:
        head = self.heads[body]
        if self.mass_centers is not None:
            reach = self.mass_centers[body] - self.track.centres[body]
            if abs(reach[2]) < 0.6 * np.linalg.norm(reach):
                reach = reach * [1.0, 1.0, 0.0]  # z is a limb's flexion axis: the heavier big toe is no direction
            reach = self.track.rest_rotations[body] @ reach
            # Some models give a mass centre in another body's frame; half a metre from the joint is such a slip.
            if SHORTEST_BONE_M / 2 <= np.linalg.norm(reach) <= 0.15 * max(self.size, SHORTEST_BONE_M):
                return head + 2.0 * reach
        parent = int(self.track.parents[body])
        along = tails[parent] - self.heads[parent] if parent >= 0 else np.array([0.0, 0.25 * self.size, 0.0])
        length = float(np.linalg.norm(along))
        if length == 0.0:
            return head + np.array([0.0, SHORTEST_BONE_M, 0.0])
        return head + along / length * max(0.4 * length, SHORTEST_BONE_M)


def _is_beside(near: Array, far: Array) -> bool:
    """Whether a joint at `near` from the bone's head is no end for a bone that goes on to `far`."""
    distance, onward = np.linalg.norm(near), np.linalg.norm(far)
    if distance < SHORTEST_BONE_M:
        return True
    return bool(distance < _MUCH_NEARER * onward and near @ far < _SAME_WAY * distance * onward)


def _has_mirror_image(place: Array, places: Array) -> bool:
    """Whether one of `places` [N, 3] lies where a mirror at z = 0 (the body's left and right) would show `place`."""
    if abs(place[2]) < SHORTEST_BONE_M:
        return False
    distance = np.linalg.norm(places * [1.0, 1.0, -1.0] - place, axis=1)
    return bool(distance.min() < SHORTEST_BONE_M + 0.2 * np.linalg.norm(place))
