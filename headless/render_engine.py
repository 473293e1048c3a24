"""What renders here: Blender's version, its device and its boards, asked in this process or of another Blender.

`simspine render engine` prints it; where Python has no `bpy`, as on a cluster's login node, a Blender is started and
asked.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ..simspine_addon.model.errors import InputError
from .bootstrap import ROOT, quiet_stdout
from .dataset_files import read_job
from .render_config import DEVICES, DatasetConfig
from .shard_plan import Engine, code_hash
from .shard_process import BAD_INPUT, ask

_SCRIPT = ROOT / "headless" / "render.py"
_HINT = "give Blender's executable, 4.2 or later"


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


FindRenderer = Callable[[str], Renderer]  # of a kind of device, or "auto"


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


def renderer_for(config: DatasetConfig, folder: Path, find: FindRenderer) -> Renderer:
    """What will render a data set: on the kind of device that it was begun with, else on the one asked for.

    Args:
        config: of the data set.
        folder: where it is or will be.
        find: gives the renderer of a kind of device, such as `find_renderer`.

    Raises:
        InputError: there is no Blender, or this kind of device does not render.
    """
    begun = _device_begun_with(folder) if config.render.device == "auto" else None
    try:
        return find((begun or config.render.device).lower())
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
    program = chosen_program(blender)
    if program is None:
        return _this_process(device)
    found = shutil.which(program)
    if found is None:
        hint = "give Blender's executable with --blender, or pip install bpy"
        raise InputError(f"there is no program {program} here", hint=hint)
    program = Path(found).resolve()
    try:
        return renderer_of_answer(ask(question(program, device)), program)
    except OSError as error:
        raise InputError(f"does not start ({error})", path=program, hint=_HINT) from error


def chosen_program(blender: Path | None) -> Path | None:
    """The Blender to start: the one named, else the one on the search path if this Python has no `bpy`, else None."""
    if blender is not None or importlib.util.find_spec("bpy") is not None:
        return blender
    return Path("blender")


def question(program: Path | None, device: str) -> list[str]:
    """The command that tells what renders, for `ask`."""
    return [*render_script(program), "engine", "--device", device, "--json"]


def renderer_of_answer(answer: tuple[int, str, str], program: Path | None) -> Renderer:
    """The renderer that a process tells of.

    Raises:
        InputError: what the process found wrong, or that it did not answer.
    """
    code, out, err = answer
    said = [line for line in err.splitlines() if line.strip()]
    if code == BAD_INPUT and said:
        raise InputError(said[-1].removeprefix("simspine: "))
    for line in reversed(out.splitlines()):
        try:
            told = json.loads(line)
            boards, refused = tuple(told["boards"]), tuple(told["refused"])
            return Renderer(told["blender"], told["device"], told["denoises"], boards, refused, program)
        except (ValueError, KeyError, TypeError):
            continue
    reason = said[-1] if said else f"it ended with {code}"
    raise InputError(f"does not say what it renders on ({reason})", path=program or sys.executable, hint=_HINT)


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


def _device_begun_with(folder: Path) -> str | None:
    try:
        begun = (read_job(folder) or {}).get("settings")
    except InputError:  # whoever opens the folder says so
        return None
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
    return f" (not {'; not '.join(f'{_listed(names)}: {reason}' for reason, names in kinds.items())})"


def _listed(words: list[str]) -> str:
    return ", ".join(words)
