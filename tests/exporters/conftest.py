"""Recordings of the sample model, with everything that a recording can hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from simspine.exporters.labels import Anatomy, Labels, Occlusion, make_labels
from simspine.exporters.recording import Recording
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.capture.camera_presets import human36m_preset
from simspine.simspine_addon.kinematics.forward import pose_track
from simspine.simspine_addon.model.document import read_model
from simspine.simspine_addon.model.motion import read_motion
from simspine.simspine_addon.spine.keypoints import KEYPOINT_NAMES, KEYPOINT_PARENTS, keypoint_positions

LENS = np.array([-0.2075, 0.2475, -0.0009, -0.0013, 0.0030])  # about those of Human3.6M


@pytest.fixture(scope="session")
def sample_labels() -> Callable[..., Labels]:
    """`frames` frames of the walking sample, seen by four distorted cameras; `shift` moves the person, m."""
    model = read_model(sample_model_path())
    motion = read_motion(sample_motion_path("walking"), model)
    track = pose_track(model, motion)
    points = keypoint_positions(model, track)
    cameras = [
        replace(camera, distortion_model="brown_conrady", distortion=LENS, K=camera.K + np.diag([1.25, 3.5, 0.0]))
        for camera in human36m_preset(points[:8].reshape(-1, 3))
    ]

    def make(frames: int = 5, shift: tuple[float, float, float] = (0.0, 0.0, 0.0), person: str = "A") -> Labels:
        rows = np.arange(frames) * 2
        labels = make_labels(
            cameras, KEYPOINT_NAMES, KEYPOINT_PARENTS, points[rows] + np.array(shift), rows, motion.time[rows]
        )
        spine = [track.names.index(name) for name in ("lumbar5", "lumbar3", "lumbar1")]
        rng = np.random.default_rng(len(person))
        anatomy = Anatomy(
            motion.coordinate_names,
            motion.values[rows],
            ("L5", "L3", "L1"),
            track.rotations[rows][:, spine],
            track.joint_centres[rows][:, spine],
            rng.normal(0.6, 0.1, frames),
            np.full(frames, np.nan),
        )
        hidden = rng.integers(0, 3, labels.inside.shape).astype(np.uint8)
        depth = np.where(rng.random(hidden.shape) < 0.2, np.nan, rng.random(hidden.shape) * 0.1)
        return replace(labels, anatomy=anatomy, occlusion=Occlusion(hidden, depth, 1 - depth), person=person)

    return make


@pytest.fixture(scope="session")
def sample_recording(sample_labels) -> Callable[..., Recording]:
    """A recording of one or two people; `images` names them (they are not written)."""

    def make(
        name: str = "walk_1", people: int = 1, frames: int = 5, images: bool = False, **fields: object
    ) -> Recording:
        persons = [sample_labels(frames)]
        if people == 2:
            persons.append(sample_labels(frames, (0.0, 0.0, 0.9), "second"))
        rows = persons[0].frames.tolist()
        names = tuple(
            tuple(f"images/{name}/{camera.name}/{row:06d}.png" for row in rows) if images else ()
            for camera in persons[0].cameras
        )
        given = {"subject": "S1", "action": "walk", "model_file": "S1.osim"} | fields
        return Recording(name=name, people=tuple(persons), image_names=names, rate=25.0, **given)

    return make
