"""Everything that Blender is told of when the extension is enabled, and told to forget when it is disabled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy

from . import (
    articulate_operator,
    export_operators,
    import_cameras_operator,
    import_motion_operator,
    person_panel,
    preferences,
    redraw,
    retarget_avatar_operator,
    retarget_map_operators,
    retarget_operator,
    retarget_panel,
    retarget_properties,
    select_person_operator,
    spine_panel,
)

CLASSES: tuple[type, ...] = (
    preferences.SIMSPINE_PG_geometry_folder,
    preferences.SIMSPINE_OT_add_geometry_folder,
    preferences.SIMSPINE_OT_remove_geometry_folder,
    preferences.SIMSPINE_AP_preferences,
    import_motion_operator.SIMSPINE_OT_import_motion,
    import_motion_operator.SIMSPINE_FH_motion,
    import_cameras_operator.SIMSPINE_OT_import_cameras,
    import_cameras_operator.SIMSPINE_FH_cameras,
    select_person_operator.SIMSPINE_OT_select_person,
    articulate_operator.SIMSPINE_OT_articulate_spine,
    articulate_operator.SIMSPINE_OT_restore_spine,
    *export_operators.CLASSES,
    person_panel.SIMSPINE_PT_imported,
    spine_panel.SIMSPINE_PT_lumbar,
    retarget_properties.SIMSPINE_PG_retarget_choice,
    retarget_properties.SIMSPINE_PG_role_bone,
    retarget_properties.SIMSPINE_PG_bone_map,
    retarget_operator.SIMSPINE_OT_retarget,
    retarget_avatar_operator.SIMSPINE_OT_add_avatar,
    retarget_map_operators.SIMSPINE_OT_find_bone_map,
    retarget_map_operators.SIMSPINE_OT_add_role_bone,
    retarget_map_operators.SIMSPINE_OT_save_bone_map,
    retarget_map_operators.SIMSPINE_OT_load_bone_map,
    retarget_panel.SIMSPINE_PT_retarget,
)
MENU_ENTRIES = (import_motion_operator.menu_entry, import_cameras_operator.menu_entry)


def register() -> None:
    """Register classes, menu entries and the handler; what is registered already is taken back first."""
    unregister()
    done: list[type] = []
    try:
        for cls in CLASSES:
            bpy.utils.register_class(cls)
            done.append(cls)
        retarget_properties.attach()
    except Exception:
        retarget_properties.detach()
        _unregister_classes(reversed(done))
        raise
    for entry in MENU_ENTRIES:
        bpy.types.TOPBAR_MT_file_import.append(entry)
    bpy.types.TOPBAR_MT_file_export.append(export_operators.menu_entries)
    bpy.app.handlers.frame_change_post.append(redraw.redraw_sidebars)


def unregister() -> None:
    """Take back what `register` did, as far as it is there."""
    handlers = bpy.app.handlers.frame_change_post
    if redraw.redraw_sidebars in handlers:
        handlers.remove(redraw.redraw_sidebars)
    for entry in MENU_ENTRIES:
        _remove_entry(bpy.types.TOPBAR_MT_file_import, entry)
    _remove_entry(bpy.types.TOPBAR_MT_file_export, export_operators.menu_entries)
    retarget_properties.detach()
    _unregister_classes(reversed(CLASSES))


def _unregister_classes(classes: Iterable[Any]) -> None:
    for cls in classes:
        if cls.is_registered:
            bpy.utils.unregister_class(cls)


def _remove_entry(menu: Any, entry: Any) -> None:
    # Menu.remove is silent about an entry that is not there, but fails on a menu that never had one.
    if entry in getattr(menu.draw, "_draw_funcs", ()):
        menu.remove(entry)
