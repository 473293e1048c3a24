"""Where each element of a document stands, byte by byte, so that single values can be changed and all else is kept."""

from __future__ import annotations

import re
import xml.parsers.expat
from dataclasses import dataclass, field
from pathlib import Path

from .errors import InputError

_START_TAG = re.compile(rb"""<[^>"']*(?:"[^"]*"[^>"']*|'[^']*'[^>"']*)*>""")


@dataclass(slots=True)
class Span:
    """An element: its bytes are `start` to `end`, its content `inner` to `close` (equal where it is empty)."""

    tag: str
    name: str
    start: int
    line: int
    inner: int = 0
    close: int = 0
    end: int = 0
    parent: Span | None = None
    children: list[Span] = field(default_factory=list)

    def child(self, *tags: str) -> Span | None:
        """The first child whose tag is one of `tags`, tried in their order."""
        return next((node for tag in tags for node in self.children if node.tag == tag), None)

    def objects(self, *tags: str) -> list[Span]:
        """The members of a set, with or without `<objects>` around them."""
        holder = self.child(*tags)
        inner = None if holder is None else holder.child("objects")
        return [] if holder is None else (inner or holder).children

    def descendants(self) -> list[Span]:
        """All elements inside, in document order."""
        return [node for child in self.children for node in (child, *child.descendants())]


class SplicedDocument:
    """A document's bytes with pieces to replace; `result()` puts them together."""

    def __init__(self, path: Path, data: bytes | None = None) -> None:
        self.path = path
        self.data = path.read_bytes() if data is None else data
        if self.data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise InputError("is in UTF-16, which cannot be edited", path=path, hint="save it again from OpenSim")
        self.root = _spans(self.data)
        self._pieces: list[tuple[int, int, bytes]] = []

    def text(self, node: Span) -> str:
        """The plain text in an element, without comments."""
        content = re.sub(rb"<!--.*?-->", b"", self.data[node.inner : node.close], flags=re.DOTALL)
        return content.decode("utf-8", "replace").strip()

    def source(self, node: Span) -> str:
        """The whole element as it is written."""
        return self.data[node.start : node.end].decode("utf-8")

    def replace(self, start: int, end: int, text: str) -> None:
        """Put `text` in the place of the bytes from `start` to `end`."""
        self._pieces.append((start, end, text.encode("utf-8")))

    def set_text(self, owner: Span, tag: str, text: str) -> None:
        """Give the child `tag` this text; a new child where `owner` has none."""
        node = owner.child(tag)
        if node is None:
            self.append(owner, f"<{tag}>{text}</{tag}>")
        elif node.inner == node.end:  # <tag/>
            self.replace(node.start, node.end, f"<{tag}>{text}</{tag}>")
        else:
            self.replace(node.inner, node.close, text)

    def append(self, owner: Span, text: str) -> None:
        """Add an element at the end of `owner`, indented as its last child."""
        if owner.inner == owner.end:
            tag = self.data[owner.start : owner.end].decode("utf-8").rstrip("/> \t\r\n")
            self.replace(owner.start, owner.end, f"{tag}>{text}</{owner.tag}>")
            return
        place = owner.children[-1].end if owner.children else owner.inner
        indent = ""
        if owner.children:
            first = owner.children[-1].start
            before = self.data.rfind(b"\n", 0, first)
            if before >= 0 and not self.data[before:first].strip():
                indent = self.data[before:first].decode("utf-8")
        self.replace(place, place, indent + text)

    def rename(self, node: Span, tag: str) -> None:
        """Another tag for an element with content."""
        begin = node.start + 1
        self.replace(begin, begin + len(node.tag.encode()), tag)
        self.replace(node.close, node.end, f"</{tag}>")

    def remove(self, node: Span) -> None:
        """Cut an element and the blank before it."""
        start = node.start
        while start > 0 and self.data[start - 1 : start] in (b" ", b"\t", b"\n", b"\r"):
            start -= 1
        self.replace(start, node.end, "")

    def result(self) -> bytes:
        """The document with all pieces in place."""
        parts, position = [], 0
        for start, end, text in sorted(self._pieces, key=lambda piece: (piece[0], piece[1])):
            assert start >= position, "two edits overlap"
            parts += [self.data[position:start], text]
            position = end
        return b"".join([*parts, self.data[position:]])


def _spans(data: bytes) -> Span:
    parser = xml.parsers.expat.ParserCreate()
    stack: list[Span] = []
    roots: list[Span] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        node = Span(tag, attributes.get("name", ""), parser.CurrentByteIndex, parser.CurrentLineNumber)
        match = _START_TAG.match(data, node.start)
        node.inner = match.end() if match else node.start
        if stack:
            node.parent = stack[-1]
            stack[-1].children.append(node)
        else:
            roots.append(node)
        stack.append(node)

    def end(_tag: str) -> None:
        node = stack.pop()
        place = parser.CurrentByteIndex
        if data[node.inner - 2 : node.inner] == b"/>":
            node.close = node.end = node.inner
        else:
            node.close = place
            node.end = data.index(b">", place) + 1

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.Parse(data, True)
    return roots[0]
