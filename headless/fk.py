"""`simspine fk`: body transforms, markers and keypoints of a motion, to .npz, .trc or .sto."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.forward import marker_positions, pose_track
from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.motion_writers import write_sto, write_trc
from ..simspine_addon.model.types import MarkerTrack, Model
from ..simspine_addon.spine.keypoints import KEYPOINT_NAMES, Placement, keypoint_places, keypoint_positions
from .documents import add_model_and_motion, read_model_and_motion

Array = NDArray[np.float64]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine fk`."""
    add_model_and_motion(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.npz|.trc|.sto")
    parser.add_argument(
        "--placement",
        choices=("surface", "centroid"),
        default="surface",
        help="vertebral keypoints at the back's surface, as released, or at the vertebrae's centres",
    )
    parser.add_argument("--json", action="store_true", help="print a summary for machines")


def run(arguments: argparse.Namespace) -> int:
    """Run `simspine fk`."""
    output: Path = arguments.output
    writers = {".npz": _write_npz, ".trc": _write_markers, ".sto": _write_bodies}
    if output.suffix not in writers:
        raise InputError(f"does not end in {', '.join(writers)}", path=output, hint="choose one of these suffixes")
    model, motion = read_model_and_motion(arguments.model, arguments.motion)
    track = pose_track(model, motion)
    writers[output.suffix](output, model, track, arguments.placement)
    places = keypoint_places(model, arguments.placement)
    summary = {
        "output": str(output),
        "frames": len(track.time),
        "bodies": len(track.names),
        "markers": len(model.markers),
        "keypoints": len(KEYPOINT_NAMES) - len(places.missing),
        "keypoints_missing": list(places.missing),
        "placement": arguments.placement,
    }
    if arguments.json:
        print(json.dumps(summary))
    else:
        print(
            f"{output}: {summary['frames']} frames, {summary['bodies']} bodies, {summary['markers']} markers, "
            f"{summary['keypoints']} of {len(KEYPOINT_NAMES)} keypoints ({arguments.placement})"
        )
        if places.missing:
            print(f"keypoints that the model does not have: {', '.join(places.missing)}")
    return 0


def _write_npz(path: Path, model: Model, track: PoseTrack, placement: Placement) -> None:
    places = keypoint_places(model, placement)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            time=track.time,
            body_names=np.array(track.names),
            body_parents=track.parents,
            body_positions=track.positions,
            body_rotations=track.rotations,
            marker_names=np.array(model.marker_names),
            marker_positions=marker_positions(model, track.positions, track.rotations),
            keypoint_names=np.array(KEYPOINT_NAMES),
            keypoint_positions=keypoint_positions(model, track, placement),
            keypoint_sources=np.array(places.source),
            keypoint_placement=np.array(placement),
        )


def _write_markers(path: Path, model: Model, track: PoseTrack, placement: Placement) -> None:
    """The model's markers, and those keypoints that are no markers."""
    places = keypoint_places(model, placement)
    keypoints = keypoint_positions(model, track, placement)
    wanted = [
        i
        for i, source in enumerate(places.source)
        if source != "missing" and KEYPOINT_NAMES[i] not in model.marker_names
    ]
    names = (*model.marker_names, *(KEYPOINT_NAMES[i] for i in wanted))
    if not names:
        raise InputError("the model has neither markers nor keypoints", path=model.path, hint="write .npz or .sto")
    positions = np.concatenate(
        [marker_positions(model, track.positions, track.rotations), keypoints[:, wanted]], axis=1
    )
    confidence = np.isfinite(positions[..., 0]).astype(float)
    write_trc(path, MarkerTrack(track.time, names, positions, confidence, track.rate))


def _write_bodies(path: Path, model: Model, track: PoseTrack, placement: Placement) -> None:
    """Body origins in m and body-fixed x-y-z angles in degrees, as `<body>_X ... <body>_Oz`."""
    angles = _body_fixed_xyz(track.rotations)
    columns = np.concatenate([track.positions, np.degrees(angles)], axis=2)
    labels = [f"{name}_{axis}" for name in track.names for axis in ("X", "Y", "Z", "Ox", "Oy", "Oz")]
    name = "body origins in m and body-fixed XYZ angles in degrees in ground"
    write_sto(path, track.time, labels, columns.reshape(len(track.time), -1), in_degrees=True, name=name)


def _body_fixed_xyz(rotations: Array) -> Array:
    """Angles [T, B, 3] of Rx Ry Rz = R, unwrapped over time."""
    y = np.arcsin(np.clip(rotations[..., 0, 2], -1.0, 1.0))
    x = np.arctan2(-rotations[..., 1, 2], rotations[..., 2, 2])
    z = np.arctan2(-rotations[..., 0, 1], rotations[..., 0, 0])
    return np.unwrap(np.stack([x, y, z], axis=-1), axis=0)
