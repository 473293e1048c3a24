"""Add a sample avatar: a person of the sample, the mannequin, or one in the imported person's proportions."""

# pyright: reportInvalidTypeForm=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
import bpy
from bpy.props import EnumProperty

from ...sample_rigs.avatars.avatar import Avatar
from ...sample_rigs.avatars.people import MANNEQUIN, NAMES, PEOPLE, sample_avatar
from ..model.document import read_model
from ..model.errors import InputError
from ..scene.armature import leave_edit_modes
from ..scene.avatar import add_avatar
from ..scene.import_motion import MODEL_PROPERTY, all_or_nothing
from .people import current_person, straightened_person
from .reporting import scene_can_take

FITTED, OWN_RIG = "fitted", "own"
_RIGS = (
    (OWN_RIG, "Their Own", "The rig that this person comes with"),
    ("default", "MakeHuman", "MakeHuman's own rig of 163 bones"),
    ("mixamo", "Mixamo", "Mixamo's bones"),
    ("game_engine", "Game Engine", "Bones for game engines"),
    ("cmu_mb", "CMU", "The bones of the CMU motion capture library"),
    ("rigify", "Rigify", "Rigify's metarig"),
)


def _avatars() -> list[tuple[str, str, str]]:
    items = [(FITTED, "Fitted to the Person", "A person in the proportions of the imported model")]
    for name in NAMES:
        text = PEOPLE[name].description if name in PEOPLE else "a plain figure that needs no data"
        items.append((name, name.capitalize(), text[0].upper() + text[1:]))
    return items


class SIMSPINE_OT_add_avatar(bpy.types.Operator):
    """Add a rigged character: fitted to the imported person, or one of the sample people"""

    bl_idname = "simspine.add_avatar"
    bl_label = "Add Avatar"
    bl_options = {"REGISTER", "UNDO"}

    avatar: EnumProperty(name="Avatar", items=_avatars(), default=FITTED)
    rig: EnumProperty(name="Rig", items=_RIGS, default=OWN_RIG)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return scene_can_take(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            with all_or_nothing(context.scene):
                arrays, said = self._arrays(context)
                leave_edit_modes()
                added = add_avatar(context.scene, arrays, arrays.name)
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        context.scene.simspine_retarget.target = added.armature
        self.report({"INFO"}, f"Added '{added.armature.name}'{said}")
        return {"FINISHED"}

    def _arrays(self, context: bpy.types.Context) -> tuple[Avatar, str]:
        rig = None if self.rig == OWN_RIG else self.rig
        if self.avatar != FITTED:
            return sample_avatar(self.avatar, None if self.avatar == MANNEQUIN else rig), ""
        from ...sample_rigs.avatars.fitting import fit_avatar

        person = current_person(context)
        if person is None:
            raise InputError("there is no person to fit an avatar to", hint="import one, or select one of several")
        path = str(person.get(MODEL_PROPERTY, ""))
        if not path:
            raise InputError(f"'{person.name}' does not know its model", hint="import it again")
        straight, problem = straightened_person(person)
        if problem:
            self.report({"WARNING"}, problem)
        model = read_model(bpy.path.abspath(path)) if straight is None else straight.built
        avatar, fit = fit_avatar(model, rig or "default")
        return avatar, f", joints within {fit.worst_mm:.1f} mm of the model's"
