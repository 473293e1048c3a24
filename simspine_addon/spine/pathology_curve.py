"""The shape of a deformed spine: how each vertebra tilts, turns and leans for a Cobb angle or a change of lordosis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from .pathology import ROTATION_PER_COBB, THORACIC, VERTEBRAE_IN_CURVE, VERTEBRAE_IN_THORACIC_CURVE, Scoliosis
from .published import SEGMENTAL_LORDOSIS_DEG
from .vertebral_chain import VertebralChain

Array = NDArray[np.float64]

SHARE_LIMITS = (0.1, 0.9)  # of the Cobb angle below the apex
LEAST_BELOW = 4  # joints below the lowest end over which the spine can bend to the other side and back
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


def reaches_into_thorax(curves: Sequence[Scoliosis]) -> bool:
    """Whether curves need the vertebrae above T12: their apexes, or ends that are named, lie there."""
    for curve in curves:
        apex = curve.apex.upper().replace("/", "-").split("-")
        if any(part.strip() in (*THORACIC, "T1") for part in (*apex, (curve.upper or "").upper())) or apex == ["T12"]:
            return True
    return False


def plan_curves(chain: VertebralChain, curves: Sequence[Scoliosis]) -> tuple[CurvePlan, ...]:
    """Place curves on the model's chain, from below.

    Neighbours whose ends are not named share the vertebra half-way between their apexes; where one names it, the other
    takes it over. Where both are named, vertebrae may lie between them.

    Raises:
        InputError: as `plan_curve`; or two curves overlap, or neighbours are convex to the same side.
    """
    if len(curves) < 2:
        return tuple(plan_curve(chain, curve) for curve in curves)
    apexes = [chain.place(curve.apex) for curve in curves]
    for curve, apex in zip(curves, apexes, strict=True):
        if apex is None:
            raise _no_apex(chain, curve)
    order = sorted(range(len(curves)), key=lambda index: apexes[index] or 0.0)
    joined = [curves[index] for index in order]
    for below in range(len(joined) - 1):
        low, high = joined[below], joined[below + 1]
        if low.side == high.side:
            raise InputError(
                f"the curves at {low.apex} and {high.apex} are neighbours and both convex to the {low.side}",
                hint="neighbouring curves bend to opposite sides; give one curve instead of the two",
            )
        middle = chain.vertebrae[int(np.floor(0.5 * sum(apexes[order[below + i]] or 0.0 for i in (0, 1)) + 0.5))]
        shared = low.upper or high.lower or middle
        joined[below] = replace(low, upper=low.upper or shared)
        joined[below + 1] = replace(high, lower=high.lower or shared)
    plans = tuple(plan_curve(chain, curve) for curve in joined)
    for below, above, low, high in zip(plans, plans[1:], joined, joined[1:], strict=False):
        if above.lower < below.upper:
            raise InputError(
                f"the curve at {high.apex} begins at {high.lower}, below the end {low.upper} of that at {low.apex}",
                hint="let them share an end vertebra, or leave some between them",
            )
    return plans


def plan_curve(chain: VertebralChain, curve: Scoliosis) -> CurvePlan:
    """Place a curve on the model's chain.

    Raises:
        InputError: the apex or an end is no vertebra of the model, or no curve can have these ends.
    """
    apex = chain.place(curve.apex)
    if apex is None:
        raise _no_apex(chain, curve)
    top = len(chain.vertebrae) - 1
    thoracic = apex > chain.vertebrae.index("T12")
    # from the apex to either end, in vertebrae
    reach = ((VERTEBRAE_IN_THORACIC_CURVE if thoracic else VERTEBRAE_IN_CURVE) - 1.0) / 2.0
    lower = max(1, int(np.floor(apex - reach + 0.5)))
    upper = min(top, max(int(np.ceil(apex + reach - 0.5)), int(np.ceil(apex)) + 1))
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


def tilts(
    count: int, plans: Sequence[CurvePlan], below: Sequence[float], base: float = 0.0, counter: float = 0.0
) -> Array:
    """Tilt of each of `count` vertebrae to the right [V] rad, in the coronal plane.

    The lower end vertebra of a curve leans by its part of `below` towards the convex side, the upper one by the rest of
    the Cobb angle towards the other, the apex stands level: between them the tilt is a quarter of a cosine and a
    quarter of a sine, so that the wedge of the discs is largest at the apex and vanishes at the ends. From the sacrum,
    which tilts by `base`, the spine leans into the first curve by equal steps, and so from one curve to the next where
    they share no vertebra; above the last it returns upright where there are joints enough, else it stays as it is.
    `counter` is a lean, greatest half-way between the sacrum and the first curve, that comes on top there: the
    compensating curve which brings the head back over the sacrum.
    """
    place = np.arange(count, dtype=float)
    quarter, last = np.pi / 2, count - 1
    low, lean = 0.0, base
    found = np.empty(0)
    for plan, part in zip(plans, below, strict=True):
        start, apex, up = float(plan.lower), plan.apex, float(plan.upper)
        above, side = plan.cobb - part, plan.convex
        share = np.clip((place - low) / (start - low), 0.0, 1.0) if start > low else np.ones(count)
        into = lean + (side * part - lean) * share
        if counter and not len(found):
            into = into + counter * np.sin(np.pi * share)
        to_apex = side * part * np.cos(quarter * np.clip((place - start) / (apex - start), 0.0, 1.0))
        to_end = -side * above * np.sin(quarter * np.clip((place - apex) / (up - apex), 0.0, 1.0))
        own = np.where(place <= start, into, np.where(place <= apex, to_apex, to_end))
        found = np.where(place <= low, found, own) if len(found) else own
        low, lean = up, -side * above
    if last - low >= _LEAST_ABOVE:
        found = found * np.cos(quarter * np.clip((place - low) / (last - low), 0.0, 1.0))
    return found


def turns(count: int, plans: Sequence[CurvePlan]) -> Array:
    """Axial rotation of each vertebra, [V] rad about the upward axis (positive to the left).

    Greatest at the apex of each curve, towards the convex side, and none from the end vertebrae on, in step with the
    sideways deviation of the curve, with which it goes together best in patients (Stokes 1989, J Orthop Res 7:702).
    """
    place = np.arange(count, dtype=float)
    total = np.zeros(count)
    for plan in plans:
        share = np.where(place <= plan.apex, plan.apex - plan.lower, plan.upper - plan.apex)
        reach = np.clip(np.abs(place - plan.apex) / share, 0.0, 1.0)
        total = total - plan.convex * plan.rotation * np.cos(np.pi / 2 * reach)
    return total


def share_limits(plans: Sequence[CurvePlan]) -> tuple[tuple[float, float], ...]:
    """For each curve the least and the largest share of its Cobb angle that can lie below its apex.

    A curve that shares an end vertebra with the one below it takes that one's tilt over, so that the shares of joined
    curves hang together; every one keeps between a tenth and nine tenths.

    Raises:
        InputError: joined curves so different in size that their apexes cannot all stand level.
    """
    limits = [SHARE_LIMITS] * len(plans)
    for index in range(len(plans) - 2, -1, -1):
        if not _joined(plans, index):
            continue
        # the tilt at the shared vertebra: what the lower curve has above its apex is what the upper has below its own
        ratio = plans[index + 1].cobb / plans[index].cobb
        low, high = (1.0 - limits[index + 1][side] * ratio for side in (1, 0))
        limits[index] = max(low, SHARE_LIMITS[0]), min(high, SHARE_LIMITS[1])
        if limits[index][0] > limits[index][1]:
            sizes = " and ".join(f"{np.degrees(plan.cobb):.0f}" for plan in plans[index:])
            raise InputError(
                f"neighbouring curves of {sizes} deg cannot share end vertebrae: their apexes would not stand level",
                hint="make them more alike, or leave vertebrae between their ends",
            )
    return tuple(limits)


def parts_below(plans: Sequence[CurvePlan], share: float) -> tuple[float, ...]:
    """The part of each curve's Cobb angle below its apex, rad, for `share` (0 to 1) of the major curves' freedom.

    Where curves are joined the lowest decides about the others; groups without the largest curve stay in the middle of
    what they can be. For a single curve `share` is the share of its angle itself.
    """
    limits = share_limits(plans)
    major = max(range(len(plans)), key=lambda index: plans[index].cobb)
    first = major
    while first > 0 and _joined(plans, first - 1):
        first -= 1
    parts: list[float] = []
    for index, plan in enumerate(plans):
        if index > 0 and _joined(plans, index - 1):
            parts.append(plans[index - 1].cobb - parts[-1])
        elif index == first:
            parts.append(share * plan.cobb)
        else:
            parts.append(0.5 * (limits[index][0] + limits[index][1]) * plan.cobb)
    return tuple(parts)


def lead_limits(plans: Sequence[CurvePlan]) -> tuple[float, float]:
    """The limits of the `share` that `parts_below` takes."""
    limits = share_limits(plans)
    first = max(range(len(plans)), key=lambda index: plans[index].cobb)
    while first > 0 and _joined(plans, first - 1):
        first -= 1
    return limits[first]


def _joined(plans: Sequence[CurvePlan], index: int) -> bool:
    """Whether a curve and the next one share an end vertebra."""
    return plans[index].upper == plans[index + 1].lower


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
