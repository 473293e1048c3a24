"""Numbers, vectors, booleans and rigid transforms out of an OpenSim document, with the place of every error."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .xml_tree import Node

Array = NDArray[np.float64]


class Scalars:
    """Typed access to the children of a node; `path` names the document in errors."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def error(self, problem: str, node: Node, hint: str | None = None) -> InputError:
        """An error at the node's line."""
        return InputError(problem, path=self.path, line=node.line, hint=hint)

    def numbers(self, node: Node, tag: str, count: int | None = None) -> Array | None:
        """The numbers in `<tag>`; None where the tag is missing or empty.

        Raises:
            InputError: text among the numbers, a value that is not finite, or another count than asked for.
        """
        child = node.child(tag)
        if child is None:
            return None
        words = child.text.replace(",", " ").strip().strip("()").split()
        if not words:
            return None
        try:
            values = np.array([float(word) for word in words])
        except ValueError as error:
            wrong = next(word for word in words if not _is_number(word))
            raise self.error(
                f"<{tag}> of {describe(node)} holds '{wrong[:40]}' where a number belongs", child
            ) from error
        if not np.all(np.isfinite(values)):
            raise self.error(f"<{tag}> of {describe(node)} holds a value that is not a finite number", child)
        if count is not None and len(values) != count:
            raise self.error(f"<{tag}> of {describe(node)} holds {len(values)} numbers where {count} belong", child)
        return values

    def number(self, node: Node, tag: str, default: float) -> float:
        """The single number in `<tag>`, or the default where the tag is missing."""
        values = self.numbers(node, tag, 1)
        return default if values is None else float(values[0])

    def vector(self, node: Node, *tags: str, size: int = 3) -> Array:
        """The vector in the first of `tags` that is there; zeros where none is."""
        for tag in tags:
            values = self.numbers(node, tag, size)
            if values is not None:
                return values
        return np.zeros(size)

    def boolean(self, node: Node, tag: str, default: bool) -> bool:
        """true or false in `<tag>`, or the default where the tag is missing or empty.

        Raises:
            InputError: any other word.
        """
        text = node.child_text(tag)
        if not text:
            return default
        if text.lower() in ("true", "1"):
            return True
        if text.lower() in ("false", "0"):
            return False
        raise self.error(f"<{tag}> of {describe(node)} is '{text[:40]}', neither true nor false", node)


def describe(node: Node) -> str:
    """`CustomJoint 'knee_r'`, for messages; an unnamed element borrows the name of the one that holds it."""
    if node.name and node.name != "function":
        return f"{node.tag} '{node.name}'"
    above = node.parent
    while above is not None and not above.name:
        above = above.parent
    return f"<{node.tag}>" if above is None else f"<{node.tag}> in {above.tag} '{above.name}'"


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word)) or True
    except ValueError:
        return False


def rotation_xyz(angles: Array) -> Array:
    """Rotation matrix of successive body-fixed rotations about x, y and z: Rx Ry Rz, [3, 3]."""
    (sx, sy, sz), (cx, cy, cz) = np.sin(angles), np.cos(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def rigid_transform(translation: Array, angles: Array) -> Array:
    """4x4 transform from a translation [3] m and body-fixed x-y-z angles [3] rad, as in OpenSim's offset frames."""
    transform = np.eye(4)
    transform[:3, :3] = rotation_xyz(angles)
    transform[:3, 3] = translation
    return transform
