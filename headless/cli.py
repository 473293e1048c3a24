"""The command line: `simspine COMMAND`. Results on stdout, progress and warnings on stderr."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence

from ..simspine_addon.model.errors import InputError

DONE, FAILED, BAD_INPUT = 0, 1, 2

# command -> (module under headless with `add_arguments` and `run`, one line of help)
COMMANDS = {
    "demo": ("demo", "the sample, from OpenSim files to an armature and labelled images"),
    "info": ("info", "what a model and a motion hold, and what is odd about them"),
    "fk": ("fk", "forward kinematics to .npz, .trc or .sto"),
    "scale": ("scale_command", "a model scaled to a person by marker distances"),
    "deform": ("deform_command", "a model with a pathology of the spine or legs"),
    "ik": ("ik_command", "joint angles from markers"),
    "import": ("import_blend", "armature, bones, animation and cameras into a .blend file"),
    "retarget": ("retarget_command", "a motion onto any avatar, and how well it went"),
    "export": ("export_command", "the model's own skeleton for Unreal, Unity, Godot, Maya and others"),
    "rigs": ("rigs_command", "the sample avatars, and which bones of a rig play which role"),
    "render": ("render_command", "multi-view images with exact labels"),
    "stats": ("stats_command", "curvature and range of motion of the spine, beside published figures"),
    "detect": ("detect_command", "keypoints of people in videos or images, by a pose network in ONNX"),
    "annotate": ("annotate_command", "calibrated video to a SIMSPINE data set: every stage, checked"),
    "triangulate": ("triangulate_command", "2D detections of calibrated views to marker tracks, with a report"),
    "bench": ("bench", "benchmarks against a rival in the same run"),
}


def build_parser(chosen: str | None = None) -> argparse.ArgumentParser:
    """The parser of all commands; only the chosen command's module is imported, so that help is instant."""
    parser = argparse.ArgumentParser(
        prog="simspine",
        description="Simulated human motion with a spine that bends, in Blender and as labelled images.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name == chosen:
            importlib.import_module(f".{module}", __package__).add_arguments(command)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; gives 0 for done, 2 for bad input, 1 for failure."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["render"] and len(words) > 1:
        from .render_command import upkeep_command

        code = upkeep_command(words[1], words[2:])
        if code is not None:
            return code
    chosen = next((word for word in words if word in COMMANDS), None)
    namespace = build_parser(chosen).parse_args(words)
    module = importlib.import_module(f".{COMMANDS[namespace.command][0]}", __package__)
    return run_command(lambda: module.run(namespace))


def run_command(command: Callable[[], int]) -> int:
    """Call `command()` and turn what a person can mend into one line and exit code 2."""
    try:
        return command()
    except InputError as error:
        print(f"simspine: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("simspine: interrupted; what was finished stays, nothing half-written", file=sys.stderr)
        return FAILED


def warn(text: str) -> None:
    """One warning on stderr."""
    print(f"simspine: warning: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
