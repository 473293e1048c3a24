"""Benchmark of retargeting: the sample walk, repeated, onto a mannequin of some 60 bones; the solve, then with keys."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ...sample_rigs import sample_model_path, sample_motion_path
from ...simspine_addon.kinematics.forward import pose_track
from ...simspine_addon.kinematics.pose_track import PoseTrack
from ...simspine_addon.model.document import read_model
from ...simspine_addon.model.motion import read_motion
from ...simspine_addon.retarget.presets import choose_preset
from ...simspine_addon.retarget.skeleton import Skeleton, make_skeleton, skeleton_of_track
from ...simspine_addon.retarget.solve import retarget
from .retarget_blender import blender_half

FRAMES = 3000
_REPEATS = 3
_FINGERS = ("Thumb", "Index", "Middle", "Ring", "Pinky")


def run(frames: int = FRAMES) -> dict[str, Any]:
    """Seconds of the solve alone (best of three), and with keys in Blender against the rival in the same run."""
    track = long_track(frames)
    source_map = choose_preset(skeleton_of_track(track))[1]
    target = mannequin_skeleton()
    target_map = choose_preset(target)[1]
    best = np.inf
    for _ in range(_REPEATS):
        start = time.perf_counter()
        retarget(track, source_map, target, target_map)
        best = min(best, time.perf_counter() - start)
    return {
        "frames": frames,
        "bones": len(target.names),
        "source_bodies": len(track.names),
        "solve_seconds": best,
        "frames_per_second": frames / best,
        **blender_half(track, source_map, target, target_map),
    }


def long_track(frames: int) -> PoseTrack:
    """The sample walk to and fro until it has this many frames."""
    model = read_model(sample_model_path())
    track = pose_track(model, read_motion(sample_motion_path("walking"), model))
    # There and back again has no jump.
    there = np.arange(len(track.time))
    order = np.resize(np.concatenate([there, there[-2:0:-1]]), frames)
    return PoseTrack(
        time=np.arange(frames) / track.rate,
        names=track.names,
        parents=track.parents,
        positions=track.positions[order],
        rotations=track.rotations[order],
        centres=track.centres,
        rest_positions=track.rest_positions,
        rest_rotations=track.rest_rotations,
    )


def mannequin_skeleton() -> Skeleton:
    """A person of 1.75 m in T pose with Mixamo's names: 4 spine bones, fingers, end bones; 66 bones."""
    bones: list[tuple[str, str | None, tuple[float, float, float]]] = [("Hips", None, (0.0, 0.96, 0.0))]
    heights = (1.06, 1.17, 1.28, 1.38)
    names = ("Spine", "Spine1", "Spine2", "Spine3")
    for name, above, height in zip(names, ("Hips", *names), heights, strict=False):
        bones.append((name, above, (0.0, height, 0.0)))
    bones += [("Neck", "Spine3", (0.0, 1.49, 0.0)), ("Head", "Neck", (0.0, 1.58, 0.02))]
    bones.append(("HeadTop_End", "Head", (0.0, 1.75, 0.02)))
    for side, sign in (("Left", -1.0), ("Right", 1.0)):
        bones += _arm(side, sign) + _leg(side, sign)
    return make_skeleton(
        [bone[0] for bone in bones], [bone[1] for bone in bones], np.array([bone[2] for bone in bones])
    )


def _arm(side: str, sign: float) -> list[tuple[str, str | None, tuple[float, float, float]]]:
    bones: list[tuple[str, str | None, tuple[float, float, float]]] = [
        (f"{side}Shoulder", "Spine3", (0.0, 1.44, 0.03 * sign)),
        (f"{side}Arm", f"{side}Shoulder", (-0.01, 1.45, 0.18 * sign)),
        (f"{side}ForeArm", f"{side}Arm", (-0.01, 1.45, 0.46 * sign)),
        (f"{side}Hand", f"{side}ForeArm", (-0.01, 1.45, 0.71 * sign)),
    ]
    for place, finger in enumerate(_FINGERS):
        above = f"{side}Hand"
        for joint in range(1, 5):
            name = f"{side}Hand{finger}{joint}"
            out = (0.74 if finger == "Thumb" else 0.80) + 0.03 * (joint - 1)
            bones.append((name, above, (0.05 - 0.022 * place, 1.45, out * sign)))
            above = name
    return bones


def _leg(side: str, sign: float) -> list[tuple[str, str | None, tuple[float, float, float]]]:
    return [
        (f"{side}UpLeg", "Hips", (0.0, 0.92, 0.09 * sign)),
        (f"{side}Leg", f"{side}UpLeg", (0.01, 0.49, 0.09 * sign)),
        (f"{side}Foot", f"{side}Leg", (-0.02, 0.08, 0.09 * sign)),
        (f"{side}ToeBase", f"{side}Foot", (0.12, 0.02, 0.09 * sign)),
        (f"{side}Toe_End", f"{side}ToeBase", (0.19, 0.02, 0.09 * sign)),
    ]
