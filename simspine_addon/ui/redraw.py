"""Keep the sidebar's numbers in step while the animation plays, when Blender leaves the sidebar as it is."""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from ..scene.person_record import is_person


@persistent
def redraw_sidebars(scene: bpy.types.Scene, *_: object) -> None:
    """After a frame change during playback, have the sidebars of the windows that play this scene drawn again."""
    for window in bpy.context.window_manager.windows:
        if window.scene != scene or not window.screen.is_animation_playing:
            continue
        if not any(is_person(thing) for thing in scene.objects):
            return
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                _tag_sidebar(area)


def _tag_sidebar(area: bpy.types.Area) -> None:
    for region in area.regions:
        if region.type == "UI" and region.width > 1:
            region.tag_redraw()
