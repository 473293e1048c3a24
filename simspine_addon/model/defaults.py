"""The `<defaults>` of older documents: values that objects of a type have where they do not say otherwise."""

from __future__ import annotations

from .xml_tree import Node


def apply_defaults(model: Node) -> None:
    """Give every object the plain properties that it leaves out and that `<defaults>` has for its type.

    OpenSim does the same when it reads the document; properties that hold objects are not passed on.
    """
    holder = model.child("defaults")
    if holder is None:
        return
    defaults = {
        node.tag: {child.tag: child for child in node.children if not child.children} for node in holder.children
    }
    waiting = [child for child in model.children if child is not holder]
    while waiting:
        node = waiting.pop()
        given = {child.tag for child in node.children}
        for tag, default in defaults.get(node.tag, {}).items():
            if tag not in given:
                node.children.append(Node(tag, default.attributes, default.line, node, text=default.text))
        waiting += node.children
