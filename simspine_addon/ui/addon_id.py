"""The name under which Blender knows this extension, and its preferences by that name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

if TYPE_CHECKING:
    from .preferences import SIMSPINE_AP_preferences

# `bl_ext.<repository>.simspine` when installed, `simspine` when imported from a checkout.
ADDON_ID = __name__.removesuffix(".simspine_addon.ui.addon_id")


def preferences(context: bpy.types.Context) -> SIMSPINE_AP_preferences | None:
    """The extension's preferences; None where it was registered without being enabled, as by a script."""
    addon = context.preferences.addons.get(ADDON_ID) if context.preferences else None
    return None if addon is None else addon.preferences  # type: ignore[return-value]
