"""Arms by shape: a chain to the side, split at shoulder, elbow and wrist by how human the lengths come out."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from .rotations import Array, unit
from .structure_body import Body, unfit
from .structure_hand import finger_roles

# Winter, Biomechanics and Motor Control of Human Movement, fig. 4.1 (after Drillis and Contini 1966): hip to ankle
# 0.491 of the height, upper arm 0.186, forearm 0.146, half the width of the shoulders 0.129.
_LEG = 0.491
_ARM = 0.332
_UPPER_TO_FORE = 1.12  # between these 1.27 and the 0.95 or so that avatars' rigs have
_SHOULDER_HALF_WIDTH = 0.115  # joint centres stand a little within the width of the figure


def arm_roles(body: Body, path: list[int], leg: float, middle: Array) -> dict[str, tuple[int, ...]]:
    """Collar bone, upper arm, forearm, hand and fingers of one arm, given from the chest outwards."""
    heads = body.skeleton.rest_positions[path]
    height = leg / _LEG
    best: tuple[float, tuple[int, int, int]] | None = None
    wrists = _wrists(body, path)
    for shoulder, elbow, wrist in combinations(range(len(path)), 3):
        upper = float(np.linalg.norm(heads[elbow] - heads[shoulder]))
        fore = float(np.linalg.norm(heads[wrist] - heads[elbow]))
        if wrist not in wrists or min(upper, fore) < 1e-6:
            continue
        width = abs(float((heads[shoulder] - middle) @ body.right)) / height
        cost = abs(np.log(upper / fore / _UPPER_TO_FORE)) + 1.5 * abs(np.log((upper + fore) / height / _ARM))
        cost += 10.0 * abs(width - _SHOULDER_HALF_WIDTH)
        # Two joints almost in one place (ulna and radius): the first of them is the elbow.
        cost += 0.3 if np.linalg.norm(heads[elbow] - heads[elbow - 1]) < 0.02 * height else 0.0
        if best is None or cost < best[0]:
            best = cost, (shoulder, elbow, wrist)
    if best is None:
        raise unfit("arm", "its bones have no length")
    shoulder, elbow, wrist = best[1]
    roles = {"clavicle": tuple(path[:shoulder]), "upper_arm": tuple(path[shoulder:elbow])}
    roles |= {"forearm": tuple(path[elbow:wrist]), "hand": (path[wrist],)}
    return roles | finger_roles(body.skeleton, body.children, path[wrist])


def _wrists(body: Body, path: list[int]) -> set[int]:
    """The places on an arm's path that may be the wrist: where most fingers spread, or, without fingers, any."""
    fans = [_fan(body, path, place) for place in range(len(path))]
    most = max(fans)
    if most == 0:
        return set(range(2, len(path)))
    return {place for place, fan in enumerate(fans) if fan == most and place >= 2} or set(range(2, len(path)))


def _fan(body: Body, path: list[int], place: int) -> int:
    """How many chains leave a bone of the path sideways; what lies on the limb's own line is a twist bone."""
    bone = path[place]
    beside = [child for child in body.children[bone] if place + 1 >= len(path) or child != path[place + 1]]
    if not beside:
        return 0
    fan = body.skeleton.rest_positions[beside] - body.head(bone)
    line = unit(body.skeleton.rest_positions[path[min(place + 1, len(path) - 1)]] - body.head(bone))
    off_line = np.linalg.norm(fan - np.outer(fan @ line, line), axis=1)
    return int((off_line > 0.01 * body.height).sum())
