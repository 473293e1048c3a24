"""Benchmark: BVH and GLB of 60 bones and 3000 frames, against Blender's own exporters on the same motion."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...exporters.bvh_writer import write_bvh
from ...exporters.glb_writer import write_glb
from ..bootstrap import quiet_stdout
from .import_bench import synthetic_person

FRAMES, BODIES = 3000, 60
REPEATS = 3


def run(frames: int = FRAMES, bodies: int = BODIES) -> dict[str, Any]:
    """Time both writers from a PoseTrack to the file on disk, and Blender's exporters from the armature to theirs.

    Blender's run once each, with the armature selected, the BVH at its defaults and the GLB without sampling beyond
    the keys' own rate; ours three times, of which the fastest counts and all are printed.

    Returns:
        Seconds, file sizes and ratios; plain numbers and texts.
    """
    import bpy

    from ...simspine_addon.scene.import_motion import import_person

    model, motion, track = synthetic_person(frames, bodies)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    import_person(bpy.context.scene, model, motion, track)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = {
            "bvh": _seconds(lambda: write_bvh(folder / "ours.bvh", track), REPEATS),
            "glb": _seconds(lambda: write_glb(folder / "ours.glb", track), REPEATS),
        }
        with quiet_stdout():
            theirs = {
                "bvh": _seconds(lambda: _export_bvh(folder / "theirs.bvh", frames), 1),
                "glb": _seconds(lambda: _export_glb(folder / "theirs.glb"), 1),
            }
        sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    return {
        "what": f"{bodies} bones, {frames} frames, no meshes",
        "blender": bpy.app.version_string,
        "rivals": "bpy.ops.export_anim.bvh and bpy.ops.export_scene.gltf on the imported armature, in this run",
        **{
            kind: {
                "seconds": round(min(ours[kind]), 4),
                "all_seconds": [round(each, 4) for each in ours[kind]],
                "rival_seconds": round(theirs[kind][0], 3),
                "ratio": round(theirs[kind][0] / min(ours[kind]), 1),
                "bytes": sizes[f"ours.{kind}"],
                "rival_bytes": sizes[f"theirs.{kind}"],
            }
            for kind in ("bvh", "glb")
        },
    }


def _seconds(action: Callable[[], object], repeats: int) -> list[float]:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return seconds


def _export_bvh(path: Path, frames: int) -> None:
    import bpy

    bpy.ops.export_anim.bvh(filepath=str(path), frame_start=1, frame_end=frames)


def _export_glb(path: Path) -> None:
    import bpy

    bpy.ops.export_scene.gltf(
        filepath=str(path), export_format="GLB", use_selection=True, export_animation_mode="ACTIVE_ACTIONS"
    )


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
