"""Motions as BVH: one root, joints at joint centres, Euler angles that never flip, as fast as numbers become text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.kinematics.resample import resample
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.scene.bone_shape import bone_tails
from .bvh_names import safe_names
from .euler import continuous_angles, euler_axes, principal_angles
from .joint_tree import SLIDES_M, JointTree, joint_tree, local_blocks, turned_track
from .number_text import fixed_rows

Array = NDArray[np.float64]
Positions = Literal["sliding", "root", "all"]

UNITS_PER_METRE = {"m": 1.0, "dm": 10.0, "cm": 100.0, "mm": 1000.0, "in": 1.0 / 0.0254, "ft": 1.0 / 0.3048}
_Z_UP: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # (x, -z, y), as Blender has it
_STILL_FRAME_TIME_S = 1.0 / 30.0  # of a file with fewer than two frames, which has no rate of its own
_UNEVEN_FRAMES = 0.25  # how far from an even grid, in frames, rounded time stamps may lie
_WHOLE_RATE_S = 2.5e-7  # how far the last frame may be from where a whole number of frames a second puts it


@dataclass(frozen=True, slots=True)
class BvhReport:
    """What was written. `names` gives each body's joint in the file, `sliding` the joints whose place in the parent
    changes, and `largest_error_m` how far a joint centre at most lies from the motion's, over all frames, because
    the file holds no positions for those (0 unless `positions="root"`)."""

    path: Path
    frames: int
    frame_time: float  # s
    root: str
    names: dict[str, str]
    sliding: tuple[str, ...]
    largest_error_m: float
    warnings: tuple[str, ...]


def write_bvh(
    path: str | Path,
    track: PoseTrack,
    *,
    unit: str | float = "cm",
    order: str = "ZXY",
    up: Literal["Y", "Z"] = "Y",
    rest: Literal["default", "first"] = "default",
    positions: Positions = "sliding",
    root_offset: Literal["zero", "rest"] = "zero",
    ends: Array | None = None,
    fps: float | None = None,
) -> BvhReport:
    """Write a motion as BVH.

    Joints stand at the track's joint centres, and their axes are the file's own at rest, as BVH has it. Where not
    exactly one body hangs on ground, an added joint "root" that stands still carries those that do. Names become
    safe as `bvh_names.safe_names` says.

    Args:
        unit: "cm" or another of `UNITS_PER_METRE`, or units per metre.
        order: of the rotation channels; "ZXY" means R = Rz Rx Ry.
        up: "Y", or "Z" for (x, -z, y).
        rest: the pose of the OFFSETs: the track's rest pose, or its first frame.
        positions: which joints get position channels besides the root: those that slide in their parent by more than
            `SLIDES_M` (a knee), none (then the loss is measured), or all. Such channels hold the whole way from the
            parent, as Blender, MotionBuilder and others read them, not what is added to OFFSET.
        root_offset: "zero" lets programs that add the root's OFFSET to its channels and those that do not agree;
            "rest" gives its true place.
        ends: [B, 3] m, where the bodies' bones end in ground at rest; for the End Sites of those without children.
        fps: resample to this rate. A motion whose steps are uneven is resampled to its own middle rate.

    Raises:
        InputError: a choice is none of the above, the motion is not finite, or the file cannot be written.
    """
    path = Path(path)
    scale = _scale(unit)
    axes = euler_axes(order)
    _refuse_choices(up=(up, ("Y", "Z")), rest=(rest, ("default", "first")), root_offset=(root_offset, ("zero", "rest")))
    _refuse_choices(positions=(positions, ("sliding", "root", "all")))
    ends = bone_tails(track) if ends is None and len(track.names) else ends
    track, ends = _posed(track, ends, up, rest)
    track, frame_time, warnings = _even(track, fps)
    tree = joint_tree(track)
    names = safe_names(tree.names)
    angles, translations = _channels(tree, track, axes)
    offsets = _offsets(tree)
    slides = _sliding(tree, translations, offsets)
    has_positions = slides if positions == "sliding" else np.full(len(names), positions == "all")
    has_positions[tree.parents < 0] = True
    loss = _largest_error(tree, track, translations, offsets, ~has_positions) if positions == "root" else 0.0
    root = int(np.argmin(tree.parents))
    if root_offset == "rest":
        offsets[root] = tree.centres[root]
    joint_order = _depth_first(tree)
    leaves = {joint: end for joint, end in _end_sites(tree, ends)}
    hierarchy = _hierarchy(tree, names, offsets * scale, leaves, has_positions, order, scale)
    values = _values(joint_order, has_positions, translations * scale, np.degrees(angles))
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write("".join(hierarchy).encode("ascii"))
        file.write(f"MOTION\nFrames: {len(values)}\nFrame Time: {_seventeen_digits(frame_time)}\n".encode("ascii"))
        for block in fixed_rows(values):
            file.write(block)
    by_body = {track.names[body]: names[joint] for joint, body in enumerate(tree.bodies) if body >= 0}
    sliding = tuple(names[joint] for joint in np.flatnonzero(slides))
    return BvhReport(path, len(values), frame_time, names[root], by_body, sliding, loss, warnings)
