"""Run the tests of the scene and the interface in an older Blender, which cannot share an environment with the rest.

    uv run --no-project --python 3.11 --with bpy==4.2.23 --with 'numpy<2' --with pytest tests/compat/run_compat.py

The checkout is registered as the package `simspine` without being installed, as `headless/render.py` does it. Further
arguments go to pytest; a path among them replaces the tests that are run by default.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCENE = ("axes", "bone_shape", "armature", "keyframes", "timeline", "channels", "geometry", "import_motion", "cameras")
SURROUNDINGS = ("surroundings", "surroundings_seat_space", "variety", "visibility", "backdrop")
RETARGETING = ("rig", "retarget_keys", "retarget_motion", "avatar_files", "rigify_controls")
NAMES = (*SCENE, *SURROUNDINGS, *RETARGETING, "articulate", "label_pixels")
TESTS = (*(ROOT / f"tests/scene/test_{name}.py" for name in NAMES), *sorted((ROOT / "tests/ui").glob("test_*.py")))


def register_checkout() -> None:
    """Make the checkout importable as `simspine`."""
    spec = importlib.util.spec_from_file_location(
        "simspine", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["simspine"] = package
    spec.loader.exec_module(package)


def run_here(arguments: list[str]) -> int:
    """Run pytest in this process; its exit code."""
    import pytest

    register_checkout()
    return int(pytest.main(["-q", "--rootdir", str(ROOT), "-p", "no:cacheprovider", *arguments]))


def run_each(arguments: list[str]) -> int:
    """Run every file in a process of its own, so that what one leaves behind in an old Blender harms no other."""
    import bpy
    import numpy

    print(f"Blender {bpy.app.version_string}, numpy {numpy.__version__}, Python {sys.version.split()[0]}", flush=True)
    failed = []
    for path in TESTS:
        done = subprocess.run([sys.executable, __file__, str(path), *arguments], check=False)
        if done.returncode != 0:
            failed.append(f"{path.relative_to(ROOT)} (exit code {done.returncode})")
    print(f"{len(TESTS) - len(failed)} passed, {len(failed)} failed", *failed, sep="\n  ", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    named = any(Path(each).exists() for each in sys.argv[1:])
    code = run_here(sys.argv[1:]) if named else run_each(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # bpy 4.5 never gets out of its own clean-up once Rigify was enabled
