"""Show the installed extension at work, for a picture of Blender's window or to try it out by hand.

    blender -P tests/compat/show_interface.py -- [MODEL.osim MOTION.mot [FRAME]]

Imports the person into an empty scene, brings it into view from the side, and opens the SimSpine tab of the sidebar.
Without arguments it shows the sample that the extension brings.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import addon_utils
import bpy

MODULE = "bl_ext.user_default.simspine"


def main() -> None:
    """Import the person and look at it."""
    model, motion, frame = _arguments()
    bpy.data.batch_remove(list(bpy.data.objects))
    window, area = _view()
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.simspine.import_motion(filepath=str(motion), model_path=str(model))
        bpy.context.scene.frame_set(frame)
        bpy.ops.view3d.view_axis(type="FRONT")  # Blender's front sees a person that walks along X from its right
        bpy.ops.simspine.select_person(frame_view=True)
    area.spaces[0].show_region_ui = True
    bpy.app.timers.register(_open_tab, first_interval=1.0)  # once the sidebar has been drawn


def _open_tab() -> None:
    sidebar = next(region for region in _view()[1].regions if region.type == "UI")
    sidebar.active_panel_category = "SimSpine"
    sidebar.tag_redraw()


def _view() -> tuple[bpy.types.Window, bpy.types.Area]:
    window = bpy.context.window_manager.windows[0]
    views = [area for area in window.screen.areas if area.type == "VIEW_3D"]
    return window, max(views, key=lambda area: area.width * area.height)


def _arguments() -> tuple[Path, Path, int]:
    given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    frame = int(given[2]) if len(given) > 2 else 40
    if given:
        return Path(given[0]), Path(given[1]), frame
    data = Path(importlib.import_module(MODULE).__file__).parent / "sample_rigs" / "data"
    return data / "simspine_sample.osim", data / "lifting_with_twist.mot", frame


addon_utils.enable(MODULE)
bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(main, first_interval=1.0)  # once the window is there
