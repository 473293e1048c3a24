"""XML of OpenSim documents as a small tree with line numbers; no entities, no external references, size limits.

OpenSim writes tag names such as `HuntCrossleyForce::ContactParameters`, which a namespace-aware parser refuses,
so expat runs here without namespaces.
"""

from __future__ import annotations

import xml.parsers.expat
from dataclasses import dataclass, field
from pathlib import Path

from .errors import InputError

MAX_BYTES = 512 * 1024 * 1024
MAX_DEPTH = 200


@dataclass(slots=True)
class Node:
    """An element: tag, attributes, own text, children, and the line where it begins."""

    tag: str
    attributes: dict[str, str]
    line: int
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    text: str = ""

    @property
    def name(self) -> str:
        return self.attributes.get("name", "")

    def child(self, *tags: str) -> Node | None:
        """The first child whose tag is one of `tags`, tried in their order."""
        for tag in tags:
            for node in self.children:
                if node.tag == tag:
                    return node
        return None

    def child_text(self, *tags: str) -> str | None:
        """The stripped text of that child; None where there is no such child."""
        node = self.child(*tags)
        return None if node is None else node.text.strip()

    def objects(self, *tags: str) -> list[Node]:
        """The members of a set: children of `<tag><objects>`, or of `<tag>` where it is a plain list."""
        holder = self.child(*tags)
        if holder is None:
            return []
        inner = holder.child("objects")
        return (inner if inner is not None else holder).children


def parse_xml(path: str | Path, document: bytes | None = None) -> Node:
    """Read a whole document, from its file or from `document`, and give its root element.

    Raises:
        InputError: the file is missing, unreadable, too large, no XML, truncated, or declares entities.
    """
    path = Path(path)
    return _TreeBuilder(path).parse(_read(path) if document is None else document)


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise InputError("is a folder, not a file", path=path, hint="name the .osim file itself")
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"is larger than {MAX_BYTES >> 20} MiB", path=path, hint="is this an OpenSim model?")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError("no such file", path=path, hint="check the path") from error
    except OSError as error:
        raise InputError(
            f"cannot be read ({error.strerror or error})", path=path, hint="check its permissions"
        ) from error


class _TreeBuilder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.root: Node | None = None
        self.stack: list[Node] = []
        self.parser = xml.parsers.expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._doctype

    def parse(self, data: bytes) -> Node:
        if not data.strip():
            raise InputError("is empty", path=self.path, hint="save the model again")
        try:
            self.parser.Parse(data, True)
        except xml.parsers.expat.ExpatError as error:
            problem = f"is not well-formed XML ({xml.parsers.expat.ErrorString(error.code)})"
            if self.stack:
                problem += f", inside <{self.stack[-1].tag}>"
            hint = "the file is truncated or was edited by hand; save it again from OpenSim"
            raise InputError(problem, path=self.path, line=error.lineno, hint=hint) from error
        assert self.root is not None
        return self.root

    def _doctype(self, *_: object) -> None:
        raise InputError(
            "declares a document type or entities, which OpenSim never writes",
            path=self.path,
            line=self.parser.CurrentLineNumber,
            hint="remove the DOCTYPE",
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        parent = self.stack[-1] if self.stack else None
        node = Node(tag, attributes, self.parser.CurrentLineNumber, parent)
        if parent is None:
            self.root = node
        else:
            parent.children.append(node)
        self.stack.append(node)
        if len(self.stack) > MAX_DEPTH:
            raise InputError(f"nests elements deeper than {MAX_DEPTH}", path=self.path, line=node.line)

    def _end(self, _tag: str) -> None:
        self.stack.pop()

    def _text(self, text: str) -> None:
        self.stack[-1].text += text
