"""SimSpine in Blender's window: operators, sidebar, preferences, drag and drop. Needs bpy when it is registered."""

from __future__ import annotations


def register() -> None:
    """Register everything; a second call replaces what the first one left."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Take everything back; harmless where nothing is registered."""
    from . import registration

    registration.unregister()
