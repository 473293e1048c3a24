"""Select an imported person, and look at it."""

# pyright: reportInvalidTypeForm=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
import bpy
from bpy.props import BoolProperty, StringProperty

from ..scene.armature import leave_edit_modes
from .people import people


class SIMSPINE_OT_select_person(bpy.types.Operator):
    """Select the armature of an imported person and make it the active object"""

    bl_idname = "simspine.select_person"
    bl_label = "Select Imported Person"
    bl_options = {"REGISTER", "UNDO"}

    person: StringProperty(name="Person", description="Name of the armature; empty for the first one")
    frame_view: BoolProperty(name="Frame in View", description="Also bring it into view", options={"SKIP_SAVE"})

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        if properties.frame_view:
            return "Select this person's armature and bring it into view"
        return "Select this person's armature and make it the active object"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None or not people(context.scene):
            cls.poll_message_set("nothing has been imported into this scene")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        wanted = next((each for each in people(context.scene) if self.person in ("", each.name)), None)
        if wanted is None:
            self.report({"ERROR"}, f"there is no imported person named '{self.person}' in this scene")
            return {"CANCELLED"}
        if wanted.name not in context.view_layer.objects or not wanted.visible_get():
            self.report({"ERROR"}, f"'{wanted.name}' is hidden in this view layer; show it first")
            return {"CANCELLED"}
        if context.view_layer.objects.active != wanted:
            leave_edit_modes()
            for thing in context.selected_objects:
                thing.select_set(False)
            context.view_layer.objects.active = wanted
        wanted.select_set(True)
        if self.frame_view and context.region_data is not None:
            bpy.ops.view3d.view_selected()
        return {"FINISHED"}
