"""What `deform` notes in the document that it writes: the pathology, and the document as it was, so that whoever needs
the straight model (an avatar is fitted to it, and then bent) has it again.

The note is a comment: the pathology's table, then the straight document, compressed. So it depends neither on another
file nor on where in this one the edits stand. Whether the model still is what the pathology makes of the straight one
is found by making it once more. OpenSim drops comments when it saves; the sentence in the model's credits, which it
keeps, then tells that there has been one.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import textwrap
import zlib
from dataclasses import dataclass, replace
from typing import Any

from ..kinematics.pose_track import PoseTrack
from ..model.document import read_model
from ..model.document_edit import DocumentNote, difference
from ..model.errors import InputError
from ..model.model_edits import edited_model
from ..model.types import Model
from ..model.xml_tree import MAX_BYTES
from .pathology import Pathology
from .pathology_apply import Deformity, bent_from, deformity, upright_model
from .pathology_table import pathology_from_table, table_of

_COMMENT = re.compile(rb"<!--simspine deform (\{.*?\})\s+([A-Za-z0-9+/=\s]+)-->", re.DOTALL)
_CREDIT = b"Deformed by simspine deform:"
_LINE = 120
_TOLERANCE = 1e-6  # m and 1: what other machines' arithmetic may make of the same edits, far less than is seen
_ANEW = "deform the straight model anew"


@dataclass(frozen=True, slots=True)
class Straightened:
    """A deformed model's straight one, what was done to it, and how.

    `model` has the place of the deformed one, `document` is its content.
    """

    model: Model
    document: bytes
    pathology: Pathology
    made: Deformity

    @property
    def built(self) -> Model:
        """Whom an avatar is fitted to before it is bent: with the pathology's legs, without its curve."""
        return upright_model(self.model, self.pathology)

    def rested(self, track: PoseTrack) -> PoseTrack:
        """The track of the deformed model as an avatar that is fitted to `built` has to take it.

        Raises:
            InputError: the track is not of this model's bodies.
        """
        if track.names != self.model.body_names:
            raise InputError("the motion is not of the deformed model's bodies", path=self.model.path)
        return bent_from(track, self.built, self.made.thorax)


def note_of(pathology: Pathology, document: bytes) -> DocumentNote:
    """What is written into a document that gets a pathology: `document` is the straight one."""
    table = json.dumps(table_of(pathology)).replace("--", "-\\u002d")  # which no comment may hold
    packed = base64.b64encode(zlib.compress(document, 9)).decode("ascii")
    lines = "\n".join(textwrap.wrap(packed, _LINE))
    return DocumentNote(document, f"simspine deform {table}\n{lines}\n", f"{_CREDIT.decode()} {table}")


def is_deformed(model: Model) -> bool:
    """Whether the model's document says that `deform` wrote it."""
    content = _content(model)
    return _COMMENT.search(content) is not None or _CREDIT in content


def straightened(model: Model) -> Straightened | None:
    """The straight model of one that `deform` has written; None where it has not written it.

    Args:
        model: as it was read from its file.

    Raises:
        InputError: the model is deformed, but its note is gone or damaged, or the model was changed since.
    """
    content = _content(model)
    found = _COMMENT.search(content)
    if found is None:
        if _CREDIT not in content:
            return None
        problem = "is deformed, but what simspine deform noted of it was dropped or damaged since (OpenSim keeps none)"
        raise InputError(problem, path=model.path, hint=_ANEW)
    assert model.path is not None
    pathology, document = _read(found, model)
    straight = read_model(model.path, document)
    made = deformity(straight, pathology)
    changed = _changed(edited_model(straight, made.edits), model)
    if changed:
        problem = f"is deformed, but {changed} is not as its pathology makes it (changed, or by another version)"
        raise InputError(problem, path=model.path, hint=_ANEW)
    return Straightened(straight, document, pathology, made)


def combined(before: Pathology, more: Pathology) -> Pathology:
    """Two pathologies as one, of the same straight model: curves side by side, changes added.

    Raises:
        InputError: both have a leg, or they are balanced differently.
    """
    if before.leg_length and more.leg_length:
        raise InputError("the model already has a longer or shorter leg", hint=_ANEW)
    if before.balance != more.balance:
        problem = f"the model was deformed with balance '{before.balance}', and now it is '{more.balance}'"
        raise InputError(problem, hint=f"ask for '{before.balance}' too, or {_ANEW}")
    return Pathology(
        curves=(*before.curves, *more.curves),
        lordosis_deg=before.lordosis_deg + more.lordosis_deg,
        kyphosis_deg=before.kyphosis_deg + more.kyphosis_deg,
        leg_length=before.leg_length or more.leg_length,
        fused=tuple(dict.fromkeys((*before.fused, *more.fused))),
        balance=before.balance,
        thorax="curved" if "curved" in (before.thorax, more.thorax) else "auto",
    )


def _content(model: Model) -> bytes:
    """Of the model's file; nothing where it has none or no longer."""
    return model.path.read_bytes() if model.path is not None and model.path.is_file() else b""


def _read(found: re.Match[bytes], model: Model) -> tuple[Pathology, bytes]:
    """The pathology and the straight document of a comment."""
    try:
        unpacking = zlib.decompressobj()
        document = unpacking.decompress(base64.b64decode(b"".join(found.group(2).split()), validate=True), MAX_BYTES)
        if not unpacking.eof:
            raise zlib.error("cut off")
        return pathology_from_table(json.loads(found.group(1)), "the pathology"), document
    except (binascii.Error, zlib.error, ValueError) as error:
        raise InputError(
            f"is deformed, but what simspine deform noted of it is damaged ({error})", path=model.path, hint=_ANEW
        ) from error


def _changed(wanted: Model, found: Model) -> str | None:
    """What of the model is not as it was written, as far as avatars depend on it; None where nothing is."""
    for what, one, other in (
        ("body", wanted.body_names, found.body_names),
        ("coordinate", wanted.coordinate_names, found.coordinate_names),
        ("constraint", tuple(c.name for c in wanted.couplers), tuple(c.name for c in found.couplers)),
    ):
        if one != other:
            odd = next(iter([name for name in (*one, *other) if (name in one) != (name in other)] or [*one, "order"]))
            return f"the {what} '{odd}'"
    limits = [
        replace(a, range=b.range, clamped=b.clamped, locked=b.locked, prescribed=b.prescribed)
        for a, b in zip(wanted.coordinates, found.coordinates, strict=True)
    ]
    markers = {marker.name: marker for marker in found.markers}
    pairs = [
        *(("joint", a, b) for a, b in zip(wanted.joints, found.joints, strict=True)),
        *(("coordinate", a, b) for a, b in zip(limits, found.coordinates, strict=True)),
        *(("constraint", a, b) for a, b in zip(wanted.couplers, found.couplers, strict=True)),
        *(("marker", replace(a, fixed=True), _fixed(markers.get(a.name))) for a in wanted.markers),
    ]
    for what, one, other in pairs:
        if difference(one, other, tolerance=_TOLERANCE):
            return f"the {what} '{one.name}'"
    masses = zip(wanted.bodies, found.bodies, strict=True)
    heavy = next((a.name for a, b in masses if difference(a.mass, b.mass, tolerance=_TOLERANCE)), None)
    return None if heavy is None else f"the mass of '{heavy}'"


def _fixed(marker: Any) -> Any:
    return marker and replace(marker, fixed=True)
