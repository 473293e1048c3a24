"""Check the installed extension inside a real Blender: import, poses, lumbar angles, undo, a clean exit.

    python <blender>/scripts/addons_core/bl_pkg/cli/blender_ext.py build --source-dir . --output-dir /tmp
    blender -b --command extension install-file -r user_default -e /tmp/simspine-0.1.0.zip
    blender -b -P tests/compat/check_extension.py -- [MODEL.osim MOTION.mot]

Without MODEL and MOTION it takes the sample that the extension brings. Prints one line of JSON, with "ok"; the exit
code is 0 or 1. It runs with a window too (without -b), and ends Blender then.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import addon_utils
import bpy
import numpy as np

MODULE = "bl_ext.user_default.simspine"
KINDS = ("objects", "armatures", "meshes", "materials", "actions", "collections")
LARGEST_DISTANCE_M = 1e-5
LARGEST_ANGLE_DEG = 0.02


def main() -> None:
    """Run all checks; print the report and leave Blender."""
    report: dict[str, Any] = {"blender": bpy.app.version_string, "numpy": np.__version__}
    try:
        report |= _checks(*_documents())
        report["ok"] = all(value is not False for value in report.values())
    except Exception:  # noqa: BLE001  whatever it is, the report has to say it, and Blender has to end
        report |= {"ok": False, "error": traceback.format_exc()}
    print(json.dumps(report), flush=True)
    bpy.context.preferences.use_preferences_save = False
    sys.stdout.flush()
    if bpy.app.background:
        sys.exit(0 if report["ok"] else 1)
    bpy.ops.wm.quit_blender()


def _documents() -> tuple[Path, Path]:
    arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if arguments:
        return Path(arguments[0]), Path(arguments[1])
    addon_utils.enable(MODULE)
    data = Path(importlib.import_module(MODULE).__file__).parent / "sample_rigs" / "data"
    return data / "simspine_sample.osim", data / "walking.mot"


def _checks(model_path: Path, motion_path: Path) -> dict[str, Any]:
    addon_utils.enable(MODULE)
    before = _counts()
    bpy.ops.ed.undo_push(message="before the import")
    started = time.perf_counter()
    # True: with an undo step of the operator's own, as from the menu.
    done = bpy.ops.simspine.import_motion(
        "EXEC_DEFAULT", True, filepath=str(motion_path), model_path=str(model_path), with_markers=True
    )
    seconds = round(time.perf_counter() - started, 3)
    report = {"enabled": MODULE in bpy.context.preferences.addons, "finished": done == {"FINISHED"}, "seconds": seconds}
    report |= _poses(model_path, motion_path)
    report["failure_changes_nothing"] = _failure_changes_nothing(model_path)
    report |= _undo(before)
    report["preferences_kept"] = _preferences_kept(model_path)
    addon_utils.disable(MODULE)
    report["nothing_registered_after_disabling"] = not any("SIMSPINE" in name for name in dir(bpy.types))
    return report


def _poses(model_path: Path, motion_path: Path) -> dict[str, Any]:
    """The largest differences between the bodies in Blender and by kinematics, on frames spread over the motion."""
    modules = {
        name: importlib.import_module(f"{MODULE}.simspine_addon.{name}")
        for name in ("model.document", "model.motion", "kinematics.forward", "scene.armature", "scene.axes",
                     "scene.person_record", "spine.levels", "scene.timeline")
    }  # fmt: skip
    model = modules["model.document"].read_model(model_path)
    motion = modules["model.motion"].read_motion(motion_path, model)
    track = modules["kinematics.forward"].pose_track(model, motion)
    frames = modules["scene.axes"].frames_to_blender(track.positions, track.rotations)
    levels, angles = modules["spine.levels"].level_angles(model, track)
    armature, scene = bpy.context.view_layer.objects.active, bpy.context.scene
    keys = modules["scene.timeline"].key_frames(modules["scene.timeline"].read_clock(scene), motion.time)
    distance, turn, lumbar = 0.0, 0.0, 0.0
    for row in np.linspace(0, len(motion.time) - 1, 12).astype(int):
        scene.frame_set(int(np.floor(keys[row])), subframe=float(keys[row] % 1.0))
        _, shown = modules["scene.armature"].body_frames(armature)
        distance = max(distance, float(np.abs(shown[:, :3, 3] - frames[row, :, :3, 3]).max()))
        chord = np.linalg.norm(shown[:, :3, :3] - frames[row, :, :3, :3], axis=(1, 2)) / np.sqrt(8.0)
        turn = max(turn, float(np.degrees(2.0 * np.arcsin(np.clip(chord, 0.0, 1.0))).max()))
        now = modules["scene.person_record"].current_lumbar_angles(armature)
        table = [(each.flexion_extension, each.lateral_bending, each.axial_rotation) for each in now]
        if table:
            lumbar = max(lumbar, float(np.abs(np.array(table) - np.degrees(angles[row])).max()))
    record = modules["scene.person_record"].read_record(armature)
    return {
        "bodies": len(track.names),
        "samples": record.samples,
        "meshes_shown": record.pieces_shown,
        "meshes_named": record.pieces,
        "warnings": list(record.warnings),
        "lumbar_levels": [each.name for each in levels],
        "largest_distance_mm": distance * 1e3,
        "largest_angle_deg": turn,
        "largest_lumbar_error_deg": lumbar,
        "poses_right": distance <= LARGEST_DISTANCE_M and turn <= LARGEST_ANGLE_DEG,
        "lumbar_right": lumbar <= LARGEST_ANGLE_DEG and len(now) == len(levels),
    }


def _failure_changes_nothing(model_path: Path) -> bool:
    """An import that is refused leaves the scene as it was."""
    before = _counts()
    try:
        bpy.ops.simspine.import_motion(filepath=str(model_path.with_name("not there.mot")), model_path=str(model_path))
    except RuntimeError as error:  # how Blender hands an operator's error report to a script
        return "not there" in str(error) and _counts() == before
    return False


def _preferences_kept(model_path: Path) -> bool:
    """The model is remembered, and a folder for meshes can be added and removed."""
    preferences = bpy.context.preferences.addons[MODULE].preferences
    bpy.ops.simspine.add_geometry_folder()
    added = len(preferences.geometry_folders) == 1
    bpy.ops.simspine.remove_geometry_folder(index=0)
    return added and not preferences.geometry_folders and preferences.last_model == str(model_path)


def _undo(before: dict[str, int]) -> dict[str, Any]:
    """One step back takes the person away, one step forward brings it back."""
    imported = _counts()
    bpy.ops.ed.undo()
    undone = _counts()
    bpy.ops.ed.redo()
    return {"undo_takes_it_back": undone == before, "redo_brings_it_back": _counts() == imported}


def _counts() -> dict[str, int]:
    return {kind: len(getattr(bpy.data, kind)) for kind in KINDS}


if __name__ == "__main__":
    if bpy.app.background:
        main()
    else:
        bpy.app.timers.register(main, first_interval=1.0)  # once the window is there
