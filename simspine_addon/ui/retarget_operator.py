"""Put an imported motion onto an avatar."""

# pyright: reportInvalidTypeForm=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
import bpy

from ..model.errors import InputError
from ..retarget.articulate_bones import articulated_map
from ..retarget.solve import RetargetOptions
from ..scene.armature import leave_edit_modes
from ..scene.read_pose import read_pose
from ..scene.retarget_motion import (
    RetargetedMotion,
    TargetRig,
    lacking_vertebrae,
    read_target,
    retarget_motion,
    summary_lines,
)
from ..scene.rig import skeleton_of_armature
from ..scene.rigify_rig import is_generated_rigify
from ..scene.timeline import grow_frame_range
from .people import straightened_person
from .reporting import report_warnings, scene_can_take
from .retarget_properties import SIMSPINE_PG_retarget_choice, choice_of, store_target, stored_map


class SIMSPINE_OT_retarget(bpy.types.Operator):
    """Carry the motion of the imported person over to the avatar, with the shape of its spine"""

    bl_idname = "simspine.retarget"
    bl_label = "Retarget"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not scene_can_take(cls, context):
            return False
        _, _, missing = choice_of(context)
        if missing:
            cls.poll_message_set(missing)
        return not missing

    def execute(self, context: bpy.types.Context) -> set[str]:
        source, armature, missing = choice_of(context)
        if missing or source is None or armature is None:
            self.report({"ERROR"}, missing)
            return {"CANCELLED"}
        leave_edit_modes()
        try:
            done, notes = _retarget(context.scene, source, armature)
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        best = summary_lines(done.report)[0]
        said = f"'{armature.name}' now moves as '{source.name}': spine within {best[1]} (naive copy {best[2]})"
        report_warnings(self, notes, said)
        return {"FINISHED"}


def target_of(armature: bpy.types.Object) -> TargetRig:
    """The avatar with its stored bone map, or with the one that is found and stored now.

    Where the avatar has been articulated since, its vertebrae take the spine's role.

    Raises:
        InputError: the armature cannot be moved, is no humanoid, or its stored map does not fit it.
    """
    stored = None if is_generated_rigify(armature) else stored_map(armature)
    if stored is not None:
        stored = articulated_map(skeleton_of_armature(armature), stored)
    target = read_target(armature, stored)
    store_target(target)
    return target


def _retarget(
    scene: bpy.types.Scene, source: bpy.types.Object, armature: bpy.types.Object
) -> tuple[RetargetedMotion, tuple[str, ...]]:
    choice: SIMSPINE_PG_retarget_choice = scene.simspine_retarget
    target = target_of(armature)
    reading = read_pose(source, scene=scene)
    straight, problem = straightened_person(source)
    done = retarget_motion(
        reading.track if straight is None else straight.rested(reading.track),
        reading.frames,
        target,
        options=RetargetOptions(
            proportions=choice.proportions,
            feet=choice.feet,
            hands=choice.hands,
            scale=choice.scale if choice.own_scale else None,
        ),
        controls=choice.rigify,
        name=f"{armature.name} {source.name}",
        nla=choice.nla,
    )
    notes = (*reading.warnings, *filter(None, [problem]), *lacking_vertebrae(done), *done.keyed.notes)
    notes += grow_frame_range(scene, float(reading.frames[0]), float(reading.frames[-1]))
    return done, notes
