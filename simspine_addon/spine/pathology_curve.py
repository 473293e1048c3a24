"""The shape of a deformed spine: how each vertebra tilts, turns and leans for a Cobb angle or a change of lordosis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from .pathology import ROTATION_PER_COBB, THORACIC, VERTEBRAE_IN_CURVE, Scoliosis
from .published import SEGMENTAL_LORDOSIS_DEG
from .vertebral_chain import VertebralChain

Array = NDArray[np.float64]

_REACH = (VERTEBRAE_IN_CURVE - 1.0) / 2.0  # from the apex to either end, in vertebrae
_LEAST_ABOVE = 3  # joints above the upper end over which the spine can come back upright


@dataclass(frozen=True, slots=True)
class CurvePlan:
    """Where a curve lies on a chain (places count vertebrae from the sacrum), and its angles in rad."""

    lower: int
    apex: float
    upper: int
    cobb: float
    convex: float  # +1 right, -1 left
    rotation: float  # of the apex towards the convex side


def plan_curve(chain: VertebralChain, curve: Scoliosis) -> CurvePlan:
    """Place a curve on the model's chain.

    Raises:
        InputError: the apex or an end is no vertebra of the model, or no curve can have these ends.
    """
    apex = chain.place(curve.apex)
    if apex is None:
        raise _no_apex(chain, curve)
    top = len(chain.vertebrae) - 1
    lower = max(1, int(np.floor(apex - _REACH + 0.5)))
    upper = min(top, max(int(np.ceil(apex + _REACH - 0.5)), int(np.ceil(apex)) + 1))
    if curve.lower is not None:
        lower = _end(chain, curve.lower, "lower")
    if curve.upper is not None:
        upper = _end(chain, curve.upper, "upper")
    if not 1 <= lower < apex < upper <= top:
        ends = f"{chain.vertebrae[min(lower, top)]} to {chain.vertebrae[min(upper, top)]}"
        last = "T12-L1" if chain.thorax_is_one_body else chain.level(top - 1)
        raise InputError(
            f"a curve with its apex at {curve.apex} cannot lie between its end vertebrae {ends}",
            hint=f"on this model an apex can lie from L4 to {last}, between ends from L5 to {chain.vertebrae[-1]}",
        )
    cobb = float(np.radians(curve.cobb_deg))
    rotation = cobb * ROTATION_PER_COBB if curve.rotation_deg is None else float(np.radians(curve.rotation_deg))
    return CurvePlan(lower, apex, upper, cobb, 1.0 if curve.side == "right" else -1.0, rotation)


def _no_apex(chain: VertebralChain, curve: Scoliosis) -> InputError:
    parts = curve.apex.upper().replace("/", "-").split("-")
    if chain.thorax_is_one_body and all(part in (*THORACIC, "T1", "T12") for part in parts):
        return InputError(
            f"a thoracic curve (apex {curve.apex}) cannot be had: the thorax is one body in this model",
            hint="choose an apex from T12-L1 to L4, or a model whose thoracic vertebrae are bodies",
        )
    return InputError(
        f"the apex '{curve.apex}' is no vertebra or disc of this model's spine",
        hint=f"it has {chain.vertebrae[-1]} to S1; write L2, or L2-L3 for a disc",
    )


def _end(chain: VertebralChain, name: str, what: str) -> int:
    place = chain.place(name)
    if place is None or place != int(place):
        raise InputError(
            f"the {what} end vertebra '{name}' is no vertebra of this model's spine",
            hint=f"it has {', '.join(chain.vertebrae[1:])}",
        )
    return int(place)


def tilts(count: int, plan: CurvePlan, below: float, base: float = 0.0) -> Array:
    """Tilt of each of `count` vertebrae to the right [V] rad, in the coronal plane.

    The lower end vertebra leans by `below` towards the convex side, the upper one by the rest of the Cobb angle towards
    the other, the apex stands level: between them the tilt is a quarter of a cosine and a quarter of a sine, so that
    the wedge of the discs is largest at the apex and vanishes at the ends. From the sacrum, which tilts by `base`, the
    spine leans into the curve by equal steps; above it returns upright where there are joints enough, else it stays as
    it is.
    """
    place = np.arange(count, dtype=float)
    low, apex, up = float(plan.lower), plan.apex, float(plan.upper)
    above, quarter = plan.cobb - below, np.pi / 2
    last = count - 1
    side = plan.convex
    into = base + (side * below - base) * np.clip(place / low, 0.0, 1.0)
    to_apex = side * below * np.cos(quarter * np.clip((place - low) / (apex - low), 0.0, 1.0))
    to_end = -side * above * np.sin(quarter * np.clip((place - apex) / (up - apex), 0.0, 1.0))
    returning = (
        np.cos(quarter * np.clip((place - up) / (last - up), 0.0, 1.0)) if last - up >= _LEAST_ABOVE else np.ones(count)
    )
    return np.where(place <= low, into, np.where(place <= apex, to_apex, to_end * returning))


def turns(count: int, plan: CurvePlan) -> Array:
    """Axial rotation of each vertebra, [V] rad about the upward axis (positive to the left).

    Greatest at the apex, towards the convex side, and none from the end vertebrae on, in step with the sideways
    deviation of the curve, with which it goes together best in patients (Stokes 1989, J Orthop Res 7:702).
    """
    place = np.arange(count, dtype=float)
    share = np.where(place <= plan.apex, plan.apex - plan.lower, plan.upper - plan.apex)
    return -plan.convex * plan.rotation * np.cos(np.pi / 2 * np.clip(np.abs(place - plan.apex) / share, 0.0, 1.0))


def leans(chain: VertebralChain, lordosis: float, kyphosis: float, base: float = 0.0) -> Array:
    """Backward lean of each vertebra, [V] rad, for changes of lordosis (L1-S1) and kyphosis (T3-T12) in rad.

    Lordosis is spread over L5-S1 to L1-L2 as the lordosis of standing adults is (Sci Rep 2022, s41598-022-21840-x,
    n 324); kyphosis evenly over the joints from T11-T12 to T3-T4, or, where the thorax is one body, put at T12-L1.
    `base` is the lean of the sacrum.
    """
    total = sum(SEGMENTAL_LORDOSIS_DEG.values())
    names = [chain.level(i) for i in range(len(chain.joints))]
    thoracic = [i for i, name in enumerate(names) if name.startswith("T") and name not in _OUTSIDE_KYPHOSIS]
    thoracic = thoracic or [names.index("T12-L1")]
    change = np.zeros(len(names))
    for index, name in enumerate(names):
        change[index] += lordosis * SEGMENTAL_LORDOSIS_DEG.get(name, 0.0) / total
    change[thoracic] -= kyphosis / len(thoracic)
    return base + np.concatenate([[0.0], np.cumsum(change)])


_OUTSIDE_KYPHOSIS = ("T12-L1", "T2-T3", "T1-T2")
