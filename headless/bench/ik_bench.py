"""Inverse kinematics of the real capture: ours against OpenSim's tool at accuracy 1e-5, same weights, same run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ...simspine_addon.kinematics.inverse_kinematics import IkOptions, IkResult, inverse_kinematics
from ...simspine_addon.kinematics.opensim_engine import opensim_inverse_kinematics
from ...simspine_addon.model.document import read_model
from ...simspine_addon.model.errors import InputError
from ...simspine_addon.model.markers import read_trc
from ...simspine_addon.model.types import Model
from ..bootstrap import quiet_stdout
from ..progress import progress

REPEATS = 3
SMOOTH = 1e-3


def run() -> dict[str, Any]:
    """Time both in turn, couplers kept in both. Jitter is the rms third difference of the angles over time."""
    folder = capture_folder()
    model, track = read_model(folder / "model.osim"), read_trc(folder / "markers.trc")
    coupled = IkOptions(lumbar="coupled")
    smooth = IkOptions(lumbar="coupled", smooth=SMOOTH)
    inverse_kinematics(model, track, coupled)
    seconds: dict[str, list[float]] = {"ours": [], "opensim": [], "smooth": []}
    with quiet_stdout():
        for _ in progress(range(REPEATS), "bench ik"):
            ours = _timed(seconds["ours"], lambda: inverse_kinematics(model, track, coupled))
            theirs = _timed(seconds["opensim"], lambda: opensim_inverse_kinematics(model, track, coupled))
            smoothed = _timed(seconds["smooth"], lambda: inverse_kinematics(model, track, smooth))
    soft = inverse_kinematics(model, track)
    median = {name: float(np.median(each)) for name, each in seconds.items()}
    frames = len(track.time)
    angles = [i for i, c in enumerate(model.coordinates) if c.motion_type == "rotational" and not c.locked]
    apart = np.degrees(np.abs(ours.motion.values - theirs.motion.values))[:, angles]
    return {
        "frames": frames,
        "markers": len(ours.report.marker_names),
        "coordinates": len(model.coordinates),
        "opensim_accuracy": 1e-5,
        "simspine_frames_per_s": round(frames / median["ours"], 1),
        "opensim_frames_per_s": round(frames / median["opensim"], 1),
        "smoothed_frames_per_s": round(frames / median["smooth"], 1),
        "ratio": round(float(np.median(np.array(seconds["opensim"]) / np.array(seconds["ours"]))), 1),
        "ratios": [round(a / b, 1) for a, b in zip(seconds["opensim"], seconds["ours"], strict=True)],
        "mean_cost": {
            "simspine": _cost(ours),
            "opensim": _cost(theirs),
            "smoothed": _cost(smoothed),
            "soft": _cost(soft),
        },
        "largest_cost_excess_of_a_frame": float(np.max(ours.report.cost - theirs.report.cost)),
        "angle_difference_deg": {
            "median": float(np.median(apart)),
            "mean": float(apart.mean()),
            "max": float(apart.max()),
        },
        "rms_mm": {
            name: each.report.summary()["rms_mm"]
            for name, each in (("simspine", ours), ("opensim", theirs), ("smoothed", smoothed), ("soft", soft))
        },
        "smooth": SMOOTH,
        "jitter_deg": {
            "simspine": jitter(model, ours),
            "opensim": jitter(model, theirs),
            "smoothed": jitter(model, smoothed),
            "ratio": jitter(model, theirs) / jitter(model, smoothed),
        },
    }


def capture_folder() -> Path:
    """The real capture: beside the checkout, or where SIMSPINE_DATA says.

    Raises:
        InputError: it is not there.
    """
    default = Path(__file__).resolve().parents[3] / "shared/data/pose2sim"
    folder = Path(os.environ.get("SIMSPINE_DATA", default))
    if not (folder / "model.osim").exists():
        raise InputError("the capture is not here", path=folder, hint="set SIMSPINE_DATA to the folder with model.osim")
    return folder


def jitter(model: Model, result: IkResult) -> float:
    """Root mean square third difference of the angles over time, deg per frame^3."""
    angles = [i for i, c in enumerate(model.coordinates) if c.motion_type == "rotational" and not c.locked]
    return float(np.degrees(np.sqrt(np.mean(np.diff(result.motion.values[:, angles], 3, axis=0) ** 2))))


def _cost(result: IkResult) -> float:
    return float(np.mean(result.report.cost))


def _timed(seconds: list[float], solve: Callable[[], IkResult]) -> IkResult:
    start = time.perf_counter()
    result = solve()
    seconds.append(time.perf_counter() - start)
    return result
