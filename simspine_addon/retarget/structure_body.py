"""A skeleton seen as a person who stands: floor, height, up, right and forward, for finding roles by shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model.errors import InputError
from .rotations import UP, Array, unit
from .skeleton import Skeleton


@dataclass(frozen=True, slots=True)
class Body:
    """A skeleton seen as a person: parents' paths, up, right and forward."""

    skeleton: Skeleton
    children: list[list[int]]
    ends: Array  # [N, 3] tails, or heads where there is none
    floor: float
    height: float
    right: Array
    forward: Array

    def head(self, bone: int) -> Array:
        return self.skeleton.rest_positions[bone]

    def below(self, bone: int) -> list[int]:
        """The bone and everything that hangs on it."""
        found = [bone]
        for item in found:
            found += self.children[item]
        return found


def unfit(what: str, why: str) -> InputError:
    return InputError(f"the skeleton has no {what} that can be told: {why}", hint="give the bone map by hand")


def path_up(skeleton: Skeleton, bone: int) -> list[int]:
    path = [bone]
    while skeleton.parents[path[-1]] >= 0:
        path.append(int(skeleton.parents[path[-1]]))
    return path


def floor_and_height(skeleton: Skeleton, paths: list[list[int]]) -> tuple[float, float]:
    """Lowest level and extent of the heads; a single control bone below the feet would mislead: roots are left out."""
    heights = skeleton.rest_positions[:, 1]
    inner = [bone for bone in range(len(heights)) if len(paths[bone]) > 1]
    if not inner or np.ptp(heights[inner]) < 1e-6:
        raise unfit("height", "all bones lie at one level")
    return float(heights[inner].min()), float(np.ptp(heights[inner]))


def oriented(skeleton: Skeleton, children: list[list[int]], floor: float, height: float, legs: list[list[int]]) -> Body:
    """Which way the person faces: where the feet point, square to the line between the legs."""
    ends = skeleton.rest_positions if skeleton.tails is None else skeleton.tails
    heads = skeleton.rest_positions
    apart = heads[legs[0][-1]] - heads[legs[1][-1]]
    apart = unit(apart - (apart @ UP) * UP)
    body = Body(skeleton, children, ends, floor, height, apart, np.cross(UP, apart))
    pointing = np.zeros(3)
    for leg in legs:
        reach = np.concatenate([np.concatenate([heads[b][None], ends[b][None]]) for b in body.below(leg[-1])])
        out = reach - heads[leg[-1]]
        pointing += out[np.argmax(np.linalg.norm(out[:, [0, 2]], axis=1))]
        # Knees bend forward: a hint that decides where the feet are single bones without length.
        middle = heads[leg[1:-1]].mean(axis=0) - 0.5 * (heads[leg[0]] + heads[leg[-1]])
        pointing += 0.1 * middle
    forward = np.cross(UP, apart) * np.sign(pointing @ np.cross(UP, apart) or 1.0)
    return Body(skeleton, children, ends, floor, height, np.cross(forward, UP), forward)
