"""Joint angles and spines of several people as arrays of one shape, though their models may differ, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .labels import Anatomy, Labels

Array = NDArray[np.float64]


def pack_anatomy(people: Sequence[Labels]) -> dict[str, NDArray]:
    """The anatomy of P people; empty where nobody has one.

    axis_names [A] and vertebra_names [B] are those of all models together; axis_ranks [P,A] and vertebra_ranks [P,B]
    say which place each has in the person's own model, -1 where it has none. axes [P,T,A], vertebra_rotations
    [P,T,B,3,3], vertebra_positions [P,T,B,3], lumbar_lordosis and thoracic_kyphosis [P,T]: NaN where there is none;
    has_anatomy [P].
    """
    known = [person.anatomy for person in people if person.anatomy is not None]
    if not known:
        return {}
    axes = tuple(dict.fromkeys(name for each in known for name in each.axis_names))
    vertebrae = tuple(dict.fromkeys(name for each in known for name in each.vertebra_names))
    count = len(people[0].time)
    nothing = np.full(count, np.nan)
    return {
        "has_anatomy": np.array([person.anatomy is not None for person in people]),
        "axis_names": np.array(axes, np.str_),
        "axis_ranks": np.array([_ranks(axes, each.anatomy.axis_names if each.anatomy else ()) for each in people]),
        "axes": np.stack([columns(each.anatomy, axes, count) for each in people]),
        "vertebra_names": np.array(vertebrae, np.str_),
        "vertebra_ranks": np.array(
            [_ranks(vertebrae, each.anatomy.vertebra_names if each.anatomy else ()) for each in people]
        ),
        "vertebra_rotations": np.stack(
            [_spread(each.anatomy and each.anatomy.vertebra_rotations, each, vertebrae, (3, 3)) for each in people]
        ),
        "vertebra_positions": np.stack(
            [_spread(each.anatomy and each.anatomy.vertebra_positions, each, vertebrae, (3,)) for each in people]
        ),
        "lumbar_lordosis": np.stack([each.anatomy.lumbar_lordosis if each.anatomy else nothing for each in people]),
        "thoracic_kyphosis": np.stack([each.anatomy.thoracic_kyphosis if each.anatomy else nothing for each in people]),
    }


def unpack_anatomy(arrays: Mapping[str, NDArray]) -> tuple[Anatomy | None, ...]:
    """What `pack_anatomy` packed, for each person."""
    if "has_anatomy" not in arrays:
        return (None,) * len(arrays["person_names"])
    return tuple(_unpacked(arrays, person) if has else None for person, has in enumerate(arrays["has_anatomy"]))


def columns(anatomy: Anatomy | None, names: Sequence[str], count: int) -> Array:
    """The joint angles `names` [T, A] (rad, m) of `count` frames; NaN where the person has no such axis."""
    result = np.full((count, len(names)), np.nan)
    if anatomy is None:
        return result
    own = {name: place for place, name in enumerate(anatomy.axis_names)}
    wanted = [index for index, name in enumerate(names) if name in own]
    result[:, wanted] = anatomy.axes[:, [own[names[index]] for index in wanted]]
    return result


def _unpacked(arrays: Mapping[str, NDArray], person: int) -> Anatomy:
    axes, vertebrae = _order(arrays["axis_ranks"][person]), _order(arrays["vertebra_ranks"][person])
    return Anatomy(
        axis_names=tuple(map(str, arrays["axis_names"][axes])),
        axes=arrays["axes"][person][:, axes],
        vertebra_names=tuple(map(str, arrays["vertebra_names"][vertebrae])),
        vertebra_rotations=arrays["vertebra_rotations"][person][:, vertebrae],
        vertebra_positions=arrays["vertebra_positions"][person][:, vertebrae],
        lumbar_lordosis=arrays["lumbar_lordosis"][person],
        thoracic_kyphosis=arrays["thoracic_kyphosis"][person],
    )


def _ranks(names: Sequence[str], own: Sequence[str]) -> list[int]:
    return [own.index(name) if name in own else -1 for name in names]


def _order(ranks: NDArray) -> NDArray[np.int64]:
    """The places of a person's own names among all, in the person's order."""
    return np.argsort(ranks, kind="stable")[int((ranks < 0).sum()) :]


def _spread(values: Array | None, person: Labels, names: Sequence[str], shape: tuple[int, ...]) -> Array:
    result = np.full((len(person.time), len(names), *shape), np.nan)
    if person.anatomy is not None and values is not None:
        result[:, [names.index(name) for name in person.anatomy.vertebra_names]] = values
    return result
