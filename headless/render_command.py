"""`simspine render` and `headless/render.py`: arguments in, a labelled image set out, one line if it cannot be."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

from .bootstrap import quiet_stdout
from .cli import run_command
from .render_avatar import RIGS
from .render_job import AVATARS, RenderRequest, RenderResult, render_dataset

DESCRIPTION = "Render a motion from calibrated cameras, with exact 2D and 3D labels of the 37 SIMSPINE keypoints."
PLACEMENTS = ("surface", "centroid")
DEVICES = ("auto", "cpu", "optix", "cuda", "hip", "oneapi", "metal")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `render`."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="OpenSim model (.osim)")
    parser.add_argument("motion", type=Path, metavar="MOTION", help="joint angles (.mot, .sto)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for images and labels")
    parser.add_argument(
        "--avatar",
        choices=AVATARS,
        default="skeleton",
        help="what is seen: the model as skeleton, plain body or both; a dressed avatar fitted to it; the mannequin or "
        "a sample person (default: %(default)s)",
    )
    parser.add_argument("--rig", choices=RIGS, help="bones of a fitted or sample person (default: their own)")
    parser.add_argument(
        "--cameras", default="h36m", metavar="CALIB|PRESET", help="calibration file (.toml) or preset (default: h36m)"
    )
    parser.add_argument(
        "--frames", default=":", metavar="A:B:S", help="rows of the motion, as in a Python slice (default: all)"
    )
    parser.add_argument("--size", type=_size, metavar="WxH", help="image size (default: the cameras', 1000x1000)")
    parser.add_argument("--samples", type=_positive, default=8, help="rays a pixel (default: %(default)s)")
    parser.add_argument("--no-denoise", action="store_true", help="leave the noise of few samples in the images")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="what renders (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the sampling noise (default: %(default)s)")
    parser.add_argument("--image-format", choices=("png", "jpg"), default="png", help="(default: %(default)s)")
    parser.add_argument(
        "--placement",
        choices=PLACEMENTS,
        default="surface",
        help="where vertebral keypoints lie (default: %(default)s)",
    )
    parser.add_argument(
        "--geometry", type=Path, action="append", default=[], metavar="DIR", help="folder with bone meshes; repeatable"
    )
    parser.add_argument("--overlays", action="store_true", help="also draw the labels on every image (needs Pillow)")
    parser.add_argument("--overwrite", action="store_true", help="replace a data set of other settings in DIR")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--verbose", action="store_true", help="show what Blender prints, on stderr")


def run(arguments: argparse.Namespace) -> int:
    """Render as the arguments say and print what was made; 0 when done.

    Raises:
        InputError: something given cannot be used; nothing was written then.
    """
    request = RenderRequest(
        model=arguments.model,
        motion=arguments.motion,
        output=arguments.output,
        avatar=arguments.avatar,
        rig=arguments.rig,
        cameras=arguments.cameras,
        frames=arguments.frames,
        size=arguments.size,
        samples=arguments.samples,
        denoise=not arguments.no_denoise,
        device=arguments.device,
        seed=arguments.seed,
        image_format=arguments.image_format,
        placement=arguments.placement,
        geometry=tuple(arguments.geometry),
        overlays=arguments.overlays,
        overwrite=arguments.overwrite,
    )
    with quiet_stdout(show=arguments.verbose):
        result = render_dataset(request)
    print(json.dumps(result.summary()) if arguments.json else _text(result), flush=True)
    return 0


def main(arguments: Sequence[str]) -> int:
    """The command on its own: exit code 0 done, 2 bad input (one line on stderr)."""
    parser = argparse.ArgumentParser(prog="render.py", description=DESCRIPTION)
    add_arguments(parser)
    return run_command(lambda: run(parser.parse_args(list(arguments))))


def _text(result: RenderResult) -> str:
    lines = [
        f"{result.image_count} images ({result.rendered} rendered, {result.kept} kept) on {result.device}"
        + (f", {result.seconds / result.rendered:.2f} s each" if result.rendered else ""),
        *(f"{what:<13} {path}" for what, path in result.places.items()),
    ]
    return "\n".join(lines)


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)[xX](\d+)", text)
    if not found or not all(1 <= int(side) <= 16384 for side in found.groups()):
        raise argparse.ArgumentTypeError(f"'{text}' is not WIDTHxHEIGHT in pixels, such as 640x480")
    return int(found[1]), int(found[2])


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1")
    return int(text)
