"""Rigged characters from files (.blend, .fbx, .glb, .gltf, .vrm) into the scene, with the one armature that counts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..model.errors import InputError
from ..retarget.roles import RoleMap
from .rig import chosen_armature
from .rigify_rig import is_generated_rigify
from .vrm_bones import vrm_role_map

SUFFIXES = (".blend", ".fbx", ".glb", ".gltf", ".vrm")


@dataclass(frozen=True, slots=True)
class AvatarFile:
    """What came in: the armature, every object, and the bone map where the file itself has one (VRM)."""

    armature: bpy.types.Object
    objects: tuple[bpy.types.Object, ...]
    role_map: RoleMap | None = None


def load_avatar(scene: bpy.types.Scene, path: str | Path, armature: str | None = None) -> AvatarFile:
    """Bring a character into the scene's own collection.

    Of a .blend file the armature, what it deforms and what hangs on it come in, not its cameras and lights. Where a
    file has several armatures, the one that deforms a mesh counts, or else the one that Rigify generated.

    Args:
        scene: the current one.
        path: the file.
        armature: the name of the armature, where there are several.

    Raises:
        InputError: the file cannot be read, or has no armature, or several; nothing stays in the scene then.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError("is no avatar file", path=path, hint=f"choose one of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise InputError("there is no such file", path=path, hint="check the avatar's path")
    before = set(bpy.data.objects)
    try:
        if suffix == ".blend":
            things = _append(scene, path)
        else:
            _import(path, suffix)
            things = [thing for thing in bpy.data.objects if thing not in before]
        chosen = _choose(things, path, armature)
        role_map = vrm_role_map(path) if suffix == ".vrm" else None
        if role_map is not None and not all(
            bone in chosen.data.bones  # type: ignore[union-attr]
            for bones in role_map.bones.values()
            for bone in bones
        ):
            role_map = None  # the importer renamed bones; the names' own families decide
    except BaseException:
        bpy.data.batch_remove([thing for thing in bpy.data.objects if thing not in before])
        raise
    return AvatarFile(chosen, tuple(things), role_map)


def _append(scene: bpy.types.Scene, path: Path) -> list[bpy.types.Object]:
    try:
        with bpy.data.libraries.load(str(path), link=False) as (source, wanted):
            wanted.objects = list(source.objects)
    except OSError as error:
        raise InputError("cannot be read as a .blend file", path=path, hint="save it again from Blender") from error
    loaded = [thing for thing in wanted.objects if thing is not None]
    armatures = [thing for thing in loaded if thing.type == "ARMATURE"]
    kept = [*armatures, *(thing for thing in loaded if thing.type == "MESH" and _carriers(thing) & set(armatures))]
    for thing in kept:
        scene.collection.objects.link(thing)
    dropped = [thing for thing in loaded if thing not in kept and thing.users == 0]
    bpy.data.batch_remove(dropped)
    return kept


def _import(path: Path, suffix: str) -> None:
    try:
        if suffix == ".vrm":
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / f"{path.stem}.glb"
                shutil.copyfile(path, copy)
                _gltf(copy)
        elif suffix == ".fbx":
            _fbx(path)
        else:
            _gltf(path)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].removeprefix("Error: ")
        raise InputError(f"cannot be read ({reason})", path=path, hint="export it again") from error


def _gltf(path: Path) -> None:
    _operator("import_scene", "gltf", "io_scene_gltf2")(filepath=str(path))


def _fbx(path: Path) -> None:
    if hasattr(bpy.types, "WM_OT_fbx_import") or "fbx_import" in dir(bpy.ops.wm):
        bpy.ops.wm.fbx_import(filepath=str(path))
    else:
        _operator("import_scene", "fbx", "io_scene_fbx")(filepath=str(path), automatic_bone_orientation=False)


def _operator(family: str, name: str, addon: str) -> Callable[..., set[str]]:
    """An operator of one of Blender's own add-ons, which is enabled for it where it is not."""
    operators = getattr(bpy.ops, family)
    if name not in dir(operators):
        import addon_utils

        addon_utils.enable(addon, default_set=True)
    return getattr(operators, name)


def _choose(things: Iterable[bpy.types.Object], path: Path, wanted: str | None) -> bpy.types.Object:
    armatures = [thing for thing in things if thing.type == "ARMATURE"]
    if wanted is not None:
        named = [each for each in armatures if each.name == wanted]
        if not named:
            names = ", ".join(f"'{each.name}'" for each in armatures) or "none"
            raise InputError(f"there is no armature '{wanted}'", path=path, hint=f"its armatures: {names}")
        return named[0]
    carrying = {carrier for thing in things if thing.type == "MESH" for carrier in _carriers(thing)}
    deforming = [each for each in armatures if each in carrying]
    generated = [each for each in armatures if is_generated_rigify(each)]
    try:
        return chosen_armature(deforming or generated or armatures, "the file")
    except InputError as error:
        hint = "name one with --armature" if len(armatures) > 1 else error.hint
        raise InputError(error.problem, path=path, hint=hint) from error


def _carriers(mesh: bpy.types.Object) -> set[bpy.types.Object]:
    """The armatures that deform a mesh."""
    found = {each.object for each in mesh.modifiers if each.type == "ARMATURE" and each.object is not None}
    if mesh.parent is not None and mesh.parent.type == "ARMATURE":
        found.add(mesh.parent)
    return found
