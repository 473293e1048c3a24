"""Sidebar: whose motion goes onto whom, which bones play which role, and how well it went."""

from __future__ import annotations

import textwrap
from typing import Any

import bpy

from ..scene.retarget_motion import stored_report, summary_lines
from ..scene.rigify_rig import is_generated_rigify
from .person_panel import TAB, wrapping_width
from .retarget_properties import choice_of, entries_by_role

_STRUCTURE = "structure"


class SIMSPINE_PT_retarget(bpy.types.Panel):
    """Retargeting onto an avatar."""

    bl_idname = "SIMSPINE_PT_retarget"
    bl_label = "Retarget"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        choice: Any = context.scene.simspine_retarget  # type: ignore[attr-defined]
        source, target, missing = choice_of(context)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(choice, "source", **_placeholder(choice.source, source))
        column.prop(choice, "target", **_placeholder(choice.target, target))
        layout.operator_menu_enum("simspine.add_avatar", "avatar", text="Add Avatar", icon="OUTLINER_OB_ARMATURE")
        if target is not None and not is_generated_rigify(target):
            row = layout.row()
            row.context_pointer_set("active_object", target)
            row.operator("simspine.articulate_spine", icon="BONE_DATA")
        layout.operator("simspine.retarget", icon="PLAY")
        if missing:
            _draw_wrapped(layout, context, missing)
        if target is not None:
            _draw_report(layout, context, target)
            _draw_options(layout, choice, target)
            _draw_map(layout, target)


def _placeholder(chosen: bpy.types.Object | None, meant: bpy.types.Object | None) -> dict[str, str]:
    """What an empty field stands for at present."""
    return {} if chosen is not None or meant is None else {"placeholder": meant.name}


def _draw_map(layout: bpy.types.UILayout, target: bpy.types.Object) -> None:
    if is_generated_rigify(target):
        layout.label(text="Rigify rig: keys go on its controls", icon="INFO")
        return
    stored: Any = target.simspine_bone_map  # type: ignore[attr-defined]
    header, body = layout.panel("simspine_bone_map", default_closed=True)
    header.label(text=map_title(stored.family, len(stored.entries)))
    if body is None:
        return
    row = body.row(align=True)
    row.operator("simspine.find_bone_map", icon="VIEWZOOM")
    row.operator("simspine.load_bone_map", text="", icon="FILE_FOLDER")
    row.operator("simspine.save_bone_map", text="", icon="FILE_TICK")
    column = body.column(align=True)
    for role, entries in entries_by_role(target):
        for place, entry in enumerate(entries):
            row = column.row(align=True)
            split = row.split(factor=0.42, align=True)
            split.label(text=role.replace("_", " ").capitalize() if place == 0 else "")
            split.prop_search(entry, "bone", target.data, "bones", text="", icon="BONE_DATA")
            if place == len(entries) - 1:
                row.operator("simspine.add_role_bone", text="", icon="ADD").role = role
            else:
                row.label(text="", icon="BLANK1")  # so that the fields end below each other


def map_title(family: str, entries: int) -> str:
    """What the header of the bone map says."""
    if not entries:
        return "Bones: found when it runs"
    return "Bones: by the skeleton's shape" if family == _STRUCTURE else f"Bones: {family}"


def _draw_options(layout: bpy.types.UILayout, choice: Any, target: bpy.types.Object) -> None:
    header, body = layout.panel("simspine_retarget_options", default_closed=True)
    header.label(text="Options")
    if body is None:
        return
    column = body.column()
    column.use_property_split = True
    column.use_property_decorate = False
    for name in ("proportions", "feet", "hands"):
        column.prop(choice, name)
    if is_generated_rigify(target):
        column.prop(choice, "rigify")
    row = column.row(heading="Size", align=True)
    row.prop(choice, "own_scale", text="")
    field = row.row()
    field.active = choice.own_scale
    field.prop(choice, "scale", text="")
    column.prop(choice, "nla")


def _draw_report(layout: bpy.types.UILayout, context: bpy.types.Context, target: bpy.types.Object) -> None:
    report = stored_report(target)
    if report is None:
        return
    box = layout.box()
    columns = [("Last result", "Here", "Naive"), *summary_lines(report)]
    split = box.split(factor=0.44)
    names = split.column(align=True)
    numbers = split.row(align=True)
    values = [numbers.column(align=True) for _ in range(2)]
    for what, here, naive in columns:
        names.label(text=what)
        for column, text in zip(values, (here, naive), strict=True):
            column.label(text=text)
    unmapped = report.get("unmapped_roles", ())
    if unmapped:
        parts = dict.fromkeys(role.removeprefix("left_").removeprefix("right_").replace("_", " ") for role in unmapped)
        _draw_wrapped(box, context, f"Only one of the two has: {', '.join(parts)}")


def _draw_wrapped(layout: bpy.types.UILayout, context: bpy.types.Context, text: str) -> None:
    column = layout.column(align=True)
    column.scale_y = 0.8
    column.active = False
    for line in textwrap.wrap(text[0].upper() + text[1:], wrapping_width(context)):
        column.label(text=line)
