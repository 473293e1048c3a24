"""Render labelled images in Blender: `blender -b -P headless/render.py -- MODEL MOTION -o DIR` (see `--help`).

`python headless/render.py -- ...` does the same where Blender is installed as the module `bpy`.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType


def _bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_simspine_bootstrap", Path(__file__).with_name("bootstrap.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> int:
    bootstrap = _bootstrap()
    bootstrap.load_package()
    from simspine.headless.render_command import main as render  # pyright: ignore[reportMissingImports]

    return render(bootstrap.script_arguments(sys.argv))


def run() -> None:
    """Leave with the command's exit code: 1 for a failure, which Blender would otherwise turn into 0."""
    try:
        code = main()
    except Exception:  # noqa: BLE001 - the outermost edge: show it, and fail
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Blender says goodbye on stdout, which is for results
    sys.exit(code)


if __name__ == "__main__":
    run()
