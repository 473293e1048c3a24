"""What Pose2Sim needs beside a detector's JSON: the order of its cameras and the configuration of a project.

Pose2Sim (0.10) takes the folders in `pose/` by the last number in their names, and the n-th folder for the n-th camera
of the calibration; it takes a file by the last number in its name, from 0, and a pose model that it does not know
from the configuration, as a tree of names and places in the list of keypoints.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.spine.keypoints import KEYPOINT_NAMES
from .labels import Labels
from .recording import Recording
from .simspine_layout import safe_name

_USUAL_RATE = 50.0  # a recording of a single image has no rate of its own
_LEAST_STEP_M, _ROOM = 0.1, 1.5

_HEAD = """\
# A project of Pose2Sim: Pose2Sim.triangulation() in this folder writes pose-3d/*.trc, from exact labels.
# people[n] is the same person in every view of an image, so that personAssociation has nothing to do.
"""
_FISHEYE = """\
# Some of these lenses are fisheye, which Pose2Sim does not know: it will not undistort them rightly.
"""
_TRIANGULATION = """\
[triangulation]
reproj_error_threshold_triangulation = 15
likelihood_threshold_triangulation = 0.3 # below 0.5, the score of what is hidden
min_cameras_for_triangulation = 2
interpolation = "none"
interp_if_gap_smaller_than = 0
show_interp_indices = false
remove_incomplete_frames = false
sections_to_keep = "all"
min_chunk_size = 0
fill_large_gaps_with = "nan"
handle_LR_swap = false
make_c3d = false
"""


def in_folder_order(cameras: Sequence[Camera]) -> tuple[list[int], list[Camera]]:
    """The views and their cameras in the order that Pose2Sim finds their folders in.

    Where names leave the order open (two end with one number), all cameras are called `<name>_<n>`.
    """
    keys = [_folder_key(safe_name(camera.name)) for camera in cameras]
    if len(set(keys)) != len(keys):
        named = [replace(camera, name=f"{camera.name}_{number}") for number, camera in enumerate(cameras, 1)]
        return list(range(len(cameras))), named
    order = sorted(range(len(cameras)), key=keys.__getitem__)
    return order, [cameras[view] for view in order]


def _folder_key(name: str) -> tuple[bool, int, str]:
    """Numbered names by their last number, then the others by the alphabet."""
    numbers = re.findall(r"\d+", name)
    return (False, int(numbers[-1]), "") if numbers else (True, 0, name)


def write_project_config(path: str | Path, recording: Recording) -> None:
    """Write `Config.toml` of a project with the recording's rate, people, lenses and keypoints.

    Raises:
        InputError: no place to write.
    """
    people, first = recording.people, recording.people[0]
    bent = [camera for camera in first.cameras if camera.distortion_model != "none" and camera.distortion.any()]
    model = "SIMSPINE" if first.keypoint_names == KEYPOINT_NAMES else "LABELS"
    text = [
        _HEAD,
        *([_FISHEYE] if any(camera.distortion_model == "fisheye" for camera in bent) else []),
        "\n[project]\n",
        f"multi_person = {str(len(people) > 1).lower()}\n",
        f"frame_rate = {recording.rate or _USUAL_RATE:.9g}\n",
        'frame_range = "all"\n\n',
        _TRIANGULATION,
        f"max_distance_m = {_farthest_step(people):.3f} # someone who comes in farther away is someone else\n",
        f"undistort_points = {str(bool(bent)).lower()}\n\n",
        f'[pose]\npose_model = "{model}"\n\n',
        _model_text(first, model),
    ]
    with atomic_path(path) as temporary:
        temporary.write_text("".join(text), encoding="utf-8", newline="\n")


def _farthest_step(people: Sequence[Labels]) -> float:
    """How far somebody may be from where they were in the image before, m, with room to spare: the keypoints' mean."""
    steps = [np.linalg.norm(np.diff(person.points_world, axis=0), axis=-1) for person in people]
    known = [step[:, np.isfinite(step).all(axis=0)] for step in steps]
    return max([_LEAST_STEP_M, *(_ROOM * step.mean(axis=1).max() for step in known if step.size)])


def _model_text(labels: Labels, model: str) -> str:
    """The keypoints as Pose2Sim's tree of tables; under a root without a place where the labels have several."""
    children: dict[int, list[int]] = {}
    for index, parent in enumerate(labels.keypoint_parents):
        children.setdefault(parent, []).append(index)
    lines: list[str] = []

    def add(index: int, table: str, brackets: str) -> None:
        opening, closing = brackets.split()
        lines.extend([f"{opening}{table}{closing}", f'name = "{labels.keypoint_names[index]}"', f"id = {index}"])
        for child in children.get(index, ()):
            add(child, f"{table}.children", "[[ ]]")

    roots = children[-1]
    if len(roots) == 1:
        add(roots[0], f"pose.{model}", "[ ]")
    else:
        lines += [f"[pose.{model}]", 'name = "Root"', 'id = "None"']
        for root in roots:
            add(root, f"pose.{model}.children", "[[ ]]")
    return "\n".join(lines) + "\n"
