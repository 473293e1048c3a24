"""What hangs on a displaced body, moved in its document: meshes, offset frames, wrapping surfaces, muscles' points."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .displacement import Displacement
from .document_spans import Span, SplicedDocument
from .errors import InputError
from .geometry_reader import SHAPES
from .model_edits import body_fixed_angles
from .scalars import rigid_transform
from .types import Geometry, Marker, Model

Array = NDArray[np.float64]
_FRAME = "PhysicalOffsetFrame"
_POINTS = ("PathPoint", "ConditionalPathPoint")


def numbers(values: Array) -> str:
    """Numbers as text that reads back to the same numbers; no negative zero."""
    return " ".join(repr(float(value) + 0.0) for value in np.ravel(values))


def place_words(place: Array) -> tuple[str, str]:
    """Translation and body-fixed x-y-z angles of a frame [4, 4] as OpenSim's documents hold them."""
    return numbers(place[:3, 3]), numbers(body_fixed_angles(place[:3, :3]))


def move_drawn_things(
    document: SplicedDocument, root: Span, after: Model, places: Mapping[tuple[str, str], Array]
) -> None:
    """Put meshes and shapes where `after` has them: in an offset frame of their own, the present one if there is one.

    Raises:
        InputError: one is drawn in a way that cannot be placed (documents before OpenSim 4, frames within frames).
    """
    names = ("ground", *after.body_names)
    for body in dict.fromkeys(body for body, _ in places):
        node = next((each for each in root.objects("BodySet") if each.name == body), None)
        drawn = [g for g in after.geometry if names[g.body + 1] == body and (body, g.name) in places]
        if node is None:
            raise _error(document, f"the body '{body}' cannot be found in the document", None)
        added = [text for geometry in drawn if (text := _place_drawn(document, node, geometry))]
        if added:
            holder = node.child("components")
            text = "".join(added)
            document.append(holder or node, text if holder else f"<components>{text}</components>")


def _place_drawn(document: SplicedDocument, body: Span, geometry: Geometry) -> str:
    """Place one mesh; gives the new frame that this needs, "" for none."""
    for frame in (each for each in body.objects("components") if each.tag == _FRAME):
        shapes = [each for each in frame.objects("attached_geometry") if each.tag in SHAPES]
        if [each.name for each in shapes] == [geometry.name] and not frame.child("components"):
            translation, angles = place_words(geometry.transform)
            document.set_text(frame, "translation", translation)
            document.set_text(frame, "orientation", angles)
            return ""
    own = next((each for each in body.objects("attached_geometry") if each.name == geometry.name), None)
    socket = own.child("socket_frame") if own else None
    if own is None or (socket is not None and document.text(socket) not in ("..", f"/bodyset/{body.name}")):
        raise _error(document, f"'{geometry.name}' on the body '{body.name}' cannot be placed anew", own or body)
    document.remove(own)
    translation, angles = place_words(geometry.transform)
    mesh = document.source(own)
    if socket is not None:
        mesh = mesh.replace(document.source(socket), "<socket_frame>..</socket_frame>")
    return (
        f'<{_FRAME} name="{geometry.name}_frame"><attached_geometry>{mesh}</attached_geometry>'
        f"<socket_parent>..</socket_parent><translation>{translation}</translation>"
        f"<orientation>{angles}</orientation></{_FRAME}>"
    )


def name_meshes(document: SplicedDocument, root: Span, meshes: Mapping[tuple[str, str], str]) -> None:
    """Let meshes, by the names of their body and their own, be drawn from other files.

    Raises:
        InputError: a mesh that the document does not have in OpenSim 4's way.
    """
    for (body, name), file in meshes.items():
        node = next((each for each in root.objects("BodySet") if each.name == body), None)
        found = [each for each in (node.descendants() if node else ()) if each.tag == "Mesh" and each.name == name]
        if not found:
            raise _error(document, f"the mesh '{name}' of the body '{body}' cannot be found", node)
        document.set_text(found[0], "mesh_file", file)


def add_markers(document: SplicedDocument, root: Span, after: Model, markers: tuple[Marker, ...]) -> None:
    """Append markers to the model's set."""
    text = ""
    for marker in markers:
        body = after.body_names[marker.body]
        tag, place = ("socket_parent_frame", f"/bodyset/{body}") if after.version >= 40000 else ("body", body)
        text += (
            f'<Marker name="{marker.name}"><{tag}>{place}</{tag}>'
            f"<location>{numbers(marker.location)}</location><fixed>true</fixed></Marker>"
        )
    holder = root.child("MarkerSet")
    if text and holder is None:
        document.append(root, f'<MarkerSet name="markerset"><objects>{text}</objects></MarkerSet>')
    elif text and holder is not None:
        inner = holder.child("objects")
        document.append(inner or holder, text if inner else f"<objects>{text}</objects>")


def move_wraps_and_muscles(document: SplicedDocument, root: Span, body: str, displacement: Displacement) -> None:
    """Displace what a `Model` does not hold: wrapping surfaces, empty offset frames, and the points of muscles.

    Raises:
        InputError: a muscle's point that moves on the body by functions.
    """
    node = next((each for each in root.objects("BodySet") if each.name == body), None)
    if node is None:
        raise _error(document, f"the body '{body}' cannot be found in the document", None)
    for wrap in node.objects("WrapObjectSet"):
        if wrap.tag.startswith("Wrap"):
            _displace_frame(document, wrap, "xyz_body_rotation", displacement)
    for frame in node.objects("components"):
        if frame.tag == _FRAME and not frame.child("attached_geometry", "components"):
            _displace_frame(document, frame, "orientation", displacement)
    for point in root.descendants():
        if point.tag not in (*_POINTS, "MovingPathPoint") or not _is_on(document, point, body):
            continue
        if point.tag == "MovingPathPoint":
            raise _error(document, f"the point '{point.name}' of a muscle moves on '{body}' by functions", point)
        document.set_text(point, "location", numbers(displacement.points(_vector(document, point, "location"))))


def _displace_frame(document: SplicedDocument, node: Span, angles_tag: str, displacement: Displacement) -> None:
    place = rigid_transform(_vector(document, node, "translation"), _vector(document, node, angles_tag))
    translation, angles = place_words(displacement.at(place[:3, 3]) @ place)
    document.set_text(node, "translation", translation)
    document.set_text(node, angles_tag, angles)


def _is_on(document: SplicedDocument, point: Span, body: str) -> bool:
    holder = point.child("socket_parent_frame", "socket_parent_frame_connectee_name", "body")
    return holder is not None and document.text(holder).split("/")[-1] == body


def _vector(document: SplicedDocument, node: Span, tag: str) -> Array:
    child = node.child(tag)
    words = document.text(child).split() if child is not None else []
    return np.array([float(word) for word in words]) if len(words) == 3 else np.zeros(3)


def _error(document: SplicedDocument, problem: str, node: Span | None) -> InputError:
    path: Path = document.path
    line = None if node is None else node.line
    return InputError(problem, path=path, line=line, hint="open the model in OpenSim 4 and save it again")
