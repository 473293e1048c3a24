"""The posture of a deformed spine: how far every body turns, and what the spine does to hold the head over the sacrum.

Where a vertebra shall lean by c to the right, turn by r to the left and lean by s backward, it is turned by
Rx(c) Ry(r) Rz(s) in the upright axes forward, up and right of the standing person: in the coronal plane its transverse
axis then leans by c exactly, whatever r and s are, so that the Cobb angle between the end vertebrae on a frontal
radiograph is the one asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from ..model.model_edits import ModelEdits, Side, edited_model
from ..model.types import Model
from .pathology import Pathology
from .pathology_curve import (
    LEAST_BELOW,
    SHARE_LIMITS,
    CurvePlan,
    lead_limits,
    leans,
    parts_below,
    tilts,
    turns,
)
from .pathology_fusion import fused_joints
from .pathology_legs import leg_bodies, obliquity
from .pathology_pose import Holder, about, rest_frames, rest_joint_frames, turned_frames, upright_axes
from .pathology_thorax import DividedThorax
from .vertebral_chain import VertebralChain

Array = NDArray[np.float64]
_HEADS = ("head", "skull", "head_neck", "skull_jaw")
_LARGEST_WEDGE = np.radians(45.0)  # of one level: more and its vertebrae would stand in each other
_LARGEST_COUNTER = np.radians(30.0)  # the program's own limit
_ON_TARGET_M = 1e-9
_ROUNDS = 30  # of the coronal and the sagittal balance in turn, each of which moves the other a little


@dataclass(frozen=True, slots=True)
class Posture:
    """What the solver chooses: the share of the Cobb angle below the apex, the lean of a compensating curve below, and
    how far the pelvis leans back (rad)."""

    share: float = 0.5
    counter: float = 0.0
    pelvis: float = 0.0


class PostureSolver:
    """Turns of the bodies of a standing model for one pathology, by posture."""

    def __init__(
        self,
        model: Model,
        pathology: Pathology,
        chain: VertebralChain | None,
        plans: tuple[CurvePlan, ...],
        oblique: bool,
        divided: DividedThorax | None,
    ) -> None:
        self.model, self.pathology, self.chain, self.plans, self.divided = model, pathology, chain, plans, divided
        self.shares = lead_limits(plans) if plans else SHARE_LIMITS
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

    def _middle(self) -> Posture:
        """Half of the curve below its apex, as far as its neighbours leave it free."""
        return Posture(share=min(max(0.5, self.shares[0]), self.shares[1]))

    def balanced(self) -> Posture:
        """The posture in which the head stands over the sacrum and as far before the hips as it did."""
        posture, head, chain = self._middle(), self._head(), self.chain
        if self.pathology.balance == "none" or head is None or chain is None:
            return posture
        for _ in range(_ROUNDS):
            start = posture
            if self.plans:
                posture = replace(posture, share=self._balanced_share(posture))
            if self._may_counter() and abs(self._head_offset(posture)[1]) > _ON_TARGET_M:
                posture = replace(posture, counter=self._balanced_counter(posture))
            if self.sagittal:
                posture = replace(posture, pelvis=self._balanced_pelvis(posture))
            moved = posture.share - start.share, posture.counter - start.counter, posture.pelvis - start.pelvis
            if sum(map(abs, moved)) < 1e-9:
                break
        return posture

    def _balanced_share(self, posture: Posture) -> float:
        return _root(lambda x: self._head_offset(replace(posture, share=x))[1], posture.share, *self.shares)

    def off_balance(self, posture: Posture) -> float:
        """How far to the right of the sacrum the neck's joint stands in a posture that was to be balanced, m; 0 where
        nothing was."""
        if self.pathology.balance == "none" or self._head() is None or not self.plans:
            return 0.0
        return float(self._head_offset(posture)[1])

    def _may_counter(self) -> bool:
        """Whether a compensating curve has room below curves that a single one's balance cannot bring to the middle."""
        return self.is_compound and bool(self.plans) and self.plans[0].lower >= LEAST_BELOW

    @property
    def is_compound(self) -> bool:
        """Whether there is more to it than one curve of bodies that the model has."""
        return self.divided is not None or len(self.plans) > 1

    def _balanced_counter(self, posture: Posture) -> float:
        limits = -_LARGEST_COUNTER, _LARGEST_COUNTER
        return _root(lambda x: self._head_offset(replace(posture, counter=x))[1], posture.counter, *limits)

    def _balanced_pelvis(self, posture: Posture) -> float:
        wanted = self._head_offset(None)[0]
        return _root(lambda x: self._head_offset(replace(posture, pelvis=x))[0] - wanted, posture.pelvis, -1.0, 1.0)

    def _head_offset(self, posture: Posture | None) -> Array:
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

    def frames(self, posture: Posture) -> dict[tuple[str, Side], Array]:
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

    def _pelvis_turn(self, posture: Posture) -> Array:
        if not self.tilt and not posture.pelvis:
            return np.eye(3)
        if "pelvis" not in self.names:
            raise InputError("the model has no body 'pelvis' to tilt", path=self.model.path)
        return about(0, self.tilt) @ about(2, posture.pelvis)

    def _ground(self, turn: Array) -> Array:
        return self.upright @ turn @ self.upright.T

    def _turn_spine(self, bodies: dict[int, Array], posture: Posture) -> None:
        chain = self.chain
        assert chain is not None
        count = len(chain.vertebrae)
        sideways, axial = np.zeros(count), np.zeros(count)
        if self.plans:
            sideways = tilts(count, self.plans, parts_below(self.plans, posture.share), self.tilt, posture.counter)
            axial = turns(count, self.plans)
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
        if self.divided is not None and self.pathology.balance == "trunk":
            # Shoulders hang on the neck as well as on the ribs: they lean as T1 does (its tilt is a clinical sign of
            # theirs), and turn with the ribs behind them.
            carrier = chain.vertebrae.index("T12") + self.divided.girdle_level
            turn = about(0, sideways[-1]) @ about(1, axial[carrier]) @ about(2, back[carrier])
            bodies[self.divided.girdle] = self._ground(turn)

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
