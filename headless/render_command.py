"""`simspine render` and `headless/render.py`: one recording by arguments, a data set by its file, and its upkeep."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import re
from collections.abc import Sequence
from pathlib import Path

from ..simspine_addon.model.errors import InputError
from .bootstrap import quiet_stdout
from .cli import run_command
from .render_avatar import RIGS
from .render_config import DEVICES, IMAGE_FORMATS, LABEL_KINDS, PLACEMENTS, QUALITIES, DatasetConfig
from .render_config_file import MOST_PIXELS, MOST_SAMPLES, read_config
from .render_config_recordings import AVATARS
from .render_inputs import checked_inputs
from .render_job import RunOptions, render_config
from .render_request import RenderRequest, config_of_request
from .render_result import RenderResult

DESCRIPTION = "Render motions from calibrated cameras, with exact 2D and 3D labels of the 37 SIMSPINE keypoints."
EPILOG = (
    "render verify DIR checks every file of a data set, render repair DIR makes anew what is damaged, "
    "render resume DIR goes on with one that was interrupted, render view DIR shows it in a page, "
    "render engine says what would render here."
)
# first word -> (module under headless, which has add_arguments and run; one line of help)
UPKEEP = {
    "verify": ("dataset_verify", "check every file of a data set against its checksums"),
    "repair": ("dataset_repair", "make anew what is missing or damaged in a data set"),
    "resume": ("render_resume", "go on with a data set that was interrupted"),
    "view": ("render_view", "a page that shows a data set"),
    "engine": ("render_engine", "what would render here: Blender, device, boards, and why not another"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `render`."""
    parser.epilog = EPILOG
    parser.add_argument("model", type=Path, nargs="?", metavar="MODEL", help="OpenSim model (.osim)")
    parser.add_argument("motion", type=Path, nargs="?", metavar="MOTION", help="joint angles (.mot, .sto)")
    parser.add_argument("--config", type=Path, metavar="FILE.toml", help="a data set of many recordings, instead")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder of the data set (with --config: its name)"
    )
    parser.add_argument("--check", action="store_true", help="print what would be made, and render nothing")
    _add_recording_arguments(parser)
    add_run_arguments(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace a data set of other settings in DIR")


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """What says who renders which part, and what is printed."""
    parser.add_argument(
        "--shard", type=_part, metavar="I/N", help="render every N-th shard from the I-th; all parts share one DIR"
    )
    parser.add_argument(
        "--cluster",
        metavar="SPEC",
        help="render by Dask: local:N, slurm:FILE (SLURMCluster's arguments) or tcp://HOST:PORT",
    )
    parser.add_argument(
        "--blender", type=Path, metavar="PROGRAM", help="the Blender that renders (default: this Python's)"
    )
    parser.add_argument(
        "--boards", type=_boards, metavar="all|N", help="how many GPUs to use, a process each (default: all)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--verbose", action="store_true", help="show what Blender prints, on stderr")


def _add_recording_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("one recording", "what --config says for a data set")
    group.add_argument(
        "--avatar",
        choices=AVATARS,
        help="what is seen: the model as skeleton, plain body or both; a dressed avatar fitted to it; the mannequin or "
        "a sample person (default: skeleton)",
    )
    group.add_argument("--rig", choices=RIGS, help="bones of a fitted or sample person (default: their own)")
    group.add_argument("--cameras", metavar="CALIB|PRESET", help="calibration file (.toml) or preset (default: h36m)")
    group.add_argument("--frames", metavar="A:B:S", help="rows of the motion, as in a Python slice (default: all)")
    group.add_argument("--size", type=_size, metavar="WxH", help="image size (default: the cameras', 1000x1000)")
    group.add_argument("--quality", choices=QUALITIES, help="(default: standard)")
    group.add_argument("--samples", type=_samples, metavar="N", help="rays a pixel (default: the quality's)")
    group.add_argument("--no-denoise", action="store_const", const=False, dest="denoise", help="leave the noise in")
    group.add_argument("--device", choices=DEVICES, help="what renders (default: auto)")
    group.add_argument("--seed", type=_seed, metavar="N", help="of all that is random (default: 0)")
    group.add_argument("--image-format", choices=IMAGE_FORMATS, help="(default: png)")
    group.add_argument("--placement", choices=PLACEMENTS, help="where vertebral keypoints lie (default: surface)")
    group.add_argument("--geometry", type=Path, action="append", metavar="DIR", help="bone meshes; repeatable")
    group.add_argument("--labels", type=_words, metavar="A,B", help=f"besides the keypoints: {', '.join(LABEL_KINDS)}")
    group.add_argument("--formats", type=_words, metavar="A,B", help="of the labels (default: coco)")
    group.add_argument("--overlays", action="store_const", const=True, help="also draw the labels on every image")


def run(arguments: argparse.Namespace) -> int:
    """Render as the arguments say and print what was made; 0 when done.

    Raises:
        InputError: something given cannot be used; nothing was written then.
    """
    config, output = _configuration(arguments)
    if arguments.check:
        from .render_check import plan_text

        place = output if arguments.config or arguments.output else None
        print(plan_text(config, checked_inputs(config), place, arguments.json), flush=True)
        return 0
    if arguments.cluster:
        from .render_cluster import render_on_cluster

        return show(render_on_cluster(config, output, arguments), arguments.json)
    with quiet_stdout(show=arguments.verbose):
        result = render_config(config, output, run_options(arguments, arguments.overwrite))
    return show(result, arguments.json)


def run_options(arguments: argparse.Namespace, overwrite: bool = False) -> RunOptions:
    """From the arguments that `add_run_arguments` declared."""
    return RunOptions(overwrite=overwrite, part=arguments.shard, boards=arguments.boards, blender=arguments.blender)


def main(arguments: Sequence[str]) -> int:
    """The command on its own: exit code 0 done, 2 bad input (one line on stderr)."""
    words = list(arguments)
    upkeep = upkeep_command(words[0] if words else "", words[1:])
    if upkeep is not None:
        return upkeep
    parser = argparse.ArgumentParser(prog="render.py", description=DESCRIPTION)
    add_arguments(parser)
    return run_command(lambda: run(parser.parse_args(words)))


def upkeep_command(word: str, arguments: Sequence[str]) -> int | None:
    """Run `render verify DIR` and its like; None where `word` is none of them."""
    if word not in UPKEEP:
        return None
    name, text = UPKEEP[word]
    if importlib.util.find_spec(f".{name}", __package__) is None:
        return run_command(lambda: _refuse(word))
    module = importlib.import_module(f".{name}", __package__)
    parser = argparse.ArgumentParser(prog=f"simspine render {word}", description=f"{text[0].upper()}{text[1:]}.")
    module.add_arguments(parser)
    return run_command(lambda: module.run(parser.parse_args(list(arguments))))


def show(result: RenderResult, as_json: bool) -> int:
    """Print what was made; 0."""
    print(json.dumps(result.summary()) if as_json else _text(result), flush=True)
    return 0


def _refuse(word: str) -> int:
    raise InputError(f"'render {word}' is not part of this version", hint="update SimSpine")


def _configuration(arguments: argparse.Namespace) -> tuple[DatasetConfig, Path]:
    """The configuration and the folder that arguments mean.

    Raises:
        InputError: neither a file nor a model and a motion, or both.
    """
    own = ("avatar", "rig", "cameras", "frames", "size", "quality", "samples", "denoise", "device", "seed")
    own += ("image_format", "placement", "geometry", "labels", "formats", "overlays")
    given = {name: getattr(arguments, name) for name in own if getattr(arguments, name) is not None}
    if arguments.config is not None:
        beside = ["MODEL"] * (arguments.model is not None) + [f"--{name.replace('_', '-')}" for name in given]
        if beside:
            raise InputError(f"{beside[0]} does not go with --config", hint=f"write it into {arguments.config.name}")
        config = read_config(arguments.config)
        return config, arguments.output or Path(re.sub(r"[^A-Za-z0-9._-]+", "-", config.name))
    if arguments.model is None or arguments.motion is None:
        raise InputError("there is nothing to render", hint="give MODEL and MOTION, or --config FILE.toml")
    if arguments.output is None and not arguments.check:
        raise InputError("there is no folder to render into", hint="give one with -o")
    output = arguments.output or Path()
    if "geometry" in given:
        given["geometry"] = tuple(given["geometry"])
    request = RenderRequest(arguments.model, arguments.motion, output, **given)
    _check_words(request)
    return config_of_request(request), output


def _check_words(request: RenderRequest) -> None:
    from ..exporters.dataset_formats import check_formats

    check_formats(request.formats)
    for kind in request.labels:
        if kind not in LABEL_KINDS:
            raise InputError(f"there are no labels '{kind}'", hint=f"choose {', '.join(LABEL_KINDS)}")


def _text(result: RenderResult) -> str:
    each = f", {result.seconds / result.rendered:.2f} s each" if result.rendered else ""
    left = [] if result.finished else [f"{result.shards_left} shards are still to be rendered by others"]
    if not result.finished and not result.shards_left:
        left = ["all shards are there"]
    return "\n".join(
        [
            f"{result.image_count} images ({result.rendered} rendered, {result.kept} kept) on {result.device}{each}",
            *left,
            *(f"{what:<13} {path}" for what, path in result.places.items()),
        ]
    )


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)[xX](\d+)", text)
    if not found or not all(1 <= int(side) <= MOST_PIXELS for side in found.groups()):
        raise argparse.ArgumentTypeError(f"'{text}' is not WIDTHxHEIGHT in pixels, such as 640x480")
    return int(found[1]), int(found[2])


def _boards(text: str) -> int | None:
    return None if text == "all" else _positive(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1")
    return int(text)


def _samples(text: str) -> int:
    if _positive(text) > MOST_SAMPLES:
        raise argparse.ArgumentTypeError(f"'{text}' is more than the {MOST_SAMPLES} that Cycles takes")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0")
    return int(text)


def _part(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"'{text}' is not I/N with I from 1 to N, such as 2/8")
    return int(found[1]), int(found[2])


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in text.split(",") if word))
