"""Where the vertebrae lie inside an avatar: its own spine's line, from its skin's section, landmarks and neck joint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from .articulate_levels import CERVICAL, LUMBAR, LUMBOSACRAL_SHARE, THORACIC, depth_under_skin, height_shares
from .landmarks import facing, hip_centre, needed_head, role_head
from .roles import RoleMap
from .rotations import UP, Array
from .skeleton import Skeleton

# A rig's own joint this near to where L5/S1 should be (share of hips to C7/T1) is meant to be it.
_SNAP = 0.05
# The spine keeps within the trunk: never farther from the back than this share of its depth (a thin figure), and never
# farther from the rig's own line than this share of the spine's length (a cape, a rucksack).
_DEEPEST = 0.5
_FARTHEST_FROM_RIG = 0.13
_SAMPLES = 161
_SMOOTHING = 0.06  # standard deviation, share of the curve's length: keeps lordosis and kyphosis, not the skin's folds


@dataclass(frozen=True, slots=True)
class BodyFrame:
    """Forward, up and right as the rows of `axes` [3, 3], from `origin` [3] m, the middle between the hips."""

    origin: Array
    axes: Array

    def inside(self, points: Array) -> Array:
        """Points [..., 3] of ground as forward, up, right."""
        return (points - self.origin) @ self.axes.T

    def outside(self, points: Array) -> Array:
        """Points [..., 3] given as forward, up, right in ground."""
        return points @ self.axes + self.origin


@dataclass(frozen=True, slots=True)
class SpineCurve:
    """The line of the spine in the sagittal plane: `forward` and `up` [S] in a body frame, from L5/S1 upwards.

    `joint_heights` [24 + 1] are those of the joints below L5 to C1 and of the skull's base.
    """

    frame: BodyFrame
    forward: Array
    up: Array
    joint_heights: Array

    def at(self, heights: Array) -> Array:
        """Points [N, 3] m of ground where the curve has these heights [N]."""
        flat = np.stack([np.interp(heights, self.up, self.forward), heights, np.zeros(len(heights))], axis=-1)
        return self.frame.outside(flat)


def body_frame(skeleton: Skeleton, role_map: RoleMap) -> BodyFrame:
    """Forward, up and right of a person at rest."""
    forward = facing(skeleton, role_map)
    return BodyFrame(hip_centre(skeleton, role_map), np.stack([forward, UP, np.cross(forward, UP)]))


def spine_curve(
    skeleton: Skeleton,
    role_map: RoleMap,
    vertices: Array,
    triangles: NDArray[np.int64] | None,
    trunk_share: Array,
    landmarks: Mapping[str, Array],
) -> SpineCurve:
    """The line that an avatar's vertebrae lie on.

    Landmarks ("L5_S1", "T12_L1", "neck_base", "atlas") are taken as they are. Otherwise L5/S1 is the rig's own joint
    where it has one about there, and C7/T1 and the skull's base are where neck and head begin. In between, the line
    follows the skin of the back at the depth at which vertebrae lie, or the rig's own joints where there is no skin.

    Args:
        skeleton: at rest.
        role_map: of the skeleton.
        vertices: skin [V, 3] m.
        triangles: [F, 3] vertices, or nothing where the faces are not known.
        trunk_share: [V] how much of each vertex's weight the spine has; only skin of the trunk is cut.
        landmarks: places [3] m by name, as far as they are known.

    Raises:
        InputError: the neck does not stand above the hips.
    """
    frame = body_frame(skeleton, role_map)
    joints, anchors = _joint_heights(skeleton, role_map, frame, landmarks)
    up = np.linspace(joints[0], joints[-1], _SAMPLES)
    rig = _rig_line(skeleton, role_map, frame, up)
    line = rig
    if triangles is not None and len(triangles):
        line = _line_under_skin(frame.inside(vertices), triangles, trunk_share, up, joints, rig)
    line = _smoothed(line)
    heights = np.array([anchor[1] for anchor in anchors])
    missed = np.array([anchor[0] for anchor in anchors]) - np.interp(heights, up, line)
    if "T12_L1" not in landmarks:  # what the neck's joint asks for is the thorax' matter, not the lumbar spine's
        below = int("L5_S1" in landmarks)
        heights, missed = np.insert(heights, below, joints[len(LUMBAR)]), np.insert(missed, below, 0.0)
    return SpineCurve(frame, line + _eased(up, heights, missed), up, joints)


def _joint_heights(
    skeleton: Skeleton, role_map: RoleMap, frame: BodyFrame, landmarks: Mapping[str, Array]
) -> tuple[Array, list[Array]]:
    """Heights of the 25 joints, and the places (in the body frame) that the curve has to pass, from below."""
    base_of_neck = role_head(skeleton, role_map, "neck")
    head = needed_head(skeleton, role_map, "head")
    skull = frame.inside(landmarks.get("atlas", head))
    neck = frame.inside(landmarks.get("neck_base", head if base_of_neck is None else base_of_neck))
    if neck[1] <= 0.0:
        raise InputError("the neck does not stand above the hips", hint="check the bone map, and stand the avatar up")
    if base_of_neck is None and "neck_base" not in landmarks:
        neck = neck * np.array([1.0, 0.83, 1.0])  # C7/T1 and C1 over the hips, as the heights in the table say
    if skull[1] <= neck[1] + 0.02 * neck[1]:
        skull = neck * np.array([1.0, 1.18, 1.0])
    anchors = []
    if "L5_S1" in landmarks:
        sacrum = frame.inside(landmarks["L5_S1"])
        anchors.append(sacrum)
        low = float(sacrum[1])
    else:
        low = _lumbosacral_height(skeleton, role_map, frame, float(neck[1]))
    if "T12_L1" in landmarks:
        middle = frame.inside(landmarks["T12_L1"])
        anchors.append(middle)
        parts = ((LUMBAR, low, middle[1]), (THORACIC, middle[1], neck[1]))
    else:
        parts = ((LUMBAR + THORACIC, low, neck[1]),)
    anchors += [neck, skull]
    heights = [np.array([low])]
    for region, start, end in (*parts, (CERVICAL, neck[1], skull[1])):
        heights.append(start + (end - start) * height_shares(region)[1:])
    joints = np.concatenate(heights)
    if np.any(np.diff(joints) <= 0.0):
        raise InputError("the spine's landmarks do not stand one above the other", hint="stand the avatar up at rest")
    return joints, anchors


def _lumbosacral_height(skeleton: Skeleton, role_map: RoleMap, frame: BodyFrame, neck: float) -> float:
    expected = LUMBOSACRAL_SHARE * neck
    chain = [*role_map.of("pelvis")[1:], *role_map.of("spine")]
    own = np.array([frame.inside(skeleton.rest_positions[skeleton.index(bone)])[1] for bone in chain])
    nearest = float(own[np.argmin(np.abs(own - expected))])
    return nearest if abs(nearest - expected) < _SNAP * neck else expected


def _rig_line(skeleton: Skeleton, role_map: RoleMap, frame: BodyFrame, up: Array) -> Array:
    """The rig's own joints, forward [S] at heights `up` [S]."""
    chain = [*role_map.of("pelvis")[-1:], *role_map.of("spine"), *role_map.of("neck"), *role_map.of("head")[:1]]
    places = frame.inside(skeleton.rest_positions[[skeleton.index(bone) for bone in chain]])
    places = places[np.argsort(places[:, 1], kind="stable")]
    return np.interp(up, places[:, 1], places[:, 0])


def _line_under_skin(
    vertices: Array, triangles: NDArray[np.int64], trunk_share: Array, up: Array, joints: Array, rig: Array
) -> Array:
    """The line [S] at the depth of vertebrae under the back's skin; the rig's where the section has a hole."""
    back, front = sagittal_profile(vertices, triangles[(trunk_share[triangles] > 0.5).all(axis=1)], up)
    levels = LUMBAR + THORACIC + CERVICAL
    depth = depth_under_skin(up, joints[:-1], levels, float(joints[len(LUMBAR + THORACIC)] - joints[0]))
    line = back + np.minimum(depth, _DEEPEST * (front - back))
    seen = np.isfinite(line)
    if seen.sum() < 0.3 * len(up):
        return rig
    off = np.interp(up, up[seen], (line - rig)[seen])
    limit = _FARTHEST_FROM_RIG * (up[-1] - up[0])
    return rig + np.clip(off, -limit, limit)


def sagittal_profile(vertices: Array, triangles: NDArray[np.int64], up: Array) -> tuple[Array, Array]:
    """Where the skin's section by the sagittal plane begins and ends, forward [S] each, NaN where there is none.

    Args:
        vertices: [V, 3] as forward, up, right of the plane.
        triangles: [F, 3].
        up: heights [S] to look at.
    """
    edges = np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=-1)  # [F, 3, 2]
    side = vertices[edges][..., 2]
    # A vertex on the plane counts as right of it, so that every crossed triangle has two crossed edges.
    crossed = (side[..., 0] < 0.0) != (side[..., 1] < 0.0)
    cut = crossed.sum(axis=1) == 2
    pairs = edges[cut][crossed[cut]].reshape(-1, 2, 2)
    ends = vertices[pairs]  # [C, 2 edges, 2 ends, 3]
    part = ends[..., 0, 2] / (ends[..., 0, 2] - ends[..., 1, 2])
    points = ends[:, :, 0] + part[..., None] * (ends[:, :, 1] - ends[:, :, 0])
    (x1, y1), (x2, y2) = points[:, 0, :2].T, points[:, 1, :2].T
    spans = (np.minimum(y1, y2)[:, None] <= up) & (up <= np.maximum(y1, y2)[:, None])
    rise = np.where(np.abs(y2 - y1) < 1e-12, 1.0, y2 - y1)
    at = x1[:, None] + (up - y1[:, None]) / rise[:, None] * (x2 - x1)[:, None]
    back = np.where(spans, at, np.inf).min(axis=0, initial=np.inf)
    front = np.where(spans, at, -np.inf).max(axis=0, initial=-np.inf)
    seen = np.isfinite(back) & (front > back)
    return np.where(seen, back, np.nan), np.where(seen, front, np.nan)


def _smoothed(line: Array) -> Array:
    """The line without what is shorter than a few vertebrae; its ends are mirrored through themselves."""
    sigma = _SMOOTHING * len(line)
    reach = int(3 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    before = 2.0 * line[0] - line[reach:0:-1]
    after = 2.0 * line[-1] - line[-2 : -reach - 2 : -1]
    smooth = np.convolve(np.concatenate([before, line, after]), kernel / kernel.sum(), mode="valid")
    return np.asarray(smooth, dtype=np.float64)


def _eased(up: Array, heights: Array, values: Array) -> Array:
    """A smooth curve through `values` at `heights`, level beyond them: pieces of cubics with slopes between neighbours.

    (The slopes are the harmonic means of Fritsch and Carlson 1980, so that it never overshoots.)
    """
    if len(heights) == 1:
        return np.full(len(up), float(values[0]))
    steps, rises = np.diff(heights), np.diff(values)
    slopes = rises / steps
    inner = np.where(slopes[:-1] * slopes[1:] > 0.0, slopes[:-1] * slopes[1:], 0.0)
    inner = 2.0 * inner / np.where(inner > 0.0, slopes[:-1] + slopes[1:], 1.0)
    tangents = np.concatenate([[0.0], inner, [0.0]])
    place = np.clip(np.searchsorted(heights, up, side="right") - 1, 0, len(steps) - 1)
    t = np.clip((up - heights[place]) / steps[place], 0.0, 1.0)
    return (
        (1.0 + 2.0 * t) * (1.0 - t) ** 2 * values[place]
        + t * (1.0 - t) ** 2 * steps[place] * tangents[place]
        + t**2 * (3.0 - 2.0 * t) * values[place + 1]
        - t**2 * (1.0 - t) * steps[place] * tangents[place + 1]
    )


def joint_places(curve: SpineCurve, levels: Sequence[str]) -> tuple[Array, Array]:
    """Heads and tails [N, 3] m of bones for `levels`: from the joint below each to the joint below the next.

    The last bone of a region that is not divided further (the thorax without its levels) reaches to the region's end.
    """
    order = LUMBAR + THORACIC + CERVICAL
    low = np.array([curve.joint_heights[order.index(level)] for level in levels])
    end = len(order) if levels[-1] in CERVICAL else len(LUMBAR + THORACIC)
    high = np.append(low[1:], curve.joint_heights[end])
    return curve.at(low), curve.at(high)
