"""A model given a pathology: the edits that bring it about, the edited model, and what was realised of what was asked.

Curves are put into the rest position of the joints, so that forward kinematics stays exact and every motion of the
model goes on from the deformed posture; `pathology_posture` says how the bodies turn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..model.model_edits import ModelEdits, edited_model
from ..model.types import Model
from .pathology import Pathology, check_pathology
from .pathology_curve import (
    CurvePlan,
    plan_curves,
    reaches_into_thorax,
)
from .pathology_fusion import fused_joints, fusion_edits
from .pathology_legs import leg_scales
from .pathology_measure import PathologyReport, measure
from .pathology_pose import rest_frames
from .pathology_posture import PostureSolver
from .pathology_thorax import (
    BentThorax,
    bent_thorax,
    divided_thorax,
    divided_track,
)
from .pathology_thorax_edits import thorax_edits, with_straight_meshes
from .vertebral_chain import VertebralChain, vertebral_chain

Array = NDArray[np.float64]
_OFF_BALANCE_MM = 1.0  # is said


@dataclass(frozen=True, slots=True)
class Deformity:
    """The edits that bring a pathology about, what was realised of it, and the thorax that was bent for it, if any."""

    edits: ModelEdits
    report: PathologyReport
    thorax: BentThorax | None = None


def apply_pathology(model: Model, pathology: Pathology) -> tuple[Model, PathologyReport]:
    """The model with the pathology, and the report of asked and measured angles.

    Raises:
        InputError: the pathology is out of its limits, or this model cannot have it (its chain of vertebrae does not
            reach the curve, it has no such level or leg).
    """
    made = deformity(model, pathology)
    return edited_model(model, made.edits), made.report


def upright_model(model: Model, pathology: Pathology) -> Model:
    """The model with the pathology's legs but without its curve: what an avatar is fitted to, before it is bent."""
    legs = pathology.leg_length
    scales = leg_scales(model, legs) if legs and legs.difference_m else {}
    return edited_model(model, ModelEdits(scales=scales))


def bent_from(track: PoseTrack, upright: Model, thorax: BentThorax | None = None) -> PoseTrack:
    """The track of a deformed model with the upright model's default pose as its rest.

    A retargeted avatar then takes the deformity as a part of its pose, so that its skin bends with the curve; with the
    deformed pose as rest it would stand as straight as it was built. Global positions and rotations stay as they are.

    Args:
        track: of the model that `apply_pathology` gave.
        upright: from `upright_model`: the same bodies.
        thorax: from `deformity`; the vertebrae of a bent thorax then are bodies of the track, which ride on the thorax.
    """
    positions, rotations = rest_frames(upright)
    rested = replace(track, rest_positions=positions, rest_rotations=rotations)
    return rested if thorax is None else divided_track(thorax, rested)


def pathology_edits(model: Model, pathology: Pathology) -> tuple[ModelEdits, PathologyReport]:
    """The edits that `apply_pathology` makes as far as a document can hold them, for `document_edit.write_edited`, and
    the same report: a mesh of a bent rib cage stays straight, as near to it as it can be."""
    made = deformity(model, pathology)
    return with_straight_meshes(model, made.edits), made.report


def spine_plans(model: Model, pathology: Pathology) -> tuple[VertebralChain, tuple[CurvePlan, ...]]:
    """The chain of vertebrae on which a pathology's curves lie, and where; a thorax of one body counts as divided
    where a curve reaches into it.

    Raises:
        InputError: this model cannot have such curves.
    """
    chain = vertebral_chain(model)
    if chain.thorax_is_one_body and _curves_thorax(pathology):
        chain = vertebral_chain(divided_thorax(model).model)
    return chain, plan_curves(chain, pathology.curves)


def _curves_thorax(pathology: Pathology) -> bool:
    return pathology.thorax == "curved" or reaches_into_thorax(pathology.curves)


def deformity(model: Model, pathology: Pathology) -> Deformity:
    """How a model gets a pathology.

    Raises:
        InputError: as `apply_pathology`.
    """
    check_pathology(pathology)
    legs = pathology.leg_length
    scales = leg_scales(model, legs) if legs and legs.difference_m else {}
    on_spine = bool(pathology.curves or pathology.fused or pathology.lordosis_deg or pathology.kyphosis_deg)
    oblique = bool(scales and legs and legs.obliquity)
    own = vertebral_chain(model) if on_spine or (oblique and pathology.balance == "trunk") else None
    divided = None
    if own is not None and own.thorax_is_one_body and _curves_thorax(pathology):
        divided = divided_thorax(model)
    bending = model if divided is None else divided.model
    chain = own if divided is None else vertebral_chain(bending)
    plans: tuple[CurvePlan, ...] = plan_curves(chain, pathology.curves) if chain else ()
    work = PostureSolver(edited_model(bending, ModelEdits(scales=scales)), pathology, chain, plans, oblique, divided)
    posture = work.balanced()
    frames, notes, thorax = work.frames(posture), list[str](), None
    edits = ModelEdits(scales=scales, frames=frames)
    if divided is not None:
        thorax = bent_thorax(divided, frames)
        hung, notes = thorax_edits(thorax, frames)
        edits = replace(hung, scales=scales)
    if posture.counter and chain and plans:
        lean, side = abs(np.degrees(posture.counter)), "right" if posture.counter > 0 else "left"
        notes.append(
            f"below {chain.vertebrae[plans[0].lower]} the spine leans up to {lean:.0f} deg more to the {side}: a "
            "compensating curve, which brings the head back over the sacrum"
        )
    off = 1e3 * work.off_balance(posture) if work.is_compound else 0.0
    if abs(off) > _OFF_BALANCE_MM:
        side = "right" if off > 0 else "left"
        notes.append(
            f"the head stands {abs(off):.0f} mm to the {side} of the sacrum: these curves leave no more balance"
        )
    shown = ModelEdits(scales=scales, frames=frames)
    if pathology.fused and own:
        bent = edited_model(model, edits)
        fusion, said = fusion_edits(bent, own, fused_joints(own, pathology.fused))
        welded = {"welded": fusion.welded, "couplers": fusion.couplers}
        edits = replace(edits, frames={**edits.frames, **fusion.frames}, **welded)
        shown = replace(shown, frames={**frames, **fusion.frames}, **welded)
        notes += said
    report = measure(bending, edited_model(bending, shown), pathology, chain, plans, tuple(notes))
    return Deformity(edits, report, thorax)
