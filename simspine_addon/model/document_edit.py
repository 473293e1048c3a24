"""An edited model written into a copy of the document that it was read from: what is not edited stays byte for byte."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .atomic import atomic_path
from .document import read_model
from .document_displaced import add_markers, move_drawn_things, move_wraps_and_muscles, name_meshes, numbers
from .document_spans import Span, SplicedDocument
from .errors import InputError
from .geometry_reader import SHAPES
from .joint_reader import AXES
from .model_edits import ModelEdits, body_fixed_angles, edited_model, translation_factors
from .types import GROUND, Body, Joint, Model

Array = NDArray[np.float64]
_TOLERANCE = 1e-12  # m and 1: between the edited model and what is read back
_SOCKETS = {"parent": "socket_parent_frame", "child": "socket_child_frame"}
_OLD_PLACES = {
    "parent": (("location_in_parent",), ("orientation_in_parent",)),
    "child": (("location_in_child", "location"), ("orientation_in_child", "orientation")),
}


@dataclass(frozen=True, slots=True)
class DocumentNote:
    """What is written besides edits: a comment at the model's end and a sentence of its credits, both in ASCII.

    OpenSim drops comments when it saves a model, and keeps credits. `document` is what is edited: the content of the
    model's file, or another one that the model was read from.
    """

    document: bytes
    comment: str
    credit: str


def write_edited(model: Model, edits: ModelEdits, output: str | Path, note: DocumentNote | None = None) -> Model:
    """Make the edits in the document of `model` and write the result; gives the model read back from it.

    Comments, order, spacing and everything that SimSpine does not represent (forces, controllers, wrapping) are kept.
    What was written is read again and compared with `edited_model(model, edits)` before it gets its name.

    Raises:
        InputError: the model was not read from a file, meshes are to be bent, the document says something in a way that
            cannot be edited, or `output` cannot be written.
    """
    if model.path is None:
        raise InputError("the model was not read from a file, so there is no document to edit")
    if edits.bent:
        raise InputError("a document cannot bend a mesh", path=model.path, hint="write bent meshes and name these")
    wanted = edited_model(model, edits)
    document = _Editor(model, edits, note).edited()
    with atomic_path(output) as temporary:
        temporary.write_bytes(document)
        found = read_model(temporary)
        if edits.geometry:  # what is drawn in another place may stand in another place of the document
            wanted, found = _by_name(wanted), _by_name(found)
        problem = difference(wanted, found)
        if problem:
            raise InputError(
                f"the edit cannot be written into this document ({problem})",
                path=model.path,
                hint="open the model in OpenSim 4 and save it again",
            )
    return read_model(output)


def _by_name(model: Model) -> Model:
    return replace(model, geometry=tuple(sorted(model.geometry, key=lambda each: (each.body, each.name))))


def difference(one: Any, other: Any, where: str = "model", tolerance: float = _TOLERANCE) -> str | None:
    """The first place where two models differ by more than `tolerance`; None where they are the same but for paths."""
    if is_dataclass(one) and not isinstance(one, type):
        if type(one) is not type(other):
            return f"{where} is a {type(other).__name__}, not a {type(one).__name__}"
        names = [field.name for field in fields(one) if field.name not in ("path", "warnings")]
        pairs = [(getattr(one, name), getattr(other, name), f"{where}.{name}") for name in names]
    elif isinstance(one, tuple) and isinstance(other, tuple):
        if len(one) != len(other):
            return f"{where} has {len(other)} entries, not {len(one)}"
        pairs = [(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(one, other, strict=True))]
    elif isinstance(one, np.ndarray | float) and isinstance(other, np.ndarray | float):
        same = np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=tolerance, atol=tolerance)
        return None if same else where
    else:
        return None if one == other else where
    return next((text for a, b, place in pairs if (text := difference(a, b, place, tolerance))), None)


class _Editor:
    def __init__(self, model: Model, edits: ModelEdits, note: DocumentNote | None) -> None:
        assert model.path is not None
        self.model, self.edits, self.note = model, edits, note
        self.document = SplicedDocument(model.path, None if note is None else note.document)
        root = self.document.root
        self.root = root if root.tag == "Model" else root.child("Model") or root
        self.after = edited_model(model, edits)

    def edited(self) -> bytes:
        for name, scale in self.edits.scales.items():
            self._scale_body(name, scale)
        for before, after in zip(self.model.joints, self.after.joints, strict=True):
            self._place_joint(before, after)
        for name in self.edits.couplers:
            self._couple(name)
        for marker in self.after.markers:
            if marker.name in self.edits.markers:
                self._move_marker(marker.name, self.model.body_names[marker.body], marker.location)
        add_markers(self.document, self.root, self.after, self.edits.added)
        move_drawn_things(self.document, self.root, self.after, self.edits.geometry)
        name_meshes(self.document, self.root, self.edits.meshes)
        for name, displacement in self.edits.displaced.items():
            body = self.after.bodies[self.model.body_names.index(name)]
            self._place_mass(self._named("body", name, ("BodySet",), "Body"), body)
            move_wraps_and_muscles(self.document, self.root, name, displacement)
        self._check_forces()
        if self.note is not None:
            self._write_note(self.note)
        return self.document.result()

    def _write_note(self, note: DocumentNote) -> None:
        credits = self.root.child("credits")
        if credits is None or credits.inner == credits.end:
            self.document.set_text(self.root, "credits", note.credit)
        else:
            self.document.replace(credits.close, credits.close, f" {note.credit}")
        self.document.append(self.root, f"<!--{note.comment}-->")

    def _error(self, problem: str, node: Span | None = None) -> InputError:
        line = None if node is None else node.line
        return InputError(
            problem, path=self.document.path, line=line, hint="open the model in OpenSim 4 and save it again"
        )

    def _named(self, what: str, name: str, sets: tuple[str, ...], suffix: str = "") -> Span:
        found = [node for tag in (*sets, "components") for node in self.root.objects(tag)]
        found += [node for body in self.root.objects("BodySet") for node in body.objects("Joint")]
        for node in found:
            if node.name == name and node.tag.endswith(suffix):
                return node
        raise self._error(f"the {what} '{name}' cannot be found in the document")

    # joints

    def _place_joint(self, before: Joint, after: Joint) -> None:
        moved = [
            side
            for side, a, b in (
                ("parent", before.parent_offset, after.parent_offset),
                ("child", before.child_offset, after.child_offset),
            )
            if not np.array_equal(a, b)
        ]
        factors = translation_factors(self.model, before, self.edits.scales)
        welded = before.name in self.edits.welded
        if not moved and not factors and not welded:
            return
        node = self._named("joint", before.name, ("JointSet",), "Joint")
        swapped = before.reversed != (self._word(node, "reverse") == "true")
        added = []
        for side in moved:
            body = before.parent if side == "parent" else before.child
            frame = after.parent_offset if side == "parent" else after.child_offset
            own = {"parent": "child", "child": "parent"}[side] if swapped else side
            added.append(self._place_frame(node, own, body, frame))
        if any(added):
            holder = node.child("frames")
            text = "".join(added)
            self.document.append(holder or node, text if holder else f"<frames>{text}</frames>")
        if welded:
            for tag in ("coordinates", "CoordinateSet", "SpatialTransform"):
                child = node.child(tag)
                if child is not None:
                    self.document.remove(child)
            self.document.rename(node, "WeldJoint")
            return
        for index, factor in factors.items():
            self._scale_translation(node, index, factor)

    def _word(self, node: Span, tag: str) -> str:
        child = node.child(tag)
        return "" if child is None else self.document.text(child)

    def _place_frame(self, joint: Span, side: str, body: int, frame: Array) -> str:
        """Place the joint's frame on one side; gives the new offset frame that this needs, "" for none."""
        translation, angles = numbers(frame[:3, 3]), numbers(body_fixed_angles(frame[:3, :3]))
        socket = joint.child(_SOCKETS[side])
        if socket is None:
            if joint.child(f"{_SOCKETS[side]}_connectee_name") or joint.child("connectors"):
                raise self._error(f"the joint '{joint.name}' is written as in OpenSim 4.0 beta", joint)
            locations, orientations = _OLD_PLACES[side]
            for tags, text in ((locations, translation), (orientations, angles)):
                present = joint.child(*tags)
                # `location` (before 3.0 also of the child) is kept where the document has it
                self.document.set_text(joint, present.tag if present else self._old_tag(joint, tags), text)
            return ""
        name = self.model.body_names[body] if body != GROUND else "ground"
        own = next((f for f in joint.objects("frames") if f.name == self.document.text(socket)), None)
        if own is not None and self._hangs_on(own, name) and not own.child("attached_geometry", "components"):
            self.document.set_text(own, "translation", translation)
            self.document.set_text(own, "orientation", angles)
            return ""
        path = "/ground" if body == GROUND else f"/bodyset/{name}"
        label = f"{name}_in_{joint.name}"
        self.document.set_text(joint, _SOCKETS[side], label)
        return (
            f'<PhysicalOffsetFrame name="{label}"><socket_parent>{path}</socket_parent>'
            f"<translation>{translation}</translation><orientation>{angles}</orientation></PhysicalOffsetFrame>"
        )

    @staticmethod
    def _old_tag(joint: Span, tags: tuple[str, ...]) -> str:
        """Where the document leaves a zero out: "location" belongs to documents whose bodies own their joints."""
        owned = joint.parent is not None and joint.parent.tag == "Joint"
        return tags[-1] if owned else tags[0]

    def _hangs_on(self, frame: Span, body: str) -> bool:
        return self._word(frame, "socket_parent").split("/")[-1] == body

    def _scale_translation(self, joint: Span, index: int, factor: float) -> None:
        transform = joint.child("SpatialTransform")
        axis = next((a for a in transform.children if a.name == AXES[index]), None) if transform else None
        holder = axis and (axis.child("function") or axis)
        function = next((c for c in holder.children if c.tag not in ("coordinates", "axis")), None) if holder else None
        if function is None:
            raise self._error(f"the translation of the joint '{joint.name}' cannot be scaled", joint)
        self.document.replace(function.start, function.start, '<MultiplierFunction name="function"><function>')
        tail = f"</function><scale>{float(factor)!r}</scale></MultiplierFunction>"
        self.document.replace(function.end, function.end, tail)

    # bodies

    def _scale_body(self, name: str, scale: Array) -> None:
        node = self._named("body", name, ("BodySet",), "Body")
        index = self.model.body_names.index(name)
        self.document.set_text(node, "mass", numbers(np.array([self.after.bodies[index].mass])))
        self._place_mass(node, self.after.bodies[index])
        self._scale_geometry(node, scale)
        kept = self.after.markers[: len(self.model.markers)]  # what is added stands behind
        for marker, after in zip(self.model.markers, kept, strict=True):
            if marker.body == index:
                self._move_marker(marker.name, name, after.location)

    def _place_mass(self, node: Span, body: Body) -> None:
        self.document.set_text(node, "mass_center", numbers(body.mass_center))
        if node.child("inertia") is not None:
            self.document.set_text(node, "inertia", numbers(body.inertia))
        else:
            for tag, value in zip(("xx", "yy", "zz", "xy", "xz", "yz"), body.inertia, strict=True):
                self.document.set_text(node, f"inertia_{tag}", numbers(np.array([value])))

    def _scale_geometry(self, owner: Span, scale: Array) -> None:
        for shape in owner.objects("attached_geometry"):
            if shape.tag in SHAPES:
                self._multiply(shape, "scale_factors", scale)
        visible = owner.child("VisibleObject")
        if visible is not None:
            self._multiply(visible, "scale_factors", scale)
            for node in (visible, *visible.objects("GeometrySet")):
                if self._word(node, "transform"):
                    self._multiply(node, "transform", np.concatenate([np.ones(3), scale]))
        for tag in ("components", "frames"):
            for frame in owner.objects(tag):
                if frame.tag == "PhysicalOffsetFrame":
                    self._multiply(frame, "translation", scale, np.zeros(3))
                    self._scale_geometry(frame, scale)

    def _multiply(self, owner: Span, tag: str, factors: Array, missing: Array | None = None) -> None:
        words = self._word(owner, tag).split()
        values = np.array([float(w) for w in words]) if words else (np.ones(3) if missing is None else missing)
        self.document.set_text(owner, tag, numbers(values * factors))

    def _move_marker(self, name: str, body: str, location: Array) -> None:
        node = self._named("marker", name, ("MarkerSet",), "Marker")
        places = ("socket_parent_frame", "socket_parent_frame_connectee_name", "reference_frame", "body")
        holder = node.child(*places)
        if holder is None or self.document.text(holder).split("/")[-1] != body:
            raise self._error(f"the marker '{name}' is fixed to a frame on the body, not to the body", node)
        self.document.set_text(node, "location", numbers(location))

    # couplers

    def _couple(self, name: str) -> None:
        node = self._named("coupler", name, ("ConstraintSet",), "CoordinateCouplerConstraint")
        led = self.edits.couplers[name]
        if led is None:
            self.document.remove(node)
            return
        line = f"<coefficients>{led.slope!r} {led.offset!r}</coefficients>"
        self.document.set_text(node, "coupled_coordinates_function", f"<LinearFunction>{line}</LinearFunction>")
        self.document.set_text(node, "independent_coordinate_names", led.independent)
        self.document.set_text(node, "scale_factor", "1")

    def _check_forces(self) -> None:
        """Nothing else may speak of a coordinate that is gone."""
        gone = set(self.model.coordinate_names) - set(self.after.coordinate_names)
        for holder in self.root.children if gone else ():
            if holder.tag in ("JointSet", "ConstraintSet", "BodySet"):
                continue
            for node in holder.descendants():
                if not node.children and self.document.text(node).split("/")[-1] in gone:
                    owner = node.parent or node
                    raise InputError(
                        f"{owner.tag} '{owner.name}' acts on '{self.document.text(node)}', which a fused level loses",
                        path=self.document.path,
                        line=node.line,
                        hint="remove it from the model first",
                    )
