"""From joints as a document lists them to a tree that grows from ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .joint_reader import JointRecord
from .scalars import Scalars
from .types import GROUND
from .xml_tree import Node


@dataclass(frozen=True, slots=True)
class TreeJoint:
    """A joint in the tree: the body that it carries, and whether the document names it the other way round.

    `record` is None for a body that no joint holds; OpenSim lets it float on six coordinates.
    """

    body: int
    record: JointRecord | None
    reversed: bool = False


def build_tree(bodies: Sequence[Node], joints: Sequence[JointRecord], scalars: Scalars) -> list[TreeJoint]:
    """Order the joints so that each carries a new body from ground or from a body already carried.

    Raises:
        InputError: a joint closes a loop, joins a body to itself, or bodies hang on each other in a ring.
    """
    waiting = list(joints)
    reached = {GROUND}
    tree: list[TreeJoint] = []
    while True:
        waiting = _grow(waiting, reached, tree, scalars)
        loose = [body for body in range(len(bodies)) if body not in reached]
        if not loose:
            return _in_document_order(tree)
        carried = {record.child.body for record in waiting}
        roots = [body for body in loose if body not in carried]
        if not roots:
            first = waiting[0]
            names = ", ".join(f"'{record.name}'" for record in waiting)
            raise scalars.error(
                f"the joints {names} form a cycle that never reaches ground",
                first.node,
                hint="connect one of their bodies to ground",
            )
        reached.add(roots[0])
        tree.append(TreeJoint(roots[0], None))


def _grow(waiting: list[JointRecord], reached: set[int], tree: list[TreeJoint], scalars: Scalars) -> list[JointRecord]:
    """Add every joint that touches the tree; give back those that do not touch it yet."""
    progress = True
    while progress:
        progress = False
        remaining = []
        for record in waiting:
            parent_in, child_in = record.parent.body in reached, record.child.body in reached
            if parent_in and child_in:
                raise scalars.error(
                    f"the joint '{record.name}' closes a loop of bodies, which needs constraints to be solved",
                    record.node,
                    hint="SimSpine takes trees; cut the loop at this joint",
                )
            if not parent_in and not child_in:
                remaining.append(record)
                continue
            body = record.child.body if parent_in else record.parent.body
            reached.add(body)
            tree.append(TreeJoint(body, record, reversed=child_in))
            progress = True
        waiting = remaining
    return waiting


def _in_document_order(tree: list[TreeJoint]) -> list[TreeJoint]:
    """Bodies as the document lists them, except that a parent always comes first."""
    by_body = {joint.body: joint for joint in tree}
    ordered: list[TreeJoint] = []
    placed: set[int] = {GROUND}
    for start in sorted(by_body):
        chain = []
        body = start
        while body not in placed:
            chain.append(by_body[body])
            placed.add(body)
            body = parent_of(by_body[body])
        ordered += reversed(chain)
    return ordered


def parent_of(joint: TreeJoint) -> int:
    """The body that carries the joint's body in the tree."""
    if joint.record is None:
        return GROUND
    return joint.record.child.body if joint.reversed else joint.record.parent.body
