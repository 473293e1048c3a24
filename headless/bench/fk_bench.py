"""Forward kinematics: ours for 3000 frames against a loop over opensim, and their largest difference."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ...sample_rigs import sample_model_path
from ...simspine_addon.kinematics.forward import body_frames, marker_positions
from ...simspine_addon.kinematics.opensim_engine import OpensimEngine
from ...simspine_addon.model.document import read_model
from ..progress import progress

FRAMES = 3000
REPEATS = 5


def run() -> dict[str, Any]:
    """Time both on the sample model, random values within the ranges; medians of interleaved repeats."""
    path = sample_model_path()
    model = read_model(path)
    engine = OpensimEngine(path)
    low, high = np.array([c.range for c in model.coordinates]).T
    values = np.random.default_rng(0).uniform(low, high, (FRAMES, len(model.coordinates)))
    ours, theirs, error = [], [], 0.0
    body_order = [engine.body_names.index(name) for name in model.body_names]
    marker_order = [engine.marker_names.index(name) for name in model.marker_names]
    for _ in progress(range(REPEATS), "bench fk"):
        start = time.perf_counter()
        positions, rotations = body_frames(model, values)
        markers = marker_positions(model, positions, rotations)
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        reference = engine.run(values, model.coordinate_names)
        theirs.append(time.perf_counter() - start)
        error = max(
            error,
            float(np.abs(positions - reference[0][:, body_order]).max()),
            float(np.abs(rotations - reference[1][:, body_order]).max()),
            float(np.abs(markers - reference[2][:, marker_order]).max()),
        )
    return {
        "frames": FRAMES,
        "coordinates": len(model.coordinates),
        "bodies": len(model.bodies),
        "markers": len(model.markers),
        "simspine_frames_per_s": round(FRAMES / float(np.median(ours))),
        "opensim_frames_per_s": round(FRAMES / float(np.median(theirs))),
        "ratio": round(float(np.median(np.array(theirs) / np.array(ours))), 1),
        "largest_difference": error,
    }
