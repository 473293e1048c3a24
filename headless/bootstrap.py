"""Make the package `simspine` importable from a checkout that nobody installed, without touching the search path.

Blender runs a script by its file name (`blender -b -P headless/render.py`), and its Python knows nothing of the
checkout that the file lies in. `load_package` registers the checkout's root as the package `simspine`, after which
`import simspine.…` works as if it were installed.
"""

from __future__ import annotations

import importlib.util
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType

PACKAGE = "simspine"
ROOT = Path(__file__).resolve().parent.parent


def load_package() -> ModuleType:
    """The package `simspine` of this checkout, registered if no one has done so yet."""
    if PACKAGE in sys.modules:
        return sys.modules[PACKAGE]
    spec = importlib.util.spec_from_file_location(PACKAGE, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{ROOT} holds no package")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)
    return module


def script_arguments(arguments: list[str]) -> list[str]:
    """What stands after `--`: Blender keeps what stands before it. Without `--`, all but the script's name."""
    return arguments[arguments.index("--") + 1 :] if "--" in arguments else arguments[1:]


@contextmanager
def quiet_stdout(show: bool = False) -> Iterator[None]:
    """Keep what Blender itself prints (`Fra:1 ...`, `Saved: ...`) out of stdout, which is for results.

    Blender writes to the file descriptor and not to Python's `sys.stdout`, so the descriptor is turned away: to
    nowhere, or to stderr if `show`.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    other = os.dup(2) if show else os.open(os.devnull, os.O_WRONLY)
    os.dup2(other, 1)
    try:
        # Operators report through Python's own `sys.stdout`, which need not be the descriptor.
        with redirect_stdout(sys.stderr if show else io.StringIO()):
            yield
    finally:
        _flush_c_streams()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(other)


def _flush_c_streams() -> None:
    """What C code printed waits in C's own buffer, and would come out after the descriptor is back."""
    import ctypes

    try:
        library = ctypes.cdll.ucrtbase if os.name == "nt" else ctypes.CDLL(None)
        library.fflush(None)
    except (OSError, AttributeError):
        return  # a Python without a C library to ask: then nothing of Blender is there either
