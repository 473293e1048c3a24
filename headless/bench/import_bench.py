"""Benchmark: a motion of 3000 frames and 30 bodies into Blender, against a loop of `keyframe_insert`."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np

from ...simspine_addon.kinematics.pose_track import PoseTrack
from ...simspine_addon.kinematics.quaternions import matrices_from_quaternions
from ...simspine_addon.model.types import Body, Coordinate, Joint, Model, Motion

FRAMES, BODIES, COORDINATES = 3000, 30, 62
RIVAL_FRAMES = (400, 800)
REPEATS = 3


def run(frames: int = FRAMES, bodies: int = BODIES, rival_in_full: bool = False) -> dict[str, Any]:
    """Time `import_person` without meshes, and the loop that a script would write, in this one run.

    The loop sets and keys every bone frame by frame. Each key costs more the more there are (Blender moves the ones
    that it has), so it is run at two lengths, and `a n + b n^2` through both gives its figure for `frames`; with
    `rival_in_full` it is run at full length instead (half a minute).

    Returns:
        Seconds of both and their ratio, with how the rival's figure came about; plain numbers and texts.
    """
    import bpy

    ours = _import_seconds(frames, bodies)
    lengths = (frames,) if rival_in_full else RIVAL_FRAMES
    measured = {length: _keyframe_insert_seconds(length, bodies) for length in lengths}
    rival = measured[frames] if rival_in_full else _quadratic(measured, frames)
    return {
        "what": f"import of {frames} frames, {bodies} bodies and {COORDINATES} joint angles, no meshes",
        "blender": bpy.app.version_string,
        "import_s": round(min(ours), 4),
        "import_all_s": [round(each, 4) for each in ours],
        "rival": "a loop of keyframe_insert over the bones' rotations and the root's location, no joint angles",
        "rival_measured_s": {str(length): round(seconds, 4) for length, seconds in measured.items()},
        "rival_s": round(rival, 2),
        "rival_is_extrapolated": not rival_in_full,
        "ratio": round(rival / min(ours), 1),
    }


def _import_seconds(frames: int, bodies: int) -> list[float]:
    from ...simspine_addon.scene.import_motion import import_person

    model, motion, track = synthetic_person(frames, bodies)
    import_person(_empty_scene(), *synthetic_person(10, bodies))  # the first one pays for what Python has to load
    seconds = []
    for _ in range(REPEATS):
        scene = _empty_scene()
        start = time.perf_counter()
        import_person(scene, model, motion, track)
        seconds.append(time.perf_counter() - start)
    return seconds


def _quadratic(measured: dict[int, float], frames: int) -> float:
    """`a n + b n^2` through two measurements, at `frames`."""
    (short, short_s), (long, long_s) = measured.items()
    growth = (long_s / long - short_s / short) / (long - short)
    return (short_s / short - growth * short) * frames + growth * frames**2


def synthetic_person(frames: int, bodies: int) -> tuple[Model, Motion, PoseTrack]:
    """A tree of bodies that all turn about axes of their own, with as many joint angles as Pose2Sim's model has."""
    random = np.random.default_rng(0)
    moments = np.arange(frames) / 60.0
    parents = np.array([-1] + [int(random.integers(max(0, body - 4), body)) for body in range(1, bodies)])
    positions, rotations = np.zeros((frames, bodies, 3)), np.zeros((frames, bodies, 3, 3))
    for body, parent in enumerate(parents):
        axis = random.normal(size=3)
        half = 0.5 * (random.uniform(-1, 1) + np.sin(random.uniform(1, 6) * moments))
        turn = np.column_stack([np.cos(half), np.sin(half)[:, None] * (axis / np.linalg.norm(axis))])
        turn, place = matrices_from_quaternions(turn), random.uniform(-0.3, 0.3, 3)
        carrier = np.broadcast_to(np.eye(3), turn.shape) if parent < 0 else rotations[:, parent]
        origin = np.column_stack([moments, 0 * moments, 0 * moments]) if parent < 0 else positions[:, parent]
        rotations[:, body], positions[:, body] = carrier @ turn, origin + carrier @ place
    names = tuple(f"body_{body}" for body in range(bodies))
    track = PoseTrack(
        moments, names, parents, positions, rotations, np.zeros((bodies, 3)), positions[0].copy(), rotations[0].copy()
    )
    coordinates = tuple(Coordinate(f"angle_{i}", 0, "rotational", 0.0, (-3.0, 3.0)) for i in range(COORDINATES))
    values = np.sin(moments[:, None] * np.linspace(1, 5, COORDINATES))
    motion = Motion(moments, tuple(each.name for each in coordinates), values)
    body_list = tuple(Body(name, 1.0, np.zeros(3), np.ones(6)) for name in names)
    joints = tuple(
        Joint(f"joint_{i}", "CustomJoint", int(parent), i, np.eye(4), np.eye(4), (), ())
        for i, parent in enumerate(parents)
    )
    return Model("benchmark", 40500, body_list, joints, coordinates, (), (), ()), motion, track


def _keyframe_insert_seconds(frames: int, bodies: int) -> float:
    """Key the same armature bone by bone and frame by frame, with the local rotations at hand."""
    from ...simspine_addon.scene.compat import curves_of
    from ...simspine_addon.scene.import_motion import import_person

    person = import_person(_empty_scene(), *synthetic_person(frames, bodies))
    assert person.armature.pose is not None
    bones = list(person.armature.pose.bones)
    values = {
        (curve.data_path, curve.array_index): [key.co[1] for key in curve.keyframe_points]
        for curve in curves_of(person.armature)
    }
    person.armature.animation_data_clear()
    root = next(bone for bone in bones if bone.parent is None)
    paths = {bone.name: f'pose.bones["{bone.name}"].rotation_quaternion' for bone in bones}
    location = f'pose.bones["{root.name}"].location'
    start = time.perf_counter()
    for frame in range(frames):
        for bone in bones:
            bone.rotation_quaternion = [values[paths[bone.name], index][frame] for index in range(4)]
            bone.keyframe_insert("rotation_quaternion", frame=frame + 1)
        root.location = [values[location, index][frame] for index in range(3)]
        root.keyframe_insert("location", frame=frame + 1)
    return time.perf_counter() - start


def _empty_scene() -> Any:
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
