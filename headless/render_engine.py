"""What renders here: Blender's version, its device and its boards, asked in this process or of another Blender.

`simspine render engine` prints it; where Python has no `bpy`, as on a cluster's login node, a Blender is started to ask.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ..simspine_addon.model.errors import InputError
from .bootstrap import ROOT, quiet_stdout
from .dataset_files import read_job
from .render_config import DEVICES, DatasetConfig
from .shard_plan import Engine, code_hash

_SCRIPT = ROOT / "headless" / "render.py"
_BAD_INPUT = 2  # exit code
_SECONDS_TO_ANSWER = 600.0  # a GPU compiles its kernels the first time


@dataclass(frozen=True, slots=True)
class Renderer:
    """A Blender and what it renders on.

    `device` is the kind, "CPU" or "OPTIX"; `boards` are the names of this kind's; `refused` says of every kind that was
    tried before why it was not taken. `program` is Blender's executable, None where this process is Blender.
    """

    blender: str
    device: str
    denoises: bool
    boards: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    program: Path | None = None

    @property
    def engine(self) -> Engine:
        """What of it decides about bytes."""
        return Engine(code_hash(), self.blender, self.device, self.denoises)

    def __str__(self) -> str:
        device = f"{self.device} ({', '.join(self.boards)})" if self.boards else self.device
        return f"{device}{_why_not(self.refused)}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `render engine`."""
    parser.add_argument("--device", choices=DEVICES, default="auto", help="what to try (default: auto)")
    parser.add_argument("--blender", type=Path, metavar="PROGRAM", help="the Blender to ask (default: this Python's)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--verbose", action="store_true", help="show what Blender prints, on stderr")


def run(arguments: argparse.Namespace) -> int:
    """Print what renders; 0.

    Raises:
        InputError: there is no Blender, or the device asked for does not render.
    """
    with quiet_stdout(show=arguments.verbose):
        found = find_renderer(arguments.device, arguments.blender)
    if arguments.json:
        told = asdict(found)
        del told["program"]
        print(json.dumps(told), flush=True)
    else:
        noise = "" if found.denoises else ", which cannot denoise"
        print(f"Blender {found.blender}{noise}, renders on {found}", flush=True)
    return 0


def renderer_for(config: DatasetConfig, folder: Path, blender: Path | None = None) -> Renderer:
    """What will render a data set: on the kind of device that it was begun with, else on the one asked for.

    Args:
        config: of the data set.
        folder: where it is or will be.
        blender: the program to use; without one this Python, or the Blender on the search path if it has no `bpy`.

    Raises:
        InputError: there is no Blender, or this kind of device does not render.
    """
    begun = _device_begun_with(folder) if config.render.device == "auto" else None
    try:
        return find_renderer((begun or config.render.device).lower(), blender)
    except InputError as error:
        if begun is None:
            raise
        problem = f"was begun on {begun}, which does not render here"
        raise InputError(problem, path=folder, hint="go on where there is one, or choose another folder") from error


def find_renderer(device: str, blender: Path | None = None) -> Renderer:
    """This process as a renderer, or the Blender that is named or found; the device is tried out.

    Raises:
        InputError: there is no Blender, it does not start, or the device asked for does not render.
    """
    if blender is None and importlib.util.find_spec("bpy") is not None:
        return _this_process(device)
    named = blender or shutil.which("blender")
    program = None if named is None else shutil.which(named)
    if named is None:
        raise InputError("there is no Blender here", hint="pip install bpy, or name one with --blender PROGRAM")
    if program is None:
        raise InputError("is no program", path=named, hint="give Blender's executable with --blender")
    return _other_process(Path(program).resolve(), device)


def render_script(blender: Path | None) -> list[str]:
    """The command that runs `headless/render.py`, in this Python or in a Blender, as far as its arguments."""
    if blender is None:
        bpy = sys.modules.get("bpy")
        own = "" if bpy is None else bpy.app.binary_path  # empty in Python; within Blender, sys.executable lacks bpy
        if not own:
            return [sys.executable, str(_SCRIPT), "--"]
        blender = Path(own)
    return [str(blender), "-b", "-P", str(_SCRIPT), "--"]


def _this_process(device: str) -> Renderer:
    import bpy

    from ..simspine_addon.scene import render as cycles
    from .render_stage import empty_scene

    empty_scene()
    chosen = cycles.choose_device(device)
    return Renderer(bpy.app.version_string, chosen.kind, cycles.can_denoise(), chosen.names, chosen.refused)


def _other_process(program: Path, device: str) -> Renderer:
    command = [*render_script(program), "engine", "--device", device, "--json"]
    hint = "give Blender's executable, 4.2 or later"
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", check=False, timeout=_SECONDS_TO_ANSWER
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"does not start ({error})", path=program, hint=hint) from error
    said = [line for line in done.stderr.splitlines() if line.strip()]
    if done.returncode == _BAD_INPUT and said:
        raise InputError(said[-1].removeprefix("simspine: "))
    for line in reversed(done.stdout.splitlines()):
        try:
            told = json.loads(line)
            boards, refused = tuple(told["boards"]), tuple(told["refused"])
            return Renderer(told["blender"], told["device"], told["denoises"], boards, refused, program)
        except (ValueError, KeyError, TypeError):
            continue
    reason = said[-1] if said else f"it ended with {done.returncode}"
    raise InputError(f"does not say what it renders on ({reason})", path=program, hint=hint)


def _device_begun_with(folder: Path) -> str | None:
    begun = (read_job(folder) or {}).get("settings")
    engine = begun.get("engine") if isinstance(begun, Mapping) else None
    return str(engine["device"]) if isinstance(engine, Mapping) and "device" in engine else None


def _why_not(refused: tuple[str, ...]) -> str:
    """In brackets, why other kinds of device were not taken, those of one reason together."""
    kinds: dict[str, list[str]] = {}
    for each in refused:
        kind, _, reason = each.partition(": ")
        kinds.setdefault(reason, []).append(kind)
    if not kinds:
        return ""
    return f" (not {'; not '.join(f'{', '.join(names)}: {reason}' for reason, names in kinds.items())})"
