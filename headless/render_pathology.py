"""Where a pathology enters a recording: its table checked, then model and motion edited, the avatar's model apart."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.model_edits import edited_model
from ..simspine_addon.model.types import Model, Motion
from ..simspine_addon.spine.pathology import Pathology
from ..simspine_addon.spine.pathology_apply import bent_from, deformity, upright_model
from ..simspine_addon.spine.pathology_fusion import motion_of_fused
from ..simspine_addon.spine.pathology_measure import PathologyReport
from ..simspine_addon.spine.pathology_record import combined, straightened
from ..simspine_addon.spine.pathology_table import pathology_from_table
from ..simspine_addon.spine.pathology_thorax import BentThorax
from .render_config import Table
from .render_config_table import StrictTable


@dataclass(frozen=True, slots=True)
class Patient:
    """A model with its pathology, if it has one: `built` is whom an avatar is fitted to before it is bent.

    The pathology is a table's, or `simspine deform` has written it into the model's document, or both.
    """

    model: Model
    built: Model
    report: PathologyReport | None = None
    thorax: BentThorax | None = None
    problem: str | None = None  # why the pathology of a deformed model is not known

    def facts(self) -> dict[str, object] | None:
        """What labels say of the pathology: the report, `unknown` and why, or None for none."""
        if self.problem is not None:
            return {"unknown": self.problem}
        return None if self.report is None else self.report.as_dict()

    def rested(self, track: PoseTrack) -> PoseTrack:
        """The track of `model` as an avatar that is fitted to `built` has to take it."""
        return track if self.report is None else bent_from(track, self.built, self.thorax)


def check_pathology_table(table: StrictTable) -> Table:
    """The table, when it describes a pathology.

    Raises:
        InputError: it does not, with its line.
    """
    _pathology(table)
    return dict(table.values)


def patient_of(model: Model, table: Table | None = None) -> Patient:
    """The model with the pathology of a checked table, besides the one that it may have.

    A deformed model whose straight one is not known stands as it is written, with a warning among the model's.

    Raises:
        InputError: this model cannot have it.
    """
    pathology = Pathology() if table is None else pathology_from_table(table, "pathology")
    try:
        straight = straightened(model)
    except InputError as error:
        if not pathology.is_none:
            raise
        warning = f"{error}; until then its avatar stands straight"
        return Patient(replace(model, warnings=(*model.warnings, warning)), model, problem=error.problem)
    if straight is None and pathology.is_none:
        return Patient(model, model)
    if straight is not None and pathology.is_none:
        return Patient(model, straight.built, straight.made.report, straight.made.thorax)
    if straight is not None:
        model, pathology = straight.model, combined(straight.pathology, pathology)
    made = deformity(model, pathology)
    return Patient(edited_model(model, made.edits), upright_model(model, pathology), made.report, made.thorax)


def motion_of(model: Model, patient: Patient, motion: Motion) -> Motion:
    """A motion that was read for `model`, as one of the patient's."""
    if patient.model.coordinate_names == model.coordinate_names:
        return motion
    return motion_of_fused(model, patient.model, motion)


def _pathology(table: StrictTable) -> Pathology:
    try:
        return pathology_from_table(table.values, "the pathology")
    except InputError as error:
        raise table.located(error) from error
