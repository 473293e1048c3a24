"""File > Import > OpenSim motion: a model and the motions that move it, in one dialog."""

# pyright: reportInvalidTypeForm=false, reportAttributeAccessIssue=false
from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, CollectionProperty, FloatProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..model.errors import InputError
from .addon_id import preferences
from .importing import Imported, ImportOptions, import_selection
from .reporting import report_warnings, scene_can_take
from .selection import MODEL_SUFFIXES, MOTION_SUFFIXES, Selection, choose_files, model_beside


class SIMSPINE_OT_import_motion(bpy.types.Operator, ImportHelper):
    """Bring a person into the scene: an OpenSim model (.osim) and its joint angles (.mot, .sto)"""

    bl_idname = "simspine.import_motion"
    bl_label = "Import OpenSim Motion"
    bl_options = {"REGISTER", "UNDO", "PRESET"}

    filename_ext = ".mot"
    filter_glob: StringProperty(default="*.osim;*.mot;*.sto", options={"HIDDEN"})
    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
    model_path: StringProperty(
        name="Model",
        description=(
            "The .osim model of the motion, if it is not among the chosen files; "
            "left empty, it is the only one in the motion's folder, or else the last one used"
        ),
        subtype="FILE_PATH",
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

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return scene_can_take(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        settings = preferences(context)
        for name in ("with_meshes", "with_markers"):
            if settings is not None and not self.properties.is_property_set(name):
                setattr(self, name, getattr(settings, name))
        if self.files and self.directory:  # files were dropped on the window
            return context.window_manager.invoke_props_dialog(
                self, title=self._dropped_title(), confirm_text="Import", width=380
            )
        return super().invoke(context, event)

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        paths = self._chosen_paths(context)
        column = layout.column()
        column.prop(self, "model_path", placeholder=_expected_model(paths, context))
        if not any(path.suffix.lower() in MODEL_SUFFIXES for path in paths) and not self.model_path:
            _draw_model_hint(column, paths, context)
        column = layout.column()
        column.prop(self, "fps")
        column = layout.column(heading="Show")
        column.prop(self, "with_meshes")
        column.prop(self, "with_markers")

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = preferences(context)
        options = ImportOptions(
            fps=self.fps,
            with_meshes=self.with_meshes,
            with_markers=self.with_markers,
            geometry_folders=[each.path for each in settings.geometry_folders if each.path] if settings else (),
        )
        try:
            chosen = choose_files(self._paths(), bpy.path.abspath(self.model_path), settings.last_model if settings else "")
            imported = import_selection(context.scene, chosen, options)
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if settings is not None:
            settings.last_model = str(chosen.model)
        report_warnings(self, imported.warnings, _summary(chosen, imported))
        return {"FINISHED"}
