"""Run the tests of the scene and the interface in an older Blender, which cannot share an environment with the rest.

    uv run --no-project --python 3.11 --with bpy==4.2.23 --with 'numpy<2' --with pytest tests/compat/run_compat.py

The checkout is registered as the package `simspine` without being installed, as `headless/render.py` does it. Further
arguments go to pytest; a path among them replaces the tests that are run by default.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCENE = ("axes", "bone_shape", "armature", "keyframes", "timeline", "channels", "geometry", "import_motion", "cameras")
RETARGETING = ("rig", "retarget_keys", "retarget_motion", "avatar_files", "rigify_controls")
TESTS = (*(f"scene/test_{name}.py" for name in (*SCENE, *RETARGETING, "label_pixels")), "ui")


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


def main(arguments: list[str]) -> int:
    """Run pytest; its exit code."""
    import bpy
    import numpy
    import pytest

    register_checkout()
    print(f"Blender {bpy.app.version_string}, numpy {numpy.__version__}, Python {sys.version.split()[0]}")
    own = [str(ROOT / "tests" / name) for name in TESTS]
    paths = [] if any(Path(each).exists() for each in arguments) else own
    return int(pytest.main(["-q", "--rootdir", str(ROOT), "-p", "no:cacheprovider", *paths, *arguments]))


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # bpy 4.5 never gets out of its own clean-up once Rigify was enabled
