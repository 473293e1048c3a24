"""Motions as FBX, by Blender's exporter with our settings, from a temporary copy of what is exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..simspine_addon.model.atomic import atomic_path
from .blender_export import needed_operator, written_apart
from .export_meshes import MeshCopy
from .export_scene import export_scene, file_space
from .export_track import ExportTrack
from .fbx_file import mend_fbx
from .presets import CENTIMETRES, ExportPreset

_AXES = {"Y": ("Y", "-Z"), "Z": ("Z", "Y")}  # up and forward as Blender's exporter calls them: neither turns our data
_SKIPPED_BY_UNREAL = "Armature"


def write_fbx_file(
    path: str | Path, motion: ExportTrack, preset: ExportPreset, name: str, meshes: Sequence[MeshCopy] = ()
) -> None:
    """Write one motion as one take of a binary FBX file, from 0 s, a key for every frame and bone.

    No bones are added at the ends, nothing is simplified, and no node is scaled or turned.

    Raises:
        InputError: the file cannot be written.
    """
    space = file_space(preset, CENTIMETRES)
    exporter, _ = needed_operator("export_scene", "fbx", "enable the add-on FBX format in Blender's preferences")
    up, forward = _AXES[space.up]
    # Unreal's importer takes an object of exactly this name for a mere container and skips it.
    label = "Skeleton" if name == _SKIPPED_BY_UNREAL else name
    with (
        atomic_path(path) as temporary,
        export_scene(motion, space, label, meshes, sticks=preset.sticks),
        written_apart(path) as scratch,
    ):
        exporter(
            filepath=str(scratch),
            object_types={"ARMATURE", "MESH"},
            apply_unit_scale=True,
            apply_scale_options="FBX_SCALE_ALL",  # the unit stands in the file's header, not in the nodes' scales
            axis_up=up,
            axis_forward=forward,
            add_leaf_bones=False,
            bake_anim=True,
            bake_anim_use_all_bones=True,
            bake_anim_use_nla_strips=False,
            bake_anim_use_all_actions=False,
            bake_anim_force_startend_keying=True,
            bake_anim_simplify_factor=0.0,
            use_custom_props=False,
            mesh_smooth_type="FACE",
            path_mode="COPY",
            embed_textures=True,
        )
        mend_fbx(scratch, temporary, object_node=None if preset.object_node else label)
