"""Articulate Spine, and the way back: the vertebrae of an avatar as bones that its skin follows."""

# pyright: reportInvalidTypeForm=false
import bpy
from bpy.props import BoolProperty

from ..model.errors import InputError
from ..retarget.articulate_levels import CERVICAL, LUMBAR, THORACIC
from ..scene.articulate import articulate_armature
from ..scene.articulate_restore import restore_armature
from .reporting import report_warnings


class SIMSPINE_OT_articulate_spine(bpy.types.Operator):
    """Give the avatar its vertebrae as bones, and let its skin follow each of them"""

    bl_idname = "simspine.articulate_spine"
    bl_label = "Articulate Spine"
    bl_options = {"REGISTER", "UNDO"}

    thoracic: BoolProperty(
        name="Thoracic (T12 to T1)",
        description="Divide the thorax too, instead of one bone T12 for all of it",
        default=False,
    )
    cervical: BoolProperty(
        name="Cervical (C7 to C1)",
        description="Divide the neck too",
        default=False,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_armature(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = avatar_armature(context.active_object)
        assert armature is not None  # as `poll` made sure
        levels = (*LUMBAR, *(THORACIC if self.thoracic else ()), *(CERVICAL if self.cervical else ()))
        try:
            result = articulate_armature(armature, levels=levels)
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if not result.names:
            self.report({"INFO"}, f"'{armature.name}' has these vertebrae already")
            return {"CANCELLED"}
        what = f"'{armature.name}' has {len(result.names)} vertebrae ({result.names[0]} to {result.names[-1]})"
        report_warnings(self, result.warnings, f"{what}; {len(result.meshes)} meshes follow them")
        return {"FINISHED"}


class SIMSPINE_OT_restore_spine(bpy.types.Operator):
    """Take the vertebrae out again and give the skin back to the rig's own spine bones"""

    bl_idname = "simspine.restore_spine"
    bl_label = "Restore the Rig's Own Spine"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_armature(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = avatar_armature(context.active_object)
        assert armature is not None
        try:
            meshes = restore_armature(armature)
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"'{armature.name}' has its own spine again; {len(meshes)} meshes follow it")
        return {"FINISHED"}


def _has_armature(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    if avatar_armature(context.active_object) is None:
        operator.poll_message_set("the active object is neither an armature nor a mesh that one moves")
        return False
    return True


def avatar_armature(thing: bpy.types.Object | None) -> bpy.types.Object | None:
    """The armature that an object is, or that moves it."""
    if thing is None or thing.type == "ARMATURE":
        return thing
    for modifier in thing.modifiers:
        if modifier.type == "ARMATURE" and modifier.object is not None:  # type: ignore[attr-defined]
            return modifier.object  # type: ignore[attr-defined]
    parent = thing.parent
    return parent if parent is not None and parent.type == "ARMATURE" else None
