"""`simspine rigs`: the sample avatars, which bones of a rig play which role, and avatars as .blend files."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..sample_rigs.avatars.people import MANNEQUIN, PEOPLE
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.retarget.presets import choose_preset, presets
from ..simspine_addon.retarget.roles import NEEDED, ROLES, RoleMap, load_role_map, save_role_map
from ..simspine_addon.retarget.skeleton import Skeleton, make_skeleton
from .bootstrap import quiet_stdout
from .render_pathology import patient_of
from .retarget_avatar import bring_avatar, is_avatar_file, sample_arrays


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `simspine rigs`."""
    from ..sample_rigs.avatars.rigs import RIG_NAMES

    actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|build")
    listed = actions.add_parser("list", help="the sample avatars and the rig families that are known")
    listed.add_argument("--json", action="store_true", help="for machines")
    show = actions.add_parser("show", help="which bones of an avatar play which role")
    show.add_argument("avatar", metavar="FILE|NAME")
    show.add_argument("--rig", choices=RIG_NAMES, help="rig of a sample avatar; its own by default")
    show.add_argument("--armature", metavar="NAME", help="which armature of the file, where it has several")
    show.add_argument("--map", type=Path, metavar="MAP.json", help="check this bone map against the avatar")
    show.add_argument("--save", type=Path, metavar="MAP.json", help="save the map, to correct and use it")
    show.add_argument("--json", action="store_true", help="for machines")
    build = actions.add_parser("build", help="a sample avatar as a .blend file")
    build.add_argument("avatar", metavar="NAME")
    build.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.blend")
    build.add_argument("--rig", choices=RIG_NAMES, help="its own by default")
    build.add_argument("--model", type=Path, metavar="MODEL.osim", help="the model that 'fitted' is fitted to")


def run(arguments: argparse.Namespace) -> int:
    """Run `simspine rigs`."""
    return {"list": _list, "show": _show, "build": _build}[arguments.action](arguments)


def _list(arguments: argparse.Namespace) -> int:
    from ..sample_rigs.avatars.rigs import RIG_NAMES

    avatars = [{"name": name, "rig": person.rig, "description": person.description} for name, person in PEOPLE.items()]
    avatars.append({"name": MANNEQUIN, "rig": MANNEQUIN, "description": "a plain figure of 1.75 m that needs no data"})
    families = [{"name": each.name, "title": each.title} for each in presets()]
    if arguments.json:
        print(json.dumps({"avatars": avatars, "rigs": list(RIG_NAMES), "families": families}))
        return 0
    print("Sample avatars")
    for each in avatars:
        print(f"  {each['name']:12}{each['rig']:14}{each['description']}")
    print(f"  {'fitted':12}{'any of these':14}a person in the proportions of a model (simspine retarget)")
    print(f"\nRigs of the sample people (--rig): {', '.join(RIG_NAMES)}")
    print("\nRig families known by their bones' names")
    for each in families:
        print(f"  {each['name']:24}{each['title']}")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    skeleton, own_map = _skeleton(arguments)
    if arguments.map is not None:
        family, role_map, score = "own map", load_role_map(arguments.map), 1.0
        role_map.check(skeleton)
    elif own_map is not None:
        family, role_map, score = own_map.name, own_map, 1.0
    else:
        family, role_map, score = choose_preset(skeleton)
    facts = map_facts(skeleton, role_map, family, score)
    if arguments.save is not None:
        save_role_map(role_map, arguments.save)
    if arguments.json:
        print(json.dumps({"avatar": arguments.avatar, **facts}))
    else:
        print("\n".join(_table(arguments.avatar, facts)))
    return 0


def map_facts(skeleton: Skeleton, role_map: RoleMap, family: str, score: float) -> dict[str, Any]:
    """A role map as plain data: roles with their bones, roles without, and how well the family fits."""
    taken = {bone for bones in role_map.bones.values() for bone in bones}
    return {
        "bones": len(skeleton.names),
        "family": family,
        "score": score,
        "roles": {role: list(role_map.of(role)) for role in ROLES if role_map.of(role)},
        "unmapped_roles": [role for role in ROLES if not role_map.of(role)],
        "missing_roles": list(role_map.missing()),
        "bones_without_role": [name for name in skeleton.names if name not in taken],
    }


def _table(avatar: str, facts: dict[str, Any]) -> list[str]:
    how = "told by its shape" if facts["family"] == "structure" else f"family {facts['family']}"
    lines = [f"{avatar}: {facts['bones']} bones, {how} (score {facts['score']:.2f})", ""]
    width = max(len(role) for role in ROLES) + 2
    lines += [f"  {role:{width}}{', '.join(bones)}" for role, bones in facts["roles"].items()]
    lines.append("")
    if facts["unmapped_roles"]:
        lines.append(f"no bone for: {', '.join(facts['unmapped_roles'])}")
    needed = [role for role in facts["missing_roles"] if role in NEEDED]
    if needed:
        lines.append(f"needed for retargeting and missing: {', '.join(needed)}")
    lines.append(f"{len(facts['bones_without_role'])} bones play no role and follow what they hang on")
    return lines


def _skeleton(arguments: argparse.Namespace) -> tuple[Skeleton, RoleMap | None]:
    """The avatar's skeleton; sample avatars need no Blender for it."""
    if not is_avatar_file(arguments.avatar):
        arrays, _ = sample_arrays(arguments.avatar, None, arguments.rig)
        above = [None if p < 0 else arrays.bone_names[p] for p in arrays.parents]
        skeleton = make_skeleton(arrays.bone_names, above, arrays.heads, arrays.rest[:, :3, :3], arrays.tails)
        return skeleton, None
    with quiet_stdout():
        import bpy

        from ..simspine_addon.scene.rig import skeleton_of_armature
        from ..simspine_addon.scene.rigify_rig import is_generated_rigify, rigify_rig

        bpy.ops.wm.read_factory_settings(use_empty=True)
        avatar = bring_avatar(arguments.avatar, None, arguments.rig, arguments.armature)
        if is_generated_rigify(avatar.armature):
            return rigify_rig(avatar.armature).skeleton, avatar.role_map
        return skeleton_of_armature(avatar.armature), avatar.role_map


def _build(arguments: argparse.Namespace) -> int:
    from ..simspine_addon.model.document import read_model
    from .cli import warn

    output: Path = arguments.output
    if output.suffix != ".blend":
        raise InputError("does not end in .blend", path=output, hint="name a .blend file")
    if is_avatar_file(arguments.avatar):
        raise InputError("is a file already", path=arguments.avatar, hint="name a sample avatar")
    patient = patient_of(read_model(arguments.model)) if arguments.model is not None else None
    for text in patient.model.warnings if patient is not None else ():
        warn(text)
    with quiet_stdout():
        import bpy

        from ..simspine_addon.scene.save import save_blend

        bpy.ops.wm.read_factory_settings(use_empty=True)
        avatar = bring_avatar(arguments.avatar, patient and patient.built, arguments.rig)
        save_blend(output)
    bones = len(avatar.armature.data.bones)  # type: ignore[union-attr]
    print(f"{output}: '{avatar.armature.name}' with {bones} bones, rig {avatar.facts['rig']}")
    return 0
