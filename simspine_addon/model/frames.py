"""Frames of an OpenSim document: the body, and the place on it, that `/jointset/hip_r/pelvis_offset` means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .scalars import Scalars, describe, rigid_transform
from .types import GROUND
from .xml_tree import Node

Array = NDArray[np.float64]
ComponentPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """A frame's body (index; -1 is ground) and the 4x4 transform from the frame into that body."""

    body: int
    transform: Array


def socket_text(node: Node, *names: str) -> str | None:
    """What a socket is connected to, in every spelling from `<parent_body>` to `<socket_parent_frame>`."""
    connectors = node.child("connectors")
    for name in names:
        text = node.child_text(f"socket_{name}", f"socket_{name}_connectee_name")
        if text:
            return text
        for connector in [] if connectors is None else connectors.children:
            if connector.name == name and connector.child_text("connectee_name"):
                return connector.child_text("connectee_name")
    for name in names:
        text = node.child_text(name)
        if text:
            return text
    return None


class FrameRegistry:
    """Every body and offset frame by its path in the component tree, resolved to bodies on demand."""

    def __init__(self, scalars: Scalars) -> None:
        self._scalars = scalars
        self._bodies: dict[ComponentPath, int] = {}
        self._offsets: dict[ComponentPath, Node] = {}
        self._by_name: dict[str, list[ComponentPath]] = {}
        self._resolved: dict[ComponentPath, Placement] = {}
        self._resolving: list[ComponentPath] = []

    def add_body(self, path: ComponentPath, index: int) -> None:
        """Register a body, or ground as index -1."""
        self._bodies[path] = index
        self._by_name.setdefault(path[-1], []).append(path)

    def add_offset(self, path: ComponentPath, node: Node) -> None:
        """Register a PhysicalOffsetFrame."""
        self._offsets[path] = node
        self._by_name.setdefault(path[-1], []).append(path)

    def place(self, text: str, owner: ComponentPath, node: Node) -> Placement:
        """Resolve the path `text`, absolute or relative to the component at `owner`.

        Raises:
            InputError: there is no such frame, the name alone is ambiguous, or frames hang on each other in a ring.
        """
        return self._placement(self._find(text, owner, node), node)

    def _find(self, text: str, owner: ComponentPath, node: Node) -> ComponentPath:
        words = [word for word in text.split("/") if word not in ("", ".")]
        path: list[str] = [] if text.startswith("/") else list(owner)
        for word in words:
            if word == "..":
                path = path[:-1]
            else:
                path.append(word)
        wanted = tuple(path)
        if wanted in self._bodies or wanted in self._offsets:
            return wanted
        # Older documents give a bare name, or a path that begins with the model's own name: go by the last word.
        candidates = self._by_name.get(words[-1] if words else "", [])
        bodies = [path for path in candidates if path in self._bodies]
        if len({self._bodies[path] for path in bodies}) == 1:
            return bodies[0]
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            raise self._error(f"{describe(node)} is connected to '{text}', which several frames could be", node)
        raise self._error(f"{describe(node)} is connected to '{text}', which is no body or frame here", node)

    def _placement(self, path: ComponentPath, node: Node) -> Placement:
        if path in self._bodies:
            return Placement(self._bodies[path], np.eye(4))
        if path in self._resolved:
            return self._resolved[path]
        if path in self._resolving:
            raise self._error(f"the frame '{path[-1]}' hangs on itself through its parents", node)
        offset = self._offsets[path]
        parent_text = socket_text(offset, "parent")
        if not parent_text:
            raise self._error(f"{describe(offset)} has no parent frame", offset)
        self._resolving.append(path)
        parent = self.place(parent_text, path, offset)
        self._resolving.pop()
        local = rigid_transform(
            self._scalars.vector(offset, "translation"), self._scalars.vector(offset, "orientation")
        )
        self._resolved[path] = Placement(parent.body, parent.transform @ local)
        return self._resolved[path]

    def _error(self, problem: str, node: Node) -> InputError:
        return self._scalars.error(problem, node)


def register_frames(registry: FrameRegistry, node: Node, path: ComponentPath) -> None:
    """Register the offset frames that `node` owns, in `<frames>` and `<components>`, and theirs."""
    for tag in ("frames", "components"):
        for child in node.objects(tag):
            if child.tag == "PhysicalOffsetFrame":
                own = (*path, child.name)
                registry.add_offset(own, child)
                register_frames(registry, child, own)


__all__ = ["GROUND", "ComponentPath", "FrameRegistry", "Placement", "register_frames", "socket_text"]
