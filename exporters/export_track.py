"""A motion made ready for another program: its rate and range, root bone, humanoid bones, rest pose and names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.kinematics.resample import resample
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.retarget.presets import choose_preset, preset
from ..simspine_addon.retarget.roles import RoleMap
from ..simspine_addon.retarget.skeleton import skeleton_of_track
from ..simspine_addon.scene.axes import BLENDER_FROM_OPENSIM
from .humanoid import humanoid_track, t_pose_rest
from .joint_tree import heading, require_usable
from .presets import ExportPreset
from .root_motion import add_floor_root

Array = NDArray[np.float64]

_STILL_FPS = 30.0  # of a motion with fewer than two frames, which has no rate of its own
_UNEVEN_FRAMES = 0.25  # how far from an even grid, in frames, rounded time stamps may lie
_WHOLE_RATE_S = 2.5e-7  # how far the last frame may be from where a whole number of frames a second puts it
_SAME_FRAME = 1e-6


@dataclass(frozen=True, slots=True)
class ExportTrack:
    """A motion as a file gets it, still in OpenSim's ground and metres.

    `track` runs from 0 s in even steps of 1 / `fps`. `carrier` says which of its bodies carries each body that the
    motion came with (for meshes), and `rest_moves` [B0, 4, 4] what takes a point that is fixed to such a body from
    its old rest pose to the new one. `own_bones` says whether bones have their bodies' own axes;
    `added_roots` (0 or 1) come before the bodies, with the file's axes.
    """

    track: PoseTrack
    fps: float
    carrier: Mapping[str, int]
    rest_moves: Mapping[str, Array]
    warnings: tuple[str, ...]
    own_bones: bool = False
    added_roots: int = 0


def export_track(
    track: PoseTrack,
    chosen: ExportPreset,
    *,
    fps: float | None = None,
    frames: tuple[int | None, int | None] = (None, None),
    names: str | None = None,
    role_map: RoleMap | None = None,
    own_bones: bool = False,
) -> ExportTrack:
    """The motion as a preset wants it.

    Args:
        track: of a model's bodies or of an avatar's bones.
        chosen: from `presets.export_preset`.
        fps: resample to this rate (rotations on shortest arcs); otherwise the motion's own.
        frames: which of the motion's own samples, from the first up to but without the second, as in a Python slice.
        names: a rig family whose names the bones get, instead of the preset's; "own" keeps them.
        role_map: which bone plays which role; found by itself where it is needed.
        own_bones: the bodies are an avatar's bones, whose axes are to be kept.

    Raises:
        InputError: a choice that is not possible, or a motion that cannot be used or lacks what the preset needs.
    """
    require_usable(track)
    moved, rate, warnings = _even(_ranged(track, frames), fps)
    family = names or chosen.names
    needs_roles = chosen.skeleton == "humanoid" or chosen.rest == "t_pose" or family != "own" or chosen.root != "none"
    roles = _roles(track, role_map) if needs_roles else RoleMap({})
    before = moved
    carrier = np.arange(len(moved.names))
    if chosen.rest == "t_pose":
        moved = t_pose_rest(moved, roles)
    posed = moved
    if chosen.skeleton == "humanoid":
        moved, carrier, roles = humanoid_track(moved, roles)
    if family != "own":
        moved, roles = _renamed(moved, roles, family)
    added = 0
    if chosen.root != "none":
        moved, added = add_floor_root(moved, roles, _file_axes(chosen), still=chosen.root == "floor_still")
        carrier = carrier + added
    moves = _rigid(posed) @ np.linalg.inv(_rigid(before))
    return ExportTrack(
        track=moved,
        fps=rate,
        carrier=dict(zip(before.names, carrier.tolist(), strict=True)),
        rest_moves=dict(zip(before.names, moves, strict=True)),
        warnings=warnings,
        own_bones=own_bones,
        added_roots=added,
    )


def _ranged(track: PoseTrack, frames: tuple[int | None, int | None]) -> PoseTrack:
    if frames == (None, None):
        return track
    rows = range(len(track.time))[slice(*frames)]
    if len(rows) == 0:
        first, last = ("" if end is None else end for end in frames)
        problem = f"frames {first}:{last} hold none of the motion's {len(track.time)}"
        raise InputError(problem, hint=f"they run from 0 to {len(track.time) - 1}, as in a Python slice")
    part = slice(rows.start, rows.stop)
    return replace(track, time=track.time[part], positions=track.positions[part], rotations=track.rotations[part])


def _even(track: PoseTrack, fps: float | None) -> tuple[PoseTrack, float, tuple[str, ...]]:
    """The track from 0 s in even steps, its rate, and what was done to it."""
    if fps is not None and not (np.isfinite(fps) and 0.0 < fps <= 1000.0):
        raise InputError(f"a frame rate of {fps} is not possible", hint="give a positive number of frames per second")
    if len(track.time) == 0:
        still, poses = track.rest_positions[None], track.rest_rotations[None]
        track = replace(track, time=np.zeros(1), positions=still, rotations=poses)
        return track, fps or _STILL_FPS, ("no frames: the rest pose became the only one",)
    if len(track.time) == 1:
        return replace(track, time=np.zeros(1)), fps or _STILL_FPS, ()
    if not np.all(np.diff(track.time) > 0.0):
        raise InputError("the motion's times do not increase", hint="sort its rows and drop repeated ones")
    warnings: tuple[str, ...] = ()
    steps = len(track.time) - 1
    step = float(track.time[-1] - track.time[0]) / steps
    if fps is None:
        uneven = np.abs(track.time - (track.time[0] + step * np.arange(steps + 1))).max()
        whole = 1.0 / max(1.0, round(1.0 / step))
        rate = 1.0 / (whole if abs(whole - step) * steps < _WHOLE_RATE_S else step)
        if uneven > _UNEVEN_FRAMES * step:
            rate = track.rate
            warnings = (f"the time steps are uneven: resampled to {rate:g} frames per second",)
            track = resample(track, rate)
    else:
        track, rate = resample(track, fps), fps
    return replace(track, time=np.arange(len(track.time)) / rate), rate, warnings


def _roles(track: PoseTrack, role_map: RoleMap | None) -> RoleMap:
    skeleton = skeleton_of_track(track)
    try:
        found = role_map or choose_preset(skeleton)[1]
        found.check(skeleton)
    except InputError as error:
        problem = f"the preset needs to know the body's parts: {error.problem}"
        raise InputError(problem, hint="choose the preset generic, or give a bone map") from error
    return found


def _renamed(track: PoseTrack, roles: RoleMap, family: str) -> tuple[PoseTrack, RoleMap]:
    """Bones by the names that a rig family gives their roles; those that it has no name for keep theirs."""
    table = preset(family).roles
    new: dict[str, str] = {}
    for role, bones in roles.bones.items():
        wanted = [alternatives[0] for alternatives in table.get(role, ())]
        kept = list(bones)
        if role == "spine" and len(kept) > len(wanted) > 0:
            kept = [*kept[: len(wanted) - 1], kept[-1]]  # arms and neck hang on the last one
        new |= dict(zip(kept, wanted, strict=False))
    taken = {name for name in track.names if name not in new}
    new = {bone: name for bone, name in new.items() if name not in taken}
    names = tuple(new.get(name, name) for name in track.names)
    renamed = {role: tuple(new.get(bone, bone) for bone in bones) for role, bones in roles.bones.items()}
    return replace(track, names=names), RoleMap(renamed, family, roles.palms)


def _file_axes(chosen: ExportPreset) -> Array:
    """The file's axes [3, 3] in ground, as columns."""
    axes = BLENDER_FROM_OPENSIM if chosen.up == "Z" and chosen.format != "glb" else np.eye(3)
    return (axes @ heading(chosen.turn_deg)).T


def _rigid(track: PoseTrack) -> Array:
    frames = np.zeros((len(track.names), 4, 4))
    frames[:, :3, :3], frames[:, :3, 3], frames[:, 3, 3] = track.rest_rotations, track.rest_positions, 1.0
    return frames
