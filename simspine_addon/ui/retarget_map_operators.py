"""Find, correct, save and load the bone map of an avatar."""

# pyright: reportInvalidTypeForm=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..model.errors import InputError
from ..retarget.roles import ROLES, load_role_map, save_role_map
from ..scene.retarget_motion import read_target
from ..scene.rig import skeleton_of_armature
from ..scene.rigify_rig import is_generated_rigify
from .retarget_properties import choice_of, store_map, store_target, stored_map


def _avatar(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bpy.types.Object | None:
    """The avatar that is meant; says why there is none."""
    target = None if context.scene is None else choice_of(context)[1]
    if target is None:
        operator.poll_message_set("there is no avatar; make its armature active, or choose it in the panel")
    elif is_generated_rigify(target):
        operator.poll_message_set("the controls of a generated Rigify rig are known; it needs no bone map")
        return None
    return target


class SIMSPINE_OT_find_bone_map(bpy.types.Operator):
    """Find out which of the avatar's bones play which role: by their names, or else by the skeleton's shape"""

    bl_idname = "simspine.find_bone_map"
    bl_label = "Find Bones"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _avatar(cls, context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = choice_of(context)[1]
        try:
            target = read_target(armature)
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        store_target(target)
        self.report({"INFO"}, f"Bones of '{armature.name}' found: {target.preset}")
        return {"FINISHED"}


class SIMSPINE_OT_add_role_bone(bpy.types.Operator):
    """Give a role one more bone, at the end of its chain"""

    bl_idname = "simspine.add_role_bone"
    bl_label = "Add Bone to Role"
    bl_options = {"INTERNAL", "UNDO"}

    role: StringProperty()

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _avatar(cls, context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        if self.role not in ROLES:
            self.report({"ERROR"}, f"'{self.role}' is not a role")
            return {"CANCELLED"}
        entries = choice_of(context)[1].simspine_bone_map.entries
        entries.add().role = self.role
        after = [place for place, entry in enumerate(entries) if entry.role == self.role][:-1]
        entries.move(len(entries) - 1, after[-1] + 1 if after else len(entries) - 1)
        return {"FINISHED"}


class SIMSPINE_OT_save_bone_map(bpy.types.Operator, ExportHelper):
    """Save the avatar's bone map as a file, to use it again or to share it"""

    bl_idname = "simspine.save_bone_map"
    bl_label = "Save Bone Map"

    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _avatar(cls, context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = choice_of(context)[1]
        path = bpy.path.abspath(self.filepath)
        try:
            role_map = stored_map(armature) or read_target(armature).role_map
            save_role_map(role_map, path)
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Saved {path}")
        return {"FINISHED"}


class SIMSPINE_OT_load_bone_map(bpy.types.Operator, ImportHelper):
    """Load a bone map from a file and put it on the avatar"""

    bl_idname = "simspine.load_bone_map"
    bl_label = "Load Bone Map"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _avatar(cls, context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = choice_of(context)[1]
        try:
            role_map = load_role_map(bpy.path.abspath(self.filepath))
            role_map.check(skeleton_of_armature(armature))
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        store_map(armature, role_map, role_map.name or bpy.path.basename(self.filepath))
        self.report({"INFO"}, f"'{armature.name}' has the bone map of {bpy.path.basename(self.filepath)}")
        return {"FINISHED"}
