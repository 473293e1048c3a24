"""Sidebar: what was imported, what there is to warn of, what is shown."""

from __future__ import annotations

import textwrap

import bpy

from ..scene.person_record import PersonRecord, read_record
from .addon_id import ADDON_ID
from .people import current_person, people, person_parts
from .reporting import gathered

TAB = "SimSpine"
_CHARACTER_WIDTH = 6.2  # of Blender's interface font at scale 1, in pixels, on average
_MARGIN = 60.0


class SIMSPINE_PT_imported(bpy.types.Panel):
    """What was imported."""

    bl_idname = "SIMSPINE_PT_imported"
    bl_label = "Imported Motion"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        person = current_person(context)
        if person is None:
            _draw_choice(layout, context)
        else:
            record = read_record(person)
            _draw_facts(layout, person, record)
            _draw_buttons(layout, context, person)
            if record is not None:
                _draw_warnings(layout, context, record)
        layout.operator("simspine.import_motion", text="Import Motion…", icon="IMPORT")


def _draw_choice(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    everyone = people(context.scene)
    layout.label(text="Which person?" if everyone else "Nothing imported yet")
    column = layout.column(align=True)
    for each in everyone:
        operator = column.operator("simspine.select_person", text=each.name, icon="ARMATURE_DATA")
        operator.person = each.name


def _draw_facts(layout: bpy.types.UILayout, person: bpy.types.Object, record: PersonRecord | None) -> None:
    layout.label(text=person.name, icon="ARMATURE_DATA")
    if record is None:
        layout.label(text="Imported without a record; import it again")
        return
    column = layout.column(align=True)
    for name, value in facts(record):
        row = column.split(factor=0.33)
        row.label(text=name)
        row.label(text=value)
    if record.pieces_shown < record.pieces:
        layout.operator("preferences.addon_show", text="Geometry Folders…", icon="ERROR").module = ADDON_ID


def facts(record: PersonRecord) -> list[tuple[str, str]]:
    """What the panel lists, name and value."""
    lines = [("Model", record.model_file or "-"), ("Motion", record.motion_file or "none, default pose")]
    if record.samples > 1:
        lines += [
            ("Samples", f"{record.samples} at {record.rate:.6g} Hz"),
            ("Duration", f"{record.duration:.2f} s"),
            ("Frames", f"{record.frame_start:.5g} to {record.frame_end:.5g}"),
        ]
    lines += [("Bodies", f"{record.bodies}"), ("Coordinates", f"{record.coordinates}")]
    if record.pieces:
        lines.append(("Meshes", f"{record.pieces_shown} of {record.pieces}"))
    return lines


def _draw_buttons(layout: bpy.types.UILayout, context: bpy.types.Context, person: bpy.types.Object) -> None:
    row = layout.row(align=True)
    for text, icon, frame_view in (("Select", "RESTRICT_SELECT_OFF", False), ("Frame", "ZOOM_SELECTED", True)):
        operator = row.operator("simspine.select_person", text=text, icon=icon)
        operator.person, operator.frame_view = person.name, frame_view
    parts = person_parts(context, person)
    row = layout.row()
    for name, part in parts:
        row.prop(part, "hide_viewport", text=name, emboss=False)


def _draw_warnings(layout: bpy.types.UILayout, context: bpy.types.Context, record: PersonRecord) -> None:
    warnings = gathered(record.warnings)
    if not warnings:
        return
    header, body = layout.panel("simspine_warnings", default_closed=True)
    header.label(text="1 warning" if len(warnings) == 1 else f"{len(warnings)} warnings", icon="ERROR")
    if body is None:
        return
    width = wrapping_width(context)
    for warning in warnings:
        column = body.box().column(align=True)
        column.scale_y = 0.8
        for line in textwrap.wrap(warning, width):
            column.label(text=line)


def wrapping_width(context: bpy.types.Context) -> int:
    """How many characters of a sentence fit on a line of the sidebar."""
    region, preferences = context.region, context.preferences
    if region is None or preferences is None:
        return 40
    scale = preferences.system.ui_scale
    return max(16, int((region.width / scale - _MARGIN) / _CHARACTER_WIDTH))
