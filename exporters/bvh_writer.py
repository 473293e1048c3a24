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
from .bvh_joints import BvhJoints, Positions, bvh_joints, depth_first
from .euler import euler_axes
from .joint_tree import heading, require_usable, turned_track
from .number_text import fixed_rows

Array = NDArray[np.float64]

UNITS_PER_METRE = {"m": 1.0, "dm": 10.0, "cm": 100.0, "mm": 1000.0, "in": 1.0 / 0.0254, "ft": 1.0 / 0.3048}
_Z_UP: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # (x, -z, y), as Blender has it
_STILL_FRAME_TIME_S = 1.0 / 30.0  # of a file with fewer than two frames, which has no rate of its own
_UNEVEN_FRAMES = 0.25  # how far from an even grid, in frames, rounded time stamps may lie
_WHOLE_RATE_S = 2.5e-7  # how far the last frame may be from where a whole number of frames a second puts it


@dataclass(frozen=True, slots=True)
class BvhReport:
    """What was written.

    `names` gives each body's joint in the file, `sliding` the joints whose place in the parent changes, and
    `largest_error_m` how far a joint centre at most lies from the motion's because the file has no position channels
    for those (0 unless `positions="root"`).
    """

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
    turn_deg: float = 0.0,
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
            `joint_tree.SLIDES_M` (a knee), none (then the loss is measured), or all. Such channels hold the whole way
            from the parent, as Blender and MotionBuilder read them, not what is added to OFFSET.
        root_offset: "zero" lets programs that add the root's OFFSET to its channels and those that do not agree;
            "rest" gives its true place.
        ends: [B, 3] m, where the bodies' bones end in ground at rest; for the End Sites of those without children.
        turn_deg: turn the whole about the vertical; OpenSim's subjects face X, with -90 they face Z.
        fps: resample to this rate. A motion whose steps are uneven is resampled to its own middle rate, and one
            without frames gets its rest pose as the only one; both are told in the report's warnings.

    Raises:
        InputError: a choice is none of the above, the motion is not finite, or the file cannot be written.
    """
    path, scale = Path(path), _scale(unit)
    euler_axes(order)
    _refuse_choice("up", up, ("Y", "Z"))
    _refuse_choice("rest", rest, ("default", "first"))
    _refuse_choice("positions", positions, ("sliding", "root", "all"))
    _refuse_choice("root_offset", root_offset, ("zero", "rest"))
    require_usable(track)
    track, frame_time, warnings = _even(track, fps)
    track, ends = _posed(track, ends, rest)
    turn = (_Z_UP if up == "Z" else np.eye(3)) @ heading(turn_deg)
    track, ends = turned_track(track, turn), ends @ turn.T
    joints = bvh_joints(track, ends, order, positions)
    root = int(np.argmin(joints.tree.parents))
    if root_offset == "rest":
        joints.offsets[root] = joints.tree.centres[root]
    values = _values(joints, scale)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write("\n".join(_header(joints, order, scale, len(values), frame_time)).encode("ascii"))
        for block in fixed_rows(values):
            file.write(block)
    return BvhReport(
        path=path,
        frames=len(values),
        frame_time=frame_time,
        root=joints.names[root],
        names={track.names[body]: joints.names[joint] for joint, body in enumerate(joints.tree.bodies) if body >= 0},
        sliding=tuple(joints.names[joint] for joint in np.flatnonzero(joints.slides)),
        largest_error_m=joints.largest_error_m,
        warnings=warnings,
    )


def _values(joints: BvhJoints, scale: float) -> Array:
    """The rows of the MOTION section, [T, channels]."""
    columns = []
    for joint in depth_first(joints.tree):
        if joints.has_positions[joint]:
            columns.append(joints.translations[:, joint] * scale)
        columns.append(joints.angles[:, joint])
    return np.concatenate(columns, axis=1)


def _header(joints: BvhJoints, order: str, scale: float, frames: int, frame_time: float) -> Iterator[str]:
    yield "HIERARCHY"
    children = joints.tree.children
    waiting: list[tuple[int, int]] = [(int(np.argmin(joints.tree.parents)), 0)]
    while waiting:
        joint, depth = waiting.pop()
        if joint < 0:  # the end of what hangs on a joint
            yield "\t" * depth + "}"
            continue
        yield from _joint_lines(joints, joint, depth, order, scale)
        waiting.append((-1, depth))
        waiting += [(child, depth + 1) for child in reversed(children[joint])]
    yield "MOTION"
    yield f"Frames: {frames}"
    yield f"Frame Time: {frame_time:.17g}"
    yield ""


def _joint_lines(joints: BvhJoints, joint: int, depth: int, order: str, scale: float) -> Iterator[str]:
    indent = "\t" * depth
    is_root = joints.tree.parents[joint] < 0
    channels = ["Xposition", "Yposition", "Zposition"] if joints.has_positions[joint] else []
    channels += [f"{axis}rotation" for axis in order]
    yield f"{indent}{'ROOT' if is_root else 'JOINT'} {joints.names[joint]}"
    yield indent + "{"
    yield f"{indent}\tOFFSET {_point(joints.offsets[joint] * scale)}"
    yield f"{indent}\tCHANNELS {len(channels)} {' '.join(channels)}"
    if joint in joints.ends:
        yield f"{indent}\tEnd Site"
        yield indent + "\t{"
        yield f"{indent}\t\tOFFSET {_point(joints.ends[joint] * scale)}"
        yield indent + "\t}"


def _point(point: Array) -> str:
    return " ".join(f"{value + 0.0:.9f}" for value in np.round(point, 9))


def _scale(unit: str | float) -> float:
    if isinstance(unit, str):
        _refuse_choice("unit", unit, tuple(UNITS_PER_METRE))
        return UNITS_PER_METRE[unit]
    if not (np.isfinite(unit) and unit > 0.0):
        raise InputError(f"{unit} units per metre are not possible", hint="give a positive number, 100 for centimetres")
    return float(unit)


def _refuse_choice(what: str, choice: str, known: tuple[str, ...]) -> None:
    if choice not in known:
        raise InputError(f"'{choice}' is no choice for {what}", hint=f"choose one of {', '.join(known)}")


def _even(track: PoseTrack, fps: float | None) -> tuple[PoseTrack, float, tuple[str, ...]]:
    """The track at even steps, the step in s, and what was done to it."""
    if fps is not None and not (np.isfinite(fps) and fps > 0.0):
        raise InputError(f"a frame rate of {fps} is not possible", hint="give a positive number of frames per second")
    if len(track.time) == 0:
        # Blender's importer, among others, fails on a file without frames.
        still, poses = track.rest_positions[None], track.rest_rotations[None]
        track = replace(track, time=np.zeros(1), positions=still, rotations=poses)
        return track, 1.0 / fps if fps else _STILL_FRAME_TIME_S, ("no frames: the rest pose became the only one",)
    if len(track.time) < 2:
        return track, 1.0 / fps if fps else _STILL_FRAME_TIME_S, ()
    if fps is not None:
        return resample(track, fps), 1.0 / fps, ()
    step = float(track.time[-1] - track.time[0]) / (len(track.time) - 1)
    if not step > 0.0 or np.any(np.diff(track.time) <= 0.0):
        raise InputError("the motion's times do not increase", hint="sort its rows and drop repeated ones")
    uneven = np.abs(track.time - (track.time[0] + step * np.arange(len(track.time)))).max()
    if uneven > _UNEVEN_FRAMES * step:
        rate = track.rate
        warning = f"the time steps are uneven, which BVH cannot hold: resampled to {rate:g} frames per second"
        return resample(track, rate), 1.0 / rate, (warning,)
    return track, _whole_rate(step, len(track.time) - 1), ()


def _whole_rate(step: float, steps: int) -> float:
    """`step` s without what rounded time stamps did to it, where it is a whole number of frames per second."""
    whole = 1.0 / max(1.0, round(1.0 / step))
    return whole if abs(whole - step) * steps < _WHOLE_RATE_S else step


def _posed(track: PoseTrack, ends: Array | None, rest: str) -> tuple[PoseTrack, Array]:
    """The track with the rest pose that the file gets, and the bones' ends there, [B, 3] m."""
    places: Array = np.asarray(bone_tails(track) if ends is None else ends, dtype=np.float64)
    if places.shape != (len(track.names), 3) or not np.isfinite(places).all():
        shape = places.shape
        raise InputError(f"the bones' ends have the shape {shape}, where finite [{len(track.names)}, 3] is needed")
    if rest == "first":
        in_body = np.einsum("bji,bj->bi", track.rest_rotations, places - track.rest_positions)
        places = track.positions[0] + np.einsum("bij,bj->bi", track.rotations[0], in_body)
        track = replace(track, rest_positions=track.positions[0], rest_rotations=track.rotations[0])
    return track, places
