"""File > Export: an armature's motion as BVH, GLB, FBX or USD, or back to OpenSim's and motion capture's files."""

# pyright: reportInvalidTypeForm=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty
from bpy_extras.io_utils import ExportHelper

from ...exporters.armature_motion import export_armature_motion
from ...exporters.armature_track import armature_track
from ...exporters.export import EXPORTERS
from ...exporters.presets import export_presets
from ..model.errors import InputError
from .people import current_person
from .reporting import report_warnings

_PRESETS = tuple((preset.name, preset.title, preset.about) for preset in export_presets())
_NAMES = (
    ("preset", "As the preset says", "The names that the preset wants"),
    ("own", "Own", "The names that the bones have"),
    ("unreal_5", "Unreal mannequin", "The names of Unreal Engine 5's mannequin"),
    ("unity_humanoid", "Unity humanoid", "The names of Unity's humanoid"),
)


class _ArmatureExport(ExportHelper):
    """What the exports of an armature's motion share."""

    check_extension = True

    fps: FloatProperty(
        name="Frame Rate",
        description="Resample to so many frames a second; 0 keeps the motion's own",
        default=0.0,
        min=0.0,
        soft_max=240.0,
        max=1000.0,
        precision=2,
    )
    scene_range: BoolProperty(
        name="Scene Range", description="The scene's frame range instead of that of the keys", default=False
    )
    preset: EnumProperty(name="For", description="What the file is for", items=_PRESETS, default="generic")
    bone_names: EnumProperty(name="Bone Names", description="How the bones are called", items=_NAMES)
    with_meshes: BoolProperty(
        name="Meshes", description="Take along the visible meshes that the armature moves", default=True
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_armature(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.filepath:
            self.filepath = f"{bpy.path.clean_name(_armature(context).name)}{self.filename_ext}"
        return super().invoke(context, event)

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "preset")
        layout.prop(self, "bone_names")
        layout.prop(self, "fps")
        layout.prop(self, "scene_range")
        if self.filename_ext != ".bvh":
            layout.prop(self, "with_meshes")

    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = _armature(context)
        suffix = Path(self.filepath).suffix.lower()
        options: dict[str, Any] = {} if suffix == ".bvh" else {"name": armature.name}
        if self.with_meshes and suffix != ".bvh":
            options["armature"] = armature
        try:
            motion = armature_track(armature, context.scene, scene_range=self.scene_range)
            if suffix not in EXPORTERS:
                raise InputError(f"does not end in {self.filename_ext}", path=self.filepath, hint="choose another name")
            if suffix not in (".bvh", ".glb"):
                options["own_bones"] = motion.own_bones
            result = EXPORTERS[suffix](
                Path(bpy.path.abspath(self.filepath)),
                motion.track,
                preset=self.preset,
                fps=self.fps or None,
                names=None if self.bone_names == "preset" else self.bone_names,
                **options,
            )
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        files = " and ".join(path.name for path in (result.path, *result.beside))
        done = f"Exported {result.frames} frames at {result.fps:g} fps to {files}"
        report_warnings(self, (*motion.warnings, *result.warnings), done)
        return {"FINISHED"}


class SIMSPINE_OT_export_bvh(bpy.types.Operator, _ArmatureExport):
    """Write the armature's motion as BVH, exact and without flips"""

    bl_idname = "simspine.export_bvh"
    bl_label = "Export BVH"
    bl_options = {"REGISTER", "PRESET"}
    filename_ext = ".bvh"
    filter_glob: StringProperty(default="*.bvh", options={"HIDDEN"})


class SIMSPINE_OT_export_glb(bpy.types.Operator, _ArmatureExport):
    """Write the armature's motion and meshes as binary glTF"""

    bl_idname = "simspine.export_glb"
    bl_label = "Export GLB"
    bl_options = {"REGISTER", "PRESET"}
    filename_ext = ".glb"
    filter_glob: StringProperty(default="*.glb", options={"HIDDEN"})


class SIMSPINE_OT_export_fbx(bpy.types.Operator, _ArmatureExport):
    """Write the armature's motion and meshes as FBX for an engine"""

    bl_idname = "simspine.export_fbx"
    bl_label = "Export FBX"
    bl_options = {"REGISTER", "PRESET"}
    filename_ext = ".fbx"
    filter_glob: StringProperty(default="*.fbx", options={"HIDDEN"})


class SIMSPINE_OT_export_usd(bpy.types.Operator, _ArmatureExport):
    """Write the armature's motion and meshes as USD (UsdSkel)"""

    bl_idname = "simspine.export_usd"
    bl_label = "Export USD"
    bl_options = {"REGISTER", "PRESET"}
    filename_ext = ".usdc"
    check_extension = None  # .usda is as good
    filter_glob: StringProperty(default="*.usdc;*.usda", options={"HIDDEN"})


class SIMSPINE_OT_export_opensim(bpy.types.Operator, ExportHelper):
    """Write an imported person's motion in the model's own coordinates, or its markers"""

    bl_idname = "simspine.export_opensim"
    bl_label = "Export OpenSim"
    bl_options = {"REGISTER", "PRESET"}
    filename_ext = ".mot"
    check_extension = None  # the name's own ending chooses the format
    filter_glob: StringProperty(default="*.mot;*.sto;*.trc;*.c3d", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if current_person(context) is None:
            cls.poll_message_set("select a person that was imported from OpenSim")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.filepath:
            self.filepath = f"{bpy.path.clean_name(current_person(context).name)}.mot"
        return super().invoke(context, event)

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        for text in (".mot, .sto: joint angles", ".trc, .c3d: markers"):
            column.label(text=text)

    def execute(self, context: bpy.types.Context) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath))
        try:
            written = export_armature_motion(path, current_person(context), scene=context.scene)
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        report_warnings(self, written.notes, f"Exported {written.frames} frames to {path.name}")
        return {"FINISHED"}


CLASSES = (
    SIMSPINE_OT_export_opensim,
    SIMSPINE_OT_export_bvh,
    SIMSPINE_OT_export_glb,
    SIMSPINE_OT_export_fbx,
    SIMSPINE_OT_export_usd,
)


def menu_entries(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    """The entries under File > Export."""
    menu.layout.operator(SIMSPINE_OT_export_opensim.bl_idname, text="OpenSim motion (.mot/.sto/.trc/.c3d)")
    menu.layout.operator(SIMSPINE_OT_export_bvh.bl_idname, text="BVH (SimSpine) (.bvh)")
    menu.layout.operator(SIMSPINE_OT_export_glb.bl_idname, text="GLB (SimSpine) (.glb)")
    menu.layout.operator(SIMSPINE_OT_export_fbx.bl_idname, text="FBX (SimSpine) (.fbx)")
    menu.layout.operator(SIMSPINE_OT_export_usd.bl_idname, text="USD (SimSpine) (.usdc/.usda)")


def _has_armature(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    if _armature(context) is None:
        operator.poll_message_set("select an armature, or the mesh that one moves")
        return False
    return True


def _armature(context: bpy.types.Context) -> bpy.types.Object | None:
    """The active armature, the one that moves the active mesh, or the only person."""
    active = context.view_layer.objects.active if context.view_layer else None
    for thing in (active, active.parent if active else None, active.find_armature() if active else None):
        if thing is not None and thing.type == "ARMATURE":
            return thing
    return current_person(context)
