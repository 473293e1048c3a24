"""The moved avatar as a file: .blend, .fbx, .glb, .usdc, or its skeleton as .bvh; whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.atomic import atomic_path
from ..simspine_addon.model.errors import InputError

if TYPE_CHECKING:
    import bpy

SUFFIXES = (".blend", ".fbx", ".glb", ".bvh", ".usdc")


def check_output(path: Path) -> None:
    """Refuse an output that cannot be written in the end, before any work is done.

    Raises:
        InputError: the suffix is not known, or the folder is missing.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"does not end in {', '.join(SUFFIXES)}", path=path, hint="choose one of these suffixes")
    if not path.parent.is_dir():
        raise InputError("its folder does not exist", path=path, hint=f"create {path.parent} first")


def export_avatar(path: Path, objects: Sequence[bpy.types.Object], track: PoseTrack) -> None:
    """Write the avatar with its motion.

    Args:
        path: its suffix chooses the format; a .blend holds the whole scene.
        objects: armature and meshes.
        track: the avatar's bones over time, for .bvh.

    Raises:
        InputError: the file cannot be written.
    """
    from ..exporters.bvh_writer import write_bvh
    from ..simspine_addon.scene.save import save_blend

    suffix = path.suffix.lower()
    if suffix == ".blend":
        save_blend(path)
    elif suffix == ".bvh":
        write_bvh(path, track)
    else:
        _select(objects)
        with atomic_path(path) as temporary:
            temporary.unlink()
            try:
                _WRITERS[suffix](temporary)
            except RuntimeError as error:
                reason = str(error).strip().splitlines()[-1].removeprefix("Error: ")
                raise InputError(f"cannot be written ({reason})", path=path) from error
            if not temporary.exists():
                raise InputError("cannot be written", path=path, hint="choose another format")


def _select(objects: Sequence[bpy.types.Object]) -> None:
    import bpy

    view_layer = bpy.context.view_layer
    for thing in view_layer.objects:
        thing.select_set(thing in objects)
    view_layer.objects.active = objects[0]


def _write_fbx(path: Path) -> None:
    """Bones as they are (no added leaves), every frame keyed, nothing simplified away, one take."""
    import bpy

    bpy.ops.export_scene.fbx(
        filepath=str(path),
        use_selection=True,
        object_types={"ARMATURE", "MESH"},
        add_leaf_bones=False,
        bake_anim=True,
        bake_anim_use_all_bones=True,
        bake_anim_use_nla_strips=False,
        bake_anim_use_all_actions=False,
        bake_anim_force_startend_keying=True,
        bake_anim_simplify_factor=0.0,
        mesh_smooth_type="FACE",
    )


def _write_glb(path: Path) -> None:
    """All bones, the one active action, sampled at every frame and not thinned out."""
    import bpy

    bpy.ops.export_scene.gltf(
        filepath=str(path),
        export_format="GLB",
        use_selection=True,
        export_animations=True,
        export_animation_mode="ACTIVE_ACTIONS",
        export_force_sampling=True,
        export_optimize_animation_size=False,
        export_def_bones=False,
    )


def _write_usd(path: Path) -> None:
    import bpy

    bpy.ops.wm.usd_export(filepath=str(path), selected_objects_only=True, export_animation=True, export_armatures=True)


_WRITERS: dict[str, Callable[[Path], None]] = {".fbx": _write_fbx, ".glb": _write_glb, ".usdc": _write_usd}
