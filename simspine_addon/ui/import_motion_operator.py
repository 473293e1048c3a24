"""File > Import > OpenSim motion: a model and the motions that move it, in one dialog."""

# pyright: reportInvalidTypeForm=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from pathlib import Path

import bpy
from bpy.props import BoolProperty, CollectionProperty, FloatProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..model.errors import InputError
from .addon_id import preferences
from .importing import ImportOptions, import_selection
from .reporting import report_warnings, scene_can_take
from .selection import MODEL_SUFFIXES, Selection, choose_files, model_beside


class SIMSPINE_OT_import_motion(bpy.types.Operator, ImportHelper):
    """Bring a person into the scene: an OpenSim model (.osim) and its joint angles (.mot, .sto)"""

    bl_idname = "simspine.import_motion"
    bl_label = "Import OpenSim"
    bl_options = {"REGISTER", "UNDO", "PRESET"}

    filename_ext = ".mot"
    filter_glob: StringProperty(default="*.osim;*.mot;*.sto", options={"HIDDEN"})
    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
    model_path: StringProperty(
        name="Model",
        description=(
            "Path of the motion's .osim model, if it is not among the chosen files; "
            "left empty, it is the only one in the motion's folder, or else the last one used"
        ),
        # No FILE_PATH: its button would open a file browser, and Blender refuses a second one.
        options={"SKIP_SAVE"},
    )
    fps: FloatProperty(
        name="Frame Rate",
        description="Resample the motion to so many frames a second; 0 keeps its own samples",
        default=0.0,
        min=0.0,
        soft_max=240.0,
        max=32767.0,
        precision=2,
    )
    with_meshes: BoolProperty(name="Bone Meshes", description="Show the model's meshes", default=True)
    with_markers: BoolProperty(name="Markers", description="Show the model's markers as small spheres", default=False)
    with_cameras: BoolProperty(
        name="Cameras",
        description="Add the cameras of the data set in SIMSPINE's layout that the motion lies in, if it does",
        default=True,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return scene_can_take(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        settings = preferences(context)
        for name in ("with_meshes", "with_markers"):
            if settings is not None and not self.properties.is_property_set(name):
                setattr(self, name, getattr(settings, name))
        if self.files and self.directory:  # files were dropped on the window
            title = f"Import {', '.join(each.name for each in self.files)}"
            return context.window_manager.invoke_props_dialog(self, title=title, confirm_text="Import", width=400)
        return super().invoke(context, event)

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        _draw_model(layout.column(), self, _listed(self) or _highlighted(context), context)
        layout.prop(self, "fps")
        column = layout.column(heading="Show")
        column.prop(self, "with_meshes")
        column.prop(self, "with_markers")
        column.prop(self, "with_cameras")

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = preferences(context)
        options = ImportOptions(
            fps=self.fps,
            with_meshes=self.with_meshes,
            with_markers=self.with_markers,
            with_cameras=self.with_cameras,
            geometry_folders=[each.path for each in settings.geometry_folders if each.path] if settings else (),
        )
        try:
            chosen = choose_files(
                _paths(self), bpy.path.abspath(self.model_path), settings.last_model if settings else ""
            )
            imported = import_selection(context.scene, chosen, options)
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if settings is not None:
            settings.last_model = str(chosen.model)
        report_warnings(self, imported.warnings, _summary(chosen))
        return {"FINISHED"}


class SIMSPINE_FH_motion(bpy.types.FileHandler):
    """Models and motions dropped on a window."""

    bl_idname = "SIMSPINE_FH_motion"
    bl_label = "OpenSim Motion"
    bl_import_operator = "simspine.import_motion"
    bl_file_extensions = ".osim;.mot;.sto"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type in {"VIEW_3D", "OUTLINER"}


def menu_entry(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    """The entry under File > Import."""
    menu.layout.operator(SIMSPINE_OT_import_motion.bl_idname, text="OpenSim motion (.osim + .mot/.sto)")


def _paths(operator: SIMSPINE_OT_import_motion) -> list[Path]:
    """What the dialog, the drop or the script chose."""
    return _listed(operator) or ([Path(bpy.path.abspath(operator.filepath))] if operator.filepath else [])


def _listed(operator: SIMSPINE_OT_import_motion) -> list[Path]:
    """The files that are selected in the dialog, or were dropped."""
    folder = Path(bpy.path.abspath(operator.directory))
    return [folder / each.name for each in operator.files if each.name] if operator.directory else []


def _highlighted(context: bpy.types.Context) -> list[Path]:
    """The file that the file browser has highlighted."""
    params = getattr(context.space_data, "params", None)
    if params is None or not params.filename:
        return []
    return [Path(params.directory.decode(errors="replace"), params.filename)]


def _draw_model(
    column: bpy.types.UILayout,
    operator: SIMSPINE_OT_import_motion,
    paths: list[Path],
    context: bpy.types.Context,
) -> None:
    """The field for the model; while it is empty, the name of the one that will be taken stands in it."""
    chosen = [path for path in paths if path.suffix.lower() in MODEL_SUFFIXES]
    expected = chosen[0] if chosen else _expected_model(paths, context)
    column.active = not chosen
    column.prop(operator, "model_path", placeholder=expected.name if expected else "")
    if paths and expected is None and not operator.model_path:
        row = column.split(factor=0.4)
        row.label(text="")
        row.label(text="Choose one too", icon="ERROR")


def _expected_model(paths: list[Path], context: bpy.types.Context) -> Path | None:
    """What `choose_files` will take for motions that come without a model."""
    beside = model_beside(paths[0]) if paths else None
    if beside is not None:
        return beside
    settings = preferences(context)
    last = Path(settings.last_model) if settings is not None and settings.last_model else None
    return last if last is not None and last.is_file() else None


def _summary(chosen: Selection) -> str:
    names = ", ".join(path.name for path in chosen.motions)
    return f"Imported {chosen.model.name}" + (f" with {names}" if names else " at its default pose")
