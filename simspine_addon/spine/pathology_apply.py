"""A model given a pathology: the edits that bring it about, the edited model, and what was realised of what was asked.

Curves are put into the rest position of the joints, so that forward kinematics stays exact and every motion of the
model goes on from the deformed posture. Where a vertebra shall lean by c to the right, turn by r to the left and lean
by s backward, it is turned by Rx(c) Ry(r) Rz(s) in the upright axes forward, up and right of the standing person: in
the coronal plane its transverse axis then leans by c exactly, whatever r and s are, so that the Cobb angle between the
end vertebrae on a frontal radiograph is the one asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..model.errors import InputError
from ..model.model_edits import ModelEdits, Side, edited_model
from ..model.types import Model
from .pathology import Pathology, check_pathology
from .pathology_curve import CurvePlan, leans, plan_curve, tilts, turns
from .pathology_fusion import fused_joints, fusion_edits
from .pathology_legs import leg_bodies, leg_scales, obliquity
from .pathology_measure import PathologyReport, measure
from .pathology_pose import Holder, about, rest_frames, rest_joint_frames, turned_frames, upright_axes
from .vertebral_chain import VertebralChain, vertebral_chain

Array = NDArray[np.float64]
_HEADS = ("head", "skull", "head_neck", "skull_jaw")
_LARGEST_WEDGE = np.radians(45.0)  # of one level: more and its vertebrae would stand in each other
_SHARE_LIMITS = (0.1, 0.9)  # of the Cobb angle below the apex
_ON_TARGET_M = 1e-9
_ROUNDS = 30  # of the coronal and the sagittal balance in turn, each of which moves the other a little


@dataclass(frozen=True, slots=True)
class _Posture:
    """What the solver chooses: the share of the Cobb angle below the apex, and how far the pelvis leans back (rad)."""

    share: float = 0.5
    pelvis: float = 0.0


def apply_pathology(model: Model, pathology: Pathology) -> tuple[Model, PathologyReport]:
    """The model with the pathology, and the report of asked and measured angles.

    Raises:
        InputError: the pathology is out of its limits, or this model cannot have it (its chain of vertebrae does not
            reach the curve, it has no such level or leg).
    """
    edits, report = pathology_edits(model, pathology)
    return edited_model(model, edits), report


def upright_model(model: Model, pathology: Pathology) -> Model:
    """The model with the pathology's legs but without its curve: what an avatar is fitted to, before it is bent."""
    legs = pathology.leg_length
    scales = leg_scales(model, legs) if legs and legs.difference_m else {}
    return edited_model(model, ModelEdits(scales=scales))


def bent_from(track: PoseTrack, upright: Model) -> PoseTrack:
    """The track of a deformed model with the upright model's default pose as its rest.

    A retargeted avatar then takes the deformity as a part of its pose, so that its skin bends with the curve; with the
    deformed pose as rest it would stand as straight as it was built. Global positions and rotations stay as they are.

    Args:
        track: of the model that `apply_pathology` gave.
        upright: from `upright_model`: the same bodies.
    """
    positions, rotations = rest_frames(upright)
    return replace(track, rest_positions=positions, rest_rotations=rotations)


def pathology_edits(model: Model, pathology: Pathology) -> tuple[ModelEdits, PathologyReport]:
    """The edits that `apply_pathology` makes, for `document_edit.write_edited`, and the same report."""
    check_pathology(pathology)
    legs = pathology.leg_length
    scales = leg_scales(model, legs) if legs and legs.difference_m else {}
    longer = edited_model(model, ModelEdits(scales=scales))
    on_spine = bool(pathology.scoliosis or pathology.fused or pathology.lordosis_deg or pathology.kyphosis_deg)
    oblique = bool(scales and legs and legs.obliquity)
    chain = vertebral_chain(model) if on_spine or (oblique and pathology.balance == "trunk") else None
    plan = plan_curve(chain, pathology.scoliosis) if chain and pathology.scoliosis else None
    work = _Deformity(longer, pathology, chain, plan, oblique)
    frames, notes = work.frames(work.balanced()), list[str]()
    edits = ModelEdits(scales=scales, frames=frames)
    if pathology.fused and chain:
        bent = edited_model(model, edits)
        fusion, said = fusion_edits(bent, chain, fused_joints(chain, pathology.fused))
        edits = replace(fusion, scales=scales, frames={**frames, **fusion.frames})
        notes += said
    report = measure(model, edited_model(model, edits), pathology, chain, plan, tuple(notes))
    return edits, report


class _Deformity:
    """Turns of the bodies of a standing model for one pathology, by posture."""

    def __init__(
        self, model: Model, pathology: Pathology, chain: VertebralChain | None, plan: CurvePlan | None, oblique: bool
    ) -> None:
        self.model, self.pathology, self.chain, self.plan = model, pathology, chain, plan
        self.positions, self.rotations = rest_frames(model)
        self.names = {name.lower(): index for index, name in enumerate(model.body_names)}
        self.upright = upright_axes(model, self.rotations)
        self.sagittal = bool(pathology.lordosis_deg or pathology.kyphosis_deg)
        self.tilt = 0.0
        legs = pathology.leg_length
        if oblique and legs:
            hips = [self.upright.T @ self._joint(leg_bodies(model, side)[0]) for side in ("left", "right")]
            self.tilt = obliquity((hips[0], hips[1]), legs)
            other = "left" if legs.leg == "right" else "right"
            self.pivot = self._joint(leg_bodies(model, other)[0])
        else:
            self.pivot = self._hips()

    def _joint(self, body: int) -> Array:
        lower, _ = rest_joint_frames(self.model)
        return lower[body, :3, 3]

    def _hips(self) -> Array:
        thighs = [self.names[name] for name in ("femur_r", "femur_l") if name in self.names]
        return np.mean([self._joint(body) for body in thighs], axis=0) if thighs else np.zeros(3)

    def _head(self) -> int | None:
        return next((self.names[name] for name in _HEADS if name in self.names), None)

    def balanced(self) -> _Posture:
        """The posture in which the head stands over the sacrum and as far before the hips as it did."""
        posture, head, chain = _Posture(), self._head(), self.chain
        if self.pathology.balance == "none" or head is None or chain is None:
            return posture
        for _ in range(_ROUNDS):
            start = posture
            if self.plan is not None:
                posture = replace(posture, share=self._balanced_share(posture))
            if self.sagittal:
                posture = replace(posture, pelvis=self._balanced_pelvis(posture))
            if abs(posture.share - start.share) + abs(posture.pelvis - start.pelvis) < 1e-9:
                break
        return posture

    def _balanced_share(self, posture: _Posture) -> float:
        return _root(lambda x: self._head_offset(replace(posture, share=x))[1], posture.share, *_SHARE_LIMITS)

    def _balanced_pelvis(self, posture: _Posture) -> float:
        wanted = self._head_offset(None)[0]
        return _root(lambda x: self._head_offset(replace(posture, pelvis=x))[0] - wanted, posture.pelvis, -1.0, 1.0)

    def _head_offset(self, posture: _Posture | None) -> Array:
        """Where the neck's joint is from the hips (forward) and from the sacrum's endplate (right), m; None: before."""
        model = self.model
        if posture is not None:
            model = edited_model(model, ModelEdits(frames=self.frames(posture)))
        lower, _ = rest_joint_frames(model)
        head, chain = self._head(), self.chain
        assert head is not None
        assert chain is not None
        thighs = [self.names[name] for name in ("femur_r", "femur_l") if name in self.names]
        hips = lower[thighs, :3, 3].mean(axis=0) if thighs else lower[chain.joints[0], :3, 3]
        from_hips = self.upright.T @ (lower[head, :3, 3] - hips)
        from_sacrum = self.upright.T @ (lower[head, :3, 3] - lower[chain.joints[0], :3, 3])
        return np.array([from_hips[0], from_sacrum[2]])

    def frames(self, posture: _Posture) -> dict[tuple[str, Side], Array]:
        """The joints' frames of this posture."""
        bodies: dict[int, Array] = {}
        holders: dict[int, Holder] = {}
        pelvis = self._pelvis_turn(posture)
        chain = self.chain
        if chain is not None:
            self._turn_spine(bodies, posture)
        if not np.array_equal(pelvis, np.eye(3)):
            carried = self.names["pelvis"]
            bodies[carried], holders[carried] = self._ground(pelvis), "child"
            for name in ("femur_r", "femur_l"):
                if name in self.names:
                    bodies[self.names[name]], holders[self.names[name]] = np.eye(3), "parent"
        if self.pathology.balance == "trunk" and chain is not None:
            upright = [self.names[name] for name in ("humerus_r", "humerus_l") if name in self.names]
            for body in upright:
                bodies[body], holders[body] = np.eye(3), "parent"
            head = self._head()
            if head is not None:
                bodies[head] = np.eye(3)
        frames = turned_frames(self.model, bodies, holders)
        if "pelvis" in self.names and self.names["pelvis"] in bodies:
            self._keep_pivot(frames, bodies[self.names["pelvis"]])
        return frames

    def _pelvis_turn(self, posture: _Posture) -> Array:
        if not self.tilt and not posture.pelvis:
            return np.eye(3)
        if "pelvis" not in self.names:
            raise InputError("the model has no body 'pelvis' to tilt", path=self.model.path)
        return about(0, self.tilt) @ about(2, posture.pelvis)

    def _ground(self, turn: Array) -> Array:
        return self.upright @ turn @ self.upright.T

    def _turn_spine(self, bodies: dict[int, Array], posture: _Posture) -> None:
        chain = self.chain
        assert chain is not None
        count = len(chain.vertebrae)
        sideways, axial = np.zeros(count), np.zeros(count)
        if self.plan is not None:
            sideways = tilts(count, self.plan, posture.share * self.plan.cobb, self.tilt)
            axial = turns(count, self.plan)
        elif self.tilt and self.pathology.balance == "trunk":
            sideways = self.tilt * (1.0 - self._functional_shares(chain))
        elif self.tilt:
            sideways = np.full(count, self.tilt)
        back = leans(
            chain, np.radians(self.pathology.lordosis_deg), np.radians(self.pathology.kyphosis_deg), posture.pelvis
        )
        _check_wedges(chain, sideways, back)
        for index in range(1, count):
            turn = about(0, sideways[index]) @ about(1, axial[index]) @ about(2, back[index])
            bodies[chain.bodies[index]] = self._ground(turn)

    def _functional_shares(self, chain: VertebralChain) -> Array:
        """How far each vertebra has come from a tilted pelvis to an upright thorax: equal steps at what can bend."""
        fused = fused_joints(chain, self.pathology.fused)
        bends = np.array([joint not in fused for joint in chain.joints], dtype=float)
        steps = bends if bends.any() else np.ones(len(bends))
        return np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])

    def _keep_pivot(self, frames: dict[tuple[str, Side], Array], turn: Array) -> None:
        """Turn the pelvis about the hips' middle, or the hip that stands as before, and not about its own origin."""
        body = self.names["pelvis"]
        joint = self.model.joints[body]
        _, upper = rest_joint_frames(self.model)
        frame = frames.get((joint.name, "child"), joint.child_offset).copy()
        origin = upper[body, :3, 3]
        frame[:3, 3] = self.rotations[body].T @ (turn.T @ (origin - self.pivot) - (self.positions[body] - self.pivot))
        frames[joint.name, "child"] = frame


def _check_wedges(chain: VertebralChain, sideways: Array, back: Array) -> None:
    wedges = np.maximum(np.abs(np.diff(sideways)), np.abs(np.diff(back)))
    worst = int(wedges.argmax())
    if wedges[worst] > _LARGEST_WEDGE:
        raise InputError(
            f"the level {chain.level(worst)} alone would bend by {np.degrees(wedges[worst]):.0f} deg, more than 45",
            hint="ask for less, or for another apex and end vertebrae",
        )


def _root(function: Callable[[float], float], start: float, low: float, high: float) -> float:
    """Where a monotonic function is zero between `low` and `high`, by secants; the nearer end if it is nowhere."""
    ends = function(low), function(high)
    if ends[0] * ends[1] > 0.0:
        return low if abs(ends[0]) < abs(ends[1]) else high
    x, y = start, function(start)
    for _ in range(60):
        if abs(y) < _ON_TARGET_M:
            break
        if y * ends[0] > 0.0:
            low, ends = x, (y, ends[1])
        else:
            high, ends = x, (ends[0], y)
        x = low - ends[0] * (high - low) / (ends[1] - ends[0])
        y = function(x)
    return x
