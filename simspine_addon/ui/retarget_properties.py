"""What retargeting remembers, on the data-blocks themselves: the choice on the scene, the bone map on the avatar."""

# pyright: reportInvalidTypeForm=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
from collections.abc import Iterator

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, PointerProperty, StringProperty

from ..retarget.roles import ROLES, RoleMap
from ..scene.person_record import is_person
from ..scene.retarget_motion import TargetRig


def _is_armature(_owner: bpy.types.ID, thing: bpy.types.Object) -> bool:
    return thing.type == "ARMATURE"


def _is_source(_owner: bpy.types.ID, thing: bpy.types.Object) -> bool:
    return is_person(thing)


class SIMSPINE_PG_retarget_choice(bpy.types.PropertyGroup):
    """Who moves whom, and how; on the scene."""

    source: PointerProperty(
        name="Source",
        description="The imported person whose motion is taken; empty: the selected one, or the only one",
        type=bpy.types.Object,
        poll=_is_source,
    )
    target: PointerProperty(
        name="Avatar",
        description="The armature that is moved; empty: the active one",
        type=bpy.types.Object,
        poll=_is_armature,
    )
    proportions: EnumProperty(
        name="Proportions",
        items=(
            ("kept", "Avatar's", "The avatar's bones turn and keep their lengths"),
            ("followed", "Source's", "The avatar's joints go where the source's are, at the avatar's size"),
        ),
    )
    feet: EnumProperty(
        name="Feet",
        items=(
            ("locked", "Planted", "Heels and balls of the feet that stand stay where they are"),
            ("free", "Free", "The feet go where the legs' rotations bring them"),
        ),
    )
    hands: EnumProperty(
        name="Hands",
        items=(
            ("free", "Free", "The arms turn as the source's do"),
            ("placed", "Placed", "The wrists reach the source's places, at the avatar's size"),
        ),
    )
    own_scale: BoolProperty(
        name="Own Size", description="Give the motion's size rather than take the ratio of the legs' lengths"
    )
    scale: FloatProperty(name="Size", description="Size of the motion", default=1.0, min=0.01, soft_max=3.0)
    rigify: EnumProperty(
        name="Rigify Legs",
        description="Where a generated Rigify rig gets its keys",
        items=(
            ("fk", "FK", "Keys on the FK controls"),
            ("ik", "IK", "Keys on the IK feet, which stand still while they are planted"),
        ),
    )
    nla: BoolProperty(name="NLA Strip", description="Push the action down as an NLA strip")


class SIMSPINE_PG_role_bone(bpy.types.PropertyGroup):
    """One bone of a role; a role may have several, which stand one after another."""

    role: StringProperty(name="Role")
    bone: StringProperty(name="Bone", description="The avatar's bone for this role; empty for none")


class SIMSPINE_PG_bone_map(bpy.types.PropertyGroup):
    """Which bones of an armature play which role; on the armature object."""

    family: StringProperty(name="Family", description="The rig family that the bones' names belong to")
    entries: CollectionProperty(type=SIMSPINE_PG_role_bone)


def attach() -> None:
    """Give scenes and objects their properties."""
    bpy.types.Scene.simspine_retarget = PointerProperty(type=SIMSPINE_PG_retarget_choice)
    bpy.types.Object.simspine_bone_map = PointerProperty(type=SIMSPINE_PG_bone_map)


def detach() -> None:
    """Take them away again, as far as they are there."""
    for owner, name in ((bpy.types.Scene, "simspine_retarget"), (bpy.types.Object, "simspine_bone_map")):
        if hasattr(owner, name):
            delattr(owner, name)


def stored_map(armature: bpy.types.Object) -> RoleMap | None:
    """The bone map on an armature; None where there is none yet."""
    entries = armature.simspine_bone_map.entries
    if not len(entries):
        return None
    bones: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        if entry.bone:
            bones[entry.role] = (*bones.get(entry.role, ()), entry.bone)
    return RoleMap({role: bones[role] for role in ROLES if role in bones}, armature.simspine_bone_map.family)


def store_map(armature: bpy.types.Object, role_map: RoleMap, family: str) -> None:
    """Put a bone map on an armature, with an empty entry for each role that it does not have."""
    stored = armature.simspine_bone_map
    stored.family = family
    stored.entries.clear()
    for role in ROLES:
        for bone in role_map.of(role) or ("",):
            entry = stored.entries.add()
            entry.role, entry.bone = role, bone


def store_target(target: TargetRig) -> None:
    """Put the map that was found on the armature; a generated Rigify rig's is known and not stored."""
    if target.rigify is None:
        store_map(target.armature, target.role_map, target.preset)


def entries_by_role(armature: bpy.types.Object) -> Iterator[tuple[str, list[SIMSPINE_PG_role_bone]]]:
    """The entries of each role, from the trunk outwards."""
    for role in ROLES:
        yield role, [entry for entry in armature.simspine_bone_map.entries if entry.role == role]


def choice_of(
    context: bpy.types.Context,
) -> tuple[bpy.types.Object | None, bpy.types.Object | None, str]:
    """Source and target that are meant, and what is missing ("" if nothing is).

    What the panel names comes first; else the active armature is the target, and the source is the other selected
    person, or the only person of the scene.
    """
    scene = context.scene
    choice = scene.simspine_retarget
    target = _alive(scene, choice.target) or _active_target(context)
    source = _alive(scene, choice.source) or _selected_source(context, target)
    if source is None:
        return None, target, "there is no imported person to take the motion from; import or choose one"
    if target is None:
        return source, None, "there is no avatar to move; make its armature active, or choose it in the panel"
    if source == target:
        return source, target, "source and avatar are the same armature; choose another avatar"
    return source, target, ""


def _alive(scene: bpy.types.Scene, thing: bpy.types.Object | None) -> bpy.types.Object | None:
    """A chosen object, unless it was deleted from the scene and only the choice keeps it."""
    return thing if thing is not None and thing.name in scene.objects else None


def _armatures(context: bpy.types.Context) -> list[bpy.types.Object]:
    return [thing for thing in context.selected_objects if thing.type == "ARMATURE"]


def _active_target(context: bpy.types.Context) -> bpy.types.Object | None:
    active = context.view_layer.objects.active if context.view_layer else None
    if active is not None and active.type == "MESH":
        active = active.find_armature()
    if active is None or active.type != "ARMATURE":
        return None
    pair = len(_armatures(context)) == 2 and active in _armatures(context)
    return active if pair or not is_person(active) else None


def _selected_source(context: bpy.types.Context, target: bpy.types.Object | None) -> bpy.types.Object | None:
    selected = [thing for thing in _armatures(context) if is_person(thing) and thing != target]
    everyone = selected or [thing for thing in context.scene.objects if is_person(thing) and thing != target]
    return everyone[0] if len(everyone) == 1 else None
