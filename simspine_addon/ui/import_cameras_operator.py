"""File > Import > Camera calibration: the cameras of a capture as Blender's cameras."""

# pyright: reportInvalidTypeForm=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
import warnings

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..capture.calibration import CalibrationWarning, read_calibration
from ..capture.camera import Camera
from ..model.errors import InputError
from ..scene.cameras import activate, add_camera, is_distorted, pinhole
from .reporting import report_warnings, scene_can_take


class SIMSPINE_OT_import_cameras(bpy.types.Operator, ImportHelper):
    """Add the cameras of a calibration file (.toml of Pose2Sim, Anipose, SIMSPINE), which see the same pixels"""

    bl_idname = "simspine.import_cameras"
    bl_label = "Import Camera Calibration"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".toml"
    # Not remembered, since a path that is there from the start means that the file was dropped on the window.
    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
    filter_glob: StringProperty(default="*.toml", options={"HIDDEN"})
    world: EnumProperty(
        name="World",
        description="Which way is up in the file",
        items=(
            ("auto", "As the File Says", "The file's own statement; Pose2Sim's world where it makes none"),
            ("pose2sim", "Pose2Sim (Z Up)", "The world of Pose2Sim, Anipose and SIMSPINE"),
            ("opensim", "OpenSim (Y Up)", "The world of OpenSim models"),
        ),
        default="auto",
    )
    use_first: BoolProperty(
        name="Render from the First",
        description="Make the first camera the scene's camera; the scene takes its resolution",
        default=True,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return scene_can_take(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.filepath:
            return super().invoke(context, event)
        title = f"Import {bpy.path.basename(self.filepath)}"
        return context.window_manager.invoke_props_dialog(self, title=title, confirm_text="Import", width=400)

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "world")
        layout.prop(self, "use_first")

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", CalibrationWarning)
                cameras = read_calibration(bpy.path.abspath(self.filepath), self.world)
            things = add_cameras(context.scene, cameras)
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if self.use_first:
            activate(context.scene, things[0])
        notes = [str(each.message) for each in caught if issubclass(each.category, CalibrationWarning)]
        report_warnings(self, [*notes, *distortion_note(cameras)], f"Imported {len(things)} cameras")
        return {"FINISHED"}


class SIMSPINE_FH_cameras(bpy.types.FileHandler):
    """Calibrations dropped on a window."""

    bl_idname = "SIMSPINE_FH_cameras"
    bl_label = "Camera Calibration"
    bl_import_operator = "simspine.import_cameras"
    bl_file_extensions = ".toml"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type in {"VIEW_3D", "OUTLINER"}


def menu_entry(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    """The entry under File > Import."""
    menu.layout.operator(SIMSPINE_OT_import_cameras.bl_idname, text="Camera calibration (.toml)")


def add_cameras(scene: bpy.types.Scene, cameras: tuple[Camera, ...]) -> list[bpy.types.Object]:
    """All cameras in a collection of their own, or, if one is impossible, none."""
    things: list[bpy.types.Object] = []
    try:
        for camera in cameras:
            things.append(add_camera(scene, pinhole(camera)))
    except InputError:
        bpy.data.batch_remove([thing.data for thing in things if thing.data is not None] + things)
        raise
    collection = bpy.data.collections.new("Cameras")
    scene.collection.children.link(collection)
    for thing in things:
        scene.collection.objects.unlink(thing)
        collection.objects.link(thing)
    return things


def distortion_note(cameras: tuple[Camera, ...]) -> list[str]:
    bent = [camera.name for camera in cameras if is_distorted(camera)]
    if not bent:
        return []
    return [f"the lens distortion of {', '.join(bent)} is left out: they show what their lens would without it"]
