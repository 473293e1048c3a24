"""Where a pathology enters a recording: its table checked, then model and motion edited, the avatar's model apart."""

from __future__ import annotations

from dataclasses import dataclass

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.errors import InputError
from ..simspine_addon.model.model_edits import edited_model
from ..simspine_addon.model.types import Model, Motion
from ..simspine_addon.spine.pathology import Pathology
from ..simspine_addon.spine.pathology_apply import bent_from, deformity, upright_model
from ..simspine_addon.spine.pathology_fusion import motion_of_fused
from ..simspine_addon.spine.pathology_measure import PathologyReport
from ..simspine_addon.spine.pathology_table import pathology_from_table
from ..simspine_addon.spine.pathology_thorax import BentThorax
from .render_config import Table
from .render_config_table import StrictTable


@dataclass(frozen=True, slots=True)
class Patient:
    """A model with its pathology, if it has one: `built` is whom an avatar is fitted to before it is bent."""

    model: Model
    built: Model
    report: PathologyReport | None = None
    thorax: BentThorax | None = None

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


def patient_of(model: Model, table: Table | None) -> Patient:
    """The model with the pathology of a checked table.

    Raises:
        InputError: this model cannot have it.
    """
    pathology = Pathology() if table is None else pathology_from_table(table, "pathology")
    if pathology.is_none:
        return Patient(model, model)
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
