"""What Blender's FBX exporter cannot leave out or say exactly, mended in the file that it wrote.

Reading and writing the elements is left to the modules of Blender's own FBX add-on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_CENTIMETRE = 1.0  # FBX counts in centimetres
_NOT_SCALED = 1e-4


@dataclass(slots=True)
class FbxElement:
    """One element of a binary FBX file: values with their type letters, and the elements inside."""

    name: bytes
    values: list[Any]
    types: bytes
    inner: list[FbxElement] = field(default_factory=list)

    def find(self, name: bytes) -> FbxElement | None:
        """The first element inside of this name."""
        return next((element for element in self.inner if element.name == name), None)

    def all(self, name: bytes) -> list[FbxElement]:
        """The elements inside of this name."""
        return [element for element in self.inner if element.name == name]


def read_fbx(path: Path) -> tuple[FbxElement, int]:
    """The elements of a binary FBX file under one nameless root, and the file's version."""
    from io_scene_fbx import parse_fbx  # type: ignore[import-not-found]

    root, version = parse_fbx.parse(str(path))
    return _element(root), version


def write_fbx(path: Path, root: FbxElement, version: int) -> None:
    """Write elements as a binary FBX file."""
    from io_scene_fbx import encode_bin  # type: ignore[import-not-found]

    encode_bin.write(str(path), _encoded(root, encode_bin), version)


def mend_fbx(source: Path, target: Path, *, object_node: str | None) -> None:
    """Write a mended copy of a file of Blender's exporter.

    The unit is exactly a centimetre and no node is scaled, where single precision left 0.9999999 of both; there are no
    keys for such scales. The file's time span is that of its take. With `object_node`, the node of the
    armature object (of that name) goes, and the bones stand at the top: programs take it for a bone otherwise.
    """
    root, version = read_fbx(source)
    for scale in _properties(root.find(b"GlobalSettings"), (b"UnitScaleFactor", b"OriginalUnitScaleFactor")):
        scale.values[-1] = _CENTIMETRE
    _span_the_take(root)
    _remove_still_scales(root)
    if object_node is not None:
        _remove_node(root, object_node.encode())
    write_fbx(target, root, version)


def _properties(element: FbxElement | None, names: tuple[bytes, ...]) -> list[FbxElement]:
    table = element.find(b"Properties70") if element is not None else None
    return [each for each in table.inner if each.values[0] in names] if table is not None else []


def _span_the_take(root: FbxElement) -> None:
    objects = root.find(b"Objects")
    take = objects.find(b"AnimationStack") if objects is not None else None
    stops = _properties(take, (b"LocalStop",))
    for span in _properties(root.find(b"GlobalSettings"), (b"TimeSpanStop",)):
        span.values[-1] = stops[0].values[-1] if stops else 0


def _remove_still_scales(root: FbxElement) -> None:
    """Scales that are 1 but for rounding: exactly 1, and no curves for them."""
    objects, connections = root.find(b"Objects"), root.find(b"Connections")
    if objects is None or connections is None:
        return
    curves = {each.values[0]: each for each in objects.all(b"AnimationCurve")}
    scales = {each.values[0] for each in objects.all(b"AnimationCurveNode") if each.values[1].split(b"\0")[0] == b"S"}
    above = {each.values[1]: each.values[2] for each in connections.inner if each.values[1] in curves}
    moving = {above[curve] for curve, element in curves.items() if above.get(curve) in scales and _is_scaled(element)}
    gone = scales - moving
    gone |= {curve for curve, node in above.items() if node in gone}
    _drop(root, objects, connections, gone)
    for model in objects.all(b"Model"):
        for scale in _properties(model, (b"Lcl Scaling",)):
            if all(abs(value - 1.0) < _NOT_SCALED for value in scale.values[-3:]):
                scale.values[3:] = [b"A", 1.0, 1.0, 1.0]


def _is_scaled(curve: FbxElement) -> bool:
    values = curve.find(b"KeyValueFloat")
    return values is not None and any(abs(value - 1.0) > _NOT_SCALED for value in values.values[0])


def _drop(root: FbxElement, objects: FbxElement, connections: FbxElement, gone: set[int]) -> None:
    """Remove objects and everything that is connected to or by them."""
    connections.inner = [each for each in connections.inner if not gone & {each.values[1], each.values[2]}]
    objects.inner = [each for each in objects.inner if each.values[0] not in gone]
    _recount(root, objects)


def _remove_node(root: FbxElement, name: bytes) -> None:
    objects, connections = root.find(b"Objects"), root.find(b"Connections")
    if objects is None or connections is None:
        return
    node = next(
        (each.values[0] for each in objects.all(b"Model") if _is_null(each) and each.values[1].split(b"\0")[0] == name),
        None,
    )
    if node is None:
        return
    models = {each.values[0] for each in objects.all(b"Model")}
    gone = {node}
    # What belongs to the node alone: its attribute, its curve nodes, and their curves.
    for _ in range(2):
        gone |= {
            each.values[1] for each in connections.inner if each.values[2] in gone and each.values[1] not in models
        }
    for connection in connections.inner:
        if connection.values[2] == node and connection.values[1] in models:
            connection.values[2] = 0
    for pose in objects.all(b"Pose"):
        pose.inner = [each for each in pose.inner if each.name != b"PoseNode" or _node_of(each) != node]
        count = pose.find(b"NbPoseNodes")
        if count is not None:
            count.values[0] = len(pose.all(b"PoseNode"))
    _drop(root, objects, connections, gone)


def _is_null(model: FbxElement) -> bool:
    return model.values[2] == b"Null"


def _node_of(pose_node: FbxElement) -> int:
    node = pose_node.find(b"Node")
    return node.values[0] if node is not None else -1


def _recount(root: FbxElement, objects: FbxElement) -> None:
    """The numbers of objects that the file gives in its Definitions; one of each goes to the global settings."""
    definitions = root.find(b"Definitions")
    if definitions is None:
        return
    total = 0
    for kind in definitions.all(b"ObjectType"):
        count = kind.find(b"Count")
        if count is not None and kind.values[0] != b"GlobalSettings":
            count.values[0] = len(objects.all(kind.values[0]))
        total += count.values[0] if count is not None else 0
    whole = definitions.find(b"Count")
    if whole is not None:
        whole.values[0] = total


def _element(parsed: Any) -> FbxElement:
    inner = [_element(each) for each in parsed.elems if each is not None]
    return FbxElement(parsed.id, list(parsed.props), bytes(parsed.props_type), inner)


def _encoded(element: FbxElement, encode_bin: Any) -> Any:
    encoded = encode_bin.FBXElem(element.name)
    for value, letter in zip(element.values, element.types, strict=True):
        writer: Callable[[Any], None] = getattr(encoded, _WRITERS[chr(letter)])
        writer(value)
    encoded.elems = [_encoded(each, encode_bin) for each in element.inner]
    return encoded


_WRITERS = {
    "B": "add_bool",
    "C": "add_char",
    "Z": "add_int8",
    "Y": "add_int16",
    "I": "add_int32",
    "L": "add_int64",
    "F": "add_float32",
    "D": "add_float64",
    "R": "add_bytes",
    "S": "add_string",
    "i": "add_int32_array",
    "l": "add_int64_array",
    "f": "add_float32_array",
    "d": "add_float64_array",
    "b": "add_bool_array",
    "c": "add_byte_array",
}
