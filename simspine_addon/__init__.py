"""The Blender add-on and the numbers below it; importing this package needs neither bpy nor opensim."""


def register() -> None:
    """Register operators, panels, preferences and menu entries."""
    from . import ui

    ui.register()


def unregister() -> None:
    """Undo `register`."""
    from . import ui

    ui.unregister()
