"""The pipeline on rendered images: beads seen by four cameras, detected, triangulated and fitted, against the truth.

A bead of its own colour glows at each of the 37 keypoints of the sample model while it lifts and twists. What is
rendered is kept in the system's folder for temporary files, so that only the first run renders.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...sample_rigs import DATA_FOLDER
from ...sample_rigs.bead_detector import bead_colors, write_bead_box_detector, write_bead_detector
from ...simspine_addon.capture.camera import Camera
from ...simspine_addon.capture.camera_presets import human36m_preset
from ...simspine_addon.capture.detections import Detections, make_detections
from ...simspine_addon.capture.detector import detect_recording
from ...simspine_addon.capture.onnx_boxes import open_box_model
from ...simspine_addon.capture.onnx_decode import Refinement
from ...simspine_addon.capture.onnx_pose import PoseOptions, open_pose_model
from ...simspine_addon.capture.projection import project
from ...simspine_addon.capture.triangulate import TriangulationOptions
from ...simspine_addon.capture.triangulate_recording import RecordingOptions, triangulate_recording
from ...simspine_addon.capture.video import find_views
from ...simspine_addon.kinematics.forward import pose_track
from ...simspine_addon.kinematics.inverse_kinematics import IkOptions, IkResult, inverse_kinematics
from ...simspine_addon.model.document import read_model
from ...simspine_addon.model.motion import read_motion
from ...simspine_addon.model.types import MarkerTrack, Model, Motion
from ...simspine_addon.spine.keypoints import KEYPOINT_NAMES, keypoint_positions
from ..bead_render import render_beads
from ..bootstrap import quiet_stdout
from ..progress import progress

Array = NDArray[np.float64]

FRAMES = 200
SIZE = (640, 640)
RADIUS_M = 0.012
NOISES_PX = (0.0, 2.0, 5.0, 10.0)
LOST_VIEW = 3
MOTION = "lifting_with_twist.mot"
_INPUT_SIZE = (288, 384)
_MIN_SCORE = 0.75  # a whole bead scores about 1, one half hidden about a half


@dataclass(frozen=True, slots=True)
class BeadCapture:
    """What is rendered, and the truth about it."""

    model: Model
    motion: Motion  # [T]
    points: Array  # [T, 37, 3] m
    cameras: tuple[Camera, ...]
    pixels: Array  # [T, V, 37, 2]


def run() -> dict[str, Any]:
    """The table: added noise by views, with errors of pixels, markers and angles."""
    capture = bead_capture(FRAMES)
    folder = Path(tempfile.gettempdir()) / f"simspine_beads_{_fingerprint(capture)}"
    began = time.process_time()
    with quiet_stdout():
        render_beads(folder / "images", capture.points, bead_colors(), capture.cameras, radius_m=RADIUS_M)
    rendered = time.process_time() - began
    detected, device = detect_beads(folder)
    table = [
        {"noise_px": noise, "views": len(views), **_row(capture, detected, noise, views)}
        for views in (range(len(capture.cameras)), [v for v in range(len(capture.cameras)) if v != LOST_VIEW])
        for noise in progress(NOISES_PX, "bench pipeline")
    ]
    return {
        "motion": MOTION,
        "frames": FRAMES,
        "image_size": list(SIZE),
        "mm_per_px": _mm_per_px(capture),
        "bead_radius_m": RADIUS_M,
        "render_cpu_s_this_run": round(rendered, 1),
        "detector_device": device,
        "detector": {name: detector_errors(capture, each) for name, each in detected.items()},
        "table": table,
    }


def bead_capture(frames: int, size: tuple[int, int] = SIZE, step: int = 1) -> BeadCapture:
    """The sample model's motion, its keypoints, and four cameras around it: every `step`-th frame."""
    model = read_model(DATA_FOLDER / "simspine_sample.osim")
    motion = read_motion(DATA_FOLDER / MOTION, model)
    chosen = slice(0, frames * step, step)
    motion = replace(motion, time=motion.time[chosen], values=motion.values[chosen])
    points = keypoint_positions(model, pose_track(model, motion))
    cameras = human36m_preset(points, size=size)
    pixels = np.stack([project(camera, points)[0] for camera in cameras], axis=1)
    return BeadCapture(model, motion, points, cameras, pixels)


def detect_beads(folder: Path) -> tuple[dict[str, Detections], str]:
    """Detections of `folder/images` by a SimCC network, as published and refined, and the device that ran it."""
    network, people = folder / "beads.onnx", folder / "bead_boxes.onnx"
    write_bead_detector(network, _INPUT_SIZE)
    write_bead_box_detector(people, max(SIZE))
    boxes = open_box_model(people)
    refinements: dict[str, Refinement] = {"argmax": "none", "refined": "gaussian"}
    found, device = {}, ""
    for name, refine in refinements.items():
        pose = open_pose_model(network, PoseOptions(refine=refine))
        views = find_views(folder)
        found[name] = detect_recording(views, pose, boxes, watch=lambda frames, view, n: progress(frames, view, n))
        device = pose.model.device
    return {name: each.detections for name, each in found.items()}, device


def detector_errors(capture: BeadCapture, detections: Detections) -> dict[str, float]:
    """How far detections lie from the projected centres, px, where their score counts."""
    away = np.linalg.norm(detections.points[:, :, 0] - capture.pixels, axis=-1)
    counted = detections.scores[:, :, 0] >= _MIN_SCORE
    errors = away[counted]
    return {
        "median_px": round(float(np.median(errors)), 3),
        "p95_px": round(float(np.quantile(errors, 0.95)), 3),
        "max_px": round(float(errors.max()), 3),
        "share_within_1_px": round(float((errors <= 1.0).mean()), 5),
        "share_seen": round(float(counted.mean()), 4),
    }


def pipeline_errors(
    capture: BeadCapture, detections: Detections, noise_px: float, views: Sequence[int], smooth: float = 0.0
) -> dict[str, float]:
    """Errors of markers (mm) and angles (deg) after noise on the detections and with these views alone."""
    noise = np.random.default_rng(2026).normal(0.0, 1.0, detections.points.shape) * noise_px
    chosen = list(views)
    noisy = make_detections(
        (detections.points + noise)[:, chosen],
        detections.scores[:, chosen],
        camera_names=[detections.camera_names[view] for view in chosen],
        keypoint_names=detections.keypoint_names,
        time=capture.motion.time,
        rate=1.0 / float(np.median(np.diff(capture.motion.time))),
    )
    options = RecordingOptions(TriangulationOptions(min_score=_MIN_SCORE))
    track = triangulate_recording([capture.cameras[view] for view in chosen], noisy, options).track
    away_mm = marker_errors_mm(capture, track)
    result = inverse_kinematics(capture.model, track, IkOptions(smooth=smooth))
    apart = angle_errors_deg(capture.model, result, capture.motion)
    return {
        "marker_median_mm": round(float(np.median(away_mm)), 3),
        "marker_p95_mm": round(float(np.quantile(away_mm, 0.95)), 3),
        "angle_median_deg": round(float(np.median(apart)), 3),
        "angle_p95_deg": round(float(np.quantile(apart, 0.95)), 3),
        "angles": apart.shape[1],
    }


def marker_errors_mm(capture: BeadCapture, track: MarkerTrack) -> Array:
    """How far each marker that was found lies from its bead, mm."""
    truth = capture.points[:, [KEYPOINT_NAMES.index(name) for name in track.names]]
    away = 1000.0 * np.linalg.norm(track.positions - truth, axis=-1)
    return away[np.isfinite(away)]


def angle_errors_deg(model: Model, found: IkResult, truth: Motion) -> Array:
    """Absolute differences of every free rotational coordinate that the markers determine, [T, C] deg.

    One that they say nothing of stays at its default, where the truth may happen to be as well: it does not count.
    """
    determined = np.isfinite(found.standard_deviation).all(axis=0)
    angles = [
        index
        for index, each in enumerate(model.coordinates)
        if each.motion_type == "rotational" and not each.locked and determined[index]
    ]
    return np.degrees(np.abs(found.motion.values - truth.values)[:, angles])


def _row(capture: BeadCapture, detected: dict[str, Detections], noise: float, views: Sequence[int]) -> dict[str, Any]:
    """Refined maxima, fitted frame by frame and with smoothness; the bare argmax where no noise hides its rounding."""
    found = {
        "refined": pipeline_errors(capture, detected["refined"], noise, views),
        "refined_smooth": pipeline_errors(capture, detected["refined"], noise, views, smooth=1e-3),
    }
    if noise == 0:
        found["argmax"] = pipeline_errors(capture, detected["argmax"], noise, views)
    return found


def _mm_per_px(capture: BeadCapture) -> float:
    depth = np.concatenate([project(camera, capture.points)[1].ravel() for camera in capture.cameras])
    return round(float(1000 * np.median(depth) / capture.cameras[0].K[0, 0]), 3)


def _fingerprint(capture: BeadCapture) -> str:
    """Of everything that decides the images, so that a changed scene is rendered anew."""
    cameras = [[each.K.tolist(), each.R.tolist(), each.t.tolist()] for each in capture.cameras]
    facts = [SIZE, RADIUS_M, bead_colors().tolist(), cameras]
    text = json.dumps(facts) + hashlib.sha256(capture.points.round(9).tobytes()).hexdigest()
    return hashlib.sha256(text.encode()).hexdigest()[:12]
