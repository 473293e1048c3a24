"""The extension's preferences: folders that hold meshes, and what an import starts with."""

# pyright: reportInvalidTypeForm=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, StringProperty

from .addon_id import ADDON_ID, preferences


class SIMSPINE_PG_geometry_folder(bpy.types.PropertyGroup):
    """A folder to look for meshes in, besides the model's own."""

    path: StringProperty(
        name="Folder", description="A folder that holds .vtp, .stl, .obj or .ply files", subtype="DIR_PATH"
    )


class SIMSPINE_OT_add_geometry_folder(bpy.types.Operator):
    """Add a folder in which to look for the meshes of models"""

    bl_idname = "simspine.add_geometry_folder"
    bl_label = "Add Geometry Folder"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _enabled(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        preferences(context).geometry_folders.add()
        return {"FINISHED"}


class SIMSPINE_OT_remove_geometry_folder(bpy.types.Operator):
    """Look for meshes in this folder no longer"""

    bl_idname = "simspine.remove_geometry_folder"
    bl_label = "Remove Geometry Folder"
    bl_options = {"INTERNAL"}

    index: IntProperty(min=0)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _enabled(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        preferences(context).geometry_folders.remove(self.index)
        return {"FINISHED"}


class SIMSPINE_AP_preferences(bpy.types.AddonPreferences):
    """What holds for every file."""

    bl_idname = ADDON_ID

    geometry_folders: CollectionProperty(type=SIMSPINE_PG_geometry_folder)
    with_meshes: BoolProperty(name="Bone Meshes", description="New imports show the meshes of the model", default=True)
    with_markers: BoolProperty(name="Markers", description="New imports show the markers of the model", default=False)
    last_model: StringProperty(
        name="Last Model",
        description="The model for a motion that comes without one and has none beside it; set by each import",
        subtype="FILE_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.label(text="Geometry folders, besides the one of each model:")
        for index, folder in enumerate(self.geometry_folders):
            row = layout.row(align=True)
            row.prop(folder, "path", text="")
            row.operator("simspine.remove_geometry_folder", text="", icon="X").index = index
        layout.operator("simspine.add_geometry_folder", text="Add Folder", icon="ADD")
        layout.separator()
        options = layout.column(heading="Import")
        options.use_property_split = True
        options.prop(self, "with_meshes")
        options.prop(self, "with_markers")
        options.prop(self, "last_model")


def _enabled(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    if preferences(context) is None:
        operator.poll_message_set("SimSpine is not enabled among the add-ons")
        return False
    return True
