"""Fingers by their geometry: which chain of a hand is the thumb, which the index finger and so on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .roles import FINGERS
from .rotations import unit
from .skeleton import Skeleton

Array = NDArray[np.float64]
# A finger's first bone that starts this near to the wrist, as a share of the finger's reach, is a metacarpal.
_METACARPAL = 0.35


def finger_roles(skeleton: Skeleton, children: list[list[int]], hand: int) -> dict[str, tuple[int, ...]]:
    """Finger -> up to three phalanges from the knuckle; what the hand does not have stays away."""
    wrist = skeleton.rest_positions[hand]
    chains = [chain for chain in _chains(skeleton, children, hand) if len(chain) > 0]
    if not chains:
        return {}
    fingers = [_phalanges(skeleton, wrist, chain) for chain in chains]
    if len(fingers) == 1:
        return {"index": fingers[0]}
    thumb = _thumb_of(skeleton, wrist, fingers)
    others = [finger for i, finger in enumerate(fingers) if i != thumb]
    base = np.array([skeleton.rest_positions[finger[0]] for finger in others])
    from_thumb = base - skeleton.rest_positions[fingers[thumb][0]]
    direction = unit(base.mean(axis=0) - wrist)
    sideways = from_thumb - np.outer(from_thumb @ direction, direction)
    order = np.argsort(sideways @ unit(sideways.mean(axis=0)))
    roles = {"thumb": fingers[thumb]}
    roles |= {role: others[place] for role, place in zip(FINGERS[1:], order, strict=False)}
    return roles


def _chains(skeleton: Skeleton, children: list[list[int]], hand: int) -> list[list[int]]:
    """Every chain from the hand to an end, shared palm bones left out; the longest through each branch."""
    found: list[list[int]] = []
    waiting = [[child] for child in children[hand]]
    while waiting:
        chain = waiting.pop()
        below = children[chain[-1]]
        if not below:
            found.append(chain)
        elif len(below) == 1:
            waiting.append([*chain, below[0]])
        else:
            # A palm bone that carries two fingers is its own finger's metacarpal, or nobody's.
            waiting += [[child] for child in below]
    long = [chain for chain in found if len(chain) > 1]
    return long if len(long) >= 2 else found


def _phalanges(skeleton: Skeleton, wrist: Array, chain: list[int]) -> tuple[int, ...]:
    """Up to three bones from the knuckle: without a metacarpal at the wrist, without an end bone at the tip."""
    reach = np.linalg.norm(skeleton.rest_positions[chain] - wrist, axis=1)
    if len(chain) > 3 and reach[0] < _METACARPAL * reach[-1]:
        chain = chain[1:]
    return tuple(chain[:3])


def _thumb_of(skeleton: Skeleton, wrist: Array, fingers: list[tuple[int, ...]]) -> int:
    """The finger that points most away from the others and starts nearest to the wrist."""
    base = np.array([skeleton.rest_positions[finger[0]] for finger in fingers])
    tip = np.array([_tip(skeleton, finger) for finger in fingers])
    direction = unit(tip - base)
    reach = np.linalg.norm(tip - wrist, axis=1)
    scores = []
    for i in range(len(fingers)):
        others = np.delete(np.arange(len(fingers)), i)
        apart = 1.0 - direction[i] @ unit(direction[others].mean(axis=0))
        scores.append(apart + 1.0 - reach[i] / reach[others].mean())
    return int(np.argmax(scores))


def _tip(skeleton: Skeleton, finger: tuple[int, ...]) -> Array:
    end = skeleton.end_of(finger[-1])
    return skeleton.rest_positions[finger[-1]] if end is None else end
