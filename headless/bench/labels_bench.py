"""Labels alone, of as many frames as SIMSPINE has, by four cameras into its HDF5, against one frame at a time."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...exporters.labels import Anatomy, Labels, make_labels
from ...exporters.simspine_hdf5 import ActionWriter, simspine_file
from ...exporters.simspine_layout import KINEMATIC_AXES, MARKERS, kinematics, marker_order
from ...sample_rigs import sample_model_path, sample_motion_path
from ...simspine_addon.capture.camera import Camera
from ...simspine_addon.capture.camera_presets import human36m_preset
from ...simspine_addon.kinematics.forward import body_frames, points_on_bodies
from ...simspine_addon.model.document import read_model
from ...simspine_addon.model.motion import read_motion
from ...simspine_addon.model.types import Model
from ...simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_PARENTS, KeypointPlaces, keypoint_places
from ...simspine_addon.spine.levels import lumbar_levels
from ..progress import progress

Array = NDArray[np.float64]

SIMSPINE_FRAMES = 535_000  # times 4 views: 2.14 million images
FRAMES_VARIABLE = "SIMSPINE_BENCH_FRAMES"  # for a quick look; the figure is then extrapolated
_RATE = 50.0
_BLOCK = 2048  # frames worked out at once
_SUBJECTS = ("S1", "S5", "S6", "S7", "S8", "S9", "S11")
_ACTIONS_EACH = 15
_RIVAL_FRAMES = 300
_LENS = np.array([-0.2075, 0.2475, -0.0009, -0.0013, 0.0030])  # about those of Human3.6M's cameras


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is the same for all frames."""

    model: Model
    motion: Array  # [T, C]
    places: KeypointPlaces
    cameras: tuple[Camera, ...]
    vertebrae: tuple[int, ...]


def run() -> dict[str, Any]:
    """Time both. The rival does the same with the same functions, but a frame at a time, as a plain script would."""
    frames = int(os.environ.get(FRAMES_VARIABLE, SIMSPINE_FRAMES))
    subject = _subject()
    with tempfile.TemporaryDirectory() as folder:
        ours = _measured(lambda: _write_blocks(Path(folder) / "blocks.h5", subject, frames))
        size = (Path(folder) / "blocks.h5").stat().st_size
        few = min(frames, _RIVAL_FRAMES)
        rival = _measured(lambda: _write_frame_by_frame(Path(folder) / "frames.h5", subject, few))
    scale = SIMSPINE_FRAMES / frames
    per_frame, rival_per_frame = ours["cpu_seconds"] / frames, rival["cpu_seconds"] / few
    return {
        "frames": frames,
        "views": len(subject.cameras),
        "keypoints": len(KEYPOINT_NAMES),
        "axes": len(KINEMATIC_AXES),
        "seconds": round(ours["seconds"], 1),
        "cpu_seconds": round(ours["cpu_seconds"], 1),
        "seconds_for_simspine": round(ours["seconds"] * scale, 1),
        "extrapolated": frames != SIMSPINE_FRAMES,
        "file_gb": round(size / 1e9, 3),
        "peak_memory_mb": round(_peak_memory_mb()),
        "frames_per_cpu_second": round(1 / per_frame),
        "frame_by_frame": {
            "frames": few,
            "frames_per_cpu_second": round(1 / rival_per_frame),
            "seconds_for_simspine_extrapolated": round(rival_per_frame * SIMSPINE_FRAMES),
        },
        "ratio": round(rival_per_frame / per_frame, 1),
    }


def _subject() -> _Subject:
    model = read_model(sample_model_path())
    motion = read_motion(sample_motion_path("walking"), model)
    places = keypoint_places(model)
    positions, rotations = body_frames(model, motion.values)
    points = points_on_bodies(positions, rotations, places.bodies, places.locations)
    cameras = tuple(
        replace(camera, distortion_model="brown_conrady", distortion=_LENS)
        for camera in human36m_preset(points.reshape(-1, 3))
    )
    vertebrae = tuple(model.joints[level.joint].child for level in lumbar_levels(model))
    return _Subject(model, motion.values, places, cameras, vertebrae)


def _actions(frames: int) -> Iterator[tuple[str, str, int, int]]:
    """Subject, action, number and frames of each action: about as long as SIMSPINE's, `frames` together."""
    count = min(len(_SUBJECTS) * _ACTIONS_EACH, max(1, frames // _BLOCK))
    ends = np.linspace(0, frames, count + 1).astype(int)
    for number, length in enumerate(np.diff(ends).tolist()):
        yield _SUBJECTS[number % len(_SUBJECTS)], f"action_{number:03d}", number, length


def _labels(subject: _Subject, number: int, rows: NDArray[np.int64]) -> Labels:
    """Forward kinematics, keypoints, projection through the lenses, boxes and anatomy of an action's frames."""
    # The sample motion over and over, swaying slowly, so that no two frames are alike (and none compresses for free).
    phase = np.arange(subject.motion.shape[1]) + number
    values = subject.motion[rows % len(subject.motion)] + 0.02 * np.sin(rows[:, None] * 0.0173 + phase)
    positions, rotations = body_frames(subject.model, values)
    points = points_on_bodies(positions, rotations, subject.places.bodies, subject.places.locations)
    labels = make_labels(subject.cameras, KEYPOINT_NAMES, KEYPOINT_PARENTS, points, rows, rows / _RATE)
    spine = list(subject.vertebrae)
    unknown = np.full(len(rows), np.nan)
    names = tuple(subject.model.body_names[body] for body in spine)
    anatomy = Anatomy(
        subject.model.coordinate_names, values, names, rotations[:, spine], positions[:, spine], unknown, unknown
    )
    return replace(labels, anatomy=anatomy)


def _write_blocks(path: Path, subject: _Subject, frames: int) -> None:
    with simspine_file(path) as file:
        for name, action, number, count in progress(_actions(frames), "bench labels"):
            writer: ActionWriter | None = None
            for start in range(0, count, _BLOCK):
                labels = _labels(subject, number, np.arange(start, min(start + _BLOCK, count)))
                if writer is None:
                    writer = ActionWriter(file, name, action, labels, count, subject.model.name)
                writer.write(start, labels)


def _write_frame_by_frame(path: Path, subject: _Subject, frames: int) -> None:
    """The straightforward loop: datasets of the whole length, one frame worked out and written at a time."""
    import h5py

    order = marker_order(KEYPOINT_NAMES)
    views, keypoints = len(subject.cameras), len(MARKERS)
    with h5py.File(path, "w") as file:
        group = file.create_group("S1/action")
        shapes = {
            "markers": (frames, keypoints, 3), "kinematics": (frames, len(KINEMATIC_AXES)), "timestamps": (frames,),
            "points_2d": (views, frames, keypoints, 2), "visibility": (views, frames, keypoints),
            "boxes": (views, frames, 4),
        }  # fmt: skip
        data = {
            name: group.create_dataset(name, shape, "u1" if name == "visibility" else "f8")
            for name, shape in shapes.items()
        }
        for frame in range(frames):
            labels = _labels(subject, 0, np.array([frame]))
            data["markers"][frame] = labels.points_world[0, order]
            data["kinematics"][frame] = kinematics(labels)[0]
            data["timestamps"][frame] = labels.time[0]
            for view in range(views):
                data["points_2d"][view, frame] = labels.points_2d[view, 0, order]
                data["visibility"][view, frame] = labels.visibility[view, 0, order]
                data["boxes"][view, frame] = labels.boxes[view, 0]


def _measured(work: Any) -> dict[str, float]:
    start, cpu = time.perf_counter(), time.process_time()
    work()
    return {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}


def _peak_memory_mb() -> float:
    """Of this process so far; the system counts kilobytes, macOS bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
