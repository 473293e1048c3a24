"""Motions as USD (UsdSkel), by Blender's exporter, from a temporary copy of what is exported."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..simspine_addon.model.atomic import atomic_path
from .blender_export import needed_operator, written_apart
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
    exporter, known = needed_operator("wm", "usd_export", "it was built without USD: use Blender's own builds")
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
        written_apart(path) as scratch,
    ):
        exporter(filepath=str(scratch), **{key: options[key] for key in options if key in known})
        if not _is_whole(scratch):
            raise RuntimeError("Blender could not finish the file; is the disk of its temporary folder full?")
        shutil.copyfile(scratch, temporary)


def _is_whole(path: Path) -> bool:
    """Whether a file of Blender's USD exporter is all there: on a full disk it stops short and does not tell."""
    if not path.exists():
        return False
    data = path.read_bytes()
    if path.suffix.lower() == ".usda":
        return data.rstrip().endswith(b"}")
    # A crate file's table of contents stands at its end, and the header says where (USD's crateFile.cpp).
    return data.startswith(b"PXR-USDC") and int.from_bytes(data[16:24], "little") < len(data)
