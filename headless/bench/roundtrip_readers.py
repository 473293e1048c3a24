"""Exported files as other programs read them: Blender's importers, assimp and usd-core, as poses over time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
USD_PYTHON = "SIMSPINE_USD_PYTHON"  # a Python that has usd-core, where this one has not
_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # (x, -z, y)


@dataclass(frozen=True, slots=True)
class ReadMotion:
    """What a program makes of a file: seconds [T] from the first key, matrices [T, B, 4, 4] and at rest [B, 4, 4] in m.

    `between` are the matrices half a frame after each sample but the last. Axes are Blender's (Z up). `rest` is NaN
    where the format has no rest pose of its own or the program does not keep it.
    """

    seconds: Array
    names: tuple[str, ...]
    matrices: Array
    between: Array
    rest: Array


def read_by_blender(path: Path, importer: str, fps: float) -> ReadMotion:
    """Import into an empty scene that runs at `fps`, and play it: `importer` is an operator, "import_scene.fbx" say."""
    import bpy

    from ...exporters.export_scene import frame_rate

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    if importer in _KEEP_RATE:
        scene.render.fps, scene.render.fps_base = frame_rate(fps)
    group, name = importer.split(".")
    getattr(getattr(bpy.ops, group), name)(filepath=str(path), **_OPTIONS.get(importer, {}))
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")
    first, last = _key_range(armature)
    if importer == "wm.usd_import":
        first, last = float(scene.frame_start), float(scene.frame_end)
    rate = scene.render.fps / scene.render.fps_base
    count = round(last - first) + 1
    names = tuple(bone.name for bone in armature.pose.bones)
    scene.frame_set(int(np.floor(first)))
    matrices = np.array([_posed(scene, armature, first + i) for i in range(count)])
    between = np.array([_posed(scene, armature, first + i + 0.5) for i in range(count - 1)])
    world = np.array(armature.matrix_world)
    rest = world @ np.array([bone.matrix_local for bone in armature.data.bones])
    seconds = np.linspace(0.0, (last - first) / rate, count)
    return ReadMotion(seconds, names, matrices, between.reshape(-1, *matrices.shape[1:]), rest)


_KEEP_RATE = ("import_scene.gltf", "wm.usd_import")  # importers that leave the scene at its own rate
_OPTIONS: dict[str, dict[str, Any]] = {
    "import_anim.bvh": {"global_scale": 0.01, "update_scene_fps": True, "axis_forward": "-Z", "axis_up": "Y"},
    "import_scene.gltf": {"bone_heuristic": "BLENDER"},
    "import_scene.fbx": {"automatic_bone_orientation": False},
}


def _key_range(armature: Any) -> tuple[float, float]:
    from ...simspine_addon.scene.compat import curves_of

    ends = [curve.range() for curve in curves_of(armature)]
    return (min(end[0] for end in ends), max(end[1] for end in ends)) if ends else (0.0, 0.0)


def _posed(scene: Any, armature: Any, frame: float) -> Array:
    whole = int(np.floor(frame))
    scene.frame_set(whole, subframe=frame - whole)
    world = np.array(armature.matrix_world)
    return world @ np.array([bone.matrix for bone in armature.pose.bones])


def read_by_assimp(path: Path, fps: float) -> ReadMotion:
    """Let assimp's command line read a file and tell its nodes and keys."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "scene.assjson"
        subprocess.run(
            ["assimp", "export", str(path), str(told), "-fassjson"], check=True, capture_output=True, text=True
        )
        scene = json.loads(told.read_text(encoding="utf-8", errors="replace"))
    names, parents, locals_ = _assimp_nodes(scene["rootnode"])
    animation = scene["animations"][0]
    ticks = animation["tickspersecond"] or 1.0
    channels = {channel["name"]: channel for channel in animation["channels"]}
    seconds = np.unique(np.round(np.concatenate([_key_times(each) for each in channels.values()]) / ticks, 9))
    halves = (seconds[:-1] + seconds[1:]) / 2.0
    scale = _ASSIMP_METRES[path.suffix.lower()]
    up = _up_axis(path)
    both = []
    for when in (seconds, halves):
        moved = np.stack(
            [_assimp_local(channels.get(n), m, when * ticks) for n, m in zip(names, locals_, strict=True)], 1
        )
        both.append(_in_blender(_chained(moved, parents), scale, up))
    rest = _in_blender(_chained(np.array(locals_)[None], parents), scale, up)[0]
    return ReadMotion(seconds - seconds[0], names, both[0], both[1], rest)


_ASSIMP_METRES = {".fbx": 0.01, ".bvh": 0.01, ".glb": 1.0}


def _up_axis(path: Path) -> str:
    """Which axis is up: assimp hands an FBX file's axes on as they are, and does not tell."""
    if path.suffix.lower() != ".fbx":
        return "Y"
    data = path.read_bytes()
    value = data.index(b"Integer", data.index(b"UpAxis")) + len(b"Integer")
    value = data.index(b"I", value) + 1
    return "XYZ"[int.from_bytes(data[value : value + 4], "little")]


def _assimp_nodes(root: dict[str, Any]) -> tuple[tuple[str, ...], list[int], list[Array]]:
    names, parents, matrices = [], [], []
    waiting = [(root, -1)]
    while waiting:
        node, parent = waiting.pop(0)
        place = len(names)
        names.append(node["name"])
        parents.append(parent)
        matrices.append(np.array(node["transformation"], dtype=np.float64).reshape(4, 4))
        waiting += [(child, place) for child in node.get("children", [])]
    return tuple(names), parents, matrices


def _key_times(channel: dict[str, Any]) -> Array:
    kinds = ("positionkeys", "rotationkeys")
    return np.concatenate([np.array([key[0] for key in channel.get(kind, [])], dtype=np.float64) for kind in kinds])


def _assimp_local(channel: dict[str, Any] | None, rest: Array, ticks: Array) -> Array:
    from scipy.spatial.transform import Rotation, Slerp

    matrices = np.broadcast_to(rest, (len(ticks), 4, 4)).copy()
    if channel is None:
        return matrices
    times = np.array([key[0] for key in channel["positionkeys"]], dtype=np.float64)
    places = np.array([key[1] for key in channel["positionkeys"]], dtype=np.float64)
    matrices[:, :3, 3] = np.stack([np.interp(ticks, times, places[:, axis]) for axis in range(3)], axis=1)
    times = np.array([key[0] for key in channel["rotationkeys"]], dtype=np.float64)
    turns = Rotation.from_quat(np.array([key[1] for key in channel["rotationkeys"]], dtype=np.float64)[:, [1, 2, 3, 0]])
    if len(times) == 1:
        matrices[:, :3, :3] = turns.as_matrix()
        return matrices
    matrices[:, :3, :3] = Slerp(times, turns)(np.clip(ticks, times[0], times[-1])).as_matrix()
    return matrices


def _chained(locals_: Array, parents: list[int]) -> Array:
    whole = locals_.copy()
    for node, parent in enumerate(parents):
        if parent >= 0:
            whole[:, node] = whole[:, parent] @ locals_[:, node]
    return whole


def _in_blender(matrices: Array, scale: float, up: str) -> Array:
    turn = np.eye(4)
    if up == "Y":
        turn[:3, :3] = _Z_UP
    moved = turn @ matrices
    moved[..., :3, 3] *= scale
    return moved


def read_by_usd(path: Path, fps: float) -> ReadMotion:
    """Let usd-core read a file, in this Python or the one that the environment names."""
    script = Path(__file__).with_name("read_usd.py")
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "motion.npz"
        subprocess.run([_usd_python() or sys.executable, str(script), str(path), str(told)], check=True)
        with np.load(told) as table:
            up, metres = str(table["up"]), float(table["metres"])
            names = tuple(str(name) for name in table["names"])
            parts = [_in_blender(table[key], metres, up) for key in ("matrices", "between", "rest")]
            return ReadMotion(table["seconds"], names, parts[0], parts[1], parts[2])


def _usd_python() -> str | None:
    named = os.environ.get(USD_PYTHON)
    if named:
        return named
    try:
        import pxr  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        return None
    return sys.executable


Reader = Callable[[Path, float], ReadMotion]


def readers_of(suffix: str) -> dict[str, Reader]:
    """The readers of a kind of file that are here, by what the table calls them; they take the path and the rate."""
    by_blender = {
        ".bvh": {"Blender": "import_anim.bvh"},
        ".glb": {"Blender": "import_scene.gltf"},
        ".fbx": {"Blender (Python)": "import_scene.fbx", "Blender (C++)": "wm.fbx_import"},
        ".usdc": {"Blender": "wm.usd_import"},
        ".usda": {"Blender": "wm.usd_import"},
    }
    found: dict[str, Reader] = {
        label: lambda path, fps, importer=importer: read_by_blender(path, importer, fps)
        for label, importer in by_blender[suffix].items()
    }
    if suffix in _ASSIMP_METRES and shutil.which("assimp"):
        found["assimp"] = read_by_assimp
    if suffix.startswith(".usd") and _usd_python():
        found["usd-core"] = read_by_usd
    return found
