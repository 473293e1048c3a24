"""The moved avatar as a file: .blend, .fbx, .glb, .usdc, or its skeleton as .bvh; whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..simspine_addon.kinematics.pose_track import PoseTrack
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
        objects: the armature first, then its meshes.
        track: the avatar's bones over time.

    Raises:
        InputError: the file cannot be written.
    """
    from ..exporters.export import export_bvh, export_fbx, export_glb, export_usd
    from ..simspine_addon.scene.save import save_blend

    suffix, armature = path.suffix.lower(), objects[0]
    if suffix == ".blend":
        save_blend(path)
    elif suffix == ".bvh":
        export_bvh(path, track)
    elif suffix == ".glb":
        export_glb(path, track, armature=armature)
    elif suffix == ".fbx":
        export_fbx(path, track, own_bones=True, armature=armature)
    else:
        export_usd(path, track, own_bones=True, armature=armature)
