"""Several people in one recording: places and headings where their motions never meet, and the motions moved there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..kinematics.pose_track import PoseTrack
from ..model.errors import InputError
from .surroundings_shapes import turn_about_y

Array = NDArray[np.float64]

_GAP_M = 0.25  # at least between two people at any time
_STEP_M = 0.05
_FARTHEST_M = 200.0


@dataclass(frozen=True, slots=True)
class Place:
    """A rigid motion on the floor: first a turn by `heading` rad about the upright axis through the origin (from +Z
    towards +X), then a shift by (x, 0, z) m."""

    x: float = 0.0
    z: float = 0.0
    heading: float = 0.0

    def points(self, points: ArrayLike) -> Array:
        """Points [..., 3] of ground moved with it."""
        return np.asarray(points, float) @ turn_about_y(self.heading).T + (self.x, 0.0, self.z)


def place_people(footprints: Sequence[ArrayLike], rng: np.random.Generator) -> tuple[Place, ...]:
    """Where each person's motion goes: the first stays, the others come as near as they can without touching.

    Each person is a disc on the floor at every frame; discs of the same frame keep 0.25 m apart. Where motions differ
    in length, every frame is compared with every other.

    Args:
        footprints: outermost points of each person, [T, N, 3] m in ground.
        rng: two numbers are taken for each person, so that one more leaves the others where they were.

    Returns:
        a place for each; the first is Place().

    Raises:
        InputError: no points, or points of another shape.
    """
    discs = [_discs(points) for points in footprints]
    draws = rng.uniform(0.0, 2.0 * np.pi, (len(discs), 2)).tolist()
    placed: list[tuple[Array, Array]] = []
    places: list[Place] = []
    for index, ((centres, radii), (heading, direction)) in enumerate(zip(discs, draws, strict=True)):
        place = Place() if index == 0 else _free_place(centres, radii, heading, direction, placed)
        places.append(place)
        moved = place.points(np.insert(centres, 1, 0.0, axis=1))[:, [0, 2]]
        placed.append((moved, radii))
    return tuple(places)


def moved_track(track: PoseTrack, place: Place) -> PoseTrack:
    """The motion with every pose moved as one rigid body; the rest pose stays, since skins are bound to it."""
    return replace(
        track,
        positions=place.points(track.positions),
        rotations=turn_about_y(place.heading) @ track.rotations,
    )


def _discs(points: ArrayLike) -> tuple[Array, Array]:
    """A disc on the floor around the person at every frame: centres [T, 2] (x, z) and radii [T], m."""
    points = np.asarray(points, float)
    if points.ndim != 3 or points.shape[-1] != 3 or not points.size or not np.isfinite(points).all():
        raise InputError(f"a person's points have the shape {points.shape}, not [T, N, 3], or are not finite")
    flat = points[..., [0, 2]]
    centres = (flat.min(axis=1) + flat.max(axis=1)) / 2
    return centres, np.linalg.norm(flat - centres[:, None], axis=2).max(axis=1)


def _free_place(
    centres: Array, radii: Array, heading: float, direction: float, others: Sequence[tuple[Array, Array]]
) -> Place:
    """The nearest place in a direction from the first person at which no disc comes near another's."""
    turned = Place(heading=heading).points(np.insert(centres, 1, 0.0, axis=1))[:, [0, 2]]
    start = others[0][0].mean(axis=0) - turned.mean(axis=0)
    ahead = np.array([np.sin(direction), np.cos(direction)])
    for distance in np.arange(0.0, _FARTHEST_M, _STEP_M):
        shift = start + distance * ahead
        if all(_apart(turned + shift, radii, *other) for other in others):
            return Place(float(shift[0]), float(shift[1]), heading)
    raise InputError("no place was found where another person does not touch the first", hint="ask for fewer people")


def _apart(centres: Array, radii: Array, other_centres: Array, other_radii: Array) -> bool:
    if len(centres) == len(other_centres):
        gaps = np.linalg.norm(centres - other_centres, axis=1) - radii - other_radii
    else:
        gaps = np.linalg.norm(centres[:, None] - other_centres, axis=2) - radii[:, None] - other_radii
    return bool(gaps.min() >= _GAP_M)
