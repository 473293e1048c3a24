"""Two-bone inverse kinematics in closed form, for all frames: leg to the ankle, arm to the wrist."""

from __future__ import annotations

import numpy as np

from .rotations import Array, least_rotation, unit


def reach(
    start: Array, middle: Array, end: Array, goal: Array, pole: Array, soft: float = 0.0
) -> tuple[Array, Array, Array]:
    """Turn two bones so that the second ends at `goal`, in the plane that they bend in.

    Args:
        start: hip or shoulder [T, 3] m.
        middle: knee or elbow [T, 3].
        end: ankle or wrist [T, 3].
        goal: where the end shall be [T, 3].
        pole: the side to which the middle joint bends where the limb is straight [T, 3].
        soft: the share of the limb's length over which it slows down before it is straight; 0 for none.

    Returns:
        the turns of the first and second bone in ground, [T, 3, 3] each, and where the end comes to lie [T, 3].
    """
    one = np.linalg.norm(middle - start, axis=-1)
    two = np.linalg.norm(end - middle, axis=-1)
    away = goal - start
    distance = _softened(np.linalg.norm(away, axis=-1), one, two, soft)
    line = unit(away)
    bend = _bend_direction(middle - start, end - start, line, pole, one)
    # The law of cosines: how far along the line, and how far beside it, the middle joint stands.
    along = (one**2 - two**2 + distance**2) / (2.0 * distance)
    beside = np.sqrt(np.maximum(one**2 - along**2, 0.0))
    new_middle = start + along[:, None] * line + beside[:, None] * bend
    new_end = start + distance[:, None] * line
    first = least_rotation(unit(middle - start), unit(new_middle - start))
    second = least_rotation(unit(end - middle), unit(new_end - new_middle))
    return first, second, new_end


def _softened(distance: Array, one: Array, two: Array, soft: float) -> Array:
    """The distance that the limb takes for one that is asked, never past straight, and not snapping there.

    Within the last share `soft` of its length L it nears L as L - w exp(-(d - L + w) / w), with the slope 1 at first.
    """
    length = one + two
    least = np.abs(one - two) + 1e-4 * length
    if soft <= 0.0:
        return np.clip(distance, least, length * (1.0 - 1e-9))
    width = soft * length
    begin = length - width
    slowed = length - width * np.exp(-np.maximum(distance - begin, 0.0) / width)
    return np.maximum(np.where(distance > begin, slowed, distance), least)


def _bend_direction(upper: Array, whole: Array, line: Array, pole: Array, size: Array) -> Array:
    """Across `line`, to the side the limb bends to already; the pole decides as the limb straightens."""
    axis = unit(whole)
    bent = upper - np.sum(upper * axis, axis=-1, keepdims=True) * axis
    # The limb's bend is carried along with its line, so that a moved goal does not turn the plane.
    carried = np.matmul(least_rotation(axis, line), bent[..., None])[..., 0]
    mixed = carried + 0.02 * size[:, None] * pole
    across = mixed - np.sum(mixed * line, axis=-1, keepdims=True) * line
    return unit(across)
