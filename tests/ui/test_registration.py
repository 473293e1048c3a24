"""Enabling and disabling the extension, in any order, leaves nothing behind."""

import pytest

bpy = pytest.importorskip("bpy")
import simspine  # noqa: E402


def traces() -> list[str]:
    """Everything of ours that Blender knows."""
    found = [name for name in dir(bpy.types) if name.startswith("SIMSPINE")]
    found += [f"operator {name}" for name in dir(bpy.ops.simspine)]
    draws = getattr(bpy.types.TOPBAR_MT_file_import.draw, "_draw_funcs", ())
    found += [f"menu {draw.__module__}" for draw in draws if "simspine" in draw.__module__]
    found += [
        f"handler {each.__module__}" for each in bpy.app.handlers.frame_change_post if "simspine" in each.__module__
    ]
    return found


def test_disabling_leaves_nothing():
    before = traces()
    simspine.register()
    assert len(traces()) > len(before)
    simspine.unregister()
    assert traces() == before == []


def test_enabling_twice_is_enabling_once():
    simspine.register()
    once = traces()
    simspine.register()
    assert traces() == once
    simspine.unregister()
    assert traces() == []


def test_disabling_twice_is_harmless():
    simspine.register()
    simspine.unregister()
    simspine.unregister()
    assert traces() == []


def test_a_failure_half_way_takes_back_what_was_registered(monkeypatch):
    from simspine.simspine_addon.ui import registration

    class NotAnOperator:
        is_registered = False

    monkeypatch.setattr(registration, "CLASSES", (*registration.CLASSES, NotAnOperator))
    with pytest.raises(Exception, match="register_class"):
        simspine.register()
    assert traces() == []


def test_the_preferences_have_the_name_of_the_extension():
    from simspine.simspine_addon.ui.preferences import SIMSPINE_AP_preferences

    assert SIMSPINE_AP_preferences.bl_idname == "simspine"


def test_both_importers_stand_in_the_menu(addon):
    modules = [draw.__module__ for draw in bpy.types.TOPBAR_MT_file_import.draw._draw_funcs]
    assert [name.rpartition(".")[2] for name in modules if "simspine" in name] == [
        "import_motion_operator",
        "import_cameras_operator",
    ]


def test_files_dropped_on_the_view_are_taken(addon):
    handlers = {cls.bl_import_operator: cls.bl_file_extensions for cls in bpy.types.FileHandler.__subclasses__()}
    assert handlers["simspine.import_motion"] == ".osim;.mot;.sto"
    assert handlers["simspine.import_cameras"] == ".toml"
