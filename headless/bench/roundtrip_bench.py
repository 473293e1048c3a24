"""Benchmark: every export format read back by other programs; how far joints, angles and times are off."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...exporters.export import EXPORTERS
from ...exporters.export_track import ExportTrack, export_track
from ...exporters.joint_tree import heading
from ...exporters.presets import export_preset
from ...sample_rigs import sample_model_path, sample_motion_path
from ...simspine_addon.kinematics.forward import pose_track
from ...simspine_addon.kinematics.pose_track import PoseTrack
from ...simspine_addon.kinematics.resample import resample_at
from ...simspine_addon.model.document import read_model
from ...simspine_addon.model.motion import read_motion
from ..bootstrap import quiet_stdout
from .roundtrip_readers import ReadMotion, readers_of

Array = NDArray[np.float64]

FORMATS = ((".bvh", "generic"), (".glb", "godot"), (".fbx", "generic"), (".fbx", "unreal"), (".fbx", "unity"),
           (".usdc", "generic"), (".usda", "generic"))  # fmt: skip
_AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
_CAPTURE = "SIMSPINE_DATA"


@dataclass(frozen=True, slots=True)
class Row:
    """One file read by one program: largest errors over all joints and frames."""

    motion: str
    format: str
    preset: str
    reader: str
    frames: int
    joints_mm: float
    angles_deg: float
    rest_mm: float
    duration_s: float
    half_frame_joints_mm: float
    half_frame_angles_deg: float


def run(markdown_path: str | Path | None = None) -> dict[str, Any]:
    """Export and read back; the table as plain data and as Markdown, which is also written where a path is given.

    Angles are turns from the rest pose. Half frames are compared with the slerp between the frames; what a program
    interpolates otherwise (Euler angles) shows there.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder, quiet_stdout():
        for name, track in _motions():
            for suffix, preset in FORMATS:
                path = Path(folder) / f"{name} {preset}{suffix}"
                EXPORTERS[suffix](path, track, preset=preset)
                wanted = export_track(track, export_preset(preset))
                for reader, read in readers_of(suffix).items():
                    rows.append(compared(name, preset, suffix, reader, read(path, wanted.fps), wanted))
    report = {
        "what": "largest errors over all joints and frames, files read back by other programs",
        "rows": [asdict(row) for row in rows],
        "worst_joints_mm": max(row.joints_mm for row in rows),
        "worst_angles_deg": max(row.angles_deg for row in rows),
        "worst_duration_s": max(row.duration_s for row in rows),
        "markdown": markdown(rows).splitlines(),
    }
    if markdown_path is not None:
        Path(markdown_path).write_text(markdown(rows), encoding="utf-8")
    return report


def compared(motion: str, preset: str, suffix: str, reader: str, read: ReadMotion, wanted: ExportTrack) -> Row:
    """A file as a program reads it against the motion that was to be written."""
    track = wanted.track
    turn = _AXES @ heading(export_preset(preset).turn_deg)
    places = {name: place for place, name in enumerate(read.names)}
    order = [places[name] for name in track.names]
    frames = min(len(track.time), len(read.seconds))
    halves = resample_at(track, (track.time[:-1] + track.time[1:]) / 2.0) if len(track.time) > 1 else None
    joints, angles = _errors(read.matrices[:frames, order], read.rest[order], track, turn, frames)
    half_joints, half_angles = 0.0, 0.0
    if halves is not None:
        count = min(len(halves.time), len(read.between))
        half_joints, half_angles = _errors(read.between[:count, order], read.rest[order], halves, turn, count)
    off = read.rest[order, :3, 3] - track.rest_joint_centres @ turn.T
    if suffix == ".bvh":
        off -= off[int(np.argmin(track.parents))]  # a BVH's root stands at the origin at rest, so that all agree
    rest = np.abs(off).max()
    return Row(
        motion=motion,
        format=suffix.removeprefix("."),
        preset=preset,
        reader=reader,
        frames=len(read.seconds) - len(track.time),
        joints_mm=1000.0 * joints,
        angles_deg=angles,
        rest_mm=1000.0 * float(rest),
        duration_s=abs(float(read.seconds[-1] - track.time[-1])),
        half_frame_joints_mm=1000.0 * half_joints,
        half_frame_angles_deg=half_angles,
    )


def _errors(matrices: Array, rest: Array, track: PoseTrack, turn: Array, frames: int) -> tuple[float, float]:
    """Largest distance of a joint (m) and angle of a turn from rest (deg)."""
    away = matrices[..., :3, 3] - track.joint_centres[:frames] @ turn.T
    turned = _plain(matrices[..., :3, :3]) @ np.swapaxes(_plain(rest[:, :3, :3]), -1, -2)
    meant = turn @ (track.rotations[:frames] @ np.swapaxes(track.rest_rotations, -1, -2)) @ turn.T
    # |A - B| of two rotations is 2 sqrt(2) sin(angle / 2): exact for small angles, where the cosine is not.
    miss = np.linalg.norm(turned - meant, axis=(-2, -1)) / (2.0 * np.sqrt(2.0))
    return float(np.linalg.norm(away, axis=-1).max()), float(np.degrees(2.0 * np.arcsin(np.clip(miss, 0.0, 1.0))).max())


def _plain(matrices: Array) -> Array:
    """Without scale."""
    return matrices / np.linalg.norm(matrices, axis=-2, keepdims=True)


def markdown(rows: list[Row]) -> str:
    """The table as a page of the documentation has it."""
    head = (
        "| motion | format | preset | read by | frames off | joints mm | angles deg | rest mm | duration s "
        "| half frames mm | half frames deg |"
    )
    lines = [head, "|" + "---|" * 11]
    for row in rows:
        numbers = (row.joints_mm, row.angles_deg, row.rest_mm, row.duration_s)
        halves = (row.half_frame_joints_mm, row.half_frame_angles_deg)
        cells = [row.motion, row.format, row.preset, row.reader, str(row.frames)]
        cells += [f"{number:.2g}" for number in (*numbers, *halves)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _motions() -> Iterator[tuple[str, PoseTrack]]:
    """The sample's richest motion, and the real capture where it is at hand."""
    model = read_model(sample_model_path())
    yield "sample lifting", pose_track(model, read_motion(sample_motion_path("lifting_with_twist"), model))
    default = Path(__file__).resolve().parents[3] / "shared/data/pose2sim"
    folder = Path(os.environ.get(_CAPTURE, default))
    if (folder / "model.osim").exists():
        model = read_model(folder / "model.osim")
        yield "real capture", pose_track(model, read_motion(folder / "motion.mot", model))


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
