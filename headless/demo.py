"""`simspine demo`: everything once on the sample, from OpenSim files to an armature, an avatar and labelled images."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

from ..sample_rigs import MOTIONS, sample_model_path, sample_motion_path
from ..sample_rigs.avatars.mpfb_data import has_data
from ..sample_rigs.avatars.people import MANNEQUIN
from ..simspine_addon.kinematics.forward import pose_track
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.types import Model, Motion
from .bootstrap import quiet_stdout
from .documents import read_model_and_motion
from .import_blend import write_blend
from .render_avatar import FITTED

VIEW_ROWS = 3  # frames that are rendered, spread over the motion and away from its ends


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine demo`."""
    parser.add_argument("-o", "--output", type=Path, default=Path("simspine-demo"), metavar="DIR")
    parser.add_argument("--motion", choices=MOTIONS, default="lifting_with_twist", help="which sample motion")
    parser.add_argument("--size", type=int, default=480, metavar="PIXELS", help="side of the images (default 480)")
    parser.add_argument("--json", action="store_true", help="print a summary for machines")


def run(arguments: argparse.Namespace) -> int:
    """Run `simspine demo`."""
    started = time.perf_counter()
    output: Path = arguments.output
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made ({error.strerror})", path=output, hint="choose another with -o") from error
    model_path, motion_path = sample_model_path(), sample_motion_path(arguments.motion)
    model, motion = read_model_and_motion(model_path, motion_path)
    blend = output / "armature.blend"
    summary = write_blend(blend, model, motion)
    exports = _export(output, model, motion, model_path, motion_path)
    images = _render(arguments, output / "images", model_path, motion_path, len(motion.time))
    places = {
        "model": str(model_path),
        "motion": str(motion_path),
        "armature": str(blend),
        **exports,
        **images,
    }
    seconds = round(time.perf_counter() - started, 1)
    if arguments.json:
        print(json.dumps({"seconds": seconds, "bones": summary["bones"], "files": places}))
        return 0
    print(f"SimSpine demo: {arguments.motion.replace('_', ' ')}, done in {seconds} s")
    for what, place in places.items():
        print(f"  {what:<14} {place}")
    return 0


def _export(output: Path, model: Model, motion: Motion, model_path: Path, motion_path: Path) -> dict[str, str]:
    """The skeleton as BVH and GLB, the avatar as FBX, and the picture of how well the motion sits on it."""
    from ..exporters import export_bvh, export_glb
    from . import retarget_command

    places = {
        "skeleton, BVH": output / "skeleton.bvh",
        "skeleton, GLB": output / "skeleton.glb",
        "avatar, FBX": output / "avatar.fbx",
        "its report": output / "avatar.png",
    }
    bvh, glb, fbx, picture = places.values()
    track = pose_track(model, motion)
    export_bvh(bvh, track)
    export_glb(glb, track)
    parser = argparse.ArgumentParser()
    retarget_command.add_arguments(parser)
    words = [model_path, motion_path, "--avatar", _avatar(), "--articulate", "-o", fbx, "--picture", picture]
    with quiet_stdout():
        retarget_command.run(parser.parse_args([str(word) for word in words]))
    return {what: str(place) for what, place in places.items() if place.exists()}


def _avatar() -> str:
    return FITTED if has_data() else MANNEQUIN


def _render(
    arguments: argparse.Namespace, output: Path, model_path: Path, motion_path: Path, frames: int
) -> dict[str, str]:
    """Four views of a few frames with labels: the dressed avatar, the skeleton, and a sheet that shows both."""
    from . import overlay
    from .contact_sheet import write_comparison_sheet
    from .render_job import render_dataset
    from .render_request import RenderRequest

    step = max(1, frames // (VIEW_ROWS + 1))
    request = RenderRequest(
        model=model_path,
        motion=motion_path,
        output=output / "avatar",
        avatar=_avatar(),
        frames=f"{step}:{step * VIEW_ROWS + 1}:{step}",
        size=(arguments.size, arguments.size),
        overwrite=True,
    )
    with quiet_stdout():
        seen = render_dataset(request)
        cameras = str(seen.places["calibration"])
        bones = render_dataset(replace(request, output=output / "skeleton", avatar="skeleton", cameras=cameras))
    places = {what: str(path) for what, path in seen.places.items() if what != "contact sheet"}
    places["skeleton"] = str(bones.output)
    if overlay.can_draw() and seen.labels is not None and bones.labels is not None:
        sheet = output / "contact_sheet.png"
        title = f"{motion_path.stem.replace('_', ' ')}: the avatar, and the skeleton that moves it"
        sets = (("avatar", seen.labels, seen.images), ("skeleton", bones.labels, bones.images))
        write_comparison_sheet(sheet, sets, title)
        places["contact sheet"] = str(sheet)
    return places
