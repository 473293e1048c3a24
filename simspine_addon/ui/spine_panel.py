"""Sidebar: the lumbar angles of the current frame, level by level."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from ..scene.person_record import LevelAngles, current_lumbar_angles
from .people import current_person
from .person_panel import TAB

TITLES = ("Flexion", "Bending", "Axial")


class SIMSPINE_PT_lumbar(bpy.types.Panel):
    """Lumbar angles."""

    bl_idname = "SIMSPINE_PT_lumbar"
    bl_label = "Lumbar Spine"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return current_person(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        person = current_person(context)
        angles = current_lumbar_angles(person) if person is not None else ()
        if not angles:
            layout.label(text="This model has no lumbar vertebrae", icon="INFO")
            return
        layout.label(text=f"Degrees at frame {context.scene.frame_current_final:.6g}")
        _draw_table(layout.box(), angle_rows(angles))
        notes = layout.column(align=True)
        notes.scale_y = 0.8
        notes.active = False
        notes.label(text="Flexion: forward −, extension +")
        notes.label(text="Bending: right +, axial: turn left +")


def angle_rows(angles: Sequence[LevelAngles]) -> list[tuple[str, str, str, str]]:
    """The table's lines: each level from the sacrum up, then, of more than one, their sum; degrees, one decimal."""
    values = [(each.flexion_extension, each.lateral_bending, each.axial_rotation) for each in angles]
    rows = [(each.level, *map(_degrees, row)) for each, row in zip(angles, values, strict=True)]
    if len(rows) > 1:
        rows.append(("Sum", *(_degrees(sum(column)) for column in zip(*values, strict=True))))
    return [(str(row[0]), str(row[1]), str(row[2]), str(row[3])) for row in rows]


def _degrees(angle: float) -> str:
    rounded = round(angle, 1) + 0.0  # no "-0.0"
    return f"{rounded:.1f}".replace("-", "−")


def _draw_table(layout: bpy.types.UILayout, rows: Sequence[tuple[str, str, str, str]]) -> None:
    """One column of the layout per column of the table, so that numbers stand under each other."""
    split = layout.split(factor=0.25)
    names = split.column(align=True)
    names.label(text="Level")
    for row in rows:
        names.label(text=row[0])
    numbers = split.row(align=True)
    for index, title in enumerate(TITLES, 1):
        column = numbers.column(align=True)
        column.alignment = "RIGHT"
        column.label(text=title)
        for row in rows:
            column.label(text=row[index])
