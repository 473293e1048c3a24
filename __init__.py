"""SimSpine: simulated human motion with a spine that bends, in Blender and as labelled images."""


def register() -> None:
    """Register the Blender add-on; called by Blender when the extension is enabled."""
    from . import simspine_addon

    simspine_addon.register()


def unregister() -> None:
    """Unregister the Blender add-on; called by Blender when the extension is disabled."""
    from . import simspine_addon

    simspine_addon.unregister()
