"""`simspine retarget`: a motion onto any avatar, with the shape of its spine, and a report of how well it went."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..simspine_addon.kinematics.forward import pose_track
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.types import Motion
from ..simspine_addon.retarget.roles import RoleMap, load_role_map
from ..simspine_addon.retarget.solve import RetargetOptions
from .avatar_export import check_output, export_avatar
from .bootstrap import quiet_stdout
from .documents import add_model_and_motion, read_model_and_motion
from .render_pathology import Patient, patient_of
from .retarget_avatar import AVATAR_NAMES, FITTED, articulated, bring_avatar, is_avatar_file

if TYPE_CHECKING:
    from ..simspine_addon.scene.retarget_motion import RetargetedMotion


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine retarget`."""
    from ..sample_rigs.avatars.rigs import RIG_NAMES

    add_model_and_motion(parser)
    parser.add_argument(
        "--avatar",
        default=FITTED,
        metavar="NAME|FILE",
        help=f"a sample avatar ({', '.join(AVATAR_NAMES)}) or a file (.blend, .fbx, .glb, .vrm); {FITTED} by default",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.blend|.fbx|.glb|.bvh|.usdc")
    parser.add_argument("--report", type=Path, metavar="R.json", help="write the measured quality")
    parser.add_argument("--picture", type=Path, metavar="P.png", help="draw the measured quality")
    parser.add_argument("--rig", choices=RIG_NAMES, help="rig of the sample avatar; its own by default")
    parser.add_argument("--armature", metavar="NAME", help="which armature of the file, where it has several")
    parser.add_argument(
        "--map", type=Path, metavar="MAP.json", help="bone map of the avatar; found by itself otherwise"
    )
    parser.add_argument(
        "--preset", metavar="FAMILY", help="rig family of the avatar's bones; chosen by itself otherwise"
    )
    parser.add_argument(
        "--articulate",
        nargs="?",
        const="lumbar",
        choices=("lumbar", "thoracic", "all"),
        help="first give the avatar vertebrae as bones: L5 to L1, or T12 to T1 too, or C7 to C1 too",
    )
    parser.add_argument(
        "--rigify",
        choices=("fk", "ik", "deform"),
        default="fk",
        help="on a generated Rigify rig: legs on FK or on IK controls, or the bare bones",
    )
    parser.add_argument(
        "--proportions", choices=("kept", "followed"), default="kept", help="the avatar's or the model's"
    )
    parser.add_argument("--feet", choices=("locked", "free"), default="locked", help="whether planted feet stay put")
    parser.add_argument(
        "--hands", choices=("free", "placed"), default="free", help="whether wrists reach the same places"
    )
    parser.add_argument(
        "--scale", type=float, metavar="S", help="size of the motion; the ratio of leg lengths otherwise"
    )
    parser.add_argument("--nla", action="store_true", help="push the action down as an NLA strip")
    parser.add_argument(
        "--source", action="store_true", help="keep the model's own armature beside the avatar (.blend)"
    )
    parser.add_argument("--json", action="store_true", help="print the report for machines")


def run(arguments: argparse.Namespace) -> int:
    """Run `simspine retarget`."""
    from .cli import warn

    output: Path = arguments.output
    check_output(output)
    if is_avatar_file(arguments.avatar) and not Path(arguments.avatar).is_file():
        raise InputError("there is no such file", path=arguments.avatar, hint="check the avatar's path")
    role_map = load_role_map(arguments.map) if arguments.map is not None else None
    model, motion = read_model_and_motion(arguments.model, arguments.motion)
    patient = patient_of(model)
    for text in patient.model.warnings[len(model.warnings) :]:
        warn(text)
    with quiet_stdout():
        done, facts, notes = _retarget(arguments, patient, motion, role_map)
    report = {"output": str(output), "avatar": arguments.avatar, **facts, **done.report}
    for note in (*done.keyed.notes, *notes):
        warn(note)
    if arguments.report is not None:
        with atomic_path(arguments.report) as temporary:
            temporary.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if arguments.picture is not None:
        _draw(arguments.picture, motion, done, report)
    if arguments.json:
        print(json.dumps(report))
    else:
        print("\n".join(_told(report)))
    return 0


def _retarget(
    arguments: argparse.Namespace, patient: Patient, motion: Motion, role_map: RoleMap | None
) -> tuple[RetargetedMotion, dict[str, Any], tuple[str, ...]]:
    """Everything that happens in Blender, the writing of the output included."""
    import bpy

    from ..simspine_addon.scene.import_motion import import_person
    from ..simspine_addon.scene.retarget_motion import lacking_vertebrae, read_target, retarget_motion
    from ..simspine_addon.scene.timeline import ensure_clock, grow_frame_range, key_frames

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    track = pose_track(patient.model, motion)
    if arguments.source:
        import_person(scene, patient.model, motion, track)
    clock, _ = ensure_clock(scene, track.time)
    frames = key_frames(clock, track.time)
    avatar = bring_avatar(arguments.avatar, patient.built, arguments.rig, arguments.armature)
    if arguments.articulate is not None:
        avatar, role_map = articulated(avatar, _levels(arguments.articulate), role_map), None
    target = read_target(avatar.armature, role_map or avatar.role_map, arguments.preset, arguments.rigify)
    done = retarget_motion(
        patient.rested(track),
        frames,
        target,
        options=RetargetOptions(
            proportions=arguments.proportions, feet=arguments.feet, hands=arguments.hands, scale=arguments.scale
        ),
        controls=arguments.rigify,
        name=_name(motion),
        nla=arguments.nla,
    )
    grow_frame_range(scene, float(frames[0]), float(frames[-1]))
    scene.frame_set(scene.frame_start)
    export_avatar(arguments.output, avatar.objects, done.result.track)
    return done, avatar.facts, lacking_vertebrae(done)


def _levels(which: str) -> tuple[str, ...]:
    from ..simspine_addon.retarget.articulate_levels import CERVICAL, LUMBAR, THORACIC

    return (*LUMBAR, *(THORACIC if which != "lumbar" else ()), *(CERVICAL if which == "all" else ()))


def _name(motion: Motion) -> str:
    return motion.path.stem if motion.path is not None else "motion"


def _draw(path: Path, motion: Motion, done: RetargetedMotion, report: dict[str, Any]) -> None:
    from .report_picture import write_report_picture

    title = f"{_name(motion).replace('_', ' ')} on {done.target.armature.name}"
    write_report_picture(path, title, done.source, done.source_map, done.target, done.result, report)


def _told(report: dict[str, Any]) -> list[str]:
    from ..simspine_addon.scene.retarget_motion import summary_lines

    lines = [
        f"{report['output']}: {report['frames']} frames on {report['bones']} bones "
        f"(bone map: {report['preset']}, size {report['scale']:.3f})",
        f"{'':18}{'here':>12}{'naive copy':>14}",
    ]
    lines += [f"{what:18}{here:>12}{naive:>14}" for what, here, naive in summary_lines(report)]
    if report["unmapped_roles"]:
        lines.append(f"only one of the two has: {', '.join(report['unmapped_roles'])}")
    return lines
