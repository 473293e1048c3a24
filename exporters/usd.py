"""Motions as USD (UsdSkel), by Blender's exporter, from a temporary copy of what is exported."""

# bpy makes its submodules at run time, so their names cannot be checked
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from ..simspine_addon.model.atomic import atomic_path
from .blender_export import refusal_of
from .export_meshes import MeshCopy
from .export_scene import export_scene, file_space
from .export_track import ExportTrack
from .presets import METRES, ExportPreset


def write_usd_file(
    path: str | Path, motion: ExportTrack, preset: ExportPreset, name: str, meshes: Sequence[MeshCopy] = ()
) -> None:
    """Write one motion as a UsdSkel animation, from time code 0, a sample for every frame and joint, in metres.

    Raises:
        InputError: the file cannot be written.
    """
    space = file_space(preset, METRES)
    known = set(bpy.ops.wm.usd_export.get_rna_type().properties.keys())
    options: dict[str, Any] = {
        "export_animation": True,
        "export_armatures": True,
        "only_deform_bones": False,
        "convert_orientation": space.up == "Y",
        "export_global_up_selection": "Y",
        "export_global_forward_selection": "NEGATIVE_Z",
        "convert_scene_units": "METERS",
        "convert_world_material": False,
        "author_blender_name": False,
        "export_lights": False,
        "export_cameras": False,
        "relative_paths": True,
    }
    with (
        atomic_path(path) as temporary,
        export_scene(
            motion,
            space,
            name,
            meshes,
            sticks=True,  # USD knows a SkelRoot by what it holds to draw
        ),
        refusal_of(path),
    ):
        temporary.unlink()  # the exporter replaces no file that it did not make
        bpy.ops.wm.usd_export(filepath=str(temporary), **{key: options[key] for key in options if key in known})
        if not temporary.exists():
            raise RuntimeError("Blender wrote nothing")
