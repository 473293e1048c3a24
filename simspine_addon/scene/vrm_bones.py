"""The bone map that a VRM avatar brings in its own document: humanoid bones by node, whatever their names."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from ..model.errors import InputError
from ..retarget.roles import SIDES, RoleMap

_MAGIC, _JSON_CHUNK = 0x46546C67, 0x4E4F534A  # "glTF", "JSON"
# Roles by humanoid bone (VRM 1.0 and 0.x, "humanoid.humanBones"); alternatives are the two versions' names of a bone.
_TRUNK = {"pelvis": ("hips",), "spine": ("spine", "chest", "upperChest"), "neck": ("neck",), "head": ("head",)}
_LIMBS = {
    "clavicle": ("Shoulder",),
    "upper_arm": ("UpperArm",),
    "forearm": ("LowerArm",),
    "hand": ("Hand",),
    "thigh": ("UpperLeg",),
    "shin": ("LowerLeg",),
    "foot": ("Foot",),
    "toes": ("Toes",),
    "index": ("IndexProximal", "IndexIntermediate", "IndexDistal"),
    "middle": ("MiddleProximal", "MiddleIntermediate", "MiddleDistal"),
    "ring": ("RingProximal", "RingIntermediate", "RingDistal"),
    "little": ("LittleProximal", "LittleIntermediate", "LittleDistal"),
}
_THUMBS = (("ThumbMetacarpal", "ThumbProximal", "ThumbDistal"), ("ThumbProximal", "ThumbIntermediate", "ThumbDistal"))


def vrm_role_map(path: str | Path) -> RoleMap | None:
    """The roles of a .vrm file's nodes; None where the file has no humanoid.

    Raises:
        InputError: the file is no binary glTF, or its document is no JSON.
    """
    document = _document(Path(path))
    bones = _human_bones(document)
    nodes = document.get("nodes", [])
    names = {
        bone: str(nodes[node].get("name", ""))
        for bone, node in bones.items()
        if isinstance(node, int) and 0 <= node < len(nodes)
    }
    roles = {role: tuple(names[bone] for bone in wanted if bone in names) for role, wanted in _TRUNK.items()}
    for side in SIDES:
        for part, wanted in _LIMBS.items():
            roles[f"{side}_{part}"] = tuple(names[side + bone] for bone in wanted if side + bone in names)
        thumbs = _THUMBS[0] if f"{side}ThumbMetacarpal" in names else _THUMBS[1]
        roles[f"{side}_thumb"] = tuple(names[side + bone] for bone in thumbs if side + bone in names)
    found = RoleMap({role: bones for role, bones in roles.items() if bones}, "vrm humanoid")
    return None if found.missing() else found


def _document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            magic, _, _ = struct.unpack("<III", file.read(12))
            length, kind = struct.unpack("<II", file.read(8))
            if magic != _MAGIC or kind != _JSON_CHUNK:
                raise InputError("is no binary glTF", path=path, hint="export it again as VRM")
            document = json.loads(file.read(length))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path) from error
    except (struct.error, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("is no binary glTF", path=path, hint="export it again as VRM") from error
    if not isinstance(document, dict):
        raise InputError("is no binary glTF", path=path, hint="export it again as VRM")
    return document


def _human_bones(document: dict[str, Any]) -> dict[str, int]:
    """Node of each humanoid bone."""
    extensions = document.get("extensions", {})
    newer = extensions.get("VRMC_vrm", {}).get("humanoid", {}).get("humanBones")
    if isinstance(newer, dict):
        return {str(bone): entry.get("node", -1) for bone, entry in newer.items() if isinstance(entry, dict)}
    older = extensions.get("VRM", {}).get("humanoid", {}).get("humanBones")
    if isinstance(older, list):
        return {str(entry.get("bone", "")): entry.get("node", -1) for entry in older if isinstance(entry, dict)}
    return {}
